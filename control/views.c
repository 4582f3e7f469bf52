#include "control/views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/table.h"
#include "control/units.h"
#include "control/views_internal.h"

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

static uint64_t number_at(const json_t *json, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(json, key));
}

char *views_ready(const json_t *ready, uint64_t took_ms)
{
    const json_t *vantage = json_object_get(ready, "vantage");
    struct text text = {0};
    const char *geo;
    json_t *url;

    text_add(&text, "World %s runs: %zu processes serve, ready in %" PRIu64 " ms\n",
             text_at(ready, "world"), json_object_size(json_object_get(ready, "pids")), took_ms);
    text_add(&text, "  %-16s %s\n", "for all", text_at(ready, "http"));
    json_object_foreach((json_t *)vantage, geo, url)
        text_add(&text, "  %-16s %s\n", geo, json_string_value(url));
    if (*text_at(ready, "control_http"))
        text_add(&text, "  %-16s %s\n", "control", text_at(ready, "control_http"));
    text_add(&text, "  %-16s %s\n", "data", text_at(ready, "data"));
    return text_take(&text);
}

enum table_colour views_state_colour(const char *state)
{
    static const struct {
        const char *state;
        enum table_colour colour;
    } rows[] = {{"serving", TABLE_GOOD}, {"starting", TABLE_WARN}, {"paused", TABLE_WARN},
                {"ending", TABLE_WARN},  {"stopped", TABLE_FAINT}, {"killed", TABLE_BAD},
                {"crashed", TABLE_BAD},  {"failed", TABLE_BAD}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].state, state) == 0)
            return rows[i].colour;
    return TABLE_PLAIN;
}

char *views_ps(const json_t *data, bool colours)
{
    static const char *const headings[] = {"NAME",      "STATE",   ">PID",  ">MEMORY",
                                           ">RESTARTS", ">CONFIG", "DETAIL"};
    struct table *table = table_create(headings, 7);
    const json_t *rows = json_object_get(data, "processes");
    struct text text = {0};

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const json_t *version = json_object_get(row, "config_version");
        uint64_t pid = number_at(row, "pid");
        uint64_t kib = number_at(row, "pss_kib");

        table_cell(table, TABLE_PLAIN, "%s", text_at(row, "name"));
        table_cell(table, views_state_colour(text_at(row, "state")), "%s", text_at(row, "state"));
        if (pid != 0)
            table_cell(table, TABLE_PLAIN, "%" PRIu64, pid);
        else
            table_cell(table, TABLE_FAINT, "-");
        if (kib != 0)
            table_cell(table, TABLE_PLAIN, "%.1fMiB", (double)kib / 1024);
        else
            table_cell(table, TABLE_FAINT, "-");
        table_cell(table, TABLE_PLAIN, "%" PRIu64, number_at(row, "restarts"));
        if (json_is_integer(version))
            table_cell(table, TABLE_PLAIN, "v%" PRIu64, number_at(row, "config_version"));
        else
            table_cell(table, TABLE_FAINT, "-");
        table_cell(table, TABLE_FAINT, "%s", text_at(row, "detail"));
    }
    table_render(table, &text, "", colours);
    table_free(table);
    if (*text_at(data, "control_http"))
        text_add(&text, "HTTP for operators: %s\n", text_at(data, "control_http"));
    return text_take(&text);
}

static void add_fault_rows(struct table *table, const json_t *rows, uint64_t now_wall_us)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        uint64_t made = number_at(row, "made_wall_us");
        uint64_t until = number_at(row, "until_wall_us");
        char age[UNITS_TEXT_SIZE];
        char rest[UNITS_TEXT_SIZE];

        units_format_duration(now_wall_us > made ? (now_wall_us - made) / 1000000 * 1000000 : 0,
                              age);
        units_format_duration(until > now_wall_us ? (until - now_wall_us) / 1000000 * 1000000 : 0,
                              rest);
        table_cell(table, TABLE_PLAIN, "%s", text_at(row, "id"));
        table_cell(table, TABLE_WARN, "%s", text_at(row, "what"));
        table_cell(table, TABLE_PLAIN, "%s", age);
        table_cell(table, TABLE_PLAIN, "%s", until != 0 ? rest : "until healed");
    }
}

static const char *age_of(const json_t *row, const char *key, uint64_t now_wall_us,
                          char ret_text[UNITS_TEXT_SIZE])
{
    uint64_t at_us = number_at(row, key);
    uint64_t far_us = at_us > now_wall_us ? at_us - now_wall_us : now_wall_us - at_us;

    if (!json_is_integer(json_object_get(row, key)))
        return "";
    return units_format_duration(far_us / 1000000 * 1000000, ret_text);
}

static void add_awaited(struct table *table, const json_t *names)
{
    const json_t *first = json_array_get(names, 0);
    size_t more = json_array_size(names) - 1;

    if (!first)
        table_cell(table, TABLE_PLAIN, "%s", "");
    else if (more == 0)
        table_cell(table, TABLE_WARN, "%s (%s)", text_at(first, "name"), text_at(first, "state"));
    else
        table_cell(table, TABLE_WARN, "%s (%s), %zu more", text_at(first, "name"),
                   text_at(first, "state"), more);
}

char *views_keys(const json_t *data, bool colours)
{
    static const char *const headings[] = {"KEY",  "REGION",   "STATE",
                                           ">FOR", ">ENDS IN", "WAITS FOR"};
    const json_t *rows = json_object_get(data, "keys");
    uint64_t now_wall_us = number_at(data, "now_wall_us");
    struct table *table = table_create(headings, 6);
    struct text text = {0};
    char age[UNITS_TEXT_SIZE];

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        bool signs = strcmp(text_at(row, "state"), "signing") == 0;

        table_cell(table, TABLE_PLAIN, "%s", text_at(row, "kid"));
        table_cell(table, TABLE_PLAIN, "%s", text_at(row, "region"));
        table_cell(table, signs ? TABLE_GOOD : TABLE_WARN, "%s", text_at(row, "state"));
        table_cell(table, TABLE_PLAIN, "%s", age_of(row, "since_wall_us", now_wall_us, age));
        table_cell(table, TABLE_PLAIN, "%s", age_of(row, "until_wall_us", now_wall_us, age));
        add_awaited(table, json_object_get(row, "waits_for"));
    }
    table_render(table, &text, "", colours);
    table_free(table);
    return text_take(&text);
}

void views_add_faults(struct text *text, const json_t *data, bool colours)
{
    static const char *const headings[] = {"ID", "FAULT", ">AGE", ">ENDS IN"};
    const json_t *rows = json_object_get(data, "faults");
    struct table *table = table_create(headings, 4);

    add_fault_rows(table, rows, number_at(data, "now_wall_us"));
    if (json_array_size(rows) == 0)
        text_add(text, "no faults in force\n");
    else
        table_render(table, text, "", colours);
    table_free(table);
}

char *views_faults(const json_t *data, bool colours)
{
    struct text text = {0};

    views_add_faults(&text, data, colours);
    return text_take(&text);
}

static struct table *create_verify_table(const json_t *shards)
{
    const json_t *copies = json_object_get(json_array_get(shards, 0), "copies");
    size_t count = json_array_size(copies);
    const char *headings[64] = {"SHARD", "COPIES"};

    for (size_t i = 0; i < count && i + 2 < 64; i++)
        headings[i + 2] = text_at(json_array_get(copies, i), "region");
    return table_create(headings, count + 2);
}

char *views_verify(const json_t *data, bool colours)
{
    const json_t *shards = json_object_get(data, "shards");
    struct table *table = create_verify_table(shards);
    struct text text = {0};

    for (size_t i = 0; i < json_array_size(shards); i++) {
        const json_t *shard = json_array_get(shards, i);
        const json_t *copies = json_object_get(shard, "copies");
        bool equal = json_is_true(json_object_get(shard, "equal"));

        table_cell(table, TABLE_PLAIN, "%s", text_at(shard, "shard"));
        table_cell(table, equal ? TABLE_GOOD : TABLE_BAD, "%s", equal ? "equal" : "differ");
        for (size_t j = 0; j < json_array_size(copies); j++) {
            const json_t *copy = json_array_get(copies, j);
            const char *position = text_at(copy, "position");
            const char *colon = strchr(position, ':');
            if (*text_at(copy, "digest"))
                table_cell(table, equal ? TABLE_PLAIN : TABLE_WARN, "%.8s @%s%s",
                           text_at(copy, "digest"), colon ? colon + 1 : position,
                           json_object_get(copy, "without") ? " (redacted)" : "");
            else
                table_cell(table, TABLE_BAD, "no answer");
        }
    }
    table_render(table, &text, "", colours);
    table_free(table);
    return text_take(&text);
}
