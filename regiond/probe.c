#include "regiond/probe.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/reach.h"
#include "regiond/commit.h"

#define PROBE_INTERVAL_US SECOND_US

struct probe {
    struct deadline deadline;
    bool under_way;
    char receipt[128];
    struct commit_op op;
};

static void on_settled(struct region *region, struct commit_op *op, int error)
{
    struct probe *probe = OWNER_OF(op, struct probe, op);

    (void)region;
    (void)error; /* an entry of nobody's expires by itself, too */
    probe->under_way = false;
}

/* It has been written: there is room. Take it out again. */
static void on_written(struct region *region, struct commit_op *op, int error)
{
    struct probe *probe = OWNER_OF(op, struct probe, op);

    probe->under_way = false;
    if (error < 0)
        reach(PROBED_IN_VAIN);
    if (error < 0 || op->queue.result != QUEUE_DONE)
        return;
    probe->under_way = true;
    probe->op.queue = (struct queue_op){
        .kind = QUEUE_OP_SETTLE,
        .entry = {.seq = op->queue.seq,
                  .state = QUEUE_EXPIRED,
                  .settled_wall_us = region->at.wall_us,
                  .position = "",
                  .problem = "",
                  .detail = ""},
    };
    probe->op.done = on_settled;
    commit_queue(region, &probe->op);
}

/* An entry of no user and no shard: no drain ever sends it, no list ever shows it. */
void probe_again(struct region *region)
{
    struct probe *probe = region->probe;
    char nonce[33];

    if (region->writable)
        return;
    deadlines_set(&region->deadlines, &probe->deadline, region->at.now_us + PROBE_INTERVAL_US);
    if (probe->under_way)
        return;
    secret_draw_hex(&region->secret, nonce, sizeof nonce - 1);
    snprintf(probe->receipt, sizeof probe->receipt, "%s.%s", region->name, nonce);
    probe->op.bytes = 256;
    probe->op.done = on_written;
    probe->op.queue = (struct queue_op){
        .kind = QUEUE_OP_ENQUEUE,
        .entry = {.receipt = probe->receipt,
                  .user = "",
                  .shard = "",
                  .service = "",
                  .idempotency_key = probe->receipt,
                  .accepted_wall_us = region->at.wall_us,
                  .expires_wall_us = region->at.wall_us,
                  .call = slice_of("probe"),
                  .position = "",
                  .problem = "",
                  .detail = ""},
        .event = {.action = "disk.probe"},
    };
    probe->under_way = true;
    commit_queue(region, &probe->op);
}

struct probe *probe_create(void)
{
    struct probe *probe = memory_alloc(sizeof *probe);

    probe->deadline.kind = DUE_PROBE;
    return probe;
}

void probe_free(struct region *region)
{
    free(region->probe);
}

void probe_stored(struct region *region, int error)
{
    struct probe *probe = region->probe;

    if (error == 0) {
        if (!region->writable) {
            reach(DISK_HAS_ROOM);
            outbox_log(region->outbox, "the disk takes writes again");
        }
        region->writable = true;
        return;
    }
    reach(DISK_FULL);
    region->counters.disk_full++;
    if (region->writable)
        outbox_log(region->outbox, "the disk takes no writes; trying again every second");
    region->writable = false;
    if (probe->deadline.slot == 0)
        deadlines_set(&region->deadlines, &probe->deadline, region->at.now_us + PROBE_INTERVAL_US);
}
