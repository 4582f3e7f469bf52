/* Who may do what among the connections to one database: file locks, and the WAL's index, which is
 * memory that they share, with locks of its own. None of it is on the disk or outlives the last
 * handle. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/memory.h"
#include "sim/vfs_internal.h"

struct vfs_shm {
    size_t users;
    void **regions;
    size_t count;
};

static struct vfs_handle *handle_of(sqlite3_file *base)
{
    return (struct vfs_handle *)(void *)base;
}

/* ---- file locks ---- */

static int strongest_of_others(const struct vfs_handle *handle)
{
    int strongest = SQLITE_LOCK_NONE;
    const struct vfs_handle *other;

    for (other = handle->file->handles; other; other = other->next)
        if (other != handle && other->lock > strongest)
            strongest = other->lock;
    return strongest;
}

/* The strongest lock of another that still lets one have @lock. */
static int tolerable(int lock)
{
    switch (lock) {
    case SQLITE_LOCK_SHARED:
        return SQLITE_LOCK_RESERVED;
    case SQLITE_LOCK_RESERVED:
        return SQLITE_LOCK_SHARED;
    default:
        return SQLITE_LOCK_NONE;
    }
}

int vfs_shm_lock_file(sqlite3_file *base, int lock)
{
    struct vfs_handle *handle = handle_of(base);
    int strongest;

    if (handle->lock >= lock)
        return SQLITE_OK;
    if (handle->vfs->is_dead)
        return vfs_fail(handle->vfs, EIO, SQLITE_IOERR_LOCK);
    strongest = strongest_of_others(handle);
    if (strongest <= tolerable(lock)) {
        handle->lock = lock;
        return SQLITE_OK;
    }
    /* New readers must wait for who waits for the old ones to end. */
    if (lock == SQLITE_LOCK_EXCLUSIVE && strongest == SQLITE_LOCK_SHARED)
        handle->lock = SQLITE_LOCK_PENDING;
    return SQLITE_BUSY;
}

int vfs_shm_unlock_file(sqlite3_file *base, int lock)
{
    struct vfs_handle *handle = handle_of(base);

    if (handle->lock > lock)
        handle->lock = lock;
    return SQLITE_OK;
}

int vfs_shm_is_reserved(sqlite3_file *base, int *ret_is_reserved)
{
    struct vfs_handle *handle = handle_of(base);

    if (handle->vfs->is_dead)
        return vfs_fail(handle->vfs, EIO, SQLITE_IOERR_CHECKRESERVEDLOCK);
    *ret_is_reserved =
        handle->lock >= SQLITE_LOCK_RESERVED || strongest_of_others(handle) >= SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
}

/* ---- shared memory ---- */

/* Whoever comes first finds it empty, whatever an earlier process has left: as on a true disk. */
static int attach(struct vfs_handle *handle)
{
    struct vfs_file *file = handle->file;

    if (handle->has_shm)
        return SQLITE_OK;
    if (!file->shm) {
        if (vfs_hits(handle->vfs, VFS_READ_ONLY))
            return vfs_fail(handle->vfs, EROFS, SQLITE_CANTOPEN);
        file->shm = memory_alloc(sizeof(*file->shm));
    }
    file->shm->users++;
    handle->has_shm = true;
    return SQLITE_OK;
}

static int extend_to(struct vfs_handle *handle, size_t count, size_t size)
{
    struct vfs_shm *shm = handle->file->shm;

    if (vfs_hits(handle->vfs, VFS_FULL))
        return vfs_fail(handle->vfs, ENOSPC, SQLITE_IOERR_SHMSIZE);
    shm->regions = memory_grow(shm->regions, count * sizeof(shm->regions[0]));
    while (shm->count < count)
        shm->regions[shm->count++] = memory_alloc(size);
    return SQLITE_OK;
}

int vfs_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret_memory)
{
    struct vfs_handle *handle = handle_of(base);
    size_t index = (size_t)region;
    int code;

    *ret_memory = NULL;
    if (handle->vfs->is_dead)
        return vfs_fail(handle->vfs, EIO, SQLITE_IOERR_SHMMAP);
    code = attach(handle);
    if (code == SQLITE_OK && extend && index >= handle->file->shm->count)
        code = extend_to(handle, index + 1, (size_t)size);
    if (code == SQLITE_OK && index < handle->file->shm->count)
        *ret_memory = handle->file->shm->regions[index];
    return code;
}

static bool is_held_by_others(const struct vfs_handle *handle, unsigned locks, bool shared_too)
{
    const struct vfs_handle *other;

    for (other = handle->file->handles; other; other = other->next)
        if (other != handle &&
            ((other->exclusive & locks) != 0 || (shared_too && (other->shared & locks) != 0)))
            return true;
    return false;
}

int vfs_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    struct vfs_handle *handle = handle_of(base);
    unsigned locks = ((1U << count) - 1) << offset;
    bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;

    assert(handle->has_shm);
    if (flags & SQLITE_SHM_UNLOCK) {
        handle->shared &= ~locks;
        handle->exclusive &= ~locks;
        return SQLITE_OK;
    }
    if (handle->vfs->is_dead)
        return vfs_fail(handle->vfs, EIO, SQLITE_IOERR_SHMLOCK);
    if (is_held_by_others(handle, locks, exclusive))
        return SQLITE_BUSY;
    if (exclusive)
        handle->exclusive |= locks;
    else
        handle->shared |= locks;
    return SQLITE_OK;
}

/* One thread sees its own writes in order. */
void vfs_shm_barrier(sqlite3_file *base)
{
    (void)base;
}

int vfs_shm_unmap(sqlite3_file *base, int delete)
{
    struct vfs_handle *handle = handle_of(base);
    struct vfs_shm *shm = handle->file->shm;

    (void)delete; /* it ends with its last user in any case */
    if (!handle->has_shm)
        return SQLITE_OK;
    handle->has_shm = false;
    handle->shared = handle->exclusive = 0;
    if (--shm->users > 0)
        return SQLITE_OK;
    for (size_t i = 0; i < shm->count; i++)
        free(shm->regions[i]);
    free(shm->regions);
    free(shm);
    handle->file->shm = NULL;
    return SQLITE_OK;
}
