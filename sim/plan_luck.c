#include "sim/plan_luck.h"

#include <assert.h>

void plan_luck_stream(uint64_t seed, unsigned aspect, struct random *ret_random)
{
    /* Twice, so that seed 1's aspect 2 is not seed 2's aspect 1. */
    random_seed(ret_random, seed);
    random_seed(ret_random, random_next(ret_random) + aspect);
}

bool plan_luck_chance(struct random *random, unsigned percent)
{
    return random_up_to(random, 99) < percent;
}

uint64_t plan_luck_between(struct random *random, uint64_t least, uint64_t most)
{
    assert(least <= most);
    return least + random_up_to(random, most - least);
}

/* The logarithm to base 2 in 2^-32, but straight between the powers of two. */
static uint64_t log_of(uint64_t value)
{
    unsigned bits = 63u - (unsigned)__builtin_clzll(value);
    uint64_t above = value - (UINT64_C(1) << bits);

    return ((uint64_t)bits << 32) + ((above << 32) >> bits);
}

static uint64_t of_log(uint64_t log)
{
    uint64_t power = UINT64_C(1) << (log >> 32);

    return power + ((power * (log & UINT32_MAX)) >> 32);
}

uint64_t plan_luck_wide(struct random *random, uint64_t least, uint64_t most)
{
    assert(least >= 1);
    assert(least <= most);
    assert(most <= UINT32_MAX);
    uint64_t value = of_log(plan_luck_between(random, log_of(least), log_of(most)));
    return value < least ? least : value; /* both ways round down */
}

uint64_t plan_luck_events(struct random *random, uint64_t span_us, uint64_t mean_us)
{
    return (span_us + random_up_to(random, mean_us - 1)) / mean_us;
}

size_t plan_luck_pick(struct random *random, const uint32_t *weights, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += weights[i];
    assert(sum > 0);
    uint64_t left = random_up_to(random, sum - 1);
    for (size_t i = 0; i < count; i++) {
        if (left < weights[i])
            return i;
        left -= weights[i];
    }
    return count - 1;
}
