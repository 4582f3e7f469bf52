/* The content digest of a whole copy, some rows at a time; see store.h.
 *
 * Every field goes in with its length before it, or as eight bytes, so that no two different
 * contents feed the same bytes. */

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "regiond/store_internal.h"

/* Of some of the rows. */
struct sum {
    crypto_generichash_state state;
    uint64_t records;
    uint8_t result[DIGEST_SIZE];
};

struct store_digest {
    struct store_file file;
    sqlite3_stmt *rows;
    struct sum all;
    struct sum services[PARTS_SERVICE_COUNT];
    struct store_end end;
    bool done;
};

static void add_u64(struct sum *sum, uint64_t value)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (56 - 8 * i));
    crypto_generichash_update(&sum->state, bytes, sizeof(bytes));
}

static void add_to_sum(struct sum *sum, sqlite3_stmt *row)
{
    for (int column = 0; column < sqlite3_column_count(row); column++) {
        if (sqlite3_column_type(row, column) == SQLITE_INTEGER) {
            add_u64(sum, store_file_u64(row, column));
            continue;
        }
        const void *data = sqlite3_column_blob(row, column);
        size_t size = (size_t)sqlite3_column_bytes(row, column);

        add_u64(sum, size);
        crypto_generichash_update(&sum->state, data, size);
    }
    sum->records++;
}

static void add_row(struct store_digest *digest)
{
    const char *records = (const char *)sqlite3_column_text(digest->rows, 0);
    enum parts_service service;

    add_to_sum(&digest->all, digest->rows);
    if (records && parts_records_find(records, &service) == 0)
        add_to_sum(&digest->services[service], digest->rows);
}

static void begin_sum(struct sum *sum)
{
    crypto_generichash_init(&sum->state, NULL, 0, DIGEST_SIZE);
}

static void end_sum(struct sum *sum)
{
    crypto_generichash_final(&sum->state, sum->result, DIGEST_SIZE);
}

/* The end is read in the transaction that the rows will be read in. */
static int take_snapshot(struct store_digest *digest)
{
    int code = sqlite3_exec(digest->file.db, "BEGIN", NULL, NULL, NULL);

    if (code != SQLITE_OK) {
        store_file_error(&digest->file, code);
        return -EIO;
    }
    digest->rows = store_file_statement(&digest->file, STORE_SQL_RECORD_SCAN);
    return digest->rows ? store_read_end(&digest->file, &digest->end) : -EIO;
}

int store_digest_begin(const char *path, const char *vfs, struct store_digest **ret_digest)
{
    struct store_digest *digest = memory_alloc(sizeof(*digest));
    int error = store_file_open_reader(&digest->file, path, &store_kind, vfs);

    if (error == 0)
        error = take_snapshot(digest);
    if (error != 0) {
        store_digest_free(digest);
        return error;
    }
    begin_sum(&digest->all);
    for (size_t i = 0; i < PARTS_SERVICE_COUNT; i++)
        begin_sum(&digest->services[i]);
    *ret_digest = digest;
    return 0;
}

int store_digest_step(struct store_digest *digest, size_t rows)
{
    assert(!digest->done);
    for (size_t i = 0; i < rows; i++) {
        int code = sqlite3_step(digest->rows);

        if (code == SQLITE_ROW) {
            add_row(digest);
            continue;
        }
        sqlite3_reset(digest->rows);
        if (code != SQLITE_DONE) {
            store_file_error(&digest->file, code);
            return -EIO;
        }
        end_sum(&digest->all);
        for (size_t j = 0; j < PARTS_SERVICE_COUNT; j++)
            end_sum(&digest->services[j]);
        digest->done = true;
        return 0;
    }
    return 1;
}

void store_digest_result(const struct store_digest *digest, uint8_t ret_digest[DIGEST_SIZE],
                         struct store_end *ret_end, uint64_t *ret_records)
{
    assert(digest->done);
    memcpy(ret_digest, digest->all.result, DIGEST_SIZE);
    *ret_end = digest->end;
    *ret_records = digest->all.records;
}

void store_digest_service(const struct store_digest *digest, enum parts_service service,
                          uint8_t ret_digest[DIGEST_SIZE], uint64_t *ret_records)
{
    assert(digest->done);
    memcpy(ret_digest, digest->services[service].result, DIGEST_SIZE);
    *ret_records = digest->services[service].records;
}

void store_digest_free(struct store_digest *digest)
{
    if (!digest)
        return;
    store_file_close(&digest->file);
    free(digest);
}
