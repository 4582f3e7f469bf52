#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <check.h>

#include "common/link.h"
#include "common/moment.h"
#include "tests/unit/suite.h"

#define MANY 100000

static struct link make(struct link_profile profile, uint64_t seed)
{
    struct link link;
    ck_assert_int_eq(link_init(&link, &profile, seed), 0);
    return link;
}

static uint64_t send(struct link *link, uint64_t sent_us, uint32_t size)
{
    uint64_t arrival_us = 0;
    ck_assert_int_eq(link_send(link, sent_us, size, &arrival_us), LINK_ARRIVES);
    return arrival_us;
}

/* Delay of a message that nothing is in front of. */
static uint64_t delay_alone(struct link *link, uint64_t *now_us)
{
    *now_us += 24 * 3600 * SECOND_US;
    return send(link, *now_us, 100) - *now_us;
}

/* ---- latency and order ---- */

START_TEST(a_message_arrives_after_the_latency)
{
    struct link link = make((struct link_profile){.latency_us = 36000}, 1);
    ck_assert_uint_eq(send(&link, 1000, 200), 37000);
}
END_TEST

START_TEST(a_link_without_anything_is_instant)
{
    struct link link = make((struct link_profile){0}, 1);
    ck_assert_uint_eq(send(&link, 1000, 1000000), 1000);
}
END_TEST

START_TEST(many_messages_are_in_flight_at_once)
{
    struct link link = make((struct link_profile){.latency_us = 100000}, 1);
    for (uint64_t now_us = 0; now_us < 1000; now_us++)
        ck_assert_uint_eq(send(&link, now_us, 200), now_us + 100000);
}
END_TEST

START_TEST(what_was_sent_late_hides_its_lateness)
{
    struct link link = make((struct link_profile){.latency_us = 5000}, 1);
    ck_assert_uint_eq(send(&link, 20000, 10), 25000);
    /* Sent after that one, although it would have left earlier: order holds. */
    ck_assert_uint_eq(send(&link, 19500, 10), 25000);
    ck_assert_uint_eq(send(&link, 20100, 10), 25100);
}
END_TEST

START_TEST(a_link_that_becomes_faster_reorders_nothing)
{
    struct link link = make((struct link_profile){.latency_us = 200000}, 1);
    ck_assert_uint_eq(send(&link, 0, 10), 200000);
    ck_assert_int_eq(link_change(&link, &(struct link_profile){.latency_us = 1000}), 0);
    ck_assert_uint_eq(send(&link, 10, 10), 200000);
    ck_assert_uint_eq(send(&link, 300000, 10), 301000);
}
END_TEST

/* ---- jitter ---- */

static const enum link_jitter jitter_kinds[] = {LINK_JITTER_UNIFORM, LINK_JITTER_NORMAL,
                                                LINK_JITTER_PARETO};

START_TEST(jitter_delays_and_never_reorders)
{
    struct link link = make((struct link_profile){.latency_us = 10000,
                                                  .jitter_us = 5000,
                                                  .jitter_kind = jitter_kinds[_i]},
                            7);
    uint64_t last_us = 0;
    for (uint64_t now_us = 0; now_us < MANY; now_us += 10) {
        uint64_t arrival_us = send(&link, now_us, 100);
        ck_assert_uint_ge(arrival_us, now_us + 10000);
        ck_assert_uint_ge(arrival_us, last_us);
        last_us = arrival_us;
    }
}
END_TEST

struct spread {
    double mean_us;
    uint64_t most_us;
    double share_above_jitter;
};

static struct spread measure(enum link_jitter kind, uint64_t jitter_us)
{
    struct link link = make((struct link_profile){.jitter_us = jitter_us, .jitter_kind = kind}, 99);
    struct spread spread = {0};
    uint64_t now_us = 0;
    for (int i = 0; i < MANY; i++) {
        uint64_t delay_us = delay_alone(&link, &now_us);
        spread.mean_us += (double)delay_us / MANY;
        spread.share_above_jitter += delay_us > jitter_us ? 1.0 / MANY : 0;
        if (delay_us > spread.most_us)
            spread.most_us = delay_us;
    }
    return spread;
}

START_TEST(uniform_jitter_fills_its_range)
{
    struct spread spread = measure(LINK_JITTER_UNIFORM, 10000);
    ck_assert_double_eq_tol(spread.mean_us, 5000, 50);
    ck_assert_uint_le(spread.most_us, 10000);
    ck_assert_uint_ge(spread.most_us, 9990);
}
END_TEST

START_TEST(normal_jitter_is_half_a_bell_of_that_sigma)
{
    struct spread spread = measure(LINK_JITTER_NORMAL, 10000);
    ck_assert_double_eq_tol(spread.mean_us, 10000 * sqrt(2 / 3.14159265), 100);
    ck_assert_double_eq_tol(spread.share_above_jitter, 0.3173, 0.01);
    ck_assert_uint_gt(spread.most_us, 35000);
    ck_assert_uint_lt(spread.most_us, 70000);
}
END_TEST

START_TEST(pareto_jitter_has_a_heavy_tail_and_that_mean)
{
    struct spread spread = measure(LINK_JITTER_PARETO, 10000);
    ck_assert_double_eq_tol(spread.mean_us, 10000, 500);
    /* Survival at x is (1 + x / 2 jitter)^-3. */
    ck_assert_double_eq_tol(spread.share_above_jitter, 8.0 / 27, 0.01);
    ck_assert_uint_gt(spread.most_us, 200000);
}
END_TEST

/* ---- loss ---- */

START_TEST(a_loss_costs_a_retransmission_time_out)
{
    /* 100 ms and no jitter: time-outs of 200 ms, doubling, five at most. */
    struct link link = make((struct link_profile){.latency_us = 100000, .loss_ppm = 500000}, 4242);
    uint64_t now_us = 0;
    int counts[6] = {0};
    for (int i = 0; i < MANY; i++) {
        uint64_t delay_us = delay_alone(&link, &now_us);
        int losses = 0;
        while (losses < 5 && delay_us != 100000 + 200000 * ((UINT64_C(1) << losses) - 1))
            losses++;
        ck_assert_uint_eq(delay_us, 100000 + 200000 * ((UINT64_C(1) << losses) - 1));
        counts[losses]++;
    }
    for (int losses = 0; losses < 5; losses++)
        ck_assert_double_eq_tol(counts[losses] / (double)MANY, pow(0.5, losses + 1), 0.01);
    ck_assert_double_eq_tol(counts[5] / (double)MANY, 1 / 32.0, 0.005);
}
END_TEST

START_TEST(the_time_out_follows_latency_and_jitter_from_10_ms_on)
{
    ck_assert_uint_eq(link_retransmit_us(&(struct link_profile){0}), 10000);
    ck_assert_uint_eq(link_retransmit_us(&(struct link_profile){.latency_us = 4999}), 10000);
    ck_assert_uint_eq(
        link_retransmit_us(&(struct link_profile){.latency_us = 36000, .jitter_us = 2000}), 80000);
}
END_TEST

START_TEST(what_is_behind_a_lost_message_waits_for_it)
{
    struct link link = make((struct link_profile){.latency_us = 50000, .loss_ppm = 100000}, 5);
    uint64_t now_us = 0, late_us = 0;
    int waited = 0;
    for (; now_us < MANY; now_us += 100) {
        uint64_t arrival_us = send(&link, now_us, 100);
        ck_assert_uint_ge(arrival_us, late_us);
        waited += arrival_us == late_us;
        late_us = arrival_us;
    }
    ck_assert_int_gt(waited, 500);
}
END_TEST

START_TEST(a_lost_try_uses_up_bandwidth_too)
{
    const uint64_t transmit_us = 1000;
    struct link_profile profile = {
        .latency_us = 1000, .loss_ppm = 900000, .rate_bytes_per_s = 1000000};
    struct link link = make(profile, 3);
    uint64_t arrival_us = send(&link, 0, 1000);
    uint64_t tries = link.idle_at_us / transmit_us;
    ck_assert_uint_ge(tries, 2); /* with this seed */
    ck_assert_uint_le(tries, 6);
    ck_assert_uint_eq(arrival_us,
                      tries * transmit_us + 1000 +
                          link_retransmit_us(&profile) * ((UINT64_C(1) << (tries - 1)) - 1));
}
END_TEST

/* ---- rate ---- */

START_TEST(messages_share_the_rate_one_after_the_other)
{
    /* 1 Mbit/s: 125 bytes take a millisecond. */
    struct link link =
        make((struct link_profile){.latency_us = 20000, .rate_bytes_per_s = 125000}, 1);
    ck_assert_uint_eq(send(&link, 0, 125), 21000);
    ck_assert_uint_eq(send(&link, 0, 125), 22000);
    ck_assert_uint_eq(send(&link, 500, 250), 24000);
    ck_assert_uint_eq(send(&link, 100000, 125), 121000);
}
END_TEST

START_TEST(small_messages_on_a_fast_line_add_up)
{
    struct link link = make((struct link_profile){.rate_bytes_per_s = 1000000000}, 1);
    uint64_t arrival_us = 0;
    for (int i = 0; i < 10000; i++)
        arrival_us = send(&link, 0, 150);
    ck_assert_uint_eq(arrival_us, 1500); /* 0.15 us each */
}
END_TEST

/* ---- cuts ---- */

START_TEST(a_cut_holds_or_resets)
{
    uint64_t arrival_us = 77;
    struct link link = make((struct link_profile){.cut = LINK_CUT_HOLD}, 1);
    ck_assert_int_eq(link_send(&link, 0, 1, &arrival_us), LINK_HELD);
    link_change(&link, &(struct link_profile){.cut = LINK_CUT_RESET});
    ck_assert_int_eq(link_send(&link, 0, 1, &arrival_us), LINK_RESET);
    ck_assert_uint_eq(arrival_us, 77);
    link_change(&link, &(struct link_profile){.latency_us = 5});
    ck_assert_uint_eq(send(&link, 10, 1), 15);
}
END_TEST

START_TEST(after_a_recall_nothing_is_waited_for)
{
    struct link link = make((struct link_profile){.latency_us = 1000, .rate_bytes_per_s = 1000}, 1);
    ck_assert_uint_eq(send(&link, 0, 100000), 100 * SECOND_US + 1000);
    link_recall(&link);
    ck_assert_uint_eq(send(&link, 5000, 1), 7000);
}
END_TEST

/* ---- luck ---- */

START_TEST(the_same_seed_gives_the_same_answers)
{
    struct link_profile profile = {.latency_us = 9000,
                                   .jitter_us = 3000,
                                   .jitter_kind = LINK_JITTER_PARETO,
                                   .loss_ppm = 20000,
                                   .rate_bytes_per_s = 1000000};
    struct link a = make(profile, 11), b = make(profile, 11), other = make(profile, 12);
    int different = 0;
    for (uint64_t now_us = 0; now_us < MANY; now_us += 100) {
        uint64_t arrival_us = send(&a, now_us, 321);
        ck_assert_uint_eq(arrival_us, send(&b, now_us, 321));
        different += arrival_us != send(&other, now_us, 321);
    }
    ck_assert_int_gt(different, 100);
}
END_TEST

START_TEST(one_setting_does_not_shift_the_luck_of_another)
{
    /* Losses strike the same messages with and without jitter, and while the link was cut. */
    struct link_profile profile = {.latency_us = 1000, .loss_ppm = 100000};
    struct link plain = make(profile, 8), jittery, cut = make(profile, 8);
    profile.jitter_us = 100;
    profile.jitter_kind = LINK_JITTER_NORMAL;
    jittery = make(profile, 8);
    profile.cut = LINK_CUT_HOLD;
    link_change(&cut, &profile);
    uint64_t now_us = 0, ignored;
    for (int i = 0; i < 1000; i++) {
        bool lost = delay_alone(&plain, &now_us) > 5000;
        uint64_t jittery_us = send(&jittery, now_us, 100) - now_us;
        ck_assert_int_eq(lost, jittery_us > 5000);
        ck_assert_int_eq(link_send(&cut, now_us, 100, &ignored), LINK_HELD);
    }
    profile = (struct link_profile){.latency_us = 1000, .loss_ppm = 100000};
    link_change(&cut, &profile);
    for (int i = 0; i < 1000; i++) {
        uint64_t delay_us = delay_alone(&plain, &now_us);
        ck_assert_uint_eq(delay_us, send(&cut, now_us, 100) - now_us);
    }
}
END_TEST

/* ---- bad input ---- */

START_TEST(profiles_out_of_range_are_refused_and_change_nothing)
{
    static const struct link_profile bad[] = {
        {.latency_us = 3600 * SECOND_US + 1},
        {.jitter_us = 3600 * SECOND_US + 1},
        {.loss_ppm = 900001},
        {.cut = (enum link_cut)3},
        {.jitter_kind = (enum link_jitter)3},
        {.jitter_kind = (enum link_jitter) - 1},
    };
    struct link link = make((struct link_profile){.latency_us = 42}, 1);
    ck_assert(!link_profile_is_valid(&bad[_i]));
    ck_assert_int_eq(link_change(&link, &bad[_i]), -EINVAL);
    ck_assert_int_eq(link_init(&link, &bad[_i], 2), -EINVAL);
    ck_assert_uint_eq(send(&link, 0, 1), 42);
}
END_TEST

START_TEST(the_extremes_are_allowed)
{
    struct link link = make((struct link_profile){.latency_us = 3600 * SECOND_US,
                                                  .jitter_us = 3600 * SECOND_US,
                                                  .jitter_kind = LINK_JITTER_PARETO,
                                                  .loss_ppm = 900000,
                                                  .rate_bytes_per_s = 1},
                            1);
    uint64_t last_us = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t arrival_us = send(&link, 0, 1024 * 1024);
        ck_assert_uint_ge(arrival_us, last_us);
        last_us = arrival_us;
    }
}
END_TEST

/* ---- what is urgent ---- */

static uint64_t send_urgent(struct link *link, uint64_t sent_us, uint32_t size)
{
    uint64_t arrival_us = 0;
    ck_assert_int_eq(link_send_urgent(link, sent_us, size, &arrival_us), LINK_ARRIVES);
    return arrival_us;
}

START_TEST(what_is_urgent_does_not_wait_before_a_narrow_line)
{
    struct link link =
        make((struct link_profile){.latency_us = 40000, .rate_bytes_per_s = 100000}, 1);
    ck_assert_uint_eq(send(&link, 0, 100000), 1040000);
    ck_assert_uint_eq(send_urgent(&link, 500000, 100), 541000);
    ck_assert_uint_eq(send_urgent(&link, 500000, 100), 542000);
    /* The line has carried it all the same. */
    ck_assert_uint_eq(send(&link, 500000, 1000), 1052000);
}
END_TEST

START_TEST(what_is_urgent_does_not_wait_for_what_was_lost_but_for_its_own_kind)
{
    struct link link = make((struct link_profile){.latency_us = 40000, .loss_ppm = 500000}, 1);
    uint64_t last_us = 0, last_urgent_us = 0;
    bool overtook = false;
    for (uint64_t now_us = 0; now_us < 1000 * MILLISECOND_US; now_us += MILLISECOND_US) {
        uint64_t urgent_us = send_urgent(&link, now_us, 10);
        ck_assert_uint_ge(urgent_us, last_urgent_us);
        overtook = overtook || urgent_us < last_us;
        last_urgent_us = urgent_us;
        last_us = send(&link, now_us, 10);
    }
    ck_assert(overtook);
}
END_TEST

START_TEST(a_cut_and_a_recall_are_for_what_is_urgent_too)
{
    struct link link = make((struct link_profile){.latency_us = 5, .rate_bytes_per_s = 1}, 1);
    struct link cut = make((struct link_profile){.cut = LINK_CUT_HOLD}, 1);
    uint64_t arrival_us;
    ck_assert_int_eq(link_send_urgent(&cut, 0, 1, &arrival_us), LINK_HELD);
    send_urgent(&link, 0, 100);
    link_recall(&link);
    ck_assert_uint_eq(send_urgent(&link, 0, 1), SECOND_US + 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_message_arrives_after_the_latency,
        a_link_without_anything_is_instant,
        many_messages_are_in_flight_at_once,
        what_was_sent_late_hides_its_lateness,
        a_link_that_becomes_faster_reorders_nothing,
        uniform_jitter_fills_its_range,
        normal_jitter_is_half_a_bell_of_that_sigma,
        pareto_jitter_has_a_heavy_tail_and_that_mean,
        a_loss_costs_a_retransmission_time_out,
        the_time_out_follows_latency_and_jitter_from_10_ms_on,
        what_is_behind_a_lost_message_waits_for_it,
        a_lost_try_uses_up_bandwidth_too,
        messages_share_the_rate_one_after_the_other,
        small_messages_on_a_fast_line_add_up,
        a_cut_holds_or_resets,
        after_a_recall_nothing_is_waited_for,
        what_is_urgent_does_not_wait_before_a_narrow_line,
        what_is_urgent_does_not_wait_for_what_was_lost_but_for_its_own_kind,
        a_cut_and_a_recall_are_for_what_is_urgent_too,
        the_same_seed_gives_the_same_answers,
        one_setting_does_not_shift_the_luck_of_another,
        the_extremes_are_allowed,
    };
    const struct suite_loop loops[] = {
        {jitter_delays_and_never_reorders, 3},
        {profiles_out_of_range_are_refused_and_change_nothing, 6},
    };
    return suite_run(&(struct suite){.name = "link", SUITE_TESTS(tests), SUITE_LOOPS(loops)});
}
