#include "sim/model/measure_plan.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"
#include "control/nearest.h"
#include "control/text.h"

enum measure_phase measure_phase(enum traffic_operation operation)
{
    switch (operation) {
    case TRAFFIC_METADATA_READ:
    case TRAFFIC_VAULT_READ:
    case TRAFFIC_SHARED_READ:
        return MEASURE_READS;
    case TRAFFIC_METADATA_WRITE:
    case TRAFFIC_VAULT_WRITE:
    case TRAFFIC_TOKEN_REFRESH:
        return MEASURE_WRITES;
    case TRAFFIC_METADATA_REREAD:
        return MEASURE_REREADS;
    case TRAFFIC_LOG_IN:
    case TRAFFIC_SIGN_UP:
    case TRAFFIC_OPERATION_COUNT:
        break;
    }
    return MEASURE_HASHES;
}

/* ---- questions ---- */

static void add_question(void *context, const struct traffic_question *question, double weight,
                         double users, const struct traffic_outcome *outcome)
{
    struct measure_plan *plan = context;

    (void)users;
    (void)outcome;
    if (weight <= 0)
        return;
    plan->questions = memory_grow(plan->questions, (plan->count + 1) * sizeof *plan->questions);
    plan->questions[plan->count++] =
        (struct measure_question){.question = *question, .weight = weight};
}

/* By phase, and as they came within one. */
static void sort_questions(struct measure_plan *plan)
{
    struct measure_question *sorted = memory_alloc((plan->count + 1) * sizeof *sorted);
    size_t count = 0;

    for (unsigned phase = 0; phase < MEASURE_PHASE_COUNT; phase++)
        for (size_t i = 0; i < plan->count; i++)
            if (measure_phase(plan->questions[i].question.operation) == phase)
                sorted[count++] = plan->questions[i];
    assert(count == plan->count);
    free(plan->questions);
    plan->questions = sorted;
}

static void add_asker(struct measure_plan *plan, const struct traffic_question *question)
{
    if (question->operation == TRAFFIC_SIGN_UP || measure_plan_asker(plan, question) != SIZE_MAX)
        return;
    plan->askers = memory_grow(plan->askers, (plan->asker_count + 1) * sizeof *plan->askers);
    plan->askers[plan->asker_count++] =
        (struct measure_asker){.geo = question->geo, .home = question->home};
}

int measure_plan_create(const struct traffic *traffic, const double mix[TRAFFIC_OPERATION_COUNT],
                        struct measure_plan **ret_plan, char **ret_error)
{
    static const struct traffic_state all_well;
    struct measure_plan *plan = memory_alloc(sizeof *plan);

    traffic_walk(traffic, &all_well, mix, add_question, plan);
    sort_questions(plan);
    for (size_t i = 0; i < plan->count && plan->asker_count <= MEASURE_ASKERS_MAX; i++)
        add_asker(plan, &plan->questions[i].question);
    if (plan->asker_count > MEASURE_ASKERS_MAX) {
        *ret_error = text_format("users: a running world is asked by one user for each place and "
                                 "home, and these are more than %d; say fewer places",
                                 MEASURE_ASKERS_MAX);
        measure_plan_free(plan);
        return -EINVAL;
    }
    *ret_plan = plan;
    return 0;
}

void measure_plan_free(struct measure_plan *plan)
{
    if (!plan)
        return;
    free(plan->questions);
    free(plan->askers);
    free(plan);
}

size_t measure_plan_asker(const struct measure_plan *plan, const struct traffic_question *question)
{
    if (question->operation == TRAFFIC_SIGN_UP)
        return SIZE_MAX;
    for (size_t i = 0; i < plan->asker_count; i++)
        if (plan->askers[i].geo == question->geo && plan->askers[i].home == question->home)
            return i;
    return SIZE_MAX;
}

/* ---- failures ---- */

static struct measure_failure failure_of(const struct deployment *deployment, uint32_t region,
                                         bool whole, enum parts_service service)
{
    struct measure_failure failure = {.region = region, .whole = whole, .service = service};

    snprintf(failure.name, sizeof failure.name, "%s%s%s", deployment->region[region],
             whole ? "" : "/", whole ? "" : parts_service_name(service));
    return failure;
}

static struct measure_failure *all_failures(const struct deployment *deployment, size_t *ret_count)
{
    size_t regions = deployment->region_count;
    struct measure_failure *all = memory_alloc(regions * (1 + PARTS_SERVICE_COUNT) * sizeof *all);
    size_t count = 0;

    for (uint32_t region = 0; region < regions; region++)
        all[count++] = failure_of(deployment, region, true, PARTS_AUTH);
    for (uint32_t region = 0; region < regions; region++)
        for (unsigned service = 0; service < PARTS_SERVICE_COUNT; service++)
            all[count++] = failure_of(deployment, region, false, (enum parts_service)service);
    *ret_count = count;
    return all;
}

static int unknown_failure(const struct measure_failure *all, size_t count, const char *name,
                           char **ret_error)
{
    const char **names = memory_alloc(count * sizeof *names);

    for (size_t i = 0; i < count; i++)
        names[i] = all[i].name;
    const char *near = nearest_find(name, names, count);
    *ret_error = text_format("there is no region and no service \"%s\" to fail%s%s%s", name,
                             near ? "; did you mean \"" : ": write us-east or us-east/vault",
                             near ? near : "", near ? "\"?" : "");
    free(names);
    return -EINVAL;
}

/* Mark the failure whose name is the @size bytes at @name. */
static int want(const struct measure_failure *all, size_t count, const char *name, size_t size,
                bool *wanted, char **ret_error)
{
    char *word = memory_text_of((struct slice){name, size});
    int error = -ENOENT;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].name, word) != 0)
            continue;
        wanted[i] = true;
        error = 0;
    }
    if (error != 0)
        error = unknown_failure(all, count, word, ret_error);
    free(word);
    return error;
}

int measure_plan_failures(const struct deployment *deployment, const char *wanted,
                          struct measure_failure **ret_failures, size_t *ret_count,
                          char **ret_error)
{
    size_t count;
    size_t kept = 0;
    struct measure_failure *all = all_failures(deployment, &count);
    bool *keep = memory_alloc(count * sizeof *keep);
    int error = 0;

    for (const char *at = wanted; error == 0 && *at;) {
        size_t size = strcspn(at, ",");
        error = want(all, count, at, size, keep, ret_error);
        at += size + (at[size] == ',');
    }
    for (size_t i = 0; i < count; i++)
        if (!*wanted || keep[i])
            all[kept++] = all[i];
    free(keep);
    if (error != 0) {
        free(all);
        return error;
    }
    *ret_failures = all;
    *ret_count = kept;
    return 0;
}

/* ---- times ---- */

/* By then a copy that hears nothing tells so (measure_answer.c), heartbeats and all. */
#define EARLY_US (1600 * MILLISECOND_US)
/* What asking may take. */
#define ROUND_US (2 * SECOND_US)
/* Behind the bound: a copy counts from when it has last heard. */
#define LATE_US     SECOND_US
#define LATE_US_MAX (60 * SECOND_US)

size_t measure_plan_rounds(const struct measure_failure *failure, const struct traffic_rules *rules,
                           uint64_t ret_since_us[MEASURE_ROUNDS_MAX])
{
    uint64_t bound_us = rules->revocation_bound_us;
    uint64_t late_us = bound_us + LATE_US;
    size_t count = 0;

    if (!failure->whole) {
        ret_since_us[0] = 0;
        return 1;
    }
    if (bound_us >= EARLY_US + ROUND_US)
        ret_since_us[count++] = EARLY_US;
    if (late_us <= LATE_US_MAX && late_us + ROUND_US <= rules->token_left_us)
        ret_since_us[count++] = late_us > EARLY_US ? late_us : EARLY_US;
    return count;
}

uint64_t measure_plan_arrival_us(const struct deployment *deployment)
{
    uint64_t longest_us = 0;

    for (size_t a = 0; a < deployment->region_count; a++)
        for (size_t b = 0; b < deployment->region_count; b++)
            if (deployment->between[a][b].latency_us > longest_us)
                longest_us = deployment->between[a][b].latency_us;
    return 2 * longest_us + 200 * MILLISECOND_US;
}

bool measure_plan_is_even(const struct traffic_rules *rules, uint64_t from_us, uint64_t until_us)
{
    const uint64_t edges_us[] = {rules->revocation_bound_us, rules->token_left_us};

    for (size_t i = 0; i < sizeof edges_us / sizeof edges_us[0]; i++)
        if (from_us <= edges_us[i] && until_us > edges_us[i])
            return false;
    return true;
}

struct traffic_state measure_plan_state(const struct measure_failure *failure, uint64_t since_us)
{
    struct traffic_state state = {.since_us = since_us};

    if (failure->whole)
        state.down = 1u << failure->region;
    else
        state.services_down[failure->region] = 1u << failure->service;
    return state;
}
