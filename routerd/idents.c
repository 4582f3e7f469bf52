#include "routerd/idents.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

/* The front of each pool becomes the next seed and is never given out: what has been seen tells
 * nothing of what comes. */
static void refill(struct idents *idents)
{
    randombytes_buf_deterministic(idents->pool, sizeof(idents->pool), idents->seed);
    memcpy(idents->seed, idents->pool, sizeof(idents->seed));
    idents->used = sizeof(idents->seed);
}

void idents_bytes(struct idents *idents, uint8_t *ret_bytes, size_t size)
{
    assert(size <= 64);
    if (sizeof(idents->pool) - idents->used < size)
        refill(idents);
    memcpy(ret_bytes, idents->pool + idents->used, size);
    idents->used += size;
}

void idents_init(struct idents *idents, const uint8_t seed[32])
{
    memcpy(idents->seed, seed, sizeof(idents->seed));
    idents->used = sizeof(idents->pool);
    idents->key_count = 0;
    idents_bytes(idents, idents->life, sizeof(idents->life));
}

static char *put_hex(char *at, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t index = 0; index < size; index++) {
        *at++ = digits[bytes[index] >> 4];
        *at++ = digits[bytes[index] & 15];
    }
    return at;
}

void idents_idempotency_key(struct idents *idents, char ret_key[IDENTS_KEY_SIZE])
{
    uint32_t count = ++idents->key_count;
    uint8_t counted[4] = {(uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8),
                          (uint8_t)count};
    uint8_t luck[8];
    idents_bytes(idents, luck, sizeof(luck));
    memcpy(ret_key, "mec-", 4);
    char *at = put_hex(ret_key + 4, idents->life, sizeof(idents->life));
    at = put_hex(at, counted, sizeof(counted));
    *put_hex(at, luck, sizeof(luck)) = '\0';
}

void idents_traceparent(struct idents *idents, char ret_text[IDENTS_TRACEPARENT_SIZE])
{
    uint8_t bytes[24];
    idents_bytes(idents, bytes, sizeof(bytes));
    /* Both ids must not be all zeros. */
    bytes[0] |= 1;
    bytes[16] |= 1;
    memcpy(ret_text, "00-", 3);
    char *at = put_hex(ret_text + 3, bytes, 16);
    *at++ = '-';
    at = put_hex(at, bytes + 16, 8);
    memcpy(at, "-01", 4);
}
