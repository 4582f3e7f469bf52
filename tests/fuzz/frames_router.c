/* The router, among three regions. Requests come from a table. */

#include <assert.h>
#include <stdlib.h>

#include "common/memory.h"
#include "health.pb-c.h"
#include "routerd/router.h"
#include "tests/fuzz/frames.h"

#define REQUESTS_MAX 256

struct router_core {
    struct frames *frames;
    struct router *router;
    size_t request_count;
    bool answered[REQUESTS_MAX + 1]; /* or given up; by request id */
    uint64_t ping_ids[FRAMES_REGIONS];
    uint64_t explain_count, explained;
};

static const char *const paths[] = {
    "/v1/users",
    "/v1/tokens",
    "/v1/tokens/current",
    "/v1/tokens/revoke",
    "/v1/whoami",
    "/v1/metadata",
    "/v1/metadata/k",
    "/v1/metadata/a%20b",
    "/v1/vault",
    "/v1/vault/k",
    "/v1/vault/k/grants/b",
    "/v1/receipts/us-east.1",
    "/v1/audit",
    "/.well-known/jwks.json",
    "/readyz",
    "/nowhere",
    "/v1/tokens/refresh",
    "/v1/users/current",
};

static const char *const geos[] = {NULL, "us-east", "eu-west", "Paris", "1.5,2.5", "nowhere"};
static const char *const queries[] = {NULL, "prefix=k", "after=k&limit=2", "limit=x", "owner=bob"};
static const char *const bookmarks[] = {NULL, "us-east:1.1", "us-east:1.9;eu-west:2.3", ":"};
static const char *const consistencies[] = {NULL, "session", "strong", "stale-ok", "?"};
static const char *const bodies[] = {"", "v", "{\"name\":\"bob\",\"password\":\"correct horse\"}",
                                     "{"};

#define PICK(table, number) (table)[(number) % (sizeof(table) / sizeof((table)[0]))]

static void take_actions(struct router_core *core, struct router_actions actions)
{
    for (size_t i = 0; i < actions.count; i++) {
        const struct router_action *action = &actions.items[i];
        struct frame frame;
        size_t used;

        switch (action->kind) {
        case ROUTER_ANSWER:
            assert(action->request_id >= 1);
            assert(action->request_id <= core->request_count);
            assert(!core->answered[action->request_id]);
            assert(action->answer->status >= 200);
            assert(action->answer->status < 600);
            core->answered[action->request_id] = true;
            break;
        case ROUTER_SEND:
            assert(core->frames->links[action->peer].up);
            frames_sent(core->frames, action->peer, action->bytes, action->size);
            if (frame_decode(action->bytes, action->size, &frame, &used) == 1 &&
                frame.kind == FRAME_PING)
                core->ping_ids[action->peer] = frame.id;
            break;
        case ROUTER_CLOSE:
            frames_close(core->frames, action->peer);
            break;
        case ROUTER_EXPLAINED:
            assert(action->text);
            core->explained++;
            assert(core->explained <= core->explain_count);
            break;
        case ROUTER_READY:
        case ROUTER_LOG:
            break;
        }
    }
}

static void step(struct router_core *core, struct router_event event)
{
    event.at = core->frames->at;
    frames_step(core->frames);
    take_actions(core, router_step(core->router, &event));
}

static void *create(struct frames *frames)
{
    static const uint8_t seed[32] = {42};
    struct router_core *core = memory_alloc(sizeof *core);
    int error = router_create(frames_config(0), seed, frames->at, &core->router);

    assert(error == 0);
    core->frames = frames;
    return core;
}

static void destroy(void *it)
{
    struct router_core *core = it;

    router_free(core->router);
    free(core);
}

static void set_link(void *core, uint32_t link, bool up)
{
    step(core, (struct router_event){.kind = up ? ROUTER_PEER_UP : ROUTER_PEER_DOWN, .peer = link});
}

static void on_frame(void *core, uint32_t link, const struct frame *frame)
{
    step(core, (struct router_event){.kind = ROUTER_FRAME, .peer = link, .frame = *frame});
}

static void tick(void *core)
{
    step(core, (struct router_event){.kind = ROUTER_TICK});
}

static uint64_t wake_us(const void *core)
{
    return router_wake_us(((const struct router_core *)core)->router);
}

static void configure(void *core, const Mec__Config *config)
{
    step(core, (struct router_event){.kind = ROUTER_CONFIGURED, .config = config});
}

static void ask(struct router_core *core, struct fuzz_bytes *bytes)
{
    uint8_t what = fuzz_number(bytes), how = fuzz_number(bytes), where = fuzz_number(bytes);
    const char *token = how % 4 == 3 ? "Bearer e30.e30.e30" : frames_token(how % 4);
    struct http_request request = {
        .method = (enum http_method)(what % (HTTP_OTHER + 1)),
        .path = slice_of(PICK(paths, what / (HTTP_OTHER + 1))),
        .authorization = how & 4 ? slice_of(NULL) : slice_of(token),
        .idempotency_key = slice_of(how & 8 ? "once" : NULL),
        .if_none_match = slice_of(how & 16 ? "*" : NULL),
        .content_type = slice_of("application/json"),
        .consistency = slice_of(PICK(consistencies, how / 32)),
        .geo = slice_of(PICK(geos, where)),
        .query = slice_of(PICK(queries, where / 6)),
        .bookmark = slice_of(PICK(bookmarks, where / 30)),
        .force_region = slice_of(where >= 240 ? "eu-west" : NULL),
        .body = slice_of(PICK(bodies, what + how)),
        .client = "127.0.0.1",
    };

    if (core->request_count == REQUESTS_MAX)
        return;
    step(core, (struct router_event){.kind = ROUTER_REQUEST,
                                     .request_id = ++core->request_count,
                                     .request = &request});
}

static void client_goes(struct router_core *core, uint8_t number)
{
    uint64_t id = core->request_count - number;

    if (number >= core->request_count || core->answered[id])
        return;
    core->answered[id] = true;
    step(core, (struct router_event){.kind = ROUTER_CLIENT_GONE, .request_id = id});
}

static void explain(struct router_core *core, struct fuzz_bytes *bytes)
{
    Mec__ExplainAsk message = MEC__EXPLAIN_ASK__INIT;
    uint8_t what = fuzz_number(bytes), where = fuzz_number(bytes);

    message.method = (char *)(uintptr_t)http_method_name((enum http_method)(what % HTTP_OTHER));
    message.path = (char *)(uintptr_t)PICK(paths, what / HTTP_OTHER);
    message.geo = (char *)(uintptr_t)PICK(geos, where);
    message.user = where & 64 ? "bob" : "";
    if (!message.geo)
        message.geo = "";
    step(core, (struct router_event){.kind = ROUTER_EXPLAIN,
                                     .explain = &message,
                                     .explain_id = ++core->explain_count});
}

/* A region that is well, so that more than its being down is seen. */
static void pong(struct router_core *core, uint32_t link)
{
    Mec__Pong message = MEC__PONG__INIT;
    uint8_t bytes[16];
    struct frame frame = {.kind = FRAME_PONG, .id = core->ping_ids[link], .body = bytes};

    if (!core->frames->links[link].up)
        return;
    message.serving = message.writable = true;
    frame.body_size = mec__pong__pack(&message, bytes);
    on_frame(core, link, &frame);
}

static void other(void *core, uint8_t what, struct fuzz_bytes *bytes)
{
    switch (what % 8) {
    case 0:
    case 1:
        pong(core, what / 8 % FRAMES_REGIONS);
        break;
    case 2:
        client_goes(core, what / 8);
        break;
    case 3:
        explain(core, bytes);
        break;
    default:
        ask(core, bytes);
        break;
    }
}

static void look(void *it)
{
    struct router_core *core = it;

    free(router_status(core->router, core->frames->at));
    free(router_metrics(core->router, core->frames->at));
}

const struct frames_core frames_router = {FRAMES_REGIONS, create,  destroy,   set_link, on_frame,
                                          tick,           wake_us, configure, other,    look};
