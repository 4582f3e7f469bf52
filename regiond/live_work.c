#include "regiond/live_work.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "common/live_turns.h"
#include "common/memory.h"

/* One item in a list, first in, first out. */
struct node {
    struct node *next;
    void *item;
};

struct list {
    struct node *first;
    struct node **last; /* where the next one is hung in */
};

struct live_work {
    struct live_work_options options;
    struct event *finished_event;
    int finished_fd; /* an eventfd: something is in `finished` */

    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t given;
    struct list waiting;
    struct list finished;
    bool stopping;
    unsigned thread_count;
    pthread_t threads[];
};

static void list_init(struct list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

static void list_add(struct list *list, struct node *node)
{
    node->next = NULL;
    *list->last = node;
    list->last = &node->next;
}

static struct node *list_take(struct list *list)
{
    struct node *node = list->first;

    if (node && !(list->first = node->next))
        list->last = &list->first;
    return node;
}

static void list_free(struct list *list)
{
    for (struct node *node; (node = list_take(list));)
        free(node);
}

/* ---- on a thread ---- */

static struct timespec deadline_in(unsigned delay_ms)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += delay_ms / 1000;
    deadline.tv_nsec += (long)(delay_ms % 1000) * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    return deadline;
}

/* Wait, with the mutex held, for something to do. Returns false after the idle time without. */
static bool wait_for_item(struct live_work *work, bool idle_wanted)
{
    struct timespec deadline = deadline_in(work->options.idle_ms);
    int code = 0;

    while (!work->waiting.first && !work->stopping && code != ETIMEDOUT)
        code = idle_wanted ? pthread_cond_timedwait(&work->given, &work->mutex, &deadline)
                           : pthread_cond_wait(&work->given, &work->mutex);
    return work->waiting.first || work->stopping;
}

/* Do what can wait, until it is done or an item comes. Called and left with the mutex held. */
static void be_idle(struct live_work *work)
{
    bool more = true;

    while (more && !work->waiting.first && !work->stopping) {
        pthread_mutex_unlock(&work->mutex);
        more = work->options.idle(work->options.context);
        pthread_mutex_lock(&work->mutex);
    }
}

static void hand_back(struct live_work *work, struct node *node)
{
    uint64_t one = 1;
    ssize_t size;

    pthread_mutex_lock(&work->mutex);
    list_add(&work->finished, node);
    pthread_mutex_unlock(&work->mutex);
    size = write(work->finished_fd, &one, sizeof(one));
    assert(size == sizeof(one));
}

static void *run_thread(void *argument)
{
    struct live_work *work = argument;
    bool idle_wanted = false;

    if (work->options.nice != 0)
        live_turns_long(work->options.nice);
    pthread_mutex_lock(&work->mutex);
    while (true) {
        struct node *node;

        if (!wait_for_item(work, idle_wanted)) {
            be_idle(work);
            idle_wanted = false;
            continue;
        }
        if (work->stopping)
            break;
        node = list_take(&work->waiting);
        pthread_mutex_unlock(&work->mutex);
        work->options.run(node->item, work->options.context);
        hand_back(work, node);
        if (work->options.after)
            work->options.after(work->options.context);
        idle_wanted = work->options.idle != NULL;
        pthread_mutex_lock(&work->mutex);
    }
    pthread_mutex_unlock(&work->mutex);
    return NULL;
}

/* ---- on the loop ---- */

static void on_finished(evutil_socket_t fd, short what, void *context)
{
    struct live_work *work = context;
    struct node *finished;
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof(count)) < 0)
        return; /* another turn has taken all */

    pthread_mutex_lock(&work->mutex);
    finished = work->finished.first;
    list_init(&work->finished);
    pthread_mutex_unlock(&work->mutex);
    for (struct node *node = finished, *next; node; node = next) {
        void *item = node->item;

        next = node->next;
        free(node);
        work->options.done(item, work->options.context);
    }
}

static int open_event(struct live_work *work, struct live_loop *loop)
{
    work->finished_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (work->finished_fd < 0)
        return -errno;
    work->finished_event =
        event_new(live_loop_base(loop), work->finished_fd, EV_READ | EV_PERSIST, on_finished, work);
    if (!work->finished_event || event_add(work->finished_event, NULL) < 0)
        return -ENOMEM;
    return 0;
}

/* Signals are the loop's: a thread that took one would wake up for nothing. */
static int start_threads(struct live_work *work)
{
    sigset_t all, before;
    int code = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (work->thread_count < work->options.threads && code == 0) {
        code = pthread_create(&work->threads[work->thread_count], NULL, run_thread, work);
        if (code == 0)
            work->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -code;
}

static void init_locks(struct live_work *work)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&work->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&work->given, &attributes);
    pthread_condattr_destroy(&attributes);
}

int live_work_create(struct live_loop *loop, const struct live_work_options *options,
                     struct live_work **ret_work)
{
    struct live_work *work =
        memory_alloc(sizeof(*work) + options->threads * sizeof(work->threads[0]));
    int error;

    work->options = *options;
    list_init(&work->waiting);
    list_init(&work->finished);
    init_locks(work);
    error = open_event(work, loop);
    if (error == 0)
        error = start_threads(work);
    if (error != 0) {
        live_work_free(work);
        return error;
    }
    *ret_work = work;
    return 0;
}

void live_work_free(struct live_work *work)
{
    if (!work)
        return;
    pthread_mutex_lock(&work->mutex);
    work->stopping = true;
    pthread_cond_broadcast(&work->given);
    pthread_mutex_unlock(&work->mutex);
    for (unsigned i = 0; i < work->thread_count; i++)
        pthread_join(work->threads[i], NULL);
    if (work->finished_event)
        event_free(work->finished_event);
    if (work->finished_fd >= 0)
        close(work->finished_fd);
    pthread_cond_destroy(&work->given);
    pthread_mutex_destroy(&work->mutex);
    list_free(&work->waiting);
    list_free(&work->finished);
    free(work);
}

void live_work_give(struct live_work *work, void *item)
{
    struct node *node = memory_alloc(sizeof(*node));

    node->item = item;
    pthread_mutex_lock(&work->mutex);
    list_add(&work->waiting, node);
    pthread_cond_signal(&work->given);
    pthread_mutex_unlock(&work->mutex);
}
