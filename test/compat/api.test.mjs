// SPDX-License-Identifier: MIT
// The calls that tools of the older engine make, one by one: statuses, fields, words.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { rawExchange } from "../lib/client.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player } from "../lib/player.mjs";
import { startServer } from "../lib/server.mjs";

const API_TOKEN = "an-award-token-of-the-test";

let server;
let used = 0;

async function freshPlayer() {
  const fresh = new Player(server.url, playerName(used), playerPassword(used));
  used += 1;
  await fresh.login();
  return fresh;
}

const award = (body, headers = { Authorization: API_TOKEN }) =>
  call(server.url, "POST", "/api/award", { headers, body });

describe("contract, section 3: the HTTP API", { timeout: 60000 }, () => {
  before(async () => {
    const placeholders =
      "@USERNAME@|@USERID@|@DISPLAYNAME@|@OBFUSCATED_DISPLAYNAME@|@CONTROL_CLUSTER@|@PLAYER_CLUSTER@";
    server = await startServer({
      game: makeGame({
        players: 60,
        challenges: [
          challenge(1, {
            points: 100,
            hints: [
              { id: 1, text: "first **hint**", cost: 10 },
              { id: 2, text: "second", cost: 20 },
            ],
          }),
          challenge(2, { requirements: [1], content: "content", points: 50 }),
          challenge(3, { description: placeholders, content: placeholders }),
          challenge(4, { hints: [{ id: 1, text: "dear", cost: 1000 }] }),
        ],
        files: {
          "ctfg.yaml": "game:\n  ends: 2199-01-01T00:00:00Z\n  logo: logo.png\n  accent_colour: '#aabb09'\n",
          "images/logo.png": "a logo",
          "images/banner.png": "a banner",
          "game-clusters.yaml": "control_cluster: control\nplayer_clusters: [zero, one, two]\n",
        },
      }),
      env: { CTFG_API_TOKEN: API_TOKEN },
    });
  });
  after(() => server?.stop());

  it("POST /api/login answers name, URL and the session cookie first", async () => {
    const answer = await call(server.url, "POST", "/api/login", {
      body: { username: playerName(50), password: playerPassword(50) },
    });
    assert.equal(answer.status, 200);
    assert.match(answer.headers["content-type"], /^application\/json/);
    assert.equal(answer.headers["cache-control"], "no-store");
    assert.equal(answer.json.displayname, null);
    assert.equal(answer.json.needs_name, true);
    const cookie = answer.headers["set-cookie"][0];
    assert.match(cookie, /^ctfg_session=[\w-]+; Path=\/;.*HttpOnly; SameSite=Lax$/);

    const url = new URL(answer.json.websocket_url);
    assert.ok(answer.json.websocket_url.length <= 190);
    assert.ok(["ws:", "wss:"].includes(url.protocol));
    assert.equal(url.pathname, "/scorestream");
    assert.deepEqual([...url.searchParams.keys()], ["token"]);
    assert.match(url.searchParams.get("token"), /^[\w-]+$/);
    assert.equal(url.host, new URL(server.url).host);
  });

  it("behind a trusted proxy with https the cookie is Secure and the stream wss", async () => {
    const answer = await call(server.url, "POST", "/api/login", {
      headers: { "X-Forwarded-Proto": "https", "X-Forwarded-Host": "ctf.example" },
      body: { username: playerName(50), password: playerPassword(50) },
    });
    assert.match(answer.headers["set-cookie"][0], /; Secure$/);
    assert.match(answer.json.websocket_url, /^wss:\/\/ctf\.example\/scorestream\?token=/);
  });

  it("of a Host that is too long no websocket_url is made", async () => {
    const login = (host) =>
      call(server.url, "POST", "/api/login", {
        headers: { Host: host },
        body: { username: playerName(50), password: playerPassword(50) },
      });
    const refused = await login(`${"a".repeat(60)}.${"b".repeat(60)}.example`);
    assert.deepEqual([refused.status, refused.json], [400, { error: "bad_request" }]);
    const longest = await login("a".repeat(60));
    assert.equal(longest.status, 200);
    assert.ok(longest.json.websocket_url.length <= 190);
  });

  it("POST /api/login refuses what it must", async () => {
    const login = (body) => call(server.url, "POST", "/api/login", { body });
    const wrong = await login({ username: playerName(51), password: "no" });
    assert.deepEqual([wrong.status, wrong.json], [401, { error: "invalid_credentials" }]);
    assert.equal(wrong.headers["set-cookie"], undefined);
    for (const [body, error] of [
      ["", "invalid_json"],
      ["nonsense", "invalid_json"],
      ["[]", "invalid_json"],
      ["null", "invalid_json"],
      [{}, "missing_parameters"],
      [{ username: "a" }, "missing_parameters"],
      [{ username: 1, password: "x" }, "missing_parameters"],
      [{ username: "a", password: null }, "missing_parameters"],
    ]) {
      const answer = await login(body);
      assert.deepEqual([answer.status, answer.json], [400, { error }], JSON.stringify(body));
    }
  });

  it("GET /api/me tells who I am, with and without a session", async () => {
    const player = await freshPlayer();
    const me = await player.get("/api/me");
    assert.equal(me.status, 200);
    assert.equal(me.json.username, player.username);
    assert.equal(me.json.displayname, null);
    assert.equal(me.json.needs_name, true);
    assert.match(me.json.websocket_url, /\/scorestream\?token=/);
    const nobody = await call(server.url, "GET", "/api/me");
    assert.deepEqual([nobody.status, nobody.json], [401, { error: "no session" }]);
    player.close();
  });

  it("a cookie may come back with all its attributes, and beside others", async () => {
    const player = await freshPlayer();
    const value = player.cookie.split(";")[0];
    const beside = [`a=b; ${value}`, `a=b;${value}; c=d`, `${value};`, `ctfg_session=bad; ${value}`];
    for (const cookie of [player.cookie, value, ...beside]) {
      const me = await call(server.url, "GET", "/api/me", { headers: { Cookie: cookie } });
      assert.equal(me.status, 200, cookie.replace(value, "…"));
    }
    const lines = `GET /api/me HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\nCookie: ${value}\r\nConnection: close\r\n\r\n`;
    assert.match(await rawExchange(server.url, lines), /^HTTP\/1\.1 200 /);
    player.close();
  });

  it("POST /api/set-name keeps the rules and says which one was broken", async () => {
    const player = await freshPlayer();
    const name = async (text) => {
      const answer = await player.post("/api/set-name", { name: text });
      return [answer.status, answer.json.error ?? answer.json.result];
    };
    assert.deepEqual(await name("  Crypto \t  Cats  "), [200, "ok"]);
    assert.equal((await player.get("/api/me")).json.displayname, "Crypto Cats");
    assert.equal((await player.get("/api/me")).json.needs_name, false);
    assert.deepEqual(await name("Modest Mouse"), [200, "ok"]);
    assert.deepEqual(await name(" "), [400, "Display name cannot be empty"]);
    assert.deepEqual(await name("x"), [400, "Display name must be at least 2 characters"]);
    assert.deepEqual(await name("x1".repeat(16)), [400, "Display name cannot exceed 30 characters"]);
    assert.deepEqual(await name("a<b"), [400, "Display name contains invalid characters"]);
    assert.deepEqual(await name("é".repeat(5)), [400, "Display name contains invalid characters"]);
    assert.deepEqual(await name("xXAdminXx"), [400, "Display name contains restricted terms"]);
    assert.deepEqual(await name("a mod"), [400, "Display name contains restricted terms"]);
    assert.deepEqual(await name("heyyyyyy"), [
      400,
      "Display name contains excessive character repetition",
    ]);
    const other = await freshPlayer();
    const taken = await other.post("/api/set-name", { name: "MODEST mouse" });
    assert.deepEqual([taken.status, taken.json], [409, { error: "name_taken" }]);
    assert.equal((await other.post("/api/set-name", {})).json.error, "missing_parameters");
    assert.deepEqual(await name("modest mouse"), [200, "ok"]); // one's own, in other letters
    const called = `anonymous-${(await other.get("/api/me")).json.user_id}`; // what the boards call the other one
    assert.deepEqual(await name(called), [409, "name_taken"]);
    assert.deepEqual((await other.post("/api/set-name", { name: called })).json, { result: "ok", displayname: called });
    player.close();
    other.close();
  });

  it("GET /api/challenges lists what is open, with the contract's fields", async () => {
    const player = await freshPlayer();
    const list = (await player.get("/api/challenges")).json;
    assert.deepEqual(list.map((c) => c.id), [1, 3, 4]);
    const first = list[0];
    assert.equal(first.title, "Challenge 1");
    assert.equal(first.category, "odd");
    assert.equal(first.difficulty, "easy");
    assert.equal(first.points, 100);
    assert.ok(!first.solved);
    assert.equal(first.description, "Say **flag{1}**.");
    assert.deepEqual(first.hints, [
      { id: 1, cost: 10 },
      { id: 2, cost: 20 },
    ]);
    await player.submit(1, flagOf(1));
    const now = (await player.get("/api/challenges")).json;
    assert.deepEqual(now.map((c) => c.id), [1, 2, 3, 4]);
    assert.ok(now[0].solved);
    assert.equal(now[1].content, "content");
    player.close();
  });

  it("placeholders are filled in for the player who reads", async () => {
    const player = await freshPlayer();
    const text = async () =>
      (await player.get("/api/challenges")).json.find((c) => c.id === 3).description;
    const id = player.userId;
    const cluster = ["zero", "one", "two"][id % 3];
    assert.equal(await text(), `${player.username}|${id}|[unset]|[unset]|control|${cluster}`);
    await player.post("/api/set-name", { name: "alice" });
    assert.equal(
      await text(),
      `${player.username}|${id}|alice|120304064854EBDF35|control|${cluster}`,
    );
    player.close();
  });

  it("POST /api/submit: correct with its receipt, already_solved, incorrect, the refusals", async () => {
    const player = await freshPlayer();
    const other = await freshPlayer();
    await other.submit(4, flagOf(4));
    const submit = async (id, flag) => {
      const answer = await player.submit(id, flag);
      return [answer.status, answer.json];
    };
    const [status, receipt] = await submit(4, `  \t${flagOf(4)}\r\n`);
    assert.equal(status, 200);
    assert.equal(receipt.result, "correct");
    assert.equal(receipt.points, 10);
    assert.equal(receipt.total, 10);
    assert.equal(receipt.place, 2);
    assert.ok(Number.isInteger(receipt.seq) && receipt.seq > 0);
    assert.ok(Math.abs(receipt.ts - Date.now()) < 60000);
    assert.deepEqual(await submit(4, flagOf(4)), [200, { result: "already_solved", total: 10 }]);
    assert.deepEqual(await submit(4, "whatever"), [200, { result: "already_solved", total: 10 }]);
    const [wrongStatus, wrong] = await submit(1, "no");
    assert.deepEqual([wrongStatus, wrong.result], [200, "incorrect"]);
    assert.deepEqual(await submit(99, "x"), [400, { error: "unknown_id" }]);
    assert.deepEqual(await submit(-1, "x"), [400, { error: "unknown_id" }]);
    assert.deepEqual(await submit(4294967297, "x"), [400, { error: "unknown_id" }]);
    assert.deepEqual(await submit(2, flagOf(2)), [403, { error: "locked" }]);
    const again = await freshPlayer();
    for (const [body, error] of [
      ["{", "invalid_json"],
      [{ id: 1 }, "missing_parameters"],
      [{ flag: "x" }, "missing_parameters"],
      [{ id: "1", flag: "x" }, "missing_parameters"],
      [{ id: 1.5, flag: "x" }, "missing_parameters"],
      [{ id: 1, flag: 7 }, "missing_parameters"],
    ]) {
      const answer = await again.post("/api/submit", body);
      assert.deepEqual([answer.status, answer.json], [400, { error }]);
    }
    player.close();
    other.close();
    again.close();
  });

  it("POST /api/hint: in order, paid once, with every refusal of the contract", async () => {
    const player = await freshPlayer();
    const buy = async (id, hint_id) => {
      const answer = await player.post("/api/hint", { id, hint_id });
      return [answer.status, answer.json.error ?? answer.json.result];
    };
    assert.deepEqual(await buy(1, 1), [402, "insufficient_points"]);
    await player.submit(1, flagOf(1));
    assert.deepEqual(await buy(1, 2), [403, "locked"]);
    assert.deepEqual(await buy(1, 1), [200, "ok"]);
    assert.deepEqual(await buy(1, 1), [400, "already_purchased"]);
    assert.deepEqual(await buy(1, 3), [400, "unknown_hint"]);
    assert.deepEqual(await buy(1, 0), [400, "unknown_hint"]);
    assert.deepEqual(await buy(99, 1), [400, "unknown_challenge"]);
    assert.deepEqual(await buy(4, 1), [402, "insufficient_points"]);
    const last = await player.post("/api/hint", { id: 1, hint_id: 2 });
    assert.deepEqual([last.json.text, last.json.total], ["second", 70]);
    const list = (await player.get("/api/challenges")).json;
    assert.deepEqual(list[0].hints, [
      { id: 1, cost: 10, text: "first **hint**" },
      { id: 2, cost: 20, text: "second" },
    ]);
    const missing = await player.post("/api/hint", { id: 1 });
    assert.deepEqual([missing.status, missing.json], [400, { error: "missing_parameters" }]);
    player.close();
  });

  it("POST /api/award gives a solve, bare or Bearer token, whatever the requirements", async () => {
    const player = await freshPlayer();
    const ok = await award({ username: player.username, id: 2 });
    assert.deepEqual([ok.status, ok.json.result], [200, "ok"]);
    const again = await award(
      { username: player.username, id: 2 },
      { Authorization: `Bearer ${API_TOKEN}` },
    );
    assert.deepEqual([again.status, again.json], [200, { result: "already_solved", total: 50 }]);
    assert.equal((await award({ username: "nobody", id: 2 })).json.error, "unknown_user");
    assert.equal((await award({ username: player.username, id: 77 })).json.error, "unknown_id");
    assert.equal((await award({ username: player.username })).json.error, "missing_parameters");
    const denied = await award({ username: player.username, id: 3 }, {});
    assert.deepEqual([denied.status, denied.json], [401, { error: "unauthorized" }]);
    player.close();
  });

  it("a missing token disables what it guards", async () => {
    const bare = await startServer({ game: makeGame({ players: 1, challenges: 1 }) });
    try {
      for (const token of ["", "Bearer ", "Bearer x"]) {
        const answer = await call(bare.url, "POST", "/api/award", {
          headers: { Authorization: token },
          body: { username: playerName(0), id: 1 },
        });
        assert.equal(answer.status, 401);
      }
      const reset = await call(bare.url, "POST", "/admin/reset", { body: { token: "" } });
      assert.equal(reset.status, 401);
    } finally {
      await bare.stop();
    }
  });

  it("a reset that takes longer than an answer may is not said to have failed", async () => {
    const slow = await startServer({
      game: makeGame({ players: 1, challenges: 1 }),
      env: { CTFG_ADMIN_TOKEN: "reset-token", CTFG_DATABASE_REQUEST_TIMEOUT: "200ms" },
    });
    try {
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const from = slow.log().length;
      slow.kill(slow.dbPid(), "SIGSTOP");
      const answer = await call(slow.url, "POST", "/admin/reset", { headers, body: "token=reset-token&confirm=yes" });
      slow.kill(slow.dbPid(), "SIGCONT");
      assert.equal(answer.status, 503);
      assert.match(answer.text, /not answered yet/);
      assert.doesNotMatch(answer.text, /not<\/strong> reset/);
      await slow.waitForLog(/the game was reset/, 10000, from);
    } finally {
      await slow.stop();
    }
  });

  it("a wrong method is 405 with Allow, an unknown path 404", async () => {
    for (const [method, path, allow] of [
      ["GET", "/api/submit", "POST"],
      ["DELETE", "/api/submit", "POST"],
      ["POST", "/api/me", "GET, HEAD"],
      ["PUT", "/api/challenges", "GET, HEAD"],
      ["POST", "/", "GET, HEAD"],
    ]) {
      const answer = await call(server.url, method, path);
      assert.deepEqual([answer.status, answer.headers.allow], [405, allow], `${method} ${path}`);
      assert.equal(typeof answer.json.error, "string");
    }
    for (const path of ["/api/nothing", "/api", "/nothing.html", "/API/me", "/api/me/"]) {
      const answer = await call(server.url, "GET", path);
      assert.equal(answer.status, 404, path);
      assert.equal(typeof answer.json.error, "string");
    }
  });

  it("GET /api/game tells the page its name and the rules of display names", async () => {
    const { status, json } = await call(server.url, "GET", "/api/game");
    assert.equal(status, 200);
    assert.equal(typeof json.name, "string");
    assert.deepEqual([json.name_rules.min, json.name_rules.max], [2, 30]);
    assert.ok(json.name_rules.blocked.includes("gamemaster"));
    assert.ok(Math.abs(json.server_ts - Date.now()) < 60000);
    assert.deepEqual([json.starts_ts, json.ends_ts], [null, Date.parse("2199-01-01T00:00:00Z")]);
  });

  it("GET /api/game names the game's pictures, which are there", async () => {
    const { json } = await call(server.url, "GET", "/api/game");
    assert.deepEqual([json.logo, json.banner, json.accent], ["/images/logo.png", "/images/banner.png", "#aabb09"]);
    assert.equal((await call(server.url, "GET", json.logo)).text, "a logo");
    assert.equal((await call(server.url, "GET", json.banner)).text, "a banner");
  });

  it("GET /reset is a small form that needs no script", async () => {
    const answer = await call(server.url, "GET", "/reset");
    assert.equal(answer.status, 200);
    assert.match(answer.headers["content-type"], /text\/html/);
    assert.match(answer.text, /name="token"/);
    assert.match(answer.text, /name="confirm"/);
    assert.match(answer.headers["content-security-policy"], /default-src 'none'/);
  });

  it("every answer carries a request id and the security headers", async () => {
    for (const path of ["/api/me", "/api/nothing", "/"]) {
      const answer = await call(server.url, "GET", path);
      assert.match(answer.headers["x-request-id"], /^[0-9a-f]{16}$/);
      assert.equal(answer.headers["x-content-type-options"], "nosniff");
      assert.ok(answer.headers["referrer-policy"]);
    }
  });
});
