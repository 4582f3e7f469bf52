#include "common/live_loop.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include <sodium.h>

#include "common/live_turns.h"
#include "common/memory.h"

struct live_loop {
    struct event_base *base;
    struct event *terminate;
    struct event *interrupt;

    struct event *wake;
    uint64_t wake_us; /* NEVER_US: not armed */
    void (*wake_run)(void *context);
    void *wake_context;

    struct event *turn_end;
    struct live_loop_task *first_task;
    struct live_loop_task **next_task;
};

static uint64_t clock_us(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * SECOND_US + (uint64_t)time.tv_nsec / 1000;
}

struct moment live_loop_now(void)
{
    return (struct moment){clock_us(CLOCK_MONOTONIC), clock_us(CLOCK_REALTIME)};
}

static void on_signal(evutil_socket_t signal_number, short what, void *context)
{
    (void)signal_number;
    (void)what;
    live_loop_stop(context);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct live_loop *loop = context;

    (void)fd;
    (void)what;
    loop->wake_us = NEVER_US;
    if (loop->wake_run)
        loop->wake_run(loop->wake_context);
}

static void run_tasks(struct live_loop *loop)
{
    while (loop->first_task) {
        struct live_loop_task *task = loop->first_task;

        loop->first_task = task->next;
        if (!loop->first_task)
            loop->next_task = &loop->first_task;
        task->queued = false;
        task->run(task->context);
    }
}

static void on_turn_end(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    run_tasks(context);
}

/* The change list saves system calls when interest in a descriptor goes back and forth within one
 * turn. It is safe where no descriptor that is watched is ever dup()ed; none is. */
static struct event_base *create_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (!config)
        return NULL;
    if (event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0 &&
        event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

int live_loop_create(struct live_loop **ret_loop)
{
    struct live_loop *loop;

    /* Picks the fast code for this CPU; and without random numbers nothing here may run. */
    if (sodium_init() < 0)
        return -ENOSYS;
    live_turns_short();
    loop = memory_alloc(sizeof(*loop));
    loop->next_task = &loop->first_task;
    loop->wake_us = NEVER_US;
    loop->base = create_base();
    if (!loop->base)
        goto failed;
    loop->terminate = evsignal_new(loop->base, SIGTERM, on_signal, loop);
    loop->interrupt = evsignal_new(loop->base, SIGINT, on_signal, loop);
    loop->wake = evtimer_new(loop->base, on_wake, loop);
    loop->turn_end = event_new(loop->base, -1, 0, on_turn_end, loop);
    if (!loop->terminate || !loop->interrupt || !loop->wake || !loop->turn_end)
        goto failed;
    if (event_add(loop->terminate, NULL) < 0 || event_add(loop->interrupt, NULL) < 0)
        goto failed;

    /* A peer that goes away is an error of write(), not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    *ret_loop = loop;
    return 0;

failed:
    live_loop_free(loop);
    return -ENOMEM;
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

void live_loop_free(struct live_loop *loop)
{
    if (!loop)
        return;
    run_tasks(loop);
    free_event(loop->turn_end);
    free_event(loop->wake);
    free_event(loop->interrupt);
    free_event(loop->terminate);
    if (loop->base)
        event_base_free(loop->base);
    free(loop);
}

struct event_base *live_loop_base(struct live_loop *loop)
{
    return loop->base;
}

void live_loop_run(struct live_loop *loop)
{
    event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void live_loop_stop(struct live_loop *loop)
{
    /* Not loopbreak: what this turn made is still to be sent. */
    event_base_loopexit(loop->base, NULL);
}

void live_loop_wake(struct live_loop *loop, uint64_t at_us)
{
    uint64_t now_us, delay_us;
    struct timeval delay;

    if (at_us == loop->wake_us)
        return;
    loop->wake_us = at_us;
    if (at_us == NEVER_US) {
        event_del(loop->wake);
        return;
    }

    /* libevent counts the delay from the time at which this turn began, so without the update the
     * timer would come early by as long as the turn has taken. A time that is past makes a delay of
     * nothing: it runs on the next turn, behind what is there to read. */
    now_us = clock_us(CLOCK_MONOTONIC);
    event_base_update_cache_time(loop->base);
    delay_us = at_us > now_us ? at_us - now_us : 0;
    delay.tv_sec = (time_t)(delay_us / SECOND_US);
    delay.tv_usec = (suseconds_t)(delay_us % SECOND_US);
    event_add(loop->wake, &delay);
}

void live_loop_on_wake(struct live_loop *loop, void (*run)(void *context), void *context)
{
    loop->wake_run = run;
    loop->wake_context = context;
}

void live_loop_at_turn_end(struct live_loop *loop, struct live_loop_task *task)
{
    assert(task->run);
    if (task->queued)
        return;

    /* libevent appends to the queue of what is active, so the task stands behind every callback of
     * this turn and still before the next wait. */
    if (!loop->first_task)
        event_active(loop->turn_end, 0, 0);
    task->queued = true;
    task->next = NULL;
    *loop->next_task = task;
    loop->next_task = &task->next;
}
