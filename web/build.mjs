/* SPDX-License-Identifier: MIT */
/*
 * build.mjs - the page's sources -> $OUT (default ../build/web): index.html and assets/NAME-HASH.*,
 * each with a .br and a .gz sibling when that is smaller, and the licences of what is inside.
 */
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, mkdirSync, writeFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import * as esbuild from 'esbuild'
import postcss from 'postcss'
import tailwindcss from 'tailwindcss'

const here = dirname(fileURLToPath(import.meta.url))
const out = resolve(here, process.env.OUT ?? '../build/web')
const target = ['es2021', 'chrome100', 'firefox100', 'safari15.4']

/* Writes assets/NAME-HASH.EXT and returns its address. */
function writeAsset(name, extension, bytes) {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 10)
  const path = `assets/${name}-${hash}.${extension}`
  writeFileSync(join(out, path), bytes)
  return `/${path}`
}

/* In this order; one sheet comes of them. */
const styleFiles = [
  'style.css',
  'style/parts.css',
  'style/screens.css',
  'style/markdown.css',
  'style/room.css',
]

async function buildStyle() {
  const plot = readFileSync(join(here, 'node_modules/uplot/dist/uPlot.min.css'), 'utf8')
  const own = styleFiles.map((name) => readFileSync(join(here, 'src', name), 'utf8')).join('\n')
  const config = join(here, 'tailwind.config.mjs')
  const made = await postcss([tailwindcss(config)]).process(plot + own, { from: undefined })
  const small = await esbuild.transform(made.css, { loader: 'css', minify: true, target })
  return writeAsset('style', 'css', small.code)
}

const scriptOptions = {
  absWorkingDir: here,
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  minify: true,
  target,
  entryNames: 'assets/[name]-[hash]',
  chunkNames: 'assets/[name]-[hash]',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  metafile: true,
  define: { 'process.env.NODE_ENV': '"production"' },
}

/* What shares nothing with the first screen: the graph, Markdown, and every language but English. */
function lazyEntries() {
  const languages = readdirSync(join(here, 'src/i18n')).filter((f) => !/^(en|index)\.ts$/.test(f))
  return ['src/lazy/plot.ts', 'src/lazy/markdown.ts', ...languages.map((f) => `src/i18n/${f}`)]
}

function packagesOf(...builds) {
  const packages = new Set()
  for (const { metafile } of builds) {
    for (const input of Object.keys(metafile.inputs)) {
      const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)
      if (found !== null) packages.add(found[1])
    }
  }
  return [...packages].sort()
}

/* source file -> address, of the entry points of a build */
function addressesOf(build) {
  const entries = Object.entries(build.metafile.outputs).filter(([, o]) => o.entryPoint)
  return new Map(
    entries.map(([path, o]) => [o.entryPoint, `/${relative(out, resolve(here, path))}`]),
  )
}

/*
 * Two builds, so that the first screen is as few files as can be: what the lazy entries share among
 * themselves is in files of their own, and the first screen names them by address only.
 */
async function buildScript(icon) {
  const lazy = await esbuild.build({ ...scriptOptions, entryPoints: lazyEntries() })
  const addresses = addressesOf(lazy)
  const byAddress = {
    name: 'lazy-by-address',
    setup(build) {
      build.onResolve({ filter: /^\.\.?\// }, (args) => {
        if (args.kind !== 'dynamic-import') return undefined
        const file = `${relative(here, resolve(args.resolveDir, args.path))}.ts`
        const address = addresses.get(file)
        return address === undefined ? undefined : { path: address, external: true }
      })
    },
  }
  const first = await esbuild.build({
    ...scriptOptions,
    entryPoints: ['src/main.tsx'],
    define: { ...scriptOptions.define, ICON_ADDRESS: JSON.stringify(icon) },
    plugins: [byAddress],
  })
  const main = Object.entries(first.metafile.outputs).find(
    ([, o]) => o.entryPoint === 'src/main.tsx',
  )
  const shared = main[1].imports.filter((used) => used.kind === 'import-statement')
  return {
    address: addressesOf(first).get('src/main.tsx'),
    shared: shared.map((used) => `/${relative(out, resolve(here, used.path))}`),
    packages: packagesOf(lazy, first),
  }
}

/* The licences ask that they travel with the code. */
function licences(packages) {
  return packages
    .map((name) => {
      const folder = join(here, 'node_modules', name)
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
      const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const text = file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim()
      return `${name} ${version} (${license})\n\n${text}\n`
    })
    .join('\n----------------------------------------\n\n')
}

function compressAll(folder) {
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry)
    if (statSync(path).isDirectory()) {
      compressAll(path)
      continue
    }
    const bytes = readFileSync(path)
    const forms = {
      br: brotliCompressSync(bytes, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: 11,
          [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
        },
      }),
      gz: gzipSync(bytes, { level: 9 }),
    }
    for (const [ending, small] of Object.entries(forms)) {
      if (small.length < bytes.length) writeFileSync(`${path}.${ending}`, small)
    }
  }
}

async function build() {
  rmSync(out, { recursive: true, force: true })
  mkdirSync(join(out, 'assets'), { recursive: true })
  const icon = writeAsset('icon', 'svg', readFileSync(join(here, 'src/icon.svg')))
  const [style, script] = await Promise.all([buildStyle(), buildScript(icon)])
  writeAsset('licences', 'txt', licences([...script.packages, 'tailwindcss']))
  const early = script.shared.map((path) => `<link rel="modulepreload" href="${path}" />`)
  const page = readFileSync(join(here, 'src/index.html'), 'utf8')
    .replace('%STYLE%', style)
    .replace('%SCRIPT%', script.address)
    .replace('%EARLY%', early.join(''))
  writeFileSync(join(out, 'index.html'), page)
  compressAll(out)
}

try {
  await build()
} catch (error) {
  console.error(`web/build.mjs: ${error.message}`)
  process.exitCode = 1
}
