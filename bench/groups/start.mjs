// SPDX-License-Identifier: MIT
// start.mjs - a start with a full event log: the rebuild of the board as db's log line times it, and all
// from the command to "ready" (the files read and checked, the processes forked), beside a program that
// steps through the same rows and looks at none.
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
      const ready_ms = performance.now() - started;
      const built_ms = Number(/the board is built.* took_ms=(\d+)/.exec(server.text)[1]);
      await server.stop();
      return { ready_ms, built_ms };
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
  return {
    start: ratio(results.ctfg, results.rows, "built_ms", "ms", "ms"),
    start_ready: ratio(results.ctfg, results.rows, "ready_ms", "ms", "ms"),
  };
}
