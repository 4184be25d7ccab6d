#!/bin/sh
# SPDX-License-Identifier: MIT
# changelog.sh VERSION REVISION - CHANGELOG.md as Debian wants it: one entry a version, newest first.
#
# What is unreleased belongs to VERSION; if that one is out already, to VERSION+next, which sorts
# between it and its successor.
set -eu

version=$1
revision=$2
file=$(dirname "$0")/../CHANGELOG.md

awk -v version="$version" -v revision="$revision" -v changed="$(date -u +%F -r "$file")" '
function end_item(    words, count, i, line) {
    count = split(item, words, " ")
    line = "  *"
    for (i = 1; i <= count; i++) {
        if (length(line " " words[i]) > 78) {
            text = text line "\n"
            line = "   "
        }
        line = line " " words[i]
    }
    if (count > 0) {
        text = text line "\n"
    }
    item = ""
}
function end_section() {
    end_item()
    if (text != "") {
        entries++
        names[entries] = name
        dates[entries] = date
        texts[entries] = text
    }
    text = ""
}
/^## /      { end_section(); name = $2; date = $3; gsub(/[()]/, "", date); is_out[name] = 1; next }
name == ""  { next }
/^\* /      { end_item(); item = substr($0, 3); next }
/^ /        { item = item " " $0; next }
END {
    end_section()
    for (i = 1; i <= entries; i++) {
        if (names[i] == "Unreleased") {
            names[i] = version ((version in is_out) ? "+next" : "")
            dates[i] = changed
        } else if (i == 1 && names[i] != version) {
            exit 1
        }
        ("date -R -u -d " dates[i]) | getline when
        printf "%sctfg (%s-%s) unstable; urgency=medium\n\n%s\n -- the ctfg authors <maintainers@ctfg.example>  %s\n",
            i == 1 ? "" : "\n", names[i], i == 1 ? revision : 1, texts[i], when
    }
    exit entries == 0
}' "$file" || {
    echo "package/changelog.sh: CHANGELOG.md says nothing about $version" >&2
    exit 1
}
