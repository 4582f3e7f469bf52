/* store_file: one SQLite file of ours: made, opened, checked, and what its errors mean.
 *
 * Both kinds of file (a shard's and the region's queue) stand on this. A struct store_file is one
 * connection with the statements it has prepared, kept until it is closed; it is used by one thread
 * at a time. The writing connection alone checkpoints, and only when it is told to. */

#ifndef MEC_STORE_FILE_H
#define MEC_STORE_FILE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/memory.h"
#include "common/slice.h"

#define STORE_FILE_STATEMENTS_MAX 32

/* A kind of file: what tells it from any other, and the tables in it. */
struct store_file_kind {
    const char *what;
    int64_t application_id;
    int64_t version;
    const char *schema;
    const char *const *migrations; /* item i brings a file of version i + 1 to the next one */
    const char *const *sql; /* the statements its users keep, at most STORE_FILE_STATEMENTS_MAX */
};

struct store_file {
    sqlite3 *db;
    const struct store_file_kind *kind;
    char *path;
    sqlite3_stmt *kept[STORE_FILE_STATEMENTS_MAX];
    sqlite3_stmt *begin, *commit;
    size_t wal_pages; /* in the WAL as of the last commit */
    size_t wal_moved; /* of those, in the file too */
    bool failed;      /* an earlier failure left the file's state unknown: writing is over */
};

/* Open for writing; create when missing, with @name in it. An existing file must hold @name; one of
 * an older version is brought up to date, in one transaction a version.
 * The directory is not synced: see store_file_sync_directory(). Errors: as store_open(). */
int store_file_open(struct store_file *file, const char *path, const struct store_file_kind *kind,
                    const char *name, const char *vfs);

/* Open an existing file for reading only. Errors: as store_open(); -ENOENT, it does not exist. */
int store_file_open_reader(struct store_file *file, const char *path,
                           const struct store_file_kind *kind, const char *vfs);

/* What the last failure of the connection means while a file is being opened, kept for
 * store_last_error(). Errors: as store_open(). */
int store_file_open_error(struct store_file *file);

/* Also for a file whose opening failed, or that is all zero. */
void store_file_close(struct store_file *file);

/* Make durable what an earlier process has left in the WAL of @path, before anyone reads it;
 * nothing happens when there is none. A process that was killed between writing and syncing leaves
 * commits that are in the page cache alone; so does one that stopped because its fsync failed, and
 * there the pages count as clean, so that no fsync would write them again: they are written over
 * themselves first. SQLite's own recovery takes all of it for committed and syncs none, and what we
 * take for committed is served, shipped and acknowledged. Errors: -EROFS, -EACCES, -ENOSPC as the
 * system says; -EIO. */
int store_file_settle_wal(const char *path, const char *vfs);

/* Make it sure that files which were created in @directory are found there after a power cut.
 * Errors: -errno. */
int store_file_sync_directory(const char *directory);

/* The kept statement of @index in kind->sql, prepared at its first use; NULL when that failed. */
sqlite3_stmt *store_file_statement(struct store_file *file, unsigned index);

/* Step a statement that gives no rows, and reset it. Returns 0, or as store_file_error(). */
int store_file_run(struct store_file *file, sqlite3_stmt *statement);

/* What the failure @code of SQLite means for a writer, kept for store_last_error(): -ENOSPC, the
 * disk takes no writes, and a rollback undoes everything; -EIO, anything else. */
int store_file_error(struct store_file *file, int code);

/* One durable transaction. store_file_rollback() is told what failed, and returns what the caller
 * is to return: -ENOSPC when all is undone, or -EIO, and then the file is failed for good. */
int store_file_begin(struct store_file *file);
int store_file_commit(struct store_file *file);
int store_file_rollback(struct store_file *file, int error);

/* As store_checkpoint(). */
int store_file_checkpoint(struct store_file *file);
size_t store_file_wal_pages(const struct store_file *file);

/* What failed last on this thread, with the file's name. */
const char *store_file_last_error(void);
int store_file_complain(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Bind borrowed memory. Nothing is allocated and sizes are bounded, so these cannot fail. NULL is
 * the empty text. */
void store_file_bind_text(sqlite3_stmt *statement, int index, const char *text);
void store_file_bind_blob(sqlite3_stmt *statement, int index, const void *data, size_t size);
void store_file_bind_u64(sqlite3_stmt *statement, int index, uint64_t value);

/* Columns of the present row. Texts and blobs are copied into @arena. */
uint64_t store_file_u64(sqlite3_stmt *statement, int column);
const char *store_file_text(sqlite3_stmt *statement, int column, struct arena *arena);
struct slice store_file_blob(sqlite3_stmt *statement, int column, struct arena *arena);

#endif
