#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "sim/model/result_svg.h"

#define ROW       26.0
#define CELL_MIN  58.0
#define CHARACTER 6.8
#define LABEL_MAX 34 /* characters */
#define HEAD_MAX  24

struct heat {
    struct text *out;
    const struct result_table *table;
    const struct result_picture *picture;
    double low, high;
    bool logarithmic;
    double left, top, cell;
};

static const struct result_cell *cell_at(const struct heat *heat, size_t row, size_t column)
{
    return result_cell(heat->table, row, heat->picture->values[column]);
}

static void fit_range(struct heat *heat)
{
    heat->low = DBL_MAX;
    heat->high = -DBL_MAX;
    for (size_t row = 0; row < result_rows(heat->table); row++) {
        for (size_t i = 0; i < heat->picture->value_count; i++) {
            const struct result_cell *cell = cell_at(heat, row, i);
            if (cell->nothing || cell->text)
                continue;
            heat->low = fmin(heat->low, cell->number);
            heat->high = fmax(heat->high, cell->number);
        }
    }
    heat->logarithmic = heat->picture->logarithmic && heat->low > 0;
    /* Zero is pale, wherever it can be: most maps are of losses. */
    if (!heat->logarithmic && heat->low > 0)
        heat->low = 0;
}

static void fit_size(struct heat *heat)
{
    size_t longest = 4;
    size_t head = 4;

    for (size_t row = 0; row < result_rows(heat->table); row++) {
        char *label = result_cell_text(heat->table, row, heat->picture->label);
        size_t length = result_svg_length(label);
        longest = length > longest ? length : longest;
        free(label);
    }
    for (size_t i = 0; i < heat->picture->value_count; i++) {
        size_t length = result_svg_length(heat->table->columns[heat->picture->values[i]].heading);
        head = length > head ? length : head;
    }
    head = head < HEAD_MAX ? head : HEAD_MAX;
    heat->left = 12 + CHARACTER * (double)(longest < LABEL_MAX ? longest : LABEL_MAX);
    heat->cell = CELL_MIN;
    /* Few columns have room for their names; those of many lean. */
    if (heat->picture->value_count <= 8)
        heat->cell = fmax(CELL_MIN, CHARACTER * (double)head + 10);
    heat->top = heat->cell > CELL_MIN || CHARACTER * (double)head + 6 < CELL_MIN
                    ? 24
                    : 14 + CHARACTER * (double)head * 0.75;
}

static double strength(const struct heat *heat, double value)
{
    if (heat->high <= heat->low)
        return value > 0 ? 0.5 : 0;
    if (heat->logarithmic)
        return log(value / heat->low) / log(heat->high / heat->low);
    return (value - heat->low) / (heat->high - heat->low);
}

/* From nearly white by orange to dark red; brightness falls all the way, so it reads in grey, too.
 */
static void colour(double at, unsigned ret_rgb[3])
{
    static const double stops[][3] = {
        {255, 250, 240}, {253, 200, 130}, {227, 110, 60}, {150, 30, 40}};
    double place = fmin(fmax(at, 0), 1) * 3;
    size_t below = place >= 3 ? 2 : (size_t)place;

    for (size_t i = 0; i < 3; i++)
        ret_rgb[i] = (unsigned)lround(
            stops[below][i] + (place - (double)below) * (stops[below + 1][i] - stops[below][i]));
}

static void draw_head(const struct heat *heat, size_t column)
{
    const char *name = heat->table->columns[heat->picture->values[column]].heading;
    double x = heat->left + heat->cell * ((double)column + 0.5);
    double y = heat->top - 8;

    if (heat->top > 24)
        text_add(heat->out, "<text x=\"%.1f\" y=\"%.1f\" transform=\"rotate(-45 %.1f %.1f)\">",
                 x - 6, y, x - 6, y);
    else
        text_add(heat->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x, y);
    result_svg_escape_cut(heat->out, name, HEAD_MAX);
    text_add(heat->out, "</text>\n");
}

static void draw_cell(const struct heat *heat, size_t row, size_t column)
{
    const struct result_head *head = &heat->table->columns[heat->picture->values[column]];
    const struct result_cell *cell = cell_at(heat, row, column);
    double x = heat->left + heat->cell * (double)column;
    double y = heat->top + ROW * (double)row;
    char text[RESULT_NUMBER_SIZE];
    unsigned rgb[3];

    if (cell->nothing || cell->text)
        return;
    double at = strength(heat, cell->number);
    colour(at, rgb);
    text_add(heat->out,
             "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
             "fill=\"#%02x%02x%02x\"/><text class=\"on\" x=\"%.1f\" y=\"%.1f\" "
             "text-anchor=\"middle\" fill=\"%s\">",
             x, y, heat->cell - 2, ROW - 2, rgb[0], rgb[1], rgb[2], x + heat->cell / 2 - 1,
             y + ROW / 2 + 3.5, at > 0.55 ? "#fff" : "#111");
    result_svg_escape(heat->out, result_show(head->unit, cell->number, text));
    text_add(heat->out, "</text>\n");
}

void result_svg_heat(struct text *out, const struct result_table *table,
                     const struct result_picture *picture)
{
    struct heat heat = {.out = out, .table = table, .picture = picture};
    size_t rows = result_rows(table);

    fit_range(&heat);
    fit_size(&heat);
    /* Names that lean stick out to the right. */
    double width = heat.left + heat.cell * (double)picture->value_count + (heat.top > 24 ? 90 : 4);
    result_svg_begin(out, picture, width, heat.top + ROW * (double)rows + 4);
    for (size_t i = 0; i < picture->value_count; i++)
        draw_head(&heat, i);
    for (size_t row = 0; row < rows; row++) {
        char *label = result_cell_text(table, row, picture->label);
        text_add(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", heat.left - 8,
                 heat.top + ROW * (double)row + ROW / 2 + 3.5);
        result_svg_escape_cut(out, label, LABEL_MAX);
        text_add(out, "</text>\n");
        free(label);
        for (size_t i = 0; i < picture->value_count; i++)
            draw_cell(&heat, row, i);
    }
    text_add(out, "</svg>\n");
}
