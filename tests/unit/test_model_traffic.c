/* What becomes of a request in a world of which parts have failed, cell by cell. Three regions: A
 * and B are 80 ms apart, C is 160 ms from A and 230 ms from B; clients stand beside their region,
 * 1 ms away. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/problem.h"
#include "routerd/policy.h"
#include "sim/model/traffic.h"
#include "tests/unit/model_fixture.h"
#include "tests/unit/suite.h"

enum { A, B, C, NONE = -1 };

#define BIT(region) (1u << (region))
#define AUTH        (1u << PARTS_AUTH)
#define VAULT       (1u << PARTS_VAULT)
#define METADATA    (1u << PARTS_METADATA)
#define LONG        (UINT64_C(3600) * 1000000) /* tokens and trust have run out */
#define MINUTE      (UINT64_C(60) * 1000000)   /* trust has; tokens have not */

static const char world[] = "regions:\n"
                            "  - {name: a, place: us-east}\n"
                            "  - {name: b, place: eu-west}\n"
                            "  - {name: c, place: ap-northeast}\n"
                            "links:\n"
                            "  - {between: [a, b], rtt: 80ms}\n"
                            "  - {between: [a, c], rtt: 160ms}\n"
                            "  - {between: [b, c], rtt: 230ms}\n"
                            "  - {between: ['client:a', b], rtt: 81ms}\n"
                            "  - {between: ['client:a', c], rtt: 161ms}\n"
                            "  - {between: ['client:b', a], rtt: 81ms}\n"
                            "  - {between: ['client:b', c], rtt: 231ms}\n"
                            "  - {between: ['client:c', a], rtt: 161ms}\n"
                            "  - {between: ['client:c', b], rtt: 231ms}\n";

static struct deployment *deployment;
static struct traffic *traffic;

static void set_up(void)
{
    const char *const settings[] = {"users_total=300", "roaming=0%", NULL};

    deployment = model_fixture_deployment(world, settings);
    traffic = traffic_create(deployment);
}

static void tear_down(void)
{
    traffic_free(traffic);
    deployment_free(deployment);
}

/* What is broken. */
struct broken {
    uint32_t down, isolated, replicators_down, full, overloaded;
    uint32_t services[3]; /* down at A, B, C */
    uint32_t cut[3];      /* from A, B, C */
    uint32_t client_cut[3];
    uint64_t since_us;
};

static struct traffic_state state_of(const struct broken *broken)
{
    struct traffic_state state = {.down = broken->down,
                                  .isolated = broken->isolated,
                                  .replicators_down = broken->replicators_down,
                                  .full = broken->full,
                                  .overloaded = broken->overloaded,
                                  .since_us = broken->since_us};

    for (size_t i = 0; i < 3; i++) {
        state.services_down[i] = broken->services[i];
        state.cut[i] = broken->cut[i];
        state.client_cut[i] = broken->client_cut[i];
    }
    return state;
}

struct cell {
    const char *name;
    struct broken broken;
    enum traffic_operation operation;
    uint32_t geo, home, other;
    /* expected */
    enum traffic_kind kind;
    int region; /* or NONE */
    unsigned way_ms;
    unsigned tries;
    int problem;
};

#define NOTHING                                                                                    \
    {                                                                                              \
        .since_us = LONG                                                                           \
    }
#define A_DOWN                                                                                     \
    {                                                                                              \
        .down = BIT(A)                                                                             \
    }
#define A_DOWN_SINCE(us)                                                                           \
    {                                                                                              \
        .down = BIT(A), .since_us = (us)                                                           \
    }
#define A_WITHOUT(set)                                                                             \
    {                                                                                              \
        .services = {set}, .since_us = MINUTE                                                      \
    }
#define CUT_AB(us)                                                                                 \
    {                                                                                              \
        .cut = {BIT(B), BIT(A)}, .since_us = (us)                                                  \
    }
#define CUT_CLIENT(us)                                                                             \
    {                                                                                              \
        .client_cut = {0, BIT(A)}, .since_us = (us)                                                \
    }
#define REPLICATOR                                                                                 \
    {                                                                                              \
        .replicators_down = BIT(A), .since_us = MINUTE                                             \
    }
#define FULL                                                                                       \
    {                                                                                              \
        .full = BIT(A)                                                                             \
    }
#define OVERLOADED(set)                                                                            \
    {                                                                                              \
        .overloaded = (set), .since_us = LONG                                                      \
    }
#define OVERLOADED_ALONE                                                                           \
    {                                                                                              \
        .overloaded = BIT(A), .services = {0, AUTH, AUTH}, .since_us = LONG                        \
    }
#define ALL_DOWN                                                                                   \
    {                                                                                              \
        .down = BIT(A) | BIT(B) | BIT(C)                                                           \
    }

/* name, broken, operation, geo, home, other -> kind, region, ms, tries, problem */
static const struct cell cells[] = {
    {"well: read at home", NOTHING, TRAFFIC_METADATA_READ, A, A, 0, TRAFFIC_FINE, A, 1, 1, 0},
    {"well: read away from home", NOTHING, TRAFFIC_METADATA_READ, A, B, 0, TRAFFIC_FINE, A, 1, 1,
     0},
    {"well: write", NOTHING, TRAFFIC_METADATA_WRITE, A, B, 0, TRAFFIC_FINE, B, 81, 1, 0},
    {"well: vault read", NOTHING, TRAFFIC_VAULT_READ, A, B, 0, TRAFFIC_FINE, A, 1, 1, 0},
    {"well: vault write", NOTHING, TRAFFIC_VAULT_WRITE, A, B, 0, TRAFFIC_FINE, B, 81, 1, 0},
    {"well: log-in is passed on", NOTHING, TRAFFIC_LOG_IN, A, B, 0, TRAFFIC_FINE, A, 81, 1, 0},
    {"well: log-in at home", NOTHING, TRAFFIC_LOG_IN, A, A, 0, TRAFFIC_FINE, A, 1, 1, 0},
    {"well: sign-up asks twice", NOTHING, TRAFFIC_SIGN_UP, A, 0, B, TRAFFIC_FINE, A, 161, 1, 0},
    {"well: sign-up, own directory", NOTHING, TRAFFIC_SIGN_UP, A, 0, A, TRAFFIC_FINE, A, 1, 1, 0},

    {"overload: a read goes on", OVERLOADED(BIT(A)), TRAFFIC_METADATA_READ, A, A, 0, TRAFFIC_SLOWER,
     B, 82, 2, 0},
    {"overload: and on", OVERLOADED(BIT(A) | BIT(B)), TRAFFIC_METADATA_READ, A, A, 0,
     TRAFFIC_SLOWER, C, 243, 3, 0},
    {"overload: and no further", OVERLOADED(BIT(A) | BIT(B) | BIT(C)), TRAFFIC_METADATA_READ, A, A,
     0, TRAFFIC_FAILS, NONE, 243, 3, PROBLEM_NO_REGION},
    {"overload: write", OVERLOADED(BIT(A)), TRAFFIC_METADATA_WRITE, A, A, 0, TRAFFIC_QUEUED, B, 82,
     2, 0},
    {"overload: no queue there", OVERLOADED(BIT(A) | BIT(B)), TRAFFIC_METADATA_WRITE, A, A, 0,
     TRAFFIC_QUEUED, C, 243, 3, 0},
    {"overload: vault write", OVERLOADED(BIT(A)), TRAFFIC_VAULT_WRITE, A, A, 0, TRAFFIC_FAILS, NONE,
     1, 1, PROBLEM_HOME_UNAVAILABLE},
    {"overload: log-in by another", OVERLOADED(BIT(A)), TRAFFIC_LOG_IN, A, A, 0, TRAFFIC_SLOWER, B,
     162, 2, 0},
    /* Only A could renew a token, and will when it has time. */
    {"overload: tokens are renewed", OVERLOADED_ALONE, TRAFFIC_METADATA_READ, A, A, 0,
     TRAFFIC_SLOWER, B, 82, 2, 0},
    {"overload: others do not care", OVERLOADED(BIT(A)), TRAFFIC_VAULT_READ, B, A, 0, TRAFFIC_FINE,
     B, 1, 1, 0},

    {"down: read of its users", A_DOWN, TRAFFIC_METADATA_READ, A, A, 0, TRAFFIC_STALE, B, 81, 1, 0},
    {"down: read beside it", A_DOWN, TRAFFIC_METADATA_READ, A, B, 0, TRAFFIC_SLOWER, B, 81, 1, 0},
    {"down: read elsewhere", A_DOWN, TRAFFIC_METADATA_READ, B, A, 0, TRAFFIC_STALE, B, 1, 1, 0},
    {"down: others' read", A_DOWN, TRAFFIC_METADATA_READ, B, C, 0, TRAFFIC_FINE, B, 1, 1, 0},
    {"down: write", A_DOWN, TRAFFIC_METADATA_WRITE, A, A, 0, TRAFFIC_QUEUED, B, 81, 1, 0},
    {"down: write elsewhere", A_DOWN, TRAFFIC_METADATA_WRITE, C, A, 0, TRAFFIC_QUEUED, C, 1, 1, 0},
    {"down: others' write", A_DOWN, TRAFFIC_METADATA_WRITE, A, B, 0, TRAFFIC_FINE, B, 81, 1, 0},
    {"down: queued, so no bookmark", A_DOWN, TRAFFIC_METADATA_REREAD, B, A, 0, TRAFFIC_STALE, B, 1,
     1, 0},
    {"down: vault read at once", A_DOWN, TRAFFIC_VAULT_READ, B, A, 0, TRAFFIC_STALE, B, 1, 1, 0},
    {"down: vault read later", A_DOWN_SINCE(MINUTE), TRAFFIC_VAULT_READ, A, A, 0, TRAFFIC_FAILS,
     NONE, 242, 2, PROBLEM_NO_REGION},
    {"down: shared at once", A_DOWN, TRAFFIC_SHARED_READ, B, B, A, TRAFFIC_STALE, B, 1, 1, 0},
    {"down: shared at once by others, reader's home away", A_DOWN, TRAFFIC_SHARED_READ, B, A, B,
     TRAFFIC_FINE, B, 1, 1, 0},
    {"down: shared later", A_DOWN_SINCE(MINUTE), TRAFFIC_SHARED_READ, B, B, A, TRAFFIC_FAILS, NONE,
     232, 2, PROBLEM_NO_REGION},
    {"down: shared by others, reader's home away", A_DOWN_SINCE(MINUTE), TRAFFIC_SHARED_READ, B, A,
     C, TRAFFIC_FAILS, NONE, 232, 2, PROBLEM_NO_REGION},
    {"down: shared among others", A_DOWN_SINCE(MINUTE), TRAFFIC_SHARED_READ, B, B, C, TRAFFIC_FINE,
     B, 1, 1, 0},
    {"down: vault write", A_DOWN, TRAFFIC_VAULT_WRITE, B, A, 0, TRAFFIC_FAILS, NONE, 0, 0,
     PROBLEM_HOME_UNAVAILABLE},
    {"down: token", A_DOWN, TRAFFIC_TOKEN_REFRESH, B, A, 0, TRAFFIC_FAILS, NONE, 0, 0,
     PROBLEM_HOME_UNAVAILABLE},
    {"down: log-in", A_DOWN, TRAFFIC_LOG_IN, B, A, 0, TRAFFIC_FAILS, B, 1, 1,
     PROBLEM_HOME_UNAVAILABLE},
    {"down: log-in beside it, as far", A_DOWN, TRAFFIC_LOG_IN, A, B, 0, TRAFFIC_FINE, B, 81, 1, 0},
    {"down: log-in beside it, a detour", A_DOWN, TRAFFIC_LOG_IN, A, C, 0, TRAFFIC_SLOWER, B, 311, 1,
     0},
    {"down: sign-up beside it", A_DOWN, TRAFFIC_SIGN_UP, A, 0, C, TRAFFIC_SLOWER, B, 541, 1, 0},
    {"down: sign-up, its directory", A_DOWN, TRAFFIC_SIGN_UP, B, 0, A, TRAFFIC_FAILS, B, 1, 1,
     PROBLEM_HOME_UNAVAILABLE},
    {"down: tokens run out", A_DOWN_SINCE(LONG), TRAFFIC_METADATA_READ, B, A, 0, TRAFFIC_FAILS, B,
     1, 1, PROBLEM_UNAUTHENTICATED},
    {"down: nor is a write queued then", A_DOWN_SINCE(LONG), TRAFFIC_METADATA_WRITE, B, A, 0,
     TRAFFIC_FAILS, B, 1, 1, PROBLEM_UNAUTHENTICATED},
    {"down: others renew theirs", A_DOWN_SINCE(LONG), TRAFFIC_METADATA_READ, A, B, 0,
     TRAFFIC_SLOWER, B, 81, 1, 0},

    {"vault: read", A_WITHOUT(VAULT), TRAFFIC_VAULT_READ, A, A, 0, TRAFFIC_SLOWER, B, 81, 1, 0},
    {"vault: read elsewhere", A_WITHOUT(VAULT), TRAFFIC_VAULT_READ, B, A, 0, TRAFFIC_FINE, B, 1, 1,
     0},
    {"vault: write", A_WITHOUT(VAULT), TRAFFIC_VAULT_WRITE, A, A, 0, TRAFFIC_FAILS, NONE, 0, 0,
     PROBLEM_SERVICE_UNAVAILABLE},
    {"vault: metadata", A_WITHOUT(VAULT), TRAFFIC_METADATA_READ, A, A, 0, TRAFFIC_FINE, A, 1, 1, 0},
    {"metadata: read", A_WITHOUT(METADATA), TRAFFIC_METADATA_READ, A, A, 0, TRAFFIC_SLOWER, B, 81,
     1, 0},
    {"metadata: write", A_WITHOUT(METADATA), TRAFFIC_METADATA_WRITE, A, A, 0, TRAFFIC_QUEUED, B, 81,
     1, 0},
    {"metadata: vault", A_WITHOUT(METADATA), TRAFFIC_VAULT_WRITE, A, A, 0, TRAFFIC_FINE, A, 1, 1,
     0},
    {"auth: metadata", A_WITHOUT(AUTH), TRAFFIC_METADATA_WRITE, A, A, 0, TRAFFIC_FINE, A, 1, 1, 0},
    {"auth: vault read", A_WITHOUT(AUTH), TRAFFIC_VAULT_READ, A, A, 0, TRAFFIC_SLOWER, B, 81, 1, 0},
    {"auth: vault write", A_WITHOUT(AUTH), TRAFFIC_VAULT_WRITE, A, A, 0, TRAFFIC_FAILS, NONE, 0, 0,
     PROBLEM_SERVICE_UNAVAILABLE},
    {"auth: log-in of others", A_WITHOUT(AUTH), TRAFFIC_LOG_IN, A, B, 0, TRAFFIC_FINE, B, 81, 1, 0},
    {"auth: log-in", A_WITHOUT(AUTH), TRAFFIC_LOG_IN, B, A, 0, TRAFFIC_FAILS, B, 81, 1,
     PROBLEM_SERVICE_UNAVAILABLE},
    {"auth: sign-up goes to the next", A_WITHOUT(AUTH), TRAFFIC_SIGN_UP, A, 0, C, TRAFFIC_SLOWER, B,
     541, 1, 0},
    {"auth: sign-up, its directory", A_WITHOUT(AUTH), TRAFFIC_SIGN_UP, B, 0, A, TRAFFIC_FAILS, B,
     161, 1, PROBLEM_SERVICE_UNAVAILABLE},
    {"auth: tokens run out",
     {.services = {AUTH}, .since_us = LONG},
     TRAFFIC_METADATA_READ,
     A,
     A,
     0,
     TRAFFIC_FAILS,
     A,
     1,
     1,
     PROBLEM_UNAUTHENTICATED},

    {"cut: read", CUT_AB(MINUTE), TRAFFIC_METADATA_READ, B, A, 0, TRAFFIC_STALE, B, 1, 1, 0},
    {"cut one way: read",
     {.cut = {BIT(B)}},
     TRAFFIC_METADATA_READ,
     B,
     A,
     0,
     TRAFFIC_STALE,
     B,
     1,
     1,
     0},
    {"cut: a third", CUT_AB(MINUTE), TRAFFIC_METADATA_READ, C, A, 0, TRAFFIC_FINE, C, 1, 1, 0},
    {"cut: behind, so home", CUT_AB(MINUTE), TRAFFIC_METADATA_REREAD, B, A, 0, TRAFFIC_SLOWER, A,
     232, 2, 0},
    {"cut: at home", CUT_AB(MINUTE), TRAFFIC_METADATA_REREAD, B, B, 0, TRAFFIC_FINE, B, 1, 1, 0},
    {"cut: vault read goes home", CUT_AB(MINUTE), TRAFFIC_VAULT_READ, B, A, 0, TRAFFIC_SLOWER, A,
     82, 2, 0},
    {"cut: write", CUT_AB(MINUTE), TRAFFIC_METADATA_WRITE, B, A, 0, TRAFFIC_FINE, A, 81, 1, 0},
    {"cut: log-in", CUT_AB(MINUTE), TRAFFIC_LOG_IN, B, A, 0, TRAFFIC_FAILS, B, 1, 1,
     PROBLEM_HOME_UNAVAILABLE},
    {"cut: tokens are renewed at home", CUT_AB(LONG), TRAFFIC_METADATA_READ, B, A, 0, TRAFFIC_STALE,
     B, 1, 1, 0},

    {"client cut: write", CUT_CLIENT(MINUTE), TRAFFIC_METADATA_WRITE, B, A, 0, TRAFFIC_QUEUED, B, 1,
     1, 0},
    {"client cut: elsewhere", CUT_CLIENT(MINUTE), TRAFFIC_METADATA_WRITE, C, A, 0, TRAFFIC_FINE, A,
     161, 1, 0},
    {"client cut: sensitive", CUT_CLIENT(MINUTE), TRAFFIC_VAULT_WRITE, B, A, 0, TRAFFIC_FAILS, NONE,
     0, 0, PROBLEM_HOME_UNAVAILABLE},
    {"client cut: log-in is passed on", CUT_CLIENT(MINUTE), TRAFFIC_LOG_IN, B, A, 0, TRAFFIC_FINE,
     B, 81, 1, 0},
    {"client cut: so tokens are renewed", CUT_CLIENT(LONG), TRAFFIC_METADATA_READ, B, A, 0,
     TRAFFIC_FINE, B, 1, 1, 0},

    {"isolated: read",
     {.isolated = BIT(A)},
     TRAFFIC_METADATA_READ,
     B,
     A,
     0,
     TRAFFIC_STALE,
     B,
     1,
     1,
     0},
    {"isolated: write",
     {.isolated = BIT(A)},
     TRAFFIC_METADATA_WRITE,
     A,
     A,
     0,
     TRAFFIC_QUEUED,
     B,
     81,
     1,
     0},
    {"replicator: read", REPLICATOR, TRAFFIC_METADATA_READ, B, A, 0, TRAFFIC_STALE, B, 1, 1, 0},
    {"replicator: read at home", REPLICATOR, TRAFFIC_METADATA_READ, A, A, 0, TRAFFIC_FINE, A, 1, 1,
     0},
    {"replicator: behind", REPLICATOR, TRAFFIC_METADATA_REREAD, B, A, 0, TRAFFIC_SLOWER, A, 232, 2,
     0},
    {"replicator: log-in", REPLICATOR, TRAFFIC_LOG_IN, B, A, 0, TRAFFIC_FINE, B, 81, 1, 0},

    {"full: write", FULL, TRAFFIC_METADATA_WRITE, A, A, 0, TRAFFIC_QUEUED, B, 81, 1, 0},
    {"full: read", FULL, TRAFFIC_VAULT_READ, A, A, 0, TRAFFIC_FINE, A, 1, 1, 0},
    {"full: vault write", FULL, TRAFFIC_VAULT_WRITE, B, A, 0, TRAFFIC_FAILS, A, 81, 1,
     PROBLEM_DISK_FULL},
    {"full: log-in", FULL, TRAFFIC_LOG_IN, B, A, 0, TRAFFIC_FAILS, B, 81, 1, PROBLEM_DISK_FULL},
    {"full: sign-up", FULL, TRAFFIC_SIGN_UP, A, 0, B, TRAFFIC_FAILS, A, 161, 1, PROBLEM_DISK_FULL},

    {"all down: read", ALL_DOWN, TRAFFIC_METADATA_READ, A, A, 0, TRAFFIC_FAILS, NONE, 0, 0,
     PROBLEM_NO_REGION},
    {"all down: write", ALL_DOWN, TRAFFIC_METADATA_WRITE, A, A, 0, TRAFFIC_FAILS, NONE, 0, 0,
     PROBLEM_NO_REGION},
    {"all down: log-in", ALL_DOWN, TRAFFIC_LOG_IN, A, A, 0, TRAFFIC_FAILS, NONE, 0, 0,
     PROBLEM_NO_REGION},
    {"all down: sign-up", ALL_DOWN, TRAFFIC_SIGN_UP, A, 0, A, TRAFFIC_FAILS, NONE, 0, 0,
     PROBLEM_HOME_UNAVAILABLE},
};

#define CELL_COUNT (sizeof(cells) / sizeof(cells[0]))

START_TEST(each_cell_ends_as_the_table_says)
{
    const struct cell *cell = &cells[_i];
    struct traffic_state state = state_of(&cell->broken);
    struct traffic_question question = {cell->operation, cell->geo, cell->home, cell->other};
    struct traffic_outcome outcome;

    traffic_decide(traffic, &state, &question, &outcome);
    ck_assert_msg(outcome.kind == cell->kind, "%s: %s: %s", cell->name,
                  traffic_kind_name(outcome.kind), outcome.why);
    ck_assert_msg(outcome.region == (cell->region == NONE ? POLICY_NONE : (uint32_t)cell->region),
                  "%s: region %u", cell->name, outcome.region);
    ck_assert_msg(outcome.round_trip_us == cell->way_ms * UINT64_C(1000), "%s: %lu us", cell->name,
                  (unsigned long)outcome.round_trip_us);
    ck_assert_msg(outcome.tries == cell->tries, "%s: %u tries", cell->name, outcome.tries);
    ck_assert_msg(outcome.problem == cell->problem, "%s: problem %d", cell->name, outcome.problem);
    ck_assert_ptr_nonnull(outcome.why);
}
END_TEST

static struct traffic_outcome ask(const struct traffic_state *state,
                                  enum traffic_operation operation, uint32_t geo, uint32_t home)
{
    struct traffic_question question = {.operation = operation, .geo = geo, .home = home};
    struct traffic_outcome outcome;

    traffic_decide(traffic, state, &question, &outcome);
    return outcome;
}

START_TEST(a_world_that_does_not_queue_is_read_only)
{
    struct traffic_state state = {.down = BIT(A)};

    traffic_rules(traffic)->queue_writes = false;
    struct traffic_outcome outcome = ask(&state, TRAFFIC_METADATA_WRITE, B, A);
    ck_assert_int_eq(outcome.kind, TRAFFIC_READ_ONLY);
    ck_assert_int_eq(outcome.problem, PROBLEM_READ_ONLY);
    ck_assert_int_eq(ask(&state, TRAFFIC_METADATA_READ, B, A).kind, TRAFFIC_STALE);
}
END_TEST

START_TEST(the_rules_come_from_the_settings_and_turn_at_their_bounds)
{
    struct traffic_rules *rules = traffic_rules(traffic);
    struct traffic_state state = {.down = BIT(A)};

    ck_assert(rules->queue_writes);
    ck_assert_uint_eq(rules->revocation_bound_us, 5000000);
    ck_assert_uint_eq(rules->bookmark_wait_us, 150000);
    ck_assert_uint_eq(rules->token_left_us, 300000000);
    state.since_us = 5000000;
    ck_assert_int_eq(ask(&state, TRAFFIC_VAULT_READ, B, A).kind, TRAFFIC_STALE);
    state.since_us++;
    ck_assert_int_eq(ask(&state, TRAFFIC_VAULT_READ, B, A).kind, TRAFFIC_FAILS);
    state.since_us = 300000000;
    ck_assert_int_eq(ask(&state, TRAFFIC_METADATA_READ, B, A).kind, TRAFFIC_STALE);
    state.since_us++;
    ck_assert_int_eq(ask(&state, TRAFFIC_METADATA_READ, B, A).kind, TRAFFIC_FAILS);
}
END_TEST

START_TEST(nobody_who_serves_needs_the_control_plane)
{
    struct traffic_state state = {.control_down = true, .since_us = LONG};

    for (unsigned each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
        ck_assert_int_eq(ask(&state, (enum traffic_operation)each, A, B).kind, TRAFFIC_FINE);
}
END_TEST

/* ---- other worlds ---- */

static void start_over(const char *topology, const char *const *settings)
{
    tear_down();
    deployment = model_fixture_deployment(topology, settings);
    traffic = traffic_create(deployment);
}

START_TEST(what_is_pinned_is_served_inside_and_not_at_all_to_homes_outside)
{
    static const char pinned[] = "regions: [{name: us-east}, {name: eu-west}, {name: us-west}]\n"
                                 "residency: {vault: [us-east, us-west]}\n";
    const char *const settings[] = {NULL};
    struct traffic_state well = {0};
    struct traffic_state down = {.down = BIT(0), .since_us = MINUTE};
    struct traffic_outcome outcome;

    start_over(pinned, settings);
    outcome = ask(&well, TRAFFIC_VAULT_READ, 1, 0);
    ck_assert_int_eq(outcome.kind, TRAFFIC_FINE);
    ck_assert_uint_eq(outcome.region, 0); /* the nearest inside */
    outcome = ask(&well, TRAFFIC_VAULT_READ, 1, 1);
    ck_assert_int_eq(outcome.kind, TRAFFIC_FAILS);
    ck_assert_int_eq(outcome.problem, PROBLEM_RESIDENCY);
    ck_assert_uint_eq(outcome.usual_us, UINT64_MAX);
    ck_assert_int_eq(ask(&well, TRAFFIC_METADATA_READ, 1, 1).kind, TRAFFIC_FINE);
    struct traffic_question shared = {TRAFFIC_SHARED_READ, 0, 0, 1};
    traffic_decide(traffic, &well, &shared, &outcome);
    ck_assert_int_eq(outcome.problem, PROBLEM_NOT_FOUND);
    outcome = ask(&down, TRAFFIC_VAULT_READ, 1, 2);
    ck_assert_int_eq(outcome.kind, TRAFFIC_SLOWER); /* past us-east, to us-west */
    ck_assert_uint_eq(outcome.region, 2);
}
END_TEST

START_TEST(metadata_that_is_pinned_waits_inside_or_not_at_all)
{
    static const char pinned[] = "regions: [{name: us-east}, {name: eu-west}, {name: us-west}]\n"
                                 "residency: {metadata: [us-east, us-west]}\n";
    const char *const settings[] = {NULL};
    struct traffic_state one = {.down = BIT(0)};
    struct traffic_state two = {.down = BIT(0) | BIT(2)};
    struct traffic_outcome outcome;

    start_over(pinned, settings);
    outcome = ask(&one, TRAFFIC_METADATA_WRITE, 1, 0);
    ck_assert_int_eq(outcome.kind, TRAFFIC_QUEUED);
    ck_assert_uint_eq(outcome.region, 2);
    outcome = ask(&two, TRAFFIC_METADATA_WRITE, 1, 0);
    ck_assert_int_eq(outcome.kind, TRAFFIC_FAILS);
    ck_assert_int_eq(outcome.problem, PROBLEM_NO_REGION);
}
END_TEST

START_TEST(a_read_is_tried_in_three_regions)
{
    const char *const settings[] = {"regions=5", NULL};
    struct traffic_state state = {.down = BIT(0), .since_us = MINUTE};
    struct traffic_outcome outcome;

    start_over(NULL, settings);
    outcome = ask(&state, TRAFFIC_VAULT_READ, 1, 0);
    ck_assert_int_eq(outcome.kind, TRAFFIC_FAILS);
    ck_assert_uint_eq(outcome.tries, 3);
    ck_assert_int_eq(outcome.problem, PROBLEM_NO_REGION);
}
END_TEST

START_TEST(one_region_alone_has_nowhere_to_go)
{
    const char *const settings[] = {"regions=us-east", NULL};
    struct traffic_state well = {0};
    struct traffic_state down = {.down = BIT(0)};

    start_over(NULL, settings);
    for (unsigned each = 0; each < TRAFFIC_OPERATION_COUNT; each++) {
        enum traffic_operation operation = (enum traffic_operation)each;
        struct traffic_outcome outcome = ask(&well, operation, 0, 0);

        ck_assert_int_eq(outcome.kind, TRAFFIC_FINE);
        ck_assert_uint_eq(outcome.round_trip_us, 1000);
        ck_assert_int_eq(ask(&down, operation, 0, 0).kind, TRAFFIC_FAILS);
    }
}
END_TEST

START_TEST(without_emulated_delays_the_map_decides)
{
    const char *const settings[] = {NULL};
    struct traffic_state state = {.down = BIT(1)};

    start_over("regions: [{name: ap-northeast}, {name: us-east}, {name: eu-west}]\nwan: false\n",
               settings);
    struct traffic_outcome outcome = ask(&state, TRAFFIC_METADATA_READ, 1, 2);
    ck_assert_uint_eq(outcome.region, 2);
    ck_assert_uint_eq(outcome.round_trip_us, 0);
}
END_TEST

/* ---- all of it ---- */

struct sums {
    double weight;
    double users[TRAFFIC_OPERATION_COUNT];
    double parts[TRAFFIC_OPERATION_COUNT];
    size_t visits;
    double roaming;
};

static void add_up(void *context, const struct traffic_question *question, double weight,
                   double users, const struct traffic_outcome *outcome)
{
    struct sums *sums = context;

    ck_assert_int_eq(outcome->kind, TRAFFIC_FINE);
    sums->visits++;
    sums->weight += weight;
    sums->users[question->operation] += users;
    sums->parts[question->operation] += weight;
    if (question->operation == TRAFFIC_METADATA_READ &&
        question->home != deployment->geos[question->geo].nearest)
        sums->roaming += users;
}

START_TEST(a_walk_meets_every_request_once)
{
    const char *const settings[] = {"regions=3", "roaming=10%",
                                    "users={us-east: 100, eu-west: 200, ap-northeast: 0}", NULL};
    const double mix[TRAFFIC_OPERATION_COUNT] = {
        [TRAFFIC_METADATA_READ] = 0.5, [TRAFFIC_SHARED_READ] = 0.25, [TRAFFIC_SIGN_UP] = 0.25};
    struct traffic_state state = {0};
    struct sums sums = {0};

    start_over(NULL, settings);
    traffic_walk(traffic, &state, mix, add_up, &sums);
    ck_assert_double_eq_tol(sums.weight, 1, 1e-12);
    for (unsigned each = 0; each < TRAFFIC_OPERATION_COUNT; each++) {
        ck_assert_double_eq_tol(sums.users[each], 1, 1e-12);
        ck_assert_double_eq_tol(sums.parts[each], mix[each], 1e-12);
    }
    ck_assert_double_eq_tol(sums.roaming, 0.1, 1e-12);
    /* Two places with users and three homes; three owners' homes; three directories. */
    ck_assert_uint_eq(sums.visits, 7 * 2 * 3 + 2 * 3 * 3 + 2 * 3);
}
END_TEST

START_TEST(the_mix_is_what_its_parts_make_of_the_whole)
{
    static const struct params_spec specs[] = {TRAFFIC_MIX_PARAMS};
    struct params *params = params_create(specs, TRAFFIC_OPERATION_COUNT);
    double mix[TRAFFIC_OPERATION_COUNT];
    char *error = NULL;

    ck_assert_str_eq(specs[TRAFFIC_LOG_IN].key, "mix_log_in");
    ck_assert_int_eq(traffic_mix(params, 0, mix, &error), 0);
    ck_assert_double_eq_tol(mix[TRAFFIC_METADATA_READ], 0.58, 1e-12); /* of 100 parts */
    for (unsigned each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
        ck_assert_int_eq(params_set(params, each, each == TRAFFIC_LOG_IN ? "7" : "0", &error), 0);
    ck_assert_int_eq(traffic_mix(params, 0, mix, &error), 0);
    ck_assert_double_eq(mix[TRAFFIC_LOG_IN], 1);
    ck_assert_double_eq(mix[TRAFFIC_SIGN_UP], 0);
    ck_assert_int_eq(params_set(params, TRAFFIC_LOG_IN, "0", &error), 0);
    ck_assert_int_eq(traffic_mix(params, 0, mix, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "mix-metadata-read"));
    free(error);
    params_free(params);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_world_that_does_not_queue_is_read_only,
        the_rules_come_from_the_settings_and_turn_at_their_bounds,
        nobody_who_serves_needs_the_control_plane,
        what_is_pinned_is_served_inside_and_not_at_all_to_homes_outside,
        metadata_that_is_pinned_waits_inside_or_not_at_all,
        a_read_is_tried_in_three_regions,
        one_region_alone_has_nowhere_to_go,
        without_emulated_delays_the_map_decides,
        a_walk_meets_every_request_once,
        the_mix_is_what_its_parts_make_of_the_whole,
    };
    const struct suite_loop loops[] = {{each_cell_ends_as_the_table_says, (int)CELL_COUNT}};

    return suite_run(&(struct suite){.name = "model_traffic",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
