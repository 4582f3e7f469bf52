/* The simulated disk by itself: what a file holds, what a power cut leaves of it, what goes wrong.
 */

#include <errno.h>

#include "common/random.h"
#include "tests/unit/suite.h"
#include "vfs_fixture.h"

#define SEEDS 200

static void set_up(void)
{
    make_disk(1);
}

static void tear_down(void)
{
    vfs_free(disk);
}

/* ---- content ---- */

#define MODEL_SIZE 20000

struct model {
    uint8_t bytes[MODEL_SIZE];
    size_t size;
    struct random random;
};

static void assert_same(const char *path, const struct model *model)
{
    size_t found = 0;
    uint8_t *bytes = raw_content(path, &found);

    ck_assert_uint_eq(found, model->size);
    ck_assert_int_eq(memcmp(bytes, model->bytes, found), 0);
    free(bytes);
}

static void truncate_both(sqlite3_file *file, struct model *model, size_t size)
{
    ck_assert_int_eq(raw_truncate(file, size), SQLITE_OK);
    memset(model->bytes + size, 0, MODEL_SIZE - size);
    model->size = size;
}

static void change_both(sqlite3_file *file, struct model *model)
{
    size_t offset = random_up_to(&model->random, MODEL_SIZE - 1);
    size_t length = random_up_to(&model->random, MODEL_SIZE - 1 - offset) + 1;

    if (random_up_to(&model->random, 3) == 0) {
        truncate_both(file, model, offset);
        return;
    }
    for (size_t i = 0; i < length; i++)
        model->bytes[offset + i] = (uint8_t)random_next(&model->random);
    ck_assert_int_eq(raw_write(file, offset, model->bytes + offset, length), SQLITE_OK);
    if (offset + length > model->size)
        model->size = offset + length;
}

static void change_often(const char *path, struct model *model)
{
    sqlite3_file *file = raw_open(path);

    for (unsigned i = 0; i < 200; i++) {
        change_both(file, model);
        assert_same(path, model);
    }
    raw_close(file);
}

START_TEST(a_file_holds_what_was_written_and_a_copy_goes_its_own_way)
{
    static struct model model, changed;
    struct vfs *copy = vfs_create("copy", 2);

    random_seed(&model.random, 1);
    change_often("f", &model);
    vfs_copy(copy, disk);
    ck_assert_uint_eq(vfs_bytes(copy), model.size);
    vfs_copy(copy, disk); /* in place of itself */
    ck_assert_uint_eq(vfs_bytes(copy), model.size);
    changed = model;
    raw_disk = "copy";
    change_often("f", &changed);
    raw_disk = DISK;
    assert_same("f", &model);
    vfs_wipe(disk);
    ck_assert_uint_eq(vfs_bytes(disk), 0);
    raw_disk = "copy";
    assert_same("f", &changed);
    vfs_free(copy);
}
END_TEST

START_TEST(copies_of_several_disks_come_together_on_one)
{
    struct vfs *other = vfs_create("other", 2);

    raw_close(safe_file("f", 'a', 10));
    raw_close(safe_file("g", 'a', 10));
    raw_disk = "other";
    raw_close(safe_file("g", 'b', 20));
    raw_close(safe_file("h", 'b', 20));
    raw_disk = DISK;
    vfs_copy(disk, other);
    ck_assert(holds("f", 'a', 10));
    ck_assert(holds("g", 'b', 20));
    ck_assert(holds("h", 'b', 20));
    ck_assert_uint_eq(vfs_bytes(disk), 50);
    vfs_free(other);
}
END_TEST

START_TEST(a_copy_is_safe_from_a_power_cut)
{
    struct vfs *copy;
    sqlite3_file *file = raw_open("f");

    ck_assert_int_eq(raw_fill(file, 'a', 0, 3000), SQLITE_OK);
    raw_close(file);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        copy = vfs_create("copy", seed);
        vfs_copy(copy, disk);
        vfs_cut_power(copy);
        vfs_revive(copy);
        raw_disk = "copy";
        ck_assert(holds("f", 'a', 3000));
        vfs_free(copy);
    }
}
END_TEST

START_TEST(reading_past_the_end_gives_zeros)
{
    sqlite3_file *file = safe_file("f", 'a', 10);
    uint8_t bytes[20];

    memset(bytes, 1, sizeof(bytes));
    ck_assert_int_eq(file->pMethods->xRead(file, bytes, 20, 5), SQLITE_IOERR_SHORT_READ);
    ck_assert(is_filled(bytes, 5, 'a'));
    ck_assert(is_filled(bytes + 5, 15, 0));
    ck_assert_int_eq(file->pMethods->xRead(file, bytes, 20, 50), SQLITE_IOERR_SHORT_READ);
    ck_assert(is_filled(bytes, 20, 0));
    ck_assert_int_eq(file->pMethods->xRead(file, bytes, 10, 0), SQLITE_OK);
    raw_close(file);
}
END_TEST

/* ---- faults ---- */

START_TEST(only_a_write_that_takes_room_can_find_the_disk_full)
{
    sqlite3_file *file = safe_file("f", 'a', 1000);

    vfs_arm(disk, VFS_FULL, 2, VFS_ONCE);
    ck_assert_int_eq(raw_fill(file, 'b', 0, 1000), SQLITE_OK);
    ck_assert_int_eq(raw_fill(file, 'b', 1000, 10), SQLITE_OK);
    ck_assert_int_eq(raw_fill(file, 'b', 0, 1010), SQLITE_OK);
    ck_assert_uint_eq(vfs_counters(disk)->failed[VFS_FULL], 0);
    ck_assert_int_eq(raw_fill(file, 'b', 1010, 10), SQLITE_FULL);
    ck_assert_int_eq(raw_errno(), ENOSPC);
    ck_assert_uint_eq(vfs_counters(disk)->failed[VFS_FULL], 1);
    ck_assert(holds("f", 'b', 1015)); /* half of it */
    ck_assert_int_eq(raw_fill(file, 'b', 1015, 10), SQLITE_OK);

    vfs_arm(disk, VFS_FULL, 1, VFS_FROM_THEN_ON);
    ck_assert_int_eq(raw_fill(file, 'b', 1025, 10), SQLITE_FULL);
    ck_assert_int_eq(raw_fill(file, 'b', 1030, 10), SQLITE_FULL);
    vfs_heal(disk, VFS_FULL);
    ck_assert_int_eq(raw_fill(file, 'b', 1030, 10), SQLITE_OK);
    raw_close(file);
}
END_TEST

START_TEST(a_write_that_fails_is_half_done)
{
    sqlite3_file *file = safe_file("f", 'a', 1000);

    vfs_arm(disk, VFS_WRITE, 1, VFS_ONCE);
    ck_assert_int_eq(raw_fill(file, 'a', 1000, 1000), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(raw_errno(), EIO);
    ck_assert(holds("f", 'a', 1500));
    vfs_arm(disk, VFS_WRITE, 1, VFS_ONCE);
    ck_assert_int_eq(raw_truncate(file, 10), SQLITE_IOERR_TRUNCATE);
    ck_assert(holds("f", 'a', 1500));
    raw_close(file);
}
END_TEST

START_TEST(a_read_only_disk_can_be_read_and_nothing_else)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB;
    sqlite3_file *file = safe_file("f", 'a', 1000), *other = NULL;

    vfs_arm(disk, VFS_READ_ONLY, 1, VFS_FROM_THEN_ON);
    ck_assert_int_eq(raw_fill(file, 'b', 0, 10), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(raw_errno(), EROFS);
    ck_assert_int_eq(raw_truncate(file, 10), SQLITE_IOERR_TRUNCATE);
    ck_assert_int_eq(raw_delete("f", 0), SQLITE_IOERR_DELETE);
    ck_assert_int_eq(raw_try_open("g", flags, &other), SQLITE_CANTOPEN);
    ck_assert_int_eq(raw_errno(), EROFS);
    ck_assert(holds("f", 'a', 1000));
    raw_close(file);

    file = raw_open("f"); /* as a file that one may not write to */
    vfs_heal(disk, VFS_READ_ONLY);
    ck_assert_int_eq(raw_fill(file, 'b', 0, 10), SQLITE_IOERR_WRITE);
    raw_close(file);
    ck_assert_int_eq(raw_try_open("g", SQLITE_OPEN_READWRITE, &other), SQLITE_CANTOPEN);
    ck_assert_int_eq(raw_errno(), ENOENT);
}
END_TEST

/* ---- death ---- */

static void assert_nothing_works(sqlite3_file *file)
{
    const sqlite3_io_methods *methods = file->pMethods;
    sqlite3_file *other = NULL;
    sqlite3_int64 size;
    char byte = 0;

    ck_assert_int_eq(methods->xRead(file, &byte, 1, 0), SQLITE_IOERR_READ);
    ck_assert_int_eq(raw_fill(file, 'b', 0, 1), SQLITE_IOERR_WRITE);
    ck_assert_int_eq(raw_truncate(file, 0), SQLITE_IOERR_TRUNCATE);
    ck_assert_int_eq(raw_sync(file), SQLITE_IOERR_FSYNC);
    ck_assert_int_eq(methods->xFileSize(file, &size), SQLITE_IOERR_FSTAT);
    ck_assert_int_eq(methods->xLock(file, SQLITE_LOCK_SHARED), SQLITE_IOERR_LOCK);
    ck_assert_int_eq(raw_delete("f", 1), SQLITE_IOERR_DELETE);
    ck_assert_int_eq(raw_try_open("g", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &other),
                     SQLITE_CANTOPEN);
}

START_TEST(from_the_nth_call_on_the_process_is_dead)
{
    sqlite3_file *file = safe_file("f", 'a', 1000);

    vfs_arm(disk, VFS_KILL, 3, VFS_ONCE);
    ck_assert_int_eq(raw_fill(file, 'a', 1000, 10), SQLITE_OK);
    ck_assert_int_eq(raw_truncate(file, 1005), SQLITE_OK);
    ck_assert(!vfs_is_dead(disk));
    ck_assert_int_eq(raw_fill(file, 'b', 0, 1000), SQLITE_IOERR_WRITE);
    ck_assert(vfs_is_dead(disk));
    assert_nothing_works(file);
    raw_close(file);
    vfs_revive(disk);
    ck_assert(holds("f", 'a', 1005));
    ck_assert_uint_eq(vfs_counters(disk)->failed[VFS_KILL], 1);
    ck_assert_uint_eq(vfs_counters(disk)->failed[VFS_WRITE], 0);
}
END_TEST

START_TEST(a_kill_loses_nothing_and_a_power_cut_after_it_may)
{
    unsigned lost = 0;

    for (unsigned seed = 0; seed < SEEDS; seed++) {
        sqlite3_file *file;

        remake_disk(seed);
        file = safe_file("f", 'a', 100);
        raw_fill(file, 'b', 0, 100);
        raw_close(file);
        vfs_kill(disk);
        vfs_revive(disk);
        ck_assert(holds("f", 'b', 100));
        vfs_arm(disk, VFS_POWER, 1, VFS_ONCE);
        ck_assert_int_eq(raw_delete("f", 0), SQLITE_IOERR_DELETE);
        ck_assert(vfs_is_dead(disk));
        vfs_revive(disk);
        lost += holds("f", 'a', 100);
    }
    ck_assert_uint_gt(lost, 20);
}
END_TEST

START_TEST(files_are_forgotten_with_what_belongs_to_them)
{
    raw_close(safe_file("f.db", 'a', 10));
    raw_close(safe_file("f.db-wal", 'a', 10));
    raw_close(safe_file("f.db-journal", 'a', 10));
    raw_close(safe_file("f.db-else", 'a', 10));
    vfs_remove(disk, "f.db");
    ck_assert(!raw_exists("f.db"));
    ck_assert(!raw_exists("f.db-wal"));
    ck_assert(!raw_exists("f.db-journal"));
    ck_assert(raw_exists("f.db-else"));
    vfs_wipe(disk);
    ck_assert(!raw_exists("f.db-else"));
}
END_TEST

static size_t ones(const char *path)
{
    size_t size = 0, count = 0;
    uint8_t *bytes = raw_content(path, &size);

    for (size_t i = 0; i < size * 8; i++)
        count += (bytes[i / 8] >> i % 8) & 1;
    free(bytes);
    return count;
}

START_TEST(bits_flip_in_a_file_and_in_its_wal)
{
    raw_close(safe_file("f", 0, 5000));
    raw_close(safe_file("f-wal", 0, 5000));
    raw_close(safe_file("g", 0, 1));
    vfs_kill(disk);
    ck_assert_uint_eq(vfs_flip_bits(disk, "f", 100), 100);
    ck_assert_uint_eq(vfs_flip_bits(disk, "g", 100), 8);
    ck_assert_uint_eq(vfs_flip_bits(disk, "h", 100), 0);
    vfs_revive(disk);
    ck_assert_uint_eq(ones("f") + ones("f-wal"), 100);
    ck_assert_uint_gt(ones("f"), 20);
    ck_assert_uint_gt(ones("f-wal"), 20);
    ck_assert(holds("g", (char)0xff, 1));
}
END_TEST

/* ---- time, counting ---- */

START_TEST(calls_take_time_and_syncs_take_more)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(DISK);
    sqlite3_file *file = safe_file("f", 'a', 10);

    vfs_take_busy_us(disk);
    for (unsigned i = 0; i < 40; i++)
        raw_fill(file, 'a', 0, 10);
    ck_assert_uint_eq(vfs_take_busy_us(disk), 10);
    ck_assert_uint_eq(vfs_take_busy_us(disk), 0);
    vfs_set_sync_us(disk, 1000);
    ck_assert_int_eq(raw_sync(file), SQLITE_OK);
    ck_assert_uint_ge(vfs_take_busy_us(disk), 1000);
    ck_assert_int_eq(vfs->xSleep(vfs, 500), 500);
    ck_assert_uint_eq(vfs_take_busy_us(disk), 500);
    raw_close(file);
    ck_assert_uint_eq(vfs_counters(disk)->opens, 1);
    ck_assert_uint_eq(vfs_counters(disk)->writes, 41);
    ck_assert_uint_eq(vfs_counters(disk)->syncs, 2);
}
END_TEST

/* What one seed leaves of a file. */
static uint8_t *remains(uint64_t seed, size_t *ret_size)
{
    sqlite3_file *file;

    remake_disk(seed);
    file = safe_file("f", 'a', 10000);
    raw_fill(file, 'b', 100, 20000);
    raw_fill(file, 'c', 3000, 10);
    close_and_cut(file);
    return raw_content("f", ret_size);
}

START_TEST(a_seed_always_leaves_the_same)
{
    unsigned different = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        size_t size[3];
        uint8_t *bytes[3] = {remains(seed, &size[0]), remains(seed, &size[1]),
                             remains(seed + 1, &size[2])};

        ck_assert_uint_eq(size[0], size[1]);
        ck_assert_int_eq(memcmp(bytes[0], bytes[1], size[0]), 0);
        different += size[0] != size[2] || memcmp(bytes[0], bytes[2], size[0]) != 0;
        for (unsigned i = 0; i < 3; i++)
            free(bytes[i]);
    }
    ck_assert_uint_gt(different, SEEDS / 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_file_holds_what_was_written_and_a_copy_goes_its_own_way,
        copies_of_several_disks_come_together_on_one,
        a_copy_is_safe_from_a_power_cut,
        reading_past_the_end_gives_zeros,
        only_a_write_that_takes_room_can_find_the_disk_full,
        a_write_that_fails_is_half_done,
        a_read_only_disk_can_be_read_and_nothing_else,
        from_the_nth_call_on_the_process_is_dead,
        a_kill_loses_nothing_and_a_power_cut_after_it_may,
        files_are_forgotten_with_what_belongs_to_them,
        bits_flip_in_a_file_and_in_its_wal,
        calls_take_time_and_syncs_take_more,
        a_seed_always_leaves_the_same,
    };
    return suite_run(&(struct suite){.name = "sim_vfs",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 30,
                                     SUITE_TESTS(tests)});
}
