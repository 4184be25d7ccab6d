// SPDX-License-Identifier: MIT
// herd.mjs - 10,000 connections in one instant, each with one GET: two workers, nothing pinned.
//
// Three herds a round for ctfg: alone; while wrong guesses commit and one event goes out to 1,000
// streams; with one of the two workers stopped (SIGSTOP).  Only the first has a rival, nginx with two
// workers and the same file.  The third has a server of its own, whose stopped worker is not asked how long
// its turns were.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { login } from "../lib/calls.mjs";
import { flatGame } from "../lib/games.mjs";
import { herd, post, rate, Streams } from "../lib/load.mjs";
import { startNginx } from "../lib/rivals.mjs";
import { inTurn, plain, ratio } from "../lib/rounds.mjs";
import { startCtfg, tempFolder, usage, waitFor } from "../lib/server.mjs";

const LOST_MS = 10000; /* what an unanswered one counts as */
const STREAMS = 1000;
const GUESSES_PER_S = 500;
const PATH = "/js/two.js";

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Percent of the herd's connections that the busiest worker holds. */
async function busiestShare(ctfg, before) {
  const open = await ctfg.metric("connections_open");
  const gained = Object.keys(open).filter((name) => name.startsWith("worker")).map((name) => open[name] - before[name]);
  return (100 * Math.max(...gained)) / gained.reduce((sum, one) => sum + one, 0);
}

/** Until the kernel and the workers have let go of the last herd. */
async function settled(ctfg, open) {
  await waitFor("the last herd's end", async () => {
    const now = await ctfg.metric("connections_open");
    return Object.values(now).reduce((sum, one) => sum + one, 0) <= open + 10;
  });
}

const lastMs = (one) => (one.refused > 0 ? LOST_MS : one.last_ms);

export default async function herds({ rounds, herd: count }) {
  const webDir = tempFolder();
  const file = "x".repeat(2048);
  mkdirSync(join(webDir, "js"));
  writeFileSync(join(webDir, "index.html"), "<!doctype html><title>bench</title>");
  writeFileSync(join(webDir, PATH), file);
  const flags = ["--workers", "2", "--web-root", webDir];
  const ctfg = await startCtfg(flatGame(rounds + 2, 1), flags);
  const halved = await startCtfg(flatGame(1, 1), flags);
  const nginx = await startNginx({ "two.js": file }, [], 2);
  const players = [];
  for (let number = 1; number <= rounds + 2; number++) {
    players.push(await login(ctfg.port, number));
  }
  const url = new URL(players[0].websocket_url);
  const right = players.map(({ cookie }) => post(ctfg.port, "/api/submit", cookie, { id: 1, flag: "right-1" }));
  const wrong = post(ctfg.port, "/api/submit", players.at(-1).cookie, { id: 1, flag: "is it this" });
  const streams = new Streams(ctfg.port, STREAMS, right);
  const stopped = halved.pidsOf("worker").find((pid) => usage(pid).name === "worker 2");
  halved.stopped = "worker-2";

  const results = await inTurn(rounds, {
    ctfg: async () => {
      await settled(ctfg, 0);
      const before = await ctfg.metric("connections_open");
      return herd(ctfg.port, PATH, count, async () => ({ share: await busiestShare(ctfg, before) }));
    },
    nginx: () => herd(nginx.port, "/two.js", count),
    busy: async () => {
      await settled(ctfg, 0);
      await streams.tell(`open ${url.pathname}${url.search} 256`);
      const guessing = rate(ctfg, Array(GUESSES_PER_S * 2).fill(wrong), {
        connections: 16, perSecond: GUESSES_PER_S, seconds: 2,
      });
      await rest(300);
      const [result] = await Promise.all([herd(ctfg.port, PATH, count), streams.tell("fire")]);
      await guessing;
      await streams.tell("drop");
      return result;
    },
    halved: async () => {
      await settled(halved, 0);
      process.kill(stopped, "SIGSTOP");
      try {
        return await herd(halved.port, PATH, count);
      } finally {
        process.kill(stopped, "SIGCONT");
      }
    },
  });
  await streams.end();
  await ctfg.stop();
  await halved.stop();
  await nginx.stop();
  const failures = (one) => one.refused + one.retransmitted;
  return {
    herd_failed: plain(results.ctfg.map(failures), `nginx ${Math.max(...results.nginx.map(failures))}`),
    herd_last: plain(results.ctfg.map(lastMs)),
    herd_p99: ratio(results.ctfg, results.nginx, "p99_ms", "ms"),
    herd_busy: plain(results.busy.map(lastMs)),
    herd_halved: plain(results.halved.map(lastMs)),
    herd_share: plain(results.ctfg.map((one) => one.share)),
  };
}
