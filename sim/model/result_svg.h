/* result_svg: the pictures of a result's tables, as SVG elements that stand in an HTML page.
 *
 * Colours are classes (s0 to s11, ink, faint, ..), which the page's style sheet defines for light
 * and dark; only heat maps carry colours of their own. Every picture names itself by <title>, so
 * that it can be read out. Coordinates are in pixels of the view box; a page scales them. */

#ifndef MEC_RESULT_SVG_H
#define MEC_RESULT_SVG_H

#include "control/text.h"
#include "sim/model/result_internal.h"

#define RESULT_SVG_SERIES 12 /* classes s0 to s11; of more columns than that, they come again */

void result_svg_bars(struct text *out, const struct result_table *table,
                     const struct result_picture *picture);
void result_svg_lines(struct text *out, const struct result_table *table,
                      const struct result_picture *picture);
void result_svg_heat(struct text *out, const struct result_table *table,
                     const struct result_picture *picture);

/* Text for HTML and SVG, in elements and in attributes. Control characters become blanks. */
void result_svg_escape(struct text *out, const char *words);

/* The same, cut to @most characters (not bytes), the last of them "..." then. */
void result_svg_escape_cut(struct text *out, const char *words, size_t most);

/* UTF-8 characters. */
size_t result_svg_length(const char *words);

/* Open <svg> with title and description. */
void result_svg_begin(struct text *out, const struct result_picture *picture, double width,
                      double height);

/* Names of the series below a picture, from (@x, @y) on. Returns the height that it needs with
 * @width pixels; with @out NULL only that. */
double result_svg_legend(struct text *out, const struct result_table *table,
                         const struct result_picture *picture, double x, double y, double width);

/* An axis from @low to @high in steps of 1, 2 or 5 times a power of ten; logarithmic ones in powers
 * of ten. @low and @high are made round. */
#define RESULT_SVG_TICKS_MAX 16
struct result_svg_axis {
    double low, high;
    bool logarithmic;
    double ticks[RESULT_SVG_TICKS_MAX];
    size_t tick_count;
};

struct result_svg_axis result_svg_axis(double low, double high, bool logarithmic);

/* Where @value is: 0 at the low end, 1 at the high one. */
double result_svg_at(const struct result_svg_axis *axis, double value);

/* A tick's label: as result_show(), without zeros behind the point. Returns @ret_text. */
const char *result_svg_tick(enum result_unit unit, double value, char ret_text[RESULT_NUMBER_SIZE]);

#endif
