#include "control/http_api.h"

#include <stdlib.h>
#include <string.h>

#include "control/commands.h"
#include "control/text.h"

#define COMMANDS_PREFIX "/v1/commands/"

/* What is only looked at has a name of its own. */
static const struct {
    const char *target;
    const char *command;
} looks[] = {{"/v1/status", "status"}, {"/v1/faults", "faults"}};

static enum problem_id refuse(enum problem_id problem, char *detail, char **ret_detail)
{
    *ret_detail = detail;
    return problem;
}

static enum problem_id read_arguments(const char *body, size_t size, json_t **ret_arguments,
                                      char **ret_detail)
{
    json_t *arguments =
        size == 0 ? json_object() : json_loadb(body, size, JSON_REJECT_DUPLICATES, NULL);

    if (json_is_object(arguments)) {
        *ret_arguments = arguments;
        return PROBLEM_NONE;
    }
    json_decref(arguments);
    return refuse(PROBLEM_BAD_REQUEST, text_format("The body is one JSON object of arguments."),
                  ret_detail);
}

static enum problem_id find_command(const char *name, const char **ret_command, char **ret_detail)
{
    const struct command *command = commands_find(name);

    if (!command)
        return refuse(PROBLEM_NOT_FOUND, text_format("There is no such command."), ret_detail);
    if (command->place != COMMAND_CONTROLD)
        return refuse(PROBLEM_NOT_FOUND,
                      text_format("`%s` is done by mecentral itself.", command->name), ret_detail);
    *ret_command = command->name;
    return PROBLEM_NONE;
}

static const char *find_look(const char *target)
{
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        if (strcmp(looks[i].target, target) == 0)
            return looks[i].command;
    return NULL;
}

enum problem_id http_api_read(const char *method, const char *target, const char *body,
                              size_t body_size, struct http_api_call *ret_call, char **ret_detail)
{
    const size_t prefix_size = strlen(COMMANDS_PREFIX);
    bool post = strcmp(method, "POST") == 0;
    struct http_api_call call = {.command = find_look(target)};
    enum problem_id problem;

    call.bare = call.command != NULL;
    if (!call.bare && strncmp(target, COMMANDS_PREFIX, prefix_size) != 0)
        return refuse(PROBLEM_NOT_FOUND, text_format("There is no such resource."), ret_detail);
    if (call.bare == post)
        return refuse(PROBLEM_METHOD_NOT_ALLOWED, text_format("It has %s.", post ? "GET" : "POST"),
                      ret_detail);
    problem =
        call.bare ? PROBLEM_NONE : find_command(target + prefix_size, &call.command, ret_detail);
    if (problem == PROBLEM_NONE)
        problem = read_arguments(body, body_size, &call.arguments, ret_detail);
    if (problem == PROBLEM_NONE)
        *ret_call = call;
    return problem;
}

/* Takes over @json. */
static char *dump(json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);

    json_decref(json);
    return text;
}

char *http_api_problem(enum problem_id id, const char *detail)
{
    const struct problem *problem = problem_get(id);
    char *type = text_format("urn:mecentral:problem:%s", problem->type);
    char *body = dump(json_pack("{s:s, s:s, s:i, s:s?}", "type", type, "title", problem->title,
                                "status", problem->status, "detail", detail));

    free(type);
    return body;
}

char *http_api_answer(uint32_t exit_code, const char *message, const json_t *data)
{
    return dump(json_pack("{s:I, s:s, s:O?}", "exit", (json_int_t)exit_code, "message",
                          message ? message : "", "data", data));
}
