#include "routerd/asking.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/plant.h"
#include "common/reach.h"
#include "routerd/deciding.h"
#include "routerd/probing.h"
#include "routerd/respond.h"
#include "routerd/returned.h"

static bool may_write(const struct pending *pending)
{
    return pending->class == ROUTE_WRITE || pending->class == ROUTE_SENSITIVE;
}

/* While a write is on its way into a queue, the user's other ones follow it. */
static void begin_enqueuing(struct router *router, struct pending *pending)
{
    pending->enqueuing = pending->mode == MEC__CALL_MODE__ENQUEUE &&
                         marks_begin(router->marks, pending->region, pending->shard, pending->user,
                                     pending->route->service);
}

static void end_enqueuing(struct router *router, struct pending *pending)
{
    if (pending->enqueuing)
        marks_end(router->marks, pending->region, pending->user, pending->route->service);
    pending->enqueuing = false;
}

static void finish(struct router *router, struct pending *pending)
{
    end_enqueuing(router, pending);
    deadlines_clear(&router->deadlines, &pending->deadline);
    pending->vantage->in_flight--;
    pendings_remove(router->pendings, pending);
}

static void refuse(struct router *router, struct pending *pending, enum problem_id problem,
                   const char *detail)
{
    if (!pending->client_gone)
        respond_refuse(router, pending, problem, detail);
    finish(router, pending);
}

static bool is_out_of_tries(const struct pending *pending)
{
    return !may_write(pending) && pending->tries >= POLICY_READ_TRIES_MAX;
}

static enum problem_id problem_of_tries(const struct pending *pending)
{
    return pending->unserved != 0 ? PROBLEM_SERVICE_UNAVAILABLE : PROBLEM_NO_REGION;
}

/* What a client is told depends on how the tries have ended, too. */
static enum problem_id problem_after_tries(const struct pending *pending, enum problem_id problem)
{
    if (may_write(pending))
        return problem;
    if (pending->behind && pending->consistency != MEC__CONSISTENCY__STRONG) {
        reach(TOLD_BEHIND);
        return PROBLEM_BEHIND;
    }
    if (!pending->timed_out)
        return problem;
    reach(TOLD_READ_TIMEOUT);
    return PROBLEM_READ_TIMEOUT;
}

static uint64_t wait_us(const struct router *router, const struct pending *pending)
{
    bool waits = pending->class == ROUTE_READ && pending->bookmark.count > 0;
    return waits ? router->config->settings->bookmark_wait_us : 0;
}

/* Keep the packed call for another try, and make a frame of it for this one. */
static void pack(struct pending *pending, const Mec__Call *call, struct wan_message *message)
{
    size_t size = mec__call__get_packed_size(call);
    if (size > pending->call_capacity) {
        free(pending->call);
        pending->call_capacity = size < 512 ? 512 : size;
        pending->call = memory_alloc(pending->call_capacity);
    }
    pending->call_size = mec__call__pack(call, pending->call);
    message->size = FRAME_HEADER_SIZE + size;
    message->bytes = memory_grow(NULL, message->size);
    frame_header(FRAME_CALL, pending->call_id, size, message->bytes);
    memcpy(message->bytes + FRAME_HEADER_SIZE, pending->call, size);
}

/* A reset is a closed connection, as seen from there. */
static void link_was_reset(struct router *router, struct vantage_region *seen)
{
    reach(TRY_RESET);
    if (vantage_signal(router->vantages, seen, HEALTH_CLOSED, router->at.now_us))
        probing_log_lost(router, seen, "its link was reset");
}

/* Returns false when the link refused: nothing was sent. */
static bool send_try(struct router *router, struct pending *pending, Mec__Call *call,
                     const struct policy_decision *decision)
{
    struct vantage_region *seen = &pending->vantage->regions[decision->region];
    const Mec__Settings *settings = router->config->settings;
    pendings_begin_try(router->pendings, pending);
    pending->region = decision->region;
    pending->mode = decision->mode;
    pending->why = decision->why;
    pending->handed = false;
    pending->wan_us = 0;
    pending->asked_us = router->at.now_us;

    call->mode = decision->mode;
    call->maybe_written =
        decision->mode == MEC__CALL_MODE__ENQUEUE && (pending->maybe_written || pending->has_key);
    call->shard = (char *)(pending->shard == POLICY_NONE ? protobuf_c_empty_string
                                                         : router->shard_names[pending->shard]);
    call->wait_us = wait_us(router, pending);
    call->budget_us = settings->request_timeout_us + call->wait_us;

    struct wan_message message = {
        .direction = WAN_OUT, .peer = pending->region, .kind = FRAME_CALL, .id = pending->call_id};
    pack(pending, call, &message);
    if (wan_send(router->wan, seen->to_region, &message, router->at.now_us) == LINK_RESET) {
        free(message.bytes);
        pending->call_id = 0;
        link_was_reset(router, seen);
        return false;
    }
    deadlines_set(&router->deadlines, &pending->deadline,
                  router->at.now_us + seen->round_trip_us + call->budget_us);
    begin_enqueuing(router, pending);
    return true;
}

static void ask(struct router *router, struct pending *pending, Mec__Call *call)
{
    for (;;) {
        struct policy_decision decision = deciding_decide(router, pending);
        if (decision.verdict == POLICY_REFUSE || is_out_of_tries(pending)) {
            if (decision.verdict != POLICY_REFUSE)
                reach(OUT_OF_TRIES);
            enum problem_id problem = decision.verdict == POLICY_REFUSE
                                          ? (enum problem_id)decision.problem
                                          : problem_of_tries(pending);
            refuse(router, pending, problem_after_tries(pending, problem),
                   decision.verdict == POLICY_REFUSE ? deciding_why(router, pending, &decision)
                                                     : "several regions were asked in vain");
            return;
        }
        if (send_try(router, pending, call, &decision))
            return;
        pending->tried |= 1u << decision.region;
        router->counters.failovers++;
    }
}

/* The try has failed. @surely_not_written: the region has said so. */
static void try_again(struct router *router, struct pending *pending, bool surely_not_written)
{
    end_enqueuing(router, pending);
    deadlines_clear(&router->deadlines, &pending->deadline);
    if (may_write(pending) && pending->handed && !surely_not_written &&
        !PLANTED(UNKNOWN_AS_FAILED)) {
        reach(MAYBE_WRITTEN);
        pending->maybe_written = true;
    }
    pending->tried |= 1u << pending->region;
    pending->call_id = 0;
    if (pending->client_gone && !may_write(pending)) {
        finish(router, pending);
        return;
    }
    if (pending->class == ROUTE_READ)
        reach(READ_TRIED_AGAIN);
    Mec__Call *call =
        mec__call__unpack(arena_allocator(router->arena), pending->call_size, pending->call);
    assert(call != NULL);
    router->counters.failovers++;
    ask(router, pending, call);
}

/* Starting. */

/* Whose data it is, by the token's own word. The region will check it; one that cannot be read goes
 * to any region, which says what is wrong with it, so that denials look and are recorded alike. */
static void take_token(struct router *router, struct pending *pending,
                       const struct request *request)
{
    if (pending->class == ROUTE_LOCAL || request->token.data == NULL)
        return;
    const struct hint *hint = hints_find(router->hints, request->token);
    uint32_t shard = hint->error == 0 ? core_shard_index(router, hint->shard) : POLICY_NONE;
    if (shard == POLICY_NONE) {
        if (pending->route->needs_token && pending->class != ROUTE_RECEIPT)
            pending->class = ROUTE_LOCAL;
        return;
    }
    pending->shard = shard;
    if (pending->class == ROUTE_WRITE)
        memcpy(pending->user, hint->user, sizeof(pending->user));
}

static void take_class(struct pending *pending)
{
    pending->class = pending->route->class;
    /* A log-in names no shard. Any region finds the home by the name and passes it on. */
    if (pending->route->operation == MEC__OPERATION__TOKEN_CREATE)
        pending->class = ROUTE_LOCAL;
}

/* Bookmarks are large and mostly short. */
static void copy_bookmark(const struct bookmark *from, struct bookmark *ret_to)
{
    memcpy(ret_to->positions, from->positions, from->count * sizeof(from->positions[0]));
    ret_to->count = from->count;
}

static void fill(struct router *router, struct pending *pending, struct vantage *vantage,
                 struct request *request)
{
    pending->vantage = vantage;
    vantage->in_flight++;
    pending->route = request->route;
    pending->shard = POLICY_NONE;
    pending->home = POLICY_NONE;
    pending->forced = POLICY_NONE;
    pending->consistency = request->call.consistency;
    pending->head = request->head;
    pending->set_cookie = request->has_cookie;
    pending->has_key = request->has_key;
    pending->since_us = router->at.now_us;
    memcpy(pending->traceparent, request->traceparent, sizeof(pending->traceparent));
    copy_bookmark(&request->bookmark, &pending->bookmark);
    take_class(pending);
    take_token(router, pending, request);
    request->call.geo = vantage->geo;
    request->call.traceparent = pending->traceparent;
}

/* Regions that the request names itself. */
static bool name_regions(const struct router *router, const struct request *request,
                         uint32_t *ret_forced, uint32_t *ret_home,
                         struct request_refusal *ret_refusal)
{
    *ret_forced = POLICY_NONE;
    *ret_home = POLICY_NONE;
    if (request->forced.data != NULL) {
        *ret_forced = core_region_index(router, request->forced);
        if (*ret_forced == POLICY_NONE) {
            ret_refusal->problem = PROBLEM_BAD_REQUEST;
            ret_refusal->detail = "Mec-Force-Region names no region of this world.";
            return false;
        }
    }
    if (request->accepted.data != NULL) {
        *ret_home = core_region_index(router, request->accepted);
        if (*ret_home == POLICY_NONE) {
            ret_refusal->problem = PROBLEM_NOT_FOUND;
            ret_refusal->detail = "There is no such receipt.";
            return false;
        }
    }
    return true;
}

static bool find_vantage(struct router *router, const struct request *request,
                         struct vantage **ret_vantage, struct request_refusal *ret_refusal)
{
    const Mec__Config *config = router->config;
    struct slice geo = request->geo;
    if (geo.data == NULL)
        geo = slice_of(config->regions[config->settings->default_geo_index]->name);
    int error = vantages_find(router->vantages, geo, router->at.now_us, ret_vantage);
    if (error == -EBUSY) {
        ret_refusal->problem = PROBLEM_OVERLOADED;
        ret_refusal->detail = "Clients are in too many places at once.";
    } else if (error != 0) {
        ret_refusal->problem = PROBLEM_BAD_GEO;
        ret_refusal->detail = "Mec-Geo is a region, a city, or lat,lon in degrees.";
    }
    return error == 0;
}

void asking_start(struct router *router, uint64_t request_id, const struct http_request *http)
{
    struct request request;
    struct request_refusal refusal;
    struct vantage *vantage;
    struct pending *pending;
    uint32_t forced;
    uint32_t home;

    request_read(http, &router->idents, router->arena, &request, &refusal);
    if (refusal.problem != PROBLEM_NONE ||
        !name_regions(router, &request, &forced, &home, &refusal) ||
        !find_vantage(router, &request, &vantage, &refusal)) {
        respond_early(router, request_id, &request, &refusal);
        return;
    }
    pending = pendings_add(router->pendings, request_id);
    if (pending == NULL) {
        refusal.problem = PROBLEM_OVERLOADED;
        refusal.detail = "Too many requests are in flight.";
        respond_early(router, request_id, &request, &refusal);
        return;
    }
    fill(router, pending, vantage, &request);
    pending->forced = forced;
    pending->home = home;
    ask(router, pending, &request.call);
}

void asking_client_gone(struct router *router, uint64_t request_id)
{
    struct pending *pending = pendings_find_request(router->pendings, request_id);
    if (pending == NULL)
        return;
    router->counters.clients_gone++;
    if (may_write(pending)) {
        reach(WRITER_GONE);
        pending->client_gone = true;
    } else {
        reach(READER_GONE);
        finish(router, pending);
    }
}

/* Under way. */

void asking_deliver(struct router *router, const struct wan_message *message)
{
    struct pending *pending = pendings_find(router->pendings, message->id);
    if (pending == NULL) {
        /* Given up while a cut held it: what is not handed over has surely had no effect. */
        reach(TRY_NEVER_HANDED_OVER);
        free(message->bytes);
        return;
    }
    pending->handed = true;
    pending->arrived_us = message->arrival_us;
    pending->wan_us = message->arrival_us - pending->asked_us;
    core_send(router, message->peer, message->bytes, message->size);
}

void asking_returned(struct router *router, uint32_t region, const struct frame *frame)
{
    uint64_t service_us;
    if (returned_service_us(frame->body, frame->body_size, &service_us) != 0) {
        core_close(router, region, "an answer cannot be read");
        return;
    }
    struct pending *pending = pendings_find(router->pendings, frame->id);
    if (pending == NULL || pending->region != region || !pending->handed) {
        reach(TRY_ANSWERED_TOO_LATE);
        return;
    }
    /* Had the region got the call on time, this is when its answer would have left. */
    uint64_t now_us = router->at.now_us;
    uint64_t spare_us = now_us > pending->arrived_us ? now_us - pending->arrived_us : 0;
    uint64_t left_us = service_us < spare_us ? pending->arrived_us + service_us : now_us;
    uint64_t lead_us = router->config->settings->answer_lead_us;
    left_us -= lead_us < left_us ? lead_us : left_us;
    struct vantage_region *seen = &pending->vantage->regions[region];
    struct wan_message message = {
        .direction = WAN_IN,
        .peer = region,
        .kind = FRAME_ANSWER,
        .id = frame->id,
        .bytes = memory_copy(frame->body, frame->body_size),
        .size = frame->body_size,
        .context = NULL,
    };
    pending->left_us = left_us;
    if (wan_send(router->wan, seen->to_client, &message, left_us) == LINK_RESET) {
        free(message.bytes);
        link_was_reset(router, seen);
        try_again(router, pending, false);
    }
}

/* Coming back. */

/* A refusal ends only its own try: an earlier one may still have its effect, so the client must not
 * be told that the write has failed. */
static bool hides_an_effect(const struct pending *pending, const Mec__Answer *answer)
{
    return pending->maybe_written && answer->problem[0] != '\0';
}

static void finish_answered(struct router *router, struct pending *pending,
                            const Mec__Answer *answer)
{
    if (hides_an_effect(pending, answer)) {
        reach(REFUSAL_WITHHELD);
        refuse(router, pending, PROBLEM_FATE_UNKNOWN,
               "a try has an unknown fate, and the next one was refused");
        return;
    }
    if (pending->mode == MEC__CALL_MODE__ENQUEUE && answer->queue_seq != 0) {
        reach(WRITE_QUEUED);
        router->counters.queued++;
        marks_note(router->marks, pending->region, pending->shard, pending->user,
                   pending->route->service, answer->queue_seq);
    }
    if (!pending->client_gone)
        respond_answer(router, pending, answer);
    finish(router, pending);
}

static void not_home(struct router *router, struct pending *pending)
{
    uint32_t home =
        pending->shard == POLICY_NONE ? POLICY_NONE : router->shards[pending->shard].home;
    if (pending->redirected || home == POLICY_NONE || home == pending->region) {
        reach(HOME_IS_MOVING);
        refuse(router, pending,
               pending->maybe_written ? PROBLEM_FATE_UNKNOWN : PROBLEM_HOME_UNAVAILABLE,
               "the home is moving");
        return;
    }
    reach(REDIRECTED_HOME);
    pending->redirected = true;
    try_again(router, pending, true);
}

void asking_answered(struct router *router, const struct wan_message *message)
{
    struct pending *pending = pendings_find(router->pendings, message->id);
    if (pending == NULL)
        return;
    Mec__Answer *answer =
        mec__answer__unpack(arena_allocator(router->arena), message->size, message->bytes);
    if (answer == NULL) {
        core_close(router, message->peer, "an answer cannot be read");
        try_again(router, pending, false);
        return;
    }
    struct vantage_region *seen = &pending->vantage->regions[pending->region];
    seen->heard_us = router->at.now_us;
    (void)vantage_signal(router->vantages, seen, HEALTH_REQUEST_PASSED, router->at.now_us);
    pending->wan_us += message->arrival_us - pending->left_us;
    switch (answer->verdict) {
    case MEC__VERDICT__BEHIND:
        reach(BEHIND_THERE);
        pending->behind = true;
        try_again(router, pending, true);
        return;
    case MEC__VERDICT__NOT_HOME:
        not_home(router, pending);
        return;
    case MEC__VERDICT__NOT_SERVING:
        reach(NOT_SERVING_THERE);
        if (problem_find(answer->problem) == PROBLEM_SERVICE_UNAVAILABLE)
            pending->unserved |= 1u << pending->region;
        try_again(router, pending, true);
        return;
    default:
        finish_answered(router, pending, answer);
    }
}

/* Failing. */

/* A sign-up or a log-in may be waiting for a third region: its silence says nothing of the one that
 * was asked, and users of that one must not suffer for it. */
static bool speaks_for_region(const struct pending *pending)
{
    return pending->route->operation != MEC__OPERATION__USER_CREATE &&
           pending->route->operation != MEC__OPERATION__TOKEN_CREATE;
}

void asking_timed_out(struct router *router, struct pending *pending)
{
    struct vantage_region *seen = &pending->vantage->regions[pending->region];
    reach(TRY_TIMED_OUT);
    pending->timed_out = true;
    if (speaks_for_region(pending) &&
        vantage_signal(router->vantages, seen, HEALTH_REQUEST_FAILED, router->at.now_us))
        probing_log_lost(router, seen, "requests and probes have timed out");
    try_again(router, pending, false);
}

void asking_reset(struct router *router, uint64_t call_id)
{
    struct pending *pending = pendings_find(router->pendings, call_id);
    if (pending == NULL)
        return;
    link_was_reset(router, &pending->vantage->regions[pending->region]);
    try_again(router, pending, false);
}

void asking_region_lost(struct router *router, uint32_t region)
{
    struct pending *next;
    for (struct pending *each = pendings_first(router->pendings); each != NULL; each = next) {
        next = each->next;
        if (each->call_id == 0 || each->region != region)
            continue;
        reach(REGION_LOST_WITH_TRIES);
        try_again(router, each, false);
    }
}

bool asking_fail_over(struct router *router)
{
    bool any = false;
    struct pending *next;
    for (struct pending *each = pendings_first(router->pendings); each != NULL; each = next) {
        next = each->next;
        if (each->call_id == 0 || !each->vantage->regions[each->region].lost)
            continue;
        any = true;
        reach(TRY_LEFT_EARLY);
        try_again(router, each, false);
    }
    return any;
}
