// SPDX-License-Identifier: MIT
// A purge of the package takes whatever a game leaves in its folders, however it ended, and nothing
// that is somebody's own: package/debian/postrm, run on folders of the test's in place of the machine's.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { execute } from "../lib/database.mjs";
import { flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { Player, call } from "../lib/player.mjs";
import { ctfg, startServer } from "../lib/server.mjs";

const postrm = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "package", "debian", "postrm");
const machine = mkdtempSync(join(tmpdir(), "ctfg-purge-"));
const [data, logs, settings] = ["var/lib/ctfg", "var/log/ctfg", "etc/ctfg"].map((name) => join(machine, name));
const ADMIN = "admin-token-of-this-test";
after(() => rmSync(machine, { recursive: true, force: true }));

function purge() {
  const script = readFileSync(postrm, "utf8").replaceAll(/ \/(var|etc)\//g, ` ${machine}/$1/`);
  assert.doesNotMatch(script, /[ "'=]\/(var|etc)\//, "the machine's own folders are none of a test's");
  const { status, stdout, stderr } = spawnSync("sh", ["-s", "purge"], { input: script, encoding: "utf8" });
  assert.deepEqual([status, stderr], [0, ""]);
  return stdout;
}

/** Every file below, by its path from there. */
const filesIn = (folder) =>
  readdirSync(folder, { recursive: true }).filter((name) => !statSync(join(folder, name)).isDirectory()).sort();

function touch(folder, ...names) {
  mkdirSync(folder, { recursive: true });
  names.forEach((name) => writeFileSync(join(folder, name), ""));
}

/** A game that an older engine began, that was reset, that died, was restored and died again. */
async function leaveEverything() {
  touch(data);
  touch(logs, "ctfg.log.1", "ctfg.log.2.gz");
  touch(settings, ".env");
  execute(
    join(data, "events.db"),
    `CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, ts BIGINT NOT NULL, user_id BIGINT,
       challenge_id BIGINT, event_type SMALLINT, points INTEGER, hint_number INTEGER);
     CREATE TABLE users(id INTEGER PRIMARY KEY, username UNIQUE, displayname);`,
  );
  const server = await startServer({
    game: makeGame(),
    dbdir: data,
    flags: ["--workers", "1"],
    config: `log:\n  file: ${join(logs, "ctfg.log")}\n`,
    env: { CTFG_ADMIN_TOKEN: ADMIN },
  });
  const command = (...args) => {
    const { status, stdout, stderr } = spawnSync(ctfg, [...args], { encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
  };
  const where = ["-C", server.dir, "-b", data];
  const backup = join(machine, "backup.db");
  assert.equal((await call(server.url, "POST", "/admin/reset", { body: { token: ADMIN } })).status, 200);
  const player = new Player(server.url, playerName(0), playerPassword(0));
  await player.login();
  assert.equal((await player.submit(1, flagOf(1))).json.result, "correct");
  player.close();
  command("backup", ...where, backup);
  await server.cut();
  ["events.db", "events.db-wal"].forEach((name) => writeFileSync(join(data, name), "a damaged one".repeat(1000)));
  command("restore", ...where, backup);
  await (await server.restart()).cut();
  // What is there only while one of these is under way.
  touch(data, "events.db-journal", "events.db.restoring", "events.db.restoring-journal", "events.db.restoring-wal");
  touch(data, "saturday.db.partial", "saturday.db.partial-journal", "saturday.db.partial-shm");
  touch(join(data, "spring"), "events.db", "events.db.lock", "events-before-reset-20260101T000000Z.db-journal");
  touch(join(logs, "spring"), "ctfg.log");
}

describe("a purge", { timeout: 60000 }, () => {
  it("leaves nothing of a game, whatever became of that", async () => {
    await leaveEverything();
    const left = filesIn(data);
    for (const kind of [
      /^events\.db$/,
      /^events\.db-wal$/,
      /^events\.db-shm$/,
      /^events\.db\.lock$/,
      /^events\.db\.before-.*\.db$/,
      /^events-before-reset-\w+\.db$/,
      /^events-before-restore-\w+\.db$/,
      /^events-before-restore-\w+\.db-wal$/,
    ]) {
      assert.ok(left.some((name) => kind.test(name)), `the test needs one like ${kind}: ${left}`);
    }
    assert.ok(filesIn(logs).includes("ctfg.log"));
    assert.equal(purge(), "");
    assert.deepEqual([data, logs, join(settings, ".env")].filter(existsSync), []);
  });

  it("takes nothing that is somebody's, and says where", async () => {
    const own = {
      [data]: [".hidden", "backup-1200.db", "events-before-finals.db", "events.db.gz", "my-events.db", "notes.partial", "thesis.tex"],
      [join(data, "autumn")]: ["events.sql"],
      [logs]: ["access.log", "ctfg.logs"],
      [settings]: ["challenges.json"],
    };
    Object.entries(own).forEach(([folder, names]) => touch(folder, ...names));
    mkdirSync(join(data, "old.db.partial")); // a folder is nobody's copy
    touch(data, "events.db", "events.db-wal");
    touch(logs, "ctfg.log");
    const kept = [join(data, "autumn"), data, logs].map((folder) => `ctfg: kept, there is more than ctfg's in it: ${folder}\n`);
    assert.equal(purge(), kept.join(""));
    assert.deepEqual(
      filesIn(machine).filter((name) => name !== "backup.db"),
      Object.entries(own)
        .flatMap(([folder, names]) => names.map((name) => join(folder, name).slice(machine.length + 1)))
        .sort(),
    );
  });
});
