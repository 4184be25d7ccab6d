// SPDX-License-Identifier: MIT
// games.mjs - whole events of emulated players (bench/players) on one server, and what they leave behind.
import { spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { usage } from "../../bench/lib/server.mjs";
import { median } from "../../bench/lib/rounds.mjs";
import { root } from "./programs.mjs";

export const ADMIN_TOKEN = "soak-admin-token-of-the-test";
/** So that players without a pause are not told to wait. */
export const LIMITS =
  "limits:\n  submit: 1000 + 1000/s\n  hint: 1000 + 1000/s\n  name: 1000 + 1000/s\n  api: 1000 + 1000/s\n";
/** A plateau may have a slope: SQLite's cache of 8 MiB fills, and db's memory of the last 65,536 requests, 5 MB. */
const GROWTH_MB_MAX = 14;
const GROWTH_MAX = 1.15;
const FDS_MORE_MAX = 4;

/** One event of so many players; jitter 0: without a pause.  Resolves with what the emulator counted. */
export function play(server, gameDir, players, jitter, seed) {
  const args = ["--port", server.port, "--game", gameDir, "--db", server.dbPath, "--players", players, "--jitter", jitter, "--seed", seed];
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, "build", "bench", "players"), args.map(String), { stdio: ["ignore", "pipe", "inherit"] });
    const end = () => child.kill("SIGKILL");
    process.on("exit", end);
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      process.off("exit", end);
      text === "" ? reject(new Error(`the emulator ended with ${code}`)) : resolve({ code, ...JSON.parse(text) });
    });
  });
}

export function judgeGame(what, result, wrong) {
  if (result.code !== 0 || result.errors > 0 || result.streams_exact !== result.players) {
    wrong(`${what}: ${result.errors} errors, ${result.streams_exact} of ${result.players} streams exact`);
  }
}

/** Back to the beginning.  The server was started with CTFG_ADMIN_TOKEN=ADMIN_TOKEN. */
export async function reset(port) {
  const answer = await fetch(`http://127.0.0.1:${port}/admin/reset`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token: ADMIN_TOKEN }),
  });
  if (answer.status !== 200) {
    throw new Error(`the reset was answered ${answer.status}: ${await answer.text()}`);
  }
}

function sizeOf(path) {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
}

const shortName = (name) => (name.startsWith("ctfg") || name.startsWith("/") ? "master" : name);

/**
 * Memory and descriptors of each process, by name: a successor counts for whom it succeeds.  Only memory of
 * its own: of the segment, which all of them map, a process has as much as it has looked at so far.
 */
export function look(server) {
  const processes = server.family().map((pid) => {
    const { name, private_kb } = usage(pid);
    return { name: shortName(name), private_mb: private_kb / 1024, fds: readdirSync(`/proc/${pid}/fd`).length };
  });
  return {
    wal_mb: sizeOf(`${server.dbPath}-wal`) / 2 ** 20,
    processes: processes.sort((a, b) => a.name.localeCompare(b.name)),
  };
}

export const GROWTH_HEAD = ["part", "process", "memory of its own MB, first → last third", "descriptors", "largest log MB"];

/** The first and the last third of the looks, a row a process.  limits: fds (look at them too?), mb. */
export function growth(what, looks, limits, wrong) {
  const third = Math.max(1, Math.floor(looks.length / 3));
  return looks[0].processes.map(({ name }, i) => {
    const valueOf = (one, field) => one.processes.find((process) => process.name === name)?.[field] ?? NaN;
    const of = (part, field) => median(part.map((one) => valueOf(one, field)));
    const early = { mb: of(looks.slice(0, third), "private_mb"), fds: of(looks.slice(0, third), "fds") };
    const late = { mb: of(looks.slice(-third), "private_mb"), fds: of(looks.slice(-third), "fds") };
    if (!(late.mb <= Math.max(early.mb * GROWTH_MAX, early.mb + (limits.mb ?? GROWTH_MB_MAX)))) {
      wrong(`${what}: ${name} grows from ${early.mb.toFixed(1)} to ${late.mb.toFixed(1)} MB`);
    }
    if (limits.fds && !(late.fds <= early.fds + FDS_MORE_MAX)) {
      wrong(`${what}: ${name} has ${late.fds} descriptors after ${early.fds}`);
    }
    return [
      what, name, `${early.mb.toFixed(1)} → ${late.mb.toFixed(1)}`, `${early.fds} → ${late.fds}`,
      i === 0 ? Math.max(...looks.map((one) => one.wal_mb)).toFixed(1) : "",
    ];
  });
}
