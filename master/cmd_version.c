/* SPDX-License-Identifier: MIT */
/* cmd_version.c - `ctfg version`. */
#include <stdio.h>

#include "master/command.h"
#include "shm/base/version.h"

int cmd_version(struct options *options)
{
    (void)options;
    return printf("ctfg %s\n", CTFG_VERSION) > 0 ? 0 : 1;
}
