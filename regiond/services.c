#include "regiond/services.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/random.h"

#define PPM         1000000u
#define SEED_OFFSET UINT64_C(0x5e41ce5) /* links have the seed itself */

struct row {
    enum parts_service service;
    Mec__Operation operation; /* OPERATION_NONE: all of the service's */
    struct services_report fault;
};

struct services {
    struct random random;
    struct row *rows;
    size_t count;
};

struct services *services_create(uint64_t seed)
{
    struct services *services = memory_alloc(sizeof *services);

    random_seed(&services->random, seed + SEED_OFFSET);
    return services;
}

void services_free(struct services *services)
{
    if (!services)
        return;
    free(services->rows);
    free(services);
}

static bool read_row(const Mec__ServiceFault *from, struct row *ret_row)
{
    struct row row = {.fault = {from->down, from->error_ppm, from->latency_us}};

    if (parts_service_find(from->service, &row.service) != 0)
        return false;
    if (from->operation[0] && parts_operation_find(from->operation, &row.operation) != 0)
        return false;
    *ret_row = row;
    return true;
}

void services_configure(struct services *services, const Mec__Config *config, const char *region)
{
    free(services->rows);
    services->rows = memory_alloc((config->n_services + 1) * sizeof *services->rows);
    services->count = 0;
    for (size_t i = 0; i < config->n_services; i++)
        if (strcmp(config->services[i]->region, region) == 0 &&
            read_row(config->services[i], &services->rows[services->count]))
            services->count++;
}

static void add_worst(struct services_report *report, const struct services_report *fault)
{
    report->down = report->down || fault->down;
    if (fault->error_ppm > report->error_ppm)
        report->error_ppm = fault->error_ppm;
    if (fault->latency_us > report->latency_us)
        report->latency_us = fault->latency_us;
}

struct services_report services_report(const struct services *services, enum parts_service service)
{
    struct services_report report = {0};

    for (size_t i = 0; i < services->count; i++)
        if (services->rows[i].service == service &&
            services->rows[i].operation == MEC__OPERATION__OPERATION_NONE)
            add_worst(&report, &services->rows[i].fault);
    return report;
}

static struct services_report report_call(const struct services *services,
                                          enum parts_service service, Mec__Operation operation)
{
    struct services_report report = services_report(services, service);

    for (size_t i = 0; i < services->count; i++)
        if (services->rows[i].service == service && services->rows[i].operation == operation)
            add_worst(&report, &services->rows[i].fault);
    return report;
}

/* Is auth down, which @operation of another service needs? */
static bool lacks_auth(const struct services *services, enum parts_service service,
                       Mec__Operation operation)
{
    const struct route *route = routes_of(operation);

    return service != PARTS_AUTH && route && parts_needs_auth(service, route->class) &&
           services_report(services, PARTS_AUTH).down;
}

static struct services_verdict judge(const struct services *services, Mec__Operation operation,
                                     struct services_report *ret_report)
{
    enum parts_service service = parts_service_of(operation);

    *ret_report = report_call(services, service, operation);
    if (ret_report->down)
        return (struct services_verdict){SERVICES_DOWN, service, 0};
    if (lacks_auth(services, service, operation))
        return (struct services_verdict){SERVICES_DOWN, PARTS_AUTH, 0};
    return (struct services_verdict){SERVICES_UP, service, ret_report->latency_us};
}

struct services_verdict services_judge(struct services *services, Mec__Operation operation)
{
    struct services_report report;
    struct services_verdict verdict;

    if (services->count == 0) /* as nearly always */
        return (struct services_verdict){.state = SERVICES_UP};
    verdict = judge(services, operation, &report);
    if (verdict.state == SERVICES_UP && report.error_ppm > 0 &&
        random_up_to(&services->random, PPM - 1) < report.error_ppm)
        verdict.state = SERVICES_FAIL;
    return verdict;
}

struct services_verdict services_judge_again(const struct services *services,
                                             Mec__Operation operation)
{
    struct services_report report;

    return judge(services, operation, &report);
}
