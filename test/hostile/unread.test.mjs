// SPDX-License-Identifier: MIT
// Who asks and takes no answer, on many connections at once: what waits for them is bounded, and others are
// served. Over a unix socket, of which the kernel holds little: what is not taken is held by the worker.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { challenge, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { metric } from "../lib/metrics.mjs";
import { call, waitFor } from "../lib/player.mjs";
import { isSanitized, startServer } from "../lib/server.mjs";

const MORE_MEMORY_KB = 160 * 1024;
const SLOW_A_PLAYER = 32; // CONN_SLOW_A_PLAYER_MAX
const LISTS = 400;
const STRANGERS = 1000;

let server;
let socketPath;
let agent;

const ask = (method, path, options) => call("http://h", method, path, { agent, ...options });

async function login(i) {
  const body = { username: playerName(i), password: playerPassword(i) };
  return { Cookie: (await ask("POST", "/api/login", { body })).headers["set-cookie"][0].split(";")[0] };
}

/** Private memory of the worker. */
function memoryKb() {
  const [pid] = server.workers();
  return Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);
}

/** Connections that send this and read nothing. Resolves when the last of it is on its way, or can go no further. */
async function askAndLeave(count, text) {
  const sockets = Array.from({ length: count }, () => net.connect(socketPath));
  for (const socket of sockets) {
    socket.pause();
    socket.on("error", () => {}); // the greedy are closed
    socket.write(text);
  }
  await waitFor("the connections", () => sockets.every((socket) => !socket.connecting));
  return sockets;
}

/** The count of answers with this status, of all routes. */
const answers = (status) => metric(server, "ctfg_http_requests_total{", `code="${status}"`);

async function unchanging(measure) {
  let last = await measure();
  let times = 0;
  await waitFor("nothing more happens", async () => {
    const now = await measure();
    times = now === last ? times + 1 : 0;
    last = now;
    return times >= 20;
  }, 60000);
}

describe("answers that nobody takes", { timeout: 180000, skip: isSanitized && "it keeps memory" }, () => {
  before(async () => {
    const content = "word ".repeat(13000);
    const challenges = Array.from({ length: 16 }, (_, i) => challenge(i + 1, { content }));
    const game = makeGame({ players: 2, challenges });
    socketPath = join(game, "ctfg.sock"); // of what is copied to be played
    server = await startServer({ game, flags: ["--workers", "1"], listen: ["--listen", `unix:${socketPath}`] });
    agent = new http.Agent({ socketPath });
  });
  after(() => server?.stop());

  it("one player's lists of challenges are bounded, the next is 503 until some are taken", async () => {
    const [one, other] = [await login(0), await login(1)];
    const list = await ask("GET", "/api/challenges", { headers: one });
    assert.equal(list.status, 200);
    assert.ok(list.text.length > 1e6, "the list is long");
    const before = { kb: memoryKb(), refused: await answers(503) };
    const sockets = await askAndLeave(LISTS, `GET /api/challenges HTTP/1.1\r\nHost: h\r\nCookie: ${one.Cookie}\r\n\r\n`);
    const refused = LISTS - SLOW_A_PLAYER;
    await waitFor("the refusals", async () => (await answers(503)) - before.refused >= refused);
    assert.ok(memoryKb() < before.kb + MORE_MEMORY_KB, `${memoryKb()} KiB, ${before.kb} KiB before`);
    assert.equal((await ask("GET", "/api/challenges", { headers: one })).status, 503);
    assert.equal((await ask("GET", "/api/challenges", { headers: other })).status, 200);
    assert.equal((await ask("POST", "/api/logout", { headers: await login(0) })).status, 204);
    sockets.forEach((socket) => socket.destroy());
    await waitFor("a list", async () => (await ask("GET", "/api/challenges", { headers: one })).status === 200);
  });

  it("strangers' short answers are bounded", async () => {
    const before = memoryKb();
    const sockets = await askAndLeave(STRANGERS, "GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n".repeat(2000));
    await unchanging(() => answers(404));
    assert.ok(memoryKb() < before + MORE_MEMORY_KB, `${memoryKb()} KiB, ${before} KiB before`);
    assert.equal((await ask("GET", "/api/game")).status, 200);
    sockets.forEach((socket) => socket.destroy());
  });
});
