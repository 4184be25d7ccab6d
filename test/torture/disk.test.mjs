// SPDX-License-Identifier: MIT
// The disk: the power is cut at every point of a short game, every kind of call fails once, and
// shared memory is raced under ThreadSanitizer. The long versions are `make torture`'s.
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { runProgram, seedOfToday } from "./programs.mjs";

const seed = seedOfToday();

describe(`the disk (seed ${seed})`, { timeout: 600000 }, () => {
  it("every image a power cut can leave holds what was acknowledged, and starts", async () => {
    const older = seed % 2; // an older file keeps its large pages: eight times as much to cut
    const { code, result } = await runProgram("powercut", [
      "--seed", seed, "--steps", older ? 14 : 120, "--older", older, "--samples", 8, "--every-subset-of", 6,
    ]);
    assert.equal(result.bad, 0, `seed ${seed}`);
    assert.equal(code, 0);
    assert.ok(result.prefix > 100 && result.torn > 200 && result.subset > 100 && result.again > 100);
    assert.ok(result.one_further > 0, "no image holds a batch that was under way: the cuts miss commits");
  });

  it("a disk that does not keep what it promised is found out", async () => {
    const args = ["--seed", seed, "--steps", 4, "--samples", 2, "--again", 0, "--lying-disk", 1];
    const { code, result } = await runProgram("powercut", args, { quiet: true });
    assert.equal(code, 1);
    assert.ok(result.bad > 0);
  });

  it("a call to the disk that fails takes no answer back, and db finds its way on", async () => {
    const { code, result } = await runProgram("diskfault", ["--seed", seed, "--stride", 17]);
    assert.equal(result.bad, 0, `seed ${seed}`);
    assert.equal(code, 0);
    assert.ok(result.refused > 0 && Object.values(result.struck).filter((count) => count > 0).length >= 8);
  });

  // enum disk_fault; each of their calls, once and five times in a row
  const FSYNC_IO = 4;
  const DEAD = 13;

  it("a batch whose sync failed is refused for good, also for who opens the log after a kill", async () => {
    const { code, result } = await runProgram("diskfault", ["--seed", 3, "--fault", FSYNC_IO]);
    assert.equal(code, 0);
    assert.ok(result.looks > 10 && result.ghosts === 0 && result.came_back === 0);
  });

  it("when nothing more can be written to make it void, it is shown as a whole once the store is opened anew", async () => {
    const { code, result } = await runProgram("diskfault", ["--seed", 3, "--fault", DEAD]);
    assert.equal(code, 0);
    assert.ok(result.ghosts > 0, "no batch was left in the log: nothing was tried");
    assert.ok(result.came_back > 0, "no batch came back: nothing was tried");
  });
});

describe("shared memory", { timeout: 120000 }, () => {
  it("readers beside a db that dies and is succeeded race with nobody (ThreadSanitizer)", async () => {
    const { code, result } = await runProgram("race", ["--seed", seed, "--seconds", 4]);
    assert.equal(code, 0);
    assert.equal(result.torn, 0);
    assert.ok(result.lives > 10 && result.cuts > 100);
  });
});
