// SPDX-License-Identifier: MIT
// compare.mjs - what a request costs here, and what the same bytes cost elsewhere.
//
//   node bench/compare.mjs [--rounds 7] [--seconds 1] [--only static,challenges] [--connections 64]
//
// A and B take turns, every server is pinned to the first core and wrk to the second, each has one
// worker.  The figure is CPU: user and system time of all processes of a server over its requests,
// since the load generator is full before the server is.  Medians, and ratios of medians.
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";

import { call, login } from "./lib/calls.mjs";
import { startBare, startNginx, wrk } from "./lib/rivals.mjs";
import { cpuSeconds, demoGame, machine, startCtfg, tempFolder } from "./lib/server.mjs";
import { median, saveResult, table } from "./lib/table.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "1" },
    connections: { type: "string", default: "64" },
    only: { type: "string", default: "static,challenge,challenges,scoreboard" },
  },
});
const SERVER_CORE = ["taskset", "-c", "0"];
const CLIENT_CORE = ["taskset", "-c", "1"];
const run = promisify(execFile);

/** wrk's latencies are "1.23ms", "456.00us" or "1.02s". */
function parseMs(text) {
  const [, value, unit] = /^([\d.]+)(us|ms|s)$/.exec(text);
  return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit];
}

async function load(url, headers, seconds) {
  const [command, ...args] = [
    ...CLIENT_CORE, wrk, "-t1", `-c${values.connections}`, `-d${seconds}s`, "--latency",
    ...headers.flatMap((header) => ["-H", header]), url,
  ];
  const { stdout } = await run(command, args);
  if (/Socket errors|Non-2xx/.test(stdout)) {
    throw new Error(`${url}:\n${stdout}`);
  }
  return {
    requests: Number(/(\d+) requests in/.exec(stdout)[1]),
    p50_ms: parseMs(/^ +50%\s+(\S+)/m.exec(stdout)[1]),
    p99_ms: parseMs(/^ +99%\s+(\S+)/m.exec(stdout)[1]),
  };
}

async function measure({ server, path, headers = [] }) {
  const pids = server.family();
  const before = cpuSeconds(pids);
  const result = await load(`http://127.0.0.1:${server.port}${path}`, headers, values.seconds);
  result.cpu_us = ((cpuSeconds(pids) - before) * 1e6) / result.requests;
  return result;
}

/** Every contender once a round, in turn; the first round warms caches and does not count. */
async function compare(contenders) {
  const results = contenders.map(() => []);
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const [i, contender] of contenders.entries()) {
      const result = await measure(contender);
      if (round > 0) {
        results[i].push(result);
      }
    }
  }
  return contenders.map(({ name }, i) => {
    const of = (field) => results[i].map((result) => result[field]);
    const cpu = of("cpu_us");
    return {
      name,
      cpu_us: median(cpu),
      cpu_us_low: Math.min(...cpu),
      cpu_us_high: Math.max(...cpu),
      p50_ms: median(of("p50_ms")),
      p99_ms: median(of("p99_ms")),
      rounds: results[i],
    };
  });
}

/** Solves all of the demo game for one player, so that the whole list is theirs to read. */
async function solveAll(port, cookie, gameDir) {
  const challenges = JSON.parse(readFileSync(join(gameDir, "challenges.json"), "utf8"));
  const solved = new Set();
  while (solved.size < challenges.length) {
    for (const { id, testflag, requirements = [] } of challenges) {
      if (!solved.has(id) && requirements.every((required) => solved.has(required))) {
        const { text } = await call(port, "/api/submit", cookie, { id, flag: testflag });
        if (!text.includes('"correct"')) {
          throw new Error(`submit ${id}: ${text}`);
        }
        solved.add(id);
      }
    }
  }
}

/** ctfg first, then the rivals, all serving the bytes that ctfg answers. */
async function contendersFor(ctfg, path, headers, acceptEncoding) {
  const asked = [...headers, ...(acceptEncoding ? [`Accept-Encoding: ${acceptEncoding}`] : [])];
  const file = join(tempFolder(), "answer");
  execFileSync("curl", [
    "-sf", "-o", file, ...asked.flatMap((header) => ["-H", header]), `http://127.0.0.1:${ctfg.port}${path}`,
  ]);
  const bytes = readFileSync(file);
  const nginx = await startNginx({ "answer.json": bytes }, SERVER_CORE);
  const bare = await startBare("http", [file], SERVER_CORE);
  return {
    bytes: bytes.length,
    contenders: [
      { name: "ctfg", server: ctfg, path, headers: asked },
      { name: "nginx", server: nginx, path: "/answer.json", headers: asked },
      { name: "bare", server: bare, path: "/", headers: asked },
    ],
  };
}

async function startGame() {
  const gameDir = demoGame(200);
  const webDir = tempFolder();
  mkdirSync(join(webDir, "js"));
  writeFileSync(join(webDir, "index.html"), "<!doctype html><title>bench</title>");
  /* Bytes that do not compress: the same are sent whatever is accepted. */
  const noise = Array.from({ length: 2048 }, (_, i) => String.fromCharCode(33 + ((i * 7919 + (i >> 3) * 104729) % 90)));
  writeFileSync(join(webDir, "js", "two.js"), noise.join(""));
  const ctfg = await startCtfg(gameDir, ["--workers", "1", "--web-root", webDir], SERVER_CORE);
  return { ctfg, gameDir };
}

const cases = {
  static: ["static file of 2 KB", async ({ ctfg }) => contendersFor(ctfg, "/js/two.js", [])],
  challenge: [
    "GET /api/challenges, new player",
    async ({ ctfg }) => {
      const { cookie } = await login(ctfg.port, 2);
      return contendersFor(ctfg, "/api/challenges", [`Cookie: ${cookie}`]);
    },
  ],
  challenges: [
    "GET /api/challenges, all solved",
    async ({ ctfg, gameDir }) => {
      const { cookie } = await login(ctfg.port, 1);
      await solveAll(ctfg.port, cookie, gameDir);
      return contendersFor(ctfg, "/api/challenges", [`Cookie: ${cookie}`]);
    },
  ],
  scoreboard: [
    "GET /api/scoreboard, gzip",
    async ({ ctfg }) => {
      const { cookie } = await login(ctfg.port, 3);
      return contendersFor(ctfg, "/api/scoreboard", [`Cookie: ${cookie}`], "gzip");
    },
  ],
};

const results = [];
for (const name of values.only.split(",")) {
  const [title, prepare] = cases[name];
  const game = await startGame();
  const { bytes, contenders } = await prepare(game);
  results.push({ title, bytes, servers: await compare(contenders) });
  for (const { server } of contenders) {
    await server.stop();
  }
}
const rows = results.flatMap(({ title, bytes, servers }) =>
  servers.map((one) => [
    `${title} (${bytes} bytes): ${one.name}`,
    one.cpu_us.toFixed(2),
    `${one.cpu_us_low.toFixed(2)}-${one.cpu_us_high.toFixed(2)}`,
    one === servers[0] ? "" : `${(servers[0].cpu_us / one.cpu_us).toFixed(2)}x`,
    one.p50_ms.toFixed(2),
    one.p99_ms.toFixed(2),
  ]),
);
console.log(table([["answer: server", "CPU us/request", "spread", "ctfg costs", "p50 ms", "p99 ms"], ...rows]));
console.log(`\nresults: ${saveResult("compare", { machine: machine(), options: values, results })}`);
