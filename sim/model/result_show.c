#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/model/result.h"

struct step {
    double size;
    const char *name;
};

static const struct step times[] = {{1, " us"},     {1e3, " ms"},   {1e6, " s"},
                                    {60e6, " min"}, {3600e6, " h"}, {0, NULL}};
static const struct step bytes[] = {{1, " B"},     {1e3, " kB"},  {1e6, " MB"}, {1e9, " GB"},
                                    {1e12, " TB"}, {1e15, " PB"}, {0, NULL}};
static const struct step minutes[] = {
    {1.0 / 60, " s"}, {1, " min"}, {60, " h"}, {1440, " d"}, {0, NULL}};
static const struct step counts[] = {{1, ""}, {1e6, "M"}, {1e9, "G"}, {1e12, "T"}, {0, NULL}};

/* Three digits, or all of the whole ones; with commas between thousands. */
static void print_number(double number, char *text, size_t size)
{
    double magnitude = fabs(number);
    int decimals = magnitude >= 99.95 || magnitude == 0 ? 0
                   : magnitude >= 9.995                 ? 1
                   : magnitude >= 0.9995                ? 2
                   : magnitude >= 0.001                 ? 3
                                                        : 6;
    char plain[64];
    size_t at = 0;

    snprintf(plain, sizeof plain, "%.*f", decimals, number);
    if (magnitude >= 1e15) {
        snprintf(text, size, "%.3g", number);
        return;
    }
    size_t whole = strcspn(plain, ".");
    size_t sign = plain[0] == '-';
    for (size_t i = 0; plain[i] && at + 2 < size; i++) {
        if (i > sign && i < whole && (whole - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = plain[i];
    }
    text[at] = '\0';
}

/* What rounds to the next step is shown in it: 999.96 us are 1.00 ms. */
static void print_in_steps(const struct step *steps, double number, char *text, size_t size)
{
    const struct step *best = steps;
    char digits[48];

    for (const struct step *step = steps; step->name; step++)
        if (fabs(number) >= step->size * 0.99995)
            best = step;
    print_number(number / best->size, digits, sizeof digits);
    snprintf(text, size, "%.*s%s", (int)(size - 8), digits, best->name);
}

static void print_count(double number, char *text, size_t size)
{
    if (fabs(number) >= 1e7)
        print_in_steps(counts, number, text, size);
    else if (number == floor(number) || fabs(number) >= 100)
        print_number(round(number) + 0.0, text, size);
    else
        print_number(number, text, size);
}

/* A whole number has no decimals, whatever its size. */
static void drop_zeros(char *text)
{
    char *point = strchr(text, '.');

    if (!point)
        return;
    char *end = point + strspn(point + 1, "0123456789") + 1;
    char *last = end;
    while (last > point && (last[-1] == '0' || last[-1] == '.'))
        last--;
    if (last > point)
        return; /* 1.50 keeps its digits, so that columns can be compared */
    memmove(point, end, strlen(end) + 1);
}

const char *result_show(enum result_unit unit, double number, char ret_text[RESULT_NUMBER_SIZE])
{
    switch (unit) {
    case RESULT_US:
        print_in_steps(times, number, ret_text, RESULT_NUMBER_SIZE);
        break;
    case RESULT_BYTES:
        print_in_steps(bytes, number, ret_text, RESULT_NUMBER_SIZE);
        break;
    case RESULT_MINUTES:
        print_in_steps(minutes, number, ret_text, RESULT_NUMBER_SIZE);
        break;
    case RESULT_COUNT:
        print_count(number, ret_text, RESULT_NUMBER_SIZE);
        break;
    case RESULT_SHARE:
        snprintf(ret_text, RESULT_NUMBER_SIZE,
                 fabs(number) < 0.0005 && number != 0 ? "%.3f%%" : "%.1f%%", number * 100);
        break;
    case RESULT_FACTOR:
        snprintf(ret_text, RESULT_NUMBER_SIZE, "%.2fx", number);
        break;
    case RESULT_TEXT:
    case RESULT_NUMBER:
    case RESULT_COST:
        print_number(number, ret_text, RESULT_NUMBER_SIZE);
        break;
    }
    if (unit == RESULT_NUMBER || unit == RESULT_COUNT || number == 0)
        drop_zeros(ret_text);
    return ret_text;
}
