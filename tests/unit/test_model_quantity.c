#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/random.h"
#include "control/text.h"
#include "sim/model/quantity.h"
#include "sim/model/quote.h"
#include "tests/unit/suite.h"

START_TEST(what_is_written_is_rounded_once)
{
    static const struct {
        enum quantity_kind kind;
        const char *text;
        double value;
    } rows[] = {
        {QUANTITY_DURATION, "0", 0},
        {QUANTITY_DURATION, "0s", 0},
        {QUANTITY_DURATION, "0.0", 0},
        {QUANTITY_DURATION, "0e9", 0},
        {QUANTITY_DURATION, "50us", 50},
        {QUANTITY_DURATION, "1.1ms", 1100},
        {QUANTITY_DURATION, "2.3s", 2.3e6},
        {QUANTITY_DURATION, "1.1m", 66e6},
        {QUANTITY_DURATION, "1.5h", 5400e6},
        {QUANTITY_DURATION, "0.5d", 43200e6},
        {QUANTITY_DURATION, "1e3ms", 1e6},
        {QUANTITY_DURATION, "1E-3ms", 1},
        {QUANTITY_DURATION, "1e+3us", 1000},
        {QUANTITY_SHARE, "57%", 0.57},
        {QUANTITY_SHARE, "7%", 0.07},
        {QUANTITY_SHARE, "12.5%", 0.125},
        {QUANTITY_SHARE, "100%", 1},
        {QUANTITY_NUMBER, "2.5", 2.5},
        {QUANTITY_NUMBER, "0.1k", 100},
        {QUANTITY_NUMBER, "007", 7},
        {QUANTITY_COUNT, "1.001k", 1001},
        {QUANTITY_COUNT, "0.0015M", 1500},
        {QUANTITY_COUNT, "2.0", 2},
        {QUANTITY_COUNT, "100e-2", 1},
        {QUANTITY_COUNT, "50M", 50e6},
        {QUANTITY_COUNT, "1.2G", 12e8},
        {QUANTITY_COUNT, "9007199254740991", 9007199254740991.0},
        {QUANTITY_SIZE, "4KiB", 4096},
        {QUANTITY_SIZE, "1.5MiB", 1572864},
        {QUANTITY_SIZE, "2GiB", 2147483648.0},
        {QUANTITY_SIZE, "1.1kB", 1100},
        {QUANTITY_SIZE, "3TB", 3e12},
        {QUANTITY_SIZE, "0.5B", 0.5},
        {QUANTITY_RATE, "8bit", 1},
        {QUANTITY_RATE, "1.1kbit", 137.5},
        {QUANTITY_RATE, "100mbit", 125e5},
        {QUANTITY_RATE, "10gbit", 125e7},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = -1;
        ck_assert_msg(quantity_parse(rows[i].kind, rows[i].text, &value) == 0, "%s", rows[i].text);
        ck_assert_msg(value == rows[i].value, "%s is %.17g", rows[i].text, value);
    }
}
END_TEST

START_TEST(what_is_no_quantity_is_refused_in_words)
{
    static const struct {
        enum quantity_kind kind;
        const char *text, *refusal;
    } rows[] = {
        {QUANTITY_DURATION, "-1ms", "is negative"},
        {QUANTITY_DURATION, "-0", "is negative"},
        {QUANTITY_DURATION, "-0.0ms", "is negative"},
        {QUANTITY_DURATION, "-1e999ms", "is negative"},
        {QUANTITY_DURATION, "1e999ms", "is too large"},
        {QUANTITY_DURATION, "1e306s", "is too large"},
        {QUANTITY_DURATION, "1e99999999999999999999us", "is too large"},
        {QUANTITY_DURATION, "1e99999999999999999999ms", "is too large"},
        {QUANTITY_SHARE, "1e-99999999999999999999%", "is too small to be told from 0"},
        {QUANTITY_DURATION, "1e-999ms", "is too small to be told from 0"},
        {QUANTITY_DURATION, "1e-99999999999999999999us", "is too small to be told from 0"},
        {QUANTITY_SHARE, "1e-323%", "is too small to be told from 0"},
        {QUANTITY_COUNT, "9007199254740992", "is too large"},
        {QUANTITY_COUNT, "9007199254740993", "is too large"},
        {QUANTITY_COUNT, "18446744073709551615", "is too large"},
        {QUANTITY_COUNT, "1e300", "is too large"},
    };
    char expected[160];
    double value = 7;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int error = quantity_parse(rows[i].kind, rows[i].text, &value);
        char *refusal = quantity_refusal(rows[i].kind, rows[i].text, error);
        snprintf(expected, sizeof expected, "\"%s\" %s", rows[i].text, rows[i].refusal);
        ck_assert_int_eq(error, -ERANGE);
        ck_assert_str_eq(refusal, expected);
        free(refusal);
    }
    ck_assert_double_eq(value, 7);
}
END_TEST

/* Of no kind, and told what the kind looks like. */
START_TEST(what_has_not_the_form_is_told_the_form)
{
    static const char *const texts[] = {
        "",     " ",      "nan",       "NaN",   "-nan",  "inf",   "-inf",  "Infinity", ".inf",
        ".5",   "5.",     "1..2",      "1.2.3", "0x10",  "-0x10", "-0x0",  "0x1p3",    "1_000",
        "1,5",  "1,000",  " 5",        "5 ",    "5\t",   "+5",    "--5",   "-",        ".",
        "1e",   "1e+",    "e5",        "1e5.5", "~",     "null",  "true",  "five",     "5 ms",
        "5 %",  "\u0665", "5\u00a0ms", "5MS",   "5 k",   "5K",    "5kk",   "5mb",      "5ki",
        "0 ms", "0x",     "1/2",       "1d2h",  "50%%",  "1e5e5", "1ee5",  "1.5.ms",   "-5 ms",
        "5\n",  "\xff",   "5\xff",     "0b1",   "1'000", "1e 5",  "0.0.0", "0%%"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (enum quantity_kind kind = QUANTITY_DURATION; kind <= QUANTITY_RATE; kind++) {
            double value = 7;
            ck_assert_msg(quantity_parse(kind, texts[i], &value) == -EINVAL, "%d \"%s\" is %g",
                          (int)kind, texts[i], value);
            ck_assert_double_eq(value, 7);
            char *refusal = quantity_refusal(kind, texts[i], -EINVAL);
            char *end = text_format("\" is not %s", quantity_example(kind));
            size_t size = strlen(refusal), end_size = strlen(end);
            ck_assert(size > end_size && strcmp(refusal + size - end_size, end) == 0);
            free(end);
            free(refusal);
        }
    }
}
END_TEST

START_TEST(counts_are_whole_by_their_digits)
{
    static const char *const texts[] = {
        "1.5",     "1.50",  "0.5",     "1.0000000000000000001", "1e-1",
        "1.0001k", "10e-2", "10.0e-2", "4503599627370496.25",   "0.1M1"};
    double value = 7;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        ck_assert_msg(quantity_parse(QUANTITY_COUNT, texts[i], &value) == -EINVAL, "%s", texts[i]);
    ck_assert_double_eq(value, 7);
}
END_TEST

/* A quantity has the units of its kind, and but for a plain 0 there is one. */
START_TEST(units_are_those_of_the_kind)
{
    static const char *const units[][12] = {
        [QUANTITY_DURATION] = {"us", "ms", "s", "m", "h", "d", NULL},
        [QUANTITY_SHARE] = {"%", NULL},
        [QUANTITY_NUMBER] = {"", "k", "M", "G", NULL},
        [QUANTITY_COUNT] = {"", "k", "M", "G", NULL},
        [QUANTITY_SIZE] = {"B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", NULL},
        [QUANTITY_RATE] = {"bit", "kbit", "mbit", "gbit", NULL},
    };
    char text[16];

    for (int kind = QUANTITY_DURATION; kind <= QUANTITY_RATE; kind++) {
        for (int other = QUANTITY_DURATION; other <= QUANTITY_RATE; other++) {
            for (const char *const *unit = units[other]; *unit; unit++) {
                bool own = false;
                double value;
                for (const char *const *known = units[kind]; *known; known++)
                    own = own || strcmp(*known, *unit) == 0;
                snprintf(text, sizeof text, "3%s", *unit);
                ck_assert_msg(quantity_parse((enum quantity_kind)kind, text, &value) ==
                                  (own ? 0 : -EINVAL),
                              "%d %s", kind, text);
            }
        }
    }
}
END_TEST

START_TEST(numbers_are_printed_short)
{
    static const struct {
        enum quantity_kind kind;
        double value;
        const char *text;
    } rows[] = {
        {QUANTITY_DURATION, 0, "0"},
        {QUANTITY_DURATION, 1500, "1.5ms"},
        {QUANTITY_DURATION, 2e6, "2s"},
        {QUANTITY_DURATION, 60e6, "1m"},
        {QUANTITY_DURATION, 0.25, "0.25us"},
        {QUANTITY_DURATION, 86400e6, "1d"},
        {QUANTITY_DURATION, 1e-7, "1e-13s"},
        {QUANTITY_DURATION, 1e300, "1e294s"},
        {QUANTITY_SHARE, 0.125, "12.5%"},
        {QUANTITY_SHARE, 0.57, "57%"},
        {QUANTITY_SHARE, 0.07, "7%"},
        {QUANTITY_SHARE, 1.0 / 3, "33.33333333333333%"},
        {QUANTITY_SHARE, 1, "100%"},
        {QUANTITY_COUNT, 50e6, "50M"},
        {QUANTITY_COUNT, 1234, "1234"},
        {QUANTITY_COUNT, 1e12, "1000G"},
        {QUANTITY_COUNT, 9007199254740991.0, "9007199254740991"},
        {QUANTITY_NUMBER, 2.5, "2.5"},
        {QUANTITY_NUMBER, 100, "100"},
        {QUANTITY_NUMBER, 1e23, "1e23"},
        {QUANTITY_SIZE, 4096, "4KiB"},
        {QUANTITY_SIZE, 4000, "4kB"},
        {QUANTITY_RATE, 125e3, "1mbit"},
        {QUANTITY_RATE, 1e6, "8mbit"},
    };
    char text[QUANTITY_TEXT_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_str_eq(quantity_print(rows[i].kind, rows[i].value, text), rows[i].text);
    /* No quantities, but what goes wrong is told. */
    ck_assert_str_eq(quantity_print(QUANTITY_DURATION, -5, text), "-5us");
    ck_assert_str_eq(quantity_print(QUANTITY_NUMBER, NAN, text), "nan");
    ck_assert_str_eq(quantity_print(QUANTITY_NUMBER, INFINITY, text), "inf");
    ck_assert_str_eq(quantity_print(QUANTITY_COUNT, 1.5, text), "1.5");
}
END_TEST

/* Any double that a text can mean has a text that means it, and no plain number in the base unit is
 * shorter. */
static void check_exact(enum quantity_kind kind, double value)
{
    char text[QUANTITY_TEXT_SIZE], shorter[QUANTITY_TEXT_SIZE];
    double again;

    quantity_print(kind, value, text);
    ck_assert_msg(quantity_parse(kind, text, &again) == 0 && again == value, "%.17g: %s", value,
                  text);
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(shorter, sizeof shorter, "%.*g%s", digits,
                 kind == QUANTITY_RATE ? value * 8 : value,
                 kind == QUANTITY_DURATION ? "us"
                 : kind == QUANTITY_SIZE   ? "B"
                 : kind == QUANTITY_RATE   ? "bit"
                                           : "");
        if (!strchr(shorter, 'e') && quantity_parse(kind, shorter, &again) == 0 && again == value)
            ck_assert_msg(strlen(text) <= strlen(shorter), "%s, not %s", shorter, text);
    }
}

START_TEST(numbers_are_printed_exactly)
{
    struct random random;

    random_seed(&random, 5);
    for (size_t i = 0; i < (size_t)SUITE_SWEEP(10000); i++) {
        enum quantity_kind kind = (enum quantity_kind)random_up_to(&random, QUANTITY_RATE);
        uint64_t bits = random_next(&random) >> 1;
        double value = random_unit(&random) * pow(10, (double)random_up_to(&random, 24) - 9);
        /* Half of them are any doubles there are. */
        if (i % 2 == 0)
            memcpy(&value, &bits, sizeof value);
        if (kind == QUANTITY_COUNT)
            value = floor(fmod(value, QUANTITY_COUNT_MAX));
        if (isfinite(value) && (kind != QUANTITY_RATE || isfinite(value * 8)))
            check_exact(kind, value);
    }
    for (enum quantity_kind kind = QUANTITY_DURATION; kind <= QUANTITY_NUMBER; kind++) {
        check_exact(kind, 1.7976931348623157e308);
        check_exact(kind, 2.2250738585072014e-308);
    }
    check_exact(QUANTITY_DURATION, 4.9406564584124654e-324);
}
END_TEST

START_TEST(what_was_written_is_quoted_on_one_short_line)
{
    static const char *const rows[][2] = {
        {"", "\"\""},
        {"5 ms", "\"5 ms\""},
        {"S\u00e3o", "\"S\u00e3o\""},
        {"a\nb\t\x1b[31m\x7f", "\"a\\x0ab\\x09\\x1b[31m\\x7f\""},
    };
    char text[101], expected[101];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *quoted = quote_text(rows[i][0]);
        ck_assert_str_eq(quoted, rows[i][1]);
        free(quoted);
    }
    for (size_t size = 79; size <= 100; size++) {
        memset(text, 'x', size);
        text[size] = '\0';
        snprintf(expected, sizeof expected, "\"%.80s%s\"", text, size > 80 ? "..." : "");
        char *quoted = quote_text(text);
        ck_assert_str_eq(quoted, expected);
        free(quoted);
    }
    /* A letter of two bytes across the edge is not cut in halves. */
    memcpy(text + 79, "\u00e9", 2);
    char *quoted = quote_text(text);
    ck_assert_uint_eq(strlen(quoted), 79 + strlen("\"...\""));
    free(quoted);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_written_is_rounded_once,
        what_is_no_quantity_is_refused_in_words,
        what_has_not_the_form_is_told_the_form,
        counts_are_whole_by_their_digits,
        units_are_those_of_the_kind,
        numbers_are_printed_short,
        numbers_are_printed_exactly,
        what_was_written_is_quoted_on_one_short_line,
    };
    return suite_run(&(struct suite){.name = "model_quantity", SUITE_TESTS(tests)});
}
