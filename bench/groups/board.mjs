// SPDX-License-Identifier: MIT
// board.mjs - the scoreboard of 20,000 players, compressed, while 500 solves a second commit.
//
// One worker on the first core, everything that asks on the second.  A round: the solves alone, the
// solves and GETs of the board, GETs of nginx that serves the same compressed bytes as a file.  A GET's CPU
// is what the second took more than the first, over its GETs: building and compressing the board is in it.
// The GETs are asked by bench/clients/rate.c, not by wrk: that reads 8 KB at a time, so that it, and not a
// server, would say how many of these answers there are in a second, and what the builds are shared by.
// Meanwhile somebody looks at the board again and again; how old is what they see?
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Agent, get as httpGet } from "node:http";
import { join } from "node:path";

import { flatGame, loginAll, pairs, playedDatabase } from "../lib/games.mjs";
import { CLIENT_CORE, measuredRate, onClientCore, post, SERVER_CORE } from "../lib/load.mjs";
import { startNginx } from "../lib/rivals.mjs";
import { inTurn, plain, ratio } from "../lib/rounds.mjs";
import { cpuSeconds, startCtfg, tempFolder } from "../lib/server.mjs";

const CHALLENGES = 300;
const SOLVERS = 500;
const PER_S = 500;
const PATH = "/api/scoreboard";
const GZIP = "Accept-Encoding: gzip";
const GETS_PER_S_MAX = 60000; /* more than any of them answers */

const nowUs = () => (performance.timeOrigin + performance.now()) * 1000;

/** GETs on 64 connections, one after another. */
function asked(server, path, seconds) {
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${GZIP}\r\n\r\n`;
  const requests = Array.from({ length: GETS_PER_S_MAX * seconds }, () => request);
  return measuredRate(server, requests, { connections: 64, seconds, prefix: CLIENT_CORE });
}

/** Looks until stopped: when it asked, and the newest event that the answer holds (its ETag's number). */
function look(port) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen = [];
  let stopped = false;
  const once = () =>
    new Promise((resolve, reject) => {
      const asked_us = nowUs();
      const options = { port, host: "127.0.0.1", path: PATH, method: "HEAD", agent, headers: { "accept-encoding": "gzip" } };
      httpGet(options, (answer) => {
        seen.push({ asked_us, seq: Number(/^"(\d+)-/.exec(answer.headers.etag)[1]) });
        answer.resume().on("end", resolve);
      }).on("error", reject);
    });
  const loop = (async () => {
    while (!stopped) {
      await once();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    agent.destroy();
  })();
  return async () => {
    stopped = true;
    await loop;
    return seen;
  };
}

/** How long before the question the first event that the answer lacks had happened, at most: ms. */
function oldest(seen, dbPath) {
  const since = Math.min(...seen.map(({ seq }) => seq));
  const rows = execFileSync("sqlite3", [dbPath, `SELECT id, ts FROM events WHERE id > ${since} ORDER BY id`], {
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  const events = rows.trim().split("\n").map((row) => row.split("|").map(Number));
  const happened = new Map(events);
  return Math.max(0, ...seen.map(({ asked_us, seq }) => (asked_us - (happened.get(seq + 1) ?? asked_us)) / 1000));
}

export default async function board({ rounds, seconds, players }) {
  const gameDir = flatGame(players, CHALLENGES);
  const dbdir = await playedDatabase(gameDir, players, 1);
  const ctfg = await startCtfg(gameDir, ["--workers", "1"], SERVER_CORE, dbdir);
  const cookies = await loginAll(ctfg.port, SOLVERS);
  const unsolved = pairs(SOLVERS, CHALLENGES - 1, 2);
  const solves = async (s) => {
    const requests = Array.from({ length: PER_S * s }, () => {
      const { player, id } = unsolved.next().value;
      return post(ctfg.port, "/api/submit", cookies[player], { id, flag: `right-${id}` });
    });
    await measuredRate(ctfg, requests, { connections: 16, perSecond: PER_S, seconds: s, prefix: CLIENT_CORE });
  };
  const file = join(tempFolder(), "board");
  execFileSync("curl", ["-sf", "-o", file, "-H", GZIP, `http://127.0.0.1:${ctfg.port}${PATH}`]);
  const bytes = readFileSync(file);
  const nginx = await startNginx({ "answer.json": bytes }, SERVER_CORE);
  const s = Math.max(2, seconds);
  const pids = ctfg.family();
  let alone_s;
  const ages = [];
  const results = await inTurn(rounds, {
    solves: async () => {
      const before = cpuSeconds(pids);
      await solves(s);
      alone_s = cpuSeconds(pids) - before;
    },
    ctfg: async () => {
      const leaveCore = onClientCore();
      const stop = look(ctfg.port);
      const solving = solves(s);
      const before = cpuSeconds(pids);
      const result = await asked(ctfg, PATH, s);
      await solving;
      const all_s = cpuSeconds(pids) - before;
      const seen = await stop();
      leaveCore();
      ages.push(oldest(seen, ctfg.dbPath));
      result.cpu_us = ((all_s - alone_s) * 1e6) / (result.asked + seen.length);
      return result;
    },
    nginx: () => asked(nginx, "/answer.json", s),
  });
  await ctfg.stop();
  await nginx.stop();
  return {
    scoreboard_nginx: ratio(results.ctfg, results.nginx, "cpu_us", "us"),
    scoreboard_age: plain([Math.max(...ages)], `${(bytes.length / 1024).toFixed(0)} KB an answer`),
  };
}
