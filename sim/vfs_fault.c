/* What goes wrong with a simulated disk, and with the process that uses it. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/memory.h"
#include "sim/vfs_internal.h"

#define CALLS_PER_US 4

/* ---- faults ---- */

void vfs_arm(struct vfs *vfs, enum vfs_fault fault, uint64_t countdown, enum vfs_extent extent)
{
    assert(fault < VFS_FAULT_COUNT);
    assert(countdown > 0);
    vfs->troubles[fault] =
        (struct vfs_trouble){.armed = true, .countdown = countdown, .extent = extent};
}

void vfs_heal(struct vfs *vfs, enum vfs_fault fault)
{
    assert(fault < VFS_FAULT_COUNT);
    vfs->troubles[fault].armed = false;
}

bool vfs_hits(struct vfs *vfs, enum vfs_fault fault)
{
    struct vfs_trouble *trouble = &vfs->troubles[fault];

    if (!trouble->armed)
        return false;
    if (trouble->countdown > 1) {
        trouble->countdown--;
        return false;
    }
    if (trouble->extent == VFS_ONCE)
        trouble->armed = false;
    vfs->counters.failed[fault]++;
    return true;
}

int vfs_fail(struct vfs *vfs, int why_errno, int code)
{
    vfs->last_errno = why_errno;
    return code;
}

bool vfs_begin(struct vfs *vfs)
{
    bool cut, killed;

    if (vfs->is_dead)
        return false;
    if (++vfs->calls % CALLS_PER_US == 0)
        vfs->busy_us++;
    cut = vfs_hits(vfs, VFS_POWER);
    killed = vfs_hits(vfs, VFS_KILL);
    if (cut)
        vfs_cut_power(vfs);
    else if (killed)
        vfs_kill(vfs);
    return !vfs->is_dead;
}

/* ---- the end of a process ---- */

void vfs_kill(struct vfs *vfs)
{
    vfs->is_dead = true;
}

bool vfs_is_dead(const struct vfs *vfs)
{
    return vfs->is_dead;
}

void vfs_revive(struct vfs *vfs)
{
    assert(vfs->is_dead);
    assert(vfs->open_files == 0);
    vfs->is_dead = false;
}

/* ---- the power cut ---- */

static uint64_t oldest_turn(const struct vfs *vfs)
{
    uint64_t oldest = vfs->turn;
    const struct vfs_file *file;

    for (file = vfs->files; file; file = file->next) {
        if (file->undo.count > 0 && file->undo.changes[0].turn < oldest)
            oldest = file->undo.changes[0].turn;
        if (file->is_linked != file->is_durable && file->link_turn < oldest)
            oldest = file->link_turn;
    }
    return oldest;
}

/* What was not safe in the directory: new names first, because a deleted file can come back only
 * where nothing new has taken its name. */
static void cut_names(struct vfs *vfs, const struct vfs_luck *luck)
{
    struct vfs_file *file;

    for (file = vfs->files; file; file = file->next)
        if (file->is_linked && !file->is_durable) {
            if (vfs_luck_keeps(luck, &vfs->luck, file->link_turn))
                vfs_sync_name(vfs, file);
            else
                file->is_linked = false;
        }
    for (file = vfs->files; file; file = file->next)
        if (!file->is_linked && file->is_durable) {
            file->is_durable = !vfs_luck_keeps(luck, &vfs->luck, file->link_turn);
            file->is_linked = file->is_durable;
        }
}

static void cut_contents(struct vfs *vfs, const struct vfs_luck *luck)
{
    /* In every other cut the files share their luck; else the WAL may be lost and the file that it
     * belongs to be written, or the other way round. */
    bool shared = random_up_to(&vfs->luck, 1) == 0;
    uint64_t oldest = oldest_turn(vfs);
    struct vfs_file *file;

    for (file = vfs->files; file; file = file->next) {
        struct vfs_luck own = shared ? *luck : vfs_luck_draw(&vfs->luck, oldest, vfs->turn);

        vfs_undo_cut(&file->undo, &file->content, &own, &vfs->luck, &vfs->counters);
    }
}

void vfs_cut_power(struct vfs *vfs)
{
    struct vfs_luck luck = vfs_luck_draw(&vfs->luck, oldest_turn(vfs), vfs->turn);
    struct vfs_file *file, *next;

    vfs->is_dead = true;
    cut_contents(vfs, &luck);
    cut_names(vfs, &luck);
    DL_FOREACH_SAFE(vfs->files, file, next)
    {
        vfs_reap(vfs, file);
    }
}

/* ---- decay ---- */

static size_t size_of(const struct vfs_file *file)
{
    return file ? (size_t)file->content.size : 0;
}

static bool is_among(const uint64_t *bits, size_t count, uint64_t bit)
{
    for (size_t i = 0; i < count; i++)
        if (bits[i] == bit)
            return true;
    return false;
}

size_t vfs_flip_bits(struct vfs *vfs, const char *path, size_t bits)
{
    char *wal_path = sqlite3_mprintf("%s-wal", path);
    struct vfs_file *file = vfs_find(vfs, path), *wal = vfs_find(vfs, wal_path);
    uint64_t file_bits = 8 * (uint64_t)size_of(file);
    uint64_t all_bits = file_bits + 8 * (uint64_t)size_of(wal);
    uint64_t *flipped = memory_alloc((bits + 1) * sizeof(flipped[0]));
    size_t count = 0;

    assert(vfs->is_dead);
    while (count < bits && count < all_bits) {
        uint64_t bit = random_up_to(&vfs->luck, all_bits - 1);

        if (is_among(flipped, count, bit))
            continue;
        flipped[count++] = bit;
        if (bit < file_bits)
            vfs_content_flip(&file->content, bit);
        else
            vfs_content_flip(&wal->content, bit - file_bits);
    }
    free(flipped);
    sqlite3_free(wal_path);
    return count;
}
