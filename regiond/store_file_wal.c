/* The WAL that an earlier process has left; see store_file.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "regiond/store_file.h"

#define PIECE_SIZE (64u * 1024)

/* What the system said of the failure that has just been; -EIO when nothing that helps. */
static int complain(const char *path, sqlite3_vfs *vfs, int code)
{
    int number = vfs->xGetLastError ? vfs->xGetLastError(vfs, 0, NULL) : 0;
    int error = number == EROFS || number == EACCES || number == ENOSPC ? number : EIO;

    return store_file_complain(-error, "%s-wal: cannot be made durable: %s", path,
                               sqlite3_errstr(code));
}

/* Write @size bytes over themselves. */
static int rewrite(sqlite3_file *file, sqlite3_int64 size)
{
    uint8_t *piece = memory_alloc(PIECE_SIZE);
    int code = SQLITE_OK;

    for (sqlite3_int64 offset = 0; offset < size && code == SQLITE_OK; offset += PIECE_SIZE) {
        int length = size - offset < PIECE_SIZE ? (int)(size - offset) : (int)PIECE_SIZE;

        code = file->pMethods->xRead(file, piece, length, offset);
        if (code == SQLITE_OK)
            code = file->pMethods->xWrite(file, piece, length, offset);
    }
    free(piece);
    return code;
}

static int rewrite_and_sync(sqlite3_file *file)
{
    sqlite3_int64 size = 0;
    int code = file->pMethods->xFileSize(file, &size);

    if (code == SQLITE_OK && size > 0)
        code = rewrite(file, size);
    if (code == SQLITE_OK && size > 0)
        code = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
    return code;
}

int store_file_settle_wal(const char *path, const char *vfs_name)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
    int flags = SQLITE_OPEN_WAL | SQLITE_OPEN_READWRITE;
    char *wal = sqlite3_mprintf("%s-wal", path);
    const char *name = sqlite3_create_filename(path, "", wal, 0, NULL);
    sqlite3_file *file = memory_alloc((size_t)vfs->szOsFile);
    int found = 0, error = 0, code;

    if (!wal || !name)
        abort();
    code = vfs->xAccess(vfs, wal, SQLITE_ACCESS_EXISTS, &found);
    if (code == SQLITE_OK && found)
        code = vfs->xOpen(vfs, sqlite3_filename_wal(name), file, flags, &flags);
    if (code == SQLITE_OK && found)
        code = rewrite_and_sync(file);
    if (code != SQLITE_OK)
        error = complain(path, vfs, code);
    if (file->pMethods)
        file->pMethods->xClose(file);
    free(file);
    sqlite3_free_filename((char *)(uintptr_t)name);
    sqlite3_free(wal);
    return error;
}
