#include "control/controller.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/controller_internal.h"
#include "control/text.h"

struct controller_action *controller_act(struct controller *controller,
                                         enum controller_action_kind kind)
{
    size_t size = (controller->action_count + 1) * sizeof *controller->actions;

    controller->actions = memory_grow(controller->actions, size);
    struct controller_action *action = &controller->actions[controller->action_count++];
    *action = (struct controller_action){.kind = kind};
    return action;
}

void controller_reply(struct controller *controller, uint64_t ask, uint32_t exit_code, char *text,
                      json_t *data)
{
    struct controller_action *action = controller_act(controller, CONTROLLER_REPLY);

    action->ask = ask;
    action->last = true;
    action->exit_code = exit_code;
    action->text = text;
    action->data = data;
}

void controller_notice(struct controller *controller, char *text)
{
    for (const struct wait *wait = controller->waits; wait; wait = wait->next) {
        if (wait->kind != WAIT_WATCH)
            continue;
        struct controller_action *action = controller_act(controller, CONTROLLER_REPLY);
        action->ask = wait->ask;
        action->text = memory_text(text);
    }
    controller_act(controller, CONTROLLER_LOG)->text = text;
}

static void forget_actions(struct controller *controller)
{
    for (size_t i = 0; i < controller->action_count; i++) {
        free(controller->actions[i].text);
        json_decref(controller->actions[i].data);
    }
    controller->action_count = 0;
}

static void wait_free(struct wait *wait)
{
    free(wait->members);
    free(wait->calls);
    free(wait->keys);
    json_decref(wait->answers);
    json_decref(wait->data);
    json_decref(wait->audit);
    free(wait->text);
    free(wait);
}

struct controller *controller_create(struct world *world, const bool *alive, struct moment at)
{
    struct controller *controller = memory_alloc(sizeof *controller);
    size_t count = world->supervisor.count;

    controller->world = world;
    controller->now = at;
    controller->seen = memory_alloc(count * sizeof *controller->seen);
    for (size_t i = 0; i < count; i++) {
        supervisor_adopt(&world->supervisor, i, world->supervisor.processes[i].state, alive[i],
                         at.now_us);
        controller->seen[i] = world->supervisor.processes[i].state;
    }
    return controller;
}

void controller_free(struct controller *controller)
{
    if (!controller)
        return;
    forget_actions(controller);
    while (controller->waits) {
        struct wait *wait = controller->waits;
        controller->waits = wait->next;
        wait_free(wait);
    }
    free(controller->actions);
    free(controller->seen);
    world_free(controller->world);
    free(controller);
}

const struct world *controller_world(const struct controller *controller)
{
    return controller->world;
}

size_t controller_process(const struct controller *controller, const char *name)
{
    const struct supervisor *supervisor = &controller->world->supervisor;

    for (size_t i = 0; i < supervisor->count; i++)
        if (strcmp(supervisor->processes[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

struct wait *controller_wait(struct controller *controller, uint64_t ask, enum wait_kind kind,
                             uint64_t patience_us)
{
    struct wait *wait = memory_alloc(sizeof *wait);
    size_t count = controller->world->supervisor.count;

    wait->ask = ask;
    wait->kind = kind;
    wait->deadline_us = patience_us == NEVER_US ? NEVER_US : controller->now.now_us + patience_us;
    wait->members = memory_alloc(count * sizeof *wait->members);
    wait->calls = memory_alloc(count * sizeof *wait->calls);
    wait->answers = json_object();
    wait->next = controller->waits;
    controller->waits = wait;
    return wait;
}

void controller_new_version(struct controller *controller)
{
    const struct supervisor *supervisor = &controller->world->supervisor;

    controller->world->config_version++;
    controller_act(controller, CONTROLLER_SAVE);
    for (size_t i = 0; i < supervisor->count; i++)
        if (supervisor->processes[i].connected)
            controller_act(controller, CONTROLLER_CONFIGURE)->process = i;
}

void controller_supervise(struct controller *controller)
{
    struct supervisor *supervisor = &controller->world->supervisor;

    for (size_t i = 0; i < supervisor->action_count; i++) {
        const struct supervisor_action *from = &supervisor->actions[i];
        struct controller_action *action = controller_act(
            controller, from->kind == SUPERVISOR_SPAWN ? CONTROLLER_SPAWN : CONTROLLER_SIGNAL);
        action->process = from->process;
        action->signal = from->signal;
    }
    supervisor->action_count = 0;
}

/* Is there nothing more to wait for from this process? */
static bool is_settled(const struct wait *wait, const struct process *process, size_t index)
{
    switch (wait->kind) {
    case WAIT_SERVING:
        return process->state == PROCESS_SERVING;
    case WAIT_ENDED:
        return !supervisor_is_alive(process) && !process->spawning;
    case WAIT_VERSION:
        return !supervisor_is_alive(process) || process->config_version >= wait->version;
    case WAIT_ANSWERS:
        return wait->calls[index] == 0 || !process->connected;
    case WAIT_KEYS:
    case WAIT_WATCH:
        return false;
    }
    return false;
}

static bool has_failed(const struct wait *wait, const struct process *process)
{
    return wait->kind == WAIT_SERVING && !process->spawning &&
           (process->state == PROCESS_FAILED || process->state == PROCESS_CRASHED ||
            process->state == PROCESS_KILLED);
}

static void add_row(json_t *rows, const struct process *process)
{
    json_array_append_new(rows, json_pack("{s:s, s:s, s:s}", "name", process->name, "state",
                                          supervisor_state_name(process->state), "detail",
                                          process->detail));
}

/* Who did not do what was waited for. Those that were still at it when others failed are not to
 * blame. */
static json_t *laggards(const struct controller *controller, const struct wait *wait)
{
    const struct supervisor *supervisor = &controller->world->supervisor;
    json_t *late = json_array();
    json_t *failed = json_array();

    for (size_t i = 0; i < supervisor->count; i++) {
        const struct process *process = &supervisor->processes[i];
        if (wait->members[i] && !is_settled(wait, process, i))
            add_row(has_failed(wait, process) ? failed : late, process);
    }
    if (json_array_size(failed) == 0) {
        json_decref(failed);
        return late;
    }
    json_decref(late);
    return failed;
}

static void add_laggards_text(struct text *text, const json_t *rows, const char *trouble)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *detail = json_string_value(json_object_get(row, "detail"));
        text_add(text, "\n%s %s: %s%s%s", json_string_value(json_object_get(row, "name")), trouble,
                 json_string_value(json_object_get(row, "state")), *detail ? ", " : "", detail);
    }
}

static void finish(struct controller *controller, struct wait *wait)
{
    static const char *const troubles[] = {[WAIT_SERVING] = "does not serve",
                                           [WAIT_ENDED] = "has not ended",
                                           [WAIT_VERSION] = "has not confirmed yet",
                                           [WAIT_ANSWERS] = "does not answer",
                                           [WAIT_KEYS] = "is not ready"};
    json_t *late = laggards(controller, wait);
    bool failed =
        json_array_size(late) != 0 && (wait->kind == WAIT_SERVING || wait->kind == WAIT_ENDED);
    struct text text = {0};

    if (wait->finish)
        wait->finish(controller, wait);
    text_add(&text, "%s", wait->text ? wait->text : "");
    if (wait->kind != WAIT_ANSWERS)
        add_laggards_text(&text, late, troubles[wait->kind]);
    if (!wait->data)
        wait->data = json_object();
    json_object_set_new(wait->data, wait->kind == WAIT_ANSWERS ? "not_answering" : "unconfirmed",
                        late);
    if (wait->down && !failed)
        controller_act(controller, CONTROLLER_END);
    controller_reply(controller, wait->ask, failed ? EXIT_INTERNAL : wait->exit_code,
                     text_take(&text), json_incref(wait->data));
}

/* Over, for good or for bad? */
static bool is_over(const struct controller *controller, const struct wait *wait)
{
    const struct supervisor *supervisor = &controller->world->supervisor;
    bool settled = true;

    if (wait->kind == WAIT_WATCH)
        return false;
    if (wait->kind == WAIT_KEYS)
        return controller_keys_are_over(controller, wait) ||
               controller->now.now_us >= wait->deadline_us;
    for (size_t i = 0; i < supervisor->count; i++) {
        if (!wait->members[i])
            continue;
        if (has_failed(wait, &supervisor->processes[i]))
            return true;
        settled = settled && is_settled(wait, &supervisor->processes[i], i);
    }
    return settled || controller->now.now_us >= wait->deadline_us;
}

static void look_after_waits(struct controller *controller)
{
    for (struct wait **at = &controller->waits; *at;) {
        struct wait *wait = *at;
        if (!is_over(controller, wait) || (wait->again && wait->again(controller, wait))) {
            at = &wait->next;
            continue;
        }
        *at = wait->next;
        finish(controller, wait);
        wait_free(wait);
    }
}

static void drop_wait(struct controller *controller, uint64_t ask)
{
    for (struct wait **at = &controller->waits; *at; at = &(*at)->next) {
        struct wait *wait = *at;
        if (wait->ask != ask)
            continue;
        if (wait->down) /* what was begun goes on */
            return;
        *at = wait->next;
        wait_free(wait);
        return;
    }
}

/* To whoever adopts it, a process that starts and one that serves are the same. */
static bool is_worth_saving(enum process_state before, enum process_state now)
{
    bool before_runs = before == PROCESS_STARTING || before == PROCESS_SERVING;
    bool now_runs = now == PROCESS_STARTING || now == PROCESS_SERVING;

    return before != now && !(before_runs && now_runs);
}

static void notice_changes(struct controller *controller)
{
    const struct supervisor *supervisor = &controller->world->supervisor;
    bool changed = false;

    for (size_t i = 0; i < supervisor->count; i++) {
        const struct process *process = &supervisor->processes[i];
        if (process->state == controller->seen[i])
            continue;
        changed = changed || is_worth_saving(controller->seen[i], process->state);
        controller->seen[i] = process->state;
        controller_notice(controller, text_format("%s %s%s%s%s", process->name,
                                                  supervisor_state_name(process->state),
                                                  process->detail[0] ? " (" : "", process->detail,
                                                  process->detail[0] ? ")" : ""));
    }
    if (changed)
        controller_act(controller, CONTROLLER_SAVE);
}

/* A controld before us has made versions that it did not live to write down: ours go on behind
 * them. One that is no version at all is not believed. */
static bool is_ahead(const struct world *world, uint64_t version)
{
    return version > world->config_version && version < UINT64_MAX / 2;
}

static void catch_up(struct controller *controller, uint64_t version)
{
    struct world *world = controller->world;

    world->config_version = version;
    for (size_t i = 0; i < world->topology->region_count; i++)
        key_ring_unstamp(&world->rings[i]);
    controller->keys_moved = true; /* stamps them anew */
}

static void take_hello(struct controller *controller, const struct controller_event *event)
{
    struct world *world = controller->world;
    const Mec__Hello *hello = event->hello;
    struct process *process = &world->supervisor.processes[event->process];

    if (!supervisor_is_alive(process)) {
        /* It was started by a controld that did not live to write it down. */
        supervisor_spawned(&world->supervisor, event->process, event->pid, event->start_ticks);
    } else if (process->pid != event->pid) {
        controller_act(controller, CONTROLLER_REFUSE)->process = event->process;
        return;
    }
    supervisor_hello(&world->supervisor, event->process, hello->ready, hello->config_version,
                     hello->detail);
    if (is_ahead(world, hello->config_version))
        catch_up(controller, hello->config_version);
    controller_keys_hello(controller, event->process, hello);
    if (world_take_ports(world, hello->listeners, hello->n_listeners))
        controller_new_version(controller);
    else if (hello->config_version < world->config_version)
        controller_act(controller, CONTROLLER_CONFIGURE)->process = event->process;
}

static void take_status(struct controller *controller, const struct controller_event *event)
{
    const struct supervisor *supervisor = &controller->world->supervisor;

    for (struct wait *wait = controller->waits; wait; wait = wait->next) {
        if (wait->kind != WAIT_ANSWERS || wait->calls[event->process] != event->call)
            continue;
        json_t *answer = json_loads(event->text, 0, NULL);
        wait->calls[event->process] = 0;
        if (json_is_object(answer))
            json_object_set(wait->answers, supervisor->processes[event->process].name, answer);
        json_decref(answer);
    }
}

static void end_faults(struct controller *controller)
{
    struct fault fault;
    bool healed = false;

    while (faults_expire(&controller->world->faults, controller->now.wall_us, &fault)) {
        char id[FAULTS_ID_SIZE];
        char *what = faults_describe(&fault);
        healed = true;
        controller_notice(controller, text_format("%s over: %s", faults_id(&fault, id), what));
        free(what);
    }
    if (healed)
        controller_new_version(controller);
}

static void take(struct controller *controller, const struct controller_event *event)
{
    struct supervisor *supervisor = &controller->world->supervisor;

    switch (event->kind) {
    case CONTROLLER_ASK:
        controller_command(controller, event);
        break;
    case CONTROLLER_ASKER_GONE:
        drop_wait(controller, event->ask);
        break;
    case CONTROLLER_HELLO:
        take_hello(controller, event);
        break;
    case CONTROLLER_LOST:
        supervisor_lost(supervisor, event->process);
        break;
    case CONTROLLER_STATUS:
        take_status(controller, event);
        break;
    case CONTROLLER_SPAWNED:
        supervisor_spawned(supervisor, event->process, event->pid, event->start_ticks);
        break;
    case CONTROLLER_SPAWN_FAILED:
        supervisor_spawn_failed(supervisor, event->process, event->text);
        break;
    case CONTROLLER_EXITED:
        supervisor_exited(supervisor, event->process, event->code, event->signal,
                          controller->now.now_us);
        break;
    case CONTROLLER_TICK:
        supervisor_tick(supervisor, controller->now.now_us);
        end_faults(controller);
        break;
    }
}

struct controller_actions controller_step(struct controller *controller,
                                          const struct controller_event *event)
{
    controller->now = event->at;
    forget_actions(controller);
    take(controller, event);
    controller_supervise(controller);
    controller_keys_advance(controller);
    notice_changes(controller);
    look_after_waits(controller);
    return (struct controller_actions){controller->actions, controller->action_count};
}

uint64_t controller_wake_us(const struct controller *controller, struct moment at)
{
    uint64_t wake_us = supervisor_wake_us(&controller->world->supervisor);
    uint64_t end_wall_us = faults_next_end_wall_us(&controller->world->faults);
    uint64_t keys_wall_us = controller_keys_wake_wall_us(controller);

    for (const struct wait *wait = controller->waits; wait; wait = wait->next)
        if (wait->deadline_us < wake_us)
            wake_us = wait->deadline_us;
    if (keys_wall_us < end_wall_us)
        end_wall_us = keys_wall_us;
    if (end_wall_us != UINT64_MAX) {
        uint64_t rest_us = end_wall_us > at.wall_us ? end_wall_us - at.wall_us : 0;
        if (at.now_us + rest_us < wake_us)
            wake_us = at.now_us + rest_us;
    }
    return wake_us;
}
