// SPDX-License-Identifier: MIT
// Hostile clients: while they are at it honest players are served as before, memory stays within a
// bound, and when they have gone nothing of them is left. Connections opened by halves: half_open.test.mjs.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { Honest } from "./honest.mjs";

const program = join(dirname(fileURLToPath(import.meta.url)), "attackers.mjs");
const SPARE_FDS = 1500; // of the limit: the server's own, and node's

/** How many idle connections the limits of this machine allow: ours, and the server's like ours. */
function idleCount() {
  const [, hard] = /Max open files\s+\S+\s+(\S+)/.exec(readFileSync("/proc/self/limits", "utf8"));
  const most = hard === "unlimited" ? Infinity : Number(hard);
  return Math.max(100, Math.min(10000, most - SPARE_FDS));
}

/*
 * kind: see attackers.mjs; count: so many connections at once; sees: what must have happened to them.
 */
const attacks = [
  { name: "headers that come a byte at a time", kind: "slow_headers", count: 300, sees: (saw) => saw.statuses[408] > 0 },
  { name: "bodies that come a byte at a time", kind: "slow_bodies", count: 300, sees: (saw) => saw.statuses[408] > 0 },
  { name: "who asks without end and reads nothing", kind: "slow_readers", count: 100, sees: (saw) => saw.opened >= 100 },
  { name: "streams that read nothing", kind: "slow_streams", count: 200, sees: (saw) => saw.opened >= 200 },
  { name: "idle connections", kind: "idle", count: idleCount(), sees: (saw) => saw.open >= 0.95 * idleCount() },
  { name: "headers of a megabyte", kind: "huge_headers", count: 20, sees: (saw) => saw.statuses[431] > 0 },
  { name: "pipelined requests without end", kind: "pipelined", count: 4, sees: (saw) => saw.statuses[200] > 100 },
  { name: "frames without end", kind: "frames", count: 4, sees: (saw) => saw.statuses[101] >= 4 },
  { name: "half a request, then gone", kind: "half_closed", count: 100, sees: (saw) => saw.closed > 100 },
  { name: "a body that would unpack to ten megabytes", kind: "body_bombs", count: 10, sees: (saw) => saw.statuses[400] > 0 && !saw.statuses[200] },
  {
    name: "compressed frames nobody agreed to",
    kind: "frame_bombs",
    count: 10,
    sees: (saw) => saw.statuses[101] > 0 && saw.closed > 0 && !/sec-websocket-extensions/i.test(saw.text),
  },
  { name: "random bytes", kind: "random", count: 50, sees: (saw) => saw.statuses[400] > 0 },
];

let honest;

describe("hostile clients", { timeout: 300000 }, () => {
  before(async () => {
    honest = await Honest.start();
  });
  after(() => honest?.stop());

  for (const { name, kind, count, sees } of attacks) {
    it(`${name}: players notice nothing, and nothing is left behind`, async (t) => {
      const { server, players } = honest;
      const command = [process.execPath, program, kind, server.url, players[0].streamUrl, String(count)];
      t.diagnostic(`${count} of them: ${await honest.endure({ command, count, sees })}`);
    });
  }
});
