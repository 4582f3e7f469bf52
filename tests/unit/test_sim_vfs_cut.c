/* What a power cut leaves of a simulated disk. */

#include <errno.h>

#include "tests/unit/suite.h"
#include "vfs_fixture.h"

#define SECTOR 512
#define SEEDS  200

static void set_up(void)
{
    make_disk(1);
}

static void tear_down(void)
{
    vfs_free(disk);
}

/* ---- content ---- */

#define SECTORS 8

struct endings {
    unsigned whole[128]; /* files, by the byte that they are full of */
    unsigned mixed, torn_sectors;
};

static void note_sector(struct endings *endings, const uint8_t *sector)
{
    for (size_t i = 0; i < SECTOR; i++)
        ck_assert(sector[i] >= 'a' && sector[i] <= 'c');
    if (!is_filled(sector, SECTOR, (char)sector[0]))
        endings->torn_sectors++;
}

static void note_ending(struct endings *endings)
{
    size_t size = 0;
    uint8_t *bytes = raw_content("f", &size);

    ck_assert_uint_eq(size, SECTORS * SECTOR);
    for (size_t i = 0; i < SECTORS; i++)
        note_sector(endings, bytes + i * SECTOR);
    if (is_filled(bytes, size, (char)bytes[0]))
        endings->whole[bytes[0]]++;
    else
        endings->mixed++;
    free(bytes);
}

START_TEST(each_sector_ends_as_it_was_at_one_time_or_another)
{
    struct endings endings = {0};
    struct vfs_counters counters = {0};

    for (unsigned seed = 0; seed < SEEDS; seed++) {
        sqlite3_file *file;

        remake_disk(seed);
        file = safe_file("f", 'a', SECTORS * SECTOR);
        raw_fill(file, 'b', 0, SECTORS * SECTOR);
        raw_fill(file, 'c', 0, SECTORS * SECTOR);
        close_and_cut(file);
        note_ending(&endings);
        counters.kept_sectors += vfs_counters(disk)->kept_sectors;
        counters.dropped_sectors += vfs_counters(disk)->dropped_sectors;
        counters.torn_sectors += vfs_counters(disk)->torn_sectors;
    }
    ck_assert_uint_gt(endings.whole['a'], 10);
    ck_assert_uint_gt(endings.whole['b'], 0);
    ck_assert_uint_gt(endings.whole['c'], 10);
    ck_assert_uint_gt(endings.mixed, 50);
    ck_assert_uint_gt(endings.torn_sectors, 10);
    ck_assert_uint_ge(counters.torn_sectors, endings.torn_sectors);
    ck_assert_uint_gt(counters.kept_sectors, 200);
    ck_assert_uint_gt(counters.dropped_sectors, 200);
    ck_assert_uint_eq(counters.kept_sectors + counters.dropped_sectors + counters.torn_sectors,
                      SEEDS * SECTORS);
}
END_TEST

START_TEST(bytes_that_nobody_wrote_to_are_safe_and_the_size_follows_what_is_left)
{
    unsigned unchanged = 0, complete = 0, between = 0;

    for (unsigned seed = 0; seed < SEEDS; seed++) {
        sqlite3_file *file;
        size_t size = 0;
        uint8_t *bytes;

        remake_disk(seed);
        file = safe_file("f", 'a', 700);
        raw_fill(file, 'b', 700, 2300);
        close_and_cut(file);
        bytes = raw_content("f", &size);
        ck_assert_uint_ge(size, 700);
        ck_assert_uint_le(size, 3000);
        ck_assert(is_filled(bytes, 700, 'a'));
        for (size_t i = 700; i < size; i++)
            ck_assert(bytes[i] == 'b' || bytes[i] == 0);
        unchanged += size == 700;
        complete += size == 3000 && is_filled(bytes + 700, 2300, 'b');
        between += size != 700 && size != 3000;
        free(bytes);
    }
    ck_assert_uint_gt(unchanged, 10);
    ck_assert_uint_gt(complete, 10);
    ck_assert_uint_gt(between, 10);
}
END_TEST

START_TEST(a_truncation_happens_as_a_whole_or_not_at_all)
{
    unsigned done = 0, undone = 0;

    for (unsigned seed = 0; seed < SEEDS; seed++) {
        sqlite3_file *file;

        remake_disk(seed);
        file = safe_file("f", 'a', 3000);
        ck_assert_int_eq(raw_truncate(file, 100), SQLITE_OK);
        close_and_cut(file);
        done += holds("f", 'a', 100);
        undone += holds("f", 'a', 3000);
    }
    ck_assert_uint_eq(done + undone, SEEDS);
    ck_assert_uint_gt(done, 20);
    ck_assert_uint_gt(undone, 20);
}
END_TEST

START_TEST(what_was_synced_stays_and_so_does_what_one_cut_has_left)
{
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        size_t size[2];
        uint8_t *bytes[2];
        sqlite3_file *file;

        remake_disk(seed);
        file = safe_file("safe", 'a', 3000);
        close_and_cut(file);
        ck_assert(holds("safe", 'a', 3000));

        file = safe_file("f", 'a', 3000);
        raw_fill(file, 'b', 0, 4000);
        close_and_cut(file);
        bytes[0] = raw_content("f", &size[0]);
        vfs_cut_power(disk);
        vfs_revive(disk);
        bytes[1] = raw_content("f", &size[1]);
        ck_assert_uint_eq(size[0], size[1]);
        ck_assert_int_eq(memcmp(bytes[0], bytes[1], size[0]), 0);
        free(bytes[0]);
        free(bytes[1]);
    }
}
END_TEST

START_TEST(what_a_failed_fsync_has_lost_no_later_one_makes_safe)
{
    unsigned lost = 0, kept = 0;

    for (unsigned seed = 0; seed < SEEDS; seed++) {
        sqlite3_file *file;
        size_t size = 0;
        uint8_t *bytes;

        remake_disk(seed);
        file = safe_file("f", 'a', 4 * SECTOR);
        raw_fill(file, 'b', 0, 6 * SECTOR);
        vfs_arm(disk, VFS_SYNC, 1, VFS_ONCE);
        ck_assert_int_eq(raw_sync(file), SQLITE_IOERR_FSYNC);
        ck_assert_int_eq(raw_errno(), EIO);
        ck_assert_int_eq(raw_sync(file), SQLITE_OK);
        ck_assert(holds("f", 'b', 6 * SECTOR)); /* readers cannot tell */
        raw_fill(file, 'c', 2 * SECTOR + 9, 1); /* but this sector goes out anew, all of it */
        ck_assert_int_eq(raw_sync(file), SQLITE_OK);
        close_and_cut(file);

        bytes = raw_content("f", &size);
        ck_assert_uint_ge(size, 4 * SECTOR);
        ck_assert_int_eq(bytes[2 * SECTOR + 9], 'c');
        bytes[2 * SECTOR + 9] = 'b';
        ck_assert(is_filled(bytes + 2 * SECTOR, SECTOR, 'b'));
        ck_assert(bytes[0] == 'a' || bytes[0] == 'b');
        lost += bytes[0] == 'a';
        kept += bytes[0] == 'b';
        free(bytes);
    }
    ck_assert_uint_gt(lost, 20);
    ck_assert_uint_gt(kept, 20);
}
END_TEST

/* ---- names ---- */

START_TEST(a_new_file_is_there_for_sure_once_it_has_been_synced)
{
    unsigned there = 0;

    for (unsigned seed = 0; seed < SEEDS; seed++) {
        sqlite3_file *file;

        remake_disk(seed);
        raw_close(safe_file("synced", 'a', 10));
        file = raw_open("new");
        raw_fill(file, 'a', 0, 10);
        close_and_cut(file);
        ck_assert(raw_exists("synced"));
        there += raw_exists("new");
    }
    ck_assert_uint_gt(there, 20);
    ck_assert_uint_lt(there, SEEDS - 20);
}
END_TEST

START_TEST(a_deleted_file_may_come_back_unless_its_directory_was_synced)
{
    unsigned back = 0;

    for (unsigned seed = 0; seed < SEEDS; seed++) {
        remake_disk(seed);
        raw_close(safe_file("f", 'a', 1000));
        raw_close(safe_file("g", 'a', 1000));
        ck_assert_int_eq(raw_delete("f", 1), SQLITE_OK);
        ck_assert_int_eq(raw_delete("g", 0), SQLITE_OK);
        ck_assert_int_eq(raw_delete("g", 0), SQLITE_IOERR_DELETE_NOENT);
        vfs_cut_power(disk);
        vfs_revive(disk);
        ck_assert(!raw_exists("f"));
        if (raw_exists("g")) {
            back++;
            ck_assert(holds("g", 'a', 1000));
        }
    }
    ck_assert_uint_gt(back, 20);
    ck_assert_uint_lt(back, SEEDS - 20);
}
END_TEST

START_TEST(a_name_leads_to_the_old_file_or_the_new_one_or_none)
{
    unsigned old = 0, new = 0, none = 0;

    for (unsigned seed = 0; seed < SEEDS; seed++) {
        sqlite3_file *file;

        remake_disk(seed);
        raw_close(safe_file("f", 'a', 1000));
        ck_assert_int_eq(raw_delete("f", 0), SQLITE_OK);
        file = raw_open("f");
        raw_fill(file, 'b', 0, 1000);
        close_and_cut(file);
        old += holds("f", 'a', 1000);
        new += holds("f", 'b', 1000);
        none += !raw_exists("f");

        raw_close(safe_file("f", 'c', 10)); /* synced: it is this one */
        vfs_cut_power(disk);
        vfs_revive(disk);
        ck_assert(raw_exists("f"));
        ck_assert_uint_eq(vfs_open_files(disk), 0);
    }
    ck_assert_uint_gt(old, 10);
    ck_assert_uint_gt(new, 10);
    ck_assert_uint_gt(none, 10);
}
END_TEST

START_TEST(the_first_sync_of_a_new_journal_makes_all_names_safe)
{
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        sqlite3_file *file = NULL;

        remake_disk(seed);
        raw_close(safe_file("f", 'a', 1000));
        ck_assert_int_eq(raw_delete("f", 0), SQLITE_OK);
        ck_assert_int_eq(raw_try_open("f-wal",
                                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL,
                                      &file),
                         SQLITE_OK);
        ck_assert_int_eq(raw_sync(file), SQLITE_OK);
        close_and_cut(file);
        ck_assert(!raw_exists("f"));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_sector_ends_as_it_was_at_one_time_or_another,
        bytes_that_nobody_wrote_to_are_safe_and_the_size_follows_what_is_left,
        a_truncation_happens_as_a_whole_or_not_at_all,
        what_was_synced_stays_and_so_does_what_one_cut_has_left,
        what_a_failed_fsync_has_lost_no_later_one_makes_safe,
        a_new_file_is_there_for_sure_once_it_has_been_synced,
        a_deleted_file_may_come_back_unless_its_directory_was_synced,
        a_name_leads_to_the_old_file_or_the_new_one_or_none,
        the_first_sync_of_a_new_journal_makes_all_names_safe,
    };
    return suite_run(&(struct suite){.name = "sim_vfs_cut",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 30,
                                     SUITE_TESTS(tests)});
}
