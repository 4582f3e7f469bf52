#include "common/link.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>

#include "common/moment.h"
#include "common/reach.h"

#define PPM                 1000000u
#define LOSS_PPM_MAX        900000u
#define DELAY_US_MAX        (3600 * SECOND_US)
#define TRIES_MAX           6u
#define RETRANSMIT_US_LEAST (10 * MILLISECOND_US)
#define PARETO_SHAPE        3.0
#define TWO_PI              6.283185307179586

/* All the luck that one message can need, each number in [0, 1). */
struct luck {
    double loss;
    double jitter;
    double angle;
};

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool link_profile_is_valid(const struct link_profile *profile)
{
    return profile->latency_us <= DELAY_US_MAX && profile->jitter_us <= DELAY_US_MAX &&
           profile->loss_ppm <= LOSS_PPM_MAX && (unsigned)profile->cut <= LINK_CUT_RESET &&
           (unsigned)profile->jitter_kind <= LINK_JITTER_PARETO;
}

int link_init(struct link *link, const struct link_profile *profile, uint64_t seed)
{
    if (!link_profile_is_valid(profile))
        return -EINVAL;
    *link = (struct link){.profile = *profile};
    random_seed(&link->random, seed);
    return 0;
}

static bool carries_more(const struct link_profile *profile, const struct link_profile *old)
{
    return old->rate_bytes_per_s != 0 &&
           (profile->rate_bytes_per_s == 0 || profile->rate_bytes_per_s > old->rate_bytes_per_s);
}

int link_change(struct link *link, const struct link_profile *profile)
{
    if (!link_profile_is_valid(profile))
        return -EINVAL;
    if (link->under_way > 0 &&
        (profile->loss_ppm < link->profile.loss_ppm || carries_more(profile, &link->profile)))
        link->eased = true;
    if (profile->rate_bytes_per_s != link->profile.rate_bytes_per_s)
        link->transmit_carry = 0;
    link->profile = *profile;
    return 0;
}

uint64_t link_retransmit_us(const struct link_profile *profile)
{
    return max_u64(RETRANSMIT_US_LEAST, 2 * profile->latency_us + 4 * profile->jitter_us);
}

/* How many tries of one message are lost in a row. One number decides it, by the chance of at least
 * n losses being loss^n: so more loss never turns a bad day into a good one. */
static uint32_t losses(const struct link_profile *profile, double luck)
{
    double loss = (double)profile->loss_ppm / PPM;
    double chance = loss;
    uint32_t count = 0;
    while (count + 1 < TRIES_MAX && luck < chance) {
        chance *= loss;
        count++;
    }
    return count;
}

static uint64_t jitter_us(const struct link_profile *profile, const struct luck *luck)
{
    double jitter = (double)profile->jitter_us;
    double survival = 1.0 - luck->jitter; /* never 0 */
    if (profile->jitter_us == 0)
        return 0;
    switch (profile->jitter_kind) {
    case LINK_JITTER_UNIFORM:
        return (uint64_t)llround(jitter * luck->jitter);
    case LINK_JITTER_NORMAL: /* Box and Muller */
        return (uint64_t)llround(jitter * sqrt(-2.0 * log(survival)) *
                                 fabs(cos(TWO_PI * luck->angle)));
    case LINK_JITTER_PARETO: /* from zero on (Lomax), its mean is scale / (shape - 1) */
        return (uint64_t)llround(jitter * (PARETO_SHAPE - 1) *
                                 (pow(survival, -1.0 / PARETO_SHAPE) - 1.0));
    }
    assert(0 && "link_profile_is_valid() lets no other kind in");
    return 0;
}

static uint64_t transmit_us(struct link *link, uint32_t size_bytes)
{
    uint64_t rate = link->profile.rate_bytes_per_s;
    if (rate == 0)
        return 0;
    uint64_t work = size_bytes * SECOND_US + link->transmit_carry;
    link->transmit_carry = work % rate;
    return work / rate;
}

/* When a message leaves the line that waits for what is urgent alone, or for everything. */
static uint64_t occupy_line(struct link *link, uint64_t sent_us, bool urgent, uint64_t work_us)
{
    link->idle_at_us = max_u64(sent_us, link->idle_at_us) + work_us;
    if (!urgent)
        return link->idle_at_us;
    link->urgent_idle_at_us = max_u64(sent_us, link->urgent_idle_at_us) + work_us;
    return link->urgent_idle_at_us;
}

static enum link_fate send(struct link *link, uint64_t sent_us, uint32_t size_bytes, bool urgent,
                           uint64_t *ret_arrival_us)
{
    const struct link_profile *profile = &link->profile;
    uint64_t *last_arrival_us = urgent ? &link->urgent_arrival_us : &link->last_arrival_us;

    /* Draw all numbers before deciding anything, so that one setting never shifts the luck of
     * another, and runs stay comparable across profiles. */
    struct luck luck = {.loss = random_unit(&link->random),
                        .jitter = random_unit(&link->random),
                        .angle = random_unit(&link->random)};

    if (profile->cut == LINK_CUT_HOLD)
        return LINK_HELD;
    if (profile->cut == LINK_CUT_RESET)
        return LINK_RESET;

    /* Time-outs of 1, 2, 4.. units; a lost try was still sent, and used up bandwidth. */
    uint32_t lost = losses(profile, luck.loss);
    if (lost > 0)
        reach(LINK_LOST);
    uint64_t stalled_us = link_retransmit_us(profile) * ((UINT64_C(1) << lost) - 1);
    uint64_t work_us = 0;
    for (uint32_t i = 0; i <= lost; i++)
        work_us += transmit_us(link, size_bytes);
    uint64_t left_us = occupy_line(link, sent_us, urgent, work_us);

    /* Streams keep order: nothing overtakes what was late in its own. */
    *last_arrival_us = max_u64(*last_arrival_us, left_us + stalled_us + profile->latency_us +
                                                     jitter_us(profile, &luck));
    assert(*last_arrival_us >= sent_us);
    *ret_arrival_us = *last_arrival_us;
    return LINK_ARRIVES;
}

enum link_fate link_send(struct link *link, uint64_t sent_us, uint32_t size_bytes,
                         uint64_t *ret_arrival_us)
{
    return send(link, sent_us, size_bytes, false, ret_arrival_us);
}

enum link_fate link_send_urgent(struct link *link, uint64_t sent_us, uint32_t size_bytes,
                                uint64_t *ret_arrival_us)
{
    return send(link, sent_us, size_bytes, true, ret_arrival_us);
}

void link_hurry_begin(struct link *link)
{
    link->eased = false;
    link_recall(link);
}

uint64_t link_hurry(struct link *link, uint64_t now_us, uint32_t size_bytes, bool urgent,
                    uint64_t arrival_us)
{
    uint64_t again_us = arrival_us;

    if (send(link, now_us, size_bytes, urgent, &again_us) == LINK_ARRIVES && again_us < arrival_us)
        return again_us;
    return arrival_us;
}

void link_recall(struct link *link)
{
    link->idle_at_us = 0;
    link->last_arrival_us = 0;
    link->urgent_idle_at_us = 0;
    link->urgent_arrival_us = 0;
    link->transmit_carry = 0;
}
