// SPDX-License-Identifier: MIT
// P5: no one sees or does what they may not: sessions, tokens, origins, limits, secrets in the log.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { openStream } from "../lib/client.mjs";
import { query } from "../lib/database.mjs";
import { challenge, flagOf, HASH_OF_PW, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { startServer } from "../lib/server.mjs";

const API_TOKEN = "an-award-token-nobody-may-see";
const ADMIN_TOKEN = "an-admin-token-nobody-may-see";
const DISPLAY_TOKEN = "a-display-token-nobody-may-see";
const WRONG_GUESS = "flag{a-guess-nobody-may-see}";

let server;
let player;
let used = 0;

/** A player nobody has used yet: limits are per player. */
async function freshPlayer() {
  used += 1;
  const fresh = new Player(server.url, playerName(used), playerPassword(used));
  await fresh.login();
  return fresh;
}

const award = (token, body) =>
  call(server.url, "POST", "/api/award", { headers: { Authorization: token }, body });

describe("P5: no one sees or does what they may not", { timeout: 120000 }, () => {
  before(async () => {
    server = await startServer({
      game: makeGame({
        players: 60,
        challenges: [
          challenge(1, { points: 100 }),
          challenge(2, { requirements: [1], hints: [{ id: 1, text: "a secret hint", cost: 5 }] }),
          ...Array.from({ length: 40 }, (_, i) => challenge(i + 3)),
        ],
      }),
      flags: ["--workers", "2"],
      env: { CTFG_API_TOKEN: API_TOKEN, CTFG_ADMIN_TOKEN: ADMIN_TOKEN, CTFG_DISPLAY_TOKEN: DISPLAY_TOKEN, CTFG_LOG_LEVEL: "debug" },
    });
    player = new Player(server.url, playerName(0), playerPassword(0));
    await player.login();
  });
  after(async () => {
    player.close();
    await server?.stop();
  });

  it("every call that needs a session refuses without one", async () => {
    for (const [method, path, body] of [
      ["POST", "/api/logout", {}],
      ["POST", "/api/set-name", { name: "Nobody" }],
      ["GET", "/api/challenges"],
      ["POST", "/api/submit", { id: 1, flag: flagOf(1) }],
      ["POST", "/api/hint", { id: 2, hint_id: 1 }],
      ["GET", "/api/scoreboard"],
      ["GET", "/api/events"],
    ]) {
      for (const headers of [{}, { Cookie: "ctfg_session=forged" }, { Cookie: "ctfg_session=" }]) {
        const answer = await call(server.url, method, path, { body, headers });
        assert.equal(answer.status, 401, `${method} ${path}`);
        assert.deepEqual(answer.json, { error: "unauthorized" });
      }
    }
    const me = await call(server.url, "GET", "/api/me");
    assert.deepEqual([me.status, me.json], [401, { error: "no session" }]);
  });

  it("a challenge whose requirements are unmet shows nothing and takes nothing", async () => {
    const fresh = await freshPlayer();
    const list = (await fresh.get("/api/challenges")).json;
    assert.ok(!list.some((c) => c.id === 2));
    const locked = (await fresh.get("/api/challenges?locked=1")).json.find((c) => c.id === 2);
    assert.equal(locked.locked, true);
    assert.equal(locked.description, undefined);
    assert.equal((await fresh.submit(2, flagOf(2))).status, 403);
    assert.equal((await fresh.post("/api/hint", { id: 2, hint_id: 1 })).status, 403);
    assert.equal((await fresh.submit(1, flagOf(1))).json.result, "correct");
    const open = (await fresh.get("/api/challenges")).json.find((c) => c.id === 2);
    assert.equal(open.hints[0].text, undefined, "a hint that is not bought shows its text");
    assert.equal((await fresh.post("/api/hint", { id: 2, hint_id: 1 })).status, 200);
    assert.equal((await fresh.submit(2, flagOf(2))).json.result, "correct");
    fresh.close();
  });

  it("no answer of the game carries a flag", async () => {
    const list = await player.get("/api/challenges?locked=1");
    assert.ok(!/"(flag|testflag)"/.test(list.text));
  });

  it("after ten wrong guesses the eleventh is refused and says when to come back", async () => {
    const fresh = await freshPlayer();
    for (let i = 0; i < 10; i++) {
      const answer = await fresh.submit(1, WRONG_GUESS);
      assert.equal(answer.json.result, "incorrect");
      assert.equal(answer.json.tries_left, 9 - i);
    }
    const refused = await fresh.submit(1, flagOf(1));
    assert.equal(refused.status, 429);
    assert.equal(refused.json.error, "rate_limit_exceeded");
    assert.ok(refused.json.retry_after_ms > 0 && refused.json.retry_after_ms <= 2000);
    assert.match(refused.headers["retry-after"], /^[12]$/);
    fresh.close();
  });

  it("the limit holds across workers and connections", async () => {
    const fresh = await freshPlayer();
    const answers = await Promise.all(
      Array.from({ length: 40 }, () =>
        call(server.url, "POST", "/api/submit", {
          headers: { Cookie: fresh.cookie },
          body: { id: 1, flag: WRONG_GUESS },
        }),
      ),
    );
    const judged = answers.filter((a) => a.status === 200).length;
    assert.ok(judged >= 10 && judged <= 11, `${judged} of 40 wrong guesses were judged`);
    fresh.close();
  });

  it("right answers give their token back", async () => {
    const fresh = await freshPlayer();
    for (let id = 3; id <= 40; id++) {
      assert.equal((await fresh.submit(id, flagOf(id))).json.result, "correct");
    }
    fresh.close();
  });

  it("a foreign page cannot act for a player; the own one and tools can", async () => {
    const fresh = await freshPlayer();
    const act = (headers) => fresh.post("/api/set-name", { name: "Some Body" }, headers);
    assert.equal((await act({ Origin: "https://evil.example" })).status, 403);
    assert.equal((await act({ Origin: "null" })).status, 403);
    assert.equal((await act({ Origin: new URL(server.url).origin })).status, 200);
    assert.equal((await act({})).status, 200);
    fresh.close();
  });

  it("a logout ends this session everywhere and leaves other devices alone", async () => {
    const one = await freshPlayer();
    const two = new Player(server.url, one.username, one.password);
    await two.login();
    assert.equal((await one.post("/api/logout", {})).status, 204);
    for (let i = 0; i < 8; i++) {
      const again = await call(server.url, "GET", "/api/me", { headers: { Cookie: one.cookie } });
      assert.equal(again.status, 401);
    }
    assert.equal((await two.get("/api/me")).status, 200);
    one.close();
    two.close();
  });

  it("a screen that a session opened ends with it, by whatever end; one of the display token stays", async () => {
    const screen = async (headers) => (await call(server.url, "GET", "/api/display", { headers })).json.websocket_url;
    const kick = (username) =>
      call(server.url, "POST", "/admin/logout", { headers: { Authorization: `Bearer ${ADMIN_TOKEN}` }, body: { username } });
    const room = await openStream(await screen({ Authorization: `Bearer ${DISPLAY_TOKEN}` }));
    for (const end of [(one) => one.post("/api/logout"), (one) => kick(one.username)]) {
      const fresh = await freshPlayer();
      const url = await screen({ Cookie: fresh.cookie });
      const stream = await openStream(url);
      assert.ok((await end(fresh)).status < 300);
      await assert.rejects(openStream(url), { status: 401 });
      assert.deepEqual(await stream.closed, { code: 1008, reason: "logged out" });
      fresh.close();
    }
    assert.equal(room.end, undefined);
    room.close();
  });

  it("an admin ends the sessions of one player, or of everyone", async () => {
    const [kicked, other] = [await freshPlayer(), await freshPlayer()];
    const logout = (token, body) =>
      call(server.url, "POST", "/admin/logout", {
        headers: { Authorization: `Bearer ${token}` },
        body,
      });
    assert.equal((await logout("wrong", {})).status, 401);
    assert.equal((await logout(ADMIN_TOKEN, { username: kicked.username })).status, 200);
    assert.equal((await kicked.get("/api/me")).status, 401);
    assert.equal((await other.get("/api/me")).status, 200);
    assert.equal((await logout(ADMIN_TOKEN, {})).status, 200);
    assert.equal((await other.get("/api/me")).status, 401);
    await player.login();
    kicked.close();
    other.close();
  });

  it("wrong passwords are limited by name, and a wrong name is answered like a wrong password", async () => {
    const login = (username, password) =>
      call(server.url, "POST", "/api/login", { body: { username, password } });
    const unknown = await login("nobody-at-all", "x");
    const wrong = await login(playerName(58), "x");
    assert.deepEqual([unknown.status, unknown.text], [wrong.status, wrong.text]);
    let limited;
    for (let i = 0; i < 20 && !limited; i++) {
      const answer = await login(playerName(58), "x");
      limited = answer.status === 429 ? answer : undefined;
    }
    assert.ok(limited, "twenty wrong passwords for one name were all judged");
    assert.equal((await login(playerName(57), playerPassword(57))).status, 200);
  });

  it("award_logs_its_token_has_no_limit: call 101 is 429, and the token is in no log line", async () => {
    const statuses = [];
    for (let i = 0; i < 120 && !statuses.includes(429); i++) {
      const bearer = i % 2 ? API_TOKEN : `Bearer ${API_TOKEN}`;
      statuses.push((await award(bearer, { username: playerName(50), id: 3 })).status);
    }
    assert.ok(statuses.length >= 101, `call ${statuses.length} was refused`);
    assert.equal(statuses.at(-1), 429);
    assert.equal((await award("wrong", { username: playerName(50), id: 3 })).status, 401);
    assert.equal((await award("", { username: playerName(50), id: 3 })).status, 401);
  });

  it("wrong tokens are limited by address, whatever they are for, and right ones cost nothing", async () => {
    const strict = await startServer({
      game: makeGame({
        players: 1,
        challenges: 1,
        files: { "ctfg.yaml": "http:\n  trusted_proxies: [127.0.0.1]\nlimits:\n  login_address: 5 + 1/600s\n" },
      }),
      flags: ["--workers", "1"],
      env: { CTFG_API_TOKEN: API_TOKEN, CTFG_ADMIN_TOKEN: ADMIN_TOKEN, CTFG_DISPLAY_TOKEN: "a-display-token" },
    });
    try {
      const rows = [
        ["POST", "/api/award", API_TOKEN, { username: playerName(0), id: 1 }],
        ["POST", "/admin/logout", ADMIN_TOKEN, {}],
        ["GET", "/api/scoreboard", "a-display-token"],
        ["GET", "/api/display", "a-display-token"],
      ];
      const ask = async ([method, path, , body], address, token) => {
        const headers = { "X-Forwarded-For": address, ...(token && { Authorization: `Bearer ${token}` }) };
        return (await call(strict.url, method, path, { headers, body })).status;
      };
      const reset = async (address, token) =>
        (await call(strict.url, "POST", "/admin/reset", { headers: { "X-Forwarded-For": address }, body: { token } }))
          .status;
      for (const [i, row] of rows.entries()) {
        const address = `10.0.0.${i + 1}`;
        for (let asked = 0; asked < 20; asked++) {
          assert.equal(await ask(row, address, row[2]), 200, `${row[1]}: a right token costs nothing`);
          assert.equal(await ask(row, address), 401, `${row[1]}: no token is no guess`);
        }
        for (let asked = 0; asked < 5; asked++) {
          assert.equal(await ask(row, address, `wrong-${asked}`), 401, row[1]);
        }
        assert.equal(await ask(row, address, "wrong"), 429, row[1]);
        assert.equal(await ask(row, address, row[2]), 429, `${row[1]} tells which token is right`);
        assert.equal(await reset(address, ADMIN_TOKEN), 429, "one limit for all of them");
        assert.equal(await ask(row, "10.0.1.1", row[2]), 200, `${row[1]}: a neighbour is not limited`);
      }
      for (let asked = 0; asked < 5; asked++) {
        assert.equal(await ask(rows[0], `2001:db8::${asked}`, `wrong-${asked}`), 401);
      }
      assert.equal(await ask(rows[0], "2001:db8::5", "wrong"), 429, "a host has a network of IPv6 addresses, and one limit");
      assert.equal(await ask(rows[0], "2001:db8:0:1::5", API_TOKEN), 200, "a neighbour's network is not limited");
    } finally {
      await strict.stop();
    }
  });

  it("no password, token, cookie, flag or guess is in the log, at the most talkative level", async () => {
    const secrets = [
      API_TOKEN,
      ADMIN_TOKEN,
      WRONG_GUESS,
      playerPassword(0),
      flagOf(1),
      player.cookie.split(";")[0].split("=")[1],
      new URL(player.streamUrl).searchParams.get("token"),
    ];
    for (const secret of secrets) {
      assert.ok(!server.log().includes(secret), "a secret is in the log");
    }
  });

  it("wrong guesses are stored, cut at 256 bytes", async () => {
    const fresh = await freshPlayer();
    const long = `x${"y".repeat(2000)}`;
    await fresh.submit(1, long);
    await fresh.submit(3, flagOf(3)); // what is committed after it: the guess is there too
    const rows = query(server.dbPath, "SELECT guess FROM guesses WHERE guess LIKE 'xy%'");
    assert.equal(rows.length, 1);
    assert.equal(rows[0].guess, long.slice(0, 256));
    await fresh.submit(1, `z${"\u{1f6a9}".repeat(64)}`); // the 64th flag is bytes 253 to 256
    await fresh.submit(4, flagOf(4));
    const [{ hex }] = query(server.dbPath, "SELECT hex(guess) AS hex FROM guesses WHERE guess LIKE 'z%'");
    assert.equal(Buffer.from(hex, "hex").toString(), `z${"\u{1f6a9}".repeat(63)}`);
    fresh.close();
  });

  it("a reset needs the token, ends every session, and ids go on", async () => {
    const before = (await player.get("/api/scoreboard")).json.seq;
    const reset = (body, headers) => call(server.url, "POST", "/admin/reset", { body, headers });
    assert.equal((await reset({ token: "wrong" })).status, 401);
    assert.equal((await reset({})).status, 400);
    const form = { "Content-Type": "application/x-www-form-urlencoded" };
    const unconfirmed = await reset(`token=${ADMIN_TOKEN}`, form);
    assert.equal(unconfirmed.status, 400);
    assert.match(unconfirmed.headers["content-type"], /text\/html/);
    assert.equal((await player.get("/api/me")).status, 200);

    assert.equal((await reset({ token: ADMIN_TOKEN })).status, 200);
    assert.equal((await player.get("/api/me")).status, 401);
    await player.login();
    const board = (await player.get("/api/scoreboard")).json;
    assert.deepEqual(board.players, []);
    const receipt = (await player.submit(1, flagOf(1))).json;
    assert.ok(receipt.seq > before, "a number of before the reset was given again");
    assert.equal(receipt.place, 1);
  });
});

it("P5: no board of before a reset is shown after it, however fresh", async () => {
  const own = await startServer({
    game: makeGame({ players: 1, challenges: [challenge(1)] }),
    config: "stream:\n  tick: 1s\n", // how old a board may be otherwise
    env: { CTFG_ADMIN_TOKEN: ADMIN_TOKEN },
    flags: ["--workers", "1"],
  });
  try {
    const one = new Player(own.url, playerName(0), playerPassword(0));
    await one.login();
    await one.submit(1, flagOf(1));
    assert.equal((await one.get("/api/scoreboard")).json.players.length, 1);
    assert.equal((await call(own.url, "POST", "/admin/reset", { body: { token: ADMIN_TOKEN } })).status, 200);
    await one.login();
    assert.deepEqual((await one.get("/api/scoreboard")).json.players, []);
    one.close();
  } finally {
    await own.stop();
  }
});

it("P5: a stream's token that outlives its session is dead after a logout, for as long as it lives", async () => {
  const own = await startServer({
    game: makeGame({ players: 20, challenges: 1 }),
    config: "limits:\n  session: 2s\n  stream_token: 1h\n",
    flags: ["--workers", "1"],
  });
  let later;
  try {
    const players = Array.from({ length: 20 }, (_, i) => new Player(() => own.url, playerName(i), playerPassword(i)));
    const [one, ...others] = players;
    await one.login();
    const { streamUrl } = one;
    assert.equal((await one.post("/api/logout")).status, 204);
    for (let i = 0; i < 2; i++) { // the second cookie ends when the first one's logout may be forgotten
      await others[0].login();
      await waitFor("the end of a cookie", async () => (await others[0].get("/api/me")).status === 401);
    }
    for (const other of others) { // each looks over some of those that have gone before
      await other.login();
      assert.equal((await other.post("/api/logout")).status, 204);
      other.close();
    }
    one.close();
    await own.stop();
    later = await own.restart();
    const url = streamUrl.replace(/:\d+\//, `:${later.port}/`);
    await assert.rejects(openStream(url), { status: 401 });
  } finally {
    await own.stop();
    await later?.stop();
  }
});

it("P5: a login that was under way when everyone was logged out is good altogether", async () => {
  const game = makeGame({ players: 0, challenges: 1 });
  const names = Array.from({ length: 12 }, (_, i) => playerName(i));
  writeFileSync(join(game, "credentials.csv"), names.map((name) => `${name},"${HASH_OF_PW}"\n`).join(""));
  const own = await startServer({ game, flags: ["--workers", "1"], env: { CTFG_ADMIN_TOKEN: ADMIN_TOKEN } });
  try {
    let answered = 0;
    const logins = names.map(async (username) => {
      const answer = await call(own.url, "POST", "/api/login", { body: { username, password: "pw" } });
      answered++;
      return answer;
    });
    await waitFor("the first login", () => answered > 0); // the others wait for a thread that hashes
    const headers = { Authorization: `Bearer ${ADMIN_TOKEN}` };
    assert.equal((await call(own.url, "POST", "/admin/logout", { headers, body: {} })).status, 200);
    let alive = 0;
    for (const { status, headers: given, json } of await Promise.all(logins)) {
      assert.equal(status, 200);
      const me = await call(own.url, "GET", "/api/me", { headers: { Cookie: given["set-cookie"][0] } });
      const stream = await openStream(json.websocket_url).catch((error) => error);
      assert.equal(stream.status === undefined, me.status === 200, "the cookie and the stream's token are of one mind");
      alive += me.status === 200;
      stream.close?.();
    }
    assert.ok(alive > 0, "no login was under way");
  } finally {
    await own.stop();
  }
});
