/* What must be there before a process is started: directories, secrets, pins. */

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "common/kid.h"
#include "common/live_files.h"
#include "common/live_log.h"
#include "common/memory.h"
#include "control/live_controld_internal.h"
#include "control/live_vault_keys.h"
#include "control/live_world.h"
#include "control/text.h"

/* Read a secret of 32 bytes, or make it. Errors: -errno; -EPERM, others may read it; -EBADMSG. */
static int load_secret(const char *path, uint8_t ret_seed[32])
{
    struct stat about;
    uint8_t *seed = NULL;
    size_t size = 0;
    int error = live_files_read(path, 32, &seed, &size);

    if (error == -ENOENT) {
        seed = memory_alloc(32);
        size = 32;
        randombytes_buf(seed, size);
        error = live_files_replace(path, seed, size, 0600);
    }
    if (error == 0 && stat(path, &about) < 0)
        error = -errno;
    if (error == 0 && (about.st_mode & 077) != 0)
        error = -EPERM;
    if (error == 0 && size != 32)
        error = -EBADMSG;
    if (error == 0)
        memcpy(ret_seed, seed, 32);
    if (seed)
        sodium_memzero(seed, size);
    free(seed);
    return error;
}

static int complain(const char *path, int error)
{
    live_log(LIVE_LOG_ERROR, "cannot use %s: %s", path, strerror(-error));
    return error;
}

/* The newest key that the region has made; 0: none. Where the state file is lost, too, the region
 * goes on with that. */
static uint32_t find_newest_key(const char *directory)
{
    DIR *listing = opendir(directory);
    const struct dirent *entry;
    uint32_t newest = 0;

    while (listing && (entry = readdir(listing))) {
        uint32_t number = kid_file_number(entry->d_name);
        newest = number > newest ? number : newest;
    }
    if (listing)
        closedir(listing);
    return newest;
}

/* The first key of a region is made here, so that a world's first start needs no conversation. All
 * others the region makes itself, and tells their public halves. */
static int begin_ring(struct key_ring *ring, const char *directory)
{
    uint32_t newest = find_newest_key(directory);
    uint32_t number = newest > 0 ? newest : 1;
    char name[KID_SIZE];
    uint8_t seed[TOKEN_KEY_SEED_SIZE], public_key[TOKEN_KEY_PUBLIC_SIZE];

    kid_file(number, name);
    char *path = text_format("%s/%s", directory, name);
    int error = load_secret(path, seed);
    if (error == 0) {
        token_key_public(seed, public_key);
        key_ring_begin(ring, number, public_key, live_loop_now().wall_us);
    } else {
        complain(path, error);
    }
    sodium_memzero(seed, sizeof seed);
    free(path);
    return error;
}

/* Given to a process once, before it is first started: from then on it takes configurations of this
 * world and key alone. A world that is called otherwise now, but has the key, is the same. */
static int pin(const char *directory, const struct signed_config_pin *own)
{
    char *path = text_format("%s/control.pin", directory);
    struct signed_config_pin old;
    uint8_t *bytes = NULL;
    size_t size;
    int error = live_files_read(path, 4096, &bytes, &size);
    bool replace = error == -ENOENT;

    /* Empty: power failed before it was on the disk. Nothing else that is there is trusted less for
     * being unreadable: then the process refuses to start, and a human looks. */
    if (error == 0 && size == 0)
        replace = true;
    else if (error == 0)
        replace = signed_config_read_pin(bytes, size, &old) == 0 &&
                  memcmp(old.public_key, own->public_key, sizeof old.public_key) == 0 &&
                  strcmp(old.world, own->world) != 0;
    free(bytes);
    error = error == -ENOENT ? 0 : error;
    if (error == 0 && replace) {
        bytes = signed_config_pack_pin(own, &size);
        error = live_world_replace_quickly(path, bytes, size);
        free(bytes);
    }
    if (error != 0)
        complain(path, error);
    free(path);
    return error;
}

static int prepare_processes(const struct world *world, const struct signed_config_pin *own)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < world->supervisor.count; i++) {
        char *path = world_process_directory(world, &world->supervisor.processes[i]);
        error = live_files_make_directory(path);
        if (error != 0)
            live_log(LIVE_LOG_ERROR, "cannot make %s: %s", path, strerror(-error));
        else
            error = pin(path, own);
        free(path);
    }
    return error;
}

int live_controld_prepare(struct live_controld *controld, struct world *world)
{
    char *path = text_format("%s/control.key", world->data);
    struct signed_config_pin own;
    int error = load_secret(path, controld->seed);

    if (error != 0)
        complain(path, error);
    free(path);
    if (error == 0) {
        signed_config_make_pin(controld->seed, world->name, &own);
        error = prepare_processes(world, &own);
    }
    for (size_t i = 0; error == 0 && i < world->topology->region_count; i++) {
        if (world->rings[i].count > 0)
            continue;
        path = text_format("%s/regiond/%s", world->data, world->topology->regions[i].name);
        error = begin_ring(&world->rings[i], path);
        free(path);
    }
    return error == 0 ? live_vault_keys_prepare(world) : error;
}
