#include "router_driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/geo.h"
#include "common/memory.h"
#include "common/token.h"
#include "health.pb-c.h"
#include "tests/unit/suite.h"

const char *world_token(const char *user, const char *shard)
{
    static char header[1200];
    static const uint8_t seed[TOKEN_KEY_SEED_SIZE] = {7};
    struct token_claims claims = {
        .scope = TOKEN_SCOPE_ALL, .generation = 1, .issued_s = 1000, .expires_s = 1600};
    snprintf(claims.user, sizeof(claims.user), "%s", user);
    snprintf(claims.shard, sizeof(claims.shard), "%s", shard);
    snprintf(claims.session, sizeof(claims.session), "session");
    char *token = token_sign("test", "kid", seed, &claims);
    snprintf(header, sizeof(header), "Bearer %s", token);
    free(token);
    return header;
}

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static void set_texts(char **text, const char *value)
{
    *text = (char *)(uintptr_t)value;
}

static void prepare_rows(struct world *world)
{
    for (uint32_t region = 0; region < REGIONS; region++) {
        const struct geo_region *place = geo_region_find(fakes_name(region));
        ck_assert_ptr_nonnull(place);
        mec__region_config__init(&world->region_rows[region]);
        set_texts(&world->region_rows[region].name, fakes_name(region));
        world->region_rows[region].latitude = place->latitude;
        world->region_rows[region].longitude = place->longitude;
        world->region_list[region] = &world->region_rows[region];
        mec__shard_config__init(&world->shard_rows[region]);
        set_texts(&world->shard_rows[region].name, fakes_name(region));
        set_texts(&world->shard_rows[region].home, fakes_name(region));
        world->shard_rows[region].epoch = 1;
        world->shard_list[region] = &world->shard_rows[region];
    }
    for (uint32_t listener = 0; listener < 3; listener++) {
        mec__listener_config__init(&world->listener_rows[listener]);
        set_texts(&world->listener_rows[listener].geo, fakes_name(listener));
        world->listener_list[listener] = &world->listener_rows[listener];
    }
}

struct world *world_prepare(void)
{
    struct world *world = memory_alloc(sizeof(*world));
    mec__config__init(&world->config);
    mec__settings__init(&world->settings);
    prepare_rows(world);
    world->config.version = 1;
    world->config.world = (char *)"test";
    world->config.n_regions = REGIONS;
    world->config.regions = world->region_list;
    world->config.n_shards = REGIONS;
    world->config.shards = world->shard_list;
    world->config.n_listeners = 3;
    world->config.listeners = world->listener_list;
    world->config.links = world->link_list;
    world->config.settings = &world->settings;
    world->config.slow_motion = 1;
    world->settings.probe_interval_us = 500 * MILLISECOND_US;
    world->settings.probe_slack_us = 100 * MILLISECOND_US;
    world->settings.probe_fail_threshold = 2;
    world->settings.probe_pass_threshold = 2;
    world->settings.request_timeout_us = 2 * SECOND_US;
    world->settings.bookmark_wait_us = 150 * MILLISECOND_US;
    world->settings.queue_writes = true;
    world->now_us = 1000 * SECOND_US;
    return world;
}

/* Actions. */

static void take_answer(struct world *world, const struct router_action *action)
{
    const struct http_answer *answer = action->answer;
    ck_assert_uint_lt(action->request_id, ANSWERS_MAX);
    ck_assert_msg(!world_answered(world, action->request_id), "request %llu was answered twice",
                  (unsigned long long)action->request_id);
    struct seen_answer *seen = memory_alloc(sizeof(*seen));
    world->answers[action->request_id] = seen;
    seen->status = answer->status;
    seen->problem = answer->problem;
    copy_text(seen->region, sizeof(seen->region), answer->region);
    copy_text(seen->home, sizeof(seen->home), answer->home);
    copy_text(seen->route, sizeof(seen->route), answer->route);
    copy_text(seen->bookmark, sizeof(seen->bookmark), answer->bookmark);
    copy_text(seen->traceparent, sizeof(seen->traceparent), answer->traceparent);
    copy_text(seen->detail, sizeof(seen->detail), answer->detail);
    snprintf(seen->body, sizeof(seen->body), "%.*s", (int)answer->body.size,
             answer->body.data ? answer->body.data : "");
    seen->served = answer->served;
    seen->at_us = world->now_us;
    seen->wan_us = answer->span_count > 0 ? answer->spans[0].duration_us : 0;
    seen->retry_after_s = answer->retry_after_s;
    seen->span_count = answer->span_count;
    seen->set_cookie = answer->set_cookie;
    seen->head = answer->head;
}

static void take_action(struct world *world, const struct router_action *action)
{
    switch (action->kind) {
    case ROUTER_ANSWER:
        take_answer(world, action);
        break;
    case ROUTER_SEND:
        fakes_take_frame(world, action);
        break;
    case ROUTER_CLOSE:
        world->closes++;
        break;
    case ROUTER_EXPLAINED:
        copy_text(world->explained, sizeof(world->explained), action->text);
        world->explained_count++;
        break;
    case ROUTER_READY:
        ck_assert(!world->ready);
        world->ready = true;
        world->ready_us = world->now_us;
        break;
    case ROUTER_LOG:
        copy_text(world->log[world->log_count++ % LOG_MAX], 256, action->text);
        break;
    }
}

static void step_once(struct world *world, struct router_event *event)
{
    event->at.now_us = world->now_us;
    event->at.wall_us = world->now_us;
    struct router_actions actions = router_step(world->router, event);
    for (size_t index = 0; index < actions.count; index++)
        take_action(world, &actions.items[index]);
}

/* Hand over what the fake regions have sent meanwhile; connections are instant. */
static void drain(struct world *world)
{
    while (world->inbox_first != world->inbox_last) {
        size_t slot = world->inbox_first++ % 20000;
        uint8_t *bytes = world->inbox[slot].bytes;
        struct router_event event = {.kind = ROUTER_FRAME, .peer = world->inbox[slot].region};
        size_t used;
        ck_assert_int_eq(frame_decode(bytes, world->inbox[slot].size, &event.frame, &used), 1);
        if (world->regions[event.peer].up)
            step_once(world, &event);
        free(bytes);
    }
}

static void step(struct world *world, struct router_event *event)
{
    step_once(world, event);
    drain(world);
}

void world_run(struct world *world, uint64_t duration_us)
{
    uint64_t end_us = world->now_us + duration_us;
    for (;;) {
        uint64_t next_us = router_wake_us(world->router);
        if (next_us > end_us)
            break;
        if (next_us > world->now_us)
            world->now_us = next_us;
        struct router_event tick = {.kind = ROUTER_TICK};
        step(world, &tick);
    }
    world->now_us = end_us;
}

/* Life and faults. */

void world_start(struct world *world)
{
    static const uint8_t seed[32] = {42};
    struct moment at = {world->now_us, world->now_us};
    ck_assert_int_eq(router_create(&world->config, seed, at, &world->router), 0);
}

struct world *world_create(void)
{
    struct world *world = world_prepare();
    world_start(world);
    for (uint32_t region = 0; region < REGIONS; region++)
        world_up(world, region);
    ck_assert(world->ready);
    world_run(world, 2 * SECOND_US);
    return world;
}

void world_free(struct world *world)
{
    router_free(world->router);
    while (world->inbox_first != world->inbox_last)
        free(world->inbox[world->inbox_first++ % 20000].bytes);
    for (size_t index = 0; index < ANSWERS_MAX; index++)
        free(world->answers[index]);
    free(world);
}

void world_up(struct world *world, uint32_t region)
{
    struct router_event event = {.kind = ROUTER_PEER_UP, .peer = region};
    world->regions[region].up = true;
    step(world, &event);
}

void world_kill(struct world *world, uint32_t region)
{
    struct router_event event = {.kind = ROUTER_PEER_DOWN, .peer = region};
    world->regions[region].up = false;
    step(world, &event);
}

void world_configure(struct world *world)
{
    struct router_event event = {.kind = ROUTER_CONFIGURED, .config = &world->config};
    world->config.version++;
    step(world, &event);
}

static void set_link(struct world *world, const char *from, const char *to, uint64_t latency_us,
                     Mec__CutKind cut)
{
    size_t index = world->config.n_links++;
    ck_assert_uint_lt(index, 16);
    Mec__LinkConfig *row = &world->link_rows[index];
    mec__link_config__init(row);
    snprintf(world->link_names[index], 64, "%s", from);
    row->from =
        strncmp(from, "client", 6) == 0 ? world->link_names[index] : (char *)(uintptr_t)from;
    if (strncmp(to, "client", 6) == 0) {
        snprintf(world->link_names[index], 64, "%s", to);
        row->to = world->link_names[index];
    } else {
        row->to = (char *)(uintptr_t)to;
    }
    row->latency_us = latency_us;
    row->cut = cut;
    world->link_list[index] = row;
}

void world_cut(struct world *world, const char *geo, uint32_t region, Mec__CutKind cut)
{
    char client[48];
    uint64_t latency_us = 0;
    snprintf(client, sizeof(client), "client:%s", geo);
    /* A row stands as written, so a geo's own keeps the computed latency. */
    if (strcmp(geo, "*") != 0)
        latency_us = world_round_trip_us(geo, region) / 2;
    for (size_t index = 0; index < world->config.n_links; index++) {
        Mec__LinkConfig *row = world->link_list[index];
        bool forth = strcmp(row->from, client) == 0 && strcmp(row->to, fakes_name(region)) == 0;
        bool back = strcmp(row->to, client) == 0 && strcmp(row->from, fakes_name(region)) == 0;
        if (forth || back) {
            row->cut = cut;
            latency_us = UINT64_MAX; /* rows exist */
        }
    }
    if (latency_us != UINT64_MAX) {
        set_link(world, client, fakes_name(region), latency_us, cut);
        set_link(world, fakes_name(region), client, latency_us, cut);
    }
    world_configure(world);
}

/* Requests. */

uint64_t world_send(struct world *world, const struct http_request *http)
{
    struct router_event event = {
        .kind = ROUTER_REQUEST, .request_id = ++world->next_request_id, .request = http};
    step(world, &event);
    return event.request_id;
}

static uint64_t send_plain(struct world *world, enum http_method method, const char *geo,
                           const char *path)
{
    char token[1200];
    copy_text(token, sizeof(token), world_token("u-alice", "us-east"));
    struct http_request http = {
        .method = method,
        .path = slice_of(path),
        .geo = slice_of(geo),
        .authorization = slice_of(token),
    };
    if (method == HTTP_PUT)
        http.body = slice_of("red");
    return world_send(world, &http);
}

uint64_t world_get(struct world *world, const char *geo, const char *path)
{
    return send_plain(world, HTTP_GET, geo, path);
}

uint64_t world_put(struct world *world, const char *geo, const char *path)
{
    return send_plain(world, HTTP_PUT, geo, path);
}

void world_client_gone(struct world *world, uint64_t request_id)
{
    struct router_event event = {.kind = ROUTER_CLIENT_GONE, .request_id = request_id};
    step(world, &event);
}

void world_explain(struct world *world, const char *method, const char *path, const char *geo,
                   const char *user)
{
    Mec__ExplainAsk ask = MEC__EXPLAIN_ASK__INIT;
    struct router_event event = {.kind = ROUTER_EXPLAIN, .explain = &ask, .explain_id = 5};
    ask.method = (char *)(uintptr_t)method;
    ask.path = (char *)(uintptr_t)path;
    ask.geo = (char *)(uintptr_t)geo;
    ask.user = (char *)(uintptr_t)user;
    step(world, &event);
}

void world_frame(struct world *world, uint32_t region, enum frame_kind kind, uint64_t id,
                 const uint8_t *body, size_t size)
{
    struct router_event event = {.kind = ROUTER_FRAME, .peer = region};
    event.frame = (struct frame){.kind = kind, .id = id, .body = body, .body_size = size};
    step(world, &event);
}

uint64_t world_round_trip_us(const char *geo, uint32_t region)
{
    struct geo_place from;
    struct geo_place to;
    ck_assert_int_eq(geo_resolve(geo, &from), 0);
    ck_assert_int_eq(geo_resolve(fakes_name(region), &to), 0);
    return geo_round_trip_us(&from, &to);
}

bool world_answered(const struct world *world, uint64_t request_id)
{
    return world->answers[request_id] != NULL;
}

const struct seen_answer *world_answer(struct world *world, uint64_t request_id)
{
    ck_assert_msg(world_answered(world, request_id), "request %llu has no answer",
                  (unsigned long long)request_id);
    return world->answers[request_id];
}

const struct seen_call *world_last_call(struct world *world)
{
    ck_assert_uint_gt(world->call_count, 0);
    return &world->calls[(world->call_count - 1) % CALLS_MAX];
}

bool world_logged(const struct world *world, const char *text)
{
    for (size_t index = 0; index < world->log_count && index < LOG_MAX; index++) {
        if (strstr(world->log[index], text) != NULL)
            return true;
    }
    return false;
}
