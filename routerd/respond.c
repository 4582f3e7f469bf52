#include "routerd/respond.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_AFTER_S 1u

static void answer_client(struct router *router, uint64_t request_id,
                          const struct http_answer *answer)
{
    struct router_action *action = core_act(router, ROUTER_ANSWER);
    action->request_id = request_id;
    action->answer = answer;
    int group = answer->status / 100;
    router->counters.by_status[group >= 1 && group <= 5 ? group : 0]++;
    router->counters.by_problem[answer->problem]++;
}

static struct http_answer *new_answer(struct router *router)
{
    struct http_answer *answer = arena_alloc(router->arena, sizeof(*answer));
    memset(answer, 0, sizeof(*answer));
    return answer;
}

static void set_problem(struct router *router, struct http_answer *answer, enum problem_id problem,
                        const char *traceparent)
{
    char *trace_id = arena_alloc(router->arena, 33);
    request_trace_id(traceparent, trace_id);
    answer->problem = problem;
    answer->instance = trace_id;
}

static uint32_t home_of(const struct router *router, const struct pending *pending)
{
    return pending->shard == POLICY_NONE ? POLICY_NONE : router->shards[pending->shard].home;
}

/* Would the choice have been another, had @region been well? */
static bool is_missed(const struct router *router, const struct pending *pending,
                      const struct policy_region *known, uint32_t region)
{
    if (region == pending->region)
        return false;
    if ((pending->tried >> region & 1u) != 0)
        return true;
    if (known[region].healthy && known[region].service_up)
        return false;
    if (pending->mode == MEC__CALL_MODE__ENQUEUE)
        return region == home_of(router, pending);
    bool anywhere = pending->class == ROUTE_READ || pending->class == ROUTE_LOCAL;
    return anywhere && known[region].round_trip_us < known[pending->region].round_trip_us;
}

/* "us-east is down", "us-east vault is down", "us-east may not hold vault", "us-east could not" */
static int word_missed(const struct policy_region *known, char *ret_text, size_t size)
{
    if (!known->healthy)
        return snprintf(ret_text, size, "%s is down", known->name);
    if (known->outside)
        return snprintf(ret_text, size, "%s may not hold %s", known->name, known->service_down);
    if (!known->service_up)
        return snprintf(ret_text, size, "%s %s is down", known->name, known->service_down);
    return snprintf(ret_text, size, "%s could not", known->name);
}

/* Mec-Route: who is asked and why, and who could not be. */
static void word_route(const struct router *router, const struct pending *pending, char *ret_text,
                       size_t size)
{
    struct policy_region copy[POLICY_REGIONS_MAX];
    const struct policy_region *known = vantage_known(pending->vantage, pending->route, copy);
    int used = snprintf(ret_text, size, "%s: %s", known[pending->region].name, pending->why);
    const char *joint = " (";
    for (uint32_t region = 0; region < router->config->n_regions; region++) {
        if (!is_missed(router, pending, known, region))
            continue;
        if ((size_t)used + 1 < size)
            used += snprintf(ret_text + used, size - (size_t)used, "%s", joint);
        if ((size_t)used + 1 < size)
            used += word_missed(&known[region], ret_text + used, size - (size_t)used);
        joint = ", ";
    }
    if (joint[0] == ',' && (size_t)used + 1 < size)
        (void)snprintf(ret_text + used, size - (size_t)used, ")");
}

/* The text is the same for every request until something changes, but for those that failed over,
 * those that are queued, which name the home, and those that need a service that is down somewhere.
 */
static const char *route_text(struct router *router, const struct pending *pending)
{
    struct vantage_region *seen = &pending->vantage->regions[pending->region];
    if (pending->tried != 0 || pending->mode == MEC__CALL_MODE__ENQUEUE ||
        pending->vantage->any_service_down) {
        char text[VANTAGE_ROUTE];
        word_route(router, pending, text, sizeof(text));
        return arena_text(router->arena, text);
    }
    if (seen->route_why != pending->why || seen->route_generation != pending->vantage->generation) {
        word_route(router, pending, seen->route, sizeof(seen->route));
        seen->route_why = pending->why;
        seen->route_generation = pending->vantage->generation;
    }
    return arena_text(router->arena, seen->route);
}

static const struct position *copy_position(struct router *router, const Mec__Position *from)
{
    if (from == NULL || from->shard[0] == '\0' || strlen(from->shard) >= SHARD_NAME_SIZE)
        return NULL;
    struct position *position = arena_alloc(router->arena, sizeof(*position));
    memset(position, 0, sizeof(*position));
    strcpy(position->shard, from->shard);
    position->epoch = from->epoch;
    position->seq = from->seq;
    return position;
}

/* Most sessions have seen one shard, and most of them have seen the same of it. */
static const char *print_single(struct router *router, const struct position *position)
{
    uint32_t index = core_shard_index(router, position->shard);
    if (index == POLICY_NONE) {
        char *text = arena_alloc(router->arena, POSITION_TEXT_SIZE);
        return position_print(position, text);
    }
    struct core_shard *shard = &router->shards[index];
    if (shard->text[0] == '\0' || shard->printed.epoch != position->epoch ||
        shard->printed.seq != position->seq) {
        shard->printed = *position;
        position_print(position, shard->text);
    }
    return arena_text(router->arena, shard->text);
}

static const char *bookmark_text(struct router *router, const struct bookmark *bookmark)
{
    size_t size = bookmark->count * POSITION_TEXT_SIZE + 1;
    if (bookmark->count == 0)
        return NULL;
    if (bookmark->count == 1)
        return print_single(router, &bookmark->positions[0]);
    char *text = arena_alloc(router->arena, size);
    int length = bookmark_print(bookmark, text, size);
    assert(length > 0);
    return text;
}

static void put_spans(const struct pending *pending, const Mec__Answer *from,
                      struct http_answer *answer)
{
    answer->spans[answer->span_count++] = (struct http_span){"wan", pending->wan_us};
    for (size_t index = 0; index < from->n_spans && answer->span_count < HTTP_SPANS_MAX; index++) {
        answer->spans[answer->span_count++] =
            (struct http_span){from->spans[index]->name, from->spans[index]->duration_us};
    }
}

/* Who asked is told about, and what they may send next. */
static void put_session(struct router *router, struct pending *pending, struct http_answer *answer)
{
    answer->bookmark = bookmark_text(router, &pending->bookmark);
    answer->set_cookie = pending->set_cookie && answer->bookmark != NULL;
    answer->traceparent = arena_text(router->arena, pending->traceparent);
    answer->head = pending->head;
}

static const char *text_or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static const char *home_name(const struct router *router, const struct pending *pending)
{
    uint32_t home = home_of(router, pending);
    return home == POLICY_NONE ? NULL : core_region_name(router, home);
}

static void put_content(struct router *router, const struct pending *pending,
                        const Mec__Answer *from, struct http_answer *answer)
{
    enum problem_id problem = problem_find(from->problem);
    bool status_is_sane = from->status >= 200 && from->status <= 599;
    answer->status = status_is_sane ? (int)from->status : 500;
    if (problem == PROBLEM_NONE && !status_is_sane)
        problem = PROBLEM_INTERNAL;
    if (problem != PROBLEM_NONE) {
        set_problem(router, answer, problem, pending->traceparent);
        answer->status = problem_get(problem)->status;
        answer->detail = text_or_null(from->detail);
    }
    answer->body = (struct slice){(const char *)from->body.data, from->body.len};
    answer->content_type = text_or_null(from->content_type);
    answer->version = from->version;
    answer->location = text_or_null(from->location);
    answer->retry_after_s = from->retry_after_s;
    answer->limit = (struct bucket_state){.quota = from->limit_quota,
                                          .window_s = from->limit_window_s,
                                          .remaining = from->limit_remaining,
                                          .reset_s = from->limit_reset_s};
    answer->not_modified = answer->status == 304;
}

/* Reads too: a session never goes backwards. A bookmark that is full stays as it is. */
static void advance_bookmark(struct router *router, struct pending *pending,
                             const Mec__Answer *from)
{
    const struct position *seen = copy_position(router, from->seen ? from->seen : from->position);

    if (seen != NULL && seen->seq > 0)
        (void)bookmark_advance(&pending->bookmark, seen);
}

void respond_answer(struct router *router, struct pending *pending, const Mec__Answer *from)
{
    struct http_answer *answer = new_answer(router);
    put_content(router, pending, from, answer);
    answer->region = core_region_name(router, pending->region);
    answer->home = text_or_null(from->home);
    if (answer->home == NULL)
        answer->home = home_name(router, pending);
    answer->served = from->served;
    answer->route = route_text(router, pending);
    answer->position = copy_position(router, from->position);
    advance_bookmark(router, pending, from);
    answer->staleness_shown = answer->position != NULL;
    answer->staleness_known = from->staleness_known;
    answer->staleness_us = from->staleness_us;
    put_spans(pending, from, answer);
    put_session(router, pending, answer);
    router->counters.duration_us += router->at.now_us - pending->since_us;
    answer_client(router, pending->request_id, answer);
}

void respond_refuse(struct router *router, struct pending *pending, enum problem_id problem,
                    const char *detail)
{
    struct http_answer *answer = new_answer(router);
    set_problem(router, answer, problem, pending->traceparent);
    answer->status = problem_get(problem)->status;
    answer->detail = detail;
    answer->home = home_name(router, pending);
    if (answer->status == 503 || answer->status == 504)
        answer->retry_after_s = RETRY_AFTER_S;
    if (pending->tries > 0)
        answer->spans[answer->span_count++] = (struct http_span){"wan", pending->wan_us};
    put_session(router, pending, answer);
    router->counters.duration_us += router->at.now_us - pending->since_us;
    answer_client(router, pending->request_id, answer);
}

void respond_early(struct router *router, uint64_t request_id, const struct request *request,
                   const struct request_refusal *refusal)
{
    struct http_answer *answer = new_answer(router);
    set_problem(router, answer, refusal->problem, request->traceparent);
    answer->status = problem_get(refusal->problem)->status;
    answer->detail = refusal->detail;
    answer->allow = refusal->allow;
    if (answer->status == 503)
        answer->retry_after_s = RETRY_AFTER_S;
    answer->traceparent = arena_text(router->arena, request->traceparent);
    answer->head = request->head;
    answer_client(router, request_id, answer);
}

static void answer_text(struct router *router, uint64_t request_id, const struct http_request *http,
                        int status, const char *content_type, const char *text)
{
    struct http_answer *answer = new_answer(router);
    answer->status = status;
    answer->content_type = content_type;
    answer->body = slice_of(text);
    answer->head = http->method == HTTP_HEAD;
    if (status == 503)
        answer->retry_after_s = RETRY_AFTER_S;
    answer_client(router, request_id, answer);
}

static void answer_wrong_method(struct router *router, uint64_t request_id)
{
    struct http_answer *answer = new_answer(router);
    answer->problem = PROBLEM_METHOD_NOT_ALLOWED;
    answer->status = problem_get(answer->problem)->status;
    answer->detail = "The Allow header lists what works here.";
    answer->allow = "GET, HEAD";
    answer_client(router, request_id, answer);
}

static void answer_metrics(struct router *router, uint64_t request_id,
                           const struct http_request *http)
{
    char *text = router_metrics(router, router->at);
    answer_text(router, request_id, http, 200, "text/plain; version=0.0.4; charset=utf-8",
                arena_text(router->arena, text));
    free(text);
}

void respond_limited(struct router *router, uint64_t request_id, bool head,
                     const struct bucket_state *limit)
{
    struct http_answer *answer = new_answer(router);
    answer->problem = PROBLEM_TOO_MANY;
    answer->status = problem_get(answer->problem)->status;
    answer->detail = "This address sends more requests than the world allows; slow down.";
    answer->retry_after_s = buckets_retry_s(limit);
    answer->limit = *limit;
    answer->head = head;
    answer_client(router, request_id, answer);
}

bool respond_own(struct router *router, uint64_t request_id, const struct http_request *http)
{
    static const char plain[] = "text/plain; charset=utf-8";
    bool health = slice_is(http->path, "/healthz");
    bool ready = slice_is(http->path, "/readyz");
    bool metrics = slice_is(http->path, "/metrics");
    if (!health && !ready && !metrics)
        return false;
    if (http->method != HTTP_GET && http->method != HTTP_HEAD)
        answer_wrong_method(router, request_id);
    else if (metrics)
        answer_metrics(router, request_id, http);
    else if (health || router->ready)
        answer_text(router, request_id, http, 200, plain, "ok\n");
    else
        answer_text(router, request_id, http, 503, plain, "not all regions are connected yet\n");
    return true;
}
