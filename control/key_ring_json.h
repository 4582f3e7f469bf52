/* key_ring_json: a ring in a world's state file. */

#ifndef MEC_KEY_RING_JSON_H
#define MEC_KEY_RING_JSON_H

#include <jansson.h>

#include "control/key_ring.h"

json_t *key_ring_json_make(const struct key_ring *ring);

/* The ring of a region's row: its `key_ring`, or the `public_key` that files of before rings have.
 * Errors: -EBADMSG, it is none. */
int key_ring_json_read(const json_t *row, struct key_ring *ret_ring);

#endif
