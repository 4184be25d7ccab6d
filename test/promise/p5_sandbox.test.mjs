// SPDX-License-Identifier: MIT
// P5: a worker has given up every system call it does not need, and does all its work without them.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";

import { openStream } from "../lib/client.mjs";
import { flagOf, HASH_OF_PW, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { Player, waitFor } from "../lib/player.mjs";
import { isSanitized, startServer } from "../lib/server.mjs";

const HAS_NONE = isSanitized; // sanitizers call what they like

/** The number behind a word of /proc/PID/status. */
function status(pid, word) {
  return Number(new RegExp(`^${word}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
}

describe("P5: the sandbox of a worker", { timeout: 60000 }, () => {
  it("every worker is under a filter, db and master are not", { skip: HAS_NONE }, async () => {
    const server = await startServer({ game: makeGame(), flags: ["--workers", "2"] });
    for (const pid of server.workers()) {
      assert.equal(status(pid, "Seccomp"), 2);
      assert.equal(status(pid, "NoNewPrivs"), 1);
    }
    const usual = status(process.pid, "Seccomp"); // a container may have a filter of its own
    assert.equal(status(server.dbPid(), "Seccomp"), usual);
    assert.equal(status(server.pid, "Seccomp"), usual);
    await server.stop();
  });

  it("process.sandbox: off leaves it away", async () => {
    const server = await startServer({ game: makeGame(), env: { CTFG_PROCESS_SANDBOX: "off" } });
    for (const pid of server.workers()) {
      assert.equal(status(pid, "Seccomp"), status(process.pid, "Seccomp"));
    }
    await server.stop();
  });

  it("inside it a worker still takes in a new game, finds a new db and hashes passwords", async () => {
    const game = makeGame({ players: 3 });
    const server = await startServer({ game, flags: ["--workers", "1"] });
    const [worker] = server.workers();
    const player = new Player(server.url, playerName(0), playerPassword(0));
    await player.login();
    const stream = await openStream(player.streamUrl);

    const credentials = join(server.dir, "credentials.csv");
    writeFileSync(credentials, `${readFileSync(credentials, "utf8")}hashed,${HASH_OF_PW}\n`);
    const from = server.log().length;
    server.signal("SIGHUP");
    await server.waitForLog(/the new game is in force/, 10000, from);
    const hashed = new Player(server.url, "hashed", "pw");
    await hashed.login();

    const db = server.dbPid();
    server.kill(db);
    await waitFor("a new db", () => server.dbPid() !== undefined && server.dbPid() !== db);
    await waitFor("a right guess", async () => (await player.submit(1, flagOf(1))).status === 200);
    await stream.waitForEvent((event) => event.challenge_id === 1);

    assert.deepEqual(server.workers(), [worker], "the worker has lived through all of it");
    [player, hashed, stream].forEach((open) => open.close());
    await server.stop();
  });
});
