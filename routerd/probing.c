#include "routerd/probing.h"

#include <stdlib.h>
#include <string.h>

#include "common/parts.h"
#include "common/reach.h"
#include "health.pb-c.h"

#define SERIAL_BITS 40

_Static_assert(VANTAGE_SLOTS <= 256, "a vantage's slot fits into a probe's id");

/* Which link a probe belongs to stands in its id. */
static uint64_t probe_id(struct router *router, const struct vantage_region *seen)
{
    uint64_t serial = ++router->serial & ((UINT64_C(1) << SERIAL_BITS) - 1);
    return CORE_ID_PROBE | serial << 16 | (uint64_t)seen->vantage->slot << 8 | seen->region;
}

static struct vantage_region *link_of(const struct router *router, uint64_t id)
{
    struct vantage *vantage = vantages_at(router->vantages, (uint32_t)(id >> 8 & 0xff));
    uint32_t region = (uint32_t)(id & 0xff);
    if ((id & CORE_ID_PROBE) == 0 || vantage == NULL || region >= router->config->n_regions)
        return NULL;
    return &vantage->regions[region];
}

/* The probe, and its link; NULL when it has failed already or is not ours. */
static struct vantage_probe *find_probe(const struct router *router, uint64_t id,
                                        struct vantage_region **ret_seen)
{
    struct vantage_region *seen = link_of(router, id);
    for (uint32_t index = 0; seen != NULL && index < seen->probe_count; index++) {
        if (seen->probes[index].id == id) {
            *ret_seen = seen;
            return &seen->probes[index];
        }
    }
    return NULL;
}

static void remove_probe(struct vantage_region *seen, const struct vantage_probe *probe)
{
    size_t index = (size_t)(probe - seen->probes);
    seen->probe_count--;
    memmove(&seen->probes[index], &seen->probes[index + 1],
            (seen->probe_count - index) * sizeof(seen->probes[0]));
}

static void set_deadline(struct router *router, struct vantage_region *seen)
{
    uint64_t next_us = seen->probe_phase_us;
    for (uint32_t index = 0; index < seen->probe_count; index++) {
        if (seen->probes[index].deadline_us < next_us)
            next_us = seen->probes[index].deadline_us;
    }
    deadlines_set(&router->deadlines, &seen->deadline, next_us);
}

static void log_back(struct router *router, const struct vantage_region *seen, uint64_t down_us)
{
    core_log(router, "vantage %s: %s is back after %.1f s: %u probes in a row passed",
             seen->vantage->geo, core_region_name(router, seen->region),
             (double)(router->at.now_us - down_us) / (double)SECOND_US, seen->health.passes_needed);
}

void probing_log_lost(struct router *router, const struct vantage_region *seen, const char *why)
{
    core_log(router, "vantage %s: %s is down: %s; noticed %.0f ms after it was last heard of",
             seen->vantage->geo, core_region_name(router, seen->region), why,
             (double)(router->at.now_us - seen->heard_us) / (double)MILLISECOND_US);
}

static void signal_failed(struct router *router, struct vantage_region *seen,
                          enum health_signal signal, const char *why)
{
    if (vantage_signal(router->vantages, seen, signal, router->at.now_us))
        probing_log_lost(router, seen, why);
}

static void send_probe(struct router *router, struct vantage_region *seen)
{
    Mec__Ping ping = MEC__PING__INIT;
    struct wan_message message = {.direction = WAN_OUT, .peer = seen->region, .kind = FRAME_PING};
    if (!seen->connected || seen->probe_count == VANTAGE_PROBES)
        return;
    message.id = probe_id(router, seen);
    ping.nonce = message.id;
    message.bytes = frame_pack_new(FRAME_PING, message.id, &ping.base, &message.size);
    if (wan_send(router->wan, seen->to_region, &message, router->at.now_us) == LINK_RESET) {
        free(message.bytes);
        signal_failed(router, seen, HEALTH_CLOSED, "its link was reset");
        return;
    }
    seen->probes[seen->probe_count++] = (struct vantage_probe){
        .id = message.id,
        .sent_us = router->at.now_us,
        .deadline_us =
            router->at.now_us + seen->round_trip_us + router->config->settings->probe_slack_us,
    };
}

static void expire(struct router *router, struct vantage_region *seen)
{
    uint64_t slack_us = router->config->settings->probe_slack_us;
    uint32_t index = 0;
    while (index < seen->probe_count) {
        struct vantage_probe *probe = &seen->probes[index];
        /* A link that has been made slower since owes no probe the old round trip. */
        if (probe->deadline_us < probe->sent_us + seen->round_trip_us + slack_us)
            probe->deadline_us = probe->sent_us + seen->round_trip_us + slack_us;
        if (probe->deadline_us > router->at.now_us) {
            index++;
            continue;
        }
        reach(PROBE_OVERDUE);
        remove_probe(seen, probe);
        signal_failed(router, seen, HEALTH_PROBE_FAILED, "probes have not come back");
    }
}

void probing_tick(struct router *router, struct vantage_region *seen)
{
    uint64_t now_us = router->at.now_us;
    uint64_t interval_us = router->config->settings->probe_interval_us;
    expire(router, seen);
    if (now_us >= seen->probe_phase_us) {
        send_probe(router, seen);
        /* Keep the phase, without making up for what was missed. */
        seen->probe_phase_us += interval_us * ((now_us - seen->probe_phase_us) / interval_us + 1);
    }
    set_deadline(router, seen);
}

static void ask_list(struct router *router, uint32_t region)
{
    struct core_region *known = &router->regions[region];
    Mec__QueueListAsk ask = MEC__QUEUE_LIST_ASK__INIT;
    known->list_wanted = known->list_asked;
    if (known->list_asked)
        return;
    known->list_asked = true;
    ask.after_seq = marks_listed(router->marks, region);
    core_send_message(router, region, FRAME_QUEUE_LIST_ASK, CORE_ID_LIST | region, &ask.base);
}

void probing_opened(struct router *router, uint32_t region)
{
    struct core_region *known = &router->regions[region];
    bool first = !known->was_connected;
    known->connected = true;
    known->was_connected = true;
    vantages_connected(router->vantages, region, first, router->at.now_us);
    core_log(router, "%s: connected%s", core_region_name(router, region), first ? "" : " again");
    marks_reopened(router->marks, region);
    ask_list(router, region);
    for (struct vantage *each = NULL; (each = vantages_next(router->vantages, each)) != NULL;) {
        send_probe(router, &each->regions[region]);
        set_deadline(router, &each->regions[region]);
    }
}

void probing_closed(struct router *router, uint32_t region)
{
    struct core_region *known = &router->regions[region];
    known->connected = false;
    memset(known->caches, 0, sizeof(known->caches)); /* its next life counts from 0 */
    known->listed = false;
    known->list_asked = false;
    known->list_wanted = false;
    vantages_disconnected(router->vantages, region, router->at.now_us);
    for (struct vantage *each = NULL; (each = vantages_next(router->vantages, each)) != NULL;)
        set_deadline(router, &each->regions[region]);
    core_log(router, "%s: the connection is gone; down for all vantages",
             core_region_name(router, region));
}

void probing_deliver(struct router *router, const struct wan_message *message)
{
    struct vantage_region *seen;
    struct vantage_probe *probe = find_probe(router, message->id, &seen);
    if (probe == NULL) {
        reach(PROBE_NEVER_HANDED_OVER);
        free(message->bytes); /* a cut held it until nobody waited any more */
        return;
    }
    probe->arrived_us = message->arrival_us;
    core_send(router, message->peer, message->bytes, message->size);
}

void probing_returned(struct router *router, uint32_t region, const struct frame *frame)
{
    struct vantage_region *seen;
    struct vantage_probe *probe = find_probe(router, frame->id, &seen);
    if (probe == NULL || seen->region != region || probe->arrived_us == 0)
        return;
    struct wan_message message = {
        .direction = WAN_IN,
        .peer = region,
        .kind = FRAME_PONG,
        .id = frame->id,
        .bytes = memory_copy(frame->body, frame->body_size),
        .size = frame->body_size,
    };
    if (wan_send(router->wan, seen->to_client, &message, probe->arrived_us) == LINK_RESET) {
        free(message.bytes);
        remove_probe(seen, probe);
        signal_failed(router, seen, HEALTH_CLOSED, "its link was reset");
    }
}

static uint32_t services_down(const Mec__Pong *pong)
{
    uint32_t down = 0;
    for (size_t index = 0; index < pong->n_services_down; index++) {
        enum parts_service service;
        if (parts_service_find(pong->services_down[index], &service) == 0)
            down |= 1u << service;
    }
    return down;
}

static void log_services(struct router *router, const struct vantage_region *seen, uint32_t before)
{
    for (unsigned service = 0; service < PARTS_SERVICE_COUNT; service++) {
        bool down = (seen->services_down >> service & 1u) != 0;
        if (((before >> service & 1u) != 0) == down)
            continue;
        core_log(router, "vantage %s: %s %s %s", seen->vantage->geo,
                 core_region_name(router, seen->region),
                 parts_service_name((enum parts_service)service), down ? "is down" : "is back");
    }
}

/* One region, as all vantages see it. */
static void keep_caches(struct core_region *known, const Mec__Pong *pong)
{
    memset(known->caches, 0, sizeof(known->caches));
    for (size_t index = 0; index < pong->n_caches; index++) {
        const Mec__CacheCounters *from = pong->caches[index];
        enum parts_cache cache;
        if (parts_cache_find(from->name, &cache) == 0)
            known->caches[cache] =
                (struct core_cache){true, from->hits, from->misses, from->entries, from->bytes};
    }
}

void probing_answered(struct router *router, const struct wan_message *message)
{
    struct vantage_region *seen;
    struct vantage_probe *probe = find_probe(router, message->id, &seen);
    if (probe == NULL)
        return;
    Mec__Pong *pong =
        mec__pong__unpack(arena_allocator(router->arena), message->size, message->bytes);
    if (pong == NULL) {
        core_close(router, message->peer, "a pong cannot be read");
        return;
    }
    uint64_t down_us = seen->health.down_since_us;
    seen->measured_us = router->at.now_us - probe->sent_us;
    seen->heard_us = router->at.now_us;
    remove_probe(seen, probe);
    uint32_t services_before = seen->services_down;
    vantage_pong(seen, pong->serving, pong->writable, services_down(pong));
    log_services(router, seen, services_before);
    keep_caches(&router->regions[seen->region], pong);
    if (vantage_signal(router->vantages, seen, HEALTH_PROBE_PASSED, router->at.now_us))
        log_back(router, seen, down_us);
    if (marks_pong(router->marks, seen->region, pong))
        ask_list(router, seen->region);
}

void probing_reset(struct router *router, uint64_t id)
{
    struct vantage_region *seen;
    struct vantage_probe *probe = find_probe(router, id, &seen);
    if (probe == NULL)
        return;
    remove_probe(seen, probe);
    signal_failed(router, seen, HEALTH_CLOSED, "its link was reset");
}

void probing_listed(struct router *router, uint32_t region, const struct frame *frame)
{
    struct core_region *known = &router->regions[region];
    Mec__QueueList *list =
        mec__queue_list__unpack(arena_allocator(router->arena), frame->body_size, frame->body);
    if (list == NULL || !known->list_asked) {
        core_close(router, region, "a queue list that was not asked for or cannot be read");
        return;
    }
    bool again = known->list_wanted;
    known->list_asked = false;
    known->list_wanted = false;
    if (marks_list(router->marks, region, list) || again) {
        reach(QUEUE_ASKED_AGAIN);
        ask_list(router, region);
        return;
    }
    known->listed = true;
    core_become_ready(router, false);
}
