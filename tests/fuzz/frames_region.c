/* The regiond of us-east, on a disk in memory: three connections that others have made to it, and
 * its own ones to two other regions. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "regiond/region.h"
#include "sim/region_host.h"
#include "sim/template.h"
#include "sim/vfs.h"
#include "tests/fuzz/frames.h"

#define ACCEPTED   3 /* links that others have made; behind them those to regions 1 and 2 */
#define DISK       "fuzz"
#define JOBS_MAX   64
#define WORK_TURNS 64

struct region_core {
    struct frames *frames;
    struct region *region;
    struct storage *storage;
    struct vfs *disk;
    struct storage_batch *batch;
    struct region_hash_job *jobs[JOBS_MAX];
    size_t job_count;
    uint64_t connections[ACCEPTED]; /* the number that each has now */
    uint64_t last_connection;
    bool holds; /* batches and password jobs take until further notice */
};

/* ---- steps ---- */

static void send_to(struct region_core *core, const struct region_action *action)
{
    for (uint32_t i = 0; i < ACCEPTED; i++)
        if (core->connections[i] == action->connection && core->frames->links[i].up)
            frames_sent(core->frames, i, action->bytes, action->size);
}

static void close_one(struct region_core *core, uint64_t connection)
{
    for (uint32_t i = 0; i < ACCEPTED; i++)
        if (core->connections[i] == connection)
            frames_close(core->frames, i);
}

static void take_action(struct region_core *core, const struct region_action *action)
{
    switch (action->kind) {
    case REGION_SEND:
        send_to(core, action);
        break;
    case REGION_SEND_PEER:
        assert(action->peer >= 1);
        assert(core->frames->links[ACCEPTED + action->peer - 1].up);
        frames_sent(core->frames, ACCEPTED + action->peer - 1, action->bytes, action->size);
        break;
    case REGION_CLOSE:
        assert(action->text);
        close_one(core, action->connection);
        break;
    case REGION_COMMIT:
        assert(!core->batch); /* one at a time */
        core->batch = action->batch;
        break;
    case REGION_HASH:
        assert(core->job_count < JOBS_MAX);
        core->jobs[core->job_count++] = action->job;
        break;
    case REGION_STOP:
        assert(false && "its disk is well");
        break;
    case REGION_READY:
    case REGION_MAKE_KEY:
    case REGION_FORGET_KEY:
    case REGION_LOG:
        break;
    }
}

static void step(struct region_core *core, struct region_event event)
{
    struct region_actions actions;

    event.at = core->frames->at;
    frames_step(core->frames);
    actions = region_step(core->region, &event);
    for (size_t i = 0; i < actions.count; i++)
        take_action(core, &actions.items[i]);
}

static void work(struct region_core *core)
{
    for (int turn = 0; turn < WORK_TURNS && !core->holds; turn++) {
        if (core->batch) {
            struct storage_batch *batch = core->batch;

            core->batch = NULL;
            storage_run(core->storage, batch);
            assert(batch->error == 0);
            step(core, (struct region_event){.kind = REGION_STORED, .batch = batch});
        } else if (core->job_count > 0) {
            struct region_hash_job *job = core->jobs[0];

            memmove(core->jobs, core->jobs + 1, --core->job_count * sizeof core->jobs[0]);
            region_hash_run(job);
            step(core, (struct region_event){.kind = REGION_HASHED, .job = job});
        } else {
            return;
        }
    }
}

/* ---- life ---- */

static void open_disk(struct region_core *core)
{
    const char *failed = NULL;
    int error;

    core->disk = vfs_create(DISK, 1);
    for (size_t i = 0; i < FRAMES_REGIONS; i++)
        template_copy(core->disk, frames_names[i]);
    error = storage_open(REGION_HOST_DIRECTORY, frames_names[0], frames_names, FRAMES_REGIONS, DISK,
                         &core->storage, &failed);
    assert(error == 0);
}

static void start(struct region_core *core)
{
    struct region_key key = {.kid = "us-east.1"};
    struct region_options options = {.name = frames_names[0],
                                     .directory = REGION_HOST_DIRECTORY,
                                     .vfs = DISK,
                                     .keys = &key,
                                     .key_count = 1,
                                     .vault_seed = frames_vault_seed(0),
                                     .link_seed = 1};
    struct store_end ends[FRAMES_REGIONS];
    int error;

    memcpy(key.seed, frames_signing_seed(0), sizeof key.seed);
    for (uint32_t i = 0; i < FRAMES_REGIONS; i++)
        ends[i] = storage_end(core->storage, i);
    error = region_create(&options, frames_config(0), ends, core->frames->at, &core->region);
    assert(error == 0);
}

static void *create(struct frames *frames)
{
    static bool configured;
    struct region_core *core = memory_alloc(sizeof *core);

    if (!configured)
        storage_configure();
    configured = true;
    core->frames = frames;
    open_disk(core);
    start(core);
    return core;
}

static void destroy(void *it)
{
    struct region_core *core = it;

    region_free(core->region);
    storage_free(core->storage);
    vfs_free(core->disk);
    free(core);
}

/* ---- events ---- */

static void set_link(void *it, uint32_t link, bool up)
{
    struct region_core *core = it;

    if (link >= ACCEPTED) {
        step(core, (struct region_event){.kind = up ? REGION_PEER_UP : REGION_PEER_DOWN,
                                         .peer = link - ACCEPTED + 1});
    } else if (up) {
        core->connections[link] = ++core->last_connection;
    } else {
        step(core,
             (struct region_event){.kind = REGION_CLOSED, .connection = core->connections[link]});
    }
    work(core);
}

static void on_frame(void *it, uint32_t link, const struct frame *frame)
{
    struct region_core *core = it;
    struct region_event event = {.kind = REGION_FRAME, .frame = *frame};

    if (link >= ACCEPTED) {
        event.kind = REGION_PEER_FRAME;
        event.peer = link - ACCEPTED + 1;
    } else {
        event.connection = core->connections[link];
    }
    step(core, event);
    work(core);
}

static void tick(void *core)
{
    step(core, (struct region_event){.kind = REGION_TICK});
    work(core);
}

static uint64_t wake_us(const void *core)
{
    return region_wake_us(((const struct region_core *)core)->region);
}

static void configure(void *core, const Mec__Config *config)
{
    step(core, (struct region_event){.kind = REGION_CONFIGURED, .config = config});
    work(core);
}

static void other(void *it, uint8_t what, struct fuzz_bytes *bytes)
{
    struct region_core *core = it;

    (void)bytes;
    core->holds = what % 2 != 0;
    work(core);
    if (!core->holds && !core->batch)
        storage_tidy(core->storage, core->frames->at.wall_us);
}

static void look(void *it)
{
    struct region_core *core = it;

    free(region_status(core->region, core->frames->at));
    free(region_audit_heads(core->region));
}

const struct frames_core frames_region = {ACCEPTED + FRAMES_REGIONS - 1,
                                          create,
                                          destroy,
                                          set_link,
                                          on_frame,
                                          tick,
                                          wake_us,
                                          configure,
                                          other,
                                          look};
