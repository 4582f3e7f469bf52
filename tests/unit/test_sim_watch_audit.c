/* The simulator's checks of what regions note: audit chains, and what users have. */

#include <sqlite3.h>

#include "suite.h"
#include "watch_fixture.h"

static void spoil(const char *file, const char *sql)
{
    char path[600];
    sqlite3 *db = NULL;

    snprintf(path, sizeof path, "%s/%s", directory_of(US), file);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        ck_abort_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void spoil_shard(const char *sql)
{
    spoil("shard-us-east.db", sql);
}

/* All is at an end: the files of the regions in @core are looked at. */
static void look_at(uint32_t core)
{
    const char *vfs[REGIONS] = {NULL, NULL, NULL};
    char directories[REGIONS][256];
    const char *paths[REGIONS];

    for (uint32_t i = 0; i < REGIONS; i++)
        paths[i] = strcpy(directories[i], directory_of(i));
    watch_final(watch, tick(), core, vfs, paths);
}

static void look(void)
{
    look_at(1u << US);
}

static void refuse(const char *once, const char *receipt)
{
    struct store_op op = put_op("k", "other", once);

    op.write.condition = STORE_IF_ABSENT;
    op.write.receipt = receipt;
    commit(US, op);
}

START_TEST(test_all_is_told)
{
    client_puts(0, "k", "v", "o");
    put("k", "v2", "o2");
    commit(US, delete_op("k", "od"));
    put("k", "v3", "o3");
    queue(US, enqueue_op("us-east.1", "q1", "v"));
    queue(US, enqueue_op("us-east.2", "q2", "v"));
    refuse("q1", "us-east.1");
    refuse("q1", "us-east.1"); /* again: remembered */
    queue(US, settle_op(1, QUEUE_REJECTED, ""));
    deliver("j", "v", "q2", "us-east.2");
    commit(US, (struct store_op){.kind = STORE_OP_AUDIT, .event = {.action = "auth.log-in"}});
    queue(US, (struct queue_op){.kind = QUEUE_OP_AUDIT, .event = {.action = "edge.denied"}});
    queue(US, (struct queue_op){.kind = QUEUE_OP_HEAD,
                                .head = {.region = "eu-west", .chain = "queue"}});
    look();
    check_clean();
}
END_TEST

START_TEST(test_chain_does_not_verify)
{
    put("k", "v", "o");
    put("k", "v2", "o2");
    spoil_shard("UPDATE audit SET bytes=x'00' WHERE n=1");
    look();
    check_found(WATCH_AUDIT);
}
END_TEST

/* A chain that is sound by itself, and tells nothing. */
START_TEST(test_write_is_not_told)
{
    put("k", "v", "o");
    spoil_shard("DELETE FROM audit");
    look();
    check_found(WATCH_AUDIT);
    ck_assert_ptr_nonnull(strstr(watch_breach(watch)->text, "0 entries for 1.1"));
}
END_TEST

START_TEST(test_write_is_told_as_another)
{
    struct store_op op = put_op("k", "v", "o");

    op.write.action = "metadata.delete";
    commit(US, op);
    look();
    check_found(WATCH_AUDIT);
}
END_TEST

START_TEST(test_write_is_told_of_another_user)
{
    struct store_op op = put_op("k", "v", "o");

    op.write.actor = "u-bob";
    commit(US, op);
    look();
    check_found(WATCH_AUDIT);
}
END_TEST

START_TEST(test_refusal_is_not_told)
{
    put("k", "v", "o");
    queue(US, enqueue_op("us-east.1", "q1", "v"));
    refuse("q1", "us-east.1");
    spoil_shard("DELETE FROM audit WHERE n=2");
    look();
    check_found(WATCH_AUDIT);
    ck_assert_ptr_nonnull(strstr(watch_breach(watch)->text, "0 times"));
}
END_TEST

START_TEST(test_queued_write_is_not_told)
{
    queue(US, enqueue_op("us-east.1", "q1", "v"));
    spoil("queue.db", "DELETE FROM audit");
    look();
    check_found(WATCH_AUDIT);
}
END_TEST

/* The head of us-east's chain at entry @n, as it has come to eu-west. */
static void keep_head(uint64_t n, const struct store_audit_head *head)
{
    struct queue_op op = {.kind = QUEUE_OP_HEAD,
                          .head = {.region = names[US],
                                   .chain = "shard-us-east",
                                   .head = *head,
                                   .signed_head = {"", 0}}};

    op.head.head.n = n;
    queue(EU, op);
}

static struct store_audit_head head_of_us(void)
{
    char *path = storage_shard_path(directory_of(US), names[US]);
    struct store_audit_head head;
    struct store_reader *reader;

    ck_assert_int_eq(store_reader_open(path, NULL, &reader), 0);
    ck_assert_int_eq(store_reader_audit_head(reader, &head), 0);
    store_reader_free(reader);
    free(path);
    return head;
}

START_TEST(test_head_that_is_kept_is_of_the_chain)
{
    struct store_audit_head head;

    put("k", "v", "o");
    ship(US, EU);
    head = head_of_us();
    keep_head(1, &head);
    look_at(1u << US | 1u << EU);
    check_clean();
    keep_head(2, &head);
    look_at(1u << US | 1u << EU);
    check_found(WATCH_AUDIT);
    ck_assert_ptr_nonnull(strstr(watch_breach(watch)->text, "eu-west has signed for entry 2"));
}
END_TEST

START_TEST(test_heads_of_chains_that_were_lost_are_excused)
{
    struct store_audit_head head = {.n = 7};

    keep_head(7, &head);
    watch_copy_lost(watch, tick(), US, US);
    look_at(1u << US | 1u << EU);
    check_clean();
}
END_TEST

START_TEST(test_damaged_copies_are_excused)
{
    put("k", "v", "o");
    spoil_shard("DELETE FROM audit");
    watch_copy_damaged(watch, tick(), US, US);
    look();
    check_clean();
}
END_TEST

START_TEST(test_chains_that_were_lost_are_excused)
{
    put("k", "v", "o");
    spoil_shard("DELETE FROM audit; DELETE FROM changes; DELETE FROM records; DELETE FROM usage");
    watch_home_moved(watch, tick(), US, EU, 2, 0);
    watch_copy_lost(watch, tick(), US, US);
    look();
    check_clean();
}
END_TEST

START_TEST(test_usage_is_counted_wrongly)
{
    put("k", "v", "o");
    spoil_shard("UPDATE usage SET bytes=bytes+1");
    look();
    check_found(WATCH_ROWS);
}
END_TEST

START_TEST(test_usage_is_not_counted)
{
    put("k", "v", "o");
    spoil_shard("DELETE FROM usage");
    look();
    check_found(WATCH_ROWS);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_all_is_told,
        test_chain_does_not_verify,
        test_write_is_not_told,
        test_write_is_told_as_another,
        test_write_is_told_of_another_user,
        test_refusal_is_not_told,
        test_queued_write_is_not_told,
        test_head_that_is_kept_is_of_the_chain,
        test_heads_of_chains_that_were_lost_are_excused,
        test_damaged_copies_are_excused,
        test_chains_that_were_lost_are_excused,
        test_usage_is_counted_wrongly,
        test_usage_is_not_counted,
    };

    return suite_run(&(struct suite){.name = "sim_watch_audit",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests)});
}
