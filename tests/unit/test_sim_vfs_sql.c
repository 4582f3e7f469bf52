/* SQLite on the simulated disk: connections side by side, and databases after all that a disk can
 * do to them. */

#include <errno.h>
#include <stdio.h>

#include "tests/unit/suite.h"
#include "vfs_fixture.h"

#define TURNS 8
#define PARTS 3
#define SEEDS 3

static void set_up(void)
{
    make_disk(1);
}

static void tear_down(void)
{
    vfs_free(disk);
}

/* ---- a ledger: each turn is one transaction ---- */

static int execute(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* -1: it cannot be had. */
static int query(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int number = -1;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return number;
}

static sqlite3 *connect(int flags)
{
    sqlite3 *db = NULL;

    sqlite3_open_v2("l.db", &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, DISK);
    ck_assert_ptr_nonnull(db);
    if (flags & SQLITE_OPEN_READONLY)
        sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return db;
}

static sqlite3 *connect_reader(void)
{
    return connect(SQLITE_OPEN_READONLY);
}

/* @settings: journal_mode and synchronous. The result may be of no use: then so is what follows. */
static sqlite3 *open_ledger(const char *settings)
{
    sqlite3 *db = connect(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);

    if (execute(db, settings) == SQLITE_OK &&
        execute(db, "PRAGMA wal_autocheckpoint=0") == SQLITE_OK)
        execute(db, "CREATE TABLE IF NOT EXISTS t(turn INTEGER, part INTEGER, value BLOB,"
                    " PRIMARY KEY(turn, part)) WITHOUT ROWID");
    return db;
}

static int take_turn(sqlite3 *db, int turn)
{
    char sql[256];
    int code = execute(db, "BEGIN IMMEDIATE");

    for (int part = 0; code == SQLITE_OK && part < PARTS; part++) {
        snprintf(sql, sizeof(sql),
                 "INSERT INTO t VALUES(%d, %d, zeroblob(1500));"
                 "UPDATE t SET value = zeroblob(%d) WHERE turn = %d",
                 turn, part, 1000 + 100 * turn, turn / 2);
        code = execute(db, sql);
    }
    if (code == SQLITE_OK)
        code = execute(db, "COMMIT");
    if (code != SQLITE_OK && !sqlite3_get_autocommit(db))
        execute(db, "ROLLBACK");
    return code;
}

static int checkpoint(sqlite3 *db)
{
    return sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static bool is_sound(sqlite3 *db)
{
    return query(db, "SELECT count(*) FROM pragma_integrity_check"
                     " WHERE integrity_check <> 'ok'") == 0;
}

/* How many turns it holds, all whole and none left out; -1: it is broken. */
static int turns_in(sqlite3 *db)
{
    int turns = 0;

    if (!is_sound(db))
        return -1;
    if (query(db, "SELECT count(*) FROM sqlite_schema") == 0)
        return 0;
    turns = query(db, "SELECT count(DISTINCT turn) FROM t");
    if (query(db, "SELECT count(*) FROM t") != turns * PARTS ||
        query(db, "SELECT coalesce(max(turn), 0) FROM t") != turns)
        return -1;
    return turns;
}

static int turns_left(void)
{
    sqlite3 *db = connect(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    int turns = turns_in(db);

    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    return turns;
}

/* As many turns as the disk lets one have, with a reader beside and a checkpoint now and then.
 * Returns how many were acknowledged. */
static int tell_story(const char *settings)
{
    sqlite3 *db = open_ledger(settings), *reader = connect_reader();
    int turns = 0;

    while (turns < TURNS && take_turn(db, turns + 1) == SQLITE_OK) {
        turns++;
        query(reader, "SELECT count(*) FROM t");
        if (turns % 3 == 0 && checkpoint(db) != SQLITE_OK)
            break;
    }
    ck_assert_int_eq(sqlite3_close(reader), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    return turns;
}

static const char wal_full[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL";
static const char wal_normal[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL";
static const char wal_off[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF";
static const char delete_full[] = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL";
static const char delete_extra[] = "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA";

/* ---- connections side by side ---- */

START_TEST(readers_see_the_past_while_the_writer_goes_on)
{
    sqlite3 *db = open_ledger(wal_full), *reader = connect_reader(), *late;

    ck_assert_int_eq(take_turn(db, 1), SQLITE_OK);
    ck_assert_int_eq(execute(reader, "BEGIN"), SQLITE_OK);
    ck_assert_int_eq(turns_in(reader), 1);
    ck_assert_int_eq(take_turn(db, 2), SQLITE_OK);
    ck_assert_int_eq(turns_in(reader), 1);
    late = connect_reader();
    ck_assert_int_eq(turns_in(late), 2);
    /* The WAL is needed as long as one reads from it, and can start again then. */
    ck_assert_int_eq(checkpoint(db), SQLITE_OK);
    ck_assert_int_eq(take_turn(db, 3), SQLITE_OK);
    ck_assert_int_eq(turns_in(reader), 1);
    ck_assert_int_eq(execute(reader, "COMMIT"), SQLITE_OK);
    ck_assert_int_eq(turns_in(reader), 3);
    ck_assert_int_eq(checkpoint(db), SQLITE_OK);
    ck_assert_int_eq(take_turn(db, 4), SQLITE_OK);
    ck_assert_int_eq(turns_in(reader), 4);
    ck_assert_int_eq(turns_in(late), 4);
    ck_assert_int_eq(execute(late, "DELETE FROM t"), SQLITE_READONLY);
    sqlite3_close(late);
    sqlite3_close(reader);
    ck_assert(raw_exists("l.db-wal"));
    sqlite3_close(db);
    ck_assert(!raw_exists("l.db-wal"));
    ck_assert_uint_eq(vfs_open_files(disk), 0);
    ck_assert_int_eq(turns_left(), 4);
}
END_TEST

START_TEST(of_two_writers_one_waits_in_virtual_time)
{
    sqlite3 *db = open_ledger(wal_full), *other = open_ledger(wal_full);

    sqlite3_busy_timeout(other, 1000);
    ck_assert_int_eq(execute(db, "BEGIN IMMEDIATE"), SQLITE_OK);
    vfs_take_busy_us(disk);
    ck_assert_int_eq(execute(other, "BEGIN IMMEDIATE"), SQLITE_BUSY);
    ck_assert_uint_ge(vfs_take_busy_us(disk), 900 * 1000);
    ck_assert_int_eq(execute(db, "COMMIT"), SQLITE_OK);
    ck_assert_int_eq(take_turn(other, 1), SQLITE_OK);
    sqlite3_close(other);
    sqlite3_close(db);
}
END_TEST

START_TEST(without_a_wal_a_writer_waits_for_readers_and_new_readers_for_it)
{
    sqlite3 *db = open_ledger(delete_full), *reader = connect_reader(), *late = connect_reader();

    ck_assert_int_eq(take_turn(db, 1), SQLITE_OK);
    ck_assert_int_eq(execute(reader, "BEGIN"), SQLITE_OK);
    ck_assert_int_eq(turns_in(reader), 1);
    ck_assert_int_eq(execute(db, "BEGIN IMMEDIATE; DELETE FROM t"), SQLITE_OK);
    ck_assert_int_eq(turns_in(late), 1);
    ck_assert_int_eq(execute(db, "COMMIT"), SQLITE_BUSY);
    ck_assert_int_eq(execute(late, "SELECT * FROM t"), SQLITE_BUSY);
    ck_assert_int_eq(turns_in(reader), 1);
    ck_assert_int_eq(execute(reader, "COMMIT"), SQLITE_OK);
    ck_assert_int_eq(execute(db, "COMMIT"), SQLITE_OK);
    ck_assert_int_eq(turns_in(late), 0);
    sqlite3_close(late);
    sqlite3_close(reader);
    sqlite3_close(db);
}
END_TEST

START_TEST(who_comes_after_a_kill_finds_the_shared_memory_anew)
{
    sqlite3 *db = open_ledger(wal_full);

    ck_assert_int_eq(take_turn(db, 1), SQLITE_OK);
    ck_assert_int_eq(execute(db, "BEGIN IMMEDIATE; DELETE FROM t"), SQLITE_OK);
    vfs_kill(disk);
    sqlite3_close(db);
    vfs_revive(disk);
    ck_assert(raw_exists("l.db-wal"));
    db = open_ledger(wal_full);
    ck_assert_int_eq(take_turn(db, 2), SQLITE_OK);
    sqlite3_close(db);
    ck_assert_int_eq(turns_left(), 2);
}
END_TEST

/* ---- the end at every call ---- */

struct toll {
    unsigned ends;       /* of processes */
    unsigned unanswered; /* turns that are there, though nobody was told */
    unsigned lost;       /* stories that miss a turn that was acknowledged */
    unsigned broken;     /* databases */
};

/* The next start, and it does not come far either. */
static void die_while_opening(enum vfs_fault fault, uint64_t countdown)
{
    vfs_arm(disk, fault, countdown, VFS_ONCE);
    turns_left();
    vfs_heal(disk, fault);
    if (vfs_is_dead(disk))
        vfs_revive(disk);
}

/* Returns false when the story came to its end. */
static bool end_at(const char *settings, enum vfs_fault fault, uint64_t countdown, uint64_t seed,
                   struct toll *toll)
{
    int acknowledged, left;

    remake_disk(seed);
    vfs_arm(disk, fault, countdown, VFS_ONCE);
    acknowledged = tell_story(settings);
    if (!vfs_is_dead(disk))
        return false;
    vfs_revive(disk);
    toll->ends++;
    if (countdown % 2 == 0)
        die_while_opening(fault, countdown % 17 + 1);
    left = turns_left();
    toll->broken += left < 0;
    toll->lost += left >= 0 && left < acknowledged;
    toll->unanswered += left == acknowledged + 1;
    ck_assert_int_le(left, acknowledged + 1);
    return true;
}

static struct toll end_at_every_call(const char *settings, enum vfs_fault fault, uint64_t seed)
{
    struct toll toll = {0};
    uint64_t countdown = 1;

    while (end_at(settings, fault, countdown, seed * 1000 + countdown, &toll))
        countdown++;
    ck_assert_uint_gt(toll.ends, 100);
    return toll;
}

static void assert_safe(const char *settings, enum vfs_fault fault, uint64_t seed)
{
    struct toll toll = end_at_every_call(settings, fault, seed);

    ck_assert_uint_eq(toll.broken, 0);
    ck_assert_uint_eq(toll.lost, 0);
    /* With a WAL, that is; else the deletion of the journal decides, one call: done or not. */
    if (fault == VFS_KILL)
        ck_assert_int_eq(toll.unanswered > 0, settings == wal_full);
}

START_TEST(a_kill_at_any_call_loses_nothing_that_was_acknowledged)
{
    assert_safe(wal_full, VFS_KILL, (uint64_t)_i);
    assert_safe(delete_full, VFS_KILL, (uint64_t)_i);
}
END_TEST

START_TEST(a_power_cut_at_any_call_loses_nothing_that_was_acknowledged)
{
    assert_safe(wal_full, VFS_POWER, (uint64_t)_i);
    assert_safe(delete_extra, VFS_POWER, (uint64_t)_i);
}
END_TEST

/* SQLite's own words on synchronous=NORMAL in WAL mode, and on FULL without a WAL: consistent, but
 * the last transactions may be undone. */
START_TEST(with_fewer_fsyncs_a_power_cut_undoes_turns_and_breaks_nothing)
{
    struct toll wal = end_at_every_call(wal_normal, VFS_POWER, (uint64_t)_i);
    struct toll journal = end_at_every_call(delete_full, VFS_POWER, (uint64_t)_i);

    ck_assert_uint_eq(wal.broken, 0);
    ck_assert_uint_gt(wal.lost, 0);
    ck_assert_uint_eq(journal.broken, 0);
    ck_assert_uint_gt(journal.lost, 0);
}
END_TEST

START_TEST(without_fsyncs_a_power_cut_breaks_databases)
{
    struct toll toll = end_at_every_call(wal_off, VFS_POWER, (uint64_t)_i);

    ck_assert_uint_gt(toll.broken, 0);
    ck_assert_uint_gt(toll.lost, 0);
    toll = end_at_every_call(wal_off, VFS_KILL, (uint64_t)_i);
    ck_assert_uint_eq(toll.broken + toll.lost, 0);
}
END_TEST

/* ---- a disk in trouble ---- */

/* Turns on a disk that works again as soon as it has failed once. Returns how many calls it has
 * failed in. */
static unsigned go_on_in_trouble(sqlite3 *db, enum vfs_fault fault, uint64_t countdown, int *turns)
{
    uint64_t before = vfs_counters(disk)->failed[fault];
    int code;

    vfs_arm(disk, fault, countdown, VFS_FROM_THEN_ON);
    code = take_turn(db, *turns + 1);
    if (code == SQLITE_OK)
        ++*turns;
    checkpoint(db);
    vfs_heal(disk, fault);
    ck_assert(code == SQLITE_OK || vfs_counters(disk)->failed[fault] > before);
    ck_assert_int_eq(turns_in(db), *turns);
    ck_assert_int_eq(take_turn(db, *turns + 1), SQLITE_OK);
    ++*turns;
    ck_assert_int_eq(turns_in(db), *turns);
    return (unsigned)(vfs_counters(disk)->failed[fault] - before);
}

static void assert_gets_over(enum vfs_fault fault, unsigned failures_min)
{
    sqlite3 *db = open_ledger(wal_full);
    unsigned failures = 0;
    int turns = 0;

    for (uint64_t countdown = 1; countdown < 30; countdown++) {
        failures += go_on_in_trouble(db, fault, countdown, &turns);
        if (countdown % 5 == 0) {
            vfs_kill(disk);
            sqlite3_close(db);
            vfs_revive(disk);
            db = open_ledger(wal_full);
            ck_assert_int_eq(turns_in(db), turns);
        }
    }
    ck_assert_uint_gt(failures, failures_min);
    vfs_cut_power(disk);
    sqlite3_close(db);
    vfs_revive(disk);
    ck_assert_int_eq(turns_left(), turns);
}

START_TEST(after_a_full_disk_all_is_there_and_it_goes_on)
{
    assert_gets_over(VFS_FULL, 30);
}
END_TEST

START_TEST(after_a_read_only_disk_all_is_there_and_it_goes_on)
{
    assert_gets_over(VFS_READ_ONLY, 30);
}
END_TEST

START_TEST(sqlite_knows_why_a_call_has_failed)
{
    sqlite3 *db = open_ledger(wal_full);

    ck_assert_int_eq(take_turn(db, 1), SQLITE_OK);
    vfs_arm(disk, VFS_FULL, 1, VFS_ONCE);
    ck_assert_int_eq(take_turn(db, 2), SQLITE_FULL);
    vfs_arm(disk, VFS_WRITE, 1, VFS_ONCE);
    ck_assert_int_eq(take_turn(db, 2), SQLITE_IOERR_WRITE);
    vfs_arm(disk, VFS_SYNC, 1, VFS_ONCE);
    ck_assert_int_eq(take_turn(db, 2), SQLITE_IOERR_FSYNC);
    /* A commit does not ask for the system's number; a checkpoint does. */
    vfs_arm(disk, VFS_READ_ONLY, 1, VFS_ONCE);
    ck_assert_int_eq(checkpoint(db), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(sqlite3_system_errno(db), EROFS);
    vfs_arm(disk, VFS_WRITE, 1, VFS_ONCE);
    ck_assert_int_eq(checkpoint(db), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(sqlite3_system_errno(db), EIO);
    ck_assert_int_eq(take_turn(db, 2), SQLITE_OK);
    sqlite3_close(db);

    vfs_arm(disk, VFS_READ_ONLY, 1, VFS_FROM_THEN_ON);
    db = connect(SQLITE_OPEN_READWRITE);
    ck_assert_int_eq(sqlite3_db_readonly(db, "main"), 1);
    ck_assert_int_eq(execute(db, "DELETE FROM t"), SQLITE_CANTOPEN);
    ck_assert_int_eq(sqlite3_system_errno(db), EROFS);
    sqlite3_close(db);
}
END_TEST

/* ---- failed fsyncs ---- */

START_TEST(who_stops_at_a_failed_fsync_loses_nothing)
{
    unsigned failed = 0;

    for (uint64_t countdown = 1; countdown <= 20; countdown++) {
        int acknowledged, left;

        remake_disk((uint64_t)_i * 1000 + countdown);
        vfs_arm(disk, VFS_SYNC, countdown, VFS_ONCE);
        acknowledged = tell_story(wal_full);
        failed += vfs_counters(disk)->failed[VFS_SYNC] > 0;
        vfs_cut_power(disk);
        vfs_revive(disk);
        left = turns_left();
        ck_assert_int_ge(left, acknowledged);
        ck_assert_int_le(left, acknowledged + 1);
    }
    ck_assert_uint_gt(failed, 10);
}
END_TEST

/* Turns that no fsync has made safe yet, then a checkpoint; it syncs the WAL, and may begin to move
 * pages only then. If the fsync has failed, try again, as if the second were worth anything. Then a
 * power cut. Returns false when the second checkpoint came to its end. */
static bool checkpoint_twice(bool first_fails, uint64_t countdown, uint64_t seed, unsigned *broken)
{
    sqlite3 *db;
    bool died;

    remake_disk(seed);
    db = open_ledger(wal_normal);
    for (int turn = 1; turn <= TURNS; turn++)
        ck_assert_int_eq(take_turn(db, turn), SQLITE_OK);
    if (first_fails) {
        vfs_arm(disk, VFS_SYNC, 1, VFS_ONCE);
        ck_assert_int_eq(checkpoint(db), SQLITE_IOERR_FSYNC);
    }
    vfs_arm(disk, VFS_POWER, countdown, VFS_ONCE);
    checkpoint(db);
    died = vfs_is_dead(disk);
    vfs_heal(disk, VFS_POWER);
    if (!died)
        vfs_cut_power(disk);
    sqlite3_close(db);
    vfs_revive(disk);
    *broken += turns_left() < 0;
    return died;
}

static unsigned broken_by_checkpoints(bool first_fails)
{
    unsigned broken = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (uint64_t countdown = 1;
             checkpoint_twice(first_fails, countdown, seed * 1000 + countdown, &broken);
             countdown++)
            ck_assert_uint_lt(countdown, 200);
    return broken;
}

START_TEST(who_goes_on_after_a_failed_fsync_breaks_databases)
{
    ck_assert_uint_eq(broken_by_checkpoints(false), 0);
    ck_assert_uint_gt(broken_by_checkpoints(true), 0);
}
END_TEST

/* ---- decay, and luck ---- */

START_TEST(flipped_bits_are_seen)
{
    unsigned seen = 0;

    for (uint64_t seed = 0; seed < 20; seed++) {
        remake_disk(seed);
        ck_assert_int_eq(tell_story(delete_full), TURNS);
        vfs_kill(disk);
        ck_assert_uint_eq(vfs_flip_bits(disk, "l.db", 1000), 1000);
        vfs_revive(disk);
        seen += turns_left() != TURNS;
    }
    ck_assert_uint_gt(seen, 15);
}
END_TEST

static uint64_t hash_of(const char *path, uint64_t hash)
{
    size_t size = 0;
    uint8_t *bytes = raw_content(path, &size);

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    free(bytes);
    return hash ^ size;
}

/* Of all that a power cut at @countdown leaves. */
static uint64_t remains(uint64_t seed, uint64_t countdown)
{
    uint64_t hash;

    remake_disk(seed);
    vfs_arm(disk, VFS_POWER, countdown, VFS_ONCE);
    tell_story(wal_full);
    ck_assert(vfs_is_dead(disk));
    vfs_revive(disk);
    hash = hash_of("l.db", UINT64_C(0xcbf29ce484222325));
    return hash_of("l.db-journal", hash_of("l.db-wal", hash));
}

START_TEST(a_seed_always_leaves_the_same)
{
    unsigned different = 0;

    for (uint64_t countdown = 1; countdown < 200; countdown += 7) {
        uint64_t hash = remains(1, countdown);

        ck_assert_uint_eq(remains(1, countdown), hash);
        different += remains(2, countdown) != hash;
    }
    ck_assert_uint_gt(different, 10);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        readers_see_the_past_while_the_writer_goes_on,
        of_two_writers_one_waits_in_virtual_time,
        without_a_wal_a_writer_waits_for_readers_and_new_readers_for_it,
        who_comes_after_a_kill_finds_the_shared_memory_anew,
        after_a_full_disk_all_is_there_and_it_goes_on,
        after_a_read_only_disk_all_is_there_and_it_goes_on,
        sqlite_knows_why_a_call_has_failed,
        who_goes_on_after_a_failed_fsync_breaks_databases,
        flipped_bits_are_seen,
        a_seed_always_leaves_the_same,
    };
    const struct suite_loop loops[] = {
        {a_kill_at_any_call_loses_nothing_that_was_acknowledged, SUITE_SWEEP(SEEDS)},
        {a_power_cut_at_any_call_loses_nothing_that_was_acknowledged, SUITE_SWEEP(SEEDS)},
        {with_fewer_fsyncs_a_power_cut_undoes_turns_and_breaks_nothing, SUITE_SWEEP(SEEDS)},
        {without_fsyncs_a_power_cut_breaks_databases, SUITE_SWEEP(SEEDS)},
        {who_stops_at_a_failed_fsync_loses_nothing, SUITE_SWEEP(SEEDS)},
    };
    return suite_run(&(struct suite){.name = "sim_vfs_sql",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 60,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
