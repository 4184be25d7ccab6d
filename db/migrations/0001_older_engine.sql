-- Step 1: the schema of the older engine, as it wrote it.
-- Runs in an empty file only; a file of the older engine has all this and starts with step 2.

CREATE TABLE events (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    ts           BIGINT NOT NULL,  -- microseconds since 1970
    user_id      BIGINT,
    challenge_id BIGINT,
    event_type   SMALLINT,         -- 1 = SUBMIT, 2 = HINT
    points       INTEGER,          -- of a hint: -cost
    hint_number  INTEGER,
    CHECK (event_type IN (1, 2)),
    CHECK ((event_type = 2 AND hint_number IS NOT NULL) OR
           (event_type = 1 AND hint_number IS NULL))
);

CREATE TABLE users (
    id          INTEGER PRIMARY KEY,
    username    UNIQUE,
    displayname
);

CREATE INDEX events_user_chal_submit ON events (user_id, challenge_id, event_type);
CREATE INDEX events_user_chal_hint ON events (user_id, challenge_id, event_type, hint_number);
CREATE INDEX events_ts ON events (ts);
CREATE UNIQUE INDEX uniq_submit ON events (user_id, challenge_id) WHERE event_type = 1;
CREATE UNIQUE INDEX uniq_hint ON events (user_id, challenge_id, hint_number) WHERE event_type = 2;
