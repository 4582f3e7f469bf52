/* What the fake regions of router_driver do. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router_driver.h"
#include "tests/unit/suite.h"

static const char *const names[REGIONS] = {"us-east", "eu-west", "us-west", "ap-northeast",
                                           "ap-southeast"};

const char *fakes_name(uint32_t region)
{
    return names[region];
}

static void post(struct world *world, uint32_t region, enum frame_kind kind, uint64_t id,
                 const ProtobufCMessage *message)
{
    size_t size;
    uint8_t *bytes = frame_pack_new(kind, id, message, &size);
    size_t slot = world->inbox_last++ % 20000;
    ck_assert_uint_lt(world->inbox_last - world->inbox_first, 20000);
    world->inbox[slot].region = region;
    world->inbox[slot].bytes = bytes;
    world->inbox[slot].size = size;
}

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static void record_call(struct world *world, uint32_t region, uint64_t call_id,
                        const Mec__Call *call)
{
    struct seen_call *seen = &world->calls[world->call_count % CALLS_MAX];
    world->call_count++;
    world->regions[region].calls++;
    seen->region = region;
    seen->operation = call->operation;
    seen->mode = call->mode;
    seen->maybe_written = call->maybe_written;
    seen->consistency = call->consistency;
    copy_text(seen->shard, sizeof(seen->shard), call->shard);
    copy_text(seen->key, sizeof(seen->key), call->key);
    copy_text(seen->idempotency_key, sizeof(seen->idempotency_key), call->idempotency_key);
    copy_text(seen->geo, sizeof(seen->geo), call->geo);
    seen->bookmark_count = call->n_bookmark;
    seen->wait_us = call->wait_us;
    seen->budget_us = call->budget_us;
    seen->call_id = call_id;
    seen->at_us = world->now_us;
}

static void fill_answer(struct fake_region *fake, uint32_t region, const Mec__Call *call,
                        Mec__Answer *answer, Mec__Position *position)
{
    answer->verdict = fake->verdict;
    answer->service_us = fake->service_us;
    answer->problem = (char *)(fake->problem ? fake->problem : "");
    answer->home = call->shard;
    answer->body.data = (uint8_t *)(uintptr_t)names[region];
    answer->body.len = strlen(names[region]);
    answer->status = fake->status ? fake->status : 200;
    answer->served = strcmp(call->shard, names[region]) == 0 ? MEC__SERVED__SERVED_HOME
                                                             : MEC__SERVED__SERVED_REPLICA;
    if (call->mode == MEC__CALL_MODE__ENQUEUE && fake->status == 0) {
        answer->status = 202;
        answer->served = MEC__SERVED__SERVED_QUEUE;
        answer->queue_seq = ++fake->accepted_seq;
    }
    if (fake->seq != 0) {
        position->shard = call->shard;
        position->epoch = 1;
        position->seq = fake->seq;
        answer->position = position;
        answer->staleness_known = true;
    }
}

static void take_call(struct world *world, uint32_t region, const struct frame *frame)
{
    struct fake_region *fake = &world->regions[region];
    Mec__Call *call = mec__call__unpack(NULL, frame->body_size, frame->body);
    Mec__Answer answer = MEC__ANSWER__INIT;
    Mec__Position position = MEC__POSITION__INIT;
    ck_assert_ptr_nonnull(call);
    record_call(world, region, frame->id, call);
    if (!fake->silent && !fake->mute) {
        fill_answer(fake, region, call, &answer, &position);
        if (call->operation == MEC__OPERATION__NAME_LOOKUP) {
            const char *body = "{\"user\":\"u-alice\",\"shard\":\"us-east\"}";
            answer.body.data = (uint8_t *)(uintptr_t)body;
            answer.body.len = strlen(body);
        }
        post(world, region, FRAME_ANSWER, frame->id, &answer.base);
    }
    mec__call__free_unpacked(call, NULL);
}

static void take_ping(struct world *world, uint32_t region, const struct frame *frame)
{
    struct fake_region *fake = &world->regions[region];
    Mec__Pong pong = MEC__PONG__INIT;
    Mec__QueueMark mark = MEC__QUEUE_MARK__INIT;
    Mec__QueueMark *marks[1] = {&mark};
    char *down[2] = {(char *)(uintptr_t)fake->service_down,
                     (char *)(uintptr_t)fake->service_down_too};
    pong.nonce = frame->id;
    pong.serving = !fake->not_serving;
    pong.writable = !fake->not_writable;
    if (fake->accepted_seq > 0) {
        mark.shard = (char *)(uintptr_t)names[US_EAST];
        mark.accepted_seq = fake->accepted_seq;
        mark.settled_seq = fake->settled_seq;
        pong.n_queues = 1;
        pong.queues = marks;
    }
    Mec__CacheCounters counters[2] = {MEC__CACHE_COUNTERS__INIT, MEC__CACHE_COUNTERS__INIT};
    Mec__CacheCounters *caches[2] = {&counters[0], &counters[1]};
    counters[0].name = (char *)"sundry\"";
    counters[1].name = (char *)"regional";
    counters[1].hits = fake->cache_hits;
    pong.n_caches = fake->cache_hits > 0 ? 2 : 0;
    pong.caches = caches;
    if (fake->service_down != NULL) {
        pong.n_services_down = fake->service_down_too != NULL ? 2 : 1;
        pong.services_down = down;
    }
    if (!fake->silent)
        post(world, region, FRAME_PONG, frame->id, &pong.base);
}

static void take_list_ask(struct world *world, uint32_t region, const struct frame *frame)
{
    struct fake_region *fake = &world->regions[region];
    Mec__QueueListAsk *ask = mec__queue_list_ask__unpack(NULL, frame->body_size, frame->body);
    Mec__QueueList list = MEC__QUEUE_LIST__INIT;
    Mec__QueueEntry *entries[8];
    ck_assert_ptr_nonnull(ask);
    fake->lists_asked++;
    for (size_t index = 0; index < fake->entry_count; index++) {
        if (fake->entries[index].seq > ask->after_seq)
            entries[list.n_entries++] = &fake->entries[index];
    }
    list.entries = entries;
    list.through_seq = fake->accepted_seq;
    mec__queue_list_ask__free_unpacked(ask, NULL);
    if (!fake->silent)
        post(world, region, FRAME_QUEUE_LIST, frame->id, &list.base);
}

void fakes_take_frame(struct world *world, const struct router_action *action)
{
    struct frame frame;
    size_t used;
    ck_assert_int_eq(frame_decode(action->bytes, action->size, &frame, &used), 1);
    ck_assert_uint_eq(used, action->size);
    ck_assert(world->regions[action->peer].up);
    switch (frame.kind) {
    case FRAME_CALL:
        take_call(world, action->peer, &frame);
        break;
    case FRAME_PING:
        take_ping(world, action->peer, &frame);
        break;
    case FRAME_QUEUE_LIST_ASK:
        take_list_ask(world, action->peer, &frame);
        break;
    default:
        ck_abort_msg("the router sent a frame of kind %d", (int)frame.kind);
    }
}
