// SPDX-License-Identifier: MIT
// Files and commands of the older engine as an organiser types them: flags too, and what is said about
// files that are wrong.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

import { challenge, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { Player } from "../lib/player.mjs";
import { ctfg, startServer } from "../lib/server.mjs";

const temp = mkdtempSync(join(tmpdir(), "ctfg-commands-"));
after(() => rmSync(temp, { recursive: true, force: true }));

const run = (...args) =>
  spawnSync(ctfg, args, { encoding: "utf8", cwd: temp, timeout: 30000, env: { PATH: process.env.PATH } });

/** What is said about a game: status and the lines on standard error. */
function judge(options, ...flags) {
  const dir = makeGame(options);
  const result = run("check", ...flags, dir);
  return { status: result.status, text: result.stderr + result.stdout, dir };
}

const withChallenges = (...challenges) => judge({ challenges });

describe("commands", { timeout: 120000 }, () => {
  it("--version and --help say what they should and end well", () => {
    const version = run("--version");
    assert.equal(version.status, 0);
    assert.match(version.stdout, /^ctfg \d+\.\d+\.\d+/);
    const help = run("--help");
    assert.equal(help.status, 0);
    for (const flag of [
      "--port", "--dbdir", "--websocket-url", "--ws-keepalive-interval", "--ws-ping-timeout",
      "--ws-backlog", "--ws-log-ping-latency", "--developer-mode", "--config", "--workers",
      "--listen", "--metrics-listen", "--user",
    ]) {
      assert.ok(help.stdout.includes(flag), `--help does not name ${flag}`);
    }
  });

  it("an unknown flag or command is one sentence and a status of its own", () => {
    for (const args of [["--no-such-flag"], ["-Z"], ["nonsense", "more"], ["-p"], ["-p", "x"], ["-p", "70000"]]) {
      const result = run(...args);
      assert.ok(result.status === 64 || result.status === 2, `${args}: ${result.status}`);
      assert.ok(result.stderr.trim().length > 10, `${args}: nothing was said`);
      assert.ok(result.stderr.trim().split("\n").length <= 3, result.stderr);
    }
  });

  it("init writes a game that runs, and never overwrites", async () => {
    const dir = mkdtempSync(join(temp, "init-"));
    assert.equal(run("init", "-C", dir).status, 0);
    assert.ok(readdirSync(dir).includes("challenges.json"));
    assert.equal(run("check", dir).status, 0, run("check", dir).stderr);
    const server = await startServer({ game: dir });
    assert.equal((await fetch(server.url)).status, 200);
    await server.stop();
    const again = run("init", "-C", dir);
    assert.equal(again.status, 73);
    assert.match(again.stderr, /empty|overwrite/);
  });

  it("every mistake is reported at once, with its file and line", () => {
    const { status, text } = withChallenges(
      challenge(1),
      challenge(1, { title: "again" }),
      challenge(2, { flag: "^flag(", testflag: undefined }),
      challenge(3, { testflag: "not it" }),
      challenge(4, { requirements: [99] }),
      challenge(5, { requirements: [6] }),
      challenge(6, { requirements: [5] }),
      challenge(7, { points: -1 }),
      challenge(8, { hints: [{ id: 2, text: "x", cost: 1 }, { id: 1, text: "y", cost: 1 }] }),
      challenge(9, { title: 5 }),
    );
    assert.equal(status, 2);
    const mistakes = text.split("\n").filter((line) => /challenges\.json:\d+: /.test(line));
    assert.ok(mistakes.length >= 8, text);
    assert.ok(!text.includes("not it"), "a testflag is on the screen");
  });

  it("a pattern that matches its testflag twice is a mistake", () => {
    const { status, text } = withChallenges(challenge(1, { flag: "a", testflag: "aa" }));
    assert.equal(status, 2);
    assert.match(text, /challenges\.json:\d+: /);
  });

  it("a file that is missing, empty, unreadable or not UTF-8 is named", () => {
    const cases = [
      ["challenges.json", undefined],
      ["challenges.json", ""],
      ["challenges.json", "[{\"id\": 1,"],
      ["challenges.json", "{}"],
      ["challenges.json", Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])],
      ["credentials.csv", undefined],
      ["credentials.csv", ""],
      ["credentials.csv", "alice\n"],
      ["credentials.csv", "alice,a\nalice,b\n"],
      ["credentials.csv", Buffer.from("al\xefce,a\n", "latin1")],
      ["ctfg.yaml", "listen: [1, 2\n"],
      ["ctfg.yaml", "no_such_section:\n  x: 1\n"],
      ["game-clusters.yaml", "player_clusters: 5\n"],
    ];
    for (const [name, bytes] of cases) {
      const dir = makeGame();
      rmSync(join(dir, name), { force: true });
      if (bytes !== undefined) {
        writeFileSync(join(dir, name), bytes);
      }
      const result = run("-C", dir, "-p", "0");
      assert.equal(result.status, 2, `${name}: ${bytes}: ${result.stderr}`);
      assert.ok(result.stderr.includes(name), result.stderr);
    }
  });

  it("a file that cannot be read is named, with the reason", () => {
    const dir = makeGame();
    rmSync(join(dir, "credentials.csv"));
    mkdirSync(join(dir, "credentials.csv")); // root reads everything but a folder
    const result = run("-C", dir, "-p", "0");
    assert.equal(result.status, 2, result.stderr);
    assert.match(result.stderr, /credentials\.csv/);
  });

  it("the older engine's flags work", async () => {
    const server = await startServer({
      game: makeGame(),
      flags: ["-k", "20", "-t", "50", "-g", "1024", "-L", "-w", "ws://elsewhere.example/scorestream"],
    });
    const player = new Player(server.url, playerName(0), playerPassword(0));
    const answer = await player.login();
    assert.match(answer.json.websocket_url, /^ws:\/\/elsewhere\.example\/scorestream\?token=/);
    player.close();
    await server.stop();
  });

  it("the path of the challenges file may be given by itself", async () => {
    const dir = makeGame();
    const other = join(temp, "other.json");
    writeFileSync(other, JSON.stringify([challenge(77)]));
    const server = await startServer({ game: dir, flags: [other] });
    const player = new Player(server.url, playerName(0), playerPassword(0));
    await player.login();
    assert.deepEqual((await player.get("/api/challenges")).json.map((c) => c.id), [77]);
    player.close();
    await server.stop();
  });

  it("raw newlines inside strings are accepted, with a warning", () => {
    const dir = makeGame();
    const text = JSON.stringify([challenge(1, { description: "one@@two" })]).replace("@@", "\n");
    writeFileSync(join(dir, "challenges.json"), text);
    const result = run("check", dir);
    assert.equal(result.status, 0, result.stderr);
    assert.match(result.stderr + result.stdout, /warning/i);
  });
});
