/* What a client does with accounts and tokens: signing up, logging in, renewing, ending, and coming
 * back with what it has ended; see client.h. */

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "sim/client_internal.h"
#include "sim/region_host.h"
#include "sim/secrets.h"

static struct arena *arena_of(const struct client *client)
{
    return client->simulation->arena;
}

/* ---- which ---- */

/* What a void token is tried for. */
static enum plan_operation_kind old_token_for(const struct plan_operation *operation)
{
    static const enum plan_operation_kind kinds[] = {
        PLAN_OPERATION_READ,      PLAN_OPERATION_WRITE, PLAN_OPERATION_REFRESH,
        PLAN_OPERATION_VAULT_GET, PLAN_OPERATION_READ,  PLAN_OPERATION_VAULT_PUT};

    return kinds[operation->number % 6];
}

static enum plan_operation_kind narrow_for(const struct client *client,
                                           const struct plan_operation *operation)
{
    if (!client->narrow_token.text)
        return PLAN_OPERATION_LOG_IN;
    return operation->number % 2 ? PLAN_OPERATION_REVOKE_ALL : PLAN_OPERATION_DELETE_ACCOUNT;
}

enum plan_operation_kind client_session_then(const struct client *client,
                                             const struct plan_operation *operation,
                                             enum plan_operation_kind kind)
{
    switch (kind) {
    case PLAN_OPERATION_OLD_TOKEN:
        return old_token_for(operation);
    case PLAN_OPERATION_END_AGAIN:
        return client->ended_by;
    case PLAN_OPERATION_NARROW:
        return narrow_for(client, operation);
    case PLAN_OPERATION_SIGN_UP_AGAIN:
        return PLAN_OPERATION_SIGN_UP;
    default:
        return kind;
    }
}

enum bearer client_session_bearer(const struct client *client, enum plan_operation_kind kind)
{
    switch (kind) {
    case PLAN_OPERATION_SIGN_UP:
    case PLAN_OPERATION_SIGN_UP_AGAIN:
    case PLAN_OPERATION_LOG_IN:
    case PLAN_OPERATION_KEYS:
    case PLAN_OPERATION_STRANGER:
    case PLAN_OPERATION_RIVAL:
        return BEARER_NONE;
    case PLAN_OPERATION_OLD_TOKEN:
    case PLAN_OPERATION_END_AGAIN:
        return BEARER_OLD;
    case PLAN_OPERATION_NARROW:
        return BEARER_NARROW;
    default:
        return client->token.text ? BEARER_OWN : BEARER_NONE;
    }
}

bool client_session_can(const struct client *client, enum plan_operation_kind kind)
{
    switch (kind) {
    case PLAN_OPERATION_OLD_TOKEN:
    case PLAN_OPERATION_END_AGAIN:
        return client->old_token.text != NULL;
    case PLAN_OPERATION_NARROW:
    case PLAN_OPERATION_RIVAL:
        return client->user->signed_up;
    case PLAN_OPERATION_SIGN_UP_AGAIN:
        return client->user->sign_ups > 0;
    default:
        return true;
    }
}

/* ---- asking ---- */

static void set_path(struct attempt *attempt, enum http_method method, const char *path)
{
    attempt->http.method = method;
    attempt->http.path = slice_of(path);
}

/* @more: members behind the name and the password. */
static void credentials(struct attempt *attempt, const char *path, const char *password,
                        const char *more)
{
    const struct client *client = attempt->client;

    set_path(attempt, HTTP_POST, path);
    attempt->http.content_type = slice_of("application/json");
    attempt->http.body =
        slice_of(arena_format(arena_of(client), "{\"name\":\"%s\",\"password\":\"%s\"%s}",
                              client->user->name, password, more));
}

static void set_key(struct attempt *attempt, const char *key)
{
    attempt->asked.idempotency_key = key;
    attempt->http.idempotency_key = slice_of(key);
}

/* One key for each user and account: whoever tries again means the same one. */
static void sign_up(struct attempt *attempt)
{
    const struct client *client = attempt->client;
    unsigned which = client->user->sign_ups - (attempt->is_again ? 1 : 0);

    credentials(attempt, "/v1/users", client->user->password, "");
    set_key(attempt, which == 0 ? arena_format(arena_of(client), "sign-up-%s", client->user->name)
                                : arena_format(arena_of(client), "sign-up-%s-%u",
                                               client->user->name, which));
}

/* Somebody else who wants the name; they are told no, or nothing. */
static void sign_up_as_rival(struct attempt *attempt)
{
    const struct client *client = attempt->client;

    credentials(attempt, "/v1/users", SECRETS_PASSWORD "rival", "");
    set_key(attempt,
            arena_format(arena_of(client), "c%u-%u", client->index, attempt->operation.number));
}

void client_session_fill(struct attempt *attempt)
{
    switch (attempt->operation.kind) {
    case PLAN_OPERATION_SIGN_UP:
        sign_up(attempt);
        return;
    case PLAN_OPERATION_RIVAL:
        sign_up_as_rival(attempt);
        return;
    case PLAN_OPERATION_LOG_IN:
        credentials(attempt, "/v1/tokens", attempt->client->user->password,
                    attempt->bearer == BEARER_NARROW ? ",\"scope\":\"metadata\"" : "");
        return;
    case PLAN_OPERATION_REFRESH:
        set_path(attempt, HTTP_POST, "/v1/tokens/refresh");
        return;
    case PLAN_OPERATION_LOG_OUT:
        set_path(attempt, HTTP_DELETE, "/v1/tokens/current");
        return;
    case PLAN_OPERATION_REVOKE_ALL:
        set_path(attempt, HTTP_POST, "/v1/tokens/revoke");
        return;
    case PLAN_OPERATION_DELETE_ACCOUNT:
        set_path(attempt, HTTP_DELETE, "/v1/users/current");
        if (attempt->bearer == BEARER_OWN)
            attempt->client->user->may_be_deleted = true;
        return;
    default:
        return;
    }
}

/* ---- tokens ---- */

static bool copy(char *to, size_t size, const char *from)
{
    int length = snprintf(to, size, "%s", from);

    return length > 0 && (size_t)length < size;
}

/* The first part of a JWT is its header, the second one its payload; regions look at the third. */
static json_t *part_of(const char *token, unsigned which)
{
    const char *end = strchr(token, '.');
    char text[TOKEN_SIZE_MAX];
    size_t size;

    for (; end && which > 0; which--) {
        token = end + 1;
        end = strchr(token, '.');
    }
    if (!end || sodium_base642bin((unsigned char *)text, sizeof text, token, (size_t)(end - token),
                                  NULL, &size, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
        return NULL;
    return json_loadb(text, size, 0, NULL);
}

static const char *read_kid(const struct client *client, const char *token)
{
    json_t *header = part_of(token, 0);
    const char *text = json_string_value(json_object_get(header, "kid"));
    const char *kid = arena_text(arena_of(client), text ? text : "");

    json_decref(header);
    return kid;
}

static bool read_claims(const char *token, struct token_claims *ret_claims)
{
    json_int_t generation, auth_time_s, issued_s, expires_s;
    const char *user, *shard, *session, *scope;
    json_t *payload = part_of(token, 1);
    bool good = payload &&
                json_unpack(payload, "{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "sub", &user,
                            "shard", &shard, "sid", &session, "scope", &scope, "gen", &generation,
                            "auth_time", &auth_time_s, "iat", &issued_s, "exp", &expires_s) == 0 &&
                copy(ret_claims->user, sizeof ret_claims->user, user) &&
                copy(ret_claims->shard, sizeof ret_claims->shard, shard) &&
                copy(ret_claims->session, sizeof ret_claims->session, session) &&
                copy(ret_claims->scope, sizeof ret_claims->scope, scope);

    if (good) {
        ret_claims->generation = (uint64_t)generation;
        ret_claims->auth_time_s = (uint64_t)auth_time_s;
        ret_claims->issued_s = (uint64_t)issued_s;
        ret_claims->expires_s = (uint64_t)expires_s;
    }
    json_decref(payload);
    return good;
}

struct client_token client_session_token(const struct client *client, struct slice body)
{
    json_t *root = json_loadb(body.data, body.size, 0, NULL);
    const char *text = json_string_value(json_object_get(root, "token"));
    struct token_claims *claims = arena_alloc(arena_of(client), sizeof *claims);
    struct client_token token = {NULL, NULL, ""};

    memset(claims, 0, sizeof *claims);
    if (text && read_claims(text, claims))
        token = (struct client_token){arena_text(arena_of(client), text), claims,
                                      read_kid(client, text)};
    json_decref(root);
    return token;
}

/* ---- who knows ---- */

static bool has_key(const Mec__Config *config, const char *kid)
{
    for (size_t i = 0; i < config->n_keys; i++)
        if (strcmp(config->keys[i]->kid, kid) == 0)
            return true;
    return false;
}

/* What comes ahead of the log is in no file: a region that ends forgets it. */
void client_session_sends(struct attempt *attempt)
{
    struct simulation *simulation = attempt->client->simulation;

    if (!attempt->token.text)
        return;
    for (uint32_t i = 0; i < simulation->plan->region_count; i++) {
        struct process *process = simulation_regiond(simulation, i);

        attempt->told_lives[i] = process->life;
        if (!process->up)
            continue;
        if (attempt->bearer != BEARER_NARROW &&
            region_host_is_revoked(process, attempt->asked.claims))
            attempt->asked.told_ahead |= UINT32_C(1) << i;
        if (!has_key(process->config, attempt->asked.kid))
            attempt->asked.keyless |= UINT32_C(1) << i;
    }
}

void client_session_is_told(struct attempt *attempt)
{
    for (uint32_t i = 0; i < attempt->client->simulation->plan->region_count; i++) {
        if (simulation_regiond(attempt->client->simulation, i)->life == attempt->told_lives[i])
            continue;
        attempt->asked.told_ahead &= ~(UINT32_C(1) << i);
        attempt->asked.keyless &= ~(UINT32_C(1) << i);
    }
}

/* ---- learning ---- */

/* Who signs up again after a deletion is another user: nothing of the old one is theirs. */
static void forget_records(struct client *client)
{
    for (size_t i = 0; i < CLIENT_KEYS_MAX; i++)
        client->records[i] = (struct client_record){.value = ""};
    client->receipt_count = 0;
    client->last_write = NULL;
}

static void take_token(struct client *client, const struct outcome *outcome)
{
    client->token = client_session_token(client, outcome->body);
    if (!client->token.text)
        return;
    if (client->user->may_be_deleted && strcmp(client->user_id, client->token.claims->user) != 0)
        forget_records(client);
    client->user_id = client->token.claims->user;
    client->shard = client->token.claims->shard;
}

/* Its own token is of no use any more: it logs in again. */
static void drop_token(const struct attempt *attempt)
{
    struct client *client = attempt->client;

    if (attempt->bearer == BEARER_NARROW)
        client->narrow_token = (struct client_token){NULL, NULL, ""};
    else if (attempt->bearer != BEARER_OLD)
        client->token = (struct client_token){NULL, NULL, ""};
}

static void signed_up(const struct attempt *attempt, int status)
{
    struct client_user *user = attempt->client->user;

    /* Taken: it was we ourselves, and the answer to that got lost. */
    if (status == 201 || (status == 409 && !attempt->is_again))
        user->signed_up = true;
    else if (status == 422 && !attempt->is_again) /* the account has been deleted, it turns out */
        user->sign_ups++;
}

static void logged_in(struct attempt *attempt, const struct outcome *outcome)
{
    struct client *client = attempt->client;

    if (attempt->bearer == BEARER_NARROW) {
        if (outcome->status == 201)
            client->narrow_token = client_session_token(client, outcome->body);
    } else if (outcome->status == 201) {
        take_token(client, outcome);
    } else if (outcome->status == 401) {
        client->user->signed_up = false; /* the name is claimed, and there is no such account */
    }
}

static void ended(struct attempt *attempt)
{
    struct client *client = attempt->client;

    if (attempt->bearer != BEARER_OWN)
        return;
    client->old_token = attempt->token;
    client->ended_by = attempt->operation.kind;
    drop_token(attempt);
    if (attempt->operation.kind != PLAN_OPERATION_DELETE_ACCOUNT)
        return;
    client->user->signed_up = false;
    client->user->sign_ups++;
}

void client_session_learn(struct attempt *attempt, const struct outcome *outcome)
{
    struct client *client = attempt->client;
    enum plan_operation_kind kind = attempt->operation.kind;

    if (outcome->status == 401 && kind != PLAN_OPERATION_STRANGER && kind != PLAN_OPERATION_RIVAL &&
        kind != PLAN_OPERATION_ODD)
        drop_token(attempt);
    switch (kind) {
    case PLAN_OPERATION_SIGN_UP:
        signed_up(attempt, outcome->status);
        return;
    case PLAN_OPERATION_RIVAL:
        if (!outcome_promises_nothing(outcome))
            client->user->rival_may_have_it = true;
        return;
    case PLAN_OPERATION_LOG_IN:
        logged_in(attempt, outcome);
        return;
    case PLAN_OPERATION_REFRESH:
        if (outcome->status == 201 && attempt->bearer == BEARER_OWN)
            take_token(client, outcome);
        return;
    case PLAN_OPERATION_LOG_OUT:
    case PLAN_OPERATION_REVOKE_ALL:
    case PLAN_OPERATION_DELETE_ACCOUNT:
        if (outcome->status == 204)
            ended(attempt);
        if (attempt->bearer == BEARER_NARROW && !outcome->given_up)
            drop_token(attempt);
        return;
    default:
        return;
    }
}
