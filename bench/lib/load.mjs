// SPDX-License-Identifier: MIT
// load.mjs - the load generators: wrk for GETs, and the programs of bench/clients.
import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { wrk } from "./rivals.mjs";
import { cpuSeconds, root, tempFolder } from "./server.mjs";

export const SERVER_CORE = ["taskset", "-c", "0"];
export const CLIENT_CORE = ["taskset", "-c", "1"];

/** Takes this process to the client's core, while it asks too; returns what lets it go again. */
export function onClientCore() {
  const take = (cores) => execFileSync("taskset", ["-cp", cores, String(process.pid)], { stdio: "ignore" });
  take(CLIENT_CORE[2]);
  return () => take(`0-${cpus().length - 1}`);
}

const run = promisify(execFile);
const client = (name) => join(root, "build", "bench", "clients", name);

/** wrk's latencies are "1.23ms", "456.00us" or "1.02s". */
function parseMs(text) {
  const [, value, unit] = /^([\d.]+)(us|ms|s)$/.exec(text);
  return Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit];
}

/** GETs of one path on the client's core: requests, p50 and p99, and the CPU of `server` a request. */
export async function get({ server, path, headers = [] }, { seconds, connections = 64, pipelined = 1 }) {
  const url = `http://127.0.0.1:${server.port}${path}`;
  const script = join(tempFolder(), "pipeline.lua");
  writeFileSync(
    script,
    `function init() all = string.rep(wrk.format("GET", "${path}"), ${pipelined}) end
function request() return all end
`,
  );
  const [command, ...args] = [
    ...CLIENT_CORE, wrk, "-t1", `-c${connections}`, `-d${seconds}s`, "--latency",
    ...headers.flatMap((header) => ["-H", header]), ...(pipelined > 1 ? ["-s", script] : []), url,
  ];
  const pids = server.family();
  const before = cpuSeconds(pids);
  const { stdout } = await run(command, args);
  const cpu_s = cpuSeconds(pids) - before;
  if (/Socket errors|Non-2xx/.test(stdout)) {
    throw new Error(`${url}:\n${stdout}`);
  }
  const requests = Number(/(\d+) requests in/.exec(stdout)[1]);
  return {
    requests,
    cpu_s,
    cpu_us: (cpu_s * 1e6) / requests,
    p50_ms: parseMs(/^ +50%\s+(\S+)/m.exec(stdout)[1]),
    p99_ms: parseMs(/^ +99%\s+(\S+)/m.exec(stdout)[1]),
  };
}

/** One HTTP request as bytes. */
export function post(port, path, cookie, body) {
  const text = JSON.stringify(body);
  return (
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  );
}

/** bench/clients/rate.c with these requests; perSecond 0: as fast as they are answered. */
export async function rate(server, requests, { connections, perSecond = 0, seconds, prefix = [] }) {
  const dir = mkdtempSync(join(tmpdir(), "ctfg-bench-"));
  const file = join(dir, "requests");
  try {
    writeFileSync(file, requests.join("\0"));
    const [command, ...args] = [
      ...prefix, client("rate"), String(server.port), file, String(connections), String(perSecond), String(seconds),
    ];
    const { stdout } = await run(command, args);
    return JSON.parse(stdout);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The same with the CPU of `server` a request; all of them must be answered with 200. */
export async function measuredRate(server, requests, options) {
  const pids = server.family();
  const before = cpuSeconds(pids);
  const result = await rate(server, requests, options);
  if (result.failed > 0) {
    throw new Error(`${result.failed} of ${result.asked} requests were not answered with 200`);
  }
  result.cpu_us = ((cpuSeconds(pids) - before) * 1e6) / result.asked;
  return result;
}

/** A client that is told what to do, line by line, and answers each with a line. */
class Told {
  constructor(name, args, prefix = []) {
    const [command, ...rest] = [...prefix, client(name), ...args];
    this.process = spawn(command, rest, { stdio: ["pipe", "pipe", "inherit"] });
    this.ended = new Promise((resolve) => this.process.on("close", resolve));
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async next() {
    const { value, done } = await this.lines.next();
    if (done) {
      throw new Error(`${this.process.spawnfile} ended with ${await this.ended}`);
    }
    return value;
  }

  async end() {
    this.process.stdin.end();
    await this.ended;
  }
}

/** bench/clients/streams.c: tell("open PATH AT_ONCE"), "drop", "ask", "fire" give two numbers. */
export class Streams extends Told {
  constructor(port, count, requests, prefix) {
    const file = join(tempFolder(), "requests");
    writeFileSync(file, requests.join("\0"));
    super("streams", [String(port), String(count), file], prefix);
  }

  async tell(line) {
    this.process.stdin.write(`${line}\n`);
    return (await this.next()).split(" ").map(Number);
  }
}

/** bench/clients/herd.c: everyone at once; `whileOpen` runs while the connections are still held. */
export async function herd(port, path, connections, whileOpen = async () => ({})) {
  const client = new Told("herd", [String(port), path, String(connections)]);
  const result = JSON.parse(await client.next());
  Object.assign(result, await whileOpen());
  await client.end();
  return result;
}
