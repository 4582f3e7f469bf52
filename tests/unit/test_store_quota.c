/* What users have, what they may have, and values that are sealed. */

#include <check.h>
#include <errno.h>
#include <sqlite3.h>

#include "store_fixture.h"
#include "tests/unit/suite.h"

static void set_up(void)
{
    open_home();
}

static void assert_usage_of(struct store_reader *from, uint64_t keys, uint64_t bytes)
{
    uint64_t found_keys = 99, found_bytes = 99;

    ck_assert_int_eq(store_reader_usage(from, "metadata", "alice", &found_keys, &found_bytes), 0);
    ck_assert_uint_eq(found_keys, keys);
    ck_assert_uint_eq(found_bytes, bytes);
}

static void assert_usage(uint64_t keys, uint64_t bytes)
{
    assert_usage_of(reader, keys, bytes);
}

static struct store_op op_within(const char *key, const char *value, uint64_t keys, uint64_t bytes)
{
    struct store_op op = op_put(key, value);

    op.write.quota_keys = keys;
    op.write.quota_bytes = bytes;
    return op;
}

/* ---- counting ---- */

START_TEST(what_lives_is_counted)
{
    assert_usage(0, 0);
    run_op(op_put("colour", "blue"));
    assert_usage(1, 10);
    run_op(op_put("colour", "ultramarine"));
    assert_usage(1, 17);
    run_op(op_put("größe", "xl"));
    assert_usage(2, 26);
    run_op(op_put("colour", ""));
    assert_usage(2, 15);
    run_op(op_delete("colour"));
    assert_usage(1, 9);
    run_op(op_put("colour", "red"));
    assert_usage(2, 18);
    run_op(op_delete("colour"));
    run_op(op_delete("größe"));
    assert_usage(0, 0);
}
END_TEST

START_TEST(services_and_users_are_counted_apart)
{
    struct store_op op = op_put("k", "12345");

    run_op(op);
    op.write.user = "bob";
    run_op(op);
    op.write.user = "alice";
    op.write.service = "vault";
    run_op(op);
    assert_usage(1, 6);
}
END_TEST

START_TEST(what_had_no_effect_is_not_counted)
{
    struct store_op op = op_put("k", "v");

    op.write.condition = STORE_IF_EXISTS;
    run_op(op);
    run_op(op_delete("k"));
    assert_usage(0, 0);
    run_op(op_put_once("k", "v", "once"));
    run_op(op_put_once("k", "v", "once"));
    assert_usage(1, 2);
}
END_TEST

/* So that it knows when it becomes the home. */
START_TEST(a_follower_counts_the_same)
{
    struct store *follower = open_store("follower.db", "us-east");
    struct store_reader *copy = NULL;
    struct store_op ops[] = {op_put("a", "1"), op_put("b", "22"), op_put("a", "333"),
                             op_delete("b"), op_put("c", "")};

    ck_assert_int_eq(store_reader_open(scratch_path("follower.db"), NULL, &copy), 0);
    for (size_t i = 0; i < 5; i++) {
        struct store_op applied;

        run(home, &ops[i]);
        applied = op_apply(&ops[i]);
        ck_assert_int_eq(run(follower, &applied), STORE_DONE);
        store_op_release(&applied);
        ck_assert_int_eq(run(follower, &applied), STORE_HAD_IT);
        store_op_release(&ops[i]);
    }
    assert_usage(2, 5);
    assert_usage_of(copy, 2, 5);
    store_reader_free(copy);
    store_free(follower);
}
END_TEST

/* ---- quotas ---- */

START_TEST(keys_are_limited)
{
    struct store_op op;

    ck_assert_int_eq(run_op(op_within("a", "1", 2, 0)), STORE_DONE);
    ck_assert_int_eq(run_op(op_within("b", "1", 2, 0)), STORE_DONE);
    op = op_within("c", "1", 2, 0);
    ck_assert_int_eq(run(home, &op), STORE_OVER_QUOTA);
    ck_assert_uint_eq(op.version, 0);
    ck_assert_ptr_null(op.change);
    store_op_release(&op);
    ck_assert_uint_eq(store_end(home).seq, 2);
    ck_assert_uint_eq(store_audit_head(home).n, 2);
    assert_usage(2, 4);
    ck_assert_int_eq(run_op(op_within("b", "more of it", 2, 0)), STORE_DONE);
    run_op(op_delete("a"));
    ck_assert_int_eq(run_op(op_within("c", "1", 2, 0)), STORE_DONE);
}
END_TEST

START_TEST(bytes_are_limited_to_the_last_one)
{
    ck_assert_int_eq(run_op(op_within("k", "123456789", 0, 10)), STORE_DONE);
    ck_assert_int_eq(run_op(op_within("k", "1234567890", 0, 10)), STORE_OVER_QUOTA);
    ck_assert_int_eq(run_op(op_within("l", "", 0, 10)), STORE_OVER_QUOTA);
    ck_assert(slice_is(get("k").value, "123456789"));
    assert_usage(1, 10);
}
END_TEST

/* Who is over a quota that was lowered can still make it less. */
START_TEST(deletes_and_smaller_values_always_pass)
{
    struct store_op op = op_delete("b");

    run_op(op_put("a", "123456789"));
    run_op(op_put("b", "123456789"));
    ck_assert_int_eq(run_op(op_within("a", "12345678", 1, 5)), STORE_DONE);
    ck_assert_int_eq(run_op(op_within("a", "87654321", 1, 5)), STORE_DONE);
    ck_assert_int_eq(run_op(op_within("a", "876543210", 1, 5)), STORE_OVER_QUOTA);
    op.write.quota_keys = 1;
    op.write.quota_bytes = 5;
    op.write.value = slice_of("a delete has none, whatever stands here");
    ck_assert_int_eq(run_op(op), STORE_DONE);
    assert_usage(1, 9);
}
END_TEST

START_TEST(a_quota_counts_what_the_batch_has_written_before)
{
    struct store_op ops[3] = {op_within("a", "1", 2, 0), op_within("b", "1", 2, 0),
                              op_within("c", "1", 2, 0)};

    ck_assert_int_eq(store_commit(home, 1, WALL_US, ops, 3), 0);
    ck_assert_int_eq(ops[1].result, STORE_DONE);
    ck_assert_int_eq(ops[2].result, STORE_OVER_QUOTA);
    for (size_t i = 0; i < 3; i++)
        store_op_release(&ops[i]);
}
END_TEST

/* A condition that does not hold says more than a quota. */
START_TEST(conditions_come_before_quotas)
{
    struct store_op op = op_within("k", "123", 0, 1);

    op.write.condition = STORE_IF_EXISTS;
    ck_assert_int_eq(run_op(op), STORE_CONDITION_FAILED);
}
END_TEST

/* Without a receipt it is judged afresh; with one it is final. */
START_TEST(a_queued_write_over_quota_is_refused_for_ever)
{
    struct store_op op = op_put_once("k", "123", "once");

    op.write.quota_bytes = 1;
    ck_assert_int_eq(run_op(op), STORE_OVER_QUOTA);
    op.write.receipt = "eu-west.1";
    ck_assert_int_eq(run_op(op), STORE_OVER_QUOTA);
    op.write.quota_bytes = 0;
    ck_assert_int_eq(run_op(op), STORE_OVER_QUOTA);
    ck_assert_uint_eq(store_end(home).seq, 0);
}
END_TEST

/* ---- sealed values ---- */

static struct store_seal seal;

static struct store_op op_sealed(const char *value)
{
    struct store_op op = op_put("k", value);

    memset(seal.key, 7, sizeof(seal.key));
    memset(seal.nonce, 9, sizeof(seal.nonce));
    op.write.seal = &seal;
    return op;
}

static int open_value(struct slice value, uint64_t version, char ret_plain[64])
{
    struct seal_place place = {"us-east", "alice", "metadata", "k", version};
    size_t size = 0;
    int error;

    ck_assert_uint_lt(value.size, 64);
    memset(ret_plain, 0, 64);
    error = seal_open(seal.key, &place, value, (uint8_t *)ret_plain, &size);
    return error;
}

START_TEST(a_sealed_value_is_bound_to_the_version_that_it_got)
{
    char plain[64];

    run_op(op_put("k", "open"));
    ck_assert_int_eq(run_op(op_sealed("secret")), STORE_DONE);
    ck_assert_uint_eq(get("k").version, 2);
    ck_assert_uint_eq(get("k").value.size, 6 + SEAL_OVERHEAD);
    ck_assert_int_eq(open_value(get("k").value, 2, plain), 0);
    ck_assert_str_eq(plain, "secret");
    ck_assert_int_eq(open_value(get("k").value, 1, plain), -EBADMSG);
}
END_TEST

/* Neither row nor change nor any page of the file shows it. */
START_TEST(what_is_sealed_rests_and_travels_so)
{
    struct store_op op = op_sealed("the very secret");
    struct store *follower = open_store("follower.db", "us-east");
    struct store_reader *copy = NULL;
    struct store_op applied;
    struct record record;
    char plain[64], page[65536];
    size_t size;
    FILE *file;

    run(home, &op);
    ck_assert_ptr_null(memmem(op.change, op.change_size, "very secret", 11));
    applied = op_apply(&op);
    ck_assert_int_eq(run(follower, &applied), STORE_DONE);
    ck_assert_int_eq(store_reader_open(scratch_path("follower.db"), NULL, &copy), 0);
    ck_assert_int_eq(store_reader_get(copy, arena, "metadata", "alice", "k", &record), 0);
    ck_assert_int_eq(open_value(record.value, 1, plain), 0);
    ck_assert_str_eq(plain, "the very secret");
    file = fopen(scratch_path("home.db-wal"), "r");
    size = fread(page, 1, sizeof(page), file);
    ck_assert_uint_gt(size, 4096);
    ck_assert_ptr_nonnull(memmem(page, size, "alice", 5));
    ck_assert_ptr_null(memmem(page, size, "very secret", 11));
    fclose(file);
    store_op_release(&applied);
    store_op_release(&op);
    store_reader_free(copy);
    store_free(follower);
}
END_TEST

START_TEST(a_sealed_value_counts_as_it_is_stored)
{
    struct store_op op = op_sealed("12345");

    op.write.quota_bytes = 1 + 5 + SEAL_OVERHEAD - 1;
    ck_assert_int_eq(run_op(op), STORE_OVER_QUOTA);
    op.write.quota_bytes++;
    ck_assert_int_eq(run_op(op), STORE_DONE);
    assert_usage(1, 1 + 5 + SEAL_OVERHEAD);
}
END_TEST

START_TEST(a_delete_has_nothing_to_seal)
{
    struct store_op op = op_sealed("x");

    run_op(op);
    op.write.delete = true;
    ck_assert_int_eq(run_op(op), STORE_DONE);
    ck_assert_uint_eq(get("k").value.size, 0);
    assert_usage(0, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_lives_is_counted,
        services_and_users_are_counted_apart,
        what_had_no_effect_is_not_counted,
        a_follower_counts_the_same,
        keys_are_limited,
        bytes_are_limited_to_the_last_one,
        deletes_and_smaller_values_always_pass,
        a_quota_counts_what_the_batch_has_written_before,
        conditions_come_before_quotas,
        a_queued_write_over_quota_is_refused_for_ever,
        a_sealed_value_is_bound_to_the_version_that_it_got,
        what_is_sealed_rests_and_travels_so,
        a_sealed_value_counts_as_it_is_stored,
        a_delete_has_nothing_to_seal,
    };
    return suite_run(&(struct suite){
        .name = "store_quota", .set_up = set_up, .tear_down = close_home, SUITE_TESTS(tests)});
}
