-- Step 2: request ids and flags of events, sessions, rejected guesses; duplicates move aside.

-- Rows that cannot count are kept here, never deleted: look at them with SELECT * FROM moved_aside.
CREATE TABLE moved_aside (
    id           INTEGER NOT NULL, -- as it was in events
    ts,
    user_id,
    challenge_id,
    event_type,
    points,
    hint_number,
    reason       TEXT NOT NULL,
    moved_at_s   BIGINT NOT NULL
);

INSERT INTO moved_aside
SELECT id, ts, user_id, challenge_id, event_type, points, hint_number,
       'a field is missing or out of range', CAST(strftime('%s', 'now') AS INTEGER)
FROM events
WHERE NOT (id >= 1 AND typeof(ts) = 'integer' AND ts >= 0
           AND typeof(user_id) = 'integer' AND user_id BETWEEN 1 AND 4294967294
           AND typeof(challenge_id) = 'integer' AND challenge_id BETWEEN 1 AND 4294967294
           AND typeof(event_type) = 'integer' AND event_type IN (1, 2)
           AND typeof(coalesce(points, 0)) = 'integer'
           AND coalesce(points, 0) BETWEEN -2147483648 AND 2147483647
           AND (event_type = 1 OR (typeof(hint_number) = 'integer'
                                   AND hint_number BETWEEN 1 AND 4294967294)));
DELETE FROM events WHERE id IN (SELECT id FROM moved_aside);

-- Of rows that say the same the first one counts.
INSERT INTO moved_aside
SELECT id, ts, user_id, challenge_id, event_type, points, hint_number,
       'the same solve a second time', CAST(strftime('%s', 'now') AS INTEGER)
FROM events
WHERE event_type = 1
  AND id NOT IN (SELECT min(id) FROM events WHERE event_type = 1 GROUP BY user_id, challenge_id);
INSERT INTO moved_aside
SELECT id, ts, user_id, challenge_id, event_type, points, hint_number,
       'the same hint a second time', CAST(strftime('%s', 'now') AS INTEGER)
FROM events
WHERE event_type = 2
  AND id NOT IN (SELECT min(id) FROM events WHERE event_type = 2
                 GROUP BY user_id, challenge_id, hint_number);
DELETE FROM events WHERE id IN (SELECT id FROM moved_aside);

-- Made anew, whatever an older file has by these names, so that they are what they are said to be.
DROP INDEX IF EXISTS events_user_chal_submit;
DROP INDEX IF EXISTS events_user_chal_hint;
DROP INDEX IF EXISTS events_ts;
DROP INDEX IF EXISTS uniq_submit;
DROP INDEX IF EXISTS uniq_hint;
CREATE INDEX events_user_chal_submit ON events (user_id, challenge_id, event_type);
CREATE INDEX events_user_chal_hint ON events (user_id, challenge_id, event_type, hint_number);
CREATE INDEX events_ts ON events (ts);
CREATE UNIQUE INDEX uniq_submit ON events (user_id, challenge_id) WHERE event_type = 1;
CREATE UNIQUE INDEX uniq_hint ON events (user_id, challenge_id, hint_number) WHERE event_type = 2;

ALTER TABLE events ADD COLUMN request_id BIGINT; -- NULL: none; else the worker's, as signed 64 bits
ALTER TABLE events ADD COLUMN flags INTEGER NOT NULL DEFAULT 0; -- 1: came through /api/award
ALTER TABLE users ADD COLUMN auth_epoch INTEGER NOT NULL DEFAULT 0; -- older sessions are dead

-- Rejected guesses: written in every batch, read by organisers after the game; no index on purpose.
CREATE TABLE guesses (
    id           INTEGER PRIMARY KEY,
    ts           BIGINT NOT NULL,
    user_id      BIGINT NOT NULL,
    challenge_id BIGINT NOT NULL,
    guess        TEXT NOT NULL
);

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value NOT NULL
) WITHOUT ROWID;

-- Sessions that ended by logout before they expired.
CREATE TABLE revocations (
    session_id INTEGER PRIMARY KEY, -- as signed 64 bits
    expires_s  BIGINT NOT NULL
);
