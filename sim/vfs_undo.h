/* vfs_undo: what a power cut can take from one file: its changes since it was last synced, with
 * what they have overwritten, and the cut itself.
 *
 * A disk writes sectors of 512 bytes, in any order. Each that was changed ends, independently, as
 * it is now, as it was when it was last safe, as it was in between, or, rarely, as half of one and
 * half of another; SQLite expects no better of a sector, but the bytes of it that nobody wrote to
 * are safe. A change of size is done or not done as a whole. */

#ifndef MEC_VFS_UNDO_H
#define MEC_VFS_UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/random.h"
#include "sim/vfs.h"
#include "sim/vfs_content.h"

struct vfs_change {
    uint64_t turn; /* the disk's, when it was made: orders the changes of several files */
    uint64_t offset, length;
    uint64_t size_before; /* of the file */
    size_t saved;         /* where in vfs_undo.saved the bytes lie that it overwrote */
    bool whole;           /* happens as a whole or not at all */
    bool lost;            /* an fsync has failed to write it, and no later one tries again */
};

struct vfs_undo {
    struct vfs_change *changes; /* in order */
    size_t count, capacity;
    uint8_t *saved;
    size_t saved_size, saved_capacity;
    size_t lost; /* of the changes */
};

/* To be noted before it is done: @content will change in @length bytes at @offset. */
void vfs_undo_note(struct vfs_undo *undo, const struct vfs_content *content, uint64_t offset,
                   uint64_t length, uint64_t turn);
/* Likewise: it will have another size. */
void vfs_undo_note_size(struct vfs_undo *undo, const struct vfs_content *content, uint64_t size,
                        uint64_t turn);

void vfs_undo_synced(struct vfs_undo *undo);
void vfs_undo_sync_failed(struct vfs_undo *undo);
void vfs_undo_clear(struct vfs_undo *undo);

/* ---- the power cut ---- */

/* What becomes of what was not safe. All and nothing are drawn often, for they happen often; and
 * so are moments: all that was written before one is there, nothing that was written after it. */
enum vfs_luck_kind { VFS_LUCK_NOTHING, VFS_LUCK_ALL, VFS_LUCK_MOMENT, VFS_LUCK_DICE };

struct vfs_luck {
    enum vfs_luck_kind kind;
    uint64_t moment;   /* a turn */
    uint8_t keep_of_8; /* how many of eight sectors */
};

/* @oldest: the first turn of all that is unsafe. */
struct vfs_luck vfs_luck_draw(struct random *random, uint64_t oldest, uint64_t newest);
bool vfs_luck_keeps(const struct vfs_luck *luck, struct random *random, uint64_t turn);

/* Cut: what is left in @content is safe from then on. */
void vfs_undo_cut(struct vfs_undo *undo, struct vfs_content *content, const struct vfs_luck *luck,
                  struct random *random, struct vfs_counters *counters);

#endif
