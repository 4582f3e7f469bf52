#include "routerd/health.h"

#include <assert.h>

#include "common/moment.h"
#include "common/reach.h"

/* Passes needed double with each flap, to 16 times the threshold. */
#define FLAPS_MAX 4u
#define CALM_US   (60 * SECOND_US)

void health_init(struct health *health, const struct health_settings *settings, uint64_t now_us)
{
    *health = (struct health){
        .state = HEALTH_UP,
        .passes_needed = settings->pass_threshold,
        .changed_us = now_us,
    };
}

bool health_usable(const struct health *health)
{
    return health->state == HEALTH_UP || health->state == HEALTH_SUSPECT;
}

/* How unsteady the region has been: one less for each minute without a change. */
static uint32_t flaps_left(const struct health *health, uint64_t now_us)
{
    uint64_t calm = (now_us - health->changed_us) / CALM_US;
    return calm >= health->flaps ? 0 : health->flaps - (uint32_t)calm;
}

static bool go_down(struct health *health, const struct health_settings *settings, uint64_t now_us)
{
    bool was_usable = health_usable(health);
    health->state = HEALTH_DOWN;
    health->fails_in_row = 0;
    health->passes_in_row = 0;
    if (!was_usable)
        return false;
    uint32_t flaps = flaps_left(health, now_us);
    reach(HEALTH_DOWN);
    if (flaps > 0)
        reach(HEALTH_FLAPS);
    health->passes_needed = settings->pass_threshold << flaps;
    health->flaps = flaps < FLAPS_MAX ? flaps + 1 : FLAPS_MAX;
    health->changed_us = now_us;
    health->down_since_us = now_us;
    return true;
}

static bool go_up(struct health *health, uint64_t now_us)
{
    reach(HEALTH_BACK);
    health->state = HEALTH_UP;
    health->fails_in_row = 0;
    health->passes_in_row = 0;
    health->changed_us = now_us;
    health->down_since_us = 0;
    return true;
}

static bool probe_passed(struct health *health, uint64_t now_us)
{
    health->fails_in_row = 0;
    health->request_counted = false;
    if (health_usable(health)) {
        health->state = HEALTH_UP;
        return false;
    }
    health->state = HEALTH_RETURNING;
    health->passes_in_row++;
    return health->passes_in_row >= health->passes_needed && go_up(health, now_us);
}

/* Only probes open the way back: a burst of late answers to old requests is no sign that the next
 * one will be answered in time. */
static bool request_passed(struct health *health)
{
    if (health_usable(health)) {
        health->fails_in_row = 0;
        health->state = HEALTH_UP;
    }
    return false;
}

static bool failed(struct health *health, const struct health_settings *settings, uint64_t now_us)
{
    health->passes_in_row = 0;
    if (!health_usable(health)) {
        if (health->state == HEALTH_RETURNING)
            reach(HEALTH_RELAPSE);
        health->state = HEALTH_DOWN;
        return false;
    }
    health->state = HEALTH_SUSPECT;
    health->fails_in_row++;
    return health->fails_in_row >= settings->fail_threshold && go_down(health, settings, now_us);
}

/* Requests that were under way together fail together. They are one piece of evidence, so they
 * count once until a probe has spoken again. */
static bool request_failed(struct health *health, const struct health_settings *settings,
                           uint64_t now_us)
{
    if (health->request_counted || !health_usable(health))
        return false;
    health->request_counted = true;
    return failed(health, settings, now_us);
}

static bool reopened(struct health *health)
{
    if (health->state == HEALTH_DOWN)
        health->state = HEALTH_RETURNING;
    return false;
}

bool health_signal(struct health *health, const struct health_settings *settings,
                   enum health_signal signal, uint64_t now_us)
{
    switch (signal) {
    case HEALTH_PROBE_PASSED:
        return probe_passed(health, now_us);
    case HEALTH_PROBE_FAILED:
        health->request_counted = false;
        return failed(health, settings, now_us);
    case HEALTH_REQUEST_PASSED:
        return request_passed(health);
    case HEALTH_REQUEST_FAILED:
        return request_failed(health, settings, now_us);
    case HEALTH_CLOSED:
        return go_down(health, settings, now_us);
    case HEALTH_REOPENED:
        return reopened(health);
    }
    assert(false && "a health signal");
    return false;
}

const char *health_state_name(enum health_state state)
{
    static const char *const names[] = {
        [HEALTH_UP] = "up",
        [HEALTH_SUSPECT] = "suspect",
        [HEALTH_DOWN] = "down",
        [HEALTH_RETURNING] = "returning",
    };
    return names[state];
}
