// SPDX-License-Identifier: MIT
// metrics.mjs - numbers of /metrics.
import { call } from "./player.mjs";

/** Added up over all processes: the lines that begin with this name, and hold this label. */
export async function metric(server, name, label = "") {
  const { text } = await call(server.metricsUrl, "GET", "/metrics");
  const lines = text.split("\n").filter((line) => line.startsWith(name) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
