// SPDX-License-Identifier: MIT
// rivals.mjs - what ctfg is compared with: nginx, tuned, and the bare servers of bench/bare.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
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

/** Serves files (a map of path to bytes) as nginx does at its best: one worker, everything cached. */
export async function startNginx(files, prefix) {
  const dir = tempFolder();
  const port = await freePort();
  for (const [path, bytes] of Object.entries(files)) {
    writeFileSync(join(dir, path), bytes);
  }
  writeFileSync(
    join(dir, "nginx.conf"),
    `daemon off; worker_processes 1; pid ${dir}/pid; error_log stderr crit;
${process.getuid() === 0 ? "user root;" : ""}
events { worker_connections 4096; multi_accept on; }
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
  const server = new Running(command, args);
  server.port = port;
  await waitFor("nginx", async () => server.ended || (await connects(port)));
  if (server.ended) {
    throw new Error(`nginx did not start:\n${server.text}`);
  }
  return server;
}

/** A program of bench/bare that says where it listens. */
export async function startBare(name, args, prefix) {
  const [command, ...rest] = [...prefix, join(root, "build", "bench", "bare", name), ...args];
  const server = new Running(command, rest);
  const pattern = /listening on http:\/\/127\.0\.0\.1:(\d+)/;
  await waitFor(name, () => server.ended || pattern.test(server.text));
  if (server.ended) {
    throw new Error(`bare/${name} did not start:\n${server.text}`);
  }
  server.port = Number(pattern.exec(server.text)[1]);
  return server;
}
