/* The view of `mecentral audit verify`: each chain, and what is wrong with it. */

#include "control/views.h"

#include <string.h>

#include "control/table.h"

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

static json_int_t number_at(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

/* A follower's file has a chain that nothing is in: not worth a line. */
static bool is_worth_a_line(const json_t *chain)
{
    return number_at(chain, "entries") > 0 || number_at(chain, "found") > 0 ||
           json_object_get(chain, "error");
}

static void add_state(struct table *table, const json_t *chain)
{
    json_int_t found = number_at(chain, "found");

    if (json_object_get(chain, "error"))
        table_cell(table, TABLE_BAD, "cannot be read");
    else if (found > 0)
        table_cell(table, TABLE_BAD, "%" JSON_INTEGER_FORMAT " found", found);
    else
        table_cell(table, TABLE_GOOD, "sound");
}

static void add_chain(struct table *table, const char *region, const json_t *chain)
{
    table_cell(table, TABLE_PLAIN, "%s", region);
    table_cell(table, TABLE_PLAIN, "%s", text_at(chain, "chain"));
    table_cell(table, TABLE_PLAIN, "%" JSON_INTEGER_FORMAT, number_at(chain, "entries"));
    table_cell(table, number_at(chain, "witnesses") > 0 ? TABLE_PLAIN : TABLE_FAINT,
               "%" JSON_INTEGER_FORMAT, number_at(chain, "signed"));
    add_state(table, chain);
}

static void add_region(struct table *table, const json_t *row)
{
    const json_t *chains = json_object_get(row, "chains");

    if (!json_is_true(json_object_get(row, "answers"))) {
        table_cell(table, TABLE_PLAIN, "%s", text_at(row, "region"));
        for (size_t i = 0; i < 3; i++)
            table_cell(table, TABLE_FAINT, "?");
        table_cell(table, TABLE_BAD, "no answer");
    }
    for (size_t i = 0; i < json_array_size(chains); i++)
        if (is_worth_a_line(json_array_get(chains, i)))
            add_chain(table, text_at(row, "region"), json_array_get(chains, i));
}

static void add_findings(struct text *text, const json_t *findings, bool colours)
{
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);

        text_add(text, "%s%s %s: %s%s\n", table_colour_code(TABLE_BAD, colours),
                 text_at(finding, "region"), text_at(finding, "chain"), text_at(finding, "text"),
                 colours ? "\033[0m" : "");
    }
}

char *views_audit(const json_t *data, bool colours)
{
    static const char *const headings[] = {"REGION", "CHAIN", ">ENTRIES", ">SIGNED", "STATE"};
    const json_t *regions = json_object_get(data, "regions");
    struct table *table = table_create(headings, 5);
    struct text text = {0};

    for (size_t i = 0; i < json_array_size(regions); i++)
        add_region(table, json_array_get(regions, i));
    table_render(table, &text, "", colours);
    table_free(table);
    add_findings(&text, json_object_get(data, "findings"), colours);
    return text_take(&text);
}
