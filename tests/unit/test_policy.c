/* Where requests go, cell by cell. Three regions: A is nearest, then B, then C; the home is B. */

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/problem.h"
#include "routerd/policy.h"
#include "tests/unit/suite.h"

enum { A, B, C, NONE = -1 };

/* What stands in a cell. */
enum { REFUSED = -2, HOME_UNKNOWN = -3 };

struct cell {
    const char *name;
    enum route_class class;
    Mec__Consistency consistency;
    int home;      /* region, or HOME_UNKNOWN */
    int forced;    /* region, or NONE */
    int queued_at; /* region, or NONE */
    bool queue_writes;
    bool maybe_written;
    unsigned down;       /* bits: not healthy */
    unsigned tried;      /* bits */
    unsigned unwritable; /* bits */
    unsigned no_service; /* bits */
    /* expected */
    int region; /* or REFUSED */
    int mode_or_problem;
};

#define A_BIT 1u
#define B_BIT 2u
#define C_BIT 4u
#define ALL   7u
#define SERVE MEC__CALL_MODE__SERVE
#define QUEUE MEC__CALL_MODE__ENQUEUE

#define SESSION MEC__CONSISTENCY__SESSION
#define STRONG  MEC__CONSISTENCY__STRONG
#define STALE   MEC__CONSISTENCY__STALE_OK

/* name, class, consistency, home, forced, queued_at, queue_writes, maybe_written,
 * down, tried, unwritable, no_service -> region, mode or problem */
static const struct cell cells[] = {
    {"read: nearest", ROUTE_READ, SESSION, B, NONE, NONE, true, false, 0, 0, 0, 0, A, SERVE},
    {"read: nearest is down", ROUTE_READ, SESSION, B, NONE, NONE, true, false, A_BIT, 0, 0, 0, B,
     SERVE},
    {"read: nearest has failed it", ROUTE_READ, SESSION, B, NONE, NONE, true, false, 0, A_BIT, 0, 0,
     B, SERVE},
    {"read: nearest has failed it, home down", ROUTE_READ, SESSION, B, NONE, NONE, true, false,
     B_BIT, A_BIT, 0, 0, C, SERVE},
    {"read: service down at the nearest", ROUTE_READ, SESSION, B, NONE, NONE, true, false, 0, 0, 0,
     A_BIT, B, SERVE},
    {"read: a full disk does not matter", ROUTE_READ, SESSION, B, NONE, NONE, true, false, 0, 0,
     A_BIT, 0, A, SERVE},
    {"read: home unknown", ROUTE_READ, SESSION, HOME_UNKNOWN, NONE, NONE, true, false, 0, 0, 0, 0,
     A, SERVE},
    {"read: waiting writes do not matter", ROUTE_READ, SESSION, B, NONE, C, true, false, 0, 0, 0, 0,
     A, SERVE},
    {"read: stale-ok as session", ROUTE_READ, STALE, B, NONE, NONE, true, false, A_BIT, 0, 0, 0, B,
     SERVE},
    {"read: all down", ROUTE_READ, SESSION, B, NONE, NONE, true, false, ALL, 0, 0, 0, REFUSED,
     PROBLEM_NO_REGION},
    {"read: all tried", ROUTE_READ, SESSION, B, NONE, NONE, true, false, 0, ALL, 0, 0, REFUSED,
     PROBLEM_NO_REGION},
    {"read: in a read-only world", ROUTE_READ, SESSION, B, NONE, NONE, false, false, B_BIT, 0, 0, 0,
     A, SERVE},

    {"strong: home", ROUTE_READ, STRONG, B, NONE, NONE, true, false, 0, 0, 0, 0, B, SERVE},
    {"strong: home down", ROUTE_READ, STRONG, B, NONE, NONE, true, false, B_BIT, 0, 0, 0, REFUSED,
     PROBLEM_HOME_UNAVAILABLE},
    {"strong: home tried", ROUTE_READ, STRONG, B, NONE, NONE, true, false, 0, B_BIT, 0, 0, REFUSED,
     PROBLEM_HOME_UNAVAILABLE},
    {"strong: home unknown", ROUTE_READ, STRONG, HOME_UNKNOWN, NONE, NONE, true, false, 0, 0, 0, 0,
     REFUSED, PROBLEM_HOME_UNAVAILABLE},
    {"strong: service down at home", ROUTE_READ, STRONG, B, NONE, NONE, true, false, 0, 0, 0, B_BIT,
     REFUSED, PROBLEM_SERVICE_UNAVAILABLE},
    {"strong: home down, service too", ROUTE_READ, STRONG, B, NONE, NONE, true, false, B_BIT, 0, 0,
     B_BIT, REFUSED, PROBLEM_HOME_UNAVAILABLE},
    {"read: service down everywhere", ROUTE_READ, SESSION, B, NONE, NONE, true, false, 0, 0, 0, ALL,
     REFUSED, PROBLEM_SERVICE_UNAVAILABLE},
    {"read: service down at one, others away", ROUTE_READ, SESSION, B, NONE, NONE, true, false,
     B_BIT | C_BIT, 0, 0, A_BIT, REFUSED, PROBLEM_SERVICE_UNAVAILABLE},

    {"write: home", ROUTE_WRITE, SESSION, B, NONE, NONE, true, false, 0, 0, 0, 0, B, SERVE},
    {"write: home, in a read-only world", ROUTE_WRITE, SESSION, B, NONE, NONE, false, false, 0, 0,
     0, 0, B, SERVE},
    {"write: home down, queued at the nearest", ROUTE_WRITE, SESSION, B, NONE, NONE, true, false,
     B_BIT, 0, 0, 0, A, QUEUE},
    {"write: home down, nearest's disk full", ROUTE_WRITE, SESSION, B, NONE, NONE, true, false,
     B_BIT, 0, A_BIT, 0, C, QUEUE},
    {"write: home down, nearest has failed it", ROUTE_WRITE, SESSION, B, NONE, NONE, true, false,
     B_BIT, A_BIT, 0, 0, C, QUEUE},
    {"write: home has failed it, surely not written", ROUTE_WRITE, SESSION, B, NONE, NONE, true,
     false, 0, B_BIT, 0, 0, A, QUEUE},
    {"write: home has failed it, perhaps written", ROUTE_WRITE, SESSION, B, NONE, NONE, true, true,
     0, B_BIT, 0, 0, A, QUEUE},
    {"write: home's disk full", ROUTE_WRITE, SESSION, B, NONE, NONE, true, false, 0, 0, B_BIT, 0, A,
     QUEUE},
    {"write: home's service down", ROUTE_WRITE, SESSION, B, NONE, NONE, true, false, 0, 0, 0, B_BIT,
     A, QUEUE},
    {"write: service down at home and at the nearest", ROUTE_WRITE, SESSION, B, NONE, NONE, true,
     false, 0, 0, 0, A_BIT | B_BIT, C, QUEUE},
    {"write: service down everywhere", ROUTE_WRITE, SESSION, B, NONE, NONE, true, false, 0, 0, 0,
     ALL, REFUSED, PROBLEM_SERVICE_UNAVAILABLE},
    {"write: service down everywhere, perhaps written", ROUTE_WRITE, SESSION, B, NONE, NONE, true,
     true, 0, B_BIT, 0, ALL, REFUSED, PROBLEM_FATE_UNKNOWN},
    {"write: home's service down, read-only", ROUTE_WRITE, SESSION, B, NONE, NONE, false, false, 0,
     0, 0, B_BIT, REFUSED, PROBLEM_READ_ONLY},
    {"write: the queue's service is down", ROUTE_WRITE, SESSION, B, NONE, C, true, false, 0, 0, 0,
     C_BIT, REFUSED, PROBLEM_QUEUE_UNREACHABLE},
    {"write: all down", ROUTE_WRITE, SESSION, B, NONE, NONE, true, false, ALL, 0, 0, 0, REFUSED,
     PROBLEM_NO_REGION},
    {"write: all tried, perhaps written", ROUTE_WRITE, SESSION, B, NONE, NONE, true, true, 0, ALL,
     0, 0, REFUSED, PROBLEM_FATE_UNKNOWN},
    {"write: home down, read-only", ROUTE_WRITE, SESSION, B, NONE, NONE, false, false, B_BIT, 0, 0,
     0, REFUSED, PROBLEM_READ_ONLY},
    {"write: perhaps written, read-only", ROUTE_WRITE, SESSION, B, NONE, NONE, false, true, B_BIT,
     B_BIT, 0, 0, REFUSED, PROBLEM_FATE_UNKNOWN},
    {"write: home unknown", ROUTE_WRITE, SESSION, HOME_UNKNOWN, NONE, NONE, true, false, 0, 0, 0, 0,
     REFUSED, PROBLEM_HOME_UNAVAILABLE},
    {"write: home unknown, perhaps written", ROUTE_WRITE, SESSION, HOME_UNKNOWN, NONE, NONE, true,
     true, 0, 0, 0, 0, REFUSED, PROBLEM_FATE_UNKNOWN},
    {"write: consistency does not matter", ROUTE_WRITE, STRONG, B, NONE, NONE, true, false, B_BIT,
     0, 0, 0, A, QUEUE},

    {"write: behind the older ones, home up", ROUTE_WRITE, SESSION, B, NONE, C, true, false, 0, 0,
     0, 0, C, QUEUE},
    {"write: behind the older ones, home down", ROUTE_WRITE, SESSION, B, NONE, C, true, false,
     B_BIT, 0, 0, 0, C, QUEUE},
    {"write: behind the older ones, read-only", ROUTE_WRITE, SESSION, B, NONE, C, false, false, 0,
     0, 0, 0, C, QUEUE},
    {"write: behind the older ones at home", ROUTE_WRITE, SESSION, B, NONE, B, true, false, 0, 0, 0,
     0, B, QUEUE},
    {"write: the older ones are out of reach", ROUTE_WRITE, SESSION, B, NONE, C, true, false, C_BIT,
     0, 0, 0, REFUSED, PROBLEM_QUEUE_UNREACHABLE},
    {"write: the queue's disk is full", ROUTE_WRITE, SESSION, B, NONE, C, true, false, 0, 0, C_BIT,
     0, REFUSED, PROBLEM_QUEUE_UNREACHABLE},
    {"write: the queue has failed it", ROUTE_WRITE, SESSION, B, NONE, C, true, false, 0, C_BIT, 0,
     0, REFUSED, PROBLEM_QUEUE_UNREACHABLE},
    {"write: the queue has perhaps taken it", ROUTE_WRITE, SESSION, B, NONE, C, true, true, 0,
     C_BIT, 0, 0, REFUSED, PROBLEM_FATE_UNKNOWN},

    {"sensitive: home", ROUTE_SENSITIVE, SESSION, B, NONE, NONE, true, false, 0, 0, 0, 0, B, SERVE},
    {"sensitive: home down", ROUTE_SENSITIVE, SESSION, B, NONE, NONE, true, false, B_BIT, 0, 0, 0,
     REFUSED, PROBLEM_HOME_UNAVAILABLE},
    {"sensitive: home unknown", ROUTE_SENSITIVE, SESSION, HOME_UNKNOWN, NONE, NONE, true, false, 0,
     0, 0, 0, REFUSED, PROBLEM_HOME_UNAVAILABLE},
    {"sensitive: service down at home", ROUTE_SENSITIVE, SESSION, B, NONE, NONE, true, false, 0, 0,
     0, B_BIT, REFUSED, PROBLEM_SERVICE_UNAVAILABLE},
    {"sensitive: service down at home, perhaps written", ROUTE_SENSITIVE, SESSION, B, NONE, NONE,
     true, true, 0, 0, 0, B_BIT, REFUSED, PROBLEM_FATE_UNKNOWN},
    {"sensitive: home's disk full: the home says so itself", ROUTE_SENSITIVE, SESSION, B, NONE,
     NONE, true, false, 0, 0, B_BIT, 0, B, SERVE},
    {"sensitive: home tried, not written", ROUTE_SENSITIVE, SESSION, B, NONE, NONE, true, false, 0,
     B_BIT, 0, 0, REFUSED, PROBLEM_HOME_UNAVAILABLE},
    {"sensitive: home tried, perhaps written", ROUTE_SENSITIVE, SESSION, B, NONE, NONE, true, true,
     0, B_BIT, 0, 0, REFUSED, PROBLEM_FATE_UNKNOWN},
    {"sensitive: waiting writes do not matter", ROUTE_SENSITIVE, SESSION, B, NONE, C, true, false,
     0, 0, 0, 0, B, SERVE},

    {"receipt: who gave it", ROUTE_RECEIPT, SESSION, C, NONE, NONE, true, false, 0, 0, 0, 0, C,
     SERVE},
    {"receipt: who gave it is down", ROUTE_RECEIPT, SESSION, C, NONE, NONE, true, false, C_BIT, 0,
     0, 0, REFUSED, PROBLEM_NO_REGION},

    {"receipt: service down there", ROUTE_RECEIPT, SESSION, C, NONE, NONE, true, false, 0, 0, 0,
     C_BIT, REFUSED, PROBLEM_SERVICE_UNAVAILABLE},

    {"local: nearest", ROUTE_LOCAL, SESSION, HOME_UNKNOWN, NONE, NONE, true, false, 0, 0, 0, 0, A,
     SERVE},
    {"local: next nearest", ROUTE_LOCAL, SESSION, HOME_UNKNOWN, NONE, NONE, true, false, A_BIT,
     B_BIT, 0, 0, C, SERVE},
    {"local: all down", ROUTE_LOCAL, SESSION, HOME_UNKNOWN, NONE, NONE, true, false, ALL, 0, 0, 0,
     REFUSED, PROBLEM_NO_REGION},
    {"local: strong does not matter", ROUTE_LOCAL, STRONG, HOME_UNKNOWN, NONE, NONE, true, false, 0,
     0, 0, 0, A, SERVE},

    {"forced read", ROUTE_READ, SESSION, B, C, NONE, true, false, 0, 0, 0, 0, C, SERVE},
    {"forced read: down", ROUTE_READ, SESSION, B, C, NONE, true, false, C_BIT, 0, 0, 0, REFUSED,
     PROBLEM_FORCED_REGION},
    {"forced read: has failed it", ROUTE_READ, SESSION, B, C, NONE, true, false, 0, C_BIT, 0, 0,
     REFUSED, PROBLEM_FORCED_REGION},
    {"forced read: service down there", ROUTE_READ, SESSION, B, C, NONE, true, false, 0, 0, 0,
     C_BIT, REFUSED, PROBLEM_FORCED_REGION},
    {"forced strong read: home", ROUTE_READ, STRONG, B, B, NONE, true, false, 0, 0, 0, 0, B, SERVE},
    {"forced strong read: not home", ROUTE_READ, STRONG, B, C, NONE, true, false, 0, 0, 0, 0,
     REFUSED, PROBLEM_FORCED_REGION},
    {"forced write: home", ROUTE_WRITE, SESSION, B, B, NONE, true, false, 0, 0, 0, 0, B, SERVE},
    {"forced write: not home", ROUTE_WRITE, SESSION, B, C, NONE, true, false, 0, 0, 0, 0, REFUSED,
     PROBLEM_FORCED_REGION},
    {"forced write: not home, home down", ROUTE_WRITE, SESSION, B, C, NONE, true, false, B_BIT, 0,
     0, 0, REFUSED, PROBLEM_FORCED_REGION},
    {"forced write: home down is no queue", ROUTE_WRITE, SESSION, B, B, NONE, true, false, B_BIT, 0,
     0, 0, REFUSED, PROBLEM_FORCED_REGION},
    {"forced write: perhaps written", ROUTE_WRITE, SESSION, B, B, NONE, true, true, 0, B_BIT, 0, 0,
     REFUSED, PROBLEM_FATE_UNKNOWN},
    {"forced write: older ones wait", ROUTE_WRITE, SESSION, B, B, C, true, false, 0, 0, 0, 0,
     REFUSED, PROBLEM_FORCED_REGION},
    {"forced sensitive: home", ROUTE_SENSITIVE, SESSION, B, B, NONE, true, false, 0, 0, 0, 0, B,
     SERVE},
    {"forced sensitive: not home", ROUTE_SENSITIVE, SESSION, B, A, NONE, true, false, 0, 0, 0, 0,
     REFUSED, PROBLEM_FORCED_REGION},
    {"forced receipt: another region", ROUTE_RECEIPT, SESSION, C, A, NONE, true, false, 0, 0, 0, 0,
     REFUSED, PROBLEM_FORCED_REGION},
    {"forced local", ROUTE_LOCAL, SESSION, HOME_UNKNOWN, C, NONE, true, false, 0, 0, 0, 0, C,
     SERVE},
};

#define CELL_COUNT (sizeof(cells) / sizeof(cells[0]))

static struct policy_region regions[3];

static uint32_t region_number(int region)
{
    return region < 0 ? POLICY_NONE : (uint32_t)region;
}

static struct policy_question question_of(const struct cell *cell)
{
    static const char *const names[] = {"a", "b", "c"};
    for (unsigned region = 0; region < 3; region++) {
        regions[region] = (struct policy_region){
            .name = names[region],
            .round_trip_us = (region + 1) * 10000,
            .healthy = (cell->down >> region & 1u) == 0,
            .writable = (cell->unwritable >> region & 1u) == 0,
            .service_up = (cell->no_service >> region & 1u) == 0,
        };
    }
    return (struct policy_question){
        .class = cell->class,
        .consistency = cell->consistency,
        .home = region_number(cell->home),
        .forced = region_number(cell->forced),
        .queued_at = region_number(cell->queued_at),
        .enqueuing_at = POLICY_NONE,
        .queue_writes = cell->queue_writes,
        .tried = cell->tried,
        .maybe_written = cell->maybe_written,
        .regions = regions,
        .region_count = 3,
    };
}

START_TEST(each_cell_is_decided_as_the_table_says)
{
    const struct cell *cell = &cells[_i];
    struct policy_question question = question_of(cell);
    struct policy_decision decision = policy_decide(&question);
    ck_assert_msg(decision.why != NULL && decision.why[0] != '\0', "%s: no reason", cell->name);
    if (cell->region == REFUSED) {
        ck_assert_msg(decision.verdict == POLICY_REFUSE, "%s: asks %u", cell->name,
                      decision.region);
        ck_assert_msg(decision.problem == cell->mode_or_problem, "%s: problem %d", cell->name,
                      decision.problem);
        return;
    }
    ck_assert_msg(decision.verdict == POLICY_ASK, "%s: refused with %d", cell->name,
                  decision.problem);
    ck_assert_msg(decision.region == (uint32_t)cell->region, "%s: region %u", cell->name,
                  decision.region);
    ck_assert_msg((int)decision.mode == cell->mode_or_problem, "%s: mode %d", cell->name,
                  (int)decision.mode);
}
END_TEST

/* What must hold in every combination, whatever the table says. */
static void check_rules(const struct policy_question *question,
                        const struct policy_decision *decision)
{
    if (decision->verdict == POLICY_REFUSE) {
        ck_assert_int_ne(decision->problem, PROBLEM_NONE);
        ck_assert(!question->maybe_written || question->class == ROUTE_READ ||
                  question->class == ROUTE_LOCAL || question->class == ROUTE_RECEIPT ||
                  question->forced != POLICY_NONE || decision->problem == PROBLEM_FATE_UNKNOWN);
        return;
    }
    const struct policy_region *region = &question->regions[decision->region];
    ck_assert(region->healthy && region->service_up);
    ck_assert((question->tried >> decision->region & 1u) == 0);
    ck_assert(question->forced == POLICY_NONE || question->forced == decision->region);
    if (decision->mode == MEC__CALL_MODE__ENQUEUE) {
        ck_assert_int_eq(question->class, ROUTE_WRITE);
        ck_assert(region->writable);
        ck_assert(question->queue_writes || question->queued_at != POLICY_NONE);
        ck_assert(question->forced == POLICY_NONE);
    } else if (question->class == ROUTE_WRITE || question->class == ROUTE_SENSITIVE) {
        ck_assert_uint_eq(decision->region, question->home);
    }
    if (question->class == ROUTE_WRITE && question->queued_at != POLICY_NONE)
        ck_assert_uint_eq(decision->region, question->queued_at);
    if (question->class == ROUTE_READ && question->consistency == STRONG)
        ck_assert_uint_eq(decision->region, question->home);
}

START_TEST(the_rules_hold_in_every_combination)
{
    static const int homes[] = {A, B, HOME_UNKNOWN};
    static const int others[] = {A, B, C, NONE};
    unsigned long asked = 0;
    for (unsigned n = 0; n < 5u * 3 * 3 * 4 * 4 * 2 * 2 * 8 * 8 * 8; n++) {
        unsigned rest = n;
        struct cell cell = {.class = (enum route_class)(rest % 5)};
        rest /= 5;
        cell.consistency = (Mec__Consistency)(rest % 3);
        rest /= 3;
        cell.home = homes[rest % 3];
        rest /= 3;
        cell.forced = others[rest % 4];
        rest /= 4;
        cell.queued_at = others[rest % 4];
        rest /= 4;
        cell.queue_writes = rest % 2;
        rest /= 2;
        cell.maybe_written = rest % 2;
        rest /= 2;
        cell.down = rest % 8;
        rest /= 8;
        cell.tried = rest % 8;
        rest /= 8;
        cell.unwritable = rest % 8;
        struct policy_question question = question_of(&cell);
        struct policy_decision decision = policy_decide(&question);
        check_rules(&question, &decision);
        asked += decision.verdict == POLICY_ASK;
    }
    ck_assert_uint_gt(asked, 10000);
}
END_TEST

START_TEST(of_equally_near_regions_the_first_is_taken)
{
    struct policy_question question = question_of(&cells[0]);
    regions[0].round_trip_us = 30000;
    regions[1].round_trip_us = 30000;
    regions[2].round_trip_us = 30000;
    ck_assert_uint_eq(policy_decide(&question).region, A);
    regions[2].round_trip_us = 29999;
    ck_assert_uint_eq(policy_decide(&question).region, C);
}
END_TEST

START_TEST(the_explanation_names_class_order_and_outcome)
{
    char text[2048];
    struct cell cell = {.class = ROUTE_WRITE, .home = B, .forced = NONE, .queued_at = NONE};
    cell.queue_writes = true;
    cell.down = B_BIT;
    struct policy_question question = question_of(&cell);
    struct policy_decision decision = policy_decide(&question);
    policy_explain(&question, &decision, text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "write: goes home; while the home is away it is queued"));
    ck_assert_ptr_nonnull(strstr(text, "1. a, 10.0 ms: healthy\n"));
    ck_assert_ptr_nonnull(strstr(text, "2. b, 20.0 ms: not reachable (home)\n"));
    ck_assert_ptr_nonnull(strstr(text, "=> queued at a: home away: queued"));
}
END_TEST

START_TEST(the_explanation_of_a_refusal_names_the_problem)
{
    char text[2048];
    struct cell cell = {.class = ROUTE_SENSITIVE, .home = B, .forced = NONE, .queued_at = NONE};
    cell.down = B_BIT;
    struct policy_question question = question_of(&cell);
    struct policy_decision decision = policy_decide(&question);
    policy_explain(&question, &decision, text, sizeof(text));
    ck_assert_ptr_nonnull(strstr(text, "=> 503 home-unavailable: "));
}
END_TEST

START_TEST(an_explanation_that_does_not_fit_is_cut)
{
    char text[64];
    memset(text, 'x', sizeof(text));
    struct policy_question question = question_of(&cells[0]);
    struct policy_decision decision = policy_decide(&question);
    policy_explain(&question, &decision, text, 40);
    ck_assert_uint_eq(strlen(text), 39);
    ck_assert_int_eq(text[40], 'x');
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_rules_hold_in_every_combination,
        of_equally_near_regions_the_first_is_taken,
        the_explanation_names_class_order_and_outcome,
        the_explanation_of_a_refusal_names_the_problem,
        an_explanation_that_does_not_fit_is_cut,
    };
    const struct suite_loop loops[] = {
        {each_cell_is_decided_as_the_table_says, (int)CELL_COUNT},
    };
    return suite_run(
        &(struct suite){.name = "policy", .timeout_s = 50, SUITE_TESTS(tests), SUITE_LOOPS(loops)});
}
