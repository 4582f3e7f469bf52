/* plan: everything that will happen to a simulated world from outside: who asks what and when, what
 * breaks and when, and how the world is set up. One seed makes one plan (plan_make.c); a plan can
 * be written down, cut shorter and run again, so that a failure found by luck no longer needs any.
 *
 * A plan holds no pointers into anything else. Regions, clients and keys are small numbers: regions
 * by their place in region_names, clients by their place in clients. Times are microseconds since
 * the world's start. Items are in the order of their times. */

#ifndef MEC_PLAN_H
#define MEC_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "control.pb-c.h"

#define PLAN_REGIONS_MAX 5
#define PLAN_CLIENTS_MAX 24
#define PLAN_ROUTERS_MAX 2
#define PLAN_NONE        UINT32_MAX

/* kind, name, what it does; `region`, `other`, `amount` and `duration_us` of struct plan_fault are
 * what the text calls REGION, OTHER (or SERVICE, CACHE), AMOUNT and "for a while". */
#define PLAN_FAULTS(X)                                                                             \
    X(KILL_REGIOND, "kill-regiond", "REGION's regiond dies, for a while")                          \
    X(KILL_REPLICATOR, "kill-replicator", "REGION's replicator dies, for a while")                 \
    X(KILL_ROUTER, "kill-router", "router AMOUNT dies, for a while")                               \
    X(CRASH_REGIOND, "crash-regiond",                                                              \
      "REGION's regiond dies between two of its actions, AMOUNT from now; for a while")            \
    X(CRASH_REPLICATOR, "crash-replicator", "likewise its replicator")                             \
    X(CRASH_ROUTER, "crash-router", "likewise router OTHER")                                       \
    X(STOP_REGIOND, "stop-regiond", "REGION's regiond is told to end, for a while")                \
    X(PAUSE_REGIOND, "pause-regiond", "REGION's regiond stands still, for a while")                \
    X(PAUSE_REPLICATOR, "pause-replicator", "REGION's replicator stands still, for a while")       \
    X(PAUSE_ROUTER, "pause-router", "router AMOUNT stands still, for a while")                     \
    X(KILL_AT_CALL, "kill-at-call", "REGION's regiond dies in its AMOUNT-th disk call from now")   \
    X(POWER_CUT, "power-cut", "REGION loses power: what was not synced is dropped or torn")        \
    X(POWER_CUT_AT_CALL, "power-cut-at-call", "... in its AMOUNT-th disk call from now")           \
    X(LOSE_REGION, "lose-region",                                                                  \
      "REGION and its disk are gone; another is promoted; a blank one comes back after a while")   \
    X(BLANK_COPY, "blank-copy", "REGION, while down, loses its copy of OTHER's shard")             \
    X(MOVE_HOME, "move-home", "REGION's shard moves to OTHER, in a new epoch, nothing lost")       \
    X(DISK_FULL, "disk-full", "REGION's disk takes no more after AMOUNT more writes, for a while") \
    X(DISK_READ_ONLY, "disk-read-only", "REGION's disk cannot be written, for a while")            \
    X(WRITE_FAILS, "write-fails", "writing REGION's disk fails from the AMOUNT-th write on")       \
    X(SYNC_FAILS_ONCE, "sync-fails-once", "REGION's AMOUNT-th fsync from now fails")               \
    X(SYNC_FAILS, "sync-fails", "... and all after it, for a while")                               \
    X(SLOW_SYNC, "slow-sync", "each fsync of REGION takes AMOUNT us, for a while")                 \
    X(FLIP_BITS, "flip-bits", "REGION, while down, finds AMOUNT bits flipped in OTHER's shard")    \
    X(CUT, "cut", "the link of REGION and OTHER is cut both ways, for a while")                    \
    X(CUT_ONE_WAY, "cut-one-way", "... only from REGION to OTHER")                                 \
    X(CUT_RESET, "cut-reset", "... both ways, and calls under way fail at once")                   \
    X(ISOLATE, "isolate", "REGION is cut off from all, clients too, for a while")                  \
    X(CUT_CLIENTS, "cut-clients", "clients at REGION's place cannot reach OTHER, for a while")     \
    X(FLAP, "flap", "the link of REGION and OTHER is cut and healed every AMOUNT us")              \
    X(LATENCY, "latency", "AMOUNT us more on the link of REGION and OTHER, for a while")           \
    X(JITTER, "jitter", "up to AMOUNT us of jitter on it, for a while")                            \
    X(LOSS, "loss", "AMOUNT ppm of loss on it, for a while")                                       \
    X(RATE, "rate", "AMOUNT bytes a second at most on it, for a while")                            \
    X(CLOCK_OFFSET, "clock-offset",                                                                \
      "REGION's clock is AMOUNT us off (below 2^63: ahead), for a while")                          \
    X(CLOCK_DRIFT, "clock-drift", "REGION's clock runs AMOUNT ppm fast (or slow), for a while")    \
    X(CACHE_OFF, "cache-off", "no region keeps a cache, for a while")                              \
    X(CACHE_TINY, "cache-tiny", "caches hold AMOUNT bytes, for a while")                           \
    X(CONTROL_DOWN, "control-down", "no process hears of changes, for a while")                    \
    X(CONTROL_UNREACHABLE, "control-unreachable", "REGION's processes hear of none, for a while")  \
    X(RESET_CLIENTS, "reset-clients",                                                              \
      "calls of clients at REGION's place to OTHER fail at once, for a while")                     \
    X(ROUTER_UNREACHABLE, "router-unreachable", "router AMOUNT hears of no changes, for a while")  \
    X(MOVE_LIVE_HOME, "move-live-home",                                                            \
      "REGION's shard is taken from its home, which lives on, and given to OTHER, or back")        \
    X(CORRUPT_BATCHES, "corrupt-batches",                                                          \
      "a bit flips in each AMOUNT-th batch of REGION's replicator, for a while")                   \
    X(REPEAT_BATCHES, "repeat-batches",                                                            \
      "REGION's replicator's batches arrive again up to AMOUNT us later, for a while")             \
    X(CUT_RESET_ONE_WAY, "cut-reset-one-way",                                                      \
      "what REGION sends to OTHER fails at once, for a while")                                     \
    X(REQUESTS_LOST, "requests-lost",                                                              \
      "what clients at REGION's place ask OTHER is cut off, for a while")                          \
    X(ANSWERS_LOST, "answers-lost",                                                                \
      "what OTHER answers to clients at REGION's place is cut off, for a while")                   \
    X(SERVICE_DOWN, "service-down", "SERVICE of REGION is down, for a while")                      \
    X(SERVICE_ERRORS, "service-errors",                                                            \
      "AMOUNT ppm of the calls of SERVICE in REGION fail, for a while")                            \
    X(SERVICE_LATENCY, "service-latency",                                                          \
      "calls of SERVICE in REGION wait AMOUNT us, for a while")                                    \
    X(CACHE_DISABLE, "cache-disable", "CACHE of REGION is disabled, for a while")                  \
    X(CACHE_FREEZE, "cache-freeze", "CACHE of REGION is frozen, for a while")                      \
    X(CACHE_FLUSH, "cache-flush", "CACHE of REGION is flushed")                                    \
    X(ROTATE_KEYS, "rotate-keys",                                                                  \
      "REGION changes its signing key; with an AMOUNT of 1 because the old one has leaked")

enum plan_fault_kind {
#define X(kind, name, what) PLAN_FAULT_##kind,
    PLAN_FAULTS(X)
#undef X
        PLAN_FAULT_COUNT
};

struct plan_fault {
    uint64_t at_us;
    uint64_t duration_us; /* 0: not healed before the end */
    enum plan_fault_kind kind;
    uint32_t region,
        other;       /* PLAN_NONE where the kind has none; other may be a number of parts.h */
    uint64_t amount; /* signed for clocks: two's complement */
};

/* kind, name, what the client does */
#define PLAN_OPERATIONS(X)                                                                         \
    X(SIGN_UP, "sign-up", "creates its user")                                                      \
    X(LOG_IN, "log-in", "asks for a token")                                                        \
    X(READ, "read", "reads KEY")                                                                   \
    X(READ_STRONG, "read-strong", "reads KEY at its home")                                         \
    X(READ_STALE, "read-stale", "reads KEY, however old")                                          \
    X(READ_FORCED, "read-forced", "reads KEY in REGION and nowhere else")                          \
    X(WRITE, "write", "writes KEY")                                                                \
    X(WRITE_IF_SAME, "write-if-same", "writes KEY if it still is as it was read last")             \
    X(WRITE_IF_ABSENT, "write-if-absent", "writes KEY if there is none")                           \
    X(DELETE, "delete", "deletes KEY")                                                             \
    X(RETRY, "retry", "sends its last write again, under the same idempotency key")                \
    X(REUSE, "reuse", "writes something else under its last idempotency key")                      \
    X(LIST, "list", "lists its keys")                                                              \
    X(RECEIPT, "receipt", "asks what became of its oldest open receipt")                           \
    X(WHOAMI, "whoami", "asks who it is")                                                          \
    X(KEYS, "keys", "asks for the public keys")                                                    \
    X(TRAVEL, "travel", "is at REGION's place from now on")                                        \
    X(STRANGER, "stranger", "comes with a token that is none")                                     \
    X(RIVAL, "rival", "signs up under its user's name as somebody else")                           \
    X(EXPLAIN_READ, "explain-read", "asks where a read of KEY would go, and reads")                \
    X(EXPLAIN_WRITE, "explain-write", "asks where a write of KEY would go, and writes")            \
    X(ODD, "odd", "asks for something unusual, or in a way that is wrong")                         \
    X(VAULT_PUT, "vault-put", "puts KEY into the vault")                                           \
    X(VAULT_GET, "vault-get", "opens KEY")                                                         \
    X(VAULT_DELETE, "vault-delete", "takes KEY out of the vault")                                  \
    X(VAULT_GET_SHARED, "vault-get-shared", "asks for another user's KEY in the vault")            \
    X(GRANT, "grant", "lets another user read KEY in the vault")                                   \
    X(WITHDRAW, "withdraw", "lets them no longer")                                                 \
    /* sessions */                                                                                 \
    X(REFRESH, "refresh", "has its token renewed")                                                 \
    X(LOG_OUT, "log-out", "logs out")                                                              \
    X(REVOKE_ALL, "revoke-all", "voids all tokens of its user")                                    \
    X(DELETE_ACCOUNT, "delete-account", "deletes its user's account")                              \
    X(OLD_TOKEN, "old-token",                                                                      \
      "comes with a token that it knows to be void, at REGION's place, for KEY or a new token")    \
    X(END_AGAIN, "end-again", "ends what it has ended before, with the same token")                \
    X(NARROW, "narrow", "logs in for its records alone, or tries what such a token is not for")    \
    X(SIGN_UP_AGAIN, "sign-up-again", "sends the sign-up of an account again that was deleted")

enum plan_operation_kind {
#define X(kind, name, what) PLAN_OPERATION_##kind,
    PLAN_OPERATIONS(X)
#undef X
        PLAN_OPERATION_COUNT
};

/* A client does one thing at a time: what comes before the answer to the one before waits. */
struct plan_operation {
    uint64_t at_us;
    uint32_t
        number; /* unique in the plan and kept when others are cut out: values are made of it */
    uint32_t client;
    enum plan_operation_kind kind;
    uint32_t key;
    uint32_t region;      /* TRAVEL, READ_FORCED, OLD_TOKEN; else PLAN_NONE */
    uint64_t patience_us; /* the client gives up after that long; 0: waits */
};

/* One session. Those with the same user share their records and their account; the first of them
 * signs up. */
struct plan_client {
    uint32_t user;
    uint32_t place;  /* region whose place it is at, at first */
    uint32_t router; /* that it is connected to */
};

struct plan {
    uint64_t seed;                           /* of all luck while the plan runs */
    uint64_t duration_us;                    /* then everything in the core is healed */
    char region_names[PLAN_REGIONS_MAX][40]; /* built-in regions of common/geo_data */
    size_t region_count;
    size_t router_count;
    size_t user_count;
    size_t key_count; /* of each user */
    struct plan_client clients[PLAN_CLIENTS_MAX];
    size_t client_count;
    Mec__Settings settings;
    uint64_t tidy_pages;     /* WAL pages from which a region moves them when idle; 0: as always */
    uint64_t memory_changes; /* of each log that replicators keep in memory; 0: as always */
    uint64_t sync_us;        /* of an fsync */
    uint64_t look_every_us;  /* an operator looks at every process that often; 0: never */
    uint32_t core; /* bit set of regions that must be well in the end; the others stay broken */
    struct plan_fault *faults;
    size_t fault_count;
    struct plan_operation *operations;
    size_t operation_count;
};

struct plan_wishes {
    uint64_t seed;
    uint64_t duration_us;  /* 0: 60 s */
    uint32_t region_count; /* 0: any */
    uint64_t faults;       /* bit set of kinds that may happen; 0: none; PLAN_FAULTS_ALL */
};

#define PLAN_FAULTS_ALL ((UINT64_C(1) << PLAN_FAULT_COUNT) - 1)
_Static_assert(PLAN_FAULT_COUNT < 64, "kinds are a bit set");

/* A plan out of a seed alone; swarm testing (Groce et al., ISSTA 2012): each seed leaves most kinds
 * out and draws widely differing rates for the others. The caller releases *@ret_plan's content. */
void plan_make(const struct plan_wishes *wishes, struct plan *ret_plan);
void plan_free(struct plan *plan); /* its content */
void plan_copy(const struct plan *plan, struct plan *ret_copy);

const char *plan_fault_name(enum plan_fault_kind kind);
const char *plan_fault_what(enum plan_fault_kind kind);
const char *plan_operation_name(enum plan_operation_kind kind);

/* "cut,latency" or "all" or "none" or "all,-flip-bits". Errors: -EINVAL; *@ret_unknown is the word
 * that names none, in @text. */
int plan_faults_parse(const char *text, uint64_t *ret_faults, const char **ret_unknown);

/* One line for people: "cut us-east eu-west for 3.2s", "client 3 (u1 at eu-west) writes k2". A new
 * string. */
char *plan_fault_describe(const struct plan *plan, const struct plan_fault *fault);
char *plan_operation_describe(const struct plan *plan, const struct plan_operation *operation);

/* For regression files; one item a line when dumped by plan_print(). Reading checks everything and
 * says what is wrong in a new *@ret_error. Errors: -EBADMSG. */
json_t *plan_to_json(const struct plan *plan);
int plan_from_json(const json_t *json, struct plan *ret_plan, char **ret_error);
char *plan_print(const struct plan *plan); /* a new string: JSON, an item a line */

#endif
