#include "sim/process.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/director.h"
#include "sim/region_host.h"
#include "sim/replicator_host.h"
#include "sim/router_host.h"
#include "sim/simulation.h"
#include "sim/sockets.h"

void process_init(struct process *process, struct simulation *simulation, enum process_kind kind,
                  uint32_t index, const char *name)
{
    *process = (struct process){.simulation = simulation,
                                .kind = kind,
                                .index = index,
                                .place = (uint32_t)simulation->process_count,
                                .armed_us = NEVER_US};
    snprintf(process->name, sizeof process->name, "%s", name);
    process->last = &process->first;
}

/* ---- errands ---- */

static void drop_errand(void *what)
{
    free(what);
}

static void forget_waiting(struct process *process)
{
    while (process->first) {
        struct errand *errand = process->first;

        process->first = errand->next;
        free(errand);
    }
    process->last = &process->first;
}

struct errand *process_errand(struct process *process,
                              void (*run)(struct process *process, struct errand *errand),
                              size_t size)
{
    struct errand *errand = memory_grow(NULL, sizeof *errand + size);

    *errand = (struct errand){.process = process, .life = process->life, .run = run, .size = size};
    return errand;
}

static void do_errand(struct errand *errand)
{
    struct process *process = errand->process;
    struct simulation *simulation = process->simulation;

    simulation_note_number(simulation, simulation->now_us << 8 | process->place);
    errand->run(process, errand);
    free(errand);
}

static void run_errand(void *what)
{
    struct errand *errand = what;
    struct process *process = errand->process;

    if (!process->up || errand->life != process->life) {
        free(errand);
    } else if (process->paused) {
        errand->next = NULL;
        *process->last = errand;
        process->last = &errand->next;
    } else {
        do_errand(errand);
    }
}

void process_send(struct errand *errand, uint64_t at_us)
{
    events_add(&errand->process->simulation->events, at_us, run_errand, drop_errand, errand);
}

/* ---- life ---- */

static int begin(struct process *process)
{
    switch (process->kind) {
    case PROCESS_REGIOND:
        return region_host_start(process);
    case PROCESS_REPLICATOR:
        return replicator_host_start(process);
    case PROCESS_ROUTER:
        return router_host_start(process);
    }
    abort();
}

static void finish(struct process *process, enum process_end how)
{
    switch (process->kind) {
    case PROCESS_REGIOND:
        region_host_end(process, how);
        return;
    case PROCESS_REPLICATOR:
        replicator_host_end(process);
        return;
    case PROCESS_ROUTER:
        router_host_end(process);
        return;
    }
}

int process_start(struct process *process)
{
    int error;

    assert(!process->up);
    process->life++;
    process->paused = false;
    process->dying = false;
    process->actions_left = 0;
    process->armed_us = NEVER_US;
    process->config = director_config(process->simulation);
    error = begin(process);
    if (error != 0)
        return error;
    process->up = true;
    process->stumbles = 0;
    simulation_trace(process->simulation, process->name, "starts");
    sockets_process_up(process);
    return 0;
}

void process_end(struct process *process, enum process_end how)
{
    static const char *const words[] = {"stops", "is killed", "loses power"};

    assert(process->up);
    simulation_trace(process->simulation, process->name, "%s", words[how]);
    process->up = false;
    process->paused = false;
    process->down_since_us = process->simulation->now_us;
    forget_waiting(process);
    finish(process, how);
    sockets_process_gone(process);
    director_process_ended(process);
}

void process_pause(struct process *process)
{
    process->paused = true;
    simulation_trace(process->simulation, process->name, "stands still");
}

/* All that has waited is there at once, in its order, as after SIGCONT. */
void process_resume(struct process *process)
{
    uint64_t life = process->life;

    process->paused = false;
    simulation_trace(process->simulation, process->name, "goes on");
    while (process->first && process->up && process->life == life && !process->paused) {
        struct errand *errand = process->first;

        process->first = errand->next;
        if (!process->first)
            process->last = &process->first;
        do_errand(errand);
    }
}

void process_free(struct process *process)
{
    forget_waiting(process);
    if (process->up)
        finish(process, PROCESS_KILLED);
    process->up = false;
}

/* ---- steps ---- */

static void tick(struct process *process, struct errand *errand)
{
    if (errand->number != process->armed_us)
        return; /* an earlier one has taken its place */
    process->armed_us = NEVER_US;
    switch (process->kind) {
    case PROCESS_REGIOND:
        region_host_tick(process);
        return;
    case PROCESS_REPLICATOR:
        replicator_host_tick(process);
        return;
    case PROCESS_ROUTER:
        router_host_tick(process);
        return;
    }
}

bool process_acts(struct process *process)
{
    if (process->dying)
        return true;
    if (process->actions_left == 0 || --process->actions_left > 0)
        return false;
    process->dying = true;
    process->dies_by = PROCESS_KILLED;
    return true;
}

void process_says(struct process *process, const char *text)
{
    watch_said(process->simulation->watch, process->simulation->now_us, process->name, text);
    simulation_trace(process->simulation, process->name, "says: %s", text);
}

void process_stepped(struct process *process, uint64_t wake_us)
{
    uint64_t now_us = process->simulation->now_us;
    struct errand *errand;

    process->simulation->result->steps++;
    if (process->dying) {
        process_end(process, process->dies_by);
        return;
    }
    if (wake_us < now_us)
        wake_us = now_us;
    if (wake_us >= process->armed_us)
        return;
    process->armed_us = wake_us;
    errand = process_errand(process, tick, 0);
    errand->number = wake_us;
    process_send(errand, wake_us);
}

struct moment process_moment(const struct process *process)
{
    struct simulation *simulation = process->simulation;
    uint64_t wall_us = SIMULATION_WALL_US + simulation->now_us;

    if (process->kind != PROCESS_ROUTER)
        wall_us += (uint64_t)director_clock_offset_us(simulation, process->index);
    return (struct moment){.now_us = simulation->now_us, .wall_us = wall_us};
}

bool process_runs(const struct process *process)
{
    return process->up && !process->paused;
}
