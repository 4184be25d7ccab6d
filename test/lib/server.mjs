// SPDX-License-Identifier: MIT
// server.mjs - starts a real ctfg on random ports in a folder of its own, and stops it for sure.
import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { waitFor } from "./player.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const START_MS = 30000; // a sanitizer's build on a busy machine
const STOP_MS = 20000;

/** The program under test. */
export const ctfg = process.env.CTFG_BIN ?? join(root, "build", "ctfg");
/** A build that keeps memory and calls what it likes, */
export const isSanitized = /\/(asan|tsan)\//.test(ctfg);
/** and one that takes its time, as coverage's does too. */
export const isSlow = isSanitized || ctfg.includes("/coverage/");

/** Is there such a process, other than one that only waits to be buried? */
export function isAlive(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return !["Z", "X"].includes(stat.slice(stat.lastIndexOf(")") + 2)[0]);
  } catch {
    return false;
  }
}

/** What ps shows for it; empty: there is none. */
export function titleOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replace(/\0+$/, "").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Descriptors of sealed game files: a master has one from the order to db until the last worker's answer. */
export function filesHeldBy(pid) {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).includes("ctfg-game");
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/** Children of a process that carry the given title: pids, in the order they were forked. */
function childrenOf(pid, title) {
  let pids;
  try {
    pids = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  } catch {
    return [];
  }
  return pids.filter((child) => child !== "" && title.test(titleOf(child))).map(Number);
}

/** Undone when the test's process ends, however it ends: nothing is left running or lying about. */
const undo = [];
process.on("exit", () => undo.reverse().forEach((action) => action()));
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  process.on(signal, () => process.exit(1));
}
process.setMaxListeners(100); // game.mjs adds one a folder

function makeFolders(options) {
  const temp = mkdtempSync(join(tmpdir(), "ctfg-test-"));
  if (!options.keepDb) {
    undo.push(() => rmSync(temp, { recursive: true, force: true }));
  }
  const source = options.game === "demo" ? join(root, "examples", "demo") : options.game;
  const dir = join(temp, "game");
  cpSync(source, dir, { recursive: true });
  if (options.game === "demo" && !existsSync(join(dir, "credentials.csv"))) {
    writeFileSync(join(dir, "credentials.csv"), "username,password\nalice,wonder\nbob,builder\n");
  }
  if (options.config !== undefined) {
    writeFileSync(join(dir, "ctfg.yaml"), options.config);
  }
  return { dir, dbdir: options.dbdir ?? temp };
}

/** Our own variables only where a test gives them: the tester's must not decide a test. */
function environment(more) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("CTFG_"));
  return { ...Object.fromEntries(own), ...more };
}

class Server {
  constructor(options, folders) {
    this.options = options;
    this.dir = folders.dir;
    this.dbdir = folders.dbdir;
    this.dbPath = join(folders.dbdir, "events.db");
    this.text = "";
    this.seen = new Set();
  }

  async start() {
    const { flags, env, listen } = this.options;
    const own = ["-C", this.dir, "-b", this.dbdir, "-p", "0", "--metrics-listen", "127.0.0.1:0"];
    const where = listen === undefined ? ["--listen", "127.0.0.1"] : listen;
    this.process = spawn(this.options.program ?? ctfg, [...own, ...where, ...flags], {
      env: environment(env),
      stdio: ["ignore", "ignore", "pipe"],
      cwd: this.dbdir,
    });
    this.pid = this.process.pid;
    this.exited = new Promise((resolve) => {
      this.process.on("exit", (code, signal) => resolve({ code, signal }));
      this.process.on("error", (error) => resolve({ code: -1, signal: null, error }));
    });
    this.exited.then((how) => {
      this.how = how;
    });
    this.process.stderr.setEncoding("utf8");
    this.process.stderr.on("data", (chunk) => {
      this.text += chunk;
    });
    undo.push(() => this.killIfAlive()); // its children leave when it is gone
    await waitFor(`ready\n${this.text}`, () => this.how || /^ctfg: listening on/m.test(this.text), START_MS);
    if (this.how) {
      throw new Error(`the server ended: ${JSON.stringify(this.how)}\n${this.text}`);
    }
    this.readUrls();
    return this;
  }

  readUrls() {
    const url = /^ctfg: listening on (\S+)/m.exec(this.text)[1];
    this.url = url.replace("localhost", "127.0.0.1").replace(/\/$/, "");
    this.port = Number(new URL(this.url).port);
    this.metricsUrl = / metrics="?(http[^\s"]+)/.exec(this.text)?.[1];
  }

  workers() {
    const pids = childrenOf(this.pid, /^ctfg: worker \d+/);
    pids.forEach((pid) => this.seen.add(pid));
    return pids;
  }

  dbPid() {
    const [pid] = childrenOf(this.pid, /^ctfg: db/);
    if (pid !== undefined) {
      this.seen.add(pid);
    }
    return pid;
  }

  /** Standard error so far. */
  log() {
    return this.text;
  }

  /** Resolves with the match; `from`: only what was logged after log().length was that. */
  waitForLog(pattern, ms = 10000, from = 0) {
    return waitFor(`${pattern} in the log`, () => pattern.exec(this.text.slice(from)), ms);
  }

  /** Only processes of this server can be killed. */
  kill(pid, signal = "SIGKILL") {
    this.workers();
    this.dbPid();
    if (pid !== this.pid && !this.seen.has(pid)) {
      throw new Error(`${pid} is no process of this server`);
    }
    if (isAlive(pid)) {
      process.kill(pid, signal);
    }
  }

  signal(name) {
    this.kill(this.pid, name);
  }

  /** Master and db killed so that neither tidies up: the log stays beside the database. Resolves when all have ended. */
  async cut() {
    this.signal("SIGSTOP"); // or it could start another db before it is killed itself, which empties the log
    this.kill(this.dbPid());
    this.kill(this.pid);
    return this.gone();
  }

  /** All processes of this server have ended. Resolves with {code, signal} of the master. */
  async gone(ms = STOP_MS) {
    await waitFor("the master's end", () => this.how, ms);
    await waitFor("the children's end", () => ![...this.seen].some(isAlive), ms);
    return this.how;
  }

  /** Drains, and makes sure. Resolves with {code, signal} of the master. */
  async stop() {
    if (this.how) {
      return this.how;
    }
    this.workers();
    this.dbPid();
    this.signal("SIGTERM");
    try {
      return await this.gone();
    } finally {
      this.killIfAlive();
    }
  }

  killIfAlive() {
    if (this.pid !== undefined && !this.how && isAlive(this.pid)) {
      process.kill(this.pid, "SIGKILL");
    }
  }

  /** The same game and database, a new server on new ports; this one must be gone. */
  restart(more = {}) {
    return new Server({ ...this.options, ...more }, { dir: this.dir, dbdir: this.dbdir }).start();
  }
}

/**
 * Starts ctfg and waits until it serves.
 *   game    'demo' or a folder: copied, so that a test may edit it (server.dir)
 *   env     environment variables, flags: more of the command line, config: text of ctfg.yaml
 *   dbdir   folder of the database; default: one of its own
 *   keepDb  leaves the folder behind, to be looked into
 *   program in the place of the one under test
 *   listen  flags in the place of --listen 127.0.0.1
 */
export function startServer(options = {}) {
  const all = { game: "demo", flags: [], env: {}, ...options };
  return new Server(all, makeFolders(all)).start();
}
