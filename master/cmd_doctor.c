/* SPDX-License-Identifier: MIT */
/* cmd_doctor.c - `ctfg doctor`: is this machine fit for the game?  One line a finding. */
#include <stdio.h>
#include <sysexits.h>

#include "conf/game.h"
#include "master/command.h"
#include "master/doctor.h"
#include "master/load.h"
#include "master/options.h"

int cmd_doctor(struct options *options)
{
    static const char *const words[] = {
        [JUDGE_OK] = "ok", [JUDGE_WARN] = "warn", [JUDGE_FAIL] = "fail"};
    struct doctor doctor = {.source = &options->source};
    struct game *game = NULL;

    if (options->argument_count == 1) {
        options->source.challenges_path = options->arguments[0];
    }
    int status = load_for_tool(&options->source, &game);
    if (status != EX_OK) {
        return status;
    }
    doctor.game = game;
    doctor_look(&doctor);
    for (uint32_t i = 0; i < doctor.count; i++) {
        const struct finding *finding = &doctor.findings[i];

        (void)printf("%-4s  %s: %s%s%s\n", words[finding->level], finding->what, finding->value,
                     finding->mend[0] != '\0' ? "; mend: " : "", finding->mend);
        status = finding->level == JUDGE_FAIL ? EXIT_FAILED : status;
    }
    game_unref(game);
    return status;
}
