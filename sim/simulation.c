#include "sim/simulation.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/client.h"
#include "sim/director.h"
#include "sim/region_host.h"
#include "sim/sockets.h"

/* Events that come one upon the other without time passing: more than these, and the world spins.
 */
#define SAME_MOMENT_MAX 200000

/* ---- processes ---- */

struct process *simulation_regiond(struct simulation *simulation, uint32_t region)
{
    return &simulation->processes[2 * region];
}

struct process *simulation_replicator(struct simulation *simulation, uint32_t region)
{
    return &simulation->processes[2 * region + 1];
}

struct process *simulation_router(struct simulation *simulation, uint32_t number)
{
    return &simulation->processes[2 * simulation->plan->region_count + number];
}

static void add_process(struct simulation *simulation, enum process_kind kind, uint32_t index,
                        const char *before, const char *name)
{
    char full[64];

    snprintf(full, sizeof full, "%s%s", before, name);
    process_init(&simulation->processes[simulation->process_count], simulation, kind, index, full);
    simulation->process_count++;
}

static void create_processes(struct simulation *simulation)
{
    const struct plan *plan = simulation->plan;
    char number[24];

    for (uint32_t i = 0; i < plan->region_count; i++) {
        add_process(simulation, PROCESS_REGIOND, i, "regiond/", plan->region_names[i]);
        add_process(simulation, PROCESS_REPLICATOR, i, "replicator/", plan->region_names[i]);
    }
    for (uint32_t i = 0; i < plan->router_count; i++) {
        snprintf(number, sizeof number, "%u", i);
        add_process(simulation, PROCESS_ROUTER, i, "routerd/", number);
    }
    for (uint32_t i = 0; i < plan->region_count; i++) {
        struct process *process = simulation_regiond(simulation, i);

        process->region = region_host_create(process);
    }
}

/* ---- life ---- */

struct simulation *simulation_create(const struct plan *plan, const struct run_options *options,
                                     struct run_result *result)
{
    struct simulation *simulation = memory_alloc(sizeof *simulation);

    simulation->plan = plan;
    simulation->options = options;
    simulation->result = result;
    simulation->fingerprint = plan->seed;
    simulation->arena = arena_create();
    simulation->scratch = arena_create();
    for (uint64_t i = 0; i < LUCK_COUNT; i++)
        random_seed(&simulation->luck[i], plan->seed * LUCK_COUNT + i);
    simulation->watch = watch_create(plan, options->history);
    simulation->director = director_create(simulation);
    simulation->sockets = sockets_create(simulation);
    create_processes(simulation);
    client_create_all(simulation);
    return simulation;
}

void simulation_free(struct simulation *simulation)
{
    for (size_t i = 0; i < simulation->process_count; i++)
        process_free(&simulation->processes[i]);
    events_free(&simulation->events);
    for (uint32_t i = 0; i < simulation->plan->region_count; i++)
        region_host_free(simulation_regiond(simulation, i)->region);
    client_free_all(simulation);
    sockets_free(simulation->sockets);
    director_free(simulation->director);
    watch_free(simulation->watch);
    arena_free(simulation->scratch);
    arena_free(simulation->arena);
    free(simulation);
}

/* ---- running ---- */

bool simulation_is_breached(const struct simulation *simulation)
{
    return watch_breach(simulation->watch)->found;
}

static void pass_time(struct simulation *simulation, uint64_t now_us)
{
    if (now_us > simulation->now_us) {
        simulation->now_us = now_us;
        simulation->same_moment = 0;
    } else if (++simulation->same_moment == SAME_MOMENT_MAX) {
        watch_report(simulation->watch, now_us, WATCH_ALIVE,
                     "%d events without time passing: something spins", SAME_MOMENT_MAX);
    }
}

void simulation_run(struct simulation *simulation, uint64_t until_us)
{
    struct event event;

    while (!simulation_is_breached(simulation) && simulation->events.count > 0 &&
           simulation->events.heap[0].at_us <= until_us) {
        events_take(&simulation->events, &event);
        pass_time(simulation, event.at_us);
        event.run(event.what);
    }
    if (!simulation_is_breached(simulation) && until_us > simulation->now_us)
        pass_time(simulation, until_us);
}

uint64_t simulation_draw(struct simulation *simulation, enum luck stream, uint64_t least,
                         uint64_t most)
{
    return least + random_up_to(&simulation->luck[stream], most - least);
}

/* ---- the fingerprint ---- */

void simulation_note_number(struct simulation *simulation, uint64_t number)
{
    uint64_t mixed = (simulation->fingerprint ^ number) * UINT64_C(0x9e3779b97f4a7c15);

    simulation->fingerprint = mixed ^ mixed >> 29;
}

void simulation_note(struct simulation *simulation, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t word;

    for (; size >= sizeof word; at += sizeof word, size -= sizeof word) {
        memcpy(&word, at, sizeof word);
        simulation_note_number(simulation, word);
    }
    word = size;
    for (; size > 0; size--)
        word = word << 8 | *at++;
    simulation_note_number(simulation, word);
}

/* ---- the trace ---- */

void simulation_trace(struct simulation *simulation, const char *who, const char *format, ...)
{
    char text[1024], line[1200];
    va_list arguments;

    if (!simulation_traces(simulation))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "[%7" PRIu64 ".%03" PRIu64 "] %s%s%s",
             simulation->now_us / SECOND_US, simulation->now_us / MILLISECOND_US % 1000, who,
             who[0] ? " " : "", text);
    simulation->options->trace(line, simulation->options->trace_context);
}
