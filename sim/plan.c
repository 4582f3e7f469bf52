#include "sim/plan.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"
#include "common/parts.h"
#include "control/units.h"
#include "sim/plan_internal.h"

#define LINE_SIZE 256

static const char *const fault_names[] = {
#define X(kind, name, what) name,
    PLAN_FAULTS(X)
#undef X
};

static const char *const fault_whats[] = {
#define X(kind, name, what) what,
    PLAN_FAULTS(X)
#undef X
};

static const char *const operation_names[] = {
#define X(kind, name, what) name,
    PLAN_OPERATIONS(X)
#undef X
};

static const char *const operation_whats[] = {
#define X(kind, name, what) what,
    PLAN_OPERATIONS(X)
#undef X
};

#define SHAPE(kind, has_region, lasts, other, amount)                                              \
    [PLAN_FAULT_##kind] = {has_region, lasts, PLAN_OTHER_##other, PLAN_AMOUNT_##amount}

static const struct plan_shape shapes[PLAN_FAULT_COUNT] = {
    SHAPE(KILL_REGIOND, true, true, NONE, NONE),
    SHAPE(KILL_REPLICATOR, true, true, NONE, NONE),
    SHAPE(KILL_ROUTER, false, true, NONE, ROUTER),
    SHAPE(CRASH_REGIOND, true, true, NONE, COUNT),
    SHAPE(CRASH_REPLICATOR, true, true, NONE, COUNT),
    SHAPE(CRASH_ROUTER, false, true, ROUTER, COUNT),
    SHAPE(STOP_REGIOND, true, true, NONE, NONE),
    SHAPE(PAUSE_REGIOND, true, true, NONE, NONE),
    SHAPE(PAUSE_REPLICATOR, true, true, NONE, NONE),
    SHAPE(PAUSE_ROUTER, false, true, NONE, ROUTER),
    SHAPE(KILL_AT_CALL, true, true, NONE, COUNT),
    SHAPE(POWER_CUT, true, true, NONE, NONE),
    SHAPE(POWER_CUT_AT_CALL, true, true, NONE, COUNT),
    SHAPE(LOSE_REGION, true, true, NONE, NONE),
    SHAPE(BLANK_COPY, true, true, APART, NONE),
    SHAPE(MOVE_HOME, true, false, APART, NONE),
    SHAPE(DISK_FULL, true, true, NONE, COUNT),
    SHAPE(DISK_READ_ONLY, true, true, NONE, NONE),
    SHAPE(WRITE_FAILS, true, true, NONE, COUNT),
    SHAPE(SYNC_FAILS_ONCE, true, false, NONE, COUNT),
    SHAPE(SYNC_FAILS, true, true, NONE, COUNT),
    SHAPE(SLOW_SYNC, true, true, NONE, TIME),
    SHAPE(FLIP_BITS, true, true, APART, COUNT),
    SHAPE(CUT, true, true, APART, NONE),
    SHAPE(CUT_ONE_WAY, true, true, APART, NONE),
    SHAPE(CUT_RESET, true, true, APART, NONE),
    SHAPE(ISOLATE, true, true, NONE, NONE),
    SHAPE(CUT_CLIENTS, true, true, REGION, NONE),
    SHAPE(FLAP, true, true, APART, TIME),
    SHAPE(LATENCY, true, true, APART, TIME),
    SHAPE(JITTER, true, true, APART, TIME),
    SHAPE(LOSS, true, true, APART, SHARE),
    SHAPE(RATE, true, true, APART, RATE),
    SHAPE(CLOCK_OFFSET, true, true, NONE, SHIFT),
    SHAPE(CLOCK_DRIFT, true, true, NONE, DRIFT),
    SHAPE(CACHE_OFF, false, true, NONE, NONE),
    SHAPE(CACHE_TINY, false, true, NONE, SIZE),
    SHAPE(CONTROL_DOWN, false, true, NONE, NONE),
    SHAPE(CONTROL_UNREACHABLE, true, true, NONE, NONE),
    SHAPE(RESET_CLIENTS, true, true, REGION, NONE),
    SHAPE(ROUTER_UNREACHABLE, false, true, NONE, ROUTER),
    SHAPE(MOVE_LIVE_HOME, true, false, APART, NONE),
    SHAPE(CORRUPT_BATCHES, true, true, NONE, COUNT),
    SHAPE(REPEAT_BATCHES, true, true, NONE, TIME),
    SHAPE(CUT_RESET_ONE_WAY, true, true, APART, NONE),
    SHAPE(REQUESTS_LOST, true, true, REGION, NONE),
    SHAPE(ANSWERS_LOST, true, true, REGION, NONE),
    SHAPE(SERVICE_DOWN, true, true, SERVICE, NONE),
    SHAPE(SERVICE_ERRORS, true, true, SERVICE, SHARE),
    SHAPE(SERVICE_LATENCY, true, true, SERVICE, TIME),
    SHAPE(CACHE_DISABLE, true, true, CACHE, NONE),
    SHAPE(CACHE_FREEZE, true, true, CACHE, NONE),
    SHAPE(CACHE_FLUSH, true, false, CACHE, NONE),
    SHAPE(ROTATE_KEYS, true, false, NONE, COUNT),
};

const char *plan_fault_name(enum plan_fault_kind kind)
{
    assert(kind < PLAN_FAULT_COUNT);
    return fault_names[kind];
}

const char *plan_fault_what(enum plan_fault_kind kind)
{
    assert(kind < PLAN_FAULT_COUNT);
    return fault_whats[kind];
}

const char *plan_operation_name(enum plan_operation_kind kind)
{
    assert(kind < PLAN_OPERATION_COUNT);
    return operation_names[kind];
}

const struct plan_shape *plan_fault_shape(enum plan_fault_kind kind)
{
    assert(kind < PLAN_FAULT_COUNT);
    return &shapes[kind];
}

uint64_t plan_amount_most(enum plan_amount amount)
{
    switch (amount) {
    case PLAN_AMOUNT_NONE:
    case PLAN_AMOUNT_ROUTER:
        return 0;
    case PLAN_AMOUNT_SHARE:
        return 1000000;
    case PLAN_AMOUNT_DRIFT:
        return 500000;
    case PLAN_AMOUNT_COUNT:
    case PLAN_AMOUNT_RATE:
    case PLAN_AMOUNT_SIZE:
        return UINT64_C(1) << 30;
    case PLAN_AMOUNT_TIME:
    case PLAN_AMOUNT_SHIFT:
        return 86400 * SECOND_US;
    }
    return 0;
}

bool plan_operation_has_key(enum plan_operation_kind kind)
{
    return (kind >= PLAN_OPERATION_READ && kind <= PLAN_OPERATION_DELETE) ||
           kind == PLAN_OPERATION_EXPLAIN_READ || kind == PLAN_OPERATION_EXPLAIN_WRITE ||
           (kind >= PLAN_OPERATION_VAULT_PUT && kind <= PLAN_OPERATION_WITHDRAW) ||
           kind == PLAN_OPERATION_OLD_TOKEN;
}

bool plan_operation_has_region(enum plan_operation_kind kind)
{
    return kind == PLAN_OPERATION_TRAVEL || kind == PLAN_OPERATION_READ_FORCED ||
           kind == PLAN_OPERATION_OLD_TOKEN;
}

void plan_free(struct plan *plan)
{
    free(plan->faults);
    free(plan->operations);
    plan->faults = NULL;
    plan->operations = NULL;
    plan->fault_count = 0;
    plan->operation_count = 0;
}

void plan_copy(const struct plan *plan, struct plan *ret_copy)
{
    struct plan copy = *plan;

    copy.faults = memory_copy(plan->faults, plan->fault_count * sizeof(plan->faults[0]));
    copy.operations =
        memory_copy(plan->operations, plan->operation_count * sizeof(plan->operations[0]));
    *ret_copy = copy;
}

/* Choosing kinds. */

static bool find_kind(struct slice word, enum plan_fault_kind *ret_kind)
{
    for (unsigned kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        if (slice_is(word, fault_names[kind])) {
            *ret_kind = (enum plan_fault_kind)kind;
            return true;
        }
    return false;
}

static bool take_word(struct slice word, bool is_first, uint64_t *faults)
{
    enum plan_fault_kind kind;
    bool without = word.size > 0 && word.data[0] == '-';

    if (slice_is(word, "all"))
        *faults = PLAN_FAULTS_ALL;
    if (slice_is(word, "all") || slice_is(word, "none"))
        return true;
    if (without)
        word = (struct slice){word.data + 1, word.size - 1};
    if (!find_kind(word, &kind))
        return false;
    /* Who begins with what is not wanted wants the others. */
    if (without && is_first)
        *faults = PLAN_FAULTS_ALL;
    *faults |= UINT64_C(1) << kind;
    if (without)
        *faults ^= UINT64_C(1) << kind;
    return true;
}

int plan_faults_parse(const char *text, uint64_t *ret_faults, const char **ret_unknown)
{
    uint64_t faults = 0;
    const char *word = text;

    for (;;) {
        size_t size = strcspn(word, ",");

        if (!take_word((struct slice){word, size}, word == text, &faults)) {
            *ret_unknown = word;
            return -EINVAL;
        }
        if (word[size] == '\0')
            break;
        word += size + 1;
    }
    *ret_faults = faults;
    return 0;
}

/* Describing. */

struct line {
    char text[LINE_SIZE];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof(line->text) - line->used;

    va_start(arguments, format);
    int length = vsnprintf(line->text + line->used, room, format, arguments);
    va_end(arguments);
    assert(length >= 0);
    line->used += (size_t)length < room ? (size_t)length : room - 1;
}

static const char *region_name(const struct plan *plan, uint32_t region)
{
    return region < plan->region_count ? plan->region_names[region] : "?";
}

static void put_time(struct line *line, uint64_t us)
{
    char text[UNITS_TEXT_SIZE];

    /* To a tenth of a millisecond; nobody reads more. */
    if (us > 10 * MILLISECOND_US)
        us -= us % 100;
    put(line, "%s", units_format_duration(us, text));
}

static void put_amount(struct line *line, enum plan_amount kind, uint64_t amount)
{
    char text[UNITS_TEXT_SIZE];
    bool is_behind = amount > INT64_MAX;

    switch (kind) {
    case PLAN_AMOUNT_NONE:
        return;
    case PLAN_AMOUNT_ROUTER:
    case PLAN_AMOUNT_COUNT:
        put(line, " %" PRIu64, amount);
        return;
    case PLAN_AMOUNT_TIME:
        put(line, " ");
        put_time(line, amount);
        return;
    case PLAN_AMOUNT_SHARE:
        put(line, " %s", units_format_share((uint32_t)amount, text));
        return;
    case PLAN_AMOUNT_RATE:
        put(line, " %s", units_format_rate(amount, text));
        return;
    case PLAN_AMOUNT_SIZE:
        put(line, " %s", units_format_size(amount, text));
        return;
    case PLAN_AMOUNT_SHIFT:
        put(line, " %s", is_behind ? "-" : "+");
        put_time(line, is_behind ? -amount : amount);
        return;
    case PLAN_AMOUNT_DRIFT:
        put(line, " %+" PRId64 "ppm", (int64_t)amount);
        return;
    }
}

static void put_other(struct line *line, const struct plan *plan, enum plan_other kind,
                      uint32_t other)
{
    switch (kind) {
    case PLAN_OTHER_NONE:
        return;
    case PLAN_OTHER_REGION:
    case PLAN_OTHER_APART:
        put(line, " %s", region_name(plan, other));
        return;
    case PLAN_OTHER_ROUTER:
        put(line, " %" PRIu32, other);
        return;
    case PLAN_OTHER_SERVICE:
        put(line, " %s", parts_service_name((enum parts_service)other));
        return;
    case PLAN_OTHER_CACHE:
        put(line, " %s", parts_cache_name((enum parts_cache)other));
        return;
    }
}

char *plan_fault_describe(const struct plan *plan, const struct plan_fault *fault)
{
    const struct plan_shape *shape = plan_fault_shape(fault->kind);
    struct line line = {.used = 0};

    put(&line, "%s", plan_fault_name(fault->kind));
    if (shape->has_region)
        put(&line, " %s", region_name(plan, fault->region));
    put_other(&line, plan, shape->other, fault->other);
    put_amount(&line, shape->amount, fault->amount);
    if (shape->lasts && fault->duration_us != 0) {
        put(&line, " for ");
        put_time(&line, fault->duration_us);
    } else if (shape->lasts) {
        put(&line, " to the end");
    }
    return memory_text(line.text);
}

/* Where the client has travelled to before @operation. */
static uint32_t place_of(const struct plan *plan, const struct plan_operation *operation)
{
    uint32_t place = plan->clients[operation->client].place;

    for (size_t i = 0; i < plan->operation_count; i++) {
        const struct plan_operation *earlier = &plan->operations[i];

        if (earlier->at_us > operation->at_us || earlier->number == operation->number)
            break;
        if (earlier->client == operation->client && earlier->kind == PLAN_OPERATION_TRAVEL)
            place = earlier->region;
    }
    return place;
}

/* The table's words, with KEY and REGION put in. */
static void put_what(struct line *line, const struct plan *plan,
                     const struct plan_operation *operation)
{
    for (const char *at = operation_whats[operation->kind]; *at != '\0';) {
        if (strncmp(at, "KEY", 3) == 0) {
            put(line, "k%" PRIu32, operation->key);
            at += 3;
        } else if (strncmp(at, "REGION", 6) == 0) {
            put(line, "%s", region_name(plan, operation->region));
            at += 6;
        } else {
            put(line, "%c", *at++);
        }
    }
}

char *plan_operation_describe(const struct plan *plan, const struct plan_operation *operation)
{
    struct line line = {.used = 0};

    assert(operation->client < plan->client_count);
    put(&line, "client %" PRIu32 " (u%" PRIu32 " at %s) ", operation->client,
        plan->clients[operation->client].user, region_name(plan, place_of(plan, operation)));
    put_what(&line, plan, operation);
    if (operation->patience_us != 0) {
        put(&line, ", for at most ");
        put_time(&line, operation->patience_us);
    }
    return memory_text(line.text);
}
