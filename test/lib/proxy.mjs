// SPDX-License-Identifier: MIT
// proxy.mjs - starts nginx, HAProxy or Caddy in front of a server, in a folder of its own.
//
// The configurations are what docs/operator.md tells an operator to write, less TLS: "scheme" stands
// for what the proxy would say about the client's side.
import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { call, waitFor } from "./player.mjs";

const START_MS = 30000;
const FOLDERS = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];

const nginx = ({ port, upstream, scheme, dir }) => `
${process.getuid() === 0 ? "user root;" : "" /* else its worker could not enter our folders */}
daemon off;
worker_processes 1;
pid ${dir}/pid;
error_log stderr warn;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path ${dir}/body;
    proxy_temp_path ${dir}/proxy;
    fastcgi_temp_path ${dir}/fastcgi;
    uwsgi_temp_path ${dir}/uwsgi;
    scgi_temp_path ${dir}/scgi;
    map $http_upgrade $connection_upgrade { '' ''; default upgrade; }
    upstream ctfg { server ${upstream}; keepalive 8; }
    server {
        listen 127.0.0.1:${port};
        location / {
            proxy_pass http://ctfg;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto ${scheme};
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 120s;
        }
    }
}
`;

const haproxy = ({ port, upstream, scheme }) => `
global
    maxconn 256
defaults
    mode http
    timeout connect 5s
    timeout client 120s
    timeout server 120s
    timeout tunnel 1h
frontend players
    bind 127.0.0.1:${port}
    option forwardfor
    http-request set-header X-Forwarded-Proto ${scheme}
    default_backend ctfg
backend ctfg
    server one ${upstream.replace(/^unix:/, "unix@")}
`;

const caddy = ({ port, upstream, scheme }) => `
{
    admin off
    auto_https off
}
http://:${port} {
    bind 127.0.0.1
    reverse_proxy ${upstream.replace(/^unix:/, "unix/")} {
        header_up X-Forwarded-Proto ${scheme}
    }
}
`;

/** The proxies that are known: how each is configured, and started with its file. */
const proxies = {
  nginx: { config: nginx, args: (file, dir) => ["-p", dir, "-e", "stderr", "-c", file] },
  haproxy: { config: haproxy, args: (file) => ["-db", "-f", file] },
  caddy: { config: caddy, args: (file) => ["run", "--adapter", "caddyfile", "--config", file] },
};

export const proxyNames = Object.keys(proxies);

/** Where the program is; undefined: it is not installed. */
export function findProxy(name) {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A port that was free a moment ago: none of the three tells which one it took. */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/**
 * Starts a proxy and waits until it passes a request on.
 *   upstream  "127.0.0.1:PORT" or "unix:/path"
 *   scheme    what it says the client speaks: "http" or "https"
 * Resolves with {url, stop}.
 */
export async function startProxy(name, { upstream, scheme = "http" }) {
  const dir = mkdtempSync(join(tmpdir(), "ctfg-proxy-"));
  const file = join(dir, "config");
  const port = await freePort();
  writeFileSync(file, proxies[name].config({ port, upstream, scheme, dir }));
  const child = spawn(findProxy(name), proxies[name].args(file, dir), {
    cwd: dir,
    env: { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  let ended = false;
  const closed = new Promise((resolve) => child.on("close", () => resolve((ended = true))));
  const end = () => {
    child.kill("SIGTERM"); // nginx's master takes its worker along; a SIGKILL would leave it behind
    rmSync(dir, { recursive: true, force: true });
  };
  process.on("exit", end);
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (chunk) => (said += chunk));
  const url = `http://127.0.0.1:${port}`;
  await waitFor(
    `${name} to pass a request on`,
    async () => {
      if (ended) {
        throw new Error(`${name} ended:\n${said}`);
      }
      return (await call(url, "GET", "/api/game").catch(() => undefined))?.status === 200;
    },
    START_MS,
  ).catch((error) => {
    end();
    throw new Error(`${error.message}\n${said}`);
  });
  return {
    url,
    async stop() {
      process.off("exit", end);
      end();
      await closed;
    },
  };
}
