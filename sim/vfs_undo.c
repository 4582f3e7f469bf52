#include "sim/vfs_undo.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define SECTOR_SIZE 512
#define TORN_ONE_IN 16

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t end_of(const struct vfs_change *change)
{
    return change->offset + change->length;
}

/* Past the file's end nothing was overwritten. */
static size_t saved_size(const struct vfs_change *change)
{
    uint64_t end = min_u64(end_of(change), change->size_before);

    return end > change->offset ? (size_t)(end - change->offset) : 0;
}

/* The sectors from first to below end. */
static size_t first_sector(const struct vfs_change *change)
{
    return (size_t)(change->offset / SECTOR_SIZE);
}

static size_t end_sector(const struct vfs_change *change)
{
    return (size_t)((end_of(change) + SECTOR_SIZE - 1) / SECTOR_SIZE);
}

/* ---- noting ---- */

/* Room for what @change has overwritten, which the caller fills in. NULL: nothing. */
static uint8_t *append(struct vfs_undo *undo, struct vfs_change change)
{
    size_t size = saved_size(&change);

    if (undo->count == undo->capacity) {
        undo->capacity = undo->capacity ? 2 * undo->capacity : 16;
        undo->changes = memory_grow(undo->changes, undo->capacity * sizeof(change));
    }
    if (undo->saved_size + size > undo->saved_capacity) {
        undo->saved_capacity = 2 * (undo->saved_size + size);
        undo->saved = memory_grow(undo->saved, undo->saved_capacity);
    }
    change.saved = undo->saved_size;
    undo->changes[undo->count++] = change;
    undo->lost += change.lost;
    undo->saved_size += size;
    return size > 0 ? undo->saved + change.saved : NULL;
}

static void note(struct vfs_undo *undo, const struct vfs_content *content, struct vfs_change change)
{
    uint8_t *saved;

    if (change.length == 0)
        return;
    change.size_before = content->size;
    saved = append(undo, change);
    if (saved)
        vfs_content_read(content, change.offset, saved, saved_size(&change));
}

void vfs_undo_note(struct vfs_undo *undo, const struct vfs_content *content, uint64_t offset,
                   uint64_t length, uint64_t turn)
{
    note(undo, content, (struct vfs_change){.turn = turn, .offset = offset, .length = length});
}

void vfs_undo_note_size(struct vfs_undo *undo, const struct vfs_content *content, uint64_t size,
                        uint64_t turn)
{
    uint64_t start = min_u64(size, content->size), end = max_u64(size, content->size);

    note(undo, content,
         (struct vfs_change){.turn = turn, .offset = start, .length = end - start, .whole = true});
}

/* ---- fsync ---- */

/* What lies of @change in the sectors from @first to below @end goes into @kept. */
static void keep_part(struct vfs_undo *kept, const struct vfs_undo *undo,
                      const struct vfs_change *change, size_t first, size_t end)
{
    struct vfs_change part = *change;
    uint8_t *saved;

    part.offset = max_u64(change->offset, (uint64_t)first * SECTOR_SIZE);
    part.length = min_u64(end_of(change), (uint64_t)end * SECTOR_SIZE) - part.offset;
    saved = append(kept, part);
    if (saved)
        memcpy(saved, undo->saved + change->saved + (part.offset - change->offset),
               saved_size(&part));
}

static void keep_stale_parts(struct vfs_undo *kept, const struct vfs_undo *undo,
                             const struct vfs_change *change, const bool *is_fresh)
{
    size_t sector = first_sector(change), end = end_sector(change);

    while (sector < end) {
        size_t first = sector;

        while (sector < end && !is_fresh[sector])
            sector++;
        if (sector > first)
            keep_part(kept, undo, change, first, sector);
        while (sector < end && is_fresh[sector])
            sector++;
    }
}

static size_t sector_count(const struct vfs_undo *undo)
{
    size_t count = 0;

    for (size_t i = 0; i < undo->count; i++)
        if (end_sector(&undo->changes[i]) > count)
            count = end_sector(&undo->changes[i]);
    return count;
}

/* A sector is safe if it was written to since the failed fsync: then all of it went out. */
static void keep_lost(struct vfs_undo *undo)
{
    bool *is_fresh = memory_alloc(sector_count(undo) + 1);
    struct vfs_undo kept = {0};

    for (size_t i = 0; i < undo->count; i++)
        if (!undo->changes[i].lost)
            for (size_t sector = first_sector(&undo->changes[i]);
                 sector < end_sector(&undo->changes[i]); sector++)
                is_fresh[sector] = true;
    for (size_t i = 0; i < undo->count; i++)
        if (undo->changes[i].lost)
            keep_stale_parts(&kept, undo, &undo->changes[i], is_fresh);
    free(is_fresh);
    vfs_undo_clear(undo);
    *undo = kept;
}

static void forget_all(struct vfs_undo *undo)
{
    undo->count = 0;
    undo->saved_size = 0;
    undo->lost = 0;
}

void vfs_undo_synced(struct vfs_undo *undo)
{
    if (undo->lost > 0)
        keep_lost(undo);
    else
        forget_all(undo);
}

void vfs_undo_sync_failed(struct vfs_undo *undo)
{
    for (size_t i = 0; i < undo->count; i++)
        undo->changes[i].lost = true;
    undo->lost = undo->count;
}

void vfs_undo_clear(struct vfs_undo *undo)
{
    free(undo->changes);
    free(undo->saved);
    *undo = (struct vfs_undo){0};
}

/* ---- luck ---- */

struct vfs_luck vfs_luck_draw(struct random *random, uint64_t oldest, uint64_t newest)
{
    static const uint8_t chances[] = {0, 1, 4, 7};
    uint64_t draw = random_up_to(random, 7);
    struct vfs_luck luck = {.kind = draw == 0   ? VFS_LUCK_NOTHING
                                    : draw == 1 ? VFS_LUCK_ALL
                                    : draw < 4  ? VFS_LUCK_MOMENT
                                                : VFS_LUCK_DICE};

    /* From just before the oldest to the newest. */
    luck.moment = newest - random_up_to(random, newest > oldest ? newest - oldest + 1 : 1);
    luck.keep_of_8 = chances[random_up_to(random, 3)];
    return luck;
}

bool vfs_luck_keeps(const struct vfs_luck *luck, struct random *random, uint64_t turn)
{
    switch (luck->kind) {
    case VFS_LUCK_NOTHING:
        return false;
    case VFS_LUCK_ALL:
        return true;
    case VFS_LUCK_MOMENT:
        /* What was being written at the moment may have come through in part. */
        if (turn != luck->moment + 1)
            return turn <= luck->moment;
        break;
    case VFS_LUCK_DICE:
        break;
    }
    return random_up_to(random, 7) < luck->keep_of_8;
}

static bool tears(const struct vfs_luck *luck, struct random *random, uint64_t turn)
{
    if (luck->kind != VFS_LUCK_DICE && (luck->kind != VFS_LUCK_MOMENT || turn != luck->moment + 1))
        return false;
    return random_up_to(random, TORN_ONE_IN - 1) == 0;
}

/* ---- the power cut ---- */

enum fate { FATE_UNTOUCHED, FATE_UNDONE /* so far */, FATE_KEPT, FATE_DROPPED, FATE_TORN };

struct sector {
    uint16_t extent; /* how far the file reaches into it */
    uint8_t fate;
};

struct cut {
    const struct vfs_undo *undo;
    struct vfs_content *content; /* large enough for every sector */
    const struct vfs_luck *luck;
    struct random *random;
    struct sector *sectors;
    size_t count;
};

static uint16_t extent_in(size_t sector, uint64_t file_size)
{
    uint64_t start = (uint64_t)sector * SECTOR_SIZE;

    return file_size > start ? (uint16_t)min_u64(file_size - start, SECTOR_SIZE) : 0;
}

/* What @change has done to the file from @start to below @end. */
static void undo_between(struct cut *cut, const struct vfs_change *change, uint64_t start,
                         uint64_t end)
{
    uint64_t saved_end = change->offset + saved_size(change);

    start = max_u64(start, change->offset);
    end = min_u64(end, end_of(change));
    if (start < min_u64(end, saved_end))
        vfs_content_write(cut->content, start,
                          cut->undo->saved + change->saved + (start - change->offset),
                          (size_t)(min_u64(end, saved_end) - start));
    start = max_u64(start, saved_end);
    if (start < end)
        vfs_content_write(cut->content, start, NULL, (size_t)(end - start));
}

static void drop(struct cut *cut, const struct vfs_change *change, size_t sector)
{
    uint64_t start = (uint64_t)sector * SECTOR_SIZE;

    undo_between(cut, change, start, start + SECTOR_SIZE);
    cut->sectors[sector].extent = extent_in(sector, change->size_before);
    cut->sectors[sector].fate = FATE_UNDONE;
}

/* Heads write from one end of a sector to the other, we do not know which. */
static void tear(struct cut *cut, const struct vfs_change *change, size_t sector)
{
    uint64_t start = (uint64_t)sector * SECTOR_SIZE;
    uint64_t middle = start + 1 + random_up_to(cut->random, SECTOR_SIZE - 2);

    if (random_up_to(cut->random, 1) == 0)
        undo_between(cut, change, start, middle);
    else
        undo_between(cut, change, middle, start + SECTOR_SIZE);
    cut->sectors[sector].fate = FATE_TORN;
}

static void decide(struct cut *cut, const struct vfs_change *change, size_t sector, bool keeps,
                   bool may_tear)
{
    struct sector *state = &cut->sectors[sector];

    if (keeps)
        state->fate = state->fate == FATE_UNDONE ? FATE_DROPPED : FATE_KEPT;
    else if (may_tear && tears(cut->luck, cut->random, change->turn))
        tear(cut, change, sector);
    else
        drop(cut, change, sector);
}

/* From the newest change to the oldest: each sector goes back until luck holds it. */
static void decide_change(struct cut *cut, const struct vfs_change *change)
{
    bool keeps_all = change->whole && vfs_luck_keeps(cut->luck, cut->random, change->turn);

    for (size_t sector = first_sector(change); sector < end_sector(change); sector++) {
        if (cut->sectors[sector].fate > FATE_UNDONE)
            continue;
        decide(cut, change, sector,
               change->whole ? keeps_all : vfs_luck_keeps(cut->luck, cut->random, change->turn),
               !change->whole);
    }
}

/* The file reaches as far as the last sector that is left. */
static uint64_t size_left(const struct cut *cut)
{
    for (size_t i = cut->count; i > 0; i--)
        if (cut->sectors[i - 1].extent > 0)
            return (uint64_t)(i - 1) * SECTOR_SIZE + cut->sectors[i - 1].extent;
    return 0;
}

static void count_fates(const struct cut *cut, struct vfs_counters *counters)
{
    for (size_t i = 0; i < cut->count; i++) {
        counters->kept_sectors += cut->sectors[i].fate == FATE_KEPT;
        counters->torn_sectors += cut->sectors[i].fate == FATE_TORN;
        counters->dropped_sectors +=
            cut->sectors[i].fate == FATE_UNDONE || cut->sectors[i].fate == FATE_DROPPED;
    }
}

static size_t sectors_of(uint64_t size)
{
    return (size_t)((size + SECTOR_SIZE - 1) / SECTOR_SIZE);
}

void vfs_undo_cut(struct vfs_undo *undo, struct vfs_content *content, const struct vfs_luck *luck,
                  struct random *random, struct vfs_counters *counters)
{
    struct cut cut = {.undo = undo, .content = content, .luck = luck, .random = random};

    if (undo->count == 0)
        return;
    cut.count = sector_count(undo);
    if (sectors_of(content->size) > cut.count)
        cut.count = sectors_of(content->size);
    cut.sectors = memory_alloc(cut.count * sizeof(cut.sectors[0]));
    for (size_t i = 0; i < cut.count; i++)
        cut.sectors[i].extent = extent_in(i, content->size);
    vfs_content_resize(content, (uint64_t)cut.count * SECTOR_SIZE);
    for (size_t i = undo->count; i > 0; i--)
        decide_change(&cut, &undo->changes[i - 1]);
    vfs_content_resize(content, size_left(&cut));
    count_fates(&cut, counters);
    free(cut.sectors);
    forget_all(undo);
}
