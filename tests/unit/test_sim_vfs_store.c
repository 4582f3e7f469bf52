/* A region's storage on the simulated disk: what it has acknowledged survives what a disk and a
 * process can come to, at every call. */

#include <errno.h>
#include <stdio.h>

#include "regiond/storage.h"
#include "tests/unit/suite.h"
#include "vfs_fixture.h"

#define WALL_US UINT64_C(1700000000000000)
#define SHARDS  3
#define TURNS   16
#define OPS     2 /* of a turn */
#define STRIDE  11

static const char *const shards[SHARDS] = {"us-east", "eu-west", "ap-northeast"};
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

static struct storage *open_storage(int *ret_error)
{
    struct storage *storage = NULL;
    const char *failed = NULL;

    *ret_error = storage_open("d", "us-east", shards, SHARDS, raw_disk, &storage, &failed);
    if (*ret_error == 0)
        storage_set_tidy_pages(storage, 12);
    return storage;
}

/* The disk has nothing against it. */
static struct storage *open_for_sure(void)
{
    int error;
    struct storage *storage = open_storage(&error);

    ck_assert_msg(error == 0, "%d: %s", error, store_last_error());
    return storage;
}

/* ---- turns ---- */

/* How far each file has come: seqs. */
struct ends {
    uint64_t shard[SHARDS], queue;
};

static struct store_op write_op(uint64_t seq, char key[24])
{
    static char value[3000];

    memset(value, 'v', sizeof(value));
    snprintf(key, 24, "k%d", (int)seq);
    return (struct store_op){.kind = STORE_OP_WRITE,
                             .write = {.service = "metadata",
                                       .user = "alice",
                                       .key = key,
                                       .content_type = "",
                                       .value = {value, sizeof(value)},
                                       .idempotency_key = key,
                                       .receipt = "",
                                       .traceparent = ""}};
}

static int write_to_shard(struct storage *storage, uint32_t shard, uint64_t *seq)
{
    struct store_op ops[OPS];
    char keys[OPS][24];
    struct storage_batch batch = {
        .target = shard, .epoch = 1, .wall_us = WALL_US, .ops = ops, .count = OPS};

    for (unsigned i = 0; i < OPS; i++)
        ops[i] = write_op(*seq + 1 + i, keys[i]);
    storage_run(storage, &batch);
    for (unsigned i = 0; i < OPS; i++) {
        ck_assert_int_eq(ops[i].result, batch.error == 0 ? STORE_DONE : STORE_NOT_RUN);
        store_op_release(&ops[i]);
    }
    if (batch.error == 0)
        *seq += OPS;
    return batch.error;
}

static int enqueue(struct storage *storage, uint64_t *seq)
{
    char receipt[24];
    struct queue_op op = {.kind = QUEUE_OP_ENQUEUE,
                          .entry = {.receipt = receipt,
                                    .user = "alice",
                                    .shard = "us-east",
                                    .service = "metadata",
                                    .idempotency_key = receipt,
                                    .call = {"c", 1}}};
    struct storage_batch batch = {.target = STORAGE_QUEUE,
                                  .wall_us = WALL_US,
                                  .queue_ops = &op,
                                  .count = 1,
                                  .limits = {.entries_max = 1000, .bytes_max = 100000}};

    snprintf(receipt, sizeof(receipt), "r%d", (int)*seq + 1);
    storage_run(storage, &batch);
    if (batch.error == 0)
        ck_assert_uint_eq(op.seq, ++*seq);
    return batch.error;
}

static int take_turn(struct storage *storage, unsigned turn, struct ends *ends)
{
    uint32_t target = turn % (SHARDS + 1);
    int error = target < SHARDS ? write_to_shard(storage, target, &ends->shard[target])
                                : enqueue(storage, &ends->queue);

    while (error == 0 && storage_tidy(storage, WALL_US))
        ;
    return error;
}

/* Turns until the disk has enough, with readers beside as in a region. */
static struct ends take_turns(struct storage *storage, struct ends ends)
{
    struct store_reader *reader = NULL;
    struct record record;
    char *path = storage_shard_path("d", shards[0]);
    int error = store_reader_open(path, raw_disk, &reader);

    for (unsigned turn = 0; turn < TURNS && error == 0; turn++) {
        error = take_turn(storage, turn, &ends);
        if (error == 0 && ends.shard[0] > 0)
            error = store_reader_get(reader, arena, "metadata", "alice", "k1", &record);
    }
    store_reader_free(reader);
    arena_reset(arena);
    free(path);
    return ends;
}

/* ---- what is left ---- */

static void assert_reads(uint32_t shard, uint64_t seq)
{
    char *path = storage_shard_path("d", shards[shard]);
    struct store_reader *reader = NULL;
    struct record record;
    char key[24];

    ck_assert_int_eq(store_reader_open(path, raw_disk, &reader), 0);
    for (uint64_t i = 1; i <= seq + 1; i++) {
        snprintf(key, sizeof(key), "k%d", (int)i);
        ck_assert_int_eq(store_reader_get(reader, arena, "metadata", "alice", key, &record),
                         i <= seq ? 0 : -ENOENT);
        ck_assert(i > seq || (record.seq == i && record.value.size == 3000));
    }
    store_reader_free(reader);
    arena_reset(arena);
    free(path);
}

static int read_queue_end(uint64_t *ret_seq)
{
    char *path = storage_queue_path("d");
    struct queue_reader *reader = NULL;
    int error = queue_reader_open(path, raw_disk, &reader);

    if (error == 0)
        error = queue_reader_last_seq(reader, "us-east", ret_seq);
    queue_reader_free(reader);
    free(path);
    return error;
}

static int read_ends(const struct storage *storage, struct ends *ret_ends)
{
    for (uint32_t i = 0; i < SHARDS; i++)
        ret_ends->shard[i] = storage_end(storage, i).seq;
    return read_queue_end(&ret_ends->queue);
}

/* The disk has nothing against it. */
static struct ends ends_of(const struct storage *storage)
{
    struct ends ends = {0};

    ck_assert_int_eq(read_ends(storage, &ends), 0);
    for (uint32_t i = 0; i < SHARDS; i++)
        assert_reads(i, ends.shard[i]);
    return ends;
}

/* @found is all that was acknowledged, or with one more batch, whose fate was unknown. */
static void assert_follows(const struct ends *found, const struct ends *acknowledged)
{
    uint64_t more = found->queue - acknowledged->queue;

    ck_assert_uint_le(more, 1);
    for (unsigned i = 0; i < SHARDS; i++) {
        uint64_t seqs = found->shard[i] - acknowledged->shard[i];

        ck_assert(seqs == 0 || seqs == OPS);
        more += seqs / OPS;
    }
    ck_assert_uint_le(more, 1);
}

/* ---- the end at every call ---- */

static void end_of_process(struct storage *storage)
{
    storage_free(storage);
    ck_assert_uint_eq(vfs_open_files(disk), 0);
    if (vfs_is_dead(disk))
        vfs_revive(disk);
}

/* A life that ends at the @countdown-th call; until then it adds to @ends. */
static void live_once(enum vfs_fault fault, uint64_t countdown, struct ends *ends)
{
    struct storage *storage;
    struct ends found = {0};
    int error;

    vfs_arm(disk, fault, countdown, VFS_ONCE);
    storage = open_storage(&error);
    if (error == 0)
        error = read_ends(storage, &found);
    ck_assert(error == 0 || vfs_is_dead(disk));
    if (error == 0) {
        assert_follows(&found, ends);
        *ends = take_turns(storage, found);
    }
    vfs_heal(disk, fault);
    end_of_process(storage);
}

static void assert_survives_lives(enum vfs_fault fault, unsigned first)
{
    bool ended = true;

    for (uint64_t countdown = first + 1; ended; countdown += STRIDE) {
        uint64_t failed;
        struct ends ends = {0}, found;
        struct storage *storage;

        remake_disk(countdown);
        live_once(fault, countdown, &ends);
        failed = vfs_counters(disk)->failed[fault];
        live_once(fault, countdown * 7 % 300 + 1, &ends);
        storage = open_for_sure();
        found = ends_of(storage);
        assert_follows(&found, &ends);
        end_of_process(storage);
        ended = failed > 0;
    }
}

START_TEST(a_kill_at_any_call_loses_nothing)
{
    assert_survives_lives(VFS_KILL, (unsigned)_i);
}
END_TEST

START_TEST(a_power_cut_at_any_call_loses_nothing)
{
    assert_survives_lives(VFS_POWER, (unsigned)_i);
}
END_TEST

/* What a start reads from a WAL that was never synced goes to followers and clients. */
START_TEST(what_a_start_has_found_stays)
{
    unsigned found_more = 0;

    for (uint64_t countdown = 1; countdown < 1500; countdown += 2 * SUITE_STRIDE) {
        struct ends ends = {0}, found, left;
        struct storage *storage;

        remake_disk(countdown);
        live_once(VFS_KILL, countdown, &ends);
        storage = open_for_sure();
        found = ends_of(storage);
        found_more += memcmp(&found, &ends, sizeof(ends)) != 0;
        vfs_cut_power(disk);
        end_of_process(storage);
        storage = open_for_sure();
        left = ends_of(storage);
        ck_assert_msg(memcmp(&left, &found, sizeof(left)) == 0, "killed at call %d",
                      (int)countdown);
        end_of_process(storage);
    }
    ck_assert_uint_gt(found_more, 0);
}
END_TEST

/* The pages that a failed fsync has left in memory look written to whoever starts next, and to
 * every later fsync. The next power cut shows what the disk has of them. */
START_TEST(a_failed_fsync_is_not_forgotten_by_the_next_start)
{
    for (uint64_t countdown = 1; countdown < 200; countdown += 3) {
        struct ends ends = {0}, left;
        struct storage *storage;

        remake_disk(countdown);
        storage = open_for_sure();
        vfs_arm(disk, VFS_SYNC, countdown % 20 + 1, VFS_ONCE);
        ends = take_turns(storage, ends);
        ck_assert_uint_eq(vfs_counters(disk)->failed[VFS_SYNC], 1);
        vfs_kill(disk);
        end_of_process(storage);
        live_once(VFS_POWER, countdown, &ends);
        storage = open_for_sure();
        left = ends_of(storage);
        assert_follows(&left, &ends);
        end_of_process(storage);
    }
}
END_TEST

/* ---- a disk in trouble ---- */

/* Returns how many turns have failed. */
static unsigned turns_in_trouble(enum vfs_fault fault, int wanted_error)
{
    struct storage *storage = open_for_sure();
    struct ends ends = {0}, left;
    unsigned failures = 0;

    for (unsigned turn = 0; turn < 60; turn++) {
        int error;

        vfs_arm(disk, fault, turn / 4 + 1, VFS_FROM_THEN_ON);
        error = take_turn(storage, turn, &ends);
        vfs_heal(disk, fault);
        if (error == 0)
            continue;
        failures++;
        ck_assert_int_eq(error, wanted_error);
        if (error == -EIO) { /* the process ends, and who knows what it has done */
            struct ends found;

            end_of_process(storage);
            storage = open_for_sure();
            found = ends_of(storage);
            assert_follows(&found, &ends);
            ends = found;
        }
        ck_assert_int_eq(take_turn(storage, turn, &ends), 0);
    }
    vfs_cut_power(disk);
    end_of_process(storage);
    storage = open_for_sure();
    left = ends_of(storage);
    ck_assert_int_eq(memcmp(&left, &ends, sizeof(left)), 0);
    end_of_process(storage);
    return failures;
}

START_TEST(a_full_disk_takes_nothing_and_loses_nothing)
{
    ck_assert_uint_gt(turns_in_trouble(VFS_FULL, -ENOSPC), 5);
}
END_TEST

START_TEST(a_broken_disk_ends_the_process_and_loses_nothing)
{
    ck_assert_uint_gt(turns_in_trouble(VFS_WRITE, -EIO), 10);
    remake_disk(2);
    ck_assert_uint_gt(turns_in_trouble(VFS_SYNC, -EIO), 2);
}
END_TEST

START_TEST(a_read_only_disk_opens_for_nobody_who_writes)
{
    struct storage *storage = open_for_sure();
    int error;

    end_of_process(storage);
    vfs_arm(disk, VFS_READ_ONLY, 1, VFS_FROM_THEN_ON);
    storage = open_storage(&error);
    ck_assert_ptr_null(storage);
    ck_assert_int_eq(error, -EROFS);
    vfs_heal(disk, VFS_READ_ONLY);
    end_of_process(open_for_sure());
}
END_TEST

START_TEST(copies_of_one_made_storage_are_used_like_it)
{
    struct vfs *made = disk, *copy;

    end_of_process(open_for_sure());
    for (unsigned world = 0; world < 3; world++) {
        struct storage *storage;
        struct ends ends;

        disk = copy = vfs_create("copy", world);
        raw_disk = "copy";
        vfs_copy(copy, made);
        storage = open_for_sure();
        ends = take_turns(storage, ends_of(storage));
        ck_assert_uint_eq(ends.queue, TURNS / (SHARDS + 1));
        vfs_cut_power(copy);
        end_of_process(storage);
        storage = open_for_sure();
        ends = ends_of(storage);
        ck_assert_uint_eq(ends.queue, TURNS / (SHARDS + 1));
        end_of_process(storage);
        vfs_free(copy);
    }
    disk = made;
    raw_disk = DISK;
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_a_start_has_found_stays,
        a_failed_fsync_is_not_forgotten_by_the_next_start,
        a_full_disk_takes_nothing_and_loses_nothing,
        a_broken_disk_ends_the_process_and_loses_nothing,
        a_read_only_disk_opens_for_nobody_who_writes,
        copies_of_one_made_storage_are_used_like_it,
    };
    const struct suite_loop loops[] = {
        {a_kill_at_any_call_loses_nothing, SUITE_SWEEP(STRIDE)},
        {a_power_cut_at_any_call_loses_nothing, SUITE_SWEEP(STRIDE)},
    };

    storage_configure();
    return suite_run(&(struct suite){.name = "sim_vfs_store",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 60,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
