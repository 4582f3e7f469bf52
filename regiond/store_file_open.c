/* Making, opening and closing files; see store_file.h. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/plant.h"
#include "common/reach.h"
#include "regiond/store_file.h"

/* Another program that looks into the file may hold it for a moment. */
#define BUSY_TIMEOUT_MS 2000

/* The cache holds what a batch of a hundred writes touches; past its size every page is read anew,
 * and it takes memory only as it is used. A spill would write pages to the WAL twice; batches are
 * bounded, so their pages may wait for the commit. What has been deleted stays in the change log
 * anyway, so to overwrite it in the records would only look safer. */
static const char writer_settings[] = "PRAGMA synchronous=FULL;"
                                      "PRAGMA cache_size=-2048;"
                                      "PRAGMA cache_spill=OFF;"
                                      "PRAGMA mmap_size=0;"
                                      "PRAGMA secure_delete=OFF;"
                                      "PRAGMA journal_size_limit=4194304;";
static const char reader_settings[] = "PRAGMA query_only=ON;"
                                      "PRAGMA cache_size=-512;"
                                      "PRAGMA mmap_size=0;";

/* ---- errors of opening ---- */

static int complain_system(const char *path, int number)
{
    int error = number == EPERM ? EACCES : number == EDQUOT ? ENOSPC : number;

    return store_file_complain(-error, "%s: %s", path, strerror(number));
}

/* What SQLite's @code means for an open. */
static int complain_open(const char *path, sqlite3 *db, int code)
{
    int number = sqlite3_system_errno(db);
    int error = -EIO;

    switch (code & 0xff) {
    case SQLITE_NOTADB:
        error = -EMEDIUMTYPE;
        break;
    case SQLITE_CORRUPT:
    case SQLITE_ERROR: /* a table of ours is missing */
        error = -EUCLEAN;
        break;
    case SQLITE_FULL:
        error = -ENOSPC;
        break;
    case SQLITE_READONLY:
        error = -EROFS;
        break;
    case SQLITE_PERM:
    case SQLITE_AUTH:
        error = -EACCES;
        break;
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
        if (number == EACCES || number == EPERM || number == EROFS || number == ENOSPC ||
            number == EDQUOT || (number == ENOENT && (code & 0xff) == SQLITE_CANTOPEN))
            return complain_system(path, number);
        break;
    default:
        break;
    }
    return store_file_complain(error, "%s: %s", path, sqlite3_errmsg(db));
}

int store_file_open_error(struct store_file *file)
{
    return complain_open(file->path, file->db, sqlite3_extended_errcode(file->db));
}

static int complain_format(const char *path, const struct store_file_kind *kind, int64_t found,
                           int64_t version)
{
    if (found != kind->application_id)
        return store_file_complain(-EMEDIUMTYPE, "%s: not a %s file of MeCentral", path,
                                   kind->what);
    if (version > kind->version)
        return store_file_complain(-EPROTONOSUPPORT,
                                   "%s: made by a newer version (format %lld, this is %lld)", path,
                                   (long long)version, (long long)kind->version);
    if (version > 0 && version < kind->version)
        return store_file_complain(-EPROTONOSUPPORT,
                                   "%s: made by an older version (format %lld, this is %lld), and "
                                   "not opened for writing since",
                                   path, (long long)version, (long long)kind->version);
    return store_file_complain(-EUCLEAN, "%s: damaged: format %lld is none", path,
                               (long long)version);
}

/* ---- small helpers ---- */

static int execute(const char *path, sqlite3 *db, const char *sql)
{
    int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : complain_open(path, db, code);
}

static int query_number(const char *path, sqlite3 *db, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *ret_number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    if (code == SQLITE_DONE)
        return store_file_complain(-EUCLEAN, "%s: damaged: no answer to %s", path, sql);
    return code == SQLITE_ROW ? 0 : complain_open(path, db, code);
}

static int open_connection(const char *path, int flags, const char *vfs, sqlite3 **ret_db)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
    int error;

    if (code != SQLITE_OK) {
        error = db ? complain_open(path, db, code)
                   : store_file_complain(-EIO, "%s: %s", path, sqlite3_errstr(code));
        sqlite3_close(db);
        return error;
    }
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    *ret_db = db;
    return 0;
}

/* ---- making a file ---- */

static int write_content(const char *path, sqlite3 *db, const struct store_file_kind *kind,
                         const char *name)
{
    char *sql = sqlite3_mprintf("BEGIN;"
                                "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL)"
                                " STRICT, WITHOUT ROWID;"
                                "INSERT INTO meta VALUES('name', %Q);"
                                "%s"
                                "PRAGMA application_id=%lld;"
                                "PRAGMA user_version=%lld;"
                                "COMMIT;"
                                "PRAGMA journal_mode=WAL;",
                                name, kind->schema, (long long)kind->application_id,
                                (long long)kind->version);
    int error;

    if (!sql)
        abort();
    error = execute(path, db, sql);
    sqlite3_free(sql);
    return error;
}

/* SQLite would try again read-only and report that failure instead of the true one. */
static int create_empty(const char *path)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0)
        return complain_system(path, errno);
    close(file);
    return 0;
}

static int sync_path(const char *path, int flags)
{
    int file = open(path, flags | O_CLOEXEC);
    int error = 0;

    if (file < 0)
        return complain_system(path, errno);
    if (fsync(file) != 0)
        error = complain_system(path, errno);
    close(file);
    return error;
}

int store_file_sync_directory(const char *directory)
{
    return sync_path(directory, O_RDONLY | O_DIRECTORY);
}

/* Whole at @beside with one fsync, then moved to @path: five shards are to be made in a few
 * milliseconds, and SQLite's own care for a file that nobody could miss yet would cost six times as
 * many fsyncs. */
static int create_beside(const char *path, const char *beside, const struct store_file_kind *kind,
                         const char *name)
{
    sqlite3 *db = NULL;
    int error = create_empty(beside); /* emptying what a start that was cut short has left */

    if (error != 0)
        return error;
    error = open_connection(beside, SQLITE_OPEN_READWRITE, NULL, &db);
    if (error == 0)
        error = execute(beside, db,
                        "PRAGMA locking_mode=EXCLUSIVE;"
                        "PRAGMA journal_mode=OFF;"
                        "PRAGMA synchronous=OFF;");
    if (error == 0)
        error = write_content(beside, db, kind, name);
    sqlite3_close(db);
    if (error == 0)
        error = sync_path(beside, O_RDWR);
    if (error == 0 && rename(beside, path) != 0)
        error = complain_system(path, errno);
    if (error != 0)
        unlink(beside);
    return error;
}

static bool path_exists(const char *vfs_name, const char *path, const char *suffix)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
    char full[4096];
    int found = 0;

    assert(vfs);
    snprintf(full, sizeof(full), "%s%s", path, suffix);
    vfs->xAccess(vfs, full, SQLITE_ACCESS_EXISTS, &found);
    return found != 0;
}

/* Make the file when there is none. (An empty file is none to SQLite's eyes and to ours.) */
static int create_when_missing(const char *path, const struct store_file_kind *kind,
                               const char *name, const char *vfs)
{
    char *beside;
    int error;

    if (path_exists(vfs, path, ""))
        return 0;
    /* A new file beside an old WAL would be filled from it. And who has removed a file from under
     * its WAL has lost data that should be looked for first. */
    if (path_exists(vfs, path, "-wal"))
        return store_file_complain(-EUCLEAN, "%s: missing, while %s-wal is there", path, path);
    if (vfs)
        return 0; /* made in place by open_writable() */

    beside = sqlite3_mprintf("%s.new", path);
    if (!beside)
        abort();
    error = create_beside(path, beside, kind, name);
    sqlite3_free(beside);
    return error;
}

/* ---- opening a file ---- */

/* A file of @oldest or any later version that we know. */
static int check_format(const char *path, sqlite3 *db, const struct store_file_kind *kind,
                        int64_t oldest, int64_t *ret_version)
{
    int64_t application_id = 0, version = 0;
    int error = query_number(path, db, "PRAGMA application_id", &application_id);

    if (error == 0)
        error = query_number(path, db, "PRAGMA user_version", &version);
    if (error == 0 &&
        (application_id != kind->application_id || version < oldest || version > kind->version))
        error = complain_format(path, kind, application_id, version);
    if (error == 0)
        *ret_version = version;
    return error;
}

static int migrate_once(const char *path, sqlite3 *db, const char *sql, int64_t to)
{
    char *all =
        sqlite3_mprintf("BEGIN IMMEDIATE;%sPRAGMA user_version=%lld;COMMIT;", sql, (long long)to);
    int error;

    if (!all)
        abort();
    error = execute(path, db, all);
    sqlite3_free(all);
    return error;
}

/* Each version is a transaction, so a crash leaves a whole file of one version or the other. When
 * one fails, closing the connection undoes it. */
static int migrate(const char *path, sqlite3 *db, const struct store_file_kind *kind,
                   int64_t version)
{
    int error = 0;

    for (; version < kind->version && error == 0; version++)
        error = migrate_once(path, db, kind->migrations[version - 1], version + 1);
    return error;
}

static int check_name(const char *path, sqlite3 *db, const char *name)
{
    sqlite3_stmt *statement = NULL;
    int code =
        sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE name='name'", -1, &statement, NULL);
    const char *found = NULL;
    int error = 0;

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        found = (const char *)sqlite3_column_text(statement, 0);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        error = complain_open(path, db, code);
    else if (!found)
        error = store_file_complain(-EUCLEAN, "%s: damaged: it has lost its name", path);
    else if (strcmp(found, name) != 0)
        error = store_file_complain(-EMEDIUMTYPE, "%s: holds %s, not %s", path, found, name);
    sqlite3_finalize(statement);
    return error;
}

/* SQLite silently opens a file read-only that it may not write. */
static int check_writable(const char *path, sqlite3 *db, const char *vfs)
{
    if (sqlite3_db_readonly(db, "main") != 1)
        return 0;
    if (!vfs && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0)
        return complain_system(path, errno);
    return store_file_complain(-EROFS, "%s: cannot be written", path);
}

/* The owner of a VFS sees only whole SQLite transactions, and has no rename to offer. There the
 * file is made in place: the rollback journal makes it all or nothing. */
static int create_in_place(const char *path, sqlite3 *db, const struct store_file_kind *kind,
                           const char *name)
{
    int64_t pages = 0;
    int error = query_number(path, db, "PRAGMA page_count", &pages);

    if (error != 0 || pages != 0)
        return error;
    return write_content(path, db, kind, name);
}

static int count_wal_pages(void *context, sqlite3 *db, const char *schema, int pages)
{
    struct store_file *file = context;

    (void)db;
    (void)schema;
    /* Not more than before, though something was added: SQLite has started again at the front. */
    if ((size_t)pages <= file->wal_pages) {
        reach(WAL_BEGUN_AGAIN);
        file->wal_moved = 0;
    }
    file->wal_pages = (size_t)pages;
    return SQLITE_OK;
}

static int open_writable(struct store_file *file, const char *name, const char *vfs)
{
    int flags = SQLITE_OPEN_READWRITE | (vfs ? SQLITE_OPEN_CREATE : 0);
    int64_t version = 0;
    int error = open_connection(file->path, flags, vfs, &file->db);

    if (error == 0)
        error = check_writable(file->path, file->db, vfs);
    if (error == 0)
        error = execute(file->path, file->db, writer_settings);
    if (error == 0 && PLANTED(FORGOTTEN_SYNC))
        error = execute(file->path, file->db, "PRAGMA synchronous=NORMAL");
    if (error == 0 && vfs)
        error = create_in_place(file->path, file->db, file->kind, name);
    if (error == 0)
        error = check_format(file->path, file->db, file->kind, 1, &version);
    if (error == 0) /* a crash between making the file in place and this leaves another mode */
        error = execute(file->path, file->db, "PRAGMA journal_mode=WAL");
    if (error == 0)
        error = check_name(file->path, file->db, name);
    if (error == 0)
        error = migrate(file->path, file->db, file->kind, version);
    return error;
}

static void store_file_init(struct store_file *file, const char *path,
                            const struct store_file_kind *kind)
{
    *file = (struct store_file){.kind = kind, .path = memory_text(path)};
}

int store_file_open(struct store_file *file, const char *path, const struct store_file_kind *kind,
                    const char *name, const char *vfs)
{
    int error = create_when_missing(path, kind, name, vfs);

    store_file_init(file, path, kind);
    if (error == 0)
        error = store_file_settle_wal(path, vfs);
    if (error == 0)
        error = open_writable(file, name, vfs);
    if (error != 0) {
        store_file_close(file);
        return error;
    }
    /* This also takes the place of automatic checkpoints. */
    sqlite3_wal_hook(file->db, count_wal_pages, file);
    return 0;
}

int store_file_open_reader(struct store_file *file, const char *path,
                           const struct store_file_kind *kind, const char *vfs)
{
    int64_t version;
    int error;

    store_file_init(file, path, kind);
    error = open_connection(path, SQLITE_OPEN_READONLY, vfs, &file->db);
    if (error == 0) {
        sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        error = execute(path, file->db, reader_settings);
    }
    if (error == 0)
        error = check_format(path, file->db, kind, kind->version, &version);
    if (error != 0)
        store_file_close(file);
    return error;
}

void store_file_close(struct store_file *file)
{
    for (size_t i = 0; i < STORE_FILE_STATEMENTS_MAX; i++)
        sqlite3_finalize(file->kept[i]);
    sqlite3_finalize(file->begin);
    sqlite3_finalize(file->commit);
    if (file->db) {
        /* A file whose state is unknown is left to the recovery of the next start. */
        if (file->failed)
            sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_close(file->db);
    }
    free(file->path);
    *file = (struct store_file){0};
}
