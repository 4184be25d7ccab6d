#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh - does the README tell the truth on a machine that knows nothing of ctfg?
#
#   test/fresh/run.sh              a bare Debian 12; clone HEAD; make run; play; make run once more
#   FRESH_TEST=1 ...               also make test (long)
#
# More variables: machine.sh.
set -euo pipefail
# shellcheck source=test/fresh/machine.sh
. "$(dirname "$0")/machine.sh"

start_run() { # start_run LOG: make run in the background, until it serves or ends
    local log=$1 deadline=$((SECONDS + 1800))
    set -m # a group of its own, which gets SIGINT
    (in_root make run PORT="$port") >"$log" 2>&1 &
    run_pid=$!
    set +m # else whatever is stopped for a moment counts as failed
    until grep -q '^ctfg: listening on' "$log"; do
        kill -0 "$run_pid" 2>/dev/null || { tail -n 40 "$log"; fail "make run ended"; }
        [ "$SECONDS" -lt "$deadline" ] || { tail -n 40 "$log"; fail "make run serves nothing"; }
        sleep 0.2
    done
    url=$(sed -n 's/^The demo game: //p' "$log")
    curl -fsS -o "$work/page.html" "$url" || fail "$url does not answer"
    grep -q '/assets/' "$work/page.html" || fail "$url is not the page"
}

stop_run() { # what Ctrl-C does: SIGINT to all of it
    kill -INT -- "-$run_pid"
    wait "$run_pid" || true
    ! curl -fs -o /dev/null "$url" || fail "it still answers after Ctrl-C"
}

nothing_superfluous() { # the second make run has nothing to say before the address
    local before
    before=$(sed '/^The demo game/,$d' "$1" | grep -v '^$' || true)
    [ -z "$before" ] || fail "the second make run did something:"$'\n'"$before"
}

inner() {
    local started name password
    folder=/srv/ctfg
    port=$((20000 + RANDOM % 12000))

    say "a bare Debian ($suite)"
    make_root
    git clone -q --no-hardlinks "$repo" "$root/srv/ctfg"
    say "$(git -C "$root/srv/ctfg" log -1 --format='%h %s')"

    say "make run"
    started=$SECONDS
    start_run "$work/run1.log"
    say "it serves after $((SECONDS - started)) s, with node $( (in_root node --version))"
    read -r name password < <(sed -n '/^Logins/{n;p;}' "$work/run1.log")
    play "$name" "$password" "$root/srv/ctfg/examples/demo/challenges.json"
    say "played: login, a right flag"
    stop_run

    say "make run, once more"
    started=$SECONDS
    start_run "$work/run2.log"
    nothing_superfluous "$work/run2.log"
    say "it serves after $((SECONDS - started)) s; nothing was made again"
    stop_run
    [ -z "$( (in_root git status --porcelain))" ] || fail "make run left files that git does not ignore"

    if [ -n "${FRESH_TEST:-}" ]; then
        say "make test"
        started=$SECONDS
        (in_root make test) || fail "make test"
        say "make test: passed in $((SECONDS - started)) s"
    fi
    say "all is as the README says"
}

main "$@"
