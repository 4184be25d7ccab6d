#!/bin/bash
# SPDX-License-Identifier: MIT
# systemd.sh - does the service do under a real systemd what its units and the manual promise?
#
#   make systemd-test              a bare Debian with HEAD's package, booted; the service through its life
#   FRESH_DEB=FILE.deb ...         with that package: nothing is built, so it takes three minutes
#
# The machine is a container of systemd-nspawn (Debian's systemd-container): systemd is its process 1, in
# a control group, a network and namespaces of its own, on this machine's kernel.  This machine itself
# need not run systemd.  More variables: machine.sh.
# shellcheck disable=SC2317 # functions are called through wait_for and while_knocking
set -euo pipefail
# shellcheck source=test/fresh/machine.sh
. "$(dirname "$0")/machine.sh"
wanted+=(systemd-nspawn nsenter)

url=http://127.0.0.1:8080/
other_url=http://127.0.0.1:8081/
token=0123456789abcdef0123456789abcdef

# ---- the machine -------------------------------------------------------------------------------

# The control group of the machine, below the test's own; both halves find it.
cgroup() {
    local mount own
    mount=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
    [ -n "$mount" ] || fail "there is no cgroup2 here, which systemd needs"
    own=$(sed -n 's/^0:://p' /proc/self/cgroup)
    echo "${mount%/}${own%/}/${work##*/}"
}

clean_up_more() {
    local group deadline=$((SECONDS + 10))
    group=$(cgroup 2>/dev/null) || return 0
    [ -d "$group" ] || return 0
    echo 1 >"$group/cgroup.kill"
    until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || { say "left behind: $group"; break; }
        sleep 0.1
    done
}

in_machine() {
    nsenter --target "$machine" --all env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
        SYSTEMD_PAGER= DEBIAN_FRONTEND=noninteractive "$@"
}

# All that asks the game does so from inside: its network has nothing but a loopback.
curl() { nsenter --target "$machine" --net /usr/bin/env curl "$@"; }

show_journal() { in_machine journalctl -b --no-pager -n 40 || true; }

refused() { # refused COMMAND: systemd has said why, in the journal
    show_journal
    fail "$1 fails"
}

wait_for() { # wait_for SECONDS SENTENCE COMMAND...: SENTENCE is the failure
    local deadline=$((SECONDS + $1)) sentence=$2
    shift 2
    until "$@"; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            [ -z "${machine:-}" ] || show_journal
            fail "$sentence"
        fi
        sleep 0.2
    done
}

is_up() {
    case $(in_machine systemctl is-system-running 2>/dev/null) in
    running | degraded) ;;
    *) return 1 ;;
    esac
}

# Its process 1 as seen from here: a child of nspawn that has become systemd.
has_leader() {
    kill -0 "$nspawn" 2>/dev/null || fail "systemd-nspawn ended: $(cat "$work/console.log")"
    machine=$(cut -d' ' -f1 "/proc/$nspawn/task/$nspawn/children")
    [ -n "$machine" ] && [ "$(cat "/proc/$machine/comm" 2>/dev/null)" = systemd ]
}

boot_machine() {
    local group
    group=$(cgroup)
    mkdir "$group"
    unmount_root
    echo $$ >"$group/cgroup.procs"
    # nspawn is to see what a machine with systemd would show it: control groups, and a /run to note in.
    # shellcheck disable=SC2016 # the inner shell's own
    unshare --cgroup --mount sh -c '
        mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -t tmpfs tmpfs /run && mkdir /run/systemd &&
        exec systemd-nspawn --directory="$0" --boot --machine=fresh --private-network --register=no \
            --keep-unit --settings=no --link-journal=no --resolv-conf=off --timezone=off' "$root" \
        >"$work/console.log" 2>&1 </dev/null &
    nspawn=$!
    wait_for 60 "systemd-nspawn starts nothing" has_leader
    wait_for 120 "the machine does not come up" is_up
    [ "$(in_machine cat /proc/1/comm)" = systemd ] || fail "process 1 is not systemd"
}

# ---- what is asked of it -----------------------------------------------------------------------

property() { in_machine systemctl show -P "$2" "$1"; } # property UNIT NAME
main_pid() { property "${1:-ctfg.service}" MainPID; }
is_active() { [ "$(property ctfg ActiveState)" = active ]; }

# The first process of the service with such a title; nothing: there is none.
process() { # process TITLE
    # shellcheck disable=SC2016 # the inner shell's own
    in_machine sh -c 'for pid in $(cat /sys/fs/cgroup/system.slice/ctfg.service/cgroup.procs); do
        case $(tr "\0" " " </proc/$pid/cmdline) in "$0"*) echo $pid; exit ;; esac; done' "$1"
}

# A service that serves, by another process than before.
is_anew() { # is_anew PID
    local pid
    pid=$(main_pid)
    is_active && [ "$pid" != 0 ] && [ "$pid" != "$1" ]
}

award() { # award TOKEN: the status of the answer
    curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $1" \
        -d '{"username":"carol","id":1}' "${2:-${url%/}}/api/award"
}

# No grep -q behind a pipe: it leaves early, and the writer it leaves counts as failed.
says() { # says PATTERN: in the journal
    in_machine journalctl -b --no-pager -o cat | grep -E -- "$1" >/dev/null
}

# Connects all the time, as players do, while COMMAND runs; $work/answers has a line an answer.  A file for
# each who knocks: curl writes a line in pieces.
while_knocking() { # while_knocking COMMAND...
    local status=0 knockers=()
    while [ "${#knockers[@]}" -lt 2 ]; do
        nsenter --target "$machine" --net /usr/bin/env curl -s --rate 30/s --max-time 60 -H 'Connection: close' -o /dev/null \
            -w '%{stderr}%{http_code} %{errormsg}\n' "$url#[1-100000]" 2>"$work/answers.${#knockers[@]}" &
        knockers+=("$!")
    done
    wait_for 20 "nobody is answered" grep -q '^200' "$work/answers.1"
    "$@" || status=$?
    wait_for 60 "the service does not come back" is_active
    has_points || fail "the solve is gone"
    { kill "${knockers[@]}" && wait "${knockers[@]}"; } 2>/dev/null || true
    cat "$work/answers".[01] >"$work/answers"
    return "$status"
}

unanswered() { grep -vc '^200' "$work/answers" || true; }

none_unanswered() { # none_unanswered WHAT
    [ "$(unanswered)" = 0 ] ||
        fail "over $1 $(unanswered) of $(wc -l <"$work/answers") connections failed: $(grep -v '^200' "$work/answers" | head -n 3)"
}

# The value of a unit's property now, or a sentence.
expect() { # expect UNIT NAME VALUE SENTENCE
    local found
    found=$(property "$1" "$2")
    [ "$found" = "$3" ] || fail "$4 ($2 of $1 is $found, not $3)"
}

# ---- the service's life ------------------------------------------------------------------------

start_it() {
    in_machine systemctl start ctfg || refused "systemctl start ctfg"
    expect ctfg Type notify "the service does not tell systemd when it serves"
    expect ctfg ActiveState active "it is not active after systemctl start"
    curl -fsS -o /dev/null http://127.0.0.1:9180/readyz || fail "it is active, and does not serve"
    in_machine systemctl status --no-pager ctfg | grep 'Status: "Serving http://' >/dev/null ||
        fail "systemctl status has no sentence"
    play alice change-me-alice "$root/etc/ctfg/challenges.json"
    has_points || fail "the solve does not count"
    # What systemd itself says of the unit it says as the unit's journal, by another program.
    local said
    said=$(in_machine journalctl -b -p warning -o cat --no-pager _PID=1 + _COMM='(ctfg)')
    [ -z "$said" ] || fail "systemd complains: $said"
}

# Every value is a field of its own: docs/operator.md, "The log".
journal_it() {
    local request pattern
    request=$(curl -s -o /dev/null -D - -b "$work/cookies" "${url}api/me" | sed -nE 's/^x-request-id: ([0-9a-f]+).*/\1/Ip')
    [ -n "$request" ] || fail "an answer has no X-Request-Id"
    finds_request() {
        in_machine journalctl -u ctfg -o json --no-pager "CTFG_REQUEST=$request" >"$work/journal.json"
        [ -s "$work/journal.json" ]
    }
    wait_for 10 "journalctl -u ctfg CTFG_REQUEST=$request finds nothing" finds_request
    for pattern in '"CTFG_ROUTE":"/api/me"' '"CTFG_STATUS":"200"' '"CTFG_TOOK_US":"[0-9]+"' '"CTFG_PROC":"worker' \
        '"CTFG_CLIENT":"' '"PRIORITY":"6"' '"MESSAGE":"'; do
        grep -qE "$pattern" "$work/journal.json" || fail "the journal has no field $pattern: $(cat "$work/journal.json")"
    done
    [ -n "$(in_machine journalctl -u ctfg -o cat --no-pager CTFG_PROC=master -p info)" ] ||
        fail "journalctl CTFG_PROC=master finds nothing"
    ! in_machine journalctl -b -o json --no-pager | grep change-me >/dev/null || fail "a password is in the journal"
}

reload_it() {
    local game=$root/etc/ctfg/challenges.json main
    main=$(main_pid)
    sed -i 's/Say the word/Say another word/' "$game"
    in_machine systemctl reload ctfg || refused "systemctl reload"
    serves_it() { curl -fsS -b "$work/cookies" "${url}api/challenges" | grep 'Say another word' >/dev/null; }
    wait_for 20 "a reload does not take in the changed game" serves_it
    wait_for 20 "it is not active after a reload" is_active

    cp "$game" "$work/good.json"
    echo ',' >>"$game"
    in_machine systemctl reload ctfg || true
    tells_it() { [[ $(property ctfg StatusText) == *"last reload was refused"* ]]; }
    wait_for 20 "systemctl status does not tell of a refused reload" tells_it
    expect ctfg ActiveState active "a refused reload ends the service"
    serves_it || fail "a refused reload disturbs the game in force"
    wait_for 10 "the journal does not name the line of the mistake" says 'challenges\.json:[0-9]+'
    cat "$work/good.json" >"$game"
    in_machine systemctl reload ctfg
    cured() { is_active && ! tells_it; }
    wait_for 20 "systemctl status still tells of the refused reload after a good one" cured
    [ "$(main_pid)" = "$main" ] || fail "a reload was a restart"
}

# Without a file a token is switched off, and that is all; with one it counts, for the service alone.
credentials_it() {
    [ "$(award "$token")" = 401 ] || fail "without a credential an award is answered $(award "$token"), not 401"
    install -d -m 700 "$root/etc/credstore"
    (umask 077 && echo "$token" >"$root/etc/credstore/CTFG_API_TOKEN")
    in_machine systemctl restart ctfg
    [ "$(award "$token")" = 200 ] || fail "LoadCredential does not reach the game: an award is answered $(award "$token")"
    [ "$(award "${token}x")" = 401 ] || fail "a wrong token is let in"
    ! in_machine runuser -u ctfg -- cat /etc/credstore/CTFG_API_TOKEN 2>/dev/null || fail "the user ctfg reads /etc/credstore"
}

inode() { in_machine stat -L -c %i "/proc/$1/fd/$2"; }

restart_it() {
    local socket fd
    while_knocking in_machine systemctl restart ctfg
    say "a restart without ctfg.socket: $(unanswered) of $(wc -l <"$work/answers") connections fail"
    in_machine systemctl stop ctfg
    in_machine systemctl start ctfg.socket ctfg.service || fail "the socket unit does not start"
    socket=$(in_machine sh -c "ls -l /proc/1/fd" | grep -oE 'socket:\[[0-9]+\]' | sort)
    fd=$(in_machine sh -c "ls -l /proc/$(main_pid)/fd" | grep -oE 'socket:\[[0-9]+\]' | sort)
    [ -n "$(comm -12 <(echo "$socket") <(echo "$fd"))" ] || fail "systemd and the master share no socket"
    in_machine sh -c 'grep -l " 00000000.*:1F90 .* 0A " /proc/net/tcp /proc/net/tcp6' >/dev/null || fail "nobody listens at 8080"
    while_knocking in_machine systemctl restart ctfg
    none_unanswered "a restart with ctfg.socket"
    say "with ctfg.socket: none of $(wc -l <"$work/answers")"
}

kill_it() {
    local main restarts
    main=$(main_pid)
    restarts=$(property ctfg NRestarts)
    kill_main() {
        in_machine kill -KILL "$main"
        wait_for 20 "systemd does not start it again after a kill -9 of the master" is_anew "$main"
    }
    while_knocking kill_main
    [ "$(property ctfg NRestarts)" -gt "$restarts" ] || fail "systemd does not count a restart"
    [ -z "$(in_machine sh -c "ls -d /proc/$main 2>/dev/null")" ] || fail "the old master is still there"
}

# A worker that stands still is the master's to replace; a master that does is systemd's.
watchdog_it() {
    local main worker
    main=$(main_pid)
    worker=$(process 'ctfg: worker')
    [ -n "$worker" ] || fail "there is no worker in the unit's control group"
    in_machine kill -STOP "$worker"
    is_replaced() { [ -z "$(in_machine sh -c "ls -d /proc/$worker 2>/dev/null")" ] && [ -n "$(process 'ctfg: worker')" ]; }
    wait_for 60 "a worker that stands still is not replaced" is_replaced
    [ "$(main_pid)" = "$main" ] || fail "a worker that stands still costs a restart"
    in_machine kill -STOP "$main"
    wait_for 120 "systemd does not notice a master that stands still" says 'ctfg.service: Watchdog timeout'
    wait_for 60 "it is not started again after the watchdog" is_anew "$main"
    has_points || fail "the solve is gone"
}

# May the service touch this?  Asked in its own mount namespace, as root, so no mode of a file helps it.
touches() { # touches PATH
    local host
    host=$(host_pid "$(main_pid)")
    nsenter --target "$host" --mount --root -- sh -c "touch '$1' && rm -f '$1'" 2>/dev/null
}

# The pid out here of a process in there.
host_pid() { # host_pid PID
    awk -v pid="$1" '/^NSpid:/ && $NF == pid { split(FILENAME, part, "/"); print part[3] }' /proc/[0-9]*/status 2>/dev/null
}

sandbox_it() {
    local path line
    for path in /usr/x /etc/x /etc/ctfg-x /root/x /home/x /var/x /boot/x /var/lib/x /proc/sys/kernel/hostname \
        /sys/x; do
        ! touches "$path" || fail "the service may write $path"
    done
    for path in /var/lib/ctfg/x /run/ctfg/x /var/log/ctfg/x /tmp/x; do
        touches "$path" || fail "the service may not write $path"
    done
    for line in 'CapEff:\s0+' 'CapBnd:\s0+' 'NoNewPrivs:\s1' 'Seccomp:\s2' "Uid:(\s$(in_machine id -u ctfg)){4}"; do
        in_machine grep -qP "^$line\$" "/proc/$(main_pid)/status" || fail "its /proc/PID/status has no $line"
    done
    [ "$(in_machine readlink "/proc/$(main_pid)/ns/user")" != "$(in_machine readlink /proc/1/ns/user)" ] ||
        fail "it has no user namespace of its own"
    [ "$(in_machine sh -c "wc -l </proc/$(main_pid)/uid_map")" -le 2 ] || fail "more than two users are known to it"
}

other_it() {
    local own=$root/etc/ctfg/other
    install -d -m 750 "$own"
    cp "$root/etc/ctfg/challenges.json" "$root/etc/ctfg/credentials.csv" "$root/etc/ctfg/ctfg.yaml" "$own/"
    sed -i 's/^  port: 8080$/  port: 8081/; s/^\(  metrics: .*\):9180"$/\1:9181"/' "$own/ctfg.yaml"
    (in_machine chgrp -R ctfg /etc/ctfg/other)
    (umask 077 && echo "${token}other" >"$root/etc/credstore/ctfg.other.CTFG_API_TOKEN")
    in_machine systemctl start ctfg@other || refused "systemctl start ctfg@other"
    curl -fsS -o /dev/null http://127.0.0.1:9181/readyz || fail "the second game does not serve"
    [ "$(award "${token}other" "${other_url%/}")" = 200 ] || fail "the second game's own credential does not reach it"
    [ "$(award "$token" "${other_url%/}")" = 401 ] || fail "the first game's token opens the second"
    in_machine test -f /var/lib/ctfg/other/events.db || fail "the second game has no database of its own"
    expect ctfg ActiveState active "the first game ended when the second came"
    has_points || fail "the first game lost its solve"
    in_machine systemctl stop ctfg@other
    curl -fsS -o /dev/null http://127.0.0.1:9180/readyz || fail "the end of the second game disturbs the first"
    in_machine systemctl start ctfg@other
}

# By hand: the same main process, in a new program, that nobody has to wait for.
upgrade_it() {
    local main other restarts
    main=$(main_pid)
    restarts=$(property ctfg NRestarts)
    in_machine install -m 755 /usr/bin/ctfg /usr/bin/ctfg.new
    in_machine mv /usr/bin/ctfg.new /usr/bin/ctfg
    in_machine readlink "/proc/$main/exe" | grep -q deleted || fail "the old program is still at its path"
    while_knocking in_machine ctfg upgrade -C /etc/ctfg --dbdir /var/lib/ctfg >"$work/upgrade.log" || fail "ctfg upgrade"
    none_unanswered "ctfg upgrade"
    grep -q "still process $main" "$work/upgrade.log" || fail "ctfg upgrade says: $(cat "$work/upgrade.log")"
    [ "$(main_pid)" = "$main" ] || fail "systemd has another main process after ctfg upgrade"
    expect ctfg NRestarts "$restarts" "systemd took the upgrade for a restart"
    in_machine readlink "/proc/$main/exe" | grep -qx /usr/bin/ctfg || fail "the old program still runs"
    [ "$(award "$token")" = 200 ] || fail "the credentials are gone after ctfg upgrade"
    in_machine systemctl reload ctfg || fail "systemctl reload is refused after ctfg upgrade"
    wait_for 20 "it is not active after a reload that follows an upgrade" is_active

    # With the package: what runs is restarted, and ctfg.socket goes on holding the port.
    other=$(main_pid ctfg@other.service)
    while_knocking in_machine dpkg -i --force-confold /next.deb >"$work/dpkg.log" || fail "dpkg -i: $(cat "$work/dpkg.log")"
    is_anew "$main" || fail "the package does not restart the service that runs"
    none_unanswered "an upgrade of the package"
    expect ctfg@other ActiveState active "the package ends the second game"
    [ "$(main_pid ctfg@other)" != "$other" ] || fail "the package does not restart the second game"
    expect ctfg.socket ActiveState active "the package closes the socket"
}

# A mistake in the files is one failed start with a sentence, not ten.
mistake_it() {
    in_machine systemctl stop ctfg@other
    echo ',' >>"$root/etc/ctfg/other/challenges.json"
    ! in_machine systemctl start ctfg@other 2>/dev/null || fail "a game with a mistake starts"
    expect ctfg@other ExecMainStatus 2 "a mistake has another status"
    expect ctfg@other ActiveState failed "systemd tries a mistake again and again"
    expect ctfg@other NRestarts 0 "systemd tries a mistake again and again"
    wait_for 10 "the journal does not name the mistake's file and line" says '/etc/ctfg/other/challenges\.json:[0-9]+'
}

stop_it() {
    local started=$SECONDS
    in_machine systemctl stop ctfg.socket ctfg
    [ "$((SECONDS - started))" -lt 15 ] || fail "systemctl stop takes $((SECONDS - started)) s"
    expect ctfg ActiveState inactive "it is not stopped"
    expect ctfg Result success "systemctl stop ends it in another way"
    expect ctfg ExecMainStatus 0 "it ends with another status"
    ! curl -s -o /dev/null "$url" || fail "it still answers after systemctl stop"
    ! in_machine sh -c 'cat /proc/[0-9]*/cmdline' 2>/dev/null | grep -a '^ctfg: ' >/dev/null || fail "processes are left"
    in_machine runuser -u ctfg -- ctfg check -C /etc/ctfg --dbdir /var/lib/ctfg >/dev/null || fail "the database is not in order"
}

remove_it() {
    in_machine systemctl start ctfg
    in_machine dpkg --remove ctfg >"$work/dpkg.log" 2>&1 || fail "dpkg --remove: $(cat "$work/dpkg.log")"
    ! curl -s -o /dev/null "$url" || fail "the service outlives its package"
    [ -e "$root/var/lib/ctfg/events.db" ] || fail "the database went with the package"
}

inner() {
    local step deb=${FRESH_DEB:-}
    FRESH_BASE=${FRESH_BASE:-$work/base.tar}
    if [ -z "$deb" ]; then
        root=$work/builder
        say "a bare Debian ($suite) to build in"
        make_root
        build_deb
    fi
    root=$work/root
    say "a bare Debian ($suite) to boot"
    make_root
    cp "$deb" "$root/ctfg.deb"
    open_deb
    next_deb
    must_apt update
    must_apt install --no-install-recommends systemd systemd-sysv dbus /ctfg.deb
    sed -i 's/^  access_every: 0$/  access_every: 1/' "$root/etc/ctfg/ctfg.yaml"
    boot_machine
    say "$(in_machine systemctl --version | head -n 1) is process 1"
    for step in start_it journal_it reload_it credentials_it restart_it kill_it watchdog_it sandbox_it other_it \
        upgrade_it mistake_it stop_it remove_it; do
        "$step"
        say "${step//_/ }: as it should"
    done
    kill -TERM "$nspawn"
    wait "$nspawn" || fail "the machine does not shut down"
}

main "$@"
