/* hints: who a token says it is about, without asking whether it is genuine: the region does that.
 * A bounded cache, because the same token comes with request after request and reading one costs
 * more than all else that is done for a request. */

#ifndef MEC_HINTS_H
#define MEC_HINTS_H

#include <stdint.h>

#include "common/slice.h"
#include "common/token.h"

#define HINTS_MAX 8192u

struct hint {
    uint8_t digest[16];
    char user[USER_ID_SIZE];
    char shard[SHARD_NAME_SIZE];
    int error; /* 0, or why the token cannot be read */
};

struct hints;

/* @key makes the digests unguessable, so that nobody can find two tokens with the same one. */
struct hints *hints_create(const uint8_t key[16]);
void hints_free(struct hints *hints);

/* Valid until the next call. Never NULL; look at @error. */
const struct hint *hints_find(struct hints *hints, struct slice token);

#endif
