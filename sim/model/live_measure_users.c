/* Accounts that ask a running world. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/text.h"
#include "sim/model/live_measure_internal.h"

#define PARALLEL        32
#define HASHES_PARALLEL 2 /* passwords: a region's processors would be all that is waited for */

/* What is known of an answer that is not as wanted. */
static int refuse(const struct live_measure_call *call, const char *what, char **ret_error)
{
    const struct measure_answer *answer = &call->answer;

    if (answer->status == 0)
        *ret_error = text_format("%s: the world does not answer", what);
    else
        *ret_error = text_format("%s: the world has answered %d%s%s", what, answer->status,
                                 *answer->problem ? " " : "", answer->problem);
    return -EIO;
}

static int stopped(char **ret_error)
{
    *ret_error = memory_text("stopped");
    return -EINTR;
}

/* @calls is as long as @users. Releases requests. Answers are judged by who called this. */
static int send(const struct live_measure *measure, struct live_measure_call *calls, size_t count,
                size_t parallel, char **ret_error)
{
    return live_measure_http_send(measure->http, calls, count, parallel) == 0 ? 0
                                                                              : stopped(ret_error);
}

static struct live_measure_call *make_calls(const struct live_measure *measure,
                                            const struct live_measure_user *users,
                                            struct measure_request *requests, size_t count)
{
    struct live_measure_call *calls = memory_alloc((count + 1) * sizeof *calls);

    for (size_t i = 0; i < count; i++)
        calls[i] = (struct live_measure_call){.base = measure->base,
                                              .request = &requests[i],
                                              .geo = users[i].home,
                                              .token = users[i].token};
    return calls;
}

static void free_calls(struct live_measure_call *calls, struct measure_request *requests,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        live_measure_http_free_call(&calls[i]);
        measure_request_free(&requests[i]);
    }
    free(calls);
}

static int want_fine(const struct live_measure_call *calls, size_t count, const char *what,
                     char **ret_error)
{
    for (size_t i = 0; i < count; i++)
        if (!measure_answer_is_full(&calls[i].answer))
            return refuse(&calls[i], what, ret_error);
    return 0;
}

int live_measure_users_do(const struct live_measure *measure, const struct live_measure_user *users,
                          struct measure_request *requests, size_t count, const char *what,
                          char **ret_error)
{
    struct live_measure_call *calls = make_calls(measure, users, requests, count);
    int error = send(measure, calls, count, PARALLEL, ret_error);

    if (error == 0)
        error = want_fine(calls, count, what, ret_error);
    free_calls(calls, requests, count);
    return error;
}

/* ---- tokens ---- */

static bool take_token(struct live_measure_user *user, const struct live_measure_call *call)
{
    json_t *json = call->body ? json_loadb(call->body, call->body_size, 0, NULL) : NULL;
    const char *token = json_string_value(json_object_get(json, "token"));

    if (token) {
        free(user->token);
        user->token = memory_text(token);
    }
    json_decref(json);
    return token != NULL;
}

/* Send @requests and take a token out of each answer. */
static int get_tokens(const struct live_measure *measure, struct live_measure_user *users,
                      struct measure_request *requests, size_t count, size_t parallel,
                      const char *what, char **ret_error)
{
    struct live_measure_call *calls = make_calls(measure, users, requests, count);
    int error = send(measure, calls, count, parallel, ret_error);

    if (error == 0)
        error = want_fine(calls, count, what, ret_error);
    for (size_t i = 0; error == 0 && i < count; i++)
        if (!take_token(&users[i], &calls[i]))
            error = refuse(&calls[i], what, ret_error);
    free_calls(calls, requests, count);
    return error;
}

static int log_in(const struct live_measure *measure, struct live_measure_user *users, size_t count,
                  char **ret_error)
{
    struct measure_request *requests = memory_alloc((count + 1) * sizeof *requests);

    for (size_t i = 0; i < count; i++)
        requests[i] = measure_request_log_in(users[i].name);
    int error =
        get_tokens(measure, users, requests, count, HASHES_PARALLEL, "logging in", ret_error);
    free(requests);
    return error;
}

int live_measure_users_refresh(const struct live_measure *measure, struct live_measure_user *users,
                               size_t count, char **ret_error)
{
    struct measure_request *requests = memory_alloc((count + 1) * sizeof *requests);

    for (size_t i = 0; i < count; i++)
        requests[i] = measure_request_refresh();
    int error =
        get_tokens(measure, users, requests, count, PARALLEL, "renewing a token", ret_error);
    free(requests);
    return error;
}

/* ---- accounts ---- */

/* A new account must be at home where it was made. */
static int check_home(const struct live_measure_user *user, const struct live_measure_call *call,
                      char **ret_error)
{
    json_t *json = call->body ? json_loadb(call->body, call->body_size, 0, NULL) : NULL;
    const char *home = json_string_value(json_object_get(json, "home"));
    int error = 0;

    if (!home || strcmp(home, user->home) != 0) {
        *ret_error = text_format("an account made near %s is at home in %s; is %s well, and may "
                                 "accounts be kept there?",
                                 user->home, home ? home : "no region", user->home);
        error = -EIO;
    }
    json_decref(json);
    return error;
}

static int sign_up(const struct live_measure *measure, const struct live_measure_user *users,
                   size_t count, char **ret_error)
{
    struct measure_request *requests = memory_alloc((count + 1) * sizeof *requests);

    for (size_t i = 0; i < count; i++)
        requests[i] = measure_request_sign_up(users[i].name);
    struct live_measure_call *calls = make_calls(measure, users, requests, count);
    int error = send(measure, calls, count, HASHES_PARALLEL, ret_error);
    if (error == 0)
        error = want_fine(calls, count, "signing up", ret_error);
    for (size_t i = 0; error == 0 && i < count; i++)
        error = check_home(&users[i], &calls[i], ret_error);
    free_calls(calls, requests, count);
    free(requests);
    return error;
}

int live_measure_users_make(const struct live_measure *measure, struct live_measure_user *users,
                            size_t count, char **ret_error)
{
    int error = sign_up(measure, users, count, ret_error);

    return error == 0 ? log_in(measure, users, count, ret_error) : error;
}

/* Those without a token may be there and may not: logging in finds out. */
static void find_tokens(const struct live_measure *measure, struct live_measure_user *users,
                        size_t count)
{
    struct measure_request *requests = memory_alloc((count + 1) * sizeof *requests);
    struct live_measure_user **tokenless = memory_alloc((count + 1) * sizeof *tokenless);
    struct live_measure_user *asking = memory_alloc((count + 1) * sizeof *asking);
    size_t asked = 0;

    for (size_t i = 0; i < count; i++) {
        if (users[i].token)
            continue;
        tokenless[asked] = &users[i];
        asking[asked] = users[i];
        requests[asked++] = measure_request_log_in(users[i].name);
    }
    struct live_measure_call *calls = make_calls(measure, asking, requests, asked);
    live_measure_http_send(measure->http, calls, asked, HASHES_PARALLEL);
    for (size_t i = 0; i < asked; i++)
        if (measure_answer_is_full(&calls[i].answer))
            take_token(tokenless[i], &calls[i]);
    free_calls(calls, requests, asked);
    free(asking);
    free(tokenless);
    free(requests);
}

size_t live_measure_users_erase(const struct live_measure *measure, struct live_measure_user *users,
                                size_t count)
{
    struct measure_request *requests = memory_alloc((count + 1) * sizeof *requests);
    size_t asked = 0, left = 0;

    find_tokens(measure, users, count);
    struct live_measure_user *there = memory_alloc((count + 1) * sizeof *there);
    for (size_t i = 0; i < count; i++) {
        if (!users[i].token)
            continue;
        there[asked] = users[i];
        requests[asked++] = measure_request_erase();
    }
    struct live_measure_call *calls = make_calls(measure, there, requests, asked);
    live_measure_http_send(measure->http, calls, asked, PARALLEL);
    for (size_t i = 0; i < asked; i++)
        left += !measure_answer_is_full(&calls[i].answer);
    free_calls(calls, requests, asked);
    free(there);
    free(requests);
    return left;
}

void live_measure_users_free(struct live_measure_user *users, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(users[i].name);
        free(users[i].token);
    }
    free(users);
}
