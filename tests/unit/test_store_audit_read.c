/* What stands in the audit chain of a file, and reading it back. */

#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "audit.pb-c.h"
#include "fault_vfs.h"
#include "regiond/queue_store.h"
#include "store_fixture.h"
#include "tests/unit/suite.h"

static struct store_audit_entry entries[32];

static void set_up(void)
{
    open_home();
    store_set_region(home, "us-east");
}

/* All entries of the home, in their order. */
static int read_log(void)
{
    return store_reader_audit_log(reader, arena, 0, 32, entries);
}

static int read_user(const char *user, uint64_t before_n, size_t limit)
{
    return store_reader_audit(reader, arena, user, before_n, limit, entries);
}

static struct store_op op_event(const char *user, const char *outcome)
{
    return (struct store_op){
        .kind = STORE_OP_AUDIT,
        .event = {.action = "auth.log-in", .service = "auth", .user = user, .outcome = outcome}};
}

/* ---- what has an entry ---- */

START_TEST(a_write_has_an_entry_of_its_change)
{
    struct store_op op = op_put("colour", "blue");

    op.write.action = "metadata.put";
    op.write.session = "s1";
    ck_assert_int_eq(run(home, &op), STORE_DONE);
    ck_assert_int_eq(read_log(), 1);
    ck_assert_uint_eq(entries[0].n, 1);
    ck_assert_uint_eq(entries[0].wall_us, WALL_US);
    ck_assert_str_eq(entries[0].region, "us-east");
    ck_assert_str_eq(entries[0].chain, "shard-us-east");
    ck_assert_str_eq(entries[0].user, "alice");
    ck_assert_str_eq(entries[0].session, "s1");
    ck_assert_str_eq(entries[0].service, "metadata");
    ck_assert_str_eq(entries[0].action, "metadata.put");
    ck_assert_str_eq(entries[0].key, "colour");
    ck_assert_str_eq(entries[0].outcome, "done");
    ck_assert_str_eq(entries[0].shard, "us-east");
    ck_assert_uint_eq(entries[0].epoch, op.epoch);
    ck_assert_uint_eq(entries[0].seq, op.seq);
    ck_assert_mem_eq(entries[0].change_digest, op.change_digest, DIGEST_SIZE);
    ck_assert_uint_eq(entries[0].count, 1);
    store_op_release(&op);
}
END_TEST

START_TEST(who_names_no_action_has_one)
{
    run_op(op_put("k", "v"));
    run_op(op_delete("k"));
    ck_assert_int_eq(read_log(), 2);
    ck_assert_str_eq(entries[0].action, "metadata.put");
    ck_assert_str_eq(entries[1].action, "metadata.delete");
}
END_TEST

START_TEST(who_writes_for_another_is_named)
{
    struct store_op op = op_put("k", "v");

    op.write.actor = "bob";
    run_op(op);
    ck_assert_int_eq(read_user("bob", 0, 9), 1);
    ck_assert_int_eq(read_user("alice", 0, 9), 0);
}
END_TEST

START_TEST(what_had_no_effect_has_no_entry)
{
    struct store_op missed = op_put("k", "v");

    missed.write.condition = STORE_IF_EXISTS;
    ck_assert_int_eq(run_op(missed), STORE_CONDITION_FAILED);
    ck_assert_int_eq(run_op(op_put_once("k", "v", "once")), STORE_DONE);
    ck_assert_int_eq(run_op(op_put_once("k", "v", "once")), STORE_REPLAYED);
    ck_assert_int_eq(run_op(op_put_once("k", "w", "once")), STORE_KEY_REUSED);
    ck_assert_int_eq(read_log(), 1);
}
END_TEST

static enum store_result refuse(const char *once, void (*spoil)(struct store_write *write))
{
    struct store_op op = op_put_once("k", "v", once);

    op.write.receipt = arena_format(arena, "eu-west.%s", once);
    spoil(&op.write);
    return run_op(op);
}

static void spoil_condition(struct store_write *write)
{
    write->condition = STORE_IF_EXISTS;
}

static void spoil_delete(struct store_write *write)
{
    write->delete = true;
}

static void spoil_time(struct store_write *write)
{
    write->expires_wall_us = 1;
}

static void spoil_account(struct store_write *write)
{
    write->forbidden = true;
}

static void spoil_quota(struct store_write *write)
{
    write->quota_bytes = 1;
}

/* A refusal of a queued write is final, so it is told of; once. */
START_TEST(the_refusal_of_a_queued_write_has_an_entry)
{
    static const char *const outcomes[] = {"precondition-failed", "not-found", "expired",
                                           "forbidden", "quota-exceeded"};

    ck_assert_int_eq(refuse("a", spoil_condition), STORE_CONDITION_FAILED);
    ck_assert_int_eq(refuse("b", spoil_delete), STORE_NOT_FOUND);
    ck_assert_int_eq(refuse("c", spoil_time), STORE_EXPIRED);
    ck_assert_int_eq(refuse("d", spoil_account), STORE_FORBIDDEN);
    ck_assert_int_eq(refuse("e", spoil_quota), STORE_OVER_QUOTA);
    ck_assert_int_eq(refuse("e", spoil_quota), STORE_OVER_QUOTA);
    ck_assert_int_eq(read_log(), 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_str_eq(entries[i].outcome, outcomes[i]);
        ck_assert_uint_eq(entries[i].seq, 0);
        ck_assert_str_eq(entries[i].receipt, arena_format(arena, "eu-west.%c", (int)('a' + i)));
    }
}
END_TEST

START_TEST(an_applied_change_has_none)
{
    struct store *follower = open_store("follower.db", "us-east");
    struct store_op op = op_put("k", "v"), applied;

    run(home, &op);
    applied = op_apply(&op);
    ck_assert_int_eq(run(follower, &applied), STORE_DONE);
    ck_assert_uint_eq(store_audit_head(follower).n, 0);
    store_op_release(&applied);
    store_op_release(&op);
    store_free(follower);
}
END_TEST

START_TEST(an_event_has_an_entry_without_a_change)
{
    struct store_op op = op_event("alice", "unauthenticated");

    op.event.count = 12;
    op.event.session = "s2";
    ck_assert_int_eq(run_op(op), STORE_DONE);
    ck_assert_int_eq(run_op(op_event(NULL, NULL)), STORE_DONE);
    ck_assert_uint_eq(store_end(home).seq, 0);
    ck_assert_int_eq(read_log(), 2);
    ck_assert_str_eq(entries[0].action, "auth.log-in");
    ck_assert_str_eq(entries[0].outcome, "unauthenticated");
    ck_assert_str_eq(entries[0].session, "s2");
    ck_assert_uint_eq(entries[0].count, 12);
    ck_assert_uint_eq(entries[0].epoch, 0);
    ck_assert_str_eq(entries[1].user, "");
    ck_assert_str_eq(entries[1].outcome, "done");
    ck_assert_uint_eq(entries[1].count, 1);
}
END_TEST

START_TEST(a_home_of_the_past_notes_nothing)
{
    struct store_op op = op_put("k", "v"), event = op_event("alice", NULL);

    ck_assert_int_eq(store_commit(home, 3, WALL_US, &op, 1), 0);
    ck_assert_int_eq(store_commit(home, 2, WALL_US, &event, 1), 0);
    ck_assert_int_eq(event.result, STORE_STALE_EPOCH);
    ck_assert_uint_eq(store_audit_head(home).n, 1);
    store_op_release(&op);
}
END_TEST

/* ---- all or nothing ---- */

START_TEST(a_batch_that_fails_leaves_no_entry)
{
    struct store_op op;
    long countdown = 0;
    int error;

    fault_vfs_register();
    store_free(home);
    ck_assert_int_eq(store_open(scratch_path("home.db"), "us-east", "fault", &home), 0);
    do {
        fault_arm(FAULT_FULL, ++countdown);
        op = op_event("alice", NULL);
        error = store_commit(home, 1, WALL_US, &op, 1);
        ck_assert_int_eq(op.result, error == 0 ? STORE_DONE : STORE_NOT_RUN);
        ck_assert_uint_eq(store_audit_head(home).n, error == 0 ? 1 : 0);
        fault_heal();
    } while (error == -ENOSPC);
    ck_assert_int_eq(error, 0);
    ck_assert_int_gt(countdown, 1);
    ck_assert_int_eq(read_log(), 1);
}
END_TEST

/* ---- reading ---- */

START_TEST(a_user_reads_their_own_newest_first)
{
    for (unsigned i = 0; i < 4; i++) {
        run_op(op_put(i % 2 ? "b" : "a", "v"));
        ck_assert_int_eq(run_op(op_event("bob", NULL)), STORE_DONE);
    }
    ck_assert_int_eq(read_user("alice", 0, 32), 4);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(entries[i].n, 7 - 2 * i);
        ck_assert_str_eq(entries[i].user, "alice");
    }
    ck_assert_int_eq(read_user("bob", 0, 32), 4);
    ck_assert_uint_eq(entries[0].n, 8);
    ck_assert_int_eq(read_user("carol", 0, 32), 0);
    ck_assert_int_eq(read_user("", 0, 32), 0);
}
END_TEST

START_TEST(pages_follow_each_other)
{
    for (unsigned i = 0; i < 5; i++) {
        run_op(op_put("k", "v"));
        run_op(op_event("bob", NULL));
    }
    ck_assert_int_eq(read_user("alice", 0, 2), 2);
    ck_assert_uint_eq(entries[1].n, 7);
    ck_assert_int_eq(read_user("alice", entries[1].n, 2), 2);
    ck_assert_uint_eq(entries[0].n, 5);
    ck_assert_int_eq(read_user("alice", entries[1].n, 2), 1);
    ck_assert_uint_eq(entries[0].n, 1);
    ck_assert_int_eq(read_user("alice", 1, 2), 0);
    /* A number of somebody else's, or of nobody's, is as good. */
    ck_assert_int_eq(read_user("alice", 6, 9), 3);
    ck_assert_uint_eq(entries[0].n, 5);
    ck_assert_int_eq(read_user("alice", 1000, 9), 5);
    ck_assert_int_eq(read_user("alice", 0, 0), 0);
}
END_TEST

START_TEST(it_goes_on_after_a_start)
{
    run_op(op_put("k", "v"));
    store_free(home);
    home = open_store("home.db", "us-east");
    run_op(op_put("k", "w"));
    ck_assert_int_eq(read_user("alice", 0, 9), 2);
    ck_assert_uint_eq(entries[0].n, 2);
    ck_assert_uint_eq(store_audit_head(home).n, 2);
}
END_TEST

static void tamper(const char *sql)
{
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open(scratch_path("home.db"), &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* A chain whose end was cut off still serves those who have nothing to do with it. */
START_TEST(a_user_reads_on_behind_an_end_that_was_cut_off)
{
    for (unsigned i = 0; i < 5; i++)
        run_op(op_put("k", "v"));
    tamper("DELETE FROM audit WHERE n>2");
    store_free(home);
    home = open_store("home.db", "us-east");
    run_op(op_put("k", "w"));
    ck_assert_int_eq(read_user("alice", 0, 9), 1);
    ck_assert_uint_eq(entries[0].n, 3);
}
END_TEST

/* Entry @n leads to @before_n. */
static void lead_to(uint64_t n, uint64_t before_n)
{
    Mec__AuditEntry entry = MEC__AUDIT_ENTRY__INIT;
    uint8_t packed[64];
    char hex[2 * sizeof(packed) + 1] = "";
    size_t size;

    entry.n = n;
    entry.user = "alice";
    entry.user_before_n = before_n;
    size = mec__audit_entry__pack(&entry, packed);
    for (size_t i = 0; i < size; i++)
        snprintf(hex + 2 * i, 3, "%02x", packed[i]);
    tamper(arena_format(arena, "UPDATE audit SET bytes=x'%s' WHERE n=%d", hex, (int)n));
}

START_TEST(a_user_is_not_led_in_a_circle_nor_to_others)
{
    for (unsigned i = 0; i < 3; i++)
        run_op(op_put("k", "v"));
    run_op(op_event("bob", NULL));
    run_op(op_put("k", "v"));
    lead_to(5, 5);
    ck_assert_int_eq(read_user("alice", 0, 9), -EIO);
    lead_to(5, 4);
    ck_assert_int_eq(read_user("alice", 0, 9), -EIO);
    ck_assert_ptr_nonnull(strstr(store_last_error(), "entry 4"));
    lead_to(5, 3);
    ck_assert_int_eq(read_user("alice", 0, 9), 4);
    tamper("DELETE FROM audit WHERE n=3");
    ck_assert_int_eq(read_user("alice", 0, 9), -EIO);
    ck_assert_int_eq(read_user("alice", 0, 1), 1);
}
END_TEST

START_TEST(the_log_is_read_in_parts)
{
    for (unsigned i = 0; i < 5; i++)
        run_op(op_put("k", "v"));
    ck_assert_int_eq(store_reader_audit_log(reader, arena, 0, 3, entries), 3);
    ck_assert_int_eq(store_reader_audit_log(reader, arena, 3, 3, entries), 2);
    ck_assert_uint_eq(entries[1].n, 5);
    ck_assert_int_eq(store_reader_audit_log(reader, arena, 5, 3, entries), 0);
}
END_TEST

/* ---- the queue's ---- */

static struct queue_op run_queue(struct queue_store *queue, struct queue_op op)
{
    struct queue_limits limits = {.entries_max = 1, .bytes_max = 99, .keep_settled_us = 1};

    ck_assert_int_eq(queue_store_commit(queue, &limits, WALL_US, &op, 1), 0);
    return op;
}

START_TEST(a_queue_notes_what_it_accepts)
{
    struct queue_op op = {.kind = QUEUE_OP_ENQUEUE,
                          .entry = {.receipt = "eu-west.1",
                                    .user = "alice",
                                    .shard = "us-east",
                                    .service = "metadata",
                                    .idempotency_key = "a",
                                    .call = {"c", 1}},
                          .event = {.action = "metadata.put", .session = "s1", .key = "colour"}};
    struct queue_op event = {.kind = QUEUE_OP_AUDIT,
                             .event = {.action = "edge.check", .user = "bob", .outcome = "x"}};
    struct queue_store *queue = NULL;
    struct queue_reader *queue_reader = NULL;
    struct store_audit_head head;

    ck_assert_int_eq(queue_store_open(scratch_path("queue.db"), NULL, &queue), 0);
    queue_store_set_region(queue, "eu-west");
    ck_assert_int_eq(queue_reader_open(scratch_path("queue.db"), NULL, &queue_reader), 0);
    ck_assert_int_eq(run_queue(queue, op).result, QUEUE_DONE);
    ck_assert_int_eq(run_queue(queue, op).result, QUEUE_REPLAYED);
    op.entry.idempotency_key = "b";
    ck_assert_int_eq(run_queue(queue, op).result, QUEUE_FULL);
    ck_assert_int_eq(run_queue(queue, event).result, QUEUE_DONE);

    ck_assert_int_eq(queue_reader_audit_log(queue_reader, arena, 0, 9, entries), 2);
    ck_assert_str_eq(entries[0].region, "eu-west");
    ck_assert_str_eq(entries[0].chain, "queue");
    ck_assert_str_eq(entries[0].action, "metadata.put");
    ck_assert_str_eq(entries[0].service, "metadata");
    ck_assert_str_eq(entries[0].session, "s1");
    ck_assert_str_eq(entries[0].key, "colour");
    ck_assert_str_eq(entries[0].outcome, "queued");
    ck_assert_str_eq(entries[0].receipt, "eu-west.1");
    ck_assert_str_eq(entries[0].shard, "us-east");
    ck_assert_str_eq(entries[1].outcome, "x");
    ck_assert_int_eq(queue_reader_audit(queue_reader, arena, "bob", 0, 9, entries), 1);
    ck_assert_int_eq(queue_reader_audit_head(queue_reader, &head), 0);
    ck_assert_uint_eq(head.n, 2);
    queue_reader_free(queue_reader);
    queue_store_free(queue);
}
END_TEST

static struct queue_op op_head(const char *region, uint64_t n, uint8_t start)
{
    struct queue_op op = {.kind = QUEUE_OP_HEAD,
                          .head = {.region = region,
                                   .chain = "shard-us-east",
                                   .head = {.n = n},
                                   .signed_head = {"signed", 6}}};

    memset(op.head.head.start, start, DIGEST_SIZE);
    memset(op.head.head.digest, (int)n, DIGEST_SIZE);
    return op;
}

START_TEST(heads_of_others_are_kept)
{
    struct queue_reader *queue_reader = NULL;
    struct queue_store *queue = NULL;
    struct queue_head heads[4];

    ck_assert_int_eq(queue_store_open(scratch_path("queue.db"), NULL, &queue), 0);
    ck_assert_int_eq(queue_reader_open(scratch_path("queue.db"), NULL, &queue_reader), 0);
    ck_assert_int_eq(run_queue(queue, op_head("us-east", 3, 1)).result, QUEUE_DONE);
    run_queue(queue, op_head("us-east", 5, 1));
    run_queue(queue, op_head("us-east", 1, 2));
    run_queue(queue, op_head("ap-south", 7, 1));
    ck_assert_uint_eq(queue_store_audit_head(queue).n, 0);
    ck_assert_int_eq(queue_reader_heads(queue_reader, arena, 4, heads), 3);
    ck_assert_str_eq(heads[0].region, "ap-south");
    ck_assert_str_eq(heads[1].chain, "shard-us-east");
    ck_assert_uint_eq(heads[1].head.n, 5);
    ck_assert_uint_eq(heads[1].head.start[31], 1);
    ck_assert_uint_eq(heads[1].head.digest[31], 5);
    ck_assert(slice_is(heads[1].signed_head, "signed"));
    ck_assert_uint_eq(heads[2].head.n, 1);
    ck_assert_int_eq(queue_reader_heads(queue_reader, arena, 2, heads), 2);
    queue_reader_free(queue_reader);
    queue_store_free(queue);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_write_has_an_entry_of_its_change,
        who_names_no_action_has_one,
        who_writes_for_another_is_named,
        what_had_no_effect_has_no_entry,
        the_refusal_of_a_queued_write_has_an_entry,
        an_applied_change_has_none,
        an_event_has_an_entry_without_a_change,
        a_home_of_the_past_notes_nothing,
        a_batch_that_fails_leaves_no_entry,
        a_user_reads_their_own_newest_first,
        pages_follow_each_other,
        it_goes_on_after_a_start,
        a_user_reads_on_behind_an_end_that_was_cut_off,
        a_user_is_not_led_in_a_circle_nor_to_others,
        the_log_is_read_in_parts,
        a_queue_notes_what_it_accepts,
        heads_of_others_are_kept,
    };
    return suite_run(&(struct suite){
        .name = "store_audit_read", .set_up = set_up, .tear_down = close_home, SUITE_TESTS(tests)});
}
