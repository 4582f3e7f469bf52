#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/live_log.h"
#include "common/memory.h"
#include "control/live_controld_internal.h"
#include "control/live_process.h"

/* A peer's tag is the index of its process + 1; 0: no process, somebody who asks. */

static void take_hello(struct live_controld *controld, struct live_peer *peer,
                       const struct frame *frame)
{
    Mec__Hello *hello = mec__hello__unpack(NULL, frame->body_size, frame->body);
    size_t process = hello ? controller_process(controld->controller, hello->name) : SIZE_MAX;
    struct controller_event event = {.kind = CONTROLLER_HELLO, .process = process, .hello = hello};

    if (process == SIZE_MAX || live_process_start_ticks(hello->pid, &event.start_ticks) != 0) {
        mec__hello__free_unpacked(hello, NULL);
        live_peer_close(peer, "it is no process of this world");
        return;
    }
    event.pid = hello->pid;
    const struct process *known =
        &controller_world(controld->controller)->supervisor.processes[process];
    bool adopt = !supervisor_is_alive(known);
    if (adopt || known->pid == hello->pid) {
        live_peer_set_tag(peer, process + 1);
        controld->peers[process] = peer;
    }
    live_controld_step(controld, &event);
    if (adopt)
        live_controld_watch(controld, process);
    mec__hello__free_unpacked(hello, NULL);
}

static void take_status(struct live_controld *controld, struct live_peer *peer,
                        const struct frame *frame)
{
    Mec__Status *status = mec__status__unpack(NULL, frame->body_size, frame->body);

    if (status && live_peer_tag(peer) != 0)
        live_controld_step(controld, &(struct controller_event){.kind = CONTROLLER_STATUS,
                                                                .process = live_peer_tag(peer) - 1,
                                                                .call = frame->id,
                                                                .text = status->json});
    mec__status__free_unpacked(status, NULL);
}

void live_controld_ask(struct live_controld *controld, const struct live_ask *from,
                       const char *command, const json_t *arguments)
{
    struct live_ask *ask = memory_copy(from, sizeof *from);

    ask->number = ++controld->last_ask;
    ask->next = controld->asks;
    controld->asks = ask;
    live_controld_step(controld, &(struct controller_event){.kind = CONTROLLER_ASK,
                                                            .ask = ask->number,
                                                            .command = command,
                                                            .arguments = arguments});
}

static void take_ask(struct live_controld *controld, struct live_peer *peer,
                     const struct frame *frame)
{
    Mec__ControlAsk *ask = mec__control_ask__unpack(NULL, frame->body_size, frame->body);
    json_t *arguments = ask ? json_loads(ask->arguments_json, 0, NULL) : NULL;

    if (!json_is_object(arguments)) {
        live_peer_close(peer, "unreadable ControlAsk");
    } else {
        live_controld_ask(controld, &(struct live_ask){.peer = peer, .frame_id = frame->id},
                          ask->command, arguments);
    }
    json_decref(arguments);
    mec__control_ask__free_unpacked(ask, NULL);
}

static void on_frame(struct live_peer *peer, const struct frame *frame, void *context)
{
    struct live_controld *controld = context;

    switch (frame->kind) {
    case FRAME_HELLO:
        take_hello(controld, peer, frame);
        break;
    case FRAME_STATUS:
        take_status(controld, peer, frame);
        break;
    case FRAME_CONTROL_ASK:
        take_ask(controld, peer, frame);
        break;
    default:
        live_peer_close(peer, "a frame that is not for controld");
    }
}

static void drop_asks(struct live_controld *controld, const struct live_peer *peer)
{
    for (struct live_ask **at = &controld->asks; *at;) {
        struct live_ask *ask = *at;
        if (ask->peer != peer) {
            at = &ask->next;
            continue;
        }
        *at = ask->next;
        live_controld_step(controld, &(struct controller_event){.kind = CONTROLLER_ASKER_GONE,
                                                                .ask = ask->number});
        free(ask);
    }
}

static void on_down(struct live_peer *peer, const char *why, void *context)
{
    struct live_controld *controld = context;
    uint64_t tag = live_peer_tag(peer);

    (void)why;
    drop_asks(controld, peer);
    if (tag == 0 || controld->peers[tag - 1] != peer)
        return;
    controld->peers[tag - 1] = NULL;
    live_controld_step(controld,
                       &(struct controller_event){.kind = CONTROLLER_LOST, .process = tag - 1});
}

int live_controld_listen(struct live_controld *controld)
{
    static const struct live_peer_handlers handlers = {.frame = on_frame, .down = on_down};
    char *path = world_control_path(controller_world(controld->controller));
    int error = live_listen(controld->loop, path, &handlers, controld, &controld->listener);

    if (error != 0)
        live_log(LIVE_LOG_ERROR, "cannot listen on %s: %s", path, strerror(-error));
    free(path);
    return error;
}

static void reply_to_peer(const struct live_ask *ask, const struct controller_action *action)
{
    Mec__ControlReply reply = MEC__CONTROL_REPLY__INIT;
    char *json = action->data ? json_dumps(action->data, JSON_COMPACT) : NULL;

    reply.last = action->last;
    reply.exit_code = action->exit_code;
    reply.message = action->text ? action->text : (char *)"";
    reply.json = json ? json : (char *)"";
    live_peer_send_message(ask->peer, FRAME_CONTROL_REPLY, ask->frame_id, &reply.base);
    free(json);
}

void live_controld_reply(struct live_controld *controld, const struct controller_action *action)
{
    struct live_ask **at = &controld->asks;

    while (*at && (*at)->number != action->ask)
        at = &(*at)->next;
    struct live_ask *ask = *at;
    if (!ask)
        return; /* gone meanwhile */
    if (ask->http)
        live_controld_http_reply(ask, action);
    else
        reply_to_peer(ask, action);
    if (action->last) {
        *at = ask->next;
        free(ask);
    }
}

void live_controld_configure(struct live_controld *controld, size_t process)
{
    struct live_peer *peer = controld->peers[process];

    if (!peer)
        return;
    live_controld_pack_config(controld);
    uint8_t header[FRAME_HEADER_SIZE];
    frame_header(FRAME_CONFIG, 0, controld->config_size, header);
    live_peer_send(peer, header, sizeof header);
    live_peer_send(peer, controld->config, controld->config_size);
}

void live_controld_call(struct live_controld *controld, const struct controller_action *action)
{
    struct live_peer *peer = controld->peers[action->process];

    if (!peer)
        return;
    if (action->explain) {
        live_peer_send_message(peer, FRAME_EXPLAIN_ASK, action->call, &action->explain->base);
    } else {
        Mec__StatusAsk ask = MEC__STATUS_ASK__INIT;
        ask.section = (char *)action->section;
        live_peer_send_message(peer, FRAME_STATUS_ASK, action->call, &ask.base);
    }
}
