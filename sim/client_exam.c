/* What clients are asked in the end, to see whether they are served as if nothing had been; see
 * client.h. */

#include <stdlib.h>

#include "sim/client_internal.h"
#include "sim/director.h"

#define EXAMINE_AGAIN_US (2 * SECOND_US)   /* who writes without a pause keeps their queue going */
#define EXAMINATION      UINT32_C(1000000) /* its operations are numbered from here */

/* What is asked of a client in the end, in this order, and what good answers look like. */
static const struct {
    enum plan_operation_kind kind;
    int status, other_status;
} questions[CLIENT_QUESTIONS] = {{PLAN_OPERATION_LOG_IN, 201, 201},
                                 {PLAN_OPERATION_WRITE, 201, 204},
                                 {PLAN_OPERATION_READ_STRONG, 200, 200}};

static void ask_question(struct client *client)
{
    struct plan_operation *operation = &client->examination[client->passed];

    operation->number += 10; /* each try is a new write */
    client->waiting[client->waiting_first + client->waiting_count++] = operation;
    client_next(client);
}

static void on_question(void *what)
{
    struct client *client = *(struct client **)what;

    free(what);
    ask_question(client);
}

/* What nobody can do while some regions are gone for good, and is refused as promised: a write
 * behind earlier ones that wait there, a log-in whose name is kept there and known nowhere else. */
static bool is_hopeless(const struct client *client, const struct outcome *outcome)
{
    /* A promotion may have given up the account, while its name is kept elsewhere; or its name,
     * which somebody else has by now. */
    if (watch_has_given_up(client->simulation->watch) &&
        (outcome->problem == PROBLEM_UNAUTHENTICATED || outcome->problem == PROBLEM_NAME_TAKEN))
        return true;
    /* Or the name was given back, and somebody else was quicker. */
    if (client->user->rival_may_have_it &&
        (outcome->problem == PROBLEM_UNAUTHENTICATED || outcome->problem == PROBLEM_NAME_TAKEN))
        return true;
    return client->simulation->clients->some_are_gone &&
           (outcome->problem == PROBLEM_QUEUE_UNREACHABLE ||
            (client->passed == 0 && outcome->problem == PROBLEM_HOME_UNAVAILABLE) ||
            (client->user->may_be_deleted && outcome->problem == PROBLEM_UNAUTHENTICATED));
}

void client_examine_again(struct client *client)
{
    struct client **what = memory_alloc(sizeof(struct client *));

    *what = client;
    client_later(client, EXAMINE_AGAIN_US, on_question, what);
}

void client_examine_next(struct client *client, const struct attempt *attempt,
                         const struct outcome *outcome)
{
    bool is_asked = client->passed < CLIENT_QUESTIONS &&
                    attempt->operation.number == client->examination[client->passed].number &&
                    attempt->operation.kind == questions[client->passed].kind;

    if (client->passed == CLIENT_QUESTIONS)
        return;
    if (is_asked && (outcome->status == questions[client->passed].status ||
                     outcome->status == questions[client->passed].other_status))
        client->passed++;
    else if (is_asked && is_hopeless(client, outcome))
        client->passed = CLIENT_QUESTIONS;
    else
        client->failing = arena_format(
            client->simulation->arena, "%s (%s at %s, home %s) asked to %s, and was told %d %s",
            client->name, client->user->name, client->simulation->plan->region_names[client->place],
            client->shard, plan_operation_name(attempt->operation.kind), outcome->status,
            outcome->problem ? problem_get(outcome->problem)->type : "");
    if (client->passed != CLIENT_QUESTIONS)
        client_examine_again(client);
}

static bool is_in(uint32_t core, uint32_t region)
{
    return region != PLAN_NONE && (core >> region & 1) != 0;
}

static uint32_t home_of(const struct client *client)
{
    uint32_t shard = client_shard(client);

    return shard == PLAN_NONE ? PLAN_NONE : director_home(client->simulation, shard);
}

/* What the plan still wants of the client is dropped: it has had its time. */
static void examine(struct client *client)
{
    client->examined = client->user->is_examined = true;
    for (uint32_t i = 0; i < CLIENT_QUESTIONS; i++)
        client->examination[i] =
            (struct plan_operation){.number = EXAMINATION + client->index * 10000 + i,
                                    .client = client->index,
                                    .kind = questions[i].kind,
                                    .region = PLAN_NONE};
    client->failing = "";
    if (!client->attempt)
        ask_question(client);
}

void client_rest(struct simulation *simulation)
{
    for (size_t i = 0; i < simulation->plan->client_count; i++) {
        struct client *client = &simulation->clients->items[i];

        client->waiting_first = client->waiting_count = 0;
    }
}

void client_examine(struct simulation *simulation, uint32_t core)
{
    simulation->clients->some_are_gone =
        core != (UINT32_C(1) << simulation->plan->region_count) - 1;
    for (size_t i = 0; i < simulation->plan->client_count; i++) {
        struct client *client = &simulation->clients->items[i];

        if (client->user->signed_up && !client->user->is_examined && is_in(core, home_of(client)) &&
            is_in(core, client->place))
            examine(client);
    }
}

size_t client_examined(const struct simulation *simulation, const char **ret_text)
{
    size_t failing = 0;

    for (size_t i = 0; i < simulation->plan->client_count; i++) {
        const struct client *client = &simulation->clients->items[i];

        if (!client->examined || client->passed == CLIENT_QUESTIONS)
            continue;
        failing++;
        *ret_text = client->failing;
    }
    return failing;
}
