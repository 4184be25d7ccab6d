// SPDX-License-Identifier: MIT
// streams.mjs - what one event costs with thousands of streams open, and what an idle stream costs.
//
//   node bench/streams.mjs [--streams 2000] [--events 20] [--rounds 5]
//
// One worker on the first core, the clients on the second; in turn with a bare loop that writes a frame
// of the same size to everyone.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

import { login } from "./lib/calls.mjs";
import { startBare } from "./lib/rivals.mjs";
import { cpuSeconds, demoGame, machine, root, startCtfg, tempFolder, usage } from "./lib/server.mjs";
import { median, saveResult, table } from "./lib/table.mjs";

const { values } = parseArgs({
  options: {
    streams: { type: "string", default: "2000" },
    events: { type: "string", default: "20" },
    rounds: { type: "string", default: "5" },
  },
});
const streams = Number(values.streams);
const events = Number(values.events);
const SERVER_CORE = ["taskset", "-c", "0"];
const CLIENT_CORE = ["taskset", "-c", "1"];
const FRAME_BYTES = 220; /* what a solve of the demo game takes in a frame */
const FLAG = "flag{the_night_shift_begins}"; /* of its first challenge */

/** Runs bench/streams.c; resolves with times and what the given pids spent and grew by. */
async function measure(pids, port, path, requests) {
  const file = join(tempFolder(), "requests");
  writeFileSync(file, requests.join("\0"));
  const before = pids.map(usage);
  const [command, ...args] = [
    ...CLIENT_CORE, join(root, "build", "bench", "streams"), String(port), path, String(streams), file,
  ];
  const client = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => client.on("close", resolve));
  const times = [];
  let cpu = 0;
  let grown_kb = 0;
  for await (const line of createInterface({ input: client.stdout })) {
    if (line === "open") {
      const kb = pids.map((pid, i) => usage(pid).private_kb - before[i].private_kb);
      grown_kb = kb.reduce((sum, one) => sum + one, 0);
      cpu = cpuSeconds(pids);
      client.stdin.write("go\n");
    } else {
      times.push(line.split(" ").map((us) => Number(us) / 1000));
    }
  }
  if ((await ended) !== 0 || times.length !== requests.length) {
    throw new Error("the clients failed");
  }
  return {
    bytes_a_stream: (grown_kb * 1024) / streams,
    cpu_us_a_frame: ((cpuSeconds(pids) - cpu) * 1e6) / (streams * requests.length),
    first_ms: median(times.map(([first]) => first)),
    last_ms: median(times.map(([, last]) => last)),
    loop_ms: median(times.map(([first, last]) => last - first)),
  };
}

/* A fresh server a round: a solve counts once. */
async function measureCtfg() {
  const server = await startCtfg(demoGame(events), ["--workers", "1"], SERVER_CORE);
  const requests = [];
  let url;
  for (let number = 1; number <= events; number++) {
    const { cookie, websocket_url } = await login(server.port, number);
    const body = JSON.stringify({ id: 1, flag: FLAG });
    requests.push(
      `POST /api/submit HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nCookie: ${cookie}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    url = new URL(websocket_url);
  }
  const pids = server.family();
  const worker = pids.filter((pid) => usage(pid).name.startsWith("worker"));
  const result = await measure(worker, server.port, url.pathname + url.search, requests);
  await server.stop();
  return result;
}

async function measureBare() {
  const server = await startBare("fanout", [String(FRAME_BYTES)], SERVER_CORE);
  const result = await measure(server.family(), server.port, "/scorestream", Array(events).fill("POST"));
  await server.stop();
  return result;
}

const results = { ctfg: [], bare: [] };
for (let round = 1; round <= Number(values.rounds); round++) {
  results.ctfg.push(await measureCtfg());
  results.bare.push(await measureBare());
}
const of = (name, field) => median(results[name].map((result) => result[field]));
const row = (title, field, digits) => {
  const [ours, bare] = [of("ctfg", field), of("bare", field)];
  return [title, ours.toFixed(digits), bare.toFixed(digits), `${(ours / bare).toFixed(2)}x`];
};
console.log(
  table([
    [`${streams} streams, one worker`, "ctfg", "bare loop", "ratio"],
    row("CPU us a stream and event", "cpu_us_a_frame", 2),
    row("ask to first receipt, ms", "first_ms", 2),
    row("ask to last receipt, ms", "last_ms", 2),
    row("first to last receipt, ms", "loop_ms", 2),
    row("private bytes an idle stream", "bytes_a_stream", 0),
  ]),
);
console.log(`\nresults: ${saveResult("streams", { machine: machine(), options: values, results })}`);
