// SPDX-License-Identifier: MIT
// flags.mjs - durable flags: how many, how late, and how much of the disk they take.
//
// 80 % wrong guesses, 15 % right ones, 5 % hints, of players in an order that looks like chance, no pair
// of a player and a challenge twice.  One worker, nothing pinned; the load shares the cores with all.
// The same requests go to the least that does the same (bench/bare/pipeline.c: HTTP, socket, group
// commit, the same tables, no game) and to what one writes first in Node (bench/rivals/fastify.mjs).
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

import { flatGame, loginAll, pairs } from "../lib/games.mjs";
import { measuredRate, post } from "../lib/load.mjs";
import { migrations, startBare, startNode } from "../lib/rivals.mjs";
import { inTurn, median, plain, ratio } from "../lib/rounds.mjs";
import { root, startCtfg, tempFolder } from "../lib/server.mjs";

const PLAYERS = 2000;
const CHALLENGES = 500;
const CONNECTIONS = 64;
const CONNECTIONS_OF_64_A_BATCH = 72; /* some are answered at once, some are on their way */
const MOST_PER_S = 45000; /* more than any of them answers */
const COMMITS = 1000;
const run = promisify(execFile);

/** A supply of requests of logged-in players; each kind goes over its own pairs. */
function supply(server, cookies) {
  const kinds = { wrong: pairs(PLAYERS, CHALLENGES), right: pairs(PLAYERS, CHALLENGES), hint: pairs(PLAYERS, CHALLENGES) };
  const make = {
    wrong: (id) => ["/api/submit", { id, flag: "flag{is_it_this_one}" }],
    right: (id) => ["/api/submit", { id, flag: `right-${id}` }],
    hint: (id) => ["/api/hint", { id, hint_id: 1 }],
  };
  const next = (kind) => {
    const { player, id } = kinds[kind].next().value;
    return post(server.port, make[kind](id)[0], cookies[player], make[kind](id)[1]);
  };
  const twenty = [..."wwwwrwwwwhwwwwrwwwrw"].map((letter) => ({ w: "wrong", r: "right", h: "hint" })[letter]);
  return {
    mixed: (count) => Array.from({ length: count }, (_, i) => next(twenty[i % 20])),
    right: (count) => Array.from({ length: count }, () => next("right")),
  };
}

async function mixed(ctfg, requests, { rounds, seconds }) {
  const bare = await startBare("pipeline", [join(tempFolder(), "bare.db"), ...migrations()], []);
  const node = await startNode("fastify", [join(tempFolder(), "node.db"), ...migrations()], []);
  const load = { connections: CONNECTIONS, seconds };
  let some;
  const results = await inTurn(rounds, {
    ctfg: () => {
      some = requests.mixed(MOST_PER_S * seconds);
      return measuredRate(ctfg, some, load);
    },
    bare: () => measuredRate(bare, some, load),
    node: () => measuredRate(node, some, load),
  });
  await bare.stop();
  await node.stop();
  return results;
}

async function alone(ctfg, requests, { rounds, seconds }) {
  const results = await inTurn(rounds, {
    ctfg: () => measuredRate(ctfg, requests.right(4000 * seconds), { connections: 1, seconds }),
    bare: async () => {
      const args = [String(COMMITS), join(tempFolder(), "commit.db"), ...migrations()];
      return JSON.parse((await run(join(root, "build", "bench", "bare", "commit"), args)).stdout);
    },
  });
  return ratio(results.ctfg, results.bare, "p50_ms", "ms");
}

/** What db has made the disk write since its start. */
const writtenBytes = (pid) => Number(/^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))[1]);

/** With 64 or so a batch: what db made the disk write for each submission, of the mix and of right flags only. */
async function written(ctfg, next, { rounds, seconds }) {
  const [db] = ctfg.pidsOf("db");
  const batches = async () => (await ctfg.metric("db_batches_total")).db;
  const kb = [];
  const rows = [];
  for (let round = 0; round < rounds; round++) {
    const before = { bytes: writtenBytes(db), batches: await batches() };
    const load = { connections: CONNECTIONS_OF_64_A_BATCH, seconds };
    const result = await measuredRate(ctfg, next(MOST_PER_S * seconds), load);
    kb.push((writtenBytes(db) - before.bytes) / result.asked / 1024);
    rows.push(result.asked / ((await batches()) - before.batches));
  }
  return plain(kb, `${median(rows).toFixed(0)} a batch`);
}

export default async function flags(options) {
  const ctfg = await startCtfg(flatGame(PLAYERS, CHALLENGES), ["--workers", "1"]);
  const requests = supply(ctfg, await loginAll(ctfg.port, PLAYERS));
  const all = await mixed(ctfg, requests, options);
  const flagAlone = await alone(ctfg, requests, options);
  const bytes = await written(ctfg, requests.mixed, options);
  const bytesRight = await written(ctfg, requests.right, options);
  await ctfg.stop();
  return {
    flags_bare: ratio(all.ctfg, all.bare, "per_s", "a second"),
    flags_cpu: ratio(all.ctfg, all.bare, "cpu_us", "us"),
    flags_node: ratio(all.ctfg, all.node, "per_s", "a second"),
    flags_p99: ratio(all.ctfg, all.ctfg, "p99_ms", "ms", "p50_ms"),
    flags_p99_bare: ratio(all.bare, all.bare, "p99_ms", "ms", "p50_ms"),
    flag_alone: flagAlone,
    flag_bytes: bytes,
    flag_bytes_right: bytesRight,
  };
}
