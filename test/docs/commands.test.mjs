// SPDX-License-Identifier: MIT
// What the documents tell people to type works: the ```sh blocks of README.md and docs/ are typed into
// one shell a document, in a folder of its own; a ```json or ```text block after one is its answer.
//
// A line that starts a server goes to the background, as if it were typed in a terminal of its own,
// and the next line waits until it serves.  The default ports are replaced by free ones.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { freePort } from "../lib/port.mjs";
import { ctfg } from "../lib/server.mjs";
import { checkAnswer, fencedBlocks, stepsOf } from "./blocks.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const temp = mkdtempSync(join(tmpdir(), "ctfg-docs-"));
after(() => rmSync(temp, { recursive: true, force: true }));

const MARK = "@@ctfg-docs@@";
const DOCUMENT_MS = 150000; // seconds, on a machine that is not busy with something else

/** Starts a server: ctfg and no command but run. Flags only take the next word where they must. */
const startsServer = (line) =>
  /^(\S*\/)?ctfg\b/.test(line) && !/\bctfg (init|check|backup|restore|export|doctor|upgrade|version|help|--version|--help)\b/.test(line);

/** What a document's reader has already: the script test/docs/NAME.sh makes it, if there is one. */
function possessionsOf(name) {
  const path = join(here, basename(name).replace(/\.md$/, ".sh"));
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** One line of a document as the shell gets it. */
function typed(line) {
  if (!startsServer(line)) {
    return line;
  }
  const command = line.replace(/\s+#.*$/, "").replace(/\s*&\s*$/, "");
  return `start_server ${command}`;
}

// Waits for readiness; a second server takes the place of the first, as the reader would have ended it.
const prelude = `
exec 2>&1 # one pipe: what is said first is read first
set -euo pipefail
server=
stop_server() {
  if [ -n "$server" ] && kill "$server" 2>/dev/null; then
    while kill -0 "$server" 2>/dev/null; do sleep 0.02; done
  fi
  server=
}
start_server() {
  stop_server
  "$@" >"$SERVER_LOG" 2>&1 &
  server=$!
  disown "$server" # a document may kill it: the shell says nothing about that
  for _ in $(seq 1500); do
    if grep -q '^ctfg: listening on' "$SERVER_LOG"; then return 0; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 0.02
  done
  cat "$SERVER_LOG" >&2
  return 1
}
`;

function scriptOf(steps) {
  const typedSteps = steps.map((step, i) => {
    const lines = step.text.split("\n").map(typed).join("\n");
    return `printf '\\n%s\\n' '${MARK}${i}'\n${lines}\n`;
  });
  return `${prelude}${typedSteps.join("")}printf '\\n%s\\n' '${MARK}end'\nstop_server\n`;
}

/** Runs a script in a folder; all that it started is gone afterwards. */
function runScript(script, folder, env) {
  return new Promise((resolve) => {
    const shell = spawn("bash", ["-c", script], {
      cwd: folder,
      env,
      detached: true, // a group of its own, so that all of it can be ended
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const add = (chunk) => {
      output += chunk;
    };
    shell.stdout.setEncoding("utf8").on("data", add);
    shell.stderr.setEncoding("utf8").on("data", add);
    const endGroup = () => {
      try {
        process.kill(-shell.pid, "SIGKILL");
      } catch {
        // nobody is left
      }
    };
    const timer = setTimeout(endGroup, DOCUMENT_MS);
    process.once("exit", endGroup);
    shell.on("close", (status) => {
      clearTimeout(timer);
      endGroup();
      process.removeListener("exit", endGroup);
      resolve({ status, output });
    });
  });
}

async function runDocument(name, steps) {
  const folder = join(temp, name.replace(/\W/g, "-"));
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  mkdirSync(join(folder, "build"));
  symlinkSync(ctfg, join(bin, "ctfg"));
  symlinkSync(ctfg, join(folder, "build", "ctfg"));
  symlinkSync(join(root, "build", "bench"), join(folder, "build", "bench"));
  cpSync(join(root, "examples"), join(folder, "examples"), { recursive: true });
  const [port, metrics] = [await freePort(), await freePort()];
  const script = `${possessionsOf(name)}${scriptOf(steps)}`
    .replaceAll(/--port 8080\b/g, `--port ${port}`)
    .replaceAll(/\b(localhost|127\.0\.0\.1):8080\b/g, `127.0.0.1:${port}`)
    .replaceAll(/\b(localhost|127\.0\.0\.1):9180\b/g, `127.0.0.1:${metrics}`);
  const own = Object.entries(process.env).filter(([key]) => !key.startsWith("CTFG_"));
  const env = {
    ...Object.fromEntries(own),
    PATH: `${bin}:${process.env.PATH}`,
    SERVER_LOG: join(folder, "server.log"),
    CTFG_LISTEN_ADDRESS: "127.0.0.1",
    CTFG_LISTEN_PORT: String(port),
    CTFG_LISTEN_METRICS: `127.0.0.1:${metrics}`,
  };
  const { status, output } = await runScript(script, folder, env);
  const parts = output.split(new RegExp(`^${MARK}(\\d+|end)\\n`, "m"));
  const reached = parts.filter((_, i) => i % 2 === 1);
  if (status !== 0) {
    const step = steps[Number(reached.at(-1))] ?? steps.at(-1);
    assert.fail(`${name}:${step.line}: a command fails (status ${status}):\n${step.text}\n--\n${parts.at(-1)}`);
  }
  return steps.map((_, i) => parts[2 * i + 2].replaceAll(`127.0.0.1:${port}`, "localhost:8080"));
}

const documents = [
  "README.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
].map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }));

describe("what the documents say", { concurrency: 2 }, () => {
  for (const { name, text } of documents) {
    const steps = stepsOf(fencedBlocks(text));
    if (steps.length > 0) {
      it(`every command in ${name} works and answers as it says`, { timeout: 2 * DOCUMENT_MS }, async () => {
        const outputs = await runDocument(name, steps);
        steps.forEach((step, i) => {
          if (step.answer !== undefined) {
            checkAnswer(step, outputs[i]);
          }
        });
      });
    }
  }

  it("every link to a file leads somewhere", () => {
    for (const { name, text } of documents) {
      const prose = text.replaceAll(/^```[^]*?^```$/gm, "").replaceAll(/`[^`\n]*`/g, ""); // code holds examples
      for (const [, target] of prose.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (!/^[a-z]+:/.test(target)) {
          assert.ok(existsSync(join(root, dirname(name), target)), `${name}: ${target} does not exist`);
        }
      }
    }
  });

  it("a block that is not run says why, and could be run", () => {
    for (const { name, text } of documents) {
      for (const block of fencedBlocks(text)) {
        const where = `${name}:${block.line}`;
        assert.ok(block.language !== "bash" && block.language !== "shell", `${where}: say sh or console`);
        if (block.language === "sh" && block.reason !== undefined) {
          const { status, stderr } = spawnSync("bash", ["-n"], { input: block.text, encoding: "utf8" });
          assert.equal(status, 0, `${where}: ${stderr}`);
        }
      }
    }
  });
});

describe("the test itself", () => {
  const answered = (output, text, language = "json") =>
    checkAnswer({ line: 1, answer: { language, text, line: 2 } }, output);

  it("sees a command that fails, and names its line", async () => {
    const steps = stepsOf(fencedBlocks("one\n```sh\ntrue\n```\n```sh\nctfg check -C nowhere\n```\n"));
    await assert.rejects(runDocument("failing.md", steps), /failing\.md:5: a command fails/);
  });

  it("sees an answer with another value, another kind or a field more", () => {
    answered('{"a":1,"ts":1795514715308}', '{"a": 1, "ts": 1700000000000}');
    answered('[{"a":"token=xyz"},{"b":2}]', '[{"a": "token=…"}, "…"]');
    assert.throws(() => answered('{"a":1}', '{"a": 2}'));
    assert.throws(() => answered('{"a":"1"}', '{"a": 1}'));
    assert.throws(() => answered('{"ts":"1795514715308"}', '{"ts": 1700000000000}'));
    assert.throws(() => answered('{"ts":5}', '{"ts": 1700000000000}'));
    assert.throws(() => answered('{"a":1,"b":2}', '{"a": 1}'));
    assert.throws(() => answered("[1,2]", "[1]"));
    assert.throws(() => answered("no such file", "{}"));
    answered("two errors\nhere\n", "two …\nhere", "text");
    assert.throws(() => answered("two errors\nthere\n", "two …\nhere", "text"));
  });

  it("leaves out what is marked, and nothing else", () => {
    const text = "<!-- not run: needs systemd -->\n```sh\nfalse\n```\n```sh\ntrue\n```\n```console\nfalse\n```\n";
    assert.deepEqual(
      stepsOf(fencedBlocks(text)).map((step) => step.text),
      ["true"],
    );
  });
});
