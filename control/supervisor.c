#include "control/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"

#define BACKOFF_FIRST_US (100 * MILLISECOND_US)
#define BACKOFF_MOST_US  (5 * SECOND_US)

static const char *const state_names[] = {
#define X(name, word, alive) word,
    PROCESS_STATES(X)
#undef X
};

static const bool state_is_alive[] = {
#define X(name, word, alive) alive,
    PROCESS_STATES(X)
#undef X
};

#define TO(name) (1u << PROCESS_##name)

/* Every move that there is. */
static const unsigned moves[PROCESS_STATE_COUNT] = {
    [PROCESS_STOPPED] = TO(STARTING) | TO(FAILED),
    [PROCESS_STARTING] = TO(SERVING) | TO(PAUSED) | TO(ENDING) | TO(KILLED) | TO(CRASHED),
    [PROCESS_SERVING] = TO(STARTING) | TO(PAUSED) | TO(ENDING) | TO(KILLED) | TO(CRASHED),
    [PROCESS_PAUSED] = TO(STARTING) | TO(SERVING) | TO(ENDING) | TO(KILLED) | TO(CRASHED),
    [PROCESS_ENDING] = TO(STOPPED) | TO(KILLED),
    [PROCESS_KILLED] = TO(STARTING) | TO(FAILED),
    [PROCESS_CRASHED] = TO(STARTING) | TO(FAILED) | TO(STOPPED) | TO(KILLED),
    [PROCESS_FAILED] = TO(STARTING) | TO(STOPPED) | TO(KILLED),
};

const char *supervisor_state_name(enum process_state state)
{
    assert(state < PROCESS_STATE_COUNT);
    return state_names[state];
}

int supervisor_state_find(const char *name, enum process_state *ret_state)
{
    for (size_t i = 0; i < PROCESS_STATE_COUNT; i++) {
        if (strcmp(state_names[i], name) != 0)
            continue;
        *ret_state = (enum process_state)i;
        return 0;
    }
    return -ENOENT;
}

bool supervisor_is_alive(const struct process *process)
{
    return state_is_alive[process->state];
}

static void check(const struct process *process)
{
    if (!supervisor_is_alive(process)) {
        assert(process->pid == 0);
        assert(!process->connected);
    }
    if (process->state == PROCESS_SERVING)
        assert(process->ready);
    if (process->state == PROCESS_CRASHED || process->state == PROCESS_ENDING)
        return;
    assert(process->wake_us == NEVER_US);
}

static void move(struct process *process, enum process_state state)
{
    assert(moves[process->state] & (1u << state));
    process->state = state;
    if (!state_is_alive[state]) {
        process->pid = 0;
        process->start_ticks = 0;
        process->connected = false;
        process->ready = false;
    }
    if (state != PROCESS_CRASHED && state != PROCESS_ENDING)
        process->wake_us = NEVER_US;
    check(process);
}

void supervisor_free(struct supervisor *supervisor)
{
    free(supervisor->processes);
    free(supervisor->actions);
    *supervisor = (struct supervisor){0};
}

void supervisor_add(struct supervisor *supervisor, const char *name)
{
    struct process process = {.wake_us = NEVER_US};

    assert(strlen(name) < sizeof process.name);
    snprintf(process.name, sizeof process.name, "%s", name);
    supervisor->processes =
        memory_grow(supervisor->processes, (supervisor->count + 1) * sizeof process);
    supervisor->processes[supervisor->count++] = process;
}

size_t supervisor_find(const struct supervisor *supervisor, const char *name, size_t *ret_processes)
{
    size_t found = 0;

    for (size_t i = 0; i < supervisor->count; i++) {
        const char *own = supervisor->processes[i].name;
        const char *slash = strchr(own, '/');
        if (strcmp(own, name) == 0 || (slash && strcmp(slash + 1, name) == 0))
            ret_processes[found++] = i;
    }
    return found;
}

static void act(struct supervisor *supervisor, enum supervisor_action_kind kind, size_t process,
                int signal)
{
    supervisor->actions = memory_grow(supervisor->actions,
                                      (supervisor->action_count + 1) * sizeof *supervisor->actions);
    supervisor->actions[supervisor->action_count++] =
        (struct supervisor_action){kind, process, signal};
}

static void send_signal(struct supervisor *supervisor, size_t process, int signal)
{
    act(supervisor, SUPERVISOR_SIGNAL, process, signal);
}

static void spawn(struct supervisor *supervisor, size_t index)
{
    supervisor->processes[index].spawning = true;
    act(supervisor, SUPERVISOR_SPAWN, index, 0);
}

static int start(struct supervisor *supervisor, size_t index)
{
    struct process *process = &supervisor->processes[index];

    if (process->spawning)
        return 1;
    switch (process->state) {
    case PROCESS_STARTING:
    case PROCESS_SERVING:
        return 1;
    case PROCESS_PAUSED:
        return -EINVAL; /* it would look started and still hang */
    case PROCESS_ENDING:
        process->start_again = true;
        return 0;
    default:
        process->restarts = 0;
        process->backoff_us = 0;
        process->wake_us = NEVER_US;
        spawn(supervisor, index);
        return 0;
    }
}

/* It has no process: let it rest as @state. */
static int lay_down(struct process *process, enum process_state state)
{
    if (process->state != PROCESS_CRASHED && process->state != PROCESS_FAILED)
        return 1;
    move(process, state);
    return 0;
}

static int end(struct supervisor *supervisor, size_t index, enum process_state end_as,
               bool start_again, uint64_t now_us)
{
    struct process *process = &supervisor->processes[index];
    bool paused = process->state == PROCESS_PAUSED;

    if (!supervisor_is_alive(process))
        return start_again ? start(supervisor, index) : lay_down(process, end_as);
    if (process->state != PROCESS_ENDING)
        move(process, PROCESS_ENDING);
    process->end_as = end_as;
    process->start_again = start_again;
    if (end_as == PROCESS_KILLED) {
        process->wake_us = NEVER_US;
        send_signal(supervisor, index, SIGKILL);
        return 0;
    }
    process->wake_us = now_us + SUPERVISOR_STOP_US;
    send_signal(supervisor, index, SIGTERM);
    if (paused)
        send_signal(supervisor, index, SIGCONT); /* else SIGTERM would wait for ever */
    return 0;
}

static int set_paused(struct supervisor *supervisor, size_t index, bool paused)
{
    struct process *process = &supervisor->processes[index];

    if ((process->state == PROCESS_PAUSED) == paused && supervisor_is_alive(process))
        return process->state == PROCESS_ENDING ? -EINVAL : 1;
    if (process->state != PROCESS_STARTING && process->state != PROCESS_SERVING &&
        process->state != PROCESS_PAUSED)
        return -EINVAL;
    send_signal(supervisor, index, paused ? SIGSTOP : SIGCONT);
    move(process, paused ? PROCESS_PAUSED : process->ready ? PROCESS_SERVING : PROCESS_STARTING);
    return 0;
}

int supervisor_ask(struct supervisor *supervisor, size_t process, enum supervisor_request request,
                   uint64_t now_us)
{
    assert(process < supervisor->count);
    switch (request) {
    case SUPERVISOR_START:
        return start(supervisor, process);
    case SUPERVISOR_STOP:
        return end(supervisor, process, PROCESS_STOPPED, false, now_us);
    case SUPERVISOR_RESTART:
        return end(supervisor, process, PROCESS_STOPPED, true, now_us);
    case SUPERVISOR_KILL:
        return end(supervisor, process, PROCESS_KILLED, false, now_us);
    case SUPERVISOR_PAUSE:
        return set_paused(supervisor, process, true);
    case SUPERVISOR_RESUME:
        return set_paused(supervisor, process, false);
    }
    return -EINVAL;
}

void supervisor_spawned(struct supervisor *supervisor, size_t index, uint32_t pid,
                        uint64_t start_ticks)
{
    struct process *process = &supervisor->processes[index];

    assert(pid != 0);
    process->spawning = false;
    move(process, PROCESS_STARTING);
    process->pid = pid;
    process->start_ticks = start_ticks;
    process->detail[0] = '\0';
    process->config_version = 0;
}

void supervisor_spawn_failed(struct supervisor *supervisor, size_t index, const char *why)
{
    struct process *process = &supervisor->processes[index];

    process->spawning = false;
    if (process->state != PROCESS_FAILED)
        move(process, PROCESS_FAILED);
    snprintf(process->detail, sizeof process->detail, "%s", why);
}

void supervisor_hello(struct supervisor *supervisor, size_t index, bool ready,
                      uint64_t config_version, const char *detail)
{
    struct process *process = &supervisor->processes[index];

    assert(supervisor_is_alive(process));
    process->connected = true;
    process->ready = ready;
    process->config_version = config_version;
    snprintf(process->detail, sizeof process->detail, "%s", detail ? detail : "");
    if (process->state == PROCESS_STARTING && ready) {
        move(process, PROCESS_SERVING);
        process->backoff_us = 0;
    } else if (process->state == PROCESS_SERVING && !ready) {
        move(process, PROCESS_STARTING);
    }
}

void supervisor_lost(struct supervisor *supervisor, size_t index)
{
    supervisor->processes[index].connected = false;
}

static void describe_end(struct process *process, int code, int signal)
{
    if (signal > 0)
        snprintf(process->detail, sizeof process->detail, "ended by signal %d (%s)", signal,
                 strsignal(signal));
    else if (code >= 0)
        snprintf(process->detail, sizeof process->detail, "ended by itself, exit code %d", code);
    else
        snprintf(process->detail, sizeof process->detail, "ended while nobody could see how");
}

static void crash(struct process *process, uint64_t now_us)
{
    process->backoff_us = process->backoff_us == 0 ? BACKOFF_FIRST_US : process->backoff_us * 2;
    if (process->backoff_us > BACKOFF_MOST_US)
        process->backoff_us = BACKOFF_MOST_US;
    move(process, PROCESS_CRASHED);
    process->wake_us = now_us + process->backoff_us;
}

void supervisor_exited(struct supervisor *supervisor, size_t index, int code, int signal,
                       uint64_t now_us)
{
    struct process *process = &supervisor->processes[index];
    bool again = process->start_again;

    if (process->state == PROCESS_ENDING) {
        process->start_again = false;
        process->detail[0] = '\0';
        move(process, process->end_as);
        if (again)
            start(supervisor, index);
        return;
    }
    describe_end(process, code, signal);
    if (signal == SIGKILL || signal == SIGTERM || (signal < 0 && code < 0))
        move(process, PROCESS_KILLED);
    else
        crash(process, now_us);
}

void supervisor_adopt(struct supervisor *supervisor, size_t index, enum process_state state,
                      bool alive, uint64_t now_us)
{
    struct process *process = &supervisor->processes[index];

    process->state = state;
    process->wake_us = NEVER_US;
    if (alive) {
        /* Whatever it was: it lives, and will say itself whether it serves. */
        if (state != PROCESS_PAUSED)
            process->state = PROCESS_STARTING;
        return;
    }
    process->pid = 0;
    process->start_ticks = 0;
    if (state_is_alive[state]) {
        process->state = PROCESS_KILLED;
        describe_end(process, -1, -1);
    }
    if (state == PROCESS_CRASHED)
        process->wake_us = now_us;
}

void supervisor_tick(struct supervisor *supervisor, uint64_t now_us)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct process *process = &supervisor->processes[i];
        if (process->wake_us > now_us)
            continue;
        process->wake_us = NEVER_US;
        if (process->state == PROCESS_ENDING) {
            send_signal(supervisor, i, SIGKILL);
        } else {
            assert(process->state == PROCESS_CRASHED);
            process->restarts++;
            spawn(supervisor, i);
        }
    }
}

uint64_t supervisor_wake_us(const struct supervisor *supervisor)
{
    uint64_t wake_us = NEVER_US;

    for (size_t i = 0; i < supervisor->count; i++)
        if (supervisor->processes[i].wake_us < wake_us)
            wake_us = supervisor->processes[i].wake_us;
    return wake_us;
}
