#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model/result_svg.h"
#include "tests/unit/suite.h"

START_TEST(numbers_are_shown_with_as_much_as_matters)
{
    static const struct {
        enum result_unit unit;
        double number;
        const char *text;
    } rows[] = {
        {RESULT_US, 0, "0 us"},
        {RESULT_US, 0.5, "0.500 us"},
        {RESULT_US, 85.25, "85.2 us"},
        {RESULT_US, 999.94, "1,000 us"},
        {RESULT_US, 999.96, "1.00 ms"},
        {RESULT_US, 1000, "1.00 ms"},
        {RESULT_US, 72136, "72.1 ms"},
        {RESULT_US, 999960, "1.00 s"},
        {RESULT_US, 90e6, "1.50 min"},
        {RESULT_US, 7200e6, "2.00 h"},
        {RESULT_US, -72136, "-72.1 ms"},
        {RESULT_SHARE, 0, "0%"},
        {RESULT_SHARE, 1, "100.0%"},
        {RESULT_SHARE, 0.125, "12.5%"},
        {RESULT_SHARE, 0.0001, "0.010%"},
        {RESULT_SHARE, -0.031, "-3.1%"},
        {RESULT_COUNT, 0, "0"},
        {RESULT_COUNT, 7, "7"},
        {RESULT_COUNT, 1234567, "1,234,567"},
        {RESULT_COUNT, 5e7, "50M"},
        {RESULT_COUNT, 2.5, "2.50"},
        {RESULT_COUNT, 1234.4, "1,234"},
        {RESULT_BYTES, 512, "512 B"},
        {RESULT_BYTES, 3.25e12, "3.25 TB"},
        {RESULT_MINUTES, 0.5, "30.0 s"},
        {RESULT_MINUTES, 90, "1.50 h"},
        {RESULT_MINUTES, 2880, "2.00 d"},
        {RESULT_FACTOR, 1.254, "1.25x"},
        {RESULT_COST, 12345.678, "12,346"},
        {RESULT_COST, 0.0123, "0.012"},
        {RESULT_NUMBER, 5, "5"},
        {RESULT_NUMBER, 99.9, "99.9"},
        {RESULT_NUMBER, 1e18, "1e+18"},
    };
    char text[RESULT_NUMBER_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_str_eq(result_show(rows[i].unit, rows[i].number, text), rows[i].text);
}
END_TEST

START_TEST(ticks_have_no_zeros_behind_the_point)
{
    char text[RESULT_NUMBER_SIZE];

    ck_assert_str_eq(result_svg_tick(RESULT_US, 20000, text), "20 ms");
    ck_assert_str_eq(result_svg_tick(RESULT_US, 1500, text), "1.5 ms");
    ck_assert_str_eq(result_svg_tick(RESULT_SHARE, 1, text), "100%");
    ck_assert_str_eq(result_svg_tick(RESULT_COUNT, 1000, text), "1,000");
}
END_TEST

START_TEST(axes_are_round)
{
    struct result_svg_axis axis = result_svg_axis(0, 72.1, false);

    ck_assert_double_eq(axis.low, 0);
    ck_assert_double_eq(axis.high, 80);
    ck_assert_uint_eq(axis.tick_count, 5);
    ck_assert_double_eq(axis.ticks[1], 20);
    ck_assert_double_eq(result_svg_at(&axis, 20), 0.25);
    axis = result_svg_axis(0, 1, false);
    ck_assert_uint_eq(axis.tick_count, 6);
    axis = result_svg_axis(0, 0, false);
    ck_assert_double_eq(axis.low, 0);
    ck_assert_double_ge(axis.high, 1);
    axis = result_svg_axis(-3, 7, false);
    ck_assert_double_eq(axis.low, -4);
    ck_assert_double_eq(axis.high, 8);
    axis = result_svg_axis(30, 5000, true);
    ck_assert_double_eq(axis.low, 10);
    ck_assert_double_eq(axis.high, 10000);
    ck_assert_uint_eq(axis.tick_count, 4);
    ck_assert_double_eq_tol(result_svg_at(&axis, 1000), 2.0 / 3, 1e-12);
    axis = result_svg_axis(1e-20, 1e20, true);
    ck_assert_uint_le(axis.tick_count, RESULT_SVG_TICKS_MAX);
    axis = result_svg_axis(5, 5, true);
    ck_assert_double_lt(axis.low, axis.high);
}
END_TEST

static const struct result_column columns[] = {{"place", "Place & <all>", RESULT_TEXT},
                                               {"slow_us", "Slow \"a\"", RESULT_US},
                                               {"slower_us", "Slower", RESULT_US}};
static const char *const values[] = {"slow_us", "slower_us", NULL};

/* Two rows: 10 and 30 ms, 20 ms and nothing. */
static struct result *make(enum result_chart_kind kind)
{
    struct result *result = result_create("test", "A <title>");
    struct result_table *table = result_table(result, "by_place", "By place", columns, 3);

    result_text(table, "%s", "a, \"b\"");
    result_number(table, 10000);
    result_number(table, 30000);
    result_text(table, "%s", "c<d>");
    result_number(table, 20000);
    result_nothing(table);
    result_chart(table, &(struct result_chart){.kind = kind,
                                               .title = "Pic & <ture>",
                                               .label = "place",
                                               .values = values,
                                               .note = "no <b>"});
    result_find(result, "found %d & more", 3);
    result_assume(result, "assumed <i>");
    return result;
}

START_TEST(tables_become_csv)
{
    struct result *result = make(RESULT_BARS);
    struct result_table *table = result_table(result, "second", "", columns, 1);
    char *csv;

    result_text(table, "%s", "two\nlines");
    csv = result_as_csv(result);
    ck_assert_str_eq(csv, "table,place,slow_us,slower_us\r\n"
                          "by_place,\"a, \"\"b\"\"\",10000,30000\r\n"
                          "by_place,c<d>,20000,\r\n"
                          "\r\n"
                          "table,place\r\n"
                          "second,\"two\nlines\"\r\n");
    free(csv);
    result_free(result);
}
END_TEST

START_TEST(all_of_it_becomes_json)
{
    struct result *result = make(RESULT_BARS);
    json_t *parameters = json_pack("{s:i}", "x", 1);
    char *text;

    result_fail(result, "missed");
    ck_assert(result_failed(result));
    json_t *json = result_as_json(result, parameters);
    text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    ck_assert_str_eq(
        text,
        "{\"assumptions\":[\"assumed <i>\"],\"failed\":[\"missed\"],\"findings\":[\"found 3 & "
        "more\"],\"model\":\"test\",\"parameters\":{\"x\":1},\"tables\":{\"by_place\":[{"
        "\"place\":\"a, \\\"b\\\"\",\"slow_us\":10000.0,\"slower_us\":30000.0},{\"place\":\"c<"
        "d>\",\"slow_us\":20000.0,\"slower_us\":null}]},\"title\":\"A <title>\"}");
    free(text);
    json_decref(json);
    json_decref(parameters);
    result_free(result);
}
END_TEST

START_TEST(people_read_tables_with_units)
{
    struct result *result = make(RESULT_BARS);
    char *text = result_as_text(result, false);

    ck_assert_str_eq(text, "A <title>\n\nFindings\n  - found 3 & more\n\nBy place\n"
                           "  Place & <all>  Slow \"a\"   Slower\n"
                           "  a, \"b\"          10.0 ms  30.0 ms\n"
                           "  c<d>            20.0 ms         \n"
                           "\nAssumptions\n  - assumed <i>\n");
    free(text);
    result_free(result);
}
END_TEST

/* Every element that opens closes, in order. */
static void check_balanced(const char *page)
{
    const char *open[64];
    size_t depth = 0;

    for (const char *at = strchr(page, '<'); at; at = strchr(at + 1, '<')) {
        const char *end = strchr(at, '>');
        ck_assert_ptr_nonnull(end);
        if (at[1] == '!' || end[-1] == '/' || strncmp(at, "<meta", 5) == 0)
            continue;
        if (at[1] != '/') {
            ck_assert_uint_lt(depth, 64);
            open[depth++] = at + 1;
            continue;
        }
        ck_assert_uint_gt(depth, 0);
        size_t size = (size_t)(end - at - 2);
        ck_assert_msg(strncmp(open[--depth], at + 2, size) == 0 &&
                          strchr(" >", open[depth][size]) != NULL,
                      "%.30s closed by %.30s", open[depth], at);
    }
    ck_assert_uint_eq(depth, 0);
}

START_TEST(pages_are_well_formed_and_escape_everything)
{
    static const enum result_chart_kind kinds[] = {RESULT_BARS, RESULT_LINES, RESULT_HEAT};

    for (size_t i = 0; i < 3; i++) {
        struct result *result = make(kinds[i]);
        json_t *parameters = json_pack("{s:s}", "x", "<script>");
        char *page = result_as_html(result, parameters);
        check_balanced(page);
        ck_assert_ptr_null(strstr(page, "<script"));
        ck_assert_ptr_null(strstr(page, "<ture>"));
        ck_assert_ptr_null(strstr(page, "<d>"));
        ck_assert_ptr_null(strstr(page, "<all>"));
        ck_assert_ptr_null(strstr(page, "http"));
        ck_assert_ptr_nonnull(strstr(page, "<title>Pic &amp; &lt;ture&gt;</title>"));
        ck_assert_ptr_nonnull(strstr(page, "<desc>no &lt;b&gt;</desc>"));
        ck_assert_ptr_nonnull(strstr(page, "Slow &quot;a&quot;"));
        free(page);
        json_decref(parameters);
        result_free(result);
    }
}
END_TEST

static char *draw(struct result *result)
{
    const struct result_table *table = result->tables[0];
    const struct result_picture *picture = &table->pictures[0];
    struct text out = {0};

    if (picture->kind == RESULT_BARS)
        result_svg_bars(&out, table, picture);
    else if (picture->kind == RESULT_LINES)
        result_svg_lines(&out, table, picture);
    else
        result_svg_heat(&out, table, picture);
    return text_take(&out);
}

START_TEST(bars_are_as_long_as_their_numbers)
{
    struct result *result = make(RESULT_BARS);
    char *svg = draw(result);

    /* From x = 50.8 to 690 are 40 ms: the first row has 10 and then 30 of them. */
    ck_assert_ptr_nonnull(strstr(svg, "<rect class=\"s0\" x=\"50.8\" y=\"12.5\" width=\"159.8\""));
    ck_assert_ptr_nonnull(strstr(svg, "<rect class=\"s1\" x=\"210.6\" y=\"12.5\" width=\"479.4\""));
    ck_assert_ptr_nonnull(strstr(svg, "<rect class=\"s0\" x=\"50.8\" y=\"38.5\" width=\"319.6\""));
    ck_assert_ptr_nonnull(strstr(svg, ">40.0 ms</text>"));
    free(svg);
    result_free(result);
}
END_TEST

/* Of one series with these numbers, NAN for nothing. */
static char *draw_numbers(enum result_chart_kind kind, const double *numbers, size_t count)
{
    static const char *const first[] = {"slow_us", NULL};
    struct result *result = result_create("test", "t");
    struct result_table *table = result_table(result, "t", "t", columns, 2);

    for (size_t i = 0; i < count; i++) {
        result_text(table, "r%zu", i);
        if (isnan(numbers[i]))
            result_nothing(table);
        else
            result_number(table, numbers[i]);
    }
    result_chart(table, &(struct result_chart){
                            .kind = kind, .title = "t", .label = "place", .values = first});
    char *svg = draw(result);
    result_free(result);
    return svg;
}

START_TEST(what_is_negative_goes_to_the_left)
{
    char *svg = draw_numbers(RESULT_BARS, (const double[]){-10, 30}, 2);

    /* -10 to 30 us from x = 37.2 to 690: zero is at 200.4. */
    ck_assert_ptr_nonnull(strstr(svg, "x=\"37.2\" y=\"12.5\" width=\"163.2\""));
    ck_assert_ptr_nonnull(strstr(svg, "x=\"200.4\" y=\"38.5\" width=\"489.6\""));
    free(svg);
}
END_TEST

START_TEST(a_line_goes_on_behind_a_gap)
{
    char *svg = draw_numbers(RESULT_LINES, (const double[]){0, 10, NAN, 10, 0}, 5);

    ck_assert_ptr_nonnull(strstr(svg, "points=\"74.0,320.0 239.5,14.0\""));
    ck_assert_ptr_nonnull(strstr(svg, "points=\"570.5,14.0 736.0,320.0\""));
    free(svg);
}
END_TEST

START_TEST(lines_end_where_there_is_no_number)
{
    struct result *result = make(RESULT_LINES);
    char *svg = draw(result);

    /* 0 to 30 ms from y = 320 up to 14. */
    ck_assert_ptr_nonnull(strstr(svg, "points=\"74.0,218.0 736.0,116.0\""));
    ck_assert_ptr_nonnull(strstr(svg, "points=\"74.0,14.0\""));
    free(svg);
    result_free(result);
}
END_TEST

START_TEST(heat_is_dark_where_it_is_most)
{
    struct result *result = make(RESULT_HEAT);
    char *svg = draw(result);

    ck_assert_ptr_nonnull(strstr(svg, "fill=\"#961e28\"")); /* 30 of 30 ms */
    ck_assert_ptr_nonnull(strstr(svg, "fill=\"#fdc882\"")); /* 10 */
    ck_assert_ptr_nonnull(strstr(svg, "fill=\"#e36e3c\"")); /* 20 */
    ck_assert_ptr_null(strstr(svg, "fill=\"#fffaf0\""));
    free(svg);
    result_free(result);
}
END_TEST

/* What could divide by nothing, or leave the page. */
static void check_odd(enum result_chart_kind kind, size_t rows, double number, bool logarithmic)
{
    struct result *result = result_create("test", "odd");
    struct result_table *table = result_table(result, "t", "t", columns, 3);

    for (size_t i = 0; i < rows; i++) {
        result_text(table, "a label of row %zu that is longer than anybody would want it", i);
        result_number(table, number);
        result_nothing(table);
    }
    result_chart(table, &(struct result_chart){.kind = kind,
                                               .title = "t",
                                               .label = "place",
                                               .values = values,
                                               .logarithmic = logarithmic});
    char *svg = draw(result);
    ck_assert_ptr_null(strstr(svg, "nan"));
    ck_assert_ptr_null(strstr(svg, "inf"));
    check_balanced(svg);
    free(svg);
    result_free(result);
}

START_TEST(odd_tables_have_pictures_too)
{
    static const enum result_chart_kind kinds[] = {RESULT_BARS, RESULT_LINES, RESULT_HEAT};
    static const size_t rows[] = {0, 1, 2, 300};
    static const double numbers[] = {0, -5, 1e-9, 7, 1e14};

    for (size_t k = 0; k < 3; k++)
        for (size_t r = 0; r < 4; r++)
            for (size_t n = 0; n < 5; n++)
                for (int logarithmic = 0; logarithmic < 2; logarithmic++)
                    check_odd(kinds[k], rows[r], numbers[n], logarithmic);
}
END_TEST

START_TEST(long_words_are_cut_between_characters)
{
    struct text out = {0};

    result_svg_escape_cut(&out, "S\u00e3o Paulo", 9);
    ck_assert_str_eq(out.data, "S\u00e3o Paulo");
    free(text_take(&out));
    result_svg_escape_cut(&out, "S\u00e3o Paulo", 3);
    ck_assert_str_eq(out.data, "S\u00e3\u2026");
    free(text_take(&out));
    result_svg_escape_cut(&out, "ab\u00e3\u00e3\u00e3", 4);
    ck_assert_str_eq(out.data, "ab\u00e3\u2026");
    free(text_take(&out));
    ck_assert_uint_eq(result_svg_length("S\u00e3o"), 3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        numbers_are_shown_with_as_much_as_matters,
        ticks_have_no_zeros_behind_the_point,
        axes_are_round,
        tables_become_csv,
        all_of_it_becomes_json,
        people_read_tables_with_units,
        pages_are_well_formed_and_escape_everything,
        bars_are_as_long_as_their_numbers,
        what_is_negative_goes_to_the_left,
        a_line_goes_on_behind_a_gap,
        lines_end_where_there_is_no_number,
        heat_is_dark_where_it_is_most,
        odd_tables_have_pictures_too,
        long_words_are_cut_between_characters,
    };
    return suite_run(&(struct suite){.name = "model_result", SUITE_TESTS(tests)});
}
