// SPDX-License-Identifier: MIT
// submits.mjs - durable flags: 80 % wrong guesses, 15 % right ones, 5 % hints, of random players.
//
//   node bench/submits.mjs [--rounds 5] [--seconds 3] [--connections 64]
//
// In turn with the least that does the same (bench/bare/pipeline.c: HTTP, socket, group commit, the same
// tables and indexes, no game).  One worker, nothing pinned; the load shares the machine with both.
import { execFile } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";

import { login } from "./lib/calls.mjs";
import { startBare, wrk } from "./lib/rivals.mjs";
import { cpuSeconds, demoGame, machine, root, startCtfg, tempFolder } from "./lib/server.mjs";
import { median, saveResult, table } from "./lib/table.mjs";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "3" },
    connections: { type: "string", default: "64" },
  },
});
const PLAYERS = 2000;
const CHALLENGES = 500;
const run = promisify(execFile);

/** A game without requirements, so that any right flag is taken at any time; limits out of the way. */
function flatGame() {
  const limits = ["submit", "hint"].map((name) => `  ${name}: 10000 + 1000/s\n`).join("");
  const dir = demoGame(PLAYERS, `limits:\n${limits}`);
  const challenges = Array.from({ length: CHALLENGES }, (_, i) => ({
    id: i + 1,
    title: `Challenge ${i + 1}`,
    category: "bench",
    difficulty: "easy",
    points: 100,
    description: "One of many.",
    flag: `^right-${i + 1}$`,
    testflag: `right-${i + 1}`,
    hints: [{ id: 1, text: "Look closer.", cost: 0 }],
  }));
  writeFileSync(join(dir, "challenges.json"), JSON.stringify(challenges));
  return dir;
}

async function loginAll(port) {
  const cookies = [];
  for (let first = 1; first <= PLAYERS; first += 50) {
    const some = Array.from({ length: 50 }, (_, i) => login(port, first + i));
    cookies.push(...(await Promise.all(some)).map(({ cookie }) => cookie));
  }
  return cookies;
}

/** For wrk: each request anew.  `seed` keeps rounds from asking for the same pairs again. */
function writeScript(cookies, seed) {
  const dir = tempFolder();
  writeFileSync(join(dir, "cookies"), cookies.join("\n"));
  const path = join(dir, "load.lua");
  writeFileSync(
    path,
    `local cookies = {}
for line in io.lines("${join(dir, "cookies")}") do cookies[#cookies + 1] = line end
function init() math.randomseed(${seed}) end
function request()
  local headers = { Cookie = cookies[math.random(#cookies)], ["Content-Type"] = "application/json" }
  local id, dice = math.random(${CHALLENGES}), math.random(100)
  if dice <= 5 then
    return wrk.format("POST", "/api/hint", headers, string.format('{"id":%d,"hint_id":1}', id))
  elseif dice <= 20 then
    return wrk.format("POST", "/api/submit", headers, string.format('{"id":%d,"flag":"right-%d"}', id, id))
  end
  return wrk.format("POST", "/api/submit", headers, string.format('{"id":%d,"flag":"flag{is_it_this_one}"}', id))
end
`,
  );
  return path;
}

async function measure(server, cookies, seed) {
  const pids = server.family();
  const before = cpuSeconds(pids);
  const { stdout } = await run(wrk, [
    "-t1", `-c${values.connections}`, `-d${values.seconds}s`, "--latency", "-s", writeScript(cookies, seed),
    `http://127.0.0.1:${server.port}/`,
  ]);
  const requests = Number(/(\d+) requests in/.exec(stdout)[1]);
  const ms = (line) => {
    const [, value, unit] = new RegExp(`^ +${line}%\\s+([\\d.]+)(us|ms|s)$`, "m").exec(stdout);
    return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit];
  };
  const failed = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
  return {
    per_s: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1]),
    cpu_us: ((cpuSeconds(pids) - before) * 1e6) / requests,
    failed_share: failed / requests,
    p50_ms: ms(50),
    p99_ms: ms(99),
  };
}

const ctfg = await startCtfg(flatGame(), ["--workers", "1"]);
const cookies = await loginAll(ctfg.port);
const steps = join(root, "db", "migrations");
const sql = readdirSync(steps).sort().map((name) => join(steps, name));
const bare = await startBare("pipeline", [join(tempFolder(), "bare.db"), ...sql], []);
const results = { ctfg: [], bare: [] };
for (let round = 0; round <= Number(values.rounds); round++) {
  for (const [name, server] of Object.entries({ ctfg, bare })) {
    const result = await measure(server, cookies, round + 1);
    if (round > 0) {
      results[name].push(result);
    }
  }
}
await ctfg.stop();
await bare.stop();

const of = (name, field) => median(results[name].map((result) => result[field]));
const row = (title, field, digits) => {
  const [ours, theirs] = [of("ctfg", field), of("bare", field)];
  return [title, ours.toFixed(digits), theirs.toFixed(digits), `${(ours / theirs).toFixed(2)}x`];
};
console.log(
  table([
    [`80 % wrong, 15 % right, 5 % hints; ${values.connections} connections`, "ctfg", "bare pipeline", "ratio"],
    row("requests a second", "per_s", 0),
    row("CPU us a request, all processes", "cpu_us", 2),
    row("p50 ms", "p50_ms", 2),
    row("p99 ms", "p99_ms", 2),
  ]),
);
console.log(`\nhints bought before (refused): ${(100 * of("ctfg", "failed_share")).toFixed(1)} % of all`);
console.log(`results: ${saveResult("submits", { machine: machine(), options: values, results })}`);
