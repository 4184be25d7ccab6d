// SPDX-License-Identifier: MIT
// crash.mjs - one round of crashes: a game under every kind of load, whose processes are killed at
// random moments, and then the whole story judged.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { query } from "../lib/database.mjs";
import { waitFor } from "../lib/player.mjs";
import { ctfg, startServer } from "../lib/server.mjs";
import { checkHistory } from "./history.mjs";
import { ADMIN_TOKEN, API_TOKEN, Load, tortureGame } from "./load.mjs";
import { makeRandom } from "./random.mjs";

const PLAYERS = 10;
const CHALLENGES = 600;
const WORKERS = 2;
const BACK_MS = 30000;
const CONFIG = "limits:\n  submit: 100000 + 1000/s\n  hint: 100000 + 1000/s\n  award: 100000 + 1000/s\n" +
  "  name: 100000 + 1000/s\n  api: 100000 + 1000/s\n" +
  "database:\n  backups_kept: 1000\n"; // the whole log is told from them

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const victims = {
  worker: (server, random) => [random.pick(server.workers())],
  db: (server) => [server.dbPid()],
  both: (server, random) => [server.dbPid(), random.pick(server.workers())],
  master: (server) => [server.pid],
  all: (server) => [server.pid, server.dbPid(), ...server.workers()],
};
const weights = { worker: 35, db: 40, both: 10, master: 7, all: 8 };

function eventsOf(path) {
  return query(
    path,
    "SELECT id, ts, user_id, challenge_id, event_type, points, hint_number FROM events ORDER BY id",
  );
}

/** Every reset keeps a copy first: with them the whole log can be told, epoch by epoch. */
export function readLog(server) {
  const copies = readdirSync(server.dbdir)
    .filter((name) => /^events-before-reset-.*\.db$/.test(name))
    .sort()
    .map((name) => eventsOf(join(server.dbdir, name))) // under that name a copy is whole, whoever was killed
    .sort((a, b) => (a.at(-1)?.id ?? 0) - (b.at(-1)?.id ?? 0));
  const epochs = [{ floor: 0, rows: [] }];
  for (const rows of [...copies, eventsOf(server.dbPath)]) {
    const last = epochs.at(-1);
    if (last.rows.length === 0 || last.rows[0].id === rows[0]?.id) {
      last.rows = rows; // the copy was made, the reset did not come
    } else {
      epochs.push({ floor: last.rows.at(-1).id, rows });
    }
  }
  const users = query(server.dbPath, "SELECT id, displayname FROM users");
  return { epochs, names: new Map(users.map((user) => [user.id, user.displayname ?? null])) };
}

/** `ctfg check`: the file is sound, a replay adds up, and it is what the server shows. */
function checkCommand(server, wrong) {
  try {
    return execFileSync(ctfg, ["-C", server.dir, "-b", server.dbdir, "check"], { encoding: "utf8" });
  } catch (error) {
    wrong(`ctfg check: status ${error.status}: ${error.stdout}${error.stderr}`);
    return "";
  }
}

/** Kills now, or in the very moment in which a change is acknowledged: is it on disk already? */
async function kill(round, pids) {
  const strike = () => pids.forEach((pid) => round.server.kill(pid, "SIGKILL"));
  if (round.random.below(2) === 0) {
    strike();
    return;
  }
  let struck = false;
  round.load.onAcknowledged = () => {
    round.load.onAcknowledged = undefined;
    struck = true;
    strike();
  };
  await waitFor("an acknowledged change", () => struck, BACK_MS);
}

async function killOnce(round) {
  const { random } = round;
  const what = random.weighted(weights);
  const pids = victims[what](round.server, random).filter((pid) => pid !== undefined);
  await kill(round, pids);
  round.kills[what] = (round.kills[what] ?? 0) + 1;
  round.processes += pids.length;
  if (what === "master" || what === "all") {
    await round.server.gone();
    round.log.push(round.server.log());
    round.server = await round.server.restart();
  } else if (random.below(4) > 0) { // else the next kill may meet a server that is not whole
    await waitFor(
      "the server to be whole again",
      () => round.server.workers().length === WORKERS && round.server.dbPid() !== undefined,
      BACK_MS,
    );
  }
}

async function killUnderLoad(round, kills, until) {
  for (let i = 0; i < kills && Date.now() < until; i++) {
    const acknowledged = round.load.acknowledged;
    if (round.random.below(3) === 0) { // let it get somewhere
      await waitFor("more answers", () => round.load.acknowledged > acknowledged + 20, BACK_MS);
    }
    await pause(round.random.below(120));
    await killOnce(round);
  }
  const acknowledged = round.load.acknowledged;
  await waitFor("answers after the last kill", () => round.load.acknowledged > acknowledged + 50, BACK_MS);
}

/** Every stream that is open in the end has the last event. */
async function waitForStreams(round, wrong) {
  const last = query(round.server.dbPath, "SELECT coalesce(max(id), 0) AS id FROM events")[0].id;
  for (const watcher of round.load.watchers) {
    const hasLast = () =>
      last === 0 || watcher.since >= last || (watcher.stream?.events().at(-1)?.id ?? 0) >= last;
    await waitFor("the last event", hasLast, BACK_MS).catch(() =>
      wrong(`${watcher.name} never receives event ${last}`),
    );
  }
}

/**
 * kills: how many at most; until: not after that time. kills 0: concurrent clients only.
 * Resolves with {seed, findings, kills, processes, operations, acknowledged, unknown, events}.
 */
export async function runRound({ seed, kills, until = Infinity, loadMs = 0 }) {
  const random = makeRandom(seed);
  const findings = [];
  const wrong = (text) => findings.push(text);
  const server = await startServer({
    game: tortureGame({ players: PLAYERS, challenges: CHALLENGES }),
    flags: ["--workers", String(WORKERS)],
    config: CONFIG,
    env: { CTFG_API_TOKEN: API_TOKEN, CTFG_ADMIN_TOKEN: ADMIN_TOKEN },
  });
  const round = { random, server, kills: {}, processes: 0, log: [] };
  round.load = new Load({
    server: () => round.server,
    random: random.fork(),
    players: PLAYERS,
    challenges: CHALLENGES,
  });
  round.load.start();
  try {
    await pause(loadMs);
    if (kills > 0) {
      await killUnderLoad(round, kills, until);
    }
    await round.load.stopAsking();
    await round.load.sendEveryoneAway();
    await waitForStreams(round, wrong);
    if (!checkCommand(round.server, wrong).includes("shows the same")) {
      wrong("ctfg check did not see the running server's board");
    }
  } finally {
    round.load.running = false;
    await round.load.closeStreams();
    round.load.close();
    await round.server.stop();
  }
  checkCommand(round.server, wrong);
  const log = readLog(round.server);
  findings.push(...checkHistory(round.load.history, log));
  return {
    seed,
    findings,
    kills: round.kills,
    processes: round.processes,
    operations: round.load.history.length,
    acknowledged: round.load.acknowledged,
    unknown: round.load.unknown,
    events: log.epochs.reduce((sum, { rows }) => sum + rows.length, 0),
    resets: log.epochs.length - 1,
    serverLog: [...round.log, round.server.log()].join("\n"),
    history: round.load.history,
    eventLog: log,
  };
}
