// SPDX-License-Identifier: MIT
// `ctfg restore`, `ctfg backup`, and the copies ctfg makes by itself: what is in place is always whole,
// what was there is never lost, and a copy that cannot be made stops what it was to be made for.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

import { openStream } from "../lib/client.mjs";
import { execute, query, replay } from "../lib/database.mjs";
import { flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { Player, call, waitFor } from "../lib/player.mjs";
import { ctfg, isAlive, startServer } from "../lib/server.mjs";

const temp = mkdtempSync(join(tmpdir(), "ctfg-restore-"));
after(() => rmSync(temp, { recursive: true, force: true }));

const ADMIN = "admin-token-of-this-test";
const one = { flags: ["--workers", "1"], env: { CTFG_ADMIN_TOKEN: ADMIN } };
const isRoot = process.getuid() === 0;
const NOBODY = 65534;

/** Runs ctfg to its end; everything it says in one text. */
function run(...args) {
  const result = spawnSync(ctfg, args, { encoding: "utf8", cwd: temp, timeout: 30000 });
  return { status: result.status, text: result.stdout + result.stderr };
}

const copies = (dbdir, start) => readdirSync(dbdir).filter((name) => name.startsWith(start)).sort();
const bytesOf = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** A transaction that changes the whole file and is killed half-way: its journal stays beside the file. */
function interrupt(dbPath) {
  const input = `PRAGMA cache_size = 1;
    BEGIN;
    CREATE TABLE half AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500) SELECT hex(randomblob(200)) FROM n;
    UPDATE events SET points = 7777;
    .shell kill -9 $PPID
  `.replace(/^ +/gm, "");
  assert.equal(spawnSync("sqlite3", [dbPath], { input }).signal, "SIGKILL");
  assert.ok(statSync(`${dbPath}-journal`).size > 512, "the test needs a journal");
}

async function solve(server, i, ...ids) {
  const player = new Player(() => server.url, playerName(i), playerPassword(i));
  await player.login();
  for (const id of ids) {
    assert.equal((await player.submit(id, flagOf(id))).json.result, "correct");
  }
  player.close();
  return player;
}

async function reset(server) {
  return call(server.url, "POST", "/admin/reset", { body: { token: ADMIN } });
}

describe("ctfg restore", { timeout: 120000 }, () => {
  it("brings game, scores and sessions to a new machine", async () => {
    const server = await startServer({ game: makeGame(), ...one });
    const backup = join(temp, "moved.db");
    const player = await solve(server, 0, 1, 2);
    assert.equal(run("backup", "-C", server.dir, "-b", server.dbdir, backup).status, 0);
    const board = (await player.get("/api/scoreboard")).json;
    await solve(server, 1, 3); // after the backup: gone with the machine
    server.kill(server.pid); // the machine dies
    await server.gone();

    const dbdir = mkdtempSync(join(temp, "new-"));
    const { status, text } = run("restore", "-C", server.dir, "-b", dbdir, backup);
    assert.equal(status, 0, text);
    assert.match(text, /2 events, and its replay adds up/);
    assert.equal(statSync(join(dbdir, "events.db")).mode & 0o077, 0, "others may read the key of all sessions");
    const next = await startServer({ game: server.dir, dbdir, ...one });
    try {
      player.base = () => next.url;
      const me = await player.get("/api/me"); // the cookie of the machine that died
      assert.deepEqual([me.status, me.json.score], [200, 20]);
      assert.deepEqual((await player.get("/api/scoreboard")).json.players, board.players);
      const receipt = (await player.submit(3, flagOf(3))).json;
      assert.deepEqual([receipt.result, receipt.seq], ["correct", 3]);
    } finally {
      player.close();
      await next.stop();
    }
    assert.equal(run("check", "-C", server.dir, "-b", dbdir).status, 0);
  });

  it("is refused while a server runs, with its pid, and touches nothing", async () => {
    const server = await startServer({ game: makeGame(), ...one });
    try {
      await solve(server, 0, 1);
      const backup = join(temp, "running.db");
      assert.equal(run("backup", "-C", server.dir, "-b", server.dbdir, backup).status, 0);
      const before = bytesOf(server.dbPath);
      const { status, text } = run("restore", "-C", server.dir, "-b", server.dbdir, backup);
      assert.equal(status, 1, text);
      assert.match(text, new RegExp(`process ${server.dbPid()}\\b.*stop it`));
      assert.equal(bytesOf(server.dbPath), before);
      await solve(server, 1, 1);
    } finally {
      await server.stop();
    }
  });

  it("made while db was dead is told to every stream, and the events after it reach who comes back", async () => {
    const server = await startServer({ game: makeGame({ challenges: 9 }), ...one });
    const player = new Player(() => server.url, playerName(0), playerPassword(0));
    const backup = join(temp, "between.db");
    const right = async (id) => assert.equal((await player.submit(id, flagOf(id))).json.result, "correct");
    try {
      await player.login();
      await right(1);
      assert.equal(run("backup", "-C", server.dir, "-b", server.dbdir, backup).status, 0);
      for (const id of [2, 3, 4, 5]) {
        await right(id);
      }
      const stream = await openStream(player.streamUrl, { since: 5 });
      await stream.waitForFrames(1);
      const db = server.dbPid();
      server.signal("SIGSTOP"); // a db that dies again and again, of a damaged file say: none runs now
      server.kill(db);
      await waitFor("the restore", () => {
        return run("restore", "-C", server.dir, "-b", server.dbdir, backup).status === 0;
      });
      server.signal("SIGCONT");
      assert.deepEqual(await waitFor("the end of the stream", () => stream.end), { code: 1000, reason: "reset" });
      const after = await openStream(player.streamUrl, { since: 1 });
      await right(6);
      assert.equal((await after.waitForEvent((event) => event.challenge_id === 6)).id, 2);
      after.close();
    } finally {
      player.close();
      await server.stop();
    }
  });

  it("keeps the old database aside with all of it, also what is only in its log", async () => {
    const server = await startServer({ game: makeGame(), ...one });
    const backup = join(temp, "older.db");
    await solve(server, 0, 1);
    assert.equal(run("backup", "-C", server.dir, "-b", server.dbdir, backup).status, 0);
    await solve(server, 1, 1, 2);
    await server.cut();
    assert.ok(existsSync(`${server.dbPath}-wal`), "the test needs a log");
    const { status, text } = run("restore", "-C", server.dir, "-b", server.dbdir, backup);
    assert.equal(status, 0, text);
    assert.equal(query(server.dbPath, "SELECT count(*) AS n FROM events")[0].n, 1);
    const [aside] = copies(server.dbdir, "events-before-restore-").filter((name) => name.endsWith(".db"));
    assert.ok(text.includes(aside), text);
    assert.equal(query(join(server.dbdir, aside), "SELECT count(*) AS n FROM events")[0].n, 3);
  });

  it("rolls the old database back where a transaction was interrupted; the journal does not reach the new one", async () => {
    const server = await startServer({ game: makeGame(), ...one });
    await solve(server, 0, 1);
    const backup = join(temp, "before-journal.db");
    assert.equal(run("backup", "-C", server.dir, "-b", server.dbdir, backup).status, 0);
    await server.stop();
    const log = execFileSync("sqlite3", [server.dbPath, "PRAGMA journal_mode = DELETE"], { encoding: "utf8" });
    assert.equal(log.trim(), "delete");
    execute(server.dbPath, "INSERT INTO guesses (ts, user_id, challenge_id, guess) SELECT 1, 1, 1, hex(zeroblob(300)) FROM generate_series(1, 50)");
    interrupt(server.dbPath);

    const { status, text } = run("restore", "-C", server.dir, "-b", server.dbdir, backup);
    assert.equal(status, 0, text);
    const [aside] = copies(server.dbdir, "events-before-restore-").map((name) => join(server.dbdir, name));
    assert.deepEqual(query(server.dbPath, "PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
    assert.deepEqual(query(server.dbPath, "SELECT points FROM events"), [{ points: 10 }]);
    assert.ok(!existsSync(`${server.dbPath}-journal`), "it belongs to the old database");
    assert.deepEqual(query(aside, "SELECT points FROM events"), [{ points: 10 }]);
    assert.deepEqual(query(aside, "SELECT count(*) AS guesses FROM guesses"), [{ guesses: 50 }]);
  });

  it("takes the place of a damaged database, and keeps its bytes and its log", async () => {
    const server = await startServer({ game: makeGame(), ...one });
    const backup = join(temp, "sound.db");
    await solve(server, 0, 1);
    assert.equal(run("backup", "-C", server.dir, "-b", server.dbdir, backup).status, 0);
    await server.stop();
    writeFileSync(server.dbPath, "this is no database any more ".repeat(1000));
    writeFileSync(`${server.dbPath}-wal`, "nor is this a log");
    const [file, log] = [bytesOf(server.dbPath), bytesOf(`${server.dbPath}-wal`)];
    const { status, text } = run("restore", "-C", server.dir, "-b", server.dbdir, backup);
    assert.equal(status, 0, text);
    const aside = join(server.dbdir, copies(server.dbdir, "events-before-restore-")[0]);
    assert.equal(bytesOf(aside), file);
    assert.equal(bytesOf(`${aside}-wal`), log);
    assert.equal(run("check", "-C", server.dir, "-b", server.dbdir).status, 0);
  });

  it("refuses what is missing, damaged, newer, or not of this game, and touches nothing", async () => {
    const game = makeGame();
    const server = await startServer({ game, ...one });
    await solve(server, 0, 1);
    const backup = join(temp, "good.db");
    assert.equal(run("backup", "-C", game, "-b", server.dbdir, backup).status, 0);
    await server.stop();
    const before = bytesOf(server.dbPath);
    const changed = (name, sql) => {
      const path = join(temp, name);
      copyFileSync(backup, path);
      execute(path, sql);
      return path;
    };
    const empty = join(temp, "empty.db"); // of a transfer that failed: SQLite would open it
    writeFileSync(empty, "");
    const broken = join(temp, "broken.db");
    writeFileSync(broken, Buffer.concat([readFileSync(backup).subarray(0, 8192), Buffer.alloc(40000, "x")]));
    for (const [path, wanted, said] of [
      [join(temp, "nothing.db"), 2, /no file/],
      [empty, 2, /empty\.db is empty: it is no backup/],
      [temp, 2, /is no file/],
      [broken, /^[12]$/, /broken\.db/],
      [changed("newer.db", "PRAGMA user_version = 9999;"), 2, /later version/],
      [changed("other.db", "DROP TABLE events;"), 1, /other\.db/],
      [server.dbPath, 2, /itself/],
    ]) {
      const { status, text } = run("restore", "-C", game, "-b", server.dbdir, path);
      assert.match(String(status), new RegExp(wanted), `${path}: ${text}`);
      assert.match(text, said);
    }
    assert.equal(bytesOf(server.dbPath), before);
    assert.deepEqual(copies(server.dbdir, "events-before-"), []);
    assert.deepEqual(copies(server.dbdir, "events.db.restoring"), []);
  });
});

describe("ctfg backup", () => {
  it("says what to do about a transaction that was interrupted, as check does, and then works", () => {
    const [game, dbdir] = [makeGame(), mkdtempSync(join(temp, "interrupted-"))];
    const path = join(dbdir, "events.db");
    execute(
      path,
      `CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, ts BIGINT NOT NULL, user_id BIGINT,
         challenge_id BIGINT, event_type SMALLINT, points INTEGER, hint_number INTEGER);
       CREATE TABLE users(id INTEGER PRIMARY KEY, username UNIQUE, displayname);
       INSERT INTO events(ts, user_id, challenge_id, event_type, points) VALUES (1, 1, 1, 1, 10);`,
    );
    interrupt(path);
    for (const args of [["check"], ["backup", join(dbdir, "copy.db")]]) {
      const { status, text } = run(args[0], "-C", game, "-b", dbdir, ...args.slice(1));
      assert.equal(status, 2, text);
      const [, command] = /has to be rolled back first: `([^`]+)`/.exec(text) ?? assert.fail(text);
      assert.equal(command, `sqlite3 ${path} .tables`);
    }
    execFileSync("sqlite3", [path, ".tables"]);
    const { status, text } = run("check", "-C", game, "-b", dbdir);
    assert.equal(status, 0, text);
    assert.match(text, /adds up: 1 event,/);
  });

  it("says once that there is no database, and where one is expected", () => {
    const dbdir = mkdtempSync(join(temp, "none-"));
    const { status, text } = run("backup", "-C", makeGame(), "-b", dbdir, join(temp, "never.db"));
    assert.equal(status, 2);
    assert.equal(text.trim(), `There is no database in ${dbdir} yet: name its folder with --dbdir.`);
  });
});

describe("copies that ctfg makes by itself", { timeout: 120000 }, () => {
  it("the newest ones from before a reset are kept, and one of them can be restored", async () => {
    const game = makeGame({ files: { "ctfg.yaml": "database:\n  backups_kept: 2\n" } });
    const server = await startServer({ game, ...one });
    for (const ids of [[1], [1, 2], [1, 2, 3]]) {
      await solve(server, 0, ...ids);
      assert.equal((await reset(server)).status, 200);
    }
    assert.deepEqual(replay(server.dbPath), new Map());
    await server.stop();
    const kept = copies(server.dbdir, "events-before-reset-").map((name) => join(server.dbdir, name));
    const solves = kept.map((path) => query(path, "SELECT count(*) AS n FROM events")[0].n);
    assert.deepEqual(solves.sort(), [2, 3]);
    const full = kept.find((path) => query(path, "SELECT count(*) AS n FROM events")[0].n === 3);
    assert.equal(run("restore", "-C", game, "-b", server.dbdir, full).status, 0);
    assert.equal(replay(server.dbPath).get(1).solves, 3);
  });

  /** A folder of a user whom permissions stop, as they do not stop root. */
  function folderOfNobody() {
    chmodSync(temp, 0o755);
    const dbdir = mkdtempSync(join(temp, "folder-"));
    if (isRoot) {
      chownSync(dbdir, NOBODY, NOBODY);
    }
    return dbdir;
  }
  const asNobody = isRoot ? ["--user", "nobody"] : [];

  it("a reset without its copy is refused with 503, and nothing is cleared", async () => {
    const dbdir = folderOfNobody();
    const server = await startServer({ game: makeGame(), dbdir, env: one.env, flags: [...one.flags, ...asNobody] });
    try {
      await solve(server, 0, 1);
      chmodSync(dbdir, 0o555);
      const answer = await reset(server);
      assert.deepEqual([answer.status, answer.json], [503, { error: "unavailable" }]);
      const [, why] = await server.waitForLog(/the reset failed, nothing was cleared.* why="([^"]*)"/);
      assert.match(why, /cannot make .*events-before-reset-.*: Permission denied/);
      assert.equal(replay(server.dbPath).get(1).solves, 1);
      chmodSync(dbdir, 0o755);
      assert.equal((await reset(server)).status, 200, "and when there is room for the copy it goes on");
    } finally {
      chmodSync(dbdir, 0o755);
      await server.stop();
    }
  });

  it("an older database is not upgraded without its copy, and stays as it was, byte for byte", () => {
    const dbdir = folderOfNobody();
    const path = join(dbdir, "events.db");
    execute(
      path,
      `CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, ts BIGINT NOT NULL, user_id BIGINT,
         challenge_id BIGINT, event_type SMALLINT, points INTEGER, hint_number INTEGER);
       CREATE TABLE users(id INTEGER PRIMARY KEY, username UNIQUE, displayname);`,
    );
    writeFileSync(`${path}.lock`, "");
    if (isRoot) {
      chownSync(path, NOBODY, NOBODY);
      chownSync(`${path}.lock`, NOBODY, NOBODY);
    }
    const before = bytesOf(path);
    chmodSync(dbdir, 0o555);
    const { status, text } = run("-C", makeGame(), "-b", dbdir, "-p", "0", ...one.flags, ...asNobody);
    chmodSync(dbdir, 0o755);
    assert.equal(status, 2, text);
    assert.match(text, /not upgraded without a copy of it: cannot make .*events\.db\.before-2-/);
    assert.equal(bytesOf(path), before);
  });

  it("a database newer than the program is refused and stays as it was, byte for byte", async () => {
    const game = makeGame();
    const server = await startServer({ game, ...one });
    await solve(server, 0, 1);
    await server.stop();
    execute(server.dbPath, "PRAGMA user_version = 9999;");
    const before = bytesOf(server.dbPath);
    for (const args of [["run"], ["check"], ["backup", join(temp, "newer-copy.db")]]) {
      const { status, text } = run(...args, "-C", game, "-b", server.dbdir, "-p", "0", ...one.flags);
      assert.equal(status, 2, text);
      assert.match(text, /later version/);
      assert.equal(text.match(/cannot be opened/g), null, text);
    }
    assert.equal(bytesOf(server.dbPath), before);
    const log = `${server.dbPath}-wal`; // whoever only reads leaves an empty one
    assert.ok(!existsSync(log) || statSync(log).size === 0);
    assert.ok(!existsSync(join(temp, "newer-copy.db")));
    assert.ok(!isAlive(server.pid));
  });
});
