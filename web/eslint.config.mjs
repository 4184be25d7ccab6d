/* SPDX-License-Identifier: MIT */
/* What eslint refuses in the page: beyond the usual, `any`, floating promises and raw HTML. */
import js from '@eslint/js'
import tseslint from 'typescript-eslint'

const rawHtml = [
  {
    selector: "MemberExpression[property.name='innerHTML']",
    message: 'Only src/text.ts makes HTML, and it needs none.',
  },
  {
    selector: "MemberExpression[property.name='outerHTML']",
    message: 'Only src/text.ts makes HTML.',
  },
  {
    selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
    message: 'Use <Markdown>, which is sanitised.',
  },
  {
    selector: "CallExpression[callee.name='fetch']",
    message: 'Only src/api.ts talks to the server.',
  },
]

export default tseslint.config(
  { ignores: ['node_modules/', '**/*.cjs'] },
  js.configs.recommended,
  {
    files: ['src/**/*.ts', 'src/**/*.tsx'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      'no-restricted-syntax': ['error', ...rawHtml],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  { files: ['src/api.ts'], rules: { 'no-restricted-syntax': ['error', ...rawHtml.slice(0, 3)] } },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: {
        console: 'readonly',
        process: 'readonly',
        Buffer: 'readonly',
        URL: 'readonly',
        performance: 'readonly',
        structuredClone: 'readonly',
        setTimeout: 'readonly',
      },
    },
  },
)
