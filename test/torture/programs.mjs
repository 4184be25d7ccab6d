// SPDX-License-Identifier: MIT
// programs.mjs - runs the C programs of this folder; each prints one JSON object.
import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const folder = process.env.CTFG_TORTURE ?? join(root, "build", "torture");

/** Another one each day, the same all day; TORTURE_SEED plays one again. */
export function seedOfToday() {
  return Number(process.env.TORTURE_SEED ?? Math.floor(Date.now() / 86400000));
}

/** Resolves with {code, result, seconds}. quiet: what it says about what it finds is expected. */
export function runProgram(name, args, { quiet = false } = {}) {
  const begun = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn(join(folder, name), args.map(String), {
      stdio: ["ignore", "pipe", quiet ? "ignore" : "inherit"],
    });
    const end = () => child.kill("SIGKILL");
    process.on("exit", end);
    let text = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (chunk) => (text += chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => {
      process.off("exit", end);
      if (text === "") {
        reject(new Error(`${name} said nothing and ended with ${code ?? signal}`));
        return;
      }
      resolve({ code, result: JSON.parse(text), seconds: (Date.now() - begun) / 1000 });
    });
  });
}
