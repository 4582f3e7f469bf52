#include "sim/live_plans.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"
#include "control/text.h"

#define REGRESSIONS "tests/simulation/regressions"
#define NAMES_MAX   1000

static bool is_directory(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* ---- reading ---- */

static int read_file(struct live_plans *plans, const char *path, char **ret_error)
{
    json_error_t where;
    struct plan plan;
    char *why = NULL;
    FILE *file = fopen(path, "re");

    if (!file) {
        int error = -errno;
        *ret_error = text_format("cannot read %s: %s", path, strerror(-error));
        return error;
    }
    json_t *json = json_loadf(file, JSON_REJECT_DUPLICATES, &where);
    fclose(file);
    if (!json) {
        *ret_error = text_format("%s:%d: %s", path, where.line, where.text);
        return -EBADMSG;
    }
    int error = plan_from_json(json, &plan, &why);
    json_decref(json);
    if (error != 0) {
        *ret_error = text_format("%s: %s", path, why ? why : "no plan");
        free(why);
        return error;
    }
    plans->items = memory_grow(plans->items, (plans->count + 1) * sizeof *plans->items);
    plans->paths = memory_grow(plans->paths, (plans->count + 1) * sizeof *plans->paths);
    plans->items[plans->count] = plan;
    plans->paths[plans->count++] = memory_text(path);
    return 0;
}

static int is_plan(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);

    return size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_directory(struct live_plans *plans, const char *path, char **ret_error)
{
    struct dirent **entries;
    int count = scandir(path, &entries, is_plan, by_name);
    int error = count < 0 ? -errno : count == 0 ? -ENOENT : 0;

    if (error != 0)
        *ret_error = count == 0 ? text_format("there is no plan in %s", path)
                                : text_format("cannot read %s: %s", path, strerror(-error));
    for (int i = 0; i < count; i++) {
        char *file = text_format("%s/%s", path, entries[i]->d_name);
        if (error == 0)
            error = read_file(plans, file, ret_error);
        free(file);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return error;
}

int live_plans_read(const json_t *paths, struct live_plans *ret_plans, char **ret_error)
{
    struct live_plans plans = {0};
    int error = 0;

    for (size_t i = 0; error == 0 && i < json_array_size(paths); i++) {
        const char *path = json_string_value(json_array_get(paths, i));
        error = is_directory(path) ? read_directory(&plans, path, ret_error)
                                   : read_file(&plans, path, ret_error);
    }
    if (error != 0)
        live_plans_free(&plans);
    else
        *ret_plans = plans;
    return error;
}

void live_plans_free(struct live_plans *plans)
{
    for (size_t i = 0; i < plans->count; i++) {
        plan_free(&plans->items[i]);
        free(plans->paths[i]);
    }
    free(plans->items);
    free(plans->paths);
    *plans = (struct live_plans){0};
}

/* ---- writing ---- */

int live_plans_write(const char *path, const char *text, size_t size, bool replace)
{
    int error = 0;
    FILE *file = fopen(path, replace ? "we" : "wxe");

    if (!file)
        return -errno;
    if (fwrite(text, 1, size, file) != size)
        error = -errno;
    if (fclose(file) != 0 && error == 0)
        error = -errno;
    return error;
}

/* "crash (SIGABRT)" as "crash-sigabrt". */
static char *slug_of(const char *cause)
{
    char *slug = memory_text(cause);
    size_t size = 0;

    for (const char *at = cause; *at; at++)
        if (isalnum((unsigned char)*at))
            slug[size++] = (char)tolower((unsigned char)*at);
        else if (size > 0 && slug[size - 1] != '-')
            slug[size++] = '-';
    while (size > 0 && slug[size - 1] == '-')
        size--;
    slug[size] = '\0';
    return slug;
}

char *live_plans_name(const char *cause, uint64_t seed)
{
    const char *folder = is_directory(REGRESSIONS) ? REGRESSIONS : ".";
    char *slug = slug_of(cause);
    char *path = text_format("%s/%s-%" PRIu64 ".json", folder, slug, seed);

    for (unsigned copy = 2; access(path, F_OK) == 0 && copy < NAMES_MAX; copy++) {
        free(path);
        path = text_format("%s/%s-%" PRIu64 "-%u.json", folder, slug, seed, copy);
    }
    free(slug);
    return path;
}
