#!/bin/bash
# SPDX-License-Identifier: MIT
# machine.sh - a bare Debian in a folder, for the tests that want a machine that knows nothing of ctfg.
# Sourced by them.
#
#   FRESH_SUITE=trixie ...         another Debian
#   FRESH_BASE=FILE.tar ...        keeps the bare Debian there, and takes it from there if it exists
#   FRESH_DEB=FILE.deb ...         takes that package, where one is wanted, instead of building HEAD's
#   FRESH_KEEP=1 ...               leaves the folder behind, to be looked into
#
# Wants root, debootstrap and curl; packages come from where this machine's own apt gets them.
#
# The outer half makes a folder, runs the inner half (inner(), the test's own) in a mount and a process
# namespace of its own, and removes the folder afterwards.  Mounts and processes live in the namespaces
# only: when the inner half ends, however it ends, they are gone, and nothing but plain files is
# removed.
set -euo pipefail

suite=${FRESH_SUITE:-bookworm}
folder=/ # where in_root() runs commands
wanted=(debootstrap curl unshare git) # commands; a test may add its own
packages=make,git,ca-certificates     # in the bare Debian, besides what has to be; FRESH_BASE has them too
# shellcheck disable=SC2034 # read by the tests
repo=$(cd "$(dirname "$0")/../.." && pwd)

say() { printf '== fresh: %s\n' "$*"; }
fail() {
    printf '== fresh: FAILED: %s\n' "$*" >&2
    exit 1
}

# ---- outer half ------------------------------------------------------------------------------

outer() {
    local tool status=0
    [ "$(id -u)" -eq 0 ] || fail "root is needed, for debootstrap and chroot"
    for tool in "${wanted[@]}"; do
        command -v "$tool" >/dev/null || fail "$tool is missing"
    done
    work=$(mktemp -d "${TMPDIR:-/tmp}/ctfg-fresh-XXXXXX")
    inner_pid=''
    trap clean_up EXIT
    trap 'exit 130' INT TERM HUP
    unshare --mount --pid --fork --kill-child --mount-proc "$0" --inner "$work" &
    inner_pid=$!
    wait "$inner_pid" || status=$?
    inner_pid=''
    return "$status"
}

# What a test leaves outside its folder and its namespaces: its own to say, run when all has ended.
clean_up_more() { :; }

# shellcheck disable=SC2317 # called by trap
clean_up() {
    local status=$?
    if [ -n "$inner_pid" ]; then
        # unshare heeds no SIGTERM.  It ends when all in its namespace has.
        xargs -r kill -KILL 2>/dev/null <"/proc/$inner_pid/task/$inner_pid/children" || true
        wait "$inner_pid" 2>/dev/null || true
    fi
    clean_up_more
    if [ -n "${FRESH_KEEP:-}" ]; then
        say "kept: $work"
    else
        rm -rf --one-file-system "$work"
    fi
    exit "$status"
}

# ---- inner half: the machine -----------------------------------------------------------------

# What this machine fetches packages with: proxies, certificates, sources.  Read when the test runs,
# never written into the repository.
copy_fetch_settings() {
    local here=$1 file name
    mkdir -p "$root/etc/apt/apt.conf.d"
    for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
        # A package's own comes with that package, which would ask what to do about ours.
        if grep -qsE '^[[:space:]]*Acquire' "$file" && ! dpkg-query -S "$file" >/dev/null 2>&1; then
            cp "$file" "$root$file"
        fi
    done
    for file in /etc/apt/keyrings /etc/apt/auth.conf /etc/apt/auth.conf.d /etc/apt/trusted.gpg.d \
        /usr/local/share/ca-certificates; do
        [ ! -e "$file" ] || cp -a "$file" "$root${file%/*}/"
    done
    # The distribution's own sources only, in the release that was asked for.
    rm -f "$root/etc/apt/sources.list"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list; do
        if [ -s "$file" ] && grep -qE "[[:space:]]$here([[:space:]]|\$)" "$file"; then
            sed -E "s/([[:space:]])$here([-[:space:]]|\$)/\1$suite\2/g" "$file" >"$root$file"
        fi
    done
    for file in "${npm_config_userconfig:-$HOME/.npmrc}" /etc/npmrc; do
        name=$([ "$file" = /etc/npmrc ] && echo etc/npmrc || echo root/.npmrc)
        [ ! -e "$file" ] || cp "$file" "$root/$name"
    done
    if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
        mkdir -p "$root/etc/ssl/certs"
        cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    fi
    cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
}

bootstrap() {
    local mirror
    # shellcheck disable=SC2016 # apt's own variables
    mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
        awk -v here="$1" '$1 == here { print $2; exit }')
    [ -n "$mirror" ] || fail "apt knows no source of $1"
    debootstrap --variant=minbase ${packages:+"--include=$packages"} "$suite" "$root" "$mirror" \
        >"$work/debootstrap.log" 2>&1 || { tail -n 20 "$work/debootstrap.log"; fail debootstrap; }
}

make_root() {
    local here
    # shellcheck disable=SC1091 # the system's
    here=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    mkdir "$root"
    if [ -s "${FRESH_BASE:-}" ]; then
        tar -xpf "$FRESH_BASE" -C "$root"
    else
        bootstrap "$here"
        [ -z "${FRESH_BASE:-}" ] || tar -cpf "$FRESH_BASE" -C "$root" .
    fi
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/fresh" # thrown away anyway: no fsync a file
    copy_fetch_settings "$here"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind -o ro /sys "$root/sys"
}

# NAME=value a line: how to reach the network.
fetch_variables() {
    local name
    for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY SSL_CERT_FILE \
        SSL_CERT_DIR NODE_EXTRA_CA_CERTS npm_config_registry; do
        [ -z "${!name:-}" ] || printf '%s=%s\n' "$name" "${!name}"
    done
}

unmount_root() { umount -R "$root/proc" "$root/dev" "$root/sys"; }

# In the new machine, in $folder: a clean environment, but for how to reach the network.
in_root() {
    local keep
    mapfile -t keep < <(fetch_variables)
    # shellcheck disable=SC2016 # the inner shell's own
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        TERM=dumb LANG=C.UTF-8 "${keep[@]}" chroot "$root" sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
}

apt() { (in_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@") >"$work/apt.log" 2>&1; }
must_apt() { apt "$@" || { tail -n 40 "$work/apt.log"; fail "apt-get $*"; }; }

# What a developer types on a machine that has nothing; the package is $deb afterwards.
build_deb() {
    folder=/srv/ctfg
    git clone -q --no-hardlinks "$repo" "$root$folder"
    say "$(git -C "$root$folder" log -1 --format='%h %s')"
    (in_root make deb) >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log"; fail "make deb"; }
    deb=$(find "$root$folder/build/deb" -name 'ctfg_*.deb')
    [ -n "$deb" ] || fail "make deb leaves no package"
    folder=/
}

# The same package as a later version: $work/next is what is in it, to be changed before next_deb.
open_deb() {
    dpkg-deb -R "$deb" "$work/next"
    sed -i 's/^Version: .*/&+next/' "$work/next/DEBIAN/control"
}
next_deb() { dpkg-deb --root-owner-group -b "$work/next" "$root/next.deb" >/dev/null; }

# ---- inner half: playing ---------------------------------------------------------------------

url='' # where the game is served: set by the tests

api() { # api PATH JSON
    curl -fsS --max-time 60 -b "$work/cookies" -c "$work/cookies" -H 'Content-Type: application/json' -d "$2" "${url%/}$1"
}

# The first flag of a game, as a player sends it.
play() { # play NAME PASSWORD CHALLENGES.JSON: logs in and sends the first right flag
    local flag answer
    api /api/login "{\"username\":\"$1\",\"password\":\"$2\"}" >/dev/null || fail "login as $1"
    flag=$(sed -nE 's/.*"testflag": "([^"]*)".*/\1/p' "$3" | head -n 1)
    answer=$(api /api/submit "{\"id\":1,\"flag\":\"$flag\"}") || fail "submit"
    case $answer in
    *'"result":"correct"'*) ;;
    *) fail "submit: $answer" ;;
    esac
}

# With the cookie of before: what came meanwhile has not ended the session either.
has_points() { curl -fsS -b "$work/cookies" "${url%/}/api/me" | grep -q '"score":[1-9]'; }

# ---- which half ------------------------------------------------------------------------------

main() {
    case ${1:-} in
    '') outer ;;
    --inner)
        work=$2
        root=$work/root
        trap 'exit 130' INT TERM HUP
        inner
        ;;
    *) sed -n 's/^# \{0,1\}//p' "$0" && exit 2 ;;
    esac
}
