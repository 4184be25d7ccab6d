// SPDX-License-Identifier: MIT
// What an operator gets wrong on the way to a running service: each is a sentence with its place and
// its mend, and a status that keeps systemd from trying again and again.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { execute } from "../lib/database.mjs";
import { makeGame } from "../lib/game.mjs";
import { ctfg } from "../lib/server.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const temp = mkdtempSync(join(tmpdir(), "ctfg-operations-"));
const mounts = [];
after(() => {
  mounts.forEach((dir) => spawnSync("umount", ["-l", dir]));
  rmSync(temp, { recursive: true, force: true });
});

const QUIET = ["-p", "0", "--listen", "127.0.0.1", "--metrics-listen", "off", "--workers", "1"];

function run(...args) {
  const { status, stdout, stderr } = spawnSync(ctfg, args, { encoding: "utf8", cwd: temp, timeout: 20000 });
  return { status, text: stdout + stderr };
}

/** The command of a unit, its paths below a folder of ours in the place of the root. */
function commandOf(unit, below) {
  const text = readFileSync(join(root, "conf", "systemd", unit), "utf8");
  const [, command] = /^ExecStart=\/usr\/bin\/ctfg (.*)$/m.exec(text);
  const prevented = /^RestartPreventExitStatus=(.*)$/m.exec(text)[1].split(" ").map(Number);
  return { args: command.replaceAll("%i", "one").replaceAll(" /", ` ${below}/`).split(" "), prevented };
}

describe("what an operator gets wrong", { timeout: 60000 }, () => {
  it("a unit whose game or database is not there ends for good, and names the path", () => {
    for (const unit of readdirSync(join(root, "conf", "systemd")).filter((name) => name.endsWith(".service"))) {
      const below = mkdtempSync(join(temp, "root-"));
      const { args, prevented } = commandOf(unit, below);
      const game = args[args.indexOf("-C") + 1];
      const dbdir = args[args.indexOf("--dbdir") + 1];
      assert.ok(game.startsWith(below) && dbdir.startsWith(below), `${unit}: ${args}`);
      const noGame = run(...args, ...QUIET);
      assert.ok(prevented.includes(noGame.status), `${unit}: status ${noGame.status}`);
      assert.ok(noGame.text.includes(`${game}: there is no such folder`), noGame.text);
      assert.match(noGame.text, /ctfg init/);

      mkdirSync(game, { recursive: true });
      spawnSync("cp", ["-r", `${makeGame()}/.`, game]);
      const noFolder = run(...args, ...QUIET);
      assert.ok(prevented.includes(noFolder.status), `${unit}: status ${noFolder.status}`);
      assert.match(noFolder.text, new RegExp(`the database folder ${dbdir} cannot be written to \\(No such file.*: make it`));
    }
  });

  it("settings that are named and not there are a mistake, their default place is not", () => {
    const game = makeGame();
    const { status, text } = run("check", "-C", game, "--config", join(temp, "none.yaml"));
    assert.equal(status, 2);
    assert.ok(text.includes(`${join(temp, "none.yaml")}: there is no such file`), text);
    assert.equal(run("check", "-C", game, "-b", temp).status, 0);
  });

  it("a database folder that is a file is named", () => {
    const file = join(temp, "file");
    writeFileSync(file, "");
    const { status, text } = run("-C", makeGame(), "-b", file, ...QUIET);
    assert.equal(status, 2);
    assert.match(text, new RegExp(`database folder ${file} cannot be written to \\(Not a directory\\)`));
    const check = run("check", "-C", makeGame(), "-b", file);
    assert.equal(check.status, 2);
    assert.match(check.text, new RegExp(`${file} is a file: --dbdir wants a folder`));
  });

  it("`ctfg check` promises no database where there is no folder", () => {
    const dir = join(temp, "nowhere");
    const { status, text } = run("check", "-C", makeGame(), "-b", dir);
    assert.equal(status, 0, "the unit makes /var/lib/ctfg at its first start");
    assert.match(text, new RegExp(`There is no folder ${dir} for the database: make it before the first start`));
  });

  it("a database that this user may not look at is not taken for none", (t) => {
    if (process.getuid() !== 0) {
      t.skip("another user wants root");
      return;
    }
    const own = mkdtempSync(join(tmpdir(), "ctfg-strange-")); // what leads there is open to all
    after(() => rmSync(own, { recursive: true, force: true }));
    const [game, program, dir] = ["game", "ctfg", "db"].map((name) => join(own, name));
    spawnSync("cp", ["-r", makeGame(), game]);
    copyFileSync(ctfg, program);
    mkdirSync(dir);
    writeFileSync(join(dir, "events.db"), "");
    [own, game, program].forEach((path) => chmodSync(path, 0o755));
    chmodSync(dir, 0o700);
    const asNobody = (command, ...more) => {
      const options = { encoding: "utf8", uid: 65534, gid: 65534, timeout: 20000 };
      const { status, stdout, stderr } = spawnSync(program, [command, "-C", game, "-b", dir, ...more], options);
      return { status, text: stdout + stderr };
    };
    for (const args of [["check"], ["export"], ["backup", join(own, "copy.db")]]) {
      const { status, text } = asNobody(...args);
      assert.equal(status, 2, `${args[0]}: ${text}`);
      assert.ok(text.includes(`${dir}/events.db: it cannot be opened: Permission denied`), text);
    }
    const doctor = asNobody("doctor");
    assert.equal(doctor.status, 1);
    assert.match(doctor.text, /^fail  database: .*Permission denied; mend: run this as the database's owner/m);
  });

  it("a database folder without a name, as of a variable that is not set, is a mistake", () => {
    const flag = run("check", "-C", makeGame(), "-b", "");
    assert.equal(flag.status, 2);
    assert.match(flag.text, /database\.dir must not be empty/);
    const line = run("check", "-C", makeGame({ files: { ".env": "CTFG_DATABASE_DIR=\n" } }));
    assert.match(line.text, /\.env:1: database\.dir must not be empty/);
  });

  it("a disk that is full at the start: no database is made or upgraded, and it says to make room", (t) => {
    const disk = join(temp, "disk");
    mkdirSync(disk);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=200k", "tmpfs", disk]).status !== 0) {
      t.skip("mounting a small disk is not allowed here");
      return;
    }
    mounts.push(disk);
    const path = join(disk, "events.db");
    execute(
      path,
      `CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, ts BIGINT NOT NULL, user_id BIGINT,
         challenge_id BIGINT, event_type SMALLINT, points INTEGER, hint_number INTEGER);
       CREATE TABLE users(id INTEGER PRIMARY KEY, username UNIQUE, displayname);`,
    );
    const before = readFileSync(path);
    const ballast = join(disk, "ballast");
    spawnSync("dd", ["if=/dev/zero", `of=${ballast}`, "bs=4096"]);
    const older = run("-C", makeGame(), "-b", disk, ...QUIET);
    assert.equal(older.status, 2);
    assert.match(older.text, /not upgraded without a copy of it: .*(full|No space)/);
    assert.deepEqual(readFileSync(path), before);
    assert.deepEqual(readdirSync(disk).filter((name) => name.includes(".before-")), [], "half a copy is left");

    rmSync(path);
    spawnSync("dd", ["if=/dev/zero", `of=${ballast}`, "bs=4096"]);
    const none = run("-C", makeGame(), "-b", disk, ...QUIET);
    assert.equal(none.status, 2);
    assert.match(none.text, /events\.db: it cannot be made: .*full; make room on its disk/);
  });

  it("an unknown variable in .env is compared with settings and tokens, a bad flag is named as one", () => {
    const game = makeGame({ files: { ".env": "CTFG_LISTEN_PROT=81\nCTFG_API_TOKN=0123456789abcdef\n" } });
    const { status, text } = run("check", "-C", game, "-b", temp);
    assert.equal(status, 0);
    assert.match(text, /\.env:1: nothing reads CTFG_LISTEN_PROT; did you mean CTFG_LISTEN_PORT\?/);
    assert.match(text, /\.env:2: nothing reads CTFG_API_TOKN; did you mean CTFG_API_TOKEN\?/);
    const pings = run("check", "-C", game, "-b", temp, "-k", "45", "-t", "45");
    assert.match(pings.text, /the command line or environment: stream\.ping_timeout must be longer/);
    const range = run("check", "-C", game, "-b", temp, "-k", "2h");
    assert.match(range.text, /stream\.ping_interval must be from 50ms to 1h/);
  });
});
