/* A shard's file: made, opened, and refused when it is not what it should be. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fault_vfs.h"
#include "store_fixture.h"
#include "tests/unit/suite.h"

static void execute(const char *name, const char *sql)
{
    sqlite3 *db = NULL;

    ck_assert_int_eq(sqlite3_open(scratch_path(name), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        ck_abort_msg("%s: %s", sql, sqlite3_errmsg(db));
    sqlite3_close(db);
}

static void write_file(const char *name, const void *data, size_t size, long offset)
{
    int file = open(scratch_path(name), O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(pwrite(file, data, size, offset), (ssize_t)size);
    close(file);
}

static bool exists(const char *name)
{
    return access(scratch_path(name), F_OK) == 0;
}

/* A file with one change, closed. */
static void make_file(const char *name)
{
    struct store *store = open_store(name, "us-east");
    struct store_op op = op_put("k", "value");

    ck_assert_int_eq(run(store, &op), STORE_DONE);
    store_op_release(&op);
    store_free(store);
}

static int try_open(const char *name)
{
    struct store *store = NULL;
    int error = store_open(scratch_path(name), "us-east", NULL, &store);

    if (error == 0)
        store_free(store);
    else
        ck_assert_ptr_null(store);
    return error;
}

static void assert_refused(const char *name, int error)
{
    ck_assert_int_eq(try_open(name), error);
    ck_assert_msg(strstr(store_last_error(), name) != NULL, "%s", store_last_error());
}

START_TEST(a_new_file_is_marked_as_ours_and_in_wal_mode)
{
    uint8_t header[100];
    int file;

    make_file("a.db");
    ck_assert(!exists("a.db.new"));
    ck_assert(!exists("a.db-wal"));
    file = open(scratch_path("a.db"), O_RDONLY);
    ck_assert_int_eq(read(file, header, sizeof(header)), sizeof(header));
    close(file);
    ck_assert_mem_eq(header + 68, "MecS", 4);
    ck_assert_mem_eq(header + 60, "\0\0\0\2", 4); /* user_version */
    ck_assert_int_eq(header[18], 2);              /* WAL, to write */
    ck_assert_int_eq(header[19], 2);              /* and to read */
}
END_TEST

START_TEST(what_an_interrupted_start_left_is_replaced)
{
    write_file("a.db.new", "half a file", 11, 0);
    make_file("a.db");
    ck_assert(!exists("a.db.new"));
    ck_assert_int_eq(try_open("a.db"), 0);
}
END_TEST

START_TEST(an_empty_file_is_none)
{
    write_file("a.db", "", 0, 0);
    ck_assert_int_eq(try_open("a.db"), 0);
}
END_TEST

START_TEST(the_file_of_another_shard_is_refused)
{
    struct store *store = NULL;

    make_file("a.db");
    ck_assert_int_eq(store_open(scratch_path("a.db"), "eu-west", NULL, &store), -EMEDIUMTYPE);
    ck_assert_ptr_nonnull(strstr(store_last_error(), "holds us-east, not eu-west"));
}
END_TEST

START_TEST(other_files_are_refused)
{
    char text[8192];

    memset(text, 'x', sizeof(text));
    write_file("text.db", text, sizeof(text), 0);
    assert_refused("text.db", -EMEDIUMTYPE);
    execute("other.db", "CREATE TABLE t(a)");
    assert_refused("other.db", -EMEDIUMTYPE);
    execute("queue.db", "PRAGMA application_id=0x4d656351; CREATE TABLE t(a)");
    assert_refused("queue.db", -EMEDIUMTYPE);
}
END_TEST

START_TEST(a_file_of_a_newer_version_is_refused)
{
    make_file("a.db");
    execute("a.db", "PRAGMA user_version=3");
    assert_refused("a.db", -EPROTONOSUPPORT);
    execute("a.db", "PRAGMA user_version=0");
    assert_refused("a.db", -EUCLEAN);
}
END_TEST

START_TEST(a_damaged_file_is_refused)
{
    make_file("tables.db");
    execute("tables.db", "DROP TABLE changes");
    assert_refused("tables.db", -EUCLEAN);
    make_file("name.db");
    execute("name.db", "DELETE FROM meta");
    assert_refused("name.db", -EUCLEAN);
    make_file("digest.db");
    execute("digest.db", "UPDATE changes SET bytes=x'00'");
    assert_refused("digest.db", -EUCLEAN);
    make_file("page.db");
    write_file("page.db", "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 100); /* the schema's page */
    assert_refused("page.db", -EUCLEAN);
    make_file("cut.db");
    ck_assert_int_eq(truncate(scratch_path("cut.db"), 4096), 0);
    assert_refused("cut.db", -EUCLEAN);
}
END_TEST

START_TEST(a_file_is_not_made_anew_beside_its_old_wal)
{
    write_file("a.db-wal", "committed once", 14, 0);
    assert_refused("a.db", -EUCLEAN);
    ck_assert(!exists("a.db"));
    ck_assert(exists("a.db-wal"));
}
END_TEST

START_TEST(a_missing_directory_is_named)
{
    assert_refused("no/such/a.db", -ENOENT);
}
END_TEST

START_TEST(what_may_not_be_read_or_written_is_named)
{
    make_file("a.db");
    chmod(scratch_path("a.db"), 0444);
    mkdir(scratch_path("closed"), 0755);
    chmod(scratch, 0755);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0); /* root may do anything */
    else
        chmod(scratch_path("closed"), 0555);
    assert_refused("a.db", -EACCES);
    assert_refused("closed/a.db", -EACCES);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(a_full_disk_leaves_no_half_file_wherever_it_fills_up)
{
    long countdown = 0;

    fault_vfs_register();
    do {
        fault_arm(FAULT_FULL, ++countdown);
        if (fault.failed == 0 && try_open("a.db") == 0)
            break;
        ck_assert_int_gt(fault.failed, 0);
        fault_heal();
        ck_assert(!exists("a.db"));
        ck_assert(!exists("a.db.new"));
    } while (countdown < 1000);
    fault_heal();
    ck_assert_int_gt(countdown, 4);
    ck_assert_int_eq(fault.failed, 0);
    ck_assert_int_eq(try_open("a.db"), 0);
}
END_TEST

START_TEST(a_file_behind_a_vfs_is_made_whole_or_not_at_all)
{
    struct store *store = NULL;
    int error;
    long countdown = 0;

    fault_vfs_register();
    do {
        fault_arm(FAULT_FULL, ++countdown);
        error = store_open(scratch_path("a.db"), "us-east", "fault", &store);
        if (error != 0)
            ck_assert_int_eq(error, -ENOSPC);
    } while (error != 0 && countdown < 1000);
    ck_assert_int_eq(error, 0);
    ck_assert_int_gt(countdown, 4);
    fault_heal();
    store_free(store);
    ck_assert_int_eq(try_open("a.db"), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_new_file_is_marked_as_ours_and_in_wal_mode,
        what_an_interrupted_start_left_is_replaced,
        an_empty_file_is_none,
        the_file_of_another_shard_is_refused,
        other_files_are_refused,
        a_file_of_a_newer_version_is_refused,
        a_damaged_file_is_refused,
        a_file_is_not_made_anew_beside_its_old_wal,
        a_missing_directory_is_named,
        what_may_not_be_read_or_written_is_named,
        a_full_disk_leaves_no_half_file_wherever_it_fills_up,
        a_file_behind_a_vfs_is_made_whole_or_not_at_all,
    };
    return suite_run(&(struct suite){.name = "store_open",
                                     .set_up = scratch_create,
                                     .tear_down = scratch_remove,
                                     SUITE_TESTS(tests)});
}
