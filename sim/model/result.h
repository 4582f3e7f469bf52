/* result: what a model has found: tables, pictures drawn from their columns, findings in words, and
 * the assumptions that all of it rests on. Rendered for a terminal, as JSON, as CSV, and as one
 * HTML page that needs nothing from anywhere (pictures are SVG within it).
 *
 * Numbers are kept as they were computed, in base units; only rendering rounds and scales. */

#ifndef MEC_RESULT_H
#define MEC_RESULT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

enum result_unit {
    RESULT_TEXT,
    RESULT_NUMBER,  /* as it is, with as many decimals as make sense for its size */
    RESULT_COUNT,   /* shown as 1,234 or 50M */
    RESULT_US,      /* microseconds; shown as ms, s */
    RESULT_SHARE,   /* 0 to 1; shown as % */
    RESULT_BYTES,   /* shown as kB, MB, GB, TB */
    RESULT_MINUTES, /* shown as min, h */
    RESULT_COST,    /* in the units of cost, or the currency, that the result states */
    RESULT_FACTOR   /* shown as 1.25x */
};

struct result_column {
    const char *name;    /* of JSON and CSV: "p50_us" */
    const char *heading; /* for people: "p50" */
    enum result_unit unit;
};

enum result_chart_kind {
    RESULT_BARS,  /* a bar for each row; several value columns are stacked */
    RESULT_LINES, /* a line for each value column, over the label column */
    RESULT_HEAT   /* a square for each row and value column, coloured by its number */
};

struct result_chart {
    enum result_chart_kind kind;
    const char *title;
    const char *label;         /* column of the table: the row's name, or x of lines */
    const char *const *values; /* columns of the table, of one unit; the last is NULL */
    const char *note;          /* below the picture; may be NULL */
    bool logarithmic;          /* x and y of lines; colours of heat */
    bool even_label;           /* of lines that are logarithmic: but x is not */
};

struct result;
struct result_table;

/* @name: "latency". All texts here and below are copied. */
struct result *result_create(const char *name, const char *title);
void result_free(struct result *result);

void result_assume(struct result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void result_find(struct result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An objective or a comparison that was missed: said first, and the program exits with 1. */
void result_fail(struct result *result, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool result_failed(const struct result *result);

/* Add a table. It belongs to @result. Cells are filled from left to right, row by row; a row that
 * is not full is a bug. */
struct result_table *result_table(struct result *result, const char *name, const char *title,
                                  const struct result_column *columns, size_t count);
void result_text(struct result_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void result_number(struct result_table *table, double number); /* finite */
void result_nothing(struct result_table *table);               /* there is no such number */

/* Draw a picture of @table, below it. A column that does not exist is a bug. */
void result_chart(struct result_table *table, const struct result_chart *chart);

/* Columns beyond the first 100 rows are shown in part on a terminal, never elsewhere. */
char *result_as_text(const struct result *result, bool colours); /* a new string, as all below */
/* {"model", "title", "failed": [..], "findings": [..], "assumptions": [..], "parameters",
 * "tables": {name: [{column: value}]}}. @parameters is borrowed. */
json_t *result_as_json(const struct result *result, const json_t *parameters);
/* RFC 4180. Each table: a line of column names, the first of them "table", then its rows; an empty
 * line between two tables. */
char *result_as_csv(const struct result *result);
char *result_as_html(const struct result *result, const json_t *parameters);

/* @number as result_as_text() shows it, into @ret_text; for findings. Returns @ret_text. */
#define RESULT_NUMBER_SIZE 32
const char *result_show(enum result_unit unit, double number, char ret_text[RESULT_NUMBER_SIZE]);

#endif
