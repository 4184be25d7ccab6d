// SPDX-License-Identifier: MIT
// players.mjs - whole games of 10, 70 and 200 emulated players: how long does each call take?
//
//   node bench/players.mjs [--players 10,70,200] [--jitter 10,0] [--rounds 1]
//
// A fresh server and database for each run.  The last lines are one table; the results are also kept
// as JSON in bench/results/.  Exit status 1: an error, or a stream that missed an event.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { cpuSeconds, demoGame, machine, root, startCtfg, usage } from "./lib/server.mjs";
import { saveResult, table } from "./lib/table.mjs";

const { values } = parseArgs({
  options: {
    players: { type: "string", default: "10,70,200" },
    jitter: { type: "string", default: "10,0" },
    rounds: { type: "string", default: "1" },
  },
});
const numbers = (text) => text.split(",").map(Number);

/** What the page loads besides itself, as a browser would find it. */
async function pageFiles(port) {
  const html = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  const found = html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g);
  return [...new Set([...found].map((match) => match[1]))];
}

function runEmulator(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, "build", "bench", "players"), args, {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk) => (text += chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      text === "" ? reject(new Error(`the emulator ended with ${code}`)) : resolve({ code, ...JSON.parse(text) }),
    );
  });
}

async function playGame(players, jitter, seed) {
  const gameDir = demoGame(players);
  const server = await startCtfg(gameDir);
  const files = await pageFiles(server.port);
  const pids = server.family();
  const before = pids.map((pid) => cpuSeconds([pid]));
  const result = await runEmulator([
    "--port", String(server.port), "--game", gameDir, "--db", server.dbPath,
    "--players", String(players), "--jitter", String(jitter), "--files", files.join(","),
    "--seed", String(seed),
  ]);
  result.processes = pids.map((pid, i) => ({ ...usage(pid), cpu_s: cpuSeconds([pid]) - before[i] }));
  await server.stop();
  result.seed = seed;
  return result;
}

const ms = (value) => value.toFixed(value < 10 ? 2 : 1);

function callRows(result) {
  const name = `${result.players} players, jitter ${result.jitter_s}`;
  return result.calls.map((call) => [
    `${name}: ${call.kind}`, call.count, call.errors, ms(call.mean_ms), ms(call.p50_ms), ms(call.p95_ms),
    ms(call.p99_ms), ms(call.max_ms),
  ]);
}

function serverLine(result) {
  const each = result.processes.map(
    (one) => `${one.name} ${one.cpu_s.toFixed(2)} s ${(one.peak_kb / 1024).toFixed(0)} MB`,
  );
  return (
    `${result.players} players, jitter ${result.jitter_s}: ${result.elapsed_s.toFixed(2)} s, ` +
    `${result.events} events, ${result.streams_exact}/${result.players} streams exact, ` +
    `${result.errors} errors; CPU and peak memory: ${each.join(", ")}; emulator ${result.client_cpu_s.toFixed(2)} s`
  );
}

const results = [];
for (const jitter of numbers(values.jitter)) {
  for (const players of numbers(values.players)) {
    for (let round = 1; round <= Number(values.rounds); round++) {
      const result = await playGame(players, jitter, round);
      results.push(result);
      console.log(serverLine(result));
    }
  }
}
const head = ["run: call", "count", "errors", "mean ms", "median", "p95", "p99", "max"];
console.log(`\n${table([head, ...results.flatMap(callRows)])}`);
console.log(`\nresults: ${saveResult("players", { machine: machine(), results })}`);
process.exitCode = results.some((result) => result.code !== 0) ? 1 : 0;
