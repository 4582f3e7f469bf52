/* What a request costs in the router's core alone: request in, call out, answer in, answer out.
 * Reads of a cached token from one vantage, 64 in flight, links without delay.
 *
 *     bench_router [REQUESTS] */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/token.h"
#include "routerd/router.h"

#define IN_FLIGHT 64
#define REGIONS   3

static struct router *router;
static uint64_t now_us = 1000000;
static uint64_t answered;

/* Calls that the region has been sent and not yet answered. */
static uint64_t calls[IN_FLIGHT * 2];
static uint32_t peers[IN_FLIGHT * 2];
static size_t call_count;

static void step(struct router_event *event)
{
    event->at = (struct moment){now_us, now_us};
    struct router_actions actions = router_step(router, event);
    for (size_t index = 0; index < actions.count; index++) {
        const struct router_action *action = &actions.items[index];
        struct frame frame;
        size_t used;
        if (action->kind == ROUTER_ANSWER) {
            assert(action->answer->status == 200);
            answered++;
        }
        if (action->kind != ROUTER_SEND)
            continue;
        int decoded = frame_decode(action->bytes, action->size, &frame, &used);
        assert(decoded == 1);
        if (frame.kind == FRAME_CALL) {
            assert(call_count < IN_FLIGHT * 2);
            peers[call_count] = action->peer;
            calls[call_count++] = frame.id;
        }
    }
}

static void start(void)
{
    static const uint8_t seed[32] = {1};
    static const char *const names[REGIONS] = {"us-east", "eu-west", "us-west"};
    Mec__Config config = MEC__CONFIG__INIT;
    Mec__Settings settings = MEC__SETTINGS__INIT;
    Mec__RegionConfig regions[REGIONS];
    Mec__ShardConfig shards[REGIONS];
    Mec__RegionConfig *region_list[REGIONS];
    Mec__ShardConfig *shard_list[REGIONS];
    for (size_t index = 0; index < REGIONS; index++) {
        mec__region_config__init(&regions[index]);
        mec__shard_config__init(&shards[index]);
        regions[index].name = (char *)(uintptr_t)names[index];
        regions[index].latitude = (double)index;
        shards[index].name = regions[index].name;
        shards[index].home = regions[index].name;
        region_list[index] = &regions[index];
        shard_list[index] = &shards[index];
    }
    settings.no_wan = true;
    settings.probe_interval_us = 3600 * SECOND_US;
    settings.probe_slack_us = 3600 * SECOND_US;
    settings.probe_fail_threshold = 2;
    settings.probe_pass_threshold = 2;
    settings.request_timeout_us = 2 * SECOND_US;
    config.n_regions = REGIONS;
    config.regions = region_list;
    config.n_shards = REGIONS;
    config.shards = shard_list;
    config.settings = &settings;
    config.slow_motion = 1;
    int error = router_create(&config, seed, (struct moment){now_us, now_us}, &router);
    assert(error == 0);
    for (uint32_t region = 0; region < REGIONS; region++) {
        struct router_event up = {.kind = ROUTER_PEER_UP, .peer = region};
        step(&up);
    }
}

static size_t pack_answer(uint8_t *ret_bytes)
{
    Mec__Answer answer = MEC__ANSWER__INIT;
    Mec__Position position = MEC__POSITION__INIT;
    Mec__Span spans[3];
    Mec__Span *span_list[3];
    static const char *const stages[3] = {"gateway", "service", "cache"};
    for (size_t index = 0; index < 3; index++) {
        mec__span__init(&spans[index]);
        spans[index].name = (char *)(uintptr_t)stages[index];
        spans[index].duration_us = 3;
        span_list[index] = &spans[index];
    }
    static uint8_t body[200];
    memset(body, 'v', sizeof(body));
    position.shard = (char *)"us-east";
    position.epoch = 1;
    position.seq = 4711;
    answer.status = 200;
    answer.body = (ProtobufCBinaryData){sizeof(body), body};
    answer.content_type = (char *)"text/plain";
    answer.version = 7;
    answer.served = MEC__SERVED__SERVED_CACHE;
    answer.home = (char *)"us-east";
    answer.position = &position;
    answer.staleness_known = true;
    answer.n_spans = 3;
    answer.spans = span_list;
    answer.service_us = 12;
    return mec__answer__pack(&answer, ret_bytes);
}

static double cpu_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static void run(uint64_t requests, const struct http_request *http, const uint8_t *answer,
                size_t answer_size)
{
    uint64_t sent = 0;
    while (answered < requests) {
        for (size_t index = 0; index < IN_FLIGHT && sent < requests; index++) {
            struct router_event event = {
                .kind = ROUTER_REQUEST, .request_id = ++sent, .request = http};
            step(&event);
        }
        size_t count = call_count;
        uint64_t ids[IN_FLIGHT * 2];
        memcpy(ids, calls, sizeof(ids));
        call_count = 0;
        now_us += 30;
        for (size_t index = 0; index < count; index++) {
            struct router_event event = {.kind = ROUTER_FRAME, .peer = peers[index]};
            event.frame = (struct frame){FRAME_ANSWER, ids[index], answer, answer_size};
            step(&event);
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t requests = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    uint8_t answer[1024];
    char header[1200];
    static const uint8_t seed[TOKEN_KEY_SEED_SIZE] = {7};
    struct token_claims claims = {.scope = TOKEN_SCOPE_ALL, .generation = 1, .issued_s = 1000, .expires_s = 1600};
    strcpy(claims.user, "2f7c1a9be0d34456");
    strcpy(claims.shard, "us-east");
    strcpy(claims.session, "5a5a5a5a5a5a5a5a");
    char *token = token_sign("bench", "us-east-1", seed, &claims);
    snprintf(header, sizeof(header), "Bearer %s", token);
    free(token);
    struct http_request http = {
        .method = HTTP_GET,
        .path = slice_of("/v1/metadata/colour"),
        .authorization = slice_of(header),
        .bookmark = slice_of("us-east:1.4711"),
        .listener_geo = "us-east",
    };
    size_t answer_size = pack_answer(answer);
    start();
    double start_us = cpu_us();
    run(requests, &http, answer, answer_size);
    printf("%.2f us of CPU a request\n", (cpu_us() - start_us) / (double)requests);
    router_free(router);
    return 0;
}
