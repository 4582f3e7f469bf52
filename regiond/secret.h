/* secret: ids, salts and sessions that nobody can guess, grown from bytes that the shell hands over
 * at the start. The same secret gives the same bytes again, so a simulated run can be repeated. */

#ifndef MEC_SECRET_H
#define MEC_SECRET_H

#include <stddef.h>
#include <stdint.h>

struct secret {
    uint8_t key[32];
    uint64_t counter;
};

/* Fill @ret_bytes with bytes never given before. */
void secret_draw(struct secret *secret, void *ret_bytes, size_t size);

/* @hex_size characters of lower-case hex and a NUL. @hex_size is even and at most 64. */
void secret_draw_hex(struct secret *secret, char *ret_text, size_t hex_size);

#endif
