/* A shard's file at a follower that is not told all: its log is whole, its rows are the others. */

#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/residency.h"
#include "replication.pb-c.h"
#include "store_fixture.h"
#include "tests/unit/suite.h"

#define MADE 6

static struct store *follower;
static struct store_op made[MADE]; /* at the home: each second one is of the vault */

static struct store_op op_secret(const char *key)
{
    struct store_op op = op_put_once(key, "SECRET", key);

    op.write.service = "vault";
    memset(op.write.salt, 7, sizeof op.write.salt);
    return op;
}

static void open_both(void)
{
    open_home();
    follower = open_store("follower.db", "us-east");
    for (unsigned i = 0; i < MADE; i++) {
        const char *key = arena_format(arena, "k%u", i);

        made[i] = i % 2 == 1 ? op_secret(key) : op_put(key, "v");
        ck_assert_int_eq(run(home, &made[i]), STORE_DONE);
    }
}

static void close_both(void)
{
    for (unsigned i = 0; i < MADE; i++)
        store_op_release(&made[i]);
    store_free(follower);
    close_home();
}

static Mec__Change *unpack(const struct store_op *op)
{
    return mec__change__unpack(arena_allocator(arena), op->change_size, op->change);
}

/* @bytes in place of the change @op; their own digest is right. */
static struct store_op in_place_of(const struct store_op *op, const uint8_t *bytes, size_t size)
{
    struct store_op apply = op_apply(op);
    uint8_t *digest = arena_alloc(arena, DIGEST_SIZE);

    crypto_generichash(digest, DIGEST_SIZE, bytes, size, NULL, 0);
    apply.apply.change = (struct slice){(const char *)bytes, size};
    apply.apply.redaction_digest = digest;
    return apply;
}

static struct store_op redacted(const struct store_op *op)
{
    ProtobufCBinaryData digest = {DIGEST_SIZE, (uint8_t *)(uintptr_t)op->change_digest};
    size_t size;
    uint8_t *bytes = residency_redact(unpack(op), digest, arena, &size);

    return in_place_of(op, bytes, size);
}

static enum store_result apply(struct store_op op)
{
    enum store_result result = run(follower, &op);

    store_op_release(&op);
    return result;
}

static void apply_all(void)
{
    for (unsigned i = 0; i < MADE; i++)
        ck_assert_int_eq(apply(i % 2 == 1 ? redacted(&made[i]) : op_apply(&made[i])), STORE_DONE);
}

static void digest_by_service(const char *name, enum parts_service service,
                              uint8_t ret_digest[DIGEST_SIZE], uint64_t *ret_records)
{
    struct store_digest *work = NULL;

    ck_assert_int_eq(store_digest_begin(scratch_path(name), NULL, &work), 0);
    while (store_digest_step(work, 3) == 1)
        ;
    store_digest_service(work, service, ret_digest, ret_records);
    store_digest_free(work);
}

static bool file_has(const char *name, const char *text)
{
    static char bytes[1024 * 1024];
    FILE *file = fopen(scratch_path(name), "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;

    ck_assert_ptr_nonnull(file);
    fclose(file);
    ck_assert_uint_gt(size, 0);
    return memmem(bytes, size, text, strlen(text)) != NULL;
}

START_TEST(the_log_is_a_prefix_and_only_the_other_rows_are_there)
{
    uint8_t ours[DIGEST_SIZE], theirs[DIGEST_SIZE];
    uint64_t our_records, their_records;

    apply_all();
    ck_assert_uint_eq(store_end(follower).seq, MADE);
    ck_assert_mem_eq(store_end(follower).digest, store_end(home).digest, DIGEST_SIZE);
    digest_by_service("home.db", PARTS_METADATA, ours, &our_records);
    digest_by_service("follower.db", PARTS_METADATA, theirs, &their_records);
    ck_assert_mem_eq(ours, theirs, DIGEST_SIZE);
    ck_assert_uint_eq(our_records, 3);
    ck_assert_uint_eq(their_records, 3);
    digest_by_service("home.db", PARTS_VAULT, ours, &our_records);
    digest_by_service("follower.db", PARTS_VAULT, theirs, &their_records);
    ck_assert_mem_ne(ours, theirs, DIGEST_SIZE);
    ck_assert_uint_eq(our_records, 3);
    ck_assert_uint_eq(their_records, 0);
}
END_TEST

START_TEST(nothing_of_it_is_in_the_files)
{
    apply_all();
    for (size_t i = 0; i < 2; i++) {
        const char *suffix = i == 0 ? "" : "-wal";

        ck_assert(!file_has(arena_format(arena, "follower.db%s", suffix), "SECRET"));
        ck_assert(!file_has(arena_format(arena, "follower.db%s", suffix), "k1"));
    }
    ck_assert(file_has("home.db-wal", "SECRET"));
    ck_assert(file_has("follower.db-wal", "k0"));
}
END_TEST

/* The last change of the log is looked at when a file is opened. */
START_TEST(a_file_that_ends_in_a_redaction_is_opened_again_and_goes_on)
{
    struct store_op next = op_put("next", "v");

    apply_all();
    store_free(follower);
    follower = open_store("follower.db", "us-east");
    ck_assert_uint_eq(store_end(follower).seq, MADE);
    ck_assert_mem_eq(store_end(follower).digest, store_end(home).digest, DIGEST_SIZE);
    ck_assert_int_eq(run(home, &next), STORE_DONE);
    ck_assert_int_eq(apply(op_apply(&next)), STORE_DONE);
    store_op_release(&next);
    ck_assert_int_eq(apply(redacted(&made[1])), STORE_HAD_IT);
}
END_TEST

START_TEST(what_does_not_stand_for_that_change_is_refused)
{
    ProtobufCBinaryData digest = {DIGEST_SIZE, made[1].change_digest};
    uint8_t other[DIGEST_SIZE] = {1}, *bytes;
    struct store_op op;
    Mec__Change change;
    size_t size;

    ck_assert_int_eq(apply(op_apply(&made[0])), STORE_DONE);
    /* Its own digest is wrong. */
    op = redacted(&made[1]);
    op.apply.redaction_digest = other;
    ck_assert_int_eq(apply(op), STORE_INVALID);
    /* It stands for another one. */
    bytes =
        residency_redact(unpack(&made[1]), (ProtobufCBinaryData){DIGEST_SIZE, other}, arena, &size);
    ck_assert_int_eq(apply(in_place_of(&made[1], bytes, size)), STORE_INVALID);
    /* It is none. */
    ck_assert_int_eq(apply(in_place_of(&made[1], made[1].change, made[1].change_size)),
                     STORE_INVALID);
    /* It is of another shard, another seq, a later epoch than what brings it. */
    for (unsigned i = 0; i < 3; i++) {
        change = *unpack(&made[1]);
        if (i == 0)
            change.shard = (char *)"eu-west";
        change.seq += i == 1;
        change.epoch += i == 2;
        bytes = residency_redact(&change, digest, arena, &size);
        ck_assert_int_eq(apply(in_place_of(&made[1], bytes, size)), STORE_INVALID);
    }
    ck_assert_int_eq(apply(redacted(&made[1])), STORE_DONE);
    /* And the next one must be the next of that one. */
    ck_assert_int_eq(apply(op_apply(&made[2])), STORE_DONE);
}
END_TEST

START_TEST(a_redaction_of_another_history_is_one_too)
{
    uint8_t other[DIGEST_SIZE] = {1};
    Mec__Change change;
    uint8_t *bytes;
    size_t size;

    ck_assert_int_eq(apply(op_apply(&made[0])), STORE_DONE);
    change = *unpack(&made[1]);
    change.previous_digest = (ProtobufCBinaryData){DIGEST_SIZE, other};
    bytes = residency_redact(&change, (ProtobufCBinaryData){DIGEST_SIZE, made[1].change_digest},
                             arena, &size);
    ck_assert_int_eq(apply(in_place_of(&made[1], bytes, size)), STORE_DIVERGED);
    ck_assert_int_eq(apply(redacted(&made[3])), STORE_GAP);
}
END_TEST

/* Whoever gets the digest could else try out what has it. */
START_TEST(what_others_get_the_digest_of_is_salted)
{
    ck_assert_uint_eq(unpack(&made[1])->salt.len, STORE_SALT_SIZE);
    ck_assert_uint_eq(unpack(&made[1])->salt.data[0], 7);
    ck_assert_uint_eq(unpack(&made[0])->salt.len, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_log_is_a_prefix_and_only_the_other_rows_are_there,
        nothing_of_it_is_in_the_files,
        a_file_that_ends_in_a_redaction_is_opened_again_and_goes_on,
        what_does_not_stand_for_that_change_is_refused,
        a_redaction_of_another_history_is_one_too,
        what_others_get_the_digest_of_is_salted,
    };

    return suite_run(&(struct suite){.name = "store_redaction",
                                     .set_up = open_both,
                                     .tear_down = close_both,
                                     SUITE_TESTS(tests)});
}
