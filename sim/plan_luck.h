/* plan_luck: what plans are drawn from: a stream of luck for each aspect, and the shapes of draws.
 *
 * Luck here is whole numbers throughout: the last bit of libm's logarithms differs between
 * machines, and a seed must mean the same plan on all of them. */

#ifndef MEC_PLAN_LUCK_H
#define MEC_PLAN_LUCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/random.h"

/* Each aspect draws from a stream of its own, so that a change of one leaves the others as they
 * are. */
enum plan_aspect {
    PLAN_ASPECT_WORLD = 1,
    PLAN_ASPECT_SETTINGS,
    PLAN_ASPECT_SWARM,
    PLAN_ASPECT_SINGLE,
    PLAN_ASPECT_HABITS,
    PLAN_ASPECT_BURSTS,
    PLAN_ASPECT_VAULT,
    PLAN_ASPECT_VAULT_SETTINGS,
    PLAN_ASPECT_SESSIONS,
    PLAN_ASPECT_FAULT = 0x100, /* and the kind */
    PLAN_ASPECT_CLIENT = 0x200 /* and which */
};

void plan_luck_stream(uint64_t seed, unsigned aspect, struct random *ret_random);

bool plan_luck_chance(struct random *random, unsigned percent);
uint64_t plan_luck_between(struct random *random, uint64_t least, uint64_t most);

/* Log-uniform, or nearly: each doubling is as likely as each other, and even within. @least is at
 * least 1, @most below 2^32. */
uint64_t plan_luck_wide(struct random *random, uint64_t least, uint64_t most);

/* How many events that come once in @mean_us, on average, come in @span_us. */
uint64_t plan_luck_events(struct random *random, uint64_t span_us, uint64_t mean_us);

/* An index, as often as its weight says. Not all weights are 0. */
size_t plan_luck_pick(struct random *random, const uint32_t *weights, size_t count);

#endif
