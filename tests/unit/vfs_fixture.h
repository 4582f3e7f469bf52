/* vfs_fixture: a simulated disk, and short ways to use its files without SQLite's own care. */

#ifndef MEC_VFS_FIXTURE_H
#define MEC_VFS_FIXTURE_H

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "sim/vfs.h"
#include "tests/unit/suite.h"

#define DISK "disk"

static struct vfs *disk;
static const char *raw_disk = DISK; /* whose files those without SQLite are */

static inline void make_disk(uint64_t seed)
{
    disk = vfs_create(DISK, seed);
    raw_disk = DISK;
}

static inline void remake_disk(uint64_t seed)
{
    vfs_free(disk);
    make_disk(seed);
}

/* ---- a file without SQLite ---- */

static inline int raw_try_open(const char *path, int flags, sqlite3_file **ret_file)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(raw_disk);
    sqlite3_file *file = memory_alloc((size_t)vfs->szOsFile);
    int code = vfs->xOpen(vfs, path, file, flags, NULL);

    if (code == SQLITE_OK)
        *ret_file = file;
    else
        free(file);
    return code;
}

static inline sqlite3_file *raw_open(const char *path)
{
    sqlite3_file *file = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB;

    ck_assert_int_eq(raw_try_open(path, flags, &file), SQLITE_OK);
    return file;
}

static inline void raw_close(sqlite3_file *file)
{
    ck_assert_int_eq(file->pMethods->xClose(file), SQLITE_OK);
    free(file);
}

static inline int raw_write(sqlite3_file *file, uint64_t offset, const void *data, size_t size)
{
    return file->pMethods->xWrite(file, data, (int)size, (sqlite3_int64)offset);
}

static inline int raw_truncate(sqlite3_file *file, uint64_t size)
{
    return file->pMethods->xTruncate(file, (sqlite3_int64)size);
}

static inline int raw_sync(sqlite3_file *file)
{
    return file->pMethods->xSync(file, SQLITE_SYNC_FULL);
}

static inline size_t raw_size(sqlite3_file *file)
{
    sqlite3_int64 size = -1;

    ck_assert_int_eq(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    return (size_t)size;
}

static inline int raw_delete(const char *path, int sync)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(raw_disk);

    return vfs->xDelete(vfs, path, sync);
}

static inline bool raw_exists(const char *path)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(raw_disk);
    int exists = -1;

    ck_assert_int_eq(vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &exists), SQLITE_OK);
    return exists != 0;
}

static inline int raw_errno(void)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(raw_disk);

    return vfs->xGetLastError(vfs, 0, NULL);
}

/* All of it, which the caller frees; NULL: there is no such file. */
static inline uint8_t *raw_content(const char *path, size_t *ret_size)
{
    sqlite3_file *file = NULL;
    uint8_t *bytes;

    *ret_size = 0;
    if (raw_try_open(path, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, &file) != SQLITE_OK)
        return NULL;
    *ret_size = raw_size(file);
    bytes = memory_alloc(*ret_size + 1);
    ck_assert_int_eq(file->pMethods->xRead(file, bytes, (int)*ret_size, 0), SQLITE_OK);
    raw_close(file);
    return bytes;
}

/* ---- files full of one byte ---- */

static inline int raw_fill(sqlite3_file *file, char byte, uint64_t offset, size_t size)
{
    char *bytes = memory_alloc(size + 1);
    int code;

    memset(bytes, byte, size);
    code = raw_write(file, offset, bytes, size);
    free(bytes);
    return code;
}

/* A file with @size safe bytes @byte. */
static inline sqlite3_file *safe_file(const char *path, char byte, size_t size)
{
    sqlite3_file *file = raw_open(path);

    ck_assert_int_eq(raw_fill(file, byte, 0, size), SQLITE_OK);
    ck_assert_int_eq(raw_sync(file), SQLITE_OK);
    return file;
}

static inline bool is_filled(const uint8_t *bytes, size_t size, char byte)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != (uint8_t)byte)
            return false;
    return true;
}

/* Is the file @size bytes long, and are all of them @byte? */
static inline bool holds(const char *path, char byte, size_t size)
{
    size_t found = 0;
    uint8_t *bytes = raw_content(path, &found);
    bool all = bytes && found == size && is_filled(bytes, size, byte);

    free(bytes);
    return all;
}

static inline void close_and_cut(sqlite3_file *file)
{
    raw_close(file);
    vfs_cut_power(disk);
    vfs_revive(disk);
}

#endif
