#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/live_control.h"
#include "common/live_files.h"
#include "common/live_log.h"
#include "common/live_peer.h"
#include "common/memory.h"
#include "common/signed_config.h"
#include "tests/unit/suite.h"

static char directory[64], config_path[96], pin_path[96], socket_path[96];
static struct live_loop *loop;
static struct live_options options;
static struct live_control *control;
static const Mec__Config *running;

/* controld, as far as these tests need one. */
static struct {
    struct live_listener *listener;
    struct live_peer *peer;
    unsigned hellos, statuses;
    char name[64], detail[64], json[64], geo[16];
    uint64_t version, status_id;
    uint32_t pid, port;
    bool ready, tells_keys;
    size_t key_count;
    char kid[32];
    uint8_t key_byte;
} controld;

/* What the daemon under test was told. */
static struct {
    unsigned configs, asks, frames;
    uint64_t old_version, ask_id;
    char section[32];
    bool put_off, was_on_disk;
    size_t long_by;
    enum frame_kind kind;
} told;

static const uint8_t control_seed[SIGNED_CONFIG_SEED_SIZE] = {1};
static const uint8_t other_seed[SIGNED_CONFIG_SEED_SIZE] = {2};

/* A SignedConfig: new bytes. */
static uint8_t *pack_as(const uint8_t *seed, const char *world, uint64_t version, size_t *ret_size)
{
    Mec__Config config = MEC__CONFIG__INIT;
    Mec__Settings settings = MEC__SETTINGS__INIT;

    config.version = version;
    config.world = (char *)world;
    config.settings = &settings;
    return signed_config_pack(&config, seed, ret_size);
}

static void put_pin(void)
{
    struct signed_config_pin pin;
    size_t size;
    uint8_t *bytes;

    signed_config_make_pin(control_seed, "test", &pin);
    bytes = signed_config_pack_pin(&pin, &size);
    ck_assert_int_eq(live_files_replace(pin_path, bytes, size, 0600), 0);
    free(bytes);
}

static void put_config_as(const uint8_t *seed, const char *world, uint64_t version)
{
    size_t size;
    uint8_t *bytes = pack_as(seed, world, version, &size);

    ck_assert_int_eq(live_files_replace(config_path, bytes, size, 0600), 0);
    free(bytes);
}

static void put_config_file(uint64_t version)
{
    put_config_as(control_seed, "test", version);
}

static uint64_t config_file_version(void)
{
    struct arena *arena = arena_create();
    struct signed_config_pin pin;
    const Mec__Config *config;
    uint8_t *bytes;
    size_t size;
    uint64_t version = 0;

    signed_config_make_pin(control_seed, "test", &pin);
    if (live_files_read(config_path, 10000, &bytes, &size) == 0) {
        ck_assert_int_eq(signed_config_open(bytes, size, &pin, 0, arena, &config), 0);
        version = config->version;
        free(bytes);
    }
    arena_free(arena);
    return version;
}

static void on_hello(const struct frame *frame)
{
    Mec__Hello *hello = mec__hello__unpack(NULL, frame->body_size, frame->body);

    ck_assert_ptr_nonnull(hello);
    snprintf(controld.name, sizeof(controld.name), "%s", hello->name);
    snprintf(controld.detail, sizeof(controld.detail), "%s", hello->detail);
    controld.version = hello->config_version;
    controld.pid = hello->pid;
    controld.ready = hello->ready;
    controld.port = hello->n_listeners > 0 ? hello->listeners[0]->port : 0;
    if (hello->n_listeners > 0)
        snprintf(controld.geo, sizeof(controld.geo), "%s", hello->listeners[0]->geo);
    controld.tells_keys = hello->tells_keys;
    controld.key_count = hello->n_keys;
    if (hello->n_keys > 0) {
        snprintf(controld.kid, sizeof(controld.kid), "%s", hello->keys[0]->kid);
        controld.key_byte = hello->keys[0]->public_key.data[0];
    }
    controld.hellos++;
    mec__hello__free_unpacked(hello, NULL);
}

static void on_status(const struct frame *frame)
{
    Mec__Status *status = mec__status__unpack(NULL, frame->body_size, frame->body);

    ck_assert_ptr_nonnull(status);
    snprintf(controld.json, sizeof(controld.json), "%s", status->json);
    controld.status_id = frame->id;
    controld.statuses++;
    mec__status__free_unpacked(status, NULL);
}

static void on_controld_frame(struct live_peer *peer, const struct frame *frame, void *context)
{
    (void)peer;
    (void)context;
    if (frame->kind == FRAME_HELLO)
        on_hello(frame);
    else if (frame->kind == FRAME_STATUS)
        on_status(frame);
    else
        ck_abort_msg("unexpected %s", frame_kind_name(frame->kind));
}

static void on_controld_up(struct live_peer *peer, void *context)
{
    (void)context;
    controld.peer = peer;
}

static void start_controld(void)
{
    static const struct live_peer_handlers handlers = {.up = on_controld_up,
                                                       .frame = on_controld_frame};

    ck_assert_int_eq(live_listen(loop, socket_path, &handlers, NULL, &controld.listener), 0);
}

static void config(const Mec__Config *new, void *context)
{
    ck_assert_ptr_eq(context, &told);
    told.configs++;
    told.old_version = running->version; /* still there to be read */
    ck_assert_str_eq(running->world, "test");
    running = new;
    told.was_on_disk = config_file_version() == new->version;
}

static char *status(const char *section, uint64_t ask_id, void *context)
{
    char *json;

    (void)context;
    told.asks++;
    told.ask_id = ask_id;
    snprintf(told.section, sizeof(told.section), "%s", section);
    if (told.put_off)
        return NULL;
    json = memory_alloc(told.long_by + 20);
    memset(json, ' ', told.long_by);
    strcpy(json + told.long_by, "{\"fine\":true}");
    return json;
}

static void other_frame(const struct frame *frame, void *context)
{
    (void)context;
    told.frames++;
    told.kind = frame->kind;
}

static const struct live_control_handlers handlers = {
    .config = config,
    .status = status,
    .frame = other_frame,
};

static int create(void)
{
    return live_control_create(loop, &options, &handlers, &told, &control, &running);
}

static void set_up(void)
{
    strcpy(directory, "/tmp/mec-control-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(config_path, sizeof(config_path), "%s/config.pb", directory);
    snprintf(pin_path, sizeof(pin_path), "%s/control.pin", directory);
    put_pin();
    snprintf(socket_path, sizeof(socket_path), "%s/controld", directory);
    options = (struct live_options){"regiond/us-east", "us-east", directory, socket_path};
    live_log_level(LIVE_LOG_ERROR + 1);
    ck_assert_int_eq(live_loop_create(&loop), 0);
    memset(&controld, 0, sizeof(controld));
    memset(&told, 0, sizeof(told));
    control = NULL;
}

static void tear_down(void)
{
    live_control_free(control);
    live_listener_free(controld.listener);
    live_loop_free(loop);
    unlink(config_path);
    unlink(pin_path);
    rmdir(directory);
}

static void turn(void)
{
    event_base_loop(live_loop_base(loop), EVLOOP_ONCE);
}

static void start_both(uint64_t version)
{
    put_config_file(version);
    start_controld();
    ck_assert_int_eq(create(), 0);
    while (controld.hellos == 0)
        turn();
}

static void send_bytes(enum frame_kind kind, uint64_t id, const uint8_t *body, size_t size)
{
    uint8_t frame[512];

    frame_header(kind, id, size, frame);
    if (size > 0)
        memcpy(frame + FRAME_HEADER_SIZE, body, size);
    live_peer_send(controld.peer, frame, FRAME_HEADER_SIZE + size);
}

/* Send a Config and leave it at that. */
static void send_config_as(const uint8_t *seed, const char *world, uint64_t version)
{
    size_t size;
    uint8_t *bytes = pack_as(seed, world, version, &size);

    send_bytes(FRAME_CONFIG, 0, bytes, size);
    free(bytes);
}

/* Send a Config and wait for the Hello that answers it. */
static void send_config(uint64_t version)
{
    unsigned hellos = controld.hellos;

    send_config_as(control_seed, "test", version);
    while (controld.hellos == hellos)
        turn();
    ck_assert_uint_eq(controld.hellos, hellos + 1);
}

static void ask_status(uint64_t id, const char *section)
{
    Mec__StatusAsk ask = MEC__STATUS_ASK__INIT;

    ask.section = (char *)section;
    live_peer_send_message(controld.peer, FRAME_STATUS_ASK, id, &ask.base);
}

START_TEST(without_a_configuration_nothing_starts)
{
    ck_assert_int_eq(create(), -ENOENT);
    ck_assert_ptr_null(control);
}
END_TEST

START_TEST(an_unreadable_configuration_does_not_start_either)
{
    Mec__Config bare = MEC__CONFIG__INIT;
    uint8_t *bytes;
    size_t size;

    ck_assert_int_eq(live_files_replace(config_path, "\xff\xff garbage", 10, 0600), 0);
    ck_assert_int_eq(create(), -EBADMSG);

    bare.version = 3; /* no settings */
    bytes = signed_config_pack(&bare, control_seed, &size);
    ck_assert_int_eq(live_files_replace(config_path, bytes, size, 0600), 0);
    free(bytes);
    ck_assert_int_eq(create(), -EBADMSG);

    ck_assert_int_eq(live_files_replace(config_path, "", 0, 0600), 0);
    ck_assert_int_eq(create(), -ENOKEY);
    ck_assert_ptr_null(control);
}
END_TEST

/* What stands on the disk is trusted no more than what comes over the socket. */
START_TEST(a_file_that_the_pin_does_not_vouch_for_does_not_start)
{
    put_config_as(other_seed, "test", 3);
    ck_assert_int_eq(create(), -EKEYREJECTED);
    put_config_as(control_seed, "other", 3);
    ck_assert_int_eq(create(), -EXDEV);
    put_config_file(3);
    unlink(pin_path);
    ck_assert_int_eq(create(), -ENOENT);
    ck_assert_int_eq(live_files_replace(pin_path, "x", 1, 0600), 0);
    ck_assert_int_eq(create(), -EBADMSG);
    put_pin();
    ck_assert_int_eq(create(), 0);
}
END_TEST

START_TEST(what_the_pin_does_not_vouch_for_changes_nothing)
{
    Mec__Config bare = MEC__CONFIG__INIT;
    Mec__Settings settings = MEC__SETTINGS__INIT;
    uint8_t plain[64];

    start_both(5);
    bare.version = 9;
    bare.world = "test";
    bare.settings = &settings;
    send_bytes(FRAME_CONFIG, 0, plain, mec__config__pack(&bare, plain)); /* not signed at all */
    send_config_as(other_seed, "test", 9);
    send_config_as(control_seed, "other", 9);
    send_config(6); /* the only one that is taken, and answered */
    ck_assert_uint_eq(told.configs, 1);
    ck_assert_uint_eq(running->version, 6);
    ck_assert_uint_eq(config_file_version(), 6);
}
END_TEST

START_TEST(hello_tells_the_public_halves_of_keys)
{
    Mec__SigningKey key = MEC__SIGNING_KEY__INIT;
    uint8_t half[] = {7, 8, 9};

    start_both(5);
    ck_assert(!controld.tells_keys); /* others than regiond have nothing to say of keys */
    live_control_keys(control, NULL, 0);
    while (controld.hellos < 2)
        turn();
    ck_assert(controld.tells_keys);
    ck_assert_uint_eq(controld.key_count, 0);
    key.kid = "us-east.2";
    key.region = "us-east";
    key.public_key.data = half;
    key.public_key.len = sizeof(half);
    live_control_keys(control, &key, 1);
    half[0] = 0; /* it has its own copy */
    while (controld.hellos < 3)
        turn();
    ck_assert_uint_eq(controld.key_count, 1);
    ck_assert_str_eq(controld.kid, "us-east.2");
    ck_assert_uint_eq(controld.key_byte, 7);
}
END_TEST

START_TEST(a_process_runs_without_controld)
{
    put_config_file(7);
    ck_assert_int_eq(create(), 0);
    ck_assert_uint_eq(running->version, 7);
    live_control_ready(control, true, "");
    live_control_status(control, 1, "{}");
    for (int i = 0; i < 3; i++)
        turn();

    start_controld(); /* when it comes, it learns at once how things stand */
    while (controld.hellos == 0)
        turn();
    ck_assert(controld.ready);
    ck_assert_uint_eq(controld.version, 7);
    ck_assert_uint_eq(controld.statuses, 0);
}
END_TEST

START_TEST(hello_says_who_and_how)
{
    start_both(5);
    ck_assert_str_eq(controld.name, "regiond/us-east");
    ck_assert_uint_eq(controld.pid, (uint32_t)getpid());
    ck_assert_uint_eq(controld.version, 5);
    ck_assert(!controld.ready);
    ck_assert_str_eq(controld.detail, "starting");
}
END_TEST

START_TEST(readiness_and_listeners_are_told_when_they_change)
{
    Mec__ListenerConfig listener = MEC__LISTENER_CONFIG__INIT;
    const Mec__ListenerConfig *bound[] = {&listener};

    start_both(5);
    live_control_ready(control, true, NULL);
    while (controld.hellos < 2)
        turn();
    ck_assert(controld.ready);
    ck_assert_str_eq(controld.detail, "");

    live_control_ready(control, true, ""); /* nothing new, nothing said */
    live_control_ready(control, false, "disk full");
    while (!strstr(controld.detail, "disk"))
        turn();
    ck_assert_uint_eq(controld.hellos, 3);
    ck_assert(!controld.ready);

    listener.geo = "paris";
    listener.port = 8080;
    live_control_listeners(control, bound, 1);
    listener.geo = "changed after the call";
    live_control_listeners(control, bound, 0);
    listener.geo = "rome";
    listener.port = 8081;
    live_control_listeners(control, bound, 1);
    listener.geo = "gone";
    while (controld.hellos < 6)
        turn();
    ck_assert_uint_eq(controld.port, 8081);
    ck_assert_str_eq(controld.geo, "rome");
}
END_TEST

START_TEST(a_newer_configuration_is_on_disk_before_it_is_used)
{
    start_both(5);
    send_config(6);
    ck_assert_uint_eq(told.configs, 1);
    ck_assert_uint_eq(told.old_version, 5);
    ck_assert(told.was_on_disk);
    ck_assert_uint_eq(controld.version, 6);
    send_config(9);
    ck_assert_uint_eq(told.configs, 2);
    ck_assert_uint_eq(told.old_version, 6);
    ck_assert_uint_eq(running->version, 9);
}
END_TEST

START_TEST(a_version_never_goes_back)
{
    start_both(5);
    send_config(4);
    ck_assert_uint_eq(controld.version, 5); /* the answer says what is in force */
    send_config(5);
    ck_assert_uint_eq(controld.version, 5);
    ck_assert_uint_eq(told.configs, 0);
    ck_assert_uint_eq(config_file_version(), 5);
    ck_assert_uint_eq(running->version, 5);
}
END_TEST

START_TEST(an_unreadable_configuration_changes_nothing_and_the_connection_stays)
{
    start_both(5);
    send_bytes(FRAME_CONFIG, 0, (const uint8_t *)"\xff\xff\xff", 3);
    send_bytes(FRAME_CONFIG, 0, (const uint8_t *)"", 0);
    send_config(6); /* on the same connection, and the only one to be answered */
    ck_assert_uint_eq(told.configs, 1);
    ck_assert_uint_eq(config_file_version(), 6);
}
END_TEST

START_TEST(a_disk_that_refuses_does_not_keep_the_old_truth)
{
    char beside[128];

    start_both(5);
    snprintf(beside, sizeof(beside), "%s.new", config_path);
    ck_assert_int_eq(live_files_make_directory(beside), 0); /* nothing can be written there */
    send_config(6);
    ck_assert_uint_eq(told.configs, 1);
    ck_assert(!told.was_on_disk);
    ck_assert_uint_eq(controld.version, 6);
    ck_assert_uint_eq(config_file_version(), 5);
    rmdir(beside);
}
END_TEST

START_TEST(a_status_ask_is_answered_under_its_id)
{
    start_both(5);
    ask_status(42, "digest");
    while (controld.statuses == 0)
        turn();
    ck_assert_str_eq(told.section, "digest");
    ck_assert_uint_eq(controld.status_id, 42);
    ck_assert_str_eq(controld.json, "{\"fine\":true}");
}
END_TEST

START_TEST(a_status_may_come_later)
{
    start_both(5);
    told.put_off = true;
    ask_status(43, "");
    while (told.asks == 0)
        turn();
    told.put_off = false;
    ask_status(44, "");
    while (controld.statuses == 0)
        turn();
    ck_assert_uint_eq(controld.status_id, 44);
    live_control_status(control, 43, "{\"late\":1}");
    while (controld.statuses == 1)
        turn();
    ck_assert_uint_eq(controld.status_id, 43);
    ck_assert_str_eq(controld.json, "{\"late\":1}");
}
END_TEST

START_TEST(a_status_too_long_for_a_frame_says_so)
{
    start_both(5);
    told.long_by = FRAME_SIZE_MAX;
    ask_status(1, "");
    while (controld.statuses == 0)
        turn();
    ck_assert_ptr_nonnull(strstr(controld.json, "\"error\""));
}
END_TEST

START_TEST(an_unreadable_status_ask_is_ignored)
{
    start_both(5);
    send_bytes(FRAME_STATUS_ASK, 1, (const uint8_t *)"\xff", 1);
    ask_status(2, "");
    while (controld.statuses == 0)
        turn();
    ck_assert_uint_eq(told.asks, 1);
    ck_assert_uint_eq(controld.status_id, 2);
}
END_TEST

START_TEST(other_frames_go_to_the_owner)
{
    start_both(5);
    send_bytes(FRAME_EXPLAIN_ASK, 8, NULL, 0);
    while (told.frames == 0)
        turn();
    ck_assert_int_eq(told.kind, FRAME_EXPLAIN_ASK);
}
END_TEST

START_TEST(a_controld_that_returns_is_greeted_with_how_things_are_now)
{
    start_both(5);
    send_config(6);
    live_listener_free(controld.listener);
    live_control_ready(control, true, "");
    turn();
    controld.hellos = 0;
    start_controld();
    while (controld.hellos == 0)
        turn();
    ck_assert_uint_eq(controld.version, 6);
    ck_assert(controld.ready);
}
END_TEST

static void parse(int argc, const char **argv)
{
    live_options_parse(argc, (char **)argv, "Serves one region.", &options);
}

START_TEST(options_are_read)
{
    const char *region[] = {"regiond", "--name", "regiond/us-east", "--directory=/d", "--control",
                            "/c",      NULL};

    parse(6, region);
    ck_assert_str_eq(options.name, "regiond/us-east");
    ck_assert_str_eq(options.region, "us-east");
    ck_assert_str_eq(options.directory, "/d");
    ck_assert_str_eq(options.control, "/c");
}
END_TEST

START_TEST(a_process_without_a_region_has_none)
{
    const char *router[] = {"routerd", "--name=routerd", "--directory=/d", "--control=/c", NULL};

    parse(4, router);
    ck_assert_str_eq(options.name, "routerd");
    ck_assert_ptr_null(options.region);
}
END_TEST

START_TEST(a_missing_option_is_bad_usage)
{
    const char *arguments[] = {"regiond", "--name", "x", "--control", "/c", NULL};

    parse(5, arguments);
    ck_abort_msg("it went on");
}
END_TEST

START_TEST(an_unknown_option_is_bad_usage)
{
    const char *arguments[] = {"regiond", "--surplus", NULL};

    parse(2, arguments);
    ck_abort_msg("it went on");
}
END_TEST

START_TEST(a_surplus_argument_is_bad_usage)
{
    const char *arguments[] = {"regiond", "--name=x", "--directory=/d", "--control=/c", "y", NULL};

    parse(5, arguments);
    ck_abort_msg("it went on");
}
END_TEST

START_TEST(help_ends_well)
{
    const char *arguments[] = {"regiond", "--help", NULL};

    parse(2, arguments);
    ck_abort_msg("it went on");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("live_control");
    TCase *facts = tcase_create("facts");
    TCase *usage = tcase_create("usage");

    suite_add_tcase(suite, facts);
    tcase_set_timeout(facts, 50);
    tcase_add_checked_fixture(facts, set_up, tear_down);
    tcase_add_test(facts, without_a_configuration_nothing_starts);
    tcase_add_test(facts, an_unreadable_configuration_does_not_start_either);
    tcase_add_test(facts, a_file_that_the_pin_does_not_vouch_for_does_not_start);
    tcase_add_test(facts, what_the_pin_does_not_vouch_for_changes_nothing);
    tcase_add_test(facts, hello_tells_the_public_halves_of_keys);
    tcase_add_test(facts, a_process_runs_without_controld);
    tcase_add_test(facts, hello_says_who_and_how);
    tcase_add_test(facts, readiness_and_listeners_are_told_when_they_change);
    tcase_add_test(facts, a_newer_configuration_is_on_disk_before_it_is_used);
    tcase_add_test(facts, a_version_never_goes_back);
    tcase_add_test(facts, an_unreadable_configuration_changes_nothing_and_the_connection_stays);
    tcase_add_test(facts, a_disk_that_refuses_does_not_keep_the_old_truth);
    tcase_add_test(facts, a_status_ask_is_answered_under_its_id);
    tcase_add_test(facts, a_status_may_come_later);
    tcase_add_test(facts, a_status_too_long_for_a_frame_says_so);
    tcase_add_test(facts, an_unreadable_status_ask_is_ignored);
    tcase_add_test(facts, other_frames_go_to_the_owner);
    tcase_add_test(facts, a_controld_that_returns_is_greeted_with_how_things_are_now);

    suite_add_tcase(suite, usage);
    tcase_add_test(usage, options_are_read);
    tcase_add_test(usage, a_process_without_a_region_has_none);
    tcase_add_exit_test(usage, a_missing_option_is_bad_usage, 64);
    tcase_add_exit_test(usage, an_unknown_option_is_bad_usage, 64);
    tcase_add_exit_test(usage, a_surplus_argument_is_bad_usage, 64);
    tcase_add_exit_test(usage, help_ends_well, 0);
    return suite_finish(suite);
}
