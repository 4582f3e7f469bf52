#include "regiond/outbox.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"

#define LOG_LINE_SIZE 512

struct owned {
    uint8_t *bytes;
    size_t size;
};

struct outbox {
    struct region_action *items;
    size_t count, size;
    struct owned *owned;
    size_t owned_count, owned_size;
    struct arena *arena;
};

struct outbox *outbox_create(void)
{
    struct outbox *outbox = memory_alloc(sizeof *outbox);

    outbox->arena = arena_create();
    return outbox;
}

void outbox_reset(struct outbox *outbox)
{
    for (size_t i = 0; i < outbox->owned_count; i++) {
        sodium_memzero(outbox->owned[i].bytes, outbox->owned[i].size);
        free(outbox->owned[i].bytes);
    }
    outbox->owned_count = 0;
    outbox->count = 0;
    arena_reset(outbox->arena);
}

void outbox_free(struct outbox *outbox)
{
    if (!outbox)
        return;
    outbox_reset(outbox);
    arena_free(outbox->arena);
    free(outbox->owned);
    free(outbox->items);
    free(outbox);
}

struct region_actions outbox_actions(const struct outbox *outbox)
{
    return (struct region_actions){outbox->items, outbox->count};
}

static struct region_action *add(struct outbox *outbox, enum region_action_kind kind)
{
    struct region_action *action;

    if (outbox->count == outbox->size) {
        outbox->size = outbox->size ? outbox->size * 2 : 64;
        outbox->items = memory_grow(outbox->items, outbox->size * sizeof *outbox->items);
    }
    action = &outbox->items[outbox->count++];
    *action = (struct region_action){.kind = kind};
    return action;
}

void outbox_send(struct outbox *outbox, uint64_t connection, enum frame_kind kind, uint64_t id,
                 const ProtobufCMessage *message)
{
    struct region_action *action = add(outbox, REGION_SEND);
    size_t size = frame_packed_size(message);
    uint8_t *bytes = arena_alloc(outbox->arena, size);

    frame_pack(kind, id, message, bytes);
    action->connection = connection;
    action->bytes = bytes;
    action->size = size;
}

void outbox_send_peer(struct outbox *outbox, uint32_t peer, uint8_t *frame, size_t size)
{
    struct region_action *action = add(outbox, REGION_SEND_PEER);

    if (outbox->owned_count == outbox->owned_size) {
        outbox->owned_size = outbox->owned_size ? outbox->owned_size * 2 : 16;
        outbox->owned = memory_grow(outbox->owned, outbox->owned_size * sizeof *outbox->owned);
    }
    outbox->owned[outbox->owned_count++] = (struct owned){frame, size};
    action->peer = peer;
    action->bytes = frame;
    action->size = size;
}

void outbox_close(struct outbox *outbox, uint64_t connection, const char *why)
{
    struct region_action *action = add(outbox, REGION_CLOSE);

    action->connection = connection;
    action->text = arena_text(outbox->arena, why);
}

void outbox_commit(struct outbox *outbox, struct storage_batch *batch)
{
    add(outbox, REGION_COMMIT)->batch = batch;
}

void outbox_hash(struct outbox *outbox, struct region_hash_job *job)
{
    add(outbox, REGION_HASH)->job = job;
}

void outbox_ready(struct outbox *outbox)
{
    add(outbox, REGION_READY);
}

void outbox_make_key(struct outbox *outbox, const char *kid)
{
    add(outbox, REGION_MAKE_KEY)->text = arena_text(outbox->arena, kid);
}

void outbox_forget_key(struct outbox *outbox, const char *kid)
{
    add(outbox, REGION_FORGET_KEY)->text = arena_text(outbox->arena, kid);
}

void outbox_stop(struct outbox *outbox, const char *why)
{
    add(outbox, REGION_STOP)->text = arena_text(outbox->arena, why);
}

void outbox_log(struct outbox *outbox, const char *format, ...)
{
    struct region_action *action = add(outbox, REGION_LOG);
    char *text = arena_alloc(outbox->arena, LOG_LINE_SIZE);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, LOG_LINE_SIZE, format, arguments);
    va_end(arguments);
    action->text = text;
}
