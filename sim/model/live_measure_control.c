#include "sim/model/live_measure_control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/live_files.h"
#include "common/live_loop.h"
#include "common/memory.h"
#include "common/moment.h"
#include "control/http_guard.h"
#include "control/live_world.h"
#include "control/text.h"
#include "sim/model/live_measure_http.h"

#define BROKEN_MAX 8 /* at a time */
#define POLL_MS    20

struct broken {
    bool is_region;
    char name[64]; /* of the region, or the fault's id */
};

struct live_measure_control {
    struct live_measure_http *http; /* that nothing stops */
    const volatile sig_atomic_t *stopped;
    char *world;
    char *base; /* "http://127.0.0.1:7070" */
    char token[HTTP_GUARD_TOKEN_LENGTH + 1];
    char *clients;
    Mec__Config *config;
    struct broken broken[BROKEN_MAX];
    size_t broken_count;
};

/* ---- asking ---- */

static int no_answer(const struct live_measure_control *control, char **ret_error)
{
    *ret_error = text_format("the control plane of world %s does not answer; see: mecentral -n %s "
                             "ps, and start it: mecentral -n %s start controld",
                             control->world, control->world, control->world);
    return -ECONNREFUSED;
}

/* *@ret_json is a new reference. */
static int ask(struct live_measure_control *control, const struct measure_request *request,
               json_t **ret_json, char **ret_error)
{
    struct live_measure_call call = {
        .base = control->base, .request = request, .token = control->token};
    int error = live_measure_http_send(control->http, &call, 1, 1);
    json_t *json = call.body ? json_loadb(call.body, call.body_size, 0, NULL) : NULL;

    if (error != 0 || call.answer.status == 0) {
        error = no_answer(control, ret_error);
    } else if (call.answer.status != 200 || !json) {
        *ret_error = text_format("the control plane of world %s has answered %d to %s",
                                 control->world, call.answer.status, request->path);
        error = -EIO;
    }
    live_measure_http_free_call(&call);
    if (error != 0)
        json_decref(json);
    else
        *ret_json = json;
    return error;
}

int live_measure_control_status(struct live_measure_control *control, json_t **ret_status,
                                char **ret_error)
{
    char path[] = "/v1/status";
    const struct measure_request request = {.method = "GET", .path = path};

    return ask(control, &request, ret_status, ret_error);
}

static int command(struct live_measure_control *control, const char *name, json_t *arguments,
                   json_t **ret_answer, char **ret_error)
{
    struct measure_request request = {.method = "POST",
                                      .path = text_format("/v1/commands/%s", name),
                                      .body = json_dumps(arguments, JSON_COMPACT),
                                      .content_type = "application/json"};
    json_t *answer = NULL;
    int error = ask(control, &request, &answer, ret_error);

    if (error == 0 && json_integer_value(json_object_get(answer, "exit")) != 0) {
        const char *why = json_string_value(json_object_get(answer, "message"));
        *ret_error = text_format("mecentral %s: %s", name, why ? why : "it does not work");
        error = -EIO;
    }
    json_decref(arguments);
    measure_request_free(&request);
    if (error != 0)
        json_decref(answer);
    else
        *ret_answer = answer;
    return error;
}

/* ---- opening ---- */

static int no_world(const char *world, char **ret_error)
{
    bool is_usual = strcmp(world, "default") == 0;

    *ret_error = text_format("no world %s runs here; start one: mecentral%s%s up --detach", world,
                             is_usual ? "" : " -n ", is_usual ? "" : world);
    return -ENOENT;
}

static int read_token(struct live_measure_control *control, const struct world *world)
{
    char *path = world_control_token_path(world);
    int error = live_files_read_secret(path, (uint8_t *)control->token, HTTP_GUARD_TOKEN_LENGTH);

    free(path);
    return error;
}

static int take_world(struct live_measure_control *control, const struct world *world,
                      char **ret_error)
{
    control->base = world_control_url(world);
    if (!control->base || read_token(control, world) != 0)
        return no_answer(control, ret_error);
    control->config = world_config(world);
    control->clients = text_format("http://127.0.0.1:%u", (unsigned)world->listeners[0].port);
    return live_measure_http_create(NULL, &control->http) == 0 ? 0 : no_answer(control, ret_error);
}

int live_measure_control_open(const char *name, const volatile sig_atomic_t *stopped,
                              struct live_measure_control **ret_control, char **ret_error)
{
    struct world *world = NULL;
    char *data;

    if (!world_name_is_valid(name) || live_world_running_data(name, &data) != 0)
        return no_world(name, ret_error);
    int error = live_world_load(data, &world);
    free(data);
    if (error != 0)
        return no_world(name, ret_error);
    struct live_measure_control *control = memory_alloc(sizeof *control);
    control->world = memory_text(name);
    control->stopped = stopped;
    error = take_world(control, world, ret_error);
    world_free(world);
    if (error != 0) {
        live_measure_control_free(control);
        return error;
    }
    *ret_control = control;
    return 0;
}

void live_measure_control_free(struct live_measure_control *control)
{
    if (!control)
        return;
    live_measure_http_free(control->http);
    if (control->config)
        mec__config__free_unpacked(control->config, NULL);
    explicit_bzero(control->token, sizeof control->token);
    free(control->clients);
    free(control->base);
    free(control->world);
    free(control);
}

void live_measure_control_go_on(struct live_measure_control *control)
{
    control->stopped = NULL;
}

const char *live_measure_control_http(const struct live_measure_control *control)
{
    return control->clients;
}

const Mec__Config *live_measure_control_config(const struct live_measure_control *control)
{
    return control->config;
}

/* ---- waiting ---- */

static bool is_stopped(const struct live_measure_control *control)
{
    return control->stopped && *control->stopped;
}

/* 1: it holds; 0: not yet. */
static int look(struct live_measure_control *control, live_measure_control_test *test,
                const void *context, uint64_t deadline_us, char **ret_error)
{
    json_t *status;
    char *why = NULL;
    int error = live_measure_control_status(control, &status, ret_error);

    if (error != 0)
        return error;
    bool holds = test(status, context, &why);
    json_decref(status);
    if (!holds && is_stopped(control)) {
        *ret_error = memory_text("stopped");
        error = -EINTR;
    } else if (!holds && live_loop_now().now_us >= deadline_us) {
        *ret_error = why ? memory_text(why) : memory_text("the world takes too long");
        error = -ETIMEDOUT;
    }
    free(why);
    return holds ? 1 : error;
}

int live_measure_control_wait(struct live_measure_control *control, live_measure_control_test *test,
                              const void *context, uint64_t timeout_us, char **ret_error)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    uint64_t deadline_us = live_loop_now().now_us + timeout_us;
    int seen;

    while ((seen = look(control, test, context, deadline_us, ret_error)) == 0)
        nanosleep(&pause, NULL);
    return seen > 0 ? 0 : seen;
}

/* ---- breaking and mending ---- */

static struct broken *remember(struct live_measure_control *control, bool is_region,
                               const char *name)
{
    struct broken *broken = &control->broken[control->broken_count];

    if (control->broken_count == BROKEN_MAX)
        return NULL;
    broken->is_region = is_region;
    snprintf(broken->name, sizeof broken->name, "%s", name);
    control->broken_count++;
    return broken;
}

static int too_many(char **ret_error)
{
    *ret_error = text_format("more than %d things would be broken at a time", BROKEN_MAX);
    return -EIO;
}

int live_measure_control_fault(struct live_measure_control *control, const char *name,
                               json_t *arguments, unsigned for_s, char **ret_error)
{
    char duration[24];
    json_t *answer;

    if (control->broken_count == BROKEN_MAX) {
        json_decref(arguments);
        return too_many(ret_error);
    }
    snprintf(duration, sizeof duration, "%us", for_s);
    json_object_set_new(arguments, "for", json_string(duration));
    int error = command(control, name, arguments, &answer, ret_error);
    if (error != 0)
        return error;
    const char *id = json_string_value(json_object_get(json_object_get(answer, "data"), "id"));
    if (id)
        remember(control, false, id);
    else
        *ret_error = text_format("mecentral %s has not said which fault it made", name);
    json_decref(answer);
    return id ? 0 : -EIO;
}

int live_measure_control_kill(struct live_measure_control *control, const char *region,
                              char **ret_error)
{
    json_t *answer = NULL;

    /* First remembered: an answer that is lost does not mean that the region lives. */
    if (!remember(control, true, region))
        return too_many(ret_error);
    int error = command(control, "kill", json_pack("{s:[s]}", "names", region), &answer, ret_error);
    json_decref(answer);
    return error;
}

static int mend(struct live_measure_control *control, const struct broken *broken, char **ret_error)
{
    json_t *arguments = broken->is_region ? json_pack("{s:[s]}", "names", broken->name)
                                          : json_pack("{s:s}", "id", broken->name);
    json_t *answer = NULL;
    int error =
        command(control, broken->is_region ? "start" : "heal", arguments, &answer, ret_error);

    json_decref(answer);
    return error;
}

int live_measure_control_mend(struct live_measure_control *control, char **ret_error)
{
    size_t left = 0;
    int error = 0;

    for (size_t i = 0; i < control->broken_count; i++) {
        char *why = NULL;
        int wrong = mend(control, &control->broken[i], &why);

        if (wrong == 0)
            continue;
        control->broken[left++] = control->broken[i];
        if (error == 0)
            *ret_error = why;
        else
            free(why);
        error = error == 0 ? wrong : error;
    }
    control->broken_count = left;
    return error;
}

char *live_measure_control_broken(const struct live_measure_control *control)
{
    struct text text = {0};

    for (size_t i = 0; i < control->broken_count; i++)
        text_add(&text, "%s%s %s", i ? ", " : "", control->broken[i].is_region ? "start" : "heal",
                 control->broken[i].name);
    return control->broken_count ? text_take(&text) : NULL;
}
