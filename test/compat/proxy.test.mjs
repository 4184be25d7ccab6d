// SPDX-License-Identifier: MIT
// Behind nginx, HAProxy and Caddy, each with its ready file of conf/proxy/, over TCP and over a unix
// socket: the whole way of a player over TLS, and what the server believes of the proxy's headers.
import assert from "node:assert/strict";
import https from "node:https";
import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { openStream, rawExchange } from "../lib/client.mjs";
import { flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { proxyNames, SITE, startProxy } from "../lib/proxy.mjs";
import { startServer } from "../lib/server.mjs";

const FAILED_LOGINS = 2; // an address may have at once
const CONFIG = `log:\n  access_every: 1\nlimits:\n  login_address: ${FAILED_LOGINS} + 1/3600s\n`;
const PLAYERS = 20;

const SOCKET_GROUP = 4242; // nobody's

const folder = mkdtempSync(join(tmpdir(), "ctfg-sock-"));
if (process.getuid() === 0) {
  chownSync(folder, 0, SOCKET_GROUP); // as systemd makes /run/ctfg: only the group may enter
  chmodSync(folder, 0o750);
}
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

const nextPlayer = (url, tls) => {
  const i = taken++;
  return new Player(url, playerName(i), playerPassword(i), tls);
};

async function playThrough(proxy) {
  const { url, tls } = proxy;
  const agent = new https.Agent(tls);
  const page = await call(url, "GET", "/", { agent });
  assert.equal(page.status, 200);
  assert.match(page.headers["content-security-policy"], /default-src/);
  const headers = { "If-None-Match": page.headers.etag };
  assert.equal((await call(url, "GET", "/", { agent, headers })).status, 304);

  const player = nextPlayer(url, tls);
  await player.login();
  assert.match(player.cookie, /; Secure/);
  assert.equal(player.streamUrl.split("?")[0], `wss://${new URL(url).host}/scorestream`);

  const stream = await openStream(player.streamUrl, { origin: url, tls });
  await stream.waitForFrames(1);
  const answer = await player.post("/api/submit", { id: 1, flag: flagOf(1) }, { Origin: url });
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
  return new URL(player.streamUrl).searchParams.get("token");
}

/** A failed login from an address of the loopback network, which may claim to be another. */
async function failLogin({ url, tls }, localAddress, headers = {}) {
  const agent = new https.Agent({ ...tls, localAddress });
  const body = { username: `nobody-${strangers++}`, password: "wrong" };
  const answer = await call(url, "POST", "/api/login", { agent, body, headers });
  agent.destroy();
  return answer;
}

proxyNames.forEach((name, index) => {
  describe(`behind ${name}, as conf/proxy has it`, () => {
    let tcp;
    let unix;

    before(async () => {
      tcp = await startProxy(name, { upstream: `127.0.0.1:${overTcp.port}` });
      unix = await startProxy(name, { upstream: `unix:${socketPath}` });
    });
    after(async () => {
      await tcp?.stop();
      await unix?.stop();
    });

    it("a player plays over TCP", () => playThrough(tcp));

    it("a player plays over a unix socket, and the proxy's log holds no token", async () => {
      const token = await playThrough(unix);
      if (name !== "caddy") { // it writes about mistakes only
        await waitFor("the stream in the proxy's log", () => unix.log().includes("/scorestream"));
      }
      assert.ok(!unix.log().includes(token));
    });

    it("its log holds no token either when ctfg is not there", async () => {
      const server = await startServer({ game: makeGame(), listen: ["--listen", `unix:${socketPath}.gone`] });
      const proxy = await startProxy(name, { upstream: `unix:${socketPath}.gone` });
      const player = new Player(proxy.url, playerName(0), playerPassword(0), proxy.tls);
      await player.login();
      await server.stop();
      const refused = await openStream(player.streamUrl, { origin: proxy.url, tls: proxy.tls }).catch((error) => error);
      assert.ok([502, 503].includes(refused.status), String(refused));
      await waitFor("the stream in the proxy's log", () => proxy.log().includes("/scorestream"));
      const requests = proxy.log();
      await proxy.stop();
      const token = new URL(player.streamUrl).searchParams.get("token");
      assert.ok(!(requests + proxy.said()).includes(token), proxy.said());
      player.close();
    });

    it("plain HTTP is sent to https", async () => {
      const { status, headers } = await call(unix.plainUrl, "GET", "/scores?a=b", { headers: { Host: SITE } });
      assert.ok([301, 308].includes(status), `status ${status}`);
      assert.match(headers.location, new RegExp(`^https://${SITE}.*/scores\\?a=b$`));
    });

    it("the client's address is the one the proxy saw, whatever the client claims", async () => {
      for (const [at, [proxy, server]] of [[tcp, overTcp], [unix, overUnix]].entries()) {
        const one = `127.0.${1 + index}.${10 + at}`;
        const other = `127.0.${1 + index}.${20 + at}`;
        const from = server.log().length;
        const claim = (i) => ({ "X-Forwarded-For": `203.0.113.${i}`, "X-Forwarded-Proto": "http" });
        for (let i = 0; i < FAILED_LOGINS; i++) {
          assert.equal((await failLogin(proxy, one, claim(i))).status, 401);
        }
        assert.equal((await failLogin(proxy, one, claim(99))).status, 429);
        const answer = await failLogin(proxy, other);
        assert.equal(answer.status, 401, "a neighbour is not limited");
        const line = new RegExp(`msg=request .* client=(\\S+) request=${answer.headers["x-request-id"]}`);
        assert.equal((await server.waitForLog(line))[1], other);
        assert.doesNotMatch(server.log().slice(from), /203\.0\.113\./);
      }
    });

    it("a claimed host or scheme does not bend the stream's address", async () => {
      const player = nextPlayer(unix.url, unix.tls);
      const { username, password } = player;
      const claims = { "X-Forwarded-Host": "elsewhere.example", "X-Forwarded-Proto": "http" };
      const answer = await player.post("/api/login", { username, password }, claims);
      assert.equal(answer.status, 200);
      assert.match(answer.json.websocket_url, new RegExp(`^wss://${new URL(unix.url).host}/`));
      player.close();
    });

    it("many requests share the proxy's connections, pipelined ones keep their order", async () => {
      const { host } = new URL(tcp.url);
      const head = (path, more = "") => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;
      const text = await rawExchange(
        tcp.url,
        head("/api/game") + head("/api/me") + head("/nothing", "Connection: close\r\n"),
        { tls: { ...tcp.tls, ALPNProtocols: ["http/1.1"] } },
      );
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((found) => found[1]);
      assert.deepEqual(statuses, ["200", "401", "404"]);

      const agent = new https.Agent(tcp.tls);
      const all = Array.from({ length: 100 }, () => call(tcp.url, "GET", "/api/game", { agent }));
      for (const answer of await Promise.all(all)) {
        assert.equal(answer.status, 200);
      }
    });

    it("a body of unknown length arrives, one too large is 413", async () => {
      const send = (body) =>
        new Promise((resolve, reject) => {
          const agent = new https.Agent(tcp.tls);
          const request = https.request(new URL("/api/login", tcp.url), { method: "POST", agent });
          request.on("response", (response) => {
            response.resume();
            response.on("end", () => resolve(response.statusCode));
          });
          request.on("error", reject);
          request.setHeader("Transfer-Encoding", "chunked");
          request.end(body);
        });
      const player = nextPlayer(tcp.url, tcp.tls);
      const { username, password } = player;
      assert.equal(await send(JSON.stringify({ username, password })), 200);
      assert.equal(await send("x".repeat(20000)), 413, "ctfg refuses it");
      const long = { agent: new https.Agent(tcp.tls), body: "x".repeat(100000) };
      const refused = await call(tcp.url, "POST", "/api/login", long).catch((error) => error);
      // The proxy does, and may close before it has read all: then the answer can be lost on its way.
      assert.ok([413, "EPIPE", "ECONNRESET"].includes(refused.status ?? refused.code), String(refused));
      assert.equal(refused.json, undefined, "ctfg never sees it");
      player.close();
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

  it("proxies in a row may add a line each, as HAProxy's option forwardfor does", async () => {
    const headers = { "X-Forwarded-For": ["203.0.113.5", "198.51.100.77", "127.0.0.2"] };
    const answer = await call(overTcp.url, "GET", "/api/game", { headers });
    const line = new RegExp(`msg=request .* client=(\\S+) request=${answer.headers["x-request-id"]}`);
    assert.equal((await overTcp.waitForLog(line))[1], "198.51.100.77");
  });
});
