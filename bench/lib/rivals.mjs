// SPDX-License-Identifier: MIT
// rivals.mjs - starts what ctfg is compared with: nginx and h2o, tuned, the bare servers of bench/bare,
// and the servers in Node of bench/rivals.
import { execFileSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";

import { root, Running, tempFolder, waitFor } from "./server.mjs";

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function connects(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

function commandPath(name) {
  for (const path of [`/usr/sbin/${name}`, `/usr/bin/${name}`]) {
    try {
      execFileSync("test", ["-x", path]);
      return path;
    } catch {
      continue;
    }
  }
  throw new Error(`${name} is needed: install it with the system's package manager`);
}

export const wrk = commandPath("wrk");
export const nginx = commandPath("nginx");
export const h2o = commandPath("h2o");

async function startServing(name, port, command, args) {
  const server = new Running(command, args);
  server.port = port;
  await waitFor(name, async () => server.ended || (await connects(port)));
  if (server.ended) {
    throw new Error(`${name} did not start:\n${server.text}`);
  }
  return server;
}

/** Serves files (a map of path to bytes) as nginx does at its best: everything cached. */
export async function startNginx(files, prefix, workers = 1) {
  const dir = tempFolder();
  const port = await freePort();
  for (const [path, bytes] of Object.entries(files)) {
    writeFileSync(join(dir, path), bytes);
  }
  writeFileSync(
    join(dir, "nginx.conf"),
    `daemon off; worker_processes ${workers}; worker_rlimit_nofile 20000; pid ${dir}/pid; error_log stderr crit;
${process.getuid() === 0 ? "user root;" : ""}
events { worker_connections 12000; multi_accept on; }
http {
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; server_tokens off;
  keepalive_timeout 75; keepalive_requests 1000000000; reset_timedout_connection on;
  open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s; open_file_cache_min_uses 1;
  types { application/json json; text/javascript js; }
  client_body_temp_path ${dir}/a; proxy_temp_path ${dir}/b; fastcgi_temp_path ${dir}/c;
  uwsgi_temp_path ${dir}/d; scgi_temp_path ${dir}/e;
  server { listen 127.0.0.1:${port} backlog=4096; root ${dir}; }
}
`,
  );
  const [command, ...args] = [...prefix, nginx, "-p", dir, "-e", "stderr", "-c", join(dir, "nginx.conf")];
  return startServing("nginx", port, command, args);
}

/** The same with h2o: one thread. */
export async function startH2o(files, prefix) {
  const dir = tempFolder();
  const port = await freePort();
  for (const [path, bytes] of Object.entries(files)) {
    writeFileSync(join(dir, path), bytes);
  }
  writeFileSync(
    join(dir, "h2o.conf"),
    `${process.getuid() === 0 ? "user: root\n" : ""}num-threads: 1
pid-file: ${dir}/pid
error-log: ${dir}/error
http1-request-timeout: 75
listen:
  host: 127.0.0.1
  port: ${port}
hosts:
  default:
    paths:
      /:
        file.dir: ${dir}
        file.send-compressed: OFF
`,
  );
  const [command, ...args] = [...prefix, h2o, "-m", "worker", "-c", join(dir, "h2o.conf")];
  return startServing("h2o", port, command, args);
}

/** A program that says where it listens. */
async function startSaying(name, command, args) {
  const server = new Running(command, args);
  const pattern = /listening on http:\/\/127\.0\.0\.1:(\d+)/;
  await waitFor(name, () => server.ended || pattern.test(server.text));
  if (server.ended) {
    throw new Error(`${name} did not start:\n${server.text}`);
  }
  server.port = Number(pattern.exec(server.text)[1]);
  return server;
}

/** A server of bench/bare. */
export function startBare(name, args, prefix) {
  const [command, ...rest] = [...prefix, join(root, "build", "bench", "bare", name), ...args];
  return startSaying(`bare/${name}`, command, rest);
}

/** A server of bench/rivals. */
export function startNode(name, args, prefix) {
  const [command, ...rest] = [...prefix, process.execPath, join(root, "bench", "rivals", `${name}.mjs`), ...args];
  return startSaying(`rivals/${name}`, command, rest);
}

/** Tables as ctfg's: its own migrations, in order. */
export function migrations() {
  const steps = join(root, "db", "migrations");
  return readdirSync(steps)
    .sort()
    .map((name) => join(steps, name));
}
