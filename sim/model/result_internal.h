/* result_internal: what the renderers of a result see. */

#ifndef MEC_RESULT_INTERNAL_H
#define MEC_RESULT_INTERNAL_H

#include "sim/model/result.h"

struct result_cell {
    char *text; /* NULL: a number, or nothing */
    double number;
    bool nothing;
};

struct result_head {
    char *name, *heading;
    enum result_unit unit;
};

struct result_picture {
    enum result_chart_kind kind;
    char *title, *note; /* the latter may be NULL */
    size_t label;       /* columns */
    size_t *values;
    size_t value_count;
    bool logarithmic, even_label;
};

struct result_table {
    char *name, *title;
    struct result_head *columns;
    size_t column_count;
    struct result_cell *cells; /* row by row */
    size_t cell_count;
    struct result_picture *pictures;
    size_t picture_count;
};

struct result_lines {
    char **items;
    size_t count;
};

struct result {
    char *name, *title;
    struct result_lines failures, findings, assumptions;
    struct result_table **tables;
    size_t table_count;
};

/* Full rows. */
size_t result_rows(const struct result_table *table);
const struct result_cell *result_cell(const struct result_table *table, size_t row, size_t column);

/* A cell as people see it: "" for nothing. A new string. */
char *result_cell_text(const struct result_table *table, size_t row, size_t column);

#endif
