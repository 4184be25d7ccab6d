// SPDX-License-Identifier: MIT
// embed.mjs - writes the page's table (C) and its bytes (assembler, .incbin) from the built folder.
//
// node web/embed.mjs FOLDER TABLE.c BYTES.S - run from the repository's root.  The same folder gives
// the same two files, byte for byte.  FOLDER/x.br and FOLDER/x.gz are the compressed forms of x.
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { extname, join, posix } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
};

// assets/app-1a2b3c4d.js: what stands behind the last "-" or "." is a hash of the content.
const HASHED = /^assets\/.*[-.][A-Za-z0-9_]{8,}\.[a-z0-9]+$/;

const [folder, tableFile, bytesFile] = process.argv.slice(2);
if (!folder || !tableFile || !bytesFile) {
  console.error("usage: node web/embed.mjs FOLDER TABLE.c BYTES.S");
  process.exit(2);
}

function filesBelow(relative) {
  return readdirSync(join(folder, relative), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(relative, entry.name);
    if (entry.name.startsWith(".")) {
      return [];
    }
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

const all = filesBelow("");
const known = new Set(all);
const plain = all
  .filter((path) => !(/\.(br|gz)$/.test(path) && known.has(path.slice(0, -3))))
  .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

const rows = [];
const declarations = [];
const blobs = [];

function addBlob(name, path) {
  if (!known.has(path)) {
    return ["NULL", "0"];
  }
  declarations.push(`extern const unsigned char ${name}[];`);
  const file = posix.join(folder, path);
  blobs.push(`    .balign 16\n    .globl ${name}\n${name}:\n    .incbin ${JSON.stringify(file)}\n`);
  return [name, String(statSync(file).size)];
}

plain.forEach((path, index) => {
  const type = TYPES[extname(path)];
  if (type === undefined) {
    console.error(`web/embed.mjs: ${path}: no content type is known for this file`);
    process.exit(1);
  }
  const forms = [
    addBlob(`page_bytes_${index}`, path),
    addBlob(`page_br_${index}`, `${path}.br`),
    addBlob(`page_gz_${index}`, `${path}.gz`),
  ];
  const cells = [`/${path}`, type].map((text) => JSON.stringify(text));
  rows.push(`    {${[...cells, ...forms.flat(), HASHED.test(path)].join(", ")}},`);
});

if (rows.length === 0) {
  console.error(`web/embed.mjs: ${folder} holds no file`);
  process.exit(1);
}

const head = (file) => `/* SPDX-License-Identifier: MIT */
/* ${posix.basename(file)} - the built-in page, written by web/embed.mjs: changes here are lost. */
`;
writeFileSync(
  tableFile,
  `${head(tableFile)}#include "worker/page_data.h"

${declarations.join("\n")}

const struct page_data_file page_data_files[] = {
${rows.join("\n")}
};
const size_t page_data_count = ${rows.length};
`,
);
writeFileSync(
  bytesFile,
  `${head(bytesFile)}    .section .rodata
${blobs.join("")}    .section .note.GNU-stack, "", %progbits
`,
);
