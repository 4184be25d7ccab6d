/* SPDX-License-Identifier: MIT */
/* Tailwind speaks our own tokens: every colour is a CSS variable of src/style.css. */
const token = (name) => `var(--${name})`

export default {
  content: ['./src/**/*.{ts,tsx,html}'],
  theme: {
    colors: {
      transparent: 'transparent',
      current: 'currentColor',
      page: token('page'),
      panel: token('panel'),
      raised: token('raised'),
      sunken: token('sunken'),
      line: token('line'),
      strong: token('line-strong'),
      ink: token('ink'),
      soft: token('ink-soft'),
      accent: token('accent'),
      'accent-ink': token('accent-ink'),
      'on-accent': token('on-accent'),
      good: token('good'),
      bad: token('bad'),
      warn: token('warn'),
    },
    fontFamily: { sans: token('font'), mono: token('font-mono') },
    extend: {
      borderRadius: { card: '14px', field: '10px' },
      maxWidth: { page: '76rem', prose: '46rem' },
      screens: { xs: '420px' },
    },
  },
  corePlugins: { container: false },
}
