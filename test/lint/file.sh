#!/bin/bash
# SPDX-License-Identifier: MIT
# file.sh - one analyser over one C file, unless that was clean before: file.sh TOOL FLAGS... -- FILE
set -u

tool=$1
file=${*: -1}
flags=("${@:2:$#-3}")
cache=build/lint/$tool
export LC_ALL=C

analyse() {
    case $tool in
    cppcheck)
        cppcheck --quiet --std=c11 --language=c --error-exitcode=1 --inline-suppr \
            --enable=warning,performance,portability --suppressions-list=test/lint/cppcheck.txt --library=test/lint/cppcheck.cfg \
            --template='{file}:{line}: {severity}: {message} [{id}]' -I. "$file"
        ;;
    clang-tidy)
        clang-tidy --quiet --warnings-as-errors='*' "$file" -- "${flags[@]}" -Wno-unknown-warning-option
        ;;
    fanalyzer)
        # gcc 12 takes a pointer stored in an array for lost; LeakSanitizer (make asan) looks for leaks.
        gcc "${flags[@]}" -Werror -fanalyzer -fdiagnostics-path-format=none -Wno-analyzer-malloc-leak -o /dev/null -c "$file"
        ;;
    *)
        echo "file.sh: unknown tool $tool" >&2
        return 1
        ;;
    esac
}

# What the verdict depends on: the tool, its settings, the flags, the file and our headers below it.
key=$({
    case $tool in
    fanalyzer) gcc --version ;;
    cppcheck) cppcheck --version && cat test/lint/cppcheck.* ;;
    *) "$tool" --version && cat .clang-tidy ;;
    esac
    echo "${flags[*]} $file"
    cat "$0"
    gcc "${flags[@]}" -MM "$file" | tr -d '\134' | tr ' ' '\n' | grep '\.[ch]$' | sort | xargs cat
} | sha256sum | cut -c1-40)

[ -e "$cache/$key" ] && exit 0
# The analysers print "N warnings generated" for headers of others: shown only with a finding.
if output=$(analyse 2>&1); then
    mkdir -p "$cache" && touch "$cache/$key"
else
    printf '%s\n' "$output" | grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header'
    exit 1
fi
