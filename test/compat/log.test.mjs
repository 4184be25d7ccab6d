// SPDX-License-Identifier: MIT
// What is in the log and what is never in it: a whole game is played at every level, and every secret
// of it is looked for. A line is found by its answer's X-Request-Id; a rotated file is opened anew.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

import { openStream, rawExchange } from "../lib/client.mjs";
import { challenge, makeGame, playerName } from "../lib/game.mjs";
import { metric } from "../lib/metrics.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { freePort } from "../lib/port.mjs";
import { ctfg, startServer } from "../lib/server.mjs";

const tokens = {
  CTFG_API_TOKEN: "secret-api-51f0",
  CTFG_ADMIN_TOKEN: "secret-admin-77aa",
  CTFG_DISPLAY_TOKEN: "secret-display-03be",
};
const passwords = ["secret-wonder-1c", "secret-wonder-2d"];
const flag = "FLAG{secret-flag-9e}";
const guess = "secret-guess-a4";
const wrongs = ["secret-typo-b1", "secret-forged-b2", "secret-claim-b3", "secret-line-b4"];
const secrets = [...Object.values(tokens), ...passwords, flag, "secret-flag", guess, "secret-hint", ...wrongs];

function makeSecretGame() {
  const hints = [{ id: 1, text: "secret-hint", cost: 0 }];
  const challenges = [
    challenge(1, { flag: "^FLAG\\{secret-flag-9e\\}$", testflag: flag, hints }),
    challenge(2, { flag: "^FLAG\\{secret-flag-other\\}$", testflag: "FLAG{secret-flag-other}" }),
  ];
  const rows = passwords.map((password, i) => `${playerName(i)},${password}\n`).join("");
  return makeGame({ challenges, files: { "credentials.csv": `username,password\n${rows}` } });
}

const startLogging = (level, format, more = {}) =>
  startServer({
    game: makeSecretGame(),
    config: `log:\n  level: ${level}\n  format: ${format}\n  access_every: 1\nstream:\n  log_ping_latency: true\n`,
    flags: ["--workers", "1"],
    env: tokens,
    ...more,
  });

const bearer = (token) => ({ Authorization: `Bearer ${token}` });

/** Right and wrong of everything a player can send. Resolves with the answers and the secrets made on the way. */
async function playAsPlayer(server) {
  const answers = [];
  const alice = new Player(server.url, playerName(0), passwords[0]);
  const post = async (path, body, headers) => answers.push([path, await alice.post(path, body, headers)]);
  await post("/api/login", { username: playerName(0), password: wrongs[0] });
  await post("/api/login", { username: wrongs[0], password: wrongs[0] });
  await post("/api/login", `{"username":"${playerName(0)}","password":"${wrongs[0]}`);
  answers.push(["/api/login", await alice.login()]);
  const cookie = /=([^;]+);/.exec(alice.cookie)[1];
  const token = new URL(alice.streamUrl).searchParams.get("token");
  const stream = await openStream(alice.streamUrl);
  await stream.waitForFrames(1);
  for (const url of [alice.streamUrl.replace(token, wrongs[1]), `${alice.streamUrl}&since=${wrongs[1]}`]) {
    assert.ok([400, 401].includes((await openStream(url).catch((error) => error)).status));
  }
  await post("/api/submit", { id: 1, flag: guess });
  await post("/api/submit", { id: 1, flag });
  await post("/api/submit", { id: 1, flag });
  await post("/api/submit", { id: guess, flag });
  await post("/api/hint", { id: 1, hint_id: 1 });
  await post("/api/hint", { id: 1, hint_id: 99 });
  await post("/api/set-name", { name: guess });
  answers.push(["/api/challenges", await alice.get("/api/challenges")]);
  answers.push(["none", await alice.get(`/nothing?token=${token}`)]);
  alice.agent.destroy();
  return { answers, made: [cookie, token], stream };
}

async function playAsStaff(server) {
  const post = (path, body, headers) => call(server.url, "POST", path, { body, headers });
  const award = { username: playerName(1), id: 2 };
  const answers = [
    [401, await post("/api/award", award, bearer(wrongs[2]))],
    [200, await post("/api/award", award, bearer(tokens.CTFG_API_TOKEN))],
    [200, await post("/api/award", award, { Authorization: tokens.CTFG_API_TOKEN })],
    [401, await post("/admin/logout", { username: playerName(0) }, bearer(wrongs[2]))],
    [200, await post("/admin/logout", { username: playerName(1) }, bearer(tokens.CTFG_ADMIN_TOKEN))],
    [200, await call(server.url, "GET", "/api/display", { headers: bearer(tokens.CTFG_DISPLAY_TOKEN) })],
    [401, await call(server.url, "GET", "/api/display", { headers: bearer(wrongs[2]) })],
    [401, await post("/admin/reset", { token: wrongs[2] })],
    [401, await post("/admin/reset", `token=${wrongs[2]}&confirm=yes`, { "Content-Type": "application/x-www-form-urlencoded" })],
    [200, await post("/admin/reset", { token: tokens.CTFG_ADMIN_TOKEN })],
  ];
  for (const [status, answer] of answers) {
    assert.ok(answer.status === status || (status === 200 && answer.status === 204), `${answer.status} ${answer.text}`);
  }
}

/** What no browser sends, with a secret in each. */
async function sendMalformed(server) {
  const requests = [
    `GET /scorestream?token=${wrongs[1]} HTTP/9.9\r\n\r\n`,
    `GET /${wrongs[1]}\r\n\r\n`,
    `POST /api/login HTTP/1.1\r\nHost: x\r\nAuthorization : ${wrongs[1]}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: x\r\nCookie: ${wrongs[1].repeat(2000)}\r\n\r\n`,
    `POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n${wrongs[1]}`,
    `${wrongs[1]}\r\n\r\n`,
  ];
  for (const bytes of requests) {
    assert.match(await rawExchange(server.url, bytes), /^HTTP\/1\.1 (400|413|431|505) /);
  }
}

/** A mistake in the file with the passwords, and a worker's death in the middle of it all. */
async function breakThings(server) {
  appendFileSync(join(server.dir, "credentials.csv"), `${playerName(0)},${wrongs[3]}\n"${wrongs[3]}\n`);
  const from = server.log().length;
  server.signal("SIGHUP");
  await server.waitForLog(/reload refused/, 10000, from);
  server.kill(server.workers()[0]);
  await server.waitForLog(/process died/, 10000, from);
  await waitFor("its successor", async () => (await call(server.url, "GET", "/api/game").catch(() => undefined))?.status === 200);
}

describe("the log of a whole game", { timeout: 120000, concurrency: 2 }, () => {
  for (const [level, format] of [["debug", "logfmt"], ["info", "json"], ["warn", "text"], ["error", "logfmt"]]) {
    it(`at ${level}, as ${format}, holds no secret of it`, async () => {
      const server = await startLogging(level, format);
      const { answers, made, stream } = await playAsPlayer(server);
      await playAsStaff(server);
      await stream.closed;
      await sendMalformed(server);
      await breakThings(server);
      await server.stop();
      const log = server.log();
      for (const secret of [...secrets, ...made]) {
        assert.ok(!log.includes(secret), `${secret} is in the log:\n${log.split("\n").find((line) => line.includes(secret))}`);
      }
      // The log is there, and says what happened.
      assert.match(log, /reload refused/);
      assert.equal(/reset of the game asked for/.test(log), level !== "error");
      assert.equal(/took_us/.test(log), ["debug", "info"].includes(level));
      if (level === "info") {
        const lines = log.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
        for (const [route, answer] of answers) {
          const line = lines.find((one) => one.msg === "request" && one.request === answer.headers["x-request-id"]);
          assert.ok(line, `${route}: no line with its id`);
          assert.deepEqual([line.status, line.client], [answer.status, "127.0.0.1"]);
          assert.ok(route === line.route || line.status === 404, `${route}: ${line.route}`);
        }
        assert.ok(lines.some((one) => one.route === "/scorestream" && one.status === 101), "a stream's beginning");
      }
    });
  }
});

describe("where lines go", { timeout: 120000 }, () => {
  it("log.file gets them, and a new file after a rotation, from every process", async () => {
    const file = join(makeGame(), "ctfg.log");
    const server = await startServer({
      game: makeSecretGame(),
      flags: ["--workers", "1"],
      env: { ...tokens, CTFG_LOG_FILE: file, CTFG_LOG_ACCESS_EVERY: "1" },
    });
    const text = () => (existsSync(file) ? readFileSync(file, "utf8") : "");
    const inFile = (pattern) => waitFor(`${pattern} in the file`, () => pattern.test(text()));
    try {
      await inFile(/ proc=master msg="ctfg \S+ ready/);
      await inFile(/ proc=db /);
      assert.equal(statSync(file).mode & 0o777, 0o640 & ~process.umask());
      assert.doesNotMatch(server.log(), /proc=/, "standard error has the address only");
      assert.match(server.log(), /^ctfg: listening on/m);
      await call(server.url, "GET", "/api/me");
      await inFile(/ route=\/api\/me status=401 /);

      const rotated = `${file}.1`;
      renameSync(file, rotated);
      server.signal("SIGUSR1");
      await inFile(/ proc=master msg="the log file was opened anew"/);
      const before = readFileSync(rotated, "utf8");
      await call(server.url, "GET", "/api/game");
      await inFile(/ proc="worker 1" .* route=\/api\/game /);
      await call(server.url, "POST", "/admin/reset", { body: { token: tokens.CTFG_ADMIN_TOKEN } });
      await inFile(/ proc=db msg="the game was reset"/);
      server.workers();
      server.kill(server.workers()[0]);
      await inFile(/ proc=master msg="process died"/);
      await waitFor("its successor", async () => (await call(server.url, "GET", "/api/me").catch(() => undefined))?.status === 401);
      await inFile(/ route=\/api\/me status=401 /);
      server.signal("SIGUSR2"); // the program's successor goes on with the same file
      await inFile(/ proc=master msg="ctfg \S+ ready/);
      assert.equal(readFileSync(rotated, "utf8"), before, "nothing is added to the old file");
    } finally {
      await server.stop();
    }
    assert.match(text(), / proc=master msg=stopped/);
  });

  it("a file that cannot be written is a sentence and an exit status", async () => {
    for (const [file, why] of [["/nowhere/at/all.log", "No such file or directory"], ["/dev/null", "Invalid argument"]]) {
      const started = startServer({ game: makeSecretGame(), env: { CTFG_LOG_FILE: file } });
      await assert.rejects(started, new RegExp(`"code":69[^]*log\\.file: cannot write ${file}: ${why}`));
    }
  });

  it("nobody waits for a reader of standard error that stands still", async () => {
    const dir = makeSecretGame();
    const fifo = join(dir, "stderr");
    execFileSync("mkfifo", [fifo]);
    const [reader, writer] = [openSync(fifo, "r+"), openSync(fifo, "w")];
    const [port, metrics] = [await freePort(), await freePort()];
    const ask = () => call(`http://127.0.0.1:${port}`, "GET", "/api/game").catch(() => undefined);
    const lost = () => metric({ metricsUrl: `http://127.0.0.1:${metrics}` }, "ctfg_log_lines_lost_total");
    const flags = ["-C", dir, "-b", dir, "-p", port, "--listen", "127.0.0.1", "--metrics-listen", `127.0.0.1:${metrics}`, "--workers", "1"];
    const env = { ...process.env, CTFG_LOG_ACCESS_EVERY: "1" };
    const server = spawn(ctfg, flags.map(String), { env, stdio: ["ignore", "ignore", writer] });
    const gone = once(server, "exit");
    closeSync(writer);
    try {
      await waitFor("a worker", async () => (await ask())?.status === 200);
      await waitFor("lines that nobody takes", async () => {
        const answers = await Promise.all(Array.from({ length: 200 }, ask));
        assert.ok(answers.every((answer) => answer.status === 200));
        return (await lost()) > 0;
      });
      server.kill();
      assert.equal((await gone)[0], 0, "it stops in order");
    } finally {
      server.kill("SIGKILL");
      await gone;
      closeSync(reader);
    }
  });

  it("one request in so many is written, and a reload changes that and the level", async () => {
    const config = (level) => `log:\n  level: ${level}\n  access_every: 3\n`;
    const server = await startServer({ game: makeSecretGame(), flags: ["--workers", "1"], config: config("info") });
    const written = () => server.log().match(/ msg=request .* route=\/api\/game /g)?.length ?? 0;
    const ask = async (count) => {
      for (let i = 0; i < count; i++) {
        await call(server.url, "GET", "/api/game");
      }
    };
    const reload = async (level, generation) => {
      writeFileSync(join(server.dir, "ctfg.yaml"), config(level));
      server.signal("SIGHUP");
      await waitFor("the reload", async () =>
        (await call(server.metricsUrl, "GET", "/metrics")).text.includes(`\nctfg_game_generation ${generation}\n`),
      );
    };
    try {
      await ask(9);
      await waitFor("three lines", () => written() === 3);
      await reload("error", 2);
      await ask(9);
      await reload("info", 3);
      await ask(3);
      await waitFor("a fourth line", () => written() >= 4);
      assert.equal(written(), 4, "none while only errors were wanted");
    } finally {
      await server.stop();
    }
  });
});
