/* live_vault_keys: the regions' own keys of the vault, `vault.key` beside what else a region keeps:
 * 32 bytes, mode 0600. */

#ifndef MEC_LIVE_VAULT_KEYS_H
#define MEC_LIVE_VAULT_KEYS_H

#include "control/world.h"

/* Make those that there are not yet, in directories that are there, and let @world know the public
 * half of each. Errors: -errno; -EPERM, others may read one; -EBADMSG, one is no key; logged. */
int live_vault_keys_prepare(struct world *world);

#endif
