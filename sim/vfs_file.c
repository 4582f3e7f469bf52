/* Open files: what SQLite reads from, writes to and syncs. Codes and errno are those that SQLite's
 * own VFS for Unix gives. */

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "sim/vfs_internal.h"

/* As the VFS for Unix has it, so that SQLite lays its files out likewise. */
#define SECTOR_SIZE 4096

static struct vfs_handle *handle_of(sqlite3_file *base)
{
    return (struct vfs_handle *)(void *)base;
}

static int file_close(sqlite3_file *base)
{
    struct vfs_handle *handle = handle_of(base);

    vfs_shm_unmap(base, 0);
    DL_DELETE(handle->file->handles, handle);
    handle->vfs->open_files--;
    vfs_reap(handle->vfs, handle->file);
    base->pMethods = NULL;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *data, int size, sqlite3_int64 offset)
{
    struct vfs_handle *handle = handle_of(base);
    const struct vfs_content *content = &handle->file->content;
    uint64_t start = (uint64_t)offset;
    size_t wanted = (size_t)size, got = 0;

    if (!vfs_begin(handle->vfs))
        return vfs_fail(handle->vfs, EIO, SQLITE_IOERR_READ);
    handle->vfs->counters.reads++;
    if (start < content->size)
        got = content->size - start < wanted ? (size_t)(content->size - start) : wanted;
    vfs_content_read(content, got > 0 ? start : 0, data, got);
    memset((char *)data + got, 0, wanted - got);
    return got == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

/* ---- changing it ---- */

static void write_bytes(struct vfs_handle *handle, const void *data, size_t size, uint64_t offset)
{
    struct vfs_file *file = handle->file;
    uint64_t turn = ++handle->vfs->turn;

    if (offset > file->content.size) {
        vfs_undo_note_size(&file->undo, &file->content, offset, turn);
        vfs_content_resize(&file->content, offset);
    }
    vfs_undo_note(&file->undo, &file->content, offset, size, turn);
    vfs_content_write(&file->content, offset, data, size);
}

/* What goes wrong with a write of *@size bytes, which then is how many arrive. */
static int trouble_in_write(struct vfs_handle *handle, uint64_t offset, size_t *size)
{
    struct vfs *vfs = handle->vfs;
    size_t wanted = *size;

    *size = 0;
    if (!handle->is_writable)
        return vfs_fail(vfs, EBADF, SQLITE_IOERR_WRITE);
    if (vfs_hits(vfs, VFS_READ_ONLY))
        return vfs_fail(vfs, EROFS, SQLITE_IOERR_WRITE);
    *size = wanted / 2;
    if (vfs_hits(vfs, VFS_WRITE))
        return vfs_fail(vfs, EIO, SQLITE_IOERR_WRITE);
    if (offset + wanted > handle->file->content.size && vfs_hits(vfs, VFS_FULL))
        return vfs_fail(vfs, ENOSPC, SQLITE_FULL);
    *size = wanted;
    return SQLITE_OK;
}

static int file_write(sqlite3_file *base, const void *data, int size, sqlite3_int64 offset)
{
    struct vfs_handle *handle = handle_of(base);
    size_t arriving = (size_t)size;
    int code;

    if (!vfs_begin(handle->vfs))
        return vfs_fail(handle->vfs, EIO, SQLITE_IOERR_WRITE);
    handle->vfs->counters.writes++;
    code = trouble_in_write(handle, (uint64_t)offset, &arriving);
    if (arriving > 0)
        write_bytes(handle, data, arriving, (uint64_t)offset);
    return code;
}

static int trouble_in_truncate(struct vfs_handle *handle, uint64_t size)
{
    struct vfs *vfs = handle->vfs;

    if (!handle->is_writable)
        return vfs_fail(vfs, EBADF, SQLITE_IOERR_TRUNCATE);
    if (vfs_hits(vfs, VFS_READ_ONLY))
        return vfs_fail(vfs, EROFS, SQLITE_IOERR_TRUNCATE);
    if (vfs_hits(vfs, VFS_WRITE))
        return vfs_fail(vfs, EIO, SQLITE_IOERR_TRUNCATE);
    if (size > handle->file->content.size && vfs_hits(vfs, VFS_FULL))
        return vfs_fail(vfs, ENOSPC, SQLITE_IOERR_TRUNCATE);
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct vfs_handle *handle = handle_of(base);
    struct vfs_file *file = handle->file;
    int code;

    if (!vfs_begin(handle->vfs))
        return vfs_fail(handle->vfs, EIO, SQLITE_IOERR_TRUNCATE);
    code = trouble_in_truncate(handle, (uint64_t)size);
    if (code != SQLITE_OK)
        return code;
    vfs_undo_note_size(&file->undo, &file->content, (uint64_t)size, ++handle->vfs->turn);
    vfs_content_resize(&file->content, (uint64_t)size);
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *base, int flags)
{
    struct vfs_handle *handle = handle_of(base);
    struct vfs *vfs = handle->vfs;

    (void)flags;
    if (!vfs_begin(vfs))
        return vfs_fail(vfs, EIO, SQLITE_IOERR_FSYNC);
    vfs->counters.syncs++;
    vfs->busy_us += vfs->sync_us;
    if (vfs_hits(vfs, VFS_SYNC)) {
        vfs_undo_sync_failed(&handle->file->undo);
        return vfs_fail(vfs, EIO, SQLITE_IOERR_FSYNC);
    }
    vfs_undo_synced(&handle->file->undo);
    vfs_sync_name(vfs, handle->file);
    if (handle->syncs_names)
        vfs_sync_names(vfs);
    handle->syncs_names = false;
    return SQLITE_OK;
}

/* ---- about it ---- */

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
    struct vfs_handle *handle = handle_of(base);

    if (handle->vfs->is_dead)
        return vfs_fail(handle->vfs, EIO, SQLITE_IOERR_FSTAT);
    *ret_size = (sqlite3_int64)handle->file->content.size;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int operation, void *argument)
{
    struct vfs_handle *handle = handle_of(base);

    switch (operation) {
    case SQLITE_FCNTL_LAST_ERRNO:
        *(int *)argument = handle->vfs->last_errno;
        return SQLITE_OK;
    case SQLITE_FCNTL_VFSNAME:
        *(char **)argument = sqlite3_mprintf("%s", handle->vfs->name);
        return SQLITE_OK;
    case SQLITE_FCNTL_HAS_MOVED:
        *(int *)argument = !handle->file->is_linked;
        return SQLITE_OK;
    default:
        return SQLITE_NOTFOUND;
    }
}

static int file_sector_size(sqlite3_file *base)
{
    (void)base;
    return SECTOR_SIZE;
}

static int file_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = vfs_shm_lock_file,
    .xUnlock = vfs_shm_unlock_file,
    .xCheckReservedLock = vfs_shm_is_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = vfs_shm_map,
    .xShmLock = vfs_shm_lock,
    .xShmBarrier = vfs_shm_barrier,
    .xShmUnmap = vfs_shm_unmap,
};

void vfs_file_open(struct vfs *vfs, struct vfs_file *file, struct vfs_handle *handle)
{
    *handle = (struct vfs_handle){.base = {&methods}, .vfs = vfs, .file = file};
    DL_APPEND(file->handles, handle);
    vfs->open_files++;
}
