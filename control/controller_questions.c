/* Commands that the processes answer: status, verify, audit, explain. */

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/audit.h"
#include "control/controller_internal.h"
#include "control/residency_json.h"
#include "control/text.h"
#include "control/verify.h"

#define ANSWER_PATIENCE_US (500 * MILLISECOND_US)
#define DIGEST_PATIENCE_US (10 * SECOND_US) /* reads whole shards */

static void call(struct controller *controller, struct wait *wait, size_t process,
                 const char *section, const Mec__ExplainAsk *explain)
{
    struct controller_action *action = controller_act(controller, CONTROLLER_CALL);

    wait->members[process] = true;
    wait->calls[process] = ++controller->last_call;
    action->process = process;
    action->call = controller->last_call;
    action->section = section;
    action->explain = explain;
}

static void call_all(struct controller *controller, struct wait *wait, const char *prefix,
                     const char *section)
{
    const struct supervisor *supervisor = &controller->world->supervisor;

    for (size_t i = 0; i < supervisor->count; i++) {
        const struct process *process = &supervisor->processes[i];
        if (strncmp(process->name, prefix, strlen(prefix)) == 0 && process->connected)
            call(controller, wait, i, section, NULL);
    }
}

/* The answers of one kind of process as a list; those that gave none appear with their state. */
static json_t *answers_of(const struct controller *controller, const struct wait *wait,
                          const char *daemon)
{
    const struct topology *topology = controller->world->topology;
    json_t *rows = json_array();

    for (size_t i = 0; i < topology->region_count; i++) {
        char *name = text_format("%s/%s", daemon, topology->regions[i].name);
        const struct process *process =
            &controller->world->supervisor.processes[controller_process(controller, name)];
        const json_t *answer = json_object_get(wait->answers, name);
        json_t *row = answer ? json_copy((json_t *)answer) : json_object();

        json_object_set_new(row, "name", json_string(topology->regions[i].name));
        json_object_set_new(row, "process", json_string(supervisor_state_name(process->state)));
        json_object_set_new(row, "answers", json_boolean(answer != NULL));
        if (!json_object_get(row, "streams") && strcmp(daemon, "replicator") == 0)
            json_object_set_new(row, "streams", json_array());
        json_array_append_new(rows, row);
        free(name);
    }
    return rows;
}

static void finish_status(struct controller *controller, struct wait *wait)
{
    json_t *router = json_object_get(wait->answers, "routerd");

    wait->data = json_pack("{s:o, s:o, s:o, s:o, s:O?, s:o, s:o*, s:I}", "world",
                           world_ready_json(controller->world), "processes",
                           world_processes_json(controller->world), "regions",
                           answers_of(controller, wait, "regiond"), "replicators",
                           answers_of(controller, wait, "replicator"), "router", router, "faults",
                           world_faults_json(controller->world), "residency",
                           residency_json_make(controller->world->topology), "now_wall_us",
                           (json_int_t)controller->now.wall_us);
}

void controller_begin_status(struct controller *controller, const struct controller_event *event)
{
    struct wait *wait = controller_wait(controller, event->ask, WAIT_ANSWERS, ANSWER_PATIENCE_US);

    wait->finish = finish_status;
    call_all(controller, wait, "", "");
}

static void finish_verify(struct controller *controller, struct wait *wait)
{
    wait->data = verify_compare(wait->answers, controller->world->topology);
    if (!json_is_true(json_object_get(wait->data, "equal")))
        wait->exit_code = EXIT_CHECK;
}

void controller_begin_verify(struct controller *controller, const struct controller_event *event)
{
    struct wait *wait = controller_wait(controller, event->ask, WAIT_ANSWERS, DIGEST_PATIENCE_US);

    wait->finish = finish_verify;
    call_all(controller, wait, "regiond/", "digest");
}

/* ---- audit ---- */

/* The regions whose chains are verified. Returns how many. */
static size_t audited(const struct controller *controller, const struct wait *wait,
                      const char *ret_names[TOPOLOGY_REGIONS_MAX])
{
    const struct topology *topology = controller->world->topology;
    const char *only = json_string_value(json_object_get(wait->audit, "region"));
    size_t count = 0;

    for (size_t i = 0; i < topology->region_count; i++)
        if (!only || strcmp(topology->regions[i].name, only) == 0)
            ret_names[count++] = topology->regions[i].name;
    return count;
}

static void finish_audit(struct controller *controller, struct wait *wait)
{
    const char *names[TOPOLOGY_REGIONS_MAX];
    size_t count = audited(controller, wait, names);

    wait->data = audit_combine(wait->answers, names, count);
    if (!json_is_true(json_object_get(wait->data, "sound")))
        wait->exit_code = EXIT_CHECK;
    else if (!json_is_true(json_object_get(wait->data, "checked")))
        wait->exit_code = EXIT_UNDETERMINED;
}

/* The heads first: one that is asked for later could be ahead of the chain that was read. */
static bool ask_for_chains(struct controller *controller, struct wait *wait)
{
    const struct supervisor *supervisor = &controller->world->supervisor;
    const char *names[TOPOLOGY_REGIONS_MAX];
    size_t count = audited(controller, wait, names);
    json_t *sections = json_object_get(wait->audit, "sections");
    json_t *kept = wait->answers;
    bool any = false;

    wait->again = NULL;
    wait->answers = json_object();
    wait->deadline_us = controller->now.now_us + DIGEST_PATIENCE_US;
    memset(wait->members, 0, supervisor->count * sizeof *wait->members);
    memset(wait->calls, 0, supervisor->count * sizeof *wait->calls);
    for (size_t i = 0; i < count; i++) {
        char *process = text_format("regiond/%s", names[i]);
        size_t index = controller_process(controller, process);
        char *section = audit_section(kept, names[i]);

        json_object_set_new(sections, names[i], json_string(section));
        if (supervisor->processes[index].connected) {
            any = true;
            call(controller, wait, index, json_string_value(json_object_get(sections, names[i])),
                 NULL);
        }
        free(section);
        free(process);
    }
    json_decref(kept);
    return any;
}

static bool is_region(const struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->region_count; i++)
        if (strcmp(topology->regions[i].name, name) == 0)
            return true;
    return false;
}

void controller_begin_audit(struct controller *controller, const struct controller_event *event)
{
    const char *action = json_string_value(json_object_get(event->arguments, "action"));
    const char *region = json_string_value(json_object_get(event->arguments, "region"));
    struct wait *wait;

    if (!action || strcmp(action, "verify") != 0) {
        controller_reply(controller, event->ask, EXIT_USAGE,
                         text_format("audit takes one action: verify"), NULL);
        return;
    }
    if (region && !is_region(controller->world->topology, region)) {
        controller_reply(controller, event->ask, EXIT_USAGE,
                         text_format("there is no region \"%s\"; see mecentral ps", region), NULL);
        return;
    }
    wait = controller_wait(controller, event->ask, WAIT_ANSWERS, ANSWER_PATIENCE_US);
    wait->audit = json_pack("{s:s?, s:{}}", "region", region, "sections");
    wait->again = ask_for_chains;
    wait->finish = finish_audit;
    call_all(controller, wait, "regiond/", "heads");
}

/* ---- explain ---- */

static void finish_explain(struct controller *controller, struct wait *wait)
{
    json_t *answer = json_object_get(wait->answers, "routerd");
    const char *text = json_string_value(json_object_get(answer, "text"));

    (void)controller;
    if (!answer) {
        wait->exit_code = EXIT_UNREACHABLE;
        wait->text = text_format("routerd does not answer; see mecentral ps");
        return;
    }
    wait->data = json_copy(answer);
    const char *wrong = json_string_value(json_object_get(answer, "error"));
    if (wrong)
        wait->exit_code = EXIT_USAGE;
    if (text || wrong)
        wait->text = memory_text(text ? text : wrong);
}

void controller_begin_explain(struct controller *controller, const struct controller_event *event)
{
    size_t router = controller_process(controller, "routerd");
    struct wait *wait = controller_wait(controller, event->ask, WAIT_ANSWERS, ANSWER_PATIENCE_US);
    Mec__ExplainAsk *explain = &controller->explain;
    const struct {
        const char *key;
        char **member;
    } texts[] = {{"method", &explain->method},
                 {"path", &explain->path},
                 {"geo", &explain->geo},
                 {"user", &explain->user},
                 {"consistency", &explain->consistency}};

    mec__explain_ask__init(explain);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const json_t *text = json_object_get(event->arguments, texts[i].key);
        if (json_is_string(text))
            *texts[i].member = (char *)json_string_value(text);
    }
    wait->finish = finish_explain;
    if (controller->world->supervisor.processes[router].connected)
        call(controller, wait, router, NULL, explain);
}
