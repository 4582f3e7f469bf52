#include "sim/model/scale_health.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"

#define GOLDEN 0.6180339887498949

/* One watch, and where it stands. */
struct post {
    const struct scale_health *health;
    struct scale_watch *watch;
    uint32_t geo;
    uint32_t region;
};

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static enum scale_way way_at(const struct post *post, uint64_t now_us)
{
    return scale_faults_way(post->health->faults, post->geo, post->region, now_us);
}

static uint64_t next_way_us(const struct post *post)
{
    return scale_faults_next_way_us(post->health->faults, post->geo, post->region,
                                    post->watch->now_us);
}

/* ---- probes ---- */

/* When what is sent at @sent_us and needs @needed_us is there: held ways hold it up. NEVER_US: its
 * connection is closed on the way, or it is held for ever. */
static uint64_t arrival_us(const struct post *post, uint64_t sent_us, uint64_t needed_us)
{
    const struct scale_faults *faults = post->health->faults;
    uint64_t now_us = sent_us;

    for (;;) {
        enum scale_way way = way_at(post, now_us);
        uint64_t next_us = scale_faults_next_way_us(faults, post->geo, post->region, now_us);
        if (way == SCALE_WAY_CLOSED)
            return NEVER_US;
        if (way == SCALE_WAY_OPEN && next_us - now_us >= needed_us)
            return now_us + needed_us;
        if (way == SCALE_WAY_OPEN)
            needed_us -= next_us - now_us;
        if (next_us == NEVER_US)
            return NEVER_US;
        now_us = next_us;
    }
}

static void send_probe(const struct post *post)
{
    struct scale_watch *watch = post->watch;
    uint64_t deadline_us = watch->now_us + watch->round_trip_us + post->health->slack_us;
    uint64_t back_us = arrival_us(post, watch->now_us, watch->round_trip_us);
    bool passes = back_us <= deadline_us;
    uint64_t at_us = passes ? back_us : deadline_us;
    uint32_t place = watch->result_count;

    if (watch->result_count == SCALE_HEALTH_PROBES)
        return;
    while (place > 0 && watch->results[place - 1].at_us > at_us) {
        watch->results[place] = watch->results[place - 1];
        place--;
    }
    watch->results[place].at_us = at_us;
    watch->results[place].passes = passes;
    watch->result_count++;
}

static uint64_t first_probe_us(const struct post *post, uint64_t not_before_us)
{
    uint64_t interval_us = post->health->interval_us;
    uint64_t phase_us = post->watch->phase_us;

    if (not_before_us <= phase_us)
        return phase_us;
    return phase_us + (not_before_us - phase_us + interval_us - 1) / interval_us * interval_us;
}

/* Where probes only say again what is known they need not be looked at, until shortly before that
 * changes: then they may be under way, or held. */
static bool is_quiet(const struct scale_watch *watch)
{
    bool settled = watch->next_way == SCALE_WAY_OPEN ? watch->health.state == HEALTH_UP
                                                     : watch->health.state == HEALTH_DOWN;

    return settled && watch->result_count == 0;
}

static void plan_probe(const struct post *post, uint64_t way_us)
{
    struct scale_watch *watch = post->watch;
    uint64_t lead_us = watch->round_trip_us + post->health->slack_us;
    uint64_t least_us = watch->now_us;

    if (is_quiet(watch)) {
        if (way_us == NEVER_US) {
            watch->probe_us = NEVER_US;
            return;
        }
        least_us = max_u64(least_us, way_us > lead_us ? way_us - lead_us : 0);
    }
    if (watch->probe_us < least_us || watch->probe_us == NEVER_US)
        watch->probe_us = first_probe_us(post, least_us);
}

/* ---- events ---- */

static bool signal_health(const struct post *post, enum health_signal signal)
{
    return health_signal(&post->watch->health, &post->health->thresholds, signal,
                         post->watch->now_us);
}

static void change_way(const struct post *post)
{
    struct scale_watch *watch = post->watch;
    enum scale_way before = watch->next_way;

    watch->next_way = way_at(post, watch->now_us);
    if (watch->next_way == before)
        return;
    if (watch->next_way == SCALE_WAY_CLOSED) {
        watch->result_count = 0;
        signal_health(post, HEALTH_CLOSED);
    } else if (watch->next_way == SCALE_WAY_HELD) {
        watch->held_us = watch->now_us;
    }
    if (before == SCALE_WAY_CLOSED) {
        signal_health(post, HEALTH_REOPENED);
        send_probe(post);
    }
}

static void take_result(const struct post *post)
{
    struct scale_watch *watch = post->watch;
    bool passes = watch->results[0].passes;

    watch->result_count--;
    memmove(&watch->results[0], &watch->results[1], watch->result_count * sizeof watch->results[0]);
    signal_health(post, passes ? HEALTH_PROBE_PASSED : HEALTH_PROBE_FAILED);
}

/* When a request that was sent into a held way is given up for the first time since the last
 * probe. */
static uint64_t timeout_us(const struct post *post)
{
    const struct scale_watch *watch = post->watch;

    if (watch->next_way != SCALE_WAY_HELD || !health_usable(&watch->health) ||
        watch->health.request_counted)
        return NEVER_US;
    return max_u64(watch->now_us, watch->held_us + watch->round_trip_us + post->health->timeout_us);
}

/* Go on to the next event. Returns false when there is none any more. */
static bool step(const struct post *post)
{
    struct scale_watch *watch = post->watch;
    uint64_t way_us = next_way_us(post);

    if (watch->next_way != SCALE_WAY_CLOSED)
        plan_probe(post, way_us);
    else
        watch->probe_us = NEVER_US;
    uint64_t result_us = watch->result_count > 0 ? watch->results[0].at_us : NEVER_US;
    uint64_t given_up_us = timeout_us(post);
    uint64_t next_us = min_u64(min_u64(way_us, watch->probe_us), min_u64(result_us, given_up_us));

    if (next_us == NEVER_US)
        return false;
    watch->now_us = next_us;
    if (next_us == way_us) {
        change_way(post);
    } else if (next_us == result_us) {
        take_result(post);
    } else if (next_us == given_up_us) {
        signal_health(post, HEALTH_REQUEST_FAILED);
    } else {
        send_probe(post);
        watch->probe_us += post->health->interval_us;
    }
    return true;
}

/* Work out the span that begins where everything stands. */
static void next_span(const struct post *post)
{
    struct scale_watch *watch = post->watch;

    watch->from_us = watch->until_us;
    watch->way = watch->next_way;
    watch->usable = health_usable(&watch->health);
    while (watch->next_way == watch->way && health_usable(&watch->health) == watch->usable) {
        if (!step(post)) {
            watch->now_us = NEVER_US;
            break;
        }
    }
    watch->until_us = watch->now_us;
}

/* ---- all of them ---- */

static struct post post_of(const struct scale_health *health, uint32_t geo, uint32_t region)
{
    size_t place = (size_t)geo * health->region_count + region;

    return (struct post){health, &health->watches[place], geo, region};
}

static void begin_watch(const struct post *post, size_t place)
{
    const struct scale_health *health = post->health;
    struct scale_watch *watch = post->watch;
    double spread = (double)place * GOLDEN;

    watch->round_trip_us = health->faults->deployment->geos[post->geo].round_trip_us[post->region];
    /* As a router spreads its probes, so that they do not leave all at once. */
    watch->phase_us = (uint64_t)((spread - (double)(uint64_t)spread) * (double)health->interval_us);
    watch->probe_us = NEVER_US;
    health_init(&watch->health, &health->thresholds, 0);
    change_way(post);
    next_span(post);
}

void scale_health_init(struct scale_health *health, const struct scale_faults *faults)
{
    const struct deployment *deployment = faults->deployment;
    const Mec__Settings *settings = deployment->config->settings;
    size_t count = deployment->geo_count * deployment->region_count;

    *health = (struct scale_health){
        .faults = faults,
        .thresholds = {settings->probe_fail_threshold, settings->probe_pass_threshold},
        .interval_us = settings->probe_interval_us,
        .slack_us = settings->probe_slack_us,
        .timeout_us = settings->request_timeout_us,
        .region_count = (uint32_t)deployment->region_count,
        .geo_count = (uint32_t)deployment->geo_count,
        .watches = memory_alloc(count * sizeof *health->watches),
        .until_us = memory_alloc(deployment->geo_count * sizeof *health->until_us),
    };
    for (uint32_t geo = 0; geo < health->geo_count; geo++) {
        for (uint32_t region = 0; region < health->region_count; region++) {
            struct post post = post_of(health, geo, region);
            begin_watch(&post, (size_t)(post.watch - health->watches));
        }
        scale_health_advance(health, geo, 0);
    }
}

void scale_health_clear(struct scale_health *health)
{
    free(health->watches);
    free(health->until_us);
    *health = (struct scale_health){0};
}

void scale_health_advance(struct scale_health *health, uint32_t geo, uint64_t now_us)
{
    uint64_t until_us = NEVER_US;

    if (now_us < health->until_us[geo])
        return;
    for (uint32_t region = 0; region < health->region_count; region++) {
        struct post post = post_of(health, geo, region);
        assert(post.watch->from_us <= now_us);
        while (post.watch->until_us <= now_us)
            next_span(&post);
        until_us = min_u64(until_us, post.watch->until_us);
    }
    health->until_us[geo] = until_us;
}

const struct scale_watch *scale_health_watch(const struct scale_health *health, uint32_t geo,
                                             uint32_t region)
{
    return &health->watches[(size_t)geo * health->region_count + region];
}
