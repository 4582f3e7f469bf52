#include "control/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

struct cell {
    char *text;
    enum table_colour colour;
};

struct table {
    size_t columns;
    bool *right;
    struct cell *cells; /* the headings first */
    size_t count;
};

static void add(struct table *table, char *text, enum table_colour colour)
{
    table->cells = memory_grow(table->cells, (table->count + 1) * sizeof *table->cells);
    table->cells[table->count++] = (struct cell){text, colour};
}

struct table *table_create(const char *const *headings, size_t columns)
{
    struct table *table = memory_alloc(sizeof *table);

    table->columns = columns;
    table->right = memory_alloc(columns * sizeof *table->right);
    for (size_t i = 0; i < columns; i++) {
        table->right[i] = headings[i][0] == '>';
        add(table, memory_text(headings[i] + table->right[i]), TABLE_HEAD);
    }
    return table;
}

void table_free(struct table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i].text);
    free(table->cells);
    free(table->right);
    free(table);
}

void table_cell(struct table *table, enum table_colour colour, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(table, text_format_list(format, arguments), colour);
    va_end(arguments);
}

const char *table_colour_code(enum table_colour colour, bool colours)
{
    static const char *const codes[] = {
        [TABLE_PLAIN] = "",       [TABLE_GOOD] = "\033[32m", [TABLE_WARN] = "\033[33m",
        [TABLE_BAD] = "\033[31m", [TABLE_FAINT] = "\033[2m", [TABLE_HEAD] = "\033[1m"};

    return colours ? codes[colour] : "";
}

static void render_cell(const struct table *table, struct text *text, size_t index, size_t width,
                        bool colours)
{
    const struct cell *cell = &table->cells[index];
    size_t column = index % table->columns;
    const char *code = table_colour_code(cell->colour, colours);
    int padding = (int)(width - strlen(cell->text));
    bool last = column + 1 == table->columns; /* no blanks at the end of a line */

    text_add(text, "%s%*s%s%s%s%*s", column != 0 ? "  " : "", table->right[column] ? padding : 0,
             "", code, cell->text, *code ? "\033[0m" : "",
             table->right[column] || last ? 0 : padding, "");
}

void table_render(const struct table *table, struct text *text, const char *indent, bool colours)
{
    size_t *widths = memory_alloc(table->columns * sizeof *widths);

    assert(table->count % table->columns == 0);
    for (size_t i = 0; i < table->count; i++) {
        size_t width = strlen(table->cells[i].text);
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    for (size_t i = 0; i < table->count; i++) {
        if (i % table->columns == 0)
            text_add(text, "%s", indent);
        render_cell(table, text, i, widths[i % table->columns], colours);
        if ((i + 1) % table->columns == 0)
            text_add(text, "\n");
    }
    free(widths);
}
