// SPDX-License-Identifier: MIT
// systemd's own judgement of the units: they are understood, and a service that is broken into reaches
// little.  What a systemd that runs does with them: test/fresh/systemd.sh.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { ctfg } from "../lib/server.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "conf", "systemd");
const units = readdirSync(folder);
const services = units.filter((name) => name.endsWith(".service"));
const EXPOSURE_TENTHS_MOST = 20;
let temp;

const analyze = (...args) => {
  const { status, stdout, stderr, error } = spawnSync("systemd-analyze", args, { cwd: temp, encoding: "utf8" });
  assert.equal(error, undefined);
  return { status, text: stdout + stderr };
};

/** The text of a unit, with the program where it is now. */
const text = (unit) => readFileSync(join(folder, unit), "utf8").replaceAll("/usr/bin/ctfg", ctfg);

describe("the systemd units", () => {
  before(() => {
    temp = mkdtempSync(join(tmpdir(), "ctfg-units-"));
    units.forEach((unit) => writeFileSync(join(temp, unit), text(unit)));
  });
  after(() => rmSync(temp, { recursive: true, force: true }));

  for (const unit of units) {
    it(`${unit} is understood, every line of it`, () => {
      const { status, text: said } = analyze("verify", "--man=no", join(temp, unit));
      assert.equal(said, "");
      assert.equal(status, 0);
    });
  }

  for (const unit of services) {
    it(`${unit} exposes less than 2.0 of 10`, () => {
      const { status, text: said } = analyze(
        "security", "--no-pager", "--offline=true", `--threshold=${EXPOSURE_TENTHS_MOST}`, join(temp, unit),
      );
      assert.equal(status, 0, said);
      const [, exposure] = /Overall exposure level for \S+: ([\d.]+)/.exec(said);
      assert.ok(Number(exposure) < EXPOSURE_TENTHS_MOST / 10, exposure);
    });
  }

  it("the workers' own sandbox is not forbidden by systemd's", () => {
    for (const unit of services) {
      assert.match(text(unit), /^SystemCallFilter=(?!~).*\bseccomp\b/m, unit);
    }
  });

  it("/etc/ctfg has the mode that the package gives it, so systemd does not complain at each start", () => {
    const postinst = readFileSync(join(folder, "..", "..", "package", "debian", "postinst"), "utf8");
    const [, mode] = /chmod (\d+) \/etc\/ctfg\n/.exec(postinst);
    for (const unit of services) {
      assert.match(text(unit), new RegExp(`^ConfigurationDirectoryMode=0${mode}$`, "m"), unit);
    }
  });

  it("both services are the same but for the name of the game", () => {
    const lines = (unit) => text(unit).split("\n").filter((line) => /^[A-Z]/.test(line) && !/^Description/.test(line));
    const plain = lines("ctfg@.service").map((line) => line.replaceAll(/[/-]%i/g, "").replace(/:ctfg\.%i\.\w+$/, ""));
    assert.deepEqual(plain, lines("ctfg.service"));
  });

  it("a mistake in a unit is seen by these tests", () => {
    writeFileSync(join(temp, "bad.service"), text("ctfg.service").replace("NoNewPrivileges", "NoNewPrivilege"));
    assert.match(analyze("verify", "--man=no", join(temp, "bad.service")).text, /Unknown key.* 'NoNewPrivilege'/);
    writeFileSync(join(temp, "open.service"), `[Service]\nExecStart=${ctfg}\n`);
    const { status } = analyze("security", "--offline=true", `--threshold=${EXPOSURE_TENTHS_MOST}`, join(temp, "open.service"));
    assert.notEqual(status, 0);
  });
});
