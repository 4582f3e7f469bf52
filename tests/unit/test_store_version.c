/* Files of version 1: brought up to date with all that is in them, or not at all. */

#include <check.h>
#include <errno.h>

#include "common/memory.h"
#include "regiond/queue_store.h"
#include "regiond/store.h"
#include "tests/unit/suite.h"
#include "vfs_fixture.h"

#define WALL_US UINT64_C(1700000000000000)

/* As version 1 made them. */
static const char shard_of_version_1[] =
    "BEGIN;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES('name', 'us-east');"
    "CREATE TABLE records("
    " service TEXT NOT NULL, user TEXT NOT NULL, key TEXT NOT NULL,"
    " incarnation INTEGER NOT NULL, version INTEGER NOT NULL, deleted INTEGER NOT NULL,"
    " updated_wall_us INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " content_type TEXT NOT NULL, value BLOB NOT NULL,"
    " PRIMARY KEY(service, user, key)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE changes("
    " seq INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, digest BLOB NOT NULL, bytes BLOB NOT NULL"
    ") STRICT;"
    "CREATE TABLE idempotency("
    " user TEXT NOT NULL, key TEXT NOT NULL, request_digest BLOB NOT NULL,"
    " wall_us INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,"
    " version INTEGER NOT NULL, incarnation INTEGER NOT NULL,"
    " created INTEGER NOT NULL, deleted INTEGER NOT NULL,"
    " PRIMARY KEY(user, key)) STRICT, WITHOUT ROWID;"
    "INSERT INTO records VALUES"
    " ('metadata', 'alice', 'colour', 1, 2, 0, 5, 1, 1, 'text/plain', CAST('blue' AS BLOB)),"
    " ('metadata', 'alice', 'größe', 1, 1, 0, 5, 1, 1, 'text/plain', CAST('xl' AS BLOB)),"
    " ('metadata', 'alice', 'gone', 1, 2, 1, 5, 1, 1, '', x''),"
    " ('metadata', 'bob', 'k', 1, 1, 0, 5, 1, 1, '', x''),"
    " ('auth', 'alice', 'account', 1, 1, 0, 5, 1, 1, '', x'010203');"
    /* BLAKE2b-256 of the one byte */
    "INSERT INTO changes VALUES(1, 1,"
    " x'03170a2e7597b7b7e3d84c05391d139a62b157e78786d8c082f29dcf4c111314', x'00');"
    "INSERT INTO idempotency VALUES('alice', 'once', x'00', 5, 1, 1, 1, 1, 1, 0);"
    "PRAGMA application_id=0x4d656353;"
    "PRAGMA user_version=1;"
    "COMMIT;"
    "PRAGMA journal_mode=WAL;";

static const char queue_of_version_1[] =
    "BEGIN;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES('name', 'queue');"
    "CREATE TABLE entries("
    " seq INTEGER PRIMARY KEY, receipt TEXT NOT NULL, user TEXT NOT NULL, shard TEXT NOT NULL,"
    " service TEXT NOT NULL, idempotency_key TEXT NOT NULL, request_digest BLOB NOT NULL,"
    " accepted_wall_us INTEGER NOT NULL, expires_wall_us INTEGER NOT NULL,"
    " state INTEGER NOT NULL, attempted INTEGER NOT NULL, settled_wall_us INTEGER NOT NULL,"
    " position TEXT NOT NULL, problem TEXT NOT NULL, detail TEXT NOT NULL,"
    " call BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX entries_receipt ON entries(receipt);"
    "CREATE UNIQUE INDEX entries_key ON entries(user, idempotency_key);"
    "CREATE INDEX entries_waiting ON entries(seq) WHERE state=0;"
    "CREATE INDEX entries_settled ON entries(settled_wall_us) WHERE state>0;"
    "CREATE TABLE marks(shard TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO entries VALUES(4, 'eu-west.1', 'alice', 'us-east', 'metadata', 'k',"
    " zeroblob(16), 5, 6, 0, 1, 0, '', '', '', CAST('a call' AS BLOB));"
    "INSERT INTO marks VALUES('us-east', 4);"
    "PRAGMA application_id=0x4d656351;"
    "PRAGMA user_version=1;"
    "COMMIT;"
    "PRAGMA journal_mode=WAL;";

static struct arena *arena;

static void set_up(void)
{
    make_disk(1);
    arena = arena_create();
}

static void tear_down(void)
{
    arena_free(arena);
    vfs_free(disk);
}

static void make_file(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, DISK),
                     SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        ck_abort_msg("%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

static struct store *open_shard(void)
{
    struct store *store = NULL;

    if (store_open("a.db", "us-east", DISK, &store) != 0)
        ck_abort_msg("%s", store_last_error());
    return store;
}

static void assert_usage(struct store_reader *reader, const char *service, const char *user,
                         uint64_t keys, uint64_t bytes)
{
    uint64_t found_keys, found_bytes;

    ck_assert_int_eq(store_reader_usage(reader, service, user, &found_keys, &found_bytes), 0);
    ck_assert_uint_eq(found_keys, keys);
    ck_assert_uint_eq(found_bytes, bytes);
}

/* All that version 1 had is there, and what it did not have is right. */
static void assert_shard_is_whole(void)
{
    struct store_reader *reader = NULL;
    struct record record;
    struct store_audit_head head = {.n = 9};

    ck_assert_int_eq(store_reader_open("a.db", DISK, &reader), 0);
    ck_assert_int_eq(store_reader_get(reader, arena, "metadata", "alice", "colour", &record), 0);
    ck_assert(slice_is(record.value, "blue"));
    ck_assert_uint_eq(record.version, 2);
    ck_assert_int_eq(store_reader_get(reader, arena, "metadata", "alice", "gone", &record), 0);
    ck_assert(record.deleted);
    assert_usage(reader, "metadata", "alice", 2, 6 + 4 + 7 + 2); /* two letters take two bytes */
    assert_usage(reader, "metadata", "bob", 1, 1);
    assert_usage(reader, "auth", "alice", 1, 10);
    assert_usage(reader, "metadata", "carol", 0, 0);
    ck_assert_int_eq(store_reader_audit_head(reader, &head), 0);
    ck_assert_uint_eq(head.n, 0);
    store_reader_free(reader);
    arena_reset(arena);
}

static struct store_op write_op(const char *once)
{
    return (struct store_op){.kind = STORE_OP_WRITE,
                             .write = {.service = "metadata",
                                       .user = "alice",
                                       .key = "new",
                                       .idempotency_key = once,
                                       .value = {"v", 1}}};
}

START_TEST(a_shard_of_version_1_keeps_all_that_is_in_it)
{
    struct store *store;
    struct store_op op;

    make_file("a.db", shard_of_version_1);
    store = open_shard();
    ck_assert_uint_eq(store_end(store).seq, 1);
    assert_shard_is_whole();
    op = write_op("once"); /* its key is known */
    ck_assert_int_eq(store_commit(store, 1, WALL_US, &op, 1), 0);
    ck_assert_int_eq(op.result, STORE_KEY_REUSED);
    store_op_release(&op);
    op = write_op("");
    ck_assert_int_eq(store_commit(store, 1, WALL_US, &op, 1), 0);
    ck_assert_int_eq(op.result, STORE_DONE);
    ck_assert_uint_eq(op.seq, 2);
    ck_assert_uint_eq(store_audit_head(store).n, 1);
    store_op_release(&op);
    store_free(store);
}
END_TEST

/* What was written before is nobody's fault. */
START_TEST(changes_of_before_need_no_audit_entry)
{
    struct store_audit_result result;
    struct store_audit *audit = NULL;
    struct store *store;
    struct store_op op = write_op("");

    make_file("a.db", shard_of_version_1);
    store = open_shard();
    store_set_region(store, "us-east");
    ck_assert_int_eq(store_commit(store, 1, WALL_US, &op, 1), 0);
    store_op_release(&op);
    ck_assert_int_eq(store_audit_begin("a.db", DISK, "us-east", "shard-us-east", NULL, 0, &audit),
                     0);
    ck_assert_int_eq(store_audit_step(audit, 10), 0);
    store_audit_result(audit, &result);
    ck_assert_uint_eq(result.found, 0);
    ck_assert_uint_eq(result.entries, 1);
    store_audit_free(audit);
    store_free(store);
}
END_TEST

START_TEST(a_queue_of_version_1_keeps_all_that_is_in_it)
{
    struct queue_store *queue = NULL;
    struct queue_reader *reader = NULL;
    struct queue_entry entry;

    make_file("q.db", queue_of_version_1);
    ck_assert_int_eq(queue_store_open("q.db", DISK, &queue), 0);
    ck_assert_uint_eq(queue_store_audit_head(queue).n, 0);
    ck_assert_int_eq(queue_reader_open("q.db", DISK, &reader), 0);
    ck_assert_int_eq(queue_reader_find(reader, arena, "eu-west.1", &entry), 0);
    ck_assert_uint_eq(entry.seq, 4);
    ck_assert(entry.attempted);
    ck_assert(slice_is(entry.call, "a call"));
    queue_reader_free(reader);
    queue_store_free(queue);
}
END_TEST

START_TEST(a_reader_alone_does_not_open_it)
{
    struct store_reader *reader = NULL;

    make_file("a.db", shard_of_version_1);
    ck_assert_int_eq(store_reader_open("a.db", DISK, &reader), -EPROTONOSUPPORT);
    ck_assert_ptr_nonnull(strstr(store_last_error(), "older version"));
}
END_TEST

/* Another shard's file must not even be touched. */
START_TEST(a_file_that_is_refused_stays_as_it_is)
{
    struct store *store = NULL;

    make_file("a.db", shard_of_version_1);
    ck_assert_int_eq(store_open("a.db", "eu-west", DISK, &store), -EMEDIUMTYPE);
    ck_assert_int_eq(store_open("a.db", "us-east", DISK, &store), 0);
    assert_shard_is_whole();
    store_free(store);
}
END_TEST

/* A start that is cut at its @countdown-th call. Returns false when that call does not come. */
static bool start_cut_at(enum vfs_fault fault, uint64_t countdown)
{
    struct store *store = NULL;
    bool hit;
    int error;

    make_file("a.db", shard_of_version_1);
    vfs_arm(disk, fault, countdown, VFS_ONCE);
    error = store_open("a.db", "us-east", DISK, &store);
    hit = vfs_counters(disk)->failed[fault] > 0;
    if (error == 0)
        store_free(store);
    vfs_heal(disk, fault);
    if (vfs_is_dead(disk))
        vfs_revive(disk);
    return hit;
}

static void assert_whole_after(enum vfs_fault fault)
{
    uint64_t countdown = 0;
    bool hit = true;

    while (hit) {
        struct store *store;

        remake_disk(++countdown);
        hit = start_cut_at(fault, countdown);
        store = open_shard();
        assert_shard_is_whole();
        store_free(store);
    }
    ck_assert_uint_gt(countdown, 2);
}

START_TEST(a_start_may_be_cut_anywhere)
{
    assert_whole_after(VFS_POWER);
    assert_whole_after(VFS_KILL);
}
END_TEST

START_TEST(a_disk_may_fail_anywhere_meanwhile)
{
    assert_whole_after(VFS_FULL);
    assert_whole_after(VFS_WRITE);
    assert_whole_after(VFS_SYNC);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_shard_of_version_1_keeps_all_that_is_in_it, changes_of_before_need_no_audit_entry,
        a_queue_of_version_1_keeps_all_that_is_in_it, a_reader_alone_does_not_open_it,
        a_file_that_is_refused_stays_as_it_is,        a_start_may_be_cut_anywhere,
        a_disk_may_fail_anywhere_meanwhile,
    };
    return suite_run(&(struct suite){
        .name = "store_version", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
