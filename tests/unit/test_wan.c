#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/memory.h"
#include "common/moment.h"
#include "common/wan.h"
#include "tests/unit/suite.h"

#define MEBIBYTE (1024u * 1024)

static struct wan *wan;

static void set_up(void)
{
    wan = wan_create();
}

static void tear_down(void)
{
    wan_free(wan);
}

static struct link make_link(struct link_profile profile)
{
    struct link link;
    ck_assert_int_eq(link_init(&link, &profile, 1), 0);
    return link;
}

static struct link make_slow(uint64_t latency_us)
{
    return make_link((struct link_profile){.latency_us = latency_us});
}

static void set_cut(struct link *link, enum link_cut cut)
{
    struct link_profile profile = link->profile;
    profile.cut = cut;
    ck_assert_int_eq(link_change(link, &profile), 0);
}

static enum link_fate send_sized(struct link *link, uint32_t peer, uint64_t id, size_t size,
                                 uint64_t sent_us)
{
    struct wan_message message = {.direction = WAN_OUT,
                                  .peer = peer,
                                  .kind = 3,
                                  .id = id,
                                  .bytes = memory_alloc(size),
                                  .size = size};
    enum link_fate fate = wan_send(wan, link, &message, sent_us);
    if (fate == LINK_RESET)
        free(message.bytes);
    return fate;
}

static enum link_fate send(struct link *link, uint32_t peer, uint64_t id, uint64_t sent_us)
{
    return send_sized(link, peer, id, 10, sent_us);
}

static void expect(uint64_t now_us, uint64_t id)
{
    struct wan_message message;
    ck_assert_msg(wan_pop(wan, now_us, &message), "nothing is due, expected %d", (int)id);
    ck_assert_uint_eq(message.id, id);
    ck_assert_uint_le(message.arrival_us, now_us);
    free(message.bytes);
}

static void expect_nothing(uint64_t now_us)
{
    struct wan_message message;
    ck_assert(!wan_pop(wan, now_us, &message));
}

/* ---- arrival ---- */

START_TEST(a_message_comes_out_as_it_went_in_when_it_is_due)
{
    struct link link = make_slow(36000);
    int context;
    struct wan_message in = {.direction = WAN_IN,
                             .peer = 7,
                             .kind = 4,
                             .id = 1234,
                             .bytes = memory_copy("payload", 7),
                             .size = 7,
                             .context = &context},
                       out;
    ck_assert_int_eq(wan_send(wan, &link, &in, 1000), LINK_ARRIVES);
    ck_assert_uint_eq(wan_wake_us(wan), 37000);
    expect_nothing(36999);
    ck_assert(wan_pop(wan, 37000, &out));
    ck_assert_int_eq(out.direction, WAN_IN);
    ck_assert_uint_eq(out.peer, 7);
    ck_assert_uint_eq(out.kind, 4);
    ck_assert_uint_eq(out.id, 1234);
    ck_assert_uint_eq(out.arrival_us, 37000);
    ck_assert_ptr_eq(out.context, &context);
    ck_assert_ptr_eq(out.bytes, in.bytes);
    ck_assert_uint_eq(out.size, 7);
    ck_assert_mem_eq(out.bytes, "payload", 7);
    free(out.bytes);
    expect_nothing(NEVER_US);
}
END_TEST

START_TEST(without_messages_there_is_nothing_to_wake_for)
{
    ck_assert_uint_eq(wan_wake_us(wan), NEVER_US);
    expect_nothing(NEVER_US);
}
END_TEST

START_TEST(without_latency_a_message_is_due_at_once)
{
    struct link link = make_slow(0);
    send(&link, 0, 1, 500);
    expect(500, 1);
}
END_TEST

START_TEST(links_of_different_latency_interleave_by_arrival)
{
    struct link slow = make_slow(100000), fast = make_slow(10000);
    send(&slow, 0, 1, 0);
    send(&fast, 1, 2, 0);
    send(&fast, 1, 3, 95000);
    ck_assert_uint_eq(wan_wake_us(wan), 10000);
    expect(10000, 2);
    ck_assert_uint_eq(wan_wake_us(wan), 100000);
    expect(105000, 1);
    expect(105000, 3);
}
END_TEST

START_TEST(equal_times_keep_the_order_of_sending)
{
    struct link a = make_slow(2000), b = make_slow(1000);
    for (uint64_t id = 0; id < 100; id += 2) {
        send(&a, 0, id, 0);
        send(&b, 1, id + 1, 1000);
    }
    for (uint64_t id = 0; id < 100; id++)
        expect(2000, id);
}
END_TEST

START_TEST(thousands_in_flight_come_out_in_order)
{
    enum { LINKS = 20, EACH = 2000 };
    static struct link links[LINKS];
    uint64_t last_us = 0, last_id[LINKS] = {0};
    size_t popped = 0;
    for (uint64_t i = 0; i < LINKS; i++)
        links[i] = make_link((struct link_profile){
            .latency_us = 1000 * (LINKS - i), .jitter_us = 30000, .loss_ppm = 10000});
    for (uint64_t id = 1; id <= EACH; id++)
        for (uint32_t i = 0; i < LINKS; i++)
            send(&links[i], i, id, id * 10 + i);
    while (wan_wake_us(wan) != NEVER_US) {
        struct wan_message message;
        uint64_t wake_us = wan_wake_us(wan);
        ck_assert(wan_pop(wan, wake_us, &message));
        ck_assert_uint_eq(message.arrival_us, wake_us);
        ck_assert_uint_ge(wake_us, last_us);
        ck_assert_uint_eq(message.id, last_id[message.peer] + 1); /* each link is a stream */
        last_id[message.peer] = message.id;
        last_us = wake_us;
        popped++;
        free(message.bytes);
    }
    ck_assert_uint_eq(popped, LINKS * EACH);
    for (uint32_t i = 0; i < LINKS; i++)
        ck_assert_uint_eq(links[i].under_way, 0);
}
END_TEST

/* ---- holding cuts ---- */

START_TEST(a_cut_link_holds_until_it_is_healed)
{
    struct link link = make_slow(10000);
    set_cut(&link, LINK_CUT_HOLD);
    ck_assert_int_eq(send(&link, 0, 1, 0), LINK_HELD);
    ck_assert_int_eq(send(&link, 0, 2, 5), LINK_HELD);
    ck_assert_uint_eq(wan_wake_us(wan), NEVER_US);
    wan_relink(wan, 1 * SECOND_US); /* something else has changed */
    ck_assert_uint_eq(wan_wake_us(wan), NEVER_US);

    set_cut(&link, LINK_CUT_NONE);
    wan_relink(wan, 2 * SECOND_US);
    send(&link, 0, 3, 2 * SECOND_US);
    expect_nothing(2 * SECOND_US + 9999);
    for (uint64_t id = 1; id <= 3; id++)
        expect(2 * SECOND_US + 10000, id);
}
END_TEST

START_TEST(a_cut_stops_what_is_under_way_too)
{
    struct link link = make_slow(10000), other = make_slow(10000);
    send(&link, 0, 1, 0);
    send(&other, 1, 2, 1);
    send(&link, 0, 3, 2);
    set_cut(&link, LINK_CUT_HOLD);
    send(&link, 0, 4, 3); /* before the wan is told: still behind the others */
    wan_relink(wan, 5);
    expect(NEVER_US - 1, 2);
    expect_nothing(NEVER_US - 1);

    set_cut(&link, LINK_CUT_NONE);
    wan_relink(wan, 50000);
    ck_assert_uint_eq(wan_wake_us(wan), 60000);
    expect(60000, 1);
    expect(60000, 3);
    expect(60000, 4);
    ck_assert_uint_eq(link.held, 0);
    ck_assert_uint_eq(link.under_way, 0);
}
END_TEST

START_TEST(what_has_arrived_before_the_cut_is_not_held)
{
    struct link link = make_slow(10000);
    send(&link, 0, 1, 0);
    expect(10000, 1);
    set_cut(&link, LINK_CUT_HOLD);
    wan_relink(wan, 10001);
    ck_assert_uint_eq(link.held, 0);
}
END_TEST

START_TEST(nothing_overtakes_what_is_held_even_before_the_relink)
{
    struct link link = make_slow(1000);
    set_cut(&link, LINK_CUT_HOLD);
    send(&link, 0, 1, 0);
    set_cut(&link, LINK_CUT_NONE);
    ck_assert_int_eq(send(&link, 0, 2, 10), LINK_HELD);
    wan_relink(wan, 20);
    expect(1020, 1);
    expect(1020, 2);
}
END_TEST

START_TEST(healing_one_link_leaves_others_cut)
{
    struct link a = make_slow(1000), b = make_slow(1000);
    set_cut(&a, LINK_CUT_HOLD);
    set_cut(&b, LINK_CUT_HOLD);
    send(&a, 0, 1, 0);
    send(&b, 1, 2, 0);
    send(&a, 0, 3, 0);
    set_cut(&b, LINK_CUT_NONE);
    wan_relink(wan, 100);
    expect(1100, 2);
    expect_nothing(NEVER_US - 1);
    ck_assert_uint_eq(a.held, 2);
}
END_TEST

START_TEST(a_backlog_that_was_stopped_is_not_waited_for_twice)
{
    struct link link = make_link((struct link_profile){.rate_bytes_per_s = 1000});
    send_sized(&link, 0, 1, 10000, 0); /* 10 s on the line */
    set_cut(&link, LINK_CUT_HOLD);
    wan_relink(wan, 1);
    set_cut(&link, LINK_CUT_NONE);
    wan_relink(wan, 2);
    ck_assert_uint_eq(wan_wake_us(wan), 10 * SECOND_US + 2);
}
END_TEST

/* Out of ten at nine lost in ten, some have had their time-out doubled again and again. */
START_TEST(a_mended_link_does_not_keep_what_it_lost_before)
{
    struct link link = make_link((struct link_profile){.latency_us = 100000, .loss_ppm = 900000});
    uint64_t late_us;
    for (uint64_t id = 1; id <= 10; id++)
        send(&link, 1, id, 0);
    late_us = link.last_arrival_us;
    ck_assert_uint_gt(late_us, 3 * SECOND_US);
    ck_assert_int_eq(link_change(&link, &(struct link_profile){.latency_us = 100000}), 0);
    wan_relink(wan, 1000);
    for (uint64_t id = 1; id <= 10; id++)
        expect(101000, id);
    send(&link, 1, 11, 2000); /* nor does what comes after */
    expect_nothing(101999);
    expect(102000, 11);
}
END_TEST

START_TEST(a_widened_link_does_not_keep_its_backlog)
{
    struct link link =
        make_link((struct link_profile){.latency_us = 1000, .rate_bytes_per_s = 100});
    for (uint64_t id = 1; id <= 10; id++)
        send_sized(&link, 1, id, 100, 0); /* a second each */
    expect(1001000, 1);
    ck_assert_int_eq(
        link_change(&link, &(struct link_profile){.latency_us = 1000, .rate_bytes_per_s = 100000}),
        0);
    wan_relink(wan, 1500000);
    expect_nothing(1501999);
    for (uint64_t id = 2; id <= 10; id++)
        expect(1501000 + (id - 1) * 1000, id);
}
END_TEST

static void send_urgent(struct link *link, uint64_t id, uint64_t sent_us)
{
    struct wan_message message = {
        .peer = 1, .id = id, .urgent = true, .bytes = memory_alloc(10), .size = 10};
    ck_assert_int_ne(wan_send(wan, link, &message, sent_us), LINK_RESET);
}

START_TEST(what_is_urgent_overtakes_and_keeps_its_own_order)
{
    struct link link =
        make_link((struct link_profile){.latency_us = 40000, .rate_bytes_per_s = 10000});
    send_sized(&link, 1, 1, 1000, 0); /* 100 ms */
    send(&link, 1, 2, 0);
    send_urgent(&link, 3, 10000);
    send_urgent(&link, 4, 10000);
    expect(51000, 3);
    expect(52000, 4);
    expect_nothing(139999);
    expect(140000, 1);
    expect(141000, 2);
}
END_TEST

START_TEST(what_is_urgent_is_first_over_a_link_that_is_healed)
{
    struct link link =
        make_link((struct link_profile){.latency_us = 40000, .rate_bytes_per_s = 10000});
    send_urgent(&link, 1, 0); /* on its way when the link is cut */
    set_cut(&link, LINK_CUT_HOLD);
    wan_relink(wan, 5);
    send_sized(&link, 1, 2, 1000, 10);
    send_urgent(&link, 3, 10);
    expect_nothing(500000);
    set_cut(&link, LINK_CUT_NONE);
    wan_relink(wan, 500000);
    expect(541000, 1);
    expect(542000, 3);
    expect_nothing(640999);
    expect(641000, 2);
}
END_TEST

START_TEST(what_is_urgent_stays_ahead_when_a_link_is_mended)
{
    struct link link =
        make_link((struct link_profile){.latency_us = 40000, .rate_bytes_per_s = 10});
    send_sized(&link, 1, 1, 1000, 0);
    send_urgent(&link, 2, 0);
    ck_assert_int_eq(
        link_change(&link, &(struct link_profile){.latency_us = 40000, .rate_bytes_per_s = 10000}),
        0);
    wan_relink(wan, 1000);
    expect(42000, 2);
    expect(142000, 1);
}
END_TEST

START_TEST(a_link_that_gets_worse_hurries_nothing)
{
    struct link link = make_link((struct link_profile){.latency_us = 1000, .loss_ppm = 900000});
    uint64_t late_us;
    send(&link, 1, 1, 0);
    send(&link, 1, 2, 0);
    send(&link, 1, 3, 0);
    late_us = link.last_arrival_us;
    ck_assert_int_eq(link_change(&link, &(struct link_profile){.latency_us = 50000,
                                                               .loss_ppm = 900000,
                                                               .rate_bytes_per_s = 1}),
                     0);
    wan_relink(wan, 10);
    expect_nothing(1000);
    expect(late_us, 1);
    expect(late_us, 2);
    expect(late_us, 3);
}
END_TEST

START_TEST(a_flapping_link_keeps_order)
{
    struct link link = make_link((struct link_profile){.latency_us = 5000,
                                                       .jitter_us = 4000,
                                                       .jitter_kind = LINK_JITTER_NORMAL,
                                                       .loss_ppm = 50000});
    uint64_t next = 0, arrived = 0, now_us;
    struct wan_message message;
    for (now_us = 0; now_us < 10 * SECOND_US; now_us += 1000) {
        if (now_us % 7000 == 0)
            set_cut(&link, now_us % 2000 == 0 ? LINK_CUT_HOLD : LINK_CUT_NONE);
        if (now_us % 5000 == 1000)
            wan_relink(wan, now_us);
        send(&link, 0, next++, now_us);
        while (wan_pop(wan, now_us, &message)) {
            ck_assert_uint_eq(message.id, arrived++);
            free(message.bytes);
        }
    }
    ck_assert_uint_gt(arrived, 0);
    set_cut(&link, LINK_CUT_NONE);
    wan_relink(wan, now_us);
    while (wan_pop(wan, NEVER_US - 1, &message)) {
        ck_assert_uint_eq(message.id, arrived++);
        free(message.bytes);
    }
    ck_assert_uint_eq(arrived, next);
}
END_TEST

/* ---- resets ---- */

START_TEST(a_reset_link_takes_nothing)
{
    struct link link = make_slow(1000);
    set_cut(&link, LINK_CUT_RESET);
    ck_assert_int_eq(send(&link, 0, 1, 0), LINK_RESET);
    expect_nothing(NEVER_US - 1);
}
END_TEST

START_TEST(a_reset_hands_back_what_was_under_way_or_held)
{
    struct link link = make_slow(1000), held = make_slow(1000), whole = make_slow(1000);
    struct wan_message dropped[8];
    set_cut(&held, LINK_CUT_HOLD);
    send(&link, 5, 1, 0);
    send(&held, 6, 2, 0);
    send(&whole, 7, 3, 0);
    send(&link, 5, 4, 0);
    ck_assert_uint_eq(wan_take_reset(wan, dropped, 8), 0);
    set_cut(&link, LINK_CUT_RESET);
    set_cut(&held, LINK_CUT_RESET);
    wan_relink(wan, 500);

    ck_assert_uint_eq(wan_take_reset(wan, dropped, 1), 1);
    ck_assert_uint_eq(wan_take_reset(wan, dropped + 1, 7), 2);
    ck_assert_uint_eq(wan_take_reset(wan, dropped, 8), 0);
    bool seen[5] = {0};
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_le(dropped[i].id, 4);
        ck_assert_uint_eq(dropped[i].peer, dropped[i].id == 2 ? 6 : 5);
        ck_assert_ptr_null(dropped[i].bytes);
        ck_assert_uint_eq(dropped[i].size, 0);
        seen[dropped[i].id] = true;
    }
    ck_assert(seen[1] && seen[2] && seen[4]);
    expect(1000, 3);
    expect_nothing(NEVER_US - 1);
    ck_assert_uint_eq(link.under_way, 0);
    ck_assert_uint_eq(held.held, 0);
}
END_TEST

START_TEST(what_nobody_asks_for_is_forgotten_at_the_next_relink)
{
    struct link link = make_slow(1000);
    struct wan_message dropped[2];
    send(&link, 0, 1, 0);
    set_cut(&link, LINK_CUT_RESET);
    wan_relink(wan, 10);
    wan_relink(wan, 20);
    ck_assert_uint_eq(wan_take_reset(wan, dropped, 2), 0);
}
END_TEST

START_TEST(after_a_reset_the_line_is_free)
{
    struct link link = make_link((struct link_profile){.rate_bytes_per_s = 1000});
    send_sized(&link, 0, 1, 10000, 0);
    set_cut(&link, LINK_CUT_RESET);
    wan_relink(wan, 10);
    set_cut(&link, LINK_CUT_NONE);
    wan_relink(wan, 20);
    send_sized(&link, 0, 2, 1, 30);
    ck_assert_uint_eq(wan_wake_us(wan), 1030);
}
END_TEST

/* ---- peers that go ---- */

START_TEST(a_dropped_peer_takes_all_its_messages_along)
{
    struct link link = make_slow(1000), cut = make_slow(1000), doomed = make_slow(1000);
    struct wan_message dropped[4];
    set_cut(&cut, LINK_CUT_HOLD);
    send(&doomed, 1, 90, 0);
    send(&doomed, 2, 91, 0);
    set_cut(&doomed, LINK_CUT_RESET);
    wan_relink(wan, 0);
    for (uint64_t id = 0; id < 50; id++) {
        send(&link, id % 2 ? 1 : 2, id, id);
        send(&cut, id % 2 ? 1 : 2, 100 + id, id);
    }
    wan_drop_peer(wan, 1);
    ck_assert_uint_eq(wan_take_reset(wan, dropped, 4), 1);
    ck_assert_uint_eq(dropped[0].id, 91);
    for (uint64_t id = 0; id < 50; id += 2)
        expect(2000, id);
    expect_nothing(NEVER_US - 1);
    set_cut(&cut, LINK_CUT_NONE);
    wan_relink(wan, 5000);
    for (uint64_t id = 0; id < 50; id += 2)
        expect(6000, 100 + id);
    expect_nothing(NEVER_US - 1);
    ck_assert_uint_eq(link.under_way + cut.under_way + cut.held, 0);
}
END_TEST

START_TEST(a_peer_that_comes_back_does_not_queue_behind_its_past)
{
    struct link link = make_link((struct link_profile){.rate_bytes_per_s = 1000});
    send_sized(&link, 3, 1, 100000, 0);
    wan_drop_peer(wan, 3);
    ck_assert_uint_eq(wan_wake_us(wan), NEVER_US);
    send_sized(&link, 3, 2, 1, 10);
    ck_assert_uint_eq(wan_wake_us(wan), 1010);
}
END_TEST

START_TEST(dropping_a_stranger_changes_nothing)
{
    struct link link = make_slow(1000);
    send(&link, 1, 1, 0);
    wan_drop_peer(wan, UINT32_MAX);
    expect(1000, 1);
}
END_TEST

/* ---- bounds ---- */

START_TEST(held_messages_are_bounded_and_the_oldest_go_first)
{
    struct link link = make_slow(1000);
    struct wan_message message;
    uint64_t first = UINT64_MAX, count = 0;
    set_cut(&link, LINK_CUT_HOLD);
    for (uint64_t id = 0; id < 100; id++)
        ck_assert_int_eq(send_sized(&link, 0, id, MEBIBYTE, id), LINK_HELD);
    ck_assert_uint_lt(link.held, 64);
    set_cut(&link, LINK_CUT_NONE);
    wan_relink(wan, 1000);
    while (wan_pop(wan, 2000, &message)) {
        if (first == UINT64_MAX)
            first = message.id;
        ck_assert_uint_eq(message.id, first + count++);
        free(message.bytes);
    }
    ck_assert_uint_eq(count, 63); /* 64 MiB, less what keeping them costs */
    ck_assert_uint_eq(first + count, 100);
}
END_TEST

START_TEST(what_is_under_way_is_bounded_and_more_is_refused)
{
    struct link link = make_link((struct link_profile){.rate_bytes_per_s = 1000});
    struct link other = make_slow(0);
    uint64_t sent = 0;
    while (sent < 1000 && send_sized(&link, 0, sent, MEBIBYTE, 0) == LINK_ARRIVES)
        sent++;
    ck_assert_uint_eq(sent, 255); /* 256 MiB, less what keeping them costs */
    ck_assert_int_eq(send_sized(&other, 1, 1, MEBIBYTE, 0), LINK_RESET);
    wan_drop_peer(wan, 0);
    ck_assert_int_eq(send_sized(&other, 1, 1, MEBIBYTE, 0), LINK_ARRIVES);
}
END_TEST

START_TEST(freeing_takes_no_link_and_loses_no_memory)
{
    struct wan *full = wan_create();
    struct wan *kept = wan;
    struct link *link = memory_alloc(sizeof(*link)), *cut = memory_alloc(sizeof(*cut));
    *link = make_slow(1000);
    *cut = make_slow(1000);
    wan = full;
    send(link, 0, 1, 0);
    send(cut, 0, 2, 0);
    set_cut(cut, LINK_CUT_HOLD);
    wan_relink(wan, 0);
    set_cut(link, LINK_CUT_RESET);
    wan_relink(wan, 0);
    set_cut(link, LINK_CUT_NONE);
    send(link, 0, 3, 0);
    free(link);
    free(cut);
    wan_free(full); /* the sanitizers would tell */
    wan_free(NULL);
    wan = kept;
}
END_TEST

/* ---- whatever happens ---- */

#define STORM_LINKS    6u
#define STORM_MESSAGES 4000u

/* What must hold of the messages of one link, which all belong to one peer. */
struct stream {
    struct link link;
    uint64_t next_id;
    uint64_t expected_id; /* all before it have arrived, or have been dropped knowingly */
};

struct storm {
    struct stream streams[STORM_LINKS];
    struct random random;
    uint64_t now_us;
    bool known_dropped[STORM_LINKS][STORM_MESSAGES];
    unsigned arrived, reset;
};

static struct storm storm;

static void storm_arrive(void)
{
    struct wan_message message;
    while (wan_pop(wan, storm.now_us, &message)) {
        struct stream *stream = &storm.streams[message.peer];
        ck_assert_uint_le(message.arrival_us, storm.now_us);
        while (storm.known_dropped[message.peer][stream->expected_id])
            stream->expected_id++;
        ck_assert_uint_eq(message.id, stream->expected_id);
        stream->expected_id++;
        storm.arrived++;
        free(message.bytes);
    }
}

static void storm_relink(void)
{
    struct wan_message dropped[3];
    size_t count;
    wan_relink(wan, storm.now_us);
    do {
        count = wan_take_reset(wan, dropped, 3);
        for (size_t i = 0; i < count; i++) {
            bool *known = &storm.known_dropped[dropped[i].peer][dropped[i].id];
            ck_assert(!*known);
            ck_assert_uint_ge(dropped[i].id, storm.streams[dropped[i].peer].expected_id);
            *known = true;
            storm.reset++;
        }
    } while (count == 3);
}

static void storm_send(uint32_t peer)
{
    struct stream *stream = &storm.streams[peer];
    if (stream->next_id < STORM_MESSAGES &&
        send(&stream->link, peer, stream->next_id, storm.now_us) != LINK_RESET)
        stream->next_id++;
}

static void storm_blow(void)
{
    uint32_t peer = (uint32_t)random_up_to(&storm.random, STORM_LINKS - 1);
    struct stream *stream = &storm.streams[peer];
    storm.now_us += random_up_to(&storm.random, 500);
    switch (random_up_to(&storm.random, 99)) {
    case 0:
        set_cut(&stream->link, (enum link_cut)random_up_to(&storm.random, LINK_CUT_RESET));
        break;
    case 1:
    case 2:
        storm_relink();
        break;
    case 3: /* the peer's connection is gone, and so is all that was on it */
        wan_drop_peer(wan, peer);
        ck_assert_uint_eq(stream->link.under_way + stream->link.held, 0);
        stream->expected_id = stream->next_id;
        break;
    default:
        storm_send(peer);
        storm_arrive();
    }
}

START_TEST(nothing_is_lost_doubled_or_reordered_whatever_happens)
{
    memset(&storm, 0, sizeof(storm));
    random_seed(&storm.random, (uint64_t)_i);
    for (unsigned i = 0; i < STORM_LINKS; i++)
        storm.streams[i].link =
            make_link((struct link_profile){.latency_us = random_up_to(&storm.random, 50000),
                                            .jitter_us = random_up_to(&storm.random, 5000),
                                            .loss_ppm = 20000,
                                            .rate_bytes_per_s = i % 2 ? 1000000 : 0});
    for (int i = 0; i < 10000; i++)
        storm_blow();

    storm_relink(); /* first what was reset, so that healing cannot hide it */
    for (unsigned i = 0; i < STORM_LINKS; i++)
        set_cut(&storm.streams[i].link, LINK_CUT_NONE);
    storm_relink();
    storm.now_us += 3600 * SECOND_US;
    storm_arrive();
    for (unsigned i = 0; i < STORM_LINKS; i++) {
        struct stream *stream = &storm.streams[i];
        while (stream->expected_id < stream->next_id && storm.known_dropped[i][stream->expected_id])
            stream->expected_id++;
        ck_assert_uint_eq(stream->expected_id, stream->next_id);
        ck_assert_uint_eq(stream->link.under_way + stream->link.held, 0);
    }
    ck_assert_uint_gt(storm.arrived, 100);
    ck_assert_uint_gt(storm.reset, 0);
    ck_assert_uint_eq(wan_wake_us(wan), NEVER_US);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_message_comes_out_as_it_went_in_when_it_is_due,
        without_messages_there_is_nothing_to_wake_for,
        without_latency_a_message_is_due_at_once,
        links_of_different_latency_interleave_by_arrival,
        equal_times_keep_the_order_of_sending,
        thousands_in_flight_come_out_in_order,
        a_cut_link_holds_until_it_is_healed,
        a_cut_stops_what_is_under_way_too,
        what_has_arrived_before_the_cut_is_not_held,
        nothing_overtakes_what_is_held_even_before_the_relink,
        healing_one_link_leaves_others_cut,
        a_backlog_that_was_stopped_is_not_waited_for_twice,
        a_mended_link_does_not_keep_what_it_lost_before,
        a_widened_link_does_not_keep_its_backlog,
        what_is_urgent_overtakes_and_keeps_its_own_order,
        what_is_urgent_is_first_over_a_link_that_is_healed,
        what_is_urgent_stays_ahead_when_a_link_is_mended,
        a_link_that_gets_worse_hurries_nothing,
        a_flapping_link_keeps_order,
        a_reset_link_takes_nothing,
        a_reset_hands_back_what_was_under_way_or_held,
        what_nobody_asks_for_is_forgotten_at_the_next_relink,
        after_a_reset_the_line_is_free,
        a_dropped_peer_takes_all_its_messages_along,
        a_peer_that_comes_back_does_not_queue_behind_its_past,
        dropping_a_stranger_changes_nothing,
        held_messages_are_bounded_and_the_oldest_go_first,
        what_is_under_way_is_bounded_and_more_is_refused,
        freeing_takes_no_link_and_loses_no_memory,
    };
    const struct suite_loop loops[] = {
        {nothing_is_lost_doubled_or_reordered_whatever_happens, 20},
    };
    return suite_run(&(struct suite){.name = "wan",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
