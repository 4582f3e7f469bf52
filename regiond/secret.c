#include "regiond/secret.h"

#include <assert.h>
#include <sodium.h>

void secret_draw(struct secret *secret, void *ret_bytes, size_t size)
{
    uint8_t seed[randombytes_SEEDBYTES];
    uint64_t counter = secret->counter++;

    crypto_generichash(seed, sizeof seed, (const uint8_t *)&counter, sizeof counter, secret->key,
                       sizeof secret->key);
    randombytes_buf_deterministic(ret_bytes, size, seed);
    sodium_memzero(seed, sizeof seed);
}

void secret_draw_hex(struct secret *secret, char *ret_text, size_t hex_size)
{
    uint8_t bytes[32];

    assert(hex_size % 2 == 0);
    assert(hex_size <= 2 * sizeof bytes);
    secret_draw(secret, bytes, hex_size / 2);
    sodium_bin2hex(ret_text, hex_size + 1, bytes, hex_size / 2);
}
