#include "regiond/gateway.h"

#include <stdio.h>
#include <string.h>

#include "common/memory.h"
#include "common/reach.h"
#include "common/residency.h"
#include "common/routes.h"
#include "regiond/answer.h"
#include "regiond/audit_notes.h"
#include "regiond/grants.h"
#include "regiond/metadata.h"
#include "regiond/names.h"
#include "regiond/parking.h"
#include "regiond/receipts.h"
#include "regiond/sessions.h"
#include "regiond/standing.h"
#include "regiond/text.h"
#include "regiond/tokens.h"
#include "regiond/users.h"
#include "regiond/vault.h"

enum {
    NEEDS_CLAIMS = 1, /* a token, or claims from another region */
    WRITES = 2,       /* has an idempotency key */
    QUEUEABLE = 4,    /* other modes than SERVE make sense */
    VOID_IS_FINE = 8  /* ends what may have ended already */
};

struct row {
    Mec__Operation operation;
    unsigned flags;
    void (*serve)(struct region *region, struct request *request);
};

static const struct row rows[] = {
    {MEC__OPERATION__METADATA_GET, NEEDS_CLAIMS, metadata_get},
    {MEC__OPERATION__METADATA_PUT, NEEDS_CLAIMS | WRITES | QUEUEABLE, metadata_write},
    {MEC__OPERATION__METADATA_DELETE, NEEDS_CLAIMS | WRITES | QUEUEABLE, metadata_write},
    {MEC__OPERATION__METADATA_LIST, NEEDS_CLAIMS, metadata_list},
    {MEC__OPERATION__USER_CREATE, WRITES, users_create},
    {MEC__OPERATION__TOKEN_CREATE, 0, tokens_create},
    {MEC__OPERATION__TOKEN_REFRESH, NEEDS_CLAIMS, sessions_refresh},
    {MEC__OPERATION__TOKEN_REVOKE_CURRENT, NEEDS_CLAIMS | VOID_IS_FINE, sessions_log_out},
    {MEC__OPERATION__TOKEN_REVOKE_ALL, NEEDS_CLAIMS | VOID_IS_FINE, sessions_void_all},
    {MEC__OPERATION__USER_DELETE, NEEDS_CLAIMS | VOID_IS_FINE, sessions_delete_account},
    {MEC__OPERATION__WHOAMI, NEEDS_CLAIMS, users_whoami},
    {MEC__OPERATION__AUDIT_LIST, NEEDS_CLAIMS, audit_notes_list},
    {MEC__OPERATION__VAULT_GET, NEEDS_CLAIMS, vault_get},
    {MEC__OPERATION__VAULT_PUT, NEEDS_CLAIMS | WRITES, vault_write},
    {MEC__OPERATION__VAULT_DELETE, NEEDS_CLAIMS | WRITES, vault_write},
    {MEC__OPERATION__VAULT_LIST, NEEDS_CLAIMS, vault_list},
    {MEC__OPERATION__GRANT_PUT, NEEDS_CLAIMS | WRITES, grants_put},
    {MEC__OPERATION__GRANT_DELETE, NEEDS_CLAIMS | WRITES, grants_delete},
    {MEC__OPERATION__GRANT_LIST, NEEDS_CLAIMS, grants_list},
    {MEC__OPERATION__RECEIPT_GET, NEEDS_CLAIMS, receipts_get},
    {MEC__OPERATION__JWKS_GET, 0, tokens_keys},
    {MEC__OPERATION__NAME_CLAIM, NEEDS_CLAIMS, names_claim},
    {MEC__OPERATION__NAME_CONFIRM, NEEDS_CLAIMS, names_confirm},
    {MEC__OPERATION__NAME_RELEASE, NEEDS_CLAIMS, names_release},
    {MEC__OPERATION__NAME_LOOKUP, 0, names_lookup},
};

static const struct row *find_row(Mec__Operation operation)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].operation == operation)
            return &rows[i];
    return NULL;
}

/* Claims that another region has checked; its socket is open to our own user alone. */
static bool take_claims(const Mec__Claims *from, struct token_claims *ret_claims)
{
    struct token_claims claims = {.generation = from->generation,
                                  .auth_time_s = from->auth_time_s,
                                  .issued_s = from->issued_s,
                                  .expires_s = from->expires_s};

    if (strlen(from->user) >= sizeof claims.user || strlen(from->shard) >= sizeof claims.shard ||
        strlen(from->session) >= sizeof claims.session ||
        strlen(from->scope) >= sizeof claims.scope)
        return false;
    snprintf(claims.scope, sizeof claims.scope, "%s", from->scope);
    snprintf(claims.user, sizeof claims.user, "%s", from->user);
    snprintf(claims.shard, sizeof claims.shard, "%s", from->shard);
    snprintf(claims.session, sizeof claims.session, "%s", from->session);
    *ret_claims = claims;
    return true;
}

/* One answer for every reason: why a token is refused is nothing for whoever made it up. */
static void deny(struct region *region, struct request *request)
{
    region->counters.denied++;
    audit_notes_denied(region, request, PROBLEM_UNAUTHENTICATED);
    answer_problem(region, request, PROBLEM_UNAUTHENTICATED,
                   "Send a valid bearer token; POST /v1/tokens issues one.");
}

static bool authenticate(struct region *region, struct request *request)
{
    const Mec__Call *call = request->call;

    if (call->token[0] != '\0')
        request->has_claims = edge_check(region->edge, slice_of(call->token),
                                         region->at.wall_us / SECOND_US, &request->claims) == 0;
    else if (call->claims)
        request->has_claims = take_claims(call->claims, &request->claims);
    return request->has_claims;
}

/* A token that is genuine may have been revoked, or be good for something else. What another region
 * passes on, it has checked. Returns false when the request has been answered. */
static bool stands(struct region *region, const struct row *row, struct request *request)
{
    const struct route *route = routes_of(row->operation);

    if (request->call->token[0] == '\0' || !request->copy || !route)
        return true;
    switch (standing_of(region, request->copy, &request->claims)) {
    case STANDING_GOOD:
    case STANDING_UNKNOWN: /* by its signature; who must know more asks how old the copy is */
        break;
    case STANDING_VOID:
        if (row->flags & VOID_IS_FINE)
            break;
        deny(region, request);
        return false;
    case STANDING_UNREADABLE:
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                       "The account cannot be read.");
        return false;
    }
    if (strcmp(route->scope, ROUTES_ANY) == 0 ||
        token_scope_has(request->claims.scope, route->scope))
        return true;
    reach(SCOPE_LACKED);
    region->counters.denied++;
    audit_notes_denied(region, request, PROBLEM_SCOPE);
    answer_problem(region, request, PROBLEM_SCOPE,
                   "The token is not good for this; log in again with the scope that it needs.");
    return false;
}

bool gateway_still_stands(struct region *region, struct request *request)
{
    const struct row *row = find_row(request->call->operation);

    return !(row->flags & NEEDS_CLAIMS) || stands(region, row, request);
}

/* By user and not by session: more log-ins give no more. */
static bool is_within_limit(struct region *region, struct request *request)
{
    if (request->call->token[0] == '\0' || !request->has_claims ||
        buckets_take(region->buckets,
                     arena_format(region->scratch, "user %s", request->claims.user),
                     region->settings.user_rate_per_s, 1, region->at.now_us, &request->limit))
        return true;
    reach(USER_LIMITED);
    answer_limited(region, request, &request->limit,
                   "The user sends more requests than the world allows; slow down.");
    return false;
}

static const char *malformed(const struct row *row, const Mec__Call *call)
{
    size_t key_size = strlen(call->idempotency_key);

    if (call->n_bookmark > BOOKMARK_POSITIONS_MAX)
        return "The bookmark names too many shards.";
    if (call->mode != MEC__CALL_MODE__SERVE && !(row->flags & QUEUEABLE))
        return "This operation is never queued.";
    if (!(row->flags & WRITES))
        return NULL;
    if (key_size == 0)
        return "A write needs an idempotency key.";
    if (key_size > GATEWAY_IDEMPOTENCY_KEY_SIZE_MAX ||
        !text_is_ascii((struct slice){call->idempotency_key, key_size}))
        return "The idempotency key is longer than 255 characters or not printable ASCII.";
    return NULL;
}

static bool body_fits(const Mec__Call *call)
{
    const struct route *route = routes_of(call->operation);

    return call->body.len <= (route ? route->body_bytes_max : 0);
}

/* The shard of the claims where there are some: only they are proven. */
static struct copy *copy_of(const struct region *region, const struct row *row,
                            const struct request *request)
{
    if (row->flags & NEEDS_CLAIMS && request->call->operation < MEC__OPERATION__NAME_CLAIM)
        return copies_find(region, request->claims.shard);
    return copies_find(region, request->call->shard);
}

/* ---- the service that the operation belongs to ---- */

/* Nothing has been done yet, so the asker may ask elsewhere. */
static void refuse_service(struct region *region, struct request *request,
                           const struct services_verdict *verdict)
{
    bool down = verdict->state == SERVICES_DOWN;

    if (down) {
        reach(SERVICE_DOWN_HERE);
        region->counters.service_down++;
    } else {
        reach(SERVICE_FAILED);
        region->counters.service_failures++;
    }
    answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_SERVICE_UNAVAILABLE,
                   arena_format(region->scratch,
                                down ? "The %s service of %s is down."
                                     : "The %s service of %s has failed; try again.",
                                parts_service_name(verdict->service), region->name));
}

/* ---- where the data of the service may lie ---- */

/* First of all: what is asked here may name what must not be known here, and denials are noted. */
static bool may_lie_here(struct region *region, struct request *request)
{
    enum parts_service service = parts_service_of(request->call->operation);

    if (residency_allows(region->config, service, region->name))
        return true;
    reach(PINNED_ELSEWHERE);
    answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_SERVICE_UNAVAILABLE,
                   arena_format(region->scratch, "The data of %s may not lie in %s.",
                                parts_service_name(service), region->name));
    return false;
}

static bool may_lie_at_home(struct region *region, struct request *request)
{
    enum parts_service service = parts_service_of(request->call->operation);
    const struct copy *copy = request->copy;

    if (!copy || !copy->home[0] || residency_allows(region->config, service, copy->home))
        return true;
    reach(HOME_OUTSIDE);
    region->counters.denied++;
    audit_notes_denied(region, request, PROBLEM_RESIDENCY);
    answer_problem(region, request, PROBLEM_RESIDENCY,
                   arena_format(region->scratch,
                                "The data of %s may not lie in %s, which is the user's home.",
                                parts_service_name(service), copy->home));
    return false;
}

/* While it waited, its service may have gone down, or its token been revoked. */
static void serve_late(struct region *region, struct request *request)
{
    struct services_verdict verdict =
        services_judge_again(region->services, request->call->operation);

    if (verdict.state == SERVICES_UP) {
        if (gateway_still_stands(region, request))
            find_row(request->call->operation)->serve(region, request);
        return;
    }
    reach(SERVICE_DOWN_MEANWHILE);
    refuse_service(region, request, &verdict);
}

static void dispatch(struct region *region, const struct row *row, struct request *request)
{
    struct services_verdict verdict = services_judge(region->services, row->operation);

    if (verdict.state != SERVICES_UP) {
        refuse_service(region, request, &verdict);
    } else if (verdict.latency_us == 0) {
        row->serve(region, request);
    } else if (parking_put(region, request, verdict.latency_us, serve_late) < 0) {
        answer_overloaded(region, request);
    } else {
        reach(SERVICE_SLOW);
        region->counters.service_waits++;
    }
}

void gateway_call(struct region *region, uint64_t connection, uint64_t id, Mec__Call *call)
{
    const struct row *row = find_row(call->operation);
    struct request request = {.connection = connection,
                              .id = id,
                              .arrived_us = region->at.now_us,
                              .since_us = region->at.now_us,
                              .call = call};
    const char *why;

    region->counters.calls++;
    request_enter(&request, STAGE_GATEWAY);
    if (!row) {
        answer_problem(region, &request, PROBLEM_BAD_REQUEST, "There is no such operation.");
        return;
    }
    if (!may_lie_here(region, &request))
        return;
    if (row->flags & NEEDS_CLAIMS && !authenticate(region, &request)) {
        deny(region, &request);
        return;
    }
    why = malformed(row, call);
    if (why) {
        answer_problem(region, &request, PROBLEM_BAD_REQUEST, why);
        return;
    }
    if (!body_fits(call)) {
        answer_problem(region, &request, PROBLEM_TOO_LARGE, "The body is larger than allowed.");
        return;
    }
    request.copy = copy_of(region, row, &request);
    if (row->flags & NEEDS_CLAIMS &&
        (!stands(region, row, &request) || !is_within_limit(region, &request) ||
         !may_lie_at_home(region, &request)))
        return;
    dispatch(region, row, &request);
}
