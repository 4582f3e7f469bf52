/* vault_key: a region's own pair of keys (X25519). Data keys of the vault are put into boxes for
 * its public half, which the configuration tells everyone; only the region has what it grows from.
 */

#ifndef MEC_VAULT_KEY_H
#define MEC_VAULT_KEY_H

#include <stdint.h>

#define VAULT_KEY_SEED_SIZE   32
#define VAULT_KEY_PUBLIC_SIZE 32

/* The public half of the pair that grows from @seed. */
void vault_key_public(const uint8_t seed[VAULT_KEY_SEED_SIZE],
                      uint8_t ret_public[VAULT_KEY_PUBLIC_SIZE]);

#endif
