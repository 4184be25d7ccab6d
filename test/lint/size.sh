#!/bin/sh
# SPDX-License-Identifier: MIT
# size.sh - no file of code grows past 600 lines: then a second noun has moved in, cut there.
#
# Tables may be long; they are named here with their reason.
most_lines=600
status=0

is_exception() {
    case $1 in
    shm/layout.h) ;; # the plan of the shared segment: read as one
    *) return 1 ;;
    esac
}

for file in $(find .ci Makefile master worker db conf shm web test bench package \
    -name node_modules -prune -o -type f \( -name '*.[chS]' -o -name '*.ts' -o -name '*.tsx' \
    -o -name '*.mjs' -o -name '*.css' -o -name '*.sh' -o -name Makefile -o -name '*.sql' \) -print | sort); do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt "$most_lines" ] && ! is_exception "$file"; then
        echo "$file: $lines lines, more than $most_lines"
        status=1
    fi
done
exit $status
