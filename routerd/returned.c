#include "routerd/returned.h"

#include <errno.h>

#define SERVICE_US_FIELD 16u

/* How values are laid out (protobuf encoding, "message structure"). */
enum wire { WIRE_VARINT = 0, WIRE_64_BITS = 1, WIRE_BYTES = 2, WIRE_32_BITS = 5 };

struct reader {
    const uint8_t *at;
    const uint8_t *end;
};

static int read_varint(struct reader *reader, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (reader->at == reader->end)
            return -EBADMSG;
        uint8_t byte = *reader->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return 0;
        }
    }
    return -EBADMSG;
}

static int skip(struct reader *reader, uint64_t size)
{
    if (size > (uint64_t)(reader->end - reader->at))
        return -EBADMSG;
    reader->at += size;
    return 0;
}

static int read_value(struct reader *reader, unsigned wire, uint64_t *ret_value)
{
    switch (wire) {
    case WIRE_VARINT:
        return read_varint(reader, ret_value);
    case WIRE_64_BITS:
        return skip(reader, 8);
    case WIRE_BYTES:
        if (read_varint(reader, ret_value) != 0)
            return -EBADMSG;
        return skip(reader, *ret_value);
    case WIRE_32_BITS:
        return skip(reader, 4);
    default:
        return -EBADMSG;
    }
}

int returned_service_us(const uint8_t *body, size_t size, uint64_t *ret_service_us)
{
    struct reader reader = {body, size == 0 ? body : body + size}; /* there may be no body at all */
    uint64_t service_us = 0;
    while (reader.at != reader.end) {
        uint64_t tag;
        uint64_t value = 0;
        if (read_varint(&reader, &tag) != 0 ||
            read_value(&reader, (unsigned)(tag & 7), &value) != 0)
            return -EBADMSG;
        if (tag >> 3 == SERVICE_US_FIELD && (tag & 7) == WIRE_VARINT)
            service_us = value;
    }
    *ret_service_us = service_us;
    return 0;
}
