// SPDX-License-Identifier: MIT
// P6: one process failing is not an outage. Real processes, really killed, stopped and replaced.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";

import { openStream } from "../lib/client.mjs";
import { execute } from "../lib/database.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { metric } from "../lib/metrics.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { ctfg, filesHeldBy, isAlive, isSanitized, isSlow, startServer, titleOf } from "../lib/server.mjs";

// "Well under a second", on a machine that runs other tests too; sanitizers take their time.
const BACK_MS = isSlow ? 5000 : 1000;

// What twenty reloads may leave in a process: caches. A sanitizer keeps what is freed for a while.
const REST_KB = isSanitized ? 1 << 20 : 8 << 10;

/** Eight answers at once: both workers are asked. */
const eightTimes = (ask) => Promise.all(Array.from({ length: 8 }, ask));
const player = (server, i) => new Player(() => server.url, playerName(i), playerPassword(i));

/** Asks until the server answers; how long that took. */
async function timeToAnswer(server, path = "/api/game") {
  const begun = Date.now();
  await waitFor(
    "an answer",
    () => call(server.url, "GET", path).then((answer) => answer.status === 200, () => false),
    20000,
  );
  return Date.now() - begun;
}

/** Milliseconds between two lines of the log, which carry a time each. */
function msBetween(first, second) {
  const time = (line) => Date.parse(/ts=(\S+)/.exec(line)[1]);
  return time(second) - time(first);
}

describe("P6: a process that dies", () => {
  let server;

  before(async () => {
    server = await startServer({
      game: makeGame({ players: 10, challenges: 40 }),
      flags: ["--workers", "2"],
    });
  });
  after(() => server?.stop());

  test("ps tells the processes apart", () => {
    assert.equal(titleOf(server.pid), "ctfg: master");
    assert.equal(titleOf(server.dbPid()), "ctfg: db");
    assert.deepEqual(server.workers().map(titleOf), ["ctfg: worker 1", "ctfg: worker 2"]);
  });

  test("a killed worker is back within a second and its death has a name", async () => {
    const [victim] = server.workers();
    const from = server.log().length;
    server.kill(victim);
    const begun = Date.now();
    await waitFor("two workers", () => {
      const pids = server.workers();
      return pids.length === 2 && !pids.includes(victim);
    });
    assert.ok((await timeToAnswer(server)) < BACK_MS);
    assert.ok(Date.now() - begun < BACK_MS);
    const [line] = await server.waitForLog(/.*process died.*/, 1000, from);
    assert.match(line, /process="worker 1"/);
    assert.match(line, /how=SIGKILL/);
    assert.match(line, new RegExp(`pid=${victim}`));
  });

  test("all workers killed at once: players are answered within a second", async () => {
    for (const pid of server.workers()) {
      server.kill(pid);
    }
    assert.ok((await timeToAnswer(server)) < BACK_MS);
    await waitFor("two workers", () => server.workers().length === 2);
  });

  test("a killed db is back within a second, and reads go on meanwhile", async () => {
    const one = player(server, 0);
    await one.login();
    const victim = server.dbPid();
    server.kill(victim);
    const begun = Date.now();
    const board = await one.get("/api/scoreboard");
    assert.equal(board.status, 200);
    const solve = await one.submit(1, flagOf(1)); // waits for the new db, in the worker
    assert.equal(solve.status, 200);
    assert.equal(solve.json.result, "correct");
    assert.ok(Date.now() - begun < BACK_MS);
    assert.notEqual(server.dbPid(), victim);
    one.close();
  });

  test("a session outlives every process that knew it", async () => {
    const one = player(server, 1);
    await one.login();
    for (const pid of [...server.workers(), server.dbPid()]) {
      server.kill(pid);
    }
    await timeToAnswer(server);
    one.agent.destroy();
    const again = await waitFor("an answer to /api/me", () =>
      call(server.url, "GET", "/api/me", { headers: { Cookie: one.cookie } }).catch(() => undefined),
    );
    assert.equal(again.status, 200);
    assert.equal(again.json.username, playerName(1));
  });

  test("who has just come is not behind with the stream", async () => {
    const one = player(server, 2);
    await one.login();
    assert.equal((await one.submit(2, flagOf(2))).json.result, "correct");
    one.close();
    const old = server.workers();
    old.forEach((pid) => server.kill(pid));
    await waitFor("others", () => server.workers().filter((pid) => !old.includes(pid)).length === old.length);
    await timeToAnswer(server);
    for (const name of ["worker-1", "worker-2"]) {
      const ready = `ctfg_process_uptime_seconds{process="${name}",state="ready"}`;
      await waitFor(`${name} to be ready`, async () => (await metric(server, ready)) > 0);
    }
    assert.equal(await metric(server, "ctfg_stream_lag_events"), 0);
  });

  test("restarts are counted", async () => {
    assert.ok((await metric(server, "ctfg_worker_restarts_total")) >= 3);
    assert.ok((await metric(server, "ctfg_db_restarts_total")) >= 1);
  });
});

test("P6: a reset whose db dies before its word goes out is told to every stream all the same", async () => {
  const token = "reset-token";
  const server = await startServer({
    game: makeGame({ players: 3000, challenges: 1 }), // so many that db builds its board for a while
    flags: ["--workers", "2"],
    env: { CTFG_ADMIN_TOKEN: token },
  });
  const one = player(server, 0);
  const newcomer = player(server, 1);
  const log = `${server.dbPath}-wal`;
  try {
    for (let tries = 1, struck = false; !struck; tries++) {
      assert.ok(tries <= 20, "db was never killed between its commit and its word");
      await one.login();
      await one.submit(1, flagOf(1));
      const stream = await openStream(one.streamUrl);
      await stream.waitForFrames(1);
      const written = statSync(log, { bigint: true }).mtimeNs;
      const from = server.log().length;
      const asked = call(server.url, "POST", "/admin/reset", { body: { token } });
      const deadline = Date.now() + 10000;
      while (statSync(log, { bigint: true }).mtimeNs === written) { // the copy first: it writes no log
        assert.ok(Date.now() < deadline, "the reset is not committed");
        await new Promise(setImmediate);
      }
      server.kill(server.dbPid());
      assert.equal((await asked).status, 200); // of the successor, which was asked again
      const told = server.log().slice(from);
      assert.equal(told.match(/the game was reset/g)?.length, 1, "one line of the log, whoever writes it");
      struck = told.indexOf("process died") < told.indexOf("the game was reset");

      await newcomer.login();
      const fresh = await openStream(newcomer.streamUrl);
      await waitFor("the end of the old stream", () => stream.end);
      assert.deepEqual(stream.end, { code: 1000, reason: "reset" });
      assert.equal(stream.frames.at(-1).event, "reset");
      assert.equal((await newcomer.submit(1, flagOf(1))).json.result, "correct");
      await fresh.waitForEvent((event) => event.type === "score");
      assert.equal(fresh.events().length, 1, "who came after the reset is not told of it");
      fresh.close();
    }
  } finally {
    one.close();
    newcomer.close();
    await server.stop();
  }
});

describe("P6: one that dies again and again", () => {
  test("comes back at once at first, and ever later if it does not stop dying", async () => {
    const server = await startServer({
      game: makeGame({ players: 1, challenges: 1 }),
      flags: ["--workers", "1"],
    });
    try {
      const waits = [];
      while (waits.length < 60 && !waits.some((ms) => ms >= 95)) {
        const from = server.log().length;
        const [victim] = await waitFor("a worker", () => {
          const pids = server.workers();
          return pids.length === 1 && pids;
        });
        server.kill(victim);
        const [born] = await server.waitForLog(/.*process forked again.*/, 10000, from);
        const [died] = await server.waitForLog(/.*process died.*/, 10000, from);
        waits.push(msBetween(died, born));
      }
      assert.ok(waits[0] < 40, `first: ${waits[0]} ms`);
      assert.ok(waits.at(-1) >= 95, `in the end: ${waits} ms`);
      assert.ok(waits.at(-2) >= 45, `before: ${waits} ms`);
      assert.ok((await timeToAnswer(server)) < BACK_MS);
    } finally {
      await server.stop();
    }
  });

  test("a worker that hangs is killed and replaced", async () => {
    const server = await startServer({
      game: makeGame({ players: 1, challenges: 1 }),
      flags: ["--workers", "1"],
    });
    try {
      const [victim] = server.workers();
      server.kill(victim, "SIGSTOP");
      await server.waitForLog(/why=hangs/, 20000);
      await waitFor("its end", () => !isAlive(victim));
      assert.ok((await timeToAnswer(server)) < BACK_MS);
    } finally {
      await server.stop();
    }
  });
});

describe("P6: the master", () => {
  test("killed: its children leave, and a successor on the same port serves within a second", async () => {
    let server = await startServer({
      game: makeGame({ players: 2, challenges: 2 }),
      flags: ["--workers", "2"],
    });
    try {
      const one = player(server, 0);
      await one.login();
      assert.equal((await one.submit(1, flagOf(1))).json.result, "correct");
      server.workers();
      server.dbPid();
      server.kill(server.pid);
      const begun = Date.now();
      const port = String(server.port);
      server = await server.restart({ flags: ["--workers", "2", "-p", port] });
      assert.equal(server.port, Number(port));
      assert.ok(Date.now() - begun < BACK_MS, `${Date.now() - begun} ms`);
      one.agent.destroy();
      const me = await call(server.url, "GET", "/api/me", { headers: { Cookie: one.cookie } });
      assert.equal(me.json.score, 10);
    } finally {
      await server.stop();
    }
  });
});

describe("P6: a drain", () => {
  test("closes streams with 1001, answers what is under way, and exits 0", async () => {
    const server = await startServer({
      game: makeGame({ players: 12, challenges: 3 }),
      flags: ["--workers", "2"],
    });
    const players = Array.from({ length: 12 }, (_, i) => player(server, i));
    await Promise.all(players.map((one) => one.login()));
    const streams = await Promise.all(players.map((one) => openStream(one.streamUrl)));
    const answers = players.map((one) => one.submit(1, flagOf(1)));
    await Promise.race(answers);
    server.workers();
    server.dbPid();
    server.signal("SIGTERM");
    for (const answer of await Promise.allSettled(answers)) {
      // A request that came too late to be read is refused by a closed connection; none hangs.
      assert.ok(answer.status === "rejected" || [200, 503].includes(answer.value.status));
    }
    for (const stream of streams) {
      assert.equal((await stream.closed).code, 1001);
    }
    assert.deepEqual(await server.gone(), { code: 0, signal: null });
    players.forEach((one) => one.close());
    await assert.rejects(call(server.url, "GET", "/api/game"));
  });

  test("Ctrl-C twice does not wait for anybody", async () => {
    const server = await startServer({
      game: makeGame({ players: 1, challenges: 1 }),
      flags: ["--workers", "1"],
    });
    const [worker] = server.workers();
    server.kill(worker, "SIGSTOP"); // will never answer
    const from = server.log().length;
    server.signal("SIGINT");
    await server.waitForLog(/stopping/, 5000, from);
    const begun = Date.now();
    server.signal("SIGINT");
    assert.equal((await server.gone()).code, 0);
    assert.ok(Date.now() - begun < 2000);
  });
});

describe("P6: a reload", () => {
  let server;
  let one;
  let stream;
  /* In one step: a reload that a test before has asked for may read the file meanwhile. */
  const rewrite = (list) => {
    const draft = `${server.dir}-challenges.json`;
    writeFileSync(draft, JSON.stringify(list, null, 1));
    renameSync(draft, join(server.dir, "challenges.json"));
  };
  /** Resolves with what was logged meanwhile. */
  const reload = async () => {
    const from = server.log().length;
    server.signal("SIGHUP");
    await server.waitForLog(/msg=reloaded/, 10000, from);
    return server.log().slice(from);
  };
  const titles = async () => (await one.get("/api/challenges")).json.map((entry) => entry.title);

  before(async () => {
    server = await startServer({
      game: makeGame({ players: 2, challenges: 2 }),
      flags: ["--workers", "2"],
    });
    one = player(server, 0);
    await one.login();
    stream = await openStream(one.streamUrl);
    await stream.waitForFrames(1);
  });
  after(async () => {
    one?.close();
    stream?.close();
    await server?.stop();
  });

  test("takes new challenges in and keeps every stream and process", async () => {
    const pids = [server.dbPid(), ...server.workers()];
    rewrite([challenge(1), challenge(2, { title: "Renamed" }), challenge(3)]);
    await reload();
    assert.deepEqual(await titles(), ["Challenge 1", "Renamed", "Challenge 3"]);
    assert.equal((await one.submit(3, flagOf(3))).json.result, "correct");
    await stream.waitForEvent((event) => event.challenge_id === 3);
    assert.equal(stream.end, undefined);
    assert.deepEqual([server.dbPid(), ...server.workers()], pids);
  });

  test("refuses files with mistakes, says where, and the old game stays", async () => {
    const from = server.log().length;
    rewrite([challenge(1), challenge(1)]);
    server.signal("SIGHUP");
    await server.waitForLog(/reload refused/, 10000, from);
    assert.match(server.log().slice(from), /challenges\.json:\d+: /);
    assert.deepEqual(await titles(), ["Challenge 1", "Renamed", "Challenge 3"]);
    assert.ok((await metric(server, "ctfg_reloads_refused_total")) >= 1);
    assert.equal(stream.end, undefined);
  });

  test("a db killed in the middle of reloads leaves one game in force everywhere", async () => {
    const from = server.log().length;
    for (let i = 0; i < 10; i++) {
      rewrite([challenge(1, { title: `Round ${i}` }), challenge(2), challenge(3)]);
      server.signal("SIGHUP");
      const db = server.dbPid();
      if (i % 3 === 0 && db !== undefined) {
        server.kill(db);
      }
      await waitFor("a db", () => server.dbPid());
    }
    rewrite([challenge(1, { title: "Last" }), challenge(2), challenge(3)]);
    await waitFor("the last round everywhere", async () => {
      server.signal("SIGHUP");
      await server.waitForLog(/msg=reloaded|reload refused/, 10000, from);
      const all = await eightTimes(() =>
        call(server.url, "GET", "/api/challenges", { headers: { Cookie: one.cookie } }),
      );
      return all.every((answer) => answer.json?.[0]?.title === "Last");
    });
  });

  test("a db that dies while it takes a reload leaves it to its successor", async () => {
    const from = server.log().length;
    const db = server.dbPid();
    server.kill(db, "SIGSTOP"); // the order stays in its socket
    rewrite([challenge(1, { title: "Taken by another" }), challenge(2), challenge(3)]);
    server.signal("SIGHUP");
    await waitFor("the order", () => filesHeldBy(server.pid) > 0);
    server.kill(db);
    // A line in the log may be of a reload before this one.
    await waitFor("the game of the files", async () => (await titles())[0] === "Taken by another", 10000);
    assert.doesNotMatch(server.log().slice(from), /reload refused/);
  });

  test("ends the sessions and streams of a player who is no longer in the files", async () => {
    const gone = player(server, 1);
    await gone.login();
    const theirs = await openStream(gone.streamUrl);
    await theirs.waitForFrames(1);
    const path = join(server.dir, "credentials.csv");
    const old = readFileSync(path, "utf8");
    writeFileSync(path, old.replace(`${playerName(1)},`, "newcomer,"));
    server.signal("SIGHUP");
    assert.equal((await waitFor("the stream's end", () => theirs.end)).code, 1008);
    // Not by the log's word: that may be of a reload which the test before has asked for.
    await waitFor("both workers to know them no more", async () => {
      const all = await eightTimes(() => gone.get("/api/me"));
      return all.every(({ status }) => status === 401);
    });
    await assert.rejects(openStream(gone.streamUrl), { status: 401 });
    assert.equal(stream.end, undefined, "a player who stays keeps the stream");
    await new Player(server.url, "newcomer", playerPassword(1)).login();
    gone.close();
  });

  test("ends the sessions of a name whose password is another one now", async () => {
    const path = join(server.dir, "credentials.csv");
    const rewriteLine = async (text) => {
      writeFileSync(path, text);
      await reload();
    };
    const first = readFileSync(path, "utf8");
    const old = new Player(server.url, "newcomer", playerPassword(1));
    await old.login();
    const theirs = await openStream(old.streamUrl);
    await theirs.waitForFrames(1);
    await rewriteLine(first.replace(`newcomer,${playerPassword(1)}\n`, "")); // gone, and back
    await rewriteLine(first.replace(`newcomer,${playerPassword(1)}`, "newcomer,another"));
    assert.equal((await waitFor("the stream's end", () => theirs.end)).code, 1008);
    assert.equal((await old.get("/api/me")).status, 401);
    await assert.rejects(openStream(old.streamUrl), { status: 401 });
    const again = new Player(server.url, "newcomer", "another");
    await again.login();
    await rewriteLine(first.replace(`newcomer,${playerPassword(1)}`, "newcomer,a third one"));
    assert.equal((await again.get("/api/me")).status, 401, "also without having been gone");
    assert.equal((await one.get("/api/me")).status, 200, "others stay");
    assert.equal(stream.end, undefined);
    [old, again].forEach((gone) => gone.close());
  });

  test("ends the streams of screens that may not see the board any more", async () => {
    const letIn = async (token, yaml) => {
      writeFileSync(join(server.dir, ".env"), `CTFG_DISPLAY_TOKEN=${token}\n`, { mode: 0o600 });
      writeFileSync(join(server.dir, "ctfg.yaml"), yaml);
      await reload();
    };
    const screen = async (token) => {
      const headers = { Authorization: `Bearer ${token}` };
      const url = (await call(server.url, "GET", "/api/display", { headers })).json.websocket_url;
      return { url, stream: await openStream(url) };
    };
    const isOver = async ({ url, stream: gone }) => {
      assert.equal((await waitFor("the stream's end", () => gone.end)).code, 1008);
      await assert.rejects(openStream(url), { status: 401 });
    };
    const [everybody, nobody] = [true, false].map((is) => `game:\n  board_public: ${is}\n`);
    await letIn("the-first-display-token", everybody);
    const open = await screen("none at all");
    await letIn("the-first-display-token", nobody);
    await isOver(open);
    const first = await screen("the-first-display-token");
    await letIn("the-second-display-token", nobody);
    await isOver(first);
    const second = await screen("the-second-display-token");
    await letIn("the-second-display-token", everybody);
    (await openStream(second.url)).close();
    assert.equal(second.stream.end, undefined, "who had the token may see what everybody may");
    assert.equal(stream.end, undefined, "a player's stays");
    second.stream.close();
  });

  test("takes settings over, and names those that wait for a restart", async () => {
    const path = join(server.dir, "ctfg.yaml");
    const takeOver = async (text) => {
      const from = server.log().length;
      writeFileSync(path, text);
      server.signal("SIGHUP");
      await server.waitForLog(/the new game is in force[^]*the new game is in force/, 10000, from);
      return server.log().slice(from);
    };
    const debugLines = () => server.log().match(/level=debug/g)?.length ?? 0;
    await takeOver("log:\n  level: debug\n");
    assert.equal(debugLines(), 0);
    server.kill(server.workers()[0]); // its successor is ready: a line of level debug
    await waitFor("a line of level debug", () => debugLines() > 0);
    await waitFor("both workers", () => server.workers().length === 2);
    await waitFor("a stream", () => one.get("/api/me").then((answer) => answer.status === 200, () => false));

    const log = await takeOver(
      "limits:\n  name: 1 + 1/1h\nstream:\n  ring: 2048\nprocess:\n  workers: 5\n",
    );
    assert.match(log, /a setting takes effect at a restart" key=stream\.ring/);
    assert.doesNotMatch(log, /key=process\.workers/, "the flag wins over the file, before and after");
    assert.doesNotMatch(log, /key=limits/);
    assert.equal((await one.post("/api/set-name", { name: "First" })).status, 200);
    assert.equal((await one.post("/api/set-name", { name: "Second" })).status, 429);
    await takeOver("");
    await waitFor("the looser limit", async () => {
      return (await one.post("/api/set-name", { name: "Second" })).status === 200;
    });
  });

  test("what waits for a restart waits for whoever is forked or told to reopen, too", async () => {
    const path = join(server.dir, "ctfg.yaml");
    const file = join(server.dir, "later.log");
    const limit = () => metric(server, "ctfg_db_queue_depth_limit");
    const waiting = async (text) => {
      writeFileSync(path, text);
      return (await reload()).match(/(?<=takes effect at a restart" key=)\S+/g) ?? [];
    };
    const before = await limit();
    const later = `log:\n  file: ${file}\ndatabase:\n  queue: 17\n`;
    assert.deepEqual(await waiting(later), ["log.file", "database.queue"]);
    assert.deepEqual(await waiting(`${later}# again\n`), ["log.file", "database.queue"], "each time");
    server.kill(server.dbPid());
    await waitFor("db again", () => one.get("/api/me").then((answer) => answer.status === 200, () => false));
    server.signal("SIGUSR1"); // of a log that goes to standard error
    assert.deepEqual(await waiting(""), [], "nothing differs any more");
    assert.equal(await limit(), before);
    assert.ok(!existsSync(file));
  });

  test("twenty in a row leave no memory behind", async () => {
    const kilobytes = (pid) =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
    const pids = [server.pid, server.dbPid(), ...server.workers()];
    const before = pids.map(kilobytes);
    for (let i = 0; i < 20; i++) {
      await reload();
    }
    pids.map(kilobytes).forEach((now, i) => {
      assert.ok(now - before[i] < REST_KB, `${titleOf(pids[i])}: ${before[i]} kB, then ${now} kB`);
    });
  });

  test("one that meets a reset is done when that has ended", async () => {
    const token = "reset-token";
    const live = await startServer({
      game: makeGame({ players: 1, challenges: 1 }),
      flags: ["--workers", "1"],
      env: { CTFG_ADMIN_TOKEN: token },
    });
    try {
      execute( // the copy before the reset takes a while
        live.dbPath,
        `INSERT INTO guesses (ts, user_id, challenge_id, guess) WITH RECURSIVE n (i) AS
           (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) SELECT i, 1, 1, hex(zeroblob(500000)) FROM n;`,
      );
      const from = live.log().length;
      const asked = call(live.url, "POST", "/admin/reset", { body: { token } });
      const isCopy = (name) => name.startsWith("events-before-reset-");
      await waitFor("the copy", () => readdirSync(dirname(live.dbPath)).some(isCopy));
      writeFileSync(join(live.dir, "challenges.json"), JSON.stringify([challenge(1), challenge(2)]));
      live.signal("SIGHUP");
      await live.waitForLog(/msg=reloaded|reload refused/, 20000, from);
      const told = live.log().slice(from);
      assert.doesNotMatch(told, /reload refused/);
      assert.match(told, /the game was reset[^]*msg=reloaded/, "one after the other");
      assert.equal((await asked).status, 200);
    } finally {
      await live.stop();
    }
  });

  test("developer mode reloads by itself when a file changes, and explains errors", async () => {
    const live = await startServer({
      game: makeGame({ players: 1, challenges: 1 }),
      flags: ["--workers", "1", "-d"],
    });
    try {
      await waitFor("a first look at the files", async () => {
        const old = readFileSync(join(live.dir, "challenges.json"), "utf8");
        writeFileSync(join(live.dir, "challenges.json"), `${old}\n`);
        return /msg=reloaded/.test(live.log());
      });
      const answer = await call(live.url, "POST", "/api/login", { body: { username: 1 } });
      assert.equal(answer.json.error, "missing_parameters");
      assert.match(answer.json.detail, /field of the body is missing/, "errors are detailed");
      assert.equal((await call(live.url, "GET", "/")).headers["cache-control"], "no-store");
    } finally {
      await live.stop();
    }
  });
});

const mayLookIntoWorkers = process.getuid() === 0; // they hold passwords
test("P6: a worker born during a reload keeps none of its files", { skip: !mayLookIntoWorkers }, async () => {
  const server = await startServer({ game: makeGame(), flags: ["--workers", "2"] });
  try {
    const [first, second] = server.workers();
    server.kill(second, "SIGSTOP"); // the reload waits for it
    server.signal("SIGHUP");
    await server.waitForLog(/proc="worker 1".*the new game is in force/);
    server.kill(first);
    const born = await waitFor("a successor", () => server.workers().find((pid) => ![first, second].includes(pid)));
    await waitFor("its own descriptors", () => filesHeldBy(born) === 0);
    assert.equal(filesHeldBy(server.pid), 1, "the reload is under way");
    server.kill(second, "SIGCONT");
    await server.waitForLog(/msg=reloaded/);
  } finally {
    await server.stop();
  }
});
