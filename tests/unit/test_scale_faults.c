/* What breaks in a simulated day, what routers believe of it from each place, and the writes that
 * wait meanwhile. Times in the comments are in virtual milliseconds. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/moment.h"
#include "sim/model/scale_health.h"
#include "sim/model/scale_queues.h"
#include "sim/model/scale_scenes.h"
#include "tests/unit/scale_fixture.h"
#include "tests/unit/suite.h"

enum { A, B, C };

#define HEAD      "topology: t.yaml\nduration: 2h\n"
#define MINUTE_US (60 * SECOND_US)

static struct scale_world *world;
static struct scale_health health;

static void tear_down(void)
{
    scale_health_clear(&health);
    scale_world_free(world);
    world = NULL;
}

static void begin(const char *text)
{
    world = scale_fixture_world(NULL, text);
    scale_health_init(&health, &world->faults);
}

/* ---- reading ---- */

static const struct {
    const char *text;
    const char *says;
} wrong[] = {
    {HEAD "faults: 7\n", "w.yaml:3: faults: a list is wanted"},
    {HEAD "faults: [7]\n", "w.yaml:3: faults[0]: a fault is wanted"},
    {HEAD "faults:\n - {at: 1h, for: 1h}\n", "w.yaml:4: faults[0]: what breaks?"},
    {HEAD "faults:\n - {for: 1h, region: a}\n", "faults[0]: it needs `at: 10h`"},
    {HEAD "faults:\n - {at: 1h, region: a}\n", "faults[0]: it needs `for: 10h`"},
    {HEAD "faults:\n - {at: 2h, for: 1h, region: a}\n", "faults[0].at: the simulation is over"},
    {HEAD "faults:\n - {at: 1h, for: 0, region: a}\n", "faults[0].for: a fault of no duration"},
    {HEAD "faults:\n - {at: 1x, for: 1h, region: a}\n", "faults[0].at: \"1x\" is not a duration"},
    {HEAD "faults:\n - {at: -1h, for: 1h, region: a}\n", "faults[0].at: \"-1h\" is not a duration"},
    {HEAD "faults:\n - {at: [], for: 1h, region: a}\n", "faults[0].at: it is not a duration"},
    {HEAD "faults:\n - {at: 1h, for: 1h, flap: 10ms, region: a}\n", "faults[0].flap: a turn takes"},
    {HEAD "faults:\n - {at: 1h, for: 1h, region: x}\n", "w.yaml:4: faults[0].region: there is no "
                                                        "region \"x\""},
    {HEAD "faults:\n - {at: 1h, for: 1h, regoin: a}\n", "regoin"},
    {HEAD "faults:\n - {at: 1h, for: 1h, region: a, isolate: b}\n", "breaks one thing"},
    {HEAD "faults:\n - {at: 1h, for: 1h, region: [a]}\n", "faults[0].region: a region's name"},
    {HEAD "faults:\n - {at: 1h, for: 1h, cut: a}\n", "faults[0].cut: two ends are wanted"},
    {HEAD "faults:\n - {at: 1h, for: 1h, cut: [a, a]}\n", "both ends are the same"},
    {HEAD "faults:\n - {at: 1h, for: 1h, cut: ['client:Paris', a]}\n", "no users are at \"Paris\""},
    {HEAD "faults:\n - {at: 1h, for: 1h, cut: ['client:a', 'client:b']}\n", "no region"},
    {HEAD "faults:\n - {at: 1h, for: 1h, service: a}\n", "REGION/SERVICE is wanted"},
    {HEAD "faults:\n - {at: 1h, for: 1h, service: a/x}\n", "there is no service \"x\""},
    {HEAD "capacity: {x: 5}\n", "w.yaml:3: capacity.x: there is no such region"},
    {HEAD "capacity: {a: 0}\n", "w.yaml:3: capacity.a: \"0\" is not requests a second"},
    {HEAD "capacity: [a]\n", "w.yaml:3: capacity: regions and requests a second are wanted"},
    {HEAD "headroom: 0\n", "w.yaml:3: headroom: \"0\" is not from 0.01 to 1M"},
    {HEAD "requests_per_user: nan\n", "w.yaml:3: requests_per_user: \"nan\" is not a number"},
    {HEAD "requests_per_user: -1\n", "w.yaml:3: requests_per_user: \"-1\" is negative"},
    {HEAD "users_total: 1e12\n", "that would be 1.67e+12 requests"},
    {HEAD "peak_to_trough: 0.5\n", "w.yaml:3: peak_to_trough: \"0.5\" is not from 1"},
    {HEAD "peek_hour: 5\n", "w.yaml:3: peek_hour: unknown parameter; did you mean \"peak_hour\""},
    {HEAD "slice: 100ms\n", "w.yaml:3: slice: \"100ms\" is not from"},
};

START_TEST(what_makes_no_sense_is_told_with_file_line_and_key)
{
    struct scale_world *none = NULL;
    char *error = NULL;

    ck_assert_int_eq(scale_fixture_read(NULL, wrong[_i].text, &none, &error), -EINVAL);
    ck_assert_ptr_null(none);
    ck_assert_msg(strstr(error, wrong[_i].says) != NULL, "%s", error);
    free(error);
}
END_TEST

START_TEST(more_faults_than_there_is_room_for_are_refused)
{
    char text[4096] = HEAD "faults:\n";
    char *error = NULL;

    for (int i = 0; i < SCALE_FAULTS_MAX; i++)
        strcat(text, " - {at: 1h, for: 1h, region: a}\n");
    struct scale_world *fits = scale_fixture_world(NULL, text);
    ck_assert_uint_eq(fits->faults.count, SCALE_FAULTS_MAX);
    scale_world_free(fits);
    strcat(text, " - {at: 1h, for: 1h, region: a}\n");
    ck_assert_int_eq(scale_fixture_read(NULL, text, &fits, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "more than 32 faults"));
    free(error);
}
END_TEST

START_TEST(faults_are_what_they_say)
{
    begin(HEAD "faults:\n"
               " - {at: 1s, for: 10s, region: a}\n"
               " - {at: 1s, for: 10s, isolate: b}\n"
               " - {at: 1s, for: 10s, cut: [a, c]}\n"
               " - {at: 1s, for: 10s, cut: [b, 'client:c']}\n"
               " - {at: 1s, for: 10s, service: c/vault}\n"
               " - {at: 1s, for: 10s, replicator: c}\n"
               " - {at: 1s, for: 10s, disk: b}\n");
    static const char *const texts[] = {"a killed",         "b isolated",   "a - c cut",
                                        "client:c - b cut", "c/vault down", "c's replicator killed",
                                        "b's disk full"};
    struct traffic_state state;
    uint64_t since_us[TOPOLOGY_REGIONS_MAX];

    for (size_t i = 0; i < world->faults.count; i++)
        ck_assert_str_eq(world->faults.items[i].text, texts[i]);
    scale_faults_state(&world->faults, SECOND_US - 1, &state, since_us);
    ck_assert_uint_eq(state.down | state.isolated | state.full | state.replicators_down, 0);
    scale_faults_state(&world->faults, 3 * SECOND_US, &state, since_us);
    ck_assert_uint_eq(state.down, 1u << A);
    ck_assert_uint_eq(state.isolated, 1u << B);
    ck_assert_uint_eq(state.cut[A], 1u << C);
    ck_assert_uint_eq(state.cut[C], 1u << A);
    ck_assert_uint_eq(state.cut[B], 0);
    ck_assert_uint_eq(state.client_cut[C], 1u << B);
    ck_assert_uint_eq(state.client_cut[A], 0);
    ck_assert_uint_eq(state.services_down[C], 1u << PARTS_VAULT);
    ck_assert_uint_eq(state.replicators_down, 1u << C);
    ck_assert_uint_eq(state.full, 1u << B);
    for (int region = A; region <= C; region++)
        ck_assert_uint_eq(since_us[region], 2 * SECOND_US);
    scale_faults_state(&world->faults, 11 * SECOND_US, &state, since_us);
    ck_assert_uint_eq(state.down | state.isolated | state.full | state.cut[A], 0);
}
END_TEST

/* Each region is told how long the oldest trouble of its own has lasted. */
START_TEST(trouble_ages_by_region)
{
    begin(HEAD "faults:\n - {at: 1s, for: 1m, cut: [a, b]}\n - {at: 4s, for: 1m, isolate: a}\n");
    struct traffic_state state;
    uint64_t since_us[TOPOLOGY_REGIONS_MAX];

    scale_faults_state(&world->faults, 10 * SECOND_US, &state, since_us);
    ck_assert_uint_eq(since_us[A], 9 * SECOND_US);
    ck_assert_uint_eq(since_us[B], 9 * SECOND_US);
    ck_assert_uint_eq(since_us[C], 0);
    scale_faults_state(&world->faults, 62 * SECOND_US, &state, since_us);
    ck_assert_uint_eq(since_us[A], 58 * SECOND_US);
    ck_assert_uint_eq(since_us[B], 0);
}
END_TEST

START_TEST(what_flaps_is_broken_and_whole_in_turn)
{
    begin(HEAD "faults:\n - {at: 10s, for: 50s, isolate: a, flap: 20s}\n");
    const struct scale_fault *fault = &world->faults.items[0];

    ck_assert(!scale_faults_is_broken(fault, 10 * SECOND_US - 1));
    ck_assert(scale_faults_is_broken(fault, 10 * SECOND_US));
    ck_assert(scale_faults_is_broken(fault, 30 * SECOND_US - 1));
    ck_assert(!scale_faults_is_broken(fault, 30 * SECOND_US));
    ck_assert(scale_faults_is_broken(fault, 50 * SECOND_US));
    ck_assert(!scale_faults_is_broken(fault, 60 * SECOND_US));
    ck_assert_uint_eq(scale_faults_in_force(&world->faults, 35 * SECOND_US), 1);
    ck_assert_uint_eq(scale_faults_in_force(&world->faults, 60 * SECOND_US), 0);

    static const uint64_t turns_s[] = {0, 10, 30, 50, 60};
    for (size_t i = 0; i + 1 < sizeof turns_s / sizeof turns_s[0]; i++)
        ck_assert_uint_eq(scale_faults_next_way_us(&world->faults, B, A, turns_s[i] * SECOND_US),
                          turns_s[i + 1] * SECOND_US);
    ck_assert_uint_eq(scale_faults_next_way_us(&world->faults, B, A, 60 * SECOND_US), NEVER_US);
    ck_assert_uint_eq(scale_faults_next_way_us(&world->faults, B, B, 0), NEVER_US);
}
END_TEST

START_TEST(what_has_been_broken_for_long_changes_once_more)
{
    begin(HEAD "faults:\n - {at: 10s, for: 1h, isolate: a}\n");
    static const uint64_t ages_us[] = {5 * SECOND_US, 300 * SECOND_US};
    const struct scale_faults *faults = &world->faults;

    ck_assert_uint_eq(scale_faults_next_us(faults, 0, ages_us, 2), 10 * SECOND_US);
    ck_assert_uint_eq(scale_faults_next_us(faults, 10 * SECOND_US, ages_us, 2), 15 * SECOND_US + 1);
    ck_assert_uint_eq(scale_faults_next_us(faults, 15 * SECOND_US + 1, ages_us, 2),
                      310 * SECOND_US + 1);
    ck_assert_uint_eq(scale_faults_next_us(faults, 310 * SECOND_US + 1, ages_us, 2),
                      10 * SECOND_US + 60 * MINUTE_US);
    ck_assert_uint_eq(scale_faults_next_us(faults, 10 * SECOND_US + 60 * MINUTE_US, ages_us, 2),
                      NEVER_US);
}
END_TEST

START_TEST(as_much_time_is_before_a_fault_as_there_is)
{
    begin(HEAD "faults:\n - {at: 60s, for: 20s, isolate: a}\n"
               " - {at: 10s, for: 5m, region: b, flap: 20s}\n - {at: 0, for: 5m, disk: a}\n");
    const struct scale_faults *faults = &world->faults;
    static const struct {
        uint64_t at_us;
        uint32_t ahead;
    } cases[] = {{0, 2},
                 {10 * SECOND_US - 1, 2},
                 {10 * SECOND_US, 0},
                 {40 * SECOND_US - 1, 0},
                 {40 * SECOND_US, 1},
                 {60 * SECOND_US - 1, 1},
                 {60 * SECOND_US, 0}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_uint_eq(scale_faults_ahead(faults, cases[i].at_us), cases[i].ahead);
    /* It changes what is told of, so a span ends there. */
    ck_assert_uint_eq(scale_faults_next_us(faults, 31 * SECOND_US, NULL, 0), 40 * SECOND_US);
    ck_assert_uint_eq(scale_faults_next_us(faults, 40 * SECOND_US, NULL, 0), 50 * SECOND_US);
}
END_TEST

START_TEST(a_fault_ends_with_the_day)
{
    begin(HEAD "faults:\n - {at: 1h, for: 20h, region: a}\n");
    ck_assert_uint_eq(world->faults.items[0].until_us, world->duration_us);
}
END_TEST

/* ---- what routers believe ---- */

static const struct scale_watch *watch_at(uint32_t geo, uint32_t region, uint64_t now_us)
{
    scale_health_advance(&health, geo, now_us);
    return scale_health_watch(&health, geo, region);
}

START_TEST(when_nothing_breaks_nothing_is_looked_at)
{
    begin(HEAD);
    for (uint32_t region = A; region <= C; region++) {
        const struct scale_watch *watch = watch_at(B, region, 0);
        ck_assert(watch->usable && watch->way == SCALE_WAY_OPEN);
        ck_assert_uint_eq(watch->until_us, NEVER_US);
    }
}
END_TEST

/* Probes leave each 500 ms and have failed 100 ms after the round trip; two of them are needed. The
 * first that is caught is the first that cannot be back before the cut. */
START_TEST(a_cut_is_noticed_by_two_probes)
{
    begin(HEAD "faults:\n - {at: 60s, for: 60s, isolate: a}\n");
    uint64_t cut_us = 60 * SECOND_US;

    for (uint32_t geo = A; geo <= C; geo++) {
        const struct scale_watch *watch = watch_at(geo, A, 0);
        uint64_t round_trip_us = watch->round_trip_us;
        ck_assert_uint_eq(watch->until_us, cut_us);
        watch = watch_at(geo, A, cut_us);
        ck_assert(watch->usable && watch->way == SCALE_WAY_HELD);
        uint64_t caught_us = watch->phase_us;
        while (caught_us + round_trip_us <= cut_us)
            caught_us += 500000;
        ck_assert_uint_eq(watch->until_us, caught_us + 500000 + round_trip_us + 100000);
        watch = watch_at(geo, A, watch->until_us);
        ck_assert(!watch->usable && watch->way == SCALE_WAY_HELD);
        ck_assert_uint_eq(watch->until_us, 120 * SECOND_US);
    }
}
END_TEST

/* Two probes in a row must pass: those of the last moments of the cut are held, and come late. */
START_TEST(after_it_is_mended_two_probes_let_it_back)
{
    begin(HEAD "faults:\n - {at: 60s, for: 60s, isolate: a}\n");
    uint64_t mended_us = 120 * SECOND_US;
    const struct scale_watch *watch = watch_at(B, A, mended_us);

    ck_assert(!watch->usable && watch->way == SCALE_WAY_OPEN);
    ck_assert_uint_ge(watch->until_us, mended_us + watch->round_trip_us);
    ck_assert_uint_le(watch->until_us, mended_us + 2 * 500000 + watch->round_trip_us);
    watch = watch_at(B, A, watch->until_us);
    ck_assert(watch->usable);
    ck_assert_uint_eq(watch->until_us, NEVER_US);
}
END_TEST

/* A probe that leaves 50 before the end is held and comes in time, 50 late; the next one leaves 450
 * after the end. */
START_TEST(what_is_held_at_the_end_counts)
{
    char text[256];

    begin(HEAD);
    uint64_t phase_us = scale_health_watch(&health, B, A)->phase_us;
    tear_down();
    snprintf(text, sizeof text, HEAD "faults:\n - {at: 60s, for: %lluus, isolate: a}\n",
             (unsigned long long)(60 * SECOND_US + phase_us + 50000));
    begin(text);
    uint64_t mended_us = 120 * SECOND_US + phase_us + 50000;
    const struct scale_watch *watch = watch_at(B, A, mended_us);
    ck_assert(!watch->usable && watch->way == SCALE_WAY_OPEN);
    ck_assert_uint_eq(watch->until_us, mended_us + 450000 + watch->round_trip_us);
}
END_TEST

START_TEST(a_killed_region_is_noticed_at_once)
{
    begin(HEAD "faults:\n - {at: 60s, for: 60s, region: a}\n");
    const struct scale_watch *watch = watch_at(B, A, 60 * SECOND_US);

    ck_assert(!watch->usable && watch->way == SCALE_WAY_CLOSED);
    ck_assert_uint_eq(watch->from_us, 60 * SECOND_US);
    ck_assert_uint_eq(watch->until_us, 120 * SECOND_US);
    /* The connection stands again, and a probe leaves at once: one at 80, one up to 500 later. */
    watch = watch_at(B, A, 120 * SECOND_US);
    ck_assert(!watch->usable && watch->way == SCALE_WAY_OPEN);
    ck_assert_uint_gt(watch->until_us, 120 * SECOND_US + watch->round_trip_us);
    ck_assert_uint_le(watch->until_us, 120 * SECOND_US + 500000 + watch->round_trip_us);
}
END_TEST

START_TEST(what_is_broken_from_the_beginning_is_seen_so)
{
    begin(HEAD "faults:\n - {at: 0, for: 60s, region: a}\n - {at: 0, for: 60s, isolate: b}\n");
    ck_assert(!watch_at(C, A, 0)->usable);
    const struct scale_watch *watch = watch_at(C, B, 0);
    ck_assert(watch->usable && watch->way == SCALE_WAY_HELD);
    ck_assert_uint_le(watch->until_us, 2 * 500000 + watch->round_trip_us + 100000);
}
END_TEST

START_TEST(a_cut_of_one_place_is_its_own)
{
    begin(HEAD "faults:\n - {at: 60s, for: 60s, cut: ['client:b', a]}\n");
    ck_assert(!watch_at(B, A, 100 * SECOND_US)->usable);
    ck_assert(watch_at(A, A, 100 * SECOND_US)->usable);
    ck_assert_uint_eq(watch_at(A, A, 100 * SECOND_US)->until_us, NEVER_US);
    ck_assert(watch_at(B, B, 100 * SECOND_US)->usable);
}
END_TEST

/* A cut of a second may be over before two probes have failed; then nobody believes anything. */
START_TEST(a_short_cut_passes_by)
{
    begin("topology: t.yaml\nduration: 2h\nfaults:\n - {at: 60s, for: 400ms, isolate: a}\n");
    const struct scale_watch *watch = watch_at(B, A, 60 * SECOND_US);

    ck_assert(watch->usable && watch->way == SCALE_WAY_HELD);
    ck_assert_uint_eq(watch->until_us, 60 * SECOND_US + 400000);
    ck_assert_int_eq(watch->next_way, SCALE_WAY_OPEN);
    watch = watch_at(B, A, 61 * SECOND_US);
    ck_assert(watch->usable && watch->way == SCALE_WAY_OPEN);
}
END_TEST

/* Who flaps needs more good probes each time: 2, 4, 8 .. of them, one each 500 ms. */
START_TEST(what_flaps_is_let_back_ever_more_slowly)
{
    begin(HEAD "faults:\n - {at: 60s, for: 200s, isolate: a, flap: 20s}\n");
    uint64_t before_us = 0;

    for (uint64_t turn = 0; turn < 3; turn++) {
        uint64_t mended_us = (80 + turn * 40) * SECOND_US;
        const struct scale_watch *watch = watch_at(B, A, mended_us);
        ck_assert(!watch->usable && watch->way == SCALE_WAY_OPEN);
        uint64_t took_us = watch->until_us - mended_us;
        ck_assert_uint_ge(took_us, ((2u << turn) - 2) * UINT64_C(500000));
        ck_assert_uint_gt(took_us, before_us);
        before_us = took_us;
    }
}
END_TEST

/* With probes each minute it is requests that tell: one that has timed out, and a probe. */
START_TEST(requests_that_time_out_tell_before_slow_probes)
{
    static const char topology[] = "regions: [{name: a, place: '0,0'}, {name: b, place: '0,30'}]\n"
                                   "settings: {probe_interval: 60s, probe_fail_threshold: 1}\n";
    world = scale_fixture_world(topology, HEAD "faults:\n - {at: 10m, for: 1h, isolate: a}\n");
    scale_health_init(&health, &world->faults);
    const struct scale_watch *watch = watch_at(B, A, 600 * SECOND_US);

    ck_assert(watch->usable);
    ck_assert_uint_eq(watch->until_us, 602 * SECOND_US + watch->round_trip_us);
}
END_TEST

/* A probe takes 80 ms and is waited for for 180. It is 50 ms under way when it is held. */
START_TEST(a_probe_that_is_held_goes_on_from_where_it_is)
{
    static const char topology[] = "regions: [{name: a, place: '0,0'}, {name: b, place: '0,30'}]\n"
                                   "links: [{between: ['client:b', a], rtt: 80ms}]\n"
                                   "settings: {probe_fail_threshold: 1}\n";
    static const struct {
        uint64_t held_us;
        bool noticed;
    } cases[] = {{100000, false}, {100001, true}};

    world = scale_fixture_world(topology, HEAD);
    scale_health_init(&health, &world->faults);
    uint64_t sent_us = 60 * SECOND_US + scale_health_watch(&health, B, A)->phase_us;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        tear_down();
        snprintf(text, sizeof text, HEAD "faults:\n - {at: %lluus, for: %lluus, isolate: a}\n",
                 (unsigned long long)(sent_us + 50000), (unsigned long long)cases[i].held_us);
        world = scale_fixture_world(topology, text);
        scale_health_init(&health, &world->faults);
        const struct scale_watch *watch = watch_at(B, A, sent_us + 180000);
        ck_assert_uint_eq(watch->round_trip_us, 80000);
        ck_assert(watch->usable == !cases[i].noticed);
    }
}
END_TEST

/* ---- spans ---- */

START_TEST(spans_follow_each_other_through_a_cut)
{
    begin(HEAD "faults:\n - {at: 60s, for: 60s, isolate: a}\n");
    struct scale_scenes *scenes = scale_scenes_create(world);
    uint64_t now_us = 0;
    unsigned spans = 0;

    while (now_us < world->duration_us) {
        const struct scale_span *span = scale_scenes_look(scenes, B, now_us);
        double sum = 0;
        ck_assert_uint_gt(span->until_us, now_us);
        for (size_t i = 0; i < span->cells->count; i++)
            sum += span->cells->items[i].share;
        ck_assert_double_eq_tol(sum, 1, 1e-9);
        ck_assert_uint_eq(span->faults, now_us >= 60 * SECOND_US && now_us < 120 * SECOND_US);
        ck_assert_uint_eq(span->ahead, now_us < 60 * SECOND_US);
        now_us = span->until_us;
        spans++;
    }
    /* Before; unnoticed; noticed; unheard of for 5 s; mended and not let back; after. */
    ck_assert_uint_eq(spans, 6);
    scale_scenes_free(scenes);
}
END_TEST

START_TEST(who_is_cut_off_unnoticed_hangs_until_then)
{
    begin(HEAD "faults:\n - {at: 60s, for: 60s, isolate: a}\n");
    struct scale_scenes *scenes = scale_scenes_create(world);
    const struct scale_span *span = scale_scenes_look(scenes, A, 60 * SECOND_US);
    double hung = 0;

    for (size_t i = 0; i < span->cells->count; i++) {
        const struct scale_cell *cell = &span->cells->items[i];
        if (cell->hung == A)
            hung += cell->share;
        ck_assert(cell->hung != A || cell->kind != SCALE_FINE);
    }
    /* All whose home is there; and who roams reads there. */
    ck_assert_double_ge(hung, 0.98);
    struct scale_hang hang = scale_scenes_hang(scenes, A, A);
    ck_assert_uint_eq(hang.release_us, span->until_us);
    ck_assert_uint_eq(hang.patience_us, 2 * SECOND_US + 1000);
    scale_scenes_free(scenes);
}
END_TEST

/* ---- queues ---- */

START_TEST(queues_fill_up_and_drain_at_their_rate)
{
    begin(HEAD);
    struct traffic_state well = {0}, down = {.down = 1u << A};
    struct scale_queues queues;

    scale_queues_init(&queues, world);
    ck_assert(scale_queues_is_empty(&queues));
    queues.entries_max = 1000;
    queues.drain_per_s = 5;
    queues.coming[B][A] = 600;
    scale_queues_work(&queues, &down, 60);
    ck_assert_double_eq(queues.admitted[B], 1);
    ck_assert_double_eq(scale_queues_waiting(&queues, B), 600);
    /* 400 of 800 find room. */
    queues.coming[B][A] = 800;
    scale_queues_work(&queues, &down, 60);
    ck_assert_double_eq(queues.admitted[B], 0.5);
    ck_assert_double_eq(scale_queues_waiting(&queues, B), 1000);
    ck_assert_double_eq(queues.work_per_s[A], 0);
    /* The home is back: 5 a second. */
    scale_queues_work(&queues, &well, 60);
    ck_assert_double_eq(scale_queues_waiting(&queues, B), 700);
    ck_assert_double_eq(queues.work_per_s[A], 5);
    ck_assert(!scale_queues_is_empty(&queues));
    scale_queues_work(&queues, &well, 600);
    ck_assert(scale_queues_is_empty(&queues));
    ck_assert_double_eq_tol(queues.work_per_s[A], 700.0 / 600, 1e-12);
}
END_TEST

START_TEST(queues_wait_while_their_home_is_out_of_reach)
{
    struct traffic_state states[] = {{.down = 1u << A},
                                     {.isolated = 1u << A},
                                     {.isolated = 1u << B},
                                     {.full = 1u << A},
                                     {.cut = {[B] = 1u << A}},
                                     {.cut = {[A] = 1u << B}},
                                     {.services_down = {[A] = 1u << PARTS_METADATA}}};
    struct scale_queues queues;

    begin(HEAD);
    scale_queues_init(&queues, world);
    queues.waiting[B][A] = 100;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        scale_queues_work(&queues, &states[i], 60);
        ck_assert_double_eq(queues.waiting[B][A], 100);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        more_faults_than_there_is_room_for_are_refused,
        faults_are_what_they_say,
        trouble_ages_by_region,
        what_flaps_is_broken_and_whole_in_turn,
        what_has_been_broken_for_long_changes_once_more,
        as_much_time_is_before_a_fault_as_there_is,
        a_fault_ends_with_the_day,
        when_nothing_breaks_nothing_is_looked_at,
        a_cut_is_noticed_by_two_probes,
        after_it_is_mended_two_probes_let_it_back,
        what_is_held_at_the_end_counts,
        a_killed_region_is_noticed_at_once,
        what_is_broken_from_the_beginning_is_seen_so,
        a_cut_of_one_place_is_its_own,
        a_short_cut_passes_by,
        what_flaps_is_let_back_ever_more_slowly,
        requests_that_time_out_tell_before_slow_probes,
        a_probe_that_is_held_goes_on_from_where_it_is,
        spans_follow_each_other_through_a_cut,
        who_is_cut_off_unnoticed_hangs_until_then,
        queues_fill_up_and_drain_at_their_rate,
        queues_wait_while_their_home_is_out_of_reach,
    };
    const struct suite_loop loops[] = {
        {what_makes_no_sense_is_told_with_file_line_and_key, sizeof wrong / sizeof wrong[0]}};

    return suite_run(&(struct suite){
        .name = "scale_faults", .tear_down = tear_down, SUITE_TESTS(tests), SUITE_LOOPS(loops)});
}
