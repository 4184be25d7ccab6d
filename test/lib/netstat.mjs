// SPDX-License-Identifier: MIT
// netstat.mjs - what the kernel counts of TCP, in this process's network.
import { readFileSync } from "node:fs";

/** A counter since the network's beginning, in netstat(8)'s names: "ListenOverflows". */
export function tcpCounter(name) {
  const [names, values] = readFileSync("/proc/self/net/netstat", "utf8").match(/^TcpExt:.*$/gm);
  return Number(values.split(" ")[names.split(" ").indexOf(name)]);
}
