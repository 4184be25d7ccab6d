#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh - runs unit test programs one after the other and sums up: test/unit/run.sh PROGRAM...
#
# Shows cmocka's closing lines of each, the whole output of one that fails.  A crash or a hang counts
# as one failed test.  The last line is "N passed, N failed".

output=$(mktemp) || exit 1
trap 'rm -f "$output"' EXIT
passed=0 failed=0

# The sum of the numbers in cmocka's lines "[  WORD  ] ...N test(s)...".
count() {
    sed -nE "s/^\[ +$1 +\] .*[^0-9]([0-9]+) test\(s\).*/\1/p; s/^\[ +$1 +\] ([0-9]+) test\(s\).*/\1/p" \
        "$output" | awk '{ sum += $1 } END { print sum + 0 }'
}

for program in "$@"; do
    echo "-- ${program#build/}"
    timeout 120 "$program" >"$output" 2>&1
    status=$?
    bad=$(count FAILED)
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
        echo "(ended with status $status)" >>"$output"
    fi
    if [ "$status" -eq 0 ]; then
        grep -E '^\[ +PASSED|^\[=+\] .*run' "$output"
    else
        cat "$output"
    fi
    passed=$((passed + $(count PASSED)))
    failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
