// SPDX-License-Identifier: MIT
// No container engine runs in here, so the container file is read: whatever it runs, copies and opens
// exists, and agrees with the Makefile, the package and the settings.  One runs it: test/fresh/container.sh.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { ctfg } from "../lib/server.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const read = (...names) => readFileSync(join(root, ...names), "utf8");
const temp = mkdtempSync(join(tmpdir(), "ctfg-container-"));
after(() => rmSync(temp, { recursive: true, force: true }));

/** [{word: "RUN", rest: "make deb"}, ...], continued lines joined. */
const instructions = read("package", "Containerfile")
  .replaceAll(/\\\n\s*/g, "")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => ({ word: line.split(" ")[0], rest: line.slice(line.indexOf(" ") + 1) }));

const all = (word) => instructions.filter((one) => one.word === word).map(({ rest }) => rest);

/** Every command of the RUN lines, as words. */
const commands = all("RUN")
  .flatMap((rest) => rest.replaceAll(/--mount=\S+ /g, "").split("&&"))
  .map((command) => command.trim().split(/\s+/));

describe("the container file", () => {
  it("runs make targets that exist, Debian's own tools, and nothing else", () => {
    for (const [program, ...args] of commands) {
      if (program === "make") {
        const { status, stderr } = spawnSync("make", ["-n", "-q", ...args], { cwd: root, encoding: "utf8" });
        assert.ok(status < 2, `make ${args}: ${stderr}`);
        assert.doesNotMatch(stderr, /No rule/);
      } else {
        assert.ok(["apt-get", "rm"].includes(program), program);
      }
    }
  });

  it("gives make what it needs before package/deps installs the rest", () => {
    const first = commands.findIndex(([program]) => program === "make");
    const installed = commands.slice(0, first).flatMap(([, action, ...names]) => (action === "install" ? names : []));
    assert.ok(installed.includes("make"));
    assert.ok(installed.includes("ca-certificates"), "npm speaks https");
    assert.match(read("Makefile"), /^deb:.*\n\t@package\/deps deb\n/m);
  });

  it("installs the package where deb.sh leaves it, on the Debian it was built on", () => {
    const [build, final, ...more] = all("FROM").map((rest) => rest.split(" AS "));
    assert.deepEqual(more, []);
    assert.equal(build[0], final[0]);
    assert.match(build[0], /^debian:1[23]-slim$/);
    const mount = Object.fromEntries(
      /--mount=(\S+)/.exec(all("RUN").at(-1))[1].split(",").map((part) => part.split("=")),
    );
    assert.equal(mount.from, build[1]);
    assert.equal(mount.source, join(all("WORKDIR")[0], "build", "deb"));
    assert.ok(commands.flat().includes(`${mount.target}/ctfg_*.deb`));
    assert.match(read("package", "deb.sh"), /ls build\/deb\/\*\.deb/);
  });

  it("starts what the unit starts, as its user, with flags that the program knows", () => {
    const unit = read("conf", "systemd", "ctfg.service");
    const [program, ...flags] = JSON.parse(all("ENTRYPOINT")[0]);
    assert.equal(`/usr/bin/${program} ${flags.join(" ")}`, /^ExecStart=(.*)$/m.exec(unit)[1]);
    assert.equal(all("USER")[0], /^User=(.*)$/m.exec(unit)[1]);
    const game = join(temp, "game");
    assert.equal(spawnSync(ctfg, ["init", game]).status, 0);
    const tried = flags.map((flag) => (flag.startsWith("/") ? game : flag));
    assert.equal(spawnSync(ctfg, ["check", ...tried]).status, 0);
  });

  it("opens the ports of the default settings, and keeps the database", () => {
    const settings = spawnSync(ctfg, ["print", "settings"], { encoding: "utf8" }).stdout;
    const port = /^ {2}port: (\d+)$/m.exec(settings)[1];
    const metrics = /^ {2}metrics: ".*:(\d+)"$/m.exec(settings)[1];
    assert.equal(all("EXPOSE")[0], `${port} ${metrics}`);
    assert.deepEqual(JSON.parse(all("VOLUME")[0]), ["/var/lib/ctfg"]);
  });

  it("leaves out what was built here, with either name of the list", () => {
    const ignored = read("package", "Containerfile.containerignore");
    assert.equal(read("package", "Containerfile.dockerignore"), ignored);
    for (const name of [".git", "build", "**/node_modules"]) {
      assert.ok(ignored.split("\n").includes(name), name);
    }
  });
});
