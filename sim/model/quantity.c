#include "sim/model/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/text.h"
#include "sim/model/quote.h"

/* Of the base unit: a power of ten, which only moves the decimal point, times a number that is
 * small and exact. Multiplying by 0.01 would make 57% another number than 0.57. */
struct unit {
    const char *name;
    int exponent;
    double times;
};

struct form {
    const char *example;
    const struct unit *units; /* the first is the base unit */
    bool whole;
};

static const struct unit durations[] = {{"us", 0, 1},   {"ms", 3, 1},    {"s", 6, 1}, {"m", 6, 60},
                                        {"h", 6, 3600}, {"d", 6, 86400}, {NULL, 0, 0}};
static const struct unit shares[] = {{"%", -2, 1}, {NULL, 0, 0}};
static const struct unit numbers[] = {
    {"", 0, 1}, {"k", 3, 1}, {"M", 6, 1}, {"G", 9, 1}, {NULL, 0, 0}};
static const struct unit sizes[] = {{"B", 0, 1},         {"kB", 3, 1},           {"MB", 6, 1},
                                    {"GB", 9, 1},        {"TB", 12, 1},          {"KiB", 0, 1024},
                                    {"MiB", 0, 1048576}, {"GiB", 0, 1073741824}, {NULL, 0, 0}};
static const struct unit rates[] = {
    {"bit", 0, 0.125}, {"kbit", 3, 0.125}, {"mbit", 6, 0.125}, {"gbit", 9, 0.125}, {NULL, 0, 0}};

static const struct form forms[] = {
    [QUANTITY_DURATION] = {"a duration such as 50us, 1.5ms or 2h", durations, false},
    [QUANTITY_SHARE] = {"a share such as 12.5%", shares, false},
    [QUANTITY_NUMBER] = {"a number such as 2.5 or 50M", numbers, false},
    [QUANTITY_COUNT] = {"a whole number such as 12 or 50M", numbers, true},
    [QUANTITY_SIZE] = {"a size such as 512B, 4KiB or 2GB", sizes, false},
    [QUANTITY_RATE] = {"a rate such as 100mbit", rates, false},
};

const char *quantity_example(enum quantity_kind kind)
{
    return forms[kind].example;
}

/* ---- reading ---- */

/* A text of the form -12.5e3ms, taken apart. */
struct written {
    bool negative;
    bool zero;
    const char *digits; /* "12.5" */
    int size;
    long last; /* the power of ten of the last digit that is not 0 */
    long exponent;
    const char *unit;
};

/* Plain decimals and exponents only: strtod() would take "nan", "inf", "0x1", "1." and blanks. */
static bool scan(const char *text, struct written *ret_written)
{
    struct written written = {.negative = *text == '-', .zero = true};
    const char *at = written.digits = text + written.negative;
    const char *point = NULL;

    for (; isdigit((unsigned char)*at) || (*at == '.' && !point && at > written.digits); at++) {
        if (*at == '.')
            point = at;
        else if (*at != '0')
            written.zero = false;
    }
    if (at == written.digits || at[-1] == '.')
        return false;
    written.size = (int)(at - written.digits);
    for (const char *zero = at - 1; !written.zero && (*zero == '0' || *zero == '.'); zero--)
        written.last += *zero == '0';
    written.last -= point ? at - 1 - point : 0;
    const char *power = at + 1 + (*at != '\0' && (at[1] == '-' || at[1] == '+'));
    if ((*at == 'e' || *at == 'E') && isdigit((unsigned char)*power)) {
        char *end;
        written.exponent = strtol(at + 1, &end, 10);
        at = end;
    }
    written.unit = at;
    *ret_written = written;
    return true;
}

/* Exponents beyond it do not matter, and sums with them must not overflow. */
static long bounded(long exponent)
{
    const long most = 100000000;

    return exponent > most ? most : exponent < -most ? -most : exponent;
}

/* The number in the base unit, of which decimals are rounded by strtod(), once. */
static double evaluate(const struct written *written, const struct unit *unit)
{
    long exponent = bounded(written->exponent) + unit->exponent;
    char *text = text_format("%.*se%ld", written->size, written->digits, exponent);
    double number = strtod(text, NULL) * unit->times;

    free(text);
    return number;
}

/* NULL: there is none of that name. */
static const struct unit *unit_of(const struct form *form, const struct written *written)
{
    for (const struct unit *unit = form->units; unit->name; unit++)
        if (strcmp(unit->name, written->unit) == 0)
            return unit;
    return written->zero && *written->unit == '\0' ? form->units : NULL; /* a plain 0 */
}

/* By its digits, as 1.0000000000000000001 is 1 as a double. */
static bool is_whole(const struct written *written, const struct unit *unit)
{
    return written->zero || written->last + bounded(written->exponent) + unit->exponent >= 0;
}

int quantity_parse(enum quantity_kind kind, const char *text, double *ret_value)
{
    const struct form *form = &forms[kind];
    struct written written;

    if (!scan(text, &written))
        return -EINVAL;
    const struct unit *unit = unit_of(form, &written);
    if (!unit)
        return -EINVAL;
    double number = evaluate(&written, unit);
    if (written.negative || !isfinite(number) || (number == 0 && !written.zero))
        return -ERANGE;
    if (form->whole && !is_whole(&written, unit))
        return -EINVAL;
    if (form->whole && number > QUANTITY_COUNT_MAX)
        return -ERANGE;
    *ret_value = number;
    return 0;
}

char *quantity_refusal(enum quantity_kind kind, const char *text, int error)
{
    struct written written;
    char *quoted = quote_text(text);
    char *refusal;

    if (error != -ERANGE || !scan(text, &written))
        refusal = text_format("%s is not %s", quoted, quantity_example(kind));
    else if (written.negative)
        refusal = text_format("%s is negative", quoted);
    else
        refusal = text_format("%s is too %s", quoted,
                              evaluate(&written, unit_of(&forms[kind], &written)) < 1
                                  ? "small to be told from 0"
                                  : "large");
    free(quoted);
    return refusal;
}

/* ---- printing ---- */

static bool reads_back(enum quantity_kind kind, const char *text, double value)
{
    double again;

    return quantity_parse(kind, text, &again) == 0 && again == value;
}

/* The digits of a number, without the point. */
struct decimals {
    char digits[24];
    int count;
    int point; /* so many digits stand before it; may be negative or beyond the last */
};

/* @value > 0, in @count digits, without zeros at the end. */
static struct decimals decimals_of(double value, int count)
{
    struct decimals decimals = {0};
    char text[40];

    snprintf(text, sizeof text, "%.*e", count - 1, value);
    for (const char *at = text; *at != 'e'; at++)
        if (*at != '.')
            decimals.digits[decimals.count++] = *at;
    decimals.point = atoi(strchr(text, 'e') + 1) + 1;
    while (decimals.count > 1 && decimals.digits[decimals.count - 1] == '0')
        decimals.count--;
    return decimals;
}

/* As a plain number where that is no long row of zeros. */
static void write_decimals(const struct decimals *decimals, const char *unit,
                           char ret_text[QUANTITY_TEXT_SIZE])
{
    const char *digits = decimals->digits;
    int count = decimals->count, point = decimals->point;

    if (point > 20 || point < -6)
        snprintf(ret_text, QUANTITY_TEXT_SIZE, "%c%s%.*se%d%s", digits[0], count > 1 ? "." : "",
                 count - 1, digits + 1, point - 1, unit);
    else if (point <= 0)
        snprintf(ret_text, QUANTITY_TEXT_SIZE, "0.%.*s%.*s%s", -point, "000000", count, digits,
                 unit);
    else if (point >= count)
        snprintf(ret_text, QUANTITY_TEXT_SIZE, "%.*s%.*s%s", count, digits, point - count,
                 "00000000000000000000", unit);
    else
        snprintf(ret_text, QUANTITY_TEXT_SIZE, "%.*s.%.*s%s", point, digits, count - point,
                 digits + point, unit);
}

/* The fewest digits that read back as the same number, in one unit. */
static bool print_in(enum quantity_kind kind, const struct unit *unit, double value,
                     char ret_text[QUANTITY_TEXT_SIZE])
{
    for (int count = 1; count <= 17; count++) {
        struct decimals decimals = decimals_of(value / unit->times, count);
        decimals.point -= unit->exponent;
        write_decimals(&decimals, unit->name, ret_text);
        if (reads_back(kind, ret_text, value))
            return true;
    }
    return false;
}

const char *quantity_print(enum quantity_kind kind, double value, char ret_text[QUANTITY_TEXT_SIZE])
{
    const struct unit *units = forms[kind].units;
    char best[QUANTITY_TEXT_SIZE] = "";

    if (value == 0)
        return strcpy(ret_text, "0");
    for (const struct unit *unit = units; unit->name && value > 0 && isfinite(value); unit++) {
        char text[QUANTITY_TEXT_SIZE];
        /* The shortest; of equally short ones the larger unit. */
        if (print_in(kind, unit, value, text) && (!*best || strlen(text) <= strlen(best)))
            strcpy(best, text);
    }
    /* No quantity, but a message may be about it. */
    if (!*best)
        snprintf(best, sizeof best, "%.17g%s", value / units->times, units->name);
    return strcpy(ret_text, best);
}
