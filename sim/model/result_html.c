#include <stdlib.h>
#include <string.h>

#include "control/text.h"
#include "sim/model/result_internal.h"

static void add_escaped(struct text *out, const char *words)
{
    for (const char *at = words; *at; at++) {
        switch (*at) {
        case '<':
            text_add(out, "&lt;");
            break;
        case '>':
            text_add(out, "&gt;");
            break;
        case '&':
            text_add(out, "&amp;");
            break;
        case '"':
            text_add(out, "&quot;");
            break;
        default:
            text_add(out, "%c", *at);
        }
    }
}

static void add_element(struct text *out, const char *name, const char *words)
{
    text_add(out, "<%s>", name);
    add_escaped(out, words);
    text_add(out, "</%s>", name);
}

static void add_lines(struct text *out, const struct result_lines *lines, const char *title)
{
    if (lines->count == 0)
        return;
    add_element(out, "h2", title);
    text_add(out, "<ul>\n");
    for (size_t i = 0; i < lines->count; i++) {
        add_element(out, "li", lines->items[i]);
        text_add(out, "\n");
    }
    text_add(out, "</ul>\n");
}

static void add_table(struct text *out, const struct result_table *table)
{
    add_element(out, "h2", table->title);
    text_add(out, "<table><tr>");
    for (size_t i = 0; i < table->column_count; i++)
        add_element(out, "th", table->columns[i].heading);
    text_add(out, "</tr>\n");
    for (size_t row = 0; row < result_rows(table); row++) {
        text_add(out, "<tr>");
        for (size_t column = 0; column < table->column_count; column++) {
            char *words = result_cell_text(table, row, column);
            add_element(out, "td", words);
            free(words);
        }
        text_add(out, "</tr>\n");
    }
    text_add(out, "</table>\n");
}

char *result_as_html(const struct result *result, const json_t *parameters)
{
    struct text out = {0};
    char *values = json_dumps(parameters, JSON_INDENT(2));

    text_add(&out, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
    add_element(&out, "title", result->title);
    add_element(&out, "h1", result->title);
    add_lines(&out, &result->failures, "Missed");
    add_lines(&out, &result->findings, "Findings");
    for (size_t i = 0; i < result->table_count; i++)
        add_table(&out, result->tables[i]);
    add_lines(&out, &result->assumptions, "Assumptions");
    add_element(&out, "pre", values);
    text_add(&out, "</html>\n");
    free(values);
    return text_take(&out);
}
