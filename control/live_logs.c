/* mecentral logs */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/memory.h"
#include "control/live_tail.h"
#include "control/live_world.h"
#include "control/mecentral.h"
#include "control/text.h"
#include "control/units.h"

#define LINES_DEFAULT 100

struct log {
    char *path;
    off_t size; /* that has been shown */
};

struct logs {
    struct log *items;
    size_t count;
};

struct line {
    const char *text;
    size_t size;
    size_t order; /* among lines of the same time */
};

static void add_log(struct logs *logs, const char *data, const char *process)
{
    logs->items = memory_grow(logs->items, (logs->count + 1) * sizeof *logs->items);
    logs->items[logs->count++] = (struct log){world_log_path(data, process), 0};
}

/* Errors: -ENOENT, said on stderr. */
static int add_named(struct logs *logs, const struct world *world, const char *name)
{
    size_t *found = memory_alloc(world->supervisor.count * sizeof *found);
    size_t count = supervisor_find(&world->supervisor, name, found);

    for (size_t i = 0; i < count; i++)
        add_log(logs, world->data, world->supervisor.processes[found[i]].name);
    free(found);
    if (strcmp(name, "controld") == 0)
        add_log(logs, world->data, name);
    else if (count == 0)
        mecentral_error("there is no process or region \"%s\"; see mecentral ps", name);
    return count == 0 && strcmp(name, "controld") != 0 ? -ENOENT : 0;
}

static int collect(struct logs *logs, const struct world *world, const json_t *names)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < json_array_size(names); i++)
        error = add_named(logs, world, json_string_value(json_array_get(names, i)));
    if (json_array_size(names) != 0)
        return error;
    add_log(logs, world->data, "controld");
    for (size_t i = 0; i < world->supervisor.count; i++)
        add_log(logs, world->data, world->supervisor.processes[i].name);
    return 0;
}

/* Every line starts with its time, so the order of texts is that of times. */
static int compare_lines(const void *a, const void *b)
{
    const struct line *first = a;
    const struct line *second = b;
    size_t stamp = strlen("2026-11-23T03:13:09.123Z");
    size_t size = first->size < second->size ? first->size : second->size;
    int order = memcmp(first->text, second->text, size < stamp ? size : stamp);

    return order != 0 ? order : first->order < second->order ? -1 : 1;
}

static size_t split(char *text, struct line **lines, size_t count)
{
    for (char *at = text; *at;) {
        size_t size = strcspn(at, "\n");
        *lines = memory_grow(*lines, (count + 1) * sizeof **lines);
        (*lines)[count] = (struct line){at, size, count};
        count++;
        at += size + (at[size] == '\n');
    }
    return count;
}

static void show_tails(struct logs *logs, unsigned lines)
{
    char **texts = memory_alloc((logs->count + 1) * sizeof *texts);
    struct line *all = NULL;
    size_t count = 0;

    for (size_t i = 0; i < logs->count; i++) {
        struct stat file;
        logs->items[i].size = stat(logs->items[i].path, &file) == 0 ? file.st_size : 0;
        texts[i] = live_tail_read(logs->items[i].path, lines);
        if (texts[i])
            count = split(texts[i], &all, count);
    }
    if (count != 0)
        qsort(all, count, sizeof *all, compare_lines);
    for (size_t i = 0; i < count; i++)
        printf("%.*s\n", (int)all[i].size, all[i].text);
    fflush(stdout);
    for (size_t i = 0; i < logs->count; i++)
        free(texts[i]);
    free(texts);
    free(all);
}

static void show_news(struct log *log)
{
    char buffer[65536];
    int fd = open(log->path, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (fd < 0)
        return;
    while ((size = pread(fd, buffer, sizeof buffer, log->size)) > 0) {
        fwrite(buffer, 1, (size_t)size, stdout);
        log->size += size;
    }
    close(fd);
}

static void follow(struct logs *logs)
{
    const struct timespec pause = {.tv_nsec = 100000000};

    while (!ferror(stdout)) {
        for (size_t i = 0; i < logs->count; i++)
            show_news(&logs->items[i]);
        fflush(stdout);
        nanosleep(&pause, NULL);
    }
}

/* A world that is down has logs, too. */
static int load(const struct mecentral *run, struct world **ret_world)
{
    char *data;

    if (live_world_running_data(run->world, &data) != 0)
        data = live_world_default_data(run->world);
    int error = live_world_load(data, ret_world);
    if (error != 0)
        mecentral_error("there is no world %s", run->world);
    free(data);
    return error;
}

int live_logs(struct mecentral *run)
{
    const char *lines_text = command_line_text(run->line.arguments, "lines");
    struct logs logs = {0};
    struct world *world;
    uint64_t lines = LINES_DEFAULT;
    int code = MECENTRAL_USAGE;

    if (load(run, &world) != 0)
        return MECENTRAL_UNREACHABLE;
    if (lines_text)
        units_parse_count(lines_text, &lines);
    if (collect(&logs, world, json_object_get(run->line.arguments, "names")) == 0) {
        show_tails(&logs, lines > 1000000 ? 1000000 : (unsigned)lines);
        if (command_line_flag(run->line.arguments, "follow"))
            follow(&logs);
        code = MECENTRAL_FINE;
    }
    for (size_t i = 0; i < logs.count; i++)
        free(logs.items[i].path);
    free(logs.items);
    world_free(world);
    return code;
}
