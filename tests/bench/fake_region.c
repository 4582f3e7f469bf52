/* fake_region: a region without a store, for measuring routerd alone: it answers each call with the
 * same 200 bytes, and each ping.
 *
 * Usage: fake_region SOCKET */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call.pb-c.h"
#include "common/frame.h"
#include "common/live_log.h"
#include "common/live_loop.h"
#include "common/live_peer.h"
#include "common/memory.h"
#include "health.pb-c.h"

#define VALUE_SIZE 200

static struct {
    uint8_t *frame;
    size_t size;
} cached;

static void make_answer(void)
{
    static char value[VALUE_SIZE];
    Mec__Position position = MEC__POSITION__INIT;
    Mec__Span spans[3] = {MEC__SPAN__INIT, MEC__SPAN__INIT, MEC__SPAN__INIT};
    Mec__Span *span_list[3] = {&spans[0], &spans[1], &spans[2]};
    Mec__Answer answer = MEC__ANSWER__INIT;

    memset(value, 'x', sizeof(value));
    position.shard = (char *)"us-east";
    position.epoch = 1;
    position.seq = 1824;
    spans[0].name = (char *)"gateway";
    spans[1].name = (char *)"service";
    spans[2].name = (char *)"cache";
    for (int i = 0; i < 3; i++)
        spans[i].duration_us = (uint64_t)(i + 1) * 40;
    answer.status = 200;
    answer.body = (ProtobufCBinaryData){sizeof(value), (uint8_t *)value};
    answer.content_type = (char *)"text/plain";
    answer.version = 7;
    answer.served = MEC__SERVED__SERVED_CACHE;
    answer.home = (char *)"us-east";
    answer.position = &position;
    answer.staleness_known = 1;
    answer.n_spans = 3;
    answer.spans = span_list;
    answer.service_us = 5;
    cached.frame = frame_pack_new(FRAME_ANSWER, 0, &answer.base, &cached.size);
}

static void answer_ping(struct live_peer *peer, const struct frame *frame)
{
    Mec__Ping *ping = mec__ping__unpack(NULL, frame->body_size, frame->body);
    Mec__Pong pong = MEC__PONG__INIT;

    if (!ping)
        return;
    pong.nonce = ping->nonce;
    pong.serving = 1;
    pong.writable = 1;
    live_peer_send_message(peer, FRAME_PONG, frame->id, &pong.base);
    mec__ping__free_unpacked(ping, NULL);
}

static void on_frame(struct live_peer *peer, const struct frame *frame, void *context)
{
    Mec__QueueList list = MEC__QUEUE_LIST__INIT;

    (void)context;
    switch (frame->kind) {
    case FRAME_CALL:
        frame_header(FRAME_ANSWER, frame->id, cached.size - FRAME_HEADER_SIZE, cached.frame);
        live_peer_send(peer, cached.frame, cached.size);
        break;
    case FRAME_PING:
        answer_ping(peer, frame);
        break;
    case FRAME_QUEUE_LIST_ASK:
        live_peer_send_message(peer, FRAME_QUEUE_LIST, frame->id, &list.base);
        break;
    default:
        break;
    }
}

int main(int argc, char **argv)
{
    static const struct live_peer_handlers handlers = {.frame = on_frame};
    struct live_listener *listener;
    struct live_loop *loop;
    int error;

    if (argc != 2) {
        fprintf(stderr, "Usage: fake_region SOCKET\n");
        return 64;
    }
    live_log_name("fake_region");
    make_answer();
    error = live_loop_create(&loop);
    if (error == 0)
        error = live_listen(loop, argv[1], &handlers, NULL, &listener);
    if (error < 0) {
        fprintf(stderr, "fake_region: %s: %s\n", argv[1], strerror(-error));
        return EXIT_FAILURE;
    }
    live_loop_run(loop);
    live_listener_free(listener);
    live_loop_free(loop);
    free(cached.frame);
    return EXIT_SUCCESS;
}
