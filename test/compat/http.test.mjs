// SPDX-License-Identifier: MIT
// HTTP as it is on the wire: what a client may rely on, and what no client gets away with.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, it } from "node:test";

import { rawExchange } from "../lib/client.mjs";
import { flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { startServer } from "../lib/server.mjs";

const HEAD_MAX = 8192;
const BODY_MAX = 16384;
const PLAYERS = 8;

let server;
let player;

/** A connection that is spoken to piece by piece. */
function open() {
  const { hostname, port } = new URL(server.url);
  const socket = net.connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const connection = { socket, text: "", ended: false, failed: null };
  socket.setNoDelay(true);
  socket.on("data", (chunk) => (connection.text += chunk.toString("latin1")));
  socket.on("end", () => (connection.ended = true));
  socket.on("error", (error) => (connection.failed = error));
  connection.send = (text) => socket.write(Buffer.from(text, "latin1"));
  connection.until = (pattern, ms = 10000) =>
    waitFor(`${pattern} in ${JSON.stringify(connection.text)}`, () => pattern.exec(connection.text), ms);
  connection.untilEnd = (ms = 10000) => waitFor("the connection's end", () => connection.ended, ms);
  return connection;
}

/** Cuts a text of several answers into {status, head, body}. */
function answers(text) {
  const list = [];
  for (let rest = text; rest !== ""; ) {
    const end = rest.indexOf("\r\n\r\n");
    assert.notEqual(end, -1, `no whole head in ${JSON.stringify(rest)}`);
    const head = rest.slice(0, end);
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)[1]);
    list.push({ status, head, body: rest.slice(end + 4, end + 4 + length) });
    rest = rest.slice(end + 4 + length);
  }
  return list;
}

const exchange = async (bytes) => answers(await rawExchange(server.url, Buffer.from(bytes, "latin1")));

const CLOSE = "Host: h\r\nConnection: close\r\n";
const GOOD = `${CLOSE}\r\n`;

function assertShortError(answer, statuses, what) {
  assert.ok(statuses.includes(answer.status), `${what}: ${answer.status}`);
  assert.match(answer.head, /^content-type: application\/json/im, what);
  assert.match(answer.head, /^connection: close/im, what);
  const json = JSON.parse(answer.body);
  assert.deepEqual(Object.keys(json), ["error"], what);
  assert.match(json.error, /^[a-z_]+$/, what);
  assert.ok(answer.body.length < 100, what);
}

describe("HTTP on the wire", { timeout: 180000 }, () => {
  before(async () => {
    server = await startServer({
      game: makeGame({ players: PLAYERS, challenges: 40 }),
      flags: ["--workers", "2"],
      config: [
        `http:`,
        `  head_size: ${HEAD_MAX}`,
        `  body_size: ${BODY_MAX}`,
        `  head_timeout: 1s`,
        `  body_timeout: 1s`,
        `  idle_timeout: 1s`,
        `game:`,
        `  board_public: true`,
        ``,
      ].join("\n"),
    });
    player = new Player(server.url, playerName(0), playerPassword(0));
    await player.login();
  });
  after(async () => {
    player?.close();
    await server?.stop();
  });

  describe("what a client may rely on", () => {
    it("a connection is kept for the next request", async () => {
      const connection = open();
      for (let i = 1; i <= 3; i++) {
        connection.send("GET /api/game HTTP/1.1\r\nHost: h\r\n\r\n");
        await waitFor("an answer", () => (connection.text.match(/"version"/g) ?? []).length === i);
      }
      assert.ok(!/^connection:/im.test(connection.text));
      assert.equal(connection.ended, false);
      connection.socket.destroy();
    });

    it("every answer carries what browsers and operators need, and no name of a server", async () => {
      const [answer] = await exchange(`GET /api/game HTTP/1.1\r\n${GOOD}`);
      assert.equal(answer.status, 200);
      assert.match(answer.head, /^date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/im);
      assert.match(answer.head, /^x-request-id: [0-9a-f]{16}$/im);
      assert.match(answer.head, /^x-content-type-options: nosniff$/im);
      assert.match(answer.head, /^referrer-policy: no-referrer$/im);
      assert.match(answer.head, /^cache-control: no-store$/im);
      assert.ok(!/^server:/im.test(answer.head));
    });

    it("pipelined requests are answered in order, with a submit to db in the middle", async () => {
      const body = JSON.stringify({ id: 1, flag: flagOf(1) });
      const text = await rawExchange(
        server.url,
        "GET /api/game HTTP/1.1\r\nHost: h\r\n\r\n" +
          "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n" +
          `POST /api/submit HTTP/1.1\r\nHost: h\r\nCookie: ${player.cookie}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
          `GET /api/me HTTP/1.1\r\nHost: h\r\nCookie: ${player.cookie}\r\n\r\n` +
          `POST /api/submit HTTP/1.1\r\nHost: h\r\nCookie: ${player.cookie}\r\n` +
          `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
          `GET /api/scoreboard HTTP/1.1\r\n${GOOD}`,
      );
      const list = answers(text);
      assert.deepEqual(list.map((a) => a.status), [200, 404, 200, 200, 200, 200]);
      assert.equal(JSON.parse(list[2].body).result, "correct");
      assert.equal(JSON.parse(list[3].body).score, 10); /* sees what was answered before it */
      assert.equal(JSON.parse(list[4].body).result, "already_solved");
      assert.ok(JSON.parse(list[5].body).players.some((p) => p.score === 10));
    });

    it("five hundred pipelined requests are five hundred answers", async () => {
      const list = await exchange(
        "GET /api/game HTTP/1.1\r\nHost: h\r\n\r\n".repeat(499) + `GET /api/game HTTP/1.1\r\n${GOOD}`,
      );
      assert.equal(list.length, 500);
      assert.ok(list.every((a) => a.status === 200));
    });

    it("a request may come byte by byte", async () => {
      const connection = open();
      for (const byte of `GET /api/game HTTP/1.1\r\n${GOOD}`) {
        connection.send(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await connection.untilEnd();
      assert.equal(answers(connection.text)[0].status, 200);
    });

    it("a body may come in chunks", async () => {
      const body = JSON.stringify({ id: 2, flag: flagOf(2) });
      const chunks = [...body].map((c) => `1;ext=x\r\n${c}\r\n`).join("");
      const [answer] = await exchange(
        `POST /api/submit HTTP/1.1\r\nCookie: ${player.cookie}\r\nTransfer-Encoding: chunked\r\n` +
          `${GOOD}${chunks}0\r\nTrailer: x\r\n\r\n`,
      );
      assert.equal(answer.status, 200);
      assert.equal(JSON.parse(answer.body).result, "correct");
    });

    it("a client that expects 100 Continue gets it, and then its answer", async () => {
      const body = JSON.stringify({ id: 3, flag: flagOf(3) });
      const connection = open();
      connection.send(
        `POST /api/submit HTTP/1.1\r\nCookie: ${player.cookie}\r\nExpect: 100-continue\r\n` +
          `Content-Length: ${body.length}\r\n${GOOD}`,
      );
      await connection.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
      connection.send(body);
      await connection.untilEnd();
      assert.match(connection.text, /"result":"correct"/);
    });

    it("HEAD is answered like GET, without the body", async () => {
      const [get] = await exchange(`GET /api/game HTTP/1.1\r\n${GOOD}`);
      const text = await rawExchange(server.url, `HEAD / HTTP/1.1\r\n${GOOD}`);
      const head = await rawExchange(server.url, `HEAD /api/game HTTP/1.1\r\n${GOOD}`);
      assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
      assert.ok(text.endsWith("\r\n\r\n") && head.endsWith("\r\n\r\n"));
      const length = (t) => /^content-length: (\d+)/im.exec(t)[1];
      assert.equal(length(head), length(get.head));
    });

    it("the absolute form of a target is understood, and its host counts", async () => {
      const [answer] = await exchange(`GET http://elsewhere.example/api/game HTTP/1.1\r\n${GOOD}`);
      assert.equal(answer.status, 200);
      const body = JSON.stringify({ username: playerName(1), password: playerPassword(1) });
      const [login] = await exchange(
        `POST http://elsewhere.example/api/login HTTP/1.1\r\nContent-Length: ${body.length}\r\n${GOOD}${body}`,
      );
      assert.match(JSON.parse(login.body).websocket_url, /^ws:\/\/elsewhere\.example\//);
    });

    it("HTTP/1.0 is spoken: closed by default, kept when asked to", async () => {
      const [answer] = await exchange("GET /api/game HTTP/1.0\r\n\r\n");
      assert.equal(answer.status, 200);
      assert.match(answer.head, /^connection: close$/im);
      const connection = open();
      connection.send("GET /api/game HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
      await connection.until(/"version"/);
      assert.match(connection.text, /^connection: keep-alive$/im);
      assert.equal(connection.ended, false);
      connection.socket.destroy();
    });

    it("a client that ends its side after the request still gets its answer", async () => {
      const connection = open();
      connection.send("GET /api/game HTTP/1.1\r\nHost: h\r\n\r\n");
      connection.socket.end();
      await connection.untilEnd();
      assert.equal(answers(connection.text)[0].status, 200);
    });

    it("a wrong method is 405 and says which are right", async () => {
      for (const [method, path, allow] of [
        ["GET", "/api/login", "POST"],
        ["DELETE", "/api/submit", "POST"],
        ["POST", "/api/scoreboard", "GET, HEAD"],
        ["PATCH", "/api/me", "GET, HEAD"],
      ]) {
        const answer = await call(server.url, method, path);
        assert.equal(answer.status, 405, `${method} ${path}`);
        assert.equal(answer.headers.allow, allow);
        assert.deepEqual(answer.json, { error: "method_not_allowed" });
      }
    });
  });

  describe("limits", () => {
    const post = (body, more = "") =>
      `POST /api/login HTTP/1.1\r\n${more}Content-Length: ${body.length}\r\n${GOOD}${body}`;

    it("the longest body is taken, one byte more is 413", async () => {
      const login = { username: playerName(2), password: playerPassword(2) };
      const padded = JSON.stringify(login).padEnd(BODY_MAX, " ");
      const [fits] = await exchange(post(padded));
      assert.equal(fits.status, 200);
      const [long] = await exchange(post(`${padded} `));
      assertShortError(long, [413], "a body of one byte too many");
    });

    it("a client that goes on sending after a 413 can still read it", async () => {
      for (let i = 0; i < 10; i++) {
        const connection = open();
        connection.send(`POST /api/login HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\n\r\n`);
        connection.send("x".repeat(1000000));
        await connection.until(/"error"/);
        connection.send("y".repeat(100000));
        await connection.untilEnd();
        assertShortError(answers(connection.text)[0], [413], "too large a body");
        connection.socket.destroy();
      }
    });

    it("a body in chunks has the same limit", async () => {
      const chunk = `1000\r\n${"x".repeat(0x1000)}\r\n`;
      const [answer] = await exchange(
        `POST /api/login HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${GOOD}${chunk.repeat(5)}0\r\n\r\n`,
      );
      assertShortError(answer, [413], "too many chunks");
    });

    it("too long a head is 431, wherever it is long", async () => {
      const long = "a".repeat(HEAD_MAX);
      for (const bytes of [
        `GET /${long} HTTP/1.1\r\n${GOOD}`,
        `GET /?${long} HTTP/1.1\r\n${GOOD}`,
        `GET / HTTP/1.1\r\nName: ${long}\r\n${GOOD}`,
        `GET / HTTP/1.1\r\n${long}: x\r\n${GOOD}`,
        `GET / HTTP/1.1\r\nCookie: ${long}\r\n${GOOD}`,
        `GET / HTTP/1.1\r\n${"A: b\r\n".repeat(HEAD_MAX / 6)}${GOOD}`,
        `GET / HTTP/1.1\r\n${"A: b\r\n".repeat(101)}${GOOD}`,
        `GET /${long}`,
        "\r\n".repeat(HEAD_MAX),
      ]) {
        const [answer] = await exchange(bytes);
        assertShortError(answer, [431], JSON.stringify(bytes.slice(0, 40)));
      }
    });
  });

  describe("time limits", () => {
    it("a head that does not end is 408, and dripping bytes win no time", async () => {
      const connection = open();
      const begun = Date.now();
      connection.send("GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ");
      const drip = setInterval(() => connection.send("a"), 50);
      await connection.untilEnd();
      clearInterval(drip);
      const [answer] = answers(connection.text);
      assertShortError(answer, [408], "a slow head");
      assert.ok(Date.now() - begun >= 900, "the limit is one second");
      assert.ok(Date.now() - begun < 3000, "the limit is one second");
      connection.socket.destroy();
    });

    it("a body that does not end is 408", async () => {
      const connection = open();
      connection.send("POST /api/login HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n{");
      await connection.untilEnd();
      assertShortError(answers(connection.text)[0], [408], "a slow body");
      connection.socket.destroy();
    });

    it("who says nothing at all is closed without a word", async () => {
      const connection = open();
      await connection.untilEnd();
      assert.equal(connection.text, "");
      connection.socket.destroy();
    });

    it("an idle connection is closed after its time, not before", async () => {
      const connection = open();
      connection.send("GET /api/game HTTP/1.1\r\nHost: h\r\n\r\n");
      await connection.until(/"version"/);
      const begun = Date.now();
      await connection.untilEnd();
      assert.ok(Date.now() - begun >= 900);
      connection.socket.destroy();
    });

    it("a hundred slow clients cost nobody else an answer", async () => {
      const slow = Array.from({ length: 100 }, () => open());
      slow.forEach((connection) => connection.send("GET / HT"));
      for (let i = 0; i < 20; i++) {
        const begun = Date.now();
        assert.equal((await call(server.url, "GET", "/api/game")).status, 200);
        assert.ok(Date.now() - begun < 1000);
      }
      slow.forEach((connection) => connection.socket.destroy());
    });
  });

  describe("what is no request is refused with short JSON", () => {
    const nul = "\0";
    const table = [
      ["no Host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
      ["two Hosts", `GET / HTTP/1.1\r\nHost: a\r\n${GOOD}`],
      ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"],
      ["a Host with a blank", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"],
      ["a Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"],
      ["a Host with a user", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n"],
      ["a Host with two names", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"],
      ["a blank before the colon", "GET / HTTP/1.1\r\nHost : h\r\n\r\n"],
      ["a header before the first", `GET / HTTP/1.1\r\n X: y\r\n${GOOD}`],
      ["a header without a name", `GET / HTTP/1.1\r\n: y\r\n${GOOD}`],
      ["a header without a colon", `GET / HTTP/1.1\r\nName\r\n${GOOD}`],
      ["a blank in a name", `GET / HTTP/1.1\r\nA B: c\r\n${GOOD}`],
      ["a control character in a name", `GET / HTTP/1.1\r\nA\x01: c\r\n${GOOD}`],
      ["a byte above ASCII in a name", `GET / HTTP/1.1\r\nA\xe4: c\r\n${GOOD}`],
      ["a NUL in a name", `GET / HTTP/1.1\r\nA${nul}: c\r\n${GOOD}`],
      ["a NUL in a value", `GET / HTTP/1.1\r\nA: b${nul}c\r\n${GOOD}`],
      ["a control character in a value", `GET / HTTP/1.1\r\nA: b\x08c\r\n${GOOD}`],
      ["DEL in a value", `GET / HTTP/1.1\r\nA: b\x7fc\r\n${GOOD}`],
      ["a folded header", `GET / HTTP/1.1\r\nA: b\r\n c\r\n${GOOD}`],
      ["a header folded by a tab", `GET / HTTP/1.1\r\nA: b\r\n\tc\r\n${GOOD}`],
      ["a value on the next line", `GET / HTTP/1.1\r\nA:\r\n b\r\n${GOOD}`],
      ["a bare CR in a value", `GET / HTTP/1.1\r\nA: b\rC: d\r\n${GOOD}`],
      ["a bare LF after a value", `GET / HTTP/1.1\r\nA: b\nC: d\r\n${GOOD}`],
      ["bare LFs everywhere", "GET / HTTP/1.1\nHost: h\n\n"],
      ["a bare LF at the end", "GET / HTTP/1.1\r\nHost: h\r\n\n"],
      ["a method in small letters", `get / HTTP/1.1\r\n${GOOD}`],
      ["a method nobody knows", `SMUGGLE / HTTP/1.1\r\n${GOOD}`],
      ["no method", `/ HTTP/1.1\r\n${GOOD}`],
      ["a tab after the method", `GET\t/ HTTP/1.1\r\n${GOOD}`],
      ["two blanks before the target", `GET  / HTTP/1.1\r\n${GOOD}`],
      ["two blanks behind the target", `GET /  HTTP/1.1\r\n${GOOD}`],
      ["no target", `GET HTTP/1.1\r\n${GOOD}`],
      ["a target without a slash", `GET index.html HTTP/1.1\r\n${GOOD}`],
      ["a target with a tab", `GET /a\tb HTTP/1.1\r\n${GOOD}`],
      ["a target with a NUL", `GET /a${nul}b HTTP/1.1\r\n${GOOD}`],
      ["a target with raw UTF-8", `GET /\xc3\xa4 HTTP/1.1\r\n${GOOD}`],
      ["a target with a fragment", `GET /#top HTTP/1.1\r\n${GOOD}`],
      ["a target of another scheme", `GET ftp://h/ HTTP/1.1\r\n${GOOD}`],
      ["an absolute target without a host", `GET http:///a HTTP/1.1\r\n${GOOD}`],
      ["an absolute target with a user", `GET http://u:p@h/a HTTP/1.1\r\n${GOOD}`],
      ["an asterisk for GET", `GET * HTTP/1.1\r\n${GOOD}`],
      ["CONNECT", `CONNECT h:443 HTTP/1.1\r\n${GOOD}`],
      ["no version", `GET /\r\n${GOOD}`],
      ["a version in small letters", `GET / http/1.1\r\n${GOOD}`],
      ["another protocol", `GET / RTSP/1.0\r\n${GOOD}`],
      ["a version of letters", `GET / HTTP/x.y\r\n${GOOD}`],
      ["HTTP/0.9", `GET / HTTP/0.9\r\n${GOOD}`],
      ["HTTP/1.2", `GET / HTTP/1.2\r\n${GOOD}`],
      ["HTTP/2 by a request line", `GET / HTTP/2.0\r\n${GOOD}`],
      ["HTTP/2 by its preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
      ["text behind the version", `GET / HTTP/1.1 x\r\n${GOOD}`],
      ["a TLS greeting", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
      ["Content-Length of letters", `POST / HTTP/1.1\r\nContent-Length: x\r\n${GOOD}`],
      ["Content-Length below zero", `POST / HTTP/1.1\r\nContent-Length: -1\r\n${GOOD}`],
      ["Content-Length with a plus", `POST / HTTP/1.1\r\nContent-Length: +1\r\n${GOOD}a`],
      ["Content-Length in hex", `POST / HTTP/1.1\r\nContent-Length: 0x1\r\n${GOOD}a`],
      ["Content-Length with a blank inside", `POST / HTTP/1.1\r\nContent-Length: 1 1\r\n${GOOD}a`],
      ["Content-Length as a list", `POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n${GOOD}a`],
      ["Content-Length without a value", `POST / HTTP/1.1\r\nContent-Length:\r\n${GOOD}`],
      ["Content-Length past 64 bits", `POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n${GOOD}`],
      ["Content-Length twice", `POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n${GOOD}a`],
      ["both lengths", `POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n${GOOD}0\r\n\r\n`],
      ["both lengths, the other way", `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n${GOOD}0\r\n\r\n`],
      ["chunked twice", `POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n${GOOD}0\r\n\r\n`],
      ["gzip, then chunked", `POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n${GOOD}0\r\n\r\n`],
      ["chunked, then identity", `POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n${GOOD}0\r\n\r\n`],
      ["an unknown Transfer-Encoding", `POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n${GOOD}`],
      ["Transfer-Encoding without a value", `POST / HTTP/1.1\r\nTransfer-Encoding:\r\n${GOOD}`],
      ["Transfer-Encoding twice", `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n${GOOD}0\r\n\r\n`],
      ["chunks in HTTP/1.0", `POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n${GOOD}0\r\n\r\n`],
      ["a chunk size of letters", `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${GOOD}xyz\r\n`],
      ["a chunk size below zero", `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${GOOD}-1\r\n`],
      ["a chunk size past 64 bits", `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${GOOD}fffffffffffffffff\r\n`],
      ["a chunk longer than its size", `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${GOOD}1\r\nab\r\n0\r\n\r\n`],
      ["an unknown expectation", `POST / HTTP/1.1\r\nExpect: tea\r\n${GOOD}`],
      ["two Origins", `GET / HTTP/1.1\r\nOrigin: http://a\r\nOrigin: http://h\r\n${GOOD}`],
      ["two Authorizations", `GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n${GOOD}`],
    ];
    for (const [what, bytes] of table) {
      it(what, async () => {
        const [answer, ...more] = await exchange(`${bytes}`);
        assertShortError(answer, [400, 413, 505], what);
        assert.equal(more.length, 0, "one answer, then the end");
      });
    }

    it("what stands behind a refused request is never handled", async () => {
      const list = await exchange(`GET / HTTP/1.1\r\nHost : h\r\n\r\nGET /api/game HTTP/1.1\r\n${GOOD}`);
      assert.deepEqual(list.map((a) => a.status), [400]);
    });

    it("no body is smuggled past a front server as a second request", async () => {
      const hidden = `GET /api/game HTTP/1.1\r\n${GOOD}`;
      const list = await exchange(
        `POST /api/login HTTP/1.1\r\nHost: h\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}` +
          `GET /nowhere HTTP/1.1\r\n${GOOD}`,
      );
      assert.deepEqual(list.map((a) => a.status), [400, 404]);
    });
  });

  describe("a path never leaves the page", () => {
    for (const path of [
      "/../etc/passwd",
      "/js/../index.html",
      "/js/../../challenges.json",
      "/./index.html",
      "/%2e%2e/etc/passwd",
      "/%2e%2e%2fetc%2fpasswd",
      "/..%2f..%2fetc/passwd",
      "/..%5c..%5cetc/passwd",
      "/..\\..\\etc\\passwd",
      "/%252e%252e/etc/passwd",
      "/%c0%ae%c0%ae/etc/passwd",
      "/js%2f..%2findex.html",
      "/js/%2e%2e/index.html",
      "/index.html%00.js",
      "/index.html%",
      "/index.html%2",
      "/index.html%zz",
      "//etc/passwd",
      "//index.html",
      "/index.html/",
      "/index.html/..",
      "/challenges.json",
      "/credentials.csv",
      "/.env",
      "/events.db",
      "/ctfg.yaml",
      "/images/../challenges.json",
      "/images/%2e%2e/credentials.csv",
    ]) {
      it(path, async () => {
        const [answer] = await exchange(`GET ${path} HTTP/1.1\r\n${GOOD}`);
        assert.ok([400, 404].includes(answer.status), `${answer.status}`);
        assert.ok(!/root:|flag|secret-/.test(answer.body));
      });
    }
  });

  it("has stayed the same processes through all of this", async () => {
    assert.ok(!/process died/.test(server.log()), server.log());
    assert.equal((await call(server.url, "GET", "/api/game")).status, 200);
  });
});
