#include "regiond/forward.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/network.h"
#include "common/reach.h"
#include "common/wan.h"
#include "regiond/gateway.h"
#include "regiond/request.h"

struct pending {
    UT_hash_handle hh;
    uint64_t id;
    uint32_t peer;
    uint64_t arrived_us; /* at the peer, by the emulated link */
    struct deadline deadline;
    forward_done *done;
    void *context;
};

/* Something that happens at the end of this step, not inside of whoever caused it. */
enum local_kind { LOCAL_CALL, LOCAL_ANSWER, LOCAL_FAILURE };

struct local {
    struct local *prev, *next;
    enum local_kind kind;
    uint64_t id;
    int error;
    size_t size;
    uint8_t bytes[];
};

struct forward {
    struct wan *wan;
    struct network *network;
    struct pending *table;
    struct local *locals;
    uint64_t last_id;
};

struct forward *forward_create(uint64_t link_seed)
{
    struct forward *forward = memory_alloc(sizeof *forward);

    forward->wan = wan_create();
    forward->network = network_create(link_seed);
    return forward;
}

static void add_local(struct forward *forward, enum local_kind kind, uint64_t id, int error,
                      const uint8_t *bytes, size_t size)
{
    struct local *local = memory_alloc(sizeof *local + size);

    local->kind = kind;
    local->id = id;
    local->error = error;
    local->size = size;
    if (size > 0)
        memcpy(local->bytes, bytes, size);
    DL_APPEND(forward->locals, local);
}

static void free_local(struct forward *forward, struct local *local)
{
    DL_DELETE(forward->locals, local);
    sodium_memzero(local->bytes, local->size);
    free(local);
}

void forward_free(struct forward *forward)
{
    if (!forward)
        return;
    while (forward->locals)
        free_local(forward, forward->locals);
    wan_free(forward->wan);
    network_free(forward->network);
    free(forward);
}

static struct pending *find(struct forward *forward, uint64_t id)
{
    struct pending *pending;

    HASH_FIND(hh, forward->table, &id, sizeof id, pending);
    return pending;
}

static void finish(struct region *region, struct pending *pending, int error,
                   const Mec__Answer *answer)
{
    struct forward *forward = region->forward;

    HASH_DEL(forward->table, pending);
    deadlines_clear(&region->deadlines, &pending->deadline);
    if (error < 0)
        region->counters.forward_failures++;
    pending->done(region, pending->context, error, answer);
    free(pending);
}

void forward_timed_out(struct region *region, struct pending *pending)
{
    reach(FORWARD_TIMED_OUT);
    finish(region, pending, -ETIMEDOUT, NULL);
}

static struct link *link_between(struct region *region, uint32_t from, uint32_t to)
{
    Mec__RegionConfig **regions = region->config->regions;

    return network_between(region->forward->network, regions[from]->name, regions[to]->name);
}

static uint64_t round_trip_us(struct region *region, uint32_t peer)
{
    const struct link *out = link_between(region, region->self, peer);
    const struct link *in = link_between(region, peer, region->self);

    return (out ? out->profile.latency_us : 0) + (in ? in->profile.latency_us : 0);
}

/* Returns false when the link refuses at once. */
static bool send_over_link(struct region *region, struct pending *pending, const uint8_t *call,
                           size_t size)
{
    struct forward *forward = region->forward;
    struct link *link = link_between(region, region->self, pending->peer);
    struct wan_message message = {.direction = WAN_OUT,
                                  .peer = pending->peer,
                                  .kind = FRAME_CALL,
                                  .id = pending->id,
                                  .size = FRAME_HEADER_SIZE + size};

    if (!link)
        return false;
    message.bytes = memory_alloc(message.size);
    frame_header(FRAME_CALL, pending->id, size, message.bytes);
    if (size > 0)
        memcpy(message.bytes + FRAME_HEADER_SIZE, call, size);
    if (wan_send(forward->wan, link, &message, region->at.now_us) != LINK_RESET)
        return true;
    sodium_memzero(message.bytes, message.size);
    free(message.bytes);
    return false;
}

bool forward_reaches(const struct region *region, uint32_t peer)
{
    return peer == region->self || (peer < region->peer_count && region->peer_up[peer]);
}

/* Who asks hears from us so long before it gives up. */
#define MARGIN_US (20 * MILLISECOND_US)

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t asker_deadline_us(const struct request *asker)
{
    uint64_t budget_us = asker->call->budget_us;

    if (budget_us == 0)
        return NEVER_US;
    return asker->arrived_us + budget_us - min_u64(MARGIN_US, budget_us / 4);
}

static void send(struct region *region, uint64_t by_us, uint32_t peer, const uint8_t *call,
                 size_t size, forward_done *done, void *context)
{
    struct forward *forward = region->forward;
    struct pending *pending = memory_alloc(sizeof *pending);

    *pending = (struct pending){.id = ++forward->last_id,
                                .peer = peer,
                                .deadline = {.kind = DUE_FORWARD, .owner = pending},
                                .done = done,
                                .context = context};
    HASH_ADD(hh, forward->table, id, sizeof pending->id, pending);
    region->counters.forwards++;
    if (HASH_COUNT(forward->table) > FORWARD_CALLS_MAX) {
        add_local(forward, LOCAL_FAILURE, pending->id, -ENOBUFS, NULL, 0);
    } else if (peer == region->self) {
        add_local(forward, LOCAL_CALL, pending->id, 0, call, size);
    } else if (!forward_reaches(region, peer) || !send_over_link(region, pending, call, size)) {
        reach(FORWARD_NOT_SENT);
        add_local(forward, LOCAL_FAILURE, pending->id, -EHOSTUNREACH, NULL, 0);
    } else {
        deadlines_set(&region->deadlines, &pending->deadline,
                      min_u64(by_us, region->at.now_us + round_trip_us(region, peer) +
                                         region->settings.request_timeout_us));
    }
}

void forward_packed(struct region *region, uint32_t peer, const uint8_t *call, size_t size,
                    forward_done *done, void *context)
{
    send(region, NEVER_US, peer, call, size, done, context);
}

void forward_call(struct region *region, const struct request *asker, uint32_t peer,
                  const Mec__Call *call, forward_done *done, void *context)
{
    size_t size = mec__call__get_packed_size(call);
    uint8_t *packed = memory_alloc(size);

    mec__call__pack(call, packed);
    send(region, asker_deadline_us(asker), peer, packed, size, done, context);
    sodium_memzero(packed, size);
    free(packed);
}

void forward_answer_self(struct region *region, uint64_t id, const Mec__Answer *answer)
{
    size_t size = mec__answer__get_packed_size(answer);
    uint8_t *packed = memory_alloc(size);

    mec__answer__pack(answer, packed);
    add_local(region->forward, LOCAL_ANSWER, id, 0, packed, size);
    free(packed);
}

static void take_answer(struct region *region, uint64_t id, const uint8_t *bytes, size_t size)
{
    struct pending *pending = find(region->forward, id);
    Mec__Answer *answer;

    if (!pending) { /* its deadline has passed */
        reach(FORWARD_ANSWERED_TOO_LATE);
        return;
    }
    answer = mec__answer__unpack(arena_allocator(region->scratch), size, bytes);
    finish(region, pending, answer ? 0 : -ECONNRESET, answer);
}

static void take_local(struct region *region, struct local *local)
{
    struct pending *pending;
    Mec__Call *call;

    switch (local->kind) {
    case LOCAL_CALL:
        call = mec__call__unpack(arena_allocator(region->scratch), local->size, local->bytes);
        if (call)
            gateway_call(region, REQUEST_SELF, local->id, call);
        else if ((pending = find(region->forward, local->id)) != NULL)
            finish(region, pending, -EHOSTUNREACH, NULL);
        break;
    case LOCAL_ANSWER:
        take_answer(region, local->id, local->bytes, local->size);
        break;
    case LOCAL_FAILURE:
        pending = find(region->forward, local->id);
        if (pending)
            finish(region, pending, local->error, NULL);
        break;
    }
}

/* It has crossed the link: out to the peer's socket, or in to whoever waits for it. A call that was
 * given up while a cut held it stays here: so it surely has had no effect. */
static void take_message(struct region *region, struct wan_message *message)
{
    struct pending *pending = find(region->forward, message->id);

    if (message->direction == WAN_IN) {
        take_answer(region, message->id, message->bytes, message->size);
        free(message->bytes);
        return;
    }
    if (!pending) {
        reach(FORWARD_NEVER_HANDED_OVER);
        sodium_memzero(message->bytes, message->size);
        free(message->bytes);
        return;
    }
    pending->arrived_us = message->arrival_us;
    outbox_send_peer(region->outbox, message->peer, message->bytes, message->size);
}

bool forward_pump(struct region *region)
{
    struct forward *forward = region->forward;
    struct wan_message message;
    bool any = false;

    while (wan_pop(forward->wan, region->at.now_us, &message)) {
        any = true;
        take_message(region, &message);
    }
    while (forward->locals) {
        struct local *local = forward->locals;

        any = true;
        take_local(region, local);
        free_local(forward, local);
    }
    return any;
}

/* An answer has reached our socket. Its way back over the link counts from when the peer would have
 * sent it, had our call arrived exactly on time. */
void forward_peer_frame(struct region *region, uint32_t peer, const struct frame *frame)
{
    struct forward *forward = region->forward;
    struct pending *pending = find(forward, frame->id);
    struct link *link = link_between(region, peer, region->self);
    uint64_t sent_us = region->at.now_us;
    struct wan_message message;
    Mec__Answer *answer;

    if (frame->kind != FRAME_ANSWER || !pending || pending->peer != peer || !link)
        return;
    answer = mec__answer__unpack(arena_allocator(region->scratch), frame->body_size, frame->body);
    if (!answer) {
        finish(region, pending, -ECONNRESET, NULL);
        return;
    }
    if (answer->service_us < sent_us && pending->arrived_us + answer->service_us < sent_us)
        sent_us = pending->arrived_us + answer->service_us;
    message = (struct wan_message){.direction = WAN_IN,
                                   .peer = peer,
                                   .kind = FRAME_ANSWER,
                                   .id = frame->id,
                                   .bytes = memory_copy(frame->body, frame->body_size),
                                   .size = frame->body_size};
    if (wan_send(forward->wan, link, &message, sent_us) == LINK_RESET) {
        free(message.bytes);
        finish(region, pending, -ECONNRESET, NULL);
    }
}

void forward_peer_down(struct region *region, uint32_t peer)
{
    struct forward *forward = region->forward;
    struct pending *pending, *next;

    wan_drop_peer(forward->wan, peer);
    HASH_ITER(hh, forward->table, pending, next)
    {
        if (pending->peer != peer)
            continue;
        reach(FORWARD_PEER_GONE);
        add_local(forward, LOCAL_FAILURE, pending->id, -ECONNRESET, NULL, 0);
    }
}

static void fail_what_was_reset(struct forward *forward)
{
    struct wan_message messages[64];
    size_t count;

    do {
        count = wan_take_reset(forward->wan, messages, 64);
        if (count > 0)
            reach(FORWARD_RESET);
        for (size_t i = 0; i < count; i++)
            add_local(forward, LOCAL_FAILURE, messages[i].id, -ECONNRESET, NULL, 0);
    } while (count == 64);
}

void forward_configure(struct region *region)
{
    struct forward *forward = region->forward;

    if (network_configure(forward->network, region->config) < 0)
        outbox_log(region->outbox, "the new links cannot be used; the old ones stay");
    wan_relink(forward->wan, region->at.now_us);
    fail_what_was_reset(forward);
}

uint64_t forward_wake_us(const struct region *region)
{
    return wan_wake_us(region->forward->wan);
}

bool forward_cancel(struct region *region)
{
    struct forward *forward = region->forward;
    struct pending *pending, *next;
    bool any = forward->table != NULL;

    HASH_ITER(hh, forward->table, pending, next)
    finish(region, pending, -ECANCELED, NULL);
    return any;
}
