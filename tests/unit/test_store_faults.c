/* A shard's file on a disk that fills up or fails, at every call that it could fail at: a batch is
 * there whole or not at all, and what was acknowledged stays. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "fault_vfs.h"
#include "store_fixture.h"
#include "tests/unit/suite.h"

#define BATCH 4

static void copy_as_after_a_crash(void)
{
    char command[512];

    snprintf(command, sizeof(command),
             "cp %s/home.db %s/copy.db; rm -f %s/copy.db-wal; "
             "test ! -e %s/home.db-wal || cp %s/home.db-wal %s/copy.db-wal",
             scratch, scratch, scratch, scratch, scratch, scratch);
    ck_assert_int_eq(system(command), 0);
}

static int commit_batch(unsigned turn, struct store_op ops[BATCH])
{
    static char value[9000]; /* some pages of its own, and overflow pages too */
    char key[BATCH][24];
    int error;

    memset(value, 'v', sizeof(value) - 1);
    for (unsigned i = 0; i < BATCH; i++) {
        snprintf(key[i], sizeof(key[i]), "%u-%u", turn, i);
        ops[i] = op_put_once(key[i], value, key[i]);
    }
    error = store_commit(home, 1, WALL_US, ops, BATCH);
    for (unsigned i = 0; i < BATCH; i++) {
        ck_assert_int_eq(ops[i].result, error == 0 ? STORE_DONE : STORE_NOT_RUN);
        store_op_release(&ops[i]);
    }
    return error;
}

/* Does @store hold exactly the first @count batches, whole? */
static void assert_holds(struct store *store, const char *name, unsigned batches)
{
    struct store_reader *copy = NULL;
    struct record record;
    char key[24];

    ck_assert_uint_eq(store_end(store).seq, batches * BATCH);
    ck_assert_int_eq(store_reader_open(scratch_path(name), NULL, &copy), 0);
    for (unsigned i = 0; i < (batches + 1) * BATCH; i++) {
        snprintf(key, sizeof(key), "%u-%u", i / BATCH, i % BATCH);
        ck_assert_int_eq(store_reader_get(copy, arena, "metadata", "alice", key, &record),
                         i < batches * BATCH ? 0 : -ENOENT);
    }
    store_reader_free(copy);
    arena_reset(arena);
}

START_TEST(a_disk_that_fills_up_undoes_the_batch_and_the_store_goes_on)
{
    struct store_op ops[BATCH];
    unsigned batches = 0, full = 0;
    struct store *copy;

    for (long countdown = 1; countdown < 1000; countdown++) {
        int error;

        fault_arm(FAULT_FULL, countdown);
        error = commit_batch(batches, ops);
        fault_heal();
        if (fault.failed == 0) {
            ck_assert_int_eq(error, 0);
            break;
        }
        full++;
        ck_assert_int_eq(error, -ENOSPC);
        ck_assert_msg(strstr(store_last_error(), "full") != NULL, "%s", store_last_error());
        /* Were the process killed now, the batch must not come to life. */
        copy_as_after_a_crash();
        copy = open_store("copy.db", "us-east");
        assert_holds(copy, "copy.db", batches);
        store_free(copy);
        /* Space has been made: the same batch goes through. */
        assert_holds(home, "home.db", batches);
        ck_assert_int_eq(commit_batch(batches, ops), 0);
        batches++;
    }
    ck_assert_uint_gt(full, 10);
    assert_holds(home, "home.db", batches + 1);
}
END_TEST

static void fail_at_every_call(enum fault_kind kind, unsigned points_min)
{
    struct store_op ops[BATCH];
    unsigned batches = 0, points = 0;

    for (long countdown = 1; countdown < 1000; countdown++) {
        int error;

        fault_arm(kind, countdown);
        error = commit_batch(batches, ops);
        if (fault.failed == 0) {
            ck_assert_int_eq(error, 0);
            break;
        }
        points++;
        ck_assert_int_eq(error, -EIO);
        /* It is over for this process, even if the disk says that it is well again. */
        fault_heal();
        ck_assert_int_eq(commit_batch(batches, ops), -EIO);
        ck_assert_int_eq(store_checkpoint(home), -EIO);
        ck_assert_int_eq(store_trim(home, 0, 10), -EIO);

        store_reader_free(reader);
        store_free(home);
        home = open_store("home.db", "us-east");
        ck_assert_int_eq(store_reader_open(scratch_path("home.db"), NULL, &reader), 0);
        /* The fate was unknown; now it is known, and is one of two. */
        if (store_end(home).seq == (batches + 1) * BATCH)
            batches++;
        assert_holds(home, "home.db", batches);
        /* With the checkpoint, the next round starts the WAL anew, and syncs its header too. */
        store_checkpoint(home);
    }
    ck_assert_uint_ge(points, points_min);
}

START_TEST(a_disk_that_breaks_ends_the_store_and_leaves_all_or_nothing)
{
    fail_at_every_call(FAULT_WRITE, 10);
}
END_TEST

START_TEST(a_failed_fsync_ends_the_store_and_leaves_all_or_nothing)
{
    fail_at_every_call(FAULT_SYNC, 1);
}
END_TEST

START_TEST(a_checkpoint_on_a_full_disk_loses_nothing_and_may_be_tried_again)
{
    struct store_op ops[BATCH];
    unsigned batches = 0, full = 0;

    for (long countdown = 1; countdown < 1000; countdown++) {
        int left;

        ck_assert_int_eq(commit_batch(batches++, ops), 0);
        fault_arm(FAULT_FULL, countdown);
        left = store_checkpoint(home);
        fault_heal();
        ck_assert_int_ge(left, 0);
        if (fault.failed == 0)
            break;
        full++;
        ck_assert_int_gt(left, 0);
        assert_holds(home, "home.db", batches);
        ck_assert_int_eq(store_checkpoint(home), 0);
    }
    ck_assert_uint_gt(full, 3);
    assert_holds(home, "home.db", batches);
}
END_TEST

START_TEST(a_failed_fsync_in_a_checkpoint_ends_the_store)
{
    struct store_op ops[BATCH];

    ck_assert_int_eq(commit_batch(0, ops), 0);
    fault_arm(FAULT_SYNC, 1);
    ck_assert_int_eq(store_checkpoint(home), -EIO);
    fault_heal();
    ck_assert_int_eq(commit_batch(1, ops), -EIO);
    store_free(home);
    home = open_store("home.db", "us-east");
    assert_holds(home, "home.db", 1);
}
END_TEST

START_TEST(trimming_on_a_full_disk_forgets_nothing)
{
    struct store_op ops[BATCH];

    ck_assert_int_eq(commit_batch(0, ops), 0);
    fault_arm(FAULT_FULL, 1);
    ck_assert_int_eq(store_trim(home, WALL_US + 1, 100), -ENOSPC);
    fault_heal();
    ck_assert_int_eq(run_op(op_put_once("0-0", "v", "0-0")), STORE_REPLAYED);
    ck_assert_int_eq(store_trim(home, WALL_US + 1, 100), 0);
    ck_assert_int_eq(run_op(op_put_once("0-0", "v", "0-0")), STORE_DONE);
}
END_TEST

static void open_on_fault_vfs(void)
{
    fault_vfs_register();
    fault_heal();
    open_home();
}

int main(void)
{
    const TTest *const tests[] = {
        a_disk_that_fills_up_undoes_the_batch_and_the_store_goes_on,
        a_disk_that_breaks_ends_the_store_and_leaves_all_or_nothing,
        a_failed_fsync_ends_the_store_and_leaves_all_or_nothing,
        a_checkpoint_on_a_full_disk_loses_nothing_and_may_be_tried_again,
        a_failed_fsync_in_a_checkpoint_ends_the_store,
        trimming_on_a_full_disk_forgets_nothing,
    };
    return suite_run(&(struct suite){.name = "store_faults",
                                     .set_up = open_on_fault_vfs,
                                     .tear_down = close_home,
                                     .timeout_s = 30,
                                     SUITE_TESTS(tests)});
}
