/* Moving homes; see director.h. There is no code in the daemons yet that moves one, so it is done
 * as a careful operator would, and never so that two could accept in one epoch: with the old home
 * down, or with nobody home until the old one has come to rest. */

#include <stdlib.h>
#include <utlist.h>

#include "sim/director_internal.h"
#include "sim/region_host.h"

#define LOOK_AGAIN_US    (100 * MILLISECOND_US)
#define LOOKS_WANTED     5 /* in a row: nothing that was under way in the old epoch is left */
#define MOVE_PATIENCE_US (5 * SECOND_US)

static void look(void *what);

static void look_later(struct director *director)
{
    /* One look at a time serves all moves. */
    void **what = memory_alloc(sizeof *what);

    *what = director;
    director_later(director, LOOK_AGAIN_US, look, what);
}

static void add(struct director *director, const struct move *wanted)
{
    struct move *move = memory_copy(wanted, sizeof *wanted);
    bool first = director->moves == NULL;

    LL_APPEND(director->moves, move);
    if (first)
        look_later(director);
}

static bool is_moving(const struct director *director, uint32_t shard)
{
    const struct move *move;

    LL_FOREACH(director->moves, move)
    if (move->shard == shard)
        return true;
    return false;
}

static void make_home(struct director *director, struct move *move, uint32_t to, uint64_t kept_seq)
{
    struct simulation *simulation = director->simulation;
    const struct plan *plan = simulation->plan;
    size_t given_up;

    director->shards[move->shard].home = to;
    simulation_trace(simulation, plan->region_names[to], "becomes home of %s in epoch %llu",
                     plan->region_names[move->shard],
                     (unsigned long long)director->shards[move->shard].epoch);
    given_up = watch_home_moved(simulation->watch, simulation->now_us, move->shard, to,
                                director->shards[move->shard].epoch, kept_seq);
    if (given_up > 0)
        simulation_trace(simulation, plan->region_names[move->shard],
                         "gives up %zu acknowledged writes", given_up);
    simulation->result->given_up_by_promotion += given_up;
    if (kept_seq != UINT64_MAX && simulation->options->history)
        history_nemesis(simulation->options->history, simulation->now_us, "promote",
                        plan->region_names[move->shard], plan->region_names[to]);
    director_publish(director);
}

/* ---- planned ---- */

static bool both_are_well(const struct director *director, const struct move *move)
{
    struct simulation *simulation = director->simulation;
    const struct process *from = simulation_regiond(simulation, director->shards[move->shard].home);
    const struct process *to = simulation_regiond(simulation, move->to);

    return process_runs(from) && process_runs(to) && director_reaches(director, from) &&
           director_reaches(director, to) && !region_host_is_damaged(to->region, move->shard) &&
           !region_host_is_damaged(from->region, move->shard);
}

static bool new_home_has_all(const struct director *director, const struct move *move)
{
    struct simulation *simulation = director->simulation;
    const struct process *from = simulation_regiond(simulation, director->shards[move->shard].home);

    return !region_host_is_writing(from->region) &&
           watch_copy_seq(simulation->watch, move->to, move->shard) ==
               watch_last_seq(simulation->watch, move->shard);
}

/* The old home, told that it is none any more, has nothing on its way to the disk. */
static bool has_sealed(const struct director *director, const struct move *move)
{
    struct simulation *simulation = director->simulation;
    const struct process *from = simulation_regiond(simulation, director->shards[move->shard].home);

    return process_runs(from) && from->config->version >= move->fence_version &&
           !region_host_is_writing(from->region);
}

static void seal(struct director *director, struct move *move)
{
    director->shards[move->shard].epoch++;
    director->shards[move->shard].sealed = true;
    move->fence_version = director->config_count + 1;
    simulation_trace(director->simulation, director->simulation->plan->region_names[move->shard],
                     "has no home for a moment");
    director_publish(director);
}

/* Nobody is home while the old one comes to rest. What it has not shipped by then it cannot ship
 * any more: unless the new one has all, the old one gets the shard back. */
static bool look_at_sealed(struct director *director, struct move *move)
{
    struct simulation *simulation = director->simulation;
    const struct process *to = simulation_regiond(simulation, move->to);
    uint32_t home = director->shards[move->shard].home;

    if (!has_sealed(director, move)) {
        move->looks = 0;
        return false;
    }
    if (++move->looks < LOOKS_WANTED)
        return false;
    if (process_runs(to) && !region_host_is_damaged(to->region, move->shard) &&
        new_home_has_all(director, move))
        home = move->to;
    director->shards[move->shard].sealed = false;
    make_home(director, move, home, UINT64_MAX);
    return true;
}

/* The old home is stopped at a moment when the new one has all that it has. Returns true when the
 * move is over. */
static bool look_at_planned(struct director *director, struct move *move)
{
    struct simulation *simulation = director->simulation;

    if (director->shards[move->shard].sealed)
        return look_at_sealed(director, move);
    if (simulation->now_us > move->give_up_us || director->lost[move->to] ||
        director->lost[director->shards[move->shard].home])
        return true;
    if (!both_are_well(director, move))
        return false;
    if (move->live) {
        seal(director, move);
        return false;
    }
    if (!new_home_has_all(director, move))
        return false;
    director_end(simulation_regiond(simulation, director->shards[move->shard].home),
                 PROCESS_STOPPED, move->back_after_us);
    director->shards[move->shard].epoch++;
    make_home(director, move, move->to, UINT64_MAX);
    return true;
}

bool director_move_home(struct director *director, uint32_t shard, uint32_t to,
                        uint64_t back_after_us)
{
    struct move move = {.shard = shard,
                        .to = to,
                        .give_up_us = director->simulation->now_us + MOVE_PATIENCE_US,
                        .back_after_us = back_after_us};

    if (is_moving(director, shard) || director->shards[shard].home == to)
        return false;
    add(director, &move);
    return true;
}

bool director_move_live_home(struct director *director, uint32_t shard, uint32_t to)
{
    struct move move = {.shard = shard,
                        .to = to,
                        .live = true,
                        .give_up_us = director->simulation->now_us + MOVE_PATIENCE_US};

    if (is_moving(director, shard) || director->shards[shard].home == to)
        return false;
    add(director, &move);
    return true;
}

/* ---- after a loss ---- */

/* Every other region has ended the old epoch and has nothing of it under way, so their copies have
 * come to rest, and the longest can be found. */
static bool all_have_fenced(const struct director *director, const struct move *move)
{
    struct simulation *simulation = director->simulation;

    for (uint32_t i = 0; i < simulation->plan->region_count; i++) {
        const struct process *process = simulation_regiond(simulation, i);

        if (director->lost[i])
            continue;
        if (!process_runs(process) || process->config->version < move->fence_version ||
            region_host_is_writing(process->region))
            return false;
    }
    return true;
}

static uint32_t most_advanced(const struct director *director, uint32_t shard)
{
    struct simulation *simulation = director->simulation;
    uint32_t best = PLAN_NONE;
    uint64_t best_seq = 0;

    for (uint32_t i = 0; i < simulation->plan->region_count; i++) {
        uint64_t seq = watch_copy_seq(simulation->watch, i, shard);

        if (director->lost[i] ||
            region_host_is_damaged(simulation_regiond(simulation, i)->region, shard))
            continue;
        if (best == PLAN_NONE || seq > best_seq) {
            best = i;
            best_seq = seq;
        }
    }
    return best;
}

static bool is_home_of_any(const struct director *director, uint32_t region)
{
    for (size_t i = 0; i < director->simulation->plan->region_count; i++)
        if (director->shards[i].home == region)
            return true;
    return false;
}

static void let_back(struct director *director, uint32_t region, uint64_t after_us)
{
    struct simulation *simulation = director->simulation;

    if (is_home_of_any(director, region))
        return;
    director->lost[region] = false;
    director_start_later(simulation_regiond(simulation, region), after_us);
    director_start_later(simulation_replicator(simulation, region), after_us);
}

static bool look_at_lost(struct director *director, struct move *move)
{
    struct simulation *simulation = director->simulation;
    uint32_t old_home = director->shards[move->shard].home;
    uint32_t to;

    if (!all_have_fenced(director, move)) {
        move->looks = 0;
        return false;
    }
    if (++move->looks < LOOKS_WANTED)
        return false;
    to = most_advanced(director, move->shard);
    if (to == PLAN_NONE)
        return false;
    make_home(director, move, to, watch_copy_seq(simulation->watch, to, move->shard));
    let_back(director, old_home, move->back_after_us);
    return true;
}

static bool any_is_lost(const struct director *director)
{
    for (size_t i = 0; i < PLAN_REGIONS_MAX; i++)
        if (director->lost[i])
            return true;
    return false;
}

bool director_lose_region(struct director *director, uint32_t region, uint64_t back_after_us)
{
    struct simulation *simulation = director->simulation;
    struct process *regiond = simulation_regiond(simulation, region);

    if (any_is_lost(director) || director->moves || director->control_down)
        return false;
    director_end(regiond, PROCESS_KILLED, 0);
    director_end(simulation_replicator(simulation, region), PROCESS_KILLED, 0);
    vfs_wipe(region_host_disk(regiond->region));
    for (uint32_t i = 0; i < simulation->plan->region_count; i++)
        region_host_damaged(regiond->region, i, false);
    watch_disk_lost(simulation->watch, simulation->now_us, region);
    director->lost[region] = true;
    for (uint32_t i = 0; i < simulation->plan->region_count; i++) {
        if (director->shards[i].home != region)
            continue;
        director->shards[i].epoch++;
        add(director, &(struct move){.shard = i,
                                     .to = PLAN_NONE,
                                     .fence_version = director->config_count + 1,
                                     .back_after_us = back_after_us});
    }
    director_publish(director);
    let_back(director, region, back_after_us);
    return true;
}

/* ---- looking ---- */

static void look(void *what)
{
    struct director *director = *(void **)what;
    struct move *move, *next;

    free(what);
    LL_FOREACH_SAFE(director->moves, move, next)
    {
        bool over =
            move->to == PLAN_NONE ? look_at_lost(director, move) : look_at_planned(director, move);

        if (!over)
            continue;
        LL_DELETE(director->moves, move);
        free(move);
    }
    if (director->moves)
        look_later(director);
}

void director_free_moves(struct director *director)
{
    struct move *move, *next;

    LL_FOREACH_SAFE(director->moves, move, next)
    free(move);
}
