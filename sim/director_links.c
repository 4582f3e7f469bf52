/* Faults of links: what the plan wants as what the control plane's table of faults has; see
 * director.h. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "sim/director_internal.h"

static const char *region_name(const struct director *director, uint32_t region)
{
    return director->simulation->plan->region_names[region];
}

uint64_t director_add_fault(struct director *director, const struct fault *fault)
{
    struct fault added;
    char *error = NULL;
    int code = faults_add(&director->faults, director->topology, fault, &added, &error);

    assert(code == 0); /* a plan's faults make sense */
    return added.number;
}

static void tell_history(struct director *director, const char *what, const char *a, const char *b)
{
    struct simulation *simulation = director->simulation;

    if (simulation->options->history)
        history_nemesis(simulation->options->history, simulation->now_us, what, a, b);
}

static bool is_cut(enum plan_fault_kind kind)
{
    return kind == PLAN_FAULT_CUT || kind == PLAN_FAULT_CUT_ONE_WAY ||
           kind == PLAN_FAULT_CUT_RESET || kind == PLAN_FAULT_CUT_RESET_ONE_WAY ||
           kind == PLAN_FAULT_FLAP;
}

static void describe_link(const struct plan_fault *fault, struct fault *ret_fault)
{
    switch (fault->kind) {
    case PLAN_FAULT_LATENCY:
        ret_fault->has_latency = ret_fault->adds_latency = true;
        ret_fault->latency_us = fault->amount;
        return;
    case PLAN_FAULT_JITTER:
        ret_fault->has_jitter = true;
        ret_fault->jitter_us = fault->amount;
        return;
    case PLAN_FAULT_LOSS:
        ret_fault->has_loss = true;
        ret_fault->loss_ppm = (uint32_t)fault->amount;
        return;
    case PLAN_FAULT_RATE:
        ret_fault->has_rate = true;
        ret_fault->rate_bytes_per_s = director_amount(fault);
        return;
    default:
        return;
    }
}

bool director_break_link(struct director *director, struct active *active)
{
    const struct plan_fault *plan = active->fault;
    struct fault fault = {.kind = is_cut(plan->kind) ? FAULT_CUT : FAULT_LINK,
                          .one_way = plan->kind == PLAN_FAULT_CUT_ONE_WAY ||
                                     plan->kind == PLAN_FAULT_CUT_RESET_ONE_WAY,
                          .reset = plan->kind == PLAN_FAULT_CUT_RESET ||
                                   plan->kind == PLAN_FAULT_CUT_RESET_ONE_WAY};

    snprintf(fault.a, sizeof fault.a, "%s", region_name(director, plan->region));
    snprintf(fault.b, sizeof fault.b, "%s", region_name(director, plan->other));
    describe_link(plan, &fault);
    active->links[0] = director_add_fault(director, &fault);
    if (is_cut(plan->kind))
        tell_history(director, "partition", fault.a, fault.b);
    return true;
}

bool director_isolate(struct director *director, struct active *active)
{
    struct fault fault = {.kind = FAULT_ISOLATE};

    snprintf(fault.a, sizeof fault.a, "%s", region_name(director, active->fault->region));
    active->links[0] = director_add_fault(director, &fault);
    tell_history(director, "partition", fault.a, NULL);
    return true;
}

bool director_cut_clients(struct director *director, struct active *active)
{
    const struct plan_fault *plan = active->fault;
    bool answers = plan->kind == PLAN_FAULT_ANSWERS_LOST;
    struct fault fault = {.kind = FAULT_CUT,
                          .one_way = answers || plan->kind == PLAN_FAULT_REQUESTS_LOST,
                          .reset = plan->kind == PLAN_FAULT_RESET_CLIENTS};

    snprintf(answers ? fault.b : fault.a, sizeof fault.a, "client:%s",
             region_name(director, plan->region));
    snprintf(answers ? fault.a : fault.b, sizeof fault.b, "%s", region_name(director, plan->other));
    active->links[0] = director_add_fault(director, &fault);
    return true;
}

void director_heal_links(struct director *director, struct active *active)
{
    for (size_t i = 0; i < 2; i++) {
        char id[FAULTS_ID_SIZE];
        struct fault healed, number = {.number = active->links[i]};

        if (active->links[i] == 0)
            continue;
        active->links[i] = 0;
        faults_heal(&director->faults, faults_id(&number, id), &healed);
        if (healed.kind == FAULT_CUT || healed.kind == FAULT_ISOLATE)
            tell_history(director, "heal", healed.a, healed.b[0] ? healed.b : NULL);
    }
}

/* ---- flapping ---- */

struct flap {
    struct director *director;
    const struct plan_fault *fault;
};

static void on_flap(void *what)
{
    struct flap flap = *(struct flap *)what;
    struct active *active;

    free(what);
    LL_FOREACH(flap.director->active, active)
    if (active->fault == flap.fault)
        break;
    if (!active)
        return;
    if (active->links[0])
        director_heal_links(flap.director, active);
    else
        director_break_link(flap.director, active);
    director_publish(flap.director);
    director_flap_later(flap.director, flap.fault);
}

void director_flap_later(struct director *director, const struct plan_fault *fault)
{
    struct flap *flap = memory_alloc(sizeof *flap);

    *flap = (struct flap){director, fault};
    director_later(director, director_amount(fault), on_flap, flap);
}
