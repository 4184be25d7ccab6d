// SPDX-License-Identifier: MIT
// streams.mjs - one event to thousands of streams, an idle stream's memory, and all of them dropped.
//
// One worker on the first core, the clients on the second, a fresh server each round.  The bare server
// (bench/bare/fanout.c) answers an upgrade and writes a frame of the same size to everyone in a loop; it
// commits nothing and keeps nothing.  bench/rivals/ws.mjs is the same with Node's ws.
import { readFileSync } from "node:fs";

import { call, login } from "../lib/calls.mjs";
import { CLIENT_CORE, post, SERVER_CORE, Streams } from "../lib/load.mjs";
import { startBare, startNode } from "../lib/rivals.mjs";
import { inTurn, median, plain, ratio } from "../lib/rounds.mjs";
import { demoGame, startCtfg, usage } from "../lib/server.mjs";

const EVENTS = 5;
const FRAME_BYTES = 220; /* what a solve of the demo game takes in a frame */
const FLAG = "flag{the_night_shift_begins}"; /* of its first challenge */
const OPENING = 256; /* connects on their way at a time: below any backlog */
const REST_MS = 60; /* between two events: longer than a tick */
const PATH = "/scorestream";

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const rssBytes = (pids) => pids.reduce((sum, pid) => sum + usage(pid).rss_kb * 1024, 0);
/** Calls of write(2) and its kin: each frame to a socket is one. */
const writes = (pid) => Number(/^syscw: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))[1]);

/** Opens all streams, sends the events; what the serving pid grew by, wrote, and how long it took. */
async function events(streams, pid, path, count) {
  const before = rssBytes([pid]);
  await streams.tell(`open ${path} ${OPENING}`);
  await rest(REST_MS);
  const grown = rssBytes([pid]) - before;
  const written = writes(pid);
  const times = [];
  for (let i = 0; i < EVENTS; i++) {
    times.push((await streams.tell("fire"))[1] / 1000);
    await rest(REST_MS);
  }
  return {
    bytes_a_stream: grown / count,
    writes_a_frame: (writes(pid) - written) / (count * EVENTS),
    last_ms: median(times),
  };
}

/* Each event is a solve of another player: one solves the first challenge once. */
async function measureCtfg(count) {
  const server = await startCtfg(demoGame(EVENTS + 2), ["--workers", "1"], SERVER_CORE);
  const requests = [];
  let url;
  for (let number = 1; number <= EVENTS + 2; number++) {
    const { cookie, websocket_url } = await login(server.port, number);
    requests.push(post(server.port, "/api/submit", cookie, { id: 1, flag: FLAG }));
    url = new URL(websocket_url);
  }
  const path = url.pathname + url.search;
  const [worker] = server.pidsOf("worker");
  const streams = new Streams(server.port, count, requests, CLIENT_CORE);
  const result = await events(streams, worker, path, count);
  const { seq } = JSON.parse((await call(server.port, "/api/scoreboard")).text);
  await streams.tell("drop");
  await streams.tell("ask"); /* an event that nobody is there to see */
  const [live_us, caughtUp] = await streams.tell(`open ${path}&since=${seq} ${count + 1}`);
  await streams.tell("fire"); /* waits until everyone has it */
  await streams.end();
  await server.stop();
  return { ...result, live_ms: live_us / 1000, lost: count - caughtUp };
}

async function measureBare(count) {
  const server = await startBare("fanout", [String(FRAME_BYTES)], SERVER_CORE);
  const streams = new Streams(server.port, count, Array(EVENTS).fill("POST"), CLIENT_CORE);
  const result = await events(streams, server.pid, PATH, count);
  await streams.tell("drop");
  const [live_us] = await streams.tell(`open ${PATH} ${count + 1}`);
  await streams.end();
  await server.stop();
  return { ...result, live_ms: live_us / 1000 };
}

async function measureWs(count) {
  const server = await startNode("ws", [String(FRAME_BYTES)], SERVER_CORE);
  const request = `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n`;
  const streams = new Streams(server.port, count, Array(EVENTS).fill(request), CLIENT_CORE);
  const result = await events(streams, server.pid, PATH, count);
  await streams.end();
  await server.stop();
  return result;
}

export default async function streams({ rounds, streams: count }) {
  const { ctfg, bare, ws } = await inTurn(rounds, {
    ctfg: () => measureCtfg(count),
    bare: () => measureBare(count),
    ws: () => measureWs(count),
  });
  const kib = ctfg.map((one) => one.bytes_a_stream / 1024);
  return {
    event_bare: ratio(ctfg, bare, "last_ms", "ms"),
    event_ws: ratio(ctfg, ws, "last_ms", "ms"),
    event_writes: plain(ctfg.map((one) => one.writes_a_frame)),
    stream_memory: plain(kib),
    stream_memory_ws: ratio(ctfg, ws, "bytes_a_stream", "bytes"),
    storm_lost: plain(ctfg.map((one) => one.lost)),
    storm_live: ratio(ctfg, bare, "live_ms", "ms"),
  };
}
