/* The simulator's checks of what the disks see: what is right goes through, and each breach is
 * found by the check that it breaches. */

#include "regiond/store_file.h"
#include "suite.h"
#include "watch_fixture.h"

/* ---- a story in which all is well ---- */

START_TEST(test_clean_logs)
{
    for (unsigned i = 0; i < 20; i++) {
        char key[16], value[16], once[16], gone[16];

        snprintf(key, sizeof key, "k%u", i % 3);
        snprintf(value, sizeof value, "v%u", i);
        snprintf(once, sizeof once, "o%u", i);
        snprintf(gone, sizeof gone, "d%u", i);
        put(key, value, once);
        if (i % 4 == 3)
            commit(US, delete_op(key, gone));
        if (i % 5 == 0)
            ship(US, EU);
        if (i % 7 == 0)
            reopen(i % 2 ? US : EU);
        check_clean();
    }
    put("k0", "v18", "o18"); /* again: replayed */
    commit(EU, put_op("k", "v", "o"));
    ship(US, EU);
    ship(US, AP);
    ship(EU, US);
    ship(EU, AP);
    check_clean();
    ck_assert_uint_eq(watch_copy_seq(watch, AP, US), watch_last_seq(watch, US));
    {
        const char *vfs[REGIONS] = {NULL, NULL, NULL};
        char directories[REGIONS][256];
        const char *paths[REGIONS];

        for (uint32_t i = 0; i < REGIONS; i++)
            paths[i] = strcpy(directories[i], directory_of(i));
        watch_final(watch, tick(), 7, vfs, paths);
    }
    check_clean();
}
END_TEST

START_TEST(test_clean_queue)
{
    queue(EU, enqueue_op("eu-west.1", "o1", "v1"));
    queue(EU, enqueue_op("eu-west.2", "o2", "v2"));
    queue(EU, enqueue_op("eu-west.3", "o1", "v1")); /* again: replayed */
    ck_assert_uint_eq(watch_waiting(watch, EU, US), 2);
    queue(EU, (struct queue_op){.kind = QUEUE_OP_ATTEMPT, .entry = {.seq = 1}});
    reopen(EU);
    deliver("k", "v1", "o1", "eu-west.1");
    queue(EU, settle_op(1, QUEUE_APPLIED, "us-east:1.1"));
    deliver("k", "v1", "o1", "eu-west.1");       /* again: replayed */
    queue(EU, settle_op(1, QUEUE_REJECTED, "")); /* again: it has ended */
    queue(EU, settle_op(2, QUEUE_REJECTED, ""));
    reopen(EU);
    ck_assert_uint_eq(watch_waiting(watch, EU, US), 0);
    check_clean();
}
END_TEST

/* ---- logs ---- */

START_TEST(test_one_home)
{
    struct store_op op = put_op("k", "v", "o");

    run(EU, US, 1, &op);
    show(EU, US, 1, &op);
    store_op_release(&op);
    check_found(WATCH_ONE_HOME);
}
END_TEST

START_TEST(test_one_home_in_an_epoch)
{
    struct store_op op = put_op("k", "v2", "o2");

    put("k", "v", "o");
    ship(US, EU);
    ck_assert_uint_eq(watch_home_moved(watch, tick(), US, EU, 2, UINT64_MAX), 0);
    check_clean();
    run(US, US, 1, &op);
    show(US, US, 1, &op);
    store_op_release(&op);
    check_found(WATCH_ONE_HOME);
}
END_TEST

START_TEST(test_epochs_rise)
{
    watch_home_moved(watch, tick(), US, EU, 1, UINT64_MAX);
    check_found(WATCH_ONE_HOME);
}
END_TEST

START_TEST(test_dense_log)
{
    struct store_op unseen = put_op("k", "v", "o"), op = put_op("k", "v2", "o2");

    run(US, US, 1, &unseen);
    run(US, US, 1, &op);
    show(US, US, 1, &op);
    store_op_release(&unseen);
    store_op_release(&op);
    check_found(WATCH_DENSE_LOG);
}
END_TEST

START_TEST(test_dense_log_says_what_it_holds)
{
    struct store_op op = put_op("k", "v", "o");

    run(US, US, 1, &op);
    op.version = 2;
    show(US, US, 1, &op);
    store_op_release(&op);
    check_found(WATCH_DENSE_LOG);
}
END_TEST

/* Change what the record's row says, and the next write builds on it. */
static void spoil_row(uint32_t region, const char *sql)
{
    char *path = storage_shard_path(directory_of(region), names[US]);
    sqlite3 *db;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    free(path);
}

START_TEST(test_version_rises)
{
    put("k", "v", "o");
    spoil_row(US, "UPDATE records SET version=7");
    put("k", "v2", "o2");
    check_found(WATCH_VERSION_RISES);
}
END_TEST

START_TEST(test_one_effect)
{
    put("k", "v", "o");
    spoil_row(US, "DELETE FROM idempotency");
    put("k", "v", "o");
    check_found(WATCH_ONE_EFFECT);
}
END_TEST

START_TEST(test_one_answer)
{
    put("k", "v", "o");
    spoil_row(US, "UPDATE idempotency SET version=3");
    put("k", "v", "o");
    check_found(WATCH_ONE_EFFECT);
}
END_TEST

START_TEST(test_condition)
{
    struct store_op op = put_op("k", "v2", "o2");

    put("k", "v", "o");
    run(US, US, 1, &op);
    op.write.condition = STORE_IF_ABSENT;
    show(US, US, 1, &op);
    store_op_release(&op);
    check_found(WATCH_CONDITION);
}
END_TEST

START_TEST(test_condition_refuses_only_what_it_must)
{
    struct store_op op = put_op("k", "v", "o");

    op.write.condition = STORE_IF_VERSION;
    op.write.if_version = 1;
    run(US, US, 1, &op);
    ck_assert_int_eq(op.result, STORE_CONDITION_FAILED);
    op.write.condition = STORE_IF_ABSENT;
    show(US, US, 1, &op);
    check_found(WATCH_CONDITION);
}
END_TEST

START_TEST(test_key_is_another_ones)
{
    struct store_op op = put_op("k", "v", "o");

    put("k", "v", "o");
    op.result = STORE_KEY_REUSED;
    show(US, US, 1, &op);
    check_found(WATCH_KEY_REUSE);
}
END_TEST

START_TEST(test_key_is_taken_for_a_retry)
{
    struct store_op op = put_op("k", "v", "o");

    put("k", "v", "o");
    run(US, US, 1, &op);
    ck_assert_int_eq(op.result, STORE_REPLAYED);
    fill_digest(op.write.request_digest, "w");
    show(US, US, 1, &op);
    check_found(WATCH_KEY_REUSE);
}
END_TEST

START_TEST(test_prefix_has_no_gap)
{
    struct arena *arena = arena_create();
    struct store_op op;

    put("k", "v", "o");
    put("k", "v2", "o2");
    op = apply_op(arena, US, 1, 2);
    op.result = STORE_DONE;
    op.epoch = 1;
    show(EU, US, 1, &op);
    arena_free(arena);
    check_found(WATCH_PREFIX);
}
END_TEST

START_TEST(test_prefix_is_the_homes)
{
    struct store_op made = put_op("k", "other", "o"), op;

    put("k", "v", "o");
    run(AP, US, 1, &made);
    op = (struct store_op){.kind = STORE_OP_APPLY,
                           .apply = {.epoch = 1, .seq = 1, .digest = made.change_digest},
                           .result = STORE_DONE,
                           .epoch = 1};
    show(EU, US, 1, &op);
    store_op_release(&made);
    check_found(WATCH_PREFIX);
}
END_TEST

START_TEST(test_prefix_has_what_it_says)
{
    struct arena *arena = arena_create();
    struct store_op op;

    put("k", "v", "o");
    op = apply_op(arena, US, 1, 1);
    op.result = STORE_HAD_IT;
    show(EU, US, 1, &op);
    arena_free(arena);
    check_found(WATCH_PREFIX);
}
END_TEST

START_TEST(test_name_unique)
{
    struct store_op op = put_op("ann",
                                "{\"user\":\"u-ann\",\"shard\":\"us-east\","
                                "\"state\":\"confirmed\",\"expires_wall_us\":0}",
                                "");

    op.write.service = "names";
    op.write.user = "";
    commit(US, op);
    check_clean();
    op.write.value = slice_of("{\"user\":\"u-bob\",\"shard\":\"us-east\",\"state\":\"reserved\","
                              "\"expires_wall_us\":9}");
    commit(US, op);
    check_found(WATCH_NAME_UNIQUE);
}
END_TEST

/* ---- files ---- */

START_TEST(test_rows)
{
    put("k", "v", "o");
    put("l", "v", "o2");
    spoil_row(US, "UPDATE records SET value=x'01' WHERE key='l'");
    for (unsigned i = 0; i < REGIONS; i++)
        reopen(US);
    check_found(WATCH_ROWS);
}
END_TEST

START_TEST(test_rows_too_many)
{
    put("k", "v", "o");
    spoil_row(US, "INSERT INTO records SELECT service, user, 'x', 1, 1, 0, 0, 1, 1, '', x''"
                  " FROM records");
    for (unsigned i = 0; i < REGIONS; i++)
        reopen(US);
    check_found(WATCH_ROWS);
}
END_TEST

START_TEST(test_durable)
{
    put("k", "v", "o");
    put("k", "v2", "o2");
    spoil_row(US, "DELETE FROM changes WHERE seq=2");
    reopen(US);
    check_found(WATCH_DURABLE);
}
END_TEST

START_TEST(test_nothing_comes_from_nowhere)
{
    struct store_op op = put_op("k", "v", "o");

    run(US, US, 1, &op);
    store_op_release(&op);
    reopen(US);
    check_found(WATCH_DURABLE);
}
END_TEST

/* Run @ops as one batch of which nobody hears the end; @really: it is there after all. */
static void in_doubt(struct store_op *ops, size_t count, size_t really)
{
    struct storage_batch batch = batch_of(US, 1, ops);

    batch.count = really;
    if (really > 0)
        storage_run(storages[US], &batch);
    for (size_t i = 0; i < count; i++)
        store_op_release(&ops[i]);
    batch.count = count;
    watch_batch_in_doubt(watch, tick(), US, &batch);
}

START_TEST(test_doubt_all)
{
    struct store_op ops[3] = {put_op("k", "v", "o"), put_op("k", "v", "o"), put_op("l", "w", "p")};

    in_doubt(ops, 3, 3);
    reopen(US);
    check_clean();
    ck_assert_uint_eq(watch_last_seq(watch, US), 2);
    put("k", "v2", "o2");
    put("k", "v", "o");
    check_clean();
}
END_TEST

START_TEST(test_doubt_nothing)
{
    struct store_op ops[2] = {put_op("k", "v", "o"), put_op("l", "w", "p")};

    in_doubt(ops, 2, 0);
    reopen(US);
    check_clean();
    ck_assert_uint_eq(watch_last_seq(watch, US), 0);
}
END_TEST

START_TEST(test_doubt_half)
{
    struct store_op ops[2] = {put_op("k", "v", "o"), put_op("l", "w", "p")};

    in_doubt(ops, 2, 1);
    reopen(US);
    check_found(WATCH_DURABLE);
}
END_TEST

START_TEST(test_doubt_is_the_end)
{
    struct store_op ops[1] = {put_op("k", "v", "o")};

    in_doubt(ops, 1, 0);
    put("k", "v2", "o2");
    check_found(WATCH_DURABLE);
}
END_TEST

START_TEST(test_doubt_of_a_follower)
{
    struct arena *arena = arena_create();
    struct store_op op;
    struct storage_batch batch;

    put("k", "v", "o");
    op = apply_op(arena, US, 1, 1);
    run(EU, US, 1, &op);
    store_op_release(&op);
    batch = batch_of(US, 1, &op);
    watch_batch_in_doubt(watch, tick(), EU, &batch);
    ck_assert_uint_eq(watch_copy_seq(watch, EU, US), 0);
    reopen(EU);
    check_clean();
    ck_assert_uint_eq(watch_copy_seq(watch, EU, US), 1);
    arena_free(arena);
}
END_TEST

START_TEST(test_converges)
{
    const char *vfs[REGIONS] = {NULL, NULL, NULL};
    char directories[REGIONS][256];
    const char *paths[REGIONS];

    for (uint32_t i = 0; i < REGIONS; i++)
        paths[i] = strcpy(directories[i], directory_of(i));
    put("k", "v", "o");
    ship(US, EU);
    watch_final(watch, tick(), 3, vfs, paths);
    check_clean();
    watch_final(watch, tick(), 7, vfs, paths);
    check_found(WATCH_CONVERGES);
}
END_TEST

/* ---- losses ---- */

START_TEST(test_promotion_gives_up)
{
    struct store_op op = put_op("k", "v3", "o3");

    client_puts(0, "k", "v", "o");
    ship(US, EU);
    client_puts(0, "k", "v2", "o2");
    watch_disk_lost(watch, tick(), US);
    ck_assert_uint_eq(watch_home_moved(watch, tick(), US, EU, 2, 1), 1);
    ck_assert_uint_eq(watch_last_seq(watch, US), 1);
    run(EU, US, 2, &op);
    show(EU, US, 2, &op);
    store_op_release(&op);
    op = put_op("k", "v2", "o2"); /* once more, for its effect is gone */
    run(EU, US, 2, &op);
    show(EU, US, 2, &op);
    store_op_release(&op);
    check_clean();
}
END_TEST

START_TEST(test_damage_is_excused_where_it_is)
{
    put("k", "v", "o");
    ship(US, EU);
    spoil_row(EU, "UPDATE records SET value=x'01'");
    watch_copy_damaged(watch, tick(), EU, US);
    for (unsigned i = 0; i < REGIONS; i++)
        reopen(EU);
    check_clean();
}
END_TEST

/* ---- queues ---- */

START_TEST(test_queue_keeps_what_it_has)
{
    char *path = storage_queue_path(directory_of(EU));
    sqlite3 *db;

    queue(EU, enqueue_op("eu-west.1", "o1", "v1"));
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, "DELETE FROM entries", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    free(path);
    reopen(EU);
    check_found(WATCH_DURABLE);
}
END_TEST

START_TEST(test_queue_doubt)
{
    struct queue_op op = enqueue_op("eu-west.1", "o1", "v1");
    struct storage_batch batch;

    run_queue(EU, &op);
    batch = queue_batch_of(&op);
    watch_batch_in_doubt(watch, tick(), EU, &batch);
    ck_assert_uint_eq(watch_waiting(watch, EU, US), 0);
    reopen(EU);
    check_clean();
    ck_assert_uint_eq(watch_waiting(watch, EU, US), 1);
}
END_TEST

START_TEST(test_queue_doubt_half)
{
    struct queue_op ops[2] = {enqueue_op("eu-west.1", "o1", "v1"),
                              enqueue_op("eu-west.2", "o2", "v2")};
    struct storage_batch batch;

    run_queue(EU, &ops[0]);
    batch = queue_batch_of(ops);
    batch.count = 2;
    watch_batch_in_doubt(watch, tick(), EU, &batch);
    reopen(EU);
    check_found(WATCH_DURABLE);
}
END_TEST

START_TEST(test_queue_numbers)
{
    struct queue_op op = enqueue_op("eu-west.1", "o1", "v1");

    run_queue(EU, &op);
    op.seq = 5;
    show_queue(EU, &op);
    check_found(WATCH_QUEUE_ORDER);
}
END_TEST

START_TEST(test_queue_accepts_once)
{
    struct queue_op op = enqueue_op("eu-west.1", "o1", "v1");

    queue(EU, op);
    op.entry.receipt = "eu-west.2";
    op.result = QUEUE_DONE;
    op.seq = 2;
    show_queue(EU, &op);
    check_found(WATCH_ONE_EFFECT);
}
END_TEST

START_TEST(test_queue_order)
{
    queue(EU, enqueue_op("eu-west.1", "o1", "v1"));
    queue(EU, enqueue_op("eu-west.2", "o2", "v2"));
    deliver("k", "v2", "o2", "eu-west.2");
    check_found(WATCH_QUEUE_ORDER);
}
END_TEST

START_TEST(test_queue_bounded)
{
    plan.settings.queue_max_entries = 2;
    for (unsigned i = 1; i <= 4; i++) {
        char receipt[16], once[16];

        snprintf(receipt, sizeof receipt, "eu-west.%u", i);
        snprintf(once, sizeof once, "o%u", i);
        if (i == 4) /* one more than the setting is a region's own to take */
            check_clean();
        queue(EU, enqueue_op(receipt, once, "v"));
    }
    check_found(WATCH_QUEUE_BOUNDED);
}
END_TEST

START_TEST(test_queued_nowhere)
{
    deliver("k", "v1", "o1", "eu-west.1");
    check_found(WATCH_QUEUED);
}
END_TEST

START_TEST(test_receipt_ends_once)
{
    struct queue_op op = settle_op(1, QUEUE_REJECTED, "");

    queue(EU, enqueue_op("eu-west.1", "o1", "v1"));
    queue(EU, op);
    op.result = QUEUE_DONE;
    show_queue(EU, &op);
    check_found(WATCH_RECEIPT_ENDS_ONCE);
}
END_TEST

START_TEST(test_receipt_applied_without_effect)
{
    queue(EU, enqueue_op("eu-west.1", "o1", "v1"));
    put("k", "v", "o");
    queue(EU, settle_op(1, QUEUE_APPLIED, "us-east:1.1"));
    check_found(WATCH_RECEIPT_TRUE);
}
END_TEST

START_TEST(test_receipt_rejected_with_effect)
{
    queue(EU, enqueue_op("eu-west.1", "o1", "v1"));
    deliver("k", "v1", "o1", "eu-west.1");
    queue(EU, settle_op(1, QUEUE_REJECTED, ""));
    check_found(WATCH_RECEIPT_TRUE);
}
END_TEST

START_TEST(test_receipt_rejected_and_effect_later)
{
    queue(EU, enqueue_op("eu-west.1", "o1", "v1"));
    queue(EU, settle_op(1, QUEUE_EXPIRED, ""));
    deliver("k", "v1", "o1", "eu-west.1");
    check_found(WATCH_RECEIPT_TRUE);
}
END_TEST

/* What refuses a queued copy refuses all that come later, as long as the home lives. */
START_TEST(test_receipt_refused_and_done)
{
    struct store_op op = put_op("k", "v1", "o1");

    queue(EU, enqueue_op("eu-west.1", "o1", "v1"));
    op.write.receipt = "eu-west.1";
    op.write.condition = STORE_IF_EXISTS;
    run(US, US, 1, &op);
    ck_assert_int_eq(op.result, STORE_CONDITION_FAILED);
    show(US, US, 1, &op);
    check_clean();
    put("k", "v", "o");
    op = put_op("k", "v1", "o1");
    run(US, US, 1, &op);
    ck_assert_int_eq(op.result, STORE_CONDITION_FAILED);
    show(US, US, 1, &op);
    check_clean();
    reopen(US);
    commit(US, put_op("k", "v1", "o1"));
    check_clean(); /* nobody has been told of the receipt, and the home has forgotten */
}
END_TEST

START_TEST(test_receipt_refused_and_done_in_one_life)
{
    struct store_op op = put_op("k", "v1", "o1");

    queue(EU, enqueue_op("eu-west.1", "o1", "v1"));
    op.write.receipt = "eu-west.1";
    op.result = STORE_FORBIDDEN;
    show(US, US, 1, &op);
    put("k", "v1", "o1");
    check_found(WATCH_RECEIPT_TRUE);
}
END_TEST

START_TEST(test_report)
{
    watch_report(watch, 7, WATCH_DRAINS, "%s still waits", "all");
    watch_report(watch, 8, WATCH_SERVES, "nothing more");
    check_found(WATCH_DRAINS);
    ck_assert_str_eq(watch_breach(watch)->text, "all still waits");
    ck_assert_uint_eq(watch_breach(watch)->at_us, 7);
    for (int check = 0; check < WATCH_CHECK_COUNT; check++) {
        ck_assert_str_ne(watch_check_name((enum watch_check)check), "");
        ck_assert_str_ne(watch_check_what((enum watch_check)check), "");
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_clean_logs,
        test_clean_queue,
        test_one_home,
        test_one_home_in_an_epoch,
        test_epochs_rise,
        test_dense_log,
        test_dense_log_says_what_it_holds,
        test_version_rises,
        test_one_effect,
        test_one_answer,
        test_condition,
        test_condition_refuses_only_what_it_must,
        test_key_is_another_ones,
        test_key_is_taken_for_a_retry,
        test_prefix_has_no_gap,
        test_prefix_is_the_homes,
        test_prefix_has_what_it_says,
        test_name_unique,
        test_rows,
        test_rows_too_many,
        test_durable,
        test_nothing_comes_from_nowhere,
        test_doubt_all,
        test_doubt_nothing,
        test_doubt_half,
        test_doubt_is_the_end,
        test_doubt_of_a_follower,
        test_converges,
        test_promotion_gives_up,
        test_damage_is_excused_where_it_is,
        test_queue_keeps_what_it_has,
        test_queue_doubt,
        test_queue_doubt_half,
        test_queue_numbers,
        test_queue_accepts_once,
        test_queue_order,
        test_queue_bounded,
        test_queued_nowhere,
        test_receipt_ends_once,
        test_receipt_applied_without_effect,
        test_receipt_rejected_with_effect,
        test_receipt_rejected_and_effect_later,
        test_receipt_refused_and_done,
        test_receipt_refused_and_done_in_one_life,
        test_report,
    };
    const struct suite suite = {
        .name = "sim_watch", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)};

    return suite_run(&suite);
}
