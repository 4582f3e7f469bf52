/* Verifying an audit chain: whatever is done to it is found, and named. */

#include <check.h>
#include <errno.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "regiond/queue_store.h"
#include "store_fixture.h"
#include "tests/unit/suite.h"

#define ENTRIES 10

static struct store_audit_head heads[ENTRIES + 1]; /* item n is the head at entry n */
static struct store_audit_result result;
static struct store_audit *audit;

/* A chain of ten entries: entry n tells of change n. */
static void set_up(void)
{
    char key[8];

    open_home();
    store_set_region(home, "us-east");
    for (unsigned i = 1; i <= ENTRIES; i++) {
        snprintf(key, sizeof(key), "k%u", i);
        ck_assert_int_eq(run_op(op_put(key, "value")), STORE_DONE);
        heads[i] = store_audit_head(home);
    }
}

static void tear_down(void)
{
    store_audit_free(audit);
    close_home();
}

static void tamper(const char *sql)
{
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open(scratch_path("home.db"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        ck_abort_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void verify_with(const struct store_audit_witness *witnesses, size_t count)
{
    int left;

    store_audit_free(audit);
    audit = NULL;
    ck_assert_int_eq(store_audit_begin(scratch_path("home.db"), NULL, "us-east", "shard-us-east",
                                       witnesses, count, &audit),
                     0);
    while ((left = store_audit_step(audit, 3)) == 1)
        ;
    ck_assert_int_eq(left, 0);
    store_audit_result(audit, &result);
}

static void verify(void)
{
    verify_with(NULL, 0);
}

/* Finding @index is @text. */
static void assert_found(size_t index, const char *text)
{
    char found[STORE_AUDIT_TEXT_SIZE];

    ck_assert_uint_lt(index, result.finding_count);
    ck_assert_str_eq(store_audit_finding_text(&result.findings[index], found), text);
}

static void assert_only(const char *text)
{
    assert_found(0, text);
    ck_assert_uint_eq(result.found, 1);
}

START_TEST(a_chain_that_nobody_touched_is_sound)
{
    verify();
    ck_assert_uint_eq(result.found, 0);
    ck_assert_uint_eq(result.entries, ENTRIES);
    ck_assert_mem_eq(&result.end, &heads[ENTRIES], sizeof(result.end));
}
END_TEST

START_TEST(an_empty_chain_is_sound)
{
    struct store *empty = open_store("empty.db", "eu-west");

    ck_assert_int_eq(store_audit_begin(scratch_path("empty.db"), NULL, "us-east", "shard-eu-west",
                                       NULL, 0, &audit),
                     0);
    ck_assert_int_eq(store_audit_step(audit, 1), 0);
    store_audit_result(audit, &result);
    ck_assert_uint_eq(result.found, 0);
    ck_assert_uint_eq(result.end.n, 0);
    store_free(empty);
}
END_TEST

START_TEST(the_chain_goes_on_after_a_start)
{
    store_free(home);
    home = open_store("home.db", "us-east");
    store_set_region(home, "us-east");
    run_op(op_put("more", "value"));
    verify();
    ck_assert_uint_eq(result.found, 0);
    ck_assert_uint_eq(result.end.n, ENTRIES + 1);
}
END_TEST

START_TEST(writes_meanwhile_do_not_confuse_it)
{
    ck_assert_int_eq(store_audit_begin(scratch_path("home.db"), NULL, "us-east", "shard-us-east",
                                       NULL, 0, &audit),
                     0);
    ck_assert_int_eq(store_audit_step(audit, 2), 1);
    run_op(op_put("more", "value"));
    ck_assert_int_eq(store_audit_step(audit, 100), 0);
    store_audit_result(audit, &result);
    ck_assert_uint_eq(result.found, 0);
    ck_assert_uint_eq(result.end.n, ENTRIES);
}
END_TEST

/* ---- what the chain shows by itself ---- */

START_TEST(an_edited_entry_is_named)
{
    tamper("UPDATE audit SET bytes=CAST(replace(CAST(bytes AS TEXT), 'alice', 'mabel') AS BLOB)"
           " WHERE n=4");
    verify();
    assert_only("entry 4 has been edited");
}
END_TEST

START_TEST(bytes_that_are_no_entry_are_an_edit)
{
    tamper("UPDATE audit SET bytes=x'ffffff' WHERE n=10");
    verify();
    assert_found(0, "entry 10 has been edited");
}
END_TEST

START_TEST(an_edited_digest_is_named)
{
    tamper("UPDATE audit SET digest=x'00' WHERE n=4");
    verify();
    assert_only("entry 4 has been edited");
}
END_TEST

/* Entry @n with @from for @to and its digest made anew, as somebody would who knows the format. */
static void forge(uint64_t n, const char *from, const char *to)
{
    sqlite3_stmt *statement = NULL;
    uint8_t bytes[512], digest[DIGEST_SIZE];
    sqlite3 *db = NULL;
    size_t size;
    char *at;

    ck_assert_int_eq(sqlite3_open(scratch_path("home.db"), &db), SQLITE_OK);
    sqlite3_prepare_v2(db, "SELECT bytes FROM audit WHERE n=?1", -1, &statement, NULL);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)n);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    size = (size_t)sqlite3_column_bytes(statement, 0);
    ck_assert_uint_le(size, sizeof(bytes));
    memcpy(bytes, sqlite3_column_blob(statement, 0), size);
    sqlite3_finalize(statement);
    at = memmem(bytes, size, from, strlen(from));
    ck_assert_ptr_nonnull(at);
    memcpy(at, to, strlen(to));
    crypto_generichash(digest, DIGEST_SIZE, bytes, size, NULL, 0);
    sqlite3_prepare_v2(db, "UPDATE audit SET bytes=?2, digest=?3 WHERE n=?1", -1, &statement, NULL);
    sqlite3_bind_int64(statement, 1, (sqlite3_int64)n);
    sqlite3_bind_blob(statement, 2, bytes, (int)size, SQLITE_STATIC);
    sqlite3_bind_blob(statement, 3, digest, DIGEST_SIZE, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
    sqlite3_finalize(statement);
    sqlite3_close(db);
}

START_TEST(an_edit_with_a_new_digest_does_not_lead_on)
{
    forge(4, "alice", "mabel");
    verify();
    assert_only("entry 5 does not follow on from the one before");
}
END_TEST

START_TEST(an_edit_of_the_last_entry_shows_to_those_who_have_signed_heads)
{
    struct store_audit_witness witness = {.name = "eu-west", .head = heads[ENTRIES]};

    forge(10, "alice", "mabel");
    verify();
    ck_assert_uint_eq(result.found, 0);
    verify_with(&witness, 1);
    assert_only("rewritten: entry 10 is not the one that eu-west has signed for");
}
END_TEST

START_TEST(a_hole_is_named)
{
    tamper("DELETE FROM audit WHERE n=4");
    verify();
    assert_found(0, "entry 4 is missing");
    assert_found(1, "change 1.4 has no entry");
    ck_assert_uint_eq(result.found, 2);
    tamper("DELETE FROM audit WHERE n IN (1, 5, 6)");
    verify();
    assert_found(0, "entry 1 is missing");
    assert_found(1, "entries 4 to 6 are missing");
}
END_TEST

START_TEST(entries_that_changed_places_are_named)
{
    tamper("UPDATE audit SET n=-3 WHERE n=3; UPDATE audit SET n=3 WHERE n=7;"
           "UPDATE audit SET n=7 WHERE n=-3");
    verify();
    assert_found(0, "reordered: entry 7 stands where entry 3 belongs");
    assert_found(1, "reordered: entry 3 stands where entry 7 belongs");
    ck_assert_uint_eq(result.found, 2);
}
END_TEST

START_TEST(an_entry_of_another_chain_is_named)
{
    struct store *other = open_store("other.db", "us-east");
    struct store_op ops[4] = {op_put("k1", "value"), op_put("k2", "value"), op_put("k3", "value"),
                              op_put("k4", "x")};

    store_set_region(other, "eu-west");
    ck_assert_int_eq(store_commit(other, 1, WALL_US, ops, 4), 0);
    for (size_t i = 0; i < 4; i++)
        store_op_release(&ops[i]);
    store_free(other);
    tamper(arena_format(arena,
                        "ATTACH '%s' AS other; UPDATE audit SET (bytes, digest)="
                        "(SELECT bytes, digest FROM other.audit WHERE n=4) WHERE n=4",
                        scratch_path("other.db")));
    verify();
    assert_found(0, "entry 4 is none of this chain");
}
END_TEST

START_TEST(a_number_that_no_entry_has_is_found)
{
    tamper("INSERT INTO audit VALUES(0, x'', x'')");
    verify();
    assert_only("entry 0 is none of this chain");
}
END_TEST

START_TEST(much_that_is_wrong_is_counted)
{
    for (unsigned i = 0; i < 20; i++)
        run_op(op_put("k", "value"));
    tamper("UPDATE audit SET bytes=x''");
    verify();
    ck_assert_uint_eq(result.found, ENTRIES + 20);
    ck_assert_uint_eq(result.finding_count, STORE_AUDIT_FINDINGS_MAX);
    assert_found(15, "entry 16 has been edited");
}
END_TEST

/* ---- what heads show that others keep ---- */

static struct store_audit_witness witness_at(uint64_t n)
{
    return (struct store_audit_witness){.name = "eu-west", .head = heads[n]};
}

START_TEST(heads_of_a_chain_that_nobody_touched_agree)
{
    struct store_audit_witness witnesses[] = {witness_at(10), witness_at(1), witness_at(5)};

    verify_with(witnesses, 3);
    ck_assert_uint_eq(result.found, 0);
}
END_TEST

/* The changes of the entries that are gone are there yet: so the file itself shows it, too. */
START_TEST(an_end_that_was_cut_off_is_named)
{
    struct store_audit_witness witnesses[] = {witness_at(9), witness_at(10), witness_at(4)};

    tamper("DELETE FROM audit WHERE n>7");
    verify_with(witnesses, 3);
    assert_found(0, "cut off: it ends at entry 7, eu-west has signed for entry 10");
    assert_found(1, "change 1.8 has no entry");
    ck_assert_uint_eq(result.found, 2);
    tamper("DELETE FROM changes WHERE seq>7");
    verify_with(witnesses, 3);
    assert_only("cut off: it ends at entry 7, eu-west has signed for entry 10");
    tamper("DELETE FROM audit; DELETE FROM changes");
    verify_with(witnesses, 3);
    assert_only("cut off: it ends at entry 0, eu-west has signed for entry 10");
}
END_TEST

/* Cut off, and gone on from there as if nothing was: sound by itself. */
START_TEST(entries_below_a_head_that_were_made_anew_are_named)
{
    struct store_audit_witness witness = witness_at(9);

    store_free(home);
    tamper("DELETE FROM audit WHERE n>7; DELETE FROM changes WHERE seq>7;"
           "DELETE FROM records WHERE seq>7");
    home = open_store("home.db", "us-east");
    store_set_region(home, "us-east");
    for (unsigned i = 0; i < 5; i++)
        run_op(op_put("another", "story"));
    verify();
    ck_assert_uint_eq(result.found, 0);
    verify_with(&witness, 1);
    assert_only("rewritten: entry 9 is not the one that eu-west has signed for");
}
END_TEST

START_TEST(a_chain_in_the_place_of_another_is_named)
{
    struct store_audit_witness witness = witness_at(6);

    store_reader_free(reader);
    store_free(home);
    ck_assert_int_eq(unlink(scratch_path("home.db")), 0);
    home = open_store("home.db", "us-east");
    store_set_region(home, "us-east");
    ck_assert_int_eq(store_reader_open(scratch_path("home.db"), NULL, &reader), 0);
    run_op(op_put("k", "value"));
    verify_with(&witness, 1);
    assert_only("replaced: another chain was here before, eu-west has signed for its entry 6");
}
END_TEST

START_TEST(a_chain_that_has_grown_past_the_one_before_is_no_rewriting)
{
    struct store_audit_witness witness = witness_at(6);

    store_free(home);
    tamper("DELETE FROM audit; DELETE FROM changes; DELETE FROM records");
    home = open_store("home.db", "us-east");
    store_set_region(home, "us-east");
    for (unsigned i = 0; i < 8; i++)
        run_op(op_put("another", "story"));
    verify_with(&witness, 1);
    assert_only("replaced: another chain was here before, eu-west has signed for its entry 6");
}
END_TEST

START_TEST(two_witnesses_of_one_thing_are_one)
{
    struct store_audit_witness witnesses[] = {witness_at(5), witness_at(5)};

    witnesses[0].head.digest[0] ^= 1;
    witnesses[1].head.digest[0] ^= 1;
    verify_with(witnesses, 2);
    ck_assert_uint_eq(result.found, 1);
    ck_assert_int_eq(result.findings[0].fault, STORE_AUDIT_REWRITTEN);
}
END_TEST

/* ---- what the change log shows ---- */

START_TEST(a_change_without_entry_is_named)
{
    tamper("INSERT INTO changes SELECT 11, epoch, digest, bytes FROM changes WHERE seq=10");
    verify();
    assert_only("change 1.11 has no entry");
}
END_TEST

/* Two entries for one change, in a chain that is sound by itself. */
START_TEST(a_second_entry_for_a_change_is_named)
{
    store_free(home);
    tamper("DELETE FROM changes WHERE seq=10");
    home = open_store("home.db", "us-east");
    store_set_region(home, "us-east");
    run_op(op_put("k10", "value"));
    verify();
    assert_found(0, "entry 10 tells of another change 1.10 than the log has");
    assert_found(1, "entry 11 tells of change 1.10 out of turn");
    ck_assert_uint_eq(result.found, 2);
}
END_TEST

START_TEST(an_entry_without_its_change_is_named)
{
    tamper("DELETE FROM changes WHERE seq=10");
    verify();
    assert_only("entry 10 tells of change 1.10, which the log does not have");
}
END_TEST

/* The log may be trimmed from its front. */
START_TEST(changes_that_were_trimmed_are_not_missed)
{
    tamper("DELETE FROM changes WHERE seq<4");
    verify();
    ck_assert_uint_eq(result.found, 0);
}
END_TEST

START_TEST(a_change_that_is_not_the_one_of_its_entry_is_named)
{
    tamper("UPDATE changes SET bytes=x'00' WHERE seq=5");
    verify();
    assert_only("entry 5 tells of another change 1.5 than the log has");
}
END_TEST

/* What an old home had past its successor's log has been given up there. */
START_TEST(a_change_of_a_later_epoch_may_stand_in_its_place)
{
    tamper("UPDATE changes SET epoch=2, bytes=x'00' WHERE seq=10");
    verify();
    ck_assert_uint_eq(result.found, 0);
    tamper("UPDATE changes SET epoch=0 WHERE seq=10");
    verify();
    ck_assert_uint_eq(result.found, 1);
}
END_TEST

static struct store_op apply_in_epoch(struct store *from, uint64_t epoch, struct store_op *made)
{
    struct store_op op;

    ck_assert_int_eq(store_commit(from, epoch, WALL_US, made, 1), 0);
    ck_assert_int_eq(made->result, STORE_DONE);
    op = op_apply(made);
    op.apply.epoch = epoch;
    return op;
}

/* Home in epochs 1 and 3, follower in 2: what came meanwhile is not for this chain to tell. */
START_TEST(changes_of_others_are_not_missed)
{
    struct store *other = open_store("other.db", "us-east");
    struct store_op made, applied, back = op_put("back", "x");

    store_free(home);
    home = open_store("home.db", "us-east");
    store_set_region(home, "us-east");
    for (uint64_t seq = 1; seq <= ENTRIES; seq++) {
        struct store_change change;

        ck_assert_int_eq(store_reader_changes(reader, arena, seq - 1, 1, 10000, &change), 1);
        applied = (struct store_op){.kind = STORE_OP_APPLY,
                                    .apply = {1, seq, change.bytes, change.digest, NULL}};
        ck_assert_int_eq(run(other, &applied), STORE_DONE);
        store_op_release(&applied);
    }
    ck_assert_uint_eq(store_audit_head(other).n, 0);
    made = op_put("elsewhere", "x");
    applied = apply_in_epoch(other, 2, &made);
    ck_assert_int_eq(store_commit(home, 2, WALL_US, &applied, 1), 0);
    ck_assert_int_eq(applied.result, STORE_DONE);
    store_op_release(&applied);
    store_op_release(&made);
    ck_assert_int_eq(store_commit(home, 3, WALL_US, &back, 1), 0);
    ck_assert_uint_eq(back.seq, ENTRIES + 2);
    store_op_release(&back);
    verify();
    ck_assert_uint_eq(result.found, 0);
    ck_assert_uint_eq(result.entries, ENTRIES + 1);
    /* But of its own epochs none may be missing, neither in front nor behind. */
    tamper("DELETE FROM audit WHERE n=10");
    verify();
    assert_found(0, "entry 10 is missing");
    assert_found(1, "change 1.10 has no entry");
    store_free(other);
}
END_TEST

/* ---- errors ---- */

START_TEST(a_file_that_is_not_there_or_no_such_file_is_refused)
{
    struct store_audit *none = NULL;

    ck_assert_int_eq(store_audit_begin(scratch_path("none.db"), NULL, "us-east", "shard-us-east",
                                       NULL, 0, &none),
                     -ENOENT);
    ck_assert_int_eq(
        store_audit_begin(scratch_path("home.db"), NULL, "us-east", "queue", NULL, 0, &none),
        -EMEDIUMTYPE);
    ck_assert_ptr_null(none);
}
END_TEST

START_TEST(the_chain_of_a_queue_is_verified_likewise)
{
    struct queue_limits limits = {.entries_max = 9, .bytes_max = 999, .keep_settled_us = 1};
    struct queue_op ops[2] = {{.kind = QUEUE_OP_AUDIT, .event = {.action = "auth.log-in"}},
                              {.kind = QUEUE_OP_AUDIT, .event = {.action = "auth.log-in"}}};
    struct queue_store *queue = NULL;

    ck_assert_int_eq(queue_store_open(scratch_path("queue.db"), NULL, &queue), 0);
    queue_store_set_region(queue, "us-east");
    ck_assert_int_eq(queue_store_commit(queue, &limits, WALL_US, ops, 2), 0);
    queue_store_free(queue);
    ck_assert_int_eq(
        store_audit_begin(scratch_path("queue.db"), NULL, "us-east", "queue", NULL, 0, &audit), 0);
    ck_assert_int_eq(store_audit_step(audit, 3), 0);
    store_audit_result(audit, &result);
    ck_assert_uint_eq(result.found, 0);
    ck_assert_uint_eq(result.entries, 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_chain_that_nobody_touched_is_sound,
        an_empty_chain_is_sound,
        the_chain_goes_on_after_a_start,
        writes_meanwhile_do_not_confuse_it,
        an_edited_entry_is_named,
        bytes_that_are_no_entry_are_an_edit,
        an_edited_digest_is_named,
        an_edit_with_a_new_digest_does_not_lead_on,
        an_edit_of_the_last_entry_shows_to_those_who_have_signed_heads,
        a_hole_is_named,
        entries_that_changed_places_are_named,
        an_entry_of_another_chain_is_named,
        a_number_that_no_entry_has_is_found,
        much_that_is_wrong_is_counted,
        heads_of_a_chain_that_nobody_touched_agree,
        an_end_that_was_cut_off_is_named,
        entries_below_a_head_that_were_made_anew_are_named,
        a_chain_in_the_place_of_another_is_named,
        a_chain_that_has_grown_past_the_one_before_is_no_rewriting,
        two_witnesses_of_one_thing_are_one,
        a_change_without_entry_is_named,
        a_second_entry_for_a_change_is_named,
        an_entry_without_its_change_is_named,
        changes_that_were_trimmed_are_not_missed,
        a_change_that_is_not_the_one_of_its_entry_is_named,
        a_change_of_a_later_epoch_may_stand_in_its_place,
        changes_of_others_are_not_missed,
        a_file_that_is_not_there_or_no_such_file_is_refused,
        the_chain_of_a_queue_is_verified_likewise,
    };
    return suite_run(&(struct suite){.name = "store_audit",
                                     .own_processes = true,
                                     /* each begins with fresh statics */ .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests)});
}
