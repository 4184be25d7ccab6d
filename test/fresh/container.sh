#!/bin/bash
# SPDX-License-Identifier: MIT
# container.sh - does package/Containerfile build, as it is, and does its image play a game?
#
#   make container-test            builds HEAD's, runs it with Debian's podman
#
# No registry is asked: a bare Debian that is made here goes by the name of the base image.  It is barer
# than that of the other tests, since the Containerfile is to install what it needs: FRESH_BASE is a file
# of its own.  More variables: machine.sh.
set -euo pipefail
# shellcheck source=test/fresh/machine.sh
. "$(dirname "$0")/machine.sh"
wanted+=(podman crun)
packages=''

file=package/Containerfile

# podman, with all that it keeps inside the test's folder.
podman() {
    env HOME="$work/home" TMPDIR="$work/tmp" podman --root "$work/containers" --runroot "$work/run" --tmpdir "$work/libpod" \
        --network-config-dir "$work/cni" --runtime crun --runtime-flag "root=$work/crun" --storage-driver vfs \
        --cgroup-manager cgroupfs --events-backend none "$@"
}

# What an engine would raise is left as it is here, where root may not be allowed to.
limits=(--ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit "nproc=$(ulimit -Hu):$(ulimit -Hu)")

# Nothing of it is seen, or stays, outside this mount namespace; crun wants unified control groups, if only
# to look at.
private_places() {
    mkdir -p "$work/home" "$work/tmp" "$work/cni"
    mount -t tmpfs tmpfs /dev/shm
    mount -t tmpfs tmpfs /var/lib
    [ -e /sys/fs/cgroup/cgroup.controllers ] || mount -t cgroup2 cgroup2 /sys/fs/cgroup
}

make_base() {
    local base
    base=$(sed -nE 's/^FROM (debian:[^ ]+).*/\1/p' "$repo/$file" | head -n 1)
    make_root
    unmount_root
    [ ! -e "$root/usr/bin/make" ] || fail "FRESH_BASE is another test's: there is make in it"
    [[ $base == "debian:$(sed -nE 's/^VERSION_ID="(.*)"/\1/p' "$root/etc/os-release")-slim" ]] ||
        fail "$file begins with $base, which is not Debian $suite"
    private_places
    tar -C "$root" -c . | podman import -q - "docker.io/library/$base" >/dev/null
    rm -rf "$root"
}

build_it() {
    local variable variables=()
    git clone -q --no-hardlinks "$repo" "$work/src"
    say "$(git -C "$work/src" log -1 --format='%h %s')"
    mkdir -p "$work/src/build/ctfg" # in the way of the compiler, if it came along
    while read -r variable; do
        variables+=(--env "$variable")
    done < <(fetch_variables)
    (cd "$work/src" && podman build --isolation chroot --network host --pull=never --layers=false "${limits[@]}" \
        "${variables[@]}" -f "$file" -t ctfg .) >"$work/build.log" 2>&1 ||
        { tail -n 40 "$work/build.log"; fail "podman build -f $file"; }
    rm -rf "$work/src"
}

# ---- a container -------------------------------------------------------------------------------

start() { # start NAME VOLUME OPTION...: until it serves, at $url
    local name=$1 volume=$2 deadline=$((SECONDS + 60))
    shift 2
    podman run --name "$name" --cgroups=disabled --network host --pull=never "${limits[@]}" -v "$volume:/var/lib/ctfg" \
        --env CTFG_LISTEN_ADDRESS=127.0.0.1 --env CTFG_LISTEN_PORT=0 --env CTFG_LISTEN_METRICS=127.0.0.1:0 "$@" ctfg \
        >"$work/$name.log" 2>&1 </dev/null &
    container_pid=$!
    until grep -q '^ctfg: listening on' "$work/$name.log"; do
        kill -0 "$container_pid" 2>/dev/null || { cat "$work/$name.log"; fail "the container ends"; }
        [ "$SECONDS" -lt "$deadline" ] || { cat "$work/$name.log"; fail "the container does not serve"; }
        sleep 0.2
    done
    url=$(tr -d '\r' <"$work/$name.log" | sed -n 's/^ctfg: listening on //p')
}

# By the signal that the image names.
stop() { # stop NAME
    local started=$SECONDS status
    podman stop --time 30 "$1" >/dev/null
    [ "$((SECONDS - started))" -lt 25 ] || fail "the container does not heed the signal of its image"
    status=$(podman wait "$1")
    [ "$status" = 0 ] || { tail -n 20 "$work/$1.log"; fail "the container ends with $status"; }
    wait "$container_pid" || true
    ! curl -s -o /dev/null "$url" || fail "it still answers after podman stop"
}

play_it() {
    start first ctfg-data
    podman cp first:/etc/ctfg/challenges.json "$work/challenges.json"
    play alice change-me-alice "$work/challenges.json"
    has_points || fail "the solve does not count"
    [ "$(podman exec first id -un)" = ctfg ] || fail "it runs as $(podman exec first id -un)"
    ! podman exec first sh -c 'echo >/etc/ctfg/challenges.json' 2>/dev/null || fail "it may write the game"
    [ "$(podman inspect --format '{{.Config.StopSignal}}' first)" = 15 ] || fail "the image does not ask for SIGTERM"
    stop first
}

# Another container, the same volume, the cookie of before.
play_on() {
    start second ctfg-data
    has_points || fail "the solve did not survive in the volume"
    stop second
}

# A game of one's own, as the head of the Containerfile says.
play_own() {
    cp -r "$repo/examples/demo" "$work/game"
    chmod -R go+rX "$work/game"
    start third other-data -v "$work/game:/etc/ctfg:ro"
    curl -fsS "${url%/}/api/login" -H 'Content-Type: application/json' -o /dev/null \
        -d "$(sed -n '2s/\(.*\),\(.*\)/{"username":"\1","password":"\2"}/p' "$work/game/credentials.csv")" ||
        fail "the player of a game that was mounted cannot log in"
    stop third
}

inner() {
    local step
    root=$work/root
    say "a bare Debian ($suite) as the base image"
    make_base
    build_it
    say "build it: as it should"
    for step in play_it play_on play_own; do
        "$step"
        say "${step//_/ }: as it should"
    done
}

main "$@"
