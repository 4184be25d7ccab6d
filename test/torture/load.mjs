// SPDX-License-Identifier: MIT
// load.mjs - players, an organiser and watchers who do everything at random, through crashes, and
// write down what they asked, when, and what became of it: a history for history.mjs.
import { openStream } from "../lib/client.mjs";
import { challenge, flagOf, makeGame, playerName, playerPassword } from "../lib/game.mjs";
import { Player, call } from "../lib/player.mjs";

export const API_TOKEN = "torture-api-token";
export const ADMIN_TOKEN = "torture-admin-token";
const CALL_MS = 5000;
const now = () => performance.now();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Every third challenge needs the one before it; every fourth has hints. */
export function tortureGame({ players, challenges }) {
  const list = Array.from({ length: challenges }, (_, i) =>
    challenge(i + 1, {
      points: 10 + (i % 5),
      ...(i % 3 === 2 ? { requirements: [i] } : {}),
      ...(i % 4 === 0 ? { hints: [1, 2, 3].map((id) => ({ id, text: `h${id}`, cost: 4 * id })) } : {}),
    }),
  );
  return makeGame({ players, challenges: list });
}

export class Load {
  /** server: a function, since it may be another one after a crash. */
  constructor({ server, random, players, challenges, watchers = 3, resets = true }) {
    Object.assign(this, { server, challenges, resets });
    this.history = [];
    this.running = false;
    this.acknowledged = 0;
    this.unknown = 0;
    this.onAcknowledged = undefined; // called within the turn that reads such an answer
    this.players = Array.from({ length: players }, (_, i) => this.makePlayer(i, random.fork()));
    this.admin = { random: random.fork(), name: "admin" };
    this.watchers = Array.from({ length: watchers }, (_, i) => ({ name: `watcher ${i}`, of: i % players }));
  }

  makePlayer(i, random) {
    const base = () => this.server().url;
    const player = new Player(base, playerName(i), playerPassword(i));
    const twin = new Player(base, playerName(i), playerPassword(i)); // the same player's second tab
    return { i, name: `player ${i}`, random, player, twin, next: 1, hints: new Map(), user: i + 1 };
  }

  /** One operation into the history. judge(answer) -> {outcome, ...more fields}. */
  async record(client, fields, ask, judge) {
    const op = { client, ...fields, invoked: now() };
    let answer;
    try {
      answer = await ask();
      op.status = answer.status;
      Object.assign(op, answer.status === 503 ? { outcome: "info" } : judge(answer));
    } catch (error) {
      op.outcome = error.code === "ECONNREFUSED" ? "fail" : "info"; // not even sent; or done, or not
      op.error = error.code ?? error.message;
    }
    op.ended = now();
    this.history.push(op);
    if (op.outcome === "ok") {
      this.acknowledged += 1;
      if (op.seq !== undefined && op.op !== "board") {
        this.onAcknowledged?.();
      }
    }
    this.unknown += op.outcome === "info" ? 1 : 0;
    return op;
  }

  // ---- players ----------------------------------------------------------------------------------

  async login(self) {
    try {
      await self.player.login();
      self.twin.cookie = self.player.cookie;
      self.loggedIn = true;
    } catch {
      await pause(5);
    }
  }

  submit(self, player, id, right) {
    return this.record(
      self.name,
      { op: "submit", user: self.user, challenge: id, right },
      () => player.submit(id, right ? flagOf(id) : "flag{no}"),
      ({ json }) => {
        const { seq, ts, place, total } = json ?? {};
        return json?.result === "correct"
          ? { outcome: "ok", seq, ts, place, total }
          : { outcome: "fail", said: json?.result ?? json?.error };
      },
    );
  }

  async solveNext(self, twice) {
    const id = self.next;
    const tries = [this.submit(self, self.player, id, true)];
    if (twice) {
      tries.push(this.submit(self, self.twin, id, true));
    }
    const ops = await Promise.all(tries);
    if (ops.some((op) => op.outcome === "ok" || op.said === "already_solved")) {
      self.next = (id % this.challenges) + 1;
    } else if (ops.some((op) => op.said === "locked")) {
      self.next = Math.max(1, id - 1); // a reset: what was solved no longer is
    }
    return ops.at(-1);
  }

  buyHint(self) {
    const id = 1 + 4 * self.random.below(Math.max(1, Math.ceil(self.next / 4)));
    const hint = self.random.below(8) === 0 ? 1 + self.random.below(3) : (self.hints.get(id) ?? 0) + 1;
    return this.record(
      self.name,
      { op: "hint", user: self.user, challenge: id, hint },
      () => self.player.post("/api/hint", { id, hint_id: hint }),
      ({ json }) => {
        if (json?.result === "ok" || json?.error === "already_purchased") {
          self.hints.set(id, hint);
        } else if (json?.error === "locked") {
          self.hints.delete(id);
        }
        return json?.result === "ok"
          ? { outcome: "ok", seq: json.seq, total: json.total }
          : { outcome: "fail", said: json?.error };
      },
    );
  }

  setName(self) {
    const name = `Team ${self.random.below(this.players.length * 2)}`;
    return this.record(
      self.name,
      { op: "name", user: self.user, name },
      () => self.player.post("/api/set-name", { name }),
      ({ status, json }) => ({ outcome: status === 200 ? "ok" : "fail", said: json?.error }),
    );
  }

  readBoard(self) {
    return this.record(
      self.name,
      { op: "board" },
      () => self.player.get("/api/scoreboard"),
      ({ status, json }) =>
        status === 200
          ? {
              outcome: "ok",
              seq: json.seq,
              players: json.players.map(({ user_id, score, solves }) => ({ user: user_id, score, solves })),
            }
          : { outcome: "fail" },
    );
  }

  readPage(self) {
    const after = self.random.below(200);
    return this.record(
      self.name,
      { op: "page", after },
      () => self.player.get(`/api/events?after=${after}&limit=100`),
      ({ status, json }) =>
        status === 200
          ? { outcome: "ok", events: json.events, oldest: json.oldest }
          : { outcome: "fail" },
    );
  }

  async playerStep(self) {
    const what = self.random.weighted({
      solve: 50, twice: 8, wrong: 10, again: 5, hint: 10, name: 5, board: 7, page: 3, login: 2,
    });
    const old = 1 + self.random.below(self.next);
    const steps = {
      solve: () => this.solveNext(self, false),
      twice: () => this.solveNext(self, true),
      wrong: () => this.submit(self, self.player, self.next, false),
      again: () => this.submit(self, self.player, old, true),
      hint: () => this.buyHint(self),
      name: () => this.setName(self),
      board: () => this.readBoard(self),
      page: () => this.readPage(self),
      login: () => this.login(self),
    };
    const op = await steps[what]();
    if (op?.status === 401) {
      self.loggedIn = false;
    }
    if (op?.outcome === "info" || op?.error !== undefined) {
      await pause(3);
    }
  }

  async runPlayer(self) {
    while (this.running) {
      await (self.loggedIn ? this.playerStep(self) : this.login(self));
    }
  }

  // ---- the organiser ----------------------------------------------------------------------------

  ask(path, token, body) {
    const headers = { Authorization: token };
    return call(this.server().url, "POST", path, { headers, body, timeoutMs: CALL_MS });
  }

  award(random) {
    const self = random.pick(this.players);
    const id = 1 + random.below(this.challenges);
    return this.record(
      "admin",
      { op: "award", user: self.user, challenge: id },
      () => this.ask("/api/award", API_TOKEN, { username: playerName(self.i), id }),
      ({ json }) =>
        json?.result === "ok"
          ? { outcome: "ok", seq: json.seq, total: json.total }
          : { outcome: "fail", said: json?.result ?? json?.error },
    );
  }

  logout(random, everyone = random.below(10) === 0) {
    const { i } = random.pick(this.players);
    return this.record(
      "admin",
      { op: "logout" },
      () => this.ask("/admin/logout", ADMIN_TOKEN, everyone ? {} : { username: playerName(i) }),
      ({ status }) => ({ outcome: status === 200 ? "ok" : "fail" }),
    );
  }

  reset() {
    return this.record(
      "admin",
      { op: "reset" },
      () => this.ask("/admin/reset", ADMIN_TOKEN, { token: ADMIN_TOKEN }),
      ({ status }) => ({ outcome: status === 200 ? "ok" : "fail" }),
    );
  }

  async runAdmin() {
    const { random } = this.admin;
    while (this.running) {
      const what = random.weighted({ award: 100, logout: 5, reset: this.resets ? 1 : 0 });
      await { award: () => this.award(random), logout: () => this.logout(random), reset: () => this.reset() }[what]();
      await pause(4);
    }
  }

  // ---- watchers ---------------------------------------------------------------------------------

  /** Follows the stream for ever, from where it was: no event twice, none left out. */
  async runWatcher(self) {
    self.player = new Player(() => this.server().url, playerName(self.of), playerPassword(self.of));
    self.since = 0;
    while (this.watching) {
      try {
        await self.player.login();
        await this.followStream(self);
      } catch {
        await pause(5); // nobody there, or the session ended with a reset: once more
      }
    }
    self.player.close();
  }

  async followStream(self) {
    const op = { client: self.name, op: "stream", since: self.since, invoked: now(), outcome: "ok" };
    const stream = await openStream(self.player.streamUrl, { since: self.since });
    self.stream = stream;
    if (!this.watching) {
      stream.close();
    }
    // "load the scoreboard again and go on from its seq": at once, or a logout may come first, for ever
    const told = () => stream.frames.at(-1)?.[0]?.event === "resync" && stream.close();
    stream.socket.on("message", told);
    told();
    await stream.closed;
    const events = stream.events();
    const resync = events.findIndex((event) => event.type === "system");
    op.events = resync < 0 ? events : events.slice(0, resync);
    op.ended = now();
    this.history.push(op);
    self.since = op.events.at(-1)?.id ?? self.since;
    if (resync >= 0 && events[resync].event === "resync") {
      const { status, json } = await self.player.get("/api/scoreboard");
      self.since = status === 200 ? json.seq : self.since; // 401: the session has ended meanwhile
    }
  }

  // ---- all --------------------------------------------------------------------------------------

  start() {
    this.running = true;
    this.watching = true;
    this.loops = [
      ...this.players.map((self) => this.runPlayer(self)),
      this.runAdmin(),
      ...this.watchers.map((self) => this.runWatcher(self)),
    ];
  }

  /** Stops asking; watchers stay, and come back when a last logout sends them away, until closeStreams(). */
  async stopAsking() {
    this.running = false;
    await Promise.all(this.loops.slice(0, this.players.length + 1));
  }

  /** Everyone is logged out, and something happens while nobody looks: the streams come back for it. */
  async sendEveryoneAway() {
    await this.logout(this.admin.random, true);
    await this.award(this.admin.random);
  }

  async closeStreams() {
    this.watching = false;
    this.watchers.forEach((self) => self.stream?.close());
    await Promise.all(this.loops);
  }

  close() {
    for (const { player, twin } of this.players) {
      player.close();
      twin.close();
    }
  }
}
