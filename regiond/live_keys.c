#include "regiond/live_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "common/live_files.h"
#include "common/memory.h"

static int fail(int error, const char *why, const char **ret_why)
{
    *ret_why = why;
    return error;
}

/* Mode and content of the same open file, so that it cannot be changed in between. */
static int read_seed(int file, uint8_t seed[TOKEN_KEY_SEED_SIZE], const char **ret_why)
{
    struct stat status;

    if (fstat(file, &status) != 0)
        return fail(-errno, strerror(errno), ret_why);
    if ((status.st_mode & 077) != 0)
        return fail(-EPERM, "others may read it: make its mode 0600", ret_why);
    if (status.st_size != TOKEN_KEY_SEED_SIZE ||
        read(file, seed, TOKEN_KEY_SEED_SIZE) != TOKEN_KEY_SEED_SIZE)
        return fail(-EBADMSG, "it is not a key of 32 bytes", ret_why);
    return 0;
}

static int load_seed(const char *directory, uint8_t seed[TOKEN_KEY_SEED_SIZE], const char **ret_why)
{
    struct arena *arena = arena_create();
    int file = open(arena_format(arena, "%s/signing.key", directory), O_RDONLY | O_CLOEXEC);
    int error = file < 0 ? fail(-errno, strerror(errno), ret_why) : read_seed(file, seed, ret_why);

    if (file >= 0)
        close(file);
    arena_free(arena);
    return error;
}

static const char *find_kid(const Mec__Config *config, const uint8_t seed[TOKEN_KEY_SEED_SIZE])
{
    uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE];

    token_key_public(seed, public_key);
    for (size_t i = 0; i < config->n_keys; i++) {
        const Mec__SigningKey *key = config->keys[i];

        if (key->public_key.len == sizeof(public_key) &&
            memcmp(key->public_key.data, public_key, sizeof(public_key)) == 0)
            return key->kid;
    }
    return NULL;
}

int live_keys_load(const char *directory, const Mec__Config *config, struct live_keys *ret_keys,
                   const char **ret_why)
{
    struct live_keys keys = {0};
    int error = load_seed(directory, keys.seed, ret_why);

    if (error == 0 && !(keys.kid = find_kid(config, keys.seed)))
        error = fail(-ENOKEY, "the configuration does not know it", ret_why);
    if (error == 0)
        *ret_keys = keys;
    sodium_memzero(&keys, sizeof(keys));
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
