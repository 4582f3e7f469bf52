/* frame: what peers say to each other, one length-prefixed message after the other.
 *
 *     offset  size
 *     0       4     length of everything behind this field, big-endian: 9 to FRAME_SIZE_MAX
 *     4       1     kind: a FRAME_... number
 *     5       8     call id, big-endian: chosen by the asker, given back with every answer to it
 *     13      ..    one packed protobuf message, the kind says which
 *
 * Many calls are in flight on one connection and answers come in any order. The decoder trusts
 * nothing: a bad length or kind is -EBADMSG, and the caller closes that connection. */

#ifndef MEC_FRAME_H
#define MEC_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#define FRAME_HEADER_SIZE 13u
#define FRAME_SIZE_MAX    (1024u * 1024u) /* of the length field */

/* The most that one message may take, packed. Senders keep to it; past it is a bug. */
#define FRAME_BODY_SIZE_MAX (FRAME_SIZE_MAX - 9u)

/* kind number, name, message, who asks whom */
#define FRAME_KINDS(X)                                                                             \
    X(1, CALL, "Call") /* routerd -> regiond, regiond -> regiond */                                \
    X(2, ANSWER, "Answer")                                                                         \
    X(3, PING, "Ping") /* routerd -> regiond */                                                    \
    X(4, PONG, "Pong")                                                                             \
    X(5, QUEUE_LIST_ASK, "QueueListAsk") /* routerd -> regiond */                                  \
    X(6, QUEUE_LIST, "QueueList")                                                                  \
    X(7, TAIL_ASK, "TailAsk") /* replicator -> its regiond */                                      \
    X(8, FETCH_ASK, "FetchAsk")                                                                    \
    X(9, TAIL, "Tail")                                                                             \
    X(10, APPLY, "Apply") /* replicator -> other regionds */                                       \
    X(11, APPLIED, "Applied")                                                                      \
    X(20, HELLO, "Hello")            /* any daemon -> controld */                                  \
    X(21, CONFIG, "Config")          /* controld -> any daemon */                                  \
    X(22, STATUS_ASK, "StatusAsk")   /* controld -> any daemon */                                  \
    X(23, EXPLAIN_ASK, "ExplainAsk") /* controld -> routerd */                                     \
    X(24, STATUS, "Status")                                                                        \
    X(30, CONTROL_ASK, "ControlAsk") /* mecentral -> controld */                                   \
    X(31, CONTROL_REPLY, "ControlReply")

enum frame_kind {
#define X(number, name, message) FRAME_##name = number,
    FRAME_KINDS(X)
#undef X
};

/* One decoded frame. @body points into the decoder's buffer. */
struct frame {
    enum frame_kind kind;
    uint64_t id;
    const uint8_t *body;
    size_t body_size;
};

const char *frame_kind_name(enum frame_kind kind); /* "?" when unknown */

/* Bytes that frame_pack() will write for @message. */
size_t frame_packed_size(const ProtobufCMessage *message);

/* Write header and packed @message into @ret_buffer of at least frame_packed_size() bytes. */
void frame_pack(enum frame_kind kind, uint64_t id, const ProtobufCMessage *message,
                uint8_t *ret_buffer);

/* The same, into new memory that the caller frees. */
uint8_t *frame_pack_new(enum frame_kind kind, uint64_t id, const ProtobufCMessage *message,
                        size_t *ret_size);

/* Write only the header, for a body of @body_size bytes that is packed already. */
void frame_header(enum frame_kind kind, uint64_t id, size_t body_size,
                  uint8_t ret_header[FRAME_HEADER_SIZE]);

/* Look at the front of a stream. On 1 a whole frame is there: *@ret_frame is set, and
 * *@ret_used_size is how many bytes it takes. On 0 more bytes are needed.
 *
 * Errors: -EBADMSG, the length is out of bounds or the kind unknown: the stream is lost. */
int frame_decode(const uint8_t *bytes, size_t size, struct frame *ret_frame, size_t *ret_used_size);

#endif
