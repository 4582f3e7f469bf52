/* Days of small worlds, of which one knows what must come out. */

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"
#include "control/text.h"
#include "sim/model/scale_tell.h"
#include "sim/model/scale_wait.h"
#include "tests/unit/scale_fixture.h"
#include "tests/unit/suite.h"

enum { A, B, C };

/* No luck in links and work, and so much capacity that nobody waits. */
#define EXACT                                                                                      \
    "topology: t.yaml\nclient_jitter: 0\nclient_loss: 0%\nservice_spread: constant\n"              \
    "capacity: {a: 1G, b: 1G, c: 1G}\nroaming: 0%\n"
#define READS                                                                                      \
    "mix_metadata_reread: 0\nmix_metadata_write: 0\nmix_vault_read: 0\nmix_shared_read: 0\n"       \
    "mix_vault_write: 0\nmix_token_refresh: 0\nmix_log_in: 0\nmix_sign_up: 0\n"

static struct scale_world *world;
static struct scale_tally *tally;

static void tear_down(void)
{
    free(tally);
    scale_world_free(world);
    tally = NULL;
    world = NULL;
}

/* As so many processes would. */
static struct scale_tally *run(const struct scale_world *of, size_t jobs)
{
    struct scale_tally *sum =
        scale_tally_create(of->deployment->geo_count, of->deployment->region_count);

    for (size_t job = 0; job < jobs; job++) {
        struct scale *scale = scale_create(of);
        for (uint64_t slice = 0; slice < of->slice_count; slice++)
            scale_step(scale, slice % jobs == job);
        ck_assert_uint_eq(scale_done(scale), of->slice_count);
        scale_tally_merge(sum, scale_tally(scale));
        scale_free(scale);
    }
    return sum;
}

static void simulate(const char *text)
{
    tear_down();
    world = scale_fixture_world(NULL, text);
    tally = run(world, 1);
}

static uint64_t kind_of(enum scale_kind kind)
{
    uint64_t kinds[SCALE_KIND_COUNT];

    scale_tally_kinds(tally, kinds);
    return kinds[kind];
}

static uint64_t requests_of(const struct scale_tally *of)
{
    uint64_t kinds[SCALE_KIND_COUNT];

    scale_tally_kinds(of, kinds);
    return scale_tally_requests(kinds);
}

static uint64_t requests_at(size_t time)
{
    uint64_t sum = 0;

    for (size_t class = 0; class < SCALE_CLASS_COUNT; class ++)
        sum += scale_tally_requests(tally->times[time].kinds[class]);
    return sum;
}

/* Off by what luck makes of it once in tens of thousands. */
static void about(double value, double wanted)
{
    ck_assert_msg(fabs(value - wanted) <= 4 * sqrt(wanted), "%.9g is not about %.9g", value,
                  wanted);
}

/* ---- known answers ---- */

START_TEST(a_read_takes_exactly_its_round_trip_and_its_work)
{
    simulate(EXACT READS "users: {a: 100k}\nduration: 1h\nservice_time: 2ms\n");
    const struct scale_histogram *latencies = &tally->places[A].latencies;

    ck_assert_uint_gt(latencies->count, 10000);
    ck_assert_uint_eq(latencies->least_us, 1000 + 2000);
    ck_assert_uint_eq(latencies->most_us, 1000 + 2000);
    ck_assert_uint_eq(latencies->sum_us, 3000 * latencies->count);
    ck_assert_uint_eq(kind_of(SCALE_FINE), latencies->count);
}
END_TEST

/* Of those at A whose home is B: 1 ms to read, 80 ms to write; a log-in goes to A, and from there
 * to B; a sign-up makes A the home, and asks a name's directory twice: A, B, or C. */
START_TEST(each_operation_has_the_way_that_it_takes)
{
    static const struct {
        const char *mix;
        double way_us[3]; /* each as common */
        size_t ways;
    } cases[] = {
        {"mix_metadata_read: 1\n", {1000}, 1},           {"mix_metadata_write: 1\n", {80000}, 1},
        {"mix_token_refresh: 1\n", {80000}, 1},          {"mix_log_in: 1\n", {81000}, 1},
        {"mix_sign_up: 1\n", {1000, 161000, 321000}, 3},
    };
    static const char *const keys[] = {"metadata_read", "metadata_reread", "metadata_write",
                                       "vault_read",    "shared_read",     "vault_write",
                                       "token_refresh", "log_in",          "sign_up"};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024] = "topology: t.yaml\nclient_jitter: 0\nclient_loss: 0%\n"
                          "capacity: {a: 1G, b: 1G}\nregions: a,b,c\nservice_time: 0\n"
                          "users: {a: 100k}\nduration: 10m\nroaming: 100%\n";
        for (size_t key = 0; key < sizeof keys / sizeof keys[0]; key++)
            if (strncmp(cases[i].mix + 4, keys[key], strlen(keys[key])) != 0)
                sprintf(text + strlen(text), "mix_%s: 0\n", keys[key]);
        strcat(text, cases[i].mix);
        tear_down();
        world = scale_fixture_world(NULL, text);
        /* All that roam have their home at B. */
        world->deployment->geos[A].home_share[B] += world->deployment->geos[A].home_share[C];
        world->deployment->geos[A].home_share[C] = 0;
        tally = run(world, 1);
        const struct scale_histogram *latencies = &tally->places[A].latencies;
        double mean = 0, longest = 0;
        for (size_t way = 0; way < cases[i].ways; way++) {
            mean += cases[i].way_us[way] / (double)cases[i].ways;
            longest = fmax(longest, cases[i].way_us[way]);
        }
        ck_assert_uint_gt(latencies->count, 1000);
        ck_assert_uint_eq(latencies->least_us, (uint64_t)cases[i].way_us[0]);
        ck_assert_uint_eq(latencies->most_us, (uint64_t)longest);
        ck_assert_double_eq_tol(scale_histogram_mean(latencies), mean, mean * 0.05);
    }
}
END_TEST

START_TEST(counts_add_up_whichever_way_they_are_counted)
{
    simulate("topology: t.yaml\nusers: {a: 30k, b: 20k, c: 10k}\nduration: 24h\nslice: 10m\n"
             "capacity: {a: 5}\nfaults:\n - {at: 3h, for: 2h, region: b}\n"
             " - {at: 10h, for: 1h, isolate: c, flap: 30s}\n");
    uint64_t kinds[SCALE_KIND_COUNT], all = requests_of(tally);
    uint64_t by_time = 0, by_class = 0, answered = 0, by_region = 0, over_time = 0;
    struct scale_histogram latencies;

    about((double)all, 60e3 * 20);
    for (size_t time = 0; time < SCALE_TALLY_TIMES; time++) {
        by_time += requests_at(time);
        over_time += tally->times[time].latencies.count;
    }
    ck_assert_uint_eq(by_time, all);
    scale_tally_kinds(tally, kinds);
    for (size_t kind = 0; kind < SCALE_KIND_COUNT; kind++) {
        for (size_t time = 0; time < SCALE_TALLY_TIMES; time++)
            for (size_t class = 0; class < SCALE_CLASS_COUNT; class ++)
                by_class += tally->times[time].kinds[class][kind];
        ck_assert_uint_eq(by_class, kinds[kind]);
        by_class = 0;
    }
    answered = kinds[SCALE_FINE] + kinds[SCALE_SLOWER] + kinds[SCALE_STALE] + kinds[SCALE_QUEUED];
    scale_tally_latencies(tally, &latencies);
    ck_assert_uint_eq(latencies.count, answered);
    ck_assert_uint_eq(over_time, answered);
    uint64_t shed = 0;
    for (size_t region = A; region <= C; region++) {
        shed += tally->regions[region].shed;
        for (size_t class = 0; class < SCALE_CLASS_COUNT; class ++)
            by_region += tally->regions[region].latencies[class].count;
    }
    ck_assert_uint_eq(by_region, answered);
    /* Who is turned away may be taken elsewhere, or be turned away twice and thrice. */
    ck_assert_uint_gt(kinds[SCALE_SHED], 0);
    ck_assert_uint_gt(shed, kinds[SCALE_SHED]);
    ck_assert_uint_gt(kinds[SCALE_QUEUED], 0);
    ck_assert_uint_gt(kinds[SCALE_FAILED], 0);
    ck_assert_uint_gt(tally->hung, 0);
    /* A fault's part of the time is told of by itself. */
    uint64_t meanwhile = requests_at(3) + requests_at(4);
    ck_assert_uint_eq(scale_tally_requests(tally->faults[0].meanwhile.kinds), meanwhile);
    ck_assert_uint_eq(scale_tally_requests(tally->faults[1].meanwhile.kinds), requests_at(10));
}
END_TEST

START_TEST(requests_follow_the_sun)
{
    simulate(EXACT READS "users: {b: 200k}\nduration: 24h\nslice: 30m\npeak_to_trough: 4\n"
                         "peak_hour: 20\n");
    /* B is 2 h ahead of Greenwich: most is asked around 18:00 there. */
    double mean = 200e3 * 20 / 24;

    for (size_t time = 0; time < 24; time++) {
        double middle = ((double)time + 0.5 + 2 - 20) * M_PI / 12;
        double flattened = sin(M_PI / 24) / (M_PI / 24);
        about((double)requests_at(time), mean * (1 + 0.6 * flattened * cos(middle)));
    }
    about((double)requests_of(tally), 4e6);
}
END_TEST

/* Regions' own links have jitter, too: a name takes two ways there and two back, each 5 ms longer.
 */
START_TEST(what_regions_ask_each_other_has_its_links_luck)
{
    static const char topology[] =
        "regions: [{name: a, place: '0,0'}, {name: b, place: '0,30'}]\n"
        "links: [{between: [a, b], rtt: 40ms, jitter: 10ms, distribution: uniform}]\n";
    world = scale_fixture_world(
        topology, "topology: t.yaml\nclient_jitter: 0\nclient_loss: 0%\nservice_time: 0\n"
                  "capacity: {a: 1G, b: 1G}\nusers: {a: 500k}\nduration: 1h\nroaming: 0%\n");
    memset(world->mix, 0, sizeof world->mix);
    world->mix[TRAFFIC_SIGN_UP] = 1;
    tally = run(world, 1);
    /* Half of the names are A's own. */
    const struct scale_histogram *latencies = &tally->places[A].latencies;
    ck_assert_double_eq_tol(scale_histogram_mean(latencies), 1000 + (80000 + 20000) / 2.0, 1000);
    ck_assert_uint_gt(latencies->most_us, 1000 + 80000 + 30000);
    ck_assert_uint_le(latencies->most_us, 1000 + 80000 + 40000);
}
END_TEST

START_TEST(links_that_the_topology_shakes_are_left_as_they_are)
{
    static const char topology[] =
        "regions: [{name: a, place: '0,0'}, {name: b, place: '0,30'}]\n"
        "links: [{between: ['client:a', b], jitter: 7ms, distribution: uniform, loss: 3%}]\n";
    world = scale_fixture_world(topology, "topology: t.yaml\nclient_jitter: 1.5ms\n"
                                          "client_jitter_kind: normal\nclient_loss: 1%\n");
    const struct link_profile *shaken = &world->deployment->from_client[A][B];
    const struct link_profile *other = &world->deployment->to_client[B][A];

    ck_assert_uint_eq(shaken->jitter_us, 7000);
    ck_assert_int_eq(shaken->jitter_kind, LINK_JITTER_UNIFORM);
    ck_assert_uint_eq(shaken->loss_ppm, 30000);
    ck_assert_uint_eq(other->jitter_us, 1500);
    ck_assert_int_eq(other->jitter_kind, LINK_JITTER_NORMAL);
    ck_assert_uint_eq(other->loss_ppm, 10000);
}
END_TEST

/* There and back may differ, whatever the round trip was that regions were chosen by. */
START_TEST(both_ways_count)
{
    world = scale_fixture_world(NULL, EXACT READS "users: {a: 100k}\nduration: 10m\n"
                                                  "service_time: 0\n");
    world->deployment->from_client[A][A].latency_us = 3000;
    world->deployment->to_client[A][A].latency_us = 20000;
    tally = run(world, 1);
    ck_assert_uint_eq(tally->places[A].latencies.least_us, 23000);
    ck_assert_uint_eq(tally->places[A].latencies.most_us, 23000);
}
END_TEST

/* A reads what its sessions have just written at home, at B, of which its copy hears nothing: it is
 * waited for that for 150 ms, and then asked at home. */
START_TEST(what_is_waited_for_besides_links_counts)
{
    world = scale_fixture_world(NULL, EXACT "users: {a: 100k}\nduration: 10m\nservice_time: 0\n"
                                            "faults:\n - {at: 0, for: 10m, cut: [a, b]}\n");
    memset(world->mix, 0, sizeof world->mix);
    world->mix[TRAFFIC_METADATA_REREAD] = 1;
    world->deployment->geos[A].home_share[A] = 0;
    world->deployment->geos[A].home_share[B] = 1;
    tally = run(world, 1);
    ck_assert_uint_gt(tally->places[A].latencies.count, 10000);
    ck_assert_uint_eq(tally->places[A].latencies.least_us, 1000 + 150000 + 80000);
    ck_assert_uint_eq(tally->places[A].latencies.most_us, 1000 + 150000 + 80000);
}
END_TEST

/* ---- luck belongs to the day ---- */

static const char lively[] = "topology: t.yaml\nusers: {a: 20k, b: 30k, c: 10k}\nduration: 7h\n"
                             "slice: 7m\nfaults:\n - {at: 1h, for: 1h, region: a}\n"
                             " - {at: 3h, for: 1h, isolate: b, flap: 45s}\n";

START_TEST(it_does_not_matter_who_counts)
{
    simulate(lively);
    for (size_t jobs = 2; jobs <= 5; jobs++) {
        struct scale_tally *shared = run(world, jobs);
        ck_assert_uint_eq(shared->size, tally->size);
        ck_assert_mem_eq(shared, tally, tally->size);
        free(shared);
    }
}
END_TEST

START_TEST(of_equal_extremes_the_earlier_one_counts)
{
    struct scale_tally *other = scale_tally_create(1, 1);

    tally = scale_tally_create(1, 1);
    tally->peak_per_s = other->peak_per_s = 10;
    tally->peak_slice = 7;
    other->peak_slice = 4;
    tally->regions[0].busiest = 0.5;
    tally->regions[0].busiest_slice = 3;
    other->regions[0].busiest = 0.6;
    other->regions[0].busiest_slice = 9;
    scale_tally_merge(tally, other);
    ck_assert_uint_eq(tally->peak_slice, 4);
    ck_assert_uint_eq(tally->regions[0].busiest_slice, 9);
    other->peak_slice = 5;
    other->regions[0].busiest = 0.5;
    scale_tally_merge(tally, other);
    ck_assert_uint_eq(tally->peak_slice, 4);
    ck_assert_double_eq(tally->regions[0].busiest, 0.6);
    free(other);
}
END_TEST

START_TEST(another_seed_is_another_day)
{
    char text[1024];

    simulate(lively);
    uint64_t first = requests_of(tally);
    strcpy(text, lively);
    strcat(text, "seed: 2\n");
    simulate(text);
    ck_assert_uint_ne(first, requests_of(tally));
}
END_TEST

/* ---- what breaks ---- */

#define OUTAGE                                                                                     \
    "users: {a: 100k, b: 100k, c: 100k}\nduration: 6h\nslice: 15m\npeak_to_trough: 1\n"            \
    "service_time: 0\n"

START_TEST(a_dead_region_moves_exactly_its_own_hours)
{
    uint64_t well[SCALE_TALLY_TIMES][3], kinds_well[SCALE_TALLY_TIMES];

    simulate(EXACT READS OUTAGE);
    for (size_t time = 0; time < SCALE_TALLY_TIMES; time++) {
        memcpy(well[time], tally->times[time].work, sizeof well[time]);
        kinds_well[time] = tally->times[time].kinds[SCALE_READ][SCALE_FINE];
    }
    /* 15 min are a part of the time: 4 to 7 are those of the fault. */
    simulate(EXACT READS OUTAGE "faults:\n - {at: 1h, for: 1h, region: a}\n");
    for (size_t time = 0; time < SCALE_TALLY_TIMES; time++) {
        const struct scale_tally_time *seen = &tally->times[time];
        if (time < 4 || time > 8) {
            ck_assert_mem_eq(seen->work, well[time], sizeof well[time]);
            ck_assert_uint_eq(seen->kinds[SCALE_READ][SCALE_FINE], kinds_well[time]);
        } else if (time < 8) {
            ck_assert_uint_eq(seen->work[A], 0);
        } else { /* it is let back by two probes */
            ck_assert_uint_gt(seen->work[A], well[time][A] * 99 / 100);
            ck_assert_uint_lt(seen->work[A], well[time][A] * 102 / 100);
        }
    }
    /* Who reads at A goes to B, 79 ms further; after 5 min those who have their home at A are
     * logged out for lack of it. */
    ck_assert_uint_eq(tally->places[A].latencies.most_us, 80000);
    ck_assert_uint_eq(tally->places[B].kinds[SCALE_SLOWER], 0);
    about((double)tally->places[A].kinds[SCALE_FAILED], 100e3 * 20 / 24 * 55 / 60);
    about((double)tally->places[A].kinds[SCALE_STALE], 100e3 * 20 / 24 * 5 / 60);
}
END_TEST

/* What parts of the time have of all requests. */
static void sum_times(size_t first, size_t last, struct scale_tally_part *ret_sum)
{
    memset(ret_sum, 0, sizeof *ret_sum);
    for (size_t time = first; time <= last; time++) {
        const struct scale_tally_time *seen = &tally->times[time];
        for (size_t class = 0; class < SCALE_CLASS_COUNT; class ++)
            for (size_t kind = 0; kind < SCALE_KIND_COUNT; kind++)
                ret_sum->kinds[kind] += seen->kinds[class][kind];
        scale_histogram_merge(&ret_sum->latencies, &seen->latencies);
    }
}

START_TEST(a_fault_stands_beside_as_much_time_before_it)
{
    static struct scale_tally_part sum;

    simulate("topology: t.yaml\n" OUTAGE "faults:\n - {at: 2h, for: 1h, region: a}\n"
             " - {at: 30m, for: 1h, isolate: c}\n - {at: 0, for: 15m, disk: b}\n");
    sum_times(8, 11, &sum);
    ck_assert_mem_eq(&tally->faults[0].meanwhile, &sum, sizeof sum);
    sum_times(4, 7, &sum);
    ck_assert_mem_eq(&tally->faults[0].before, &sum, sizeof sum);
    ck_assert_uint_gt(sum.kinds[SCALE_FAILED], 0);
    ck_assert_uint_gt(sum.latencies.count, 0);
    sum_times(2, 5, &sum);
    ck_assert_mem_eq(&tally->faults[1].meanwhile, &sum, sizeof sum);
    sum_times(0, 1, &sum);
    ck_assert_mem_eq(&tally->faults[1].before, &sum, sizeof sum);
    ck_assert_uint_eq(scale_tally_requests(tally->faults[2].before.kinds), 0);
}
END_TEST

START_TEST(a_fault_within_a_slice_has_its_own_requests)
{
    simulate(EXACT READS "users: {a: 8640k}\npeak_to_trough: 1\nduration: 30m\nslice: 15m\n"
                         "service_time: 0\nfaults:\n - {at: 10m, for: 4m, region: a}\n");
    /* 2,000 a second. Who reads at A and is sent to B takes 80 ms instead of 1. */
    const struct scale_tally_fault *fault = &tally->faults[0];

    about((double)scale_tally_requests(fault->meanwhile.kinds), 2000 * 240);
    about((double)scale_tally_requests(fault->before.kinds), 2000 * 240);
    ck_assert_uint_eq(fault->meanwhile.latencies.least_us, 80000);
    ck_assert_uint_eq(fault->before.latencies.most_us, 1000);
}
END_TEST

START_TEST(who_is_cut_off_unnoticed_waits_for_the_probes)
{
    simulate(EXACT READS OUTAGE "faults:\n - {at: 1h, for: 1m, cut: ['client:a', a]}\n");
    /* Requests of about a second, 23 of them, hang for half of it on average. */
    ck_assert_uint_gt(tally->hung, 8);
    ck_assert_uint_lt(tally->hung, 50);
    double mean_us = (double)tally->hung_us / (double)tally->hung;
    ck_assert_double_gt(mean_us, 200e3);
    ck_assert_double_lt(mean_us, 700e3);
    const struct scale_tally_part *place = &tally->places[A];
    ck_assert_uint_eq(place->kinds[SCALE_FAILED], 0);
    ck_assert_uint_gt(place->latencies.most_us, 80000 + 300000);
    ck_assert_uint_lt(place->latencies.most_us, 80000 + 1200000);
    ck_assert_uint_eq(tally->places[B].kinds[SCALE_FINE],
                      scale_tally_requests(tally->places[B].kinds));
    /* All of A's that do not go as ever go to B, also those that hung last. */
    uint64_t work = 0;
    for (size_t time = 0; time < SCALE_TALLY_TIMES; time++)
        work += tally->times[time].work[B];
    ck_assert_uint_eq(work,
                      scale_tally_requests(tally->places[B].kinds) + place->kinds[SCALE_SLOWER]);
}
END_TEST

START_TEST(what_is_sent_into_a_short_cut_comes_late)
{
    simulate(EXACT READS "users: {a: 10M}\nduration: 2m\nslice: 1m\nservice_time: 0\n"
                         "faults:\n - {at: 30s, for: 500ms, cut: ['client:a', a]}\n");
    /* Half a second of 2,300 a second; the last of them at once, the first after all of it. */
    const struct scale_tally_part *place = &tally->places[A];
    uint64_t requests = scale_tally_requests(place->kinds);

    about((double)tally->hung, (double)requests / 240);
    ck_assert_double_eq_tol((double)tally->hung_us / (double)tally->hung, 250e3, 17e3);
    ck_assert_uint_eq(place->kinds[SCALE_SLOWER], tally->hung);
    ck_assert_uint_eq(place->kinds[SCALE_FINE] + tally->hung, requests);
    ck_assert_uint_le(place->latencies.most_us, 1000 + 500000);
    ck_assert_uint_gt(place->latencies.most_us, 1000 + 480000);
    about((double)tally->times[0].work[A] + (double)tally->times[1].work[A], (double)requests);
}
END_TEST

/* Probes tell nothing here. Who is sent into a cut gives up after 501 ms and goes to B, 80 ms away;
 * the last 501 ms of them are late, and get there. */
START_TEST(who_hangs_for_too_long_goes_elsewhere)
{
    static const char topology[] =
        "regions: [{name: a, place: '0,0'}, {name: b, place: '0,30'}]\n"
        "links: [{between: ['client:a', b], rtt: 80ms}]\n"
        "settings: {probe_interval: 60s, probe_fail_threshold: 1000, request_timeout: 500ms}\n";
    static const unsigned cuts_ms[] = {2000, 800};

    for (size_t i = 0; i < sizeof cuts_ms / sizeof cuts_ms[0]; i++) {
        char text[1024];
        tear_down();
        snprintf(text, sizeof text,
                 "topology: t.yaml\nclient_jitter: 0\nclient_loss: 0%%\nservice_time: 0\n"
                 "capacity: {a: 1G, b: 1G}\nroaming: 0%%\nusers: {a: 10M}\nduration: 2m\n"
                 "peak_to_trough: 1\n" READS
                 "faults:\n - {at: 30s, for: %ums, cut: ['client:a', a]}\n",
                 cuts_ms[i]);
        world = scale_fixture_world(topology, text);
        tally = run(world, 1);
        double per_s = 10e6 * 20 / 86400, cut_s = cuts_ms[i] / 1e3;
        about((double)tally->hung, per_s * cut_s);
        about((double)(tally->times[0].work[B] + tally->times[1].work[B]), per_s * (cut_s - 0.501));
        ck_assert_uint_eq(tally->places[A].latencies.most_us, 501000 + 80000);
        ck_assert_uint_eq(tally->places[A].kinds[SCALE_SLOWER], tally->hung);
    }
}
END_TEST

START_TEST(writes_wait_and_go_home_again)
{
    simulate(EXACT "mix_metadata_write: 1\nmix_metadata_read: 0\nmix_metadata_reread: 0\n"
                   "mix_vault_read: 0\nmix_shared_read: 0\nmix_vault_write: 0\n"
                   "mix_token_refresh: 0\nmix_log_in: 0\nmix_sign_up: 0\n"
                   "users: {a: 100k}\npeak_to_trough: 1\nduration: 4h\nslice: 1m\n"
                   "faults:\n - {at: 1h, for: 5m, region: a}\n");
    /* 23 a second for 5 min wait at B, the nearest of the others, and are home within 14 s. */
    double queued = 100e3 * 20 / 86400 * 300;

    about((double)kind_of(SCALE_QUEUED), queued + 100e3 * 20 / 86400 * 0.3);
    ck_assert_double_ge(tally->regions[B].queued_most, queued - 1e-6);
    ck_assert_double_le(tally->regions[B].queued_most, queued * 1.01);
    ck_assert_double_eq(tally->regions[C].queued_most, 0);
    ck_assert_uint_eq(kind_of(SCALE_FAILED), 0);
    /* In the minute in which it is back they are work beside its own. */
    ck_assert_uint_eq(tally->regions[A].busiest_slice, 65);
    ck_assert_double_eq_tol(tally->regions[A].busiest * 1e9, (queued * 1.003 + 1389) / 60, 4);
}
END_TEST

/* Who writes where: users of B and C are sent to A, the nearest for both, and 12 of 100 write. */
START_TEST(all_places_fill_the_queue_that_takes_their_writes)
{
    simulate("topology: t.yaml\nusers: {a: 10k, b: 100k, c: 300k}\npeak_to_trough: 1\n"
             "duration: 1h\nroaming: 0%\ncapacity: {a: 1G, b: 1G, c: 1G}\nfaults:\n"
             " - {at: 10m, for: 4m, region: b}\n - {at: 10m, for: 4m, region: c}\n");
    double queued = 0.12 * 400e3 * 20 / 86400 * 240;

    ck_assert_double_ge(tally->regions[A].queued_most, queued - 1e-6);
    ck_assert_double_le(tally->regions[A].queued_most, queued * 1.01);
    about((double)kind_of(SCALE_QUEUED), queued);
}
END_TEST

START_TEST(a_full_disk_takes_no_writes)
{
    /* Shorter than tokens last, which nobody else renews. */
    simulate(EXACT OUTAGE "faults:\n - {at: 1h, for: 4m, disk: a}\n");
    const struct scale_tally_fault *fault = &tally->faults[0];
    double third = (double)scale_tally_requests(fault->meanwhile.kinds) / 3;

    /* What only the home may do; sign-ups are few. */
    about((double)fault->meanwhile.kinds[SCALE_QUEUED], third * 0.12);
    about((double)fault->meanwhile.kinds[SCALE_FAILED], third * (0.03 + 0.04 + 0.015));
    ck_assert_uint_eq(fault->before.kinds[SCALE_FINE], scale_tally_requests(fault->before.kinds));
}
END_TEST

START_TEST(a_full_queue_refuses)
{
    static const char topology[] = "regions: [{name: a, place: '0,0'}, {name: b, place: '0,30'}]\n"
                                   "settings: {queue_max_entries: 1000}\n";
    world = scale_fixture_world(
        topology, "topology: t.yaml\nusers: {a: 1M}\npeak_to_trough: 1\nduration: 1h\n"
                  "faults:\n - {at: 10m, for: 5m, region: a}\n");
    tally = run(world, 1);
    about((double)kind_of(SCALE_QUEUED), 1000);
    ck_assert_double_eq(tally->regions[B].queued_most, 1000);
    /* 12 of 100 are writes; token life and all else left aside, the others found no room. */
    ck_assert_uint_gt(kind_of(SCALE_QUEUE_FULL), 5000);
}
END_TEST

/* Nobody takes what it turns away. */
static const char alone[] = "regions: [{name: a, place: '0,0'}]\n";

START_TEST(a_region_that_is_asked_for_too_much_sheds_the_rest)
{
    /* Twice what it can do, with 10 workers of 10 ms. */
    world = scale_fixture_world(
        alone, "topology: t.yaml\nclient_jitter: 0\nclient_loss: 0%\nroaming: 0%\n" READS
               "users: {a: 8640k}\nrequests_per_user: 20\npeak_to_trough: 1\nduration: 10m\n"
               "capacity: {a: 1000}\nservice_time: 10ms\nwait_most: 100ms\n"
               "service_spread: constant\n");
    tally = run(world, 1);
    double requests = 2000.0 * 600;

    about((double)requests_of(tally), requests);
    ck_assert_double_eq_tol((double)kind_of(SCALE_SHED) / requests, 0.5, 0.005);
    ck_assert_double_eq_tol(tally->regions[A].busiest, 2, 0.05);
    /* The queue is as long as may be; never longer. */
    ck_assert_uint_le(tally->places[A].latencies.most_us, 1000 + 10000 + 100000 + 1);
    ck_assert_double_gt(scale_histogram_quantile(&tally->places[A].latencies, 0.5), 100000);
}
END_TEST

/* A region that is nearly full, with a bound that many would pass. */
START_TEST(nobody_waits_longer_than_the_bound)
{
    world = scale_fixture_world(
        alone, "topology: t.yaml\nclient_jitter: 0\nclient_loss: 0%\nroaming: 0%\n" READS
               "users: {a: 3888k}\npeak_to_trough: 1\nduration: 10m\ncapacity: {a: 1000}\n"
               "service_time: 10ms\nwait_most: 10ms\nservice_spread: constant\n");
    tally = run(world, 1);
    const struct scale_histogram *latencies = &tally->places[A].latencies;
    struct scale_wait wait = scale_wait_of(900, 1000, 10, 10000);

    ck_assert_uint_gt(latencies->most_us, 1000 + 10000 + 9900);
    ck_assert_uint_le(latencies->most_us, 1000 + 10000 + 10000 + 1);
    ck_assert_double_eq_tol(scale_histogram_mean(latencies) - 11000, scale_wait_mean_us(&wait), 40);
    about((double)kind_of(SCALE_SHED), wait.shed * 900 * 600);
}
END_TEST

#define CASCADE                                                                                    \
    "topology: t.yaml\nclient_jitter: 0\nclient_loss: 0%\nroaming: 0%\npeak_to_trough: 1\n"        \
    "service_time: 2ms\nservice_spread: constant\nwait_most: 10ms\nduration: 10m\n"

/* 2,000 a second read at A, which can do 1,000; B is next, with 300, and C the last. */
START_TEST(what_is_turned_away_goes_on_to_the_next)
{
    simulate(CASCADE READS "users: {a: 8640k}\ncapacity: {a: 1000, b: 300, c: 1G}\n");
    double requests = 2000.0 * 600;
    struct scale_wait first = scale_wait_of(2000, 1000, 2, 10000);
    struct scale_wait second = scale_wait_of(2000 * first.shed, 300, 1, 10000);
    const struct scale_tally_part *place = &tally->places[A];
    uint64_t work[3] = {0};

    /* Each minute's own number of requests makes its own share. */
    ck_assert_double_eq_tol((double)tally->regions[A].shed / requests, first.shed, 1e-3);
    ck_assert_double_eq_tol((double)tally->regions[B].shed / requests, first.shed * second.shed,
                            2e-3);
    ck_assert_uint_eq(tally->regions[C].shed, 0);
    ck_assert_uint_eq(kind_of(SCALE_SHED), 0);
    ck_assert_uint_eq(place->kinds[SCALE_SLOWER], tally->regions[A].shed);
    /* The last of them have been at A, 1 ms, at B, 80 ms, and at C, 160 ms. */
    ck_assert_uint_eq(tally->regions[C].latencies[SCALE_READ].least_us, 241000 + 2000);
    ck_assert_uint_eq(tally->regions[C].latencies[SCALE_READ].most_us, 241000 + 2000);
    ck_assert_uint_eq(tally->regions[B].latencies[SCALE_READ].least_us, 81000 + 2000);
    ck_assert_uint_eq(place->latencies.least_us, 1000 + 2000);
    for (size_t time = 0; time < SCALE_TALLY_TIMES; time++)
        for (size_t region = A; region <= C; region++)
            work[region] += tally->times[time].work[region];
    ck_assert_uint_eq(work[A], scale_tally_requests(place->kinds));
    ck_assert_uint_eq(work[B], tally->regions[A].shed);
    ck_assert_uint_eq(work[C], tally->regions[B].shed);
    ck_assert_double_eq_tol(tally->regions[B].busiest, 2000 * first.shed / 300, 0.1);
}
END_TEST

START_TEST(what_nobody_takes_is_shed)
{
    simulate(CASCADE READS "users: {a: 8640k}\ncapacity: {a: 100, b: 100, c: 100}\n");
    uint64_t requests = requests_of(tally);

    ck_assert_uint_eq(kind_of(SCALE_SHED), tally->regions[C].shed);
    ck_assert_double_eq_tol((double)kind_of(SCALE_SHED) / (double)requests, 1 - 300 / 2000.0, 1e-2);
    ck_assert_uint_eq(kind_of(SCALE_SHED) + tally->places[A].latencies.count, requests);
}
END_TEST

/* An overloaded home's writes wait elsewhere; only it may renew tokens. */
START_TEST(an_overloaded_homes_writes_are_queued)
{
    world =
        scale_fixture_world(NULL, CASCADE "users: {a: 8640k}\ncapacity: {a: 1000, b: 1G, c: 1G}\n");
    memset(world->mix, 0, sizeof world->mix);
    world->mix[TRAFFIC_METADATA_WRITE] = world->mix[TRAFFIC_TOKEN_REFRESH] = 0.5;
    tally = run(world, 1);
    about(2 * (double)kind_of(SCALE_QUEUED), (double)tally->regions[A].shed);
    ck_assert_uint_eq(kind_of(SCALE_QUEUED) + kind_of(SCALE_SHED), tally->regions[A].shed);
    ck_assert_uint_eq(tally->regions[B].latencies[SCALE_WRITE].count, kind_of(SCALE_QUEUED));
}
END_TEST

START_TEST(capacities_are_headroom_above_each_ones_own_peak)
{
    simulate("topology: t.yaml\nusers: {a: 8640k}\nduration: 1m\nroaming: 0%\n" READS
             "headroom: 1.5\nservice_time: 2ms\nslice: 1m\npeak_to_trough: 3\n"
             "capacity: {b: 700}\n");
    struct scale *scale = scale_create(world);

    /* 2,000 a second on average, half as many again at the peak. */
    ck_assert_double_eq_tol(scale_capacity(scale, A), 2000 * 1.5 * 1.5, 0.1);
    ck_assert_double_eq(scale_workers(scale, A), 9);
    ck_assert_double_eq(scale_capacity(scale, B), 700);
    ck_assert_double_eq(scale_workers(scale, B), 1);
    /* Nobody is nearest to C: one worker is there all the same. */
    ck_assert_double_eq(scale_capacity(scale, C), 500);
    ck_assert_double_eq(scale_workers(scale, C), 1);
    scale_free(scale);
}
END_TEST

/* Thousands of times as many requests take no more room, and neither do longer days. */
START_TEST(memory_depends_on_the_world_alone)
{
    simulate("topology: t.yaml\nusers: {a: 1k}\nduration: 1h\n");
    size_t size = tally->size;

    simulate(
        "topology: t.yaml\nusers: {a: 100k}\nduration: 31d\nslice: 1h\nrequests_per_user: 1\n");
    ck_assert_uint_eq(tally->size, size);
    ck_assert_uint_gt(requests_of(tally), 3000000);
    ck_assert_uint_le(scale_tally_time_count(world), SCALE_TALLY_TIMES);
    ck_assert_uint_le(size, 4u << 20);
}
END_TEST

static size_t heap_of(struct scale *scale)
{
    while (scale_done(scale) < world->slice_count)
        scale_step(scale, true);
    struct mallinfo2 used = mallinfo2();
    return used.uordblks + used.hblkhd;
}

/* Nor does it take more that things change thousands of times within a slice. */
START_TEST(memory_does_not_depend_on_how_often_things_change)
{
    static const char *const texts[] = {"flap: 20m", "flap: 1s"};
    size_t heaps[2];

    for (size_t i = 0; i < 2; i++) {
        char text[256];
        tear_down();
        snprintf(text, sizeof text,
                 "topology: t.yaml\nduration: 3h\nslice: 1h\nrequests_per_user: 1\n"
                 "faults:\n - {at: 0, for: 3h, isolate: a, %s}\n",
                 texts[i]);
        world = scale_fixture_world(NULL, text);
        struct scale *scale = scale_create(world);
        heaps[i] = heap_of(scale);
        scale_free(scale);
    }
    ck_assert_msg(heaps[1] < heaps[0] + (1u << 16), "%zu bytes, and %zu", heaps[0], heaps[1]);
}
END_TEST

START_TEST(parts_of_the_time_are_whole_slices)
{
    static const struct {
        const char *text;
        uint64_t slices;
        uint64_t time_s;
        size_t times;
    } cases[] = {{"duration: 24h\n", 1440, 3600, 24},
                 {"duration: 10m\n", 10, 60, 10},
                 {"duration: 36h\nslice: 1m\n", 2160, 5400, 24},
                 {"duration: 25m\nslice: 10m\n", 3, 600, 3},
                 {"duration: 5s\n", 1, 5, 1}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        simulate(cases[i].text);
        ck_assert_uint_eq(world->slice_count, cases[i].slices);
        ck_assert_uint_eq(scale_tally_time_us(world), cases[i].time_s * SECOND_US);
        ck_assert_uint_eq(scale_tally_time_count(world), cases[i].times);
    }
}
END_TEST

/* ---- what is told ---- */

START_TEST(a_result_has_all_its_tables)
{
    static const char *const tables[] = {"requests", "latency", "faults",  "changes", "times",
                                         "load",     "busy",    "regions", "places"};
    struct result *result = result_create("scale", "A day of a large world");

    simulate(lively);
    struct scale *scale = scale_create(world);
    scale_tell(&(struct scale_told){world, scale, tally}, result);
    json_t *json = result_as_json(result, json_null());
    json_t *told = json_object_get(json, "tables");
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        ck_assert_uint_gt(json_array_size(json_object_get(told, tables[i])), 0);
    json_t *regions = json_object_get(told, "regions");
    /* From west to east. */
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(regions, 0), "region")), "c");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(regions, 2), "region")), "b");
    double requests = 0;
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(told, "requests"), index, row) requests +=
        json_number_value(json_object_get(row, "requests"));
    ck_assert_double_eq(requests, (double)requests_of(tally));
    json_t *fault = json_array_get(json_object_get(told, "faults"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(fault, "fault")), "a killed");
    ck_assert_str_eq(json_string_value(json_object_get(fault, "from_utc")), "01:00");
    json_t *change = json_array_get(json_object_get(told, "changes"), 0);
    double lost = json_number_value(json_object_get(change, "no_answer"));
    double kept = json_number_value(json_object_get(fault, "fine")) +
                  json_number_value(json_object_get(fault, "slower")) +
                  json_number_value(json_object_get(fault, "stale")) +
                  json_number_value(json_object_get(fault, "queued"));
    ck_assert_double_eq_tol(lost, 1 - kept, 1e-9);
    ck_assert_double_gt(lost, 0.01);
    ck_assert_double_eq(json_number_value(json_object_get(change, "no_answer_before")), 0);
    ck_assert_double_eq(json_number_value(json_object_get(change, "p99_before_us")),
                        scale_histogram_quantile(&tally->faults[0].before.latencies, 0.99));
    ck_assert_double_eq(json_number_value(json_object_get(change, "p50_us")),
                        scale_histogram_quantile(&tally->faults[0].meanwhile.latencies, 0.5));
    json_t *parameters = json_object();
    char *page = result_as_html(result, parameters);
    ck_assert_ptr_nonnull(strstr(page, "How busy regions are, by time"));
    free(page);
    json_decref(parameters);
    json_decref(json);
    scale_free(scale);
    result_free(result);
}
END_TEST

START_TEST(clocks_say_days_only_when_there_are_some)
{
    char text[SCALE_TELL_TIME_SIZE];

    simulate("duration: 1m\nbegins: 23h\n");
    ck_assert_str_eq(scale_tell_time(world, 0, text), "23:00");
    ck_assert_str_eq(scale_tell_time(world, 3661 * SECOND_US, text), "1d 00:01");
}
END_TEST

/* A world in which nobody asks for anything, and one of a single region, are worlds, too. */
START_TEST(quiet_and_small_worlds_can_be_told_of)
{
    static const char *const texts[] = {"requests_per_user: 0\nduration: 10m\n",
                                        "regions: 1\nduration: 10m\nfaults:\n"
                                        " - {at: 1m, for: 1m, isolate: us-east}\n"
                                        " - {at: 5m, for: 1m, region: us-east}\n"};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct result *result = result_create("scale", "A day of a large world");
        simulate(texts[i]);
        struct scale *scale = scale_create(world);
        scale_tell(&(struct scale_told){world, scale, tally}, result);
        char *text = result_as_text(result, false);
        ck_assert_ptr_nonnull(strstr(text, "How requests end"));
        free(text);
        scale_free(scale);
        result_free(result);
    }
    ck_assert_uint_gt(kind_of(SCALE_FAILED), 0);
}
END_TEST

/* ---- the ends of what may be said ---- */

static bool is_number(const struct params_spec *spec)
{
    return spec->kind != PARAMS_TREE && spec->kind != PARAMS_TEXT && spec->kind != PARAMS_FILE &&
           spec->kind != PARAMS_CHOICE && spec->most > 0;
}

/* A few users, who ask for little or much, on a day with all kinds of trouble. */
static void stand(size_t index, double value)
{
    const struct params_spec *spec = &scale_world_specs[index];
    bool many = index == SCALE_WORLD_REQUESTS && value > 0;
    const char *unit = spec->kind == PARAMS_DURATION ? "us" : spec->kind == PARAMS_SHARE ? "%" : "";
    char text[1024];

    snprintf(text, sizeof text,
             "topology: t.yaml\n%s%s%s%s%s: %.16g%s\nfaults:\n"
             " - {at: 0, for: 500ms, isolate: a}\n - {at: 0, for: 10s, region: b, flap: 1s}\n",
             index == DEPLOYMENT_USERS_TOTAL ? "requests_per_user: 0\n" : "",
             many                              ? "users: {a: 1}\n"
             : index == DEPLOYMENT_USERS_TOTAL ? ""
                                               : "users: {a: 500}\n",
             index == SCALE_WORLD_DURATION ? "slice: 1h\n" : "duration: 5h\n", "", spec->key,
             spec->kind == PARAMS_SHARE ? value * 100 : value, unit);
    if (index == SCALE_WORLD_SLICE && value < 1e7)
        strcat(text, "client_loss: 90%\n");
    simulate(text);
    ck_assert_uint_le(requests_of(tally), 1000000);
}

START_TEST(the_ends_of_the_parameters_make_worlds)
{
    const struct params_spec *spec = &scale_world_specs[_i];

    if (!is_number(spec))
        return;
    stand((size_t)_i, spec->least);
    stand((size_t)_i, spec->most);
}
END_TEST

/* ---- the manual ---- */

START_TEST(the_table_in_docs_has_every_key)
{
    FILE *file = fopen(SOURCE_ROOT "/docs/scale.md", "r");
    char *page = memory_alloc(1 << 18);

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_gt(fread(page, 1, (1 << 18) - 1, file), 0);
    fclose(file);
    for (size_t i = 0; i < SCALE_WORLD_PARAM_COUNT; i++) {
        const struct params_spec *spec = &scale_world_specs[i];
        const char *quote = *spec->initial ? "`" : "";
        char *row = text_format("\n| `%s` | %s%s%s | %s |\n", spec->key, quote, spec->initial,
                                quote, spec->help);
        ck_assert_msg(strstr(page, row) != NULL, "docs/scale.md lacks:%s", row);
        free(row);
    }
    free(page);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_read_takes_exactly_its_round_trip_and_its_work,
        each_operation_has_the_way_that_it_takes,
        counts_add_up_whichever_way_they_are_counted,
        requests_follow_the_sun,
        what_regions_ask_each_other_has_its_links_luck,
        links_that_the_topology_shakes_are_left_as_they_are,
        both_ways_count,
        what_is_waited_for_besides_links_counts,
        it_does_not_matter_who_counts,
        of_equal_extremes_the_earlier_one_counts,
        another_seed_is_another_day,
        a_dead_region_moves_exactly_its_own_hours,
        a_fault_stands_beside_as_much_time_before_it,
        a_fault_within_a_slice_has_its_own_requests,
        who_is_cut_off_unnoticed_waits_for_the_probes,
        what_is_sent_into_a_short_cut_comes_late,
        who_hangs_for_too_long_goes_elsewhere,
        writes_wait_and_go_home_again,
        all_places_fill_the_queue_that_takes_their_writes,
        a_full_disk_takes_no_writes,
        a_full_queue_refuses,
        a_region_that_is_asked_for_too_much_sheds_the_rest,
        nobody_waits_longer_than_the_bound,
        what_is_turned_away_goes_on_to_the_next,
        what_nobody_takes_is_shed,
        an_overloaded_homes_writes_are_queued,
        capacities_are_headroom_above_each_ones_own_peak,
        memory_depends_on_the_world_alone,
        memory_does_not_depend_on_how_often_things_change,
        parts_of_the_time_are_whole_slices,
        a_result_has_all_its_tables,
        clocks_say_days_only_when_there_are_some,
        quiet_and_small_worlds_can_be_told_of,
        the_table_in_docs_has_every_key,
    };

    const struct suite_loop loops[] = {
        {the_ends_of_the_parameters_make_worlds, SCALE_WORLD_PARAM_COUNT}};

    return suite_run(&(struct suite){.name = "scale",
                                     .tear_down = tear_down,
                                     .timeout_s = 120,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
