#include "sim/looks.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sim/region_host.h"
#include "sim/replicator_host.h"
#include "sim/router_host.h"
#include "sim/simulation.h"
#include "sim/watch.h"

/* ---- explain ---- */

enum wanted { A_DECISION, AN_ERROR, EITHER };

/* A user is looked up in some region, which may not answer. */
static const struct {
    enum wanted wanted;
    const char *method, *path, *geo, *consistency, *user;
} questions[] = {
    {A_DECISION, "GET", "/v1/metadata/k0?x=1", "", "", ""},
    {A_DECISION, "GET", "/v1/whoami", "tokyo", "stale-ok", ""},
    {A_DECISION, "PUT", "/v1/metadata/k0", "-33.9,18.4", "", ""},
    {A_DECISION, "POST", "/v1/users", "", "", ""},
    {A_DECISION, "POST", "/v1/tokens", "Cape Town", "session", ""},
    {A_DECISION, "GET", "/v1/receipts/us-east.5", "", "", ""},
    {A_DECISION, "GET", "/v1/receipts/nodot", "", "", ""},
    {A_DECISION, "HEAD", "/.well-known/jwks.json", "35.7,139.7", "", ""},
    {EITHER, "DELETE", "/v1/metadata/k0", "", "", "u0"},
    {EITHER, "GET", "/v1/metadata", "", "strong", "u0"},
    {AN_ERROR, "GET", "/v1/metadata/k0", "", "", "nobody-has-this-name"},
    {AN_ERROR, "STEAL", "/v1/metadata/k0", "", "", ""},
    {AN_ERROR, "GET", "/v2/metadata/k0", "", "", ""},
    {AN_ERROR, "GET", "/v1/metadata/k0", "", "eventual", ""},
    {AN_ERROR, "GET", "/v1/metadata/k0", "atlantis", "", ""},
    {AN_ERROR, "GET", "/v1/metadata/k0", "", "",
     "a-name-that-is-far-longer-than-any-account-can-have-a-name-that-is-far-longer-than-any-"
     "account-can-have-a-name-that-is-far-longer"},
};

#define QUESTION_COUNT (sizeof questions / sizeof questions[0])

static void ask_explain(struct process *router, struct errand *errand)
{
    size_t which = (size_t)(errand->number % QUESTION_COUNT);
    Mec__ExplainAsk ask = MEC__EXPLAIN_ASK__INIT;

    ask.method = (char *)(uintptr_t)questions[which].method;
    ask.path = (char *)(uintptr_t)questions[which].path;
    ask.geo = (char *)(uintptr_t)questions[which].geo;
    ask.consistency = (char *)(uintptr_t)questions[which].consistency;
    ask.user = (char *)(uintptr_t)questions[which].user;
    router_host_explain(router, LOOKS_ID | which, &ask);
}

void looks_explained(struct simulation *simulation, const char *who, uint64_t explain_id,
                     const char *text)
{
    enum wanted wanted = questions[explain_id & ~LOOKS_ID].wanted;
    json_t *said = json_loads(text, 0, NULL);
    bool is_error = json_object_get(said, "error") != NULL;

    simulation_note(simulation, text, strlen(text));
    watch_said(simulation->watch, simulation->now_us, who, text);
    if (!said || (wanted != EITHER && is_error != (wanted == AN_ERROR)))
        watch_report(simulation->watch, simulation->now_us, WATCH_EXPLAINED,
                     "%s explains %s %s with %s: %s", who, questions[explain_id & ~LOOKS_ID].method,
                     questions[explain_id & ~LOOKS_ID].path, is_error ? "an error" : "no error",
                     text);
    json_decref(said);
}

/* ---- looking ---- */

static void look_at_router(struct process *process, uint64_t number)
{
    struct simulation *simulation = process->simulation;
    struct errand *errand = process_errand(process, ask_explain, 0);
    char *status = router_host_status(process), *metrics = router_host_metrics(process);

    watch_status_router(simulation->watch, simulation->now_us, process->name, status,
                        process->config->version);
    watch_metrics(simulation->watch, simulation->now_us, process->name, metrics);
    simulation_note(simulation, metrics, strlen(metrics));
    free(status);
    free(metrics);
    errand->number = number;
    process_send(errand, simulation->now_us);
}

static void look_at_region(struct process *process)
{
    struct simulation *simulation = process->simulation;
    char *status = region_host_status(process);

    watch_status_region(simulation->watch, simulation->now_us, process->index, status,
                        region_host_is_writing(process->region));
    region_host_watch_revocations(process);
    simulation_note(simulation, status, strlen(status));
    free(status);
}

static void look_at_replicator(struct process *process)
{
    struct simulation *simulation = process->simulation;
    char *status = replicator_host_status(process);

    watch_status_replicator(simulation->watch, simulation->now_us, process->name, status);
    simulation_note(simulation, status, strlen(status));
    free(status);
}

static void look_at(struct process *process, uint64_t number)
{
    switch (process->kind) {
    case PROCESS_REGIOND:
        look_at_region(process);
        return;
    case PROCESS_REPLICATOR:
        look_at_replicator(process);
        return;
    case PROCESS_ROUTER:
        look_at_router(process, number);
        return;
    }
}

/* Each world begins with another question. */
static void on_look(void *what)
{
    struct simulation *simulation = what;
    uint64_t number = simulation->plan->seed + simulation->now_us / simulation->plan->look_every_us;

    for (size_t i = 0; i < simulation->process_count; i++)
        if (process_runs(&simulation->processes[i]))
            look_at(&simulation->processes[i], number);
}

static void leave(void *what)
{
    (void)what; /* it is the simulation's own */
}

void looks_begin(struct simulation *simulation)
{
    const struct plan *plan = simulation->plan;
    uint64_t at_us;

    if (plan->look_every_us == 0)
        return;
    for (at_us = plan->look_every_us; at_us < plan->duration_us; at_us += plan->look_every_us)
        events_add(&simulation->events, at_us, on_look, leave, simulation);
}
