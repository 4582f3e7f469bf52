#include "common/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/memory.h"

#define LENGTH_SIZE 4u
#define LENGTH_MIN  (FRAME_HEADER_SIZE - LENGTH_SIZE)

static void put_u32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_u64(uint8_t *bytes, uint64_t value)
{
    put_u32(bytes, (uint32_t)(value >> 32));
    put_u32(bytes + 4, (uint32_t)value);
}

static uint32_t get_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint64_t get_u64(const uint8_t *bytes)
{
    return (uint64_t)get_u32(bytes) << 32 | get_u32(bytes + 4);
}

static bool is_kind(unsigned number)
{
    switch (number) {
#define X(number, name, message) case FRAME_##name:
        FRAME_KINDS(X)
#undef X
        return true;
    default:
        return false;
    }
}

const char *frame_kind_name(enum frame_kind kind)
{
    switch (kind) {
#define X(number, name, message)                                                                   \
    case FRAME_##name:                                                                             \
        return message;
        FRAME_KINDS(X)
#undef X
    }
    return "?";
}

size_t frame_packed_size(const ProtobufCMessage *message)
{
    return FRAME_HEADER_SIZE + protobuf_c_message_get_packed_size(message);
}

void frame_header(enum frame_kind kind, uint64_t id, size_t body_size,
                  uint8_t ret_header[FRAME_HEADER_SIZE])
{
    assert(is_kind(kind));
    assert(body_size <= FRAME_BODY_SIZE_MAX);
    put_u32(ret_header, (uint32_t)(LENGTH_MIN + body_size));
    ret_header[4] = (uint8_t)kind;
    put_u64(ret_header + 5, id);
}

void frame_pack(enum frame_kind kind, uint64_t id, const ProtobufCMessage *message,
                uint8_t *ret_buffer)
{
    size_t body_size = protobuf_c_message_pack(message, ret_buffer + FRAME_HEADER_SIZE);

    frame_header(kind, id, body_size, ret_buffer);
}

uint8_t *frame_pack_new(enum frame_kind kind, uint64_t id, const ProtobufCMessage *message,
                        size_t *ret_size)
{
    size_t size = frame_packed_size(message);
    uint8_t *bytes = memory_grow(NULL, size);

    frame_pack(kind, id, message, bytes);
    *ret_size = size;
    return bytes;
}

int frame_decode(const uint8_t *bytes, size_t size, struct frame *ret_frame, size_t *ret_used_size)
{
    uint32_t length;

    /* Judge each field as soon as it is there: a stream that is lost should not first fill a
     * buffer. */
    if (size < LENGTH_SIZE)
        return 0;
    length = get_u32(bytes);
    if (length < LENGTH_MIN || length > FRAME_SIZE_MAX)
        return -EBADMSG;
    if (size == LENGTH_SIZE)
        return 0;
    if (!is_kind(bytes[4]))
        return -EBADMSG;
    if (size - LENGTH_SIZE < length)
        return 0;

    *ret_frame = (struct frame){
        .kind = (enum frame_kind)bytes[4],
        .id = get_u64(bytes + 5),
        .body = bytes + FRAME_HEADER_SIZE,
        .body_size = length - LENGTH_MIN,
    };
    *ret_used_size = LENGTH_SIZE + length;
    return 1;
}
