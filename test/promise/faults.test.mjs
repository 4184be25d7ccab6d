// SPDX-License-Identifier: MIT
// The disk is full, read-only, locked or broken, the clock is wrong: a clear message, 503 for what
// would have to be written, reads and streams go on, and all is well again when the cause is gone.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

import { openStream } from "../lib/client.mjs";
import { execute, query, replay } from "../lib/database.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { metric } from "../lib/metrics.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { ctfg, startServer } from "../lib/server.mjs";

const temp = mkdtempSync(join(tmpdir(), "ctfg-faults-"));
const mounts = [];
after(() => {
  mounts.forEach((dir) => spawnSync("umount", ["-l", dir]));
  rmSync(temp, { recursive: true, force: true });
});

/** A small disk of its own; undefined where mounting is not allowed. */
function smallDisk(size) {
  const dir = mkdtempSync(join(temp, "disk-"));
  const result = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", dir]);
  if (result.status !== 0) {
    return undefined;
  }
  mounts.push(dir);
  return dir;
}

/** To the last byte. */
function fillUp(path) {
  for (const bytes of [1 << 20, 4096, 1]) {
    try {
      for (;;) {
        appendFileSync(path, Buffer.alloc(bytes));
      }
    } catch (error) {
      assert.equal(error.code, "ENOSPC");
    }
  }
}

async function loggedIn(server, i = 0) {
  const player = new Player(() => server.url, playerName(i), playerPassword(i));
  await player.login();
  return player;
}

/** Solves until the answer is no longer "correct"; returns that answer and what was acknowledged. */
async function solveUntilRefused(player, ids) {
  const acknowledged = [];
  for (const id of ids) {
    const answer = await player.submit(id, flagOf(id));
    if (answer.json?.result !== "correct") {
      return { answer, acknowledged, id };
    }
    acknowledged.push(id);
  }
  return { acknowledged };
}

const solvesOf = (server, player) => replay(server.dbPath).get(player.userId)?.solves ?? 0;

describe("faults", { timeout: 180000 }, () => {
  it("a full disk refuses writes, keeps what was acknowledged, and goes on when there is room", async (t) => {
    const disk = smallDisk("4m");
    if (disk === undefined) {
      t.skip("mounting a small disk is not allowed here");
      return;
    }
    const server = await startServer({ game: makeGame({ players: 2, challenges: 50 }), dbdir: disk });
    try {
      const player = await loggedIn(server);
      const stream = await openStream(player.streamUrl);
      assert.equal((await player.submit(1, flagOf(1))).json.result, "correct");

      spawnSync("dd", ["if=/dev/zero", `of=${join(disk, "ballast")}`, "bs=4096"]);
      const ids = Array.from({ length: 49 }, (_, i) => i + 2);
      const refused = await solveUntilRefused(player, ids);
      assert.equal(refused.answer?.status, 503, "the disk is full and everything was accepted");
      assert.deepEqual(refused.answer.json.error, "unavailable");
      assert.ok(refused.answer.headers["retry-after"]);
      assert.equal((await player.get("/api/scoreboard")).status, 200);
      assert.equal((await player.get("/api/challenges")).status, 200);
      const seen = refused.acknowledged.length + 1;
      await waitFor("the acknowledged events on the stream", () => stream.events().length >= seen);
      assert.match(server.log(), /full|space/i);
      const ready = async () => (await fetch(new URL("/readyz", server.metricsUrl))).status;
      assert.equal(await ready(), 503, "/readyz says that a flag would be accepted");

      rmSync(join(disk, "ballast"));
      await waitFor("ready again, though nobody submits", async () => (await ready()) === 200);
      await waitFor("writing works again", async () => {
        const answer = await player.submit(refused.id, flagOf(refused.id));
        return answer.status === 200;
      });
      assert.equal(solvesOf(server, player), seen + 1);
      assert.equal(stream.end, undefined, "the stream was closed");
      stream.close();
      player.close();
    } finally {
      await server.stop();
    }
  });

  it("a start on a full disk says that it is full, not that it fails", async (t) => {
    const dbdir = smallDisk("8m");
    if (dbdir === undefined) {
      t.skip("mounting a small disk is not allowed here");
      return;
    }
    const server = await startServer({ game: makeGame(), dbdir, flags: ["--workers", "1"] });
    await server.stop();
    fillUp(join(dbdir, "filler"));
    for (const args of [["check"], ["-p", "0", "--metrics-listen", "off"]]) {
      const { status, stdout, stderr } = spawnSync(ctfg, [...args, "-C", server.dir, "-b", dbdir], { encoding: "utf8", timeout: 20000 });
      assert.equal(status, 2);
      assert.match(stdout + stderr, /events\.db: it cannot be read: the disk is full, /);
    }
    rmSync(join(dbdir, "filler"));
    const again = await server.restart();
    await again.stop();
  });

  it("few descriptors refuse players, and the operator still sees it", async () => {
    const program = join(temp, "few-files");
    writeFileSync(program, `#!/bin/sh\nulimit -n 128 && exec ${ctfg} "$@"\n`, { mode: 0o755 });
    const server = await startServer({ game: makeGame(), program, flags: ["--workers", "1"] });
    const clients = Array.from({ length: 200 }, () => connect(server.port, "127.0.0.1").on("error", () => {}));
    try {
      await server.waitForLog(/ msg="connections are refused" why="the limit of open files is reached" open=64\n/);
      for (const path of ["/healthz", "/readyz", "/metrics"]) {
        assert.equal((await call(server.metricsUrl, "GET", path)).status, 200, path);
      }
      assert.equal(await metric(server, "ctfg_connections_limit"), 64);
      await waitFor("the count of those refused", async () => (await metric(server, "ctfg_connections_refused_total")) === 136);
      server.signal("SIGHUP"); // a reload has descriptors left, too
      await server.waitForLog(/ msg=reloaded /);
      const { status } = spawnSync("prlimit", [`--pid=${server.workers()[0]}`, "--nofile=1024:1024"]);
      if (status === 0) { // only root may raise it
        assert.equal(await metric(server, "ctfg_connections_limit"), 960);
        assert.equal((await call(server.url, "GET", "/api/game")).status, 200);
      }
    } finally {
      clients.forEach((client) => client.destroy());
      await server.stop();
    }
  });

  it("a log.file that has reached the limit of its size (ulimit -f) ends nobody", async () => {
    const log = join(temp, "limited.log");
    const config = `log:\n  file: ${log}\n`;
    writeFileSync(log, "x".repeat(2 << 20)); // of a day before; the files of a reload are under the limit
    const server = await startServer({ game: makeGame({ challenges: 1 }), config });
    try {
      const player = await loggedIn(server);
      const pids = [server.pid, server.dbPid(), ...server.workers()];
      for (const pid of pids) {
        assert.equal(spawnSync("prlimit", ["--pid", String(pid), `--fsize=${1 << 20}:`]).status, 0);
      }
      writeFileSync(join(server.dir, "challenges.json"), JSON.stringify([challenge(1, { title: "Renamed" })]));
      server.signal("SIGHUP");
      await waitFor("the reload, or the end", async () => {
        return server.how || (await player.get("/api/challenges")).json[0].title === "Renamed";
      });
      assert.deepEqual([server.pid, server.dbPid(), ...server.workers()], pids);
      player.close();
    } finally {
      await server.stop();
    }
  });

  it("a database locked by another process refuses writes until the lock is gone", async () => {
    const server = await startServer({ game: makeGame({ players: 2, challenges: 9 }) });
    const shell = spawn("sqlite3", [server.dbPath], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      const player = await loggedIn(server);
      let said = "";
      shell.stdout.on("data", (chunk) => (said += chunk));
      shell.stdin.write("BEGIN IMMEDIATE;\nSELECT 'locked';\n");
      await waitFor("the lock", () => said.includes("locked"));
      const refused = await player.submit(1, flagOf(1));
      assert.deepEqual([refused.status, refused.json], [503, { error: "unavailable" }]);
      assert.equal((await player.get("/api/scoreboard")).status, 200);
      shell.stdin.end("ROLLBACK;\n");
      await waitFor("writing works again", async () => {
        return (await player.submit(1, flagOf(1))).status === 200;
      });
      assert.equal(solvesOf(server, player), 1);
      player.close();
    } finally {
      shell.kill();
      await server.stop();
    }
  });

  it("a read-only database is refused at the start with a sentence", async (t) => {
    const disk = smallDisk("8m");
    if (disk === undefined) {
      t.skip("mounting a small disk is not allowed here");
      return;
    }
    const game = makeGame();
    const server = await startServer({ game, dbdir: disk });
    await server.stop();
    assert.equal(spawnSync("mount", ["-o", "remount,ro", disk]).status, 0);
    const result = spawnSync(ctfg, ["-C", game, "-b", disk, "-p", "0"], {
      encoding: "utf8",
      timeout: 20000,
    });
    assert.equal(result.status, 2, result.stderr);
    assert.match(result.stderr, /read-only|written|permission/i);
  });

  it("a clock that was set back does not set the game back", async () => {
    const dbdir = join(temp, "clock");
    mkdirSync(dbdir);
    const game = makeGame({ players: 2, challenges: 9 });
    const first = await startServer({ game, dbdir });
    const early = await loggedIn(first);
    await early.submit(1, flagOf(1));
    early.close();
    await first.stop();
    const future = (Date.now() + 3600 * 1000) * 1000; // as if the clock had been an hour ahead
    execute(first.dbPath, `UPDATE events SET ts = ${future};`);
    const server = await first.restart();
    try {
      const player = await loggedIn(server);
      await player.submit(2, flagOf(2));
      await player.submit(3, flagOf(3));
      const times = query(server.dbPath, "SELECT ts FROM events ORDER BY id").map((row) => row.ts);
      assert.ok(times[1] >= future && times[2] >= times[1], String(times));
      player.close();
    } finally {
      await server.stop();
    }
  });

  it("pages of a database that were overwritten are noticed by check, in a sentence", async () => {
    const game = makeGame({ players: 2, challenges: [challenge(1)] });
    const server = await startServer({ game });
    const player = await loggedIn(server);
    await player.submit(1, flagOf(1));
    player.close();
    await server.stop();
    spawnSync("dd", ["if=/dev/urandom", `of=${server.dbPath}`, "bs=4096", "seek=1", "count=2", "conv=notrunc"]);
    const result = spawnSync(ctfg, ["check", "-C", game, "-b", server.dbdir], {
      encoding: "utf8",
      timeout: 20000,
    });
    assert.notEqual(result.status, 0);
    assert.match(result.stdout + result.stderr, /events\.db|database/);
  });
});
