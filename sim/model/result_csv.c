#include <stdlib.h>
#include <string.h>

#include "control/text.h"
#include "sim/model/result_internal.h"

/* RFC 4180: what has a comma, a quote or a line's end is quoted, and a quote is doubled. */
static void add_field(struct text *out, const char *field)
{
    if (field[strcspn(field, ",\"\r\n")] == '\0') {
        text_add(out, "%s", field);
        return;
    }
    text_add(out, "\"");
    for (const char *at = field; *at; at++)
        text_add(out, *at == '"' ? "\"\"" : "%c", *at);
    text_add(out, "\"");
}

static void add_cell(struct text *out, const struct result_cell *cell)
{
    text_add(out, ",");
    if (cell->text)
        add_field(out, cell->text);
    else if (!cell->nothing)
        text_add(out, "%.15g", cell->number);
}

static void add_table(struct text *out, const struct result_table *table)
{
    text_add(out, "table");
    for (size_t i = 0; i < table->column_count; i++) {
        text_add(out, ",");
        add_field(out, table->columns[i].name);
    }
    text_add(out, "\r\n");
    for (size_t row = 0; row < result_rows(table); row++) {
        add_field(out, table->name);
        for (size_t column = 0; column < table->column_count; column++)
            add_cell(out, result_cell(table, row, column));
        text_add(out, "\r\n");
    }
}

char *result_as_csv(const struct result *result)
{
    struct text out = {0};

    for (size_t i = 0; i < result->table_count; i++) {
        text_add(&out, "%s", i > 0 ? "\r\n" : "");
        add_table(&out, result->tables[i]);
    }
    return text_take(&out);
}
