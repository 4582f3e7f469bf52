#include "routerd/explain.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/plant.h"
#include "routerd/deciding.h"
#include "routerd/due.h"

#define TEXT_SIZE 8192u
#define USER_MAX  128u

static void explained(struct router *router, uint64_t explain_id, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    struct router_action *action = core_act(router, ROUTER_EXPLAINED);
    action->explain_id = explain_id;
    action->text = arena_text(router->arena, text);
    free(text);
    json_decref(object);
}

static void explained_error(struct router *router, uint64_t explain_id, const char *error)
{
    explained(router, explain_id, json_pack("{s:s, s:s}", "text", error, "error", error));
}

static bool read_method(const char *text, enum http_method *ret_method)
{
    for (int method = HTTP_GET; method < HTTP_OTHER; method++) {
        if (strcmp(http_method_name((enum http_method)method), text) == 0) {
            *ret_method = (enum http_method)method;
            return true;
        }
    }
    return false;
}

static bool read_consistency(const char *text, Mec__Consistency *ret_consistency)
{
    if (text[0] == '\0' || strcmp(text, "session") == 0)
        *ret_consistency = MEC__CONSISTENCY__SESSION;
    else if (strcmp(text, "strong") == 0)
        *ret_consistency = MEC__CONSISTENCY__STRONG;
    else if (strcmp(text, "stale-ok") == 0)
        *ret_consistency = MEC__CONSISTENCY__STALE_OK;
    else
        return false;
    return true;
}

/* Everything that an explanation is made from. */
struct subject {
    const struct route *route;
    struct route_parts parts;
    struct vantage *vantage;
    struct policy_question question;
    struct policy_region known[POLICY_REGIONS_MAX];
    uint32_t shard;
    const char *user; /* the id; NULL: not known */
};

static const char *read_route(const Mec__ExplainAsk *ask, struct subject *subject)
{
    enum http_method method;
    struct slice path = slice_of(ask->path);
    const char *query = strchr(ask->path, '?');
    if (query != NULL)
        path.size = (size_t)(query - ask->path);
    if (!read_method(ask->method, &method))
        return "The method is one of GET, HEAD, PUT, POST, DELETE.";
    if (routes_find(method, path, &subject->route, &subject->parts) != 0)
        return "There is no such call; see the paths in the manual.";
    if (!read_consistency(ask->consistency, &subject->question.consistency))
        return "The consistency is session, strong or stale-ok.";
    subject->question.consistency =
        request_consistency(subject->route, subject->question.consistency);
    return NULL;
}

/* Returns what is wrong, or NULL. */
static const char *read_subject(struct router *router, const Mec__ExplainAsk *ask,
                                struct subject *subject)
{
    const Mec__Config *config = router->config;
    const char *geo = ask->geo;
    const char *wrong = read_route(ask, subject);
    if (wrong != NULL)
        return wrong;
    if (geo[0] == '\0')
        geo = config->regions[config->settings->default_geo_index]->name;
    if (strlen(geo) >= REQUEST_GEO_SIZE ||
        vantages_find(router->vantages, slice_of(geo), router->at.now_us, &subject->vantage) != 0)
        return "The geo tag is no place that is known: a region, a city, or lat,lon.";
    return NULL;
}

static void fill_question(struct router *router, struct subject *subject)
{
    struct policy_question *question = &subject->question;
    question->class = subject->route->class;
    if (subject->route->operation == MEC__OPERATION__TOKEN_CREATE)
        question->class = ROUTE_LOCAL;
    question->home = POLICY_NONE;
    question->forced = POLICY_NONE;
    question->queued_at = POLICY_NONE;
    question->enqueuing_at = POLICY_NONE;
    question->queue_writes = router->config->settings->queue_writes;
    question->regions = vantage_known(subject->vantage, subject->route, subject->known);
    question->region_count = router->config->n_regions;
    if (subject->shard != POLICY_NONE)
        question->home = router->shards[subject->shard].home;
    if (question->class == ROUTE_WRITE && subject->shard != POLICY_NONE && subject->user != NULL)
        deciding_queue(router, subject->shard, subject->user, subject->route->service, question);
    if (PLANTED(UNEXPLAINED_QUEUE))
        question->queued_at = POLICY_NONE;
    if (question->class == ROUTE_RECEIPT) {
        struct slice receipt = subject->parts.first;
        const char *dot = memchr(receipt.data, '.', receipt.size);
        size_t size = dot ? (size_t)(dot - receipt.data) : 0;
        question->home = core_region_index(router, (struct slice){receipt.data, size});
    }
}

/* An account's home will be near who signs up. */
static void home_of_newcomer(struct subject *subject)
{
    struct policy_question anywhere = subject->question;
    anywhere.class = ROUTE_LOCAL;
    struct policy_decision nearest = policy_decide(&anywhere);
    if (nearest.verdict == POLICY_ASK)
        subject->question.home = nearest.region;
}

static json_t *regions_json(const struct router *router, const struct subject *subject)
{
    json_t *list = json_array();
    for (uint32_t region = 0; region < router->config->n_regions; region++) {
        const struct vantage_region *seen = &subject->vantage->regions[region];
        const struct policy_region *known = &subject->question.regions[region];
        json_array_append_new(list,
                              json_pack("{s:s, s:f, s:s, s:b}", "name", known->name,
                                        "round_trip_ms", (double)known->round_trip_us / 1000.0,
                                        "state", health_state_name(seen->health.state), "usable",
                                        known->healthy && known->service_up));
    }
    return list;
}

static const char *mode_name(const struct policy_decision *decision)
{
    if (decision->verdict == POLICY_REFUSE)
        return "refuse";
    return decision->mode == MEC__CALL_MODE__ENQUEUE ? "queue" : "serve";
}

static void explain(struct router *router, uint64_t explain_id, struct subject *subject)
{
    char text[TEXT_SIZE];
    fill_question(router, subject);
    if (subject->route->operation == MEC__OPERATION__USER_CREATE)
        home_of_newcomer(subject);
    struct policy_decision decision = policy_decide(&subject->question);
    policy_explain(&subject->question, &decision, text, sizeof(text));
    bool asks = decision.verdict == POLICY_ASK;
    explained(router, explain_id,
              json_pack("{s:s, s:s?, s:s, s:s?, s:s, s:s, s:s?, s:o}", "text", text, "region",
                        asks ? core_region_name(router, decision.region) : NULL, "mode",
                        mode_name(&decision), "problem",
                        asks ? NULL : problem_get((enum problem_id)decision.problem)->type, "why",
                        decision.why, "geo", subject->vantage->geo, "home",
                        subject->question.home == POLICY_NONE
                            ? NULL
                            : core_region_name(router, subject->question.home),
                        "regions", regions_json(router, subject)));
}

/* Looking up a user. */

static struct core_lookup *free_lookup(struct router *router)
{
    for (size_t index = 0; index < CORE_LOOKUPS_MAX; index++) {
        if (!router->lookups[index].present)
            return &router->lookups[index];
    }
    return NULL;
}

static void finish(struct router *router, struct core_lookup *lookup)
{
    deadlines_clear(&router->deadlines, &lookup->deadline);
    free(lookup->ask);
    lookup->ask = NULL;
    lookup->present = false;
}

static void fail(struct router *router, struct core_lookup *lookup, const char *error)
{
    explained_error(router, lookup->explain_id, error);
    finish(router, lookup);
}

static void send_lookup(struct router *router, struct core_lookup *lookup,
                        const Mec__ExplainAsk *ask)
{
    Mec__Call call = MEC__CALL__INIT;
    char traceparent[IDENTS_TRACEPARENT_SIZE];
    idents_traceparent(&router->idents, traceparent);
    call.operation = MEC__OPERATION__NAME_LOOKUP;
    call.key = ask->user;
    call.traceparent = traceparent;
    call.budget_us = router->config->settings->request_timeout_us;
    core_send_message(router, lookup->region, FRAME_CALL, lookup->call_id, &call.base);
    deadlines_set(&router->deadlines, &lookup->deadline, router->at.now_us + call.budget_us);
}

static void look_up(struct router *router, uint64_t explain_id, const Mec__ExplainAsk *ask,
                    const struct subject *subject)
{
    struct policy_region copy[POLICY_REGIONS_MAX];
    struct policy_question anywhere = {
        .class = ROUTE_LOCAL,
        .home = POLICY_NONE,
        .forced = POLICY_NONE,
        .queued_at = POLICY_NONE,
        .enqueuing_at = POLICY_NONE,
        .regions = vantage_known(subject->vantage, routes_of(MEC__OPERATION__TOKEN_CREATE), copy),
        .region_count = router->config->n_regions,
    };
    struct policy_decision nearest = policy_decide(&anywhere);
    struct core_lookup *lookup = free_lookup(router);
    if (nearest.verdict == POLICY_REFUSE || lookup == NULL) {
        explained_error(router, explain_id,
                        lookup == NULL ? "Too many explanations are under way; try again."
                                       : "No region is reachable to look the user up.");
        return;
    }
    lookup->present = true;
    lookup->explain_id = explain_id;
    lookup->call_id = CORE_ID_LOOKUP | ++router->serial;
    lookup->region = nearest.region;
    lookup->ask_size = mec__explain_ask__get_packed_size(ask);
    lookup->ask = memory_alloc(lookup->ask_size + 1);
    mec__explain_ask__pack(ask, lookup->ask);
    lookup->deadline.kind = DUE_LOOKUP;
    lookup->deadline.owner = lookup;
    send_lookup(router, lookup, ask);
}

void explain_start(struct router *router, uint64_t explain_id, const Mec__ExplainAsk *ask)
{
    struct subject subject = {.shard = POLICY_NONE};
    const char *wrong = read_subject(router, ask, &subject);
    if (wrong == NULL && strlen(ask->user) > USER_MAX)
        wrong = "A user name has at most 128 bytes.";
    if (wrong != NULL)
        explained_error(router, explain_id, wrong);
    else if (ask->user[0] != '\0')
        look_up(router, explain_id, ask, &subject);
    else
        explain(router, explain_id, &subject);
}

/* Go on with the user's id and shard, once a region has named them. */
static void explain_for_user(struct router *router, struct core_lookup *lookup, const char *user,
                             const char *shard)
{
    struct subject subject = {.shard = core_shard_index(router, shard), .user = user};
    Mec__ExplainAsk *ask =
        mec__explain_ask__unpack(arena_allocator(router->arena), lookup->ask_size, lookup->ask);
    const char *wrong = read_subject(router, ask, &subject);
    if (wrong != NULL)
        explained_error(router, lookup->explain_id, wrong);
    else
        explain(router, lookup->explain_id, &subject);
    finish(router, lookup);
}

static void take_answer(struct router *router, struct core_lookup *lookup,
                        const Mec__Answer *answer)
{
    if (answer->verdict != MEC__VERDICT__FINAL ||
        (answer->status != 200 && answer->status != 404)) {
        fail(router, lookup, "The user's home could not be looked up; try again.");
        return;
    }
    if (answer->status == 404) {
        fail(router, lookup, "There is no user of that name.");
        return;
    }
    json_t *body = json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL);
    const char *user = json_string_value(json_object_get(body, "user"));
    const char *shard = json_string_value(json_object_get(body, "shard"));
    if (user == NULL || shard == NULL)
        fail(router, lookup, "The region's answer to the look-up cannot be read.");
    else
        explain_for_user(router, lookup, user, shard);
    json_decref(body);
}

void explain_returned(struct router *router, uint32_t region, const struct frame *frame)
{
    for (size_t index = 0; index < CORE_LOOKUPS_MAX; index++) {
        struct core_lookup *lookup = &router->lookups[index];
        if (!lookup->present || lookup->call_id != frame->id || lookup->region != region)
            continue;
        Mec__Answer *answer =
            mec__answer__unpack(arena_allocator(router->arena), frame->body_size, frame->body);
        if (answer == NULL) {
            core_close(router, region, "an answer cannot be read");
            fail(router, lookup, "The region's answer to the look-up cannot be read.");
            return;
        }
        take_answer(router, lookup, answer);
        return;
    }
}

void explain_timed_out(struct router *router, struct core_lookup *lookup)
{
    fail(router, lookup, "The region did not answer the look-up of the user in time.");
}

void explain_region_lost(struct router *router, uint32_t region)
{
    for (size_t index = 0; index < CORE_LOOKUPS_MAX; index++) {
        struct core_lookup *lookup = &router->lookups[index];
        if (lookup->present && lookup->region == region)
            fail(router, lookup, "The region was lost while it looked the user up; try again.");
    }
}
