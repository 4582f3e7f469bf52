#include "control/units.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/moment.h"

#define MILLION UINT64_C(1000000)

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit duration_units[] = {
    {"d", 86400 * SECOND_US},
    {"h", 3600 * SECOND_US},
    {"m", 60 * SECOND_US},
    {"s", SECOND_US},
    {"ms", MILLISECOND_US},
    {"us", 1},
    {NULL, 0},
};
static const struct unit rate_units[] = {
    {"gbit", 1000 * MILLION}, {"mbit", MILLION}, {"kbit", 1000}, {"bit", 1}, {NULL, 0},
};
static const struct unit size_units[] = {
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {"GB", 1000 * MILLION},
    {"MB", MILLION},
    {"kB", 1000},
    {"B", 1},
    {NULL, 0},
};
static const struct unit share_units[] = {{"%", 10000}, {NULL, 0}};

/* Read `12` or `12.345`, at most six decimals, as whole part and millionths. */
static int read_number(const char **text, uint64_t *ret_whole, uint64_t *ret_millionths)
{
    const char *at = *text;
    uint64_t whole = 0;
    uint64_t millionths = 0;

    if (!isdigit((unsigned char)*at))
        return -EINVAL;
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)(*at - '0'), &whole))
            return -ERANGE;
    if (*at == '.') {
        uint64_t place = MILLION / 10;
        if (!isdigit((unsigned char)*++at))
            return -EINVAL;
        for (; isdigit((unsigned char)*at); at++, place /= 10) {
            if (place == 0)
                return -EINVAL;
            millionths += place * (uint64_t)(*at - '0');
        }
    }
    *text = at;
    *ret_whole = whole;
    *ret_millionths = millionths;
    return 0;
}

static int scale(uint64_t whole, uint64_t millionths, uint64_t factor, uint64_t *ret_value)
{
    uint64_t value;
    uint64_t fraction;

    if (__builtin_mul_overflow(whole, factor, &value) ||
        __builtin_mul_overflow(millionths, factor, &fraction) ||
        __builtin_add_overflow(value, fraction / MILLION, &value))
        return -ERANGE;
    *ret_value = value;
    return 0;
}

static int parse(const char *text, const struct unit *units, uint64_t *ret_value)
{
    uint64_t whole;
    uint64_t millionths;

    if (!text)
        return -EINVAL;
    int error = read_number(&text, &whole, &millionths);
    if (error != 0)
        return error;
    if (*text == '\0' && whole == 0 && millionths == 0) {
        *ret_value = 0;
        return 0;
    }
    for (const struct unit *unit = units; unit->name; unit++)
        if (strcmp(unit->name, text) == 0)
            return scale(whole, millionths, unit->factor, ret_value);
    return -EINVAL;
}

int units_parse_duration(const char *text, uint64_t *ret_us)
{
    return parse(text, duration_units, ret_us);
}

int units_parse_rate(const char *text, uint64_t *ret_bytes_per_s)
{
    uint64_t bits;
    int error = parse(text, rate_units, &bits);

    if (error != 0)
        return error;
    if (bits != 0 && bits < 8)
        return -ERANGE; /* would round to 0, which means unlimited */
    *ret_bytes_per_s = bits / 8;
    return 0;
}

int units_parse_share(const char *text, uint32_t *ret_ppm)
{
    uint64_t ppm;
    int error = parse(text, share_units, &ppm);

    if (error != 0)
        return error;
    if (ppm > MILLION)
        return -ERANGE;
    *ret_ppm = (uint32_t)ppm;
    return 0;
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
    return parse(text, size_units, ret_bytes);
}

int units_parse_count(const char *text, uint64_t *ret_count)
{
    uint64_t whole;
    uint64_t millionths;

    if (!text || strchr(text, '.'))
        return -EINVAL;
    int error = read_number(&text, &whole, &millionths);
    if (error != 0)
        return error;
    if (*text != '\0')
        return -EINVAL;
    *ret_count = whole;
    return 0;
}

int units_parse_range(const char *text, uint64_t *ret_first, uint64_t *ret_last)
{
    const char *dots = text ? strstr(text, "..") : NULL;
    char first_text[UNITS_TEXT_SIZE];
    uint64_t first;
    uint64_t last;

    if (!dots || (size_t)(dots - text) >= sizeof first_text)
        return -EINVAL;
    memcpy(first_text, text, (size_t)(dots - text));
    first_text[dots - text] = '\0';
    int error = units_parse_count(first_text, &first);
    if (error == 0)
        error = units_parse_count(dots + 2, &last);
    if (error == 0 && last < first)
        error = -EINVAL;
    if (error != 0)
        return error;
    *ret_first = first;
    *ret_last = last;
    return 0;
}

int units_parse_factor(const char *text, uint64_t *ret_millionths)
{
    uint64_t whole;
    uint64_t millionths;

    if (!text)
        return -EINVAL;
    int error = read_number(&text, &whole, &millionths);
    if (error != 0)
        return error;
    if (*text != '\0')
        return -EINVAL;
    return scale(whole, millionths, MILLION, ret_millionths);
}

int units_parse_switch(const char *text, bool *ret_on)
{
    static const char *const on[] = {"true", "yes", "on", "1", NULL};
    static const char *const off[] = {"false", "no", "off", "0", NULL};

    for (size_t i = 0; text && on[i]; i++) {
        if (strcmp(text, on[i]) != 0 && strcmp(text, off[i]) != 0)
            continue;
        *ret_on = strcmp(text, on[i]) == 0;
        return 0;
    }
    return -EINVAL;
}

/* The largest unit that the value fills; three decimals, closing zeros dropped. */
static const char *format(uint64_t value, const struct unit *units, char ret_text[UNITS_TEXT_SIZE])
{
    const struct unit *unit = units;

    while (unit[1].name && value < unit->factor)
        unit++;
    uint64_t whole = value / unit->factor;
    uint64_t thousandths =
        (uint64_t)((double)(value % unit->factor) * 1000.0 / (double)unit->factor);
    int size = snprintf(ret_text, UNITS_TEXT_SIZE, "%" PRIu64, whole);
    if (thousandths != 0) {
        size +=
            snprintf(ret_text + size, UNITS_TEXT_SIZE - (size_t)size, ".%03" PRIu64, thousandths);
        while (ret_text[size - 1] == '0')
            size--;
    }
    snprintf(ret_text + size, UNITS_TEXT_SIZE - (size_t)size, "%s", unit->name);
    return ret_text;
}

const char *units_format_duration(uint64_t us, char ret_text[UNITS_TEXT_SIZE])
{
    return us == 0 ? strcpy(ret_text, "0ms") : format(us, duration_units, ret_text);
}

const char *units_format_rate(uint64_t bytes_per_s, char ret_text[UNITS_TEXT_SIZE])
{
    return format(bytes_per_s * 8, rate_units, ret_text);
}

const char *units_format_share(uint32_t ppm, char ret_text[UNITS_TEXT_SIZE])
{
    snprintf(ret_text, UNITS_TEXT_SIZE, "%g%%", (double)ppm / 10000.0);
    return ret_text;
}

const char *units_format_size(uint64_t bytes, char ret_text[UNITS_TEXT_SIZE])
{
    static const struct unit binary[] = {{"GiB", UINT64_C(1) << 30},
                                         {"MiB", UINT64_C(1) << 20},
                                         {"KiB", UINT64_C(1) << 10},
                                         {"B", 1},
                                         {NULL, 0}};

    return format(bytes, binary, ret_text);
}
