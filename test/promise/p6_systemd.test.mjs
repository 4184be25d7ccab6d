// SPDX-License-Identifier: MIT
// P6, seen by the service manager: it is told when the server serves, reloads and stops; it stops
// being fed when any process stops turning; its sockets, credentials and mistakes are understood.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { makeGame } from "../lib/game.mjs";
import { call, waitFor } from "../lib/player.mjs";
import { ctfg, startServer } from "../lib/server.mjs";
import { NotifySocket, unitFlags, unitValues, withSockets } from "../lib/systemd.mjs";

const WATCHDOG_USEC = 900000; // fed every 300 ms; the real unit: 40 s
const DRAIN_S = 45; // longer than TimeoutStopSec of the units
const SILENT_MS = 2000; // master/child.h: CHILD_SILENT_US
let temp;

before(() => {
  temp = mkdtempSync(join(tmpdir(), "ctfg-systemd-"));
});
after(() => rmSync(temp, { recursive: true, force: true }));

async function startNotified(name, options = {}) {
  const notify = await new NotifySocket(join(temp, name)).listening();
  const server = await startServer({
    game: makeGame(),
    flags: ["--workers", "2"],
    ...options,
    env: { NOTIFY_SOCKET: notify.path, ...options.env },
  });
  return { notify, server };
}

describe("what systemd is told", () => {
  test("READY with a status, RELOADING with a clock and READY again, STOPPING", async () => {
    const { notify, server } = await startNotified("life", { config: `process:\n  drain_timeout: ${DRAIN_S}s\n` });
    try {
      const serving = `Serving ${server.url}/: 2 workers, 3 players, 3 challenges`;
      assert.deepEqual(await notify.heard("READY"), { READY: "1", STATUS: serving });

      const uptimeBefore = process.hrtime.bigint() / 1000n;
      let from = notify.messages.length;
      server.signal("SIGHUP");
      const reloading = await notify.heard("RELOADING", { from });
      assert.ok(BigInt(reloading.MONOTONIC_USEC) >= uptimeBefore);
      assert.ok(BigInt(reloading.MONOTONIC_USEC) <= process.hrtime.bigint() / 1000n);
      assert.equal((await notify.heard("READY", { from })).STATUS, serving);

      from = notify.messages.length;
      writeFileSync(join(server.dir, "challenges.json"), "[{");
      server.signal("SIGHUP");
      await notify.heard("RELOADING", { from });
      const refused = await notify.heard("READY", { from });
      assert.equal(refused.STATUS, `${serving}; the last reload was refused: see the log`);

      from = notify.messages.length;
      server.signal("SIGTERM");
      const stopping = await notify.heard("STOPPING", { from });
      assert.match(stopping.STATUS, /^Finishing/);
      assert.ok(Number(stopping.EXTEND_TIMEOUT_USEC) > DRAIN_S * 1e6, "the unit's own limit is shorter");
      assert.equal((await server.gone()).code, 0);
      assert.equal(notify.count("WATCHDOG"), 0, "it is fed although it does not watch");
    } finally {
      await server.stop();
      notify.close();
    }
  });

  test("an upgrade is a reload for it: RELOADING, then READY of the same process", async () => {
    const { notify, server } = await startNotified("upgrade");
    try {
      const from = notify.messages.length;
      server.signal("SIGUSR2");
      assert.ok("MONOTONIC_USEC" in (await notify.heard("RELOADING", { from, ms: 20000 })));
      await notify.heard("READY", { from, ms: 30000 });
      assert.equal(notify.count("STOPPING"), 0);
      assert.equal((await call(server.url, "GET", "/api/game")).status, 200);
    } finally {
      await server.stop();
      notify.close();
    }
  });

  for (const [what, pidOf] of [
    ["a worker", (server) => server.workers()[1]],
    ["the db process", (server) => server.dbPid()],
  ]) {
    test(`the watchdog is fed while all turn, not while ${what} hangs, and again when it goes on`, async () => {
      const { notify, server } = await startNotified(`watchdog-${what.length}`, {
        env: { WATCHDOG_USEC: String(WATCHDOG_USEC) },
      });
      const pid = pidOf(server);
      try {
        await waitFor("three feedings", () => notify.count("WATCHDOG") >= 3);
        server.kill(pid, "SIGSTOP");
        // As systemd would see it: nothing for as long as it waits.
        let fed = notify.count("WATCHDOG");
        let since = Date.now();
        await waitFor(
          "a silence longer than systemd's patience",
          () => {
            if (notify.count("WATCHDOG") !== fed) {
              fed = notify.count("WATCHDOG");
              since = Date.now();
            }
            return Date.now() - since > WATCHDOG_USEC / 1000 + 100;
          },
          SILENT_MS + 5000,
        );
        assert.doesNotMatch(server.log(), /process is killed/, "it was silent because a process was killed");
        server.kill(pid, "SIGCONT");
        await waitFor("feeding goes on", () => notify.count("WATCHDOG") > fed);
      } finally {
        server.kill(pid, "SIGCONT");
        await server.stop();
        notify.close();
      }
    });
  }
});

describe("what systemd hands over", () => {
  test("sockets by name: players' and the scraper's", async () => {
    const holders = [net.createServer(), net.createServer()];
    await Promise.all(holders.map((holder) => new Promise((resolve) => holder.listen(0, "127.0.0.1", resolve))));
    const [players, metrics] = holders.map((holder) => holder.address().port);
    const unused = join(temp, "unused.sock");
    const flags = ["-C", makeGame(), "-b", temp, "-p", "1", "--listen", `unix:${unused}`];
    const [program, args] = withSockets(["metrics", "ctfg.socket"], ctfg, flags);
    const child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe", holders[1]._handle.fd, holders[0]._handle.fd],
    });
    let err = "";
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const exited = new Promise((resolve) => child.on("exit", resolve));
    try {
      await waitFor("ready", () => err.includes(`ctfg: listening on http://127.0.0.1:${players}/`), 30000);
      holders.forEach((holder) => holder.close());
      assert.equal((await call(`http://127.0.0.1:${players}`, "GET", "/api/game")).status, 200);
      assert.equal((await call(`http://127.0.0.1:${players}`, "GET", "/metrics")).status, 404);
      assert.match((await call(`http://127.0.0.1:${metrics}`, "GET", "/metrics")).text, /^ctfg_/m);
      assert.ok(!existsSync(unused), "they take the place of listen.address");
      assert.match(err, /listen\.address is not listened at/, "and the log says so");
    } finally {
      child.kill("SIGTERM");
    }
    assert.equal(await exited, 0);
  });

  test("a descriptor that does not listen is refused in one sentence, status 69", () => {
    const [program, args] = withSockets(["x"], ctfg, ["-C", makeGame(), "-b", temp]);
    const { status, stderr } = spawnSync(program, args, {
      stdio: ["ignore", "ignore", "pipe", "ignore"],
      encoding: "utf8",
    });
    assert.equal(status, 69, stderr);
    assert.match(stderr, /cannot listen at a socket that was handed over/);
  });

  test("a token by LoadCredential wins over the environment, also after a reload", async () => {
    const secrets = join(temp, "secrets");
    mkdirSync(secrets);
    writeFileSync(join(secrets, "CTFG_API_TOKEN"), "of-systemd-of-systemd\n");
    const server = await startServer({
      game: makeGame(),
      flags: ["--workers", "1"],
      env: { CREDENTIALS_DIRECTORY: secrets, CTFG_API_TOKEN: "environment-environment" },
    });
    const award = async (token) =>
      (await call(server.url, "POST", "/api/award", { headers: { Authorization: token }, body: {} })).status;
    try {
      assert.equal(await award("environment-environment"), 401);
      assert.equal(await award("of-systemd-of-systemd"), 400);
      const from = server.log().length;
      server.signal("SIGHUP");
      await server.waitForLog(/reloaded/, 20000, from);
      assert.equal(await award("of-systemd-of-systemd"), 400);
      assert.ok(!server.log().includes("of-systemd"), "a token is in the log");
    } finally {
      await server.stop();
    }
  });
});

describe("a unit that cannot start", () => {
  /** Runs what a unit starts, with its paths moved below a folder of ours. */
  function runUnit(unit, root, more = []) {
    const flags = unitFlags(unit, "spring").map((flag) => (flag.startsWith("/") ? join(root, flag) : flag));
    const { status, stderr } = spawnSync(ctfg, [...flags, "-p", "0", "--metrics-listen", "off", ...more], {
      encoding: "utf8",
      timeout: 30000,
    });
    return { status, stderr };
  }

  /** Exit statuses after which systemd does not try again. */
  const final = (unit) => unitValues(unit, "RestartPreventExitStatus")[0].split(" ").map(Number);

  for (const [unit, game, database] of [
    ["ctfg.service", "etc/ctfg", "var/lib/ctfg"],
    ["ctfg@.service", "etc/ctfg/spring", "var/lib/ctfg/spring"],
  ]) {
    test(`${unit}: a game, a setting or a database folder that is not there is named, once`, () => {
      const root = mkdtempSync(join(temp, "root-"));
      const noGame = runUnit(unit, root);
      assert.match(noGame.stderr, new RegExp(`${game}: .*no such folder.*ctfg init`));
      assert.ok(final(unit).includes(noGame.status), `systemd tries again after ${noGame.status}`);

      mkdirSync(join(root, game, ".."), { recursive: true });
      assert.equal(spawnSync(ctfg, ["init", join(root, game)]).status, 0);
      const noDatabase = runUnit(unit, root);
      assert.match(noDatabase.stderr, new RegExp(`${database}.*No such file`));
      assert.ok(final(unit).includes(noDatabase.status), `systemd tries again after ${noDatabase.status}`);

      mkdirSync(join(root, database), { recursive: true });
      const noSettings = runUnit(unit, root, ["--config", join(root, "nowhere.yaml")]);
      assert.match(noSettings.stderr, /nowhere\.yaml: there is no such file/);
      assert.ok(final(unit).includes(noSettings.status));

      const noPage = runUnit(unit, root, ["--web-root", join(root, "no-page")]);
      assert.match(noPage.stderr, /no-page: the page's folder cannot be read: No such file/);
      assert.ok(final(unit).includes(noPage.status));
    });
  }

  test("a command line it does not know is final too", () => {
    const { status, stderr } = runUnit("ctfg.service", temp, ["--no-such-flag"]);
    assert.match(stderr, /there is no flag --no-such-flag/);
    assert.ok(final("ctfg.service").includes(status));
  });
});
