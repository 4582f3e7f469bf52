/* The replicator of us-east, between its own regiond and two others. */

#include <assert.h>
#include <stdlib.h>

#include "common/memory.h"
#include "replicator/replicator.h"
#include "tests/fuzz/frames.h"

#define LITTLE_MEMORY 3 /* changes */

struct replicator_core {
    struct frames *frames;
    struct replicator *replicator;
};

static void step(struct replicator_core *core, struct replicator_event event)
{
    struct replicator_actions actions;

    event.at = core->frames->at;
    frames_step(core->frames);
    actions = replicator_step(core->replicator, &event);
    for (size_t i = 0; i < actions.count; i++) {
        const struct replicator_action *action = &actions.items[i];

        switch (action->kind) {
        case REPLICATOR_SEND:
            assert(core->frames->links[action->peer].up);
            frames_sent(core->frames, action->peer, action->bytes, action->size);
            break;
        case REPLICATOR_CLOSE:
            frames_close(core->frames, action->peer);
            break;
        case REPLICATOR_LOG:
            assert(action->text);
            break;
        }
    }
}

static void start(struct replicator_core *core, size_t memory)
{
    int error = replicator_create(frames_names[0], frames_config(0), 1, core->frames->at,
                                  &core->replicator);

    assert(error == 0);
    replicator_set_memory(core->replicator, memory);
}

static void *create(struct frames *frames)
{
    struct replicator_core *core = memory_alloc(sizeof *core);

    core->frames = frames;
    start(core, LITTLE_MEMORY);
    return core;
}

static void destroy(void *it)
{
    struct replicator_core *core = it;

    replicator_free(core->replicator);
    free(core);
}

static void set_link(void *core, uint32_t link, bool up)
{
    step(core, (struct replicator_event){.kind = up ? REPLICATOR_PEER_UP : REPLICATOR_PEER_DOWN,
                                         .peer = link});
}

static void on_frame(void *core, uint32_t link, const struct frame *frame)
{
    step(core, (struct replicator_event){.kind = REPLICATOR_FRAME, .peer = link, .frame = *frame});
}

static void tick(void *core)
{
    step(core, (struct replicator_event){.kind = REPLICATOR_TICK});
}

static uint64_t wake_us(const void *core)
{
    return replicator_wake_us(((const struct replicator_core *)core)->replicator);
}

static void configure(void *core, const Mec__Config *config)
{
    step(core, (struct replicator_event){.kind = REPLICATOR_CONFIGURED, .config = config});
}

/* Its memory can only be changed before its first step, so there is nothing else. */
static void other(void *core, uint8_t what, struct fuzz_bytes *bytes)
{
    (void)core;
    (void)what;
    (void)bytes;
}

static void look(void *it)
{
    struct replicator_core *core = it;

    free(replicator_status(core->replicator, core->frames->at));
}

const struct frames_core frames_replicator = {
    FRAMES_REGIONS, create, destroy, set_link, on_frame, tick, wake_us, configure, other, look};
