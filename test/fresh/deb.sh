#!/bin/bash
# SPDX-License-Identifier: MIT
# deb.sh - does the Debian package build, install, serve, upgrade, and go away again?
#
#   make deb-test                  in bare Debians of this machine's release: one builds HEAD, one plays it
#   FRESH_SUITE=trixie ...         of another release
#
# systemd does not run in there: the test plays its part, with what the unit says; systemd.sh has a real
# one.  More variables: machine.sh.
set -euo pipefail
# shellcheck disable=SC1091 # the system's
FRESH_SUITE=${FRESH_SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
# shellcheck source=test/fresh/machine.sh
. "$(dirname "$0")/machine.sh"

is() { # is MODE:OWNER:GROUP PATH
    local found
    found=$( (in_root stat -c '%a:%U:%G' "$2")) || fail "$2 is missing"
    [ "$found" = "$1" ] || fail "$2 is $found, not $1"
}

is_gone() {
    [ ! -e "$root$1" ] || fail "$1 is still there"
}

# What systemd would start, as whom it would: the unit's ExecStart, its user and umask.
start_service() {
    local unit start
    unit=$(find "$root/lib/systemd/system/" "$root/usr/lib/systemd/system/" -name ctfg.service | head -n 1)
    read -r -a start < <(sed -n 's/^ExecStart=//p' "$unit")
    (umask 077 && in_root env -i PATH=/usr/bin:/bin CTFG_LISTEN_PORT=0 CTFG_LISTEN_ADDRESS=127.0.0.1 \
        CTFG_LISTEN_METRICS=off setpriv --reuid "$(sed -n 's/^User=//p' "$unit")" \
        --regid "$(sed -n 's/^Group=//p' "$unit")" --clear-groups --no-new-privs "${start[@]}") 2>"$work/service.log" &
    service_pid=$!
    wait_for_lines 1
    url=$(sed -n 's/^ctfg: listening on //p' "$work/service.log")
}

wait_for_lines() { # wait_for_lines N: so many times it has said that it serves
    local log=$work/service.log deadline=$((SECONDS + 60))
    until [ "$(grep -c '^ctfg: listening on' "$log")" -ge "$1" ]; do
        kill -0 "$service_pid" 2>/dev/null || { cat "$log"; fail "the service ended"; }
        [ "$SECONDS" -lt "$deadline" ] || { cat "$log"; fail "the service does not serve"; }
        sleep 0.1
    done
}

stop_service() {
    kill -TERM "$service_pid"
    wait "$service_pid" || fail "the service ended with $?"
}

# A later version, with another ctfg.yaml and another credentials.csv in it.
make_next() {
    open_deb
    echo '# new in this version' | tee -a "$work/next/etc/ctfg/ctfg.yaml" >>"$work/next/etc/ctfg/credentials.csv"
    next_deb
}

build_it() {
    local findings
    build_deb
    folder=/srv/ctfg
    (in_root dpkg-checkbuilddeps -I package/debian/control) || fail "Build-Depends names more than package/deps installs"
    must_apt install --no-install-recommends lintian
    findings=$( (in_root sh -c 'lintian --allow-root build/deb/ctfg_*.changes') 2>&1) || true
    [ -z "$findings" ] || fail "lintian:"$'\n'"$findings"
    folder=/
}

install_it() {
    must_apt install --no-install-recommends /ctfg.deb
    is 750:root:ctfg /etc/ctfg
    is 640:root:ctfg /etc/ctfg/credentials.csv
    is 644:root:root /etc/ctfg/challenges.json
    is 700:ctfg:ctfg /var/lib/ctfg
    [ "$( (in_root getent passwd ctfg) | cut -d: -f6,7)" = /var/lib/ctfg:/usr/sbin/nologin ] || fail "the user is wrong"
    (in_root ctfg --version) | grep -q '^ctfg ' || fail "it does not run"
    (in_root setpriv --reuid ctfg --regid ctfg --clear-groups ctfg check -C /etc/ctfg --dbdir /var/lib/ctfg) >/dev/null ||
        fail "the service's user cannot read its game"
}

play_it() {
    start_service
    play alice change-me-alice "$root/etc/ctfg/challenges.json"
    is 600:ctfg:ctfg /var/lib/ctfg/events.db
}

# An organiser's file stays, one that nobody touched is replaced, and the running game goes on.
upgrade_it() {
    echo 'dave,change-me-dave' >>"$root/etc/ctfg/credentials.csv"
    (umask 027 && echo 'CTFG_API_TOKEN=0123456789abcdef0123' >"$root/etc/ctfg/.env")
    (in_root chgrp ctfg /etc/ctfg/.env)
    (in_root chmod 755 /etc/ctfg)
    must_apt install -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold /next.deb
    grep -q '^dave' "$root/etc/ctfg/credentials.csv" || fail "the organiser's players are gone"
    is 640:root:ctfg /etc/ctfg/credentials.csv
    is 755:root:ctfg /etc/ctfg
    grep -q 'new in this version' "$root/etc/ctfg/ctfg.yaml" || fail "the new ctfg.yaml is not there"
    has_points || fail "the running game was disturbed"
    kill -USR2 "$service_pid"
    wait_for_lines 2 # the new program's, in the same process
    has_points || fail "the solve is gone"
    stop_service
}

remove_it() {
    must_apt remove ctfg
    is_gone /usr/bin/ctfg
    is 600:ctfg:ctfg /var/lib/ctfg/events.db
    [ -e "$root/etc/ctfg/credentials.csv" ] || fail "the game is gone after a mere remove"
}

purge_it() {
    must_apt purge ctfg
    is_gone /etc/ctfg
    is_gone /var/lib/ctfg
    ! (in_root find / -xdev -name '*ctfg*' -not -path '/proc/*') | grep -vE '^/(ctfg|next)\.deb$' ||
        fail "purge leaves these"
}

# Somebody's own files survive even a purge.
purge_with_care() {
    must_apt install --no-install-recommends /ctfg.deb
    local data=$root/var/lib/ctfg
    mkdir -p "$data/spring" "$root/var/log/ctfg"
    touch "$data/spring/events.db" "$data/events.db.lock" "$data/events.db-wal" "$data/thesis.tex" \
        "$data/events.db.before-2-20260101T000000Z.db" "$data/events-before-reset-20260101T000000Z.db" \
        "$data/events-before-restore-20260101T000000Z.db-wal" "$data/events.db.restoring" \
        "$data/sunday.db.partial-journal" "$root/var/log/ctfg/ctfg.log.2.gz"
    must_apt purge ctfg
    [ "$(ls -A "$data")" = thesis.tex ] || fail "purge does not leave the one file that is not ctfg's: $(ls -A "$data")"
    grep -q "kept, there is more than ctfg's in it: /var/lib/ctfg" "$work/apt.log" || fail "purge does not say what it kept"
    is_gone /var/log/ctfg
}

inner() {
    local step deb
    FRESH_BASE=${FRESH_BASE:-$work/base.tar} # bootstrapped once, for both
    root=$work/builder
    say "a bare Debian ($suite) to build in"
    make_root
    build_it
    say "built: ${deb##*/}; lintian has nothing to say"

    root=$work/root
    say "a bare Debian ($suite) to play in"
    make_root
    cp "$deb" "$root/ctfg.deb"
    make_next
    must_apt update
    for step in install_it play_it upgrade_it remove_it purge_it purge_with_care; do
        "$step"
        say "${step//_/ }: as it should"
    done
}

main "$@"
