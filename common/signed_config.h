/* signed_config: configurations that a process can trust, wherever they come from.
 *
 * controld signs each packed Config (Ed25519) under a context of its own, so that no signature made
 * for anything else can be taken for one. A process pins the public half and the world's name when
 * it is first started, and takes no Config that is unsigned, signed by another key, of another
 * world, or older than what it has. */

#ifndef MEC_SIGNED_CONFIG_H
#define MEC_SIGNED_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "common/memory.h"
#include "control.pb-c.h"

#define SIGNED_CONFIG_SEED_SIZE   32
#define SIGNED_CONFIG_PUBLIC_SIZE 32

struct signed_config_pin {
    uint8_t public_key[SIGNED_CONFIG_PUBLIC_SIZE];
    char world[64];
};

/* The pin of @world for configurations signed with @seed. @world is shorter than 64 bytes. */
void signed_config_make_pin(const uint8_t seed[SIGNED_CONFIG_SEED_SIZE], const char *world,
                            struct signed_config_pin *ret_pin);

/* As bytes for `control.pin`: new, the caller frees them. Errors of reading: -EBADMSG. */
uint8_t *signed_config_pack_pin(const struct signed_config_pin *pin, size_t *ret_size);
int signed_config_read_pin(const uint8_t *bytes, size_t size, struct signed_config_pin *ret_pin);

/* A packed SignedConfig of @config: new bytes that the caller frees. */
uint8_t *signed_config_pack(const Mec__Config *config, const uint8_t seed[SIGNED_CONFIG_SEED_SIZE],
                            size_t *ret_size);

/* Check all that can be checked, then unpack into @arena. @have_version is of the Config in force,
 * 0 for none; an equal one is no error. *@ret_config always has a version and settings.
 *
 * Errors: -EBADMSG, it cannot be read, or lacks what every process needs; -ENOKEY, it is not
 * signed; -EKEYREJECTED, it is signed by another key, or changed since; -EXDEV, it is another
 * world's; -ESTALE, it is older. */
int signed_config_open(const uint8_t *bytes, size_t size, const struct signed_config_pin *pin,
                       uint64_t have_version, struct arena *arena, const Mec__Config **ret_config);

/* The error in words, for a log. */
const char *signed_config_why(int error);

#endif
