/* key_ring: the signing keys of one region, and how one follows the other without downtime.
 *
 *   WANTED      the region is asked to make it, and keeps the private half to itself
 *   PUBLISHED   its public half is in the Config; it signs once everybody runs by that
 *   SIGNING     the region signs with it
 *   RETIRING    the next one signs; it verifies until the last token that it signed has expired
 *
 * and then it is gone: out of the Config, and refused everywhere. A ring is data that is written
 * down after each change, and each move needs only what the ring and the processes say of
 * themselves; so a rotation that is interrupted anywhere goes on from where it was, and asking for
 * one that is under way changes nothing.
 *
 * Always: numbers rise; at most one key is SIGNING, older than it are only RETIRING ones, newer is
 * at most one, WANTED or PUBLISHED. */

#ifndef MEC_KEY_RING_H
#define MEC_KEY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/token.h"

#define KEY_RING_KEYS_MAX 8

/* Between a token's end and its key's: clocks differ, and verifiers allow for that. */
#define KEY_RING_ALLOWANCE_US UINT64_C(5000000)

/* How long a leaked key lives on while its region makes another one. */
#define KEY_RING_LEAK_US UINT64_C(1000000)

enum key_ring_state { KEY_RING_WANTED, KEY_RING_PUBLISHED, KEY_RING_SIGNING, KEY_RING_RETIRING };

struct key_ring_key {
    uint32_t number; /* its kid is REGION.NUMBER */
    enum key_ring_state state;
    uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE]; /* not of a WANTED one */
    uint64_t since_wall_us;                    /* when it came into its state */
    uint64_t version; /* the first Config that says so; 0: there is none yet */
    /* RETIRING: when the last token that it signed has expired; UINT64_MAX: its region may not know
     * yet that it signs with another. */
    uint64_t until_wall_us;
};

struct key_ring {
    struct key_ring_key keys[KEY_RING_KEYS_MAX]; /* by number */
    size_t count;
    uint32_t last_number; /* ever given */

    /* The older keys have leaked: the one that is WANTED signs as soon as it is made, whoever does
     * not know it yet, and by this time they are gone all the same. UINT64_MAX: they have not. */
    uint64_t leak_until_wall_us;
};

/* What is true of the processes. A version is of the Config that a process runs by; one that is
 * down counts as UINT64_MAX, because it will load the newest before it serves. */
struct key_ring_facts {
    uint64_t now_wall_us;
    uint64_t least_version;  /* of all processes */
    uint64_t signer_version; /* of the region's own regiond */
    uint64_t token_lifetime_us;
};

/* What must follow. */
enum key_ring_change {
    KEY_RING_SAME,
    KEY_RING_NOTED, /* write it down */
    KEY_RING_MOVED  /* make a new Config, and tell its version by key_ring_stamp() */
};

/* A ring without a key. */
void key_ring_init(struct key_ring *ring);

/* Its first key, which signs at once. */
void key_ring_begin(struct key_ring *ring, uint32_t number,
                    const uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE], uint64_t now_wall_us);

/* Want a new key; while one is WANTED or PUBLISHED, that one is meant. @leaked: the older ones may
 * not be trusted any more; with @leaked, too, a new Config must follow.
 *
 * Errors: -EBUSY, there are KEY_RING_KEYS_MAX keys already. */
int key_ring_rotate(struct key_ring *ring, bool leaked, uint64_t now_wall_us, uint32_t *ret_number);

/* The region says that it has the key of that number. */
enum key_ring_change key_ring_made(struct key_ring *ring, uint32_t number,
                                   const uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE],
                                   uint64_t now_wall_us);

/* The region says what it has. Numbers that we have forgotten are not given again, and when the key
 * that signs, or is to, is lost, another one is wanted. */
enum key_ring_change key_ring_reconcile(struct key_ring *ring, const uint32_t *numbers,
                                        size_t count, uint64_t now_wall_us);

/* Do the next thing that may be done. Call it again until it says KEY_RING_SAME. */
enum key_ring_change key_ring_advance(struct key_ring *ring, const struct key_ring_facts *facts);

/* What has changed since the last call is in the Config of that version. */
void key_ring_stamp(struct key_ring *ring, uint64_t version);

/* The versions that were told belong to another history of Configs: nobody is known to run by any.
 */
void key_ring_unstamp(struct key_ring *ring);

/* When the next move comes by time alone; UINT64_MAX: none does. */
uint64_t key_ring_next_wall_us(const struct key_ring *ring);

/* The key in @state, the oldest of several; NULL: there is none. */
const struct key_ring_key *key_ring_in(const struct key_ring *ring, enum key_ring_state state);

const char *key_ring_state_name(enum key_ring_state state);

/* Is a ring that was read from somewhere what one can be? */
bool key_ring_is_valid(const struct key_ring *ring);

#endif
