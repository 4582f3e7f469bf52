/* fuzz_frames: regiond's, routerd's and the replicator's core under any bytes from their peers.
 *
 * The first byte chooses the core, and where data may lie. Then come operations: a byte with what
 * to do (its low three bits) and on which link (the rest), and what that takes. See perform(). */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call.pb-c.h"
#include "common/memory.h"
#include "health.pb-c.h"
#include "replication.pb-c.h"
#include "tests/fuzz/frames.h"

#define STEPS_MAX  1500
#define MEND       0x80u /* of a frame's kind: see frames_mend() */
#define TICKS_MAX  200   /* of one stretch of time */
#define LITERAL_ID 64u   /* of a frame's id: smaller ones are those of what the core asked */

void frames_step(struct frames *frames)
{
    if (frames->steps_left > 0)
        frames->steps_left--;
}

/* ---- what the core says ---- */

static const ProtobufCMessageDescriptor *message_of(enum frame_kind kind)
{
    switch (kind) {
    case FRAME_CALL:
        return &mec__call__descriptor;
    case FRAME_ANSWER:
        return &mec__answer__descriptor;
    case FRAME_PING:
        return &mec__ping__descriptor;
    case FRAME_PONG:
        return &mec__pong__descriptor;
    case FRAME_QUEUE_LIST_ASK:
        return &mec__queue_list_ask__descriptor;
    case FRAME_QUEUE_LIST:
        return &mec__queue_list__descriptor;
    case FRAME_TAIL_ASK:
        return &mec__tail_ask__descriptor;
    case FRAME_FETCH_ASK:
        return &mec__fetch_ask__descriptor;
    case FRAME_TAIL:
        return &mec__tail__descriptor;
    case FRAME_APPLY:
        return &mec__apply__descriptor;
    case FRAME_APPLIED:
        return &mec__applied__descriptor;
    default:
        return NULL;
    }
}

void frames_sent(struct frames *frames, uint32_t link, const uint8_t *bytes, size_t size)
{
    struct frames_link *to = &frames->links[link];
    const ProtobufCMessageDescriptor *descriptor;
    ProtobufCMessage *message;
    struct frame frame;
    size_t used;

    assert(link < frames->kind->link_count);
    assert(frame_decode(bytes, size, &frame, &used) == 1);
    assert(used == size);
    descriptor = message_of(frame.kind);
    assert(descriptor); /* no core has anything else to say to a peer */
    message = protobuf_c_message_unpack(descriptor, NULL, frame.body_size, frame.body);
    assert(message);
    protobuf_c_message_free_unpacked(message, NULL);
    to->ids[to->id_count++ % FRAMES_IDS] = frame.id;
}

void frames_close(struct frames *frames, uint32_t link)
{
    assert(link < frames->kind->link_count);
    frames->links[link].closing = true;
}

/* ---- links ---- */

static void set_link(struct frames *frames, uint32_t number, bool up)
{
    struct frames_link *link = &frames->links[number];

    link->size = 0;
    link->closing = false;
    if (link->up == up)
        return;
    link->up = up;
    frames->kind->link(frames->core, number, up);
}

/* Closing one may make the core close another one. */
static void close_links(struct frames *frames)
{
    for (uint32_t i = 0; i < frames->kind->link_count; i++) {
        if (!frames->links[i].closing)
            continue;
        set_link(frames, i, false);
        i = UINT32_MAX; /* from the front again */
    }
}

static void decode(struct frames *frames, uint32_t number)
{
    struct frames_link *link = &frames->links[number];
    size_t done = 0;

    while (link->up && frames->steps_left > 0) {
        struct frame frame;
        size_t used = 0;
        int found = frame_decode(link->bytes + done, link->size - done, &frame, &used);

        if (found == 0)
            break;
        if (found < 0) {
            assert(found == -EBADMSG);
            frames_close(frames, number);
        } else {
            assert(used >= FRAME_HEADER_SIZE);
            assert(used <= link->size - done);
            frames->kind->frame(frames->core, number, &frame);
            done += used;
        }
        close_links(frames);
    }
    if (!link->up)
        return;
    memmove(link->bytes, link->bytes + done, link->size - done);
    link->size -= done;
}

static void receive(struct frames *frames, uint32_t number, const uint8_t *bytes, size_t size)
{
    struct frames_link *link = &frames->links[number];

    if (!link->up || size == 0)
        return;
    if (link->capacity < link->size + size) {
        link->capacity = 2 * (link->size + size);
        link->bytes = memory_grow(link->bytes, link->capacity);
    }
    memcpy(link->bytes + link->size, bytes, size);
    link->size += size;
    decode(frames, number);
}

/* ---- operations ---- */

static uint64_t id_of(const struct frames_link *link, uint8_t number)
{
    if (number >= LITERAL_ID || link->id_count == 0)
        return number;
    return link->ids[(link->id_count - 1 - number % FRAMES_IDS) % FRAMES_IDS];
}

static void make_frame(struct frames *frames, uint32_t link, struct fuzz_bytes *bytes)
{
    static const enum frame_kind kinds[] = {
#define X(number, name, message) FRAME_##name,
        FRAME_KINDS(X)
#undef X
    };
    uint8_t first = fuzz_number(bytes);
    enum frame_kind kind = kinds[(first & ~MEND) % (sizeof kinds / sizeof kinds[0])];
    uint64_t id = id_of(&frames->links[link], fuzz_number(bytes));
    struct fuzz_bytes body = fuzz_piece(bytes);
    uint8_t header[FRAME_HEADER_SIZE];
    uint8_t *mended = NULL;

    if (first & MEND)
        mended = frames_mend(kind, body, &body.size);
    frame_header(kind, id, body.size, header);
    /* In two pieces, as a stream may come; the last bytes make it a frame. */
    receive(frames, link, header, sizeof header);
    receive(frames, link, mended ? mended : body.data, body.size);
    free(mended);
}

/* Let time pass: up to a minute, each tick when it is due. */
static void pass(struct frames *frames, uint8_t how_long)
{
    uint64_t end_us = frames->at.now_us + (UINT64_C(250) << (how_long % 19));

    for (unsigned ticks = 0; ticks < TICKS_MAX && frames->steps_left > 0; ticks++) {
        uint64_t wake_us = frames->kind->wake_us(frames->core);

        if (wake_us > end_us)
            break;
        if (wake_us > frames->at.now_us) {
            frames->at.wall_us += wake_us - frames->at.now_us;
            frames->at.now_us = wake_us;
        }
        frames->kind->tick(frames->core);
        close_links(frames);
    }
    if (frames->steps_left == 0 || frames->kind->wake_us(frames->core) <= end_us)
        return; /* it is not over yet */
    frames->at.wall_us += end_us - frames->at.now_us;
    frames->at.now_us = end_us;
}

static void perform(struct frames *frames, struct fuzz_bytes *bytes)
{
    uint8_t first = fuzz_number(bytes);
    uint32_t link = (first >> 3) % (uint32_t)frames->kind->link_count;
    struct fuzz_bytes raw;

    switch (first & 7u) {
    case 0: /* a frame: kind, id, body */
    case 1:
        make_frame(frames, link, bytes);
        break;
    case 2: /* bytes as they are */
        raw = fuzz_piece(bytes);
        receive(frames, link, raw.data, raw.size);
        break;
    case 3:
        pass(frames, fuzz_number(bytes));
        break;
    case 4:
        set_link(frames, link, !frames->links[link].up);
        break;
    case 5:
        frames->kind->configure(frames->core, frames_config(first >> 3));
        break;
    default: /* something that only this core knows */
        frames->kind->other(frames->core, (uint8_t)(first >> 3), bytes);
        break;
    }
    close_links(frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct frames_core *const kinds[] = {&frames_region, &frames_router,
                                                      &frames_replicator};
    struct fuzz_bytes bytes = {data, size};
    struct frames frames = {.at = {SECOND_US, FRAMES_WALL_US}, .steps_left = STEPS_MAX};

    fuzz_canary(data, size);
    uint8_t first = fuzz_number(&bytes);
    frames.kind = kinds[first % 3];
    frames_pin((enum frames_residency)(first / 3 % FRAMES_RESIDENCIES));
    frames.core = frames.kind->create(&frames);
    for (uint32_t i = 0; i < frames.kind->link_count; i++)
        set_link(&frames, i, true);
    while (bytes.size > 0 && frames.steps_left > 0)
        perform(&frames, &bytes);
    frames.kind->look(frames.core);
    frames.kind->free(frames.core);
    for (size_t i = 0; i < FRAMES_LINKS_MAX; i++)
        free(frames.links[i].bytes);
    return 0;
}
