/* Secrets stay where they belong: what processes say to each other, and what they tell operators,
 * holds none but where the protocol has it so. */

#include <stdio.h>
#include <string.h>

#include "call.pb-c.h"
#include "common/frame.h"
#include "sim/secrets.h"
#include "sim/watch_internal.h"

enum { TOKEN = 1, PASSWORD = 2, ITEM = 4, SEED = 8 };

static const struct {
    unsigned secret;
    const char *bytes, *name;
} marks[] = {
    {TOKEN, SECRETS_TOKEN, "a bearer token"},           {PASSWORD, SECRETS_PASSWORD, "a password"},
    {ITEM, SECRETS_ITEM, "a plain value of the vault"}, {SEED, SECRETS_SEED, "a private key"},
    {SEED, SECRETS_SEED_HEX, "a private key in hex"},
};

#define MARK_COUNT (sizeof marks / sizeof marks[0])

/* All that may carry a secret: proto/README.md. What is not listed carries none. */
static const struct {
    enum watch_link link;
    enum frame_kind kind;
    Mec__Operation operation; /* of a Call; OPERATION_NONE: any */
    unsigned secrets;
} exempt[] = {
    /* What a client asks, and what it is answered: between its router and the regions. */
    {WATCH_LINK_CLIENTS, FRAME_CALL, MEC__OPERATION__OPERATION_NONE, TOKEN | PASSWORD | ITEM},
    {WATCH_LINK_CLIENTS, FRAME_ANSWER, MEC__OPERATION__OPERATION_NONE, TOKEN | ITEM},
    /* A log-in that is forwarded to the user's home, and the token that comes back. */
    {WATCH_LINK_REGIONS, FRAME_CALL, MEC__OPERATION__TOKEN_CREATE, PASSWORD},
    {WATCH_LINK_REGIONS, FRAME_ANSWER, MEC__OPERATION__OPERATION_NONE, TOKEN},
};

static Mec__Operation operation_of(struct watch *watch, const struct frame *frame)
{
    const Mec__Call *call =
        mec__call__unpack(arena_allocator(watch->scratch), frame->body_size, frame->body);
    Mec__Operation operation = call ? call->operation : MEC__OPERATION__OPERATION_NONE;

    arena_reset(watch->scratch);
    return operation;
}

static bool is_exempt(struct watch *watch, enum watch_link link, const struct frame *frame,
                      unsigned secret)
{
    for (size_t i = 0; i < sizeof exempt / sizeof exempt[0]; i++)
        if (exempt[i].link == link && exempt[i].kind == frame->kind &&
            (exempt[i].secrets & secret) != 0 &&
            (exempt[i].operation == MEC__OPERATION__OPERATION_NONE ||
             exempt[i].operation == operation_of(watch, frame)))
            return true;
    return false;
}

static bool holds(const void *bytes, size_t size, size_t mark)
{
    return memmem(bytes, size, marks[mark].bytes, strlen(marks[mark].bytes)) != NULL;
}

void watch_frame(struct watch *watch, uint64_t now_us, const char *from, const char *to,
                 enum watch_link link, const uint8_t *bytes, size_t size)
{
    struct frame frame;
    size_t used;

    for (size_t i = 0; i < MARK_COUNT; i++) {
        if (!holds(bytes, size, i) || frame_decode(bytes, size, &frame, &used) != 1 ||
            is_exempt(watch, link, &frame, marks[i].secret))
            continue;
        watch_report(watch, now_us, WATCH_SECRETS, "%s sends %s to %s, in a frame of kind %d", from,
                     marks[i].name, to, (int)frame.kind);
    }
}

void watch_said(struct watch *watch, uint64_t now_us, const char *who, const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i < MARK_COUNT; i++)
        if (holds(text, size, i))
            watch_report(watch, now_us, WATCH_SECRETS, "%s tells of %s: %.200s", who, marks[i].name,
                         text);
}
