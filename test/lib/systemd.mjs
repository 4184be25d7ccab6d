// SPDX-License-Identifier: MIT
// systemd.mjs - plays the part of systemd: reads units, hears what a service notifies, passes sockets.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { waitFor } from "./player.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "conf", "systemd");

/** All values of a unit's setting, in order. */
export function unitValues(unit, setting) {
  const lines = readFileSync(join(folder, unit), "utf8").split("\n");
  return lines.filter((line) => line.startsWith(`${setting}=`)).map((line) => line.slice(setting.length + 1));
}

/** The flags of a unit's ExecStart, with %i replaced. */
export function unitFlags(unit, instance = "") {
  return unitValues(unit, "ExecStart")[0].replaceAll("%i", instance).split(" ").slice(1);
}

// Node has no datagram sockets of the unix kind; every Debian has perl.
const HEAR = `
use IO::Socket::UNIX; $| = 1;
my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die "$ARGV[0]: $!";
print "hears\\n";
while (defined $socket->recv(my $message, 65536)) { $message =~ s/\\n/\\x1f/g; print "$message\\n" }`;

/** A notify socket ($NOTIFY_SOCKET) that keeps what is said to it, in order. */
export class NotifySocket {
  constructor(path) {
    this.path = path;
    this.messages = []; // {READY: "1", STATUS: "..."} each
    this.text = "";
    this.process = spawn("perl", ["-e", HEAR, path], { stdio: ["ignore", "pipe", "inherit"] });
    process.on("exit", () => this.close());
    this.process.stdout.setEncoding("utf8").on("data", (chunk) => this.take(chunk));
  }

  take(chunk) {
    const lines = (this.text + chunk).split("\n");
    this.text = lines.pop();
    for (const line of lines) {
      const pairs = line.split("\x1f").filter((part) => part.includes("="));
      this.messages.push(
        Object.fromEntries(pairs.map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)])),
      );
    }
  }

  async listening() {
    await waitFor("the notify socket", () => this.messages.length > 0);
    this.messages = [];
    return this;
  }

  count(name) {
    return this.messages.filter((message) => name in message).length;
  }

  /** The first message with this assignment that came after `from` messages. */
  heard(name, { from = 0, ms = 10000 } = {}) {
    return waitFor(`${name} from the service`, () => this.messages.slice(from).find((m) => name in m), ms);
  }

  close() {
    this.process.kill("SIGKILL");
  }
}

/**
 * How the shell starts a program with sockets that systemd holds: spawn's arguments.  The sockets are
 * descriptors 3, 4, ... of the spawned process (stdio).
 */
export function withSockets(names, program, args) {
  const script = `export LISTEN_PID=$$ LISTEN_FDS=${names.length} LISTEN_FDNAMES=${names.join(":")}; exec "$0" "$@"`;
  return ["/bin/sh", ["-c", script, program, ...args]];
}
