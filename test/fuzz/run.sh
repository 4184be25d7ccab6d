#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh - one fuzz target for some seconds: test/fuzz/run.sh BUILD_FOLDER SECONDS TARGET
#
# Begins with test/corpus/TARGET and with what earlier runs have found.  One line when all went well;
# all that was said, and the input that did it (BUILD_FOLDER/crashes), when not.
set -eu

build=$1 seconds=$2 target=$3
found=$build/corpus/$target
log=$build/corpus/$target.log

mkdir -p "$found" "$build/crashes"
set -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$build/crashes/$target-"
# Freed memory is kept for a while, not for 256 MiB, and not given back to the kernel in between: twice as fast.
export ASAN_OPTIONS="quarantine_size_mb=8:malloc_context_size=5:allocator_release_to_os_interval_ms=-1"
if [ -f "test/fuzz/$target.dict" ]; then
    set -- "$@" -dict="test/fuzz/$target.dict"
fi
if ! "$build/target/$target" "$@" "$found" "test/corpus/$target" >"$log" 2>&1; then
    cat "$log"
    echo "== $target failed"
    exit 1
fi
sed -nE "s/^stat::number_of_executed_units: +/== $target: inputs /p" "$log"
