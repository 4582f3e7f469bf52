/* What the system says of itself: status, metrics, and where a request would go. */

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "sim/watch_internal.h"

/* ---- status ---- */

static uint64_t number_of(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static uint32_t find_in(const struct watch *watch, const json_t *object, const char *name)
{
    return watch_find(watch, json_string_value(json_object_get(object, name)));
}

/* NULL: it cannot be read, and that is reported. The caller releases it. */
static json_t *read_status(struct watch *watch, uint64_t now_us, const char *who, const char *text)
{
    json_t *root = json_loads(text, 0, NULL);

    watch_said(watch, now_us, who, text);
    if (!root)
        watch_report(watch, now_us, WATCH_STATUS, "%s has a status that is no JSON: %.300s", who,
                     text);
    return root;
}

/* A commit is told to the core after it is durable, so the core may be behind while one is under
 * way, and is never ahead. */
static void check_copy(struct watch *watch, uint64_t now_us, uint32_t region, const json_t *said,
                       bool is_writing)
{
    uint32_t shard = find_in(watch, said, "shard");
    uint64_t seq = number_of(said, "seq");
    const struct watch_region *at = &watch->regions[region];

    if (shard == PLAN_NONE) {
        watch_report(watch, now_us, WATCH_STATUS, "%s has a copy of a shard that is none",
                     at->name);
        return;
    }
    if (watch_is_damaged(watch, region, shard, 0))
        return;
    if (seq > at->copies[shard].end.seq || (!is_writing && seq < at->copies[shard].end.seq))
        watch_report(watch, now_us, WATCH_STATUS,
                     "%s says that its copy of %s ends at %llu, and it ends at %llu", at->name,
                     watch->shards[shard].name, (unsigned long long)seq,
                     (unsigned long long)at->copies[shard].end.seq);
}

static void check_copies(struct watch *watch, uint64_t now_us, uint32_t region, const json_t *said,
                         bool is_writing)
{
    size_t index;
    json_t *copy;

    json_array_foreach(said, index, copy) check_copy(watch, now_us, region, copy, is_writing);
    if (index != watch->region_count)
        watch_report(watch, now_us, WATCH_STATUS, "%s tells of %zu copies and has %zu",
                     watch->regions[region].name, index, watch->region_count);
}

static void check_queue(struct watch *watch, uint64_t now_us, uint32_t region, const json_t *said)
{
    const struct watch_region *at = &watch->regions[region];
    uint64_t waiting = number_of(said, "waiting");

    if (waiting != at->queue.waiting_count)
        watch_report(watch, now_us, WATCH_STATUS,
                     "%s says that %llu writes wait in its queue, and %zu do", at->name,
                     (unsigned long long)waiting, at->queue.waiting_count);
}

void watch_status_region(struct watch *watch, uint64_t now_us, uint32_t region, const char *text,
                         bool is_writing)
{
    json_t *root = read_status(watch, now_us, watch->regions[region].name, text);

    if (root && !watch->regions[region].doubt.exists) {
        check_copies(watch, now_us, region, json_object_get(root, "copies"), is_writing);
        if (!is_writing)
            check_queue(watch, now_us, region, json_object_get(root, "queue"));
    }
    json_decref(root);
}

/* What a follower has acknowledged, it has for good: unless its disk went, or an operator took back
 * what it had. */
static void check_stream(struct watch *watch, uint64_t now_us, const char *who, const json_t *said)
{
    uint32_t shard = find_in(watch, said, "shard"), follower = find_in(watch, said, "follower");
    uint64_t cursor = number_of(said, "cursor"), home_seq = number_of(said, "home_seq");
    const struct watch_region *at;

    if (shard == PLAN_NONE || follower == PLAN_NONE) {
        watch_report(watch, now_us, WATCH_STATUS, "%s tells of a stream to nowhere", who);
        return;
    }
    at = &watch->regions[follower];
    if (watch->gave_up || at->disks > 1 || watch_is_damaged(watch, follower, shard, 0))
        return;
    if (cursor > at->copies[shard].end.seq || home_seq > watch->shards[shard].log.count)
        watch_report(watch, now_us, WATCH_STATUS,
                     "%s says that %s has %s up to %llu of %llu, and it has %llu of %zu", who,
                     at->name, watch->shards[shard].name, (unsigned long long)cursor,
                     (unsigned long long)home_seq, (unsigned long long)at->copies[shard].end.seq,
                     watch->shards[shard].log.count);
}

void watch_status_replicator(struct watch *watch, uint64_t now_us, const char *who,
                             const char *text)
{
    json_t *root = read_status(watch, now_us, who, text), *stream;
    size_t index;

    json_array_foreach(json_object_get(root, "streams"), index, stream)
        check_stream(watch, now_us, who, stream);
    json_decref(root);
}

void watch_status_router(struct watch *watch, uint64_t now_us, const char *who, const char *text,
                         uint64_t config_version)
{
    json_t *root = read_status(watch, now_us, who, text);

    if (root && number_of(root, "config_version") != config_version)
        watch_report(watch, now_us, WATCH_STATUS,
                     "%s says that it has configuration %llu, and has %llu", who,
                     (unsigned long long)number_of(root, "config_version"),
                     (unsigned long long)config_version);
    json_decref(root);
}

/* ---- metrics ---- */

/* `# ...` or `name{labels} number`: the text format of Prometheus, 0.0.4. */
static bool is_sample(const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);
    size_t name_size = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
    const char *end = line + size;
    char *after;

    if (size > 0 && line[0] == '#')
        return true;
    if (!space || name_size == 0 || (line[name_size] != ' ' && line[name_size] != '{') ||
        (line[name_size] == '{' && space[-1] != '}'))
        return false;
    (void)strtod(space + 1, &after);
    return after == end && after != space + 1;
}

void watch_metrics(struct watch *watch, uint64_t now_us, const char *who, const char *text)
{
    const char *line = text;

    watch_said(watch, now_us, who, text);
    while (*line) {
        size_t size = strcspn(line, "\n");

        if (!is_sample(line, size) || line[size] != '\n') {
            watch_report(watch, now_us, WATCH_STATUS, "%s has a metric that is none: %.*s", who,
                         (int)size, line);
            return;
        }
        line += size + 1;
    }
}

/* ---- explain ---- */

/* Is @name a word of @text? Names of regions may begin like others do. */
static bool names(const char *text, const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t size = strlen(name);

    while (*text) {
        size_t word = strspn(text, letters);

        if (word == size && memcmp(text, name, size) == 0)
            return true;
        text += word;
        text += strcspn(text, letters);
    }
    return false;
}

static void report_explained(struct watch *watch, const struct outcome_asked *asked,
                             const struct outcome *outcome, const struct outcome_route *route,
                             const char *what)
{
    const char *problem = outcome->problem ? problem_get(outcome->problem)->type : "";

    watch_report(
        watch, outcome->now_us, WATCH_EXPLAINED,
        "operation %u of client %u: %s %s, says explain; then it is told %d %s by %s (%s): "
        "%s",
        asked->operation->number, asked->operation->client,
        route->region ? route->region : "refused as",
        route->region ? (route->queued ? "queues it" : "is asked")
                      : problem_get(route->problem)->type,
        outcome->status, problem, outcome->region ? outcome->region : "the router",
        route->taken ? route->taken : "no route", what);
}

void watch_explained(struct watch *watch, const struct outcome_asked *asked,
                     const struct outcome *outcome, const struct outcome_route *route)
{
    if (watch->breach.found || outcome->given_up || outcome->problem == PROBLEM_TOO_MANY)
        return; /* who asks too often is told so before anything is decided */
    if (watch_erasing_was_closed(watch, asked->user_name))
        return; /* it asks by name, which may stand for another user there, of before or since */
    if (!route->region) {
        if (outcome->problem != route->problem)
            report_explained(watch, asked, outcome, route, "it should be refused like that");
    } else if (!route->taken) {
        if (!route->tried)
            report_explained(watch, asked, outcome, route, "no region was asked");
    } else if (!names(route->taken, route->region)) {
        report_explained(watch, asked, outcome, route, "that region was not asked");
    } else if (!route->queued && outcome->status == 202 &&
               strcmp(route->region, outcome->region) == 0) {
        report_explained(watch, asked, outcome, route, "it was queued");
    }
}
