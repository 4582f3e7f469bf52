#include "sim/model/result.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/text.h"
#include "sim/model/result_internal.h"

struct result *result_create(const char *name, const char *title)
{
    struct result *result = memory_alloc(sizeof *result);

    *result = (struct result){.name = memory_text(name), .title = memory_text(title)};
    return result;
}

/* ---- lines ---- */

static void add_line(struct result_lines *lines, const char *format, va_list arguments)
{
    lines->items = memory_grow(lines->items, (lines->count + 1) * sizeof *lines->items);
    lines->items[lines->count++] = text_format_list(format, arguments);
}

void result_assume(struct result *result, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(&result->assumptions, format, arguments);
    va_end(arguments);
}

void result_find(struct result *result, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(&result->findings, format, arguments);
    va_end(arguments);
}

void result_fail(struct result *result, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_line(&result->failures, format, arguments);
    va_end(arguments);
}

bool result_failed(const struct result *result)
{
    return result->failures.count > 0;
}

static void free_lines(struct result_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->items[i]);
    free(lines->items);
}

/* ---- tables ---- */

static void free_table(struct result_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        free(table->columns[i].name);
        free(table->columns[i].heading);
    }
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    for (size_t i = 0; i < table->picture_count; i++) {
        free(table->pictures[i].title);
        free(table->pictures[i].note);
        free(table->pictures[i].values);
    }
    free(table->columns);
    free(table->cells);
    free(table->pictures);
    free(table->name);
    free(table->title);
    free(table);
}

void result_free(struct result *result)
{
    if (!result)
        return;
    for (size_t i = 0; i < result->table_count; i++)
        free_table(result->tables[i]);
    free(result->tables);
    free_lines(&result->failures);
    free_lines(&result->findings);
    free_lines(&result->assumptions);
    free(result->name);
    free(result->title);
    free(result);
}

struct result_table *result_table(struct result *result, const char *name, const char *title,
                                  const struct result_column *columns, size_t count)
{
    struct result_table *table = memory_alloc(sizeof *table);

    assert(count > 0);
    table->name = memory_text(name);
    table->title = memory_text(title);
    table->columns = memory_alloc(count * sizeof *table->columns);
    table->column_count = count;
    for (size_t i = 0; i < count; i++)
        table->columns[i] = (struct result_head){memory_text(columns[i].name),
                                                 memory_text(columns[i].heading), columns[i].unit};
    result->tables =
        memory_grow(result->tables, (result->table_count + 1) * sizeof(struct result_table *));
    result->tables[result->table_count++] = table;
    return table;
}

static void add_cell(struct result_table *table, struct result_cell cell)
{
    /* Powers of two: tables may have thousands of cells. */
    if ((table->cell_count & (table->cell_count - 1)) == 0)
        table->cells = memory_grow(table->cells, (table->cell_count ? table->cell_count * 2 : 1) *
                                                     sizeof *table->cells);
    table->cells[table->cell_count++] = cell;
}

void result_text(struct result_table *table, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add_cell(table, (struct result_cell){.text = text_format_list(format, arguments)});
    va_end(arguments);
}

void result_number(struct result_table *table, double number)
{
    assert(isfinite(number));
    add_cell(table, (struct result_cell){.number = number});
}

void result_nothing(struct result_table *table)
{
    add_cell(table, (struct result_cell){.nothing = true});
}

static size_t find_column(const struct result_table *table, const char *name)
{
    size_t i = 0;

    while (i < table->column_count && strcmp(table->columns[i].name, name) != 0)
        i++;
    assert(i < table->column_count && "a picture of a column that there is not");
    return i;
}

void result_chart(struct result_table *table, const struct result_chart *chart)
{
    struct result_picture picture = {.kind = chart->kind,
                                     .title = memory_text(chart->title),
                                     .note = memory_text(chart->note),
                                     .label = find_column(table, chart->label),
                                     .logarithmic = chart->logarithmic,
                                     .even_label = chart->even_label};

    for (size_t i = 0; chart->values[i]; i++) {
        picture.values = memory_grow(picture.values, (i + 1) * sizeof *picture.values);
        picture.values[picture.value_count++] = find_column(table, chart->values[i]);
    }
    assert(picture.value_count > 0);
    table->pictures =
        memory_grow(table->pictures, (table->picture_count + 1) * sizeof *table->pictures);
    table->pictures[table->picture_count++] = picture;
}

/* ---- for those who render ---- */

size_t result_rows(const struct result_table *table)
{
    assert(table->cell_count % table->column_count == 0);
    return table->cell_count / table->column_count;
}

const struct result_cell *result_cell(const struct result_table *table, size_t row, size_t column)
{
    return &table->cells[row * table->column_count + column];
}

char *result_cell_text(const struct result_table *table, size_t row, size_t column)
{
    const struct result_cell *cell = result_cell(table, row, column);
    char text[RESULT_NUMBER_SIZE];

    if (cell->text)
        return memory_text(cell->text);
    if (cell->nothing)
        return memory_text("");
    return memory_text(result_show(table->columns[column].unit, cell->number, text));
}
