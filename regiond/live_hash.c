#include "regiond/live_hash.h"

#include <stdlib.h>
#include <unistd.h>

#include "regiond/live_work.h"

#define THREADS_MAX 4

/* A flood of log-ins must not take the processors from those who only read: it gets half of them,
 * and there about a tenth of what readers want too. Half, because one who gives way does so only
 * after milliseconds (the scheduler's slice), but a processor without hashes serves at once. */
#define NICE 10

static unsigned thread_count(void)
{
    long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;

    if (half < 1)
        return 1;
    return half < THREADS_MAX ? (unsigned)half : THREADS_MAX;
}

struct live_hash {
    struct live_work *work;
    void (*done)(struct region_hash_job *job, void *context);
    void *context;
};

static void run(void *item, void *context)
{
    (void)context;
    region_hash_run(item);
}

static void hand_back(void *item, void *context)
{
    struct live_hash *hash = context;

    hash->done(item, hash->context);
}

int live_hash_create(struct live_loop *loop,
                     void (*done)(struct region_hash_job *job, void *context), void *context,
                     struct live_hash **ret_hash)
{
    struct live_hash *hash = memory_alloc(sizeof(*hash));
    struct live_work_options options = {
        .threads = thread_count(), .nice = NICE, .run = run, .done = hand_back, .context = hash};
    int error;

    hash->done = done;
    hash->context = context;
    error = live_work_create(loop, &options, &hash->work);
    if (error != 0) {
        free(hash);
        return error;
    }
    *ret_hash = hash;
    return 0;
}

void live_hash_free(struct live_hash *hash)
{
    if (!hash)
        return;
    live_work_free(hash->work);
    free(hash);
}

void live_hash_run(struct live_hash *hash, struct region_hash_job *job)
{
    live_work_give(hash->work, job);
}
