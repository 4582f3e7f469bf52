/* traffic: what becomes of a request in a world of which parts have failed: who serves it, over how
 * long a way, and how much worse that is than when all is well.
 *
 * The router's own policy decides, by what a router has found out once a failure has been noticed;
 * then the region that is asked does what regiond does there: refuses vault reads when it has heard
 * for too long of no revocations, passes log-ins on to the home, has names handed out by their
 * directory; and what it declines is tried elsewhere, as the router does. So a model says what a
 * running world would do. Not modelled: what is under way while a failure goes unnoticed, requests
 * that fail by chance, full queues, and limits by user.
 *
 * A decision is pure and cheap, and depends on nothing but its arguments. Whoever simulates many
 * requests decides once for each (operation, place, home, other) and state, and multiplies. */

#ifndef MEC_TRAFFIC_H
#define MEC_TRAFFIC_H

#include "common/parts.h"
#include "common/routes.h"
#include "sim/model/deployment.h"

/* The operations of the request mix. What is read after a write is read by a session that has
 * written since something broke, and whose bookmark says so. "Other" is a second region that takes
 * part: the home of the owner of what is shared, or of the directory that hands out a new name.
 *
 * identifier, key, operation of the routes, has it an other, parts of the mix, what it is */
#define TRAFFIC_OPERATIONS(X)                                                                      \
    X(METADATA_READ, metadata_read, METADATA_GET, false, "58", "metadata reads")                   \
    X(METADATA_REREAD, metadata_reread, METADATA_GET, false, "6", "metadata reads after a write")  \
    X(METADATA_WRITE, metadata_write, METADATA_PUT, false, "12", "metadata writes")                \
    X(VAULT_READ, vault_read, VAULT_GET, false, "12", "reads of one's own vault")                  \
    X(SHARED_READ, shared_read, VAULT_GET, true, "3", "reads of what others share")                \
    X(VAULT_WRITE, vault_write, VAULT_PUT, false, "3", "vault writes")                             \
    X(TOKEN_REFRESH, token_refresh, TOKEN_REFRESH, false, "4", "renewals of tokens")               \
    X(LOG_IN, log_in, TOKEN_CREATE, false, "1.5", "log-ins")                                       \
    X(SIGN_UP, sign_up, USER_CREATE, true, "0.5", "sign-ups")

enum traffic_operation {
#define X(identifier, key, operation, other, parts, what) TRAFFIC_##identifier,
    TRAFFIC_OPERATIONS(X)
#undef X
        TRAFFIC_OPERATION_COUNT
};

/* A parameter for each operation, in their order: `mix_metadata_read` .. */
#define TRAFFIC_MIX_PARAM(identifier, key, operation, other, parts, what)                          \
    {"mix_" #key, PARAMS_NUMBER, parts, 0, 1e12, NULL, "parts of the request mix that are " what,  \
     NULL},
#define TRAFFIC_MIX_PARAMS TRAFFIC_OPERATIONS(TRAFFIC_MIX_PARAM)

/* How an operation ends, from good to bad; shares of requests by kind add up to 1. */
enum traffic_kind {
    TRAFFIC_FINE,      /* as ever */
    TRAFFIC_SLOWER,    /* answered in full, by a longer way than when all is well */
    TRAFFIC_STALE,     /* answered by a copy that hears nothing from its home any more */
    TRAFFIC_QUEUED,    /* a write that waits for its home: 202 */
    TRAFFIC_READ_ONLY, /* a write that is refused, for the world does not queue */
    TRAFFIC_FAILS,
    TRAFFIC_KIND_COUNT
};

struct traffic_operation_row {
    const char *key;  /* "metadata_read" */
    const char *what; /* for people */
    Mec__Operation operation;
    bool has_other;
};

const struct traffic_operation_row *traffic_operation(enum traffic_operation operation);
/* Of its route: what is a read, a write, or sensitive. */
enum route_class traffic_class(enum traffic_operation operation);
const char *traffic_kind_name(enum traffic_kind kind); /* "read-only" */

/* What is broken, and for how long. All zero: nothing. Bit sets of regions, by their index. */
struct traffic_state {
    uint32_t down;             /* killed: regiond and replicator */
    uint32_t isolated;         /* all links cut: to clients and to other regions */
    uint32_t replicators_down; /* their changes and revocations reach nobody */
    uint32_t full;             /* no room on the disk */
    uint32_t overloaded;       /* decline all that they are asked: too much is waiting there */
    uint32_t services_down[TOPOLOGY_REGIONS_MAX]; /* [region], bit set of enum parts_service */
    uint32_t cut[TOPOLOGY_REGIONS_MAX];           /* [from], bit set of the regions to which */
    uint32_t client_cut[DEPLOYMENT_GEOS_MAX];     /* [geo], bit set of the regions; both ways */
    bool control_down;                            /* nobody who serves needs it */
    uint64_t since_us; /* how long ago it broke; 0: it has just been noticed */
};

struct traffic_question {
    enum traffic_operation operation;
    uint32_t geo;
    uint32_t home;  /* region; a sign-up has none yet */
    uint32_t other; /* region; 0 where the operation has no other */
};

struct traffic_outcome {
    enum traffic_kind kind;
    uint32_t region;        /* that has answered; POLICY_NONE: none, the router has refused */
    uint32_t tries;         /* regions that the router has asked */
    uint32_t asked;         /* bit set of the regions that have had work with it */
    uint64_t round_trip_us; /* of all links that it waits for, one after the other, and of the wait
                               for a bookmark */
    uint64_t usual_us;      /* the same when all is well; UINT64_MAX: it fails then, too */
    int problem;            /* enum problem_id; PROBLEM_NONE when it does not fail */
    const char *why;        /* static, one line */
};

/* What is worked out once for a deployment. */
struct traffic;

/* @deployment is borrowed. */
struct traffic *traffic_create(const struct deployment *deployment);
void traffic_free(struct traffic *traffic);

const struct deployment *traffic_deployment(const struct traffic *traffic);

/* The rules that decide; from the deployment's settings, and a model may change them. */
struct traffic_rules {
    bool queue_writes;
    uint64_t revocation_bound_us;
    uint64_t bookmark_wait_us;
    uint64_t token_left_us; /* what a token is still good for when its home goes away: on average
                               half of its lifetime */
};

struct traffic_rules *traffic_rules(struct traffic *traffic);
const struct traffic_rules *traffic_rules_of(const struct traffic *traffic);

/* The assumptions that all of this rests on, for a result. */
void traffic_tell(const struct traffic *traffic, struct result *result);

void traffic_decide(const struct traffic *traffic, const struct traffic_state *state,
                    const struct traffic_question *question, struct traffic_outcome *ret_outcome);

/* The regions, as a bit set, that the router would think of for it: reachable from @geo, and with
 * the services that it needs. */
uint32_t traffic_usable(const struct traffic *traffic, const struct traffic_state *state,
                        enum traffic_operation operation, uint32_t geo);

/* Every (operation, geo, home, other) that has any weight, in this order. @weight is the share of
 * all requests and @users that of all users; the users of an operation add up to 1. Parts of @mix
 * add up to 1. */
typedef void traffic_visit(void *context, const struct traffic_question *question, double weight,
                           double users, const struct traffic_outcome *outcome);
void traffic_walk(const struct traffic *traffic, const struct traffic_state *state,
                  const double mix[TRAFFIC_OPERATION_COUNT], traffic_visit *visit, void *context);

/* Read the mix; @first is the number of the first of TRAFFIC_MIX_PARAMS.
 * Errors: -EINVAL, with a new *@ret_error: there is nothing in it. */
int traffic_mix(const struct params *params, size_t first, double ret_mix[TRAFFIC_OPERATION_COUNT],
                char **ret_error);

#endif
