/* process: a simulated process: a core with a life. It can be down, up, or standing still; what
 * happens for it while it stands still waits, as in the kernel's buffers, and what was meant for an
 * earlier life is lost. */

#ifndef MEC_PROCESS_H
#define MEC_PROCESS_H

#include "common/frame.h"
#include "common/moment.h"
#include "control.pb-c.h"
#include "sim/plan.h"

struct region_host;
struct replicator;
struct router;
struct simulation;

enum process_kind { PROCESS_REGIOND, PROCESS_REPLICATOR, PROCESS_ROUTER };

/* How a process ends. */
enum process_end {
    PROCESS_STOPPED, /* it was told to, and closes its files */
    PROCESS_KILLED,  /* it is gone between two instructions */
    PROCESS_POWER    /* likewise, and what it had not synced is lost */
};

struct process;

/* Something that a process is to do, at its time and in this life. */
struct errand {
    struct errand *next; /* of what waits */
    struct process *process;
    uint64_t life;
    void (*run)(struct process *process, struct errand *errand);
    uint64_t number;
    uint32_t peer;
    void *what; /* not the errand's */
    size_t size;
    uint8_t bytes[];
};

struct process {
    struct simulation *simulation;
    enum process_kind kind;
    uint32_t index; /* region, or the router's number */
    uint32_t place; /* in simulation->processes */
    char name[64];  /* "regiond/us-east", as the real ones */
    bool up;
    bool paused;
    bool dying; /* the step under way was its last */
    enum process_end dies_by;
    uint64_t life;             /* counts the starts */
    uint64_t armed_us;         /* when the next tick comes; NEVER_US: none does */
    const Mec__Config *config; /* the director's; what it runs by, or ran by last */
    uint64_t actions_left;     /* it dies after so many more; 0: no such thing */
    uint64_t restart_after_us; /* once it has died; 0: it stays down */
    uint64_t down_since_us;
    uint32_t stumbles;            /* starts in a row that failed */
    struct errand *first, **last; /* what waits while it is paused */

    struct region_host *region; /* PROCESS_REGIOND: outlives the process: disk and clock */
    struct replicator *replicator;
    struct router *router;
};

void process_init(struct process *process, struct simulation *simulation, enum process_kind kind,
                  uint32_t index, const char *name);
void process_free(struct process *process); /* its content */

/* Start it now, with the newest configuration. Errors: -errno, it cannot start; it is down. */
int process_start(struct process *process);
void process_end(struct process *process, enum process_end how);
void process_pause(struct process *process);
void process_resume(struct process *process);

/* A new errand with @size bytes of room, for process_send(). */
struct errand *process_errand(struct process *process,
                              void (*run)(struct process *process, struct errand *errand),
                              size_t size);
void process_send(struct errand *errand, uint64_t at_us);

/* For the hosts: to be called around the carrying out of a step's actions. process_acts() counts an
 * action and says whether the process has just died of it: then the rest is not carried out. */
bool process_acts(struct process *process);
void process_stepped(struct process *process, uint64_t wake_us);

/* It logs that. */
void process_says(struct process *process, const char *text);

/* What its wall clock says. */
struct moment process_moment(const struct process *process);

/* Is it up and not standing still? */
bool process_runs(const struct process *process);

#endif
