#include "common/live_control.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/live_files.h"
#include "common/live_log.h"
#include "common/live_peer.h"
#include "common/memory.h"

/* An unpacked Config, and the memory that all of it lives in. */
struct held_config {
    struct arena *arena;
    const Mec__Config *config;
};

struct live_control {
    struct live_control_handlers handlers;
    void *context;
    struct live_peer *peer;
    char *name;
    char *config_path;
    struct held_config held;

    bool ready;
    char *detail;
    Mec__ListenerConfig **listeners; /* with all that they point to one piece of memory each */
    size_t listener_count;
};

/* Errors: -EBADMSG, not a Config, or one that lacks what every process needs. */
static int unpack_config(const uint8_t *bytes, size_t size, struct held_config *ret_held)
{
    struct arena *arena = arena_create();
    const Mec__Config *config = mec__config__unpack(arena_allocator(arena), size, bytes);

    if (!config || config->version == 0 || !config->settings) {
        arena_free(arena);
        return -EBADMSG;
    }
    *ret_held = (struct held_config){arena, config};
    return 0;
}

static int load_config(const char *path, struct held_config *ret_held)
{
    uint8_t *bytes;
    size_t size;
    int rc = live_files_read(path, FRAME_BODY_SIZE_MAX, &bytes, &size);

    if (rc == 0) {
        rc = unpack_config(bytes, size, ret_held);
        free(bytes);
    }
    if (rc < 0)
        live_log(LIVE_LOG_ERROR, "cannot load the configuration file=%s why=\"%s\"", path,
                 strerror(-rc));
    return rc;
}

static void say_hello(struct live_control *control)
{
    Mec__Hello hello = MEC__HELLO__INIT;

    hello.name = control->name;
    hello.pid = (uint32_t)getpid();
    hello.config_version = control->held.config->version;
    hello.ready = control->ready;
    hello.detail = control->detail;
    hello.listeners = control->listeners;
    hello.n_listeners = control->listener_count;
    live_peer_send_message(control->peer, FRAME_HELLO, 0, &hello.base);
}

/* First to disk, then to use: what this process runs by is what its next start will find. A disk
 * that refuses is no reason to run by an old truth. */
static void take_config(struct live_control *control, const struct frame *frame,
                        struct held_config held)
{
    struct held_config old = control->held;
    int rc = live_files_replace(control->config_path, frame->body, frame->body_size, 0600);

    if (rc < 0)
        live_log(LIVE_LOG_ERROR, "cannot keep the configuration version=%" PRIu64 " why=\"%s\"",
                 held.config->version, strerror(-rc));
    control->held = held;
    live_log(LIVE_LOG_INFO, "configuration taken version=%" PRIu64, held.config->version);
    control->handlers.config(held.config, control->context);
    arena_free(old.arena);
}

static void on_config(struct live_control *control, const struct frame *frame)
{
    struct held_config held;

    if (unpack_config(frame->body, frame->body_size, &held) < 0) {
        live_log(LIVE_LOG_WARN, "unreadable configuration ignored size=%zu", frame->body_size);
        return;
    }
    if (held.config->version > control->held.config->version) {
        take_config(control, frame, held);
    } else {
        if (held.config->version < control->held.config->version)
            live_log(LIVE_LOG_WARN, "older configuration ignored version=%" PRIu64 " have=%" PRIu64,
                     held.config->version, control->held.config->version);
        arena_free(held.arena);
    }
    say_hello(control);
}

static void on_status_ask(struct live_control *control, const struct frame *frame)
{
    Mec__StatusAsk *ask = mec__status_ask__unpack(NULL, frame->body_size, frame->body);
    char *json;

    if (!ask) {
        live_log(LIVE_LOG_WARN, "unreadable StatusAsk ignored");
        return;
    }
    json = control->handlers.status(ask->section, frame->id, control->context);
    if (json)
        live_control_status(control, frame->id, json);
    free(json);
    mec__status_ask__free_unpacked(ask, NULL);
}

static void on_frame(struct live_peer *peer, const struct frame *frame, void *context)
{
    struct live_control *control = context;

    (void)peer;
    switch (frame->kind) {
    case FRAME_CONFIG:
        on_config(control, frame);
        break;
    case FRAME_STATUS_ASK:
        on_status_ask(control, frame);
        break;
    default:
        if (control->handlers.frame)
            control->handlers.frame(frame, control->context);
        else
            live_log(LIVE_LOG_WARN, "unexpected frame from controld kind=%s",
                     frame_kind_name(frame->kind));
    }
}

static void on_up(struct live_peer *peer, void *context)
{
    (void)peer;
    say_hello(context);
}

int live_control_create(struct live_loop *loop, const struct live_options *options,
                        const struct live_control_handlers *handlers, void *context,
                        struct live_control **ret_control, const Mec__Config **ret_config)
{
    static const struct live_peer_handlers peer_handlers = {.up = on_up, .frame = on_frame};
    struct arena *scratch = arena_create();
    char *config_path = arena_format(scratch, "%s/config.pb", options->directory);
    struct live_control *control;
    struct held_config held;
    int rc = load_config(config_path, &held);

    assert(handlers->config);
    assert(handlers->status);
    if (rc == 0) {
        control = memory_alloc(sizeof(*control));
        control->handlers = *handlers;
        control->context = context;
        control->name = memory_text(options->name);
        control->config_path = memory_text(config_path);
        control->held = held;
        control->detail = memory_text("starting");
        control->peer =
            live_peer_connect(loop, "controld", options->control, &peer_handlers, control);
        *ret_control = control;
        *ret_config = held.config;
    }
    arena_free(scratch);
    return rc;
}

static void free_listeners(struct live_control *control)
{
    for (size_t i = 0; i < control->listener_count; i++) {
        free(control->listeners[i]->geo);
        free(control->listeners[i]);
    }
    free(control->listeners);
}

void live_control_free(struct live_control *control)
{
    if (!control)
        return;
    live_peer_free(control->peer);
    free_listeners(control);
    arena_free(control->held.arena);
    free(control->detail);
    free(control->config_path);
    free(control->name);
    free(control);
}

void live_control_ready(struct live_control *control, bool ready, const char *detail)
{
    if (ready == control->ready && strcmp(detail ? detail : "", control->detail) == 0)
        return;
    free(control->detail);
    control->detail = memory_text(detail ? detail : "");
    control->ready = ready;
    say_hello(control);
}

void live_control_listeners(struct live_control *control, const Mec__ListenerConfig *const *bound,
                            size_t count)
{
    free_listeners(control);
    control->listeners = memory_alloc(count * sizeof(*control->listeners));
    control->listener_count = count;
    for (size_t i = 0; i < count; i++) {
        control->listeners[i] = memory_copy(bound[i], sizeof(*bound[i]));
        control->listeners[i]->geo = memory_text(bound[i]->geo);
    }
    say_hello(control);
}

void live_control_status(struct live_control *control, uint64_t ask_id, const char *json)
{
    Mec__Status status = MEC__STATUS__INIT;

    status.json = (char *)json;
    if (mec__status__get_packed_size(&status) > FRAME_BODY_SIZE_MAX) {
        live_log(LIVE_LOG_ERROR, "the status is too long for a frame size=%zu", strlen(json));
        status.json = (char *)"{\"error\":\"the status is too long for a frame\"}";
    }
    live_peer_send_message(control->peer, FRAME_STATUS, ask_id, &status.base);
}
