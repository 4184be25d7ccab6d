// SPDX-License-Identifier: MIT
// Behind nginx, HAProxy and Caddy, over TCP and over a unix socket: the whole way of a player, and
// what the server believes of the proxy's headers. A proxy that is not installed is skipped.
import assert from "node:assert/strict";
import http from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { openStream, rawExchange } from "../lib/client.mjs";
import { flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player } from "../lib/player.mjs";
import { findProxy, proxyNames, startProxy } from "../lib/proxy.mjs";
import { startServer } from "../lib/server.mjs";

const FAILED_LOGINS = 2; // an address may have at once
const CONFIG = `limits:\n  login_address: ${FAILED_LOGINS} + 1/3600s\n`;
const PLAYERS = 20;

const folder = mkdtempSync(join(tmpdir(), "ctfg-sock-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const socketPath = join(folder, "ctfg.sock");

let overTcp;
let overUnix;
let taken = 0; // each test has a player of its own
let strangers = 0;

before(async () => {
  const game = makeGame({ players: PLAYERS, challenges: 5 });
  overTcp = await startServer({ game, config: CONFIG });
  overUnix = await startServer({ game, config: CONFIG, listen: ["--listen", `unix:${socketPath}`] });
});
after(async () => {
  await overTcp.stop();
  await overUnix.stop();
});

const nextPlayer = (url) => {
  const i = taken++;
  return new Player(url, playerName(i), playerPassword(i));
};

async function playThrough(url, scheme) {
  const page = await call(url, "GET", "/");
  assert.equal(page.status, 200);
  assert.match(page.headers["content-security-policy"], /default-src/);
  const again = await call(url, "GET", "/", { headers: { "If-None-Match": page.headers.etag } });
  assert.equal(again.status, 304);

  const player = nextPlayer(url);
  const origin = url.replace(/^http:/, `${scheme}:`);
  await player.login();
  assert.equal(/; Secure/.test(player.cookie), scheme === "https", player.cookie);
  const ws = scheme === "https" ? "wss" : "ws";
  assert.equal(player.streamUrl.split("?")[0], `${ws}://${new URL(url).host}/scorestream`);

  const stream = await openStream(player.streamUrl.replace(/^wss:/, "ws:"), { origin });
  await stream.waitForFrames(1);
  const answer = await player.post("/api/submit", { id: 1, flag: flagOf(1) }, { Origin: origin });
  assert.equal(answer.json.result, "correct", answer.text);
  const event = await stream.waitForEvent((one) => one.id === answer.json.seq);
  assert.equal(event.challenge_id, 1);
  stream.socket.close(1000);
  assert.equal((await stream.closed).code, 1000);

  const foreign = await player.post(
    "/api/submit",
    { id: 2, flag: flagOf(2) },
    { Origin: "https://elsewhere.example" },
  );
  assert.equal(foreign.status, 403);
  player.close();
}

/** A failed login from an address of the loopback network. */
async function failLogin(url, localAddress) {
  const agent = new http.Agent({ localAddress });
  const body = { username: `nobody-${strangers++}`, password: "wrong" };
  const answer = await call(url, "POST", "/api/login", { agent, body });
  agent.destroy();
  return answer.status;
}

proxyNames.forEach((name, index) => {
  const skip = findProxy(name) === undefined ? `${name} is not installed` : false;

  describe(`behind ${name}`, { skip }, () => {
    let plain;
    let secure;

    before(async () => {
      plain = await startProxy(name, { upstream: `127.0.0.1:${overTcp.port}`, scheme: "http" });
      secure = await startProxy(name, { upstream: `unix:${socketPath}`, scheme: "https" });
    });
    after(async () => {
      await plain?.stop();
      await secure?.stop();
    });

    it("a player plays over TCP", () => playThrough(plain.url, "http"));

    it("a player plays over a unix socket, with https in front", () =>
      playThrough(secure.url, "https"));

    it("the client's address is the one the proxy saw", async () => {
      for (const [at, { url }] of [plain, secure].entries()) {
        const one = `127.0.${1 + index}.${10 + at}`;
        const other = `127.0.${1 + index}.${20 + at}`;
        for (let i = 0; i < FAILED_LOGINS; i++) {
          assert.equal(await failLogin(url, one), 401);
        }
        assert.equal(await failLogin(url, one), 429);
        assert.equal(await failLogin(url, other), 401, "a neighbour is not limited");
      }
    });

    it("many requests share the proxy's connections, pipelined ones keep their order", async () => {
      const { host } = new URL(plain.url);
      const head = (path, more = "") => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
      const text = await rawExchange(
        plain.url,
        head("/api/game") + head("/api/me") + head("/nothing", "Connection: close\r\n"),
      );
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((found) => found[1]);
      assert.deepEqual(statuses, ["200", "401", "404"]);

      const all = Array.from({ length: 100 }, () => call(plain.url, "GET", "/api/game"));
      for (const answer of await Promise.all(all)) {
        assert.equal(answer.status, 200);
      }
    });

    it("a body of unknown length arrives, one too large is 413", async () => {
      const send = (body) =>
        new Promise((resolve, reject) => {
          const request = http.request(new URL("/api/login", plain.url), { method: "POST" });
          request.on("response", (response) => {
            response.resume();
            response.on("end", () => resolve(response.statusCode));
          });
          request.on("error", reject);
          request.setHeader("Transfer-Encoding", "chunked");
          request.end(body);
        });
      const player = nextPlayer(plain.url);
      const { username, password } = player;
      assert.equal(await send(JSON.stringify({ username, password })), 200);
      assert.equal(await send("x".repeat(20000)), 413);
    });
  });
});

describe("without a proxy that is trusted", () => {
  it("an absolute-form target's host is the one that counts", async () => {
    const { username, password } = nextPlayer(overTcp.url);
    const body = JSON.stringify({ username, password });
    const text = await rawExchange(
      overTcp.url,
      `POST http://players.example/api/login HTTP/1.1\r\nHost: other.example\r\n` +
        `Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    assert.match(text, /"websocket_url":"ws:\/\/players\.example\/scorestream\?token=/);
  });

  it("what a client claims is believed of loopback only as far as it is trusted", async () => {
    const headers = { "X-Forwarded-For": "198.51.100.7, 203.0.113.9" };
    const body = { username: "nobody", password: "wrong" };
    for (let i = 0; i < FAILED_LOGINS; i++) {
      assert.equal((await call(overTcp.url, "POST", "/api/login", { headers, body })).status, 401);
    }
    headers["X-Forwarded-For"] = "198.51.100.8, 203.0.113.9"; // the first hop is anybody's claim
    assert.equal((await call(overTcp.url, "POST", "/api/login", { headers, body })).status, 429);
  });
});
