#include "sim/vfs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/memory.h"
#include "sim/vfs_internal.h"

/* Julian day 2440587.5 is 1970: the clock of a disk that has none. */
#define CURRENT_TIME_MS INT64_C(210866760000000)
#define PATH_SIZE       512

/* ---- names ---- */

struct vfs_file *vfs_find(const struct vfs *vfs, const char *path)
{
    struct vfs_file *file;

    for (file = vfs->files; file; file = file->next)
        if (file->is_linked && strcmp(file->path, path) == 0)
            return file;
    return NULL;
}

struct vfs_file *vfs_add(struct vfs *vfs, const char *path)
{
    struct vfs_file *file = memory_alloc(sizeof(*file));

    file->path = memory_text(path);
    file->is_linked = path != NULL;
    file->link_turn = ++vfs->turn;
    DL_APPEND(vfs->files, file);
    return file;
}

void vfs_reap(struct vfs *vfs, struct vfs_file *file)
{
    if (file->is_linked || file->is_durable || file->handles)
        return;
    assert(!file->shm);
    DL_DELETE(vfs->files, file);
    vfs_undo_clear(&file->undo);
    vfs_content_clear(&file->content);
    free(file->path);
    free(file);
}

void vfs_unlink(struct vfs *vfs, struct vfs_file *file)
{
    file->is_linked = false;
    file->link_turn = ++vfs->turn;
    vfs_reap(vfs, file);
}

/* With it goes the older file of the same name that a power cut might have brought back. */
void vfs_sync_name(struct vfs *vfs, struct vfs_file *file)
{
    struct vfs_file *other, *next;

    if (!file->is_linked || file->is_durable)
        return;
    file->is_durable = true;
    DL_FOREACH_SAFE(vfs->files, other, next)
    {
        if (other->is_linked || !other->is_durable || strcmp(other->path, file->path) != 0)
            continue;
        other->is_durable = false;
        vfs_reap(vfs, other);
    }
}

void vfs_sync_names(struct vfs *vfs)
{
    struct vfs_file *file, *next;

    DL_FOREACH_SAFE(vfs->files, file, next)
    {
        file->is_durable = file->is_linked;
        vfs_reap(vfs, file);
    }
}

/* ---- SQLite's calls ---- */

static struct vfs *vfs_of(sqlite3_vfs *base)
{
    return base->pAppData;
}

/* The file to open, made when that is wanted. NULL: @ret_code says why not. */
static struct vfs_file *find_or_add(struct vfs *vfs, const char *path, int flags, bool read_only,
                                    int *ret_code)
{
    struct vfs_file *file = path ? vfs_find(vfs, path) : NULL;

    if (file && (flags & SQLITE_OPEN_CREATE) && (flags & SQLITE_OPEN_EXCLUSIVE)) {
        *ret_code = vfs_fail(vfs, EEXIST, SQLITE_CANTOPEN);
        return NULL;
    }
    if (file)
        return file;
    if (path && (!(flags & SQLITE_OPEN_CREATE) || read_only)) {
        *ret_code = vfs_fail(vfs, read_only ? EROFS : ENOENT, SQLITE_CANTOPEN);
        return NULL;
    }
    return vfs_add(vfs, path);
}

static bool is_journal(int flags)
{
    return (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
}

static int disk_open(sqlite3_vfs *base, const char *path, sqlite3_file *opened, int flags,
                     int *ret_flags)
{
    struct vfs *vfs = vfs_of(base);
    struct vfs_handle *handle = (struct vfs_handle *)(void *)opened;
    bool wants_write = (flags & SQLITE_OPEN_READWRITE) != 0, read_only;
    struct vfs_file *file;
    int code = SQLITE_OK;

    opened->pMethods = NULL;
    if (!vfs_begin(vfs))
        return vfs_fail(vfs, EIO, SQLITE_CANTOPEN);
    vfs->counters.opens++;
    /* A file that cannot be written is opened for reading, as on Unix. */
    read_only = wants_write && vfs_hits(vfs, VFS_READ_ONLY);
    file = find_or_add(vfs, path, flags, read_only, &code);
    if (!file)
        return code;
    vfs_file_open(vfs, file, handle);
    handle->is_writable = wants_write && !read_only;
    handle->syncs_names = (flags & SQLITE_OPEN_CREATE) && is_journal(flags);
    if (flags & SQLITE_OPEN_DELETEONCLOSE)
        vfs_unlink(vfs, file);
    if (ret_flags && read_only)
        flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *base, const char *path, int sync)
{
    struct vfs *vfs = vfs_of(base);
    struct vfs_file *file;

    if (!vfs_begin(vfs))
        return vfs_fail(vfs, EIO, SQLITE_IOERR_DELETE);
    vfs->counters.deletes++;
    if (vfs_hits(vfs, VFS_READ_ONLY))
        return vfs_fail(vfs, EROFS, SQLITE_IOERR_DELETE);
    file = vfs_find(vfs, path);
    if (!file)
        return vfs_fail(vfs, ENOENT, SQLITE_IOERR_DELETE_NOENT);
    vfs_unlink(vfs, file);
    if (!sync)
        return SQLITE_OK;
    vfs->busy_us += vfs->sync_us;
    if (vfs_hits(vfs, VFS_SYNC))
        return vfs_fail(vfs, EIO, SQLITE_IOERR_DIR_FSYNC);
    vfs_sync_names(vfs);
    return SQLITE_OK;
}

/* To SQLite an empty file is none. */
static int disk_access(sqlite3_vfs *base, const char *path, int flags, int *ret_result)
{
    struct vfs *vfs = vfs_of(base);
    const struct vfs_file *file;

    if (vfs->is_dead)
        return vfs_fail(vfs, EIO, SQLITE_IOERR_ACCESS);
    file = vfs_find(vfs, path);
    if (flags == SQLITE_ACCESS_EXISTS)
        *ret_result = file && file->content.size > 0;
    else
        *ret_result = file && !vfs->troubles[VFS_READ_ONLY].armed;
    return SQLITE_OK;
}

static int disk_full_path(sqlite3_vfs *base, const char *path, int size, char *ret_path)
{
    struct vfs *vfs = vfs_of(base);

    if (strlen(path) >= (size_t)size)
        return vfs_fail(vfs, ENAMETOOLONG, SQLITE_CANTOPEN);
    strcpy(ret_path, path);
    return SQLITE_OK;
}

static int disk_randomness(sqlite3_vfs *base, int size, char *ret_bytes)
{
    struct vfs *vfs = vfs_of(base);

    for (int i = 0; i < size; i++)
        ret_bytes[i] = (char)random_up_to(&vfs->entropy, UINT8_MAX);
    return size;
}

static int disk_sleep(sqlite3_vfs *base, int time_us)
{
    vfs_of(base)->busy_us += (uint64_t)time_us;
    return time_us;
}

static int disk_time_ms(sqlite3_vfs *base, sqlite3_int64 *ret_time_ms)
{
    (void)base;
    *ret_time_ms = CURRENT_TIME_MS;
    return SQLITE_OK;
}

static int disk_time_days(sqlite3_vfs *base, double *ret_time_days)
{
    (void)base;
    *ret_time_days = (double)CURRENT_TIME_MS / 86400000.0;
    return SQLITE_OK;
}

static int disk_last_error(sqlite3_vfs *base, int size, char *text)
{
    (void)size;
    (void)text;
    return vfs_of(base)->last_errno;
}

static const sqlite3_vfs calls = {
    .iVersion = 2,
    .szOsFile = (int)sizeof(struct vfs_handle),
    .mxPathname = PATH_SIZE,
    .xOpen = disk_open,
    .xDelete = disk_delete,
    .xAccess = disk_access,
    .xFullPathname = disk_full_path,
    .xRandomness = disk_randomness,
    .xSleep = disk_sleep,
    .xCurrentTime = disk_time_days,
    .xGetLastError = disk_last_error,
    .xCurrentTimeInt64 = disk_time_ms,
};

/* ---- the disk ---- */

/* Salts of WALs and nonces of journals come from a generator that all of SQLite shares, and which
 * it would seed from the machine. */
static void seed_sqlite(uint64_t seed)
{
    int small = (int)(seed % INT32_MAX) + 1; /* 0 would mean: from the machine */

    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, small, NULL);
}

struct vfs *vfs_create(const char *name, uint64_t seed)
{
    struct vfs *vfs = memory_alloc(sizeof(*vfs));
    int code;

    assert(!sqlite3_vfs_find(name));
    vfs->name = memory_text(name);
    vfs->base = calls;
    vfs->base.zName = vfs->name;
    vfs->base.pAppData = vfs;
    random_seed(&vfs->luck, seed);
    random_seed(&vfs->entropy, ~seed);
    seed_sqlite(seed);
    code = sqlite3_vfs_register(&vfs->base, 0);
    assert(code == SQLITE_OK);
    return vfs;
}

void vfs_free(struct vfs *vfs)
{
    if (!vfs)
        return;
    assert(vfs->open_files == 0);
    sqlite3_vfs_unregister(&vfs->base);
    vfs_wipe(vfs);
    free(vfs->name);
    free(vfs);
}

static void forget(struct vfs *vfs, struct vfs_file *file)
{
    file->is_linked = file->is_durable = false;
    vfs_reap(vfs, file);
}

void vfs_wipe(struct vfs *vfs)
{
    struct vfs_file *file, *next;

    assert(vfs->is_dead || vfs->open_files == 0);
    DL_FOREACH_SAFE(vfs->files, file, next)
    {
        forget(vfs, file);
    }
}

/* Is @path the one that belongs to @main_path? */
static bool belongs_to(const char *path, const char *main_path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    size_t length = strlen(main_path);

    if (!path || strncmp(path, main_path, length) != 0)
        return false;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (strcmp(path + length, suffixes[i]) == 0)
            return true;
    return false;
}

void vfs_remove(struct vfs *vfs, const char *path)
{
    struct vfs_file *file, *next;

    assert(vfs->is_dead || vfs->open_files == 0);
    DL_FOREACH_SAFE(vfs->files, file, next)
    {
        if (belongs_to(file->path, path))
            forget(vfs, file);
    }
}

/* All that has ever had @path. */
static void forget_path(struct vfs *vfs, const char *path)
{
    struct vfs_file *file, *next;

    DL_FOREACH_SAFE(vfs->files, file, next)
    {
        if (file->path && strcmp(file->path, path) == 0)
            forget(vfs, file);
    }
}

void vfs_copy(struct vfs *vfs, const struct vfs *from)
{
    const struct vfs_file *file;

    assert(from->open_files == 0);
    assert(vfs->open_files == 0);
    for (file = from->files; file; file = file->next) {
        struct vfs_file *copy;

        if (!file->is_linked)
            continue;
        forget_path(vfs, file->path);
        copy = vfs_add(vfs, file->path);
        copy->is_durable = true;
        vfs_content_copy(&copy->content, &file->content);
    }
}

void vfs_set_sync_us(struct vfs *vfs, uint64_t sync_us)
{
    vfs->sync_us = sync_us;
}

uint64_t vfs_take_busy_us(struct vfs *vfs)
{
    uint64_t busy_us = vfs->busy_us;

    vfs->busy_us = 0;
    return busy_us;
}

size_t vfs_open_files(const struct vfs *vfs)
{
    return vfs->open_files;
}

uint64_t vfs_bytes(const struct vfs *vfs)
{
    uint64_t bytes = 0;
    const struct vfs_file *file;

    for (file = vfs->files; file; file = file->next)
        if (file->is_linked)
            bytes += file->content.size;
    return bytes;
}

const struct vfs_counters *vfs_counters(const struct vfs *vfs)
{
    return &vfs->counters;
}
