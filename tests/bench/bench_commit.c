/* bench_commit: durable writes a second, against the least that anyone could do with SQLite.
 *
 *     plain     a loop that binds and steps: record, change, key and audit entry of each write, one
 *               transaction a batch; it checks nothing, packs nothing and digests nothing
 *     store     store_commit() with the same batch
 *     thread    the same through the storage thread, with a batch always waiting
 *
 * Same rows, sizes, settings and checkpoints; each on a file of its own, in turns, so that a noisy
 * machine is noisy for all three. The bar: store and thread reach 0.60 of plain.
 *
 *     bench_commit [DIRECTORY]      files are made below DIRECTORY (default: /tmp) and removed */

#include <assert.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/memory.h"
#include "common/random.h"
#include "regiond/live_storage.h"

#define BAR              0.60
#define BATCH_MAX        128
#define ROUNDS           4
#define SLICE_US         (180 * MILLISECOND_US)
#define CHECKPOINT_PAGES 16384
#define RECORDS          20000
#define VALUE_SIZE       200

/* One write, as a client would make it: some user's some key, under an idempotency key of its own.
 */
struct write {
    char user[32];
    char key[32];
    char once[48];
};

struct writes {
    struct random random;
    char value[VALUE_SIZE];
};

static void make_write(struct writes *writes, struct write *ret_write)
{
    uint64_t record = random_up_to(&writes->random, RECORDS - 1);

    snprintf(ret_write->user, sizeof(ret_write->user), "u%024llu",
             (unsigned long long)(record / 20));
    snprintf(ret_write->key, sizeof(ret_write->key), "settings/%llu",
             (unsigned long long)(record % 20));
    snprintf(ret_write->once, sizeof(ret_write->once), "%016llx%016llx",
             (unsigned long long)random_next(&writes->random),
             (unsigned long long)random_next(&writes->random));
}

static uint64_t now_us(void)
{
    return live_loop_now().now_us;
}

/* ---- plain ---- */

struct plain {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *record, *change, *key, *audit, *audit_user;
    uint64_t seq;
};

static void must(sqlite3 *db, int code)
{
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
        return;
    fprintf(stderr, "bench_commit: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    must(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
    return statement;
}

static struct plain plain_open(const char *path)
{
    struct plain plain = {0};

    must(NULL,
         sqlite3_open_v2(path, &plain.db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL));
    must(plain.db,
         sqlite3_exec(
             plain.db,
             "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-2048;"
             "PRAGMA cache_spill=OFF; PRAGMA secure_delete=OFF; PRAGMA wal_autocheckpoint=16384;"
             "CREATE TABLE records(service TEXT, user TEXT, key TEXT, incarnation INTEGER,"
             " version INTEGER, deleted INTEGER, updated INTEGER, epoch INTEGER, seq INTEGER,"
             " content_type TEXT, value BLOB, PRIMARY KEY(service, user, key))"
             " STRICT, WITHOUT ROWID;"
             "CREATE TABLE changes(seq INTEGER PRIMARY KEY, epoch INTEGER, digest BLOB,"
             " bytes BLOB) STRICT;"
             "CREATE TABLE idempotency(user TEXT, key TEXT, digest BLOB, wall INTEGER,"
             " epoch INTEGER, seq INTEGER, version INTEGER, incarnation INTEGER,"
             " created INTEGER, deleted INTEGER, PRIMARY KEY(user, key)) STRICT, WITHOUT ROWID;"
             "CREATE TABLE audit(n INTEGER PRIMARY KEY, digest BLOB, bytes BLOB) STRICT;"
             "CREATE TABLE audit_users(user TEXT PRIMARY KEY, n INTEGER) STRICT, WITHOUT ROWID;",
             NULL, NULL, NULL));
    plain.begin = prepare(plain.db, "BEGIN IMMEDIATE");
    plain.commit = prepare(plain.db, "COMMIT");
    plain.record = prepare(plain.db, "REPLACE INTO records VALUES('metadata', ?1, ?2, 1, 1, 0, 1,"
                                     " 1, ?3, 'application/json', ?4)");
    plain.change = prepare(plain.db, "INSERT INTO changes VALUES(?1, 1, ?2, ?3)");
    plain.key = prepare(plain.db, "REPLACE INTO idempotency VALUES(?1, ?2, ?3, 1, 1, ?4, 1, 1, 1,"
                                  " 0)");
    plain.audit = prepare(plain.db, "INSERT INTO audit VALUES(?1, ?2, ?3)");
    plain.audit_user = prepare(plain.db, "REPLACE INTO audit_users VALUES(?1, ?2)");
    return plain;
}

static void run(struct plain *plain, sqlite3_stmt *statement)
{
    must(plain->db, sqlite3_step(statement));
    sqlite3_reset(statement);
}

static void plain_write(struct plain *plain, const struct write *write, const char *value)
{
    static const uint8_t change[478]; /* about what a packed Change of such a write takes */
    static const uint8_t entry[224];  /* and its audit entry */
    sqlite3_int64 seq = (sqlite3_int64)++plain->seq;

    sqlite3_bind_text(plain->record, 1, write->user, -1, SQLITE_STATIC);
    sqlite3_bind_text(plain->record, 2, write->key, -1, SQLITE_STATIC);
    sqlite3_bind_int64(plain->record, 3, seq);
    sqlite3_bind_blob(plain->record, 4, value, VALUE_SIZE, SQLITE_STATIC);
    run(plain, plain->record);
    sqlite3_bind_int64(plain->change, 1, seq);
    sqlite3_bind_blob(plain->change, 2, change, 32, SQLITE_STATIC);
    sqlite3_bind_blob(plain->change, 3, change, sizeof(change), SQLITE_STATIC);
    run(plain, plain->change);
    sqlite3_bind_text(plain->key, 1, write->user, -1, SQLITE_STATIC);
    sqlite3_bind_text(plain->key, 2, write->once, -1, SQLITE_STATIC);
    sqlite3_bind_blob(plain->key, 3, change, 16, SQLITE_STATIC);
    sqlite3_bind_int64(plain->key, 4, seq);
    run(plain, plain->key);
    sqlite3_bind_int64(plain->audit, 1, seq);
    sqlite3_bind_blob(plain->audit, 2, entry, 32, SQLITE_STATIC);
    sqlite3_bind_blob(plain->audit, 3, entry, sizeof(entry), SQLITE_STATIC);
    run(plain, plain->audit);
    sqlite3_bind_text(plain->audit_user, 1, write->user, -1, SQLITE_STATIC);
    sqlite3_bind_int64(plain->audit_user, 2, seq);
    run(plain, plain->audit_user);
}

static void plain_commit(struct plain *plain, struct writes *writes, size_t count)
{
    struct write made[BATCH_MAX];

    for (size_t i = 0; i < count; i++)
        make_write(writes, &made[i]);
    run(plain, plain->begin);
    for (size_t i = 0; i < count; i++)
        plain_write(plain, &made[i], writes->value);
    run(plain, plain->commit);
}

static void plain_close(struct plain *plain)
{
    sqlite3_finalize(plain->begin);
    sqlite3_finalize(plain->commit);
    sqlite3_finalize(plain->record);
    sqlite3_finalize(plain->change);
    sqlite3_finalize(plain->key);
    sqlite3_finalize(plain->audit);
    sqlite3_finalize(plain->audit_user);
    sqlite3_close(plain->db);
}

/* ---- store ---- */

/* A batch with the memory that its operations point to. */
struct load {
    struct storage_batch batch;
    struct store_op ops[BATCH_MAX];
    struct write made[BATCH_MAX];
};

static void fill(struct load *load, struct writes *writes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        make_write(writes, &load->made[i]);
        load->ops[i] = (struct store_op){
            .kind = STORE_OP_WRITE,
            .write = {.service = "metadata",
                      .user = load->made[i].user,
                      .key = load->made[i].key,
                      .content_type = "application/json",
                      .value = {writes->value, VALUE_SIZE},
                      .idempotency_key = load->made[i].once,
                      .receipt = "",
                      .traceparent = "00-437bf9d16e97d2d8833d1ffcfc0c6bcd-b5e778b43b6c87e6-01"}};
    }
    load->batch = (struct storage_batch){.target = 0,
                                         .epoch = 1,
                                         .wall_us = live_loop_now().wall_us,
                                         .ops = load->ops,
                                         .count = count,
                                         .context = load};
}

static void check_and_release(struct load *load, int error)
{
    for (size_t i = 0; i < load->batch.count; i++) {
        if (error != 0 || load->ops[i].result != STORE_DONE) {
            fprintf(stderr, "bench_commit: a write failed: %s\n", store_last_error());
            exit(1);
        }
        store_op_release(&load->ops[i]);
    }
}

static void store_round(struct store *store, struct load *load, struct writes *writes, size_t count)
{
    fill(load, writes, count);
    check_and_release(load, store_commit(store, 1, load->batch.wall_us, load->ops, count));
    if (store_wal_pages(store) >= CHECKPOINT_PAGES)
        store_checkpoint(store);
}

/* ---- thread ---- */

struct thread {
    struct live_loop *loop;
    struct storage *storage;
    struct live_storage *live;
    struct load loads[2]; /* one is out, the other waits */
    struct writes *writes;
    size_t count;
    unsigned out;
    uint64_t until_us;
    uint64_t done;
};

/* What waits goes first; only then is the one that came back looked at. */
static void on_done(struct storage_batch *batch, void *context)
{
    struct thread *thread = context;
    struct load *load = batch->context;
    bool over = now_us() >= thread->until_us;

    thread->out--;
    if (!over) {
        struct load *other = &thread->loads[load == &thread->loads[0]];

        live_storage_run(thread->live, &other->batch);
        thread->out++;
    }
    check_and_release(load, batch->error);
    thread->done += batch->count;
    if (over)
        live_loop_stop(thread->loop);
    else
        fill(load, thread->writes, thread->count);
}

static uint64_t thread_slice(struct thread *thread, size_t count, uint64_t until_us)
{
    thread->count = count;
    thread->until_us = until_us;
    thread->done = 0;
    fill(&thread->loads[0], thread->writes, count);
    fill(&thread->loads[1], thread->writes, count);
    thread->out = 1;
    live_storage_run(thread->live, &thread->loads[0].batch);
    live_loop_run(thread->loop);
    assert(thread->out == 0);
    return thread->done;
}

/* ---- the comparison ---- */

struct bench {
    char directory[256];
    struct writes writes;
    struct plain plain;
    struct store *store;
    struct thread thread;
};

static void bench_open(struct bench *bench, struct live_loop *loop, const char *below)
{
    static const char *const shards[] = {"bench"};
    char path[300];
    const char *failed;

    snprintf(bench->directory, sizeof(bench->directory), "%s/bench-commit-XXXXXX", below);
    if (!mkdtemp(bench->directory)) {
        perror(below);
        exit(1);
    }
    random_seed(&bench->writes.random, 1);
    memset(bench->writes.value, 'v', sizeof(bench->writes.value));
    snprintf(path, sizeof(path), "%s/plain.db", bench->directory);
    bench->plain = plain_open(path);
    snprintf(path, sizeof(path), "%s/store.db", bench->directory);
    bench->thread.loop = loop;
    bench->thread.writes = &bench->writes;
    if (store_open(path, "bench", NULL, &bench->store) < 0 ||
        storage_open(bench->directory, "bench", shards, 1, NULL, &bench->thread.storage, &failed) < 0 ||
        live_storage_create(loop, bench->thread.storage, on_done, &bench->thread,
                            &bench->thread.live) < 0) {
        fprintf(stderr, "bench_commit: %s\n", store_last_error());
        exit(1);
    }
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static void bench_close(struct bench *bench)
{
    plain_close(&bench->plain);
    store_free(bench->store);
    live_storage_free(bench->thread.live);
    storage_free(bench->thread.storage);
    nftw(bench->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

enum way { PLAIN, STORE, THREAD, WAYS };

static double slice(struct bench *bench, enum way way, size_t count)
{
    uint64_t start_us = now_us();
    uint64_t until_us = start_us + SLICE_US;
    uint64_t done = 0;

    if (way == THREAD)
        done = thread_slice(&bench->thread, count, until_us);
    else
        for (; now_us() < until_us; done += count) {
            if (way == PLAIN)
                plain_commit(&bench->plain, &bench->writes, count);
            else
                store_round(bench->store, &bench->thread.loads[0], &bench->writes, count);
        }
    return (double)done * 1e6 / (double)(now_us() - start_us);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

/* The median of the rounds, for each way; the first round warms up. */
static void measure(struct live_loop *loop, const char *below, size_t count, double ret_rates[WAYS])
{
    struct bench *bench = memory_alloc(sizeof(*bench));
    double rates[WAYS][ROUNDS];

    bench_open(bench, loop, below);
    for (int round = 0; round < ROUNDS; round++)
        for (int way = 0; way < WAYS; way++)
            rates[way][round] = slice(bench, (enum way)way, count);
    for (int way = 0; way < WAYS; way++) {
        qsort(rates[way] + 1, ROUNDS - 1, sizeof(double), compare);
        ret_rates[way] = rates[way][1 + (ROUNDS - 1) / 2];
    }
    bench_close(bench);
    free(bench);
}

int main(int argc, char **argv)
{
    static const size_t batches[] = {1, 8, 32, BATCH_MAX};
    struct live_loop *loop;
    bool reached = true;

    storage_configure();
    if (live_loop_create(&loop) < 0)
        return 1;
    printf("writes a second\n%8s %10s %10s %10s %14s %14s\n", "batch", "plain", "store", "thread",
           "store/plain", "thread/plain");
    for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        double rates[WAYS];

        measure(loop, argc > 1 ? argv[1] : "/tmp", batches[i], rates);
        printf("%8zu %10.0f %10.0f %10.0f %14.2f %14.2f\n", batches[i], rates[PLAIN], rates[STORE],
               rates[THREAD], rates[STORE] / rates[PLAIN], rates[THREAD] / rates[PLAIN]);
        reached =
            reached && rates[STORE] >= BAR * rates[PLAIN] && rates[THREAD] >= BAR * rates[PLAIN];
    }
    live_loop_free(loop);
    printf("bar %.2f: %s\n", BAR, reached ? "reached" : "missed");
    return reached ? 0 : 1;
}
