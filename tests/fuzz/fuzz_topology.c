/* fuzz_topology: a file that is taken makes a world that its processes can run by, and that is the
 * same after it has been written down and read again; one that is not says why. */

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/network.h"
#include "control/compile.h"
#include "control/settings.h"
#include "control/topology.h"
#include "control/world.h"
#include "tests/fuzz/fuzz.h"

static const char *const regions[] = {NULL, "1", "3", "us-east,eu-west", "a,b"};

static Mec__Config *compile(const struct world *world)
{
    Mec__Config *config = world_config(world);
    struct network *network = network_create(1);
    int error = network_configure(network, config);

    assert(error == 0);
    network_free(network);
    return config;
}

static struct slice packed(const Mec__Config *config)
{
    size_t size = mec__config__get_packed_size(config);
    uint8_t *bytes = memory_alloc(size + 1);

    mec__config__pack(config, bytes);
    return (struct slice){(char *)bytes, size};
}

/* A packed message has nothing to say of a number's last bits but what they are. */
static void check_equal(const Mec__Config *config, const Mec__Config *again)
{
    struct slice a = packed(config), b = packed(again);

    assert(slice_equals(a, b));
    free((char *)(uintptr_t)a.data);
    free((char *)(uintptr_t)b.data);
}

static void check_again(const struct world *world, const Mec__Config *config)
{
    json_t *json = world_to_json(world), *read;
    char *text = json_dumps(json, JSON_COMPACT);
    struct world *copy = NULL;
    Mec__Config *again;
    int error;

    assert(text);
    read = json_loads(text, 0, NULL);
    assert(read);
    error = world_from_json(read, &copy);
    assert(error == 0);
    again = compile(copy);
    check_equal(config, again);
    mec__config__free_unpacked(again, NULL);
    world_free(copy);
    json_decref(read);
    json_decref(json);
    free(text);
}

static void check_taken(struct topology *topology)
{
    struct world *world;
    Mec__Config *config;

    assert(topology->region_count >= 1);
    assert(topology->region_count <= TOPOLOGY_REGIONS_MAX);
    assert(topology->geo_count >= topology->region_count);
    assert(topology->geo_count <= TOPOLOGY_GEOS_MAX);
    assert(topology->link_count <= TOPOLOGY_LINKS_MAX);
    assert(isfinite(topology->slow_motion));
    for (size_t i = 0; i < settings_count(); i++) {
        Mec__Settings copy = topology->settings;
        const struct setting *setting = settings_at(i);

        assert(settings_set_number(&copy, setting, settings_number(&copy, setting)) == 0);
    }
    world = world_create("w", topology, "data", "run", 0);
    config = compile(world);
    check_again(world, config);
    mec__config__free_unpacked(config, NULL);
    world_free(world);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};
    const char *which = regions[fuzz_number(&bytes) % (sizeof regions / sizeof regions[0])];
    struct topology *topology = NULL;
    char *error = NULL;
    int result;

    fuzz_canary(data, size);
    result =
        topology_parse("f.yaml", (const char *)bytes.data, bytes.size, which, &topology, &error);
    if (result == 0) {
        assert(topology);
        check_taken(topology);
    } else {
        assert(result == -EINVAL);
        assert(!topology);
        assert(error);
        assert(strlen(error) > 0);
        free(error);
    }
    return 0;
}
