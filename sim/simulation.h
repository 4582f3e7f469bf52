/* simulation: one world in virtual time, as its parts share it: the processes, the sockets between
 * them, their disks, the clients outside, and the director that starts, breaks and heals.
 *
 * Parts: process.h (life and death of a process, and what waits for it), sockets.h (frames between
 * processes), region_host.h, router_host.h and replicator_host.h (the three shells: what live_*.c
 * is in the daemons), client.h (sessions), director.h (configuration and faults), ending.h
 * (healing), looks.h (an operator who looks).
 *
 * Only the files of the simulator include it. */

#ifndef MEC_SIMULATION_H
#define MEC_SIMULATION_H

#include "common/memory.h"
#include "common/moment.h"
#include "common/random.h"
#include "sim/events.h"
#include "sim/process.h"
#include "sim/run.h"

#define SIMULATION_WALL_US       UINT64_C(1790000000000000) /* wall clock at the world's start */
#define SIMULATION_PROCESSES_MAX (2 * PLAN_REGIONS_MAX + PLAN_ROUTERS_MAX)

/* Each subsystem draws from a stream of its own, so that more luck in one never shifts another's.
 */
enum luck { LUCK_SOCKETS, LUCK_STORAGE, LUCK_PROCESSES, LUCK_DIRECTOR, LUCK_CLIENTS, LUCK_COUNT };

struct clients;
struct director;
struct sockets;

struct simulation {
    const struct plan *plan;
    const struct run_options *options;
    struct run_result *result;
    uint64_t now_us;
    struct events events;
    struct random luck[LUCK_COUNT];
    uint64_t fingerprint;  /* of all that has happened */
    uint64_t same_moment;  /* events in a row without time passing */
    struct arena *arena;   /* until the end of the run */
    struct arena *scratch; /* of one look */
    struct watch *watch;
    struct director *director;
    struct sockets *sockets;
    struct process processes[SIMULATION_PROCESSES_MAX];
    size_t process_count;
    struct clients *clients;
    uint64_t last_request;
};

struct simulation *simulation_create(const struct plan *plan, const struct run_options *options,
                                     struct run_result *result);
void simulation_free(struct simulation *simulation);

/* Let everything happen up to @until_us, or until something is breached. */
void simulation_run(struct simulation *simulation, uint64_t until_us);

bool simulation_is_breached(const struct simulation *simulation);

struct process *simulation_regiond(struct simulation *simulation, uint32_t region);
struct process *simulation_replicator(struct simulation *simulation, uint32_t region);
struct process *simulation_router(struct simulation *simulation, uint32_t number);

/* Luck between two bounds, both included. */
uint64_t simulation_draw(struct simulation *simulation, enum luck stream, uint64_t least,
                         uint64_t most);

/* Mix into the fingerprint. */
void simulation_note(struct simulation *simulation, const void *bytes, size_t size);
void simulation_note_number(struct simulation *simulation, uint64_t number);

/* Wanted? Then say it: "[ 12.110] @who @format". */
#define simulation_traces(simulation) ((simulation)->options->trace != NULL)
void simulation_trace(struct simulation *simulation, const char *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
