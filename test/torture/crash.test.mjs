// SPDX-License-Identifier: MIT
// Crashes: processes are killed at random moments under every kind of load, and the story of all
// clients is judged. TORTURE_SEED plays a round again; `make torture` does thousands of kills.
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { runRound } from "./crash.mjs";
import { seedOfToday } from "./programs.mjs";

const ROUNDS = 4;
const KILLS = 14;
const first = seedOfToday();

function assertGood({ findings, serverLog, acknowledged, seed }) {
  assert.deepEqual(findings.slice(0, 20), [], `seed ${seed}; the server said:\n${serverLog.slice(-4000)}`);
  assert.ok(acknowledged > 50, `only ${acknowledged} answers`);
}

describe("crashes", { timeout: 600000 }, () => {
  it(`concurrent clients see one order of things (seed ${first})`, async () => {
    assertGood(await runRound({ seed: first, kills: 0, loadMs: 4000 }));
  });
  for (let i = 1; i <= ROUNDS; i++) {
    it(`${KILLS} kills take no answer back and add nothing (seed ${first + i})`, async () => {
      const round = await runRound({ seed: first + i, kills: KILLS });
      assertGood(round);
      assert.ok(round.processes >= KILLS);
    });
  }
});
