// SPDX-License-Identifier: MIT
// start.mjs - from the command to "ready" with a full event log, beside only stepping through its rows.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

import { flatGame, playedDatabase } from "../lib/games.mjs";
import { inTurn, ratio } from "../lib/rounds.mjs";
import { root, startCtfg } from "../lib/server.mjs";

const SOLVED_EACH = 50;
const run = promisify(execFile);

export default async function start({ rounds, players }) {
  const gameDir = flatGame(players, SOLVED_EACH);
  const dbdir = await playedDatabase(gameDir, players, SOLVED_EACH);
  const results = await inTurn(rounds, {
    ctfg: async () => {
      const started = performance.now();
      const server = await startCtfg(gameDir, ["--workers", "1"], [], dbdir);
      const ms = performance.now() - started;
      await server.stop();
      return { ms };
    },
    rows: async () => {
      const { stdout } = await run(join(root, "build", "bench", "bare", "rows"), [join(dbdir, "events.db")]);
      const { rows, ms } = JSON.parse(stdout);
      if (rows !== players * SOLVED_EACH) {
        throw new Error(`${rows} rows`);
      }
      return { ms };
    },
  });
  return { start: ratio(results.ctfg, results.rows, "ms", "ms") };
}
