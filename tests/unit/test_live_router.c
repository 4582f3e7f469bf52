#include <arpa/inet.h>
#include <check.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call.pb-c.h"
#include "common/live_files.h"
#include "common/live_log.h"
#include "common/live_peer.h"
#include "common/memory.h"
#include "common/signed_config.h"
#include "health.pb-c.h"
#include "routerd/live_router.h"
#include "tests/unit/suite.h"

#define PATIENCE_US (10 * SECOND_US) /* only a hang reaches it */

/* A world of one region, in one loop: the router under test, a region that answers every call with
 * "value", and a controld that notes what it is told. */
static struct {
    char directory[64];
    char region_path[96];
    char control_path[96];
    struct live_loop *loop;
    struct live_listener *region;
    struct live_listener *controld;
    struct live_peer *router_at_controld;
    struct live_router *router;
    uint16_t port; /* of the listener for all, as the last Hello says */
    uint16_t paris_port;
    bool ready;
    uint64_t config_version;
    char detail[256];
    char *status;
    uint64_t status_id;
    uint64_t calls;
    char geo[64]; /* of the last call */
} world;

static void on_region_frame(struct live_peer *peer, const struct frame *frame, void *context)
{
    (void)context;
    if (frame->kind == FRAME_PING) {
        Mec__Ping *ping = mec__ping__unpack(NULL, frame->body_size, frame->body);
        Mec__Pong pong = MEC__PONG__INIT;

        pong.nonce = ping->nonce;
        pong.serving = pong.writable = 1;
        live_peer_send_message(peer, FRAME_PONG, frame->id, &pong.base);
        mec__ping__free_unpacked(ping, NULL);
    } else if (frame->kind == FRAME_QUEUE_LIST_ASK) {
        Mec__QueueList list = MEC__QUEUE_LIST__INIT;

        live_peer_send_message(peer, FRAME_QUEUE_LIST, frame->id, &list.base);
    } else if (frame->kind == FRAME_CALL) {
        Mec__Call *call = mec__call__unpack(NULL, frame->body_size, frame->body);
        Mec__Answer answer = MEC__ANSWER__INIT;

        world.calls++;
        snprintf(world.geo, sizeof(world.geo), "%s", call->geo);
        answer.status = 200;
        answer.body = (ProtobufCBinaryData){5, (uint8_t *)"value"};
        live_peer_send_message(peer, FRAME_ANSWER, frame->id, &answer.base);
        mec__call__free_unpacked(call, NULL);
    }
}

static void note_hello(const Mec__Hello *hello)
{
    ck_assert_str_eq(hello->name, "routerd");
    world.ready = hello->ready;
    world.config_version = hello->config_version;
    snprintf(world.detail, sizeof(world.detail), "%s", hello->detail);
    for (size_t i = 0; i < hello->n_listeners; i++) {
        if (hello->listeners[i]->geo[0] == '\0')
            world.port = (uint16_t)hello->listeners[i]->port;
        else
            world.paris_port = (uint16_t)hello->listeners[i]->port;
    }
    ck_assert_msg(!world.ready || world.port != 0, "ready before the ports are known");
}

static void on_controld_frame(struct live_peer *peer, const struct frame *frame, void *context)
{
    (void)context;
    world.router_at_controld = peer;
    if (frame->kind == FRAME_HELLO) {
        Mec__Hello *hello = mec__hello__unpack(NULL, frame->body_size, frame->body);

        note_hello(hello);
        mec__hello__free_unpacked(hello, NULL);
    } else if (frame->kind == FRAME_STATUS) {
        Mec__Status *status = mec__status__unpack(NULL, frame->body_size, frame->body);

        free(world.status);
        world.status = memory_text(status->json);
        world.status_id = frame->id;
        mec__status__free_unpacked(status, NULL);
    }
}

/* Hand the packed configuration with these ports to @use. */
static void with_config(uint64_t version, uint32_t port, bool with_paris,
                        void (*use)(const Mec__Config *config))
{
    Mec__Config config = MEC__CONFIG__INIT;
    Mec__RegionConfig region = MEC__REGION_CONFIG__INIT;
    Mec__ShardConfig shard = MEC__SHARD_CONFIG__INIT;
    Mec__ListenerConfig all = MEC__LISTENER_CONFIG__INIT;
    Mec__ListenerConfig paris = MEC__LISTENER_CONFIG__INIT;
    Mec__Settings settings = MEC__SETTINGS__INIT;

    region.name = shard.name = shard.home = (char *)"us-east";
    region.city = (char *)"Virginia";
    region.latitude = 37.37;
    region.longitude = -79.82;
    region.address = world.region_path;
    shard.epoch = 1;
    all.port = port;
    paris.geo = (char *)"paris";
    settings.probe_interval_us = 50000;
    settings.probe_slack_us = 5000000;
    settings.probe_fail_threshold = 3;
    settings.probe_pass_threshold = 1;
    settings.request_timeout_us = 5000000;
    settings.max_connections = 100;
    settings.idle_timeout_us = 60000000;
    settings.no_wan = 1;
    config.version = version;
    config.world = (char *)"test";
    config.n_regions = config.n_shards = 1;
    config.regions = (Mec__RegionConfig *[]){&region};
    config.shards = (Mec__ShardConfig *[]){&shard};
    config.n_listeners = with_paris ? 2 : 1;
    config.listeners = (Mec__ListenerConfig *[]){&all, &paris};
    config.settings = &settings;
    config.slow_motion = 1;
    use(&config);
}

static const uint8_t control_seed[SIGNED_CONFIG_SEED_SIZE] = {3};

static void write_config(const Mec__Config *config)
{
    struct signed_config_pin pin;
    char path[96];
    size_t size;
    uint8_t *bytes = signed_config_pack(config, control_seed, &size);

    snprintf(path, sizeof(path), "%s/config.pb", world.directory);
    ck_assert_int_eq(live_files_replace(path, bytes, size, 0600), 0);
    free(bytes);
    signed_config_make_pin(control_seed, config->world, &pin);
    bytes = signed_config_pack_pin(&pin, &size);
    snprintf(path, sizeof(path), "%s/control.pin", world.directory);
    ck_assert_int_eq(live_files_replace(path, bytes, size, 0600), 0);
    free(bytes);
}

static void send_config(const Mec__Config *config)
{
    uint8_t header[FRAME_HEADER_SIZE];
    size_t size;
    uint8_t *bytes = signed_config_pack(config, control_seed, &size);

    frame_header(FRAME_CONFIG, 0, size, header);
    live_peer_send(world.router_at_controld, header, sizeof(header));
    live_peer_send(world.router_at_controld, bytes, size);
    free(bytes);
}

static void start(uint32_t port)
{
    static const struct live_peer_handlers region = {.frame = on_region_frame};
    static const struct live_peer_handlers controld = {.frame = on_controld_frame};
    struct live_options options;

    memset(&world, 0, sizeof(world));
    live_log_level(LIVE_LOG_ERROR);
    strcpy(world.directory, "/tmp/test-live-router-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(world.directory));
    snprintf(world.region_path, sizeof(world.region_path), "%s/region.sock", world.directory);
    snprintf(world.control_path, sizeof(world.control_path), "%s/control.sock", world.directory);
    options = (struct live_options){
        .name = "routerd", .directory = world.directory, .control = world.control_path};
    ck_assert_int_eq(live_loop_create(&world.loop), 0);
    ck_assert_int_eq(live_listen(world.loop, world.region_path, &region, NULL, &world.region), 0);
    ck_assert_int_eq(live_listen(world.loop, world.control_path, &controld, NULL, &world.controld),
                     0);
    with_config(1, port, false, write_config);
    ck_assert_int_eq(live_router_create(world.loop, &options, &world.router), 0);
}

static void stop(void)
{
    char path[96];

    live_router_free(world.router);
    live_listener_free(world.region);
    live_listener_free(world.controld);
    live_loop_free(world.loop);
    free(world.status);
    snprintf(path, sizeof(path), "%s/config.pb", world.directory);
    unlink(path);
    snprintf(path, sizeof(path), "%s/control.pin", world.directory);
    unlink(path);
    ck_assert_int_eq(rmdir(world.directory), 0);
}

static void turn(uint64_t started_us)
{
    ck_assert_msg(live_loop_now().now_us - started_us < PATIENCE_US, "it never happened");
    event_base_loop(live_loop_base(world.loop), EVLOOP_NONBLOCK);
    usleep(100);
}

#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        for (uint64_t awaited_us = live_loop_now().now_us; !(condition);)                          \
            turn(awaited_us);                                                                      \
    } while (0)

static int dial(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* The whole answer to a GET of @path, as a new string. */
static char *get(uint16_t port, const char *path)
{
    char text[256];
    char *heard = memory_alloc(1u << 20);
    size_t size = 0;
    ssize_t more = -1;
    int fd = dial(port);
    int length = snprintf(text, sizeof(text),
                          "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", path);

    ck_assert_int_eq(send(fd, text, (size_t)length, 0), length);
    for (uint64_t started_us = live_loop_now().now_us; more != 0; turn(started_us)) {
        more = recv(fd, heard + size, (1u << 20) - 1 - size, MSG_DONTWAIT);
        if (more > 0)
            size += (size_t)more;
    }
    close(fd);
    return heard;
}

static void assert_holds(char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in: %s", part, text);
    free(text);
}

START_TEST(it_tells_its_ports_and_then_that_it_is_ready)
{
    start(0);
    AWAIT(world.ready);
    ck_assert_uint_ne(world.port, 0);
    assert_holds(get(world.port, "/readyz"), "HTTP/1.1 200 OK");
    stop();
}
END_TEST

START_TEST(a_request_goes_to_the_region_and_its_answer_to_the_client)
{
    start(0);
    AWAIT(world.ready);
    assert_holds(get(world.port, "/.well-known/jwks.json"), "\r\n\r\nvalue");
    ck_assert_uint_eq(world.calls, 1);
    stop();
}
END_TEST

START_TEST(a_region_that_goes_and_comes_back_is_found_again)
{
    static const struct live_peer_handlers region = {.frame = on_region_frame};
    bool served = false;

    start(0);
    AWAIT(world.ready);
    live_listener_free(world.region);
    assert_holds(get(world.port, "/.well-known/jwks.json"), "HTTP/1.1 503 ");
    ck_assert_int_eq(live_listen(world.loop, world.region_path, &region, NULL, &world.region), 0);
    for (uint64_t started_us = live_loop_now().now_us; !served; turn(started_us)) {
        char *text = get(world.port, "/.well-known/jwks.json");

        served = strstr(text, "HTTP/1.1 200 OK") != NULL;
        free(text);
    }
    stop();
}
END_TEST

START_TEST(a_new_configuration_opens_new_listeners_and_keeps_the_old)
{
    uint16_t port;

    start(0);
    AWAIT(world.ready);
    port = world.port;
    with_config(2, port, true, send_config);
    AWAIT(world.config_version == 2 && world.paris_port != 0);
    ck_assert_uint_eq(world.port, port);
    assert_holds(get(port, "/.well-known/jwks.json"), "value");
    ck_assert_str_eq(world.geo, "us-east");
    assert_holds(get(world.paris_port, "/.well-known/jwks.json"), "value");
    ck_assert_str_eq(world.geo, "paris");
    stop();
}
END_TEST

START_TEST(controld_is_told_how_it_is)
{
    Mec__StatusAsk ask = MEC__STATUS_ASK__INIT;
    json_t *json;

    start(0);
    AWAIT(world.ready);
    assert_holds(get(world.port, "/healthz"), "200");
    live_peer_send_message(world.router_at_controld, FRAME_STATUS_ASK, 77, &ask.base);
    AWAIT(world.status);
    ck_assert_uint_eq(world.status_id, 77);
    json = json_loads(world.status, 0, NULL);
    ck_assert_ptr_nonnull(json);
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(json, "clients"), "requests")), 1);
    json_decref(json);
    stop();
}
END_TEST

START_TEST(it_explains_where_a_request_would_go)
{
    Mec__ExplainAsk ask = MEC__EXPLAIN_ASK__INIT;

    start(0);
    AWAIT(world.ready);
    ask.method = (char *)"GET";
    ask.path = (char *)"/v1/metadata/k";
    ask.geo = (char *)"paris";
    live_peer_send_message(world.router_at_controld, FRAME_EXPLAIN_ASK, 78, &ask.base);
    AWAIT(world.status);
    ck_assert_uint_eq(world.status_id, 78);
    ck_assert_msg(strstr(world.status, "us-east") != NULL, "%s", world.status);
    stop();
}
END_TEST

START_TEST(a_port_that_is_taken_ends_it_with_advice)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    live_log_level(LIVE_LOG_ERROR);
    start(ntohs(address.sin_port));
    ck_assert(live_router_failed(world.router));
    live_loop_run(world.loop); /* ends by itself */
    ck_assert(!world.ready);
    ck_assert_msg(strstr(world.detail, "is taken by another program") != NULL, "%s", world.detail);
    close(fd);
    stop();
}
END_TEST

START_TEST(without_a_configuration_it_does_not_start)
{
    struct live_options options = {
        .name = "routerd", .directory = "/nonexistent", .control = "/nonexistent/c"};
    struct live_router *router = NULL;
    struct live_loop *loop;

    ck_assert_int_eq(live_loop_create(&loop), 0);
    ck_assert_int_lt(live_router_create(loop, &options, &router), 0);
    ck_assert_ptr_null(router);
    live_loop_free(loop);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_tells_its_ports_and_then_that_it_is_ready,
        a_request_goes_to_the_region_and_its_answer_to_the_client,
        a_region_that_goes_and_comes_back_is_found_again,
        a_new_configuration_opens_new_listeners_and_keeps_the_old,
        controld_is_told_how_it_is,
        it_explains_where_a_request_would_go,
        a_port_that_is_taken_ends_it_with_advice,
        without_a_configuration_it_does_not_start,
    };
    return suite_run(&(struct suite){.name = "live_router", .timeout_s = 30, SUITE_TESTS(tests)});
}
