/* fault_vfs: SQLite's default VFS, with a disk that can be told to fail at its n-th call. */

#ifndef MEC_FAULT_VFS_H
#define MEC_FAULT_VFS_H

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

enum fault_kind {
    FAULT_FULL,  /* a write or a growing truncate: no space */
    FAULT_WRITE, /* a write: the disk is broken */
    FAULT_SYNC   /* an fsync */
};

/* The @countdown-th call of @kind fails, counted from 1; 0: none does. From then on every one of
 * them fails, as on a real disk, until fault_heal(). */
static struct {
    enum fault_kind kind;
    long countdown;
    long calls; /* seen so far */
    long failed;
} fault;

static sqlite3_vfs fault_vfs;
static sqlite3_io_methods fault_methods;

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this struct */
};

static sqlite3_file *fault_real(sqlite3_file *file)
{
    return ((struct fault_file *)(void *)file)->real;
}

static sqlite3_vfs *fault_base(void)
{
    return fault_vfs.pAppData;
}

static inline void fault_arm(enum fault_kind kind, long countdown)
{
    fault.kind = kind;
    fault.countdown = countdown;
    fault.calls = 0;
    fault.failed = 0;
}

static inline void fault_heal(void)
{
    fault.countdown = 0;
}

static int fault_hits(int is_sync)
{
    if (fault.countdown == 0 || is_sync != (fault.kind == FAULT_SYNC))
        return 0;
    if (++fault.calls < fault.countdown)
        return 0;
    fault.failed++;
    errno = fault.kind == FAULT_FULL ? ENOSPC : EIO;
    return 1;
}

static int fault_close(sqlite3_file *file)
{
    return fault_real(file)->pMethods->xClose(fault_real(file));
}

static int fault_read(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    return fault_real(file)->pMethods->xRead(fault_real(file), data, size, offset);
}

static int fault_write(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    if (fault_hits(0)) {
        /* Half of it arrives, as a full disk would have it. */
        fault_real(file)->pMethods->xWrite(fault_real(file), data, size / 2, offset);
        errno = fault.kind == FAULT_FULL ? ENOSPC : EIO;
        return fault.kind == FAULT_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    return fault_real(file)->pMethods->xWrite(fault_real(file), data, size, offset);
}

static int fault_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    return fault_real(file)->pMethods->xTruncate(fault_real(file), size);
}

static int fault_sync(sqlite3_file *file, int flags)
{
    if (fault_hits(1))
        return SQLITE_IOERR_FSYNC;
    return fault_real(file)->pMethods->xSync(fault_real(file), flags);
}

static int fault_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return fault_real(file)->pMethods->xFileSize(fault_real(file), size);
}

static int fault_lock(sqlite3_file *file, int lock)
{
    return fault_real(file)->pMethods->xLock(fault_real(file), lock);
}

static int fault_unlock(sqlite3_file *file, int lock)
{
    return fault_real(file)->pMethods->xUnlock(fault_real(file), lock);
}

static int fault_check_lock(sqlite3_file *file, int *result)
{
    return fault_real(file)->pMethods->xCheckReservedLock(fault_real(file), result);
}

static int fault_control(sqlite3_file *file, int operation, void *argument)
{
    return fault_real(file)->pMethods->xFileControl(fault_real(file), operation, argument);
}

static int fault_sector(sqlite3_file *file)
{
    return fault_real(file)->pMethods->xSectorSize(fault_real(file));
}

static int fault_device(sqlite3_file *file)
{
    return fault_real(file)->pMethods->xDeviceCharacteristics(fault_real(file));
}

static int fault_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
    return fault_real(file)->pMethods->xShmMap(fault_real(file), page, size, extend, memory);
}

static int fault_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return fault_real(file)->pMethods->xShmLock(fault_real(file), offset, count, flags);
}

static inline void fault_shm_barrier(sqlite3_file *file)
{
    fault_real(file)->pMethods->xShmBarrier(fault_real(file));
}

static int fault_shm_unmap(sqlite3_file *file, int delete)
{
    return fault_real(file)->pMethods->xShmUnmap(fault_real(file), delete);
}

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                      int *ret_flags)
{
    struct fault_file *ours = (struct fault_file *)(void *)file;
    int code;

    (void)vfs;
    ours->real = (sqlite3_file *)(void *)(ours + 1);
    code = fault_base()->xOpen(fault_base(), name, ours->real, flags, ret_flags);
    file->pMethods = ours->real->pMethods ? &fault_methods : NULL;
    return code;
}

static int fault_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs;
    return fault_base()->xDelete(fault_base(), name, sync);
}

static int fault_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    (void)vfs;
    return fault_base()->xAccess(fault_base(), name, flags, result);
}

static int fault_full_path(sqlite3_vfs *vfs, const char *name, int size, char *full)
{
    (void)vfs;
    return fault_base()->xFullPathname(fault_base(), name, size, full);
}

/* As the default VFS from now on, and by the name "fault". */
static inline void fault_vfs_register(void)
{
    if (fault_vfs.zName)
        return;
    fault_vfs = *sqlite3_vfs_find(NULL);
    fault_vfs.pAppData = sqlite3_vfs_find(NULL);
    fault_vfs.zName = "fault";
    fault_vfs.pNext = NULL;
    fault_vfs.szOsFile = (int)sizeof(struct fault_file) + fault_base()->szOsFile;
    fault_vfs.xOpen = fault_open;
    fault_vfs.xDelete = fault_delete;
    fault_vfs.xAccess = fault_access;
    fault_vfs.xFullPathname = fault_full_path;
    fault_methods = (sqlite3_io_methods){
        .iVersion = 2,
        .xClose = fault_close,
        .xRead = fault_read,
        .xWrite = fault_write,
        .xTruncate = fault_truncate,
        .xSync = fault_sync,
        .xFileSize = fault_size,
        .xLock = fault_lock,
        .xUnlock = fault_unlock,
        .xCheckReservedLock = fault_check_lock,
        .xFileControl = fault_control,
        .xSectorSize = fault_sector,
        .xDeviceCharacteristics = fault_device,
        .xShmMap = fault_shm_map,
        .xShmLock = fault_shm_lock,
        .xShmBarrier = fault_shm_barrier,
        .xShmUnmap = fault_shm_unmap,
    };
    sqlite3_vfs_register(&fault_vfs, 1);
}

#endif
