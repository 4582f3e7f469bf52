/* What controld does for each command that reaches it. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/controller_internal.h"
#include "control/nearest.h"
#include "control/text.h"
#include "control/units.h"

#define SERVE_PATIENCE_US   (10 * SECOND_US)
#define SETTLE_PATIENCE_US  (2 * SECOND_US)
#define END_PATIENCE_US     (SUPERVISOR_STOP_US + 2 * SECOND_US)
#define VERSION_PATIENCE_US (1 * SECOND_US)

struct command_row {
    const char *name;
    void (*begin)(struct controller *controller, const struct controller_event *event);
};

static const char *text_of(const struct controller_event *event, const char *key)
{
    return json_string_value(json_object_get(event->arguments, key));
}

static bool flag_of(const struct controller_event *event, const char *key)
{
    return json_is_true(json_object_get(event->arguments, key));
}

void controller_refuse(struct controller *controller, const struct controller_event *event,
                       char *why)
{
    controller_reply(controller, event->ask, EXIT_USAGE, why, NULL);
}

/* ---- processes ---- */

static char *no_such_process(const struct controller *controller, const char *name)
{
    const struct supervisor *supervisor = &controller->world->supervisor;
    const struct topology *topology = controller->world->topology;
    const char **names = memory_alloc((supervisor->count + topology->region_count) * sizeof *names);
    size_t count = 0;

    for (size_t i = 0; i < supervisor->count; i++)
        names[count++] = supervisor->processes[i].name;
    for (size_t i = 0; i < topology->region_count; i++)
        names[count++] = topology->regions[i].name;
    const char *near = nearest_find(name, names, count);
    char *text = text_format("there is no process or region \"%s\"%s%s%s", name,
                             near ? "; did you mean \"" : "; see mecentral ps", near ? near : "",
                             near ? "\"?" : "");
    free(names);
    return text;
}

/* Which processes the names mean. False when it has been refused. */
static bool find_members(struct controller *controller, const struct controller_event *event,
                         bool *members)
{
    const struct supervisor *supervisor = &controller->world->supervisor;
    const json_t *names = json_object_get(event->arguments, "names");
    size_t *found = memory_alloc(supervisor->count * sizeof *found);
    bool fine = json_array_size(names) != 0;

    if (!fine)
        controller_refuse(controller, event, text_format("name the processes or regions"));
    for (size_t i = 0; fine && i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        size_t count = name ? supervisor_find(supervisor, name, found) : 0;
        for (size_t j = 0; j < count; j++)
            members[found[j]] = true;
        fine = count != 0;
        if (!fine)
            controller_refuse(controller, event, no_such_process(controller, name ? name : ""));
    }
    free(found);
    return fine;
}

static void finish_processes(struct controller *controller, struct wait *wait)
{
    const struct supervisor *supervisor = &controller->world->supervisor;
    json_t *rows = json_array();
    struct text text = {0};

    for (size_t i = 0; i < supervisor->count; i++) {
        const struct process *process = &supervisor->processes[i];
        if (!wait->members[i])
            continue;
        text_add(&text, "%s%s %s", text.size != 0 ? "\n" : "", process->name,
                 supervisor_state_name(process->state));
        json_array_append_new(rows, json_pack("{s:s, s:s}", "name", process->name, "state",
                                              supervisor_state_name(process->state)));
    }
    wait->text = text_take(&text);
    wait->data = json_pack("{s:o}", "processes", rows);
}

static char *cannot(const struct process *process, const char *verb)
{
    return text_format("cannot %s %s: it is %s%s", verb, process->name,
                       supervisor_state_name(process->state),
                       process->state == PROCESS_PAUSED ? "; resume it first" : "");
}

static const struct request_row {
    const char *name;
    enum supervisor_request request;
    enum wait_kind wait;
    uint64_t patience_us;
} requests[] = {
    {"start", SUPERVISOR_START, WAIT_SERVING, SERVE_PATIENCE_US},
    {"stop", SUPERVISOR_STOP, WAIT_ENDED, END_PATIENCE_US},
    {"restart", SUPERVISOR_RESTART, WAIT_SERVING, SERVE_PATIENCE_US + END_PATIENCE_US},
    {"kill", SUPERVISOR_KILL, WAIT_ENDED, END_PATIENCE_US},
    {"pause", SUPERVISOR_PAUSE, WAIT_ANSWERS, 0},
    {"resume", SUPERVISOR_RESUME, WAIT_ANSWERS, 0},
};

/* start, stop, restart, kill, pause, resume */
static void begin_request(struct controller *controller, const struct controller_event *event)
{
    struct supervisor *supervisor = &controller->world->supervisor;
    bool *members = memory_alloc(supervisor->count * sizeof *members);
    const struct request_row *row = requests;

    while (strcmp(row->name, event->command) != 0)
        row++;
    if (!find_members(controller, event, members)) {
        free(members);
        return;
    }
    struct text failures = {0};
    for (size_t i = 0; i < supervisor->count; i++) {
        if (!members[i] || supervisor_ask(supervisor, i, row->request, controller->now.now_us) >= 0)
            continue;
        char *why = cannot(&supervisor->processes[i], row->name);
        text_add(&failures, "%s%s", failures.size != 0 ? "\n" : "", why);
        free(why);
    }
    if (failures.size != 0) {
        controller_reply(controller, event->ask, EXIT_CHECK, text_take(&failures), NULL);
        free(members);
        return;
    }
    struct wait *wait = controller_wait(controller, event->ask, row->wait, row->patience_us);
    memcpy(wait->members, members, supervisor->count * sizeof *members);
    wait->finish = finish_processes;
    free(members);
}

static void finish_up(struct controller *controller, struct wait *wait)
{
    wait->data = world_ready_json(controller->world);
    json_object_set_new(wait->data, "processes", world_processes_json(controller->world));
}

/* Start all that does not run, wait for all. */
static void begin_up(struct controller *controller, const struct controller_event *event)
{
    struct supervisor *supervisor = &controller->world->supervisor;
    struct wait *wait = controller_wait(controller, event->ask, WAIT_SERVING, SERVE_PATIENCE_US);

    wait->finish = finish_up;
    for (size_t i = 0; i < supervisor->count; i++) {
        supervisor_ask(supervisor, i, SUPERVISOR_START, controller->now.now_us);
        wait->members[i] = true;
    }
}

/* Wait until those that run have said hello to a controld that has just started. */
static void begin_settle(struct controller *controller, const struct controller_event *event)
{
    struct supervisor *supervisor = &controller->world->supervisor;
    struct wait *wait = controller_wait(controller, event->ask, WAIT_SERVING, SETTLE_PATIENCE_US);

    for (size_t i = 0; i < supervisor->count; i++)
        wait->members[i] = supervisor_is_alive(&supervisor->processes[i]) &&
                           supervisor->processes[i].state != PROCESS_PAUSED;
}

static void begin_down(struct controller *controller, const struct controller_event *event)
{
    struct supervisor *supervisor = &controller->world->supervisor;
    struct wait *wait = controller_wait(controller, event->ask, WAIT_ENDED, END_PATIENCE_US);

    wait->down = true;
    wait->text = text_format("world %s is down", controller->world->name);
    for (size_t i = 0; i < supervisor->count; i++) {
        supervisor_ask(supervisor, i, SUPERVISOR_STOP, controller->now.now_us);
        wait->members[i] = true;
    }
}

static void begin_ps(struct controller *controller, const struct controller_event *event)
{
    char *url = world_control_url(controller->world);

    controller_reply(controller, event->ask, EXIT_FINE, NULL,
                     json_pack("{s:s, s:s?, s:o}", "world", controller->world->name, "control_http",
                               url, "processes", world_processes_json(controller->world)));
    free(url);
}

static void begin_watch(struct controller *controller, const struct controller_event *event)
{
    controller_wait(controller, event->ask, WAIT_WATCH, NEVER_US);
}

/* ---- faults ---- */

static void wait_for_version(struct controller *controller, const struct controller_event *event,
                             char *text, json_t *data)
{
    const struct supervisor *supervisor = &controller->world->supervisor;
    struct wait *wait = controller_wait(controller, event->ask, WAIT_VERSION, VERSION_PATIENCE_US);

    wait->version = controller->world->config_version;
    wait->text = text;
    wait->data = data;
    json_object_set_new(data, "config_version", json_integer((json_int_t)wait->version));
    for (size_t i = 0; i < supervisor->count; i++)
        wait->members[i] = supervisor_is_alive(&supervisor->processes[i]) &&
                           supervisor->processes[i].state != PROCESS_PAUSED;
}

static void add_fault(struct controller *controller, const struct controller_event *event,
                      struct fault *fault)
{
    const char *duration = text_of(event, "for");
    uint64_t for_us = 0;
    struct fault added;
    char *why;

    if (duration && (units_parse_duration(duration, &for_us) != 0 || for_us == 0)) {
        controller_refuse(controller, event,
                          text_format("--for: \"%s\" is no duration like 30s", duration));
        return;
    }
    fault->made_wall_us = controller->now.wall_us;
    fault->until_wall_us = for_us != 0 ? controller->now.wall_us + for_us : 0;
    if (faults_add(&controller->world->faults, controller->world->topology, fault, &added, &why) !=
        0) {
        controller_refuse(controller, event, why);
        return;
    }
    char id[FAULTS_ID_SIZE];
    char *what = faults_describe(&added);
    char *text = text_format("%s %s%s%s", faults_id(&added, id), what, duration ? ", for " : "",
                             duration ? duration : "");
    controller_notice(controller, memory_text(text));
    controller_new_version(controller);
    wait_for_version(controller, event, text, faults_to_json(&added));
    free(what);
}

static bool set_end(char *end, const char *text)
{
    if (!text || strlen(text) >= TOPOLOGY_END_SIZE)
        return false;
    memcpy(end, text, strlen(text) + 1);
    return true;
}

static void begin_cut(struct controller *controller, const struct controller_event *event)
{
    struct fault fault = {
        .kind = FAULT_CUT, .one_way = flag_of(event, "one-way"), .reset = flag_of(event, "reset")};

    if (set_end(fault.a, text_of(event, "a")) && set_end(fault.b, text_of(event, "b")))
        add_fault(controller, event, &fault);
    else
        controller_refuse(controller, event,
                          text_format("cut needs two ends: regions, or client:GEO"));
}

static void begin_isolate(struct controller *controller, const struct controller_event *event)
{
    struct fault fault = {.kind = FAULT_ISOLATE, .reset = flag_of(event, "reset")};

    if (set_end(fault.a, text_of(event, "region")))
        add_fault(controller, event, &fault);
    else
        controller_refuse(controller, event, text_format("isolate needs a region"));
}

/* Errors: the name of the option that is wrong; NULL: none. */
static const char *read_link_options(const struct controller_event *event, struct fault *fault)
{
    const char *latency = text_of(event, "latency");
    const char *jitter = text_of(event, "jitter");
    const char *loss = text_of(event, "loss");
    const char *rate = text_of(event, "rate");

    fault->has_latency = latency != NULL;
    fault->has_jitter = jitter != NULL;
    fault->has_loss = loss != NULL;
    fault->has_rate = rate != NULL;
    fault->adds_latency = latency && latency[0] == '+';
    if (latency && units_parse_duration(latency + fault->adds_latency, &fault->latency_us) != 0)
        return "latency";
    if (jitter && units_parse_duration(jitter, &fault->jitter_us) != 0)
        return "jitter";
    if (loss && units_parse_share(loss, &fault->loss_ppm) != 0)
        return "loss";
    if (rate && units_parse_rate(rate, &fault->rate_bytes_per_s) != 0)
        return "rate";
    return latency || jitter || loss || rate ? NULL : "latency, --jitter, --loss or --rate";
}

static void begin_link(struct controller *controller, const struct controller_event *event)
{
    struct fault fault = {.kind = FAULT_LINK, .one_way = flag_of(event, "one-way")};

    if (!set_end(fault.a, text_of(event, "a")) || !set_end(fault.b, text_of(event, "b"))) {
        controller_refuse(controller, event,
                          text_format("link needs two ends: regions, or client:GEO"));
        return;
    }
    const char *wrong = read_link_options(event, &fault);
    if (wrong)
        controller_refuse(controller, event, text_format("link needs a proper --%s", wrong));
    else
        add_fault(controller, event, &fault);
}

/* "us-east/vault" into region and part. False: the region is missing or something is too long. */
static bool set_part(struct fault *fault, const char *text)
{
    const char *slash = text ? strchr(text, '/') : NULL;
    size_t size = text ? (slash ? (size_t)(slash - text) : strlen(text)) : 0;

    if (size == 0 || size >= sizeof fault->a || (slash && strlen(slash + 1) >= sizeof fault->part))
        return false;
    memcpy(fault->a, text, size);
    strcpy(fault->part, slash ? slash + 1 : "");
    return true;
}

/* Errors: the name of the option that is wrong; NULL: none. */
static const char *read_service_options(const struct controller_event *event, struct fault *fault)
{
    const char *errors = text_of(event, "errors");
    const char *latency = text_of(event, "latency");
    const char *operation = text_of(event, "operation");

    fault->down = flag_of(event, "down");
    fault->has_errors = errors != NULL;
    fault->has_latency = latency != NULL;
    if (errors && units_parse_share(errors, &fault->error_ppm) != 0)
        return "errors";
    if (latency && units_parse_duration(latency, &fault->latency_us) != 0)
        return "latency";
    if (operation && strlen(operation) >= sizeof fault->operation)
        return "operation";
    if (operation)
        strcpy(fault->operation, operation);
    return NULL;
}

static void begin_service(struct controller *controller, const struct controller_event *event)
{
    struct fault fault = {.kind = FAULT_SERVICE};

    if (!set_part(&fault, text_of(event, "service")) || fault.part[0] == '\0') {
        controller_refuse(controller, event,
                          text_format("service needs a region and a service of it: "
                                      "us-east/auth, us-east/vault, us-east/metadata"));
        return;
    }
    const char *wrong = read_service_options(event, &fault);
    if (wrong)
        controller_refuse(controller, event, text_format("service needs a proper --%s", wrong));
    else
        add_fault(controller, event, &fault);
}

static void flush(struct controller *controller, const struct controller_event *event,
                  const struct fault *what)
{
    struct world *world = controller->world;
    char *why = NULL;

    if (text_of(event, "for") || what->disable || what->freeze)
        why = text_format("a flush happens once: it goes with no other option");
    else if (faults_flush(&world->faults, world->topology, what, &why) == 0) {
        char *text = text_format("%s%s%s flushed", what->a, what->part[0] ? "/" : ": all caches",
                                 what->part);
        json_t *data = json_pack("{s:s, s:s}", "flushed", what->a, "cache", what->part);

        controller_notice(controller, memory_text(text));
        controller_new_version(controller);
        wait_for_version(controller, event, text, data);
        return;
    }
    controller_refuse(controller, event, why);
}

static void begin_cache(struct controller *controller, const struct controller_event *event)
{
    struct fault fault = {.kind = FAULT_CACHE,
                          .disable = flag_of(event, "disable"),
                          .freeze = flag_of(event, "freeze")};

    if (!set_part(&fault, text_of(event, "cache")))
        controller_refuse(controller, event,
                          text_format("cache needs a region: us-east, us-east/regional"));
    else if (flag_of(event, "flush"))
        flush(controller, event, &fault);
    else
        add_fault(controller, event, &fault);
}

static void begin_faults(struct controller *controller, const struct controller_event *event)
{
    controller_reply(controller, event->ask, EXIT_FINE, NULL,
                     json_pack("{s:o, s:I}", "faults", world_faults_json(controller->world),
                               "now_wall_us", (json_int_t)controller->now.wall_us));
}

static void begin_heal(struct controller *controller, const struct controller_event *event)
{
    struct faults *faults = &controller->world->faults;
    const char *id = text_of(event, "id");
    json_t *ids = json_array();
    struct text text = {0};
    struct fault healed;
    char own[FAULTS_ID_SIZE];

    if (id && faults_heal(faults, id, &healed) == 0)
        json_array_append_new(ids, json_string(id));
    while (!id && faults->count != 0) {
        const char *first = faults_id(&faults->items[0], own);
        faults_heal(faults, first, &healed);
        json_array_append_new(ids, json_string(first));
    }
    for (size_t i = 0; i < json_array_size(ids); i++)
        text_add(&text, "%s%s", i != 0 ? ", " : "healed ",
                 json_string_value(json_array_get(ids, i)));
    json_t *data = json_pack("{s:O}", "healed", ids);
    if (id && json_array_size(ids) == 0) {
        json_decref(data);
        controller_refuse(
            controller, event,
            text_format("there is no fault \"%s\" in force; see mecentral faults", id));
    } else if (json_array_size(ids) == 0) {
        controller_reply(controller, event->ask, EXIT_FINE, text_format("nothing to heal"), data);
    } else {
        char *said = text_take(&text);
        controller_notice(controller, memory_text(said));
        controller_new_version(controller);
        wait_for_version(controller, event, said, data);
    }
    json_decref(ids);
}

static const struct command_row commands[] = {
    {"up", begin_up},
    {"down", begin_down},
    {"ps", begin_ps},
    {"settle", begin_settle},
    {"watch", begin_watch},
    {"start", begin_request},
    {"stop", begin_request},
    {"restart", begin_request},
    {"kill", begin_request},
    {"pause", begin_request},
    {"resume", begin_request},
    {"cut", begin_cut},
    {"isolate", begin_isolate},
    {"link", begin_link},
    {"service", begin_service},
    {"cache", begin_cache},
    {"faults", begin_faults},
    {"heal", begin_heal},
    {"keys", controller_begin_keys},
    {"status", controller_begin_status},
    {"verify", controller_begin_verify},
    {"audit", controller_begin_audit},
    {"explain", controller_begin_explain},
};

void controller_command(struct controller *controller, const struct controller_event *event)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, event->command) == 0) {
            commands[i].begin(controller, event);
            return;
        }
    }
    controller_refuse(
        controller, event,
        text_format("this controld knows no command \"%s\"; is it of another version?",
                    event->command));
}
