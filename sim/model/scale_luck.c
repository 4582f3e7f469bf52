#include "sim/model/scale_luck.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#define PPM          1000000.0
#define PARETO_SHAPE 3.0
#define TRIES_MAX    6u
#define FEW          10.0
#define TWO_TO_64    18446744073709551616.0

/* ---- tables ---- */

static double uniform(double later)
{
    return 1 - later;
}

/* As link.c has them, as functions of the share that is later. */
static double pareto(double later)
{
    return (PARETO_SHAPE - 1) * (pow(later, -1 / PARETO_SHAPE) - 1);
}

static double exponential(double later)
{
    return -log(later);
}

/* Solves erfc(x / sqrt(2)) = @later by Newton's way on the logarithm, which is nearly a parabola.
 */
static double half_normal(double later)
{
    double x = 1;

    if (later >= 1)
        return 0;
    for (int i = 0; i < 60; i++) {
        double tail = erfc(x * M_SQRT1_2);
        double slope = -sqrt(2 / M_PI) * exp(-x * x / 2) / tail;
        double step = (log(tail) - log(later)) / slope;
        x -= step;
        if (fabs(step) < 1e-14 * (1 + fabs(x)))
            break;
    }
    return fmax(0, x);
}

static void fill(struct scale_luck_table *table, double (*quantile)(double later))
{
    for (int octave = 0; octave < SCALE_LUCK_OCTAVES; octave++)
        for (int place = 0; place <= SCALE_LUCK_PLACES; place++)
            table->at[octave][place] =
                (float)quantile(ldexp(1 + (double)place / SCALE_LUCK_PLACES, -octave - 1));
}

void scale_luck_init(struct scale_luck *luck)
{
    fill(&luck->uniform, uniform);
    fill(&luck->normal, half_normal);
    fill(&luck->pareto, pareto);
    fill(&luck->exponential, exponential);
}

/* ---- links ---- */

static const struct scale_luck_table *table_of(const struct scale_luck *luck, enum link_jitter kind)
{
    switch (kind) {
    case LINK_JITTER_UNIFORM:
        return &luck->uniform;
    case LINK_JITTER_NORMAL:
        return &luck->normal;
    case LINK_JITTER_PARETO:
        return &luck->pareto;
    }
    assert(false && "a kind of jitter");
    return &luck->uniform;
}

struct scale_luck_link scale_luck_link_of(const struct scale_luck *luck,
                                          const struct link_profile *profile)
{
    assert(link_profile_is_valid(profile));
    return (struct scale_luck_link){
        .latency_us = profile->latency_us,
        .jitter_us = (double)profile->jitter_us,
        .jitter = table_of(luck, profile->jitter_kind),
        .loss = (uint64_t)(profile->loss_ppm / PPM * TWO_TO_64),
        .retransmit_us = link_retransmit_us(profile),
    };
}

/* One number decides how many tries are lost in a row, each time-out twice the one before. */
uint64_t scale_luck_stalled_us(const struct scale_luck_link *link, uint64_t bits)
{
    double loss = (double)link->loss / TWO_TO_64;
    double chance = loss;
    unsigned lost = 0;

    while (lost + 1 < TRIES_MAX && (double)bits / TWO_TO_64 < chance) {
        chance *= loss;
        lost++;
    }
    return link->retransmit_us * ((UINT64_C(1) << lost) - 1);
}

/* ---- counts ---- */

/* Few are counted one by one. */
static uint64_t count_few(struct random *random, double mean)
{
    double chance = exp(-mean);
    double luck = random_unit(random);
    uint64_t count = 0;

    /* The sum of all chances is 1 but for rounding, so there is an end to it. */
    while (luck >= chance && count < 200) {
        luck -= chance;
        count++;
        chance *= mean / (double)count;
    }
    return count;
}

/* Hörmann, "The transformed rejection method for generating Poisson random variables", Insurance:
 * Mathematics and Economics 12, 1993: algorithm PTRS. */
static uint64_t count_many(struct random *random, double mean)
{
    double b = 0.931 + 2.53 * sqrt(mean);
    double a = -0.059 + 0.02483 * b;
    double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    double v_r = 0.9277 - 3.6224 / (b - 2);
    int sign;

    for (;;) {
        double u = random_unit(random) - 0.5;
        double v = random_unit(random);
        double us = 0.5 - fabs(u);
        double k = floor((2 * a / us + b) * u + mean + 0.43);
        if (us >= 0.07 && v <= v_r)
            return (uint64_t)k;
        if (k < 0 || (us < 0.013 && v > us))
            continue;
        if (log(v) + log(inverse_alpha) - log(a / (us * us) + b) <=
            k * log(mean) - mean - lgamma_r(k + 1, &sign))
            return (uint64_t)k;
    }
}

uint64_t scale_luck_count(struct random *random, double mean)
{
    assert(mean >= 0 && isfinite(mean));
    if (mean == 0)
        return 0;
    return mean < FEW ? count_few(random, mean) : count_many(random, mean);
}

void scale_luck_seed(struct random *random, uint64_t seed, uint64_t first, uint64_t second)
{
    struct random mixing;

    /* Seeds that differ a little make generators that have nothing in common, as SplitMix64 stands
     * in between; so three numbers are folded in one after the other. */
    random_seed(&mixing, seed);
    random_seed(&mixing, random_next(&mixing) ^ first);
    random_seed(random, random_next(&mixing) ^ second);
}
