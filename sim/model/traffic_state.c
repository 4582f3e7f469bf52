#include "sim/model/traffic_state.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/network_plan.h"
#include "control/nearest.h"
#include "control/text.h"

#define CLIENT     "client:"
#define ANY_CLIENT "client:*"

enum queue_choice { QUEUE_TOPOLOGY, QUEUE_QUEUE, QUEUE_READ_ONLY };

const char *const traffic_state_queue_choices[] = {"topology", "queue", "read-only", NULL};

/* A parameter that is being read. */
struct reading {
    const struct params *params;
    size_t index;
    const struct deployment *deployment;
    struct traffic_state *state;
    uint32_t *regions; /* where a list of regions goes */
    char **ret_error;
};

typedef int reading_item(struct reading *reading, char *item);

/* ---- words ---- */

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (size_t size = strlen(text); size > 0 && isspace((unsigned char)text[size - 1]); size--)
        text[size - 1] = '\0';
    return text;
}

static int find_region(struct reading *reading, const char *name, uint32_t *ret_region)
{
    const struct deployment *deployment = reading->deployment;

    if (deployment_region(deployment, name, ret_region) == 0)
        return 0;
    const char *near = nearest_find(name, deployment->region, deployment->region_count);
    return params_error(reading->params, reading->index, reading->ret_error,
                        "there is no region \"%s\"%s%s%s", name, near ? "; did you mean \"" : "",
                        near ? near : "", near ? "\"?" : "");
}

/* Cut "A/B" in two. */
static int split(struct reading *reading, char *item, const char *form, char **ret_a, char **ret_b)
{
    char *slash = strchr(item, '/');

    if (!slash || strchr(slash + 1, '/')) {
        params_error(reading->params, reading->index, reading->ret_error,
                     "\"%s\" is not written as %s", item, form);
        return -EINVAL; /* said here, so that the compiler sees what is set behind a 0 */
    }
    *slash = '\0';
    *ret_a = trim(item);
    *ret_b = trim(slash + 1);
    return 0;
}

static int read_items(struct reading *reading, size_t index, reading_item *read)
{
    char *text = memory_text(params_text(reading->params, index));
    char *rest = *trim(text) ? text : NULL;
    int error = 0;

    reading->index = index;
    while (error == 0 && rest) {
        char *item = rest;

        rest = strchr(item, ',');
        if (rest)
            *rest++ = '\0';
        error = read(reading, trim(item));
    }
    free(text);
    return error;
}

/* ---- kinds of items ---- */

static int read_region(struct reading *reading, char *item)
{
    uint32_t region;

    if (find_region(reading, item, &region) != 0)
        return -EINVAL;
    *reading->regions |= 1u << region;
    return 0;
}

static int read_regions(struct reading *reading, size_t index, uint32_t *regions)
{
    reading->regions = regions;
    return read_items(reading, index, read_region);
}

static int read_service(struct reading *reading, char *item)
{
    enum parts_service service;
    uint32_t region;
    char *a;
    char *b;

    if (split(reading, item, "REGION/SERVICE", &a, &b) != 0 ||
        find_region(reading, a, &region) != 0)
        return -EINVAL;
    if (parts_service_find(b, &service) != 0)
        return params_error(reading->params, reading->index, reading->ret_error,
                            "there is no service \"%s\": auth, vault or metadata", b);
    reading->state->services_down[region] |= 1u << service;
    return 0;
}

static int cut_client(struct reading *reading, const char *geo, uint32_t region)
{
    const struct deployment *deployment = reading->deployment;
    struct geo_place place = {.name = ""};
    bool any = strcmp(geo, ANY_CLIENT) == 0;
    bool found = false;

    if (!any)
        (void)network_plan_resolve(deployment->links, geo + strlen(CLIENT), &place);
    for (size_t i = 0; i < deployment->geo_count; i++) {
        if (!any && strcmp(deployment->geos[i].place.name, place.name) != 0)
            continue;
        reading->state->client_cut[i] |= 1u << region;
        found = true;
    }
    if (found)
        return 0;
    return params_error(reading->params, reading->index, reading->ret_error,
                        "there are no users at \"%s\"", geo + strlen(CLIENT));
}

static int read_cut(struct reading *reading, char *item)
{
    uint32_t a;
    uint32_t b;
    char *ends[2];

    if (split(reading, item, "A/B", &ends[0], &ends[1]) != 0 ||
        find_region(reading, ends[1], &b) != 0)
        return -EINVAL;
    if (strncmp(ends[0], CLIENT, strlen(CLIENT)) == 0)
        return cut_client(reading, ends[0], b);
    if (find_region(reading, ends[0], &a) != 0)
        return -EINVAL;
    if (a == b)
        return params_error(reading->params, reading->index, reading->ret_error,
                            "a link has two different ends, not \"%s\" twice", ends[0]);
    reading->state->cut[a] |= 1u << b;
    reading->state->cut[b] |= 1u << a;
    return 0;
}

int traffic_state_read(const struct params *params, size_t first,
                       const struct deployment *deployment, struct traffic_state *ret_state,
                       char **ret_error)
{
    struct traffic_state state = {
        .control_down = params_on(params, first + TRAFFIC_STATE_CONTROL_DOWN),
        .since_us = (uint64_t)params_value(params, first + TRAFFIC_STATE_SINCE),
    };
    struct reading reading = {
        .params = params, .deployment = deployment, .state = &state, .ret_error = ret_error};

    if (read_regions(&reading, first + TRAFFIC_STATE_DOWN, &state.down) != 0 ||
        read_regions(&reading, first + TRAFFIC_STATE_ISOLATE, &state.isolated) != 0 ||
        read_regions(&reading, first + TRAFFIC_STATE_REPLICATOR_DOWN, &state.replicators_down) !=
            0 ||
        read_regions(&reading, first + TRAFFIC_STATE_DISK_FULL, &state.full) != 0 ||
        read_items(&reading, first + TRAFFIC_STATE_CUT, read_cut) != 0 ||
        read_items(&reading, first + TRAFFIC_STATE_SERVICE_DOWN, read_service) != 0)
        return -EINVAL;
    *ret_state = state;
    return 0;
}

void traffic_state_take_queue(const struct params *params, size_t index, struct traffic *traffic)
{
    enum queue_choice choice = (enum queue_choice)params_choice(params, index);

    if (choice != QUEUE_TOPOLOGY)
        traffic_rules(traffic)->queue_writes = choice == QUEUE_QUEUE;
}
