#include "sim/model/result_internal.h"

static json_t *lines_json(const struct result_lines *lines)
{
    json_t *list = json_array();

    for (size_t i = 0; i < lines->count; i++)
        json_array_append_new(list, json_string(lines->items[i]));
    return list;
}

static json_t *cell_json(const struct result_cell *cell)
{
    if (cell->nothing)
        return json_null();
    return cell->text ? json_string(cell->text) : json_real(cell->number);
}

static json_t *table_json(const struct result_table *table)
{
    json_t *rows = json_array();

    for (size_t row = 0; row < result_rows(table); row++) {
        json_t *object = json_object();
        for (size_t column = 0; column < table->column_count; column++)
            json_object_set_new(object, table->columns[column].name,
                                cell_json(result_cell(table, row, column)));
        json_array_append_new(rows, object);
    }
    return rows;
}

json_t *result_as_json(const struct result *result, const json_t *parameters)
{
    json_t *json = json_object();
    json_t *tables = json_object();

    for (size_t i = 0; i < result->table_count; i++)
        json_object_set_new(tables, result->tables[i]->name, table_json(result->tables[i]));
    json_object_set_new(json, "model", json_string(result->name));
    json_object_set_new(json, "title", json_string(result->title));
    json_object_set_new(json, "failed", lines_json(&result->failures));
    json_object_set_new(json, "findings", lines_json(&result->findings));
    json_object_set_new(json, "assumptions", lines_json(&result->assumptions));
    json_object_set_new(json, "parameters", json_deep_copy(parameters));
    json_object_set_new(json, "tables", tables);
    return json;
}
