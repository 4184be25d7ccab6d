#!/bin/sh
# SPDX-License-Identifier: MIT
# includes.sh - who may include whom: arrows point one way, and every library has one home.
#
# A folder that allow() does not know may include nothing of ours.  docs/architecture.md draws it.
set -f # what follows are patterns, not files

allow() { # one line a folder: which of our headers may it include?
    case $1 in
    shm/base) echo 'shm/base/*' ;;
    shm) echo 'shm/*' ;;
    conf) echo 'conf/* shm/base/*' ;;
    db) echo 'db/* conf/* shm/*' ;;
    worker) echo 'worker/* conf/* shm/*' ;;
    master) echo 'master/* conf/* shm/* db/db.h worker/worker.h' ;;
    esac
}

home() { # one line a library: which of our files may name its header?
    case $1 in
    llhttp.h) echo 'worker/http.[ch]' ;;
    wslay/*) echo 'worker/ws.[ch]' ;;
    pcre2.h) echo 'conf/flag.[ch]' ;;
    sqlite3.h) echo 'db/store_sqlite.[ch] db/sqlite_copy.c db/log_writer.c db/migrate.c db/backup.c' ;;
    sodium.h) echo 'worker/session.c worker/password.c' ;;
    jansson.h) echo 'conf/* worker/body.[ch]' ;;
    cyaml/*) echo 'conf/settings.c' ;;
    csv.h) echo 'conf/credentials.c' ;;
    xxhash.h) echo 'shm/base/hash.h' ;;
    zlib.h | brotli/*) echo 'worker/compress.c' ;;
    systemd/*) echo 'master/notify.c master/listen.c' ;;
    uv.h) echo 'worker/* db/*' ;;
    *) echo '*' ;;
    esac
}

# Names like <db/store.h> would pass as a library's: refused by their first word.
status=0
for file in $(find master worker db conf shm -name '*.[ch]' | sort); do
    pattern='s/^[[:space:]]*(#|%:)[[:space:]]*(include|include_next|import)[[:space:]]*([<"][^>"]*)[>"].*/\3/p'
    for inc in $(sed -nE "$pattern" "$file" | tr ' \t' '??'); do
        name=${inc#?} ok=no
        case $file:$name in
        *:*..*) rule='' ;;
        db/*:shm/apply.h | shm/apply.c:shm/apply.h) rule='*' ;;
        *:shm/apply.h) rule='' ;;
        *:master/* | *:worker/* | *:db/* | *:conf/* | *:shm/*)
            rule=$(allow "${file%/*}")
            case $inc in '<'*) rule='' ;; esac
            ;;
        *) case $inc in '"'*) rule='' ;; *) rule=$(home "$name") name=$file ;; esac ;;
        esac
        for pattern in $rule; do
            # shellcheck disable=SC2254 # patterns, meant as such
            case $name in $pattern) ok=yes ;; esac
        done
        [ $ok = yes ] || {
            echo "$file: may not include ${inc#?}"
            status=1
        }
    done
    # An include whose name is a macro would hide from the look above.
    if grep -nE '^[[:space:]]*(#|%:)[[:space:]]*(include|include_next|import)[[:space:]]*[^<"[:space:]]' "$file"; then
        echo "$file: an include names its file plainly"
        status=1
    fi
done
exit $status
