#include "common/network_plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "common/memory.h"
#include "common/moment.h"

#define CLIENT_PREFIX  "client:"
#define EVERY_CLIENT   "*"
#define LATENCY_US_MAX (3600 * SECOND_US)

struct named_place {
    struct geo_place place; /* keyed by place.name */
    UT_hash_handle hh;
};

struct row {
    struct network_key key;
    struct link_profile profile;
    UT_hash_handle hh;
};

struct network_plan {
    struct named_place *regions;
    struct named_place *geos; /* that the config names */
    struct row *rows;
    double stretch; /* slow motion; 0 when there is no WAN */
};

bool network_key_make(struct network_key *key, const struct network_ends *ends)
{
    size_t from_size = strnlen(ends->from, GEO_NAME_SIZE);
    size_t to_size = strnlen(ends->to, GEO_NAME_SIZE);
    if (from_size == GEO_NAME_SIZE || to_size == GEO_NAME_SIZE)
        return false;
    key->text[0] = (char)ends->way;
    memcpy(key->text + 1, ends->from, from_size + 1);
    memcpy(key->text + 1 + from_size + 1, ends->to, to_size);
    key->size = 1 + from_size + 1 + to_size;
    return true;
}

static const struct geo_place *place_find(const struct named_place *places, const char *name)
{
    struct named_place *found;
    HASH_FIND_STR(places, name, found);
    return found ? &found->place : NULL;
}

static void place_add(struct named_place **places, const struct geo_place *place)
{
    struct named_place *added = memory_alloc(sizeof(*added));
    added->place = *place;
    HASH_ADD_STR(*places, place.name, added);
}

static void places_free(struct named_place *places)
{
    struct named_place *place, *next;
    HASH_ITER(hh, places, place, next)
    {
        HASH_DEL(places, place);
        free(place);
    }
}

static const struct row *row_find(const struct network_plan *plan, const struct network_ends *ends)
{
    struct network_key key;
    struct row *row = NULL;
    if (network_key_make(&key, ends))
        HASH_FIND(hh, plan->rows, key.text, key.size, row);
    return row;
}

const struct geo_place *network_plan_region(const struct network_plan *plan, const char *name)
{
    return place_find(plan->regions, name);
}

int network_plan_resolve(const struct network_plan *plan, const char *geo,
                         struct geo_place *ret_place)
{
    const struct geo_place *region = network_plan_region(plan, geo);
    if (!region)
        return geo_resolve(geo, ret_place);
    *ret_place = *region;
    return 0;
}

bool network_plan_names_geo(const struct network_plan *plan, const char *geo)
{
    return place_find(plan->geos, geo) != NULL;
}

static int add_region(struct network_plan *plan, const Mec__RegionConfig *region)
{
    struct geo_place place = {.latitude = region->latitude, .longitude = region->longitude};
    size_t size = strlen(region->name);
    if (size == 0 || size >= GEO_NAME_SIZE || strchr(region->name, ':') ||
        network_plan_region(plan, region->name))
        return -EINVAL;
    /* Written so that "not a number" fails, too. */
    if (!(fabs(place.latitude) <= 90.0) || !(fabs(place.longitude) <= 180.0))
        return -EINVAL;
    memcpy(place.name, region->name, size + 1);
    place_add(&plan->regions, &place);
    return 0;
}

static int take_profile(const Mec__LinkConfig *link, struct link_profile *ret_profile)
{
    struct link_profile profile = {
        .latency_us = link->latency_us,
        .jitter_us = link->jitter_us,
        .loss_ppm = link->loss_ppm,
        .rate_bytes_per_s = link->rate_bytes_per_s,
    };
    switch (link->jitter_kind) {
    case MEC__JITTER_KIND__JITTER_UNIFORM:
        profile.jitter_kind = LINK_JITTER_UNIFORM;
        break;
    case MEC__JITTER_KIND__JITTER_NORMAL:
        profile.jitter_kind = LINK_JITTER_NORMAL;
        break;
    case MEC__JITTER_KIND__JITTER_PARETO:
        profile.jitter_kind = LINK_JITTER_PARETO;
        break;
    default:
        return -EINVAL;
    }
    switch (link->cut) {
    case MEC__CUT_KIND__CUT_NONE:
        profile.cut = LINK_CUT_NONE;
        break;
    case MEC__CUT_KIND__CUT_HOLD:
        profile.cut = LINK_CUT_HOLD;
        break;
    case MEC__CUT_KIND__CUT_RESET:
        profile.cut = LINK_CUT_RESET;
        break;
    default:
        return -EINVAL;
    }
    if (!link_profile_is_valid(&profile))
        return -EINVAL;
    *ret_profile = profile;
    return 0;
}

/* "client:Paris" -> *@ret_geo is "paris"; a region's name -> *@ret_geo is empty. */
static int take_end(const struct network_plan *plan, const char *text, struct geo_place *ret_geo)
{
    size_t prefix_size = strlen(CLIENT_PREFIX);
    *ret_geo = (struct geo_place){.name = ""};
    if (strncmp(text, CLIENT_PREFIX, prefix_size) != 0)
        return network_plan_region(plan, text) ? 0 : -EINVAL;
    if (strcmp(text + prefix_size, EVERY_CLIENT) != 0)
        return network_plan_resolve(plan, text + prefix_size, ret_geo);
    strcpy(ret_geo->name, EVERY_CLIENT);
    return 0;
}

static void name_geo(struct network_plan *plan, const struct geo_place *place)
{
    if (!network_plan_names_geo(plan, place->name))
        place_add(&plan->geos, place);
}

static int add_row(struct network_plan *plan, const Mec__LinkConfig *link)
{
    struct geo_place from, to;
    struct network_ends ends = {NETWORK_BETWEEN, link->from, link->to};
    struct link_profile profile;

    if (take_end(plan, link->from, &from) || take_end(plan, link->to, &to) ||
        take_profile(link, &profile))
        return -EINVAL;
    bool from_client = from.name[0] != '\0', to_client = to.name[0] != '\0';
    if (from_client && to_client)
        return -EINVAL;
    if (from_client)
        ends = (struct network_ends){NETWORK_FROM_CLIENT, from.name, link->to};
    if (to_client)
        ends = (struct network_ends){NETWORK_TO_CLIENT, link->from, to.name};
    if (row_find(plan, &ends))
        return -EINVAL; /* twice the same link: which one would hold? */
    if (from_client || to_client)
        name_geo(plan, from_client ? &from : &to);

    struct row *row = memory_alloc(sizeof(*row));
    row->profile = profile;
    network_key_make(&row->key, &ends);
    HASH_ADD(hh, plan->rows, key.text, row->key.size, row);
    return 0;
}

static int take_stretch(const Mec__Config *config, double *ret_stretch)
{
    double slow_motion = config->slow_motion == 0.0 ? 1.0 : config->slow_motion;
    if (!isfinite(slow_motion) || slow_motion < 0)
        return -EINVAL;
    *ret_stretch = config->settings && config->settings->no_wan ? 0.0 : slow_motion;
    return 0;
}

static int fill(struct network_plan *plan, const Mec__Config *config)
{
    int rc = take_stretch(config, &plan->stretch);
    for (size_t i = 0; !rc && i < config->n_regions; i++)
        rc = add_region(plan, config->regions[i]);
    for (size_t i = 0; !rc && i < config->n_links; i++)
        rc = add_row(plan, config->links[i]);
    if (rc)
        return rc;
    for (size_t i = 0; i < config->n_listeners; i++) {
        struct geo_place place;
        if (network_plan_resolve(plan, config->listeners[i]->geo, &place) == 0)
            name_geo(plan, &place);
    }
    return 0;
}

int network_plan_create(const Mec__Config *config, struct network_plan **ret_plan)
{
    struct network_plan *plan = memory_alloc(sizeof(*plan));
    int rc = fill(plan, config);
    if (rc)
        network_plan_free(plan);
    else
        *ret_plan = plan;
    return rc;
}

void network_plan_free(struct network_plan *plan)
{
    struct row *row, *next;
    if (!plan)
        return;
    HASH_ITER(hh, plan->rows, row, next)
    {
        HASH_DEL(plan->rows, row);
        free(row);
    }
    places_free(plan->geos);
    places_free(plan->regions);
    free(plan);
}

static uint64_t add_latency_us(uint64_t latency_us, double more_us)
{
    double sum_us = (double)latency_us + more_us;
    return sum_us < (double)LATENCY_US_MAX ? (uint64_t)llround(sum_us) : LATENCY_US_MAX;
}

struct link_profile network_plan_profile(const struct network_plan *plan,
                                         const struct network_ends *ends,
                                         const struct geo_place *from, const struct geo_place *to)
{
    const struct row *row = row_find(plan, ends);
    struct link_profile profile = {0};
    struct network_ends every = *ends;

    if (row)
        return row->profile;
    if (ends->way == NETWORK_BETWEEN && strcmp(ends->from, ends->to) == 0)
        return profile;
    if (ends->way == NETWORK_FROM_CLIENT)
        every.from = EVERY_CLIENT;
    if (ends->way == NETWORK_TO_CLIENT)
        every.to = EVERY_CLIENT;
    row = row_find(plan, &every);
    if (row)
        profile = row->profile;

    double one_way_us = (double)geo_round_trip_us(from, to) / 2;
    profile.latency_us = add_latency_us(profile.latency_us, one_way_us * plan->stretch);
    return profile;
}
