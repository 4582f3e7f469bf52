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
#include "common/signed_config.h"

#define PIN_SIZE_MAX 4096

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
    struct signed_config_pin pin; /* whose configurations we take */
    struct held_config held;

    bool ready;
    char *detail;
    Mec__ListenerConfig **listeners; /* with all that they point to one piece of memory each */
    size_t listener_count;

    bool tells_keys;
    Mec__SigningKey *keys;          /* our own copies */
    Mec__SigningKey **key_pointers; /* to each, as a message wants them */
    size_t key_count;
};

static int open_config(const struct signed_config_pin *pin, uint64_t have_version,
                       const uint8_t *bytes, size_t size, struct held_config *ret_held)
{
    struct held_config held = {.arena = arena_create()};
    int rc = signed_config_open(bytes, size, pin, have_version, held.arena, &held.config);

    if (rc < 0)
        arena_free(held.arena);
    else
        *ret_held = held;
    return rc;
}

static int complain(const char *path, int rc, const char *why)
{
    live_log(LIVE_LOG_ERROR, "cannot load the configuration file=%s why=\"%s\"", path, why);
    return rc;
}

static int load_pin(const char *path, struct signed_config_pin *ret_pin)
{
    uint8_t *bytes;
    size_t size;
    int rc = live_files_read(path, PIN_SIZE_MAX, &bytes, &size);

    if (rc == 0) {
        rc = signed_config_read_pin(bytes, size, ret_pin);
        free(bytes);
    }
    return rc < 0 ? complain(path, rc, strerror(-rc)) : 0;
}

/* What was written down is checked like what comes: a disk, too, can be somebody else's work. */
static int load_config(const char *path, const struct signed_config_pin *pin,
                       struct held_config *ret_held)
{
    uint8_t *bytes;
    size_t size;
    int rc = live_files_read(path, FRAME_BODY_SIZE_MAX, &bytes, &size);

    if (rc < 0)
        return complain(path, rc, strerror(-rc));
    rc = open_config(pin, 0, bytes, size, ret_held);
    free(bytes);
    return rc < 0 ? complain(path, rc, signed_config_why(rc)) : 0;
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
    hello.tells_keys = control->tells_keys;
    hello.keys = control->key_pointers;
    hello.n_keys = control->key_count;
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

static void refuse_config(struct live_control *control, int rc)
{
    live_log(LIVE_LOG_WARN, "configuration refused why=\"%s\" have=%" PRIu64, signed_config_why(rc),
             control->held.config->version);
    if (rc == -ESTALE) /* controld is behind: it should know */
        say_hello(control);
}

static void on_config(struct live_control *control, const struct frame *frame)
{
    struct held_config held;
    uint64_t have_version = control->held.config->version;
    int rc = open_config(&control->pin, have_version, frame->body, frame->body_size, &held);

    if (rc < 0) {
        refuse_config(control, rc);
        return;
    }
    if (held.config->version > have_version)
        take_config(control, frame, held);
    else
        arena_free(held.arena);
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
    char *pin_path = arena_format(scratch, "%s/control.pin", options->directory);
    struct live_control *control;
    struct signed_config_pin pin;
    struct held_config held;
    int rc = load_pin(pin_path, &pin);

    assert(handlers->config);
    assert(handlers->status);
    if (rc == 0)
        rc = load_config(config_path, &pin, &held);
    if (rc == 0) {
        control = memory_alloc(sizeof(*control));
        control->handlers = *handlers;
        control->context = context;
        control->name = memory_text(options->name);
        control->config_path = memory_text(config_path);
        control->pin = pin;
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

static void free_keys(struct live_control *control)
{
    for (size_t i = 0; i < control->key_count; i++) {
        free(control->keys[i].kid);
        free(control->keys[i].region);
        free(control->keys[i].public_key.data);
    }
    free(control->keys);
    free(control->key_pointers);
}

void live_control_free(struct live_control *control)
{
    if (!control)
        return;
    live_peer_free(control->peer);
    free_listeners(control);
    free_keys(control);
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

void live_control_keys(struct live_control *control, const Mec__SigningKey *keys, size_t count)
{
    free_keys(control);
    control->tells_keys = true;
    control->key_count = count;
    control->keys = memory_alloc((count + 1) * sizeof(*control->keys));
    control->key_pointers = memory_alloc((count + 1) * sizeof(*control->key_pointers));
    for (size_t i = 0; i < count; i++) {
        Mec__SigningKey *key = &control->keys[i];

        mec__signing_key__init(key);
        key->kid = memory_text(keys[i].kid);
        key->region = memory_text(keys[i].region);
        key->public_key.data = memory_copy(keys[i].public_key.data, keys[i].public_key.len);
        key->public_key.len = keys[i].public_key.len;
        control->key_pointers[i] = key;
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
