// SPDX-License-Identifier: MIT
// P6: an upgrade in place, under load: from the previous program to the one under test, and what
// happens when the new one is none. CTFG_PREVIOUS_BIN names a released program to come from; without
// it, it is this source under another version (make build/ctfg-previous).
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";

import { openStream } from "../lib/client.mjs";
import { query } from "../lib/database.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { ctfg, filesHeldBy, isAlive, startServer, titleOf } from "../lib/server.mjs";

const previous = process.env.CTFG_PREVIOUS_BIN ?? join(dirname(ctfg), "ctfg-previous");
const SOLVERS = 4;
const LISTENERS = 24;
const CHALLENGES = 1000;
const SOLVE_EVERY_MS = 10; // on a fast disk they would be through before the upgrade is
const SPREAD_MS = 3000;
const CONFIG = `process:
  upgrade_spread: ${SPREAD_MS}ms
limits:
  submit: 100000 + 1000/s
  api: 100000 + 1000/s
`;

/** A folder with a program that a test may replace. */
function placeProgram(source) {
  assert.ok(existsSync(source), `there is no ${source}: make build/ctfg-previous`);
  const program = join(mkdtempSync(join(tmpdir(), "ctfg-program-")), "ctfg");
  process.on("exit", () => rmSync(dirname(program), { recursive: true, force: true }));
  cpSync(source, program);
  return program;
}

/** As a package manager does: beside it, then in its place. */
function replaceProgram(program, source) {
  cpSync(source, `${program}.new`);
  renameSync(`${program}.new`, program);
}

function replaceByScript(program, script) {
  writeFileSync(`${program}.new`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  renameSync(`${program}.new`, program);
}

const version = async (server) => (await call(server.url, "GET", "/api/game")).json?.version;

/** A stream that comes back with its `since`, as the page does. */
class Listener {
  constructor(player) {
    this.player = player;
    this.ids = [];
    this.ends = []; // {code, at}
    this.opened = 0;
  }

  async open() {
    const since = this.opened === 0 ? undefined : (this.ids.at(-1) ?? 0);
    this.opened++;
    this.stream = await openStream(this.player.streamUrl, { since });
    this.stream.socket.on("message", (data) => {
      [JSON.parse(data.toString())].flat().forEach((event) => this.ids.push(event.id));
    });
    this.stream.closed.then(({ code }) => {
      this.ends.push({ code, at: performance.now() });
      if (!this.over) {
        this.open().catch((error) => this.ends.push({ code: error.message, at: 0 }));
      }
    });
    this.stream.events().forEach((event) => this.ids.push(event.id)); // came with the 101
  }

  close() {
    this.over = true;
    this.stream.close();
    this.player.close();
  }
}

describe("P6: an upgrade under load", { timeout: 60000 }, () => {
  let server;
  let program;

  before(async () => {
    program = placeProgram(previous);
    server = await startServer({
      game: makeGame({ players: SOLVERS + LISTENERS, challenges: CHALLENGES }),
      program,
      config: CONFIG,
      flags: ["--workers", "2"],
    });
  });
  after(() => server?.stop());

  test("fails no request, loses no event, and lets the streams return one by one", async (t) => {
    const players = await Promise.all(
      Array.from({ length: SOLVERS + LISTENERS }, async (_, i) => {
        const player = new Player(() => server.url, playerName(i), playerPassword(i));
        await player.login();
        return player;
      }),
    );
    const solvers = players.slice(0, SOLVERS);
    const listeners = players.slice(SOLVERS).map((player) => new Listener(player));
    await Promise.all(listeners.map((listener) => listener.open()));

    const failures = [];
    const receipts = [];
    let over = false;
    const solve = async (player) => {
      for (let id = 1; !over && id <= CHALLENGES; id++) {
        try {
          const answer = await player.submit(id, flagOf(id));
          if (answer.json?.result === "correct") {
            receipts.push({ user: player.userId, id, seq: answer.json.seq });
          } else {
            failures.push(`submit: ${answer.status} ${answer.text}`);
          }
        } catch (error) {
          failures.push(`submit: ${error.message}`);
        }
        await new Promise((resolve) => setTimeout(resolve, SOLVE_EVERY_MS));
      }
    };
    t.after(() => (over = true));
    const look = async () => {
      while (!over) {
        await call(server.url, "GET", "/api/game").then(
          (answer) => answer.status === 200 || failures.push(`GET: ${answer.status}`),
          (error) => failures.push(`GET: ${error.message}`),
        );
      }
    };
    const load = [...solvers.map(solve), look(), look()];

    await waitFor("some solves", () => receipts.length > 20);
    const before = await version(server);
    const pids = [server.dbPid(), ...server.workers()];
    const from = server.log().length;
    replaceProgram(program, ctfg);
    server.signal("SIGUSR2");
    await server.waitForLog(/^ctfg: listening on/m, 20000, from);
    server.readUrls();
    await waitFor("every stream's end", () => listeners.every((l) => l.ends.length > 0), 20000);
    const count = receipts.length;
    await waitFor("more solves", () => receipts.length > count + 20);
    over = true;
    await Promise.all(load);

    assert.deepEqual(failures, []);
    assert.notEqual(await version(server), before, "the new program answers");
    assert.equal(titleOf(server.pid), "ctfg: master");
    const rows = query(server.dbPath, "SELECT id, user_id, challenge_id FROM events ORDER BY id");
    const stored = new Map(rows.map((row) => [`${row.user_id} ${row.challenge_id}`, row.id]));
    assert.equal(rows.length, receipts.length);
    receipts.forEach(({ user, id, seq }) => assert.equal(stored.get(`${user} ${id}`), seq));

    const ids = rows.map((row) => row.id);
    await waitFor("the last event everywhere", () =>
      listeners.every((listener) => listener.ids.at(-1) === ids.at(-1)),
    );
    for (const listener of listeners) {
      assert.deepEqual(listener.ids, ids, "every event once, in order");
      assert.deepEqual(listener.ends.map((end) => end.code), [1012]);
    }
    const times = listeners.map((listener) => listener.ends[0].at).sort((a, b) => a - b);
    const most = Math.max(...times.map((at) => times.filter((t) => t >= at && t < at + 200).length));
    assert.ok(times.at(-1) - times[0] > SPREAD_MS / 3, `closed within ${times.at(-1) - times[0]} ms`);
    assert.ok(times.at(-1) - times[0] < SPREAD_MS + 2000);
    assert.ok(most <= LISTENERS / 2, `${most} of ${LISTENERS} closed in one fifth of a second`);

    await waitFor("the old workers' end", () => pids.every((pid) => !isAlive(pid)));
    const metrics = (await call(server.metricsUrl, "GET", "/metrics")).text;
    const open = [...metrics.matchAll(/^ctfg_streams_open\{\S* (\d+)/gm)].map((m) => Number(m[1]));
    assert.equal(open.reduce((a, b) => a + b), LISTENERS, "all are at the new workers");
    listeners.forEach((listener) => listener.close());
    solvers.forEach((player) => player.close());
  });

  test("a stop in the middle of the spread leaves nobody behind", async () => {
    const player = new Player(() => server.url, playerName(0), playerPassword(0));
    await player.login();
    const streams = await Promise.all([1, 2, 3, 4].map(() => openStream(player.streamUrl)));
    const from = server.log().length;
    const pids = server.workers();
    server.signal("SIGUSR2");
    await server.waitForLog(/^ctfg: listening on/m, 20000, from);
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    await waitFor("the end of all", () => pids.every((pid) => !isAlive(pid)));
    await Promise.all(streams.map((stream) => stream.closed));
    player.close();
  });
});

describe("P6: an upgrade to what is no program", { timeout: 60000 }, () => {
  let server;
  let program;
  let stream;
  let one;

  before(async () => {
    program = placeProgram(ctfg);
    server = await startServer({ game: makeGame({}), program, flags: ["--workers", "2"] });
    one = new Player(() => server.url, playerName(0), playerPassword(0));
    await one.login();
    stream = await openStream(one.streamUrl);
  });
  after(async () => {
    stream?.close();
    one?.close();
    await server?.stop();
  });

  const refusals = {
    "that exits": () => replaceByScript(program, "exit 64"),
    "that crashes": () => replaceByScript(program, "kill -SEGV $$"),
    "that is missing": () => rmSync(program),
    "that finds a mistake in the settings": () => {
      replaceProgram(program, ctfg);
      writeFileSync(join(server.dir, "ctfg.yaml"), "limits:\n  submit: never\n");
    },
  };
  for (const [what, prepare] of Object.entries(refusals)) {
    test(`one ${what} is refused, and nothing happens to anybody`, async () => {
      const from = server.log().length;
      const pids = [server.dbPid(), ...server.workers()];
      prepare();
      server.signal("SIGUSR2");
      await server.waitForLog(/upgrade refused/, 10000, from);
      assert.deepEqual([server.dbPid(), ...server.workers()], pids);
      assert.equal((await one.get("/api/me")).status, 200);
      assert.equal(stream.end, undefined);
    });
  }

  const rename = (title) =>
    writeFileSync(join(server.dir, "challenges.json"), JSON.stringify([challenge(1, { title })]));
  const title = async () => (await one.get("/api/challenges")).json[0].title;

  test("a reload asked for in the same instant as one that is refused is done all the same", async () => {
    rmSync(join(server.dir, "ctfg.yaml"));
    replaceByScript(program, "exit 64");
    const from = server.log().length;
    rename("In the same instant");
    server.signal("SIGSTOP"); // so that it finds both
    server.signal("SIGHUP");
    server.signal("SIGUSR2");
    server.signal("SIGCONT");
    await server.waitForLog(/upgrade refused/, 10000, from);
    await server.waitForLog(/msg=reloaded/, 10000, from);
    assert.equal(await title(), "In the same instant");
  });

  test("a mistake that is saved while the old one's processes leave ends nothing", async () => {
    const file = join(server.dir, "challenges.json");
    const good = readFileSync(file);
    const from = server.log().length;
    const db = server.dbPid();
    replaceProgram(program, ctfg);
    server.kill(db, "SIGSTOP");
    server.signal("SIGUSR2");
    await server.waitForLog(/leaving for the new program/, 20000, from);
    writeFileSync(file, "[");
    server.kill(db, "SIGCONT");
    await server.waitForLog(/upgrade refused/, 20000, from);
    await server.waitForLog(/^ctfg: listening on/m, 20000, from);
    assert.equal(await title(), "In the same instant", "the old game goes on");
    writeFileSync(file, good);
  });

  test("a change that is saved while the old one's processes leave is the new one's game", async () => {
    const from = server.log().length;
    const db = server.dbPid();
    server.kill(db, "SIGSTOP");
    server.signal("SIGUSR2");
    await server.waitForLog(/leaving for the new program/, 20000, from);
    rename("Saved in the middle");
    server.kill(db, "SIGCONT");
    await server.waitForLog(/the new program takes over/, 20000, from);
    await server.waitForLog(/^ctfg: listening on/m, 20000, from);
    assert.equal(await title(), "Saved in the middle");
  });

  test("one that vanishes at the last moment brings the old one's processes back", async () => {
    const from = server.log().length;
    const db = server.dbPid();
    server.kill(db, "SIGSTOP"); // a reload is under way
    rename("Under way");
    server.signal("SIGHUP");
    // Takes the probe, and is no program any more when its turn comes.
    replaceByScript(program, `printf 'no program' > ${program}.new; mv ${program}.new ${program}`);
    await waitFor("the order to db", () => filesHeldBy(server.pid) > 0);
    server.signal("SIGUSR2");
    await server.waitForLog(/leaving for the new program/, 20000, from);
    server.kill(db, "SIGCONT");
    await server.waitForLog(/upgrade failed/, 20000, from);
    await server.waitForLog(/^ctfg: listening on/m, 20000, from);
    assert.equal((await call(server.url, "GET", "/api/game")).status, 200);
    assert.equal((await one.submit(1, flagOf(1))).json.result, "correct");
    await server.waitForLog(/msg=reloaded/, 20000, from);
    assert.equal(await title(), "Under way", "the reload that it broke off is done");
  });
});

describe("P6: a stop while the new program is tried", { timeout: 60000 }, () => {
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    test(`by ${signal} leaves none of it behind`, async () => {
      const program = placeProgram(ctfg);
      const server = await startServer({ game: makeGame({}), program, flags: ["--workers", "1"] });
      replaceByScript(program, `echo $$ > ${program}.pid; exec sleep 60`);
      server.signal("SIGUSR2");
      const pid = await waitFor("the probe", () => existsSync(`${program}.pid`) && Number(readFileSync(`${program}.pid`, "utf8")));
      server.signal(signal);
      await server.gone();
      await waitFor("its end", () => !isAlive(pid));
    });
  }
});
