#include "regiond/hashing.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/memory.h"

struct task {
    struct region_hash_job job;
    struct task *prev, *next;
    hashing_done *done;
    void *context;
};

struct hashing {
    struct task *waiting;
    struct task *out;
    size_t waiting_count;
    size_t out_count;
};

struct hashing *hashing_create(void)
{
    return memory_alloc(sizeof(struct hashing));
}

void hashing_free(struct hashing *hashing)
{
    free(hashing);
}

static void send_next(struct region *region)
{
    struct hashing *hashing = region->hashing;
    struct task *task = hashing->waiting;

    if (!task || hashing->out_count >= HASHING_OUT_MAX)
        return;
    DL_DELETE(hashing->waiting, task);
    hashing->waiting_count--;
    DL_APPEND(hashing->out, task);
    hashing->out_count++;
    region->counters.hashes++;
    outbox_hash(region->outbox, &task->job);
}

int hashing_start(struct region *region, const struct hashing_work *work, hashing_done *done,
                  void *context)
{
    struct hashing *hashing = region->hashing;
    struct task *task;

    if (hashing->waiting_count >= HASHING_WAITING_MAX)
        return -EBUSY;
    task = memory_alloc(sizeof *task);
    task->job.password = memory_copy(work->password.data, work->password.size);
    task->job.password_size = work->password.size;
    memcpy(task->job.salt, work->salt, sizeof task->job.salt);
    task->job.operations = work->operations;
    task->job.memory_kib = work->memory_kib;
    task->job.context = task;
    task->done = done;
    task->context = context;
    DL_APPEND(hashing->waiting, task);
    hashing->waiting_count++;
    send_next(region);
    return 0;
}

static void finish(struct region *region, struct task *task, int error)
{
    task->done(region, task->context, error, task->job.hash);
    sodium_memzero(task->job.password, task->job.password_size);
    free(task->job.password);
    sodium_memzero(task, sizeof *task);
    free(task);
}

void hashing_finished(struct region *region, struct region_hash_job *job)
{
    struct hashing *hashing = region->hashing;
    struct task *task = job->context;

    assert(hashing->out_count > 0);
    DL_DELETE(hashing->out, task);
    hashing->out_count--;
    finish(region, task, job->error);
    send_next(region);
}

bool hashing_cancel(struct region *region)
{
    struct hashing *hashing = region->hashing;
    bool any = false;
    struct task *task;

    while ((task = hashing->out) != NULL) {
        DL_DELETE(hashing->out, task);
        hashing->out_count--;
        finish(region, task, -ECANCELED);
        any = true;
    }
    while ((task = hashing->waiting) != NULL) {
        DL_DELETE(hashing->waiting, task);
        hashing->waiting_count--;
        finish(region, task, -ECANCELED);
        any = true;
    }
    return any;
}
