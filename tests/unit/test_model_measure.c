/* What a running world is asked when something is broken, of which kind its answers are, and how
 * shares out of them stand against the model's. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/directory.h"
#include "common/moment.h"
#include "sim/model/blast.h"
#include "sim/model/measure_compare.h"
#include "sim/model/measure_request.h"
#include "tests/unit/model_fixture.h"
#include "tests/unit/suite.h"

#define USUAL_US (100 * MILLISECOND_US)

static struct deployment *deployment;
static struct traffic *traffic;
static double mix[TRAFFIC_OPERATION_COUNT];

/* Three regions, a third of the users each; all operations alike. */
static void set_up(void)
{
    const char *const settings[] = {"regions=3", "roaming=20%", NULL};

    deployment = model_fixture_deployment(NULL, settings);
    traffic = traffic_create(deployment);
    for (size_t i = 0; i < TRAFFIC_OPERATION_COUNT; i++)
        mix[i] = 1.0 / TRAFFIC_OPERATION_COUNT;
}

static void tear_down(void)
{
    traffic_free(traffic);
    deployment_free(deployment);
}

static struct measure_plan *make_plan(void)
{
    struct measure_plan *plan = NULL;
    char *error = NULL;

    ck_assert_msg(measure_plan_create(traffic, mix, &plan, &error) == 0, "%s", error);
    return plan;
}

/* ---- answers ---- */

static struct measure_answer answer_of(int status, const char *const *lines, const char *body)
{
    struct measure_answer answer = {.status = status, .elapsed_us = USUAL_US};

    for (; *lines; lines++)
        measure_answer_take_header(&answer, *lines, strlen(*lines));
    measure_answer_take_body(&answer, body, strlen(body));
    return answer;
}

static const char *const no_lines[] = {NULL};

static enum traffic_kind kind_of(enum traffic_operation operation, struct measure_answer answer)
{
    return measure_answer_kind(operation, &answer, USUAL_US);
}

START_TEST(headers_are_read_as_they_come)
{
    static const char *const lines[] = {"HTTP/1.1 200 OK\r\n",
                                        "mec-region: eu-west\r\n",
                                        "MEC-SERVED:replica\r\n",
                                        "Mec-Bookmark:  us-east:1.7  \r\n",
                                        "Mec-Staleness-Ms: 155\r\n",
                                        "Mec-Regional: no\r\n",
                                        "\r\n",
                                        NULL};
    struct measure_answer answer = answer_of(200, lines, "{\"type\":7}");

    ck_assert_str_eq(answer.region, "eu-west");
    ck_assert_str_eq(answer.served, "replica");
    ck_assert_str_eq(answer.bookmark, "us-east:1.7");
    ck_assert(answer.tells_staleness && answer.staleness_known);
    ck_assert_uint_eq(answer.staleness_us, 155 * MILLISECOND_US);
    ck_assert_str_eq(answer.problem, "");
}
END_TEST

START_TEST(what_is_too_long_or_no_number_is_passed_over)
{
    static const char *const lines[] = {
        "Mec-Region: a-name-that-is-much-longer-than-any-region-could-ever-be-called\r\n",
        "Mec-Staleness-Ms: soon\r\n", NULL};
    struct measure_answer answer = answer_of(200, lines, "");

    ck_assert_str_eq(answer.region, "");
    ck_assert(answer.tells_staleness);
    ck_assert(!answer.staleness_known);
}
END_TEST

START_TEST(problems_are_known_by_their_short_type)
{
    struct measure_answer answer =
        answer_of(503, no_lines, "{\"type\":\"urn:mecentral:problem:read-only\",\"status\":503}");

    ck_assert_str_eq(answer.problem, "read-only");
    ck_assert_int_eq(kind_of(TRAFFIC_METADATA_WRITE, answer), TRAFFIC_READ_ONLY);
    answer = answer_of(503, no_lines, "{\"type\":\"urn:mecentral:problem:no-region\"}");
    ck_assert_str_eq(answer.problem, "no-region");
    ck_assert_int_eq(kind_of(TRAFFIC_METADATA_READ, answer), TRAFFIC_FAILS);
}
END_TEST

START_TEST(kinds_follow_from_status_and_staleness)
{
    static const char *const fresh[] = {"Mec-Staleness-Ms: 1000\r\n", NULL};
    static const char *const old[] = {"Mec-Staleness-Ms: 1001\r\n", NULL};
    static const char *const unknown[] = {"Mec-Staleness-Ms: unknown\r\n", NULL};

    ck_assert_int_eq(kind_of(TRAFFIC_METADATA_READ, answer_of(200, no_lines, "")), TRAFFIC_FINE);
    ck_assert_int_eq(kind_of(TRAFFIC_METADATA_READ, answer_of(200, fresh, "")), TRAFFIC_FINE);
    ck_assert_int_eq(kind_of(TRAFFIC_METADATA_READ, answer_of(200, old, "")), TRAFFIC_STALE);
    ck_assert_int_eq(kind_of(TRAFFIC_VAULT_READ, answer_of(200, unknown, "")), TRAFFIC_STALE);
    /* Only what is read can be stale. */
    ck_assert_int_eq(kind_of(TRAFFIC_METADATA_WRITE, answer_of(201, old, "")), TRAFFIC_FINE);
    ck_assert_int_eq(kind_of(TRAFFIC_METADATA_WRITE, answer_of(202, old, "")), TRAFFIC_QUEUED);
    ck_assert_int_eq(kind_of(TRAFFIC_LOG_IN, answer_of(503, old, "")), TRAFFIC_FAILS);
    ck_assert_int_eq(kind_of(TRAFFIC_LOG_IN, answer_of(0, no_lines, "")), TRAFFIC_FAILS);
    ck_assert_int_eq(kind_of(TRAFFIC_LOG_IN, answer_of(304, no_lines, "")), TRAFFIC_FAILS);
}
END_TEST

START_TEST(slower_is_a_tenth_and_ten_milliseconds)
{
    struct measure_answer answer = answer_of(200, no_lines, "");

    answer.elapsed_us = USUAL_US + 20 * MILLISECOND_US;
    ck_assert(!measure_answer_is_slower(&answer, USUAL_US));
    answer.elapsed_us++;
    ck_assert(measure_answer_is_slower(&answer, USUAL_US));
    ck_assert_int_eq(kind_of(TRAFFIC_TOKEN_REFRESH, answer), TRAFFIC_SLOWER);
    answer.status = 503;
    ck_assert(!measure_answer_is_slower(&answer, USUAL_US));
}
END_TEST

/* ---- the plan ---- */

START_TEST(a_plan_asks_every_question_once_in_phases)
{
    struct measure_plan *plan = make_plan();
    double sum = 0;

    /* Seven operations by place and home, one of them by the other, too; sign-ups have no home. */
    ck_assert_uint_eq(plan->count, 7 * 9 + 27 + 9);
    ck_assert_uint_eq(plan->asker_count, 9);
    for (size_t i = 0; i < plan->count; i++) {
        const struct traffic_question *question = &plan->questions[i].question;
        size_t asker = measure_plan_asker(plan, question);

        sum += plan->questions[i].weight;
        if (i > 0)
            ck_assert_int_le(measure_phase(plan->questions[i - 1].question.operation),
                             measure_phase(question->operation));
        if (question->operation == TRAFFIC_SIGN_UP) {
            ck_assert_uint_eq(asker, SIZE_MAX);
            continue;
        }
        ck_assert_uint_lt(asker, plan->asker_count);
        ck_assert_uint_eq(plan->askers[asker].geo, question->geo);
        ck_assert_uint_eq(plan->askers[asker].home, question->home);
    }
    ck_assert(fabs(sum - 1) < 1e-9);
    measure_plan_free(plan);
    measure_plan_free(NULL);
}
END_TEST

START_TEST(what_nobody_does_is_not_asked)
{
    memset(mix, 0, sizeof mix);
    mix[TRAFFIC_METADATA_READ] = 1;
    struct measure_plan *plan = make_plan();

    ck_assert_uint_eq(plan->count, 9);
    for (size_t i = 0; i < plan->count; i++)
        ck_assert_int_eq(plan->questions[i].question.operation, TRAFFIC_METADATA_READ);
    measure_plan_free(plan);
}
END_TEST

START_TEST(too_many_askers_are_refused)
{
    const char *const settings[] = {"regions=12", NULL};
    struct measure_plan *plan;
    char *error = NULL;

    tear_down();
    deployment = model_fixture_deployment(NULL, settings);
    traffic = traffic_create(deployment);
    ck_assert_int_eq(measure_plan_create(traffic, mix, &plan, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "more than 128"));
    free(error);
}
END_TEST

START_TEST(failures_are_regions_and_then_services)
{
    struct measure_failure *failures;
    size_t count;
    char *error = NULL;

    ck_assert_int_eq(measure_plan_failures(deployment, "", &failures, &count, &error), 0);
    ck_assert_uint_eq(count, 3 + 9);
    ck_assert_str_eq(failures[0].name, "us-east");
    ck_assert(failures[0].whole);
    ck_assert_str_eq(failures[3].name, "us-east/auth");
    ck_assert_str_eq(failures[11].name, "ap-northeast/metadata");
    /* The model has the same ones, in the same order. */
    for (size_t i = 0; i < count; i++) {
        struct traffic_state wanted, state = measure_plan_state(&failures[i], 0);
        char *name = i < 3 ? blast_failure(BLAST_REGIONS, i, deployment, &wanted)
                           : blast_failure(BLAST_SERVICES, i - 3, deployment, &wanted);
        ck_assert_str_eq(name, failures[i].name);
        ck_assert_uint_eq(state.down, wanted.down);
        ck_assert_mem_eq(state.services_down, wanted.services_down, sizeof wanted.services_down);
        free(name);
    }
    free(failures);
}
END_TEST

START_TEST(failures_are_picked_by_name)
{
    struct measure_failure *failures;
    size_t count;
    char *error = NULL;

    ck_assert_int_eq(
        measure_plan_failures(deployment, "eu-west/vault,us-east", &failures, &count, &error), 0);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(failures[0].name, "us-east");
    ck_assert_str_eq(failures[1].name, "eu-west/vault");
    free(failures);
    ck_assert_int_eq(
        measure_plan_failures(deployment, "us-east,us-east/vaul", &failures, &count, &error),
        -EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "\"us-east/vaul\" to fail; did you mean"));
    free(error);
    ck_assert_int_eq(measure_plan_failures(deployment, "us-east,,", &failures, &count, &error),
                     -EINVAL);
    free(error);
}
END_TEST

static size_t rounds(bool whole, uint64_t bound_us, uint64_t token_left_us, uint64_t since_us[2])
{
    const struct measure_failure failure = {.whole = whole};
    const struct traffic_rules rules = {.revocation_bound_us = bound_us,
                                        .token_left_us = token_left_us};

    return measure_plan_rounds(&failure, &rules, since_us);
}

START_TEST(regions_are_asked_about_before_and_after_trust_ends)
{
    uint64_t since_us[MEASURE_ROUNDS_MAX];

    ck_assert_uint_eq(rounds(true, 5 * SECOND_US, 300 * SECOND_US, since_us), 2);
    ck_assert_uint_eq(since_us[0], 1600 * MILLISECOND_US);
    ck_assert_uint_eq(since_us[1], 6 * SECOND_US);
    /* Trust that ends at once, or after the longest wait, or when tokens have run out. */
    ck_assert_uint_eq(rounds(true, SECOND_US, 300 * SECOND_US, since_us), 1);
    ck_assert_uint_eq(since_us[0], 2 * SECOND_US);
    ck_assert_uint_eq(rounds(true, 100 * MILLISECOND_US, 300 * SECOND_US, since_us), 1);
    ck_assert_uint_eq(since_us[0], 1600 * MILLISECOND_US);
    ck_assert_uint_eq(rounds(true, 600 * SECOND_US, 300 * SECOND_US, since_us), 1);
    ck_assert_uint_eq(since_us[0], 1600 * MILLISECOND_US);
    ck_assert_uint_eq(rounds(true, 5 * SECOND_US, 6 * SECOND_US, since_us), 1);
    ck_assert_uint_eq(rounds(true, SECOND_US, 2 * SECOND_US, since_us), 0);
    ck_assert_uint_eq(rounds(false, 5 * SECOND_US, 300 * SECOND_US, since_us), 1);
    ck_assert_uint_eq(since_us[0], 0);
}
END_TEST

START_TEST(a_round_is_of_one_kind_of_time)
{
    const struct traffic_rules rules = {.revocation_bound_us = 5 * SECOND_US,
                                        .token_left_us = 300 * SECOND_US};

    ck_assert(measure_plan_is_even(&rules, SECOND_US, 5 * SECOND_US));
    ck_assert(!measure_plan_is_even(&rules, SECOND_US, 5 * SECOND_US + 1));
    ck_assert(!measure_plan_is_even(&rules, 5 * SECOND_US, 6 * SECOND_US));
    ck_assert(measure_plan_is_even(&rules, 5 * SECOND_US + 1, 300 * SECOND_US));
    ck_assert(!measure_plan_is_even(&rules, 6 * SECOND_US, 301 * SECOND_US));
}
END_TEST

/* eu-west and ap-northeast lie 113 ms apart. */
START_TEST(a_write_has_come_everywhere_after_the_longest_way)
{
    ck_assert_uint_eq(measure_plan_arrival_us(deployment), 426 * MILLISECOND_US);
}
END_TEST

/* ---- requests ---- */

static struct measure_request ask(enum traffic_operation operation, uint32_t other)
{
    struct traffic_question question = {
        .operation = operation, .geo = 1, .home = 2, .other = other};

    return measure_request_of("t", deployment, &question, 4);
}

static void is(struct measure_request request, const char *method, const char *path)
{
    ck_assert_str_eq(request.method, method);
    ck_assert_str_eq(request.path, path);
    ck_assert_int_eq(request.body != NULL, request.content_type != NULL);
    measure_request_free(&request);
}

START_TEST(each_question_has_its_request)
{
    is(ask(TRAFFIC_METADATA_READ, 0), "GET", "/v1/metadata/value");
    is(ask(TRAFFIC_METADATA_REREAD, 0), "GET", "/v1/metadata/value");
    is(ask(TRAFFIC_METADATA_WRITE, 0), "PUT", "/v1/metadata/written");
    is(ask(TRAFFIC_VAULT_READ, 0), "GET", "/v1/vault/own");
    is(ask(TRAFFIC_VAULT_WRITE, 0), "PUT", "/v1/vault/written");
    is(ask(TRAFFIC_SHARED_READ, 1), "GET", "/v1/vault/shared?owner=model-t-owner-of-eu-west");
    is(ask(TRAFFIC_TOKEN_REFRESH, 0), "POST", "/v1/tokens/refresh");
    is(ask(TRAFFIC_LOG_IN, 0), "POST", "/v1/tokens");
    is(ask(TRAFFIC_SIGN_UP, 0), "POST", "/v1/users");
}
END_TEST

START_TEST(newcomers_are_handed_out_by_the_directory_that_is_wanted)
{
    for (uint32_t directory = 0; directory < 3; directory++) {
        for (size_t number = 0; number < 8; number++) {
            char *name = measure_request_newcomer("t", deployment, directory, number);

            ck_assert_str_eq(directory_of(deployment->config, name), deployment->region[directory]);
            ck_assert_uint_lt(strlen(name), 64);
            free(name);
        }
    }
}
END_TEST

/* Worked out elsewhere: the first 8 of 16 bytes of BLAKE2b of name, NUL and shard, as a big-endian
 * number; the largest wins. Names of worlds that are there already must stay where they are. */
START_TEST(directories_are_where_they_always_were)
{
    static const struct {
        const char *name, *shard;
    } rows[] = {{"ada", "eu-west"},         {"bob", "ap-northeast"}, {"carol", "eu-west"},
                {"dave", "eu-west"},        {"eve", "us-east"},      {"zoe", "eu-west"},
                {"mallory", "ap-northeast"}};
    Mec__Config empty = MEC__CONFIG__INIT;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_str_eq(directory_of(deployment->config, rows[i].name), rows[i].shard);
    ck_assert_ptr_null(directory_of(&empty, "ada"));
}
END_TEST

/* ---- the comparison ---- */

/* Answers as the model says that they are, at the time that it says. */
static struct measure_observed *as_modelled(const struct measure_plan *plan,
                                            const struct traffic_state *state)
{
    struct measure_observed *observed = calloc(plan->count, sizeof *observed);

    ck_assert_ptr_nonnull(observed);
    for (size_t i = 0; i < plan->count; i++) {
        struct traffic_outcome outcome;
        struct measure_answer *answer = &observed[i].answer;

        traffic_decide(traffic, state, &plan->questions[i].question, &outcome);
        observed[i].usual_us = USUAL_US;
        answer->elapsed_us = outcome.kind == TRAFFIC_SLOWER ? 2 * USUAL_US : USUAL_US;
        answer->status = outcome.kind == TRAFFIC_QUEUED  ? 202
                         : outcome.kind == TRAFFIC_FAILS ? 503
                                                         : 200;
        answer->tells_staleness = outcome.kind == TRAFFIC_STALE;
    }
    return observed;
}

static json_t *compared(const struct measure_plan *plan, const struct measure_failure *failure,
                        uint64_t since_us, const struct measure_observed *observed,
                        bool *ret_failed)
{
    struct result *result = result_create("blast-radius", "test");
    struct measure_compare compare = measure_compare_begin(result);

    measure_compare_round(&compare, traffic, mix, plan, failure, since_us, observed);
    measure_compare_end(&compare);
    *ret_failed = result_failed(result);
    json_t *json = result_as_json(result, NULL);
    result_free(result);
    return json;
}

static size_t rows_of(json_t *json, const char *table)
{
    return json_array_size(json_object_get(json_object_get(json, "tables"), table));
}

START_TEST(a_world_that_does_as_modelled_is_within_the_bar)
{
    static const uint64_t sinces_us[] = {2 * SECOND_US, 6 * SECOND_US};
    struct measure_plan *plan = make_plan();
    struct measure_failure *failures;
    size_t count;
    char *error;

    ck_assert_int_eq(measure_plan_failures(deployment, "", &failures, &count, &error), 0);
    for (size_t i = 0; i < 2 * count; i++) {
        const struct measure_failure *failure = &failures[i / 2];
        struct traffic_state state = measure_plan_state(failure, sinces_us[i % 2]);
        struct measure_observed *observed = as_modelled(plan, &state);
        bool failed;
        json_t *json = compared(plan, failure, sinces_us[i % 2], observed, &failed);
        json_t *row = model_fixture_row(json, "against", "failure", failure->name);

        ck_assert(!failed);
        ck_assert(model_fixture_number(row, "difference") == 0);
        ck_assert(model_fixture_number(row, "agreed") == (double)plan->count);
        ck_assert(fabs(model_fixture_number(row, "measured") -
                       model_fixture_number(row, "modelled")) < 1e-9);
        ck_assert(model_fixture_number(row, "measured") > 0);
        ck_assert_str_eq(json_string_value(json_object_get(row, "within")), "yes");
        ck_assert_uint_eq(rows_of(json, "against_odd"), 0);
        json_decref(json);
        free(observed);
    }
    free(failures);
    measure_plan_free(plan);
}
END_TEST

/* The first question of @operation from place @geo by users at home in @home. */
static size_t find(const struct measure_plan *plan, enum traffic_operation operation, uint32_t geo,
                   uint32_t home)
{
    for (size_t at = 0; at < plan->count; at++) {
        const struct traffic_question *question = &plan->questions[at].question;

        if (question->operation == operation && question->geo == geo && question->home == home)
            return at;
    }
    ck_abort_msg("nobody asks that");
    return 0;
}

/* The one region whose read is asked for by most: 80 % of a third of a ninth of all requests. */
START_TEST(a_share_out_of_the_bar_fails)
{
    struct measure_plan *plan = make_plan();
    struct measure_failure failure = {.name = "us-east/vault", .service = PARTS_VAULT};
    struct traffic_state state = measure_plan_state(&failure, SECOND_US);
    struct measure_observed *observed = as_modelled(plan, &state);
    bool failed;
    size_t at = find(plan, TRAFFIC_METADATA_READ, 1, 1);

    observed[at].answer.status = 500;
    json_t *json = compared(plan, &failure, SECOND_US, observed, &failed);
    json_t *row = model_fixture_row(json, "against", "failure", "us-east/vault");
    json_t *odd = model_fixture_row(json, "against_odd", "failure", "us-east/vault");
    double weight = 0.8 / 3 / TRAFFIC_OPERATION_COUNT;

    ck_assert(failed);
    ck_assert(fabs(plan->questions[at].weight - weight) < 1e-12);
    ck_assert_str_eq(json_string_value(json_object_get(row, "within")), "no");
    ck_assert(model_fixture_number(row, "agreed") == (double)(plan->count - 1));
    ck_assert(fabs(model_fixture_number(row, "measured") - model_fixture_number(row, "modelled") -
                   weight) < 1e-9);
    json_t *share = model_fixture_row(json, "against_shares", "kind", "fails");
    ck_assert_str_eq(json_string_value(json_object_get(share, "of")), "reads");
    ck_assert(model_fixture_number(share, "difference") > 0);
    /* All users of eu-west in eu-west: 80 % of a third of all have now lost something. */
    ck_assert_str_eq(json_string_value(json_object_get(row, "of")), "users: fine");
    ck_assert(fabs(model_fixture_number(row, "difference") - 0.8 / 3) < 1e-9);
    ck_assert_str_eq(json_string_value(json_object_get(odd, "operation")), "metadata_read");
    ck_assert_str_eq(json_string_value(json_object_get(odd, "place")), "eu-west");
    ck_assert_str_eq(json_string_value(json_object_get(odd, "modelled")), "fine");
    ck_assert_str_eq(json_string_value(json_object_get(odd, "measured")), "fails");
    json_decref(json);
    free(observed);
    measure_plan_free(plan);
}
END_TEST

/* One sign-up of 27: 1.2 points of what is sensitive. It is told, and does not matter. */
START_TEST(a_share_within_the_bar_is_told_and_passes)
{
    struct measure_plan *plan = make_plan();
    struct measure_failure failure = {.name = "us-east/vault", .service = PARTS_VAULT};
    struct traffic_state state = measure_plan_state(&failure, SECOND_US);
    struct measure_observed *observed = as_modelled(plan, &state);
    bool failed;
    size_t at = find(plan, TRAFFIC_SHARED_READ, 1, 2);

    observed[at].answer.elapsed_us = 2 * USUAL_US;
    json_t *json = compared(plan, &failure, SECOND_US, observed, &failed);
    json_t *row = model_fixture_row(json, "against", "failure", "us-east/vault");

    ck_assert(!failed);
    ck_assert(model_fixture_number(row, "difference") > 0);
    ck_assert(model_fixture_number(row, "difference") < MEASURE_SHARE_BAR);
    ck_assert_str_eq(json_string_value(json_object_get(row, "within")), "yes");
    ck_assert_uint_eq(rows_of(json, "against_odd"), 1);
    json_decref(json);
    free(observed);
    measure_plan_free(plan);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        headers_are_read_as_they_come,
        what_is_too_long_or_no_number_is_passed_over,
        problems_are_known_by_their_short_type,
        kinds_follow_from_status_and_staleness,
        slower_is_a_tenth_and_ten_milliseconds,
        a_plan_asks_every_question_once_in_phases,
        what_nobody_does_is_not_asked,
        too_many_askers_are_refused,
        failures_are_regions_and_then_services,
        failures_are_picked_by_name,
        regions_are_asked_about_before_and_after_trust_ends,
        a_round_is_of_one_kind_of_time,
        a_write_has_come_everywhere_after_the_longest_way,
        each_question_has_its_request,
        newcomers_are_handed_out_by_the_directory_that_is_wanted,
        directories_are_where_they_always_were,
        a_world_that_does_as_modelled_is_within_the_bar,
        a_share_out_of_the_bar_fails,
        a_share_within_the_bar_is_told_and_passes,
    };
    const struct suite suite = {
        .name = "measure", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)};

    return suite_run(&suite);
}
