// SPDX-License-Identifier: MIT
// A real Prometheus scrapes a server that is played on: the numbers are those of the game, a killed
// worker loses none of them, and rules and dashboard of conf/ ask for what there is.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { openStream } from "../lib/client.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { call, Player, waitFor } from "../lib/player.mjs";
import { ALERTS, promtool, startPrometheus } from "../lib/prometheus.mjs";
import { isAlive, startServer } from "../lib/server.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const PLAYERS = 3;
const TOKEN = "award-me";

/** What is played, by the query that shows it. */
const played = {
  'sum(ctfg_logins_total{result="ok"})': PLAYERS,
  'sum(ctfg_logins_total{result="wrong"})': 1,
  "sum(ctfg_solves_total)": PLAYERS + 1,
  "sum(ctfg_awards_total)": 1,
  "sum(ctfg_hints_total)": 1,
  "sum(ctfg_guesses_wrong_total)": 2,
  'sum(ctfg_rate_limited_total{endpoint="submit"})': 1,
  ctfg_sequence: PLAYERS + 2,
  ctfg_players: PLAYERS,
  ctfg_challenges: 3,
  "sum(ctfg_players_online)": 1,
  "sum(ctfg_streams_open)": 2,
  "max(ctfg_stream_lag_events)": 0,
  'sum(ctfg_http_requests_total{route="/api/submit",code="200"})': PLAYERS + 2,
  'sum(ctfg_http_requests_total{route="/api/submit",code="429"})': 1,
  'sum(ctfg_http_requests_total{route="/api/login",code="401"})': 1,
  'sum(ctfg_http_requests_total{route="/scorestream",code="101"})': 2,
  'count(ctfg_http_requests_total{route="/reset"})': 1, // nobody asked: a 0, and no more lines than that
  'sum(ctfg_http_requests_total{route="/reset",code="200"})': 0,
  'sum(ctfg_http_request_seconds_count{route="/api/submit"})': PLAYERS + 3,
  'histogram_quantile(0.5, ctfg_db_batch_requests_bucket{process="db"}) <= bool 1': 1, // most were alone, and no 25
  "sum(ctfg_db_fsync_seconds_count) == bool sum(ctfg_db_batches_total)": 1,
  "ctfg_db_queue_depth_limit": 65536,
  "ctfg_db_requests_waiting_limit": 16384,
  "ctfg_hints_limit": 8000,
  "count(ctfg_process_resident_memory_bytes > 1e6)": 3, // master, db, worker,
  "count(ctfg_build_info)": 1,
};

/** What makes each alert fire, alone: series and their values, one each 15 s (promtool's notation). */
const slow = (name) => ({ [`${name}{le="0.05"}`]: "0+1x40", [`${name}{le="4"}`]: "0+9x40", [`${name}{le="+Inf"}`]: "0+9x40" });
const troubles = {
  CtfgDown: { 'up{job="ctfg"}': "0x40" },
  CtfgDbRestarts: { ctfg_db_restarts_total: "0x20 1x20" },
  CtfgWorkerRestarts: { ctfg_worker_restarts_total: "0x20 1 2 3x20" },
  CtfgStoreRefuses: { ctfg_db_store_refuses: "1x40" },
  CtfgStoreErrors: { ctfg_db_store_errors_total: "0x20 1x20" },
  CtfgWalGrows: { ctfg_db_wal_bytes: "150x40", ctfg_db_wal_limit_bytes: "100x40" },
  CtfgServerErrors: { 'ctfg_http_requests_total{code="200"}': "0+90x40", 'ctfg_http_requests_total{code="503"}': "0+2x40" },
  CtfgRefuses: {
    ctfg_connections_refused_total: "0x30 1x10",
    ctfg_db_requests_refused_total: "0x40",
    ctfg_db_queue_full_total: "0x40",
    ctfg_password_refused_total: "0x40",
  },
  CtfgConnectionsNearLimit: { ctfg_connections_open: "90x40", ctfg_connections_limit: "100x40" },
  CtfgSlowAnswers: slow("ctfg_http_request_seconds_bucket"),
  CtfgSlowDisk: slow("ctfg_db_fsync_seconds_bucket"),
  CtfgLoopStalls: slow("ctfg_loop_stall_seconds_bucket"),
  CtfgStreamLags: { ctfg_stream_lag_events: "2000x40" },
  CtfgStreamsLost: { ctfg_streams_open: "100x30 40x10" },
  CtfgLoginsLimited: { 'ctfg_rate_limited_total{endpoint="login"}': "0+30x40" },
  CtfgReloadRefused: { ctfg_reloads_refused_total: "0x20 1x20" },
  CtfgMemory: { 'ctfg_process_resident_memory_bytes{process="db"}': "1600000000x40" },
  CtfgGameReset: { ctfg_reset_sequence: "0x20 7x20" },
};

/** What a sound server shows now and then. */
const quiet = [
  { ctfg_worker_restarts_total: "0x20 1 2x20" },
  { ctfg_db_wal_bytes: "100x40", ctfg_db_wal_limit_bytes: "100x40" },
  { ctfg_db_wal_bytes: "60x15 160x5 60x20", ctfg_db_wal_limit_bytes: "100x40" },
];

let server;
let prometheus;
let streams = [];

const metrics = async (headers = {}) => call(server.metricsUrl, "GET", "/metrics", { headers });

async function play() {
  const players = Array.from({ length: PLAYERS }, (_, i) => new Player(server.url, playerName(i), playerPassword(i)));
  await Promise.all(players.map((player) => player.login()));
  const wrong = { username: playerName(0), password: "wrong" };
  assert.equal((await call(server.url, "POST", "/api/login", { body: wrong })).status, 401);
  streams = await Promise.all([1, 2].map(() => openStream(players[0].streamUrl))); // one player, one worker
  for (const player of players) {
    assert.equal((await player.submit(1, flagOf(1))).json.result, "correct");
  }
  assert.equal((await players[0].post("/api/hint", { id: 2, hint_id: 1 })).status, 200);
  for (const status of [200, 200, 429]) { // limits.submit: two guesses at once
    assert.equal((await players[0].submit(2, "wrong")).status, status);
  }
  const award = { username: playerName(1), id: 3 };
  const headers = { Authorization: TOKEN };
  assert.equal((await call(server.url, "POST", "/api/award", { body: award, headers })).status, 200);
  await streams[0].waitForEvent((event) => event.id === PLAYERS + 2);
  players.forEach((player) => player.close());
}

before(async () => {
  const hints = [{ id: 1, text: "Look.", cost: 1 }];
  const challenges = [challenge(1), challenge(2, { hints }), challenge(3)];
  server = await startServer({
    game: makeGame({ players: PLAYERS, challenges }),
    flags: ["--workers", "1"],
    config: "limits:\n  submit: 2 + 1/3600s\n",
    env: { CTFG_API_TOKEN: TOKEN },
  });
  prometheus = await startPrometheus(server.metricsUrl);
  await play();
});
after(async () => {
  streams.forEach((stream) => stream.close());
  await prometheus?.stop();
  await server?.stop();
});

const waitForValue = (expr, wanted) =>
  waitFor(`${expr} to be ${wanted}`, async () => Number((await prometheus.query(expr))[0]?.value[1]) === wanted);

/** ctfg_… names of an expression. */
const namesIn = (expr) => new Set(expr.match(/\bctfg_\w+/g) ?? []);

async function assertKnown(names) {
  const { text } = await metrics();
  const known = new Set(text.split("\n").filter((line) => !line.startsWith("#")).map((line) => /^\w*/.exec(line)[0]));
  for (const name of names) {
    assert.ok(known.has(name), `${name} is not among the metrics`);
  }
}

describe("what Prometheus sees", { timeout: 120000 }, () => {
  it("the numbers are those of the game", async () => {
    for (const [expr, wanted] of Object.entries(played)) {
      await waitForValue(expr, wanted).catch(async (error) => {
        throw new Error(`${error.message}: ${JSON.stringify(await prometheus.query(expr))}`);
      });
    }
  });

  it("the text is clean, in both formats", async () => {
    const plain = await metrics();
    assert.match(plain.headers["content-type"], /^text\/plain; version=0\.0\.4/);
    assert.deepEqual(promtool(["check", "metrics"], plain.text), { status: 0, text: "" });

    const open = await metrics({ Accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5" });
    assert.match(open.headers["content-type"], /^application\/openmetrics-text; version=1\.0\.0/);
    assert.ok(open.text.endsWith("\n# EOF\n"));
    assert.doesNotMatch(open.text, /^# \w+ \w+_total /m);
    const families = (text) => text.match(/^# TYPE \w+ \w+$/gm).map((line) => line.replace("_total ", " "));
    assert.deepEqual(families(open.text), families(plain.text));
    assert.equal(new Set(families(plain.text)).size, families(plain.text).length, "a family stands once");
  });

  it("a dashboard's queries all find something", async () => {
    const dashboard = JSON.parse(readFileSync(join(root, "conf/grafana/ctfg.json"), "utf8"));
    const [{ metric }] = await prometheus.query("ctfg_uptime_seconds");
    const panels = dashboard.panels.filter((panel) => panel.type !== "row");
    assert.deepEqual(
      dashboard.panels.filter((panel) => panel.type === "row").map((panel) => panel.title),
      ["Herd", "Requests", "Latency", "Streams", "Database", "Game", "Processes"],
    );
    assert.equal(new Set(dashboard.panels.map((panel) => panel.id)).size, dashboard.panels.length);
    const queries = panels.flatMap((panel) => panel.targets.map((target) => ({ title: panel.title, ...target })));
    const filled = ({ expr }) => expr.replaceAll("$instance", metric.instance).replaceAll("$__rate_interval", "1m");
    await assertKnown(queries.flatMap(({ expr }) => [...namesIn(expr)]));
    for (const query of queries) {
      await waitFor(`${query.title}: ${query.expr} finds something`, async () => (await prometheus.query(filled(query))).length > 0);
    }
    for (const { expr } of dashboard.annotations.list) {
      await prometheus.query(filled({ expr })); // it may find nothing, but has to be understood
    }
  });

  it("the rules are sound, and each has its section in the runbook", async () => {
    const checked = promtool(["check", "rules", ALERTS]);
    assert.equal(checked.status, 0, checked.text);
    const heads = readFileSync(join(root, "docs/runbook.md"), "utf8").match(/^##+ .*$/gm);
    const anchors = heads.map((head) => head.replace(/^#+ /, "").toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-"));
    const rules = await waitFor("the rules to be evaluated", async () => {
      const { groups } = await prometheus.api("/rules");
      const all = groups.flatMap((group) => group.rules);
      return all.length > 0 && all.every((rule) => rule.health !== "unknown") && all;
    });
    for (const rule of rules) {
      assert.equal(rule.health, "ok", `${rule.name}: ${rule.lastError}`);
      const [file, anchor] = rule.annotations.runbook_url.split("#");
      assert.equal(file, "docs/runbook.md", rule.name);
      assert.ok(anchors.includes(anchor), `${rule.name}: the runbook has no section ${anchor}`);
    }
    await assertKnown(rules.flatMap((rule) => [...namesIn(rule.query)]));
    assert.deepEqual(rules.filter((rule) => rule.state === "firing").map((rule) => rule.name), [], "nothing is wrong");
  });

  it("each alert fires when it should, and alone; what is no trouble fires none", () => {
    const loud = Object.entries(troubles).map(([alert, values]) => [values, [{ labels: `{alertname="${alert}"}`, value: 1 }]]);
    const tests = [...loud, ...quiet.map((values) => [values, []])].map(([values, firing]) => ({
      interval: "15s",
      input_series: Object.entries(values).map(([series, text]) => ({ series, values: text })),
      promql_expr_test: [
        { expr: 'count by (alertname) (ALERTS{alertstate="firing"})', eval_time: "10m", exp_samples: firing },
      ],
    }));
    const dir = mkdtempSync(join(tmpdir(), "ctfg-alerts-"));
    try {
      for (const every of ["15s", "14s"]) { // 14 s: no rule is evaluated in the moment of a scrape
        const file = join(dir, "tests.yml"); // JSON is YAML
        writeFileSync(file, JSON.stringify({ rule_files: [ALERTS], evaluation_interval: every, tests }));
        const { status, text } = promtool(["test", "rules", file]);
        assert.equal(status, 0, text);
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
    const names = readFileSync(ALERTS, "utf8").match(/(?<=- alert: )\w+/g);
    assert.deepEqual(Object.keys(troubles), names, "each alert has its row");
  });

  it("a killed worker loses no count, and an alert tells that it is gone", async () => {
    const counted = ["logins_total", "guesses_wrong_total", "streams_opened_total", "connections_accepted_total"];
    const sums = async () => {
      const { text } = await metrics();
      return counted.map((name) =>
        [...text.matchAll(new RegExp(`^ctfg_${name}\\{.*\\} (\\d+)$`, "gm"))].reduce((sum, row) => sum + Number(row[1]), 0),
      );
    };
    const before = await sums();
    assert.ok(before.every((sum) => sum > 0));
    for (let death = 1; death <= 3; death++) {
      const [pid] = server.workers();
      server.kill(pid, "SIGKILL");
      await waitFor("its successor", () => !isAlive(pid) && server.workers().length === 1);
      await waitFor("an answer", async () => (await metrics().catch(() => undefined))?.status === 200);
      (await sums()).forEach((sum, i) => assert.ok(sum >= before[i], `${counted[i]}: ${sum}, it was ${before[i]}`));
      await waitForValue("sum(ctfg_worker_restarts_total)", death);
    }
    await waitForValue("sum(ctfg_streams_open)", 0); // a gauge tells what is, not what was
    await waitForValue('count(ALERTS{alertname="CtfgWorkerRestarts",alertstate="firing"})', 1);
  });
});
