/* random: seeded luck, the same numbers for the same seed on every machine (xoshiro256**,
 * Blackman and Vigna 2018, seeded by SplitMix64).
 *
 * Not for secrets: keys, salts and identifiers that must not be guessed come from the shell, as
 * bytes in an event. */

#ifndef MEC_RANDOM_H
#define MEC_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);

/* Uniform in 0..most, both included. */
uint64_t random_up_to(struct random *random, uint64_t most);

/* Uniform in [0, 1). */
double random_unit(struct random *random);

#endif
