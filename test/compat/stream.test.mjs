// SPDX-License-Identifier: MIT
// docs/stream.md, sentence by sentence: who may listen, what comes first, what comes after.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import net from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { openStream } from "../lib/client.mjs";
import { execute } from "../lib/database.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { startServer } from "../lib/server.mjs";

const API_TOKEN = "an-award-token-of-the-test";
const ADMIN_TOKEN = "an-admin-token-of-the-test";
const DISPLAY_TOKEN = "a-display-token-of-the-test";
const env = {
  CTFG_API_TOKEN: API_TOKEN,
  CTFG_ADMIN_TOKEN: ADMIN_TOKEN,
  CTFG_DISPLAY_TOKEN: DISPLAY_TOKEN,
};

let used = 0;

async function freshPlayer(server, i = used++) {
  const player = new Player(server.url, playerName(i), playerPassword(i));
  await player.login();
  return player;
}

const tokenOf = (player) => new URL(player.streamUrl).searchParams.get("token");

/** A number of /metrics, added up over all processes. */
async function metric(server, name) {
  const { text } = await call(server.metricsUrl, "GET", "/metrics");
  const rows = [...text.matchAll(new RegExp(`^${name}\\{[^}]*\\} (\\d+)$`, "gm"))];
  assert.ok(rows.length > 0, `${name} is not among the metrics`);
  return rows.reduce((sum, row) => sum + Number(row[1]), 0);
}

const upgrade = {
  Upgrade: "websocket",
  Connection: "keep-alive, Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

/** An upgrade by hand; a header of undefined is left out. */
function tryUpgrade(server, path, headers = {}) {
  const all = Object.entries({ ...upgrade, ...headers }).filter(([, value]) => value !== undefined);
  return call(server.url, "GET", path, { headers: Object.fromEntries(all) });
}

/** A masked frame of a client. */
function frame(firstByte, payload) {
  const bytes = Buffer.from(payload);
  const mask = randomBytes(4);
  const head =
    bytes.length < 126
      ? Buffer.from([firstByte, 0x80 | bytes.length])
      : Buffer.from([firstByte, 0xfe, bytes.length >> 8, bytes.length & 255]);
  return Buffer.concat([head, mask, bytes.map((byte, i) => byte ^ mask[i % 4])]);
}

/** A stream on a bare socket: what the server sends, as {opcode, payload} in order. */
class BareStream {
  constructor(server, path) {
    const { hostname, port } = new URL(server.url);
    this.frames = [];
    this.buffer = Buffer.alloc(0);
    this.socket = net.connect(Number(port), hostname);
    const lines = Object.entries({ Host: `${hostname}:${port}`, ...upgrade });
    this.socket.write(
      `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
    );
    this.socket.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.socket.on("close", resolve);
    });
    this.socket.on("data", (chunk) => this.take(chunk));
  }

  take(chunk) {
    this.buffer = Buffer.concat([this.buffer, chunk]);
    if (this.head === undefined) {
      const end = this.buffer.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.head = this.buffer.subarray(0, end).toString("latin1");
      this.buffer = this.buffer.subarray(end + 4);
    }
    while (this.takeFrame());
  }

  takeFrame() {
    const { buffer } = this;
    if (buffer.length < 2) return false;
    let length = buffer[1];
    let at = 2;
    if (length === 126) {
      if (buffer.length < 4) return false;
      length = buffer.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (buffer.length < 10) return false;
      length = Number(buffer.readBigUInt64BE(2));
      at = 10;
    }
    if (buffer.length < at + length) return false;
    this.frames.push({ first: buffer[0], payload: buffer.subarray(at, at + length) });
    this.buffer = buffer.subarray(at + length);
    return true;
  }

  text() {
    return this.frames.filter((one) => one.first === 0x81).map((one) => JSON.parse(one.payload));
  }

  closeCode() {
    const close = this.frames.find((one) => one.first === 0x88);
    return close && (close.payload.length >= 2 ? close.payload.readUInt16BE(0) : 1005);
  }
}

const challenges = [
  challenge(1, { points: 100, hints: [{ id: 1, text: "h", cost: 30 }] }),
  challenge(2, { points: 50, title: 'A <title> & "more"' }),
  challenge(3),
  challenge(4),
  challenge(5),
];

describe("contract, section 4: the stream", { timeout: 120000 }, () => {
  let server;
  before(async () => {
    server = await startServer({ game: makeGame({ players: 60, challenges }), env });
  });
  after(() => server?.stop());

  describe("is not open to anyone", () => {
    it("no, a forged, a foreign and a cookie's token are 401 before any upgrade", async () => {
      const player = await freshPlayer(server);
      const token = tokenOf(player);
      const cookie = /ctfg_session=([\w-]+)/.exec(player.cookie)[1];
      const flipped = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
      for (const query of ["", "?token=", "?token=x", `?token=${flipped}`, `?token=${cookie}`]) {
        const answer = await tryUpgrade(server, `/scorestream${query}`);
        assert.equal(answer.status, 401, query);
        assert.deepEqual(answer.json, { error: "unauthorized" });
        const plain = await call(server.url, "GET", `/scorestream${query}`);
        assert.equal(plain.status, 401, `${query} without an upgrade`);
      }
    });

    it("a foreign Origin is 403, the own host's and none at all are fine", async () => {
      const player = await freshPlayer(server);
      const path = `/scorestream?token=${tokenOf(player)}`;
      for (const origin of ["https://evil.example", "null", "http://127.0.0.1:1"]) {
        const answer = await tryUpgrade(server, path, { Origin: origin });
        assert.equal(answer.status, 403, origin);
      }
      for (const origin of [undefined, server.url]) {
        const stream = await openStream(player.streamUrl, { origin });
        await stream.waitForFrames(1);
        stream.close();
      }
    });

    it("a token of a session that was logged out is 401, and its streams are closed", async () => {
      const player = await freshPlayer(server);
      const stream = await openStream(player.streamUrl);
      assert.equal((await player.post("/api/logout", {})).status, 204);
      assert.deepEqual(await stream.closed, { code: 1008, reason: "logged out" });
      await assert.rejects(openStream(player.streamUrl), { status: 401 });
    });

    it("an admin's logout of one player closes that player's streams and no other's", async () => {
      const [kicked, other] = [await freshPlayer(server), await freshPlayer(server)];
      const streams = [await openStream(kicked.streamUrl), await openStream(other.streamUrl)];
      const asked = { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` }, body: { username: kicked.username } };
      assert.equal((await call(server.url, "POST", "/admin/logout", asked)).status, 200);
      assert.equal((await streams[0].closed).code, 1008);
      await other.submit(3, flagOf(3));
      await streams[1].waitForEvent((event) => event.user_id === other.userId || event.challenge_id === 3);
      assert.equal(streams[1].end, undefined);
      streams[1].close();
    });

    it("an admin's logout without a name is everybody's only as {}", async () => {
      const player = await freshPlayer(server);
      for (const body of [{ username: null }, { user: player.username }]) {
        const asked = { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` }, body };
        assert.equal((await call(server.url, "POST", "/admin/logout", asked)).json.error, "missing_parameters");
      }
      assert.equal((await player.get("/api/me")).status, 200);
    });

    it("the room's screen has a token of its own", async () => {
      const headers = { Authorization: `Bearer ${DISPLAY_TOKEN}` };
      const answer = await call(server.url, "GET", "/api/display", { headers });
      assert.equal(answer.status, 200);
      const stream = await openStream(answer.json.websocket_url);
      await stream.waitForFrames(1);
      stream.close();
    });

    it("bad handshakes are refused: 426 with the version, 400, 405", async () => {
      const path = `/scorestream?token=${tokenOf(await freshPlayer(server))}`;
      const refused = async (headers) => {
        const { status, headers: got } = await tryUpgrade(server, path, headers);
        return [status, got["sec-websocket-version"]];
      };
      assert.deepEqual(await refused({ "Sec-WebSocket-Version": "8" }), [426, "13"]);
      assert.deepEqual(await refused({ "Sec-WebSocket-Version": undefined }), [426, "13"]);
      assert.deepEqual(await refused({ Upgrade: "h2c" }), [426, "13"]);
      assert.deepEqual(await refused({ Connection: "keep-alive" }), [426, "13"]);
      assert.deepEqual(await refused({ "Sec-WebSocket-Key": "short" }), [400, undefined]);
      assert.deepEqual(await refused({ "Sec-WebSocket-Key": undefined }), [400, undefined]);
      const wrongSince = await tryUpgrade(server, `${path}&since=-1`);
      assert.deepEqual([wrongSince.status, wrongSince.json], [400, { error: "invalid_parameters" }]);
      for (const method of ["POST", "DELETE", "HEAD"]) {
        const answer = await call(server.url, method, path, { headers: upgrade });
        assert.deepEqual([answer.status, answer.headers.allow], [405, "GET"], method);
      }
    });

    it("answers the key of RFC 6455 with its accept", async () => {
      const player = await freshPlayer(server);
      const bare = new BareStream(server, `/scorestream?token=${tokenOf(player)}`);
      await waitFor("the head", () => bare.head);
      assert.match(bare.head, /^HTTP\/1\.1 101 /);
      assert.match(bare.head, /^Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=$/im);
      bare.socket.destroy();
    });
  });

  describe("carries events", () => {
    it("solves and hints come as arrays of exactly these fields; the first frame is the past", async () => {
      const player = await freshPlayer(server);
      await player.post("/api/set-name", { name: "Stream Tester" });
      const live = await openStream(player.streamUrl);
      await live.waitForFrames(1);
      assert.ok(Array.isArray(live.frames[0]));
      const solve = (await player.submit(1, flagOf(1))).json;
      const hint = (await player.post("/api/hint", { id: 1, hint_id: 1 })).json;
      await live.waitForEvent((event) => event.id === hint.seq);
      assert.ok(live.frames.every(Array.isArray));

      const common = { displayname: "Stream Tester", challenge_id: 1, challenge: "Challenge 1" };
      const of = (stream, id) => stream.events().find((event) => event.id === id);
      const { user_id, ts, ...seen } = of(live, solve.seq);
      assert.equal(ts, solve.ts);
      assert.deepEqual(seen, { ...common, id: solve.seq, type: "score", points: 100, place: 1, solves: 1 });
      const { ts: hintTs, ...seenHint } = of(live, hint.seq);
      assert.ok(hintTs >= ts);
      assert.deepEqual(seenHint, { ...common, id: hint.seq, type: "hint", user_id, points: -30, hint_id: 1 });

      let late; /* another worker may know of an event a tick later: to who comes before that it is no past */
      await waitFor("the hint is past", async () => {
        late?.close();
        late = await openStream(player.streamUrl);
        await late.waitForFrames(1);
        return late.frames[0].some((event) => event.id === hint.seq);
      });
      const past = late.frames[0];
      assert.deepEqual(past.map((event) => event.id), past.map((event) => event.id).sort((a, b) => a - b));
      assert.equal(of(late, solve.seq).points, 100);
      assert.deepEqual([of(late, hint.seq).type, of(late, hint.seq).points], ["score", -30]);
      live.close();
      late.close();
    });

    it("names of nobody leak: without a display name it is Anonymous-<user id>", async () => {
      const player = await freshPlayer(server);
      const stream = await openStream(player.streamUrl);
      const { seq } = (await player.submit(2, flagOf(2))).json;
      const event = await stream.waitForEvent((one) => one.id === seq);
      assert.equal(event.displayname, `Anonymous-${event.user_id}`);
      assert.equal(event.challenge, 'A <title> & "more"');
      stream.close();
    });

    it("an award says reload", async () => {
      const player = await freshPlayer(server);
      const stream = await openStream(player.streamUrl);
      await stream.waitForFrames(1);
      const headers = { Authorization: API_TOKEN };
      const body = { username: player.username, id: 4 };
      assert.equal((await call(server.url, "POST", "/api/award", { headers, body })).status, 200);
      const event = await stream.waitForEvent((one) => one.challenge_id === 4 && one.reload);
      assert.deepEqual([event.type, event.reload, event.points], ["score", "true", 10]);
      stream.close();
    });

    it("with since come exactly the events after it, without gap or overlap, then live", async () => {
      const player = await freshPlayer(server);
      const { seq } = (await player.get("/api/scoreboard")).json;
      await player.submit(3, flagOf(3));
      await player.submit(4, flagOf(4));
      const stream = await openStream(player.streamUrl, { since: seq });
      await stream.waitForFrames(1);
      const { seq: last } = (await player.submit(5, flagOf(5))).json;
      await stream.waitForEvent((event) => event.id === last);
      const ids = stream.events().map((event) => event.id);
      assert.deepEqual(ids, Array.from({ length: last - seq }, (_, i) => seq + 1 + i));
      stream.close();
    });

    it("who has everything gets an empty array first, who has more than there is is told to resync", async () => {
      const player = await freshPlayer(server);
      const { seq } = (await player.submit(3, flagOf(3))).json; // the newest there is: a board may lag a tick
      for (const [challenge, since] of [[1, seq], [2, seq + 1000000]]) {
        const stream = await openStream(player.streamUrl, { since });
        await stream.waitForFrames(1);
        assert.deepEqual(stream.frames[0].map(({ type, event }) => [type, event]), challenge === 1 ? [] : [["system", "resync"]]);
        const { seq: next } = (await player.submit(challenge, flagOf(challenge))).json;
        await stream.waitForEvent((event) => event.id === next);
        assert.equal(stream.events().filter(({ type }) => type === "score").length, 1);
        stream.close();
      }
    });
  });

  describe("speaks RFC 6455", () => {
    const talk = async (...frames) => {
      const player = await freshPlayer(server, 59);
      const bare = new BareStream(server, `/scorestream?token=${tokenOf(player)}`);
      await waitFor("the first frame", () => bare.frames.length > 0);
      for (const bytes of frames) bare.socket.write(bytes);
      return bare;
    };

    it("the text ping is ignored, a ping is answered, fragments are put together", async () => {
      const bare = await talk(
        frame(0x81, "ping"),
        frame(0x01, "fra"),
        frame(0x89, "are you there"),
        frame(0x80, "gment"),
      );
      const pong = await waitFor("a pong", () => bare.frames.find((one) => one.first === 0x8a));
      assert.equal(pong.payload.toString(), "are you there");
      assert.equal(bare.closeCode(), undefined);
      bare.socket.write(frame(0x88, Buffer.from([0x0b, 0xb8])));
      await bare.closed;
      assert.equal(bare.closeCode(), 3000);
    });

    it("frames may come byte by byte", async () => {
      const bare = await talk();
      bare.socket.setNoDelay(true);
      for (const byte of frame(0x89, "slow")) {
        bare.socket.write(Buffer.from([byte]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      const pong = await waitFor("a pong", () => bare.frames.find((one) => one.first === 0x8a));
      assert.equal(pong.payload.toString(), "slow");
      bare.socket.destroy();
    });

    for (const [what, code, bytes] of [
      ["an unmasked frame", 1002, Buffer.from([0x81, 2, 104, 105])],
      ["a reserved bit", 1002, frame(0xc1, "x")],
      ["a reserved opcode", 1002, frame(0x83, "x")],
      ["a continuation of nothing", 1002, frame(0x80, "x")],
      ["binary", 1003, frame(0x82, "x")],
      ["text that is not UTF-8", 1007, frame(0x81, Buffer.from([0xff, 0xfe]))],
      ["a message above 4 KiB", 1009, frame(0x81, "x".repeat(5000))],
    ]) {
      it(`${what} is closed with ${code}`, async () => {
        const bare = await talk(bytes);
        await bare.closed;
        assert.equal(bare.closeCode(), code);
      });
    }
  });
});

describe("the stream's tick", { timeout: 60000 }, () => {
  it("a lone event goes out at once, those that follow within a tick share a frame", async () => {
    const server = await startServer({
      game: makeGame({ players: 20, challenges }),
      config: "stream:\n  tick: 1s\n",
      flags: ["--workers", "1"],
    });
    try {
      const players = await Promise.all(Array.from({ length: 20 }, (_, i) => freshPlayer(server, i)));
      const stream = await openStream(players[0].streamUrl, { since: 0 });
      await stream.waitForFrames(1);
      const begun = Date.now();
      await players[0].submit(1, flagOf(1));
      await stream.waitForFrames(2);
      assert.ok(Date.now() - begun < 800, `${Date.now() - begun} ms for a lone event`);
      await Promise.all(players.slice(1).map((player) => player.submit(1, flagOf(1))));
      await waitFor("all events", () => stream.events().length === 20);
      assert.ok(stream.frames.length <= 5, `${stream.frames.length} frames for 20 events`);
      stream.close();
    } finally {
      await server.stop();
    }
  });
});

describe("a reset", { timeout: 60000 }, () => {
  let server;
  before(async () => {
    server = await startServer({ game: makeGame({ players: 60, challenges }), env });
  });
  after(() => server?.stop());

  it("tells every stream with a bare object, closes it, and starts the game anew", async () => {
    const players = await Promise.all(Array.from({ length: 8 }, (_, i) => freshPlayer(server, 20 + i)));
    const { seq } = (await players[0].submit(1, flagOf(1))).json;
    const streams = await Promise.all(players.map((player) => openStream(player.streamUrl)));
    await Promise.all(streams.map((stream) => stream.waitForFrames(1)));
    const headers = { "Content-Type": "application/x-www-form-urlencoded" }; // as curl -d says of anything
    const ask = (body) => call(server.url, "POST", "/admin/reset", { headers, body });
    assert.equal((await ask(' \r\n\t{"token":"wrong"}')).json?.error, "unauthorized");
    const reset = await ask({ token: ADMIN_TOKEN });
    assert.deepEqual([reset.status, reset.json], [200, { result: "ok" }]);
    for (const stream of streams) {
      assert.equal((await stream.closed).code, 1000);
      const { ts, ...last } = stream.frames.at(-1);
      assert.deepEqual(last, { type: "system", event: "reset", logout: true });
      assert.ok(Math.abs(Date.now() - ts) < 60000);
    }
    await assert.rejects(openStream(players[0].streamUrl), { status: 401 });

    const again = await freshPlayer(server, 30);
    const fresh = await openStream(again.streamUrl);
    await fresh.waitForFrames(1);
    assert.deepEqual(fresh.frames[0], []);
    const old = await openStream(again.streamUrl, { since: seq - 1 });
    await old.waitForFrames(1);
    assert.deepEqual(
      old.frames[0].map((event) => [event.type, event.event]),
      [["system", "resync"]],
    );
    const { seq: next } = (await again.submit(1, flagOf(1))).json;
    assert.ok(next > seq, "ids went back");
    await old.waitForEvent((event) => event.id === next);
    await fresh.waitForEvent((event) => event.id === next);
    fresh.close();
    old.close();
  });
});

describe("a game of 100,000 events", { timeout: 180000 }, () => {
  const PLAYERS = 200;
  const CHALLENGES = 500;
  let server;
  let player;

  before(async () => {
    const game = makeGame({ players: PLAYERS, challenges: CHALLENGES + 5 });
    const empty = await startServer({ game, flags: ["--workers", "1"], env });
    await empty.stop();
    const rows = [];
    for (let id = 1; id <= CHALLENGES; id++) {
      for (let user = 1; user <= PLAYERS; user++) {
        const at = 1700000000000000 + rows.length * 1000;
        rows.push(`(${at},${((user * 7 + id) % PLAYERS) + 1},${id},1,${id % 90},NULL,0)`);
      }
    }
    execute(
      empty.dbPath,
      `PRAGMA synchronous=OFF; BEGIN;
       INSERT INTO events(ts,user_id,challenge_id,event_type,points,hint_number,flags) VALUES ${rows.join(",")};
       COMMIT;`,
    );
    server = await empty.restart();
    player = await freshPlayer(server, 0);
  });
  after(() => server?.stop());

  it("starts every client with less than 256 KiB, from which it knows everyone's total", async () => {
    const bare = new BareStream(server, `/scorestream?token=${tokenOf(player)}`);
    const first = await waitFor("the first frame", () => bare.frames[0]);
    bare.socket.destroy();
    assert.ok(first.payload.length < 256 * 1024, `${first.payload.length} bytes`);
    const events = JSON.parse(first.payload);
    const totals = new Map();
    let last = 0;
    for (const event of events) {
      assert.ok(event.id > last, "ids do not grow");
      last = event.id;
      totals.set(event.user_id, (totals.get(event.user_id) ?? 0) + event.points);
    }
    const board = (await player.get("/api/scoreboard")).json;
    assert.equal(board.players.length, PLAYERS);
    for (const line of board.players) {
      assert.equal(totals.get(line.user_id), line.score, line.displayname);
    }
    assert.equal(events.filter((event) => event.challenge_id === 0).length, PLAYERS);
    assert.ok(events.filter((event) => event.challenge === "Earlier").every((event) => event.type === "score"));
  });

  it("a hundred clients that come at once all get it, and no loop stalls for long", async () => {
    const streams = await Promise.all(Array.from({ length: 100 }, () => openStream(player.streamUrl)));
    await Promise.all(streams.map((stream) => stream.waitForFrames(1)));
    const text = JSON.stringify(streams[0].frames[0]);
    assert.ok(streams.every((stream) => JSON.stringify(stream.frames[0]) === text));
    streams.forEach((stream) => stream.close());
  });

  it("since 0 replays all of it in order, also to a client that stops reading in between", async () => {
    const bare = new BareStream(server, `/scorestream?token=${tokenOf(player)}&since=0`);
    await waitFor("some frames", () => bare.frames.length > 3);
    bare.socket.pause();
    const live = (await player.submit(CHALLENGES + 1, flagOf(CHALLENGES + 1))).json.seq;
    bare.socket.resume();
    await waitFor("the live event", () => bare.text().at(-1)?.at(-1)?.id === live, 60000);
    const ids = bare.text().flat().map((event) => event.id);
    assert.equal(ids.length, live);
    assert.ok(ids.every((id, i) => id === i + 1));
    assert.ok(bare.frames.every((one) => one.payload.length < 256 * 1024));
    bare.socket.destroy();
  });
});

describe("slow and dead clients", { timeout: 120000 }, () => {
  let server;
  before(async () => {
    // Long titles: 60,000 events are 20 MB, more than any pair of kernel buffers holds.
    const long = (_, i) => challenge(i + 1, { title: `${i + 1} ${"long ".repeat(36)}` });
    const game = makeGame({ players: 200, challenges: Array.from({ length: 305 }, long) });
    const config = `
stream:
  ping_interval: 200ms
  ping_timeout: 4s
  log_ping_latency: true
http:
  write_timeout: 1s
`;
    const empty = await startServer({ game, config, flags: ["--workers", "1"], env });
    await empty.stop();
    const rows = [];
    for (let id = 1; id <= 300; id++) {
      for (let user = 1; user <= 200; user++) {
        rows.push(`(${1700000000000000 + rows.length},${user},${id},1,1,NULL,0)`);
      }
    }
    execute(
      empty.dbPath,
      `INSERT INTO events(ts,user_id,challenge_id,event_type,points,hint_number,flags) VALUES ${rows.join(",")};`,
    );
    server = await empty.restart();
  });
  after(() => server?.stop());

  it("who takes nothing is closed, and everyone else goes on", async () => {
    const player = await freshPlayer(server, 1);
    const bare = new BareStream(server, `/scorestream?token=${tokenOf(player)}&since=0`);
    bare.socket.pause();
    const other = await openStream(player.streamUrl, { since: 60000 });
    await waitFor("the slow client's end", async () => (await metric(server, "ctfg_stream_dropped_total")) === 1, 30000);
    const { seq } = (await player.submit(301, flagOf(301))).json;
    await other.waitForEvent((event) => event.id === seq);
    bare.socket.destroy();
    other.close();
    await waitFor("nobody", async () => (await metric(server, "ctfg_streams_open")) === 0);
  });

  it("who answers pings stays, who does not is closed, and nothing of it is left", async () => {
    const player = await freshPlayer(server, 2);
    const alive = await openStream(player.streamUrl);
    const lib = join(dirname(fileURLToPath(import.meta.url)), "..", "lib", "client.mjs");
    const child = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `import { openStream } from ${JSON.stringify(lib)};
         const all = await Promise.all(Array.from({ length: 50 }, () => openStream(process.argv[1])));
         await Promise.all(all.map((one) => one.waitForFrames(1)));
         console.log("open");
         await new Promise(() => setInterval(() => {}, 1000));`,
        `${player.streamUrl}&since=60000`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    try {
      await new Promise((resolve) => child.stdout.once("data", resolve));
      assert.equal(await metric(server, "ctfg_streams_open"), 51);
      process.kill(child.pid, "SIGSTOP");
      await waitFor("the dead are gone", async () => (await metric(server, "ctfg_streams_open")) === 1, 30000);
      assert.equal(await metric(server, "ctfg_stream_reaped_total"), 50);
      await waitFor("a ping was timed", async () => {
        const { text } = await call(server.metricsUrl, "GET", "/metrics");
        return Number(/^ctfg_ws_ping_seconds_count\{process="worker-1"\} (\d+)$/m.exec(text)[1]) > 0;
      });
      assert.equal(alive.end, undefined);
      assert.match(server.log(), /msg=pong .*took_us=\d+/);
    } finally {
      process.kill(child.pid, "SIGKILL");
      alive.close();
    }
  });
});
