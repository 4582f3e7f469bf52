/* router_driver: a router's core in virtual time, among regions that do what the test says.
 *
 * Five regions are home to a shard of their own name. Each is reached at once by the "connection";
 * all delay is the router's own emulation. Regions answer in the step in which they are asked,
 * unless they are told to be silent. */

#ifndef MEC_ROUTER_DRIVER_H
#define MEC_ROUTER_DRIVER_H

#include "health.pb-c.h"
#include "routerd/router.h"

enum { US_EAST, EU_WEST, US_WEST, AP_NORTHEAST, AP_SOUTHEAST, REGIONS };

#define ANSWERS_MAX 70000
#define CALLS_MAX   512
#define LOG_MAX     512

/* What a fake region does with calls. */
struct fake_region {
    bool silent;       /* neither pongs nor answers: paused */
    bool mute;         /* pongs, but answers no call */
    bool not_serving;  /* by its Pong */
    bool not_writable; /* by its Pong */
    const char *service_down;
    const char *service_down_too;
    uint64_t cache_hits; /* of its regional cache; 0: it tells of no caches */
    Mec__Verdict verdict;
    uint32_t status; /* 0: 200, or 202 for ENQUEUE */
    const char *problem;
    uint64_t service_us;
    uint64_t seq;          /* of the position in its answers; 0: no position */
    uint64_t accepted_seq; /* of its queue, for shard us-east */
    uint64_t settled_seq;
    Mec__QueueEntry entries[8]; /* waiting */
    size_t entry_count;
    uint32_t calls;
    uint32_t lists_asked;
    bool up;
};

struct seen_answer {
    int status;
    enum problem_id problem;
    char region[40];
    char home[40];
    char route[200];
    char bookmark[200];
    char traceparent[64];
    char detail[128];
    char body[128];
    Mec__Served served;
    uint64_t at_us;
    uint64_t wan_us;
    uint32_t retry_after_s;
    size_t span_count;
    bool set_cookie;
    bool head;
};

struct seen_call {
    uint32_t region;
    Mec__Operation operation;
    Mec__CallMode mode;
    bool maybe_written;
    Mec__Consistency consistency;
    char shard[40];
    char key[64];
    char idempotency_key[64];
    char geo[40];
    size_t bookmark_count;
    uint64_t wait_us;
    uint64_t budget_us;
    uint64_t call_id;
    uint64_t at_us;
};

struct world {
    struct router *router;
    Mec__Config config;
    Mec__Settings settings;
    Mec__RegionConfig *region_list[REGIONS];
    Mec__RegionConfig region_rows[REGIONS];
    Mec__ShardConfig *shard_list[REGIONS];
    Mec__ShardConfig shard_rows[REGIONS];
    Mec__ListenerConfig *listener_list[REGIONS];
    Mec__ListenerConfig listener_rows[REGIONS];
    Mec__LinkConfig *link_list[16];
    Mec__LinkConfig link_rows[16];
    char link_names[16][64];
    struct fake_region regions[REGIONS];
    uint64_t now_us;
    bool ready;
    uint64_t ready_us;
    uint32_t closes;
    uint64_t next_request_id;
    struct seen_answer *answers[ANSWERS_MAX]; /* by request id; NULL: none yet */
    struct seen_call calls[CALLS_MAX];
    size_t call_count;
    char log[LOG_MAX][256];
    size_t log_count;
    char explained[8192];
    uint32_t explained_count;

    /* Frames that fake regions have sent, waiting for a step of their own. */
    struct {
        uint32_t region;
        uint8_t *bytes;
        size_t size;
    } inbox[20000];
    size_t inbox_first, inbox_last;
};

/* All regions connected and ready, from vantages us-east, eu-west and us-west. */
struct world *world_create(void);

/* The same, before the router exists: change world->config, then world_start(). */
struct world *world_prepare(void);
void world_start(struct world *world);
void world_free(struct world *world);

/* Let virtual time pass. */
void world_run(struct world *world, uint64_t duration_us);

void world_up(struct world *world, uint32_t region);
void world_kill(struct world *world, uint32_t region);

/* Cut (or heal, or reset) all links between clients at @geo ("*": all) and @region. */
void world_cut(struct world *world, const char *geo, uint32_t region, Mec__CutKind cut);

/* Tell the router of the config as it stands. */
void world_configure(struct world *world);

/* Send a request; returns its id. */
uint64_t world_send(struct world *world, const struct http_request *http);
uint64_t world_get(struct world *world, const char *geo, const char *path);
uint64_t world_put(struct world *world, const char *geo, const char *path);
void world_client_gone(struct world *world, uint64_t request_id);
void world_explain(struct world *world, const char *method, const char *path, const char *geo,
                   const char *user);

/* A frame out of the blue. */
void world_frame(struct world *world, uint32_t region, enum frame_kind kind, uint64_t id,
                 const uint8_t *body, size_t size);

/* The answer to a request; it must have come. */
const struct seen_answer *world_answer(struct world *world, uint64_t request_id);
bool world_answered(const struct world *world, uint64_t request_id);

/* The last call that @region was asked; it must exist. */
const struct seen_call *world_last_call(struct world *world);

/* Between a client at @geo and @region, as the map has it. */
uint64_t world_round_trip_us(const char *geo, uint32_t region);

/* Has a log line with @text in it been written? */
bool world_logged(const struct world *world, const char *text);

/* `Bearer TOKEN` of a user of @shard. */
const char *world_token(const char *user, const char *shard);

/* Of router_fakes.c: a fake region takes in a frame, and posts what it answers. */
void fakes_take_frame(struct world *world, const struct router_action *action);
const char *fakes_name(uint32_t region);

#endif
