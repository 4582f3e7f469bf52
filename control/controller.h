/* controller: the core of controld: events and the time go in, actions come out.
 *
 * It owns the world: its processes, faults and configuration. Each command of people is answered
 * once it has taken effect, or at its deadline; many can wait at the same time. It has no socket,
 * process, file or clock of its own. */

#ifndef MEC_CONTROLLER_H
#define MEC_CONTROLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "common/moment.h"
#include "control.pb-c.h"
#include "control/world.h"

struct controller;

enum controller_event_kind {
    CONTROLLER_ASK,        /* mecentral asks */
    CONTROLLER_ASKER_GONE, /* and no longer waits; what was begun goes on */
    CONTROLLER_HELLO,
    CONTROLLER_LOST,    /* the connection of a process is gone */
    CONTROLLER_STATUS,  /* the answer to a CALL */
    CONTROLLER_SPAWNED, /* the answer to SPAWN */
    CONTROLLER_SPAWN_FAILED,
    CONTROLLER_EXITED,
    CONTROLLER_TICK /* controller_wake_us() is reached */
};

struct controller_event {
    enum controller_event_kind kind;
    struct moment at;
    uint64_t ask;            /* ASK, ASKER_GONE: the shell's number, never used again */
    const char *command;     /* ASK */
    const json_t *arguments; /* ASK: an object */
    size_t process;          /* all others but TICK */
    const Mec__Hello *hello; /* HELLO */
    uint32_t pid;            /* SPAWNED, HELLO */
    uint64_t start_ticks;    /* SPAWNED, HELLO */
    uint64_t call;           /* STATUS */
    const char *text;        /* STATUS: JSON; SPAWN_FAILED: why */
    int code;                /* EXITED, as supervisor_exited() */
    int signal;
};

enum controller_action_kind {
    CONTROLLER_REPLY,
    CONTROLLER_SPAWN,     /* write the Config as it stands, then start the process */
    CONTROLLER_SIGNAL,    /* to the process */
    CONTROLLER_CONFIGURE, /* send the Config as it stands now */
    CONTROLLER_CALL,      /* StatusAsk, or ExplainAsk when explain is set */
    CONTROLLER_REFUSE,    /* close the connection that said this HELLO */
    CONTROLLER_SAVE,      /* write the state file */
    CONTROLLER_END,       /* the world is down: end controld */
    CONTROLLER_LOG
};

struct controller_action {
    enum controller_action_kind kind;
    size_t process;
    int signal;
    uint64_t ask; /* REPLY, and what follows for it */
    bool last;
    uint32_t exit_code;
    char *text;   /* REPLY: the message; LOG */
    json_t *data; /* REPLY; may be NULL */
    uint64_t call;
    const char *section;            /* CALL */
    const Mec__ExplainAsk *explain; /* CALL */
};

struct controller_actions {
    const struct controller_action *items; /* with all they point to, live until the next step */
    size_t count;
};

/* Takes over @world. @alive says for each process of the table whether it still runs. */
struct controller *controller_create(struct world *world, const bool *alive, struct moment at);
void controller_free(struct controller *controller);
const struct world *controller_world(const struct controller *controller);
struct controller_actions controller_step(struct controller *controller,
                                          const struct controller_event *event);

/* When the next TICK is wanted, on the monotonic clock; NEVER_US for none. */
uint64_t controller_wake_us(const struct controller *controller, struct moment at);

/* The process of that name, or SIZE_MAX. */
size_t controller_process(const struct controller *controller, const char *name);

#endif
