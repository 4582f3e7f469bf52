#include <math.h>
#include <stdlib.h>

#include "sim/model/result_svg.h"

#define WIDTH     760.0
#define ROW       26.0
#define BAR       17.0
#define TOP       8.0
#define AXIS      24.0
#define CHARACTER 6.8
#define LABEL_MAX 30   /* characters */
#define TOTAL     70.0 /* room for the number behind a bar */

struct bars {
    struct text *out;
    const struct result_table *table;
    const struct result_picture *picture;
    struct result_svg_axis axis;
    double left, right, bottom;
};

static double value_at(const struct bars *bars, size_t row, size_t series)
{
    const struct result_cell *cell = result_cell(bars->table, row, bars->picture->values[series]);

    return cell->nothing || cell->text ? 0 : cell->number;
}

static double x_of(const struct bars *bars, double value)
{
    return bars->left + result_svg_at(&bars->axis, value) * (bars->right - bars->left);
}

/* What is positive is stacked to the right, what is negative to the left. */
static void sums(const struct bars *bars, size_t row, double *ret_negative, double *ret_positive)
{
    *ret_negative = *ret_positive = 0;
    for (size_t i = 0; i < bars->picture->value_count; i++) {
        double value = value_at(bars, row, i);
        *(value < 0 ? ret_negative : ret_positive) += value;
    }
}

static void fit_axis(struct bars *bars)
{
    double low = 0;
    double high = 0;

    for (size_t row = 0; row < result_rows(bars->table); row++) {
        double negative, positive;
        sums(bars, row, &negative, &positive);
        low = fmin(low, negative);
        high = fmax(high, positive);
    }
    /* Shares end at a whole, not at 120 %. */
    bars->axis = result_svg_axis(low, high, false);
    if (bars->table->columns[bars->picture->values[0]].unit == RESULT_SHARE && low == 0 &&
        high <= 1 + 1e-9 && bars->axis.high > 1)
        bars->axis = result_svg_axis(0, 1, false);
}

static void fit_labels(struct bars *bars)
{
    size_t longest = 4;

    for (size_t row = 0; row < result_rows(bars->table); row++) {
        char *label = result_cell_text(bars->table, row, bars->picture->label);
        size_t length = result_svg_length(label);
        longest = length > longest ? length : longest;
        free(label);
    }
    bars->left = 10 + CHARACTER * (double)(longest < LABEL_MAX ? longest : LABEL_MAX);
    bars->right = WIDTH - TOTAL;
}

static void draw_axis(const struct bars *bars)
{
    enum result_unit unit = bars->table->columns[bars->picture->values[0]].unit;
    char text[RESULT_NUMBER_SIZE];

    for (size_t i = 0; i < bars->axis.tick_count; i++) {
        double x = x_of(bars, bars->axis.ticks[i]);
        text_add(bars->out,
                 "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>"
                 "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
                 bars->axis.ticks[i] == 0 ? "ink" : "grid", x, TOP, x, bars->bottom, x,
                 bars->bottom + 16);
        result_svg_escape(bars->out, result_svg_tick(unit, bars->axis.ticks[i], text));
        text_add(bars->out, "</text>\n");
    }
}

static void draw_part(const struct bars *bars, double y, size_t row, size_t series, double from,
                      double to)
{
    const struct result_head *head = &bars->table->columns[bars->picture->values[series]];
    char text[RESULT_NUMBER_SIZE];
    double left = x_of(bars, fmin(from, to));
    double right = x_of(bars, fmax(from, to));
    char *label = result_cell_text(bars->table, row, bars->picture->label);

    text_add(bars->out,
             "<rect class=\"s%zu\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>",
             series % RESULT_SVG_SERIES, left, y, right - left, BAR);
    result_svg_escape(bars->out, label);
    text_add(bars->out, ", ");
    result_svg_escape(bars->out, head->heading);
    text_add(bars->out, ": ");
    result_svg_escape(bars->out, result_show(head->unit, to - from, text));
    text_add(bars->out, "</title></rect>\n");
    free(label);
}

static void draw_row(const struct bars *bars, size_t row)
{
    enum result_unit unit = bars->table->columns[bars->picture->values[0]].unit;
    double y = TOP + ROW * (double)row + (ROW - BAR) / 2;
    double ends[2] = {0, 0}; /* of what is negative, of what is positive */
    char text[RESULT_NUMBER_SIZE];
    char *label = result_cell_text(bars->table, row, bars->picture->label);

    text_add(bars->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", bars->left - 8,
             y + BAR - 4);
    result_svg_escape_cut(bars->out, label, LABEL_MAX);
    text_add(bars->out, "</text>\n");
    free(label);
    for (size_t i = 0; i < bars->picture->value_count; i++) {
        double value = value_at(bars, row, i);
        double *end = &ends[value > 0];
        if (value != 0)
            draw_part(bars, y, row, i, *end, *end + value);
        *end += value;
    }
    text_add(bars->out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">", x_of(bars, ends[1]) + 6,
             y + BAR - 4);
    result_svg_escape(bars->out, result_show(unit, ends[0] + ends[1], text));
    text_add(bars->out, "</text>\n");
}

void result_svg_bars(struct text *out, const struct result_table *table,
                     const struct result_picture *picture)
{
    struct bars bars = {.out = out, .table = table, .picture = picture};
    size_t rows = result_rows(table);

    fit_axis(&bars);
    fit_labels(&bars);
    bars.bottom = TOP + ROW * (double)rows;
    double legend = bars.bottom + AXIS + 8;
    double height =
        legend + result_svg_legend(NULL, table, picture, bars.left, legend, WIDTH - bars.left);
    result_svg_begin(out, picture, WIDTH, height);
    draw_axis(&bars);
    for (size_t row = 0; row < rows; row++)
        draw_row(&bars, row);
    result_svg_legend(out, table, picture, bars.left, legend, WIDTH - bars.left);
    text_add(out, "</svg>\n");
}
