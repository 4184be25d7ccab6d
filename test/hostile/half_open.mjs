// SPDX-License-Identifier: MIT
// half_open.mjs - SYNs without an end, and honest players beside them: node half_open.mjs ADDRESS SYNFLOOD
//
// Runs in the network that half_open.test.mjs makes. The kernel keeps a SYN that nobody follows up for a
// minute; its queue is full at once, and from then on it answers with cookies (net.ipv4.tcp_syncookies).
// Whoever is connected notices nothing anyway: here every call of a player opens a connection. Prints its
// figures as one line of text; exit status 0: players noticed nothing.
import { readFileSync } from "node:fs";

import { tcpCounter } from "../lib/netstat.mjs";
import { Honest } from "./honest.mjs";

const [address, program] = process.argv.slice(2);

/** Connections that wait for the third packet; 03: SYN_RECV. */
function halfOpen() {
  return readFileSync("/proc/self/net/tcp", "utf8").match(/^ *\d+: \S+ \S+ 03 /gm)?.length ?? 0;
}

process.stdin.resume();
process.stdin.on("end", () => process.exit(1)); // the test is gone

const honest = await Honest.start({ listen: ["--listen", address], reconnects: true });
let sent;
const endured = await honest.endure({
  command: [program, address, String(honest.server.port)],
  count: 10000,
  sees: ({ opened }) => {
    sent = opened;
    return halfOpen() > 100 && tcpCounter("SyncookiesSent") > 10000 && tcpCounter("SyncookiesRecv") > 10;
  },
});
const afterwards = await honest.notice();
console.log(
  `${sent} SYNs, ${halfOpen()} half open, ${tcpCounter("SyncookiesSent")} cookies sent, ` +
    `${tcpCounter("SyncookiesRecv")} players came with one: ${endured}, ${afterwards} ms afterwards`,
);
await honest.stop();
process.exit(0);
