/* All files of one region: opened together, batches to each, tidied when nothing waits. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "fault_vfs.h"
#include "regiond/storage.h"
#include "scratch.h"
#include "tests/unit/suite.h"

#define WALL_US UINT64_C(1700000000000000)
#define DAY_US  (UINT64_C(24) * 3600 * 1000000)

static const char *const shards[] = {"us-east", "eu-west", "ap-northeast"};
static struct storage *storage;

static void open_storage(void)
{
    const char *failed = NULL;

    if (storage_open(scratch, "us-east", shards, 3, NULL, &storage, &failed) != 0)
        ck_abort_msg("%s: %s", failed, store_last_error());
}

static void set_up(void)
{
    fault_vfs_register();
    scratch_create();
    open_storage();
}

static void tear_down(void)
{
    storage_free(storage);
    scratch_remove();
}

static struct storage_batch run_write(uint32_t shard, const char *key, const char *once,
                                      struct slice value, enum store_result *ret_result)
{
    struct store_op op = {.kind = STORE_OP_WRITE,
                          .write = {.service = "metadata",
                                    .user = "alice",
                                    .key = key,
                                    .content_type = "",
                                    .value = value,
                                    .idempotency_key = once,
                                    .receipt = "",
                                    .traceparent = ""}};
    struct storage_batch batch = {
        .target = shard, .epoch = 1, .wall_us = WALL_US, .ops = &op, .count = 1};

    storage_run(storage, &batch);
    *ret_result = op.result;
    store_op_release(&op);
    return batch;
}

static void write_pages(uint32_t shard, size_t pages)
{
    static char value[64 * 1024];
    struct slice slice = {value, sizeof(value)};
    enum store_result result;

    for (size_t written = 0; written < pages; written += 2 * sizeof(value) / 4096)
        ck_assert_int_eq(run_write(shard, "k", "", slice, &result).error, 0);
}

START_TEST(each_shard_has_a_log_of_its_own)
{
    enum store_result result;

    ck_assert_int_eq(run_write(0, "a", "", slice_of("x"), &result).error, 0);
    ck_assert_int_eq(run_write(2, "a", "", slice_of("x"), &result).error, 0);
    ck_assert_int_eq(run_write(2, "b", "", slice_of("x"), &result).error, 0);
    ck_assert_uint_eq(storage_end(storage, 0).seq, 1);
    ck_assert_uint_eq(storage_end(storage, 1).seq, 0);
    ck_assert_uint_eq(storage_end(storage, 2).seq, 2);
    storage_free(storage);
    open_storage();
    ck_assert_uint_eq(storage_end(storage, 2).seq, 2);
}
END_TEST

START_TEST(the_queue_is_a_target_too)
{
    struct queue_op op = {.kind = QUEUE_OP_ENQUEUE,
                          .entry = {.receipt = "eu-west.1",
                                    .user = "alice",
                                    .shard = "us-east",
                                    .service = "metadata",
                                    .idempotency_key = "k",
                                    .call = {"c", 1}}};
    struct storage_batch batch = {.target = STORAGE_QUEUE,
                                  .wall_us = WALL_US,
                                  .queue_ops = &op,
                                  .count = 1,
                                  .limits = {.entries_max = 1, .bytes_max = 1}};

    storage_run(storage, &batch);
    ck_assert_int_eq(batch.error, 0);
    ck_assert_int_eq(op.result, QUEUE_DONE);
    ck_assert_uint_eq(op.seq, 1);
}
END_TEST

START_TEST(files_stand_where_readers_look_for_them)
{
    char *shard = storage_shard_path(scratch, "eu-west");
    char *queue = storage_queue_path(scratch);
    struct store_reader *store_reader = NULL;
    struct queue_reader *queue_reader = NULL;

    ck_assert_str_eq(shard, scratch_path("shard-eu-west.db"));
    ck_assert_str_eq(queue, scratch_path("queue.db"));
    ck_assert_int_eq(store_reader_open(shard, NULL, &store_reader), 0);
    ck_assert_int_eq(queue_reader_open(queue, NULL, &queue_reader), 0);
    store_reader_free(store_reader);
    queue_reader_free(queue_reader);
    free(shard);
    free(queue);
}
END_TEST

START_TEST(a_bad_file_is_named_and_the_others_are_closed)
{
    const char *failed = NULL;
    struct storage *none = NULL;
    int file;

    storage_free(storage);
    storage = NULL;
    file = open(scratch_path("shard-eu-west.db"), O_WRONLY | O_TRUNC);
    ck_assert_int_eq(write(file, "no database here, but some text", 31), 31);
    close(file);
    ck_assert_int_eq(storage_open(scratch, "us-east", shards, 3, NULL, &none, &failed), -EMEDIUMTYPE);
    ck_assert_str_eq(failed, scratch_path("shard-eu-west.db"));
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(a_short_wal_is_left_alone)
{
    write_pages(1, 100);
    ck_assert(!storage_overdue(storage));
    fault_arm(FAULT_SYNC, 1000);
    while (storage_tidy(storage, WALL_US))
        ;
    ck_assert_int_eq(fault.calls, 0);
}
END_TEST

START_TEST(long_wals_are_moved_one_in_a_step)
{
    fault_arm(FAULT_SYNC, 1000);
    write_pages(0, 1100);
    write_pages(2, 1100);
    fault.calls = 0;
    ck_assert(storage_tidy(storage, WALL_US));
    ck_assert_int_gt(fault.calls, 0);
    fault.calls = 0;
    ck_assert(storage_tidy(storage, WALL_US));
    ck_assert_int_gt(fault.calls, 0);
    fault.calls = 0;
    while (storage_tidy(storage, WALL_US))
        ;
    ck_assert_int_eq(fault.calls, 0);
}
END_TEST

START_TEST(a_very_long_wal_is_overdue_until_it_is_moved)
{
    write_pages(1, 16500);
    ck_assert(storage_overdue(storage));
    storage_tidy(storage, WALL_US);
    ck_assert(!storage_overdue(storage));
}
END_TEST

START_TEST(tidying_gives_up_on_a_full_disk_and_tries_again_after_the_next_batch)
{
    enum store_result result;

    write_pages(1, 1100);
    fault_arm(FAULT_FULL, 1);
    ck_assert(!storage_tidy(storage, WALL_US));
    ck_assert_int_gt(fault.failed, 0);
    fault_arm(FAULT_FULL, 1);
    ck_assert(!storage_tidy(storage, WALL_US));
    ck_assert_int_eq(fault.failed, 0);
    fault_heal();
    ck_assert_int_eq(run_write(1, "a", "", slice_of("x"), &result).error, 0);
    ck_assert(storage_tidy(storage, WALL_US));
}
END_TEST

START_TEST(a_failed_fsync_while_tidying_shows_in_the_next_batch)
{
    enum store_result result;

    write_pages(1, 1100);
    fault_arm(FAULT_SYNC, 1);
    ck_assert(!storage_tidy(storage, WALL_US));
    fault_heal();
    ck_assert_int_eq(run_write(1, "a", "", slice_of("x"), &result).error, -EIO);
    ck_assert_int_eq(result, STORE_NOT_RUN);
}
END_TEST

START_TEST(keys_are_kept_for_a_day)
{
    enum store_result result;

    run_write(0, "k", "once", slice_of("x"), &result);
    while (storage_tidy(storage, WALL_US + DAY_US))
        ;
    run_write(0, "k", "once", slice_of("x"), &result);
    ck_assert_int_eq(result, STORE_REPLAYED);
    while (storage_tidy(storage, WALL_US + DAY_US + 61000000))
        ;
    run_write(0, "k", "once", slice_of("x"), &result);
    ck_assert_int_eq(result, STORE_DONE);
}
END_TEST

START_TEST(keys_are_kept_for_as_long_as_a_queued_write_may_come_home)
{
    struct storage_batch batch = {.target = 1, .keep_keys_us = 3 * DAY_US};
    enum store_result result;

    storage_run(storage, &batch);
    run_write(0, "k", "once", slice_of("x"), &result);
    while (storage_tidy(storage, WALL_US + 2 * DAY_US))
        ;
    run_write(0, "k", "once", slice_of("x"), &result);
    ck_assert_int_eq(result, STORE_REPLAYED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_shard_has_a_log_of_its_own,
        the_queue_is_a_target_too,
        files_stand_where_readers_look_for_them,
        a_bad_file_is_named_and_the_others_are_closed,
        a_short_wal_is_left_alone,
        long_wals_are_moved_one_in_a_step,
        a_very_long_wal_is_overdue_until_it_is_moved,
        tidying_gives_up_on_a_full_disk_and_tries_again_after_the_next_batch,
        a_failed_fsync_while_tidying_shows_in_the_next_batch,
        keys_are_kept_for_a_day,
        keys_are_kept_for_as_long_as_a_queued_write_may_come_home,
    };
    storage_configure();
    return suite_run(&(struct suite){.name = "storage",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 30,
                                     SUITE_TESTS(tests)});
}
