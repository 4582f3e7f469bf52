#include "sim/client.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "sim/client_internal.h"
#include "sim/director.h"
#include "sim/router_host.h"
#include "sim/secrets.h"

/* The way between a client and its router: loopback, and a process that has to wake up. */
#define HOP_US_MIN     20
#define HOP_US_MAX     120
#define BREATH_US      100                   /* between an answer and what waited behind it */
#define ROUTER_BACK_US (50 * MILLISECOND_US) /* try again to reach a router that is down */

static void drop(void *what)
{
    free(what);
}

void client_later(struct client *client, uint64_t delay_us, void (*run)(void *what), void *what)
{
    events_add(&client->simulation->events, client->simulation->now_us + delay_us, run, drop, what);
}

uint64_t client_hop_us(struct client *client)
{
    return simulation_draw(client->simulation, LUCK_CLIENTS, HOP_US_MIN, HOP_US_MAX);
}

/* ---- being told ---- */

static void trace_told(const struct client *client, const struct attempt *attempt,
                       const struct outcome *outcome)
{
    struct simulation *simulation = client->simulation;

    if (!simulation_traces(simulation))
        return;
    if (outcome->given_up)
        simulation_trace(simulation, client->name, "hears nothing of %u",
                         attempt->operation.number);
    else
        simulation_trace(simulation, client->name, "is told %d%s%s of %u, by %s%s%.*s",
                         outcome->status, outcome->problem ? " " : "",
                         outcome->problem ? problem_get(outcome->problem)->type : "",
                         attempt->operation.number,
                         outcome->region ? outcome->region : "the router",
                         outcome->problem || outcome->body.size == 0 ? "" : ": ",
                         outcome->problem ? 0 : (int)outcome->body.size, outcome->body.data);
}

static bool is_write(enum plan_operation_kind kind)
{
    switch (kind) {
    case PLAN_OPERATION_WRITE:
    case PLAN_OPERATION_WRITE_IF_SAME:
    case PLAN_OPERATION_WRITE_IF_ABSENT:
    case PLAN_OPERATION_DELETE:
    case PLAN_OPERATION_RETRY:
    case PLAN_OPERATION_VAULT_PUT:
    case PLAN_OPERATION_VAULT_DELETE:
    case PLAN_OPERATION_GRANT:
    case PLAN_OPERATION_WITHDRAW:
        return true;
    default:
        return false;
    }
}

static void count(struct client *client, const struct attempt *attempt,
                  const struct outcome *outcome)
{
    struct run_result *result = client->simulation->result;

    if (!outcome->given_up)
        result->operations++;
    if (!is_write(attempt->operation.kind))
        return;
    if (outcome->status == 202)
        result->queued++;
    else if (outcome->status >= 200 && outcome->status < 300)
        result->acknowledged++;
}

static void next_later(struct client *client, uint64_t delay_us);

/* The router went while it was being asked where the request would go. */
static void never_sent(struct client *client, struct attempt *attempt)
{
    client_finish(client, attempt);
    if (client->examined)
        client_examine_again(client);
    else
        next_later(client, BREATH_US);
}

static void is_told(struct attempt *attempt, const struct http_answer *answer)
{
    struct client *client = attempt->client;
    struct simulation *simulation = client->simulation;
    struct outcome outcome;

    if (attempt->phase != ATTEMPT_SENT) {
        never_sent(client, attempt);
        return;
    }
    client_learn(client, attempt, answer, &outcome);
    trace_told(client, attempt, &outcome);
    count(client, attempt, &outcome);
    client_session_is_told(attempt);
    watch_told(simulation->watch, &attempt->asked, &outcome);
    if (attempt->route)
        client_check_explained(attempt, answer, &outcome);
    if (simulation->options->history && attempt->bearer != BEARER_OLD)
        history_told(simulation->options->history, &attempt->asked, &outcome);
    simulation_note_number(simulation, (uint64_t)outcome.status << 32 | attempt->operation.number);
    client_finish(client, attempt);
    if (client->examined)
        client_examine_next(client, attempt, &outcome);
    else
        next_later(client, BREATH_US);
}

/* An answer on its way to the client. What it points to is copied: the router lives on. */
struct reply {
    struct attempt *attempt;
    struct http_answer answer;
    struct position position;
};

static void on_reply(void *what)
{
    struct reply *reply = what;

    if (!reply->attempt->over)
        is_told(reply->attempt, &reply->answer);
    free(reply);
}

static struct attempt *find(const struct simulation *simulation, uint64_t request_id)
{
    struct attempt *attempt;

    LL_FOREACH(simulation->clients->under_way, attempt)
    if (attempt->request_id == request_id)
        return attempt;
    return NULL;
}

static struct slice keep_body(struct simulation *simulation, struct slice body)
{
    char *copy = arena_alloc(simulation->arena, body.size + 1);

    if (body.size > 0)
        memcpy(copy, body.data, body.size);
    return (struct slice){copy, body.size};
}

static const char *keep(struct simulation *simulation, const char *text)
{
    return text ? arena_text(simulation->arena, text) : NULL;
}

void client_answered(struct simulation *simulation, uint64_t request_id,
                     const struct http_answer *answer)
{
    struct attempt *attempt = find(simulation, request_id);
    struct reply *reply;

    if (!attempt)
        return;
    reply = memory_alloc(sizeof *reply);
    reply->attempt = attempt;
    reply->answer = *answer;
    reply->answer.body = keep_body(simulation, answer->body);
    reply->answer.region = keep(simulation, answer->region);
    reply->answer.home = keep(simulation, answer->home);
    reply->answer.bookmark = keep(simulation, answer->bookmark);
    reply->answer.route = keep(simulation, answer->route);
    if (answer->position) {
        reply->position = *answer->position;
        reply->answer.position = &reply->position;
    }
    client_later(attempt->client, client_hop_us(attempt->client), on_reply, reply);
}

static void on_nothing(void *what)
{
    struct attempt *attempt = *(struct attempt **)what;

    free(what);
    if (!attempt->over)
        is_told(attempt, NULL);
}

static void hear_nothing(struct attempt *attempt, uint64_t delay_us)
{
    struct attempt **what = memory_alloc(sizeof(struct attempt *));

    *what = attempt;
    client_later(attempt->client, delay_us, on_nothing, what);
}

void client_router_gone(struct simulation *simulation, uint32_t router)
{
    struct attempt *attempt;

    LL_FOREACH(simulation->clients->under_way, attempt)
    if (attempt->client->plan->router == router)
        hear_nothing(attempt, client_hop_us(attempt->client));
}

/* ---- asking ---- */

static void gave_up(struct process *router, struct errand *errand)
{
    router_host_give_up(router, errand->number);
}

static void on_impatient(void *what)
{
    struct attempt *attempt = *(struct attempt **)what;
    struct client *client = attempt->client;
    struct process *router;

    free(what);
    if (attempt->over)
        return;
    router = simulation_router(client->simulation, client->plan->router);
    if (router->up && router->life == attempt->router_life) {
        struct errand *errand = process_errand(router, gave_up, 0);

        errand->number = attempt->request_id;
        process_send(errand, client->simulation->now_us + client_hop_us(client));
    }
    is_told(attempt, NULL);
}

static void asked(struct process *router, struct errand *errand)
{
    struct attempt *attempt = errand->what;

    router_host_ask(router, attempt->request_id, &attempt->http);
}

static void trace_asked(const struct client *client, const struct attempt *attempt)
{
    char *text;

    if (!simulation_traces(client->simulation))
        return;
    text = plan_operation_describe(client->simulation->plan, &attempt->operation);
    simulation_trace(client->simulation, "", "%s%s, as %u%s%s at %s", text,
                     attempt->bearer == BEARER_OLD      ? " with a void token"
                     : attempt->bearer == BEARER_NARROW ? " with a narrow token"
                                                        : "",
                     attempt->operation.number,
                     attempt->asked.idempotency_key[0] ? " with key " : "",
                     attempt->asked.idempotency_key,
                     client->simulation->plan->region_names[attempt->asked.place]);
    free(text);
}

void client_sends(struct client *client, struct attempt *attempt)
{
    struct simulation *simulation = client->simulation;

    attempt->phase = ATTEMPT_SENT;
    attempt->asked.now_us = simulation->now_us;
    client_session_sends(attempt);
    trace_asked(client, attempt);
    watch_asked(simulation->watch, &attempt->asked);
    if (simulation->options->history && attempt->bearer != BEARER_OLD)
        history_asked(simulation->options->history, &attempt->asked);
    if (attempt->operation.patience_us > 0) {
        struct attempt **what = memory_alloc(sizeof(struct attempt *));

        *what = attempt;
        client_later(client, attempt->operation.patience_us, on_impatient, what);
    }
}

static void send_to_router(struct client *client, struct attempt *attempt)
{
    struct simulation *simulation = client->simulation;
    struct process *router = simulation_router(simulation, client->plan->router);
    struct errand *errand = process_errand(router, asked, 0);

    client_sends(client, attempt);
    errand->what = attempt;
    process_send(errand, simulation->now_us + client_hop_us(client));
}

static void ask(struct client *client, struct attempt *attempt)
{
    struct simulation *simulation = client->simulation;

    client->attempt = attempt;
    attempt->request_id = ++simulation->last_request;
    attempt->router_life = simulation_router(simulation, client->plan->router)->life;
    attempt->asked.now_us = simulation->now_us;
    LL_PREPEND(simulation->clients->under_way, attempt);
    if (attempt->phase == ATTEMPT_ASKS_WHERE)
        client_explain(client, attempt);
    else
        send_to_router(client, attempt);
}

void client_finish(struct client *client, struct attempt *attempt)
{
    assert(client->attempt == attempt);
    attempt->over = true;
    LL_DELETE(client->simulation->clients->under_way, attempt);
    client->attempt = NULL;
}

static void on_next(void *what)
{
    struct client *client = *(struct client **)what;

    free(what);
    client_next(client);
}

static void next_later(struct client *client, uint64_t delay_us)
{
    struct client **what = memory_alloc(sizeof(struct client *));

    *what = client;
    client_later(client, delay_us, on_next, what);
}

void client_next(struct client *client)
{
    struct simulation *simulation = client->simulation;
    const struct plan_operation *operation;
    struct attempt *attempt;

    if (client->attempt || client->waiting_count == 0)
        return;
    if (!simulation_router(simulation, client->plan->router)->up) {
        next_later(client, ROUTER_BACK_US);
        return;
    }
    operation = client->waiting[client->waiting_first++];
    if (--client->waiting_count == 0)
        client->waiting_first = 0;
    if (operation->kind == PLAN_OPERATION_TRAVEL) {
        client->place = operation->region;
        simulation_trace(simulation, client->name, "is at %s now",
                         simulation->plan->region_names[client->place]);
    }
    attempt = operation->kind == PLAN_OPERATION_TRAVEL ? NULL : client_make(client, operation);
    if (attempt)
        ask(client, attempt);
    else
        next_later(client, BREATH_US);
}

/* ---- the plan ---- */

struct due {
    struct client *client;
    const struct plan_operation *operation;
};

static void on_due(void *what)
{
    struct due due = *(struct due *)what;
    struct client *client = due.client;

    free(what);
    client->waiting[client->waiting_first + client->waiting_count++] = due.operation;
    client_next(client);
}

void client_begin_all(struct simulation *simulation)
{
    const struct plan *plan = simulation->plan;

    for (size_t i = 0; i < plan->operation_count; i++) {
        const struct plan_operation *operation = &plan->operations[i];
        struct due *due = memory_alloc(sizeof *due);

        *due = (struct due){&simulation->clients->items[operation->client], operation};
        client_later(due->client, operation->at_us, on_due, due);
    }
}

size_t client_count_waiting(const struct simulation *simulation, uint64_t since_us)
{
    const struct attempt *attempt;
    size_t count = 0;

    LL_FOREACH(simulation->clients->under_way, attempt)
    if (attempt->operation.patience_us == 0 && attempt->asked.now_us < since_us)
        count++;
    return count;
}

/* ---- homes ---- */

static const struct client *any_session(const struct simulation *simulation, size_t user)
{
    for (size_t i = 0; i < simulation->plan->client_count; i++)
        if (simulation->plan->clients[i].user == user &&
            client_shard(&simulation->clients->items[i]) != PLAN_NONE)
            return &simulation->clients->items[i];
    return NULL;
}

size_t client_homes(const struct simulation *simulation, struct history_home **ret_homes)
{
    const struct plan *plan = simulation->plan;
    size_t count = 0;

    *ret_homes =
        arena_alloc(simulation->arena, plan->user_count * plan->key_count * sizeof **ret_homes);
    for (size_t user = 0; user < plan->user_count; user++) {
        const struct client *client = any_session(simulation, user);

        if (!client || client->user->may_be_deleted ||
            director_has_moved(simulation, client_shard(client)))
            continue;
        for (size_t key = 0; key < plan->key_count; key++)
            (*ret_homes)[count++] = (struct history_home){
                arena_format(simulation->arena, "%s/k%zu", client->user->name, key), client->shard};
    }
    return count;
}

/* ---- life ---- */

#define EXAMINATION_ROOM 400 /* tries */

static void create(struct simulation *simulation, uint32_t index)
{
    struct client *client = &simulation->clients->items[index];

    client->simulation = simulation;
    client->index = index;
    client->plan = &simulation->plan->clients[index];
    client->user = &simulation->clients->users[client->plan->user];
    client->place = client->plan->place;
    client->user_id = client->shard = "";
    client->waiting = memory_alloc((simulation->plan->operation_count + EXAMINATION_ROOM) *
                                   sizeof(const struct plan_operation *));
    for (size_t i = 0; i < CLIENT_KEYS_MAX; i++)
        client->records[i].value = "";
    snprintf(client->name, sizeof client->name, "client %u", index);
}

void client_create_all(struct simulation *simulation)
{
    const struct plan *plan = simulation->plan;

    simulation->clients = memory_alloc(sizeof *simulation->clients);
    simulation->clients->items = memory_alloc(plan->client_count * sizeof(struct client));
    simulation->clients->users = memory_alloc(plan->user_count * sizeof(struct client_user));
    for (size_t i = 0; i < plan->user_count; i++) {
        struct client_user *user = &simulation->clients->users[i];

        user->name = arena_format(simulation->arena, "u%zu", i);
        user->password = arena_format(simulation->arena, SECRETS_PASSWORD "%zu", i);
    }
    for (uint32_t i = 0; i < plan->client_count; i++)
        create(simulation, i);
}

void client_free_all(struct simulation *simulation)
{
    if (!simulation->clients)
        return;
    for (size_t i = 0; i < simulation->plan->client_count; i++)
        free(simulation->clients->items[i].waiting);
    free(simulation->clients->items);
    free(simulation->clients->users);
    free(simulation->clients);
}
