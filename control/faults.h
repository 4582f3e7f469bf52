/* faults: the table of injected deviations that are in force, and what they make of a link or of
 * the parts of a region.
 *
 * A fault has an id (`f1`, `f2`, ...: never used twice in a world), acts on one or more directed
 * links, on a service or on caches, and ends when it is healed or its time is over. Faults fold in
 * the order in which they were made: of two that set the same thing the later one counts; what is
 * cut, down or disabled by one of them is so.
 *
 * A flush of a cache is no fault: it happens once. All that is kept of it is a count that rises. */

#ifndef MEC_FAULTS_H
#define MEC_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "common/parts.h"
#include "control.pb-c.h"
#include "control/topology.h"

#define FAULTS_MAX     1000
#define FAULTS_ID_SIZE 24

enum fault_kind {
    FAULT_CUT,     /* a to b; and back unless one_way */
    FAULT_ISOLATE, /* everything to and from region a */
    FAULT_LINK,    /* other latency, jitter, loss or rate from a to b; and back unless one_way */
    FAULT_SERVICE, /* `part` of region a is down, fails or is slow */
    FAULT_CACHE,   /* likewise a cache is disabled or frozen */
    FAULT_KINDS
};

struct fault {
    uint64_t number; /* of the id */
    enum fault_kind kind;
    char a[TOPOLOGY_END_SIZE]; /* a region, `client:GEO` or `client:*` */
    char b[TOPOLOGY_END_SIZE]; /* "" for FAULT_ISOLATE and parts of a region */
    bool one_way;
    bool reset; /* cuts: connections break at once instead of hanging */
    bool has_latency;
    bool adds_latency; /* `+100ms`: on top of what the link has */
    uint64_t latency_us;
    bool has_jitter;
    uint64_t jitter_us;
    bool has_loss;
    uint32_t loss_ppm;
    bool has_rate;
    uint64_t rate_bytes_per_s;
    char part[PARTS_NAME_SIZE];      /* a service or a cache; "": all caches */
    char operation[PARTS_NAME_SIZE]; /* of a service; "": all */
    bool down;
    bool has_errors;
    uint32_t error_ppm;
    bool disable;
    bool freeze;
    uint64_t made_wall_us;
    uint64_t until_wall_us; /* 0: until healed */
};

/* A cache that was ever flushed. */
struct faults_flush {
    char region[TOPOLOGY_END_SIZE];
    enum parts_cache cache;
    uint64_t count; /* higher than that of any flush before it */
};

struct faults {
    struct fault *items; /* oldest first */
    size_t count;
    uint64_t last_number;
    struct faults_flush *flushes;
    size_t flush_count;
    uint64_t last_flush;
};

void faults_free(struct faults *faults); /* its content */

/* Check the ends against @topology, bring them to canonical form, give the fault its number and
 * keep it. On error *@ret_error is a new string for people.
 * Errors: -EINVAL, the fault makes no sense; -ENOSPC, FAULTS_MAX are in force. */
int faults_add(struct faults *faults, const struct topology *topology, const struct fault *fault,
               struct fault *ret_added, char **ret_error);

/* Take one away by its id ("f3"). Errors: -ENOENT. */
int faults_heal(struct faults *faults, const char *id, struct fault *ret_healed);

/* Take away the first one whose time is over. */
bool faults_expire(struct faults *faults, uint64_t wall_us, struct fault *ret_healed);

/* When the next one ends by itself; UINT64_MAX when none does. */
uint64_t faults_next_end_wall_us(const struct faults *faults);

/* Flush what the FAULT_CACHE @what names. On error *@ret_error is a new string for people.
 * Errors: -EINVAL, there is no such cache. */
int faults_flush(struct faults *faults, const struct topology *topology, const struct fault *what,
                 char **ret_error);

/* Change @link, which stands as without faults, into what it is with them. */
void faults_fold(const struct faults *faults, Mec__LinkConfig *link);

const char *faults_id(const struct fault *fault, char ret_id[FAULTS_ID_SIZE]);

/* One line for people: "us-east -> eu-west cut". A new string. */
char *faults_describe(const struct fault *fault);

/* For status and for the state file. Reading: -EBADMSG, not a fault; numbers stay as they are. */
json_t *faults_to_json(const struct fault *fault);
int faults_from_json(const json_t *json, struct fault *ret_fault);

#endif
