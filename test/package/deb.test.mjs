// SPDX-License-Identifier: MIT
// The Debian package is what a Debian user expects: lintian has nothing to say, and everything lies
// where it belongs.  Whether it installs, upgrades and goes away again: test/fresh/deb.sh, and under a
// systemd that runs: test/fresh/systemd.sh.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { ctfg } from "../lib/server.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const folder = join(root, "build", "deb");
const temp = mkdtempSync(join(tmpdir(), "ctfg-deb-"));
after(() => rmSync(temp, { recursive: true, force: true }));

const run = (command, ...args) => execFileSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });

describe("the Debian package", () => {
  let deb;
  let listed;

  before(() => {
    run("make", "deb");
    const name = readdirSync(folder).find((file) => /^ctfg_.*\.deb$/.test(file));
    deb = join(folder, name);
    listed = run("dpkg-deb", "-c", deb)
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/))
      .map(([mode, owner, , , , path]) => ({ mode, owner, path: path.slice(1) }));
  });

  it("leaves lintian nothing to say", () => {
    const changes = readdirSync(folder).find((name) => name.endsWith(".changes"));
    const { status, stdout } = spawnSync("lintian", ["--fail-on", "error,warning", join(folder, changes)], {
      encoding: "utf8",
    });
    assert.equal(stdout, "");
    assert.equal(status, 0);
  });

  it("holds program, units, a starter game, manuals, completion and papers, all of root", () => {
    const paths = listed.map(({ path }) => path);
    for (const path of [
      /^\/usr\/bin\/ctfg$/,
      /^(\/usr)?\/lib\/systemd\/system\/ctfg\.service$/,
      /^(\/usr)?\/lib\/systemd\/system\/ctfg@\.service$/,
      /^(\/usr)?\/lib\/systemd\/system\/ctfg\.socket$/,
      /^\/etc\/ctfg\/challenges\.json$/,
      /^\/etc\/ctfg\/credentials\.csv$/,
      /^\/etc\/ctfg\/ctfg\.yaml$/,
      /^\/usr\/share\/man\/man1\/ctfg\.1\.gz$/,
      /^\/usr\/share\/man\/man5\/ctfg\.yaml\.5\.gz$/,
      /^\/usr\/share\/bash-completion\/completions\/ctfg$/,
      /^\/usr\/share\/doc\/ctfg\/changelog\.Debian\.gz$/,
      /^\/usr\/share\/doc\/ctfg\/copyright$/,
      /^\/usr\/share\/doc\/ctfg\/docs\/operator\.md/,
    ]) {
      assert.ok(paths.some((found) => path.test(found)), String(path));
    }
    assert.deepEqual(listed.filter(({ owner }) => owner !== "root/root"), []);
    assert.deepEqual(listed.filter(({ mode }) => /s|t|w....w|.{8}w/.test(mode)), [], "set-uid, or anybody may write");
    assert.ok(!paths.some((path) => /^\/(usr\/local|home|tmp|var|srv)/.test(path)));
  });

  it("holds what documents tell people to copy, import or look at, ready for that", () => {
    const paths = listed.map(({ path }) => path.replace("/usr/share/doc/ctfg/", ""));
    const named = ["ctfg.yaml", "docs/openapi.yaml", "grafana/ctfg.json", "prometheus/alerts.yml", "prometheus/prometheus.yml"];
    named.push(...["Caddyfile", "haproxy.cfg", "nginx.conf"].map((name) => `proxy/${name}`), "SECURITY.md");
    assert.deepEqual(named.filter((name) => !paths.includes(name)), [], "compressed, or not there at all");
    assert.ok(paths.some((path) => /^docs\/decisions\/0007-.*\.md/.test(path)), "security.md leads to it");
  });

  it("calls the files in /etc/ctfg configuration, so that an upgrade asks before it changes them", () => {
    const conffiles = run("dpkg-deb", "-I", deb, "conffiles").trim().split("\n").map((line) => line.trim());
    assert.deepEqual(conffiles.sort(), listed.map(({ path }) => path).filter((path) => /^\/etc\/.*[^/]$/.test(path)).sort());
  });

  it("depends on the libraries it is linked with, and on what makes its user", () => {
    const depends = run("dpkg-deb", "-f", deb, "Depends");
    for (const name of ["adduser", "libc6", "libuv1", "libsqlite3-0", "libsodium23", "libsystemd0", "libjansson4"]) {
      assert.match(depends, new RegExp(`(^|, )${name.replace(/[+.]/g, "\\$&")}(t64)? `.replace("adduser(t64)? ", "adduser")));
    }
  });

  it("depends on what its units start besides the program", () => {
    const folder = join(root, "conf", "systemd");
    const units = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
    const started = new Set(units.flatMap((text) => [...text.matchAll(/^Exec\w+=(\S+)/gm)].map(([, path]) => path)));
    started.delete("/usr/bin/ctfg");
    const depends = run("dpkg-deb", "-f", deb, "Depends").trim().split(", ");
    for (const path of started) {
      const [owner] = run("dpkg-query", "-S", `*${path}`).split(":");
      assert.ok(depends.includes(owner), `${path} is in ${owner}`);
    }
  });

  it("restarts what runs when it is upgraded, but not the socket, and stops all when it is removed", () => {
    run("dpkg-deb", "-e", deb, join(temp, "control"));
    const invoked = Object.fromEntries(
      ["preinst", "postinst", "prerm", "postrm"].map((name) => {
        const path = join(temp, "control", name);
        const text = existsSync(path) ? readFileSync(path, "utf8") : "";
        return [name, [...text.matchAll(/deb-systemd-invoke ([^>\n]*)/g)].map(([, words]) => words.replaceAll("'", "").trim())];
      }),
    );
    assert.deepEqual(invoked, {
      preinst: [],
      postinst: ["try-restart ctfg.service", "try-restart ctfg@*.service"],
      prerm: ["stop ctfg.socket ctfg.service ctfg@*.service"],
      postrm: [],
    });
  });

  it("needs to build what package/deps installs", () => {
    const deps = readFileSync(join(root, "package", "deps"), "utf8");
    const control = readFileSync(join(root, "package", "debian", "control"), "utf8").replaceAll("\n ", " ");
    const wanted = /^Build-Depends: (.*)$/m.exec(control)[1].split(/[,|]/).map((part) => part.trim().split(" ")[0]);
    const installed = /^for name in ([^;]*); do/m.exec(deps)[1].split(/[\s\\]+/).filter((name) => name !== "libc6-dev");
    for (const name of [...installed, "nodejs", "npm", "libllhttp-dev", "node-llhttp"]) {
      assert.ok(wanted.includes(name), `Build-Depends lacks ${name}`);
    }
  });

  it("names the licence of every library inside the page", () => {
    const { dependencies } = JSON.parse(readFileSync(join(root, "web", "package.json"), "utf8"));
    const copyright = readFileSync(join(root, "package", "debian", "copyright"), "utf8");
    for (const name of Object.keys(dependencies)) {
      assert.ok(copyright.includes(`(${name})`) || copyright.includes(`node_modules/${name}/`), name);
    }
  });
});

describe("the change log of the package", () => {
  const repo = join(temp, "repo");

  /** What package/changelog.sh makes of a CHANGELOG.md. */
  function changelog(text, version) {
    rmSync(repo, { recursive: true, force: true });
    run("mkdir", "-p", join(repo, "package"));
    run("cp", join(root, "package", "changelog.sh"), join(repo, "package"));
    writeFileSync(join(repo, "CHANGELOG.md"), text);
    return spawnSync(join(repo, "package", "changelog.sh"), [version, "1~x"], { encoding: "utf8" });
  }

  const entry = /^ctfg \(\S+\) unstable; urgency=medium\n\n( {2}\* .*\n( {4}.*\n)*)+\n -- .* <\S+@\S+> {2}\w{3}, \d\d \w{3} \d{4} .*$/m;

  it("gives what is unreleased to the version that comes, and keeps what is out", () => {
    const text = "# Changes\n\nwords\n\n## Unreleased\n\n* New: one\n  more.\n* Two.\n\n## 1.1.0 (2026-02-03)\n\n* Old.\n";
    const next = changelog(text, "1.2.0");
    assert.equal(next.status, 0, next.stderr);
    assert.match(next.stdout, entry);
    assert.match(next.stdout, /^ctfg \(1\.2\.0-1~x\) .*\n\n {2}\* New: one more\.\n {2}\* Two\.\n/);
    assert.match(next.stdout, /\nctfg \(1\.1\.0-1\) .*\n\n {2}\* Old\.\n\n -- .* Tue, 03 Feb 2026 /);
    assert.match(changelog(text, "1.1.0").stdout, /^ctfg \(1\.1\.0\+next-1~x\) /);
  });

  it("of a release begins with that release, and a version it does not know is refused", () => {
    const text = "# Changes\n\n## Unreleased\n\n## 1.1.0 (2026-02-03)\n\n* Old.\n";
    assert.match(changelog(text, "1.1.0").stdout, /^ctfg \(1\.1\.0-1~x\) /);
    const unknown = changelog(text, "1.3.0");
    assert.equal(unknown.status, 1);
    assert.match(unknown.stderr, /says nothing about 1\.3\.0/);
  });
});

describe("what the program prints for the package", () => {
  const print = (...args) => spawnSync(ctfg, ["print", ...args], { encoding: "utf8" });

  it("the manuals hold every line of --help and every key, and troff reads them without a complaint", () => {
    const plain = (text) => text.replaceAll("\\-", "-").replaceAll(/\\f[BIR]/g, "");
    const [manual, settings] = [print("manual").stdout, print("settings-manual").stdout];
    const help = spawnSync(ctfg, ["--help"], { encoding: "utf8" }).stdout;
    for (const [, flag, sentence] of help.matchAll(/^ {2}(\S.*?|\s+--.*?) {2,}(.*)$/gm)) {
      assert.ok(plain(manual).includes(flag.trim()), flag);
      assert.ok(plain(manual).includes(sentence.replace(/ \[.*/, "")), sentence);
    }
    for (const [, key] of print("settings").stdout.matchAll(/^ {2}(\w+):/gm)) {
      assert.ok(plain(settings).includes(`.B ${key}\n`), key);
    }
    for (const text of [manual, settings]) {
      const { status, stderr } = spawnSync("groff", ["-man", "-Tutf8", "-ww", "-z"], { input: text, encoding: "utf8" });
      assert.equal(stderr, "");
      assert.equal(status, 0);
    }
  });

  it("the completion knows commands, flags, folders and where it knows nothing", () => {
    const script = join(temp, "completion");
    writeFileSync(script, print("completion").stdout);
    run("mkdir", "-p", join(temp, "games", "spring"));
    writeFileSync(join(temp, "games", "notes"), "");
    const complete = (...words) =>
      spawnSync(
        "bash",
        [
          "-c",
          'set -eu; . "$1"; cd "$2"; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _ctfg; ' +
            'complete -p ctfg >/dev/null; [ "${#COMPREPLY[@]}" -eq 0 ] || printf "%s\\n" "${COMPREPLY[@]}"',
          "bash", script, join(temp, "games"), "ctfg", ...words,
        ],
        { encoding: "utf8" },
      );
    const words = (...typed) => {
      const { status, stdout, stderr } = complete(...typed);
      assert.equal(status, 0, stderr);
      return stdout.split("\n").filter((word) => word !== "").sort();
    };
    assert.deepEqual(words("--ws-p"), ["--ws-ping-timeout"]);
    assert.ok(words("--").includes("--game") && words("--").includes("--developer-mode"));
    assert.deepEqual(words("b"), ["backup"]);
    assert.deepEqual(words("print", "set"), ["settings", "settings-manual"]);
    assert.deepEqual(words("-C", ""), ["spring"]);
    assert.deepEqual(words("check", "--config", ""), ["notes", "spring"]);
    assert.deepEqual(words("--port", ""), []);
    assert.ok(words("--user", "roo").includes("root"));
  });

  it("a text it does not know is refused with those it knows", () => {
    const { status, stderr } = print("poem");
    assert.equal(status, 64);
    assert.match(stderr, /settings, manual, settings-manual and completion/);
  });
});
