/* SPDX-License-Identifier: MIT */
/*
 * clusters.h - game-clusters.yaml: the clusters that @CONTROL_CLUSTER@ and @PLAYER_CLUSTER@ stand for.
 *
 *     control_cluster: control-1
 *     player_clusters: [play-1, play-2]
 */
#pragma once

#include <stdbool.h>

#include "conf/arena.h"
#include "conf/diag.h"
#include "conf/files.h"
#include "conf/game.h"
#include "shm/base/compiler.h"

/* Fills the cluster fields of *game; no such file: they stay empty.  false: diag says why. */
MUST_USE bool clusters_load(const struct game_files *files, struct arena *arena, struct diag *diag,
                            struct game *game);
