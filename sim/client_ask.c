/* What a client sends; see client.h. */

#include <stdio.h>
#include <string.h>

#include "sim/client_internal.h"
#include "sim/director.h"
#include "sim/secrets.h"

static const char *format_key(struct client *client, const struct plan_operation *operation)
{
    return arena_format(client->simulation->arena, "k%u", operation->key);
}

static struct client_record *record_of(struct client *client,
                                       const struct plan_operation *operation)
{
    return &client->records[operation->key % CLIENT_KEYS_MAX];
}

static void set_path(struct attempt *attempt, enum http_method method, const char *path)
{
    attempt->http.method = method;
    attempt->http.path = slice_of(path);
}

static void about_record(struct attempt *attempt, enum http_method method)
{
    struct client *client = attempt->client;

    attempt->asked.key = format_key(client, &attempt->operation);
    set_path(attempt, method,
             arena_format(client->simulation->arena, "/v1/metadata/%s", attempt->asked.key));
}

void client_set_write_key(struct attempt *attempt)
{
    struct client *client = attempt->client;

    attempt->asked.idempotency_key =
        arena_format(client->simulation->arena, "c%u-%u", client->index, attempt->operation.number);
    attempt->http.idempotency_key = slice_of(attempt->asked.idempotency_key);
}

void client_set_value(struct attempt *attempt)
{
    struct client *client = attempt->client;

    attempt->asked.value = arena_format(
        client->simulation->arena, "v%u.%u%s", client->index, attempt->operation.number,
        attempt->operation.kind == PLAN_OPERATION_VAULT_PUT ? SECRETS_ITEM : "");
    attempt->http.body = slice_of(attempt->asked.value);
    attempt->http.content_type = slice_of("text/plain");
}

static void write_record(struct attempt *attempt)
{
    about_record(attempt, HTTP_PUT);
    client_set_write_key(attempt);
    client_set_value(attempt);
}

static void write_if_same(struct attempt *attempt)
{
    struct client *client = attempt->client;
    const struct client_record *record = record_of(client, &attempt->operation);

    write_record(attempt);
    attempt->asked.if_version = record->version;
    attempt->asked.if_value = record->value;
    attempt->http.if_match = slice_of(
        arena_format(client->simulation->arena, "\"%llu\"", (unsigned long long)record->version));
}

static void write_if_absent(struct attempt *attempt)
{
    write_record(attempt);
    attempt->http.if_none_match = slice_of("*");
}

static void delete_record(struct attempt *attempt)
{
    about_record(attempt, HTTP_DELETE);
    client_set_write_key(attempt);
}

/* The same bytes again, and it is the same write. */
static void retry(struct attempt *attempt)
{
    const struct attempt *first = attempt->client->last_write;

    attempt->http = first->http;
    attempt->asked.key = first->asked.key;
    attempt->asked.value = first->asked.value;
    attempt->asked.if_version = first->asked.if_version;
    attempt->asked.if_value = first->asked.if_value;
    attempt->asked.idempotency_key = first->asked.idempotency_key;
    attempt->asked.retry_of = first->asked.retry_of;
    attempt->operation.key = first->operation.key;
}

static void reuse(struct attempt *attempt)
{
    const struct attempt *first = attempt->client->last_write;

    attempt->operation.key = first->operation.key;
    about_record(attempt, HTTP_PUT);
    client_set_value(attempt);
    attempt->asked.idempotency_key = first->asked.idempotency_key;
    attempt->asked.retry_of = first->asked.retry_of;
    attempt->http.idempotency_key = slice_of(first->asked.idempotency_key);
}

static void ask_receipt(struct attempt *attempt)
{
    struct client *client = attempt->client;

    attempt->asked.receipt = client->receipts[0];
    set_path(attempt, HTTP_GET,
             arena_format(client->simulation->arena, "/v1/receipts/%s", client->receipts[0]));
}

static void force_region(struct attempt *attempt)
{
    about_record(attempt, HTTP_GET);
    attempt->http.force_region =
        slice_of(attempt->client->simulation->plan->region_names[attempt->operation.region]);
}

static void fill(struct attempt *attempt)
{
    switch (attempt->operation.kind) {
    case PLAN_OPERATION_READ:
    case PLAN_OPERATION_STRANGER:
        about_record(attempt, HTTP_GET);
        return;
    case PLAN_OPERATION_READ_STRONG:
        about_record(attempt, HTTP_GET);
        attempt->asked.strong = true;
        attempt->http.consistency = slice_of("strong");
        return;
    case PLAN_OPERATION_READ_STALE:
        about_record(attempt, HTTP_GET);
        attempt->asked.stale_ok = true;
        attempt->http.consistency = slice_of("stale-ok");
        return;
    case PLAN_OPERATION_READ_FORCED:
        force_region(attempt);
        return;
    case PLAN_OPERATION_WRITE:
        write_record(attempt);
        return;
    case PLAN_OPERATION_WRITE_IF_SAME:
        write_if_same(attempt);
        return;
    case PLAN_OPERATION_WRITE_IF_ABSENT:
        write_if_absent(attempt);
        return;
    case PLAN_OPERATION_DELETE:
        delete_record(attempt);
        return;
    case PLAN_OPERATION_RETRY:
        retry(attempt);
        return;
    case PLAN_OPERATION_REUSE:
        reuse(attempt);
        return;
    case PLAN_OPERATION_LIST:
        set_path(attempt, HTTP_GET, "/v1/metadata");
        return;
    case PLAN_OPERATION_RECEIPT:
        ask_receipt(attempt);
        return;
    case PLAN_OPERATION_WHOAMI:
        set_path(attempt, HTTP_GET, "/v1/whoami");
        return;
    case PLAN_OPERATION_KEYS:
        set_path(attempt, HTTP_GET, "/.well-known/jwks.json");
        return;
    case PLAN_OPERATION_VAULT_PUT:
    case PLAN_OPERATION_VAULT_GET:
    case PLAN_OPERATION_VAULT_DELETE:
    case PLAN_OPERATION_VAULT_GET_SHARED:
    case PLAN_OPERATION_GRANT:
    case PLAN_OPERATION_WITHDRAW:
        client_vault(attempt);
        return;
    case PLAN_OPERATION_ODD: /* client_odd() */
        return;
    default:
        client_session_fill(attempt);
        return;
    }
}

/* Needs no token, or not the session's present one. */
static bool is_open(enum plan_operation_kind kind)
{
    switch (kind) {
    case PLAN_OPERATION_SIGN_UP:
    case PLAN_OPERATION_LOG_IN:
    case PLAN_OPERATION_KEYS:
    case PLAN_OPERATION_STRANGER:
    case PLAN_OPERATION_RIVAL:
    case PLAN_OPERATION_OLD_TOKEN:
    case PLAN_OPERATION_END_AGAIN:
    case PLAN_OPERATION_NARROW:
    case PLAN_OPERATION_SIGN_UP_AGAIN:
        return true;
    default:
        return false;
    }
}

/* What the client does when it cannot do @kind yet. PLAN_OPERATION_COUNT: nothing. */
static enum plan_operation_kind what_first(const struct client *client,
                                           const struct plan_operation *operation)
{
    const struct client_record *record = &client->records[operation->key % CLIENT_KEYS_MAX];
    enum plan_operation_kind kind = operation->kind;

    if (!is_open(kind) && !client->token.text)
        kind = PLAN_OPERATION_LOG_IN;
    if (kind == PLAN_OPERATION_LOG_IN && !client->user->signed_up)
        kind = PLAN_OPERATION_SIGN_UP;
    if (kind == PLAN_OPERATION_SIGN_UP && client->user->signed_up)
        kind = PLAN_OPERATION_LOG_IN;
    switch (kind) {
    case PLAN_OPERATION_WRITE_IF_SAME:
        if (!record->known)
            return PLAN_OPERATION_READ;
        return record->exists ? kind : PLAN_OPERATION_WRITE_IF_ABSENT;
    case PLAN_OPERATION_RETRY:
    case PLAN_OPERATION_REUSE:
        return client->last_write ? kind : PLAN_OPERATION_COUNT;
    case PLAN_OPERATION_RECEIPT:
        return client->receipt_count > 0 ? kind : PLAN_OPERATION_COUNT;
    default:
        return client_vault_can(client, kind) && client_session_can(client, kind)
                   ? kind
                   : PLAN_OPERATION_COUNT;
    }
}

/* Looks like a token, and nobody has signed it. */
#define FORGED                                                                                     \
    "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6IngiLCJ0eXAiOiJKV1QifQ."                                   \
    "eyJpc3MiOiJtZWNlbnRyYWw6c2ltdWxhdGVkIiwic3ViIjoieCJ9.AAAA"

/* Only where somebody counts by it: it goes along to the regions, and takes its time on the way. */
static const char *address_of(const struct client *client)
{
    const struct plan *plan = client->simulation->plan;

    if (plan->settings.client_rate_per_s == 0)
        return NULL;
    return arena_format(client->simulation->arena, "192.0.2.%u", client->index);
}

static void set_headers(struct attempt *attempt)
{
    struct client *client = attempt->client;
    struct http_request *http = &attempt->http;

    http->geo = slice_of(client->simulation->plan->region_names[attempt->asked.place]);
    http->authorization = (struct slice){NULL, 0};
    if (attempt->operation.kind == PLAN_OPERATION_STRANGER)
        http->authorization = slice_of(FORGED);
    else if (attempt->token.text)
        http->authorization =
            slice_of(arena_format(client->simulation->arena, "Bearer %s", attempt->token.text));
    http->bookmark = (struct slice){NULL, 0};
    if (client->bookmark)
        http->bookmark = slice_of(client->bookmark);
    http->client = address_of(client);
}

uint32_t client_shard(const struct client *client)
{
    const struct plan *plan = client->simulation->plan;

    for (uint32_t i = 0; i < plan->region_count; i++)
        if (strcmp(plan->region_names[i], client->shard) == 0)
            return i;
    return PLAN_NONE;
}

/* It is somebody else's only when the account was deleted since. */
static void set_bearer(struct attempt *attempt)
{
    const struct client *client = attempt->client;
    struct outcome_asked *asked = &attempt->asked;

    if (attempt->bearer == BEARER_OWN)
        attempt->token = client->token;
    else if (attempt->bearer == BEARER_OLD)
        attempt->token = client->old_token;
    else if (attempt->bearer == BEARER_NARROW)
        attempt->token = client->narrow_token;
    asked->claims = attempt->token.claims;
    asked->kid = attempt->token.kid ? attempt->token.kid : "";
    asked->user_id = client->user_id;
    asked->shard = client->shard;
    if (attempt->bearer == BEARER_OLD) {
        asked->user_id = asked->claims->user;
        asked->shard = asked->claims->shard;
    }
}

static bool is_undisturbed(const struct attempt *attempt)
{
    struct simulation *simulation = attempt->client->simulation;
    enum plan_operation_kind kind = attempt->operation.kind;
    uint32_t shard = client_shard(attempt->client);

    return kind != PLAN_OPERATION_SIGN_UP && kind != PLAN_OPERATION_LOG_IN &&
           kind != PLAN_OPERATION_STRANGER && kind != PLAN_OPERATION_RIVAL &&
           kind != PLAN_OPERATION_READ_FORCED && kind != PLAN_OPERATION_RECEIPT &&
           kind != PLAN_OPERATION_ODD && kind != PLAN_OPERATION_VAULT_GET_SHARED &&
           kind != PLAN_OPERATION_GRANT && shard != PLAN_NONE && attempt->bearer != BEARER_OLD &&
           director_leaves_alone(simulation, director_home(simulation, shard),
                                 attempt->asked.place);
}

static void set_asked(struct attempt *attempt)
{
    struct client *client = attempt->client;
    struct outcome_asked *asked = &attempt->asked;

    asked->operation = &attempt->operation;
    asked->place = client->place;
    if (attempt->bearer == BEARER_OLD && attempt->operation.region != PLAN_NONE)
        asked->place = attempt->operation.region;
    set_bearer(attempt);
    asked->user_name = client->user->name;
    asked->key = asked->value = asked->idempotency_key = asked->if_value = asked->receipt = "";
    asked->owner = "";
    asked->retry_of = attempt->operation.number;
    asked->bookmark.count = 0;
    if (client->bookmark)
        (void)bookmark_parse(slice_of(client->bookmark), &asked->bookmark);
    asked->undisturbed = is_undisturbed(attempt);
}

/* What is sent once explain has said where it would go. */
static enum plan_operation_kind what_then(const struct client *client,
                                          const struct plan_operation *operation,
                                          enum plan_operation_kind kind)
{
    static const enum plan_operation_kind reads[] = {
        PLAN_OPERATION_READ, PLAN_OPERATION_READ_STRONG, PLAN_OPERATION_READ_STALE};

    if (kind == PLAN_OPERATION_EXPLAIN_READ)
        return reads[operation->number % 3];
    if (kind == PLAN_OPERATION_EXPLAIN_WRITE)
        return PLAN_OPERATION_WRITE;
    return client_session_then(client, operation, kind);
}

struct attempt *client_make(struct client *client, const struct plan_operation *operation)
{
    enum plan_operation_kind kind = what_first(client, operation);
    struct attempt *attempt;

    if (kind == PLAN_OPERATION_COUNT)
        return NULL;
    attempt = arena_alloc(client->simulation->arena, sizeof *attempt);
    memset(attempt, 0, sizeof *attempt);
    attempt->client = client;
    attempt->operation = *operation;
    attempt->operation.kind = what_then(client, operation, kind);
    attempt->bearer = client_session_bearer(client, kind);
    attempt->is_again = kind == PLAN_OPERATION_SIGN_UP_AGAIN;
    if (kind == PLAN_OPERATION_EXPLAIN_READ || kind == PLAN_OPERATION_EXPLAIN_WRITE)
        attempt->phase = ATTEMPT_ASKS_WHERE;
    set_asked(attempt);
    fill(attempt);
    set_headers(attempt);
    if (kind == PLAN_OPERATION_ODD)
        client_odd(attempt);
    return attempt;
}
