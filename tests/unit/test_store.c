/* A shard's file at the home: writes, what they refuse, and reading them back. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "store_fixture.h"
#include "tests/unit/suite.h"

/* ---- versions ---- */

START_TEST(a_write_is_read_back_as_it_was)
{
    struct store_op op = op_put("colour", "blue");
    struct record record;

    ck_assert_int_eq(run(home, &op), STORE_DONE);
    ck_assert(op.created && !op.deleted);
    ck_assert_uint_eq(op.version, 1);
    ck_assert_uint_eq(op.seq, 1);
    ck_assert_str_eq(op.key, "colour");
    record = get("colour");
    ck_assert(slice_is(record.value, "blue"));
    ck_assert_str_eq(record.content_type, "text/plain");
    ck_assert_uint_eq(record.version, 1);
    ck_assert_uint_eq(record.incarnation, 1);
    ck_assert_uint_eq(record.updated_wall_us, WALL_US);
    ck_assert_uint_eq(record.epoch, 1);
    ck_assert_uint_eq(record.seq, 1);
    ck_assert(!record.deleted);
    store_op_release(&op);
}
END_TEST

START_TEST(an_empty_value_is_a_value)
{
    struct store_op op = op_put("nothing", "");

    op.write.value = (struct slice){NULL, 0};
    ck_assert_int_eq(run_op(op), STORE_DONE);
    ck_assert_uint_eq(get("nothing").value.size, 0);
}
END_TEST

START_TEST(a_version_rises_through_deletes_and_a_new_creation_is_a_new_incarnation)
{
    struct store_op again = op_put("k", "c");

    ck_assert_int_eq(run_op(op_put("k", "a")), STORE_DONE);
    ck_assert_int_eq(run_op(op_put("k", "b")), STORE_DONE);
    ck_assert_int_eq(run_op(op_delete("k")), STORE_DONE);
    ck_assert(get("k").deleted);
    ck_assert_uint_eq(get("k").version, 3);
    ck_assert_uint_eq(get("k").incarnation, 1);
    ck_assert_uint_eq(get("k").value.size, 0);
    ck_assert_int_eq(run(home, &again), STORE_DONE);
    ck_assert_uint_eq(again.version, 4);
    ck_assert_uint_eq(again.incarnation, 2);
    ck_assert(again.created);
    store_op_release(&again);
}
END_TEST

START_TEST(what_does_not_live_cannot_be_deleted)
{
    ck_assert_int_eq(run_op(op_delete("never")), STORE_NOT_FOUND);
    run_op(op_put("once", "x"));
    run_op(op_delete("once"));
    ck_assert_int_eq(run_op(op_delete("once")), STORE_NOT_FOUND);
    ck_assert_uint_eq(store_end(home).seq, 2);
}
END_TEST

START_TEST(records_of_other_users_and_services_are_others)
{
    struct store_op op = op_put("k", "theirs");
    struct record record;

    run_op(op_put("k", "mine"));
    op.write.user = "bob";
    ck_assert_int_eq(run(home, &op), STORE_DONE);
    ck_assert_uint_eq(op.version, 1);
    store_op_release(&op);
    op.write.user = "alice";
    op.write.service = "auth";
    ck_assert_int_eq(run(home, &op), STORE_DONE);
    ck_assert_uint_eq(op.version, 1);
    store_op_release(&op);
    ck_assert(slice_is(get("k").value, "mine"));
    ck_assert_int_eq(store_reader_get(reader, arena, "metadata", "carol", "k", &record), -ENOENT);
}
END_TEST

/* ---- conditions ---- */

static enum store_result put_if(enum store_condition condition, uint64_t version,
                                uint64_t *ret_version)
{
    struct store_op op = op_put("k", "new");
    enum store_result result;

    op.write.condition = condition;
    op.write.if_version = version;
    result = run(home, &op);
    *ret_version = op.version;
    store_op_release(&op);
    return result;
}

START_TEST(conditions_on_a_record_that_never_was)
{
    uint64_t version;

    ck_assert_int_eq(put_if(STORE_IF_VERSION, 1, &version), STORE_CONDITION_FAILED);
    ck_assert_uint_eq(version, 0);
    ck_assert_int_eq(put_if(STORE_IF_VERSION, 0, &version), STORE_CONDITION_FAILED);
    ck_assert_int_eq(put_if(STORE_IF_EXISTS, 0, &version), STORE_CONDITION_FAILED);
    ck_assert_int_eq(put_if(STORE_IF_ABSENT, 0, &version), STORE_DONE);
    ck_assert_uint_eq(version, 1);
}
END_TEST

START_TEST(conditions_on_a_living_record)
{
    uint64_t version;

    run_op(op_put("k", "old"));
    ck_assert_int_eq(put_if(STORE_IF_ABSENT, 0, &version), STORE_CONDITION_FAILED);
    ck_assert_uint_eq(version, 1);
    ck_assert_int_eq(put_if(STORE_IF_VERSION, 2, &version), STORE_CONDITION_FAILED);
    ck_assert_uint_eq(version, 1);
    ck_assert_int_eq(put_if(STORE_IF_VERSION, 1, &version), STORE_DONE);
    ck_assert_int_eq(put_if(STORE_IF_EXISTS, 0, &version), STORE_DONE);
    ck_assert_uint_eq(version, 3);
}
END_TEST

START_TEST(conditions_take_a_tombstone_for_absence)
{
    uint64_t version;

    run_op(op_put("k", "old"));
    run_op(op_delete("k"));
    ck_assert_int_eq(put_if(STORE_IF_VERSION, 2, &version), STORE_CONDITION_FAILED);
    ck_assert_uint_eq(version, 0);
    ck_assert_int_eq(put_if(STORE_IF_EXISTS, 0, &version), STORE_CONDITION_FAILED);
    ck_assert_int_eq(put_if(STORE_IF_ABSENT, 0, &version), STORE_DONE);
    ck_assert_uint_eq(version, 3);
}
END_TEST

/* ---- idempotency ---- */

START_TEST(the_same_key_has_one_effect_and_one_answer)
{
    struct store_op first = op_put_once("k", "a", "once");
    struct store_op second = op_put_once("k", "a", "once");

    ck_assert_int_eq(run(home, &first), STORE_DONE);
    run_op(op_put("k", "newer"));
    ck_assert_int_eq(store_commit(home, 5, WALL_US + 9, &second, 1), 0);
    ck_assert_int_eq(second.result, STORE_REPLAYED);
    ck_assert_uint_eq(second.version, first.version);
    ck_assert_uint_eq(second.incarnation, first.incarnation);
    ck_assert_uint_eq(second.epoch, 1);
    ck_assert_uint_eq(second.seq, first.seq);
    ck_assert(second.created && !second.deleted);
    ck_assert_ptr_null(second.change);
    ck_assert(slice_is(get("k").value, "newer"));
    ck_assert_uint_eq(store_end(home).seq, 2);
    store_op_release(&first);
    store_op_release(&second);
}
END_TEST

START_TEST(a_delete_is_replayed_too)
{
    struct store_op delete = op_delete("k");
    struct store_op again;

    run_op(op_put("k", "a"));
    delete.write.idempotency_key = "once";
    again = delete;
    ck_assert_int_eq(run_op(delete), STORE_DONE);
    ck_assert_int_eq(run(home, &again), STORE_REPLAYED);
    ck_assert(again.deleted && !again.created);
    store_op_release(&again);
}
END_TEST

START_TEST(a_key_cannot_be_used_for_another_write)
{
    run_op(op_put_once("k", "a", "once"));
    ck_assert_int_eq(run_op(op_put_once("k", "b", "once")), STORE_KEY_REUSED);
    ck_assert(slice_is(get("k").value, "a"));
}
END_TEST

START_TEST(a_key_belongs_to_its_user)
{
    struct store_op op = op_put_once("k", "b", "once");

    run_op(op_put_once("k", "a", "once"));
    op.write.user = "bob";
    ck_assert_int_eq(run_op(op), STORE_DONE);
}
END_TEST

START_TEST(a_refused_write_leaves_its_key_unused)
{
    struct store_op op = op_put_once("k", "a", "once");

    op.write.condition = STORE_IF_EXISTS;
    ck_assert_int_eq(run_op(op), STORE_CONDITION_FAILED);
    run_op(op_put("k", "x"));
    ck_assert_int_eq(run_op(op), STORE_DONE);
}
END_TEST

/* Another queue may hold a copy of it, which must not take effect however late it comes. */
START_TEST(a_refused_queued_write_stays_refused_through_restarts)
{
    struct store_op op = op_put_once("k", "a", "once");

    op.write.condition = STORE_IF_EXISTS;
    op.write.receipt = "eu-west.1";
    ck_assert_int_eq(run_op(op), STORE_CONDITION_FAILED);
    run_op(op_put("k", "x"));
    ck_assert_int_eq(run_op(op), STORE_CONDITION_FAILED);
    store_free(home);
    home = open_store("home.db", "us-east");
    ck_assert_int_eq(run_op(op), STORE_CONDITION_FAILED);
    op.write.receipt = ""; /* nor a direct try that was under way */
    ck_assert_int_eq(run_op(op), STORE_CONDITION_FAILED);
    ck_assert_uint_eq(get("k").version, 1);
}
END_TEST

START_TEST(twins_in_one_batch_have_one_effect)
{
    struct store_op ops[3] = {op_put_once("k", "a", "once"), op_put_once("k", "a", "once"),
                              op_put("k", "b")};

    ck_assert_int_eq(store_commit(home, 1, WALL_US, ops, 3), 0);
    ck_assert_int_eq(ops[0].result, STORE_DONE);
    ck_assert_int_eq(ops[1].result, STORE_REPLAYED);
    ck_assert_int_eq(ops[2].result, STORE_DONE);
    ck_assert_uint_eq(ops[2].version, 2);
    for (int i = 0; i < 3; i++)
        store_op_release(&ops[i]);
}
END_TEST

START_TEST(an_expired_write_is_refused_unless_it_was_made)
{
    struct store_op op = op_put_once("k", "a", "once");

    op.write.expires_wall_us = WALL_US;
    ck_assert_int_eq(run_op(op), STORE_DONE); /* at the last moment */
    ck_assert_int_eq(store_commit(home, 1, WALL_US + 1, &op, 1), 0);
    ck_assert_int_eq(op.result, STORE_REPLAYED);
    op.write.idempotency_key = "other";
    ck_assert_int_eq(store_commit(home, 1, WALL_US + 1, &op, 1), 0);
    ck_assert_int_eq(op.result, STORE_EXPIRED);
}
END_TEST

START_TEST(a_home_of_an_older_epoch_is_refused)
{
    struct store_op op = op_put("k", "a");

    ck_assert_int_eq(store_commit(home, 4, WALL_US, &op, 1), 0);
    ck_assert_int_eq(op.result, STORE_DONE);
    store_op_release(&op);
    ck_assert_int_eq(store_commit(home, 3, WALL_US, &op, 1), 0);
    ck_assert_int_eq(op.result, STORE_STALE_EPOCH);
    ck_assert_uint_eq(store_end(home).seq, 1);
}
END_TEST

START_TEST(a_refused_operation_does_not_touch_its_neighbours)
{
    struct store_op ops[3] = {op_put("a", "1"), op_delete("never"), op_put("b", "2")};

    ck_assert_int_eq(store_commit(home, 1, WALL_US, ops, 3), 0);
    ck_assert_int_eq(ops[1].result, STORE_NOT_FOUND);
    ck_assert_uint_eq(ops[2].seq, 2);
    ck_assert(slice_is(get("a").value, "1"));
    ck_assert(slice_is(get("b").value, "2"));
    store_op_release(&ops[0]);
    store_op_release(&ops[2]);
}
END_TEST

/* ---- trimming ---- */

START_TEST(trimming_forgets_old_keys_and_keeps_young_ones)
{
    struct store_op op;
    char keys[20][8];
    int left, steps = 0;

    for (unsigned i = 0; i < 20; i++) {
        snprintf(keys[i], sizeof(keys[i]), "k%u", i);
        op = op_put_once("k", "a", keys[i]);
        ck_assert_int_eq(store_commit(home, 1, WALL_US + i, &op, 1), 0);
        store_op_release(&op);
    }
    while ((left = store_trim(home, WALL_US + 10, 3)) == 1)
        steps++;
    ck_assert_int_eq(left, 0);
    ck_assert_int_eq(steps, 6);
    for (unsigned i = 0; i < 20; i++)
        ck_assert_int_eq(run_op(op_put_once("k", "a", keys[i])),
                         i < 10 ? STORE_DONE : STORE_REPLAYED);
}
END_TEST

/* ---- reading ---- */

START_TEST(lists_go_page_by_page_and_leave_out_what_does_not_live)
{
    static const char *const keys[] = {"a", "b/", "b/1", "b/2", "b/3", "b/4", "c"};
    struct record records[8];

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        run_op(op_put(keys[i], keys[i]));
    run_op(op_delete("b/2"));

    ck_assert_int_eq(store_reader_list(reader, arena, "metadata", "alice", "", "", 8, records), 6);
    ck_assert_str_eq(records[0].key, "a");
    ck_assert_uint_eq(records[2].value.size, 3);
    ck_assert_ptr_null(records[2].value.data);
    ck_assert_int_eq(store_reader_list(reader, arena, "metadata", "alice", "b/", "", 2, records),
                     2);
    ck_assert_str_eq(records[0].key, "b/");
    ck_assert_str_eq(records[1].key, "b/1");
    ck_assert_int_eq(store_reader_list(reader, arena, "metadata", "alice", "b/", "b/1", 8, records),
                     2);
    ck_assert_str_eq(records[0].key, "b/3");
    ck_assert_str_eq(records[1].key, "b/4");
    ck_assert_int_eq(store_reader_list(reader, arena, "metadata", "alice", "b/", "b/4", 8, records),
                     0);
    ck_assert_int_eq(store_reader_list(reader, arena, "metadata", "alice", "b/", "z", 8, records),
                     0);
    ck_assert_int_eq(store_reader_list(reader, arena, "metadata", "bob", "", "", 8, records), 0);
}
END_TEST

START_TEST(the_log_is_read_dense_and_in_bounded_pieces)
{
    struct store_change changes[8];
    struct store_op last = op_put("k", "five");

    for (int i = 0; i < 4; i++)
        run_op(op_put("k", "x"));
    run(home, &last);

    ck_assert_int_eq(store_reader_changes(reader, arena, 0, 8, 1 << 20, changes), 5);
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(changes[i].seq, i + 1);
    ck_assert_uint_eq(changes[4].bytes.size, last.change_size);
    ck_assert_mem_eq(changes[4].bytes.data, last.change, last.change_size);
    ck_assert_mem_eq(changes[4].digest, last.change_digest, DIGEST_SIZE);
    ck_assert_int_eq(store_reader_changes(reader, arena, 2, 2, 1 << 20, changes), 2);
    ck_assert_uint_eq(changes[0].seq, 3);
    ck_assert_int_eq(store_reader_changes(reader, arena, 2, 8, 1, changes), 1);
    ck_assert_int_eq(store_reader_changes(reader, arena, 5, 8, 1 << 20, changes), 0);
    store_op_release(&last);
}
END_TEST

START_TEST(reader_and_writer_agree_on_the_end)
{
    struct store_end end = {.seq = 99};

    ck_assert_int_eq(store_reader_end(reader, &end), 0);
    ck_assert_uint_eq(end.seq, 0);
    run_op(op_put("k", "x"));
    ck_assert_int_eq(store_reader_end(reader, &end), 0);
    ck_assert_uint_eq(end.seq, 1);
    ck_assert_mem_eq(end.digest, store_end(home).digest, DIGEST_SIZE);
}
END_TEST

START_TEST(a_reader_that_has_read_never_holds_the_wal_back)
{
    char large[20000];
    struct record records[4];
    struct store_change changes[4];

    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    for (int i = 0; i < 20; i++) {
        run_op(op_put("k", large));
        get("k");
        store_reader_list(reader, arena, "metadata", "alice", "", "", 1, records);
        store_reader_changes(reader, arena, 0, 1, 1, changes);
        ck_assert_uint_gt(store_wal_pages(home), 0);
        ck_assert_int_eq(store_checkpoint(home), 0);
        ck_assert_uint_eq(store_wal_pages(home), 0);
    }
    run_op(op_put("k", "small"));
    ck_assert_uint_lt(store_wal_pages(home), 20);
}
END_TEST

START_TEST(a_reader_cannot_be_opened_where_there_is_no_file)
{
    struct store_reader *none = NULL;

    ck_assert_int_eq(store_reader_open(scratch_path("none.db"), NULL, &none), -ENOENT);
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(everything_is_there_after_closing_and_opening)
{
    struct store_op op = op_put_once("k", "a", "once");
    struct store_end end;

    run_op(op);
    end = store_end(home);
    store_free(home);
    home = open_store("home.db", "us-east");
    ck_assert_uint_eq(store_end(home).seq, end.seq);
    ck_assert_uint_eq(store_end(home).epoch, end.epoch);
    ck_assert_mem_eq(store_end(home).digest, end.digest, DIGEST_SIZE);
    ck_assert_int_eq(run_op(op), STORE_REPLAYED);
    ck_assert(slice_is(get("k").value, "a"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_write_is_read_back_as_it_was,
        an_empty_value_is_a_value,
        a_version_rises_through_deletes_and_a_new_creation_is_a_new_incarnation,
        what_does_not_live_cannot_be_deleted,
        records_of_other_users_and_services_are_others,
        conditions_on_a_record_that_never_was,
        conditions_on_a_living_record,
        conditions_take_a_tombstone_for_absence,
        the_same_key_has_one_effect_and_one_answer,
        a_delete_is_replayed_too,
        a_key_cannot_be_used_for_another_write,
        a_key_belongs_to_its_user,
        a_refused_write_leaves_its_key_unused,
        a_refused_queued_write_stays_refused_through_restarts,
        twins_in_one_batch_have_one_effect,
        an_expired_write_is_refused_unless_it_was_made,
        a_home_of_an_older_epoch_is_refused,
        a_refused_operation_does_not_touch_its_neighbours,
        trimming_forgets_old_keys_and_keeps_young_ones,
        lists_go_page_by_page_and_leave_out_what_does_not_live,
        the_log_is_read_dense_and_in_bounded_pieces,
        reader_and_writer_agree_on_the_end,
        a_reader_that_has_read_never_holds_the_wal_back,
        a_reader_cannot_be_opened_where_there_is_no_file,
        everything_is_there_after_closing_and_opening,
    };
    return suite_run(&(struct suite){
        .name = "store", .set_up = open_home, .tear_down = close_home, SUITE_TESTS(tests)});
}
