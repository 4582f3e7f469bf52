#include "sim/model/result_svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHARACTER  6.6 /* width of one, in pixels, on average */
#define SWATCH     18.0
#define LEGEND_ROW 20.0
#define STEPS      5 /* about so many ticks */

/* ---- text ---- */

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xC0u) == 0x80u;
}

size_t result_svg_length(const char *words)
{
    size_t length = 0;

    for (; *words; words++)
        length += !is_continuation(*words);
    return length;
}

static void escape(struct text *out, const char *words, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        switch (words[i]) {
        case '<':
            text_add(out, "&lt;");
            break;
        case '>':
            text_add(out, "&gt;");
            break;
        case '&':
            text_add(out, "&amp;");
            break;
        case '"':
            text_add(out, "&quot;");
            break;
        default:
            text_add(out, "%c", (unsigned char)words[i] < ' ' ? ' ' : words[i]);
        }
    }
}

void result_svg_escape(struct text *out, const char *words)
{
    escape(out, words, strlen(words));
}

void result_svg_escape_cut(struct text *out, const char *words, size_t most)
{
    size_t size = 0;

    if (result_svg_length(words) <= most) {
        result_svg_escape(out, words);
        return;
    }
    for (size_t characters = 0; characters < most; characters++)
        for (size++; is_continuation(words[size]);)
            size++;
    /* The last character makes room for the mark. */
    do
        size--;
    while (size > 0 && is_continuation(words[size]));
    escape(out, words, size);
    text_add(out, "\u2026");
}

void result_svg_begin(struct text *out, const struct result_picture *picture, double width,
                      double height)
{
    text_add(out,
             "<svg viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\"><title>",
             width, height, width, height);
    result_svg_escape(out, picture->title);
    text_add(out, "</title>\n");
    if (picture->note) {
        text_add(out, "<desc>");
        result_svg_escape(out, picture->note);
        text_add(out, "</desc>\n");
    }
}

double result_svg_legend(struct text *out, const struct result_table *table,
                         const struct result_picture *picture, double x, double y, double width)
{
    double at = x;
    double row = y;

    if (picture->value_count < 2)
        return 0;
    for (size_t i = 0; i < picture->value_count; i++) {
        const char *name = table->columns[picture->values[i]].heading;
        double needed = SWATCH + CHARACTER * (double)result_svg_length(name) + 16;
        if (at > x && at + needed > x + width) {
            at = x;
            row += LEGEND_ROW;
        }
        if (out) {
            text_add(out,
                     "<rect class=\"s%zu\" x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\"/>"
                     "<text x=\"%.1f\" y=\"%.1f\">",
                     i % RESULT_SVG_SERIES, at, row, at + SWATCH, row + 10.5);
            result_svg_escape(out, name);
            text_add(out, "</text>\n");
        }
        at += needed;
    }
    return row - y + LEGEND_ROW;
}

/* ---- axes ---- */

/* The round number nearest above a fifth of the range. */
static double nice_step(double range)
{
    double rough = range / STEPS;
    double power = pow(10, floor(log10(rough)));
    double digit = rough / power - 1e-9; /* 2.0000000000000004 is 2 */

    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

static struct result_svg_axis linear_axis(double low, double high)
{
    struct result_svg_axis axis = {0};

    if (high <= low)
        high = low + (low == 0 ? 1 : fabs(low));
    double step = nice_step(high - low);
    axis.low = floor(low / step + 1e-9) * step;
    axis.high = ceil(high / step - 1e-9) * step;
    for (double n = 0; axis.tick_count < RESULT_SVG_TICKS_MAX; n++) {
        double tick = axis.low + n * step;
        if (tick > axis.high + step / 2)
            break;
        /* 0.30000000000000004 is 0.3 to everybody but a computer. */
        axis.ticks[axis.tick_count++] = fabs(tick) < step / 1e6 ? 0 : tick;
    }
    return axis;
}

static struct result_svg_axis logarithmic_axis(double low, double high)
{
    struct result_svg_axis axis = {.logarithmic = true};
    double first = floor(log10(low) + 1e-9);
    double last = ceil(log10(high) - 1e-9);

    if (last <= first)
        last = first + 1;
    double stride = ceil((last - first + 1) / RESULT_SVG_TICKS_MAX);
    axis.low = pow(10, first);
    axis.high = pow(10, last);
    for (double power = first; power <= last; power += stride)
        axis.ticks[axis.tick_count++] = pow(10, power);
    return axis;
}

struct result_svg_axis result_svg_axis(double low, double high, bool logarithmic)
{
    return logarithmic && low > 0 ? logarithmic_axis(low, high) : linear_axis(low, high);
}

double result_svg_at(const struct result_svg_axis *axis, double value)
{
    if (axis->logarithmic)
        return log(value / axis->low) / log(axis->high / axis->low);
    return (value - axis->low) / (axis->high - axis->low);
}

const char *result_svg_tick(enum result_unit unit, double value, char ret_text[RESULT_NUMBER_SIZE])
{
    result_show(unit, value, ret_text);
    char *point = strchr(ret_text, '.');
    if (!point)
        return ret_text;
    char *end = point + 1 + strspn(point + 1, "0123456789");
    char *kept = end;
    while (kept[-1] == '0')
        kept--;
    if (kept[-1] == '.')
        kept--;
    memmove(kept, end, strlen(end) + 1);
    return ret_text;
}
