/* SPDX-License-Identifier: MIT */
/*
 * starter.h - the files of the game that `ctfg init` writes, as part of the binary.
 *
 * They are the plain files of conf/starter/, and conf/ctfg.yaml with every setting's default; the
 * assembler takes them in, so they can be read and edited like any game.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct starter_file {
    const char *name; /* in the game folder */
    const char *bytes;
    size_t len;
};

extern const uint32_t starter_file_count;

/* The i-th file, i below starter_file_count. */
struct starter_file starter_file_at(uint32_t index);
