// SPDX-License-Identifier: MIT
// requests.mjs - what a GET costs here, and what the same bytes cost elsewhere.
//
// Every server has one worker on the first core, wrk runs on the second.  The figure is CPU, user and
// system time of all processes of a server over its requests: the load generator is full before the
// server is.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { login } from "../lib/calls.mjs";
import { solveAll } from "../lib/games.mjs";
import { get, SERVER_CORE } from "../lib/load.mjs";
import { startBare, startH2o, startNginx } from "../lib/rivals.mjs";
import { inTurn, median, ratio } from "../lib/rounds.mjs";
import { demoGame, startCtfg, tempFolder } from "../lib/server.mjs";

const PIPELINED = 16;

async function startGame() {
  const gameDir = demoGame(200);
  const webDir = tempFolder();
  mkdirSync(join(webDir, "js"));
  writeFileSync(join(webDir, "index.html"), "<!doctype html><title>bench</title>");
  /* Bytes that do not compress: the same are sent whatever is accepted. */
  const noise = Array.from({ length: 2048 }, (_, i) => String.fromCharCode(33 + ((i * 7919 + (i >> 3) * 104729) % 90)));
  writeFileSync(join(webDir, "js", "two.js"), noise.join(""));
  writeFileSync(join(webDir, "js", "tiny.js"), "// twenty bytes long");
  const ctfg = await startCtfg(gameDir, ["--workers", "1", "--web-root", webDir], SERVER_CORE);
  return { ctfg, gameDir };
}

/** What each of them needs to answer with the bytes that ctfg answers with. */
const rivals = {
  nginx: async (bytes) => [await startNginx({ "answer.json": bytes }, SERVER_CORE), "/answer.json"],
  h2o: async (bytes) => [await startH2o({ "answer.json": bytes }, SERVER_CORE), "/answer.json"],
  bare: async (bytes) => {
    const file = join(tempFolder(), "answer");
    writeFileSync(file, bytes);
    return [await startBare("http", [file], SERVER_CORE), "/"];
  },
};

/** Results by name, ctfg among them. */
async function compare(ctfg, path, headers, names, { rounds, seconds }) {
  const args = ["-sf", ...headers.flatMap((header) => ["-H", header]), `http://127.0.0.1:${ctfg.port}${path}`];
  const bytes = execFileSync("curl", args);
  const contenders = { ctfg: { server: ctfg, path, headers } };
  for (const name of names) {
    const [server, at] = await rivals[name](bytes);
    contenders[name] = { server, path: at, headers };
  }
  const results = await inTurn(
    rounds,
    Object.fromEntries(Object.entries(contenders).map(([name, one]) => [name, () => get(one, { seconds })])),
  );
  for (const name of names) {
    await contenders[name].server.stop();
  }
  return results;
}

async function pipelined(ctfg, { rounds, seconds }) {
  const one = { server: ctfg, path: "/js/tiny.js" };
  const results = await inTurn(rounds, {
    single: () => get(one, { seconds }),
    many: () => get(one, { seconds, pipelined: PIPELINED }),
  });
  return ratio(results.single, results.many, "cpu_us", "us");
}

export default async function requests(options) {
  const { ctfg, gameDir } = await startGame();
  const file = await compare(ctfg, "/js/two.js", [], ["nginx", "h2o", "bare"], options);
  const { cookie } = await login(ctfg.port, 1);
  const headers = [`Cookie: ${cookie}`];
  const short = await compare(ctfg, "/api/challenges", headers, ["nginx", "bare"], options);
  await solveAll(ctfg.port, cookie, gameDir);
  const long = await compare(ctfg, "/api/challenges", headers, ["nginx", "bare"], options);
  const pipeline = await pipelined(ctfg, options);
  await ctfg.stop();
  /* Of three GETs the one that is worst in the middle: the worst of each round would be mostly noise. */
  const gets = [file, short, long];
  const p99s = gets.map((results) => ratio(results.ctfg, results.nginx, "p99_ms", "ms"));
  const [worst] = [...p99s].sort((a, b) => median(b.rounds) - median(a.rounds));
  const ofWorst = gets[p99s.indexOf(worst)];
  return {
    static_nginx: ratio(file.ctfg, file.nginx, "cpu_us", "us"),
    static_h2o: ratio(file.ctfg, file.h2o, "cpu_us", "us"),
    static_bare: ratio(file.ctfg, file.bare, "cpu_us", "us"),
    challenges_few: ratio(short.ctfg, short.nginx, "cpu_us", "us"),
    challenges_all: ratio(long.ctfg, long.nginx, "cpu_us", "us"),
    challenges_bare: ratio(long.ctfg, long.bare, "cpu_us", "us"),
    get_p99: { rounds: worst.rounds, said: p99s.map(({ said }) => said).join(", ") },
    get_p99_bare: ratio(ofWorst.bare, ofWorst.nginx, "p99_ms", "ms"),
    pipelined: pipeline,
  };
}
