/* Regions that are too busy make others so: what follows from what. */

#include <math.h>

#include "common/memory.h"
#include "routerd/policy.h"
#include "sim/model/scale_spill.h"
#include "tests/unit/suite.h"

enum { A, B, C, REGIONS };

#define ONLY(region) (1u << (region))
#define BOUND_US     10000.0

static struct scale_spill *spill;
static double per_s[TOPOLOGY_REGIONS_MAX];
static struct scale_wait waits[TOPOLOGY_REGIONS_MAX];

static void set_up(void)
{
    static const double capacity[REGIONS] = {1000, 500, 250};

    spill = memory_alloc(sizeof *spill);
    spill->region_count = REGIONS;
    spill->most_us = BOUND_US;
    for (size_t region = A; region < REGIONS; region++) {
        spill->capacity[region] = capacity[region];
        spill->workers[region] = capacity[region] / 125;
    }
}

static void tear_down(void)
{
    free(spill);
}

/* Requests of a slice of 10 s that go from one region to the next. */
static void come(const uint32_t *regions, uint32_t count, double a_second)
{
    struct scale_cell others[SCALE_CELLS_TRIES];
    struct scale_cells cells = {.others = others, .other_count = count - 1};
    struct scale_cell first = {.region = regions[0], .asked = ONLY(regions[0])};
    uint32_t asked = first.asked;

    first.next = count > 1 ? 0 : SCALE_CELLS_NONE;
    for (uint32_t i = 1; i < count; i++) {
        asked |= ONLY(regions[i]);
        others[i - 1] = (struct scale_cell){
            .region = regions[i], .asked = asked, .next = i + 1 < count ? i : SCALE_CELLS_NONE};
    }
    scale_spill_add(spill, &cells, &first, a_second * 10);
}

static struct scale_wait wait_at(uint32_t region, double arrivals_per_s)
{
    return scale_wait_of(arrivals_per_s, spill->capacity[region], spill->workers[region], BOUND_US);
}

START_TEST(who_has_room_turns_nobody_away)
{
    static const double own[TOPOLOGY_REGIONS_MAX] = {10, 20, 0};

    come((const uint32_t[]){A, B, C}, 3, 10);
    scale_spill_settle(spill, own, 10, per_s, waits);
    for (size_t region = A; region < REGIONS; region++) {
        ck_assert_double_eq_tol(per_s[region], own[region], 1e-6);
        ck_assert_double_lt(waits[region].shed, 1e-6);
    }
}
END_TEST

START_TEST(what_is_turned_away_is_asked_for_at_the_next)
{
    static const double own[TOPOLOGY_REGIONS_MAX] = {3000, 100, 0};
    double first = wait_at(A, 3000).shed;
    double second = wait_at(B, 100 + 3000 * first).shed;

    come((const uint32_t[]){A, B, C}, 3, 3000);
    scale_spill_settle(spill, own, 10, per_s, waits);
    ck_assert_double_eq_tol(waits[A].shed, first, 1e-9);
    ck_assert_double_eq_tol(per_s[B], 100 + 3000 * first, 1e-5);
    ck_assert_double_eq_tol(waits[B].shed, second, 1e-9);
    ck_assert_double_eq_tol(per_s[C], 3000 * first * second, 1e-5);
    ck_assert_double_eq_tol(waits[C].shed, wait_at(C, per_s[C]).shed, 1e-9);
}
END_TEST

/* Each sends the other what it cannot do: the shares stand when each follows from the other. */
START_TEST(two_that_are_too_busy_make_each_other_busier)
{
    static const double own[TOPOLOGY_REGIONS_MAX] = {1200, 800, 0};

    come((const uint32_t[]){A, B}, 2, 1200);
    come((const uint32_t[]){B, A}, 2, 800);
    scale_spill_settle(spill, own, 10, per_s, waits);
    ck_assert_double_eq_tol(per_s[A], 1200 + 800 * waits[B].shed, 1e-4);
    ck_assert_double_eq_tol(per_s[B], 800 + 1200 * waits[A].shed, 1e-4);
    ck_assert_double_eq_tol(waits[A].shed, wait_at(A, per_s[A]).shed, 1e-9);
    ck_assert_double_eq_tol(waits[B].shed, wait_at(B, per_s[B]).shed, 1e-9);
    ck_assert_double_gt(waits[A].shed, wait_at(A, 1200).shed + 0.05);
}
END_TEST

/* A region that only takes part has its work once, however often it is asked. */
START_TEST(who_has_had_work_with_it_has_it_once)
{
    struct scale_cell others[1] = {
        {.region = B, .asked = ONLY(A) | ONLY(B) | ONLY(C), .next = SCALE_CELLS_NONE}};
    struct scale_cells cells = {.others = others, .other_count = 1};
    struct scale_cell cell = {.region = A, .asked = ONLY(A) | ONLY(C), .next = 0};
    static const double own[TOPOLOGY_REGIONS_MAX] = {3000, 0, 10};

    scale_spill_add(spill, &cells, &cell, 3000 * 10);
    scale_spill_settle(spill, own, 10, per_s, waits);
    ck_assert_double_eq_tol(per_s[B], 3000 * waits[A].shed, 1e-5);
    ck_assert_double_eq_tol(per_s[C], 10, 1e-9);
}
END_TEST

START_TEST(a_new_slice_begins_with_nothing)
{
    static const double own[TOPOLOGY_REGIONS_MAX] = {3000, 0, 0};

    come((const uint32_t[]){A, B, C}, 3, 3000);
    scale_spill_clear(spill);
    scale_spill_settle(spill, own, 10, per_s, waits);
    ck_assert_double_gt(waits[A].shed, 0.5);
    ck_assert_double_eq(per_s[B], 0);
    ck_assert_double_eq(per_s[C], 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_has_room_turns_nobody_away,
        what_is_turned_away_is_asked_for_at_the_next,
        two_that_are_too_busy_make_each_other_busier,
        who_has_had_work_with_it_has_it_once,
        a_new_slice_begins_with_nothing,
    };

    return suite_run(&(struct suite){
        .name = "scale_spill", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
