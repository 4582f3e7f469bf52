#include "control/faults_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/nearest.h"
#include "control/text.h"
#include "control/units.h"

#define LATENCY_MAX (UINT64_C(3600) * 1000000)
#define FLUSHES_MAX (TOPOLOGY_REGIONS_MAX * PARTS_CACHE_COUNT)

/* ---- names ---- */

/* Names that a text may mean. */
struct names {
    const char *items[64];
    size_t count;
    char own[64][PARTS_NAME_SIZE];
};

static char *unknown(const char *what, const char *name, const struct names *names)
{
    const char *near = nearest_find(name, names->items, names->count);
    struct text text = {0};

    text_add(&text, "there is no %s \"%s\"", what, name);
    if (near)
        text_add(&text, "; did you mean \"%s\"?", near);
    text_add(&text, "%s %s ", near ? " There" : "; there", names->count == 1 ? "is" : "are");
    for (size_t i = 0; i < names->count; i++)
        text_add(&text, "%s%s", i == 0 ? "" : ", ", names->items[i]);
    return text_take(&text);
}

static void name_services(struct names *ret_names)
{
    ret_names->count = 0;
    for (unsigned i = 0; i < PARTS_SERVICE_COUNT; i++)
        ret_names->items[ret_names->count++] = parts_service_name((enum parts_service)i);
}

static void name_caches(struct names *ret_names)
{
    ret_names->count = 0;
    for (unsigned i = 0; i < PARTS_CACHE_COUNT; i++)
        ret_names->items[ret_names->count++] = parts_cache_name((enum parts_cache)i);
}

static void name_operations(enum parts_service service, struct names *ret_names)
{
    Mec__Operation operation;

    ret_names->count = 0;
    for (size_t i = 0; parts_operation_at(i, &operation) && ret_names->count < 64; i++) {
        if (parts_service_of(operation) != service)
            continue;
        ret_names->items[ret_names->count] =
            parts_operation_name(operation, ret_names->own[ret_names->count]);
        ret_names->count++;
    }
}

/* ---- checking ---- */

static int check_operation(const struct fault *fault, enum parts_service service, char **ret_error)
{
    Mec__Operation operation;
    struct names names;

    if (fault->operation[0] == '\0' || (parts_operation_find(fault->operation, &operation) == 0 &&
                                        parts_service_of(operation) == service))
        return 0;
    name_operations(service, &names);
    char *what = text_format("operation of %s", fault->part);
    *ret_error = names.count == 0
                     ? text_format("%s has no operations that can be told apart", fault->part)
                     : unknown(what, fault->operation, &names);
    free(what);
    return -EINVAL;
}

static int check_service(const struct fault *fault, char **ret_error)
{
    enum parts_service service;
    struct names names;

    if (parts_service_find(fault->part, &service) != 0) {
        name_services(&names);
        *ret_error = unknown("service", fault->part, &names);
        return -EINVAL;
    }
    if (!fault->down && !fault->has_errors && !fault->has_latency) {
        *ret_error =
            text_format("say what is wrong with %s: --down, --errors or --latency", fault->part);
        return -EINVAL;
    }
    if (fault->error_ppm > 1000000 || fault->latency_us > LATENCY_MAX) {
        *ret_error = text_format("errors can be 100%% at most, a latency an hour");
        return -EINVAL;
    }
    return check_operation(fault, service, ret_error);
}

static int check_cache(const struct fault *fault, char **ret_error)
{
    enum parts_cache cache;
    struct names names;

    if (fault->part[0] != '\0' && parts_cache_find(fault->part, &cache) != 0) {
        name_caches(&names);
        *ret_error = unknown("cache", fault->part, &names);
        return -EINVAL;
    }
    if (fault->disable == fault->freeze) {
        *ret_error = text_format("say one of --flush, --disable and --freeze");
        return -EINVAL;
    }
    return 0;
}

int faults_parts_check(const struct fault *fault, char **ret_error)
{
    if (strncmp(fault->a, "client:", 7) == 0) {
        *ret_error = text_format("only a region has services and caches, not \"%s\"", fault->a);
        return -EINVAL;
    }
    return fault->kind == FAULT_SERVICE ? check_service(fault, ret_error)
                                        : check_cache(fault, ret_error);
}

char *faults_parts_describe(const struct fault *fault)
{
    char number[UNITS_TEXT_SIZE];
    struct text text = {0};

    text_add(&text, "%s%s%s", fault->a, fault->part[0] ? "/" : "", fault->part);
    if (fault->kind == FAULT_CACHE)
        text_add(&text, " %s %s", fault->part[0] ? "cache" : "caches",
                 fault->disable ? "disabled" : "frozen");
    if (fault->operation[0])
        text_add(&text, " %s", fault->operation);
    if (fault->down)
        text_add(&text, " down");
    if (fault->has_errors)
        text_add(&text, " errors %s", units_format_share(fault->error_ppm, number));
    if (fault->has_latency)
        text_add(&text, " latency %s", units_format_duration(fault->latency_us, number));
    return text_take(&text);
}

/* ---- JSON ---- */

void faults_parts_to_json(const struct fault *fault, json_t *json)
{
    json_object_set_new(json, "part", json_string(fault->part));
    if (fault->kind == FAULT_CACHE) {
        json_object_set_new(json, "disable", json_boolean(fault->disable));
        json_object_set_new(json, "freeze", json_boolean(fault->freeze));
        return;
    }
    json_object_set_new(json, "operation", json_string(fault->operation));
    json_object_set_new(json, "down", json_boolean(fault->down));
    if (fault->has_errors)
        json_object_set_new(json, "error_ppm", json_integer((json_int_t)fault->error_ppm));
}

static bool get_name(const json_t *json, const char *key, char ret_name[PARTS_NAME_SIZE])
{
    const char *name = json_string_value(json_object_get(json, key));

    if (!name || strlen(name) >= PARTS_NAME_SIZE)
        return false;
    snprintf(ret_name, PARTS_NAME_SIZE, "%s", name);
    return true;
}

int faults_parts_from_json(const json_t *json, struct fault *fault)
{
    const json_t *errors = json_object_get(json, "error_ppm");
    json_int_t error_ppm = json_integer_value(errors);

    if (!get_name(json, "part", fault->part) || error_ppm < 0 || error_ppm > 1000000)
        return -EBADMSG;
    fault->disable = json_is_true(json_object_get(json, "disable"));
    fault->freeze = json_is_true(json_object_get(json, "freeze"));
    fault->down = json_is_true(json_object_get(json, "down"));
    fault->has_errors = json_is_integer(errors);
    fault->error_ppm = (uint32_t)error_ppm;
    if (fault->kind == FAULT_SERVICE && !get_name(json, "operation", fault->operation))
        return -EBADMSG;
    return 0;
}

/* ---- flushes ---- */

static struct faults_flush *flush_of(struct faults *faults, const char *region,
                                     enum parts_cache cache)
{
    struct faults_flush *flush;

    for (size_t i = 0; i < faults->flush_count; i++)
        if (faults->flushes[i].cache == cache && strcmp(faults->flushes[i].region, region) == 0)
            return &faults->flushes[i];
    faults->flushes =
        memory_grow(faults->flushes, (faults->flush_count + 1) * sizeof *faults->flushes);
    flush = &faults->flushes[faults->flush_count++];
    *flush = (struct faults_flush){.cache = cache};
    snprintf(flush->region, sizeof flush->region, "%s", region);
    return flush;
}

void faults_parts_flush(struct faults *faults, const struct fault *what)
{
    faults->last_flush++;
    for (unsigned cache = 0; cache < PARTS_CACHE_COUNT; cache++)
        if (what->part[0] == '\0' ||
            strcmp(what->part, parts_cache_name((enum parts_cache)cache)) == 0)
            flush_of(faults, what->a, (enum parts_cache)cache)->count = faults->last_flush;
}

json_t *faults_parts_flushes_to_json(const struct faults *faults)
{
    json_t *rows = faults->flush_count > 0 ? json_array() : NULL;

    for (size_t i = 0; i < faults->flush_count; i++) {
        const struct faults_flush *flush = &faults->flushes[i];
        json_array_append_new(rows, json_pack("{s:s, s:s, s:I}", "region", flush->region, "cache",
                                              parts_cache_name(flush->cache), "count",
                                              (json_int_t)flush->count));
    }
    return rows;
}

static int flush_from_json(const json_t *row, struct faults *faults)
{
    enum parts_cache cache;
    const char *region;
    const char *name;
    json_int_t count;

    if (json_unpack((json_t *)row, "{s:s, s:s, s:I}", "region", &region, "cache", &name, "count",
                    &count) != 0 ||
        strlen(region) >= TOPOLOGY_END_SIZE || parts_cache_find(name, &cache) != 0 || count <= 0)
        return -EBADMSG;
    flush_of(faults, region, cache)->count = (uint64_t)count;
    if ((uint64_t)count > faults->last_flush)
        faults->last_flush = (uint64_t)count;
    return 0;
}

int faults_parts_flushes_from_json(const json_t *json, struct faults *faults)
{
    int error = json_is_array(json) && json_array_size(json) <= FLUSHES_MAX ? 0 : -EBADMSG;

    for (size_t i = 0; error == 0 && i < json_array_size(json); i++)
        error = flush_from_json(json_array_get(json, i), faults);
    if (error == 0)
        return 0;
    free(faults->flushes);
    faults->flushes = NULL;
    faults->flush_count = 0;
    faults->last_flush = 0;
    return error;
}

/* ---- to a Config ---- */

static Mec__ServiceFault *service_row(Mec__Config *config, const struct fault *fault)
{
    Mec__ServiceFault *row;

    for (size_t i = 0; i < config->n_services; i++) {
        row = config->services[i];
        if (strcmp(row->region, fault->a) == 0 && strcmp(row->service, fault->part) == 0 &&
            strcmp(row->operation, fault->operation) == 0)
            return row;
    }
    row = memory_alloc(sizeof *row);
    mec__service_fault__init(row);
    row->region = memory_text(fault->a);
    row->service = memory_text(fault->part);
    row->operation = memory_text(fault->operation);
    config->services =
        memory_grow(config->services, (config->n_services + 1) * sizeof(Mec__ServiceFault *));
    config->services[config->n_services++] = row;
    return row;
}

static void add_service(Mec__Config *config, const struct fault *fault)
{
    Mec__ServiceFault *row = service_row(config, fault);

    row->down = row->down || fault->down;
    if (fault->has_errors)
        row->error_ppm = fault->error_ppm;
    if (fault->has_latency)
        row->latency_us = fault->latency_us;
}

static Mec__CacheFault *cache_row(Mec__Config *config, const char *region, enum parts_cache cache)
{
    const char *name = parts_cache_name(cache);
    Mec__CacheFault *row;

    for (size_t i = 0; i < config->n_caches; i++) {
        row = config->caches[i];
        if (strcmp(row->region, region) == 0 && strcmp(row->cache, name) == 0)
            return row;
    }
    row = memory_alloc(sizeof *row);
    mec__cache_fault__init(row);
    row->region = memory_text(region);
    row->cache = memory_text(name);
    config->caches =
        memory_grow(config->caches, (config->n_caches + 1) * sizeof(Mec__CacheFault *));
    config->caches[config->n_caches++] = row;
    return row;
}

static void add_cache(Mec__Config *config, const struct fault *fault)
{
    for (unsigned i = 0; i < PARTS_CACHE_COUNT; i++) {
        enum parts_cache cache = (enum parts_cache)i;
        Mec__CacheFault *row;

        if (fault->part[0] != '\0' && strcmp(fault->part, parts_cache_name(cache)) != 0)
            continue;
        row = cache_row(config, fault->a, cache);
        row->disable = row->disable || fault->disable;
        row->freeze = row->freeze || fault->freeze;
    }
}

void faults_parts_compile(const struct faults *faults, Mec__Config *config)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (faults->items[i].kind == FAULT_SERVICE)
            add_service(config, &faults->items[i]);
        else if (faults->items[i].kind == FAULT_CACHE)
            add_cache(config, &faults->items[i]);
    }
    for (size_t i = 0; i < faults->flush_count; i++) {
        const struct faults_flush *flush = &faults->flushes[i];
        cache_row(config, flush->region, flush->cache)->flush_count = flush->count;
    }
}
