/* Bugs that are put in on purpose, and branches that are counted: the tables are sound, nothing is
 * wrong unless it was asked for, and what was asked for is. */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/plant.h"
#include "common/reach.h"
#include "store_fixture.h"
#include "tests/unit/suite.h"

static struct store *follower;
static struct store_reader *follower_reader;
static struct store_op first, second; /* made at the home, of one key, and not yet applied */

static void open_both(void)
{
    open_home();
    follower = open_store("follower.db", "us-east");
    ck_assert_int_eq(store_reader_open(scratch_path("follower.db"), NULL, &follower_reader), 0);
}

static void close_both(void)
{
    plant_activate(PLANT_NONE);
    store_op_release(&first);
    store_op_release(&second);
    store_reader_free(follower_reader);
    store_free(follower);
    close_home();
}

/* ---- promises: each returns whether it is kept ---- */

static bool retry_has_no_effect(void)
{
    run_op(op_put_once("k", "v", "once"));
    return run_op(op_put_once("k", "v", "once")) == STORE_REPLAYED;
}

static bool used_key_is_refused(void)
{
    run_op(op_put_once("k", "v", "once"));
    return run_op(op_put_once("k", "w", "once")) == STORE_KEY_REUSED;
}

static bool condition_is_checked(void)
{
    struct store_op op = op_put("k", "w");

    run_op(op_put("k", "v"));
    op.write.condition = STORE_IF_VERSION;
    op.write.if_version = 7;
    return run_op(op) == STORE_CONDITION_FAILED;
}

static bool version_goes_on(void)
{
    run_op(op_put("k", "v"));
    run_op(op_delete("k"));
    run_op(op_put("k", "v"));
    return get("k").version == 3;
}

static bool new_epoch_is_used(void)
{
    run_op(op_put("k", "v"));
    first = op_put("k", "w");
    ck_assert_int_eq(store_commit(home, 2, WALL_US, &first, 1), 0);
    return first.epoch == 2;
}

static bool old_epoch_is_refused(void)
{
    first = op_put("k", "v");
    ck_assert_int_eq(store_commit(home, 2, WALL_US, &first, 1), 0);
    return run_op(op_put("k", "w")) == STORE_STALE_EPOCH;
}

static void make_two(struct store_op one, struct store_op two)
{
    first = one;
    second = two;
    ck_assert_int_eq(run(home, &first), STORE_DONE);
    ck_assert_int_eq(run(home, &second), STORE_DONE);
}

static enum store_result apply(struct store_op op)
{
    enum store_result result = run(follower, &op);

    store_op_release(&op);
    return result;
}

static struct record get_there(const char *key)
{
    struct record record = {0};

    (void)store_reader_get(follower_reader, arena, "metadata", "alice", key, &record);
    return record;
}

static bool batch_has_all_its_effects(void)
{
    struct store_op batch[2];

    make_two(op_put("k", "v"), op_put("k", "w"));
    batch[0] = op_apply(&first);
    batch[1] = op_apply(&second);
    ck_assert_int_eq(store_commit(follower, 1, WALL_US, batch, 2), 0);
    store_op_release(&batch[0]);
    store_op_release(&batch[1]);
    return get_there("k").version == 2;
}

static bool change_has_one_effect(void)
{
    make_two(op_put("k", "v"), op_put("k", "w"));
    apply(op_apply(&first));
    apply(op_apply(&second));
    ck_assert_int_eq(apply(op_apply(&first)), STORE_HAD_IT);
    return get_there("k").version == 2;
}

static bool gap_is_refused(void)
{
    make_two(op_put("k", "v"), op_put("k", "w"));
    return apply(op_apply(&second)) == STORE_GAP;
}

static bool delete_has_its_effect(void)
{
    make_two(op_put("k", "v"), op_delete("k"));
    apply(op_apply(&first));
    apply(op_apply(&second));
    return get_there("k").deleted;
}

static bool keys_come_along(void)
{
    struct store_op retry = op_put_once("k", "v", "once");
    enum store_result result;

    make_two(op_put_once("k", "v", "once"), op_put("k", "w"));
    apply(op_apply(&first));
    apply(op_apply(&second));
    ck_assert_int_eq(store_commit(follower, 2, WALL_US, &retry, 1), 0);
    result = retry.result;
    store_op_release(&retry);
    return result == STORE_REPLAYED;
}

static const struct {
    enum plant_bug bug;
    bool (*is_kept)(void);
} promises[] = {
    {PLANT_FORGOTTEN_KEY, retry_has_no_effect},
    {PLANT_UNCOMPARED_KEY, used_key_is_refused},
    {PLANT_UNCHECKED_CONDITION, condition_is_checked},
    {PLANT_RESTARTED_VERSION, version_goes_on},
    {PLANT_TRUSTED_EPOCH, new_epoch_is_used},
    {PLANT_STALE_HOME, old_epoch_is_refused},
    {PLANT_SKIPPED_CURSOR, batch_has_all_its_effects},
    {PLANT_APPLIED_TWICE, change_has_one_effect},
    {PLANT_IGNORED_GAP, gap_is_refused},
    {PLANT_IGNORED_DELETE, delete_has_its_effect},
    {PLANT_UNSHIPPED_KEY, keys_come_along},
};

#define PROMISES (sizeof(promises) / sizeof(promises[0]))

START_TEST(promise_is_kept)
{
    ck_assert(promises[_i].is_kept());
}
END_TEST

START_TEST(planted_bug_breaks_its_promise)
{
    if (!plant_is_built_in())
        return;
    plant_activate(promises[_i].bug);
    ck_assert_msg(!promises[_i].is_kept(), "%s does nothing", plant_name(promises[_i].bug));
}
END_TEST

/* ---- tables ---- */

static bool is_a_name(const char *name)
{
    size_t size = strlen(name);

    return size > 0 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size &&
           name[0] != '-' && name[size - 1] != '-';
}

START_TEST(bugs_are_found_by_their_names)
{
    for (enum plant_bug bug = PLANT_NONE; bug < PLANT_COUNT; bug++) {
        ck_assert_msg(is_a_name(plant_name(bug)), "%s", plant_name(bug));
        ck_assert_uint_gt(strlen(plant_what(bug)), 10);
        ck_assert_int_eq(plant_find(plant_name(bug)), bug);
    }
    ck_assert_str_eq(plant_name(PLANT_NONE), "none");
    ck_assert_int_eq(plant_find("no-such-bug"), PLANT_COUNT);
    ck_assert_int_eq(plant_find(""), PLANT_COUNT);
    ck_assert_int_ge(PLANT_COUNT, 12);
}
END_TEST

START_TEST(no_bug_is_active_by_itself)
{
    ck_assert(!PLANTED(FORGOTTEN_KEY));
#ifdef MEC_PLANTED_BUGS
    ck_assert(plant_is_built_in());
    ck_assert_int_eq(plant_active, PLANT_NONE);
#else
    ck_assert(!plant_is_built_in());
#endif
}
END_TEST

START_TEST(branches_have_names_of_their_own)
{
    for (int i = 0; i < REACH_COUNT; i++) {
        ck_assert_msg(is_a_name(reach_name((enum reach_branch)i)), "%d", i);
        ck_assert_uint_gt(strlen(reach_what((enum reach_branch)i)), 10);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(reach_name((enum reach_branch)i), reach_name((enum reach_branch)j));
    }
}
END_TEST

START_TEST(branch_that_is_taken_is_counted)
{
    uint64_t reused = reach_counts[REACH_KEY_REUSED];
    uint64_t replayed = reach_counts[REACH_WRITE_REPLAYED];

    run_op(op_put_once("k", "v", "once"));
    ck_assert_uint_eq(reach_counts[REACH_KEY_REUSED], reused);
    run_op(op_put_once("k", "w", "once"));
    run_op(op_put_once("k", "w", "once"));
    ck_assert_uint_eq(reach_counts[REACH_KEY_REUSED], reused + 2);
    ck_assert_uint_eq(reach_counts[REACH_WRITE_REPLAYED], replayed);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {bugs_are_found_by_their_names, no_bug_is_active_by_itself,
                                  branches_have_names_of_their_own,
                                  branch_that_is_taken_is_counted};
    const struct suite_loop loops[] = {{promise_is_kept, (int)PROMISES},
                                       {planted_bug_breaks_its_promise, (int)PROMISES}};
    const struct suite suite = {.name = "plant_reach",
                                .set_up = open_both,
                                .tear_down = close_both,
                                .timeout_s = 20,
                                SUITE_TESTS(tests),
                                SUITE_LOOPS(loops)};

    return suite_run(&suite);
}
