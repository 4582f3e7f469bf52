/* health: is a region reachable from a vantage? From probes over the emulated link, failures of
 * real requests, and closed connections.
 *
 * A state machine for each (vantage, region): up -> suspect -> down -> returning -> up. Hysteresis:
 * one slow probe is no outage; a region that flaps needs more good probes in a row each time
 * (doubling, to 16 times the threshold, halved again for each minute without a change). Only probes
 * open the way back. */

#ifndef MEC_HEALTH_H
#define MEC_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

enum health_state { HEALTH_UP, HEALTH_SUSPECT, HEALTH_DOWN, HEALTH_RETURNING };
enum health_signal {
    HEALTH_PROBE_PASSED,
    HEALTH_PROBE_FAILED,
    HEALTH_REQUEST_PASSED,
    HEALTH_REQUEST_FAILED, /* timed out: as a probe that failed, but once between two probes */
    HEALTH_CLOSED,         /* the connection is gone: down at once */
    HEALTH_REOPENED        /* the connection stands again: returning */
};

struct health_settings {
    uint32_t fail_threshold;
    uint32_t pass_threshold;
};

struct health {
    enum health_state state;
    uint32_t fails_in_row;
    uint32_t passes_in_row;
    uint32_t passes_needed;
    uint32_t flaps;
    bool request_counted;   /* a failed request has counted since the last probe */
    uint64_t changed_us;    /* when it last became usable or unusable */
    uint64_t down_since_us; /* 0 = is usable */
};

void health_init(struct health *health, const struct health_settings *settings, uint64_t now_us);

/* Returns true when usability has changed. */
bool health_signal(struct health *health, const struct health_settings *settings,
                   enum health_signal signal, uint64_t now_us);

/* Up or suspect: requests may go there. */
bool health_usable(const struct health *health);
const char *health_state_name(enum health_state state);

#endif
