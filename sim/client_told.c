/* What a client is told, and what it learns from that; see client.h. */

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "sim/client_internal.h"

static const char *keep(const struct client *client, const char *text)
{
    return text ? arena_text(client->simulation->arena, text) : NULL;
}

static const char *json_text(const struct client *client, json_t *root, const char *name)
{
    const char *text = json_string_value(json_object_get(root, name));

    return keep(client, text ? text : "");
}

/* ---- the answer as it is ---- */

static void copy_position(const struct client *client, const struct position *position,
                          struct outcome *outcome)
{
    struct position *copy;

    if (!position)
        return;
    copy = arena_alloc(client->simulation->arena, sizeof *copy);
    *copy = *position;
    outcome->position = copy;
}

static void read_answer(const struct client *client, const struct http_answer *answer,
                        struct outcome *outcome)
{
    char *body = arena_alloc(client->simulation->arena, answer->body.size + 1);

    if (answer->body.size > 0)
        memcpy(body, answer->body.data, answer->body.size);
    body[answer->body.size] = '\0';
    outcome->status = answer->problem ? problem_get(answer->problem)->status : answer->status;
    outcome->problem = answer->problem;
    outcome->version = answer->version;
    outcome->body = (struct slice){body, answer->body.size};
    outcome->region = keep(client, answer->region);
    outcome->home = keep(client, answer->home);
    outcome->served = answer->served;
    outcome->staleness_shown = answer->staleness_shown;
    outcome->staleness_known = answer->staleness_known;
    outcome->staleness_us = answer->staleness_us;
    copy_position(client, answer->position, outcome);
}

/* ---- receipts ---- */

static enum queue_state state_of(const char *text)
{
    for (int state = QUEUE_QUEUED; state <= QUEUE_EXPIRED; state++)
        if (strcmp(queue_state_name((enum queue_state)state), text) == 0)
            return (enum queue_state)state;
    return QUEUE_QUEUED;
}

static enum problem_id problem_of(const json_t *problem)
{
    const char *type = json_string_value(json_object_get(problem, "type"));
    const char *colon = type ? strrchr(type, ':') : NULL;

    return colon ? problem_find(colon + 1) : PROBLEM_NONE;
}

static void read_receipt(const struct client *client, struct outcome *outcome)
{
    json_t *root = json_loadb(outcome->body.data, outcome->body.size, 0, NULL);
    const char *position;

    outcome->receipt = json_text(client, root, "receipt");
    outcome->receipt_state = state_of(json_text(client, root, "state"));
    outcome->receipt_problem = problem_of(json_object_get(root, "problem"));
    position = json_string_value(json_object_get(root, "position"));
    if (position)
        (void)position_parse(slice_of(position), &outcome->receipt_position);
    json_decref(root);
}

static void open_receipt(struct client *client, const char *receipt)
{
    for (size_t i = 0; i < client->receipt_count; i++)
        if (strcmp(client->receipts[i], receipt) == 0)
            return;
    if (client->receipt_count < CLIENT_RECEIPTS_MAX)
        client->receipts[client->receipt_count++] = receipt;
}

static void close_receipt(struct client *client, const char *receipt)
{
    for (size_t i = 0; i < client->receipt_count; i++) {
        if (strcmp(client->receipts[i], receipt) != 0)
            continue;
        client->receipt_count--;
        memmove(client->receipts + i, client->receipts + i + 1,
                (client->receipt_count - i) * sizeof client->receipts[0]);
        return;
    }
}

/* Ask again for one that is still open only behind the others; one that is unknown, not at all. */
static void learn_receipt(struct client *client, const struct attempt *attempt,
                          const struct outcome *outcome)
{
    const char *receipt = attempt->asked.receipt;

    if (outcome->status != 200 && outcome->status != 404)
        return;
    close_receipt(client, receipt);
    if (outcome->status == 200 && outcome->receipt_state == QUEUE_QUEUED)
        open_receipt(client, receipt);
}

/* ---- learning ---- */

static struct client_record *record_of(struct client *client, const struct attempt *attempt)
{
    return &client->records[attempt->operation.key % CLIENT_KEYS_MAX];
}

static void learn_read(struct client *client, const struct attempt *attempt,
                       const struct outcome *outcome)
{
    struct client_record *record = record_of(client, attempt);

    if (outcome->status == 200)
        *record = (struct client_record){true, true, outcome->version, outcome->body.data};
    else if (outcome->status == 404)
        *record = (struct client_record){.known = true, .value = ""};
}

static void learn_write(struct client *client, struct attempt *attempt,
                        const struct outcome *outcome)
{
    struct client_record *record = record_of(client, attempt);
    bool deletes = attempt->http.method == HTTP_DELETE;

    if (attempt->operation.kind != PLAN_OPERATION_REUSE)
        client->last_write = attempt;
    if (outcome->status == 202)
        open_receipt(client, outcome->receipt);
    else if (outcome->status >= 200 && outcome->status < 300)
        *record = (struct client_record){true, !deletes, deletes ? 0 : outcome->version,
                                         deletes ? "" : attempt->asked.value};
    else if (outcome->status == 412)
        record->known = false;
}

/* Of one that came with a void token there is nothing to learn. */
static void learn(struct client *client, struct attempt *attempt, const struct outcome *outcome)
{
    client_session_learn(attempt, outcome);
    if (attempt->bearer == BEARER_OLD)
        return;
    switch (attempt->operation.kind) {
    case PLAN_OPERATION_READ:
    case PLAN_OPERATION_READ_STRONG:
        learn_read(client, attempt, outcome);
        return;
    case PLAN_OPERATION_WRITE:
    case PLAN_OPERATION_WRITE_IF_SAME:
    case PLAN_OPERATION_WRITE_IF_ABSENT:
    case PLAN_OPERATION_DELETE:
    case PLAN_OPERATION_RETRY:
    case PLAN_OPERATION_REUSE:
        learn_write(client, attempt, outcome);
        return;
    case PLAN_OPERATION_RECEIPT:
        learn_receipt(client, attempt, outcome);
        return;
    default:
        return;
    }
}

void client_learn(struct client *client, struct attempt *attempt, const struct http_answer *answer,
                  struct outcome *ret_outcome)
{
    *ret_outcome = (struct outcome){
        .now_us = client->simulation->now_us, .given_up = answer == NULL, .receipt = ""};
    if (answer) {
        read_answer(client, answer, ret_outcome);
        if (ret_outcome->status == 202 ||
            (attempt->operation.kind == PLAN_OPERATION_RECEIPT && ret_outcome->status == 200))
            read_receipt(client, ret_outcome);
        if (ret_outcome->status == 201 && (attempt->operation.kind == PLAN_OPERATION_LOG_IN ||
                                           attempt->operation.kind == PLAN_OPERATION_REFRESH))
            ret_outcome->issued = client_session_token(client, ret_outcome->body).claims;
        /* Of an odd request it may be a made-up one. */
        if (answer->bookmark && attempt->operation.kind != PLAN_OPERATION_ODD)
            client->bookmark = keep(client, answer->bookmark);
    }
    learn(client, attempt, ret_outcome);
}
