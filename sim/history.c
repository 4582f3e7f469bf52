#include "sim/history.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "common/memory.h"
#include "sim/json_lines.h"

/* Logs know users by their ids, clients by their names; lines say the name. */
struct user {
    UT_hash_handle hh;
    char *id;
    char *name;
};

/* What a session has asked so far, for naming what it retries. */
struct session {
    uint32_t asked;  /* invoke lines */
    uint32_t first;  /* which of them was its last new write, from 1; 0: none was */
    uint32_t number; /* of that operation */
    enum plan_operation_kind kind;
};

struct history {
    struct json_lines lines;
    struct session *sessions;
    size_t session_count;
    struct user *users;
};

struct history *history_create(void)
{
    return memory_alloc(sizeof(struct history));
}

void history_free(struct history *history)
{
    struct user *user, *next;

    if (!history)
        return;
    HASH_ITER(hh, history->users, user, next)
    {
        HASH_DEL(history->users, user);
        free(user->id);
        free(user->name);
        free(user);
    }
    json_lines_free(&history->lines);
    free(history->sessions);
    free(history);
}

struct slice history_text(const struct history *history)
{
    return (struct slice){history->lines.text, history->lines.size};
}

/* A name that was given up with its account can come to stand for another account. */
static char *name_of(const struct history *history, const char *name)
{
    size_t size = strlen(name);
    unsigned namesakes = 0;
    char *distinct;

    for (const struct user *each = history->users; each; each = each->hh.next)
        if (strncmp(each->name, name, size) == 0 &&
            (each->name[size] == '\0' || each->name[size] == '#'))
            namesakes++;
    if (namesakes == 0)
        return memory_text(name);
    distinct = memory_alloc(size + 16);
    snprintf(distinct, size + 16, "%s#%u", name, namesakes + 1);
    return distinct;
}

static void note_user(struct history *history, const struct outcome_asked *asked)
{
    struct user *user;

    if (asked->user_id[0] == '\0')
        return;
    HASH_FIND_STR(history->users, asked->user_id, user);
    if (user)
        return;
    user = memory_alloc(sizeof(*user));
    user->id = memory_text(asked->user_id);
    user->name = name_of(history, asked->user_name);
    HASH_ADD_KEYPTR(hh, history->users, user->id, strlen(user->id), user);
}

static void put_key_of(struct history *history, struct slice user, struct slice key)
{
    struct json_lines *lines = &history->lines;
    struct user *known = NULL;

    if (user.size > 0)
        HASH_FIND(hh, history->users, user.data, user.size, known);
    if (known)
        user = slice_of(known->name);
    json_lines_name(lines, "key");
    json_lines_put(lines, "\"");
    json_lines_put_escaped(lines, user.data, user.size);
    json_lines_put(lines, "/");
    json_lines_put_escaped(lines, key.data, key.size);
    json_lines_put(lines, "\"");
}

/* @key is "user/key". */
static void put_key(struct history *history, const char *key)
{
    size_t size = strcspn(key, "/");

    put_key_of(history, (struct slice){key, size},
               slice_of(key[size] == '/' ? key + size + 1 : ""));
}

static void put_time(struct history *history, uint64_t now_us)
{
    json_lines_number(&history->lines, "time_ns", now_us * 1000);
}

/* The world. */

static void put_delays(struct history *history, const char *const *regions, size_t count,
                       const uint64_t *min_delay_us)
{
    struct json_lines *lines = &history->lines;
    bool is_first = true;

    for (size_t i = 0; i < count * count; i++) {
        const char *from = regions[i / count];
        const char *to = regions[i % count];
        char path[128];

        if (i / count == i % count)
            continue;
        int size = snprintf(path, sizeof(path), "%s>%s", from, to);
        assert(size > 0 && (size_t)size < sizeof(path));
        json_lines_put(lines, is_first ? "" : ",");
        json_lines_put_string(lines, path);
        json_lines_put(lines, ":");
        json_lines_put_thousandths(lines, min_delay_us[i]);
        is_first = false;
    }
}

/* Bring what stands behind the first @size bytes to the front. */
static void bring_forward(struct json_lines *lines, size_t size)
{
    size_t moved_size = lines->size - size;
    char *moved = memory_copy(lines->text + size, moved_size);

    memmove(lines->text + moved_size, lines->text, size);
    memcpy(lines->text, moved, moved_size);
    free(moved);
}

void history_meta(struct history *history, const char *const *regions, size_t region_count,
                  const struct history_home *homes, size_t home_count, const uint64_t *min_delay_us)
{
    struct json_lines *lines = &history->lines;
    size_t size_before = lines->size;

    json_lines_begin(lines, "meta");
    json_lines_number(lines, "format", 1);
    json_lines_name(lines, "regions");
    for (size_t i = 0; i < region_count; i++) {
        json_lines_put(lines, i == 0 ? "[" : ",");
        json_lines_put_string(lines, regions[i]);
    }
    json_lines_put(lines, region_count == 0 ? "[]" : "]");
    json_lines_name(lines, "homes");
    json_lines_put(lines, "{");
    for (size_t i = 0; i < home_count; i++) {
        json_lines_put(lines, i == 0 ? "" : ",");
        json_lines_put_string(lines, homes[i].key);
        json_lines_put(lines, ":");
        json_lines_put_string(lines, homes[i].region);
    }
    json_lines_put(lines, "}");
    json_lines_name(lines, "min_delay_ms");
    json_lines_put(lines, "{");
    put_delays(history, regions, region_count, min_delay_us);
    json_lines_put(lines, "}");
    json_lines_end(lines);
    bring_forward(lines, size_before);
}

/* What clients do. */

static struct session *session_of(struct history *history, uint32_t process)
{
    size_t wanted = (size_t)process + 1;

    if (wanted > history->session_count) {
        history->sessions = memory_grow(history->sessions, wanted * sizeof(history->sessions[0]));
        memset(history->sessions + history->session_count, 0,
               (wanted - history->session_count) * sizeof(history->sessions[0]));
        history->session_count = wanted;
    }
    return &history->sessions[process];
}

/* A retry is what the first one was. */
static enum plan_operation_kind kind_of(struct history *history, const struct outcome_asked *asked)
{
    const struct session *session = session_of(history, asked->operation->client);

    if (asked->operation->kind == PLAN_OPERATION_REUSE)
        return PLAN_OPERATION_WRITE;
    if (asked->operation->kind != PLAN_OPERATION_RETRY)
        return asked->operation->kind;
    return session->number == asked->retry_of ? session->kind : PLAN_OPERATION_WRITE;
}

/* NULL: it is left out. */
static const char *function_of(enum plan_operation_kind kind)
{
    switch (kind) {
    case PLAN_OPERATION_READ:
    case PLAN_OPERATION_READ_STRONG:
    case PLAN_OPERATION_READ_STALE:
    case PLAN_OPERATION_READ_FORCED:
        return "read";
    case PLAN_OPERATION_WRITE:
    case PLAN_OPERATION_DELETE:
        return "write";
    case PLAN_OPERATION_WRITE_IF_SAME:
    case PLAN_OPERATION_WRITE_IF_ABSENT:
        return "cas";
    default:
        return NULL;
    }
}

/* From "process" to "key". */
static void put_operation(struct history *history, const struct outcome_asked *asked,
                          const char *function)
{
    struct json_lines *lines = &history->lines;
    bool has_id = asked->user_id[0] != '\0';

    note_user(history, asked);
    json_lines_number(lines, "process", asked->operation->client);
    json_lines_text(lines, "f", function);
    put_key_of(history, slice_of(has_id ? asked->user_id : asked->user_name), slice_of(asked->key));
}

/* What a write or cas wants to write. */
static void put_wanted(struct history *history, const struct outcome_asked *asked,
                       enum plan_operation_kind kind)
{
    struct json_lines *lines = &history->lines;

    switch (kind) {
    case PLAN_OPERATION_DELETE:
        json_lines_text(lines, "value", NULL);
        return;
    case PLAN_OPERATION_WRITE_IF_SAME:
    case PLAN_OPERATION_WRITE_IF_ABSENT:
        json_lines_name(lines, "value");
        json_lines_put(lines, "[");
        if (kind == PLAN_OPERATION_WRITE_IF_SAME && asked->if_version != 0)
            json_lines_put_string(lines, asked->if_value);
        else
            json_lines_put(lines, "null");
        json_lines_put(lines, ",");
        json_lines_put_string(lines, asked->value);
        json_lines_put(lines, "]");
        return;
    default:
        json_lines_text(lines, "value", asked->value);
        return;
    }
}

static bool is_read(const char *function)
{
    return function[0] == 'r';
}

/* What the same session has asked under this idempotency key before. */
static void put_relation(struct history *history, const struct outcome_asked *asked)
{
    struct json_lines *lines = &history->lines;
    const struct session *session = session_of(history, asked->operation->client);

    if (session->first == 0 || session->number != asked->retry_of)
        return;
    if (asked->operation->kind == PLAN_OPERATION_RETRY)
        json_lines_number(lines, "retry_of", session->first);
    else if (asked->operation->kind == PLAN_OPERATION_REUSE)
        json_lines_number(lines, "reuse_of", session->first);
}

static void note_asked(struct history *history, const struct outcome_asked *asked,
                       enum plan_operation_kind kind, bool writes)
{
    struct session *session = session_of(history, asked->operation->client);

    session->asked++;
    if (!writes || asked->operation->kind != kind)
        return;
    session->first = session->asked;
    session->number = asked->operation->number;
    session->kind = kind;
}

void history_asked(struct history *history, const struct outcome_asked *asked)
{
    struct json_lines *lines = &history->lines;
    enum plan_operation_kind kind = kind_of(history, asked);
    const char *function = function_of(kind);

    if (!function)
        return;
    json_lines_begin(lines, "invoke");
    put_operation(history, asked, function);
    if (is_read(function))
        json_lines_text(lines, "value", NULL);
    else
        put_wanted(history, asked, kind);
    put_relation(history, asked);
    if (asked->strong || asked->stale_ok)
        json_lines_text(lines, "consistency", asked->strong ? "strong" : "stale-ok");
    put_time(history, asked->now_us);
    json_lines_end(lines);
    note_asked(history, asked, kind, !is_read(function));
}

/* A record that is not there has been read, too. */
static bool is_ok(const struct outcome *outcome, bool reads)
{
    bool is_absent = reads && outcome->problem == PROBLEM_NOT_FOUND;

    return !outcome->given_up && (outcome->status / 100 == 2 || is_absent);
}

static void put_read(struct history *history, const struct outcome *outcome)
{
    struct json_lines *lines = &history->lines;

    json_lines_name(lines, "value");
    if (outcome->problem == PROBLEM_NOT_FOUND) {
        json_lines_put(lines, "null");
        return;
    }
    json_lines_put(lines, "\"");
    json_lines_put_escaped(lines, outcome->body.data, outcome->body.size);
    json_lines_put(lines, "\"");
}

static void put_version(struct history *history, uint64_t version)
{
    struct json_lines *lines = &history->lines;

    if (version != 0)
        json_lines_number(lines, "version", version);
    else
        json_lines_text(lines, "version", NULL);
}

static void put_served(struct history *history, const struct outcome *outcome)
{
    struct json_lines *lines = &history->lines;

    json_lines_text(lines, "region", outcome->region);
    put_version(history, outcome->version);
    json_lines_name(lines, "queued");
    json_lines_put(lines, outcome->status == 202 ? "true" : "false");
}

void history_told(struct history *history, const struct outcome_asked *asked,
                  const struct outcome *outcome)
{
    struct json_lines *lines = &history->lines;
    enum plan_operation_kind kind = kind_of(history, asked);
    const char *function = function_of(kind);

    if (!function)
        return;
    bool ok = is_ok(outcome, is_read(function));
    json_lines_begin(lines, ok ? "ok" : outcome_promises_nothing(outcome) ? "fail" : "info");
    put_operation(history, asked, function);
    if (!is_read(function))
        put_wanted(history, asked, kind);
    else if (ok)
        put_read(history, outcome);
    else
        json_lines_text(lines, "value", NULL);
    if (ok)
        put_served(history, outcome);
    else if (outcome->problem != PROBLEM_NONE)
        json_lines_text(lines, "problem", problem_get(outcome->problem)->type);
    put_time(history, outcome->now_us);
    json_lines_end(lines);
}

/* What happens to the world, and what is true in it. */

void history_nemesis(struct history *history, uint64_t now_us, const char *what, const char *a,
                     const char *b)
{
    struct json_lines *lines = &history->lines;

    json_lines_begin(lines, "nemesis");
    json_lines_text(lines, "f", what);
    json_lines_text(lines, "a", a);
    json_lines_text(lines, "b", b);
    put_time(history, now_us);
    json_lines_end(lines);
}

void history_final(struct history *history, const char *region, const char *key, const char *value,
                   uint64_t version)
{
    struct json_lines *lines = &history->lines;

    json_lines_begin(lines, "final");
    json_lines_text(lines, "region", region);
    put_key(history, key);
    json_lines_text(lines, "value", value);
    put_version(history, version);
    json_lines_end(lines);
}

void history_applied(struct history *history, uint64_t now_us, const char *region,
                     const char *shard, uint64_t epoch, uint64_t seq, const char *key,
                     const char *value, uint64_t version)
{
    struct json_lines *lines = &history->lines;

    json_lines_begin(lines, "applied");
    json_lines_text(lines, "region", region);
    json_lines_text(lines, "shard", shard);
    json_lines_number(lines, "epoch", epoch);
    json_lines_number(lines, "seq", seq);
    put_key(history, key);
    json_lines_text(lines, "value", value);
    put_version(history, version);
    put_time(history, now_us);
    json_lines_end(lines);
}
