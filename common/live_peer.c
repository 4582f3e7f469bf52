#include "common/live_peer.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/live_credentials.h"
#include "common/live_log.h"
#include "common/live_peer_internal.h"
#include "common/memory.h"

#define RETRY_US_MIN (5 * MILLISECOND_US)
#define RETRY_US_MAX (200 * MILLISECOND_US)

/* Large reads: at a high load one brings hundreds of frames. */
#define INPUT_SIZE_MIN (128u * 1024u)
#define INPUT_SIZE_MAX (4u + FRAME_SIZE_MAX)

#define OUTPUT_SIZE_MIN  (16u * 1024u)
#define OUTPUT_SIZE_KEPT (1024u * 1024u)
#define OUTPUT_SIZE_MAX  (64u * 1024u * 1024u)

struct buffer {
    uint8_t *bytes;
    size_t start; /* what is before it is used up */
    size_t end;
    size_t capacity;
};

struct live_peer {
    struct live_loop *loop;
    struct live_peer_handlers handlers;
    void *context;
    uint64_t tag;
    uint32_t uid;

    int fd; /* -1: not up */
    struct event *readable;
    struct event *writable;
    bool awaits_room; /* the socket was full; writable is armed */
    struct buffer input;
    struct buffer output;

    /* Handlers may free a peer whose functions are still running, so what frees, fails or flushes
     * waits for the end of the turn. */
    struct live_loop_task turn_end;
    const char *doomed; /* why it is to be closed at the end of the turn */
    bool ended;         /* to be freed at the end of the turn */
    bool forgotten;     /* by its owner, who may be gone: call no handler any more */

    /* Of the connecting side. */
    char *name;
    char *path;
    struct event *retry;
    uint64_t retry_us; /* the next pause */
    bool failure_logged;

    /* Of the accepting side. */
    struct live_peer_list *list;
    struct live_peer *previous, *next;
};

static void schedule_retry(struct live_peer *peer);

static void list_add(struct live_peer *peer, struct live_peer_list *list)
{
    peer->list = list;
    peer->next = list->first;
    if (peer->next)
        peer->next->previous = peer;
    list->first = peer;
}

static void list_remove(struct live_peer *peer)
{
    if (!peer->list)
        return;
    if (peer->previous)
        peer->previous->next = peer->next;
    else
        peer->list->first = peer->next;
    if (peer->next)
        peer->next->previous = peer->previous;
    peer->list = NULL;
}

static void destroy(struct live_peer *peer)
{
    assert(peer->fd < 0);
    if (peer->retry)
        event_free(peer->retry);
    free(peer->input.bytes);
    free(peer->output.bytes);
    free(peer->name);
    free(peer->path);
    free(peer);
}

/* Hand output to the socket, once. Returns 0 or -errno; -EAGAIN when some is left over. */
static int write_output(struct live_peer *peer)
{
    struct buffer *output = &peer->output;
    size_t size = output->end - output->start;
    ssize_t written;

    if (size == 0)
        return 0;
    do
        written = send(peer->fd, output->bytes + output->start, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (written < 0 && errno == EINTR);
    if (written < 0)
        return -errno;
    output->start += (size_t)written;
    if (output->start < output->end)
        return -EAGAIN;

    output->start = output->end = 0;
    if (output->capacity > OUTPUT_SIZE_KEPT) {
        free(output->bytes);
        *output = (struct buffer){0};
    }
    return 0;
}

/* Tear the connection down and tell nobody. */
static void disconnect(struct live_peer *peer)
{
    write_output(peer);
    event_free(peer->readable);
    event_free(peer->writable);
    close(peer->fd);
    peer->fd = -1;
    peer->awaits_room = false;
    peer->doomed = NULL;
    peer->input.start = peer->input.end = 0;
    peer->output.start = peer->output.end = 0;
}

static void end(struct live_peer *peer)
{
    if (peer->ended)
        return;
    if (peer->fd >= 0)
        disconnect(peer);
    if (peer->retry)
        event_del(peer->retry);
    list_remove(peer);
    peer->ended = true;
    live_loop_at_turn_end(peer->loop, &peer->turn_end);
}

void live_peer_free(struct live_peer *peer)
{
    if (!peer)
        return;
    peer->forgotten = true;
    end(peer);
}

void live_peer_close(struct live_peer *peer, const char *why)
{
    if (peer->fd < 0)
        return;
    live_log(peer->name ? LIVE_LOG_INFO : LIVE_LOG_DEBUG, "connection closed peer=%s why=\"%s\"",
             peer->name ? peer->name : "accepted", why);
    disconnect(peer);
    if (peer->handlers.down)
        peer->handlers.down(peer, why, peer->context);
    if (peer->ended)
        return;
    if (peer->path)
        schedule_retry(peer);
    else
        end(peer);
}

static void flush(struct live_peer *peer)
{
    int rc = write_output(peer);

    if (rc < 0 && rc != -EAGAIN) {
        live_peer_close(peer, strerror(-rc));
        return;
    }
    if (rc == -EAGAIN && !peer->awaits_room)
        event_add(peer->writable, NULL);
    else if (rc == 0 && peer->awaits_room)
        event_del(peer->writable);
    peer->awaits_room = rc == -EAGAIN;
}

static void on_turn_end(void *context)
{
    struct live_peer *peer = context;

    if (peer->ended)
        destroy(peer);
    else if (peer->doomed)
        live_peer_close(peer, peer->doomed);
    else if (peer->fd >= 0 && !peer->awaits_room)
        flush(peer);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    struct live_peer *peer = context;

    (void)fd;
    (void)what;
    flush(peer);
}

/* Hand over every whole frame of the input. Stops when a handler closes or frees the peer.
 * Errors: -EBADMSG. */
static int hand_over_frames(struct live_peer *peer)
{
    struct buffer *input = &peer->input;
    struct frame frame;
    size_t size;
    int rc = 0;

    while (peer->fd >= 0 && (rc = frame_decode(input->bytes + input->start,
                                               input->end - input->start, &frame, &size)) == 1) {
        input->start += size;
        peer->retry_us = RETRY_US_MIN; /* it serves: the next loss is a new one */
        peer->handlers.frame(peer, &frame, peer->context);
    }
    return rc < 0 ? rc : 0;
}

/* Make room behind a frame of which only the beginning is there. */
static void make_input_room(struct buffer *input)
{
    size_t left = input->end - input->start;

    if (left > 0 && input->start > 0)
        memmove(input->bytes, input->bytes + input->start, left);
    input->start = 0;
    input->end = left;
    if (left < input->capacity)
        return;

    /* Full of one frame whose length was found good, so this is bounded. */
    assert(input->capacity < INPUT_SIZE_MAX);
    input->capacity = input->capacity > 0 ? input->capacity * 2 : INPUT_SIZE_MIN;
    if (input->capacity > INPUT_SIZE_MAX)
        input->capacity = INPUT_SIZE_MAX;
    input->bytes = memory_grow(input->bytes, input->capacity);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct live_peer *peer = context;
    struct buffer *input = &peer->input;
    ssize_t got;
    int rc;

    (void)what;
    make_input_room(input);
    got = read(fd, input->bytes + input->end, input->capacity - input->end);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        live_peer_close(peer, got == 0 ? "closed by the other side" : strerror(errno));
        return;
    }
    input->end += (size_t)got;

    rc = hand_over_frames(peer);
    if (!peer->forgotten && peer->handlers.burst_end)
        peer->handlers.burst_end(peer->context);
    if (rc < 0 && peer->fd >= 0) {
        live_log(LIVE_LOG_WARN, "bad frame peer=%s", peer->name ? peer->name : "accepted");
        live_peer_close(peer, "bad frame");
    }
}

static void bring_up(struct live_peer *peer, int fd)
{
    struct event_base *base = live_loop_base(peer->loop);

    peer->fd = fd;
    peer->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, peer);
    peer->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, peer);
    assert(peer->readable);
    assert(peer->writable);
    event_add(peer->readable, NULL);
    if (peer->handlers.up)
        peer->handlers.up(peer, peer->context);
}

static struct live_peer *create(struct live_loop *loop, const struct live_peer_handlers *handlers,
                                void *context)
{
    struct live_peer *peer = memory_alloc(sizeof(*peer));

    assert(handlers->frame);
    peer->loop = loop;
    peer->handlers = *handlers;
    peer->context = context;
    peer->fd = -1;
    peer->retry_us = RETRY_US_MIN;
    peer->turn_end = (struct live_loop_task){.run = on_turn_end, .context = peer};
    return peer;
}

void live_peer_accept(struct live_loop *loop, int fd, uint32_t uid,
                      const struct live_peer_handlers *handlers, void *context,
                      struct live_peer_list *list)
{
    struct live_peer *peer = create(loop, handlers, context);

    peer->uid = uid;
    list_add(peer, list);
    bring_up(peer, fd);
}

/* Connecting to a Unix socket either is done at once or fails; there is nothing to wait for.
 * Returns the socket or -errno. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, rc;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    /* Whoever listens there may be somebody else: tokens and configurations are not for them. */
    rc = live_credentials_check(fd);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return fd;
}

static void try_to_connect(evutil_socket_t unused, short what, void *context)
{
    struct live_peer *peer = context;
    int fd = connect_to(peer->path);

    (void)unused;
    (void)what;
    if (fd < 0) {
        /* When all processes start at once the first tries fail, and that is nothing to warn of. */
        if (!peer->failure_logged && peer->retry_us == RETRY_US_MAX) {
            peer->failure_logged = true;
            live_log(LIVE_LOG_WARN, "cannot connect peer=%s why=\"%s\"; trying on", peer->name,
                     strerror(-fd));
        }
        schedule_retry(peer);
        return;
    }
    peer->uid = live_credentials_of(fd).uid;
    peer->failure_logged = false;
    live_log(LIVE_LOG_INFO, "connected peer=%s", peer->name);
    bring_up(peer, fd);
}

static void retry_in(struct live_peer *peer, uint64_t delay_us)
{
    struct timeval delay = {0, (suseconds_t)delay_us};

    event_add(peer->retry, &delay);
}

static void schedule_retry(struct live_peer *peer)
{
    retry_in(peer, peer->retry_us);
    peer->retry_us = peer->retry_us * 2 < RETRY_US_MAX ? peer->retry_us * 2 : RETRY_US_MAX;
}

struct live_peer *live_peer_connect(struct live_loop *loop, const char *name, const char *path,
                                    const struct live_peer_handlers *handlers, void *context)
{
    struct live_peer *peer = create(loop, handlers, context);

    peer->name = memory_text(name);
    peer->path = memory_text(path);
    peer->retry = evtimer_new(live_loop_base(loop), try_to_connect, peer);
    assert(peer->retry);
    retry_in(peer, 0);
    return peer;
}

bool live_peer_is_up(const struct live_peer *peer)
{
    return peer->fd >= 0;
}

void *live_peer_context(const struct live_peer *peer)
{
    return peer->context;
}

void live_peer_set_tag(struct live_peer *peer, uint64_t tag)
{
    peer->tag = tag;
}

uint64_t live_peer_tag(const struct live_peer *peer)
{
    return peer->tag;
}

uint32_t live_peer_uid(const struct live_peer *peer)
{
    return peer->uid;
}

/* Room for @size bytes at the end of the output, counted as filled; NULL when they go nowhere. */
static uint8_t *claim_output(struct live_peer *peer, size_t size)
{
    struct buffer *output = &peer->output;
    size_t waiting = output->end - output->start;
    uint8_t *room;

    if (peer->fd < 0 || peer->doomed)
        return NULL;
    live_loop_at_turn_end(peer->loop, &peer->turn_end);
    if (waiting + size > OUTPUT_SIZE_MAX) {
        peer->doomed = "too much output is waiting";
        return NULL;
    }
    if (output->end + size > output->capacity && output->start > 0) {
        memmove(output->bytes, output->bytes + output->start, waiting);
        output->start = 0;
        output->end = waiting;
    }
    if (output->end + size > output->capacity) {
        if (output->capacity == 0)
            output->capacity = OUTPUT_SIZE_MIN;
        while (output->end + size > output->capacity)
            output->capacity *= 2;
        output->bytes = memory_grow(output->bytes, output->capacity);
    }
    room = output->bytes + output->end;
    output->end += size;
    return room;
}

void live_peer_send(struct live_peer *peer, const uint8_t *frame, size_t size)
{
    uint8_t *room = claim_output(peer, size);

    if (room)
        memcpy(room, frame, size);
}

void live_peer_send_message(struct live_peer *peer, enum frame_kind kind, uint64_t id,
                            const ProtobufCMessage *message)
{
    uint8_t *room = claim_output(peer, frame_packed_size(message));

    if (room)
        frame_pack(kind, id, message, room);
}
