/* Reading a plan. Whoever wrote the file by hand is told what is wrong and where; nothing that has
 * been read is outside the bounds that the simulator relies on. */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/geo.h"
#include "common/memory.h"
#include "common/moment.h"
#include "common/parts.h"
#include "control/settings.h"
#include "sim/plan_internal.h"

#define DURATION_US_MAX    (366 * 86400 * SECOND_US)
#define ITEMS_MAX          1000000u
#define KEYS_MAX           1000u
#define TIDY_PAGES_MAX     1000000u
#define MEMORY_CHANGES_MAX 1000000u
#define SYNC_US_MAX        (60 * SECOND_US)
#define MEMBERS_MAX        16u

/* An object that is being read. */
struct node {
    const json_t *json;
    char path[40];                  /* "faults[3]"; "" for the whole */
    const char *taken[MEMBERS_MAX]; /* the keys that were asked for */
    size_t taken_count;
    char **error; /* the first thing that is wrong with the file; NULL so far */
};

__attribute__((format(printf, 3, 4))) static void complain(struct node *node, const char *key,
                                                           const char *format, ...)
{
    bool joined = node->path[0] != '\0' && key[0] != '\0';
    char what[160];
    char text[320];
    va_list arguments;

    if (*node->error)
        return;
    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    snprintf(text, sizeof(text), "%s%s%s: %s", node->path, joined ? "." : "", key, what);
    *node->error = memory_text(text);
}

static bool failed(const struct node *node)
{
    return *node->error != NULL;
}

static void node_open(struct node *node, char **error, const json_t *json, const char *path)
{
    node->json = json;
    node->taken_count = 0;
    node->error = error;
    snprintf(node->path, sizeof(node->path), "%s", path);
    if (!json_is_object(json))
        complain(node, "", "must be an object");
}

static void node_open_item(struct node *node, char **error, const json_t *items, const char *name,
                           size_t index)
{
    char path[40];

    snprintf(path, sizeof(path), "%s[%zu]", name, index);
    node_open(node, error, json_array_get(items, index), path);
}

static bool is_taken(const struct node *node, const char *key)
{
    for (size_t i = 0; i < node->taken_count; i++)
        if (strcmp(node->taken[i], key) == 0)
            return true;
    return false;
}

/* Nothing may be left that nobody has asked for. */
static void node_close(struct node *node)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)node->json, key, value)
    {
        if (!is_taken(node, key))
            complain(node, key, "is not known here");
    }
}

static const json_t *take_if_there(struct node *node, const char *key)
{
    assert(node->taken_count < MEMBERS_MAX);
    node->taken[node->taken_count++] = key;
    return json_object_get(node->json, key);
}

static const json_t *take(struct node *node, const char *key)
{
    const json_t *value = take_if_there(node, key);

    if (!value)
        complain(node, key, "is missing");
    return value;
}

static uint64_t to_number(struct node *node, const char *key, const json_t *value, uint64_t least,
                          uint64_t most)
{
    json_int_t number = json_integer_value(value);

    if (json_is_integer(value) && number >= 0 && (uint64_t)number >= least &&
        (uint64_t)number <= most)
        return (uint64_t)number;
    complain(node, key, "must be a whole number from %" PRIu64 " to %" PRIu64, least, most);
    return least;
}

static uint64_t take_number(struct node *node, const char *key, uint64_t least, uint64_t most)
{
    return to_number(node, key, take(node, key), least, most);
}

static uint64_t take_signed(struct node *node, const char *key, uint64_t most)
{
    const json_t *value = take(node, key);
    json_int_t number = json_integer_value(value);

    if (!json_is_integer(value) || number < -(json_int_t)most || number > (json_int_t)most)
        complain(node, key, "must be a whole number from -%" PRIu64 " to %" PRIu64, most, most);
    return (uint64_t)number;
}

/* Two's complement; see plan_json.c. */
static uint64_t take_seed(struct node *node, const char *key)
{
    const json_t *value = take(node, key);

    if (!json_is_integer(value))
        complain(node, key, "must be a whole number");
    return (uint64_t)json_integer_value(value);
}

static const char *take_text(struct node *node, const char *key)
{
    const json_t *value = take(node, key);

    if (!json_is_string(value))
        complain(node, key, "must be a string");
    return json_is_string(value) ? json_string_value(value) : "";
}

static const json_t *take_items(struct node *node, const char *key, size_t least, size_t most)
{
    const json_t *value = take(node, key);
    size_t count = json_array_size(value);

    if (!json_is_array(value))
        complain(node, key, "must be a list");
    else if (count < least || count > most)
        complain(node, key, "must have %zu to %zu items", least, most);
    return value;
}

static uint32_t find_region(const struct plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->region_count; i++)
        if (strcmp(plan->region_names[i], name) == 0)
            return i;
    return PLAN_NONE;
}

/* Always a region: the first after an error. */
static uint32_t take_region(struct node *node, const char *key, const struct plan *plan)
{
    const char *name = take_text(node, key);
    uint32_t region = find_region(plan, name);

    if (region == PLAN_NONE)
        complain(node, key, "there is no region \"%s\"", name);
    return region == PLAN_NONE ? 0 : region;
}

/* The world. */

static void read_regions(struct node *node, struct plan *plan)
{
    const json_t *names = take_items(node, "regions", 2, PLAN_REGIONS_MAX);
    size_t index;
    json_t *value;

    if (failed(node))
        return;
    json_array_foreach(names, index, value)
    {
        const char *name = json_is_string(value) ? json_string_value(value) : "";

        if (!geo_region_find(name))
            complain(node, "regions", "\"%s\" is not a built-in region", name);
        else if (find_region(plan, name) != PLAN_NONE)
            complain(node, "regions", "\"%s\" is there twice", name);
        else
            snprintf(plan->region_names[plan->region_count++], sizeof(plan->region_names[0]), "%s",
                     name);
    }
}

static void read_core(struct node *node, struct plan *plan)
{
    const json_t *names = take_items(node, "core", 1, plan->region_count);
    size_t index;
    json_t *value;

    json_array_foreach(names, index, value)
    {
        const char *name = json_is_string(value) ? json_string_value(value) : "";
        uint32_t region = find_region(plan, name);

        if (region == PLAN_NONE)
            complain(node, "core", "there is no region \"%s\"", name);
        else
            plan->core |= 1u << region;
    }
}

static void read_setting(struct node *node, const struct setting *setting, Mec__Settings *settings)
{
    const json_t *value = take_if_there(node, setting->key);
    uint64_t number;

    node->taken_count = 0; /* they are checked against the table instead */
    if (!value)
        return; /* one that is younger than the file: as by default */
    if (setting->kind != SETTING_SWITCH)
        number = to_number(node, setting->key, value, 0, INT64_MAX);
    else if (json_is_boolean(value))
        number = json_is_true(value) ? 1 : 0;
    else {
        complain(node, setting->key, "must be true or false");
        return;
    }
    if (settings_set_number(settings, setting, number) != 0)
        complain(node, setting->key, "must be from %s to %s", setting->least, setting->most);
}

static void read_settings(struct node *root, Mec__Settings *settings)
{
    struct node node;
    const char *key;
    json_t *value;

    mec__settings__init(settings);
    settings_default(settings);
    node_open(&node, root->error, take(root, "settings"), "settings");
    json_object_foreach((json_t *)node.json, key, value)
    {
        if (!settings_find(key))
            complain(&node, key, "there is no such setting");
    }
    for (size_t i = 0; i < settings_count() && !failed(&node); i++)
        read_setting(&node, settings_at(i), settings);
}

static void read_world(struct node *node, struct plan *plan)
{
    uint64_t format = take_number(node, "format", 0, INT64_MAX);

    if (format != PLAN_FORMAT)
        complain(node, "format", "must be %d", PLAN_FORMAT);
    plan->seed = take_seed(node, "seed");
    plan->duration_us = take_number(node, "duration_us", 1, DURATION_US_MAX);
    read_regions(node, plan);
    read_core(node, plan);
    plan->router_count = take_number(node, "routers", 1, PLAN_ROUTERS_MAX);
    plan->user_count = take_number(node, "users", 1, PLAN_CLIENTS_MAX);
    plan->key_count = take_number(node, "keys", 1, KEYS_MAX);
    plan->sync_us = take_number(node, "sync_us", 0, SYNC_US_MAX);
    plan->tidy_pages = take_number(node, "tidy_pages", 0, TIDY_PAGES_MAX);
    plan->memory_changes = take_number(node, "memory_changes", 0, MEMORY_CHANGES_MAX);
    plan->look_every_us = take_number(node, "look_every_us", 0, DURATION_US_MAX);
    read_settings(node, &plan->settings);
}

/* The items. */

static void read_client(struct node *node, struct plan *plan)
{
    struct plan_client *client = &plan->clients[plan->client_count++];

    client->user = (uint32_t)take_number(node, "user", 0, plan->user_count - 1);
    client->place = take_region(node, "place", plan);
    client->router = (uint32_t)take_number(node, "router", 0, plan->router_count - 1);
}

static uint64_t read_time(struct node *node, const struct plan *plan, uint64_t earlier_us)
{
    uint64_t at_us = take_number(node, "at_us", 0, plan->duration_us);

    if (at_us < earlier_us)
        complain(node, "at_us", "must not be before the one above it");
    return at_us;
}

static enum plan_fault_kind read_fault_kind(struct node *node)
{
    const char *name = take_text(node, "kind");

    for (unsigned kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        if (strcmp(plan_fault_name((enum plan_fault_kind)kind), name) == 0)
            return (enum plan_fault_kind)kind;
    complain(node, "kind", "there is no fault \"%s\"", name);
    return PLAN_FAULT_KILL_REGIOND;
}

static uint32_t read_service(struct node *node)
{
    const char *name = take_text(node, "service");
    enum parts_service service = PARTS_AUTH;

    if (parts_service_find(name, &service) != 0)
        complain(node, "service", "there is no service \"%s\"", name);
    return service;
}

static uint32_t read_cache(struct node *node)
{
    const char *name = take_text(node, "cache");
    enum parts_cache cache = PARTS_EDGE;

    if (parts_cache_find(name, &cache) != 0)
        complain(node, "cache", "there is no cache \"%s\"", name);
    return cache;
}

static uint32_t read_other(struct node *node, const struct plan *plan, enum plan_other kind,
                           uint32_t region)
{
    if (kind == PLAN_OTHER_NONE)
        return PLAN_NONE;
    if (kind == PLAN_OTHER_ROUTER)
        return (uint32_t)take_number(node, "router", 0, plan->router_count - 1);
    if (kind == PLAN_OTHER_SERVICE)
        return read_service(node);
    if (kind == PLAN_OTHER_CACHE)
        return read_cache(node);
    uint32_t other = take_region(node, "other", plan);
    if (kind == PLAN_OTHER_APART && other == region)
        complain(node, "other", "must be another region");
    return other;
}

static uint64_t read_amount(struct node *node, const struct plan *plan, enum plan_amount kind)
{
    uint64_t most = plan_amount_most(kind);

    switch (kind) {
    case PLAN_AMOUNT_NONE:
        return 0;
    case PLAN_AMOUNT_ROUTER:
        return take_number(node, "router", 0, plan->router_count - 1);
    case PLAN_AMOUNT_SHIFT:
    case PLAN_AMOUNT_DRIFT:
        return take_signed(node, "amount", most);
    default:
        return take_number(node, "amount", 1, most);
    }
}

static void read_fault(struct node *node, struct plan *plan)
{
    struct plan_fault *fault = &plan->faults[plan->fault_count];
    uint64_t earlier_us = plan->fault_count > 0 ? fault[-1].at_us : 0;

    plan->fault_count++;
    fault->at_us = read_time(node, plan, earlier_us);
    fault->kind = read_fault_kind(node);
    const struct plan_shape *shape = plan_fault_shape(fault->kind);
    fault->region = shape->has_region ? take_region(node, "region", plan) : PLAN_NONE;
    fault->other = read_other(node, plan, shape->other, fault->region);
    fault->amount = read_amount(node, plan, shape->amount);
    if (shape->lasts)
        fault->duration_us = take_number(node, "duration_us", 0, DURATION_US_MAX);
}

static enum plan_operation_kind read_operation_kind(struct node *node)
{
    const char *name = take_text(node, "kind");

    for (unsigned kind = 0; kind < PLAN_OPERATION_COUNT; kind++)
        if (strcmp(plan_operation_name((enum plan_operation_kind)kind), name) == 0)
            return (enum plan_operation_kind)kind;
    complain(node, "kind", "there is no operation \"%s\"", name);
    return PLAN_OPERATION_READ;
}

static void read_operation(struct node *node, struct plan *plan)
{
    struct plan_operation *operation = &plan->operations[plan->operation_count];
    uint64_t earlier_us = plan->operation_count > 0 ? operation[-1].at_us : 0;
    bool has_patience = json_object_get(node->json, "patience_us") != NULL;

    plan->operation_count++;
    operation->at_us = read_time(node, plan, earlier_us);
    operation->number = (uint32_t)take_number(node, "number", 1, UINT32_MAX - 1);
    operation->client = (uint32_t)take_number(node, "client", 0, plan->client_count - 1);
    operation->kind = read_operation_kind(node);
    operation->key = PLAN_NONE;
    operation->region = PLAN_NONE;
    if (plan_operation_has_key(operation->kind))
        operation->key = (uint32_t)take_number(node, "key", 0, plan->key_count - 1);
    if (plan_operation_has_region(operation->kind))
        operation->region = take_region(node, "region", plan);
    if (has_patience)
        operation->patience_us = take_number(node, "patience_us", 1, DURATION_US_MAX);
}

static void read_items(struct node *root, const char *name, const json_t *items, struct plan *plan,
                       void (*read)(struct node *, struct plan *))
{
    for (size_t i = 0; i < json_array_size(items) && !failed(root); i++) {
        struct node node;

        node_open_item(&node, root->error, items, name, i);
        if (!failed(&node))
            read(&node, plan);
        node_close(&node);
    }
}

static int compare_numbers(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;

    return (*a > *b) - (*a < *b);
}

static void check_numbers(struct node *root, const struct plan *plan)
{
    uint32_t *numbers = memory_alloc(plan->operation_count * sizeof(*numbers));

    for (size_t i = 0; i < plan->operation_count; i++)
        numbers[i] = plan->operations[i].number;
    qsort(numbers, plan->operation_count, sizeof(*numbers), compare_numbers);
    for (size_t i = 1; i < plan->operation_count; i++)
        if (numbers[i] == numbers[i - 1])
            complain(root, "operations", "number %" PRIu32 " is there twice", numbers[i]);
    free(numbers);
}

static void read_plan(struct node *root, struct plan *plan)
{
    read_world(root, plan);
    const json_t *clients = take_items(root, "clients", 1, PLAN_CLIENTS_MAX);
    const json_t *faults = take_items(root, "faults", 0, ITEMS_MAX);
    const json_t *operations = take_items(root, "operations", 0, ITEMS_MAX);
    node_close(root);
    if (failed(root))
        return;
    plan->faults = memory_alloc(json_array_size(faults) * sizeof(plan->faults[0]));
    plan->operations = memory_alloc(json_array_size(operations) * sizeof(plan->operations[0]));
    read_items(root, "clients", clients, plan, read_client);
    read_items(root, "faults", faults, plan, read_fault);
    read_items(root, "operations", operations, plan, read_operation);
    check_numbers(root, plan);
}

int plan_from_json(const json_t *json, struct plan *ret_plan, char **ret_error)
{
    struct plan plan = {.faults = NULL};
    char *error = NULL;
    struct node root;

    node_open(&root, &error, json, "");
    if (!error)
        read_plan(&root, &plan);
    if (error) {
        plan_free(&plan);
        *ret_error = error;
        return -EBADMSG;
    }
    *ret_plan = plan;
    return 0;
}
