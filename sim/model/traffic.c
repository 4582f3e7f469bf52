#include "sim/model/traffic.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/moment.h"
#include "common/problem.h"
#include "common/residency.h"
#include "sim/model/traffic_internal.h"

const struct traffic_operation_row *traffic_operation(enum traffic_operation operation)
{
    static const struct traffic_operation_row rows[TRAFFIC_OPERATION_COUNT] = {
#define X(identifier, key, operation_, other, parts, what)                                         \
    {#key, what, MEC__OPERATION__##operation_, other},
        TRAFFIC_OPERATIONS(X)
#undef X
    };

    assert(operation < TRAFFIC_OPERATION_COUNT);
    return &rows[operation];
}

enum route_class traffic_class(enum traffic_operation operation)
{
    return routes_of(traffic_operation(operation)->operation)->class;
}

const char *traffic_kind_name(enum traffic_kind kind)
{
    static const char *const names[TRAFFIC_KIND_COUNT] = {
        [TRAFFIC_FINE] = "fine",     [TRAFFIC_SLOWER] = "slower",       [TRAFFIC_STALE] = "stale",
        [TRAFFIC_QUEUED] = "queued", [TRAFFIC_READ_ONLY] = "read-only", [TRAFFIC_FAILS] = "fails"};

    assert(kind < TRAFFIC_KIND_COUNT);
    return names[kind];
}

int traffic_mix(const struct params *params, size_t first, double ret_mix[TRAFFIC_OPERATION_COUNT],
                char **ret_error)
{
    double sum = 0;

    for (size_t each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
        sum += params_value(params, first + each);
    if (sum <= 0)
        return params_error(params, first, ret_error,
                            "all parts of the request mix are 0: at least one must be more");
    for (size_t each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
        ret_mix[each] = params_value(params, first + each) / sum;
    return 0;
}

/* ---- what is worked out once ---- */

static uint32_t services_outside(const Mec__Config *config, const char *region)
{
    uint32_t outside = 0;

    for (unsigned service = 0; service < PARTS_SERVICE_COUNT; service++) {
        if (!residency_allows(config, (enum parts_service)service, region))
            outside |= 1u << service;
    }
    return outside;
}

/* As the router has it: without emulated delays all regions would be equally near. */
static void take_nearness(struct traffic *traffic)
{
    const struct deployment *deployment = traffic->deployment;
    bool by_map = deployment->config->settings->no_wan;

    traffic->nearness_us = memory_alloc(deployment->geo_count * sizeof *traffic->nearness_us);
    for (size_t geo = 0; geo < deployment->geo_count; geo++) {
        for (size_t region = 0; region < deployment->region_count; region++)
            traffic->nearness_us[geo][region] =
                by_map ? geo_round_trip_us(&deployment->geos[geo].place, &deployment->place[region])
                       : deployment->geos[geo].round_trip_us[region];
    }
}

static void take_rules(struct traffic *traffic, const Mec__Settings *settings)
{
    traffic->rules = (struct traffic_rules){
        .queue_writes = settings->queue_writes,
        .revocation_bound_us = settings->revocation_bound_us,
        .bookmark_wait_us = settings->bookmark_wait_us,
        .token_left_us = settings->token_lifetime_s * SECOND_US / 2,
    };
}

static uint64_t *usual_of(const struct traffic *traffic, const struct traffic_question *question)
{
    size_t count = traffic->region_count;
    size_t place = question->geo * count + question->home;

    if (traffic_operation(question->operation)->has_other)
        place = place * count + question->other;
    return &traffic->usual_us[question->operation][place];
}

/* In a world in which nothing is broken; so it does not depend on the rules. */
static void take_usual_of(struct traffic_view *view, const struct traffic_question *question)
{
    struct traffic_end end;

    traffic_route(view, question, &end);
    *usual_of(view->traffic, question) = end.served ? end.way_us : UINT64_MAX;
}

static void take_usual(struct traffic *traffic, enum traffic_operation operation)
{
    static const struct traffic_state all_well;
    bool has_other = traffic_operation(operation)->has_other;
    size_t count = traffic->region_count;
    size_t others = has_other ? count : 1;
    struct traffic_question question = {.operation = operation};
    struct traffic_view view;

    traffic->usual_us[operation] =
        memory_alloc(traffic->deployment->geo_count * count * others * sizeof(uint64_t));
    for (question.geo = 0; question.geo < traffic->deployment->geo_count; question.geo++) {
        traffic_view_init(&view, traffic, &all_well, question.geo);
        for (question.home = 0; question.home < count; question.home++) {
            for (question.other = 0; question.other < others; question.other++)
                take_usual_of(&view, &question);
        }
    }
}

struct traffic *traffic_create(const struct deployment *deployment)
{
    struct traffic *traffic = memory_alloc(sizeof *traffic);

    assert(deployment->region_count > 0);
    assert(deployment->region_count <= POLICY_REGIONS_MAX);
    traffic->deployment = deployment;
    traffic->region_count = (uint32_t)deployment->region_count;
    take_rules(traffic, deployment->config->settings);
    for (unsigned each = 0; each < TRAFFIC_OPERATION_COUNT; each++) {
        Mec__Operation operation = traffic_operation((enum traffic_operation)each)->operation;

        traffic->routes[each] = routes_of(operation);
        traffic->services[each] = parts_service_of(operation);
    }
    for (size_t region = 0; region < deployment->region_count; region++)
        traffic->outside[region] = services_outside(deployment->config, deployment->region[region]);
    take_nearness(traffic);
    for (unsigned each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
        take_usual(traffic, (enum traffic_operation)each);
    return traffic;
}

void traffic_free(struct traffic *traffic)
{
    if (!traffic)
        return;
    for (unsigned each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
        free(traffic->usual_us[each]);
    free(traffic->nearness_us);
    free(traffic);
}

const struct deployment *traffic_deployment(const struct traffic *traffic)
{
    return traffic->deployment;
}

struct traffic_rules *traffic_rules(struct traffic *traffic)
{
    return &traffic->rules;
}

const struct traffic_rules *traffic_rules_of(const struct traffic *traffic)
{
    return &traffic->rules;
}

/* ---- deciding ---- */

/* May a user of @home still get a token, once the one that they have has run out? Who is turned
 * away by an overloaded region will be let in another time. */
static bool can_renew(const struct traffic_view *view, uint32_t home)
{
    static const enum traffic_operation ways[] = {TRAFFIC_TOKEN_REFRESH, TRAFFIC_LOG_IN};
    struct traffic_question renewal = {.geo = view->geo, .home = home};
    struct traffic_state state = *view->state;
    struct traffic_view calm;
    struct traffic_end end;

    state.overloaded = 0;
    traffic_view_init(&calm, view->traffic, &state, view->geo);
    for (size_t way = 0; way < sizeof ways / sizeof ways[0]; way++) {
        renewal.operation = ways[way];
        traffic_route(&calm, &renewal, &end);
        if (end.served)
            return true;
    }
    return false;
}

static bool token_has_run_out(struct traffic_view *view, const struct traffic_question *question)
{
    const struct traffic *traffic = view->traffic;

    if (!traffic->routes[question->operation]->needs_token ||
        view->state->since_us <= traffic->rules.token_left_us)
        return false;
    if (view->renewal[question->home] == TRAFFIC_RENEWAL_UNKNOWN)
        view->renewal[question->home] =
            can_renew(view, question->home) ? TRAFFIC_RENEWED : TRAFFIC_NOT_RENEWED;
    return view->renewal[question->home] == TRAFFIC_NOT_RENEWED;
}

static enum traffic_kind kind_of(const struct traffic_end *end, uint64_t usual_us)
{
    if (end->queued)
        return TRAFFIC_QUEUED;
    if (!end->served)
        return end->problem == PROBLEM_READ_ONLY ? TRAFFIC_READ_ONLY : TRAFFIC_FAILS;
    if (end->stale)
        return TRAFFIC_STALE;
    return end->way_us > usual_us ? TRAFFIC_SLOWER : TRAFFIC_FINE;
}

void traffic_view_decide(struct traffic_view *view, const struct traffic_question *question,
                         struct traffic_outcome *ret_outcome)
{
    uint64_t usual_us = *usual_of(view->traffic, question);
    struct traffic_end end;

    assert(question->geo == view->geo);
    assert(question->home < view->traffic->region_count);
    assert(question->other < view->traffic->region_count);
    traffic_route(view, question, &end);
    /* Whichever region gets it looks at the token before anything else. */
    if ((end.served || end.queued) && token_has_run_out(view, question)) {
        end.served = false;
        end.queued = false;
        end.problem = PROBLEM_UNAUTHENTICATED;
        end.why = "its token has run out, and only the home may renew it";
    }
    *ret_outcome = (struct traffic_outcome){
        .kind = kind_of(&end, usual_us),
        .region = end.region,
        .tries = end.tries,
        .asked = end.asked,
        .round_trip_us = end.way_us,
        .usual_us = usual_us,
        .problem = end.problem,
        .why = end.why,
    };
}

void traffic_decide(const struct traffic *traffic, const struct traffic_state *state,
                    const struct traffic_question *question, struct traffic_outcome *ret_outcome)
{
    struct traffic_view view;

    assert(question->geo < traffic->deployment->geo_count);
    traffic_view_init(&view, traffic, state, question->geo);
    traffic_view_decide(&view, question, ret_outcome);
}
