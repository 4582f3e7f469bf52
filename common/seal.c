#include "common/seal.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define FORMAT 1

_Static_assert(SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "size of a key");
_Static_assert(SEAL_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "size of a nonce");
_Static_assert(SEAL_OVERHEAD == 1 + SEAL_NONCE_SIZE + crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "size of what is added");

/* ---- the place, as associated data ---- */

static uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        *at++ = (uint8_t)(value >> (56 - 8 * i));
    return at;
}

/* Each text with its length before it, so that no two places give the same bytes. */
static uint8_t *put_text(uint8_t *at, const char *text)
{
    size_t size = strlen(text);

    at = put_u64(at, size);
    memcpy(at, text, size);
    return at + size;
}

static struct slice make_data(const struct seal_place *place)
{
    const char *const texts[] = {place->shard, place->user, place->service, place->key};
    size_t size = 1 + 8;
    uint8_t *data, *at;

    for (size_t i = 0; i < 4; i++)
        size += 8 + strlen(texts[i]);
    at = data = memory_alloc(size);
    *at++ = FORMAT;
    for (size_t i = 0; i < 4; i++)
        at = put_text(at, texts[i]);
    at = put_u64(at, place->version);
    assert(at == data + size);
    return (struct slice){(const char *)data, size};
}

static void free_data(struct slice data)
{
    free((void *)(uintptr_t)data.data);
}

/* ---- sealing and opening ---- */

void seal_value(const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE],
                const struct seal_place *place, struct slice plain, uint8_t *ret_sealed)
{
    struct slice data = make_data(place);
    unsigned long long size;

    ret_sealed[0] = FORMAT;
    memcpy(ret_sealed + 1, nonce, SEAL_NONCE_SIZE);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        ret_sealed + 1 + SEAL_NONCE_SIZE, &size, (const uint8_t *)plain.data, plain.size,
        (const uint8_t *)data.data, data.size, NULL, nonce, key);
    assert(size == plain.size + SEAL_OVERHEAD - 1 - SEAL_NONCE_SIZE);
    free_data(data);
}

int seal_open(const uint8_t key[SEAL_KEY_SIZE], const struct seal_place *place, struct slice sealed,
              uint8_t *ret_plain, size_t *ret_size)
{
    const uint8_t *bytes = (const uint8_t *)sealed.data;
    unsigned long long size;
    struct slice data;
    int error;

    if (sealed.size < SEAL_OVERHEAD || bytes[0] != FORMAT)
        return -EBADMSG;
    data = make_data(place);
    /* It writes nothing of the value before the tag has been found right. */
    error = crypto_aead_xchacha20poly1305_ietf_decrypt(
        ret_plain, &size, NULL, bytes + 1 + SEAL_NONCE_SIZE, sealed.size - 1 - SEAL_NONCE_SIZE,
        (const uint8_t *)data.data, data.size, bytes + 1, key);
    free_data(data);
    if (error != 0)
        return -EBADMSG;
    *ret_size = (size_t)size;
    return 0;
}
