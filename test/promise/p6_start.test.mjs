// SPDX-License-Identifier: MIT
// P6: what is wrong is said before anything listens; and where the listening sockets come from.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { makeGame } from "../lib/game.mjs";
import { call, waitFor } from "../lib/player.mjs";
import { ctfg, startServer } from "../lib/server.mjs";

const OFF = ["--metrics-listen", "off", "--workers", "1"];
let temp;

before(() => {
  temp = mkdtempSync(join(tmpdir(), "ctfg-start-"));
});
after(() => rmSync(temp, { recursive: true, force: true }));

/** Runs a command to its end. */
function run(...args) {
  const result = spawnSync(ctfg, args, { cwd: temp, encoding: "utf8", timeout: 20000 });
  return { status: result.status, out: result.stdout, err: result.stderr };
}

describe("the command line", () => {
  test("knows its version, and its help names every flag of the contract", () => {
    assert.match(run("--version").out, /^ctfg \d+\.\d+\.\d+/);
    const { out, status } = run("--help");
    assert.equal(status, 0);
    const flags = [
      "-C", "--game", "-p", "--port", "-b", "--dbdir", "-w", "--websocket-url", "-k",
      "--ws-keepalive-interval", "-t", "--ws-ping-timeout", "-g", "--ws-backlog", "-L",
      "--ws-log-ping-latency", "-d", "--developer-mode", "--config", "--workers", "--listen",
      "--metrics-listen", "--user", "--web-root", "--version",
    ];
    for (const flag of flags) {
      assert.ok(out.includes(`${flag} `) || out.includes(`${flag},`), flag);
    }
    for (const command of ["init", "check", "backup"]) {
      assert.match(out, new RegExp(`ctfg ${command}`));
    }
  });

  test("an unknown command or flag is one sentence and status 64", () => {
    for (const [args, hint] of [
      [["chekc"], /did you mean "check"/],
      [["--prot", "1"], /--prot/],
      [["-p"], /needs a value/],
      [["backup"], /usage: ctfg backup/],
      [["backup", ""], /usage: ctfg backup/], // as of a variable that is not set
    ]) {
      const { status, err, out } = run(...args);
      assert.equal(status, 64);
      assert.match(err, hint);
      assert.equal(err.trim().split("\n").length, 1);
      assert.equal(out, "");
    }
  });

  test("init writes a game that check accepts, and overwrites nothing", () => {
    const dir = join(temp, "new");
    assert.equal(run("init", dir).status, 0);
    assert.ok(readdirSync(dir).includes("challenges.json"));
    assert.equal(statSync(join(dir, "credentials.csv")).mode & 0o077, 0);
    const checked = run("check", "-C", dir, "-b", temp);
    assert.equal(checked.status, 0, checked.out + checked.err);
    const again = run("init", dir);
    assert.notEqual(again.status, 0);
    assert.match(again.err, /not empty/);
  });
});

describe("a start that cannot be", () => {
  test("bad files are listed with their lines, status 2, and nothing listens", async () => {
    const game = makeGame({ files: { "challenges.json": '[{"id":1},\n{"id":"x"}]' } });
    const probe = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => probe.on("listening", resolve));
    // The port is taken: had it tried to listen, it would have said so.
    const { status, err } = run("-C", game, "-b", temp, "-p", String(probe.address().port), ...OFF);
    probe.close();
    assert.equal(status, 2);
    assert.match(err, /challenges\.json:\d+: /);
    assert.doesNotMatch(err, /cannot listen/);
  });

  test("a database that is none is named, status 2", () => {
    const game = makeGame();
    writeFileSync(join(game, "events.db"), "this is no database, but a text ".repeat(100));
    const { status, err } = run("-C", game, "-b", game, "-p", "0", ...OFF);
    assert.equal(status, 2);
    assert.match(err, /cannot start.*events\.db/);
  });

  test("a port that is taken is named, status 69", async () => {
    const holder = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => holder.on("listening", resolve));
    const { port } = holder.address();
    const child = spawn(ctfg, [
      "-C", makeGame(), "-b", temp, "--listen", "127.0.0.1", "-p", String(port), ...OFF,
    ]);
    let err = "";
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const status = await new Promise((resolve) => child.on("exit", resolve));
    holder.close();
    assert.equal(status, 69);
    assert.match(err, new RegExp(`cannot listen at 127\\.0\\.0\\.1, port ${port}: `));
  });

  test("a unix socket takes the place of a dead one only, never of a file", () => {
    const game = makeGame();
    const path = join(game, "notes.txt");
    writeFileSync(path, "not to be lost");
    const { status, err } = run("-C", game, "-b", game, "--listen", `unix:${path}`, ...OFF);
    assert.equal(status, 69);
    assert.match(err, /cannot listen at .*notes\.txt/);
    assert.equal(readFileSync(path, "utf8"), "not to be lost");
  });

  test("a second server on the same database is refused", async () => {
    const server = await startServer({ game: makeGame(), flags: ["--workers", "1"] });
    try {
      const { status, err } = run("-C", server.dir, "-b", server.dbdir, "-p", "0", ...OFF);
      assert.equal(status, 2);
      assert.match(err, /cannot start/);
    } finally {
      await server.stop();
    }
  });
});

describe("where players come in", () => {
  test("by default at every address, IPv4 and IPv6", async () => {
    const server = await startServer({ game: makeGame(), flags: OFF, listen: [] });
    try {
      assert.match(server.log(), /^ctfg: listening on http:\/\/localhost:\d+\/$/m);
      assert.equal((await call(`http://127.0.0.1:${server.port}`, "GET", "/api/game")).status, 200);
      const hasIpv6 = await new Promise((resolve) => {
        const probe = net.createServer().listen(0, "::1");
        probe.on("listening", () => probe.close(() => resolve(true)));
        probe.on("error", () => resolve(false));
      });
      if (hasIpv6) {
        assert.equal((await call(`http://[::1]:${server.port}`, "GET", "/api/game")).status, 200);
      }
    } finally {
      await server.stop();
    }
  });

  test("at a unix socket, whose file goes when the server does", async () => {
    const path = join(temp, "players.sock");
    const child = spawn(ctfg, ["-C", makeGame(), "-b", temp, "--listen", `unix:${path}`, ...OFF]);
    let err = "";
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const exited = new Promise((resolve) => child.on("exit", resolve));
    try {
      await waitFor("ready", () => err.includes(`ctfg: listening on unix:${path}`));
      const out = execFileSync(
        process.execPath,
        ["-e", `require("http").get({socketPath:${JSON.stringify(path)},path:"/api/game"},r=>{console.log(r.statusCode);r.destroy();process.exit()})`],
        { encoding: "utf8" },
      );
      assert.equal(out.trim(), "200");
    } finally {
      child.kill("SIGTERM");
    }
    assert.equal(await exited, 0);
    assert.throws(() => statSync(path));
  });

  test("at a socket that systemd holds", async () => {
    const holder = net.createServer();
    await new Promise((resolve) => holder.listen(0, "127.0.0.1", resolve));
    const { port } = holder.address();
    const flags = ["-C", makeGame(), "-b", temp, "-p", "1", ...OFF];
    const child = spawn(
      "/bin/sh",
      ["-c", 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$0" "$@"', ctfg, ...flags],
      { stdio: ["ignore", "ignore", "pipe", holder._handle.fd] },
    );
    let err = "";
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const exited = new Promise((resolve) => child.on("exit", resolve));
    await waitFor("ready", () => err.includes(`ctfg: listening on http://127.0.0.1:${port}/`));
    holder.close(); // from now on only the server listens there
    assert.equal((await call(`http://127.0.0.1:${port}`, "GET", "/api/game")).status, 200);
    child.kill("SIGTERM");
    assert.equal(await exited, 0);
  });

  test("the environment has its say, and the command line the last word", async () => {
    const server = await startServer({
      game: makeGame(),
      flags: ["--workers", "2"],
      env: { CTFG_PROCESS_WORKERS: "3", CTFG_LISTEN_METRICS: "off" },
    });
    try {
      assert.equal(server.workers().length, 2);
    } finally {
      await server.stop();
    }
  });
});
