// SPDX-License-Identifier: MIT
// proxy.mjs - starts nginx, HAProxy or Caddy with its ready file of conf/proxy/ in front of a server.
//
// The files are taken as an operator copies them.  What a test cannot have (port 443, /etc, a user of
// its own) is replaced by the rows below and by nothing else; a row that does not find its text in
// the file fails, so no row outlives what it replaces.
import { execFileSync, spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { call, waitFor } from "./player.mjs";
import { freePort } from "./port.mjs";

const START_MS = 30000;
const FOLDERS = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
const READY_FILES = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "conf", "proxy");
const isRoot = process.getuid() === 0;

/** The name in the ready files: the certificate is made for it, and it leads to loopback. */
export const SITE = "ctf.example.org";

/** Of each: its ready file, what is replaced in it, and how it is started with it. */
const proxies = {
  nginx: {
    file: "nginx.conf",
    rows: ({ port, plainPort, dir, certificate, key }) => [
      ["user www-data;", isRoot ? "user root;" : ""], // else its workers could not enter our folders
      ["/run/nginx.pid", join(dir, "pid")],
      ["/var/log/nginx/error.log warn", "stderr warn"],
      ["/var/log/nginx/error.log emerg", "stderr emerg"],
      ["/var/log/nginx/access.log", join(dir, "access.log")],
      ["listen 80 ", `listen 127.0.0.1:${plainPort} `],
      ["listen [::]:80 default_server;", ""], // a test machine may have no IPv6
      ["listen 443 ", `listen 127.0.0.1:${port} `],
      ["listen [::]:443 ssl http2 default_server;", ""],
      ["/etc/ssl/ctfg/fullchain.pem", certificate],
      ["/etc/ssl/ctfg/privkey.pem", key],
      // Where Debian's nginx keeps what does not fit into memory is root's.
      ["server_tokens off;", ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${dir}/${name};`).join(" ")],
    ],
    args: (file, dir) => ["-p", dir, "-e", "stderr", "-g", "daemon off;", "-c", file],
    log: (dir) => readFileSync(join(dir, "access.log"), "utf8"),
  },
  haproxy: {
    file: "haproxy.cfg",
    rows: ({ port, plainPort, both, group }) => [
      ["user haproxy", isRoot ? "user haproxy" : ""], // as itself: it has to come in by its group
      ["group ctfg", isRoot ? `gid ${group}` : ""],
      ["maxconn 40000", "maxconn 256"], // needs a limit of open files that a test may not have
      ["/dev/log local0", "stdout format raw local0"],
      [":::80 v4v6", `127.0.0.1:${plainPort}`],
      [":::443 v4v6", `127.0.0.1:${port}`],
      ["/etc/ssl/ctfg/haproxy.pem", both],
    ],
    args: (file) => ["-db", "-f", file],
    log: (_dir, said) => said,
  },
  caddy: {
    file: "Caddyfile",
    rows: ({ port, plainPort, certificate, key }) => [
      ["\n{\n", `\n{\n\tadmin off\n\thttp_port ${plainPort}\n\thttps_port ${port}\n`],
      [`${SITE} {`, `${SITE} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`],
    ],
    args: (file) => ["run", "--adapter", "caddyfile", "--config", file],
    log: (_dir, said) => said,
  },
};

export const proxyNames = Object.keys(proxies);

/** Where the program is. */
function findProxy(name) {
  const found = FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) {
    throw new Error(`${name} is not installed: run package/deps test`);
  }
  return found;
}

function replaced(text, [from, to]) {
  if (!text.includes(from)) {
    throw new Error(`the ready file has no ${JSON.stringify(from)}`);
  }
  return text.replace(from, () => to);
}

/** The file's own comment on TCP in the place of the line above it, or the socket's path. */
function readyFile(name, upstream, places) {
  let text = readFileSync(join(READY_FILES, proxies[name].file), "utf8");
  for (const row of proxies[name].rows(places)) {
    text = replaced(text, row);
  }
  const lines = text.split("\n");
  const comment = lines.findIndex((line) => /^\s*# over TCP: /.test(line));
  const [, inset, tcp] = /^(\s*)# over TCP: (.*)$/.exec(lines[comment]);
  lines[comment - 1] = upstream.startsWith("unix:")
    ? replaced(lines[comment - 1], ["/run/ctfg/ctfg.sock", upstream.slice("unix:".length)])
    : inset + replaced(tcp, ["127.0.0.1:8080", upstream]);
  return lines.join("\n");
}

function makeCertificate(dir) {
  const [certificate, key, both] = ["fullchain.pem", "privkey.pem", "both.pem"].map((name) => join(dir, name));
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const name = ["-subj", `/CN=${SITE}`, "-addext", `subjectAltName=DNS:${SITE}`];
  execFileSync("openssl", ["req", ...kind, ...name, "-days", "2", "-keyout", key, "-out", certificate], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  writeFileSync(both, readFileSync(certificate, "utf8") + readFileSync(key, "utf8"), { mode: 0o600 });
  return { certificate, key, both };
}

/**
 * Starts a proxy with its ready file and waits until it passes a request on.
 *   upstream  "127.0.0.1:PORT" or "unix:/path"; whose folder is of the group that takes ctfg's place
 * Resolves with {url, plainUrl, tls, log, said, stop}; tls: options for who connects (the certificate is
 * believed, the name leads to loopback); log(): what the proxy has written about its requests,
 * said(): about its mistakes, whole after stop().
 */
export async function startProxy(name, { upstream }) {
  const program = findProxy(name);
  const dir = mkdtempSync(join(tmpdir(), "ctfg-proxy-"));
  const file = join(dir, "config");
  const folder = upstream.startsWith("unix:") ? dirname(upstream.slice("unix:".length)) : dir;
  const group = statSync(folder).gid;
  const places = { port: await freePort(), plainPort: await freePort(), dir, group, ...makeCertificate(dir) };
  writeFileSync(file, readyFile(name, upstream, places));
  const child = spawn(program, proxies[name].args(file, dir), {
    cwd: dir,
    env: { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  let ended = false;
  const closed = new Promise((resolve) => child.on("close", () => resolve((ended = true))));
  const end = () => {
    child.kill("SIGTERM"); // nginx's master takes its worker along; a SIGKILL would leave it behind
    rmSync(dir, { recursive: true, force: true });
  };
  process.on("exit", end);
  for (const pipe of [child.stdout, child.stderr]) {
    pipe.setEncoding("utf8");
    pipe.on("data", (chunk) => (said += chunk));
  }
  const tls = {
    ca: readFileSync(places.certificate),
    lookup: (_name, options, found) =>
      options.all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4),
  };
  const url = `https://${SITE}:${places.port}`;
  const agent = new https.Agent(tls);
  await waitFor(
    `${name} to pass a request on`,
    async () => {
      if (ended) {
        throw new Error(`${name} ended:\n${said}`);
      }
      return (await call(url, "GET", "/api/game", { agent }).catch(() => undefined))?.status === 200;
    },
    START_MS,
  ).catch((error) => {
    end();
    throw new Error(`${error.message}\n${said}`);
  });
  return {
    url,
    plainUrl: `http://127.0.0.1:${places.plainPort}`,
    tls,
    log: () => proxies[name].log(dir, said),
    said: () => said,
    async stop() {
      process.off("exit", end);
      end();
      await closed;
    },
  };
}
