#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/table.h"
#include "control/text.h"
#include "sim/model/result_internal.h"

#define ROWS_MAX 100
#define WIDTH    98

static void add_wrapped(struct text *out, const char *words, size_t indent)
{
    size_t column = indent;

    while (*words) {
        size_t size = strcspn(words, " ");
        if (column != indent && column + 1 + size > WIDTH) {
            text_add(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        text_add(out, "%s%.*s", column != indent ? " " : "", (int)size, words);
        column += size + (column != indent);
        words += size;
        words += *words != '\0';
    }
    text_add(out, "\n");
}

static void add_lines(struct text *out, const struct result_lines *lines, const char *title,
                      enum table_colour colour, bool colours)
{
    const char *code = table_colour_code(colour, colours);

    if (lines->count == 0)
        return;
    text_add(out, "\n%s%s%s\n", code, title, *code ? "\033[0m" : "");
    for (size_t i = 0; i < lines->count; i++) {
        text_add(out, "  - ");
        add_wrapped(out, lines->items[i], 4);
    }
}

static void add_table(struct text *out, const struct result_table *table, bool colours)
{
    const char **headings = memory_alloc(table->column_count * sizeof *headings);
    const char *code = table_colour_code(TABLE_HEAD, colours);
    size_t rows = result_rows(table);

    for (size_t i = 0; i < table->column_count; i++)
        headings[i] = text_format("%s%s", table->columns[i].unit == RESULT_TEXT ? "" : ">",
                                  table->columns[i].heading);
    struct table *shown = table_create(headings, table->column_count);
    for (size_t row = 0; row < rows && row < ROWS_MAX; row++) {
        for (size_t column = 0; column < table->column_count; column++) {
            char *text = result_cell_text(table, row, column);
            table_cell(shown, TABLE_PLAIN, "%s", text);
            free(text);
        }
    }
    text_add(out, "\n%s%s%s\n", code, table->title, *code ? "\033[0m" : "");
    table_render(shown, out, "  ", colours);
    if (rows > ROWS_MAX)
        text_add(out, "  ... and %zu rows more: --csv and --json have all\n", rows - ROWS_MAX);
    table_free(shown);
    for (size_t i = 0; i < table->column_count; i++)
        free((char *)headings[i]);
    free(headings);
}

char *result_as_text(const struct result *result, bool colours)
{
    struct text out = {0};
    const char *code = table_colour_code(TABLE_HEAD, colours);

    text_add(&out, "%s%s%s\n", code, result->title, *code ? "\033[0m" : "");
    add_lines(&out, &result->failures, "Missed", TABLE_BAD, colours);
    add_lines(&out, &result->findings, "Findings", TABLE_HEAD, colours);
    for (size_t i = 0; i < result->table_count; i++)
        add_table(&out, result->tables[i], colours);
    add_lines(&out, &result->assumptions, "Assumptions", TABLE_HEAD, colours);
    return text_take(&out);
}
