#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "control/units.h"
#include "tests/unit/suite.h"

START_TEST(durations_are_read_with_their_units)
{
    static const struct {
        const char *text;
        uint64_t us;
    } rows[] = {{"150ms", 150000}, {"2s", 2000000},   {"1.5s", 1500000},
                {"100us", 100},    {"3m", 180000000}, {"1h", 3600000000},
                {"0", 0},          {"0.000001s", 1},  {"1d", 86400000000}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t us = 77;
        ck_assert_int_eq(units_parse_duration(rows[i].text, &us), 0);
        ck_assert_uint_eq(us, rows[i].us);
    }
}
END_TEST

START_TEST(what_is_no_duration_is_refused_and_sets_nothing)
{
    static const char *const texts[] = {"",     "5",   "-1s",  "s",     "1 s",       "1sec",
                                        "1,5s", "1.s", ".5s",  "1S",    "0x10ms",    "1e3ms",
                                        "1s ",  "nan", "1ms2", "+10ms", "1.0000001s"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint64_t us = 77;
        ck_assert_msg(units_parse_duration(texts[i], &us) == -EINVAL, "%s", texts[i]);
        ck_assert_uint_eq(us, 77);
    }
    uint64_t us;
    ck_assert_int_eq(units_parse_duration(NULL, &us), -EINVAL);
    ck_assert_int_eq(units_parse_duration("99999999999999999999s", &us), -ERANGE);
    ck_assert_int_eq(units_parse_duration("18446744073709551615s", &us), -ERANGE);
}
END_TEST

START_TEST(rates_are_bits_and_never_round_to_unlimited)
{
    uint64_t rate;

    ck_assert_int_eq(units_parse_rate("1mbit", &rate), 0);
    ck_assert_uint_eq(rate, 125000);
    ck_assert_int_eq(units_parse_rate("1.5gbit", &rate), 0);
    ck_assert_uint_eq(rate, 187500000);
    ck_assert_int_eq(units_parse_rate("7bit", &rate), -ERANGE);
    ck_assert_int_eq(units_parse_rate("1mb", &rate), -EINVAL);
}
END_TEST

START_TEST(shares_end_at_a_whole)
{
    uint32_t ppm;

    ck_assert_int_eq(units_parse_share("1%", &ppm), 0);
    ck_assert_uint_eq(ppm, 10000);
    ck_assert_int_eq(units_parse_share("0.05%", &ppm), 0);
    ck_assert_uint_eq(ppm, 500);
    ck_assert_int_eq(units_parse_share("100%", &ppm), 0);
    ck_assert_int_eq(units_parse_share("100.1%", &ppm), -ERANGE);
    ck_assert_int_eq(units_parse_share("1", &ppm), -EINVAL);
    ck_assert_int_eq(units_parse_share("-1%", &ppm), -EINVAL);
}
END_TEST

START_TEST(sizes_counts_and_switches_are_strict)
{
    uint64_t number;
    bool on = false;

    ck_assert_int_eq(units_parse_size("64MiB", &number), 0);
    ck_assert_uint_eq(number, UINT64_C(64) << 20);
    ck_assert_int_eq(units_parse_size("1kB", &number), 0);
    ck_assert_uint_eq(number, 1000);
    ck_assert_int_eq(units_parse_size("64", &number), -EINVAL);
    ck_assert_int_eq(units_parse_count("42", &number), 0);
    ck_assert_int_eq(units_parse_count("4.2", &number), -EINVAL);
    ck_assert_int_eq(units_parse_count("18446744073709551616", &number), -ERANGE);
    ck_assert_int_eq(units_parse_switch("on", &on), 0);
    ck_assert(on);
    ck_assert_int_eq(units_parse_switch("no", &on), 0);
    ck_assert(!on);
    ck_assert_int_eq(units_parse_switch("maybe", &on), -EINVAL);
    ck_assert_int_eq(units_parse_switch(NULL, &on), -EINVAL);
}
END_TEST

START_TEST(ranges_are_two_whole_numbers_in_order)
{
    static const char *const wrong[] = {
        "",        "5",    "..",    "1..",    "..5",    "5..4", "1...5",
        "1..5..9", "a..b", "-1..5", "1.5..3", "1 .. 5", "1-5",  "1..18446744073709551616"};
    uint64_t first = 77;
    uint64_t last = 77;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(units_parse_range(wrong[i], &first, &last) < 0, "%s", wrong[i]);
    ck_assert_int_lt(units_parse_range(NULL, &first, &last), 0);
    ck_assert_uint_eq(first, 77);
    ck_assert_uint_eq(last, 77);
    ck_assert_int_eq(units_parse_range("5..9", &first, &last), 0);
    ck_assert_uint_eq(first, 5);
    ck_assert_uint_eq(last, 9);
    ck_assert_int_eq(units_parse_range("0..18446744073709551615", &first, &last), 0);
    ck_assert(first == 0 && last == UINT64_MAX);
    ck_assert_int_eq(units_parse_range("7..7", &first, &last), 0);
}
END_TEST

START_TEST(factors_are_exact_millionths)
{
    uint64_t millionths;

    ck_assert_int_eq(units_parse_factor("2.5", &millionths), 0);
    ck_assert_uint_eq(millionths, 2500000);
    ck_assert_int_eq(units_parse_factor("0.001", &millionths), 0);
    ck_assert_uint_eq(millionths, 1000);
    ck_assert_int_eq(units_parse_factor("2x", &millionths), -EINVAL);
}
END_TEST

START_TEST(what_is_shown_reads_back)
{
    static const uint64_t times[] = {0, 1, 999, 1000, 1500, 150000, 2000000, 90000000, 86400000000};

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char text[UNITS_TEXT_SIZE];
        uint64_t us = 77;
        units_format_duration(times[i], text);
        ck_assert_int_eq(units_parse_duration(text, &us), 0);
        ck_assert_msg(us == times[i], "%s", text);
    }
    char text[UNITS_TEXT_SIZE];
    ck_assert_str_eq(units_format_rate(125000, text), "1mbit");
    ck_assert_str_eq(units_format_share(500, text), "0.05%");
    ck_assert_str_eq(units_format_size(UINT64_C(256) << 20, text), "256MiB");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        durations_are_read_with_their_units,
        what_is_no_duration_is_refused_and_sets_nothing,
        rates_are_bits_and_never_round_to_unlimited,
        shares_end_at_a_whole,
        sizes_counts_and_switches_are_strict,
        ranges_are_two_whole_numbers_in_order,
        factors_are_exact_millionths,
        what_is_shown_reads_back,
    };
    return suite_run(&(struct suite){.name = "units", SUITE_TESTS(tests)});
}
