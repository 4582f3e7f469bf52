#include "control/topology.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/nearest.h"
#include "control/settings.h"
#include "control/text.h"
#include "control/units.h"

#define CLIENT "client:"

struct topology *topology_create(void)
{
    struct topology *topology = memory_alloc(sizeof *topology);

    mec__settings__init(&topology->settings);
    settings_default(&topology->settings);
    topology->slow_motion = 1;
    return topology;
}

void topology_free(struct topology *topology)
{
    if (!topology)
        return;
    free(topology->links);
    free(topology);
}

const struct topology_region *topology_region(const struct topology *topology, const char *name)
{
    for (size_t i = 0; i < topology->region_count; i++)
        if (strcmp(topology->regions[i].name, name) == 0)
            return &topology->regions[i];
    return NULL;
}

static bool is_region_name(const char *name)
{
    size_t size = strlen(name);

    return size != 0 && size < GEO_NAME_SIZE && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == size;
}

static const char *nearest_built_in(const char *name)
{
    const char *names[64];
    size_t count = 0;

    for (; count < geo_region_count() && count < 64; count++)
        names[count] = geo_region_at(count)->name;
    return nearest_find(name, names, count);
}

/* Where a region lies: what the file says, or what is known of the name. */
static int locate(const char *name, const char *place, struct topology_region *ret_region,
                  char **ret_error)
{
    const struct geo_region *known = geo_region_find(place ? place : name);
    struct geo_place found;

    snprintf(ret_region->name, sizeof ret_region->name, "%s", name);
    if (known) {
        snprintf(ret_region->city, sizeof ret_region->city, "%s", known->city);
        ret_region->latitude = known->latitude;
        ret_region->longitude = known->longitude;
        return 0;
    }
    if (place && geo_resolve(place, &found) == 0) {
        snprintf(ret_region->city, sizeof ret_region->city, "%s", place);
        ret_region->latitude = found.latitude;
        ret_region->longitude = found.longitude;
        return 0;
    }
    if (place) {
        *ret_error = text_format("\"%s\" is no known city, region or \"lat,lon\"", place);
        return -EINVAL;
    }
    const char *near = nearest_built_in(name);
    *ret_error = text_format("\"%s\" is no built-in region%s%s%s, so it needs a place", name,
                             near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
    return -EINVAL;
}

int topology_add_region(struct topology *topology, const char *name, const char *place,
                        char **ret_error)
{
    if (!is_region_name(name)) {
        *ret_error = text_format("\"%s\" is no region name: it takes a-z, 0-9 and \"-\", at most "
                                 "%d characters",
                                 name, GEO_NAME_SIZE - 1);
        return -EINVAL;
    }
    if (topology_region(topology, name)) {
        *ret_error = text_format("region \"%s\" is there twice", name);
        return -EINVAL;
    }
    if (topology->region_count == TOPOLOGY_REGIONS_MAX) {
        *ret_error = text_format("a world has at most %d regions", TOPOLOGY_REGIONS_MAX);
        return -EINVAL;
    }
    struct topology_region region = {0};
    int error = locate(name, place, &region, ret_error);
    if (error != 0)
        return error;
    topology->regions[topology->region_count++] = region;

    struct geo_place own = {.latitude = region.latitude, .longitude = region.longitude};
    snprintf(own.name, sizeof own.name, "%s", name);
    topology->geos[topology->geo_count++] = own;
    return 0;
}

int topology_add_geo(struct topology *topology, const char *text, char **ret_error)
{
    struct geo_place place;

    if (geo_resolve(text, &place) != 0) {
        *ret_error = text_format("\"%s\" is no known city, region or \"lat,lon\"", text);
        return -EINVAL;
    }
    for (size_t i = 0; i < topology->geo_count; i++) {
        if (strcmp(topology->geos[i].name, place.name) != 0)
            continue;
        *ret_error = text_format("clients at \"%s\" are there already", place.name);
        return -EINVAL;
    }
    if (topology->geo_count == TOPOLOGY_GEOS_MAX) {
        *ret_error =
            text_format("at most %d client geos have a port of their own", TOPOLOGY_GEOS_MAX);
        return -EINVAL;
    }
    topology->geos[topology->geo_count++] = place;
    return 0;
}

int topology_place(const struct topology *topology, const char *end, struct geo_place *ret_place)
{
    const char *name = end;

    if (strncmp(end, CLIENT, strlen(CLIENT)) == 0)
        name = end + strlen(CLIENT);
    /* The world's own names go before the built-in ones: a region may be called anything. */
    for (size_t i = 0; i < topology->geo_count; i++) {
        if (strcmp(topology->geos[i].name, name) != 0 ||
            (name == end && !topology_region(topology, name)))
            continue;
        *ret_place = topology->geos[i];
        return 0;
    }
    return name == end ? -EINVAL : geo_resolve(name, ret_place);
}

/* Write @end as it stands in a Config: geo tags in their canonical form. */
static int canonical(const struct topology *topology, const char *end, char *ret_end)
{
    struct geo_place place;
    bool client = strncmp(end, CLIENT, strlen(CLIENT)) == 0;

    if (topology_place(topology, end, &place) != 0)
        return -EINVAL;
    snprintf(ret_end, TOPOLOGY_END_SIZE, "%s%s", client ? CLIENT : "", place.name);
    return 0;
}

/* "NAME is WHAT", and which region may have been meant. A new string. */
static char *unknown_region(const struct topology *topology, const char *name, const char *what)
{
    const char *names[TOPOLOGY_REGIONS_MAX], *near;

    for (size_t i = 0; i < topology->region_count; i++)
        names[i] = topology->regions[i].name;
    near = nearest_find(name, names, topology->region_count);
    return text_format("\"%s\" is %s%s%s%s", name, what, near ? "; did you mean \"" : "",
                       near ? near : "", near ? "\"?" : "");
}

int topology_add_link(struct topology *topology, const struct topology_link *link, char **ret_error)
{
    struct topology_link copy = *link;

    for (size_t i = 0; i < 2; i++) {
        if (canonical(topology, link->ends[i], copy.ends[i]) != 0) {
            *ret_error = unknown_region(topology, link->ends[i],
                                        "no region of this world and no \"client:GEO\"");
            return -EINVAL;
        }
    }
    if (strcmp(copy.ends[0], copy.ends[1]) == 0) {
        *ret_error = text_format("a link needs two different ends, not \"%s\" twice", copy.ends[0]);
        return -EINVAL;
    }
    if (!topology_region(topology, copy.ends[0]) && !topology_region(topology, copy.ends[1])) {
        *ret_error = text_format("clients have links to regions, not to each other");
        return -EINVAL;
    }
    if (topology_link(topology, copy.ends[0], copy.ends[1])) {
        *ret_error =
            text_format("the link between %s and %s is there twice", copy.ends[0], copy.ends[1]);
        return -EINVAL;
    }
    if (topology->link_count == TOPOLOGY_LINKS_MAX) {
        *ret_error = text_format("at most %d links can be described", TOPOLOGY_LINKS_MAX);
        return -EINVAL;
    }
    topology->links =
        memory_grow(topology->links, (topology->link_count + 1) * sizeof *topology->links);
    topology->links[topology->link_count++] = copy;
    return 0;
}

const struct topology_link *topology_link(const struct topology *topology, const char *a,
                                          const char *b)
{
    for (size_t i = 0; i < topology->link_count; i++) {
        const struct topology_link *link = &topology->links[i];
        if ((strcmp(link->ends[0], a) == 0 && strcmp(link->ends[1], b) == 0) ||
            (strcmp(link->ends[0], b) == 0 && strcmp(link->ends[1], a) == 0))
            return link;
    }
    return NULL;
}

/* ---- residency ---- */

static bool is_among(const struct topology *topology, uint32_t regions, const char *region)
{
    for (size_t i = 0; i < topology->region_count; i++)
        if (strcmp(topology->regions[i].name, region) == 0)
            return (regions >> i & 1u) != 0;
    return false;
}

bool topology_may_hold(const struct topology *topology, enum parts_service service,
                       const char *region)
{
    uint32_t regions = topology->residency[service];

    return regions == 0 || is_among(topology, regions, region);
}

static int add_to_set(const struct topology *topology, const char *name, uint32_t *regions,
                      char **ret_error)
{
    const struct topology_region *region = topology_region(topology, name);

    if (!region) {
        *ret_error = unknown_region(topology, name, "no region of this world");
        return -EINVAL;
    }
    if (is_among(topology, *regions, name)) {
        *ret_error = text_format("\"%s\" is there twice", name);
        return -EINVAL;
    }
    *regions |= UINT32_C(1) << (region - topology->regions);
    return 0;
}

int topology_pin(struct topology *topology, enum parts_service service, char *const *regions,
                 size_t count, char **ret_error)
{
    uint32_t set = 0;

    if (service == PARTS_AUTH) {
        *ret_error = text_format("accounts, sessions and names cannot be pinned: every region "
                                 "checks them");
        return -EINVAL;
    }
    if (count == 0) {
        *ret_error = text_format("at least one region must hold the data");
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++)
        if (add_to_set(topology, regions[i], &set, ret_error) != 0)
            return -EINVAL;
    topology->residency[service] = set;
    return 0;
}

static int add_first(struct topology *topology, uint64_t count, char **ret_error)
{
    if (count == 0 || count > geo_region_count()) {
        *ret_error = text_format("there are 1 to %zu built-in regions, not %" PRIu64,
                                 geo_region_count(), count);
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        int error = topology_add_region(topology, geo_region_at(i)->name, NULL, ret_error);
        if (error != 0)
            return error;
    }
    return 0;
}

int topology_add_built_in(struct topology *topology, const char *regions, char **ret_error)
{
    uint64_t count = 5;
    int error = 0;

    if (!regions || units_parse_count(regions, &count) == 0)
        return add_first(topology, count, ret_error);
    char *copy = memory_text(regions);
    char *rest = copy;
    for (char *name; error == 0 && (name = strsep(&rest, ","));)
        error = topology_add_region(topology, name, NULL, ret_error);
    free(copy);
    return error;
}

int topology_built_in(const char *regions, struct topology **ret_topology, char **ret_error)
{
    struct topology *topology = topology_create();
    int error = topology_add_built_in(topology, regions, ret_error);

    if (error != 0) {
        topology_free(topology);
        return error;
    }
    *ret_topology = topology;
    return 0;
}
