/* mecentral worlds */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/live_process.h"
#include "control/live_world.h"
#include "control/mecentral.h"
#include "control/table.h"

static const char *state_of(const char *name, char **ret_data)
{
    struct world *world;
    const char *state = "without controld";

    if (live_world_running_data(name, ret_data) != 0) {
        *ret_data = live_world_default_data(name);
        return "down";
    }
    if (live_world_load(*ret_data, &world) != 0)
        return "damaged";
    if (live_process_is(world->controld_pid, world->controld_start_ticks))
        state = "running";
    world_free(world);
    return state;
}

static void add(json_t *worlds, const char *name)
{
    char *data;

    if (!world_name_is_valid(name) || json_object_get(worlds, name))
        return;
    const char *state = state_of(name, &data);
    json_object_set_new(worlds, name, json_pack("{s:s, s:s}", "state", state, "data", data));
    free(data);
}

/* Every directory in @root (which is released) that holds @file is a world. */
static void add_all(json_t *worlds, char *root, const char *file)
{
    DIR *directory = opendir(root);
    const struct dirent *entry;

    while (directory && (entry = readdir(directory))) {
        char *path = text_format("%s/%s/%s", root, entry->d_name, file);
        FILE *found = fopen(path, "re");
        if (found) {
            fclose(found);
            add(worlds, entry->d_name);
        }
        free(path);
    }
    if (directory)
        closedir(directory);
    free(root);
}

int live_worlds(struct mecentral *run)
{
    static const char *const headings[] = {"WORLD", "STATE", "DATA"};
    json_t *worlds = json_object();
    struct table *table = table_create(headings, 3);
    struct text text = {0};
    const char *name;
    json_t *world;

    add_all(worlds, live_world_runtime_root(), "world.json");
    add_all(worlds, live_world_state_root(), "state.json");
    json_object_foreach(worlds, name, world)
    {
        const char *state = json_string_value(json_object_get(world, "state"));
        table_cell(table, TABLE_PLAIN, "%s", name);
        table_cell(table, strcmp(state, "running") == 0 ? TABLE_GOOD : TABLE_FAINT, "%s", state);
        table_cell(table, TABLE_PLAIN, "%s", json_string_value(json_object_get(world, "data")));
    }
    if (run->json) {
        mecentral_print_json(worlds);
    } else if (json_object_size(worlds) == 0) {
        mecentral_say(run, "there are no worlds yet: mecentral up");
    } else {
        table_render(table, &text, "", run->colours);
        char *rendered = text_take(&text);
        fputs(rendered, stdout);
        free(rendered);
    }
    table_free(table);
    json_decref(worlds);
    return MECENTRAL_FINE;
}
