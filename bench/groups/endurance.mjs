// SPDX-License-Identifier: MIT
// endurance.mjs - 500 solves a second for minutes: a game of 20,000 players beside one of 200.
//
// Both servers stand all the time, and play in turn: a stretch of the large game, then a third as long of
// the small one, so that both see the same machine.  Two workers, nothing pinned.  Before that the large
// one takes FILL solves as fast as it can: the tables that are bounded (receipts, page cache) are full
// when memory is looked at first, so what grows after that grows without end.
import { statSync } from "node:fs";

import { flatGame, loginAll, pairs } from "../lib/games.mjs";
import { measuredRate, post, rate } from "../lib/load.mjs";
import { inTurn, plain, ratio } from "../lib/rounds.mjs";
import { startCtfg, usage } from "../lib/server.mjs";

const CHALLENGES = 500;
const PER_S = 500;
const SMALL = 200;
const FILL = 100000;

async function startGame(players) {
  const server = await startCtfg(flatGame(players, CHALLENGES));
  const cookies = await loginAll(server.port, players);
  return { server, cookies, unsolved: pairs(players, CHALLENGES), peakWal: 0 };
}

const solves = (game, count) =>
  Array.from({ length: count }, () => {
    const { player, id } = game.unsolved.next().value;
    return post(game.server.port, "/api/submit", game.cookies[player], { id, flag: `right-${id}` });
  });

async function play(game, seconds) {
  const requests = solves(game, PER_S * seconds);
  const timer = setInterval(() => {
    game.peakWal = Math.max(game.peakWal, statSync(`${game.server.dbPath}-wal`).size);
  }, 250);
  const result = await measuredRate(game.server, requests, { connections: 64, perSecond: PER_S, seconds });
  clearInterval(timer);
  const private_kb = game.server.family().reduce((sum, pid) => sum + usage(pid).private_kb, 0);
  return { ...result, private_kb };
}

export default async function endurance({ rounds, minutes, players }) {
  const large = await startGame(players);
  const small = await startGame(SMALL);
  await rate(large.server, solves(large, FILL), { connections: 64, seconds: 120 });
  const stretch = Math.max(3, Math.round((minutes * 60) / (rounds + 1)));
  const results = await inTurn(rounds, {
    large: () => play(large, stretch),
    small: () => play(small, Math.max(3, Math.round(stretch / 3))),
  });
  await large.server.stop();
  await small.server.stop();
  const memory = results.large.map((one) => one.private_kb);
  const whole = `${((stretch * (rounds + 1)) / 60).toFixed(1)} minutes`;
  return {
    long_p99: ratio(results.large, results.small, "p99_ms", "ms"),
    long_memory: plain([memory.at(-1) / memory[0]], `${(memory.at(-1) / 1024).toFixed(0)} MB private, ${whole}`),
    long_wal: plain([large.peakWal / (1 << 20)], whole),
  };
}
