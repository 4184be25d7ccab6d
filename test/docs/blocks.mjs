// SPDX-License-Identifier: MIT
// blocks.mjs - takes the fenced blocks out of a Markdown text, and compares what a command says with
// what the text says it says.
import assert from "node:assert/strict";

const comment = /^<!--\s*(.*?)\s*-->$/;
const notRun = /^not run: (.+)$/;

/**
 * The fenced blocks of a text, in order: {language, line, text, reason}.
 * reason: why a block is not run, from the comment on the line before: <!-- not run: reason -->
 */
export function fencedBlocks(markdown) {
  const lines = markdown.split("\n");
  const blocks = [];
  let open;
  lines.forEach((line, i) => {
    const fence = /^(\s*)(`{3,})(.*)$/.exec(line);
    if (open === undefined && fence) {
      const before = comment.exec(lines[i - 1]?.trim() ?? "");
      const reason = before === null ? undefined : notRun.exec(before[1])?.[1];
      open = { language: fence[3].trim(), line: i + 1, indent: fence[1].length, fence: fence[2], reason, body: [] };
    } else if (open !== undefined && fence?.[2] === open.fence && fence[3] === "") {
      const { language, line: first, reason, body } = open;
      blocks.push({ language, line: first, reason, text: body.join("\n") });
      open = undefined;
    } else if (open !== undefined) {
      open.body.push(line.slice(Math.min(open.indent, line.length)));
    }
  });
  assert.equal(open, undefined, `the block of line ${open?.line} is never closed`);
  return blocks;
}

/**
 * The steps of a text: each ```sh block that is run, with the ```json or ```text block right after it,
 * if there is one: what it answers.
 */
export function stepsOf(blocks) {
  return blocks
    .map((block, i) => {
      const next = blocks[i + 1];
      const answers = next?.language === "json" || next?.language === "text";
      return { ...block, answer: answers ? next : undefined };
    })
    .filter((block) => block.language === "sh" && block.reason === undefined);
}

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** A text in which … stands for anything. */
function pattern(text) {
  return new RegExp(`^${text.split("…").map(escape).join("[^]*")}$`);
}

/** A time in milliseconds: it differs from run to run. */
const isTime = (value) => Number.isInteger(value) && value > 1e12;

function sameJson(said, expected, path) {
  if (typeof expected === "string" && typeof said === "string") {
    assert.match(said, pattern(expected), path);
  } else if (expected === "…") {
    return;
  } else if (Array.isArray(expected) && Array.isArray(said)) {
    const open = expected.at(-1) === "…";
    const wanted = open ? expected.slice(0, -1) : expected;
    assert.ok(open ? said.length >= wanted.length : said.length === wanted.length, `${path}: ${said.length} elements`);
    wanted.forEach((value, i) => sameJson(said[i], value, `${path}[${i}]`));
  } else if (expected !== null && typeof expected === "object" && said !== null && typeof said === "object") {
    assert.deepEqual(Object.keys(said), Object.keys(expected), path);
    Object.keys(expected).forEach((key) => sameJson(said[key], expected[key], `${path}.${key}`));
  } else if (!isTime(said) || !isTime(expected)) {
    assert.deepEqual(said, expected, path);
  }
}

/** Fails unless a step's output is what the block after it says. In both, … stands for anything. */
export function checkAnswer(step, output) {
  const { language, text, line } = step.answer;
  if (language === "text") {
    const shown = output.replaceAll("\r\n", "\n"); // as a terminal shows a CSV file
    assert.match(shown.trim(), pattern(text.trim()), `line ${line}: the output differs`);
    return;
  }
  let said;
  try {
    said = JSON.parse(output);
  } catch {
    assert.fail(`line ${step.line}: no JSON is answered: ${output}`);
  }
  sameJson(said, JSON.parse(text), `line ${line}: answer`);
}
