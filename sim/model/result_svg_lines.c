#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "sim/model/result_svg.h"

#define WIDTH       760.0
#define LEFT        74.0
#define RIGHT       24.0
#define TOP         14.0
#define BOTTOM      320.0
#define AXIS        42.0
#define MARKERS_MAX 40 /* points of a line that are marked */
#define LABELS_MAX  12 /* names of categories below the picture */

struct lines {
    struct text *out;
    const struct result_table *table;
    const struct result_picture *picture;
    struct result_svg_axis x, y;
    bool categories; /* x is a row's number */
    bool logarithmic_x;
};

static bool x_value(const struct lines *lines, size_t row, double *ret_value)
{
    const struct result_cell *cell = result_cell(lines->table, row, lines->picture->label);

    *ret_value = lines->categories ? (double)row : cell->number;
    return lines->categories || (!cell->nothing && (!lines->logarithmic_x || cell->number > 0));
}

static bool y_value(const struct lines *lines, size_t row, size_t series, double *ret_value)
{
    const struct result_cell *cell = result_cell(lines->table, row, lines->picture->values[series]);

    *ret_value = cell->number;
    return !cell->nothing && !cell->text && (!lines->picture->logarithmic || cell->number > 0);
}

static void fit_axes(struct lines *lines)
{
    double least_x = DBL_MAX, most_x = -DBL_MAX, least_y = DBL_MAX, most_y = -DBL_MAX;
    bool logarithmic = lines->picture->logarithmic;
    double x, y;

    for (size_t row = 0; row < result_rows(lines->table); row++) {
        for (size_t i = 0; i < lines->picture->value_count; i++) {
            if (!x_value(lines, row, &x) || !y_value(lines, row, i, &y))
                continue;
            least_x = fmin(least_x, x);
            most_x = fmax(most_x, x);
            least_y = fmin(least_y, y);
            most_y = fmax(most_y, y);
        }
    }
    if (least_x > most_x) /* nothing to draw */
        least_x = least_y = 1, most_x = most_y = 10;
    /* What is near to zero starts there, so that heights can be compared. */
    if (!logarithmic && least_y > 0 && least_y < most_y / 2)
        least_y = 0;
    lines->y = result_svg_axis(least_y, most_y, logarithmic);
    if (lines->categories)
        lines->x = (struct result_svg_axis){.low = 0,
                                            .high = fmax(1, (double)result_rows(lines->table) - 1)};
    else
        lines->x = result_svg_axis(least_x, most_x, lines->logarithmic_x);
}

static double x_of(const struct lines *lines, double value)
{
    return LEFT + result_svg_at(&lines->x, value) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct lines *lines, double value)
{
    return BOTTOM - result_svg_at(&lines->y, value) * (BOTTOM - TOP);
}

static void draw_y_axis(const struct lines *lines)
{
    enum result_unit unit = lines->table->columns[lines->picture->values[0]].unit;
    char text[RESULT_NUMBER_SIZE];

    for (size_t i = 0; i < lines->y.tick_count; i++) {
        double y = y_of(lines, lines->y.ticks[i]);
        text_add(lines->out,
                 "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
                 "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
                 i == 0 ? "ink" : "grid", LEFT, y, WIDTH - RIGHT, y, LEFT - 8, y + 4);
        result_svg_escape(lines->out, result_svg_tick(unit, lines->y.ticks[i], text));
        text_add(lines->out, "</text>\n");
    }
}

static void draw_x_label(const struct lines *lines, double x, const char *label)
{
    text_add(lines->out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x,
             BOTTOM + 17);
    result_svg_escape_cut(lines->out, label, 14);
    text_add(lines->out, "</text>\n");
}

static void draw_x_axis(const struct lines *lines)
{
    const struct result_head *head = &lines->table->columns[lines->picture->label];
    size_t rows = result_rows(lines->table);
    size_t stride = rows / LABELS_MAX + 1;
    char text[RESULT_NUMBER_SIZE];

    for (size_t row = 0; lines->categories && row < rows; row += stride) {
        char *label = result_cell_text(lines->table, row, lines->picture->label);
        draw_x_label(lines, x_of(lines, (double)row), label);
        free(label);
    }
    for (size_t i = 0; i < lines->x.tick_count; i++)
        draw_x_label(lines, x_of(lines, lines->x.ticks[i]),
                     result_svg_tick(head->unit, lines->x.ticks[i], text));
    text_add(lines->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", WIDTH - RIGHT,
             BOTTOM + 36);
    result_svg_escape(lines->out, head->heading);
    text_add(lines->out, "</text>\n");
}

/* A line ends where there is no number, and goes on behind it. */
static void draw_line(const struct lines *lines, size_t series)
{
    bool open = false;
    double x, y;

    for (size_t row = 0; row < result_rows(lines->table); row++) {
        bool is_there = x_value(lines, row, &x) && y_value(lines, row, series, &y);
        if (is_there && !open)
            text_add(lines->out, "<polyline class=\"line l%zu\" points=\"",
                     series % RESULT_SVG_SERIES);
        if (is_there)
            text_add(lines->out, "%s%.1f,%.1f", open ? " " : "", x_of(lines, x), y_of(lines, y));
        if (!is_there && open)
            text_add(lines->out, "\"/>\n");
        open = is_there;
    }
    if (open)
        text_add(lines->out, "\"/>\n");
}

static void draw_markers(const struct lines *lines, size_t series)
{
    const struct result_head *head = &lines->table->columns[lines->picture->values[series]];
    char text[RESULT_NUMBER_SIZE];
    double x, y;

    if (result_rows(lines->table) > MARKERS_MAX)
        return;
    for (size_t row = 0; row < result_rows(lines->table); row++) {
        if (!x_value(lines, row, &x) || !y_value(lines, row, series, &y))
            continue;
        char *label = result_cell_text(lines->table, row, lines->picture->label);
        text_add(lines->out, "<circle class=\"s%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>",
                 series % RESULT_SVG_SERIES, x_of(lines, x), y_of(lines, y));
        result_svg_escape(lines->out, head->heading);
        text_add(lines->out, ", ");
        result_svg_escape(lines->out, label);
        text_add(lines->out, ": ");
        result_svg_escape(lines->out, result_show(head->unit, y, text));
        text_add(lines->out, "</title></circle>\n");
        free(label);
    }
}

void result_svg_lines(struct text *out, const struct result_table *table,
                      const struct result_picture *picture)
{
    struct lines lines = {.out = out,
                          .table = table,
                          .picture = picture,
                          .categories = table->columns[picture->label].unit == RESULT_TEXT};
    lines.logarithmic_x = picture->logarithmic && !picture->even_label && !lines.categories;
    double legend = BOTTOM + AXIS + 8;
    double height =
        legend + result_svg_legend(NULL, table, picture, LEFT, legend, WIDTH - LEFT - RIGHT);

    fit_axes(&lines);
    result_svg_begin(out, picture, WIDTH, height);
    draw_y_axis(&lines);
    draw_x_axis(&lines);
    for (size_t i = 0; i < picture->value_count; i++) {
        draw_line(&lines, i);
        draw_markers(&lines, i);
    }
    result_svg_legend(out, table, picture, LEFT, legend, WIDTH - LEFT - RIGHT);
    text_add(out, "</svg>\n");
}
