#include "common/vault_key.h"

#include <sodium.h>

_Static_assert(VAULT_KEY_SEED_SIZE == crypto_box_SEEDBYTES, "a seed makes a pair");
_Static_assert(VAULT_KEY_PUBLIC_SIZE == crypto_box_PUBLICKEYBYTES, "of X25519");

void vault_key_public(const uint8_t seed[VAULT_KEY_SEED_SIZE],
                      uint8_t ret_public[VAULT_KEY_PUBLIC_SIZE])
{
    uint8_t secret[crypto_box_SECRETKEYBYTES];

    crypto_box_seed_keypair(ret_public, secret, seed);
    sodium_memzero(secret, sizeof secret);
}
