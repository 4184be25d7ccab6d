// SPDX-License-Identifier: MIT
// server.mjs - starts a ctfg (or another program) for a measurement, and says what its processes cost.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
export const ctfg = process.env.CTFG_BIN ?? join(root, "build", "ctfg");

const TICKS_PER_S = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
const START_MS = 60000;

const undo = [];
process.on("exit", () => undo.reverse().forEach((action) => action()));
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  process.on(signal, () => process.exit(1));
}

/** A folder that is gone when the program ends. */
export function tempFolder() {
  const dir = mkdtempSync(join(tmpdir(), "ctfg-bench-"));
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A copy of the demo game with as many players as wanted: p0001,pass-0001 and so on. */
export function demoGame(players, config = "") {
  const dir = join(tempFolder(), "game");
  cpSync(join(root, "examples", "demo"), dir, { recursive: true });
  const lines = Array.from({ length: players }, (_, i) => {
    const number = String(i + 1).padStart(4, "0");
    return `p${number},pass-${number}`;
  });
  writeFileSync(join(dir, "credentials.csv"), `username,password\n${lines.join("\n")}\n`);
  writeFileSync(join(dir, "ctfg.yaml"), `game:\n  name: bench\n  board_public: true\n${config}`);
  return dir;
}

export async function waitFor(what, condition, ms = START_MS) {
  const deadline = Date.now() + ms;
  for (;;) {
    if (await condition()) {
      return;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited in vain for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Pids of a process and of all its descendants, the eldest first. */
export function family(pid) {
  let children = [];
  try {
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
  } catch {
    return [];
  }
  return [pid, ...children.flatMap((child) => family(Number(child)))];
}

function status(pid) {
  const fields = {};
  for (const file of ["status", "smaps_rollup"]) {
    for (const line of readFileSync(`/proc/${pid}/${file}`, "utf8").split("\n")) {
      const [name, value] = line.split(":");
      fields[name] = value?.trim();
    }
  }
  return fields;
}

/** User and system seconds, peak and present memory of one process. */
export function usage(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const memory = status(pid);
  const title = readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/\0+$/, "").replaceAll("\0", " ");
  return {
    pid,
    name: title.startsWith("ctfg: ") ? title.slice(6) : title.split(" ")[0],
    cpu_s: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S,
    peak_kb: parseInt(memory.VmHWM, 10),
    rss_kb: parseInt(memory.VmRSS, 10),
    private_kb: parseInt(memory.Private_Dirty, 10),
  };
}

/**
 * Nanoseconds on a CPU of all threads of a family: finer than the ticks of stat where the kernel
 * keeps schedstat, and the same sum.
 */
export function cpuSeconds(pids) {
  let ns = 0;
  for (const pid of pids) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]);
    }
  }
  return ns / 1e9;
}

export class Running {
  constructor(command, args, options = {}) {
    this.text = "";
    this.process = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"], ...options });
    this.pid = this.process.pid;
    this.gone = new Promise((resolve) => {
      this.process.on("exit", resolve);
      this.process.on("error", resolve);
    });
    this.gone.then(() => (this.ended = true));
    this.process.stderr.setEncoding("utf8");
    this.process.stderr.on("data", (chunk) => (this.text += chunk));
    undo.push(() => this.killAll());
  }

  family() {
    return family(this.pid);
  }

  /** nginx's workers outlive a master that is killed: all of them, and only while they are ours. */
  killAll() {
    if (!this.ended) {
      this.family().reverse().forEach((pid) => process.kill(pid, "SIGKILL"));
    }
  }

  async stop() {
    this.process.kill("SIGTERM");
    await this.gone;
  }
}

/** The longest turn of any worker's loop since the last call, in milliseconds: over all servers that ended. */
let longestTurnMs = 0;
export function takeLongestTurn() {
  const longest = longestTurnMs;
  longestTurnMs = 0;
  return longest;
}

class Ctfg extends Running {
  /** A worker ("worker-2") that is stopped on purpose: the stop may count as a turn. */
  stopped = "";

  /** A number of /metrics, by process. */
  async metric(name) {
    const text = await (await fetch(this.metricsUrl)).text();
    const lines = text.matchAll(new RegExp(`^ctfg_${name}{process="([^"]+)"} (\\S+)$`, "gm"));
    return Object.fromEntries([...lines].map(([, process, value]) => [process, Number(value)]));
  }

  /** Pids of the workers, or of "db". */
  pidsOf(name) {
    return this.family().filter((pid) => usage(pid).name.startsWith(name));
  }

  async stop() {
    const turns = await this.metric("loop_longest_turn_seconds");
    for (const [name, seconds] of Object.entries(turns)) {
      if (name.startsWith("worker") && name !== this.stopped) {
        longestTurnMs = Math.max(longestTurnMs, seconds * 1000);
      }
    }
    await super.stop();
  }
}

/** prefix: such as ["taskset", "-c", "0"].  Resolves when it is ready; .port and .dbPath say where. */
export async function startCtfg(gameDir, flags = [], prefix = [], dbdir = tempFolder()) {
  const [command, ...args] = [
    ...prefix, ctfg, "-C", gameDir, "-b", dbdir, "-p", "0", "--listen", "127.0.0.1",
    "--metrics-listen", "127.0.0.1:0", ...flags,
  ];
  const server = new Ctfg(command, args, { cwd: dbdir });
  const pattern = /^ctfg: listening on http:\/\/[^:]+:(\d+)/m;
  await waitFor("ctfg", () => server.ended || pattern.test(server.text));
  if (server.ended) {
    throw new Error(`ctfg did not start:\n${server.text}`);
  }
  server.port = Number(pattern.exec(server.text)[1]);
  server.metricsUrl = / metrics="?(http[^\s"]+)/.exec(server.text)[1];
  server.dbPath = join(dbdir, "events.db");
  return server;
}

/** What the numbers were taken on. */
export function machine() {
  const version = (command, args, pattern) => {
    try {
      const result = execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
      return pattern.exec(result)?.[1] ?? "";
    } catch {
      return "";
    }
  };
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: version("git", ["-C", root, "describe", "--always", "--dirty"], /(\S+)/),
    cpu: `${cpus().length} x ${cpus()[0].model.trim()}`,
    kernel: release(),
    ctfg: version(ctfg, ["--version"], /(\S+)\s*$/m),
    gcc: version("gcc", ["--version"], /(\d+\.\d+\.\d+)\s*$/m),
    libuv: version("pkg-config", ["--modversion", "libuv"], /(\S+)/),
    sqlite: version("pkg-config", ["--modversion", "sqlite3"], /(\S+)/),
    nginx: version("sh", ["-c", "PATH=$PATH:/usr/sbin nginx -v 2>&1"], /nginx\/(\S+)/),
    h2o: version("h2o", ["--version"], /version (\S+)/),
    wrk: version("sh", ["-c", "wrk -v 2>&1 || true"], /wrk \S*?(\d[\d.]*)/),
    node: process.version.slice(1),
    ...Object.fromEntries(
      Object.entries(JSON.parse(readFileSync(join(root, "bench", "package.json"), "utf8")).dependencies),
    ),
  };
}
