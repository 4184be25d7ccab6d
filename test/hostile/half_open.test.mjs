// SPDX-License-Identifier: MIT
// Connections opened by halves (a SYN flood): half_open.mjs in a network of its own, in which what is
// sent to the flood's sources goes into nothing. Without the rights to make one, this is skipped.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

import { ctfg } from "../lib/server.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const synflood = join(dirname(ctfg), "hostile", "synflood");
const ADDRESS = "192.0.2.1";

// A cable whose other end nobody reads. The loopback would not do: it delivers every answer, and a
// stranger's answer to a SYN-ACK is RST, which ends the half-open connection.
const network = `
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up
ip link add out type veth peer name void
ip link set void up
ip link set out arp off up
ip addr add ${ADDRESS}/24 dev out
ip route add 198.18.0.0/15 dev out
`;

/** A command in that network; who is not root is it in there. */
const within = (...command) => [
  ...(process.getuid() === 0 ? [] : ["--map-root-user"]),
  ...["--net", "sh", "-ec", `${network} exec "$@"`, "sh", ...command],
];

const tried = spawnSync("unshare", within("true"), { encoding: "utf8" });
const NOT_HERE = tried.status !== 0 && `no network of its own here: ${(tried.error?.message ?? tried.stderr).trim()}`;

/** Resolves with {code, text}. */
function run(command) {
  return new Promise((resolve, reject) => {
    const child = spawn("unshare", within(...command), { stdio: ["pipe", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, text }));
  });
}

describe("hostile clients", { timeout: 120000 }, () => {
  it("connections opened by halves: players notice nothing, and nothing is left behind", { skip: NOT_HERE }, async (t) => {
    const { code, text } = await run([process.execPath, join(here, "half_open.mjs"), ADDRESS, synflood]);
    t.diagnostic(text.trim());
    assert.equal(code, 0, "see above");
  });
});
