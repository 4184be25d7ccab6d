/* SPDX-License-Identifier: MIT */
/* clusters.c - reads game-clusters.yaml through the YAML reader of settings.c; see clusters.h. */
#include "conf/clusters.h"

#include "conf/settings_load.h"

#define CLUSTER_NAME_BYTES_MAX 253 /* a host name is no longer */

static const struct settings_yaml_key keys[] = {
    {"control_cluster", false},
    {"player_clusters", true},
};

static void check_name(struct str name, const char *key, const char *file, uint32_t line,
                       struct diag *diag)
{
    bool ok = name.len > 0 && name.len <= CLUSTER_NAME_BYTES_MAX;

    for (size_t i = 0; ok && i < name.len; i++) {
        ok = (unsigned char)name.data[i] > ' ' && name.data[i] != 0x7f;
    }
    if (!ok) {
        diag_error(diag, file, line, "%s must be names of 1 to %d bytes without blanks", key,
                   CLUSTER_NAME_BYTES_MAX);
    }
}

bool clusters_load(const struct game_files *files, struct arena *arena, struct diag *diag,
                   struct game *game)
{
    const char *file = files_display_path(files, "game-clusters.yaml");
    uint32_t errors_before = diag->errors;
    struct settings_yaml_value values[ARRAY_LEN(keys)];
    struct str bytes;

    if (!files_find(files, "game-clusters.yaml", &bytes)) {
        return true;
    }
    if (!settings_read_yaml(bytes, file, keys, ARRAY_LEN(keys), arena, diag, values)) {
        return false;
    }
    if (values[0].is_set) {
        check_name(values[0].text, keys[0].key, file, values[0].line, diag);
        game->control_cluster = values[0].text;
    }
    if (values[1].item_count > GAME_CLUSTERS_MAX) {
        diag_error(diag, file, values[1].line, "player_clusters has more than %d names",
                   GAME_CLUSTERS_MAX);
        return false;
    }
    for (uint32_t i = 0; i < values[1].item_count; i++) {
        check_name(values[1].items[i], keys[1].key, file, values[1].line, diag);
    }
    game->player_clusters = values[1].items;
    game->player_cluster_count = values[1].item_count;
    return diag->errors == errors_before;
}
