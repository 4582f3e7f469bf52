/* pending: the calls in flight: what was asked, where, what has been tried, until when to wait.
 *
 * Each try has a call id of its own, so a late answer to an earlier try is told apart at no cost.
 * Entries are kept in the order in which the requests came, and are reused: a request in the steady
 * state allocates nothing here. */

#ifndef MEC_PENDING_H
#define MEC_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "call.pb-c.h"
#include "common/deadlines.h"
#include "common/position.h"
#include "common/routes.h"
#include "common/token.h"
#include "routerd/request.h"
#include "routerd/vantage.h"

/* At 200 ms of round trip so many allow 300,000 requests a second: a slow link is not a narrow one.
 */
#define PENDING_MAX 65536u

struct pending {
    uint64_t request_id;
    uint64_t call_id; /* of the try under way; 0 = none */
    struct vantage *vantage;
    const struct route *route;
    enum route_class class; /* as policy sees it */
    uint32_t shard;         /* index into config->shards; POLICY_NONE: not known */
    uint32_t home;          /* RECEIPT: the region that accepted; else POLICY_NONE: the shard's */
    uint32_t forced;
    Mec__Consistency consistency;
    bool client_gone;
    bool head;
    bool set_cookie;
    bool has_key; /* the client's own: this may be a retry */

    /* The tries. */
    uint32_t tried;
    uint32_t unserved; /* of them: those whose service could not */
    uint32_t tries;
    bool maybe_written;
    bool behind;     /* a copy was behind the bookmark: only the home will do */
    bool timed_out;  /* a try ran out of time */
    bool redirected; /* a region said that it is not the home */
    uint32_t region;
    Mec__CallMode mode;
    const char *why;

    /* The try under way. */
    uint64_t asked_us;   /* handed to the link */
    uint64_t arrived_us; /* at the region, by the emulation */
    uint64_t left_us;    /* the answer, from the region */
    bool handed;         /* to the connection: from here on a write may happen */
    bool enqueuing;      /* marks know that it heads for a queue */
    uint64_t wan_us;     /* emulated delay so far */
    struct deadline deadline;

    uint64_t since_us;
    uint8_t *call; /* packed, for the next try */
    size_t call_size;
    size_t call_capacity;
    char user[USER_ID_SIZE]; /* by the token's word; of writes only */
    char traceparent[REQUEST_TRACEPARENT_SIZE];
    struct bookmark bookmark;

    /* Kept by the table. */
    uint32_t slot;
    struct pending *previous, *next;
    UT_hash_handle hh;
};

struct pendings;

struct pendings *pendings_create(void);
void pendings_free(struct pendings *pendings);

/* A new entry for @request_id, zeroed but for its buffers; NULL when PENDING_MAX are in flight. */
struct pending *pendings_add(struct pendings *pendings, uint64_t request_id);

/* Its deadline must be clear. */
void pendings_remove(struct pendings *pendings, struct pending *pending);

/* Begin a try: give it a call id, never 0 and never used again. */
void pendings_begin_try(struct pendings *pendings, struct pending *pending);

/* Whose try @call_id is; NULL: nobody waits for it any more. */
struct pending *pendings_find(const struct pendings *pendings, uint64_t call_id);
struct pending *pendings_find_request(const struct pendings *pendings, uint64_t request_id);

/* In the order of arrival; entries added while iterating come last. */
struct pending *pendings_first(const struct pendings *pendings);

size_t pendings_count(const struct pendings *pendings);

#endif
