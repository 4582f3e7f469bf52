/* returned: what must be known of an Answer before it may be read: how long it was worked on. */

#ifndef MEC_RETURNED_H
#define MEC_RETURNED_H

#include <stddef.h>
#include <stdint.h>

/* Find service_us in a packed Answer, without the cost of unpacking it twice; 0 when it has none.
 * Errors: -EBADMSG, not a protobuf message. */
int returned_service_us(const uint8_t *body, size_t size, uint64_t *ret_service_us);

#endif
