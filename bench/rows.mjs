// SPDX-License-Identifier: MIT
// rows.mjs - THE table: every figure of `make bench`, beside what, and what it has to reach.
//
// A group (bench/groups/*.mjs) measures several rows; `id` is what history.tsv calls them.
export const groups = ["requests", "board", "flags", "streams", "herd", "start", "endurance"];

const x = "x";
export const rows = [
  // id, what, against, reach, limit, unit
  ["static_nginx", "static file of 2 KB, keep-alive, 64 connections: CPU a request", "nginx", "<=", 0.75, x],
  ["static_h2o", "the same", "h2o", "<=", 1, x],
  ["static_bare", "the same", "libuv + llhttp, a canned answer", "<=", 1.15, x],
  ["challenges_few", "`GET /api/challenges`, a new player, demo game: CPU a request", "nginx, the bytes as a file", "<=", 1, x],
  ["challenges_all", "the same, all 25 solved (15 KB)", "nginx, the bytes as a file", "<=", 1, x],
  ["challenges_bare", "the same", "libuv + llhttp, a canned answer", "<=", 1.5, x],
  ["scoreboard_nginx", "`GET /api/scoreboard`, 20,000 players, gzip, 500 solves/s: CPU a request", "nginx, the bytes as a file", "<=", 1, x],
  ["scoreboard_age", "the same: the oldest board anyone saw", "", "<=", 50, "ms"],
  ["get_p99", "any of these GETs: p99 at 64 connections, the worst", "nginx", "<=", 0.75, x],
  ["get_p99_bare", "the bare server's p99 of that GET", "nginx", "", 0, x],
  ["pipelined", "16 requests pipelined: what one costs alone over what it costs there", "itself, not pipelined", ">=", 5, x],
  ["flags_bare", "flags: 80 % wrong, 15 % right, 5 % hints, 64 connections, durable: throughput", "bare pipeline", ">=", 0.9, x],
  ["flags_cpu", "the same: CPU a request", "bare pipeline", "", 0, x],
  ["flags_node", "the same: throughput", "fastify + better-sqlite3, a commit a request", ">=", 8, x],
  ["flags_p99", "the same: p99", "its own p50", "<=", 3, x],
  ["flags_p99_bare", "the bare pipeline's p99", "its own p50", "", 0, x],
  ["flag_alone", "one flag at a time, one connection: p50", "a bare SQLite commit", "<=", 1.6, x],
  ["flag_bytes", "bytes written a submission, some 64 a batch, the mix above", "", "<=", 1.5, "KB"],
  ["flag_bytes_right", "the same, right flags only", "", "", 0, "KB"],
  ["event_bare", "one event to 10,000 streams: last receipt", "a bare write loop", "<=", 1.1, x],
  ["event_ws", "the same", "ws", "<=", 0.8, x],
  ["event_writes", "the same: writes a frame", "", "=", 1, ""],
  ["stream_memory", "memory of an idle stream (growth of the worker's RSS)", "", "<=", 1, "KiB"],
  ["stream_memory_ws", "the same", "ws", "<=", 0.2, x],
  ["herd_failed", "10,000 connect + GET in one instant, 2 workers: refused or retransmitted", "", "<=", 0, ""],
  ["herd_last", "the same: the last answer", "", "<=", 1000, "ms"],
  ["herd_p99", "the same: p99", "nginx, 2 workers", "<=", 1.1, x],
  ["herd_busy", "the same while flags commit and one event goes out: the last answer", "", "<=", 1000, "ms"],
  ["herd_halved", "the same with one of two workers stopped: the last answer", "", "<=", 1000, "ms"],
  ["herd_share", "the busiest worker's share of the herd", "", "<=", 60, "%"],
  ["storm_lost", "10,000 streams dropped, back with `since` at once: without the event of meanwhile", "", "<=", 0, ""],
  ["storm_live", "the same: all live again", "bare upgrade server", "<=", 1.5, x],
  ["start", "start with 1,000,000 events: the rebuild of the board", "sqlite3_step over the rows", "<=", 2, x],
  ["start_ready", "the same, from the command to ready", "sqlite3_step over the rows", "", 0, x],
  ["long_p99", "20,000 players, 500 solves/s for minutes: p99 of a submit", "200 players", "<=", 2, x],
  ["long_memory", "the same: private memory at the end", "a round in, all tables full", "<=", 1.1, x],
  ["long_wal", "the same: the largest write-ahead log", "", "<=", 80, "MiB"],
  ["stall", "longest turn of a worker's loop in any of these", "", "<=", 20, "ms"],
].map(([id, what, against, reach, limit, unit]) => ({ id, what, against, reach, limit, unit }));

/** Is the median where it has to be?  A row without a reach is for information. */
export function isReached({ reach, limit }, value) {
  switch (reach) {
    case "<=":
      return value <= limit;
    case ">=":
      return value >= limit;
    case "=":
      return Math.abs(value - limit) < 0.05; // the worker's few other writes are counted with them
    default:
      return true;
  }
}
