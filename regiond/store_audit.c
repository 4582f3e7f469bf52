/* Verifying an audit chain, some rows at a time; see store_audit.h. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regiond/queue_store_internal.h"
#include "regiond/store_audit_internal.h"
#include "regiond/store_internal.h"

/* Where in the change log the chain has got. */
struct audit_log {
    bool exists; /* the file has a log: it is a shard's */
    uint64_t first_seq;
    uint64_t epoch, seq; /* the change of the last entry that has one; epoch 0: none yet */
};

struct store_audit {
    struct store_file file;
    char *region, *chain;
    struct store_audit_witness *witnesses; /* by n */
    size_t witness_count;
    size_t witness; /* the next one */
    struct arena *arena;
    sqlite3_stmt *rows;
    struct store_audit_head end;
    bool follows; /* the digest in `end` is what the next entry must hold */
    uint64_t entries;
    struct audit_log log;
    struct store_audit_finding findings[STORE_AUDIT_FINDINGS_MAX];
    uint64_t found;
    bool done;
};

static void find(struct store_audit *audit, struct store_audit_finding finding)
{
    if (audit->found < STORE_AUDIT_FINDINGS_MAX)
        audit->findings[audit->found] = finding;
    audit->found++;
}

static void find_at(struct store_audit *audit, enum store_audit_fault fault, uint64_t n,
                    uint64_t other)
{
    find(audit, (struct store_audit_finding){.fault = fault, .n = n, .other = other});
}

/* ---- the chain ---- */

/* One row as it is read. */
struct row {
    uint64_t n;
    struct slice bytes;
    uint8_t stored[DIGEST_SIZE];
    bool has_stored;        /* there is a digest beside it */
    bool is_whole;          /* which is the entry's */
    Mec__AuditEntry *entry; /* NULL: it is none */
};

static struct row take_row(struct store_audit *audit)
{
    struct row row = {.n = store_file_u64(audit->rows, 0)};
    uint8_t computed[DIGEST_SIZE];

    row.bytes = (struct slice){sqlite3_column_blob(audit->rows, 2),
                               (size_t)sqlite3_column_bytes(audit->rows, 2)};
    row.has_stored = sqlite3_column_bytes(audit->rows, 1) == DIGEST_SIZE;
    if (row.has_stored)
        memcpy(row.stored, sqlite3_column_blob(audit->rows, 1), DIGEST_SIZE);
    store_digest_of(row.bytes, computed);
    row.is_whole = row.has_stored && memcmp(row.stored, computed, DIGEST_SIZE) == 0;
    arena_reset(audit->arena);
    row.entry = mec__audit_entry__unpack(arena_allocator(audit->arena), row.bytes.size,
                                         (const uint8_t *)row.bytes.data);
    if (row.entry && row.entry->n == 0)
        row.entry = NULL;
    return row;
}

static bool holds_digest(const Mec__AuditEntry *entry, const struct store_audit_head *before)
{
    if (before->n == 0)
        return entry->previous_digest.len == 0;
    return entry->previous_digest.len == DIGEST_SIZE &&
           memcmp(entry->previous_digest.data, before->digest, DIGEST_SIZE) == 0;
}

/* Is the entry of @row what it was and where it was? Then it may be believed. */
static bool check_entry(struct store_audit *audit, const struct row *row)
{
    const Mec__AuditEntry *entry = row->entry;

    if (entry && entry->n != row->n)
        find_at(audit, STORE_AUDIT_REORDERED, row->n, entry->n);
    else if (!entry || !row->is_whole)
        find_at(audit, STORE_AUDIT_EDITED, row->n, 0);
    else if (strcmp(entry->region, audit->region) != 0 || strcmp(entry->chain, audit->chain) != 0)
        find_at(audit, STORE_AUDIT_FOREIGN, row->n, 0);
    else if (audit->follows && !holds_digest(entry, &audit->end))
        find_at(audit, STORE_AUDIT_BROKEN, row->n, 0);
    else
        return true;
    return false;
}

/* What stands behind a fault is held against the digest beside it, so that one edit is one finding;
 * behind what has another's place nothing is known. */
static void move_end(struct store_audit *audit, const struct row *row)
{
    audit->end.n = row->n;
    memcpy(audit->end.digest, row->stored, DIGEST_SIZE);
    audit->follows = row->has_stored && !(row->entry && row->entry->n != row->n);
    if (row->n == 1 && row->has_stored)
        memcpy(audit->end.start, row->stored, DIGEST_SIZE);
}

/* ---- witnesses ---- */

static int compare_witnesses(const void *a, const void *b)
{
    const struct store_audit_witness *left = a, *right = b;

    return (left->head.n > right->head.n) - (left->head.n < right->head.n);
}

static void keep_witnesses(struct store_audit *audit, const struct store_audit_witness *witnesses,
                           size_t count)
{
    audit->witnesses = memory_alloc((count + 1) * sizeof(*audit->witnesses));
    for (size_t i = 0; i < count; i++)
        audit->witnesses[i] = witnesses[i];
    audit->witness_count = count;
    qsort(audit->witnesses, count, sizeof(*audit->witnesses), compare_witnesses);
}

/* One of a chain that was here before this one. (That this one has lost its first entry is found
 * elsewhere.) */
static bool is_of_another(const struct store_audit *audit, const struct store_audit_head *head)
{
    static const uint8_t unknown[DIGEST_SIZE];

    return memcmp(audit->end.start, unknown, DIGEST_SIZE) != 0 &&
           memcmp(audit->end.start, head->start, DIGEST_SIZE) != 0;
}

static void find_witnessed(struct store_audit *audit, enum store_audit_fault fault, uint64_t n,
                           const struct store_audit_witness *witness)
{
    find(audit, (struct store_audit_finding){
                    .fault = fault, .n = n, .other = witness->head.n, .witness = witness->name});
}

/* Hold @row against the heads up to there. A row that is faulty anyway is not named twice, and two
 * witnesses of one thing are one. */
static void check_witnesses(struct store_audit *audit, const struct row *row, bool is_faulty)
{
    for (; audit->witness < audit->witness_count; audit->witness++) {
        const struct store_audit_witness *witness = &audit->witnesses[audit->witness];
        bool differs = memcmp(witness->head.digest, row->stored, DIGEST_SIZE) != 0;

        if (witness->head.n > row->n)
            break;
        if (is_of_another(audit, &witness->head)) {
            find_witnessed(audit, STORE_AUDIT_REPLACED, 0, witness);
        } else if (witness->head.n == row->n && differs && !is_faulty) {
            find_witnessed(audit, STORE_AUDIT_REWRITTEN, row->n, witness);
            is_faulty = true;
        }
    }
}

/* Of all heads behind the end the last one says the most. */
static void check_cut(struct store_audit *audit)
{
    const struct store_audit_witness *last = NULL;

    for (; audit->witness < audit->witness_count; audit->witness++) {
        const struct store_audit_witness *witness = &audit->witnesses[audit->witness];

        if (is_of_another(audit, &witness->head))
            find_witnessed(audit, STORE_AUDIT_REPLACED, 0, witness);
        else
            last = witness;
    }
    if (last)
        find_witnessed(audit, STORE_AUDIT_CUT, audit->end.n, last);
}

/* ---- the log ---- */

/* The change at @seq: *@ret_epoch is 0 when there is none. Errors: -EIO. */
static int read_change(struct store_audit *audit, uint64_t seq, uint64_t *ret_epoch,
                       uint8_t ret_digest[DIGEST_SIZE])
{
    sqlite3_stmt *statement = store_file_statement(&audit->file, STORE_SQL_CHANGE_GET);
    int code;

    if (!statement)
        return -EIO;
    store_file_bind_u64(statement, 1, seq);
    code = sqlite3_step(statement);
    *ret_epoch = 0;
    if (code == SQLITE_ROW) {
        *ret_epoch = store_file_u64(statement, 0);
        store_digest_of((struct slice){sqlite3_column_blob(statement, 1),
                                       (size_t)sqlite3_column_bytes(statement, 1)},
                        ret_digest);
    }
    sqlite3_reset(statement);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return 0;
    store_file_error(&audit->file, code);
    return -EIO;
}

static void find_change(struct store_audit *audit, enum store_audit_fault fault, uint64_t n,
                        uint64_t epoch, uint64_t seq)
{
    find(audit, (struct store_audit_finding){.fault = fault, .n = n, .epoch = epoch, .seq = seq});
}

/* The chain goes on behind the change of its last entry, or ends: is the next change of that epoch
 * without one? */
static int check_behind(struct store_audit *audit)
{
    struct audit_log *log = &audit->log;
    uint8_t digest[DIGEST_SIZE];
    uint64_t epoch;
    int error;

    if (log->epoch == 0)
        return 0;
    error = read_change(audit, log->seq + 1, &epoch, digest);
    if (error == 0 && epoch == log->epoch)
        find_change(audit, STORE_AUDIT_UNAUDITED, 0, epoch, log->seq + 1);
    return error;
}

/* Another change with a higher epoch took its place when this region was no longer the home. */
static int check_logged(struct store_audit *audit, const Mec__AuditEntry *entry)
{
    uint8_t digest[DIGEST_SIZE];
    uint64_t epoch;
    int error = read_change(audit, entry->seq, &epoch, digest);
    bool same = entry->change_digest.len == DIGEST_SIZE &&
                memcmp(entry->change_digest.data, digest, DIGEST_SIZE) == 0;

    if (error != 0)
        return error;
    if (epoch == 0 && entry->seq >= audit->log.first_seq)
        find_change(audit, STORE_AUDIT_NO_CHANGE, entry->n, entry->epoch, entry->seq);
    else if (epoch != 0 && epoch <= entry->epoch && (epoch < entry->epoch || !same))
        find_change(audit, STORE_AUDIT_OTHER_CHANGE, entry->n, entry->epoch, entry->seq);
    return 0;
}

static int check_change(struct store_audit *audit, const Mec__AuditEntry *entry)
{
    struct audit_log *log = &audit->log;
    bool next = entry->epoch == log->epoch && entry->seq == log->seq + 1;
    int error = 0;

    if (!log->exists || entry->epoch == 0)
        return 0;
    if (entry->epoch < log->epoch || (entry->epoch == log->epoch && entry->seq <= log->seq)) {
        find_change(audit, STORE_AUDIT_OUT_OF_TURN, entry->n, entry->epoch, entry->seq);
        return 0;
    }
    if (!next)
        error = check_behind(audit);
    log->epoch = entry->epoch;
    log->seq = entry->seq;
    return error == 0 ? check_logged(audit, entry) : error;
}

/* ---- steps ---- */

static int take(struct store_audit *audit)
{
    struct row row = take_row(audit);
    bool good;

    audit->entries++;
    if ((sqlite3_int64)row.n < 1) { /* a number that no entry has */
        find_at(audit, STORE_AUDIT_FOREIGN, row.n, 0);
        return 0;
    }
    if (row.n > audit->end.n + 1) {
        find_at(audit, STORE_AUDIT_MISSING, audit->end.n + 1, row.n - 1);
        audit->follows = false;
    }
    good = check_entry(audit, &row);
    move_end(audit, &row);
    check_witnesses(audit, &row, !good);
    if (!good) {
        audit->log.epoch = 0; /* changes that it may have told of cannot be missed */
        return 0;
    }
    return check_change(audit, row.entry);
}

int store_audit_step(struct store_audit *audit, size_t rows)
{
    assert(!audit->done);
    for (size_t i = 0; i < rows; i++) {
        int code = sqlite3_step(audit->rows);

        if (code == SQLITE_ROW && take(audit) == 0)
            continue;
        sqlite3_reset(audit->rows);
        if (code == SQLITE_ROW)
            return -EIO;
        if (code != SQLITE_DONE) {
            store_file_error(&audit->file, code);
            return -EIO;
        }
        check_cut(audit);
        audit->done = true;
        return check_behind(audit);
    }
    return 1;
}

/* ---- life ---- */

static int read_log(struct store_audit *audit)
{
    sqlite3_stmt *statement = store_file_statement(&audit->file, STORE_SQL_CHANGE_FIRST);
    int code;

    if (!statement)
        return -EIO;
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        audit->log.first_seq = store_file_u64(statement, 0);
    sqlite3_reset(statement);
    return code == SQLITE_ROW ? 0 : store_file_open_error(&audit->file);
}

/* All is read in one transaction: entries and changes belong together. */
static int take_snapshot(struct store_audit *audit)
{
    int code = sqlite3_exec(audit->file.db, "BEGIN", NULL, NULL, NULL);

    if (code != SQLITE_OK)
        return store_file_open_error(&audit->file);
    audit->rows = store_file_statement(&audit->file, STORE_AUDIT_SQL_SCAN);
    if (!audit->rows)
        return store_file_open_error(&audit->file);
    store_file_bind_u64(audit->rows, 1, (uint64_t)INT64_MIN);
    return audit->log.exists ? read_log(audit) : 0;
}

int store_audit_begin(const char *path, const char *vfs, const char *region, const char *chain,
                      const struct store_audit_witness *witnesses, size_t witness_count,
                      struct store_audit **ret_audit)
{
    struct store_audit *audit = memory_alloc(sizeof(*audit));
    bool queue = strcmp(chain, STORE_AUDIT_QUEUE) == 0;
    int error =
        store_file_open_reader(&audit->file, path, queue ? &queue_store_kind : &store_kind, vfs);

    audit->log.exists = !queue;
    audit->follows = true;
    if (error == 0)
        error = take_snapshot(audit);
    if (error != 0) {
        store_audit_free(audit);
        return error;
    }
    audit->region = memory_text(region);
    audit->chain = memory_text(chain);
    audit->arena = arena_create();
    keep_witnesses(audit, witnesses, witness_count);
    *ret_audit = audit;
    return 0;
}

void store_audit_result(const struct store_audit *audit, struct store_audit_result *ret_result)
{
    assert(audit->done);
    *ret_result = (struct store_audit_result){
        .end = audit->end,
        .entries = audit->entries,
        .findings = audit->findings,
        .finding_count = audit->found < STORE_AUDIT_FINDINGS_MAX ? (size_t)audit->found
                                                                 : STORE_AUDIT_FINDINGS_MAX,
        .found = audit->found,
    };
}

void store_audit_free(struct store_audit *audit)
{
    if (!audit)
        return;
    store_file_close(&audit->file);
    if (audit->arena)
        arena_free(audit->arena);
    free(audit->witnesses);
    free(audit->region);
    free(audit->chain);
    free(audit);
}
