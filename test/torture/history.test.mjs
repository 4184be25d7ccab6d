// SPDX-License-Identifier: MIT
// The checker is checked: it takes a good history, and each bad one is found out, for its own reason.
import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { checkHistory } from "./history.mjs";

const row = (id, user, challenge, points = 10, hint = null) => ({
  id, ts: id * 1000000, user_id: user, challenge_id: challenge, event_type: hint ? 2 : 1, points, hint_number: hint,
});
const eventOf = ({ id, ts, user_id, challenge_id, points }) => ({ id, ts: ts / 1000, user_id, challenge_id, points });
const ROWS = [row(1, 1, 1), row(2, 2, 1), row(3, 1, 2), row(4, 1, 1, -4, 1), row(5, 2, 2)];

/** A small game that went well: user 3 was told no, user 2's first answer was lost. */
function goodStory() {
  const submit = (at, user, challenge, more) => ({
    client: `c${user}`, op: "submit", user, challenge, right: true, invoked: at, ended: at + 5, outcome: "ok", ...more,
  });
  return {
    history: [
      submit(0, 1, 1, { seq: 1, ts: 1000, place: 1, total: 10 }),
      submit(10, 2, 1, { outcome: "info" }),
      submit(20, 2, 1, { outcome: "fail", said: "already_solved" }),
      submit(20, 3, 1, { outcome: "fail", said: "incorrect", right: false }),
      submit(30, 1, 2, { seq: 3, ts: 3000, place: 1, total: 20 }),
      { client: "c1", op: "hint", user: 1, challenge: 1, hint: 1, invoked: 40, ended: 45, outcome: "ok", seq: 4, total: 16 },
      submit(50, 2, 2, { seq: 5, ts: 5000, place: 2, total: 20 }),
      { client: "c1", op: "name", user: 1, name: "Ants", invoked: 60, ended: 62, outcome: "ok" },
      { client: "c2", op: "name", user: 2, name: "Bees", invoked: 60, ended: 62, outcome: "info" },
      {
        client: "c3", op: "board", invoked: 200, ended: 203, outcome: "ok", seq: 5,
        players: [{ user: 2, score: 20, solves: 2 }, { user: 1, score: 16, solves: 2 }, { user: 3, score: 0, solves: 0 }],
      },
      { client: "w", op: "stream", since: 1, invoked: 12, ended: 300, outcome: "ok", events: ROWS.slice(1).map(eventOf) },
      { client: "c3", op: "page", after: 2, invoked: 300, ended: 301, outcome: "ok", oldest: 1, events: ROWS.slice(2).map(eventOf) },
    ],
    log: { epochs: [{ floor: 0, rows: ROWS.map((r) => ({ ...r })) }], names: new Map([[1, "Ants"], [2, "Bees"], [3, null]]) },
  };
}

/** What goes wrong, and what the checker must say about it. */
const bad = {
  "an acknowledged solve that is lost": [
    ({ log }) => log.epochs[0].rows.pop(), /is lost/,
  ],
  "an acknowledged solve under another number": [
    ({ history }) => (history[0].seq = 2), /is lost|two requests/,
  ],
  "an acknowledged solve with another date": [({ history }) => (history[0].ts = 999), /was said to be of/],
  "a solve that counts twice": [
    ({ log }) => log.epochs[0].rows.push(row(6, 1, 1)), /a second time/,
  ],
  "one event that is granted to two requests": [
    ({ history }) => history.push({ ...history[0], invoked: 2, ended: 4 }), /granted to two/,
  ],
  "a wrong guess that counts": [
    ({ log }) => log.epochs[0].rows.push(row(6, 3, 1)), /nobody's asking/,
  ],
  "a refused hint that is charged": [
    ({ history }) => (history[5].outcome = "fail"), /nobody's asking/,
  ],
  "a number that is nobody's": [
    ({ log }) => (log.epochs[0].rows[4].id = 6), /follows event 4/,
  ],
  "a date that goes back": [({ log }) => (log.epochs[0].rows[4].ts = 1), /dated before/],
  "a hint that takes a total below zero": [
    ({ log }) => (log.epochs[0].rows[3].points = -40), /takes user 1 to -20/,
  ],
  "a hint that is bought out of order": [({ log }) => (log.epochs[0].rows[3].hint_number = 2), /out of order/],
  "a later solve that comes before an earlier, acknowledged one": [
    ({ history }) => Object.assign(history[0], { invoked: 46, ended: 49 }), /asked for after event/,
  ],
  "two first bloods": [({ history }) => (history[6].place = 1), /was told place 1/],
  "a total that is not the log's": [({ history }) => (history[4].total = 30), /was told 30 points/],
  "a board that lacks what was acknowledged before": [
    ({ history }) => Object.assign(history[9], { seq: 4, players: [{ user: 1, score: 16, solves: 2 }, { user: 2, score: 10, solves: 1 }] }),
    /a board of event 4 was shown after event 5/,
  ],
  "a board with half an event": [({ history }) => (history[9].players[0].solves = 1), /is not the replay/],
  "a board whose tie goes to the later one": [
    (story) => {
      story.log.epochs[0].rows[3].points = 0;
      story.history[5].total = 20;
      story.history[9].players[1].score = 20;
    },
    /is not the replay/,
  ],
  "a board that goes back in time": [
    ({ history }) => history.push({ ...history[9], invoked: 300, ended: 301, seq: 3, players: [{ user: 1, score: 20, solves: 2 }, { user: 2, score: 10, solves: 1 }] }),
    /a board of event 3 was shown after event 5/,
  ],
  "a stream with a gap": [({ history }) => history[10].events.splice(1, 1), /missing: 3/],
  "a stream that repeats": [
    ({ history }) => history[10].events.splice(1, 0, history[10].events[0]), /brings event 2 after event 2/,
  ],
  "a stream in another order than the commits": [
    ({ history }) => history[10].events.reverse(), /brings event/,
  ],
  "a stream that begins with what was known": [
    ({ history }) => history[10].events.unshift(eventOf(ROWS[0])), /brings event 1 after event 1/,
  ],
  "a stream that tells something else": [
    ({ history }) => (history[10].events[0] = { ...history[10].events[0], points: 11 }), /where the log has event 2/,
  ],
  "a page with a gap": [({ history }) => history[11].events.splice(1, 1), /missing: 4/],
  "a name that two players have": [({ log }) => log.names.set(2, "ants"), /are both called/],
  "a name that is lost": [({ log }) => log.names.set(1, null), /is called null/],
  "a name that nobody asked for": [({ log }) => log.names.set(3, "Wasps"), /is called Wasps/],
  "a name that two players held at once": [
    ({ history }) => {
      history.push({ client: "c2", op: "name", user: 2, name: "ANTS", invoked: 70, ended: 72, outcome: "ok" });
      history.push({ client: "c2", op: "name", user: 2, name: "Bees", invoked: 80, ended: 82, outcome: "ok" });
    },
    /was held by users 1 and 2 at once/,
  ],
};

describe("the checker of histories", () => {
  it("finds nothing wrong with a good history", () => {
    const { history, log } = goodStory();
    assert.deepEqual(checkHistory(history, log), []);
  });

  it("knows that a reset begins anew", () => {
    const { history, log } = goodStory();
    history.push({ client: "admin", op: "reset", invoked: 400, ended: 420, outcome: "ok" });
    history.push({ ...history[0], invoked: 430, ended: 431, seq: 6, ts: 6000 });
    history.push({
      client: "c3", op: "board", invoked: 500, ended: 501, outcome: "ok", seq: 6, players: [{ user: 1, score: 10, solves: 1 }],
    });
    log.epochs.push({ floor: 5, rows: [row(6, 1, 1)] });
    log.names = new Map([[1, null], [2, null], [3, null]]);
    assert.deepEqual(checkHistory(history, log), []);
  });

  for (const [what, [spoil, reason]] of Object.entries(bad)) {
    it(`finds ${what}`, () => {
      const story = goodStory();
      spoil(story);
      const findings = checkHistory(story.history, story.log);
      assert.ok(findings.some((text) => reason.test(text)), `it found only: ${findings.join("; ") || "nothing"}`);
    });
  }
});
