/* A client asks explain where its request would go, and sends it in the very moment when it is
 * told; see client.h. */

#include <jansson.h>
#include <string.h>
#include <utlist.h>

#include "sim/client_internal.h"
#include "sim/router_host.h"

static char *text_of(struct client *client, struct slice text)
{
    return arena_text_of(client->simulation->arena, text);
}

/* The user by name: explain looks up what the request's token says. */
static void ask_explain(struct process *router, struct errand *errand)
{
    struct attempt *attempt = errand->what;
    struct client *client = attempt->client;
    Mec__ExplainAsk ask = MEC__EXPLAIN_ASK__INIT;

    ask.method = text_of(client, slice_of(http_method_name(attempt->http.method)));
    ask.path = text_of(client, attempt->http.path);
    ask.geo = text_of(client, attempt->http.geo);
    ask.consistency = text_of(client, attempt->http.consistency);
    ask.user = text_of(client, slice_of(client->user->name));
    router_host_explain(router, attempt->request_id, &ask);
}

void client_explain(struct client *client, struct attempt *attempt)
{
    struct process *router = simulation_router(client->simulation, client->plan->router);
    struct errand *errand = process_errand(router, ask_explain, 0);

    errand->what = attempt;
    process_send(errand, client->simulation->now_us + client_hop_us(client));
}

static const char *text_in(struct client *client, const json_t *said, const char *name)
{
    const char *text = json_string_value(json_object_get(said, name));

    return text ? arena_text(client->simulation->arena, text) : NULL;
}

/* NULL: it could not be explained. */
static struct outcome_route *read_route(struct client *client, const char *text)
{
    json_t *said = json_loads(text, 0, NULL);
    const char *problem = text_in(client, said, "problem"), *mode = text_in(client, said, "mode");
    struct outcome_route *route = NULL;

    if (mode) {
        route = arena_alloc(client->simulation->arena, sizeof *route);
        *route = (struct outcome_route){.region = text_in(client, said, "region"),
                                        .problem = problem ? problem_find(problem) : PROBLEM_NONE,
                                        .queued = strcmp(mode, "queue") == 0};
    }
    json_decref(said);
    return route;
}

void client_explained(struct simulation *simulation, uint64_t request_id, const char *text)
{
    struct attempt *attempt;

    LL_FOREACH(simulation->clients->under_way, attempt)
    if (attempt->request_id == request_id && attempt->phase == ATTEMPT_ASKS_WHERE) {
        attempt->route = read_route(attempt->client, text);
        attempt->phase = ATTEMPT_KNOWS_WHERE;
        simulation_trace(simulation, attempt->client->name, "is told of %u, %s",
                         attempt->operation.number, text);
    }
}

static struct attempt *find_explained(const struct simulation *simulation, uint32_t router)
{
    struct attempt *attempt;

    LL_FOREACH(simulation->clients->under_way, attempt)
    if (attempt->phase == ATTEMPT_KNOWS_WHERE && attempt->client->plan->router == router)
        return attempt;
    return NULL;
}

void client_send_explained(struct simulation *simulation, uint32_t router)
{
    struct process *process = simulation_router(simulation, router);
    struct attempt *attempt;

    while (process->up && (attempt = find_explained(simulation, router))) {
        client_sends(attempt->client, attempt);
        router_host_ask(process, attempt->request_id, &attempt->http);
    }
}

void client_check_explained(const struct attempt *attempt, const struct http_answer *answer,
                            const struct outcome *outcome)
{
    struct outcome_route route = *attempt->route;

    if (!answer)
        return;
    route.taken = answer->route;
    route.tried = answer->span_count > 0;
    watch_explained(attempt->client->simulation->watch, &attempt->asked, outcome, &route);
}
