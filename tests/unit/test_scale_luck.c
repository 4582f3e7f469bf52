/* What a simulated day is made of, piece by piece: the sun, luck, queues, and counted latencies. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/link.h"
#include "sim/model/scale_histogram.h"
#include "sim/model/scale_luck.h"
#include "sim/model/scale_sun.h"
#include "sim/model/scale_wait.h"
#include "tests/unit/suite.h"

#define HOUR    (UINT64_C(3600) * 1000000)
#define DAY     (24 * HOUR)
#define SAMPLES 200000

static struct scale_luck luck;
static struct random random_source;

static void set_up(void)
{
    scale_luck_init(&luck);
    random_seed(&random_source, 20);
}

static void near(double value, double wanted, double off)
{
    ck_assert_msg(fabs(value - wanted) <= off, "%.12g is not %.12g", value, wanted);
}

/* ---- the sun ---- */

START_TEST(a_day_has_the_mean_that_was_said)
{
    struct scale_sun sun = scale_sun_of(7, 19.5, 3 * (double)HOUR);
    double sum = 0;

    near(scale_sun_activity(&sun, 123.4, 0, DAY), 1, 1e-12);
    for (uint64_t from = 0; from < DAY; from += DAY / 1440)
        sum += scale_sun_activity(&sun, -71.2, from, from + DAY / 1440);
    near(sum / 1440, 1, 1e-12);
}
END_TEST

START_TEST(the_peak_is_at_its_hour_by_the_sun)
{
    struct scale_sun sun = scale_sun_of(4, 20, 0);
    uint64_t second = 1000000;

    /* 1 + swing and 1 - swing are as 4 to 1. */
    double peak = scale_sun_activity(&sun, 0, 20 * HOUR, 20 * HOUR + second);
    double trough = scale_sun_activity(&sun, 0, 8 * HOUR, 8 * HOUR + second);
    near(peak, 1.6, 1e-6);
    near(trough, 0.4, 1e-6);
    /* 90 degrees further to the east it is evening 6 h earlier. */
    near(scale_sun_activity(&sun, 90, 14 * HOUR, 14 * HOUR + second), 1.6, 1e-6);
    near(scale_sun_activity(&sun, -75, 1 * HOUR, 1 * HOUR + second), 1.6, 1e-6);
    /* Who begins at 06:00 is there 6 h earlier, too. */
    sun.begins_us_utc = 6 * (double)HOUR;
    near(scale_sun_activity(&sun, 0, 14 * HOUR, 14 * HOUR + second), 1.6, 1e-6);
}
END_TEST

START_TEST(without_a_swing_all_hours_are_alike)
{
    struct scale_sun sun = scale_sun_of(1, 20, 0);

    near(scale_sun_activity(&sun, 10, 5 * HOUR, 6 * HOUR), 1, 0);
}
END_TEST

START_TEST(spans_add_up_to_what_they_are_parts_of)
{
    struct scale_sun sun = scale_sun_of(3, 18, 0);
    double whole = scale_sun_activity(&sun, 33, HOUR, 4 * HOUR);
    double parts = scale_sun_activity(&sun, 33, HOUR, 2 * HOUR) / 3 +
                   scale_sun_activity(&sun, 33, 2 * HOUR, 4 * HOUR) * 2 / 3;

    near(parts, whole, 1e-12);
}
END_TEST

/* ---- latencies counted ---- */

START_TEST(buckets_are_narrow_and_in_order)
{
    uint32_t before = 0;

    for (uint64_t us = 0; us < 3000; us++) {
        uint32_t bucket = scale_histogram_bucket(us);
        ck_assert(us == 0 || bucket == before || bucket == before + 1);
        before = bucket;
    }
    for (uint64_t us = 1; us < UINT64_C(1) << 32; us = us * 3 / 2 + 1) {
        struct scale_histogram one = {0};
        scale_histogram_add(&one, us);
        one.least_us = 0; /* so that only the bucket tells */
        one.most_us = UINT64_MAX;
        near(scale_histogram_quantile(&one, 0.5), (double)us, (double)us * 0.008);
    }
    ck_assert_uint_eq(scale_histogram_bucket((UINT64_C(1) << 32) - 1), SCALE_HISTOGRAM_BUCKETS - 1);
    ck_assert_uint_eq(scale_histogram_bucket(UINT64_MAX), SCALE_HISTOGRAM_BUCKETS - 1);
}
END_TEST

START_TEST(quantiles_are_those_of_what_was_counted)
{
    struct scale_histogram all = {0};
    struct scale_histogram more = {0};

    near(scale_histogram_quantile(&all, 0.5), 0, 0);
    for (uint64_t us = 1; us <= 100; us++)
        scale_histogram_add(&all, us);
    near(scale_histogram_quantile(&all, 0.5), 50, 0);
    near(scale_histogram_quantile(&all, 0.95), 95, 0);
    near(scale_histogram_quantile(&all, 0.99), 99, 0);
    near(scale_histogram_quantile(&all, 1), 100, 0);
    near(scale_histogram_mean(&all), 50.5, 0);

    scale_histogram_add(&more, 70000);
    scale_histogram_merge(&all, &more);
    ck_assert_uint_eq(all.count, 101);
    ck_assert_uint_eq(all.sum_us, 5050 + 70000);
    near(scale_histogram_quantile(&all, 1), 70000, 0); /* the longest is exact */
    ck_assert_uint_eq(all.least_us, 1);
}
END_TEST

START_TEST(what_is_always_alike_is_told_exactly)
{
    struct scale_histogram all = {0};

    for (int i = 0; i < 10; i++)
        scale_histogram_add(&all, 123457);
    near(scale_histogram_quantile(&all, 0.5), 123457, 0);
    near(scale_histogram_quantile(&all, 0.99), 123457, 0);
}
END_TEST

/* ---- links ---- */

static int compare_u64(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

/* Messages far apart do not meet, as those of different clients do not. */
static void send_many(const struct link_profile *profile, uint64_t *ret_us)
{
    struct link link;
    uint64_t gap = UINT64_C(3600) * 1000000 * 100;

    ck_assert_int_eq(link_init(&link, profile, 99), 0);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        uint64_t arrival;
        ck_assert_int_eq(link_send(&link, i * gap, 100, &arrival), LINK_ARRIVES);
        ret_us[i] = arrival - i * gap;
    }
    qsort(ret_us, SAMPLES, sizeof *ret_us, compare_u64);
}

static void draw_many(const struct link_profile *profile, uint64_t *ret_us)
{
    struct scale_luck_link link = scale_luck_link_of(&luck, profile);

    for (size_t i = 0; i < SAMPLES; i++)
        ret_us[i] = scale_luck_delay_us(&link, &random_source);
    qsort(ret_us, SAMPLES, sizeof *ret_us, compare_u64);
}

/* Kolmogorov and Smirnov: the largest distance of the two distributions. */
static double distance(const uint64_t *a, const uint64_t *b)
{
    size_t i = 0, j = 0;
    double most = 0;

    while (i < SAMPLES && j < SAMPLES) {
        uint64_t us = a[i] < b[j] ? a[i] : b[j];
        while (i < SAMPLES && a[i] <= us)
            i++;
        while (j < SAMPLES && b[j] <= us)
            j++;
        most = fmax(most, fabs((double)i - (double)j) / SAMPLES);
    }
    return most;
}

static const struct link_profile profiles[] = {
    {.latency_us = 5000},
    {.latency_us = 5000, .jitter_us = 2000, .jitter_kind = LINK_JITTER_UNIFORM},
    {.latency_us = 5000, .jitter_us = 2000, .jitter_kind = LINK_JITTER_NORMAL},
    {.latency_us = 5000, .jitter_us = 2000, .jitter_kind = LINK_JITTER_PARETO},
    {.latency_us = 5000, .loss_ppm = 300000},
    {.latency_us = 5000, .loss_ppm = 900000},
    {.latency_us = 1000, .jitter_us = 50, .jitter_kind = LINK_JITTER_PARETO, .loss_ppm = 20000},
};

START_TEST(delays_have_the_distribution_of_the_projects_links)
{
    static uint64_t sent[SAMPLES], drawn[SAMPLES];

    send_many(&profiles[_i], sent);
    draw_many(&profiles[_i], drawn);
    /* 1.95 sqrt(2 / n): so far apart are two samples of one distribution once in a thousand. */
    ck_assert_double_lt(distance(sent, drawn), 1.95 * sqrt(2.0 / SAMPLES));
    ck_assert_uint_eq(sent[0], drawn[0]);
}
END_TEST

/* The table is a function of the share that is later, so it can be held against the formula. */
START_TEST(far_tails_are_true)
{
    for (int zeros = 0; zeros < 40; zeros++) {
        uint64_t bits = UINT64_C(0xb400000000000000) >> zeros;
        double later = ldexp(1.40625 / 2, -zeros);
        near(scale_luck_take(&luck.pareto, bits), 2 * (pow(later, -1.0 / 3) - 1),
             2e-4 * pow(later, -1.0 / 3));
        near(scale_luck_take(&luck.exponential, bits), -log(later), 1e-4);
        near(erfc(scale_luck_take(&luck.normal, bits) / sqrt(2)) / later, 1, 1e-3);
        near(scale_luck_take(&luck.uniform, bits), 1 - later, 1e-6);
    }
    near(scale_luck_take(&luck.normal, UINT64_MAX), 0, 1e-6);
    ck_assert(isfinite(scale_luck_take(&luck.pareto, 0)));
}
END_TEST

START_TEST(a_link_without_luck_is_exact)
{
    struct scale_luck_link link = scale_luck_link_of(&luck, &profiles[0]);

    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(scale_luck_delay_us(&link, &random_source), 5000);
}
END_TEST

/* ---- counts ---- */

static const double means[] = {0.01, 0.7, 5, 9.99, 10.01, 40, 1000, 250000};

START_TEST(counts_have_mean_and_variance_of_their_distribution)
{
    double mean = means[_i], sum = 0, squares = 0;
    int rounds = 100000;

    for (int i = 0; i < rounds; i++) {
        double count = (double)scale_luck_count(&random_source, mean);
        sum += count;
        squares += (count - mean) * (count - mean);
    }
    near(sum / rounds, mean, 4 * sqrt(mean / rounds));
    /* The fourth moment about the mean is 3 mean^2 + mean. */
    near(squares / rounds, mean, 4 * sqrt((2 * mean * mean + mean) / rounds));
}
END_TEST

START_TEST(counts_are_as_likely_as_they_should_be)
{
    static uint64_t seen[200];
    double mean = 20, chance = exp(-20), off = 0;
    int rounds = 200000;

    for (int i = 0; i < rounds; i++)
        seen[scale_luck_count(&random_source, mean)]++;
    for (int k = 0; k < 60; k++) {
        double expected = chance * rounds;
        if (expected > 5)
            off += ((double)seen[k] - expected) * ((double)seen[k] - expected) / expected;
        chance *= mean / (k + 1);
    }
    /* Chi-squared of about 33 numbers: above 64 once in a thousand. */
    ck_assert_double_lt(off, 64);
}
END_TEST

START_TEST(nobody_comes_where_nobody_is_expected)
{
    ck_assert_uint_eq(scale_luck_count(&random_source, 0), 0);
}
END_TEST

START_TEST(seeds_that_differ_a_little_make_other_luck)
{
    struct random a, b, c, d;

    scale_luck_seed(&a, 1, 5, 9);
    scale_luck_seed(&b, 1, 5, 9);
    scale_luck_seed(&c, 1, 9, 5);
    scale_luck_seed(&d, 2, 5, 9);
    uint64_t first = random_next(&a);
    ck_assert_uint_eq(first, random_next(&b));
    ck_assert_uint_ne(first, random_next(&c));
    ck_assert_uint_ne(first, random_next(&d));
}
END_TEST

/* ---- waiting ---- */

#define LONG 1e12 /* no bound */

START_TEST(one_worker_without_a_bound_is_the_textbooks_queue)
{
    /* M/M/1 at 80 %: 80 of 100 wait, on average 1 / (100 - 80) s; so 0.8 * 50 ms of all. */
    struct scale_wait wait = scale_wait_of(80, 100, 1, LONG);

    near(wait.shed, 0, 1e-15);
    near(wait.waits, 0.8, 1e-12);
    near(scale_wait_mean_us(&wait), 40000, 1e-6);
    near(scale_wait_us(&wait, 0), 0, 0);
    near(scale_wait_us(&wait, 0.5), log(2) * 50000, 1e-6);
}
END_TEST

START_TEST(several_workers_wait_as_erlang_has_it)
{
    /* Erlang's C for 8 of 10 servers busy is 0.40918. */
    struct scale_wait wait = scale_wait_of(8, 10, 10, LONG);
    near(wait.waits, 0.40918, 5e-6);
    /* With no room to wait it is his B: 0.12166 for 10 servers and a load of 8. */
    wait = scale_wait_of(8, 10, 10, 0);
    near(wait.shed, 0.12166, 5e-6);
    near(wait.waits, 0, 0);
    near(scale_wait_mean_us(&wait), 0, 0);
}
END_TEST

START_TEST(overload_sheds_what_is_too_much)
{
    /* Twice what can be done: half is shed, and the wait is close to the bound. */
    struct scale_wait wait = scale_wait_of(2000, 1000, 2, 1e6);

    near(wait.shed, 0.5, 1e-6);
    near(wait.waits, 1, 1e-9);
    near(scale_wait_mean_us(&wait), 1e6 - 1000, 1);
    ck_assert_double_le(scale_wait_us(&wait, 0), 1e6);
    ck_assert_double_ge(scale_wait_us(&wait, 0.999999), 0);
    /* Far beyond what an exponent can say. */
    wait = scale_wait_of(1e9, 1000, 2, 60e6);
    near(wait.shed, 1 - 1e-6, 1e-9);
    ck_assert(isfinite(scale_wait_us(&wait, 0.3)));
}
END_TEST

START_TEST(just_as_much_as_can_be_done_waits_evenly)
{
    /* Load 1: every wait up to the bound is as likely as any other. */
    struct scale_wait wait = scale_wait_of(100, 100, 1, 50000);

    near(scale_wait_us(&wait, 0.25), 12500, 1e-6);
    /* free : within : beyond = 1 : 100 * 0.05 : 1 */
    near(wait.shed, 1.0 / 7, 1e-12);
    near(wait.waits, 5.0 / 6, 1e-12);
    near(scale_wait_mean_us(&wait), 25000 * 5.0 / 6, 1e-6);
    /* A hair beside it there is no jump. */
    struct scale_wait less = scale_wait_of(100 - 1e-6, 100, 1, 50000);
    struct scale_wait more = scale_wait_of(100 + 1e-6, 100, 1, 50000);
    near(less.shed, wait.shed, 1e-6);
    near(more.shed, wait.shed, 1e-6);
    near(scale_wait_us(&less, 0.25), 12500, 1);
    near(scale_wait_us(&more, 0.25), 12500, 1);
}
END_TEST

START_TEST(who_works_alone_does_not_wait)
{
    struct scale_wait wait = scale_wait_of(0, 10, 1, 1000);

    near(wait.waits, 0, 0);
    near(wait.shed, 0, 0);
    /* Of a million workers one is always free. */
    wait = scale_wait_of(1000, 1e9, 2e6, 1000);
    near(wait.waits, 0, 1e-200);
    near(wait.shed, 0, 1e-200);
}
END_TEST

/* The queue itself, one request after the other: Kiefer and Wolfowitz. */
static void run_queue(double per_s, double capacity, int workers, double bound_us, double *ret_shed,
                      double *ret_mean_us)
{
    double busy_us[8] = {0}, shed = 0, waited = 0;
    int rounds = 2000000;

    for (int i = 0; i < rounds; i++) {
        double gap_us = -log1p(-random_unit(&random_source)) * 1e6 / per_s;
        int first = 0;
        for (int w = 0; w < workers; w++) {
            busy_us[w] = fmax(0, busy_us[w] - gap_us);
            if (busy_us[w] < busy_us[first])
                first = w;
        }
        if (busy_us[first] > bound_us) {
            shed++;
            continue;
        }
        waited += busy_us[first];
        busy_us[first] += -log1p(-random_unit(&random_source)) * 1e6 * workers / capacity;
    }
    *ret_shed = shed / rounds;
    *ret_mean_us = waited / (rounds - shed);
}

START_TEST(waits_are_those_of_a_queue_that_is_run)
{
    static const double loads[] = {700, 950, 1300};
    double shed, mean_us;

    for (size_t i = 0; i < sizeof loads / sizeof loads[0]; i++) {
        struct scale_wait wait = scale_wait_of(loads[i], 1000, 3, 6000);
        run_queue(loads[i], 1000, 3, 6000, &shed, &mean_us);
        near(wait.shed, shed, 0.002);
        near(scale_wait_mean_us(&wait), mean_us, 0.01 * mean_us);
        /* And what is drawn has that mean. */
        double sum = 0;
        for (int draw = 0; draw < 200000; draw++)
            sum += random_unit(&random_source) < wait.waits
                       ? scale_wait_us(&wait, random_unit(&random_source))
                       : 0;
        near(sum / 200000, scale_wait_mean_us(&wait), 0.01 * mean_us);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_day_has_the_mean_that_was_said,
        the_peak_is_at_its_hour_by_the_sun,
        without_a_swing_all_hours_are_alike,
        spans_add_up_to_what_they_are_parts_of,
        buckets_are_narrow_and_in_order,
        quantiles_are_those_of_what_was_counted,
        what_is_always_alike_is_told_exactly,
        far_tails_are_true,
        a_link_without_luck_is_exact,
        counts_are_as_likely_as_they_should_be,
        nobody_comes_where_nobody_is_expected,
        seeds_that_differ_a_little_make_other_luck,
        one_worker_without_a_bound_is_the_textbooks_queue,
        several_workers_wait_as_erlang_has_it,
        overload_sheds_what_is_too_much,
        just_as_much_as_can_be_done_waits_evenly,
        who_works_alone_does_not_wait,
        waits_are_those_of_a_queue_that_is_run,
    };
    const struct suite_loop loops[] = {
        {delays_have_the_distribution_of_the_projects_links, sizeof profiles / sizeof profiles[0]},
        {counts_have_mean_and_variance_of_their_distribution, sizeof means / sizeof means[0]},
    };

    return suite_run(&(struct suite){.name = "scale_luck",
                                     .set_up = set_up,
                                     .timeout_s = 60,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
