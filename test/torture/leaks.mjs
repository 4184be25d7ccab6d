// SPDX-License-Identifier: MIT
// leaks.mjs - a minute of events on a server built with AddressSanitizer: does any process leak?
//
//   CTFG_BIN=build/asan/ctfg node test/torture/leaks.mjs [--seconds 60] [--players 40]
//
// Event after event: logins, boards, flags right and wrong, hints, names, streams that come and go, then
// requests that are refused, then a reset.  Meanwhile the game is reloaded every second, and one worker
// is killed.  At the end everybody leaves in order, and LeakSanitizer looks at each of them.  What is
// still held, but ever more of it, shows in memory and descriptors, looked at from 10 s on.
// Exit status 1: a report of a sanitizer, something that grows, a player who was answered wrongly.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { demoGame, startCtfg, tempFolder, waitFor } from "../../bench/lib/server.mjs";
import { ADMIN_TOKEN, growth, GROWTH_HEAD, judgeGame, LIMITS, look, play, reset } from "./games.mjs";
import { count, machineLine, tableOf, writeBlock } from "./report.mjs";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, players: { type: "string", default: "40" } },
});
const SETTLED_S = 10; /* pools, caches and the allocator have their size by then */
/* What fills up only once in a minute, however far it goes: db's 65,536 receipts and SQLite's cache, and
 * the sanitizer's shadow of that. */
const GROWTH_MB_MAX = 20;
const RELOAD_MS = 1000;
const KILL_IN_GAME = 2;

const reports = tempFolder();
/* What is freed may be used again soon: a quarantine of the usual 256 MB would hide what grows. */
process.env.ASAN_OPTIONS = `detect_leaks=1:quarantine_size_mb=4:log_path=${join(reports, "report")}`;
process.env.UBSAN_OPTIONS = `print_stacktrace=1:log_path=${join(reports, "report")}`;
process.env.CTFG_ADMIN_TOKEN = ADMIN_TOKEN;

/** What nobody who plays by the rules sends, and how it may be answered. */
const refused = [
  ["POST", "/api/login", '{"username":"nobody","password":"x"}', 401, 429],
  ["POST", "/api/login", '{"username":', 400],
  ["POST", "/api/login", "x".repeat(1 << 20), 413],
  ["POST", "/api/submit", '{"challenge_id":1,"flag":"x"}', 401],
  ["POST", "/admin/reset", '{"token":"wrong"}', 401],
  ["GET", "/api/events?after=x", undefined, 400],
  ["GET", "/no/such/page", undefined, 404],
  ["PUT", "/api/login", "{}", 405],
];

async function beRefused(port, wrong) {
  for (const [method, path, body, ...expected] of refused) {
    const { status } = await fetch(`http://127.0.0.1:${port}${path}`, {
      method, body, headers: body === undefined ? {} : { "Content-Type": "application/json" },
    });
    if (!expected.includes(status)) {
      wrong(`${method} ${path} was answered ${status} in place of ${expected.join(" or ")}`);
    }
  }
}

/** Every second the same game under another name: each process builds it anew and frees the old one. */
function keepReloading(server, gameDir) {
  const file = join(gameDir, "ctfg.yaml");
  const text = readFileSync(file, "utf8");
  let reloads = 0;
  const timer = setInterval(() => {
    reloads += 1;
    writeFileSync(file, text.replace("name: bench", `name: bench ${reloads}`));
    server.process.kill("SIGHUP");
  }, RELOAD_MS);
  return () => {
    clearInterval(timer);
    return reloads;
  };
}

async function playWithoutOneWorker(server, playing) {
  const whole = server.family().length;
  const solves = async () => (await server.metric("solves_total")).db;
  const before = await solves();
  await waitFor("the middle of the game", async () => (await solves()) > before + 20);
  const [victim] = server.pidsOf("worker");
  process.kill(victim, "SIGKILL");
  await playing;
  await waitFor("the successor", () => server.family().length === whole && !server.family().includes(victim));
}

const findings = [];
const wrong = (text) => {
  findings.push(text);
  console.error(`leaks: ${text}`);
};
const gameDir = demoGame(Number(values.players), LIMITS);
const server = await startCtfg(gameDir);
if (!/asan/.test(readFileSync(`/proc/${server.pid}/maps`, "utf8"))) {
  throw new Error("leaks: CTFG_BIN names a server without AddressSanitizer: make leaks builds one");
}
const stopReloading = keepReloading(server, gameDir);
const begun = Date.now();
const seconds = () => (Date.now() - begun) / 1000;
const looks = [];
let games = 0;
let events = 0;
while (seconds() < Number(values.seconds)) {
  games += 1;
  const playing = play(server, gameDir, values.players, 0, games);
  if (games === KILL_IN_GAME) {
    await playWithoutOneWorker(server, playing);
  } else {
    judgeGame(`game ${games}`, await playing, wrong);
  }
  events += (await playing).events;
  await beRefused(server.port, wrong);
  await reset(server.port);
  if (seconds() >= SETTLED_S) {
    looks.push(look(server));
  }
}
const took = seconds();
const reloads = stopReloading();
await server.stop();
if (server.process.exitCode !== 0) {
  wrong(`the master left with ${server.process.exitCode ?? server.process.signalCode}`);
}
for (const file of readdirSync(reports)) {
  wrong(`${file}:\n${readFileSync(join(reports, file), "utf8")}`);
}
const rows = [
  GROWTH_HEAD,
  ...growth(`${games} games`, looks, { fds: true, mb: GROWTH_MB_MAX }, wrong),
];
const text =
  `${machineLine()} ${games} games of ${values.players} players in ${took.toFixed(0)} s, ${count(events)} events, ${reloads} reloads, ` +
  `one worker killed: ${findings.length === 0 ? "no leak and no other report of a sanitizer" : `${findings.length} findings`}.\n\n${tableOf(rows)}`;
console.log(text);
if (findings.length === 0) {
  writeBlock("leaks", text);
}
process.exitCode = findings.length > 0 ? 1 : 0;
