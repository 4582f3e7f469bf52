#include "sim/model/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    double factor;
};

struct form {
    const char *example;
    const struct unit *units; /* the first is the one to print in when nothing fits better */
    bool bare;                /* a number without a unit is fine */
    bool whole;
};

static const struct unit durations[] = {{"us", 1},     {"ms", 1e3},    {"s", 1e6}, {"m", 60e6},
                                        {"h", 3600e6}, {"d", 86400e6}, {NULL, 0}};
static const struct unit shares[] = {{"%", 0.01}, {NULL, 0}};
static const struct unit numbers[] = {{"", 1}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}, {NULL, 0}};
static const struct unit sizes[] = {{"B", 1},         {"kB", 1e3},         {"MB", 1e6},
                                    {"GB", 1e9},      {"TB", 1e12},        {"KiB", 1024},
                                    {"MiB", 1048576}, {"GiB", 1073741824}, {NULL, 0}};
static const struct unit rates[] = {
    {"bit", 0.125}, {"kbit", 125}, {"mbit", 125e3}, {"gbit", 125e6}, {NULL, 0}};

static const struct form forms[] = {
    [QUANTITY_DURATION] = {"a duration such as 50us, 1.5ms or 2h", durations, false, false},
    [QUANTITY_SHARE] = {"a share such as 12.5%", shares, false, false},
    [QUANTITY_NUMBER] = {"a number such as 2.5 or 50M", numbers, true, false},
    [QUANTITY_COUNT] = {"a whole number such as 12 or 50M", numbers, true, true},
    [QUANTITY_SIZE] = {"a size such as 512B, 4KiB or 2GB", sizes, false, false},
    [QUANTITY_RATE] = {"a rate such as 100mbit", rates, false, false},
};

const char *quantity_example(enum quantity_kind kind)
{
    return forms[kind].example;
}

/* Plain decimals and exponents only: strtod() alone would take "nan", "inf", "0x1" and blanks. A
 * sign is read, so that a negative number can be told from no number. */
static bool looks_like_number(const char *text)
{
    return isdigit((unsigned char)text[*text == '-']) && strncasecmp(text, "0x", 2) != 0;
}

int quantity_parse(enum quantity_kind kind, const char *text, double *ret_value)
{
    const struct form *form = &forms[kind];
    char *end;

    if (!looks_like_number(text))
        return -EINVAL;
    double number = strtod(text, &end);
    if (end == text || !isfinite(number))
        return isfinite(number) ? -EINVAL : -ERANGE;
    const struct unit *unit = form->units;
    while (unit->name && strcmp(unit->name, end) != 0)
        unit++;
    double factor = unit->name ? unit->factor : 1;
    if (!unit->name && (*end != '\0' || (!form->bare && number != 0)))
        return -EINVAL;
    number *= factor;
    if (!isfinite(number) || number < 0)
        return -ERANGE;
    if (form->whole && number != floor(number))
        return -EINVAL;
    *ret_value = number;
    return 0;
}

static bool reads_back(enum quantity_kind kind, const char *text, double value)
{
    double again;

    return quantity_parse(kind, text, &again) == 0 && again == value;
}

/* The fewest digits that read back as the same number, in one unit. */
static bool print_in(enum quantity_kind kind, const struct unit *unit, double value,
                     char ret_text[QUANTITY_TEXT_SIZE])
{
    for (int digits = 1; digits <= 17; digits++) {
        char number[40];

        snprintf(number, sizeof number, "%.*g", digits, value / unit->factor);
        if (strchr(number, 'e'))
            continue;
        snprintf(ret_text, QUANTITY_TEXT_SIZE, "%s%s", number, unit->name);
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
    for (const struct unit *unit = units; unit->name; unit++) {
        char text[QUANTITY_TEXT_SIZE];
        /* The shortest; of equally short ones the larger unit. */
        if (print_in(kind, unit, value, text) && (!*best || strlen(text) <= strlen(best)))
            strcpy(best, text);
    }
    if (!*best)
        snprintf(best, sizeof best, "%.17g%s", value / units->factor, units->name);
    return strcpy(ret_text, best);
}
