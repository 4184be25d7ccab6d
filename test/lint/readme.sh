#!/bin/sh
# SPDX-License-Identifier: MIT
# readme.sh - each folder of the project has a README.md, of at most a page.
#
# Which folders: those that hold code people work in.  Folders of data (fixtures, a starter game, a
# demo) and the test suites, which test/README.md describes, need none of their own.
page_lines=90
status=0

for folder in master worker db conf shm shm/base web test bench docs package; do
    # A folder without files is not in the repository yet.
    [ -n "$(find "$folder" -maxdepth 1 -type f 2>/dev/null | head -n 1)" ] || continue
    if [ ! -s "$folder/README.md" ]; then
        echo "$folder: has no README.md"
        status=1
    elif [ "$(wc -l <"$folder/README.md")" -gt "$page_lines" ]; then
        echo "$folder/README.md: longer than a page ($page_lines lines)"
        status=1
    fi
done
exit $status
