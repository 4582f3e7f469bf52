/* frames: one daemon's core among peers that say whatever the fuzzer makes up.
 *
 * A link is a connection to the core. What comes on it goes through a buffer and frame_decode(), as
 * in live_peer.c; a frame that cannot be decoded, or a core that wants it so, closes it. Time is
 * virtual and passes only when the fuzzer says so. Of what the core says, it is checked that each
 * frame can be decoded and is the message that it says it is. */

#ifndef MEC_FUZZ_FRAMES_H
#define MEC_FUZZ_FRAMES_H

#include <stdbool.h>

#include "common/frame.h"
#include "common/moment.h"
#include "control.pb-c.h"
#include "tests/fuzz/fuzz.h"

#define FRAMES_REGIONS   3
#define FRAMES_LINKS_MAX 5
#define FRAMES_IDS       16

struct frames_link {
    bool up;
    bool closing; /* the core wants it closed, as soon as its step is over */
    uint8_t *bytes;
    size_t size, capacity;
    uint64_t ids[FRAMES_IDS]; /* of what the core has asked on it, a ring */
    size_t id_count;
};

struct frames {
    const struct frames_core *kind;
    void *core;
    struct moment at;
    unsigned steps_left; /* an input is over when they are used up */
    struct frames_link links[FRAMES_LINKS_MAX];
};

/* What differs from core to core. */
struct frames_core {
    size_t link_count;
    void *(*create)(struct frames *frames);
    void (*free)(void *core);
    void (*link)(void *core, uint32_t link, bool up);
    void (*frame)(void *core, uint32_t link, const struct frame *frame);
    void (*tick)(void *core);
    uint64_t (*wake_us)(const void *core);
    void (*configure)(void *core, const Mec__Config *config);
    /* Something else that can happen to it: @what, with what it needs from @bytes. */
    void (*other)(void *core, uint8_t what, struct fuzz_bytes *bytes);
    void (*look)(void *core); /* at its status and the like; it changes nothing */
};

extern const struct frames_core frames_region, frames_router, frames_replicator;

/* For the cores: count a step; say what came out of it. */
void frames_step(struct frames *frames);
void frames_sent(struct frames *frames, uint32_t link, const uint8_t *bytes, size_t size);
void frames_close(struct frames *frames, uint32_t link);

/* ---- frames_world.c ---- */

#define FRAMES_WALL_US UINT64_C(1790000000000000) /* when time begins */
#define FRAMES_CONFIGS 4

extern const char *const frames_names[FRAMES_REGIONS];

/* Where the data of vault and metadata may lie: in all regions, or in two of them, of which the
 * region that is looked at is one, or is none. A world has one residency for its life. */
enum frames_residency { FRAMES_ANYWHERE, FRAMES_INSIDE, FRAMES_OUTSIDE, FRAMES_RESIDENCIES };

/* That of the world which now begins. */
void frames_pin(enum frames_residency residency);

/* A Config of three regions: as all begins; after a home has moved; with a link cut, a service down
 * and a cache disabled; with links reset and lossy. They last. */
const Mec__Config *frames_config(size_t number);

const uint8_t *frames_signing_seed(size_t region);
const uint8_t *frames_vault_seed(size_t region);

/* "Bearer TOKEN" of a user whose home is that region, good as time begins. It lasts. */
const char *frames_token(size_t region);

/* Make what changes and values in an APPLY or TAIL say of their digests true, as no luck ever
 * would: what is behind those checks wants to be tried, too. Returns a new body, or NULL where
 * there is nothing to mend. */
uint8_t *frames_mend(enum frame_kind kind, struct fuzz_bytes body, size_t *ret_size);

#endif
