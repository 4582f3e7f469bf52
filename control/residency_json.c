#include "control/residency_json.h"

#include <errno.h>
#include <stdlib.h>

json_t *residency_json_make(const struct topology *topology)
{
    json_t *services = NULL;

    for (unsigned i = 0; i < PARTS_SERVICE_COUNT; i++) {
        enum parts_service service = (enum parts_service)i;
        json_t *regions;

        if (topology->residency[service] == 0)
            continue;
        regions = json_array();
        for (size_t j = 0; j < topology->region_count; j++)
            if (topology_may_hold(topology, service, topology->regions[j].name))
                json_array_append_new(regions, json_string(topology->regions[j].name));
        services = services ? services : json_object();
        json_object_set_new(services, parts_service_name(service), regions);
    }
    return services;
}

static int pin_from_json(struct topology *topology, const char *name, const json_t *rows)
{
    char *regions[TOPOLOGY_REGIONS_MAX];
    enum parts_service service;
    size_t count = json_array_size(rows);
    char *why;

    if (parts_service_find(name, &service) != 0 || count > TOPOLOGY_REGIONS_MAX)
        return -EBADMSG;
    for (size_t i = 0; i < count; i++) {
        /* Only read: jansson gives what is const, a topology's file what is not. */
        regions[i] = (char *)(uintptr_t)json_string_value(json_array_get(rows, i));
        if (!regions[i])
            return -EBADMSG;
    }
    if (topology_pin(topology, service, regions, count, &why) == 0)
        return 0;
    free(why);
    return -EBADMSG;
}

/* What is damaged must not pass for none: what is pinned would go everywhere. */
int residency_json_read(const json_t *json, struct topology *topology)
{
    json_t *services = json_object_get(json, "residency"), *regions;
    const char *name;

    if (services && !json_is_object(services))
        return -EBADMSG;
    json_object_foreach(services, name, regions)
    {
        if (pin_from_json(topology, name, regions) != 0)
            return -EBADMSG;
    }
    return 0;
}
