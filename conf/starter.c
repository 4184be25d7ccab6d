/* SPDX-License-Identifier: MIT */
/* starter.c - takes conf/starter/ into the binary; paths are seen from the repo's root. */
#include "conf/starter.h"

#include "shm/base/check.h"
#include "shm/base/compiler.h"

/* Two symbols round the bytes of a file, in memory that nobody writes. */
#define TAKE_IN(symbol, path)                                                                      \
    __asm__(".pushsection .rodata\n"                                                               \
            ".balign 16\n"                                                                         \
            ".globl " #symbol "_begin\n.hidden " #symbol "_begin\n" #symbol "_begin:\n"            \
            ".incbin \"" path "\"\n"                                                               \
            ".globl " #symbol "_end\n.hidden " #symbol "_end\n" #symbol "_end:\n"                  \
            ".byte 0\n"                                                                            \
            ".popsection\n");                                                                      \
    extern const char symbol##_begin[];                                                            \
    extern const char symbol##_end[]

TAKE_IN(starter_challenges, "conf/starter/challenges.json");
TAKE_IN(starter_credentials, "conf/starter/credentials.csv");
TAKE_IN(starter_readme, "conf/starter/README.md");
TAKE_IN(starter_settings, "conf/ctfg.yaml");

static const struct {
    const char *name;
    const char *begin;
    const char *end;
} files[] = {
    {"challenges.json", starter_challenges_begin, starter_challenges_end},
    {"credentials.csv", starter_credentials_begin, starter_credentials_end},
    {"ctfg.yaml", starter_settings_begin, starter_settings_end},
    {"README.md", starter_readme_begin, starter_readme_end},
};

const uint32_t starter_file_count = ARRAY_LEN(files);

struct starter_file starter_file_at(uint32_t index)
{
    CHECK(index < ARRAY_LEN(files));
    return (struct starter_file){files[index].name, files[index].begin,
                                 (size_t)(files[index].end - files[index].begin)};
}
