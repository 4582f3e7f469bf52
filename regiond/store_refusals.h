/* store_refusals: the queued writes that this process, as their home, has refused.
 *
 * A refusal has no effect, so no row stands for it. But once a receipt says "rejected" or
 * "expired", no copy of the same write may take effect any more: another queue may hold one, and a
 * try that was given up may still stand unread in a socket. Sockets die with the process, so its
 * memory is as long as it has to be. Bounded: the oldest refusals are forgotten first. */

#ifndef MEC_STORE_REFUSALS_H
#define MEC_STORE_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "regiond/store.h"

#define STORE_REFUSALS_MAX 4096

struct store_refusals;

struct store_refusal {
    enum store_result result;
    uint64_t version; /* as store_op.version */
};

struct store_refusals *store_refusals_create(void);
void store_refusals_free(struct store_refusals *refusals);

/* The write of @user under @key was refused. A first refusal stays. */
void store_refusals_note(struct store_refusals *refusals, const char *user, const char *key,
                         const struct store_refusal *refusal);

/* Returns false when it is not known to have been refused. */
bool store_refusals_find(const struct store_refusals *refusals, const char *user, const char *key,
                         struct store_refusal *ret_refusal);

#endif
