/* What clients do with vaults; see client.h.
 *
 * Each item of a user is shared, if it is, with one other user, the same for all who take part: so
 * that grants, withdrawals and reads of the same item meet. */

#include "sim/client_internal.h"

static uint32_t user_count(const struct client *client)
{
    return (uint32_t)client->simulation->plan->user_count;
}

/* Whom @owner shares that item with. */
static uint32_t grantee_of(const struct client *client, uint32_t owner, uint32_t key)
{
    return (owner + 1 + key % (user_count(client) - 1)) % user_count(client);
}

/* Who shares it with @grantee: the only one. */
static uint32_t owner_for(const struct client *client, uint32_t grantee, uint32_t key)
{
    return (grantee + user_count(client) - 1 - key % (user_count(client) - 1)) % user_count(client);
}

bool client_vault_can(const struct client *client, enum plan_operation_kind kind)
{
    bool needs_another = kind == PLAN_OPERATION_GRANT || kind == PLAN_OPERATION_WITHDRAW ||
                         kind == PLAN_OPERATION_VAULT_GET_SHARED;

    return !needs_another || user_count(client) > 1;
}

static const char *name_of(const struct client *client, uint32_t user)
{
    return client->simulation->clients->users[user].name;
}

static void about_item(struct attempt *attempt, enum http_method method, const char *more)
{
    struct client *client = attempt->client;
    struct arena *arena = client->simulation->arena;

    attempt->asked.key = arena_format(arena, "k%u", attempt->operation.key);
    attempt->http.method = method;
    attempt->http.path = slice_of(arena_format(arena, "/v1/vault/%s%s", attempt->asked.key, more));
}

/* Mostly what is shared with the client, if it is. */
static void get_shared(struct attempt *attempt)
{
    struct client *client = attempt->client;
    uint32_t number = attempt->operation.number, own = client->plan->user;
    uint32_t owner = number % 4 == 0 ? grantee_of(client, own, number)
                                     : owner_for(client, own, attempt->operation.key);

    about_item(attempt, HTTP_GET, "");
    attempt->asked.owner = name_of(client, owner);
    attempt->http.query =
        slice_of(arena_format(client->simulation->arena, "owner=%s", attempt->asked.owner));
}

static void change_grant(struct attempt *attempt, enum http_method method)
{
    struct client *client = attempt->client;
    uint32_t grantee = grantee_of(client, client->plan->user, attempt->operation.key);

    about_item(attempt, method,
               arena_format(client->simulation->arena, "/grants/%s", name_of(client, grantee)));
    client_set_write_key(attempt);
}

void client_vault(struct attempt *attempt)
{
    switch (attempt->operation.kind) {
    case PLAN_OPERATION_VAULT_PUT:
        about_item(attempt, HTTP_PUT, "");
        client_set_write_key(attempt);
        client_set_value(attempt);
        return;
    case PLAN_OPERATION_VAULT_GET:
        about_item(attempt, HTTP_GET, "");
        return;
    case PLAN_OPERATION_VAULT_DELETE:
        about_item(attempt, HTTP_DELETE, "");
        client_set_write_key(attempt);
        return;
    case PLAN_OPERATION_VAULT_GET_SHARED:
        get_shared(attempt);
        return;
    case PLAN_OPERATION_GRANT:
        change_grant(attempt, HTTP_PUT);
        return;
    case PLAN_OPERATION_WITHDRAW:
        change_grant(attempt, HTTP_DELETE);
        return;
    default:
        return;
    }
}
