// SPDX-License-Identifier: MIT
// What the documents name exists: settings, metrics, and the words an operator looks for in the log.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { makeGame } from "../lib/game.mjs";
import { call } from "../lib/player.mjs";
import { ctfg, startServer } from "../lib/server.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const read = (...names) => readFileSync(join(root, ...names), "utf8");
const filesOf = (folder, ending) => readdirSync(join(root, folder)).filter((name) => name.endsWith(ending));
const documents = ["README.md", ...filesOf("docs", ".md").map((name) => join("docs", name))].map((name) => ({
  name,
  text: read(name),
}));

/** Every match in every document, with the document's name. */
const named = (pattern) =>
  documents.flatMap(({ name, text }) => [...text.matchAll(pattern)].map((match) => ({ name, word: match[1] })));

describe("what the documents name", { timeout: 60000 }, () => {
  it("settings are in the table of settings", () => {
    const keys = new Set([...read("conf", "settings_table.c").matchAll(/\.key = "([^"]+)"/g)].map(([, key]) => key));
    const groups = [...new Set([...keys].map((key) => key.split(".")[0]))].join("|");
    const words = named(new RegExp(`\`((?:${groups})\\.[a-z_]{2,})\``, "g")).filter(({ word }) => !word.endsWith(".yaml"));
    assert.ok(words.length > 20);
    assert.deepEqual(words.filter(({ word }) => !keys.has(word)), []);
  });

  it("metrics are on /metrics", async () => {
    const server = await startServer({ game: makeGame() });
    try {
      const { text } = await call(server.metricsUrl, "GET", "/metrics");
      const families = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, family]) => family));
      const words = named(/\b(ctfg_[a-z_]+[a-z])\b/g).filter(({ word }) => word !== "ctfg_session");
      assert.ok(words.length > 5);
      const exists = (word) => families.has(word) || families.has(word.replace(/_(bucket|sum|count)$/, ""));
      assert.deepEqual(words.filter(({ word }) => !exists(word)), []);
    } finally {
      await server.stop();
    }
  });

  it("exit statuses are those of the manual", () => {
    const [paragraph] = read("docs", "operator.md").match(/^Exit statuses: [^]*?(?=\n\n)/m);
    const said = [...paragraph.matchAll(/[:;]\s(\d+) /g)].map(([, status]) => status);
    const table = [...read("master", "cmd_print.c").matchAll(/^ {4}\{"(\d+)", /gm)].map(([, status]) => status);
    assert.ok(table.includes("73"));
    assert.deepEqual(said, table);
  });

  it("columns of an export are those that it writes", async () => {
    const said = [...read("docs", "operator.md").matchAll(/^\| `(\w+)` \| (`\w+`(?:, `\w+`)*) \|/gm)];
    assert.deepEqual(said.map(([, table]) => table), ["players", "solves", "hints", "submissions", "scoreboard"]);
    const server = await startServer({ game: makeGame() });
    try {
      for (const [, table, names] of said) {
        const args = ["export", "-C", server.dir, "-b", server.dbdir, "--format", "csv", "--what", table];
        const [head] = execFileSync(ctfg, args, { encoding: "utf8" }).split("\r\n");
        assert.equal(names.replaceAll(/[` ]/g, ""), head, table);
      }
    } finally {
      await server.stop();
    }
  });

  it("words of the log, as the runbook has them, are in the program", () => {
    const folders = ["master", "worker", "db", "conf", "shm"];
    const code = folders.flatMap((folder) => filesOf(folder, ".c").map((name) => read(folder, name))).join("\n");
    const seen = [...read("docs", "runbook.md").matchAll(/^\*Seen:\*[^]*?(?=\n\n)/gm)].map(([paragraph]) => paragraph);
    const words = seen.flatMap((text) => [...text.matchAll(/`([a-z]+(?: [a-z]+)+)`/g)].map(([, word]) => word));
    assert.ok(words.length >= 3);
    assert.deepEqual(words.filter((word) => !code.includes(word)), []);
  });
});
