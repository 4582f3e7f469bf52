#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/parts.h"
#include "control/settings.h"
#include "sim/plan_internal.h"

/* Seeds and clock amounts of 2^63 and more come out negative, and are the same again when read. */
static void set_number(json_t *object, const char *key, uint64_t number)
{
    json_object_set_new(object, key, json_integer((json_int_t)number));
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_string(text));
}

static json_t *regions_to_json(const struct plan *plan, uint32_t set)
{
    json_t *names = json_array();

    for (size_t i = 0; i < plan->region_count; i++)
        if (set >> i & 1u)
            json_array_append_new(names, json_string(plan->region_names[i]));
    return names;
}

static json_t *settings_to_json(const Mec__Settings *settings)
{
    json_t *object = json_object();

    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *setting = settings_at(i);
        uint64_t number = settings_number(settings, setting);

        if (setting->kind == SETTING_SWITCH)
            json_object_set_new(object, setting->key, json_boolean(number != 0));
        else
            set_number(object, setting->key, number);
    }
    return object;
}

static json_t *client_to_json(const struct plan *plan, const struct plan_client *client)
{
    json_t *object = json_object();

    set_number(object, "user", client->user);
    set_text(object, "place", plan->region_names[client->place]);
    set_number(object, "router", client->router);
    return object;
}

static json_t *fault_to_json(const struct plan *plan, const struct plan_fault *fault)
{
    const struct plan_shape *shape = plan_fault_shape(fault->kind);
    json_t *object = json_object();

    set_number(object, "at_us", fault->at_us);
    set_text(object, "kind", plan_fault_name(fault->kind));
    if (shape->has_region)
        set_text(object, "region", plan->region_names[fault->region]);
    if (shape->other == PLAN_OTHER_ROUTER)
        set_number(object, "router", fault->other);
    else if (shape->other == PLAN_OTHER_SERVICE)
        set_text(object, "service", parts_service_name((enum parts_service)fault->other));
    else if (shape->other == PLAN_OTHER_CACHE)
        set_text(object, "cache", parts_cache_name((enum parts_cache)fault->other));
    else if (shape->other != PLAN_OTHER_NONE)
        set_text(object, "other", plan->region_names[fault->other]);
    if (shape->amount == PLAN_AMOUNT_ROUTER)
        set_number(object, "router", fault->amount);
    else if (shape->amount != PLAN_AMOUNT_NONE)
        set_number(object, "amount", fault->amount);
    if (shape->lasts)
        set_number(object, "duration_us", fault->duration_us);
    return object;
}

static json_t *operation_to_json(const struct plan *plan, const struct plan_operation *operation)
{
    json_t *object = json_object();

    set_number(object, "at_us", operation->at_us);
    set_number(object, "number", operation->number);
    set_number(object, "client", operation->client);
    set_text(object, "kind", plan_operation_name(operation->kind));
    if (plan_operation_has_key(operation->kind))
        set_number(object, "key", operation->key);
    if (plan_operation_has_region(operation->kind))
        set_text(object, "region", plan->region_names[operation->region]);
    if (operation->patience_us != 0)
        set_number(object, "patience_us", operation->patience_us);
    return object;
}

static void set_items(json_t *object, const struct plan *plan)
{
    json_t *clients = json_array();
    json_t *faults = json_array();
    json_t *operations = json_array();

    for (size_t i = 0; i < plan->client_count; i++)
        json_array_append_new(clients, client_to_json(plan, &plan->clients[i]));
    for (size_t i = 0; i < plan->fault_count; i++)
        json_array_append_new(faults, fault_to_json(plan, &plan->faults[i]));
    for (size_t i = 0; i < plan->operation_count; i++)
        json_array_append_new(operations, operation_to_json(plan, &plan->operations[i]));
    json_object_set_new(object, "clients", clients);
    json_object_set_new(object, "faults", faults);
    json_object_set_new(object, "operations", operations);
}

json_t *plan_to_json(const struct plan *plan)
{
    json_t *object = json_object();

    set_number(object, "format", PLAN_FORMAT);
    set_number(object, "seed", plan->seed);
    set_number(object, "duration_us", plan->duration_us);
    json_object_set_new(object, "regions", regions_to_json(plan, UINT32_MAX));
    json_object_set_new(object, "core", regions_to_json(plan, plan->core));
    set_number(object, "routers", plan->router_count);
    set_number(object, "users", plan->user_count);
    set_number(object, "keys", plan->key_count);
    set_number(object, "sync_us", plan->sync_us);
    set_number(object, "tidy_pages", plan->tidy_pages);
    set_number(object, "memory_changes", plan->memory_changes);
    set_number(object, "look_every_us", plan->look_every_us);
    json_object_set_new(object, "settings", settings_to_json(&plan->settings));
    set_items(object, plan);
    return object;
}

/* Printing: what is long has a line for each of its items, so that two plans can be compared line
 * by line, and one line can be taken out by hand. */

static char *print_value(const json_t *value)
{
    return json_dumps(value, JSON_ENCODE_ANY);
}

static void print_settings(FILE *out, const json_t *settings)
{
    const char *separator = "";
    const char *key;
    json_t *value;

    fputs("{", out);
    json_object_foreach((json_t *)settings, key, value)
    {
        char *text = print_value(value);

        fprintf(out, "%s\n    \"%s\": %s", separator, key, text);
        separator = ",";
        free(text);
    }
    fputs("\n  }", out);
}

static void print_items(FILE *out, const json_t *items)
{
    const char *separator = "";
    size_t index;
    json_t *item;

    fputs("[", out);
    json_array_foreach(items, index, item)
    {
        char *text = print_value(item);

        fprintf(out, "%s\n    %s", separator, text);
        separator = ",";
        free(text);
    }
    fputs(json_array_size(items) > 0 ? "\n  ]" : "]", out);
}

static void print_member(FILE *out, const json_t *value)
{
    if (json_is_object(value)) {
        print_settings(out, value);
    } else if (json_is_array(value) && !json_is_string(json_array_get(value, 0))) {
        print_items(out, value);
    } else {
        char *text = print_value(value);

        fputs(text, out);
        free(text);
    }
}

char *plan_print(const struct plan *plan)
{
    json_t *object = plan_to_json(plan);
    const char *separator = "";
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const char *key;
    json_t *value;

    fputs("{", out);
    json_object_foreach(object, key, value)
    {
        fprintf(out, "%s\n  \"%s\": ", separator, key);
        print_member(out, value);
        separator = ",";
    }
    fputs("\n}\n", out);
    fclose(out);
    json_decref(object);
    return text;
}
