#include "regiond/audit_head.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define CONTEXT "MeCentral audit head 1" /* with its NUL */

_Static_assert(AUDIT_HEAD_SIGNATURE_SIZE == crypto_sign_BYTES, "size of a signature");

/* What is signed: each text and run of bytes with its length before it, numbers as eight bytes, so
 * that no two heads give the same. */
struct message {
    uint8_t *bytes;
    size_t size;
};

static void add_u64(struct message *message, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        message->bytes[message->size++] = (uint8_t)(value >> (56 - 8 * i));
}

static void add_bytes(struct message *message, const void *bytes, size_t size)
{
    add_u64(message, size);
    if (size > 0)
        memcpy(message->bytes + message->size, bytes, size);
    message->size += size;
}

static struct message make_message(const char *world, const Mec__AuditHead *head)
{
    const char *const texts[] = {world, head->region, head->chain, head->kid};
    size_t size = sizeof(CONTEXT) + 2 * 8 + 16 + head->digest.len + head->start.len;
    struct message message;

    for (size_t i = 0; i < 4; i++)
        size += 8 + strlen(texts[i]);
    message = (struct message){memory_alloc(size), sizeof(CONTEXT)};
    memcpy(message.bytes, CONTEXT, sizeof(CONTEXT));
    for (size_t i = 0; i < 4; i++)
        add_bytes(&message, texts[i], strlen(texts[i]));
    add_u64(&message, head->n);
    add_bytes(&message, head->digest.data, head->digest.len);
    add_bytes(&message, head->start.data, head->start.len);
    add_u64(&message, head->wall_us);
    return message;
}

void audit_head_sign(const char *world, const uint8_t seed[TOKEN_KEY_SEED_SIZE],
                     const Mec__AuditHead *head, uint8_t ret_signature[AUDIT_HEAD_SIGNATURE_SIZE])
{
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    struct message message = make_message(world, head);

    crypto_sign_seed_keypair(public_key, secret, seed);
    crypto_sign_detached(ret_signature, NULL, message.bytes, message.size, secret);
    sodium_memzero(secret, sizeof(secret));
    free(message.bytes);
}

bool audit_head_check(const char *world, const uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE],
                      const Mec__AuditHead *head)
{
    struct message message;
    bool good;

    if (head->signature.len != AUDIT_HEAD_SIGNATURE_SIZE)
        return false;
    message = make_message(world, head);
    good = crypto_sign_verify_detached(head->signature.data, message.bytes, message.size,
                                       public_key) == 0;
    free(message.bytes);
    return good;
}
