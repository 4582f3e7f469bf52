/* scale_luck: the luck of a great many requests, drawn fast: how long messages are under way, how
 * long work takes, how many requests come.
 *
 * A link here is the project's own (common/link.h), for messages that do not meet each other: each
 * client has a stream of its own, so nothing waits behind what is late or lost for somebody else.
 * Delays have the very distribution that link_send() gives; only instead of logarithms and powers
 * for each message there are tables of quantiles. A table is by octaves of the share that is still
 * later, 64 places each, so the far tail is as true as the middle. */

#ifndef MEC_SCALE_LUCK_H
#define MEC_SCALE_LUCK_H

#include <stdint.h>

#include "common/link.h"
#include "common/random.h"

#define SCALE_LUCK_OCTAVES 44
#define SCALE_LUCK_PLACES  64

/* How much is exceeded with a given chance; mean or sigma is 1. */
struct scale_luck_table {
    float at[SCALE_LUCK_OCTAVES][SCALE_LUCK_PLACES + 1];
};

struct scale_luck {
    struct scale_luck_table uniform; /* from 0 to 1 */
    struct scale_luck_table normal;  /* half of one */
    struct scale_luck_table pareto;
    struct scale_luck_table exponential;
};

void scale_luck_init(struct scale_luck *luck);

/* One draw, of 64 random bits: how many of them are 0 at first says the octave, those behind the
 * first 1 where in it. */
static inline double scale_luck_take(const struct scale_luck_table *table, uint64_t bits)
{
    unsigned octave = (unsigned)__builtin_clzll(bits | UINT64_C(1) << (64 - SCALE_LUCK_OCTAVES));
    uint64_t rest = bits << octave << 1;
    const float *place = &table->at[octave][rest >> 58];
    double part = (double)(int64_t)(rest << 6 >> 32) * 0x1p-32;

    return (double)place[0] + part * ((double)place[1] - (double)place[0]);
}

/* One direction of one link. */
struct scale_luck_link {
    uint64_t latency_us;
    double jitter_us; /* 0: none */
    const struct scale_luck_table *jitter;
    uint64_t loss; /* lost when 64 random bits are below; 0: never */
    uint64_t retransmit_us;
};

struct scale_luck_link scale_luck_link_of(const struct scale_luck *luck,
                                          const struct link_profile *profile);

/* How much later than without loss. Rare, so not here. */
uint64_t scale_luck_stalled_us(const struct scale_luck_link *link, uint64_t bits);

/* How long one message is under way. */
static inline uint64_t scale_luck_delay_us(const struct scale_luck_link *link,
                                           struct random *random)
{
    uint64_t us = link->latency_us;

    if (link->jitter_us > 0)
        us += (uint64_t)(int64_t)(link->jitter_us *
                                      scale_luck_take(link->jitter, random_next(random)) +
                                  0.5);
    if (link->loss > 0) {
        uint64_t bits = random_next(random);
        if (bits < link->loss)
            us += scale_luck_stalled_us(link, bits);
    }
    return us;
}

/* How many come when @mean are expected, each by itself (Poisson). */
uint64_t scale_luck_count(struct random *random, double mean);

/* A generator of its own for the @second-th of the @first-th of something. */
void scale_luck_seed(struct random *random, uint64_t seed, uint64_t first, uint64_t second);

#endif
