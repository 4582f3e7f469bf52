#include "common/random.h"

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
    return (value << bits) | (value >> (64 - bits));
}

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void random_seed(struct random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        random->state[i] = splitmix64(&seed);
}

uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t random_up_to(struct random *random, uint64_t most)
{
    uint64_t range = most + 1;
    uint64_t unfair, value;

    if (range == 0)
        return random_next(random);

    /* The lowest 2^64 mod range values would favour some remainders. */
    unfair = -range % range;
    do
        value = random_next(random);
    while (value < unfair);
    return value % range;
}

double random_unit(struct random *random)
{
    /* 53 bits: what a double holds exactly, so that 1.0 never comes out of rounding. */
    return (double)(random_next(random) >> 11) * 0x1.0p-53;
}
