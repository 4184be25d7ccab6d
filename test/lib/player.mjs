// SPDX-License-Identifier: MIT
// player.mjs - a player as a test sees one: logs in, calls the API, keeps the cookie.
import http from "node:http";
import https from "node:https";

/**
 * One HTTP call. Resolves with {status, headers, text, json}; rejects when the connection fails.
 * options.agent: keep-alive connections, certificates; options.headers; options.body (object: sent as JSON).
 */
export function call(base, method, path, { headers = {}, body, agent, timeoutMs = 20000 } = {}) {
  const url = new URL(path, base);
  const payload =
    body === undefined || typeof body === "string" || Buffer.isBuffer(body)
      ? body
      : JSON.stringify(body);
  const all = { ...headers };
  if (payload !== undefined) {
    all["Content-Type"] ??= "application/json";
    all["Content-Length"] ??= Buffer.byteLength(payload);
  }
  return new Promise((resolve, reject) => {
    const { request: start } = url.protocol === "https:" ? https : http;
    const request = start(
      url,
      { method, headers: all, agent, timeout: timeoutMs },
      (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("aborted", () => reject(new Error("the answer was cut off")));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          let json;
          try {
            json = JSON.parse(text);
          } catch {
            json = undefined;
          }
          resolve({ status: response.statusCode, headers: response.headers, text, json });
        });
      },
    );
    request.on("timeout", () => request.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    request.on("error", reject);
    request.end(payload);
  });
}

/**
 * A player with a cookie and one keep-alive connection. base may be a function: it can move. tls: what
 * a https.Agent needs, behind a proxy.
 */
export class Player {
  constructor(base, username, password, tls = undefined) {
    this.base = typeof base === "function" ? base : () => base;
    this.username = username;
    this.password = password;
    this.cookie = undefined;
    const kind = tls === undefined ? http : https;
    this.agent = new kind.Agent({ keepAlive: true, maxSockets: 1, ...tls });
  }

  call(method, path, { body, headers = {} } = {}) {
    const all = this.cookie ? { Cookie: this.cookie, ...headers } : headers;
    return call(this.base(), method, path, { body, headers: all, agent: this.agent });
  }

  get(path, headers) {
    return this.call("GET", path, { headers });
  }

  post(path, body, headers) {
    return this.call("POST", path, { body, headers });
  }

  async login() {
    const answer = await this.post("/api/login", {
      username: this.username,
      password: this.password,
    });
    if (answer.status !== 200) {
      throw new Error(`login of ${this.username}: ${answer.status} ${answer.text}`);
    }
    this.cookie = answer.headers["set-cookie"][0]; // whole, attributes included, as old clients do
    this.streamUrl = answer.json.websocket_url;
    this.userId = answer.json.user_id;
    return answer;
  }

  submit(id, flag) {
    return this.post("/api/submit", { id, flag });
  }

  close() {
    this.agent.destroy();
  }
}

/** Waits until check() gives something true; fails with `what` after the deadline. */
export async function waitFor(what, check, ms = 10000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) {
      return value;
    }
    if (Date.now() > deadline) {
      throw new Error(`waited ${ms} ms in vain: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
