/* vfs: the disk of one simulated region, as an SQLite VFS: files in memory, and everything that can
 * go wrong with a disk.
 *
 * Each disk is a VFS of its own, registered under its name, so that the storage code runs on it
 * unchanged. What is written is seen at once by whoever reads, as through a page cache, and is safe
 * from a power cut only once it has been synced. A disk has no clock: how long its calls take adds
 * up in busy_us, for the caller to let pass. The same seed and the same calls always give the same
 * bytes.
 *
 * All disks are used by one thread. */

#ifndef MEC_VFS_H
#define MEC_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vfs;

/* What becomes of the calls of the process that uses the disk. */
enum vfs_fault {
    VFS_FULL,      /* a write that takes more room fails with "no space", half of it written */
    VFS_READ_ONLY, /* files can be opened for reading only, and writing fails with "read-only" */
    VFS_WRITE,     /* a write fails with an I/O error, half of it written */
    VFS_SYNC,      /* an fsync fails, and what it should have made safe never will be: as Linux has
                    * it, the pages count as clean, so a later fsync that succeeds does not help */
    VFS_KILL,      /* the process dies in the call: it is not done, and no later one is */
    VFS_POWER,     /* likewise, and what was not synced is lost: dropped, kept or torn */
    VFS_FAULT_COUNT
};

enum vfs_extent { VFS_ONCE, VFS_FROM_THEN_ON };

struct vfs_counters {
    uint64_t opens, reads, writes, syncs, deletes;
    uint64_t failed[VFS_FAULT_COUNT];
    uint64_t torn_sectors, dropped_sectors, kept_sectors; /* in power cuts; sectors of 512 bytes */
};

/* @name also names the VFS; it must not be taken. Registered as no default. SQLite draws the salts
 * of its WALs from a generator that the whole process shares: it, too, begins anew with @seed. */
struct vfs *vfs_create(const char *name, uint64_t seed);
void vfs_free(struct vfs *vfs); /* all its files must be closed */

/* The @countdown-th call that @fault can hit, counted from 1, is hit. One fault of each kind can
 * wait or be in force at a time. VFS_KILL and VFS_POWER count every call that reads, writes, syncs,
 * truncates, opens or deletes; VFS_FULL counts only calls that need more room, of which the first
 * page of a WAL's index is one. */
void vfs_arm(struct vfs *vfs, enum vfs_fault fault, uint64_t countdown, enum vfs_extent extent);
void vfs_heal(struct vfs *vfs, enum vfs_fault fault); /* the disk works again in this respect */

/* The process that uses the disk is gone as of now, by VFS_KILL, VFS_POWER or one of the two calls:
 * nothing changes any more, every call fails, closing files does nothing to them. Until
 * vfs_revive(), when all files must have been closed. */
void vfs_kill(struct vfs *vfs);
void vfs_cut_power(struct vfs *vfs);
bool vfs_is_dead(const struct vfs *vfs);
void vfs_revive(struct vfs *vfs);

/* While dead or before use: forget all files, or one and what belongs to it ("-wal", "-shm",
 * "-journal"). */
void vfs_wipe(struct vfs *vfs);
void vfs_remove(struct vfs *vfs, const char *path);

/* While dead: flip @bits random bits in the file and its WAL. Returns how many (0: no such file, or
 * an empty one). */
size_t vfs_flip_bits(struct vfs *vfs, const char *path, size_t bits);

/* Add copies of all files of @from, which must not be in use, in place of those of the same path:
 * made once, copied for each world. They are safe, and share their content until it is changed. */
void vfs_copy(struct vfs *vfs, const struct vfs *from);

/* How long an fsync takes, and how long all calls since the last time have taken. */
void vfs_set_sync_us(struct vfs *vfs, uint64_t sync_us);
uint64_t vfs_take_busy_us(struct vfs *vfs);

size_t vfs_open_files(const struct vfs *vfs);
uint64_t vfs_bytes(const struct vfs *vfs); /* of all files */
const struct vfs_counters *vfs_counters(const struct vfs *vfs);

#endif
