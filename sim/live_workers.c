#include "sim/live_workers.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/memory.h"

/* So that a trial goes through a pipe whole or not at all. */
_Static_assert(sizeof(struct trial) <= PIPE_BUF, "a trial fits into a pipe");

#define STARVED 10 /* times the limit in wall time, and a worker is hung whatever it has used */

struct worker {
    pid_t pid; /* 0: not started, or dead */
    int to;    /* trials to run */
    int from;  /* trials that have run */
    bool busy;
    struct trial trial; /* that it runs */
    uint64_t started_us;
    uint64_t started_cpu_us; /* CPU time that it had used by then */
    uint64_t look_at_us;     /* does it still get on? */
};

struct live_workers {
    live_workers_run run;
    void *context;
    uint64_t limit_us;
    struct worker *items;
    size_t count;
};

uint64_t live_workers_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000) + (uint64_t)now.tv_nsec / 1000;
}

/* CPU time of a process; 0 when it is gone. */
static uint64_t cpu_us(pid_t pid)
{
    struct timespec used;
    clockid_t clock;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return 0;
    return (uint64_t)used.tv_sec * UINT64_C(1000000) + (uint64_t)used.tv_nsec / 1000;
}

struct live_workers *live_workers_create(size_t jobs, uint64_t limit_us, live_workers_run run,
                                         void *context)
{
    struct live_workers *workers = memory_alloc(sizeof *workers);

    assert(jobs > 0);
    *workers = (struct live_workers){.run = run,
                                     .context = context,
                                     .limit_us = limit_us,
                                     .items = memory_alloc(jobs * sizeof *workers->items),
                                     .count = jobs};
    return workers;
}

/* ---- the child ---- */

static bool read_trial(int fd, struct trial *trial)
{
    ssize_t size;

    do
        size = read(fd, trial, sizeof *trial);
    while (size < 0 && errno == EINTR);
    return size == (ssize_t)sizeof *trial;
}

static void write_trial(int fd, const struct trial *trial)
{
    ssize_t size;

    do
        size = write(fd, trial, sizeof *trial);
    while (size < 0 && errno == EINTR);
}

/* The others' pipes are theirs: while a copy of one's end is open it never reads an end of file. */
static void close_others(const struct live_workers *workers)
{
    for (size_t i = 0; i < workers->count; i++) {
        if (workers->items[i].pid == 0)
            continue;
        close(workers->items[i].to);
        close(workers->items[i].from);
    }
}

_Noreturn static void work(const struct live_workers *workers, int in, int out)
{
    struct trial trial;

    close_others(workers);
    signal(SIGINT, SIG_IGN); /* our parent decides */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (read_trial(in, &trial)) {
        workers->run(&trial, workers->context);
        trial.end = TRIAL_ENDED;
        fflush(stdout);
        write_trial(out, &trial);
    }
    exit(EXIT_SUCCESS); /* not _exit(): a leak shows here */
}

/* ---- the parent ---- */

static int start(struct live_workers *workers, struct worker *worker)
{
    int to[2];
    int from[2];

    if (pipe2(to, O_CLOEXEC) < 0)
        return -errno;
    if (pipe2(from, O_CLOEXEC) < 0) {
        int error = -errno;
        close(to[0]);
        close(to[1]);
        return error;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(to[1]);
        close(from[0]);
        work(workers, to[0], from[1]);
    }
    int error = pid < 0 ? -errno : 0;
    close(to[0]);
    close(from[1]);
    if (error == 0) {
        *worker = (struct worker){.pid = pid, .to = to[1], .from = from[0]};
    } else {
        close(to[1]);
        close(from[0]);
    }
    return error;
}

/* Returns how it ended, as waitpid() has it. */
static int bury(struct worker *worker)
{
    int status = 0;

    close(worker->to);
    close(worker->from);
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
        ;
    *worker = (struct worker){0};
    return status;
}

size_t live_workers_free(struct live_workers *workers)
{
    size_t bad = 0;

    for (size_t i = 0; i < workers->count; i++) {
        struct worker *worker = &workers->items[i];
        if (worker->pid == 0)
            continue;
        if (worker->busy)
            kill(worker->pid, SIGKILL);
        bool expected = worker->busy;
        bad += bury(worker) != 0 && !expected;
    }
    free(workers->items);
    free(workers);
    return bad;
}

bool live_workers_has_idle(const struct live_workers *workers)
{
    for (size_t i = 0; i < workers->count; i++)
        if (!workers->items[i].busy)
            return true;
    return false;
}

bool live_workers_has_busy(const struct live_workers *workers)
{
    for (size_t i = 0; i < workers->count; i++)
        if (workers->items[i].busy)
            return true;
    return false;
}

static struct worker *find_idle(struct live_workers *workers)
{
    for (size_t i = 0; i < workers->count; i++)
        if (!workers->items[i].busy)
            return &workers->items[i];
    return NULL;
}

int live_workers_give(struct live_workers *workers, const struct trial *trial)
{
    struct worker *worker = find_idle(workers);

    assert(worker);
    int error = worker->pid == 0 ? start(workers, worker) : 0;
    if (error != 0)
        return error;
    worker->busy = true;
    worker->trial = *trial;
    worker->started_us = live_workers_now_us();
    worker->started_cpu_us = cpu_us(worker->pid);
    worker->look_at_us = worker->started_us + workers->limit_us;
    write_trial(worker->to, trial); /* a worker that has died is noticed when it is listened to */
    return 0;
}

/* The process is gone: the trial was its end. */
static void take_dead(struct worker *worker, uint64_t now_us, enum trial_end end,
                      struct trial *ret_trial)
{
    struct trial trial = worker->trial;

    trial.wall_us = now_us - worker->started_us;
    int status = bury(worker);
    trial.end = end;
    trial.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    trial.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    *ret_trial = trial;
}

static void take(struct worker *worker, struct trial *ret_trial)
{
    if (read_trial(worker->from, ret_trial))
        worker->busy = false;
    else
        take_dead(worker, live_workers_now_us(), TRIAL_CRASHED, ret_trial);
}

/* A machine that is busy with other things starves a worker, which is then late and not hung: so
 * CPU time counts, and wall time only when it is out of all proportion. */
static bool is_hung(const struct live_workers *workers, struct worker *worker, uint64_t now_us)
{
    uint64_t limit_us = workers->limit_us * (worker->trial.twice ? 2 : 1);
    uint64_t used_us = cpu_us(worker->pid) - worker->started_cpu_us;

    if (used_us >= limit_us || now_us - worker->started_us >= STARVED * limit_us)
        return true;
    worker->look_at_us = now_us + limit_us - used_us;
    return false;
}

static bool take_hung(struct live_workers *workers, struct trial *ret_trial)
{
    uint64_t now_us = live_workers_now_us();

    for (size_t i = 0; i < workers->count; i++) {
        struct worker *worker = &workers->items[i];
        if (!worker->busy || now_us < worker->look_at_us || !is_hung(workers, worker, now_us))
            continue;
        kill(worker->pid, SIGKILL);
        take_dead(worker, now_us, TRIAL_HUNG, ret_trial);
        return true;
    }
    return false;
}

/* Milliseconds until a worker is to be looked at, at most @timeout_us from now. */
static int patience_ms(const struct live_workers *workers, uint64_t timeout_us)
{
    uint64_t now_us = live_workers_now_us();
    uint64_t end_us = now_us + timeout_us;

    for (size_t i = 0; i < workers->count; i++) {
        const struct worker *worker = &workers->items[i];
        if (worker->busy && worker->look_at_us < end_us)
            end_us = worker->look_at_us;
    }
    return end_us <= now_us ? 0 : (int)((end_us - now_us) / 1000 + 1);
}

bool live_workers_take(struct live_workers *workers, uint64_t timeout_us, struct trial *ret_trial)
{
    struct pollfd *polled = memory_alloc(workers->count * sizeof *polled);
    bool taken = false;

    for (size_t i = 0; i < workers->count; i++)
        polled[i] = (struct pollfd){.fd = workers->items[i].busy ? workers->items[i].from : -1,
                                    .events = POLLIN};
    if (poll(polled, workers->count, patience_ms(workers, timeout_us)) >= 0) {
        for (size_t i = 0; i < workers->count && !taken; i++) {
            if (polled[i].revents == 0)
                continue;
            take(&workers->items[i], ret_trial);
            taken = true;
        }
        taken = taken || take_hung(workers, ret_trial);
    }
    free(polled);
    return taken;
}
