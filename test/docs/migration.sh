#!/bin/bash
# SPDX-License-Identifier: MIT
# migration.sh - makes oldgame/, a game as the older engine had it: what a reader of docs/migration.md has.
set -euo pipefail

mkdir -p oldgame/images oldgame/css oldgame/js
cat >oldgame/challenges.json <<'END'
[
  {"id": 1, "title": "The door", "category": "Warm-up", "difficulty": "easy", "points": 100,
   "description": "Hello @USERNAME@,
your machine is @PLAYER_CLUSTER@.",
   "flag": "^flag\\{door\\}$", "author": "somebody",
   "hints": [{"id": 1, "text": "Knock.", "cost": 20}]},
  {"id": 2, "title": "The cellar", "category": "Warm-up", "difficulty": "hard", "points": 200, "requirements": [1],
   "description": "Down.", "flag": "^flag\\{cellar\\}$"}
]
END
printf 'alice,wonderland\nbob, builder \n' >oldgame/credentials.csv
printf 'control_cluster: control\nplayer_clusters: [one, two]\n' >oldgame/game-clusters.yaml
printf 'CTFG_API_TOKEN=an-old-token-of-awards\nCTFG_ADMIN_TOKEN=an-old-token-of-resets\n' >oldgame/.env
chmod 600 oldgame/.env oldgame/credentials.csv
echo '<!doctype html><title>The old page</title><script src="/js/main.js"></script>' >oldgame/index.html
echo 'console.log("the old page");' >oldgame/js/main.js
echo 'body { color: black; }' >oldgame/css/main.css

# Its event 3 repeats event 1: the unique indexes may be missing in real files.
sqlite3 oldgame/events.db <<'END'
CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, ts BIGINT NOT NULL, user_id BIGINT,
    challenge_id BIGINT, event_type SMALLINT, points INTEGER, hint_number INTEGER,
    CHECK (event_type IN (1,2)),
    CHECK ((event_type = 2 AND hint_number IS NOT NULL) OR (event_type = 1 AND hint_number IS NULL)));
CREATE TABLE users(id INTEGER PRIMARY KEY, username UNIQUE, displayname);
CREATE INDEX events_user_chal_submit ON events(user_id, challenge_id, event_type);
CREATE INDEX events_user_chal_hint ON events(user_id, challenge_id, event_type, hint_number);
CREATE INDEX events_ts ON events(ts);
INSERT INTO users VALUES (1, 'alice', 'Crypto Cats'), (2, 'bob', NULL);
INSERT INTO events(ts, user_id, challenge_id, event_type, points, hint_number) VALUES
    (1700000000000000, 1, 1, 1, 100, NULL),
    (1700000060000000, 1, 1, 2, -20, 1),
    (1700000070000000, 1, 1, 1, 100, NULL);
END
