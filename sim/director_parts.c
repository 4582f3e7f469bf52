/* Faults of a region's services and caches, in the control plane's table as those of links are; see
 * director.h. */

#include <assert.h>
#include <stdio.h>

#include "sim/director_internal.h"

static bool is_of_a_service(enum plan_fault_kind kind)
{
    return kind == PLAN_FAULT_SERVICE_DOWN || kind == PLAN_FAULT_SERVICE_ERRORS ||
           kind == PLAN_FAULT_SERVICE_LATENCY;
}

static void name(const struct director *director, const struct plan_fault *plan,
                 struct fault *ret_fault)
{
    const char *part = is_of_a_service(plan->kind)
                           ? parts_service_name((enum parts_service)plan->other)
                           : parts_cache_name((enum parts_cache)plan->other);

    snprintf(ret_fault->a, sizeof ret_fault->a, "%s",
             director->simulation->plan->region_names[plan->region]);
    snprintf(ret_fault->part, sizeof ret_fault->part, "%s", part);
}

static void describe(const struct plan_fault *plan, struct fault *ret_fault)
{
    ret_fault->kind = is_of_a_service(plan->kind) ? FAULT_SERVICE : FAULT_CACHE;
    ret_fault->down = plan->kind == PLAN_FAULT_SERVICE_DOWN;
    ret_fault->disable = plan->kind == PLAN_FAULT_CACHE_DISABLE;
    ret_fault->freeze = plan->kind == PLAN_FAULT_CACHE_FREEZE;
    if (plan->kind == PLAN_FAULT_SERVICE_ERRORS) {
        ret_fault->has_errors = true;
        ret_fault->error_ppm = (uint32_t)plan->amount;
    }
    if (plan->kind == PLAN_FAULT_SERVICE_LATENCY) {
        ret_fault->has_latency = true;
        ret_fault->latency_us = plan->amount;
    }
}

static void flush(struct director *director, const struct fault *what)
{
    char *error = NULL;
    int code = faults_flush(&director->faults, director->topology, what, &error);

    assert(code == 0); /* a plan's caches are those that there are */
}

bool director_break_part(struct director *director, struct active *active)
{
    struct fault fault = {0};

    name(director, active->fault, &fault);
    describe(active->fault, &fault);
    if (active->fault->kind == PLAN_FAULT_CACHE_FLUSH)
        flush(director, &fault);
    else
        active->links[0] = director_add_fault(director, &fault);
    return true;
}
