// SPDX-License-Identifier: MIT
// What everyone reads: the scoreboard and its graph, event pages, static files, what operators ask.
import assert from "node:assert/strict";
import { once } from "node:events";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { dirname } from "node:path";
import { after, before, describe, it } from "node:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

import { openStream } from "../lib/client.mjs";
import { execute, replay } from "../lib/database.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { startServer } from "../lib/server.mjs";

const DISPLAY_TOKEN = "a-display-token-of-the-test";

/** Like call(), but the body stays as it came. */
function fetchRaw(base, path, headers = {}, method = "GET") {
  return new Promise((resolve, reject) => {
    const request = http.request(new URL(path, base), { method, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => {
        const { statusCode: status, headers: got } = response;
        resolve({ status, headers: got, bytes: Buffer.concat(chunks) });
      });
    });
    request.on("error", reject);
    request.end();
  });
}

function unpack({ headers, bytes }) {
  switch (headers["content-encoding"]) {
    case "gzip":
      return gunzipSync(bytes).toString();
    case "br":
      return brotliDecompressSync(bytes).toString();
    default:
      return bytes.toString();
  }
}

const players = new Map();

async function playerOf(server, i) {
  if (!players.has(`${server.url}${i}`)) {
    const player = new Player(server.url, playerName(i), playerPassword(i));
    await player.login();
    players.set(`${server.url}${i}`, player);
  }
  return players.get(`${server.url}${i}`);
}

/** The board, once it contains an event. */
const boardWith = (player, seq) =>
  waitFor(`a board with event ${seq}`, async () => {
    const { json } = await player.get("/api/scoreboard");
    return json.seq >= seq && json;
  });

const challenges = [
  challenge(1, { points: 100, hints: [{ id: 1, text: "h", cost: 30 }] }),
  challenge(2, { points: 50 }),
  challenge(3, { points: 60 }),
];

describe("boards", { timeout: 120000 }, () => {
  let server;
  before(async () => {
    server = await startServer({
      game: makeGame({ players: 20, challenges }),
      env: { CTFG_DISPLAY_TOKEN: DISPLAY_TOKEN },
    });
  });
  after(() => server?.stop());

  it("are for players, for the room's screen, and for nobody else", async () => {
    const player = await playerOf(server, 0);
    const paths = ["/api/scoreboard", "/api/graph", "/api/events", "/api/player?user_id=1", "/api/solves?id=1"];
    for (const path of paths) {
      const anyone = await call(server.url, "GET", path);
      assert.deepEqual([anyone.status, anyone.json], [401, { error: "unauthorized" }], path);
      const wrong = await call(server.url, "GET", path, { headers: { Authorization: "Bearer no" } });
      assert.equal(wrong.status, 401, path);
      const headers = { Authorization: `Bearer ${DISPLAY_TOKEN}` };
      assert.notEqual((await call(server.url, "GET", path, { headers })).status, 401, path);
      assert.notEqual((await player.get(path)).status, 401, path);
    }
  });

  it("list who has a name or an event, best first, ties by who was first", async () => {
    const [one, two, three, silent] = await Promise.all([1, 2, 3, 4].map((i) => playerOf(server, i)));
    await silent.post("/api/set-name", { name: "Silent" });
    assert.equal((await two.get("/api/scoreboard")).json.ts, 0, "there was no event yet");
    const first = (await two.submit(1, flagOf(1))).json; // 100
    assert.equal((await boardWith(two, first.seq)).ts, first.ts);
    await one.submit(1, flagOf(1)); // 100, later
    await three.submit(2, flagOf(2)); // 50
    await three.submit(3, flagOf(3)); // 110
    const { seq } = (await two.post("/api/hint", { id: 1, hint_id: 1 })).json; // 70
    const board = await boardWith(three, seq);
    assert.deepEqual(
      board.players.map((line) => [line.displayname.replace(/\d+$/, ""), line.score, line.solves]),
      [
        ["Anonymous-", 110, 2],
        ["Anonymous-", 100, 1],
        ["Anonymous-", 70, 1],
        ["Silent", 0, 0],
      ],
    );
    assert.equal(board.players[3].ts, null);
    assert.ok(board.players[0].ts > board.players[1].ts);
    assert.deepEqual(
      board.challenges.map((line) => [line.id, line.title, line.category, line.points, line.solves]),
      [
        [1, "Challenge 1", "odd", 100, 2],
        [2, "Challenge 2", "even", 50, 1],
        [3, "Challenge 3", "odd", 60, 1],
      ],
    );
    assert.equal(board.challenges[0].first, board.players[2].user_id);
    for (const [userId, { score, solves }] of replay(server.dbPath)) {
      const line = board.players.find((candidate) => candidate.user_id === userId);
      assert.deepEqual([line.score, line.solves], [score, solves]);
    }
  });

  it("a new name is on the board without any event", async () => {
    const player = await playerOf(server, 4);
    await player.post("/api/set-name", { name: "Renamed" });
    await waitFor("the name", async () =>
      (await player.get("/api/scoreboard")).json.players.some((line) => line.displayname === "Renamed"),
    );
  });

  it("come as plain text, gzip or brotli, all the same; the tag of each is answered with 304", async () => {
    const { cookie } = await playerOf(server, 1);
    for (const path of ["/api/scoreboard", "/api/graph"]) {
      const plain = await fetchRaw(server.url, path, { Cookie: cookie });
      assert.equal(plain.headers["content-encoding"], undefined);
      const tags = new Set([plain.headers.etag]);
      for (const encoding of ["gzip", "br", "gzip, br"]) {
        const ask = (more) => fetchRaw(server.url, path, { Cookie: cookie, "Accept-Encoding": encoding, ...more });
        const answer = await ask();
        assert.ok(encoding.includes(answer.headers["content-encoding"]));
        assert.match(answer.headers.vary, /Accept-Encoding/i);
        assert.equal(unpack(answer), plain.bytes.toString());
        tags.add(answer.headers.etag);
        const again = await ask({ "If-None-Match": `"other", W/${answer.headers.etag}` });
        assert.deepEqual([again.status, again.bytes.length], [304, 0]);
        assert.equal(again.headers.etag, answer.headers.etag);
      }
      assert.equal(tags.size, 3, "two forms share a tag");
      const { status, bytes } = await fetchRaw(server.url, path, { Cookie: cookie, "If-None-Match": '"x"' });
      assert.deepEqual([status, bytes.length], [200, plain.bytes.length]);
      const head = await fetchRaw(server.url, path, { Cookie: cookie }, "HEAD");
      assert.deepEqual([head.status, head.bytes.length], [200, 0]);
      assert.equal(Number(head.headers["content-length"]), plain.bytes.length);
    }
  });

  it("the tag changes with the next event", async () => {
    const player = await playerOf(server, 5);
    const before = (await player.get("/api/scoreboard")).headers.etag;
    const { seq } = (await player.submit(3, flagOf(3))).json;
    await boardWith(player, seq);
    const answer = await player.get("/api/scoreboard", { "If-None-Match": before });
    assert.equal(answer.status, 200);
    assert.notEqual(answer.headers.etag, before);
  });

  it("the graph ends at everyone's score and never goes back in time", async () => {
    const player = await playerOf(server, 1);
    const board = (await player.get("/api/scoreboard")).json;
    const graph = await waitFor("the graph", async () => {
      const { json } = await player.get("/api/graph");
      return json.seq >= board.seq && json;
    });
    assert.ok(graph.players.length <= 10);
    for (const [i, curve] of graph.players.entries()) {
      assert.equal(curve.user_id, board.players[i].user_id);
      assert.equal(curve.points.at(-1)?.[1] ?? 0, board.players[i].score);
      const times = curve.points.map(([ts]) => ts);
      assert.deepEqual(times, [...times].sort((a, b) => a - b));
    }
    const bought = graph.players.find((curve) => curve.points.length === 2 && curve.points[1][1] === 70);
    assert.equal(bought.points[0][1], 100);
  });

  it("event pages lead through the whole log once", async () => {
    const player = await playerOf(server, 1);
    const all = (await player.get("/api/events?limit=1000")).json;
    assert.equal(all.next, null);
    assert.ok(all.events.some((event) => event.type === "hint" && event.points === -30));
    const seen = [];
    let after = 0;
    while (after !== null) {
      const { json } = await player.get(`/api/events?after=${after}&limit=2`);
      assert.ok(json.events.length <= 2);
      seen.push(...json.events);
      after = json.next;
    }
    assert.deepEqual(seen, all.events);
    for (const query of ["after=-1", "after=x", "limit=0", "limit=1001", "limit=", "after=99999999999999999999"]) {
      const answer = await player.get(`/api/events?${query}`);
      assert.deepEqual([answer.status, answer.json], [400, { error: "invalid_parameters" }], query);
    }
    assert.deepEqual((await player.get(`/api/events?after=${all.seq}`)).json.events, []);
  });

  it("a player's and a challenge's events are found without a search", async () => {
    const player = await playerOf(server, 1);
    const board = (await player.get("/api/scoreboard")).json;
    for (const [i, line] of board.players.entries()) {
      const { json } = await player.get(`/api/player?user_id=${line.user_id}`);
      assert.equal(json.displayname, line.displayname);
      assert.equal(json.score, line.score);
      assert.equal(json.place, line.ts === null ? null : i + 1);
      assert.equal(json.complete, true);
      assert.equal(json.events.reduce((sum, event) => sum + event.points, 0), line.score);
    }
    const { json } = await player.get("/api/solves?id=1");
    assert.equal(json.complete, true);
    assert.deepEqual(json.solves.map((solve) => solve.place), json.solves.map((_, i) => i + 1));
    assert.equal(json.solves[0].user_id, board.challenges[0].first);
    for (const [path, status, error] of [
      ["/api/player", 400, "invalid_parameters"],
      ["/api/player?user_id=x", 400, "invalid_parameters"],
      ["/api/player?user_id=4000000000", 404, "unknown_user"],
      ["/api/solves", 400, "invalid_parameters"],
      ["/api/solves?id=77", 404, "unknown_id"],
    ]) {
      const answer = await player.get(path);
      assert.deepEqual([answer.status, answer.json], [status, { error }], path);
    }
  });
});

describe("a board after a resync", { timeout: 60000 }, () => {
  it("is new enough to go on from when it has the seq of the resync: what is behind comes by the stream", async () => {
    const server = await startServer({ game: makeGame({ players: 1 }) });
    const player = new Player(server.url, playerName(0), playerPassword(0));
    await player.login();
    await player.submit(1, flagOf(1));
    const stream = await openStream(player.streamUrl, { since: 1e9 });
    await stream.waitForFrames(1);
    const [{ event, seq: from }] = stream.frames[0];
    assert.equal(event, "resync");
    const board = await waitFor("a board that is not older", async () => {
      const { json } = await player.get("/api/scoreboard");
      return json.seq >= from && json;
    });
    const { seq: next } = (await player.submit(2, flagOf(2))).json;
    await stream.waitForEvent(({ id }) => id === next);
    const sent = stream.events().map(({ id }) => id);
    for (let id = board.seq + 1; id < next; id++) {
      assert.ok(sent.includes(id), `event ${id}: not on the board of ${board.seq}, not on the stream from ${from}`);
    }
    assert.ok(!sent.includes(from), "what the board has is not sent again");
    stream.close();
    player.close();
    await server.stop();
  });
});

describe("a board of 5,000 players", { timeout: 180000 }, () => {
  it("is whole in every form, after every change, however many ask at once", async () => {
    const game = makeGame({ players: 5000, challenges });
    const empty = await startServer({ game, flags: ["--workers", "1"], env: { CTFG_DISPLAY_TOKEN: DISPLAY_TOKEN } });
    await empty.stop();
    const rows = Array.from({ length: 5000 }, (_, i) => `(${1700000000000000 + i},${i + 1},1,1,${i},NULL,0)`);
    execute(
      empty.dbPath,
      `INSERT INTO events(ts,user_id,challenge_id,event_type,points,hint_number,flags) VALUES ${rows.join(",")};`,
    );
    const server = await empty.restart();
    try {
      const headers = { Authorization: `Bearer ${DISPLAY_TOKEN}` };
      const forms = ["identity", "gzip", "br", "gzip, br"];
      const last = await playerOf(server, 0); // the worst
      const check = async (seq) => {
        const answers = await Promise.all(
          Array.from({ length: 40 }, (_, i) =>
            fetchRaw(server.url, "/api/scoreboard", { ...headers, "Accept-Encoding": forms[i % 4] }),
          ),
        );
        for (const answer of answers) {
          assert.equal(answer.status, 200);
          const board = JSON.parse(unpack(answer));
          assert.equal(board.players.length, 5000);
          const sum = board.players.reduce((total, line) => total + line.score, 0);
          assert.equal(sum, (5000 * 4999) / 2 + (board.seq > 5000 ? 50 : 0) + (board.seq > 5001 ? 60 : 0));
          assert.ok(board.seq <= seq);
          for (let i = 1; i < 5000; i++) {
            assert.ok(board.players[i - 1].score >= board.players[i].score);
          }
        }
      };
      await check(5000);
      await check((await last.submit(2, flagOf(2))).json.seq);
      await check((await last.submit(3, flagOf(3))).json.seq);
      const gzip = await fetchRaw(server.url, "/api/scoreboard", { ...headers, "Accept-Encoding": "gzip" });
      assert.equal(gzip.headers["content-encoding"], "gzip");
    } finally {
      await server.stop();
    }
  });
});

describe("the built-in page", { timeout: 60000 }, () => {
  let server;
  before(async () => {
    server = await startServer({
      game: makeGame({
        players: 1,
        challenges,
        files: { "images/room.png": "not really a picture", "images/empty.txt": "", "css/own.css": "never served" },
      }),
    });
  });
  after(() => server?.stop());

  it("answers each of its views with the same page, under a strict policy", async () => {
    const index = await call(server.url, "GET", "/");
    assert.match(index.headers["content-type"], /^text\/html/);
    assert.match(index.headers["content-security-policy"], /^default-src 'none'; script-src 'self';/);
    assert.equal(index.headers["x-content-type-options"], "nosniff");
    assert.ok(index.headers["referrer-policy"]);
    assert.equal(index.headers["cache-control"], "no-cache");
    for (const path of ["/index.html", "/challenges", "/challenge/1", "/scoreboard", "/player/7", "/name", "/board"]) {
      const answer = await call(server.url, "GET", path);
      assert.deepEqual([answer.status, answer.text], [200, index.text], path);
    }
    for (const path of ["/player/x", "/challenge/", "/scoreboard/", "/css/own.css", "/challenges.json", "/.env"]) {
      assert.equal((await call(server.url, "GET", path)).status, 404, path);
    }
  });

  it("its hashed files are kept for ever, packed, and loaded from here only", async () => {
    const index = await call(server.url, "GET", "/");
    const urls = [...index.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]);
    const isOwn = (url) => /^\/(?!\/)/.test(url) || url.startsWith("data:"); // which loads nothing
    assert.ok(urls.every(isOwn), urls.join(" "));
    const script = urls.find((url) => url.startsWith("/assets/") && url.endsWith(".js"));
    const plain = await fetchRaw(server.url, script);
    assert.match(plain.headers["content-type"], /^text\/javascript/);
    assert.equal(plain.headers["cache-control"], "public, max-age=31536000, immutable");
    for (const encoding of ["gzip", "br"]) {
      const packed = await fetchRaw(server.url, script, { "Accept-Encoding": encoding });
      assert.equal(packed.headers["content-encoding"], encoding);
      assert.ok(packed.bytes.length < plain.bytes.length);
      assert.equal(unpack(packed), plain.bytes.toString());
      const again = await fetchRaw(server.url, script, {
        "Accept-Encoding": encoding,
        "If-None-Match": packed.headers.etag,
      });
      assert.equal(again.status, 304);
    }
  });

  it("images of the game are served beside it", async () => {
    const image = await call(server.url, "GET", "/images/room.png");
    assert.deepEqual([image.status, image.text], [200, "not really a picture"]);
    assert.equal(image.headers["content-type"], "image/png");
    const empty = await call(server.url, "GET", "/images/empty.txt");
    assert.deepEqual([empty.text, empty.headers["content-type"]], ["", "text/plain; charset=utf-8"]);
  });
});

describe("the organiser's own page", { timeout: 60000 }, () => {
  it("takes the place of the built-in one, without its policy", async () => {
    const server = await startServer({
      game: makeGame({
        players: 1,
        challenges,
        files: {
          "index.html": "<title>ours</title><script src=https://elsewhere.example/x.js></script>",
          "css/room.css": `/* ${"x".repeat(400)} */`,
          "js/app-1a2b3c4d.js": "ours()",
          "images/a b.png": "x",
        },
      }),
    });
    try {
      const index = await call(server.url, "GET", "/");
      assert.match(index.text, /<title>ours/);
      assert.equal(index.headers["content-security-policy"], undefined);
      const css = await fetchRaw(server.url, "/css/room.css", { "Accept-Encoding": "br" });
      assert.match(css.headers["content-type"], /^text\/css/);
      assert.equal(css.headers["content-encoding"], "br");
      assert.match(unpack(css), /x{400}/);
      const script = await call(server.url, "GET", "/js/app-1a2b3c4d.js");
      assert.match(script.headers["cache-control"], /immutable/);
      assert.equal((await call(server.url, "GET", "/images/a%20b.png")).status, 200);
      for (const path of ["/scoreboard", "/challenges.json", "/credentials.csv", "/js/..%2fcredentials.csv"]) {
        assert.equal((await call(server.url, "GET", path)).status, 404, path);
      }
    } finally {
      await server.stop();
    }
  });

  it("has a policy of several lines as one header", async () => {
    const page = "<title>ours</title>";
    const server = await startServer({
      game: makeGame({ players: 1, challenges, files: { "index.html": page } }),
      config: "http:\n  own_page_csp: |\n    default-src 'self';\n    img-src *\n",
    });
    try {
      const index = await call(server.url, "GET", "/");
      assert.equal(index.headers["content-security-policy"], "default-src 'self'; img-src *");
      assert.equal(index.text, page);
    } finally {
      await server.stop();
    }
  });
});

describe("a large board", { timeout: 120000 }, () => {
  const PLAYERS = 2000;
  let server;
  before(async () => {
    const options = { game: makeGame({ players: PLAYERS, challenges }), flags: ["--workers", "1"] };
    server = await startServer(options);
    await server.stop();
    execute(
      server.dbPath,
      `INSERT INTO events (ts, user_id, challenge_id, event_type, points)
       SELECT 1700000000000000 + id * 1000, id, 1, 1, 100 FROM users ORDER BY id;`,
    );
    server = await startServer({ ...options, dbdir: dirname(server.dbPath) });
  });
  after(() => server?.stop());

  it("stays whole for who reads late, while newer ones are made", async () => {
    const player = await playerOf(server, 0);
    const ask = async (coding) => {
      const request = `GET /api/scoreboard HTTP/1.1\r\nHost: x\r\nCookie: ${player.cookie}\r\n${coding}Connection: close\r\n\r\n`;
      const socket = net.connect({ port: Number(new URL(server.url).port), host: "127.0.0.1" });
      socket.write(request);
      await once(socket, "readable"); // its beginning is here, the rest in the kernel's hands
      return socket;
    };
    const seen = [];
    for (const id of [2, 3]) {
      for (const coding of ["", "Accept-Encoding: gzip\r\n"]) {
        seen.push({ coding, socket: await ask(coding), before: (await player.get("/api/scoreboard")).json.seq });
      }
      await boardWith(player, (await player.submit(id, flagOf(id))).json.seq);
    }
    for (const { coding, socket, before: seq } of seen) {
      const chunks = [];
      for await (const chunk of socket) {
        chunks.push(chunk);
      }
      const all = Buffer.concat(chunks);
      const headEnd = all.indexOf("\r\n\r\n") + 4;
      const tag = Number(/ETag: "(\d+)-/.exec(all.subarray(0, headEnd).toString())[1]);
      const body = all.subarray(headEnd);
      const board = JSON.parse(coding === "" ? body : gunzipSync(body));
      assert.equal(board.seq, tag);
      assert.equal(tag, seq, "it was asked for before the solve");
      assert.equal(board.players.length, PLAYERS);
    }
  });
});

describe("what operators ask", { timeout: 60000 }, () => {
  it("/healthz, /readyz and /metrics answer on their own address only", async () => {
    const server = await startServer({ game: makeGame({ players: 3, challenges }), flags: ["--workers", "2"] });
    try {
      const player = await playerOf(server, 0);
      await player.submit(1, flagOf(1));
      const get = (path) => call(new URL(path, server.metricsUrl).href, "GET", path);
      assert.equal((await get("/healthz")).text, "ok\n");
      assert.equal((await get("/readyz")).status, 200);
      const { text, headers } = await get("/metrics");
      assert.match(headers["content-type"], /^text\/plain; version=0\.0\.4/);
      for (const path of ["/metrics", "/healthz", "/readyz"]) {
        assert.equal((await call(server.url, "GET", path)).status, 404, path);
      }
      assert.equal((await get("/")).status, 404);

      const value = (pattern) => Number(new RegExp(`^${pattern} (\\S+)$`, "m").exec(text)?.[1]);
      assert.equal(value("ctfg_players"), 3);
      assert.equal(value("ctfg_challenges"), 3);
      assert.equal(value("ctfg_sequence"), 1);
      assert.equal(value('ctfg_solves_total\\{process="db"\\}'), 1);
      assert.equal(value('ctfg_http_requests_total\\{method="POST",route="/api/submit",code="200"\\}'), 1);
      assert.match(text, /^ctfg_build_info\{version="[^"]+"\} 1$/m);

      const types = new Map();
      for (const line of text.trimEnd().split("\n")) {
        const type = /^# TYPE (\S+) (\S+)$/.exec(line);
        if (type) types.set(type[1], type[2]);
        if (line.startsWith("#")) continue;
        assert.match(line, /^[a-z_]+(\{([a-z]+="[^"]*",?)+\})? \d+(\.\d+)?$/);
        const name = /^[a-z_]+/.exec(line)[0];
        const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
        assert.ok(types.has(family), `${name} has no TYPE`);
        assert.equal(types.get(family) === "counter", name.endsWith("_total"), name);
      }
    } finally {
      await server.stop();
    }
  });

  it("while db is away /readyz says so", async () => {
    const server = await startServer({ game: makeGame({ players: 3, challenges }), flags: ["--workers", "1"] });
    try {
      const get = () => call(new URL("/readyz", server.metricsUrl).href, "GET", "/readyz");
      server.kill(server.dbPid(), "SIGSTOP");
      assert.equal((await get()).status, 200); // slow is not away
      const silent = await waitFor("word of its silence", async () => {
        const answer = await get();
        return answer.status === 503 && answer;
      });
      assert.match(silent.text, /not been heard of/);
      const pid = server.dbPid();
      server.kill(pid, "SIGKILL");
      await waitFor("ready again", async () => server.dbPid() !== pid && (await get()).status === 200);
    } finally {
      await server.stop();
    }
  });

  it("while no db can start /readyz says so, all the time", async () => {
    const server = await startServer({ game: makeGame({ players: 3, challenges }), flags: ["--workers", "1"] });
    const refusals = () => server.log().match(/msg="the database cannot be opened"/g)?.length ?? 0;
    const kept = `${server.dbPath}.kept`;
    try {
      const get = () => call(new URL("/readyz", server.metricsUrl).href, "GET", "/readyz");
      const pid = server.dbPid();
      server.kill(pid, "SIGSTOP");
      renameSync(server.dbPath, kept);
      renameSync(`${server.dbPath}-wal`, `${kept}-wal`);
      rmSync(`${server.dbPath}-shm`);
      writeFileSync(server.dbPath, "this is no database");
      server.kill(pid, "SIGKILL");
      await waitFor("a db that cannot start", () => refusals() > 0);
      let asked = 0;
      while (refusals() < 5) { // it is forked again and again
        const answer = await get();
        assert.equal(answer.status, 503, `asked for the ${++asked}th time, a flag would be accepted`);
        assert.match(answer.text, /^The db process has ended/);
      }
      renameSync(kept, server.dbPath);
      renameSync(`${kept}-wal`, `${server.dbPath}-wal`);
      await waitFor("ready again", async () => (await get()).status === 200, 20000);
    } finally {
      await server.stop();
    }
  });
});
