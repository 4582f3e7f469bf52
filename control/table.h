/* table: aligned columns of text, with colours where they are wanted. */

#ifndef MEC_TABLE_H
#define MEC_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "control/text.h"

enum table_colour { TABLE_PLAIN, TABLE_GOOD, TABLE_WARN, TABLE_BAD, TABLE_FAINT, TABLE_HEAD };

struct table;

/* A column whose heading starts with ">" is aligned to the right. */
struct table *table_create(const char *const *headings, size_t columns);
void table_free(struct table *table);

/* Cells are filled from left to right, row by row. */
void table_cell(struct table *table, enum table_colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Write it, every line behind @indent. */
void table_render(const struct table *table, struct text *text, const char *indent, bool colours);

/* The escape sequence that starts @colour, "" for none. */
const char *table_colour_code(enum table_colour colour, bool colours);

#endif
