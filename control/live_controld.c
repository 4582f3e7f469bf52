#include "control/live_controld.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "common/live_log.h"
#include "common/memory.h"
#include "control/live_controld_internal.h"
#include "control/live_process.h"
#include "control/live_world.h"

static void save(struct live_controld *controld)
{
    int error = live_world_save(controller_world(controld->controller));

    controld->save = false;
    /* Carrying on is right: the data plane does not depend on this file, and the next change tries
     * again. */
    if (error != 0)
        live_log(LIVE_LOG_ERROR, "cannot write the state file directory=%s why=\"%s\"",
                 controller_world(controld->controller)->data, strerror(-error));
}

static void execute(struct live_controld *controld, const struct controller_action *action)
{
    switch (action->kind) {
    case CONTROLLER_REPLY:
        live_controld_reply(controld, action);
        break;
    case CONTROLLER_SPAWN:
        /* It will run by a version that must not be forgotten. */
        if (controld->save)
            save(controld);
        live_controld_spawn(controld, action->process);
        break;
    case CONTROLLER_SIGNAL:
        live_controld_signal(controld, action->process, action->signal);
        break;
    case CONTROLLER_CONFIGURE:
        live_controld_configure(controld, action->process);
        break;
    case CONTROLLER_CALL:
        live_controld_call(controld, action);
        break;
    case CONTROLLER_REFUSE:
        /* The one that said hello is not the one that we know; it stays unregistered. */
        live_log(
            LIVE_LOG_WARN, "hello of a second %s ignored",
            controller_world(controld->controller)->supervisor.processes[action->process].name);
        break;
    case CONTROLLER_SAVE:
        controld->save = true;
        break;
    case CONTROLLER_END:
        controld->ended = true;
        live_loop_stop(controld->loop);
        break;
    case CONTROLLER_LOG:
        live_log(LIVE_LOG_INFO, "%s", action->text);
        break;
    }
}

static void step_once(struct live_controld *controld, const struct controller_event *event)
{
    struct controller_event stamped = *event;

    stamped.at = live_loop_now();
    struct controller_actions actions = controller_step(controld->controller, &stamped);
    for (size_t i = 0; i < actions.count; i++)
        execute(controld, &actions.items[i]);
}

void live_controld_step(struct live_controld *controld, const struct controller_event *event)
{
    assert(!controld->stepping);
    controld->stepping = true;
    step_once(controld, event);
    while (controld->later) {
        struct live_later *later = controld->later;
        controld->later = later->next;
        step_once(controld, &later->event);
        if (later->event.kind == CONTROLLER_SPAWNED)
            live_controld_watch(controld, later->event.process);
        free(later->text);
        free(later);
    }
    controld->stepping = false;
    if (controld->save && !controld->ended)
        save(controld);
    struct moment now = live_loop_now();
    live_loop_wake(controld->loop, controller_wake_us(controld->controller, now));
}

static void on_wake(void *context)
{
    live_controld_step(context, &(struct controller_event){.kind = CONTROLLER_TICK});
}

static struct controller *load_controller(struct live_controld *controld, const char *data)
{
    struct world *world;
    int error = live_world_load(data, &world);

    if (error != 0) {
        live_log(LIVE_LOG_ERROR, "cannot read %s/state.json: %s", data, strerror(-error));
        return NULL;
    }
    if (live_controld_prepare(controld, world) != 0) {
        world_free(world);
        return NULL;
    }
    live_controld_http_start(controld, world);
    world->controld_pid = (uint32_t)getpid();
    live_process_start_ticks(world->controld_pid, &world->controld_start_ticks);
    bool *alive = memory_alloc(world->supervisor.count * sizeof *alive);
    live_controld_find_alive(world, alive);
    struct controller *controller = controller_create(world, alive, live_loop_now());
    free(alive);
    return controller;
}

static void watch_all(struct live_controld *controld)
{
    const struct supervisor *supervisor = &controller_world(controld->controller)->supervisor;

    controld->count = supervisor->count;
    controld->watches = memory_alloc(controld->count * sizeof *controld->watches);
    controld->peers = memory_alloc(controld->count * sizeof(struct live_peer *));
    for (size_t i = 0; i < controld->count; i++) {
        controld->watches[i] = (struct live_watch){.controld = controld, .process = i, .pidfd = -1};
        if (supervisor_is_alive(&supervisor->processes[i]))
            live_controld_watch(controld, i);
    }
}

static void clean_up(struct live_controld *controld)
{
    const struct world *world = controller_world(controld->controller);

    if (world->ephemeral) {
        int error = live_world_remove_tree(world->data);
        if (error != 0)
            live_log(LIVE_LOG_ERROR, "cannot remove directory=%s why=\"%s\"", world->data,
                     strerror(-error));
    }
    live_world_remove_runtime(world);
}

int live_controld_run(const char *data)
{
    struct live_controld controld = {0};
    int code = 70;

    if (live_loop_create(&controld.loop) != 0)
        return code;
    controld.controller = load_controller(&controld, data);
    if (!controld.controller)
        goto no_controller;
    watch_all(&controld);
    if (live_controld_listen(&controld) != 0)
        goto no_listener;
    live_log(LIVE_LOG_INFO, "controld runs world=%s", controller_world(controld.controller)->name);
    live_loop_on_wake(controld.loop, on_wake, &controld);
    /* A first look at the clock, which also writes down that this is the controld now. */
    controld.save = true;
    on_wake(&controld);
    live_loop_run(controld.loop);
    code = 0;
    if (controld.ended)
        save(&controld);
    live_controld_http_free(controld.http);
    controld.http = NULL;
    live_listener_free(controld.listener);
    if (controld.ended)
        clean_up(&controld);
no_listener:
    live_controld_http_free(controld.http);
    for (size_t i = 0; i < controld.count; i++)
        live_controld_unwatch(&controld, i);
    free(controld.watches);
    free(controld.peers);
    free(controld.config);
    controller_free(controld.controller);
no_controller:
    sodium_memzero(controld.seed, sizeof controld.seed);
    live_loop_free(controld.loop);
    return code;
}
