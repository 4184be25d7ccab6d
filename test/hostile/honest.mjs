// SPDX-License-Identifier: MIT
// honest.mjs - honest players of one server, and what they notice while somebody else means harm: calls
// take no longer, memory stays within a bound, and afterwards all is as it was before.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import { createInterface } from "node:readline";

import { flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { isSlow, startServer } from "../lib/server.mjs";

const HONEST = 10;
const MEASURE_MS = 1200;
// Twice as long as before is still as before when it is this short: timers, the attackers' own share
// of two cores, other programs of the machine.
const NOISE_MS = isSlow ? 1000 : 100;
const KB = 1024;
const MORE_MEMORY_KB = 160 * KB; // of all workers together, for 10,000 connections and more
const REST_KB = 48 * KB; // what malloc keeps of it

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** What a player does all the time; how long each call took. */
async function play(player, until, tookMs) {
  const calls = [
    () => player.get("/api/scoreboard"),
    () => player.get("/api/challenges"),
    () => player.submit(1, flagOf(1)),
  ];
  for (let i = 0; Date.now() < until; i += 1) {
    const begun = performance.now();
    const answer = await calls[i % calls.length]();
    tookMs.push(performance.now() - begun);
    assert.ok([200, 429].includes(answer.status), `${answer.status} ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

export class Honest {
  #calmP99s = []; // what was measured between attacks

  /** listen: flags, as startServer() has them. reconnects: every call opens a connection of its own. */
  static async start({ listen, reconnects = false } = {}) {
    const all = new Honest();
    all.server = await startServer({
      game: makeGame({ players: HONEST, challenges: 5 }),
      flags: ["--workers", "2"],
      config:
        "http:\n  head_timeout: 2s\n  body_timeout: 2s\n  write_timeout: 1s\nlimits:\n  api: 100000 + 1000/s\n  submit: 100000 + 1000/s\n",
      ...(listen && { listen }),
    });
    all.players = Array.from(
      { length: HONEST },
      (_, i) => new Player(all.server.url, playerName(i), playerPassword(i)),
    );
    for (const player of all.players) {
      await player.login();
      if (reconnects) {
        player.agent.destroy();
        player.agent = new http.Agent({ keepAlive: false });
      }
    }
    await all.measureP99(); // caches are warm
    all.calm = { memoryKb: all.memoryKb(), connections: await all.connections() };
    return all;
  }

  async stop() {
    this.players?.forEach((player) => player.close());
    await this.server?.stop();
  }

  /** Private memory of all workers. */
  memoryKb() {
    return this.server
      .workers()
      .map((pid) => Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]))
      .reduce((sum, kb) => sum + kb, 0);
  }

  async connections() {
    const { text } = await call(this.server.metricsUrl, "GET", "/metrics");
    const lines = text.split("\n").filter((line) => line.startsWith("ctfg_connections_open"));
    return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  async measureP99() {
    const tookMs = [];
    const until = Date.now() + MEASURE_MS;
    await Promise.all(this.players.map((player) => play(player, until, tookMs)));
    tookMs.sort((a, b) => a - b);
    return tookMs[Math.floor(tookMs.length * 0.99)];
  }

  /** A p99 up to this is as before. */
  mostMs() {
    return Math.max(2 * median(this.#calmP99s), NOISE_MS);
  }

  /** Calls take no longer than before: the p99s it took to see that, the last of them up to mostMs(). */
  async notice() {
    const mostMs = this.mostMs();
    const p99s = [];
    // Again where another program of the machine may have been in the way.
    while (p99s.length < 3 && !(p99s.at(-1) <= mostMs)) {
      p99s.push(await this.measureP99());
    }
    const all = p99s.map((ms) => ms.toFixed(1)).join(", ");
    assert.ok(p99s.at(-1) <= mostMs, `p99 ${all} ms, at most ${mostMs.toFixed(1)} ms wanted`);
    return all;
  }

  /** Runs attackers while work() runs, until they have met what they must meet. */
  async #under({ command, count, sees }, work) {
    const child = spawn(command[0], command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
    let saw = { opened: 0, statuses: {} };
    createInterface(child.stdout).on("line", (line) => (saw = JSON.parse(line)));
    const ended = new Promise((resolve) => child.on("close", resolve));
    try {
      await waitFor(`${count} attackers`, () => saw.opened >= count, 60000);
      await work();
      await waitFor(`what they must meet: ${sees}`, () => sees(saw), 30000);
    } finally {
      child.stdin.end();
      child.kill("SIGKILL");
      await ended;
    }
  }

  /**
   * Players notice nothing of an attack, and nothing of it is left behind. Resolves with figures in words.
   *   command  runs it until its standard input ends, and prints {opened, ...} as lines of JSON
   *   count    it has begun when so many were opened
   *   sees     (what it printed last): what must have happened to it
   */
  async endure(attack) {
    const pids = this.server.workers();
    let p99s;
    let during;
    this.#calmP99s.push(await this.measureP99());
    const calmMs = median(this.#calmP99s);
    await this.#under(attack, async () => {
      p99s = await this.notice();
      during = this.memoryKb();
      const { memoryKb } = this.calm;
      assert.ok(during < memoryKb + MORE_MEMORY_KB, `${during} KiB, ${memoryKb} KiB before`);
    });
    await waitFor(
      "the attackers' connections are gone",
      async () => (await this.connections()) <= this.calm.connections,
    );
    await waitFor("the memory comes back", () => this.memoryKb() <= this.calm.memoryKb + REST_KB);
    assert.deepEqual(this.server.workers(), pids, "no worker has died");
    const moreMb = Math.round((during - this.calm.memoryKb) / KB);
    return `p99 ${p99s} ms, ${calmMs.toFixed(1)} ms before; memory ${moreMb} MiB more`;
  }
}
