// SPDX-License-Identifier: MIT
// docs/openapi.yaml says what the server does: every route, status, header, field and word is in the
// file, and whatever is in the file was seen in an answer of a running server.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";

import { fencedBlocks } from "../docs/blocks.mjs";
import { openStream, rawExchange } from "../lib/client.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { document, fieldsOf, operations, path, resolve } from "../lib/openapi.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { startServer } from "../lib/server.mjs";

const tokens = { CTFG_API_TOKEN: "api-token", CTFG_ADMIN_TOKEN: "admin-token", CTFG_DISPLAY_TOKEN: "display-token" };
const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const foreign = { Origin: "https://elsewhere.example" };
const upgrade = {
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
const streamPage = join(dirname(path), "stream.md");
const CONNECTIONS = 16; // the least a worker can be told to hold

// ---- what is in the file, and what was seen of it ----

const ajv = new Ajv2020.default({ strict: false, allErrors: true });
const compiled = new Map();
const seen = new Set();

/** Fails unless a value is as a schema says. A schema's references are the document's. */
function validate(schema, value, what) {
  if (!compiled.has(schema)) {
    compiled.set(schema, ajv.compile({ ...schema, components: document.components }));
  }
  const check = compiled.get(schema);
  assert.ok(check(value), `${what}: ${ajv.errorsText(check.errors)}: ${JSON.stringify(value)}`);
}

/** What a schema promises: its fields, and the words a field may have. */
const promisesOf = (schema) =>
  fieldsOf(schema).flatMap(({ path, schema: field }) => [
    path,
    ...[field.const, ...(field.enum ?? [])].filter((word) => word !== undefined).map((word) => `${path}=${word}`),
  ]);

/** The same of a value. */
function promisesKept(value, prefix = "") {
  if (Array.isArray(value)) {
    return value.flatMap((element) => promisesKept(element, `${prefix}[]`));
  }
  if (value === null || typeof value !== "object") {
    return [`${prefix}=${value}`];
  }
  return Object.entries(value).flatMap(([name, part]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    return [path, ...promisesKept(part, path)];
  });
}

/** A response's place in the file; shared ones are seen once for all. */
const placeOf = (operation, status) => operation.responses[status].$ref ?? `${operation.name} ${status}`;

/** Headers that belong to HTTP, not to us. */
const OF_HTTP = ["connection", "content-length", "content-type", "date", "keep-alive"];

function checkHeaders(response, answer, what) {
  const documented = Object.entries(response.headers ?? {}).map(([name, header]) => [name.toLowerCase(), resolve(header)]);
  for (const [name, header] of documented) {
    const value = [answer.headers[name]].flat()[0];
    assert.ok(value !== undefined || !header.required, `${what}: the header ${name} is missing`);
    if (value !== undefined) {
      validate(header.schema, value, `${what}: header ${name}`);
    }
  }
  const names = [...OF_HTTP, ...documented.map(([name]) => name)];
  assert.deepEqual(Object.keys(answer.headers).filter((name) => !names.includes(name)), [], `${what}: headers`);
}

/** An answer is what the file says of this operation and status. */
function check(operation, answer) {
  const status = operation.responses[answer.status] === undefined ? "default" : String(answer.status);
  const what = `${operation.name} ${answer.status}`;
  const response = resolve(operation.responses[status]);
  seen.add(`${operation.name} ${status}`);
  checkHeaders(response, answer, what);
  if (response.content === undefined || answer.isHead) {
    assert.equal(answer.text, "", what);
    return;
  }
  const type = answer.headers["content-type"];
  const media = response.content[type] ?? response.content["*/*"];
  assert.ok(media, `${what}: content of type ${type}`);
  const value = type === "application/json" ? answer.json : answer.text;
  validate(media.schema, value, what);
  seen.add(`${placeOf(operation, status)} ${type}`);
  promisesKept(value).forEach((promise) => seen.add(`${placeOf(operation, status)} ${promise}`));
}

const agent = new http.Agent({ keepAlive: false }); // no connection outlives its call and keeps a seat
const operationOf = (id) => operations.find((operation) => operation.operationId === id);

/** Calls an operation, wants a status, and holds the answer against the file. */
async function ask(server, id, status, { player, method, query = "", path, body, headers = {} } = {}) {
  const operation = operationOf(id);
  const base = operation.isForOperators ? server.metricsUrl : server.url;
  const cookie = player === undefined ? {} : { Cookie: player.cookie };
  const options = { headers: { ...cookie, ...headers }, body, agent };
  const answer = await call(base, method ?? operation.method, (path ?? operation.path) + query, options);
  assert.equal(answer.status, status, `${operation.name}: ${answer.text}`);
  check(operation, { ...answer, isHead: method === "HEAD" });
  return answer;
}

/** The answer to bytes that no HTTP client would send. */
async function askRaw(server, id, status, bytes) {
  const answer = await rawExchange(server.url, bytes);
  const [head, text] = answer.split("\r\n\r\n");
  const [line, ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(lines.map((header) => [header.split(": ")[0].toLowerCase(), header.split(": ")[1]]));
  assert.equal(Number(line.split(" ")[1]), status, answer);
  check(operationOf(id), { status, headers, text, json: JSON.parse(text) });
}

/** Opens a stream and looks at nothing but the answer's head. */
async function askUpgrade(server, query) {
  const operation = operationOf("stream");
  const headers = await new Promise((resolve, reject) => {
    const request = http.get(server.url + operation.path + query, { headers: upgrade });
    request.on("error", reject);
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response.headers);
    });
  });
  check(operation, { status: 101, headers, text: "" });
}

let used = 0;
async function newPlayer(server) {
  const player = new Player(server.url, playerName(used), playerPassword(used));
  used += 1;
  await player.login();
  player.close(); // it is called by ask()
  return player;
}

const start = (config, flags = []) =>
  startServer({
    game: makeGame({
      players: 20,
      challenges: [
        challenge(1, {
          points: 100,
          hints: [
            { id: 1, text: "first", cost: 10 },
            { id: 2, text: "second", cost: 500 },
          ],
        }),
        challenge(2, { requirements: [1], content: "more", hints: [{ id: 1, text: "dear", cost: 0 }] }),
        challenge(3),
      ],
    }),
    config,
    env: tokens,
    flags: ["--workers", "1", ...flags],
  });

describe("docs/openapi.yaml", { timeout: 120000 }, () => {
  let main;
  let strict;
  before(async () => {
    main = await start("game:\n  name: Test\n");
    const rules = ["submit", "hint", "name", "award", "api", "login_name", "login_address"];
    const limits = rules.map((name) => `  ${name}: ${name.startsWith("login") ? 2 : 1} + 1/60s\n`).join("");
    strict = await start(`http:\n  head_timeout: 50ms\nlimits:\n${limits}`, ["--developer-mode"]);
  });
  after(() => Promise.all([main?.stop(), strict?.stop()]));

  it("is OpenAPI 3.1; its examples, and those of stream.md, are what its schemas say", async () => {
    const result = await new Validator().validate(path);
    assert.ok(result.valid, JSON.stringify(result.errors, null, 1));
    for (const { name, responses } of operations) {
      for (const response of Object.values(responses).map(resolve)) {
        for (const { schema, examples = {} } of Object.values(response.content ?? {})) {
          Object.values(examples).forEach(({ value }) => validate(schema, value, `example of ${name}`));
        }
      }
    }
    const frames = operationOf("stream")["x-frames"];
    const events = fencedBlocks(readFileSync(streamPage, "utf8"))
      .filter(({ language }) => language === "json")
      .flatMap(({ text }) => text.split(/\n(?=\{)/).map((event) => JSON.parse(event)));
    assert.ok(events.length >= 2);
    validate(frames, events, "stream.md");
  });

  it("has every route of the server's table, and no other", async () => {
    const { text } = await call(main.metricsUrl, "GET", "/metrics");
    const table = [...text.matchAll(/^ctfg_http_requests_total\{method="(\w+)",route="([^"]+)"/gm)];
    const served = new Set(table.map(([, method, route]) => `${method} ${route}`));
    assert.deepEqual([...new Set(operations.map(({ route }) => route))].sort(), [...served].sort());
  });

  it("sessions: login, logout, me, set-name", async () => {
    const player = await newPlayer(main);
    const credentials = { username: player.username, password: player.password };
    await ask(main, "login", 200, { body: credentials });
    await ask(main, "login", 400, { body: "nonsense" });
    await ask(main, "login", 400, { body: {} });
    await ask(main, "login", 400, { body: credentials, headers: { Host: "h".repeat(600) } });
    await ask(main, "login", 401, { body: { ...credentials, password: "no" } });
    await ask(main, "me", 200, { player });
    await ask(main, "me", 400, { player, headers: { Host: "h".repeat(120) } });
    await ask(main, "me", 401);
    await ask(main, "setName", 200, { player, body: { name: "The First" } });
    for (const name of ["", "x", "x1".repeat(16), "a<b", "The Admin", "heyyyyyy", undefined]) {
      await ask(main, "setName", 400, { player, body: { name } });
    }
    await ask(main, "setName", 400, { player, body: "nonsense" });
    const other = await newPlayer(main);
    await ask(main, "setName", 409, { player: other, body: { name: "the first" } });
    await ask(main, "logout", 204, { player: other });
    await ask(main, "logout", 401, { player: other });
  });

  it("play: challenges, submit, hint", async () => {
    const player = await newPlayer(main);
    const submit = (status, body) => ask(main, "submit", status, { player, body });
    const hint = (status, body) => ask(main, "hint", status, { player, body });
    await ask(main, "challenges", 200, { player, query: "?locked=1" });
    await hint(402, { id: 1, hint_id: 1 });
    await hint(403, { id: 2, hint_id: 1 });
    await submit(403, { id: 2, flag: "x" });
    await submit(200, { id: 1, flag: "no" });
    await submit(200, { id: 1, flag: flagOf(1) });
    await submit(200, { id: 1, flag: flagOf(1) });
    await submit(400, "nonsense");
    await submit(400, {});
    await submit(400, { id: 9, flag: "x" });
    await hint(200, { id: 1, hint_id: 1 });
    await hint(400, { id: 1, hint_id: 1 });
    await hint(400, { id: 1, hint_id: 9 });
    await hint(400, { id: 9, hint_id: 1 });
    await hint(400, "nonsense");
    await hint(400, {});
    await ask(main, "challenges", 200, { player });
  });

  it("scripts: award, admin logout", async () => {
    const player = await newPlayer(main);
    const award = (status, body) => ask(main, "award", status, { body, headers: bearer("api-token") });
    await award(200, { username: player.username, id: 3 });
    await award(200, { username: player.username, id: 3 });
    await award(400, { username: player.username, id: 9 });
    await award(400, { username: "nobody", id: 3 });
    await award(400, "nonsense");
    await award(400, {});
    const logout = (status, body) => ask(main, "adminLogout", status, { body, headers: bearer("admin-token") });
    await logout(200, { username: player.username });
    await logout(400, { username: "nobody" });
    await logout(400, { username: 1 });
    await logout(400, "nonsense");
  });

  it("boards: everything a screen may ask", async () => {
    const player = await newPlayer(main);
    await ask(main, "game", 200);
    for (const id of ["scoreboard", "graph"]) {
      const { headers } = await ask(main, id, 200, { player });
      await ask(main, id, 304, { player, headers: { "If-None-Match": headers.etag } });
      await ask(main, id, 304, { player, headers: { "If-None-Match": "*", "Accept-Encoding": "br" } });
    }
    const { json } = await ask(main, "events", 200, { player });
    await ask(main, "events", 400, { player, query: "?limit=0" });
    const { user_id } = json.events.find(({ type }) => type === "hint");
    await ask(main, "player", 200, { player, query: `?user_id=${user_id}` });
    await ask(main, "player", 200, { player, query: `?user_id=${json.events.at(-1).user_id}` });
    await ask(main, "player", 400, { player });
    await ask(main, "player", 404, { player, query: "?user_id=4000" });
    await ask(main, "solves", 200, { player, query: "?id=1" });
    await ask(main, "solves", 400, { player, query: "?id=x" });
    await ask(main, "solves", 404, { player, query: "?id=9" });
    await ask(main, "display", 200, { headers: bearer("display-token") });
    await ask(main, "display", 400, { headers: { ...bearer("display-token"), Host: "h".repeat(120) } });
  });

  it("the page and its files", async () => {
    const { headers, text } = await ask(main, "page", 200);
    await ask(main, "page", 304, { headers: { "If-None-Match": headers.etag } });
    const path = /"(\/assets\/[^"]+\.js)"/.exec(text)[1];
    const file = await ask(main, "file", 200, { path, headers: { "Accept-Encoding": "gzip" } });
    await ask(main, "file", 304, { path, headers: { "If-None-Match": file.headers.etag, "Accept-Encoding": "gzip" } });
    await ask(main, "file", 404, { path: "/assets/nothing.js" });
    await ask(main, "resetForm", 200);
  });

  it("the stream: what is refused, and every kind of frame; a reset", async () => {
    const player = await newPlayer(main);
    const token = new URL(player.streamUrl).search;
    await ask(main, "stream", 401, { headers: upgrade });
    await ask(main, "stream", 403, { query: token, headers: { ...upgrade, ...foreign } });
    await ask(main, "stream", 426, { query: token });
    await ask(main, "stream", 400, { query: token, headers: { ...upgrade, "Sec-WebSocket-Key": "short" } });
    await ask(main, "stream", 400, { query: `${token}&since=x`, headers: upgrade });
    await askUpgrade(main, token);

    const stream = await openStream(player.streamUrl);
    await ask(main, "submit", 200, { player, body: { id: 1, flag: flagOf(1) } });
    await ask(main, "hint", 200, { player, body: { id: 1, hint_id: 1 } });
    await ask(main, "award", 200, { body: { username: player.username, id: 3 }, headers: bearer("api-token") });
    await stream.waitForEvent(({ reload }) => reload === "true");
    const reset = (status, body, headers) => ask(main, "reset", status, { body, headers });
    await reset(400, "nonsense");
    await reset(401, { token: "no" });
    await reset(401, "token=no", FORM);
    await reset(400, "token=admin-token", FORM);
    await reset(200, "token=admin-token&confirm=yes", FORM);
    await reset(200, { token: "admin-token" });
    await stream.closed;
    const again = await newPlayer(main);
    const late = await openStream(again.streamUrl, { since: 1 });
    await late.waitForEvent(({ event }) => event === "resync");
    late.close();
    const frames = operationOf("stream")["x-frames"];
    [...stream.frames, ...late.frames].forEach((frame) => {
      validate(frames, frame, "frame");
      promisesKept(frame).forEach((promise) => seen.add(`frames ${promise}`));
    });
    assert.deepEqual(promisesOf(frames).filter((promise) => !seen.has(`frames ${promise}`)), []);
  });

  it("who may not is told so: 401, and 403 for another origin", async () => {
    for (const { operationId, method, security } of operations.filter(({ isForOperators }) => !isForOperators)) {
      if (security.length > 0 && operationId !== "me") {
        await ask(main, operationId, 401);
      }
      if (method === "POST") {
        await ask(main, operationId, 403, { headers: foreign, body: {} });
      }
    }
  });

  it("what is no request for it is refused, whatever the route", async () => {
    for (const operation of operations) {
      const base = operation.isForOperators ? main.metricsUrl : main.url;
      const path = operation.path === "/{file}" ? "/" : operation.path;
      const answer = await call(base, "DELETE", path);
      const hasHead = operation.method === "GET" && operation.operationId !== "stream"; // an upgrade has none
      assert.deepEqual([answer.status, answer.headers.allow], [405, hasHead ? "GET, HEAD" : operation.method]);
      check(operation, answer);
      if (hasHead) {
        const [get, head] = [await call(base, "GET", path), await call(base, "HEAD", path)];
        assert.deepEqual([head.status, head.text], [get.status, ""], `HEAD ${path}`);
      }
    }
    await ask(main, "stream", 405, { method: "HEAD" });
    await ask(main, "submit", 413, { body: " ".repeat(17000) });
    await ask(main, "game", 431, { headers: { "X-Long": "x".repeat(17000) } });
    await askRaw(main, "scoreboard", 400, "GET /api/scoreboard HTTP/1.1\r\n\r\n");
    await askRaw(main, "game", 505, "GET /api/game HTTP/3.0\r\nHost: x\r\n\r\n");
    await askRaw(strict, "game", 408, "GET /api/game HTTP/1.1\r\n");
  });

  it("who asks too often hears when to come back; developers hear more", async () => {
    const player = await newPlayer(strict);
    const twice = async (id, options) => {
      const operation = operationOf(id);
      const { method, path } = operation;
      const all = { ...options, headers: { Cookie: player.cookie, ...options.headers } };
      await call(strict.url, method, path + (options.query ?? ""), all);
      await ask(strict, id, 429, { ...options, player });
    };
    const credentials = { username: playerName(0), password: "no" };
    await ask(strict, "login", 401, { body: credentials });
    await twice("login", { body: credentials });
    await twice("submit", { body: { id: 3, flag: "no" } });
    await twice("hint", { body: { id: 1, hint_id: 1 } });
    await twice("setName", { body: { name: "x" } });
    await twice("award", { headers: bearer("api-token"), body: { username: "nobody", id: 1 } });
    await twice("reset", { body: { token: "no" } });
    await twice("adminLogout", { headers: bearer("no"), body: {} });
    for (const id of ["scoreboard", "graph", "display"]) {
      await ask(strict, id, 429, { headers: bearer("no") });
    }
    await twice("events", {});
    await ask(strict, "player", 429, { player, query: "?user_id=1" });
    await ask(strict, "solves", 429, { player, query: "?id=1" });
    const { json } = await ask(strict, "me", 401);
    assert.equal(typeof (await ask(strict, "logout", 401)).json.detail, "string");
    assert.equal(json.detail, undefined); // "no session" says it all
  });

  it("where nothing can be stored, or nobody else be served, it is 503", async () => {
    const server = await start(`http:\n  connections: ${CONNECTIONS}\n`);
    const shell = spawn("sqlite3", [server.dbPath], { stdio: ["pipe", "pipe", "inherit"] });
    const idle = [];
    try {
      const player = await newPlayer(server);
      await ask(server, "metrics", 200);
      await ask(server, "metrics", 200, { headers: { Accept: "application/openmetrics-text" } });
      await ask(server, "healthz", 200);
      await ask(server, "readyz", 200);
      let said = "";
      shell.stdout.on("data", (chunk) => (said += chunk));
      shell.stdin.write("BEGIN IMMEDIATE;\nSELECT 'locked';\n");
      await waitFor("the lock", () => said.includes("locked"));
      await ask(server, "submit", 503, { player, body: { id: 1, flag: flagOf(1) } });
      await ask(server, "setName", 503, { player, body: { name: "Somebody" } });
      await ask(server, "logout", 503, { player });
      await ask(server, "award", 503, { headers: bearer("api-token"), body: { username: player.username, id: 3 } });
      await ask(server, "adminLogout", 503, { headers: bearer("admin-token"), body: {} });
      await ask(server, "reset", 503, { body: "token=admin-token&confirm=yes", headers: FORM });
      await ask(server, "readyz", 503);
      const { port } = new URL(server.url);
      for (let i = 0; i < CONNECTIONS; i++) {
        idle.push(net.connect(Number(port), "127.0.0.1").on("error", () => {}));
      }
      const isFull = async () => (await call(server.url, "GET", "/reset", { agent })).status === 503;
      await waitFor("the last seat to be taken", isFull);
      for (const { operationId } of operations.filter(({ isForOperators }) => !isForOperators)) {
        await ask(server, operationId, 503);
      }
    } finally {
      idle.forEach((socket) => socket.destroy());
      shell.kill();
      await server.stop();
    }
  });

  it("promises nothing that was not seen: statuses, types, fields, words", () => {
    const unseen = [];
    for (const operation of operations) {
      for (const [status, response] of Object.entries(operation.responses)) {
        const place = placeOf(operation, status);
        const promised = Object.entries(resolve(response).content ?? {}).flatMap(([type, { schema }]) => [
          ...(type === "*/*" ? [] : [type]),
          ...promisesOf(schema).filter((promise) => promise !== "detail"),
        ]);
        const all = [`${operation.name} ${status}`, ...promised.map((promise) => `${place} ${promise}`)];
        unseen.push(...all.filter((promise) => !seen.has(promise)));
      }
    }
    assert.deepEqual(unseen, []);
  });
});
