#include "regiond/live_storage.h"

#include <stdlib.h>

#include "common/live_log.h"
#include "regiond/live_work.h"

/* Longer than a pause between two batches of a busy region: tidying there would hold the next one
 * up by some milliseconds, where it can wait for hours. */
#define IDLE_MS 20

struct live_storage {
    struct storage *storage;
    struct live_work *work;
    int last_error; /* of the thread: a full disk is logged once, not with every batch */
    void (*done)(struct storage_batch *batch, void *context);
    void *context;
};

static void run(void *item, void *context)
{
    struct live_storage *live = context;
    struct storage_batch *batch = item;

    storage_run(live->storage, batch);
    if (batch->error != 0 && batch->error != live->last_error)
        live_log(LIVE_LOG_ERROR, "a batch was not committed why=\"%s\"", store_last_error());
    live->last_error = batch->error;
}

static void hand_back(void *item, void *context)
{
    struct live_storage *live = context;

    live->done(item, live->context);
}

static void after(void *context)
{
    struct live_storage *live = context;

    if (storage_overdue(live->storage))
        storage_tidy(live->storage, live_loop_now().wall_us);
}

static bool idle(void *context)
{
    struct live_storage *live = context;

    return storage_tidy(live->storage, live_loop_now().wall_us);
}

int live_storage_create(struct live_loop *loop, struct storage *storage,
                        void (*done)(struct storage_batch *batch, void *context), void *context,
                        struct live_storage **ret_live)
{
    struct live_storage *live = memory_alloc(sizeof(*live));
    struct live_work_options options = {.threads = 1,
                                        .idle_ms = IDLE_MS,
                                        .run = run,
                                        .done = hand_back,
                                        .after = after,
                                        .idle = idle,
                                        .context = live};
    int error;

    live->storage = storage;
    live->done = done;
    live->context = context;
    error = live_work_create(loop, &options, &live->work);
    if (error != 0) {
        free(live);
        return error;
    }
    *ret_live = live;
    return 0;
}

void live_storage_free(struct live_storage *live)
{
    if (!live)
        return;
    live_work_free(live->work);
    free(live);
}

void live_storage_run(struct live_storage *live, struct storage_batch *batch)
{
    live_work_give(live->work, batch);
}
