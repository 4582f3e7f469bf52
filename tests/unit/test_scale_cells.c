/* What becomes of all requests of a place in a state of the world, sorted into cells: each answer
 * can be had by hand from the mix, the homes, and the way. */

#include "routerd/policy.h"
#include "sim/model/scale_cells.h"
#include "tests/unit/scale_fixture.h"
#include "tests/unit/suite.h"

enum { A, B, C };

#define ONLY(region) (1u << (region))
#define ANY          (UINT32_MAX - 1) /* POLICY_NONE is somebody, too */

/* At each place 98 of 100 have their home there, and one at each of the others. Of all homes A has
 * 0.75 x 0.98 + 0.25 x 0.01, and so on. */
#define HERE     0.98
#define THERE    0.01
#define ALL_OF_C THERE
#define ALL_OF_B (0.75 * THERE + 0.25 * HERE)

static struct scale_world *world;
static struct scale_cells *cells;
static struct scale_scene scene;

static void set_up(void)
{
    memset(&scene, 0, sizeof scene);
    world = scale_fixture_world(NULL, "topology: t.yaml\nusers: {a: 3M, b: 1M, c: 0}\n");
}

static void tear_down(void)
{
    scale_cells_free(cells);
    scale_world_free(world);
    cells = NULL;
    world = NULL;
}

static void sort_at(uint32_t geo)
{
    double sum = 0;

    scale_cells_free(cells);
    cells = scale_cells_create(world, geo, &scene);
    for (size_t i = 0; i < cells->count; i++)
        sum += cells->items[i].share;
    ck_assert_double_eq_tol(sum, 1, 1e-12);
}

/* How many are so; what may be anything is ANY. */
struct wanted {
    uint32_t kind, class, region, asked, home, hung;
};

static bool is_like(uint32_t value, uint32_t wanted)
{
    return wanted == ANY || value == wanted;
}

static double share_of(struct wanted wanted)
{
    double share = 0;

    for (size_t i = 0; i < cells->count; i++) {
        const struct scale_cell *cell = &cells->items[i];
        if (is_like(cell->kind, wanted.kind) && is_like(cell->class, wanted.class) &&
            is_like(cell->region, wanted.region) && is_like(cell->asked, wanted.asked) &&
            is_like(cell->home, wanted.home) && is_like(cell->hung, wanted.hung))
            share += cell->share;
    }
    return share;
}

static void is_share(double share, double wanted)
{
    ck_assert_double_eq_tol(share, wanted, 1e-12);
}

static double share_of_kind(uint32_t kind, uint32_t class)
{
    return share_of((struct wanted){kind, class, ANY, ANY, ANY, ANY});
}

START_TEST(classes_have_their_parts_of_the_mix)
{
    for (uint32_t geo = A; geo <= B; geo++) {
        sort_at(geo);
        is_share(share_of_kind(SCALE_FINE, SCALE_READ), 0.58 + 0.06 + 0.12 + 0.03);
        is_share(share_of_kind(SCALE_FINE, SCALE_WRITE), 0.12);
        is_share(share_of_kind(SCALE_FINE, SCALE_SENSITIVE), 0.03 + 0.04 + 0.015 + 0.005);
    }
}
END_TEST

/* Reads stay near, writes go home. A log-in is passed on to the home, a sign-up asks for its name
 * where that is kept: two regions have work with it. */
START_TEST(who_is_asked_is_who_has_work)
{
    sort_at(A);
    is_share(share_of((struct wanted){ANY, SCALE_READ, A, ONLY(A), ANY, ANY}), 0.79);
    is_share(share_of((struct wanted){ANY, SCALE_WRITE, B, ONLY(B), ANY, ANY}), 0.12 * THERE);
    is_share(share_of((struct wanted){ANY, ANY, A, ONLY(A) | ONLY(B), ANY, ANY}),
             0.015 * THERE + 0.005 / 3);
    is_share(share_of((struct wanted){ANY, ANY, A, ONLY(A) | ONLY(C), ANY, ANY}),
             0.015 * THERE + 0.005 / 3);
}
END_TEST

/* From A, A is out of reach and nobody has noticed; that its vault is down everybody knows. So both
 * are read at B, the vault at once, and the rest after it hung at A. */
START_TEST(who_hangs_is_apart_from_who_goes_elsewhere_at_once)
{
    scene.away = scene.unnoticed = ONLY(A);
    scene.services_down[A] = 1u << PARTS_VAULT;
    sort_at(A);
    is_share(share_of((struct wanted){SCALE_SLOWER, SCALE_READ, B, ONLY(B), ANY, A}), 0.58 + 0.06);
    is_share(share_of((struct wanted){SCALE_SLOWER, SCALE_READ, B, ONLY(B), ANY, POLICY_NONE}),
             0.12 + 0.03);
    is_share(share_of((struct wanted){SCALE_QUEUED, SCALE_WRITE, B, ONLY(B), A, A}), 0.12 * HERE);
    /* Renewals of tokens hang, and then there is nobody else; vault writes are refused at once. */
    is_share(share_of((struct wanted){SCALE_FAILED, SCALE_SENSITIVE, ANY, ANY, ANY, A}),
             0.04 * HERE);
    is_share(share_of((struct wanted){SCALE_FAILED, SCALE_SENSITIVE, ANY, ANY, ANY, POLICY_NONE}),
             0.03 * HERE);
}
END_TEST

/* What is sent shortly before the way is mended arrives as if nothing had been, only later. */
START_TEST(what_is_mended_soon_is_answered_where_it_was_sent)
{
    scene.away = scene.unnoticed = scene.mended = ONLY(A);
    sort_at(A);
    is_share(share_of((struct wanted){SCALE_SLOWER, SCALE_READ, A, ANY, ANY, A}), 0.79);
    is_share(share_of((struct wanted){SCALE_SLOWER, SCALE_WRITE, A, ANY, ANY, A}), 0.12 * HERE);
    is_share(share_of_kind(SCALE_FAILED, ANY), 0);
    is_share(share_of_kind(SCALE_QUEUED, ANY), 0);
}
END_TEST

START_TEST(queued_writes_are_apart_by_their_home)
{
    scene.down = ONLY(B) | ONLY(C);
    sort_at(A);
    is_share(share_of((struct wanted){SCALE_QUEUED, SCALE_WRITE, A, ONLY(A), B, ANY}),
             0.12 * THERE);
    is_share(share_of((struct wanted){SCALE_QUEUED, SCALE_WRITE, A, ONLY(A), C, ANY}),
             0.12 * THERE);
    ck_assert(cells->queue);
    is_share(share_of((struct wanted){SCALE_FINE, SCALE_WRITE, A, ANY, POLICY_NONE, ANY}),
             0.12 * HERE);
}
END_TEST

static void cut_off(uint32_t region)
{
    for (uint32_t other = A; other <= C; other++) {
        if (other == region)
            continue;
        scene.cut[region] |= ONLY(other);
        scene.cut[other] |= ONLY(region);
    }
}

/* B is out of the other regions' reach, and not of clients'. A's copies of it are stale; what
 * others share is as old as the copy of its owner, who may be anybody. */
START_TEST(copies_of_who_is_cut_off_are_stale)
{
    cut_off(B);
    sort_at(A);
    is_share(share_of((struct wanted){SCALE_STALE, SCALE_READ, A, ONLY(A), ANY, ANY}),
             (0.58 + 0.12) * THERE + 0.03 * ALL_OF_B);
    /* A copy is behind a session's own write: it waits for that in vain, and asks the home. */
    is_share(share_of((struct wanted){SCALE_SLOWER, SCALE_READ, B, ONLY(A) | ONLY(B), ANY, ANY}),
             0.06 * THERE);
    for (size_t i = 0; i < cells->count; i++)
        ck_assert_uint_eq(cells->items[i].rest_us,
                          cells->items[i].asked == (ONLY(A) | ONLY(B)) ? 1000 + 150000 : 0);
}
END_TEST

/* When that has lasted, the vault is read where its home is heard of: it is the trouble of the two
 * homes of a request that counts, and nobody else's. */
START_TEST(what_is_old_by_a_requests_own_homes_is_declined)
{
    cut_off(B);
    scene.old = ONLY(B);
    sort_at(A);
    is_share(share_of_kind(SCALE_STALE, SCALE_READ), 0.58 * THERE);
    is_share(share_of((struct wanted){SCALE_SLOWER, SCALE_READ, B, ANY, ANY, ANY}),
             0.06 * THERE + 0.12 * THERE + 0.03 * THERE * ALL_OF_B);
    /* Of the reader's and the owner's home no region hears both. */
    is_share(share_of_kind(SCALE_FAILED, SCALE_READ),
             0.03 * ((1 - THERE) * ALL_OF_B + THERE * (1 - ALL_OF_B)));
    /* How old something else is counts for nobody else. */
    scene.old = ONLY(C);
    sort_at(A);
    is_share(share_of_kind(SCALE_FAILED, SCALE_READ), 0.03 * THERE * (ALL_OF_B + ALL_OF_C));
}
END_TEST

START_TEST(tokens_run_out_where_the_home_is_away_for_long)
{
    scene.down = scene.old = ONLY(B);
    sort_at(A);
    is_share(share_of_kind(SCALE_STALE, SCALE_READ), (0.58 + 0.06) * THERE);
    scene.older = ONLY(B);
    sort_at(A);
    is_share(share_of_kind(SCALE_STALE, SCALE_READ), 0);
    is_share(share_of_kind(SCALE_QUEUED, SCALE_WRITE), 0);
}
END_TEST

START_TEST(a_replicator_that_is_down_makes_copies_elsewhere_stale)
{
    scene.replicators_down = ONLY(A);
    sort_at(B);
    ck_assert_double_gt(share_of_kind(SCALE_STALE, SCALE_READ), (0.58 + 0.12) * THERE - 1e-12);
    sort_at(A);
    is_share(share_of((struct wanted){SCALE_FINE, SCALE_READ, A, ANY, ANY, ANY}), 0.79);
}
END_TEST

START_TEST(a_full_disk_takes_no_writes)
{
    scene.full = ONLY(A);
    sort_at(A);
    is_share(share_of((struct wanted){SCALE_FINE, SCALE_READ, A, ANY, ANY, ANY}), 0.79);
    is_share(share_of((struct wanted){ANY, SCALE_WRITE, A, ANY, ANY, ANY}), 0);
    is_share(share_of_kind(SCALE_FINE, SCALE_WRITE), 0.12 * 2 * THERE);
}
END_TEST

static const struct scale_cell *find(uint32_t class, uint32_t region)
{
    for (size_t i = 0; i < cells->count; i++)
        if (cells->items[i].class == class && cells->items[i].region == region)
            return &cells->items[i];
    ck_abort_msg("there is no such cell");
}

static void is_cell(uint32_t index, uint32_t kind, uint32_t region, uint32_t asked,
                    uint64_t rest_us)
{
    ck_assert_uint_lt(index, cells->other_count);
    const struct scale_cell *cell = &cells->others[index];

    ck_assert_uint_eq(cell->kind, kind);
    ck_assert_uint_eq(cell->region, region);
    ck_assert_uint_eq(cell->asked, asked);
    ck_assert_uint_eq(cell->rest_us, rest_us);
    ck_assert_uint_eq(cell->hung, POLICY_NONE);
}

/* A read that is turned away is tried at the next nearest, as often as a router does; a write waits
 * there for its home; and some things can only be done at home. The way so far counts. */
START_TEST(who_is_turned_away_asks_on)
{
    sort_at(A);
    const struct scale_cell *read = find(SCALE_READ, A);
    is_cell(read->next, SCALE_SLOWER, B, ONLY(A) | ONLY(B), 1000);
    const struct scale_cell *again = &cells->others[read->next];
    is_cell(again->next, SCALE_SLOWER, C, ONLY(A) | ONLY(B) | ONLY(C), 81000);
    ck_assert_uint_eq(cells->others[again->next].next, SCALE_CELLS_NONE);

    const struct scale_cell *write = find(SCALE_WRITE, A);
    is_cell(write->next, SCALE_QUEUED, B, ONLY(A) | ONLY(B), 1000);
    ck_assert_uint_eq(cells->others[write->next].home, A);
    ck_assert(!cells->queue); /* as long as nobody is turned away */

    const struct scale_cell *sensitive = find(SCALE_SENSITIVE, B);
    ck_assert_uint_eq(sensitive->next, SCALE_CELLS_NONE);
}
END_TEST

/* B has no vault, so what is turned away at A goes apart. */
START_TEST(what_goes_on_to_different_regions_is_apart)
{
    double to_b = 0, to_c = 0;

    scene.services_down[B] = 1u << PARTS_VAULT;
    sort_at(A);
    for (size_t i = 0; i < cells->count; i++) {
        const struct scale_cell *cell = &cells->items[i];
        if (cell->class != SCALE_READ)
            continue;
        to_b += cells->others[cell->next].region == B ? cell->share : 0;
        to_c += cells->others[cell->next].region == C ? cell->share : 0;
    }
    is_share(to_b, 0.58 + 0.06);
    is_share(to_c, 0.12 + 0.03);
}
END_TEST

/* Where all that is left is out of reach there is nobody to ask. */
START_TEST(there_is_nobody_left_to_ask)
{
    scene.down = ONLY(B);
    scene.away = ONLY(C);
    sort_at(A);
    ck_assert_uint_eq(find(SCALE_READ, A)->next, SCALE_CELLS_NONE);
    ck_assert_uint_eq(find(SCALE_WRITE, A)->next, SCALE_CELLS_NONE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        classes_have_their_parts_of_the_mix,
        who_is_asked_is_who_has_work,
        who_hangs_is_apart_from_who_goes_elsewhere_at_once,
        what_is_mended_soon_is_answered_where_it_was_sent,
        queued_writes_are_apart_by_their_home,
        copies_of_who_is_cut_off_are_stale,
        what_is_old_by_a_requests_own_homes_is_declined,
        tokens_run_out_where_the_home_is_away_for_long,
        a_replicator_that_is_down_makes_copies_elsewhere_stale,
        a_full_disk_takes_no_writes,
        who_is_turned_away_asks_on,
        what_goes_on_to_different_regions_is_apart,
        there_is_nobody_left_to_ask,
    };

    return suite_run(&(struct suite){
        .name = "scale_cells", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
