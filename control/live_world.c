#include "control/live_world.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/live_files.h"
#include "common/memory.h"
#include "control/text.h"

#define STATE_SIZE_MAX (4u * 1024 * 1024)

static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] == '/' ? value : NULL; /* XDG: relative paths do not count */
}

char *live_world_state_root(void)
{
    const char *state = environment("XDG_STATE_HOME");
    const char *home = environment("HOME");

    if (state)
        return text_format("%s/mecentral", state);
    if (home)
        return text_format("%s/.local/state/mecentral", home);
    return text_format("/tmp/mecentral-%u/state", (unsigned)geteuid());
}

char *live_world_runtime_root(void)
{
    const char *runtime = environment("XDG_RUNTIME_DIR");

    if (runtime)
        return text_format("%s/mecentral", runtime);
    return text_format("/tmp/mecentral-%u", (unsigned)geteuid());
}

static char *beneath(char *root, const char *name)
{
    char *path = text_format("%s/%s", root, name);

    free(root);
    return path;
}

char *live_world_runtime(const char *name)
{
    return beneath(live_world_runtime_root(), name);
}

char *live_world_default_data(const char *name)
{
    return beneath(live_world_state_root(), name);
}

static int read_json(const char *path, json_t **ret_json)
{
    uint8_t *bytes;
    size_t size;
    int error = live_files_read(path, STATE_SIZE_MAX, &bytes, &size);

    if (error != 0)
        return error;
    json_t *json = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
    free(bytes);
    if (!json)
        return -EBADMSG;
    *ret_json = json;
    return 0;
}

int live_world_running_data(const char *name, char **ret_data)
{
    char *path = beneath(live_world_runtime(name), "world.json");
    json_t *json = NULL;
    int error = read_json(path, &json);

    free(path);
    const char *data = json_string_value(json_object_get(json, "data"));
    if (error == 0 && data)
        *ret_data = memory_text(data);
    else
        error = -ENOENT;
    json_decref(json);
    return error;
}

static int check_runtime(const char *path, char **ret_why)
{
    struct stat file;

    if (lstat(path, &file) < 0) {
        int error = -errno;
        *ret_why = text_format("cannot use %s: %s", path, strerror(-error));
        return error;
    }
    if (!S_ISDIR(file.st_mode) || file.st_uid != geteuid() || (file.st_mode & 077) != 0) {
        *ret_why = text_format("%s must be a directory of yours with mode 0700: it holds sockets "
                               "that control the world",
                               path);
        return -EPERM;
    }
    return 0;
}

int live_world_make_runtime(const char *path, char **ret_why)
{
    char *root = live_world_runtime_root();
    int error = live_files_make_directory(path);

    if (error != 0)
        *ret_why = text_format("cannot make %s: %s", path, strerror(-error));
    if (error == 0)
        error = check_runtime(root, ret_why);
    if (error == 0)
        error = check_runtime(path, ret_why);
    free(root);
    return error;
}

/* Who ends a world removes its lock file; a lock on a file that is no longer there is none. */
static bool is_still(const char *path, int fd)
{
    struct stat named;
    struct stat open;

    return stat(path, &named) == 0 && fstat(fd, &open) == 0 && named.st_dev == open.st_dev &&
           named.st_ino == open.st_ino;
}

int live_world_lock(const char *directory, int *ret_fd)
{
    char *path = text_format("%s/lock", directory);
    int error = 0;
    int fd = -1;

    do {
        if (fd >= 0)
            close(fd);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
            error = -errno;
    } while (error == 0 && !is_still(path, fd));
    free(path);
    if (error != 0 && fd >= 0)
        close(fd);
    if (error == 0)
        *ret_fd = fd;
    return error;
}

int live_world_replace_quickly(const char *path, const void *data, size_t size)
{
    char *beside = text_format("%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int error = fd < 0 ? -errno : 0;

    if (error == 0) {
        ssize_t written = write(fd, data, size);
        if (written != (ssize_t)size)
            error = written < 0 ? -errno : -ENOSPC;
        close(fd);
    }
    if (error == 0 && rename(beside, path) < 0)
        error = -errno;
    if (error != 0)
        unlink(beside);
    free(beside);
    return error;
}

int live_world_write_json(const char *path, const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(1));
    int error = live_files_replace(path, text, strlen(text), 0600);

    free(text);
    return error;
}

int live_world_save(const struct world *world)
{
    char *state_path = text_format("%s/state.json", world->data);
    char *ready_path = text_format("%s/world.json", world->runtime);
    json_t *state = world_to_json(world);
    json_t *ready = world_ready_json(world);
    int error = live_world_write_json(state_path, state);

    if (error == 0) {
        char *text = json_dumps(ready, JSON_INDENT(1));
        error = live_world_replace_quickly(ready_path, text, strlen(text));
        free(text);
    }
    json_decref(ready);
    json_decref(state);
    free(ready_path);
    free(state_path);
    return error;
}

int live_world_load(const char *data, struct world **ret_world)
{
    char *path = text_format("%s/state.json", data);
    json_t *json = NULL;
    int error = read_json(path, &json);

    if (error == 0)
        error = world_from_json(json, ret_world);
    json_decref(json);
    free(path);
    return error;
}

void live_world_remove_runtime(const struct world *world)
{
    static const char *const files[] = {"control.sock", "world.json"};
    char *path;

    for (size_t i = 0; i < world->topology->region_count; i++) {
        path = text_format("%s/regiond-%s.sock", world->runtime, world->topology->regions[i].name);
        unlink(path);
        free(path);
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        path = text_format("%s/%s", world->runtime, files[i]);
        unlink(path);
        free(path);
    }
    live_world_remove_lock(world->runtime);
}

void live_world_remove_lock(const char *runtime)
{
    char *path = text_format("%s/lock", runtime);

    unlink(path);
    rmdir(runtime);
    free(path);
}

static int remove_one(const char *path, const struct stat *file, int type, struct FTW *where)
{
    (void)file;
    (void)type;
    (void)where;
    return remove(path) < 0 ? -errno : 0;
}

int live_world_remove_tree(const char *path)
{
    int error = nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);

    return error == -1 ? -errno : error;
}
