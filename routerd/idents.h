/* idents: idempotency keys and trace ids for requests that bring none, grown from 32 secret bytes,
 * so that they cannot be guessed and a run can be repeated. */

#ifndef MEC_IDENTS_H
#define MEC_IDENTS_H

#include <stddef.h>
#include <stdint.h>

#define IDENTS_KEY_SIZE         37 /* "mec-", 32 hex digits, NUL */
#define IDENTS_TRACEPARENT_SIZE 56 /* W3C traceparent of version 00, with NUL */

struct idents {
    uint8_t seed[32];
    uint8_t pool[4096];
    size_t used;
    uint8_t life[4]; /* in front of every key of this router's life */
    uint32_t key_count;
};

void idents_init(struct idents *idents, const uint8_t seed[32]);

/* Take @size bytes of luck, at most 64. */
void idents_bytes(struct idents *idents, uint8_t *ret_bytes, size_t size);

/* Keys of one life sort in the order in which they were made, so that a shard appends them to one
 * page of its table instead of dirtying a random one for each; the second half cannot be guessed.
 */
void idents_idempotency_key(struct idents *idents, char ret_key[IDENTS_KEY_SIZE]);
void idents_traceparent(struct idents *idents, char ret_text[IDENTS_TRACEPARENT_SIZE]);

#endif
