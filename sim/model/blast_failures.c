/* What can break, one after the other. */

#include <assert.h>

#include "common/parts.h"
#include "control/text.h"
#include "sim/model/blast.h"

const char *blast_group_name(enum blast_group group)
{
    static const char *const names[BLAST_GROUP_COUNT] = {
        [BLAST_REGIONS] = "regions", [BLAST_SERVICES] = "services",
        [BLAST_LINKS] = "links",     [BLAST_ISOLATED] = "isolated",
        [BLAST_PAIRS] = "pairs",     [BLAST_REPLICATORS] = "replicators",
        [BLAST_DISKS] = "disks",     [BLAST_CONTROL] = "control",
    };

    assert(group < BLAST_GROUP_COUNT);
    return names[group];
}

size_t blast_group_size(enum blast_group group, const struct deployment *deployment)
{
    size_t count = deployment->region_count;

    switch (group) {
    case BLAST_REGIONS:
    case BLAST_ISOLATED:
    case BLAST_REPLICATORS:
    case BLAST_DISKS:
        return count;
    case BLAST_SERVICES:
        return count * PARTS_SERVICE_COUNT;
    case BLAST_LINKS:
    case BLAST_PAIRS:
        return count * (count - 1) / 2;
    case BLAST_CONTROL:
        return 1;
    case BLAST_GROUP_COUNT:
        break;
    }
    assert(false && "a group");
    return 0;
}

/* Number @index of all pairs a < b, in their order. */
static void pair_at(size_t index, size_t count, size_t *ret_a, size_t *ret_b)
{
    size_t a = 0;

    for (; index >= count - 1 - a; a++)
        index -= count - 1 - a;
    *ret_a = a;
    *ret_b = a + 1 + index;
}

static char *break_one(enum blast_group group, size_t index, const char *name,
                       struct traffic_state *state)
{
    uint32_t region = 1u << index;

    switch (group) {
    case BLAST_REGIONS:
        state->down = region;
        break;
    case BLAST_ISOLATED:
        state->isolated = region;
        break;
    case BLAST_REPLICATORS:
        state->replicators_down = region;
        break;
    case BLAST_DISKS:
        state->full = region;
        break;
    default:
        assert(false && "a group of regions");
    }
    return text_format("%s", name);
}

static char *break_service(size_t index, const struct deployment *deployment,
                           struct traffic_state *state)
{
    enum parts_service service = (enum parts_service)(index % PARTS_SERVICE_COUNT);
    size_t region = index / PARTS_SERVICE_COUNT;

    state->services_down[region] = 1u << service;
    return text_format("%s/%s", deployment->region[region], parts_service_name(service));
}

static char *break_two(enum blast_group group, size_t index, const struct deployment *deployment,
                       struct traffic_state *state)
{
    size_t a;
    size_t b;

    pair_at(index, deployment->region_count, &a, &b);
    if (group == BLAST_PAIRS) {
        state->down = 1u << a | 1u << b;
        return text_format("%s,%s", deployment->region[a], deployment->region[b]);
    }
    state->cut[a] = 1u << b;
    state->cut[b] = 1u << a;
    return text_format("%s/%s", deployment->region[a], deployment->region[b]);
}

char *blast_failure(enum blast_group group, size_t index, const struct deployment *deployment,
                    struct traffic_state *ret_state)
{
    assert(index < blast_group_size(group, deployment));
    *ret_state = (struct traffic_state){.down = 0};
    switch (group) {
    case BLAST_SERVICES:
        return break_service(index, deployment, ret_state);
    case BLAST_LINKS:
    case BLAST_PAIRS:
        return break_two(group, index, deployment, ret_state);
    case BLAST_CONTROL:
        ret_state->control_down = true;
        return text_format("control plane");
    default:
        return break_one(group, index, deployment->region[index], ret_state);
    }
}
