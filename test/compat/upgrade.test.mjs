// SPDX-License-Identifier: MIT
// `ctfg upgrade`: it finds the server of its database, waits until the new program serves, and says
// where the reason stands when that does not come to pass; the old one then goes on.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";

import { makeGame } from "../lib/game.mjs";
import { call, waitFor } from "../lib/player.mjs";
import { freePort } from "../lib/port.mjs";
import { ctfg, isAlive, startServer, titleOf } from "../lib/server.mjs";

const temp = mkdtempSync(join(tmpdir(), "ctfg-upgrade-"));
after(() => rmSync(temp, { recursive: true, force: true }));

/** Runs ctfg beside the test, so that the server's log goes on being read. */
function run(...args) {
  const child = spawn(ctfg, args, { cwd: temp });
  let text = "";
  child.stdout.on("data", (chunk) => (text += chunk));
  child.stderr.on("data", (chunk) => (text += chunk));
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, text })));
}

const upgrade = (server, ...more) => run("upgrade", "-C", server.dir, "-b", server.dbdir, ...more);

/** A program of its own for a server, which a test may replace. */
function ownProgram() {
  const program = join(mkdtempSync(join(temp, "bin-")), "ctfg");
  cpSync(ctfg, program);
  return program;
}

function replace(program, bytes) {
  writeFileSync(`${program}.new`, bytes);
  chmodSync(`${program}.new`, 0o755);
  renameSync(`${program}.new`, program);
}

const serves = async (server) => (await call(server.url, "GET", "/api/game")).status === 200;

describe("ctfg upgrade", { timeout: 120000 }, () => {
  it("waits until the new program serves, in the same process", async () => {
    const program = ownProgram();
    const server = await startServer({ game: makeGame(), program, flags: ["--workers", "1"] });
    try {
      const [db, from] = [server.dbPid(), server.log().length];
      cpSync(ctfg, `${program}.new`);
      renameSync(`${program}.new`, program);
      const { status, text } = await upgrade(server);
      assert.equal(status, 0, text + server.log());
      assert.match(text, new RegExp(`serves: still process ${server.pid},.*db is process ${server.dbPid()} now`));
      assert.notEqual(server.dbPid(), db);
      assert.match(server.log().slice(from), /^ctfg: listening on/m);
      assert.ok(await serves(server), "the command ended before the server served");
      assert.equal(titleOf(server.pid), "ctfg: master");
    } finally {
      await server.stop();
    }
  });

  it("a symbolic link that leads to another version now is followed", async () => {
    const versions = [ownProgram(), ownProgram()].map((program) => dirname(program));
    const current = join(mkdtempSync(join(temp, "link-")), "current");
    symlinkSync(versions[0], current);
    const server = await startServer({ game: makeGame(), program: join(current, "ctfg"), flags: ["--workers", "1"] });
    try {
      symlinkSync(versions[1], `${current}.new`);
      renameSync(`${current}.new`, current);
      const { status, text } = await upgrade(server);
      assert.equal(status, 0, text + server.log());
      assert.equal(readlinkSync(`/proc/${server.pid}/exe`), join(versions[1], "ctfg"));
    } finally {
      await server.stop();
    }
  });

  it("a server that was started with its standard streams closed is upgraded as any other", async () => {
    const [dir, port] = [makeGame(), await freePort()];
    const flags = ["-C", dir, "-b", dir, "--listen", "127.0.0.1", "-p", String(port), "--workers", "1"];
    const child = spawn("sh", ["-c", 'exec "$0" "$@" <&- >&- 2>&-', ctfg, ...flags, "--metrics-listen", "off"]);
    const serving = () => serves({ url: `http://127.0.0.1:${port}` }).catch(() => false);
    try {
      await waitFor("the server", serving);
      const { status, text } = await run("upgrade", "-C", dir, "-b", dir);
      assert.equal(status, 0, text);
      assert.ok(await serving());
      assert.equal(child.exitCode, null);
    } finally {
      const ended = new Promise((resolve) => child.on("exit", resolve));
      if (child.kill()) {
        await ended;
      }
    }
  });

  it("a new program that cannot start is refused, again and again, and the old one goes on", async () => {
    const program = ownProgram();
    const server = await startServer({ game: makeGame(), program, flags: ["--workers", "1"] });
    try {
      const pids = [server.dbPid(), ...server.workers()];
      for (const [bytes, number] of [["#!/bin/sh\nexit 3\n", 1], ["this is no program", 2]]) {
        replace(program, bytes);
        const { status, text } = await upgrade(server);
        assert.equal(status, 1, text);
        assert.match(text, new RegExp(`the old one goes on serving; .*(journalctl _PID=${server.pid}|/).* says why`));
        assert.equal(titleOf(server.pid), `ctfg: master, upgrades refused: ${number}`);
        assert.match(server.log(), /upgrade refused/);
        assert.ok(await serves(server));
      }
      assert.ok(pids.every(isAlive), "a child was replaced");
      cpSync(ctfg, `${program}.new`);
      renameSync(`${program}.new`, program);
      const { status, text } = await upgrade(server);
      assert.equal(status, 0, `mended, and still refused: ${text}`);
    } finally {
      await server.stop();
    }
  });

  it("a program that passes the probe and then ends is told from one that is refused", async () => {
    const program = ownProgram();
    const server = await startServer({ game: makeGame(), program, flags: ["--workers", "1"] });
    replace(program, '#!/bin/sh\nfor word; do [ "$word" = probe ] && exit 0; done\nexit 3\n');
    const { status, text } = await upgrade(server);
    assert.equal(status, 1, text);
    assert.match(text, /the server ended during the upgrade/);
    await server.gone();
  });

  it("the deadline is a deadline", async () => {
    const program = ownProgram();
    const server = await startServer({ game: makeGame(), program, flags: ["--workers", "1"] });
    try {
      replace(program, "#!/bin/sh\nsleep 3\nexit 3\n"); // a probe that takes its time
      const { status, text } = await upgrade(server, "--deadline", "1");
      assert.equal(status, 1, text);
      assert.match(text, /does not serve after 1 s/);
      assert.equal(titleOf(server.pid), "ctfg: master, trying an upgrade");
      const again = await upgrade(server);
      assert.equal(again.status, 1);
      assert.match(again.text, /not at rest/);
      assert.ok(await serves(server));
    } finally {
      await server.stop();
    }
  });

  it("no server, or somebody else who holds the lock: one sentence, and nobody gets a signal", async () => {
    const game = makeGame();
    const none = await run("upgrade", "-C", game, "-b", temp);
    assert.deepEqual([none.status, /no server runs with the database in /.test(none.text)], [1, true]);
    const dbdir = mkdtempSync(join(temp, "held-"));
    const lock = join(dbdir, "events.db.lock");
    const holder = spawn("flock", [lock, "sh", "-c", `echo $PPID > ${lock}; exec sleep 30`], { detached: true });
    try {
      await waitFor("the lock", () => spawnSync("flock", ["-n", lock, "true"]).status === 1);
      const held = await run("upgrade", "-C", game, "-b", dbdir);
      assert.equal(held.status, 1);
      assert.match(held.text, /process \d+ holds the database, but it is no ctfg server/);
      assert.ok(isAlive(holder.pid));
    } finally {
      process.kill(-holder.pid); // and what it started
    }
    const bad = await run("upgrade", "-C", game, "--deadline", "soon");
    assert.deepEqual([bad.status, /--deadline must be/.test(bad.text)], [64, true]);
  });
});
