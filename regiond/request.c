#include "regiond/request.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/memory.h"

const char *request_stage_name(enum request_stage stage)
{
    static const char *const names[STAGE_COUNT] = {"gateway", "service", "cache", "storage",
                                                   "xregion"};

    return names[stage];
}

void request_enter(struct request *request, enum request_stage stage)
{
    request->entered |= 1u << stage;
}

void request_wait(struct request *request, uint64_t now_us)
{
    request->since_us = now_us;
}

void request_resume(struct request *request, enum request_stage stage, uint64_t now_us)
{
    request_enter(request, stage);
    if (now_us > request->since_us)
        request->spent_us[stage] += now_us - request->since_us;
    request->since_us = now_us;
}

static void *heap_alloc(void *context, size_t size)
{
    (void)context;
    return memory_alloc(size);
}

static void heap_free(void *context, void *piece)
{
    (void)context;
    free(piece);
}

static ProtobufCAllocator heap = {.alloc = heap_alloc, .free = heap_free};

Mec__Call *request_copy_call(const Mec__Call *call)
{
    size_t size = mec__call__get_packed_size(call);
    uint8_t *packed = memory_alloc(size);
    Mec__Call *copy;

    mec__call__pack(call, packed);
    copy = mec__call__unpack(&heap, size, packed);
    assert(copy);
    sodium_memzero(packed, size);
    free(packed);
    return copy;
}

void request_free_call(Mec__Call *call)
{
    if (!call)
        return;
    if (call->body.len > 0)
        sodium_memzero(call->body.data, call->body.len);
    mec__call__free_unpacked(call, &heap);
}

void request_park(const struct request *request, struct request *ret_request)
{
    *ret_request = *request;
    ret_request->call = request_copy_call(request->call);
    ret_request->parked = true;
}

void request_release(struct request *request)
{
    assert(request->parked);
    request_free_call(request->call);
    request->call = NULL;
}
