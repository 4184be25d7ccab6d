// SPDX-License-Identifier: MIT
// A database of the older engine is opened, upgraded, and carried on with.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

import { execute, query, replay } from "../lib/database.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { Player } from "../lib/player.mjs";
import { ctfg, startServer } from "../lib/server.mjs";

const temp = mkdtempSync(join(tmpdir(), "ctfg-database-"));
after(() => rmSync(temp, { recursive: true, force: true }));

/** The published schema of the older engine; its unique indexes may be missing in real files. */
const OLDER_SCHEMA = `
PRAGMA journal_mode=WAL;
CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, ts BIGINT NOT NULL, user_id BIGINT,
  challenge_id BIGINT, event_type SMALLINT, points INTEGER, hint_number INTEGER,
  CHECK (event_type IN (1,2)),
  CHECK ((event_type = 2 AND hint_number IS NOT NULL) OR (event_type = 1 AND hint_number IS NULL)));
CREATE TABLE users(id INTEGER PRIMARY KEY, username UNIQUE, displayname);
`;

function olderDatabase(rows) {
  const dbdir = mkdtempSync(join(temp, "db-"));
  execute(join(dbdir, "events.db"), OLDER_SCHEMA + rows);
  return dbdir;
}

const challenges = [
  challenge(1, { points: 100, hints: [{ id: 1, text: "h", cost: 10 }] }),
  challenge(2, { points: 50 }),
];

describe("contract, section 6: the older engine's database", { timeout: 60000 }, () => {
  it("is carried on with: scores, names, numbers; a copy is kept, bad rows are moved aside", async () => {
    const dbdir = olderDatabase(`
      INSERT INTO users VALUES (1, '${playerName(0)}', 'CryptoCats'), (7, 'gone', 'Gone Player');
      INSERT INTO events VALUES (1, 1700000000000000, 1, 1, 1, 100, NULL);
      INSERT INTO events VALUES (2, 1700000001000000, 1, 1, 2, -10, 1);
      INSERT INTO events VALUES (3, 1700000002000000, 7, 2, 1, 50, NULL);
      INSERT INTO events VALUES (4, 1700000003000000, 1, 1, 1, 100, NULL);
      INSERT INTO events VALUES (5, 1700000004000000, 1, 1, 2, -10, 1);
      INSERT INTO events VALUES (6, 1700000005000000, 7, 44, 1, 5, NULL);
    `);
    const game = makeGame({ players: 2, challenges });
    const server = await startServer({ game, dbdir });
    const dbPath = join(dbdir, "events.db");
    try {
      const player = new Player(server.url, playerName(0), playerPassword(0));
      const answer = await player.login();
      assert.equal(answer.json.displayname, "CryptoCats");
      const board = (await player.get("/api/scoreboard")).json;
      assert.deepEqual(
        board.players.map((line) => [line.displayname, line.score, line.solves]),
        [
          ["CryptoCats", 90, 1],
          ["Gone Player", 55, 2],
        ],
      );
      const receipt = (await player.submit(2, flagOf(2))).json;
      assert.ok(receipt.seq > 6, "an id was given twice");
      assert.equal(receipt.place, 2);
      assert.deepEqual(replay(dbPath).get(1), { score: 140, solves: 2 });
      player.close();
    } finally {
      await server.stop();
    }
    assert.ok(
      readdirSync(dbdir).some((name) => name.startsWith("events.db.") && !/-(wal|shm)$|lock/.test(name)),
      `no copy is kept: ${readdirSync(dbdir)}`,
    );
    assert.equal(query(dbPath, "SELECT COUNT(*) AS n FROM moved_aside")[0].n, 2);
    assert.match(server.log(), /moved_aside/);
  });

  it("has the contract's tables and indexes afterwards", async () => {
    const dbdir = olderDatabase("");
    const server = await startServer({ game: makeGame({ challenges }), dbdir });
    await server.stop();
    const names = query(join(dbdir, "events.db"), "SELECT name FROM sqlite_master").map((r) => r.name);
    for (const name of [
      "events", "users", "events_user_chal_submit", "events_user_chal_hint", "events_ts",
      "uniq_submit", "uniq_hint",
    ]) {
      assert.ok(names.includes(name), `${name} is missing`);
    }
  });

  it("a database newer than the program is refused, and nothing in it is touched", async () => {
    const dbdir = olderDatabase("");
    const dbPath = join(dbdir, "events.db");
    execute(dbPath, "PRAGMA user_version = 9999;");
    const result = spawnSync(ctfg, ["-C", makeGame({ challenges }), "-b", dbdir, "-p", "0"], {
      encoding: "utf8",
      timeout: 20000,
    });
    assert.equal(result.status, 2, result.stderr);
    assert.match(result.stderr, /later version/);
    assert.deepEqual(query(dbPath, "SELECT name FROM sqlite_master WHERE name = 'guesses'"), []);
  });

  it("what is no database is refused with a sentence", () => {
    const dbdir = mkdtempSync(join(temp, "bad-"));
    execute(join(dbdir, "x"), "");
    spawnSync("dd", ["if=/dev/urandom", `of=${join(dbdir, "events.db")}`, "bs=4096", "count=4"]);
    const result = spawnSync(ctfg, ["-C", makeGame({ challenges }), "-b", dbdir, "-p", "0"], {
      encoding: "utf8",
      timeout: 20000,
    });
    assert.equal(result.status, 2, result.stderr);
    assert.match(result.stderr, /events\.db/);
  });

  it("a second server on the same database is refused with the first one's pid", async () => {
    const game = makeGame({ challenges });
    const server = await startServer({ game });
    try {
      const result = spawnSync(ctfg, ["-C", game, "-b", server.dbdir, "-p", "0"], {
        encoding: "utf8",
        timeout: 20000,
      });
      assert.equal(result.status, 2, result.stderr);
      assert.ok(
        [server.pid, server.dbPid()].some((pid) => result.stderr.includes(String(pid))),
        result.stderr,
      );
    } finally {
      await server.stop();
    }
  });

  it("backup while running gives a copy that opens, and check says all is well", async () => {
    const game = makeGame({ challenges });
    const server = await startServer({ game });
    const target = join(temp, "copy.db");
    try {
      const player = new Player(server.url, playerName(0), playerPassword(0));
      await player.login();
      await player.submit(1, flagOf(1));
      const result = spawnSync(ctfg, ["backup", "-C", game, "-b", server.dbdir, target], {
        encoding: "utf8",
        timeout: 20000,
      });
      assert.equal(result.status, 0, result.stderr + result.stdout);
      assert.deepEqual(query(target, "SELECT challenge_id FROM events"), [{ challenge_id: 1 }]);
      const check = spawnSync(ctfg, ["check", "-C", game, "-b", server.dbdir], {
        encoding: "utf8",
        timeout: 20000,
      });
      assert.equal(check.status, 0, check.stderr + check.stdout);
      player.close();
    } finally {
      await server.stop();
    }
  });
});
