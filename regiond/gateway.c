#include "regiond/gateway.h"

#include <stdio.h>

#include "common/routes.h"
#include "regiond/answer.h"
#include "regiond/grants.h"
#include "regiond/metadata.h"
#include "regiond/names.h"
#include "regiond/receipts.h"
#include "regiond/text.h"
#include "regiond/tokens.h"
#include "regiond/users.h"
#include "regiond/vault.h"

enum {
    NEEDS_CLAIMS = 1, /* a token, or claims from another region */
    WRITES = 2,       /* has an idempotency key */
    QUEUEABLE = 4     /* other modes than SERVE make sense */
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
    {MEC__OPERATION__WHOAMI, NEEDS_CLAIMS, users_whoami},
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
    if (row->flags & NEEDS_CLAIMS && !authenticate(region, &request)) {
        answer_problem(region, &request, PROBLEM_UNAUTHENTICATED,
                       "Send a valid bearer token; POST /v1/tokens issues one.");
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
    row->serve(region, &request);
}
