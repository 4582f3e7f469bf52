/* compile: from what a world is made of, and what is wrong with it just now, to the Config that its
 * processes run by: every link listed, faults folded in, slow motion applied. */

#ifndef MEC_COMPILE_H
#define MEC_COMPILE_H

#include <stddef.h>
#include <stdint.h>

#include "common/vault_key.h"
#include "control.pb-c.h"
#include "control/faults.h"
#include "control/key_ring.h"
#include "control/topology.h"

struct compile_listener {
    char geo[GEO_NAME_SIZE]; /* "": for all */
    uint16_t port;           /* 0: not known yet */
};

struct compile_input {
    uint64_t version;
    const char *world;
    const char *runtime_directory; /* the regionds' sockets are in it */
    const struct topology *topology;
    const struct faults *faults;
    const struct compile_listener *listeners;
    size_t listener_count;
    const struct key_ring *rings;                       /* one a region, in order */
    const uint8_t (*vault_keys)[VAULT_KEY_PUBLIC_SIZE]; /* likewise; NULL: none */
    uint64_t seed;
};

/* A new Config; release it with mec__config__free_unpacked(config, NULL). */
Mec__Config *compile_config(const struct compile_input *input);

#endif
