// SPDX-License-Identifier: MIT
// prometheus.mjs - a real Prometheus that watches a server: conf/prometheus/prometheus.yml, with the
// addresses, paths and times of a test in the place of an installation's.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { call, waitFor } from "./player.mjs";
import { freePort } from "./port.mjs";

const START_MS = 30000;
const CONFIGS = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "conf", "prometheus");

export const ALERTS = join(CONFIGS, "alerts.yml");

/** Runs promtool; resolves with {status, text}. */
export function promtool(args, input) {
  const { status, stdout, stderr, error } = spawnSync("promtool", args, { input, encoding: "utf8" });
  if (error) {
    throw new Error(`promtool cannot be run (${error.message}): run package/deps test`);
  }
  return { status, text: stdout + stderr };
}

function writeConfig(dir, metricsUrl) {
  const rows = [
    ["127.0.0.1:9180", new URL(metricsUrl).host],
    ["/etc/prometheus/ctfg-alerts.yml", ALERTS],
    ["scrape_interval: 15s", "scrape_interval: 250ms"],
    ["evaluation_interval: 15s", "evaluation_interval: 250ms"],
  ];
  let text = readFileSync(join(CONFIGS, "prometheus.yml"), "utf8");
  for (const [from, to] of rows) {
    const lines = text.split("\n");
    const at = lines.findIndex((line) => !line.startsWith("#") && line.includes(from));
    if (at < 0) {
      throw new Error(`conf/prometheus/prometheus.yml has no ${from}`);
    }
    lines[at] = lines[at].replace(from, () => to);
    text = lines.join("\n");
  }
  const file = join(dir, "prometheus.yml");
  writeFileSync(file, text);
  return file;
}

/**
 * Starts Prometheus and waits until its target is up. Resolves with
 *   query(expr)  the result of an instant query, an array
 *   api(path)    "data" of the answer of its HTTP API
 *   stop()
 */
export async function startPrometheus(metricsUrl) {
  const dir = mkdtempSync(join(tmpdir(), "ctfg-prometheus-"));
  const port = await freePort();
  const file = writeConfig(dir, metricsUrl);
  const flags = [
    `--config.file=${file}`, `--storage.tsdb.path=${join(dir, "data")}`,
    `--web.listen-address=127.0.0.1:${port}`, "--log.level=warn",
  ];
  const child = spawn("prometheus", flags, { cwd: dir, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  let ended = false;
  child.stderr.setEncoding("utf8").on("data", (chunk) => (said += chunk));
  const closed = new Promise((resolve) => {
    child.on("error", (error) => {
      said += `${error.message}: run package/deps test\n`;
      resolve((ended = true));
    });
    child.on("close", () => resolve((ended = true)));
  });
  const end = () => {
    child.kill("SIGKILL"); // its data is thrown away
    rmSync(dir, { recursive: true, force: true });
  };
  process.on("exit", end);

  async function api(path) {
    const { status, json, text } = await call(`http://127.0.0.1:${port}`, "GET", `/api/v1${path}`);
    if (status !== 200 || json?.status !== "success") {
      throw new Error(`Prometheus answers ${status} to ${decodeURIComponent(path)}: ${text}`);
    }
    return json.data;
  }
  const query = async (expr) => (await api(`/query?query=${encodeURIComponent(expr)}`)).result;
  await waitFor(
    "Prometheus to find its target up",
    async () => {
      if (ended) {
        throw new Error(`Prometheus ended:\n${said}`);
      }
      const [up] = await query('up{job="ctfg"}').catch(() => []);
      return up?.value[1] === "1";
    },
    START_MS,
  ).catch((error) => {
    end();
    throw new Error(`${error.message}\n${said}`);
  });
  return {
    api,
    query,
    async stop() {
      process.off("exit", end);
      child.kill("SIGKILL");
      await closed;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
