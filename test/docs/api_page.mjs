// SPDX-License-Identifier: MIT
// api_page.mjs - makes docs/api.md of docs/openapi.yaml: `make docs-api`.
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

import { document, fieldsOf, operations, resolve } from "../lib/openapi.mjs";

export const page = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "docs", "api.md");

const WIDTH = 116;
const GO_ON = "…";

// ---- examples ----

/** A value's JSON, cut where a line may end: {text, depth, starts}; starts: an object of a list. */
function pieces(value, depth = 1) {
  if (value === null || typeof value !== "object" || Object.keys(value).length === 0) {
    return [{ text: JSON.stringify(value), depth }];
  }
  const isList = Array.isArray(value);
  const parts = Object.entries(value).map(([key, part], i) => {
    const [first, ...rest] = pieces(part, depth + 1);
    const text = isList ? first.text : `${JSON.stringify(key)}: ${first.text}`;
    const starts = isList && i > 0 && typeof part === "object";
    return [{ text, depth, starts }, ...rest];
  });
  for (const part of parts.slice(0, -1)) {
    part.at(-1).text += ",";
  }
  const all = parts.flat();
  const [open, close] = isList ? "[]" : "{}";
  all[0].text = open + all[0].text;
  all.at(-1).text += close;
  return all;
}

/** JSON on one line, or on lines that are not too long. */
function print(value) {
  const all = pieces(value);
  const line = all.map(({ text }) => text).join(" ");
  if (line.length <= WIDTH) {
    return line;
  }
  return all
    .reduce((lines, { text, depth, starts }) => {
      const last = lines.at(-1);
      if (last !== undefined && !starts && last.length + 1 + text.length <= WIDTH) {
        return [...lines.slice(0, -1), `${last} ${text}`];
      }
      return [...lines, last === undefined ? text : " ".repeat(depth) + text];
    }, [])
    .join("\n");
}

/** The example as it is shown: arrays of which it has only the beginning go on. */
function shown({ value, "x-goes-on": open = [] }) {
  const copy = structuredClone(value);
  for (const path of open) {
    const array = path === "" ? copy : path.split(".").reduce((at, key) => at[key], copy);
    array.push(GO_ON);
  }
  return copy;
}

function exampleBlocks(type, example) {
  const language = type === "application/json" ? "json" : "text";
  const answer = language === "json" ? print(shown(example)) : example.value.trim();
  return ["```sh", example["x-command"], "```", "", `\`\`\`${language}`, answer, "```", ""];
}

// ---- tables ----

const cell = (text) => String(text ?? "").replaceAll("|", "\\|");
const line = (cells) => `|${cells.map((text) => ` ${cell(text)}`.trimEnd() + " ").join("|")}|`;

function table(rows, head) {
  return rows.length === 0 ? [] : [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line), ""];
}

function typeOf(schema) {
  const words = schema.enum ?? (schema.const === undefined ? undefined : [schema.const]);
  if (words !== undefined) {
    return words.map((word) => `\`${JSON.stringify(word)}\``).join(", ");
  }
  return [schema.type].flat().filter(Boolean).join(" or ");
}

const anchor = (title) => title.toLowerCase().replaceAll(" ", "-");

/** An event has a table of its own. */
const goesInto = (schema) => schema.title === undefined;

/** One line a field that needs words; the variants of an answer are put together. */
function fieldTable(schema) {
  const lines = new Map();
  for (const { path, schema: field } of fieldsOf(schema, goesInto)) {
    const known = lines.get(path);
    const type = typeOf(field);
    const title = field.items === undefined ? undefined : resolve(field.items).title;
    const meaning = title === undefined ? field.description : `[${title.toLowerCase()}](#${anchor(title)}) each`;
    if (known === undefined) {
      lines.set(path, { types: [type], meaning });
    } else if (!known.types.includes(type)) {
      known.types.push(type);
    }
  }
  const rows = [...lines]
    .filter(([, { types, meaning }]) => meaning !== undefined || types.length > 1)
    .map(([path, { types, meaning }]) => [`\`${path}\``, types.join(", "), meaning]);
  return table(rows, ["field", "", ""]);
}

// ---- one operation ----

const WHO = { session: "Player", displayToken: "Board", apiToken: "Award", adminToken: "Admin" };

function whoMay({ security }) {
  const names = security.flatMap((scheme) => Object.keys(scheme)).map((name) => WHO[name]);
  return names.length === 0 ? "" : `*${names.includes("Board") ? "Board" : names[0]}.* `;
}

function requestTable({ parameters = [], requestBody }) {
  const ofParameters = parameters.map(({ name, in: place, required, schema, description }) => [
    `\`${name}\``,
    place === "query" ? (required ? "needed" : "") : `${place}${required ? ", needed" : ""}`,
    [description, schema.default === undefined ? undefined : `${schema.default} if absent`].filter(Boolean).join("; "),
  ]);
  const body = requestBody?.content["application/json"].schema;
  const ofBody = Object.entries(body?.properties ?? {}).map(([name, { type, description }]) => [
    `\`${name}\``,
    `${type}${body.required?.includes(name) ? ", needed" : ""}`,
    description,
  ]);
  return [
    ...table(ofParameters, ["parameter", "", ""]),
    ...table(ofBody, ["field of the body", "", ""]),
  ];
}

/** The refusals of its own; those it shares are told at the top of the page. */
function refusals({ responses }) {
  const rows = Object.entries(responses)
    .filter(([status, { $ref, content }]) => $ref === undefined && content !== undefined && status >= "4")
    .flatMap(([status, { description, content }]) => {
      const words = content["application/json"] && resolve(content["application/json"].schema).properties.error.enum;
      return [[status, (words ?? []).map((word) => `\`${word}\``).join(", "), description]];
    });
  const shared = Object.entries(responses)
    .filter(([, { $ref }]) => $ref !== undefined)
    .map(([status]) => status)
    .filter((status) => status !== "default");
  const also = shared.length === 0 ? [] : [`As above: ${shared.join(", ")}.`, ""];
  return [...table(rows, ["status", "`error`", ""]), ...also];
}

function section(operation) {
  const contents = Object.entries(operation.responses).flatMap(([status, response]) =>
    Object.entries(resolve(response).content ?? {}).map(([type, media]) => ({ status, type, ...media })),
  );
  const answer = contents.find(({ status, type }) => status === "200" && type === "application/json");
  const examples = contents.flatMap(({ type, examples: all = {} }) =>
    Object.values(all).flatMap((example) => exampleBlocks(type, example)),
  );
  const empty = Object.entries(operation.responses)
    .filter(([, response]) => response.$ref === undefined && response.content === undefined)
    .flatMap(([status, { description }]) => [`${status}: ${description}`, ""]);
  return [
    `### ${operation.name}`,
    "",
    `${whoMay(operation)}${operation.summary}`,
    "",
    ...(operation.description === undefined ? [] : [operation.description.trim(), ""]),
    ...requestTable(operation),
    ...examples,
    ...(answer === undefined ? [] : fieldTable(answer.schema)),
    ...empty,
    ...refusals(operation),
  ];
}

/** The whole page. */
export function apiPage() {
  const chapters = document.tags.flatMap(({ name, description }) => [
    `## ${name}`,
    "",
    ...(description === undefined ? [] : [description.trim(), ""]),
    ...operations.filter(({ tags }) => tags.includes(name)).flatMap(section),
  ]);
  const objects = Object.values(document.components.schemas).filter(({ title }) => title !== undefined);
  const lines = [
    `# ${document.info.title}`,
    "",
    "<!-- made from openapi.yaml by make docs-api: edit that -->",
    "",
    document.info.description.trim(),
    "",
    ...chapters,
    ...objects.flatMap((schema) => [`## ${schema.title}`, "", ...fieldTable(schema)]),
  ];
  return `${lines.join("\n").trim()}\n`;
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(page, apiPage());
}
