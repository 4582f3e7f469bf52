/* Faults of disks and of the copies on them; see director.h. */

#include <stdlib.h>

#include "sim/director_internal.h"
#include "sim/region_host.h"

/* ---- disks ---- */

/* What the plan wants as what the simulated disk can do. */
static const struct {
    bool is_one;
    bool kills; /* regiond, which is started again after the fault's duration */
    enum vfs_fault kind;
    enum vfs_extent extent;
} disk_faults[PLAN_FAULT_COUNT] = {
    [PLAN_FAULT_KILL_AT_CALL] = {true, true, VFS_KILL, VFS_ONCE},
    [PLAN_FAULT_POWER_CUT_AT_CALL] = {true, true, VFS_POWER, VFS_ONCE},
    [PLAN_FAULT_DISK_FULL] = {true, false, VFS_FULL, VFS_FROM_THEN_ON},
    [PLAN_FAULT_DISK_READ_ONLY] = {true, false, VFS_READ_ONLY, VFS_FROM_THEN_ON},
    [PLAN_FAULT_WRITE_FAILS] = {true, false, VFS_WRITE, VFS_FROM_THEN_ON},
    [PLAN_FAULT_SYNC_FAILS_ONCE] = {true, false, VFS_SYNC, VFS_ONCE},
    [PLAN_FAULT_SYNC_FAILS] = {true, false, VFS_SYNC, VFS_FROM_THEN_ON},
};

static struct process *regiond_of(struct director *director, const struct plan_fault *fault)
{
    return simulation_regiond(director->simulation, fault->region);
}

static struct vfs *disk_of(struct director *director, const struct plan_fault *fault)
{
    return region_host_disk(regiond_of(director, fault)->region);
}

bool director_break_disk(struct director *director, const struct plan_fault *fault)
{
    struct process *process = regiond_of(director, fault);

    if (fault->kind == PLAN_FAULT_SLOW_SYNC) {
        vfs_set_sync_us(disk_of(director, fault), fault->amount);
        return true;
    }
    if (disk_faults[fault->kind].kills) {
        if (!process->up)
            return false;
        process->restart_after_us = fault->duration_us ? fault->duration_us : NEVER_US;
    }
    vfs_arm(disk_of(director, fault), disk_faults[fault->kind].kind, director_amount(fault),
            disk_faults[fault->kind].extent);
    return true;
}

void director_heal_disk(struct director *director, const struct plan_fault *fault)
{
    if (fault->kind == PLAN_FAULT_SLOW_SYNC)
        vfs_set_sync_us(disk_of(director, fault), director->simulation->plan->sync_us);
    else if (disk_faults[fault->kind].is_one)
        vfs_heal(disk_of(director, fault), disk_faults[fault->kind].kind);
}

/* ---- copies ---- */

static const char *region_name(const struct director *director, uint32_t region)
{
    return director->simulation->plan->region_names[region];
}

static char *path_of(const struct director *director, uint32_t shard)
{
    return storage_shard_path(REGION_HOST_DIRECTORY, region_name(director, shard));
}

static void lose_copy(struct director *director, uint32_t region, uint32_t shard)
{
    struct simulation *simulation = director->simulation;
    struct region_host *host = simulation_regiond(simulation, region)->region;
    char *path = path_of(director, shard);

    vfs_remove(region_host_disk(host), path);
    region_host_damaged(host, shard, false);
    watch_copy_lost(simulation->watch, simulation->now_us, region, shard);
    simulation_trace(simulation, region_name(director, region), "has a blank copy of %s",
                     region_name(director, shard));
    free(path);
}

void director_repair(struct director *director, uint32_t region)
{
    struct region_host *host = simulation_regiond(director->simulation, region)->region;

    for (uint32_t shard = 0; shard < director->simulation->plan->region_count; shard++)
        if (region_host_is_damaged(host, shard))
            lose_copy(director, region, shard);
}

/* A follower's copy only: what happens to a home is LOSE_REGION. And none that an operator may be
 * about to make a home. */
static bool may_touch_copy(struct director *director, const struct plan_fault *fault)
{
    return regiond_of(director, fault)->up && !director->moves &&
           director->shards[fault->other].home != fault->region;
}

bool director_blank_copy(struct director *director, const struct plan_fault *fault)
{
    if (!may_touch_copy(director, fault))
        return false;
    director_end(regiond_of(director, fault), PROCESS_KILLED, director_down_us(fault));
    lose_copy(director, fault->region, fault->other);
    return true;
}

bool director_flip_bits(struct director *director, const struct plan_fault *fault)
{
    struct simulation *simulation = director->simulation;
    struct process *process = regiond_of(director, fault);
    char *path;
    size_t flipped;

    if (!may_touch_copy(director, fault))
        return false;
    director_end(process, PROCESS_KILLED, director_down_us(fault));
    path = path_of(director, fault->other);
    flipped =
        vfs_flip_bits(region_host_disk(process->region), path, (size_t)director_amount(fault));
    free(path);
    region_host_damaged(process->region, fault->other, true);
    watch_copy_damaged(simulation->watch, simulation->now_us, fault->region, fault->other);
    return flipped > 0;
}
