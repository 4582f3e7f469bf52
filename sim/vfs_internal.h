/* The parts of a simulated disk, for the files that make it up: vfs.c (the disk and its names),
 * vfs_fault.c (what goes wrong), vfs_file.c (open files), vfs_shm.c (their locks, and the WAL's
 * index). */

#ifndef MEC_VFS_INTERNAL_H
#define MEC_VFS_INTERNAL_H

#include <sqlite3.h>

#include "common/random.h"
#include "sim/vfs.h"
#include "sim/vfs_content.h"
#include "sim/vfs_undo.h"

struct vfs_shm;

/* A file, as an inode has it: it lives until no name and no handle is left. */
struct vfs_file {
    char *path; /* NULL: a temporary file, which has no name */
    struct vfs_content content;
    struct vfs_undo undo;
    bool is_linked;     /* its path finds it */
    bool is_durable;    /* its path would find it after a power cut, too */
    uint64_t link_turn; /* when is_linked last changed */
    struct vfs_handle *handles;
    struct vfs_shm *shm; /* while a handle has it mapped */
    struct vfs_file *prev, *next;
};

/* An open file. SQLite allocates it. */
struct vfs_handle {
    sqlite3_file base; /* first */
    struct vfs *vfs;
    struct vfs_file *file;
    bool is_writable;
    bool syncs_names; /* the first sync is one of the directory, too */
    int lock;         /* SQLITE_LOCK_... */
    bool has_shm;
    unsigned shared, exclusive; /* bit sets: locks of the shared memory */
    struct vfs_handle *prev, *next;
};

struct vfs_trouble {
    bool armed;
    uint64_t countdown;
    enum vfs_extent extent;
};

struct vfs {
    sqlite3_vfs base;
    char *name;
    struct random luck;    /* of power cuts and bits */
    struct random entropy; /* for SQLite */
    struct vfs_file *files;
    size_t open_files;
    struct vfs_trouble troubles[VFS_FAULT_COUNT];
    bool is_dead;
    uint64_t turn; /* counts changes */
    uint64_t calls;
    uint64_t busy_us, sync_us;
    int last_errno;
    struct vfs_counters counters;
};

/* ---- vfs.c ---- */

struct vfs_file *vfs_find(const struct vfs *vfs, const char *path);
struct vfs_file *vfs_add(struct vfs *vfs, const char *path); /* NULL: a temporary file */
void vfs_unlink(struct vfs *vfs, struct vfs_file *file);
/* Free @file when nothing holds it any more. */
void vfs_reap(struct vfs *vfs, struct vfs_file *file);
/* What fsync does for the file's own name, and what it does for a directory. */
void vfs_sync_name(struct vfs *vfs, struct vfs_file *file);
void vfs_sync_names(struct vfs *vfs);

/* ---- vfs_fault.c ---- */

/* Every call that counts begins here. Returns false when the process is dead, as of now or before:
 * the call must do nothing. */
bool vfs_begin(struct vfs *vfs);
/* Does the fault hit this call, which it can hit? */
bool vfs_hits(struct vfs *vfs, enum vfs_fault fault);
/* Returns @code, for which SQLite may ask why. */
int vfs_fail(struct vfs *vfs, int why_errno, int code);
void vfs_cut_files(struct vfs *vfs);

/* ---- vfs_file.c ---- */

/* Make @handle one of @file. */
void vfs_file_open(struct vfs *vfs, struct vfs_file *file, struct vfs_handle *handle);

/* ---- vfs_shm.c ---- */

int vfs_shm_lock_file(sqlite3_file *base, int lock);
int vfs_shm_unlock_file(sqlite3_file *base, int lock);
int vfs_shm_is_reserved(sqlite3_file *base, int *ret_is_reserved);
int vfs_shm_map(sqlite3_file *base, int region, int size, int extend, void volatile **ret_memory);
int vfs_shm_lock(sqlite3_file *base, int offset, int count, int flags);
void vfs_shm_barrier(sqlite3_file *base);
int vfs_shm_unmap(sqlite3_file *base, int delete);

#endif
