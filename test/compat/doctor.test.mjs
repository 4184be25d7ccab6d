// SPDX-License-Identifier: MIT
// `ctfg doctor`: each thing that can be wrong is made wrong once, and has its line.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";

import { makeGame } from "../lib/game.mjs";
import { ctfg, startServer } from "../lib/server.mjs";

const temp = mkdtempSync(join(tmpdir(), "ctfg-doctor-"));
const mounts = [];
after(() => {
  mounts.forEach((dir) => spawnSync("umount", ["-l", dir]));
  rmSync(temp, { recursive: true, force: true });
});

const TOKENS = "CTFG_API_TOKEN=0123456789abcdef0123\nCTFG_ADMIN_TOKEN=0123456789abcdef0123\n";

/** A game without a fault: its secrets are private, its tokens long. */
function soundGame(files = {}) {
  const dir = makeGame({ files: { ".env": TOKENS, ...files } });
  [".env", "credentials.csv"].forEach((name) => chmodSync(join(dir, name), 0o600));
  return dir;
}

/** Status, and the findings: {level, what, text}. `under`: a command line that runs it. */
function doctor(game, dbdir, more = [], under = []) {
  const [program, ...args] = [...under, ctfg, "doctor", "-C", game, "-b", dbdir, "--listen", "127.0.0.1", ...more];
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", timeout: 30000 });
  const findings = stdout.trim().split("\n").map((line) => {
    const [, level, what, text] = /^(ok|warn|fail) +([^:]+): (.*)$/.exec(line) ?? assert.fail(`${line}\n${stderr}`);
    assert.equal(level !== "ok", text.includes("; mend: "), `no mend, or one for nothing: ${line}`);
    return { level, what, text };
  });
  return { status, findings, of: (what) => findings.find((finding) => finding.what === what) };
}

const emptyFolder = () => mkdtempSync(join(temp, "db-"));

describe("ctfg doctor", { timeout: 60000 }, () => {
  it("a sound game has a line for everything, and status 0", () => {
    const { status, findings, of } = doctor(soundGame(), emptyFolder(), ["--ws-backlog", "1"]);
    const wrong = findings.filter(({ level }) => level === "fail");
    assert.deepEqual([status, wrong], [0, []]);
    for (const what of [
      "open files", "net.core.somaxconn", "clock", "disk", "fsync", "database", "proxies",
      "forwarded headers", "CTFG_API_TOKEN", "CTFG_ADMIN_TOKEN", "CTFG_DISPLAY_TOKEN",
    ]) {
      assert.ok(of(what), `nothing is said of ${what}`);
    }
    assert.match(of("database").text, /none in .* yet/);
    assert.match(of("fsync").text, /^\d+\.\d ms in /);
    assert.match(of("CTFG_DISPLAY_TOKEN").text, /not set/);
  });

  it("too few open files for the players fail, fewer than http.connections are a warning", () => {
    const game = makeGame({ players: 600, files: { ".env": TOKENS } });
    const under = (limit) => ["sh", "-c", `ulimit -n ${limit} && exec "$0" "$@"`];
    const few = doctor(game, emptyFolder(), ["--workers", "2"], under(512));
    assert.equal(few.of("open files").level, "fail");
    assert.match(few.of("open files").text, /^512 .*600 players on 2 workers want 964.*mend: LimitNOFILE=/);
    assert.equal(few.status, 1);
    assert.equal(doctor(game, emptyFolder(), ["--workers", "2"], under(1024)).of("open files").level, "warn");
  });

  it("a backlog above the kernel's is a warning with the command", () => {
    const backlog = doctor(soundGame(), emptyFolder(), ["--ws-backlog", "65535"]).of("net.core.somaxconn");
    assert.equal(backlog.level, "warn");
    assert.match(backlog.text, /mend: sysctl -w net\.core\.somaxconn=65535$/);
  });

  it("open to everybody without a trusted proxy is a warning; a socket or loopback is not", () => {
    const game = soundGame();
    const level = (address) => doctor(game, emptyFolder(), ["--listen", address]).of("proxies").level;
    assert.deepEqual(["", "0.0.0.0", "127.0.0.1", "unix:/run/x.sock"].map(level), ["warn", "warn", "ok", "ok"]);
  });

  it("headers that are believed of everybody fail", () => {
    for (const network of ["0.0.0.0/0", "::/0"]) {
      const game = soundGame({ "ctfg.yaml": `http:\n  trusted_proxies: [192.0.2.1, "${network}"]\n` });
      const { status, of } = doctor(game, emptyFolder());
      assert.deepEqual([status, of("forwarded headers").level], [1, "fail"]);
      assert.ok(of("forwarded headers").text.includes(network));
    }
  });

  it("short tokens are said without being said", () => {
    const game = soundGame({ ".env": "CTFG_API_TOKEN=sesame\nCTFG_ADMIN_TOKEN=open-sesame\n" });
    const { status, of, findings } = doctor(game, emptyFolder());
    assert.equal(status, 1);
    assert.deepEqual([of("CTFG_API_TOKEN").level, of("CTFG_ADMIN_TOKEN").level], ["fail", "warn"]);
    assert.ok(!JSON.stringify(findings).includes("sesame"));
  });

  it("secrets that every user may read fail, one line a file", async () => {
    const game = soundGame();
    chmodSync(join(game, ".env"), 0o644);
    chmodSync(join(game, "credentials.csv"), 0o640);
    const { status, of } = doctor(game, emptyFolder());
    assert.equal(status, 1);
    assert.equal(of(join(game, ".env")).level, "fail");
    assert.match(of(join(game, ".env")).text, /mode 0644.*mend: chmod o= /);
    assert.equal(of(join(game, "credentials.csv")).level, "ok");
  });

  it("a running server: its limit, its db, a warning in its log; its database once damaged", async () => {
    const game = soundGame();
    chmodSync(join(game, "credentials.csv"), 0o644);
    const server = await startServer({ game, flags: ["--workers", "1"] });
    try {
      const { of } = doctor(game, server.dbdir);
      assert.match(of("open files").text, /the server's limit/);
      assert.match(of("database").text, new RegExp(`^sound, .*its db is process ${server.dbPid()}$`));
      assert.equal(of(join(server.dbdir, "events.db")).level, "ok");
      assert.match(server.log(), /level=warn .*doctor.* what=\S*credentials\.csv.* mend="chmod o= /);
    } finally {
      await server.stop();
    }
    chmodSync(server.dbPath, 0o644);
    assert.equal(doctor(game, server.dbdir).of(server.dbPath).level, "fail");
    writeFileSync(server.dbPath, "this is no database any more ".repeat(1000));
    const { status, of } = doctor(game, server.dbdir);
    assert.deepEqual([status, of("database").level], [1, "fail"]);
    assert.match(of("database").text, /events\.db: .*mend: .*ctfg restore/);
  });

  it("a disk without room for the log fails", (t) => {
    const dir = join(temp, "small");
    mkdirSync(dir);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", dir]).status !== 0) {
      t.skip("mounting a small disk is not allowed here");
      return;
    }
    mounts.push(dir);
    const { status, of } = doctor(soundGame(), dir);
    assert.deepEqual([status, of("disk").level], [1, "fail"]);
    assert.match(of("disk").text, /^8 MiB free in .*mend: /);
  });
});
