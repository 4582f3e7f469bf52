#include "routerd/core.h"

#include "common/reach.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct router_action *core_act(struct router *router, enum router_action_kind kind)
{
    if (router->action_count == router->action_capacity) {
        router->action_capacity = router->action_capacity == 0 ? 64 : router->action_capacity * 2;
        router->actions =
            memory_grow(router->actions, router->action_capacity * sizeof(*router->actions));
    }
    struct router_action *action = &router->actions[router->action_count++];
    *action = (struct router_action){.kind = kind};
    return action;
}

void core_log(struct router *router, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    core_act(router, ROUTER_LOG)->text = arena_text(router->arena, text);
}

static void keep(struct router *router, uint8_t *bytes)
{
    if (router->kept_count == router->kept_capacity) {
        router->kept_capacity = router->kept_capacity == 0 ? 64 : router->kept_capacity * 2;
        router->kept = memory_grow(router->kept, router->kept_capacity * sizeof(*router->kept));
    }
    router->kept[router->kept_count++] = bytes;
}

void core_send(struct router *router, uint32_t region, uint8_t *bytes, size_t size)
{
    struct router_action *action = core_act(router, ROUTER_SEND);
    action->peer = region;
    action->bytes = bytes;
    action->size = size;
    keep(router, bytes);
}

void core_send_message(struct router *router, uint32_t region, enum frame_kind kind, uint64_t id,
                       const ProtobufCMessage *message)
{
    size_t size;
    uint8_t *bytes = frame_pack_new(kind, id, message, &size);
    core_send(router, region, bytes, size);
}

void core_close(struct router *router, uint32_t region, const char *why)
{
    struct router_action *action = core_act(router, ROUTER_CLOSE);
    action->peer = region;
    action->text = why;
    core_log(router, "%s: closing the connection: %s", core_region_name(router, region), why);
}

uint32_t core_region_index(const struct router *router, struct slice name)
{
    for (uint32_t region = 0; region < router->config->n_regions; region++) {
        if (slice_is(name, router->config->regions[region]->name))
            return region;
    }
    return POLICY_NONE;
}

uint32_t core_shard_index(const struct router *router, const char *name)
{
    for (uint32_t shard = 0; shard < router->config->n_shards; shard++) {
        if (strcmp(router->shard_names[shard], name) == 0)
            return shard;
    }
    return POLICY_NONE;
}

const char *core_region_name(const struct router *router, uint32_t region)
{
    assert(region < router->config->n_regions);
    return router->config->regions[region]->name;
}

static bool is_complete(const struct router *router)
{
    for (size_t region = 0; region < router->config->n_regions; region++) {
        if (!router->regions[region].was_connected || !router->regions[region].listed)
            return false;
    }
    return true;
}

void core_become_ready(struct router *router, bool anyway)
{
    if (router->ready || (!anyway && !is_complete(router)))
        return;
    if (anyway)
        reach(READY_IMPATIENTLY);
    router->ready = true;
    deadlines_clear(&router->deadlines, &router->start);
    core_act(router, ROUTER_READY);
    for (uint32_t region = 0; region < router->config->n_regions; region++) {
        if (!router->regions[region].was_connected)
            core_log(router, "%s: not connected yet; serving without it",
                     core_region_name(router, region));
    }
}
