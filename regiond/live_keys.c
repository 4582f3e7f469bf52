#include "regiond/live_keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "common/live_files.h"
#include "common/memory.h"

/* A ring has eight at most; more are files that somebody has put there. Room for all at once: what
 * realloc() leaves behind could not be wiped. */
#define KEYS_MAX 64

static const char *name_file(struct arena *arena, const char *directory, uint32_t number)
{
    char name[KID_SIZE];

    kid_file(number, name);
    return arena_format(arena, "%s/%s", directory, name);
}

/* Mode and content of the same open file, so that it cannot be changed in between. */
static int read_seed(int file, uint8_t seed[TOKEN_KEY_SEED_SIZE], const char **ret_why)
{
    struct stat status;

    *ret_why = NULL;
    if (fstat(file, &status) != 0)
        return -errno;
    if ((status.st_mode & 077) != 0) {
        *ret_why = "others may read it: make its mode 0600";
        return -EPERM;
    }
    if (status.st_size != TOKEN_KEY_SEED_SIZE ||
        read(file, seed, TOKEN_KEY_SEED_SIZE) != TOKEN_KEY_SEED_SIZE) {
        *ret_why = "it is not a key of 32 bytes";
        return -EBADMSG;
    }
    return 0;
}

static int complain(const char *path, int error, const char *why, char **ret_why)
{
    size_t size = strlen(path) + 200;

    *ret_why = memory_alloc(size);
    snprintf(*ret_why, size, "%s: %s", path, why ? why : strerror(-error));
    return error;
}

static int read_key(const char *path, struct region_key *key, char **ret_why)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const char *why = NULL;
    int error = file < 0 ? -errno : read_seed(file, key->seed, &why);

    if (file >= 0)
        close(file);
    return error < 0 ? complain(path, error, why, ret_why) : 0;
}

static int add_key(const char *path, const char *region, uint32_t number, struct live_keys *keys,
                   char **ret_why)
{
    struct region_key *key = &keys->keys[keys->count];

    if (keys->count == KEYS_MAX)
        return complain(path, -E2BIG, "there are too many keys", ret_why);
    kid_format(region, number, key->kid);
    keys->count++;
    return read_key(path, key, ret_why);
}

int live_keys_read(const char *directory, const char *region, struct live_keys *ret_keys,
                   char **ret_why)
{
    DIR *listing = opendir(directory);
    struct arena *arena;
    struct live_keys keys = {memory_alloc(KEYS_MAX * sizeof(*keys.keys)), 0};
    struct dirent *entry;
    int error = 0;

    if (!listing) {
        free(keys.keys);
        return complain(directory, -errno, NULL, ret_why);
    }
    arena = arena_create();
    while (error == 0 && (entry = readdir(listing))) {
        uint32_t number = kid_file_number(entry->d_name);

        if (number > 0)
            error = add_key(name_file(arena, directory, number), region, number, &keys, ret_why);
    }
    closedir(listing);
    arena_free(arena);
    if (error < 0)
        live_keys_free(&keys);
    else
        *ret_keys = keys;
    return error;
}

void live_keys_free(struct live_keys *keys)
{
    if (keys->keys)
        sodium_memzero(keys->keys, keys->count * sizeof(*keys->keys));
    free(keys->keys);
    *keys = (struct live_keys){0};
}

int live_keys_make(const char *directory, const char *region, const char *kid)
{
    uint8_t seed[TOKEN_KEY_SEED_SIZE];
    struct arena *arena;
    const char *path;
    uint32_t number;
    int error;

    if (kid_number(kid, region, &number) < 0)
        return -EINVAL;
    arena = arena_create();
    path = name_file(arena, directory, number);
    error = access(path, F_OK) == 0 ? 0 : -errno;
    if (error == -ENOENT) {
        randombytes_buf(seed, sizeof(seed));
        error = live_files_replace(path, seed, sizeof(seed), 0600);
        sodium_memzero(seed, sizeof(seed));
    }
    arena_free(arena);
    return error;
}

int live_keys_forget(const char *directory, const char *region, const char *kid)
{
    struct arena *arena;
    uint32_t number;
    int error;

    if (kid_number(kid, region, &number) < 0)
        return -EINVAL;
    arena = arena_create();
    error = unlink(name_file(arena, directory, number)) < 0 ? -errno : 0;
    arena_free(arena);
    return error;
}

int live_keys_load_vault(const char *directory, uint8_t ret_seed[VAULT_KEY_SEED_SIZE],
                         const char **ret_why)
{
    struct arena *arena = arena_create();
    int error = live_files_read_secret(arena_format(arena, "%s/vault.key", directory), ret_seed,
                                       VAULT_KEY_SEED_SIZE);

    arena_free(arena);
    if (error == -EPERM)
        *ret_why = "others may read it: make its mode 0600";
    else if (error == -EBADMSG)
        *ret_why = "it is not a key of 32 bytes";
    else if (error < 0)
        *ret_why = strerror(-error);
    return error;
}
