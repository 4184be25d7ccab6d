// SPDX-License-Identifier: MIT
// soak.mjs - one server for a long time: does anything grow that should not?
//
//   node test/torture/soak.mjs [--games 60] [--players 200] [--real-players 2000] [--real-minutes 20]
//
// First `games` whole events of 200 players, each of three hours when people play it, compressed as
// far as it goes: everyone at once and without a pause, then a reset. Then one event at the pace of
// people: 2,000 players over 20 minutes. The emulator is bench/players. Memory, descriptors and the
// write-ahead log are looked at after each game, and every few seconds of the real one. The table goes
// to standard output and into docs/reliability.md. Exit status 1: an error, a stream that missed
// something, or something that grows.
import { parseArgs } from "node:util";

import { demoGame, startCtfg } from "../../bench/lib/server.mjs";
import { ADMIN_TOKEN, growth, GROWTH_HEAD, judgeGame, LIMITS, look, play, reset } from "./games.mjs";
import { count, machineLine, tableOf, writeBlock } from "./report.mjs";

const { values } = parseArgs({
  options: {
    games: { type: "string", default: "60" },
    players: { type: "string", default: "200" },
    "real-players": { type: "string", default: "2000" },
    "real-minutes": { type: "string", default: "20" },
  },
});
const LOOK_MS = 5000;
const WAL_MB_MAX = 112; /* 1.75 times the default bound of 64 MB, where db refuses writes */
/** What the emulator takes for a game of jitter 1: starts over a second, then 25 pauses of 0.05 s. */
const SECONDS_A_JITTER = 2.25;

async function compressed(server, gameDir, wrong) {
  const looks = [];
  const sum = { games: 0, events: 0, seconds: 0, errors: 0 };
  for (let game = 1; game <= Number(values.games); game++) {
    const result = await play(server, gameDir, values.players, 0, game);
    judgeGame(`game ${game}`, result, wrong);
    sum.games += 1;
    sum.events += result.events;
    sum.seconds += result.elapsed_s;
    sum.errors += result.errors;
    await reset(server.port);
    looks.push(look(server));
  }
  return { sum, looks };
}

async function atPeoplesPace(server, gameDir, wrong) {
  const jitter = Math.max(1, Math.round((Number(values["real-minutes"]) * 60) / SECONDS_A_JITTER));
  const looks = [];
  const timer = setInterval(() => looks.push(look(server)), LOOK_MS);
  const result = await play(server, gameDir, values["real-players"], jitter, 1);
  clearInterval(timer);
  looks.push(look(server));
  judgeGame("the real one", result, wrong);
  return { result, looks };
}

const findings = [];
const wrong = (text) => {
  findings.push(text);
  console.error(`soak: ${text}`);
};
process.env.CTFG_ADMIN_TOKEN = ADMIN_TOKEN;
const gameDir = demoGame(Math.max(Number(values.players), Number(values["real-players"])), LIMITS);
const server = await startCtfg(gameDir);
const pids = server.family().join();
const { sum, looks } = await compressed(server, gameDir, wrong);
const real = await atPeoplesPace(server, gameDir, wrong);
if (server.family().join() !== pids) {
  wrong("a process died and was succeeded");
}
const rows = [
  GROWTH_HEAD,
  ...growth(`${sum.games} games`, looks, { fds: true }, wrong),
  /* Players come and leave: their descriptors rise and fall with them. */
  ...growth(`at the pace of people`, real.looks, { fds: false }, wrong),
];
if (Math.max(...[...looks, ...real.looks].map((one) => one.wal_mb)) > WAL_MB_MAX) {
  wrong("the write-ahead log passes its bound");
}
await server.stop();
const text =
  `${machineLine()} ${sum.games} games of ${values.players} players in ${sum.seconds.toFixed(0)} s: ${count(sum.events)} events, ` +
  `${sum.errors} errors. One of ${count(values["real-players"])} players in ${(real.result.elapsed_s / 60).toFixed(1)} minutes: ` +
  `${count(real.result.events)} events, ${real.result.errors} errors, ${count(real.result.streams_exact)} streams exact.\n\n${tableOf(rows)}`;
console.log(text);
if (findings.length === 0) {
  writeBlock("soak", text);
}
process.exitCode = findings.length > 0 ? 1 : 0;
