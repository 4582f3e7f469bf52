/* supervisor: the table of a world's processes, as state machines.
 *
 * Requests of people and facts about processes go in; what to spawn and whom to signal comes out,
 * in order. It owns no process and no clock: monotonic times are passed in.
 *
 *     stopped --start--> starting --ready--> serving
 *     starting, serving --pause--> paused --resume--> starting or serving
 *     starting, serving, paused --stop, kill, restart--> ending --exit--> stopped or killed
 *     starting, serving, paused --killed by somebody else--> killed (somebody drills: it stays
 * down) starting, serving --any other exit--> crashed --back-off--> starting a spawn that fails -->
 * failed */

#ifndef MEC_SUPERVISOR_H
#define MEC_SUPERVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUPERVISOR_NAME_SIZE   64
#define SUPERVISOR_DETAIL_SIZE 256
#define SUPERVISOR_STOP_US     UINT64_C(3000000) /* from SIGTERM to SIGKILL */

/* name, word, has a pid */
#define PROCESS_STATES(X)                                                                          \
    X(STOPPED, "stopped", false)                                                                   \
    X(STARTING, "starting", true)                                                                  \
    X(SERVING, "serving", true)                                                                    \
    X(PAUSED, "paused", true)                                                                      \
    X(ENDING, "ending", true)                                                                      \
    X(KILLED, "killed", false)                                                                     \
    X(CRASHED, "crashed", false)                                                                   \
    X(FAILED, "failed", false)

enum process_state {
#define X(name, word, alive) PROCESS_##name,
    PROCESS_STATES(X)
#undef X
        PROCESS_STATE_COUNT
};

struct process {
    char name[SUPERVISOR_NAME_SIZE]; /* "regiond/us-east" */
    enum process_state state;
    uint32_t pid;         /* 0: none */
    uint64_t start_ticks; /* with the pid it names a process for ever: /proc/PID/stat, field 22 */
    uint32_t restarts;    /* after crashes, since somebody last started it */
    uint64_t wake_us;     /* when back-off or patience ends; UINT64_MAX: never */
    uint64_t backoff_us;
    enum process_state end_as; /* of ENDING */
    bool start_again;          /* of ENDING */
    bool spawning;             /* asked for, and not yet heard of */

    /* As it last said itself; forgotten at its end. */
    bool connected;
    bool ready;
    uint64_t config_version;
    char detail[SUPERVISOR_DETAIL_SIZE]; /* why it is not ready, or how it ended */
};

enum supervisor_action_kind { SUPERVISOR_SPAWN, SUPERVISOR_SIGNAL };

struct supervisor_action {
    enum supervisor_action_kind kind;
    size_t process;
    int signal;
};

struct supervisor {
    struct process *processes;
    size_t count;
    struct supervisor_action *actions; /* to be carried out in order and then cleared */
    size_t action_count;
};

enum supervisor_request {
    SUPERVISOR_START,
    SUPERVISOR_STOP,
    SUPERVISOR_RESTART,
    SUPERVISOR_KILL,
    SUPERVISOR_PAUSE,
    SUPERVISOR_RESUME
};

void supervisor_free(struct supervisor *supervisor); /* its content */
void supervisor_add(struct supervisor *supervisor, const char *name);

/* @ret_processes has room for all. A name is a process's, or a region's: both of its processes.
 * Returns how many were found; 0: no such thing. */
size_t supervisor_find(const struct supervisor *supervisor, const char *name,
                       size_t *ret_processes);

/* Do as people ask. 0: done or begun; 1: nothing to do, it is so already.
 * Errors: -EINVAL, that cannot be done in this state. */
int supervisor_ask(struct supervisor *supervisor, size_t process, enum supervisor_request request,
                   uint64_t now_us);

/* Facts. */
void supervisor_spawned(struct supervisor *supervisor, size_t process, uint32_t pid,
                        uint64_t start_ticks);
void supervisor_spawn_failed(struct supervisor *supervisor, size_t process, const char *why);
void supervisor_hello(struct supervisor *supervisor, size_t process, bool ready,
                      uint64_t config_version, const char *detail);
void supervisor_lost(struct supervisor *supervisor, size_t process); /* the connection is gone */

/* How a process ended: by @signal, or with @code when that is 0; both -1: nobody knows. */
void supervisor_exited(struct supervisor *supervisor, size_t process, int code, int signal,
                       uint64_t now_us);

/* When a state file is read: take up @process as @state, with its pid when it lives. */
void supervisor_adopt(struct supervisor *supervisor, size_t process, enum process_state state,
                      bool alive, uint64_t now_us);

void supervisor_tick(struct supervisor *supervisor, uint64_t now_us);
uint64_t supervisor_wake_us(const struct supervisor *supervisor);

const char *supervisor_state_name(enum process_state state);
int supervisor_state_find(const char *name, enum process_state *ret_state); /* -ENOENT */
bool supervisor_is_alive(const struct process *process);

#endif
