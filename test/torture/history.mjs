// SPDX-License-Identifier: MIT
// history.mjs - judges what concurrent clients have seen against the log of events, in the manner of
// Jepsen: pure functions, nothing is started or asked here.
//
// A history is a list of operations, each by one client, with the times (of one monotonic clock) at
// which it was invoked and ended, and an outcome:
//   ok    the server said it is done           fail  the server said it is not, and never will be
//   info  nobody can tell: no answer, or 503 ("ask again"); such a change may be there, once, or not
// A change has op submit, hint, award, name or reset; a look has op board, page or stream.
// A log is {epochs: [{floor, rows}], names}: a reset begins a new epoch, whose ids lie above its floor.

/** Milliseconds a board may be old: it is built anew every 20 ms at most. */
const BOARD_LAG_MS = 50;

const isSolve = (row) => row.event_type === 1;
const thingOf = (row) => `${row.user_id}/${row.challenge_id}/${isSolve(row) ? 0 : row.hint_number}`;
const changes = new Set(["submit", "hint", "award"]);

/** Everything that is wrong, a sentence each; none: the history is one of a correct server. */
export function checkHistory(history, log, { boardLagMs = BOARD_LAG_MS } = {}) {
  const findings = [];
  const wrong = (text) => findings.push(text);
  checkLog(log, wrong);
  checkAcknowledged(history, log, wrong);
  checkExplained(history, log, wrong);
  checkRealTime(history, wrong);
  checkPlaces(history, log, wrong);
  checkTotals(history, log, wrong);
  checkBoards(history, log, boardLagMs, wrong);
  for (const op of history) {
    if (op.op === "stream") {
      checkStream(op, log, wrong);
    } else if (op.op === "page") {
      checkPage(op, log, wrong);
    }
  }
  checkNames(history, log, wrong);
  return findings;
}

// ---- the log by itself --------------------------------------------------------------------------

/** Ids without a gap, dates that never go back, nothing twice, nobody below nothing. */
function checkLog(log, wrong) {
  let last = { id: 0, ts: 0 };
  for (const { rows } of log.epochs) {
    const things = new Set();
    const scores = new Map();
    const hints = new Map();
    for (const row of rows) {
      if (row.id !== last.id + 1) {
        wrong(`event ${row.id} follows event ${last.id}: the numbers between are nobody's`);
      }
      if (row.ts < last.ts) {
        wrong(`event ${row.id} is dated before event ${last.id}`);
      }
      if (things.has(thingOf(row))) {
        wrong(`event ${row.id} counts ${thingOf(row)} a second time`);
      }
      things.add(thingOf(row));
      const score = (scores.get(row.user_id) ?? 0) + row.points;
      scores.set(row.user_id, score);
      if (score < 0) {
        wrong(`event ${row.id} takes user ${row.user_id} to ${score} points`);
      }
      if (!isSolve(row)) {
        const challenge = `${row.user_id}/${row.challenge_id}`;
        if (row.hint_number !== (hints.get(challenge) ?? 0) + 1) {
          wrong(`event ${row.id} buys hint ${row.hint_number} of ${challenge} out of order`);
        }
        hints.set(challenge, row.hint_number);
      }
      last = row;
    }
  }
}

// ---- changes ------------------------------------------------------------------------------------

const fits = (row, op) =>
  row.user_id === op.user &&
  row.challenge_id === op.challenge &&
  (op.op === "hint" ? row.hint_number === op.hint : isSolve(row));

/** What was acknowledged is there, under its number, as it was said. */
function checkAcknowledged(history, log, wrong) {
  const byId = new Map(log.epochs.flatMap(({ rows }) => rows.map((row) => [row.id, row])));
  const taken = new Map();
  for (const op of history) {
    if (!changes.has(op.op) || op.outcome !== "ok") {
      continue;
    }
    const row = byId.get(op.seq);
    if (row === undefined || !fits(row, op)) {
      wrong(`the ${op.op} of ${op.challenge} that user ${op.user} was told is event ${op.seq} is lost`);
    } else if (op.ts !== undefined && Math.floor(row.ts / 1000) !== op.ts) {
      wrong(`event ${op.seq} was said to be of ${op.ts}, it is of ${row.ts / 1000}`);
    }
    if (taken.has(op.seq)) {
      wrong(`event ${op.seq} was granted to two requests`);
    }
    taken.set(op.seq, op);
  }
}

/** Nothing is there that nobody asked for, or that everyone who asked was refused. */
function checkExplained(history, log, wrong) {
  const askers = new Map();
  for (const op of history) {
    if (changes.has(op.op) && op.right !== false && op.outcome !== "fail") {
      const thing = `${op.user}/${op.challenge}/${op.op === "hint" ? op.hint : 0}`;
      askers.set(thing, (askers.get(thing) ?? 0) + 1);
    }
  }
  for (const { rows } of log.epochs) {
    for (const row of rows) {
      const left = askers.get(thingOf(row)) ?? 0;
      if (left === 0) {
        wrong(`event ${row.id} (${thingOf(row)}) is there, though nobody's asking for it could succeed`);
      }
      askers.set(thingOf(row), left - 1);
    }
  }
}

/** What ended before something else began comes before it in the order of commits. */
function checkRealTime(history, wrong) {
  const acked = history.filter((op) => (changes.has(op.op) || op.op === "reset") && op.outcome === "ok");
  const byEnd = [...acked].sort((a, b) => a.ended - b.ended);
  const byStart = [...acked].sort((a, b) => a.invoked - b.invoked);
  let at = 0;
  let newest = 0;
  for (const op of byStart) {
    for (; at < byEnd.length && byEnd[at].ended < op.invoked; at++) {
      newest = Math.max(newest, byEnd[at].seq ?? 0);
    }
    if (op.op !== "reset" && op.seq <= newest) {
      wrong(`event ${op.seq} was asked for after event ${newest} had been acknowledged`);
    }
  }
}

/** The place a solver was told is their place among the solvers: one first blood, no place twice. */
function checkPlaces(history, log, wrong) {
  const places = new Map();
  for (const { rows } of log.epochs) {
    const solvers = new Map();
    for (const row of rows.filter(isSolve)) {
      const place = (solvers.get(row.challenge_id) ?? 0) + 1;
      solvers.set(row.challenge_id, place);
      places.set(row.id, place);
    }
  }
  for (const op of history) {
    if (op.outcome === "ok" && op.place !== undefined && op.place !== places.get(op.seq)) {
      wrong(`user ${op.user} was told place ${op.place} for event ${op.seq}, it is ${places.get(op.seq)}`);
    }
  }
}

/** The total in an answer is what the log adds up to, then. */
function checkTotals(history, log, wrong) {
  const totals = new Map();
  for (const { rows } of log.epochs) {
    const scores = new Map();
    for (const row of rows) {
      scores.set(row.user_id, (scores.get(row.user_id) ?? 0) + row.points);
      totals.set(row.id, scores.get(row.user_id));
    }
  }
  for (const op of history) {
    if (changes.has(op.op) && op.outcome === "ok" && op.total !== undefined) {
      if (op.total !== totals.get(op.seq)) {
        wrong(`user ${op.user} was told ${op.total} points at event ${op.seq}, not ${totals.get(op.seq)}`);
      }
    }
  }
}

// ---- boards -------------------------------------------------------------------------------------

/** Lines as a replay of rows gives them: by points, then who reached them first. */
function linesOf(rows) {
  const board = new Map();
  for (const row of rows) {
    const line = board.get(row.user_id) ?? { user: row.user_id, score: 0, solves: 0, raised: 0 };
    line.score += row.points;
    line.solves += isSolve(row) ? 1 : 0;
    line.raised = row.points > 0 ? row.id : line.raised;
    board.set(row.user_id, line);
  }
  return [...board.values()].sort(
    (a, b) => b.score - a.score || (a.raised || Infinity) - (b.raised || Infinity),
  );
}

const tellLines = (lines) => lines.map(({ user, score, solves }) => `${user}:${score}:${solves}`).join(" ");

/** The boards that can have had this number: just before and just after a reset, both. */
function boardsAt(log, seq, cache) {
  if (!cache.has(seq)) {
    const found = log.epochs
      .filter(({ floor, rows }) => floor <= seq && (rows.at(-1)?.id ?? floor) >= seq)
      .map(({ rows }) => tellLines(linesOf(rows.filter((row) => row.id <= seq))));
    cache.set(seq, found);
  }
  return cache.get(seq);
}

/** Each board is a replay up to its number, and has what anyone knew when the look began. */
function checkBoards(history, log, lagMs, wrong) {
  const known = history.filter((op) => op.outcome === "ok" && op.seq !== undefined);
  const byEnd = known.sort((a, b) => a.ended - b.ended);
  const boards = history.filter((op) => op.op === "board" && op.outcome === "ok");
  const cache = new Map();
  let at = 0;
  let newest = 0;
  for (const op of boards.sort((a, b) => a.invoked - b.invoked)) {
    for (; at < byEnd.length && byEnd[at].ended < op.invoked - lagMs; at++) {
      newest = Math.max(newest, byEnd[at].seq);
    }
    if (op.seq < newest) {
      wrong(`a board of event ${op.seq} was shown after event ${newest} had been acknowledged`);
    }
    const shown = withoutZeros(tellLines(op.players));
    const possible = boardsAt(log, op.seq, cache);
    if (!possible.some((lines) => withoutZeros(lines) === shown)) {
      wrong(`the board of event ${op.seq} is not the replay: ${shown} instead of ${possible.join(" or ")}`);
    }
  }
}

/** Who has nothing and has solved nothing may be listed or not. */
const withoutZeros = (lines) => lines.split(" ").filter((line) => !line.endsWith(":0:0")).join(" ");

// ---- streams and pages --------------------------------------------------------------------------

function compareEvents(what, after, upTo, events, log, wrong) {
  const rows = log.epochs.flatMap((epoch) => epoch.rows).filter((row) => row.id > after && row.id <= upTo);
  if (rows.length !== events.length) {
    const ids = new Set(events.map((event) => event.id));
    const missing = rows.filter((row) => !ids.has(row.id)).map((row) => row.id);
    wrong(`${what} has ${events.length} events for ${rows.length} commits; missing: ${missing.slice(0, 5)}`);
    return;
  }
  rows.forEach((row, i) => {
    const event = events[i];
    if (
      event.id !== row.id || event.user_id !== row.user_id || event.challenge_id !== row.challenge_id ||
      event.points !== row.points || event.ts !== Math.floor(row.ts / 1000)
    ) {
      wrong(`${what} says ${JSON.stringify(event)} where the log has event ${row.id}`);
    }
  });
}

function checkAscending(what, after, events, wrong) {
  let last = after;
  for (const { id } of events) {
    if (id <= last) {
      wrong(`${what} brings event ${id} after event ${last}`);
      return false;
    }
    last = id;
  }
  return true;
}

/** From `since` to the last event it brought: all of them, once, in the order of commits. */
function checkStream(op, log, wrong) {
  const what = `the stream of ${op.client} since ${op.since}`;
  if (checkAscending(what, op.since, op.events, wrong)) {
    compareEvents(what, op.since, op.events.at(-1)?.id ?? op.since, op.events, log, wrong);
  }
}

function checkPage(op, log, wrong) {
  const what = `the page after ${op.after}`;
  if (op.outcome === "ok" && checkAscending(what, op.after, op.events, wrong) && op.events.length > 0) {
    const from = Math.max(op.after, op.oldest - 1);
    const events = op.events.filter(({ id }) => id > from);
    compareEvents(what, from, op.events.at(-1).id, events, log, wrong);
  }
}

// ---- names --------------------------------------------------------------------------------------

const foldName = (name) => name.toLowerCase();

/** One name, one player; and each player ends with the last name they were granted, or a later one
 * whose answer was lost. */
function checkNames(history, log, wrong) {
  const owners = new Map();
  for (const [user, name] of log.names) {
    if (name !== null && owners.has(foldName(name))) {
      wrong(`users ${owners.get(foldName(name))} and ${user} are both called ${name}`);
    }
    if (name !== null) {
      owners.set(foldName(name), user);
    }
  }
  const naming = history.filter((op) => op.op === "name" && op.outcome !== "fail");
  const resets = history.filter((op) => op.op === "reset" && op.outcome !== "fail");
  checkHeldNames(naming, resets, wrong);
  for (const [user, name] of log.names) {
    const possible = possibleNames(naming.filter((op) => op.user === user), resets);
    if (!possible.has(name)) {
      wrong(`user ${user} is called ${name}, possible were ${[...possible].join(", ")}`);
    }
  }
}

function possibleNames(naming, resets) {
  let possible = new Set([null]);
  const steps = [...naming, ...resets].sort((a, b) => a.invoked - b.invoked);
  for (const op of steps) {
    const isReset = op.op === "reset";
    const overlaps = steps.some(
      (other) => other !== op && (other.op === "reset") !== isReset &&
        other.invoked < op.ended && op.invoked < other.ended,
    );
    if (op.outcome === "ok" && !overlaps) {
      possible = new Set();
    }
    possible.add(isReset ? null : op.name);
  }
  return possible;
}

/** Between the answer that granted it and its holder's next try a name is held: never by two. */
function checkHeldNames(naming, resets, wrong) {
  const held = [];
  const tries = new Map();
  for (const op of [...naming].sort((a, b) => b.invoked - a.invoked)) {
    const next = tries.get(op.user) ?? Infinity;
    const reset = Math.min(...resets.filter((r) => r.ended > op.invoked).map((r) => r.invoked), Infinity);
    if (op.outcome === "ok") {
      held.push({ name: foldName(op.name), user: op.user, from: op.ended, to: Math.min(next, reset) });
    }
    tries.set(op.user, op.invoked);
  }
  held.sort((a, b) => a.from - b.from);
  const holders = new Map();
  for (const hold of held) {
    const others = (holders.get(hold.name) ?? []).filter((other) => other.to > hold.from);
    if (hold.to > hold.from && others.some((other) => other.user !== hold.user)) {
      wrong(`the name ${hold.name} was held by users ${others[0].user} and ${hold.user} at once`);
    }
    holders.set(hold.name, [...others, hold]);
  }
}
