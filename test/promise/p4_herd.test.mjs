// SPDX-License-Identifier: MIT
// P4: the herd gets in. Everyone at once is a normal Saturday: nobody is refused, nobody reset.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { HASH_OF_PW, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { metric } from "../lib/metrics.mjs";
import { tcpCounter } from "../lib/netstat.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { startServer } from "../lib/server.mjs";

const HERD = 1000;
const STALL_MS = 200;
const LEAVERS = 4000;
/** Buckets of the histogram; what connections may take of a turn is 4 ms. */
const LONG_TURN = "0.025600";
const LONGEST_TURN = "0.409600";
/** A wait that a signal has ended counts as a part of the turn (libuv does not call it idle): a stop is
 * longer than any turn that is looked for. */
const STOP_MS = 500;
const REQUEST = "GET /api/game HTTP/1.1\r\nHost: h\r\n\r\n";

let server;

/** One client: connects, asks, and remembers how it went. */
function member() {
  const { hostname, port } = new URL(server.url);
  const begun = performance.now();
  const one = { text: "", failed: null, tookMs: null };
  one.socket = net.connect({ host: hostname, port: Number(port) });
  one.socket.on("connect", () => one.socket.write(REQUEST));
  one.socket.on("data", (chunk) => {
    one.text += chunk.toString("latin1");
    if (one.tookMs === null && one.text.includes('"version"')) {
      one.tookMs = performance.now() - begun;
    }
  });
  one.socket.on("error", (error) => (one.failed = error));
  one.socket.on("close", () => (one.closed = true));
  return one;
}

/** Waits until each has an answer or an error; gives the answers' times, shortest first. */
async function allServed(herd, ms = 20000) {
  await waitFor("an answer for everyone", () => herd.every((one) => one.tookMs !== null || one.failed), ms);
  assert.deepEqual(herd.filter((one) => one.failed).map((one) => one.failed.code), []);
  assert.ok(herd.every((one) => one.text.startsWith("HTTP/1.1 200 OK\r\n")));
  return herd.map((one) => one.tookMs).sort((a, b) => a - b);
}

/** Connections of this machine that found their listener's queue full, ever. */
const overflows = () => tcpCounter("ListenOverflows");

const leave = (herd) => herd.forEach((one) => one.socket.destroy());

/** Connections each worker holds open, as it says itself. */
async function openConnections() {
  const { text } = await call(server.metricsUrl, "GET", "/metrics");
  const lines = text.matchAll(/^ctfg_connections_open\{[^}]*process="worker-\d+"[^}]*\} (\d+)$/gm);
  return [...lines].map((line) => Number(line[1]));
}

/** Turns of the only worker's loop that were longer than LONG_TURN, without those above LONGEST_TURN. */
async function longTurns(one) {
  const lines = (await call(one.metricsUrl, "GET", "/metrics")).text.split("\n");
  const value = (start) => Number(lines.find((line) => line.startsWith(start)).split(" ")[1]);
  const upTo = (bound) => value(`ctfg_loop_stall_seconds_bucket{process="worker-1",le="${bound}"}`);
  return upTo(LONGEST_TURN) - upTo(LONG_TURN);
}

describe("P4: the herd gets in", { timeout: 180000 }, () => {
  before(async () => {
    server = await startServer({
      game: makeGame({ players: 300, challenges: 5 }),
      flags: ["--workers", "2"],
    });
  });
  after(() => server?.stop());

  it(`${HERD} at once, while every worker is stopped for ${STALL_MS} ms: all are served`, async () => {
    const workers = server.workers();
    const before = overflows();
    assert.equal(workers.length, 2);
    workers.forEach((pid) => server.kill(pid, "SIGSTOP"));
    const begun = performance.now();
    const herd = Array.from({ length: HERD }, member);
    await waitFor("the stall's end", () => performance.now() - begun > STALL_MS);
    assert.ok(herd.every((one) => one.tookMs === null), "nobody was there to answer");
    workers.forEach((pid) => server.kill(pid, "SIGCONT"));
    const times = await allServed(herd);
    assert.equal(overflows(), before, "the backlog had room for everybody");
    /* A SYN that found no room comes again after a second. */
    assert.ok(times[HERD - 1] < 5000, `the last answer took ${times[HERD - 1]} ms`);
    leave(herd);
  });

  it("no worker takes much more than its share, and none is left out", async () => {
    const herd = Array.from({ length: HERD }, member);
    await allServed(herd);
    const open = await openConnections();
    assert.equal(open.length, 2);
    assert.ok(open.reduce((a, b) => a + b) >= HERD, `${open}`);
    assert.ok(Math.max(...open) <= HERD * 0.8, `the busiest holds ${open}`);
    leave(herd);
    await waitFor("everyone gone", async () => (await openConnections()).every((n) => n < 10));
  });

  it("with one of two workers stopped, the other takes everybody", async () => {
    const [stopped] = server.workers();
    server.kill(stopped, "SIGSTOP");
    try {
      const herd = Array.from({ length: 500 }, member);
      const times = await allServed(herd);
      assert.ok(times[499] < 5000, `the last answer took ${times[499]} ms`);
      leave(herd);
    } finally {
      server.kill(stopped, "SIGCONT");
    }
  });

  it("with one of two workers killed, everybody gets in and nobody new is lost", async () => {
    const [victim] = server.workers();
    server.kill(victim, "SIGKILL");
    const herd = Array.from({ length: 500 }, member);
    await waitFor("an end for everyone", () => herd.every((one) => one.tookMs !== null || one.closed));
    const lost = herd.filter((one) => one.tookMs === null).length;
    assert.equal(lost, 0, "the dead worker had taken none of them");
    leave(herd);
  });

  it("300 players log in in the same second, each gets a session", async () => {
    const players = Array.from(
      { length: 300 },
      (_, i) => new Player(server.url, playerName(i), playerPassword(i)),
    );
    const begun = performance.now();
    await Promise.all(players.map((player) => player.login()));
    const tookMs = performance.now() - begun;
    const lists = await Promise.all(players.map((player) => player.get("/api/challenges")));
    assert.ok(lists.every((answer) => answer.status === 200 && answer.json.length === 5));
    assert.ok(tookMs < 10000, `300 logins took ${tookMs} ms`);
    players.forEach((player) => player.close());
  });

  it("a login for which the queue of hashes has no room costs no try", async () => {
    const game = makeGame({
      players: 0,
      challenges: 1,
      files: { "ctfg.yaml": "limits:\n  password_queue: 1\n  login_name: 3 + 1/600s\n" },
    });
    writeFileSync(join(game, "credentials.csv"), `${playerName(0)},"${HASH_OF_PW}"\n`);
    const hashed = await startServer({ game, flags: ["--workers", "1"] });
    try {
      const login = () =>
        call(hashed.url, "POST", "/api/login", { body: { username: playerName(0), password: "pw" } });
      const answers = await Promise.all(Array.from({ length: 30 }, login));
      const statuses = answers.map((answer) => answer.status);
      assert.deepEqual([...new Set(statuses)].sort(), [200, 503], "nobody is told to have failed");
      assert.equal((await login()).status, 200);
    } finally {
      await hashed.stop();
    }
  });

  it("logins against argon2id wait for each other, and players for none of them", async () => {
    const game = makeGame({ players: 0, challenges: 1 });
    const names = Array.from({ length: 40 }, (_, i) => playerName(i));
    const rows = names.map((name) => `${name},"${HASH_OF_PW}"`);
    writeFileSync(join(game, "credentials.csv"), `${rows.join("\n")}\n`);
    const hashed = await startServer({ game, flags: ["--workers", "2"] });
    try {
      const login = (username, password) =>
        call(hashed.url, "POST", "/api/login", { body: { username, password }, timeoutMs: 60000 });
      let waiting = names.length;
      const answers = names.map((name, i) =>
        login(name, i === 0 ? "wrong" : "pw").finally(() => waiting--),
      );
      let asked = 0;
      while (waiting > 0) {
        assert.equal((await call(hashed.url, "GET", "/api/game")).status, 200);
        asked++;
      }
      const statuses = (await Promise.all(answers)).map((answer) => answer.status);
      assert.deepEqual(statuses, [401, ...names.slice(1).map(() => 200)]);
      assert.ok(asked > names.length, `${asked} requests were answered meanwhile`);

      /* The threads that hash have less of a claim to the cores than the loop that serves. */
      let behind = 0;
      for (const pid of hashed.workers()) {
        const [loop, ...threads] = readdirSync(`/proc/${pid}/task`).map((thread) => {
          const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
          return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
        });
        behind += threads.filter((nice) => nice > loop).length;
      }
      assert.ok(behind >= 2, `${behind} threads stand behind their loop`);
    } finally {
      await hashed.stop();
    }
  });

  it(`${LEAVERS} who speak and leave in the same instant do not hold a loop up`, async () => {
    const outer = server;
    const alone = await startServer({ game: makeGame(), flags: ["--workers", "1"] });
    server = alone;
    try {
      const [worker] = alone.workers();
      const rounds = []; // another program of the machine may be in the way of one
      while (rounds.length < 5 && !rounds.includes(0)) {
        const herd = Array.from({ length: LEAVERS }, member);
        await allServed(herd);
        const before = await longTurns(alone);
        alone.kill(worker, "SIGSTOP");
        const stopped = performance.now();
        herd.forEach((one, i) => (i % 2 === 0 ? one.socket.write(REQUEST) : one.socket.destroy()));
        await waitFor("half of them to have left", () => herd.filter((one) => one.closed).length >= LEAVERS / 2);
        await waitFor("the stop's end", () => performance.now() - stopped > STOP_MS);
        alone.kill(worker, "SIGCONT");
        const twice = (one) => one.text.split('"version"').length === 3;
        await waitFor("a second answer for the rest", () => herd.every((one, i) => i % 2 === 1 || twice(one)));
        rounds.push((await longTurns(alone)) - before);
        leave(herd);
        await waitFor("everyone gone", async () => (await openConnections()).every((n) => n < 10));
      }
      assert.ok(rounds.includes(0), `turns above ${LONG_TURN} s in each round: ${rounds}`);
    } finally {
      server = outer;
      await alone.stop();
    }
  });

  it("above the limit of connections clients are told when to come back", async () => {
    const small = await startServer({
      game: makeGame(),
      flags: ["--workers", "1"],
      config: "http:\n  connections: 16\n",
    });
    const outer = server;
    server = small;
    try {
      const herd = Array.from({ length: 16 }, member);
      await allServed(herd);
      const extra = Array.from({ length: 50 }, member);
      await waitFor("an end for the rest", () => extra.every((one) => one.closed));
      for (const one of extra) {
        assert.equal(one.failed, null);
        assert.match(one.text, /^HTTP\/1\.1 503 [^]*^retry-after: \d+\r\n[^]*\{"error":"unavailable"\}$/im);
      }
      assert.ok(herd.every((one) => !one.closed), "those who are in stay in");
      assert.match(small.log(), /connections are refused.*http\.connections/, "the log names the setting");
      leave(herd);
      await waitFor("room again", async () => (await call(small.url, "GET", "/api/game")).status === 200);
    } finally {
      server = outer;
      await small.stop();
    }
  });

  it("a reload does not wait for a herd of logins, nor does it cost a worker", async () => {
    const game = makeGame({ players: 0 });
    const slow = HASH_OF_PW.replace("m=19456,t=2", "m=65536,t=16"); // a third of a second
    writeFileSync(join(game, "credentials.csv"), `${playerName(0)},"${slow}"\n`);
    const config = "process:\n  drain_timeout: 50ms\n";
    const busy = await startServer({ game, flags: ["--workers", "1"], config });
    try {
      const [worker] = busy.workers();
      const body = (i) => ({ username: playerName(i), password: "pw" });
      const logins = Array.from({ length: 150 }, (_, i) =>
        call(busy.url, "POST", "/api/login", { body: body(i), timeoutMs: 60000 }).catch(() => {}),
      );
      const queue = () => metric(busy, "ctfg_password_queue{");
      await waitFor("the herd", async () => (await queue()) >= 120);
      busy.signal("SIGHUP");
      await busy.waitForLog(/msg=reloaded/, 30000);
      assert.deepEqual(busy.workers(), [worker], "no worker was killed");
      assert.ok((await queue()) > 0, "some of them wait still");
      busy.signal("SIGKILL"); // nobody waits for the rest
      await Promise.all(logins);
    } finally {
      await busy.stop();
    }
  });
});
