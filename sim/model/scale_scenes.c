#include "sim/model/scale_scenes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "sim/model/scale_health.h"

#define KEPT 8 /* scenes of a place: before, unnoticed, noticed, back, and two ages of each */

struct kept {
    struct scale_scene scene;
    struct scale_cells *cells;
    uint64_t used;
};

struct view {
    bool seen; /* before the first look there is no span */
    struct scale_span span;
    struct kept kept[KEPT];
};

struct scale_scenes {
    const struct scale_world *world;
    struct scale_health health;
    uint64_t ages_us[2];
    uint64_t looks;
    struct view *views; /* [geo] */
};

struct scale_scenes *scale_scenes_create(const struct scale_world *world)
{
    const struct traffic_rules *rules = traffic_rules_of(world->traffic);
    struct scale_scenes *scenes = memory_alloc(sizeof *scenes);

    *scenes = (struct scale_scenes){
        .world = world,
        .ages_us = {rules->revocation_bound_us, rules->token_left_us},
        .views = memory_alloc(world->deployment->geo_count * sizeof *scenes->views),
    };
    scale_health_init(&scenes->health, &world->faults);
    return scenes;
}

void scale_scenes_free(struct scale_scenes *scenes)
{
    if (!scenes)
        return;
    for (size_t geo = 0; geo < scenes->world->deployment->geo_count; geo++)
        for (size_t i = 0; i < KEPT; i++)
            scale_cells_free(scenes->views[geo].kept[i].cells);
    scale_health_clear(&scenes->health);
    free(scenes->views);
    free(scenes);
}

/* ---- scenes ---- */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How long a request waits for an answer of a region. */
static uint64_t patience_us(const struct scale_scenes *scenes, const struct scale_watch *watch)
{
    return watch->round_trip_us + scenes->health.timeout_us;
}

/* What is sent from @*ret_until_us - patience on gets there, when the span ends by mending. */
static void take_unnoticed(const struct scale_scenes *scenes, const struct scale_watch *watch,
                           uint32_t region, uint64_t now_us, struct scale_scene *scene,
                           uint64_t *until_us)
{
    uint64_t patience = patience_us(scenes, watch);

    scene->unnoticed |= 1u << region;
    if (watch->next_way != SCALE_WAY_OPEN)
        return;
    if (watch->until_us - now_us <= patience)
        scene->mended |= 1u << region;
    else
        *until_us = min_u64(*until_us, watch->until_us - patience);
}

static void take_state(const struct scale_scenes *scenes, uint32_t geo, uint64_t now_us,
                       struct scale_scene *scene)
{
    uint64_t since_us[TOPOLOGY_REGIONS_MAX];
    struct traffic_state state;

    scale_faults_state(&scenes->world->faults, now_us, &state, since_us);
    scene->down = state.down;
    scene->isolated = state.isolated;
    scene->replicators_down = state.replicators_down;
    scene->full = state.full;
    scene->away = state.client_cut[geo];
    memcpy(scene->services_down, state.services_down, sizeof scene->services_down);
    memcpy(scene->cut, state.cut, sizeof scene->cut);
    for (uint32_t region = 0; region < TOPOLOGY_REGIONS_MAX; region++) {
        scene->old |= (uint32_t)(since_us[region] > scenes->ages_us[0]) << region;
        scene->older |= (uint32_t)(since_us[region] > scenes->ages_us[1]) << region;
    }
}

/* The scene at @now_us, and until when it stays. */
static void look(struct scale_scenes *scenes, uint32_t geo, uint64_t now_us,
                 struct scale_scene *ret_scene, uint64_t *ret_until_us)
{
    uint64_t until_us = scale_faults_next_us(&scenes->world->faults, now_us, scenes->ages_us, 2);

    scale_health_advance(&scenes->health, geo, now_us);
    until_us = min_u64(until_us, scenes->health.until_us[geo]);
    memset(ret_scene, 0, sizeof *ret_scene);
    take_state(scenes, geo, now_us, ret_scene);
    for (uint32_t region = 0; region < scenes->health.region_count; region++) {
        const struct scale_watch *watch = scale_health_watch(&scenes->health, geo, region);
        if (!watch->usable)
            ret_scene->away |= 1u << region;
        else if (watch->way != SCALE_WAY_OPEN)
            take_unnoticed(scenes, watch, region, now_us, ret_scene, &until_us);
    }
    *ret_until_us = until_us;
}

static const struct scale_cells *cells_of(struct scale_scenes *scenes, uint32_t geo,
                                          const struct scale_scene *scene)
{
    struct view *view = &scenes->views[geo];
    struct kept *oldest = &view->kept[0];

    for (size_t i = 0; i < KEPT; i++) {
        struct kept *kept = &view->kept[i];
        if (kept->cells && memcmp(&kept->scene, scene, sizeof *scene) == 0) {
            kept->used = ++scenes->looks;
            return kept->cells;
        }
        if (kept->used < oldest->used)
            oldest = kept;
    }
    scale_cells_free(oldest->cells);
    *oldest = (struct kept){.scene = *scene,
                            .cells = scale_cells_create(scenes->world, geo, scene),
                            .used = ++scenes->looks};
    return oldest->cells;
}

const struct scale_span *scale_scenes_look(struct scale_scenes *scenes, uint32_t geo,
                                           uint64_t now_us)
{
    struct view *view = &scenes->views[geo];
    struct scale_scene scene;

    if (view->seen && now_us < view->span.until_us)
        return &view->span;
    look(scenes, geo, now_us, &scene, &view->span.until_us);
    view->span.cells = cells_of(scenes, geo, &scene);
    view->span.faults = scale_faults_in_force(&scenes->world->faults, now_us);
    view->span.ahead = scale_faults_ahead(&scenes->world->faults, now_us);
    view->seen = true;
    return &view->span;
}

struct scale_hang scale_scenes_hang(const struct scale_scenes *scenes, uint32_t geo,
                                    uint32_t region)
{
    const struct scale_watch *watch = scale_health_watch(&scenes->health, geo, region);

    assert(watch->usable && watch->way == SCALE_WAY_HELD);
    return (struct scale_hang){watch->until_us, patience_us(scenes, watch)};
}
