#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh - every lint, called by `make lint`:
#   run.sh -- COMPILER FLAGS -- FILES TO ANALYSE -- ALL C FILES -- SHELL SCRIPTS
#
# The slow analysers run file by file, and a file that was found clean is not looked at again until
# it, a header of ours that it includes, the flags or the tool changes (build/lint).
set -u

# The four lists, each ended by "--".
lists=("" "" "" "")
list=-1
for word in "$@"; do
    if [ "$word" = -- ]; then
        list=$((list + 1))
    else
        lists[list]+="$word"$'\n'
    fi
done
mapfile -t flags <<<"${lists[0]%$'\n'}"
mapfile -t analysed <<<"${lists[1]%$'\n'}"
mapfile -t formatted <<<"${lists[2]%$'\n'}"
mapfile -t scripts <<<"${lists[3]%$'\n'}"
status=0

step() {
    local name=$1
    shift
    if "$@"; then
        echo "lint: $name: ok"
    else
        echo "lint: $name: FAILED"
        status=1
    fi
}

# shellcheck disable=SC2317 # called through step
each() {
    printf '%s\0' "${analysed[@]}" | xargs -0 -P2 -n1 test/lint/file.sh "$1" "${flags[@]}" --
}

# The page: its compiler, its linter, its format; a clean result is kept like the others.
# shellcheck disable=SC2317 # called through step
page() {
    local key
    key=$({
        cat "$0"
        find web -name node_modules -prune -o -type f -print0 | sort -z | xargs -0 sha256sum
    } | sha256sum | cut -c1-40)
    [ -e "build/lint/page/$key" ] && return 0
    npm --prefix web run --silent lint && mkdir -p build/lint/page && touch "build/lint/page/$key"
}

step format clang-format --dry-run -Werror "${formatted[@]}"
step includes test/lint/includes.sh
step readme test/lint/readme.sh
step size test/lint/size.sh
step shellcheck shellcheck "${scripts[@]}"
step page page
step cppcheck each cppcheck
step clang-tidy each clang-tidy
step fanalyzer each fanalyzer
exit $status
