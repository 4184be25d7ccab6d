// SPDX-License-Identifier: MIT
// `ctfg export`: what a game was, for spreadsheets and scripts, while it goes on and afterwards.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { execute } from "../lib/database.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { Player, call, waitFor } from "../lib/player.mjs";
import { ctfg, startServer } from "../lib/server.mjs";

const temp = mkdtempSync(join(tmpdir(), "ctfg-export-"));
const TOKEN = "api-token-of-this-test";
const EVIL = '=HYPERLINK("http://x","a,b")';
let server;
let player;

after(async () => {
  player?.close();
  await server?.stop();
  rmSync(temp, { recursive: true, force: true });
});

function run(...args) {
  return spawnSync(ctfg, ["export", "-C", server.dir, "-b", server.dbdir, ...args], {
    encoding: "utf8",
    timeout: 30000,
    maxBuffer: 1 << 28,
  });
}

function json(...args) {
  const { status, stdout, stderr } = run(...args);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** RFC 4180, read strictly: rows of cells; a line ends with CRLF. */
function csv(table) {
  const { status, stdout, stderr } = run("--format", "csv", "--what", table);
  assert.equal(status, 0, stderr);
  const rows = [];
  let row = [];
  let rest = stdout;
  while (rest !== "") {
    const [all, quoted, plain, end] = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest) ?? assert.fail(rest);
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    rest = rest.slice(all.length);
    if (end === "\r\n") {
      rows.push(row);
      row = [];
    }
  }
  const [names, ...lines] = rows;
  assert.ok(lines.every((line) => line.length === names.length), "a line with another number of cells");
  return lines.map((line) => Object.fromEntries(names.map((name, i) => [name, line[i]])));
}

describe("ctfg export", { timeout: 120000 }, () => {
  before(async () => {
    const challenges = [
      challenge(1, { points: 100, title: 'A "quoted", title', hints: [{ id: 1, text: "h", cost: 30 }] }),
      challenge(2, { points: 50 }),
      challenge(3, { points: 5 }),
    ];
    const game = makeGame({ players: 3, challenges, files: { "ctfg.yaml": "game:\n  name: Exported\n" } });
    server = await startServer({ game, flags: ["--workers", "1"], env: { CTFG_API_TOKEN: TOKEN } });
    player = new Player(server.url, playerName(1), playerPassword(1));
    await player.login();
    await player.post("/api/set-name", { name: "- dash @ first" });
    await player.submit(1, EVIL);
    await waitFor("the guess in the database", () => json().submissions.length === 1); // nobody waits for it
    await player.submit(1, flagOf(1));
    await player.post("/api/hint", { id: 1, hint_id: 1 });
    const headers = { Authorization: TOKEN };
    await call(server.url, "POST", "/api/award", { headers, body: { username: playerName(0), id: 1 } });
  });

  it("JSON holds every table, and they agree with the scoreboard", async () => {
    const all = json();
    assert.deepEqual(Object.keys(all), [
      "name", "exported", "seq", "players", "solves", "hints", "submissions", "scoreboard",
    ]);
    assert.deepEqual([all.name, all.seq], ["Exported", 3]);
    const board = (await player.get("/api/scoreboard")).json;
    assert.deepEqual(
      all.scoreboard.map((line) => [line.place, line.user_id, line.displayname, line.score, line.solves, Date.parse(line.time)]),
      board.players.map((line, i) => [i + 1, line.user_id, line.displayname, line.score, line.solves, line.ts]),
    );
    assert.deepEqual(
      all.players.map((line) => [line.username, line.displayname, line.score, line.solves, line.place, line.in_game]),
      [
        [playerName(0), null, 100, 1, 1, true],
        [playerName(1), "- dash @ first", 70, 1, 2, true],
        [playerName(2), null, 0, 0, null, true],
      ],
    );
    assert.deepEqual(
      all.solves.map((line) => [line.id, line.username, line.challenge, line.points, line.place, line.awarded]),
      [
        [1, playerName(1), 'A "quoted", title', 100, 1, false],
        [3, playerName(0), 'A "quoted", title', 100, 2, true],
      ],
    );
    assert.deepEqual(all.hints.map((line) => [line.id, line.hint_id, line.points]), [[2, 1, -30]]);
    assert.deepEqual(
      all.submissions.map((line) => [line.username, line.result, line.guess]),
      [
        [playerName(1), "incorrect", EVIL],
        [playerName(1), "correct", null],
        [playerName(0), "awarded", null],
      ],
    );
    assert.deepEqual(Object.keys(json("--what", "solves")), ["name", "exported", "seq", "solves"]);
  });

  it("CSV says the same, and no cell is a formula", () => {
    const all = json();
    for (const table of ["players", "solves", "hints", "submissions", "scoreboard"]) {
      const asText = all[table].map((line) =>
        Object.fromEntries(
          Object.entries(line).map(([name, value]) => {
            const text = value === null ? "" : String(value);
            return [name, typeof value === "string" && /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text];
          }),
        ),
      );
      assert.deepEqual(csv(table), asText, table);
    }
    assert.equal(csv("submissions")[0].guess, `'${EVIL}`);
    assert.equal(csv("players")[1].displayname, "'- dash @ first");
    assert.equal(csv("hints")[0].points, "-30", "a number is no formula");
  });

  it("no password, flag, token or key is in it", () => {
    const { stdout } = run();
    for (const secret of [playerPassword(0), playerPassword(1), "flag{", TOKEN, "session_key", "auth_epoch"]) {
      assert.ok(!stdout.includes(secret), secret);
    }
  });

  it("--output writes a file of one's own, and over none that is there", () => {
    const path = join(temp, "game.json");
    assert.equal(run("--output", path).status, 0);
    assert.equal(statSync(path).mode & 0o077, 0);
    const text = readFileSync(path, "utf8");
    assert.equal(JSON.parse(text).solves.length, 2);
    const again = run("--output", path, "--what", "players");
    assert.deepEqual([again.status, /there already/.test(again.stderr)], [2, true]);
    assert.equal(readFileSync(path, "utf8"), text);
  });

  it("a full disk is said, and no half of a file is left", (t) => {
    if (!existsSync("/dev/full")) {
      t.skip("there is no /dev/full here");
      return;
    }
    const shell = 'exec "$0" "$@" > /dev/full';
    const args = ["-c", shell, ctfg, "export", "-C", server.dir, "-b", server.dbdir];
    const { status, stderr } = spawnSync("sh", args, { encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(stderr, /cannot be written: No space left/);
  });

  it("what cannot be is one sentence and status 64, no database status 2", () => {
    for (const [args, said] of [
      [["--format", "xml"], /csv or json/],
      [["--what", "flags"], /players, solves/],
      [["--format", "csv"], /add --what/],
      [["--deadline", "3"], /takes no --deadline/],
    ]) {
      const { status, stderr } = run(...args);
      assert.equal(status, 64);
      assert.match(stderr, said);
      assert.equal(stderr.trim().split("\n").length, 1);
    }
    const none = run("-b", temp);
    assert.equal(none.status, 2);
    assert.equal(none.stderr.trim(), `There is no database in ${temp} yet: name its folder with --dbdir.`);
  });

  it("a reader who does not read holds no log of the server", async () => {
    // More than a pipe holds, so that the export really stands still.
    execute(
      server.dbPath,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
       INSERT INTO guesses(ts, user_id, challenge_id, guess) SELECT 1700000000000000 + i, 3, 3, 'guess ' || i FROM n;`,
    );
    const reader = spawn(ctfg, ["export", "-C", server.dir, "-b", server.dbdir, "--what", "submissions"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      await new Promise((resolve) => reader.stdout.once("readable", resolve)); // it writes, we do not read on
      await player.submit(2, flagOf(2));
      await waitFor("a checkpoint of the whole log", () => {
        const args = [server.dbPath, "PRAGMA wal_checkpoint(TRUNCATE);"];
        return spawnSync("sqlite3", args, { encoding: "utf8" }).stdout.startsWith("0|");
      });
      assert.equal(reader.exitCode, null, "the export had ended before");
    } finally {
      reader.kill();
    }
  });

  it("works without a server, from an older database too", async () => {
    const before = json().scoreboard;
    await server.stop();
    assert.deepEqual(json().scoreboard, before);
    const dbdir = mkdtempSync(join(temp, "older-"));
    execute(
      join(dbdir, "events.db"),
      `CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, ts BIGINT NOT NULL, user_id BIGINT,
         challenge_id BIGINT, event_type SMALLINT, points INTEGER, hint_number INTEGER);
       CREATE TABLE users(id INTEGER PRIMARY KEY, username UNIQUE, displayname);
       INSERT INTO users VALUES (7, 'gone', 'Gone');
       INSERT INTO events VALUES (1, 1700000000000000, 7, 44, 1, 5, NULL);`,
    );
    const all = json("-b", dbdir);
    assert.deepEqual(all.scoreboard.map((line) => [line.username, line.score]), [["gone", 5]]);
    assert.equal(all.players.find((line) => line.username === "gone").in_game, false);
    assert.equal(all.solves[0].challenge, "");
  });
});
