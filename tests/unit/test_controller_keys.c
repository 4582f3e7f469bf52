/* Rotations as controld drives them: a world of two regions, its processes played by the test. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/kid.h"
#include "common/memory.h"
#include "control/controller.h"
#include "control/text.h"
#include "tests/unit/suite.h"

enum { US, EU, US_SHIP, EU_SHIP, ROUTER, PROCESSES };

#define LIFETIME_US (600 * SECOND_US)

static struct controller *controller;
static struct moment now;
static uint32_t held[2]; /* how many keys each region has made */
static struct text told; /* progress and replies, one line each */
static char *message;
static json_t *answer;
static uint64_t last_ask;
static uint32_t next_pid;
static unsigned saves;

static const struct process *process(size_t index)
{
    return &controller_world(controller)->supervisor.processes[index];
}

static uint64_t version(void)
{
    return controller_world(controller)->config_version;
}

static void step(struct controller_event event)
{
    event.at = now;
    struct controller_actions actions = controller_step(controller, &event);
    bool spawn[PROCESSES] = {false};

    for (size_t i = 0; i < actions.count; i++) {
        const struct controller_action *action = &actions.items[i];
        if (action->kind == CONTROLLER_SPAWN)
            spawn[action->process] = true;
        if (action->kind == CONTROLLER_SAVE)
            saves++;
        if (action->kind != CONTROLLER_REPLY)
            continue;
        if (!action->last) {
            text_add(&told, "%s\n", action->text);
            continue;
        }
        text_add(&told, "reply %u\n", action->exit_code);
        free(message);
        json_decref(answer);
        message = memory_text(action->text ? action->text : "");
        answer = json_incref(action->data);
    }
    for (size_t i = 0; i < PROCESSES; i++)
        if (spawn[i])
            step((struct controller_event){
                .kind = CONTROLLER_SPAWNED, .process = i, .pid = ++next_pid, .start_ticks = 5});
}

static void expect(const char *wanted)
{
    char *is = text_take(&told);

    ck_assert_str_eq(is, wanted);
    free(is);
}

static void ask(const char *command, const char *arguments)
{
    json_t *json = json_loads(arguments, 0, NULL);

    ck_assert_ptr_nonnull(json);
    step((struct controller_event){
        .kind = CONTROLLER_ASK, .ask = ++last_ask, .command = command, .arguments = json});
    json_decref(json);
}

/* The public half of a region's key: its number, and another byte for each region. */
static void make_half(size_t region, uint32_t number, uint8_t *half)
{
    memset(half, (int)number, TOKEN_KEY_PUBLIC_SIZE);
    half[31] = (uint8_t)region;
}

/* Say hello by @at, with @count keys from number @first on when it is a regiond. */
static void hello_with(size_t index, uint64_t at, uint32_t first, uint32_t count)
{
    Mec__Hello hello = MEC__HELLO__INIT;
    Mec__SigningKey keys[8];
    Mec__SigningKey *list[8];
    uint8_t halves[8][TOKEN_KEY_PUBLIC_SIZE];
    char kids[8][KID_SIZE];

    hello.name = (char *)process(index)->name;
    hello.pid = process(index)->pid;
    hello.config_version = at;
    hello.ready = true;
    hello.tells_keys = index <= EU;
    hello.keys = list;
    for (uint32_t i = 0; index <= EU && i < count; i++) {
        kid_format(index == US ? "us-east" : "eu-west", first + i, kids[i]);
        make_half(index, first + i, halves[i]);
        mec__signing_key__init(&keys[i]);
        keys[i].kid = kids[i];
        keys[i].public_key.data = halves[i];
        keys[i].public_key.len = TOKEN_KEY_PUBLIC_SIZE;
        list[hello.n_keys++] = &keys[i];
    }
    step((struct controller_event){.kind = CONTROLLER_HELLO,
                                   .process = index,
                                   .hello = &hello,
                                   .pid = hello.pid,
                                   .start_ticks = 5});
}

static void hello(size_t index, uint64_t at)
{
    hello_with(index, at, 1, index <= EU ? held[index] : 0);
}

static void all_hello(void)
{
    uint64_t newest = version();

    for (size_t i = 0; i < PROCESSES; i++)
        if (process(i)->pid != 0)
            hello(i, newest);
}

static void tick_at(uint64_t us)
{
    now = (struct moment){us, us};
    step((struct controller_event){.kind = CONTROLLER_TICK});
}

static void exited(size_t index)
{
    step((struct controller_event){
        .kind = CONTROLLER_EXITED, .process = index, .code = 0, .signal = SIGKILL});
}

static struct world *make_world(void)
{
    struct topology *topology;
    char *error;

    ck_assert_int_eq(topology_built_in("2", &topology, &error), 0);
    topology->settings.token_lifetime_s = 600;
    struct world *world = world_create("shop", topology, "/data", "/run", 9000);
    for (size_t i = 0; i < 2; i++) {
        uint8_t half[TOKEN_KEY_PUBLIC_SIZE];
        make_half(i, 1, half);
        key_ring_begin(&world->rings[i], 1, half, 0);
    }
    world->config_version = 1;
    return world;
}

static void set_up(void)
{
    static const bool dead[PROCESSES];

    now = (struct moment){SECOND_US, SECOND_US};
    next_pid = 100;
    last_ask = 0;
    saves = 0;
    held[0] = held[1] = 1;
    message = NULL;
    answer = NULL;
    controller = controller_create(make_world(), dead, now);
    ask("up", "{}");
    all_hello();
    free(text_take(&told));
}

static void tear_down(void)
{
    controller_free(controller);
    json_decref(answer);
    free(message);
    free(text_take(&told));
}

/* controld is killed, and another one takes over from what it had written down. */
static void change_controld(void)
{
    json_t *state = world_to_json(controller_world(controller));
    struct world *world;
    bool alive[PROCESSES];

    for (size_t i = 0; i < PROCESSES; i++)
        alive[i] = process(i)->pid != 0;
    ck_assert_int_eq(world_from_json(state, &world), 0);
    json_decref(state);
    controller_free(controller);
    controller = controller_create(world, alive, now);
    step((struct controller_event){.kind = CONTROLLER_TICK});
}

static const char *ring(size_t region)
{
    static char text[100];
    const struct key_ring *keys = &controller_world(controller)->rings[region];

    text[0] = '\0';
    for (size_t i = 0; i < keys->count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u%c", i ? " " : "",
                 keys->keys[i].number, key_ring_state_name(keys->keys[i].state)[0]);
    return text;
}

START_TEST(a_region_changes_its_key_while_everybody_serves)
{
    ask("keys", "{\"action\": \"rotate\", \"region\": \"us-east\"}");
    expect("signing key us-east.2: wanted\n");
    all_hello(); /* they know of the wish; nothing is made yet */
    expect("");
    held[US] = 2;
    hello(US, version());
    expect("signing key us-east.2: published\n");
    for (size_t i = 0; i < ROUTER; i++)
        hello(i, version());
    ck_assert_str_eq(ring(US), "1s 2p"); /* routerd does not run by that yet */
    hello(ROUTER, version());
    expect("signing key us-east.1: retiring\nsigning key us-east.2: signing\n");
    hello(EU, version()); /* not its business */
    expect("");
    hello(US, version());
    expect("reply 0\n");
    ck_assert_str_eq(message, "us-east signs with us-east.2; us-east.1 verifies for 10.083m more");
    ck_assert_str_eq(ring(US), "1r 2s");
    ck_assert_str_eq(ring(EU), "1s");

    uint64_t end_us = now.wall_us + LIFETIME_US + KEY_RING_ALLOWANCE_US;
    uint64_t before = version();
    ck_assert_uint_eq(controller_wake_us(controller, now), end_us);
    tick_at(end_us - 1);
    ck_assert_uint_eq(version(), before);
    tick_at(end_us);
    ck_assert_str_eq(ring(US), "2s");
    ck_assert_uint_eq(version(), before + 1); /* everybody is told */
}
END_TEST

START_TEST(all_regions_change_theirs_at_once)
{
    ask("keys", "{\"action\": \"rotate\"}");
    held[US] = held[EU] = 2;
    for (int i = 0; i < 4; i++)
        all_hello();
    ck_assert_str_eq(ring(US), "1r 2s");
    ck_assert_str_eq(ring(EU), "1r 2s");
    ck_assert_ptr_nonnull(strstr(told.data, "reply 0\n"));
    ck_assert_ptr_nonnull(strstr(message, "us-east signs with us-east.2"));
    ck_assert_ptr_nonnull(strstr(message, "\neu-west signs with eu-west.2"));
}
END_TEST

/* Frozen, it would come back and refuse what it has never heard of. */
START_TEST(who_is_paused_is_waited_for_and_named)
{
    ask("pause", "{\"names\": [\"routerd\"]}");
    free(text_take(&told));
    ask("keys", "{\"action\": \"rotate\", \"region\": \"us-east\"}");
    held[US] = 2;
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < ROUTER; i++)
            hello(i, version());
    ck_assert_str_eq(ring(US), "1s 2p");
    free(text_take(&told));
    tick_at(now.now_us + 10 * SECOND_US);
    expect("reply 2\n");
    ck_assert_ptr_nonnull(strstr(message, "waits for routerd (paused)"));
    ck_assert_ptr_nonnull(strstr(message, "It goes on by itself"));
    const json_t *row = json_array_get(json_object_get(answer, "keys"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(row, "kid")), "us-east.2");
    ck_assert_uint_eq(json_array_size(json_object_get(row, "waits_for")), 1);
    ask("resume", "{\"names\": [\"routerd\"]}");
    all_hello(); /* and so it does */
    ck_assert_str_eq(ring(US), "1r 2s");
}
END_TEST

START_TEST(who_is_down_is_not_waited_for_but_a_region_that_is_down_makes_no_key)
{
    ask("kill", "{\"names\": [\"routerd\", \"eu-west\"]}");
    exited(ROUTER);
    exited(EU);
    exited(EU_SHIP);
    free(text_take(&told));
    ask("keys", "{\"action\": \"rotate\"}");
    held[US] = 2;
    for (int round = 0; round < 3; round++) {
        hello(US, version());
        hello(US_SHIP, version());
    }
    ck_assert_str_eq(ring(US), "1r 2s");
    ck_assert_str_eq(ring(EU), "1s 2w");
    ck_assert_ptr_nonnull(strstr(told.data, "reply 2\n")); /* at once, not after ten seconds */
    ck_assert_ptr_nonnull(strstr(message, "eu-west signs with eu-west.1; the next key waits for "
                                          "regiond/eu-west (killed)"));
    ask("start", "{\"names\": [\"eu-west\", \"routerd\"]}");
    held[EU] = 2;
    for (int round = 0; round < 3; round++)
        all_hello();
    ck_assert_str_eq(ring(EU), "1r 2s");
}
END_TEST

/* Killed between each two steps, by turns with the regiond. */
START_TEST(a_rotation_survives_whoever_is_killed)
{
    ask("keys", "{\"action\": \"rotate\", \"region\": \"us-east\"}");
    for (int round = 0; round < 8 && strcmp(ring(US), "1r 2s") != 0; round++) {
        change_controld();
        ck_assert_ptr_nonnull(strstr(ring(US), "1s"));
        if (round == 1) /* made before it was killed, told after it */
            held[US] = 2;
        if (round == 2) {
            hello(US, version());
            change_controld();
        }
        exited(US);
        ask("start", "{\"names\": [\"regiond/us-east\"]}");
        if (round != 1)
            all_hello();
    }
    ck_assert_str_eq(ring(US), "1r 2s");
    all_hello();
    change_controld();
    tick_at(now.wall_us + LIFETIME_US + KEY_RING_ALLOWANCE_US);
    ck_assert_str_eq(ring(US), "2s");
}
END_TEST

START_TEST(asking_again_joins_what_is_under_way)
{
    ask("keys", "{\"action\": \"rotate\", \"region\": \"us-east\"}");
    uint64_t before = version();
    ask("keys", "{\"action\": \"rotate\", \"region\": \"us-east\"}");
    ck_assert_uint_eq(version(),
                      before + 1); /* the region is to try again, should it have failed */
    held[US] = 2;
    for (int i = 0; i < 3; i++)
        all_hello();
    ck_assert_str_eq(ring(US), "1r 2s");
    const char *first = strstr(told.data, "reply 0");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first + 1, "reply 0")); /* both are answered */
}
END_TEST

START_TEST(a_leaked_key_is_out_before_anybody_has_confirmed_anything)
{
    ask("keys", "{\"action\": \"rotate\", \"region\": \"us-east\", \"retire-now\": true}");
    expect("signing key us-east.2: wanted\n");
    held[US] = 2;
    hello(US, version());
    expect("signing key us-east.2: published\nsigning key us-east.2: signing\n"
           "signing key us-east.1: retired\n");
    ck_assert_str_eq(ring(US), "2s");
    hello(US, version());
    expect(""); /* done when no living process takes the old one any more */
    all_hello();
    expect("reply 0\n");
    ck_assert_str_eq(message, "us-east signs with us-east.2");
}
END_TEST

START_TEST(a_leaked_key_goes_though_its_region_hangs)
{
    ask("keys", "{\"action\": \"rotate\", \"region\": \"us-east\", \"retire-now\": true}");
    ck_assert_uint_eq(controller_wake_us(controller, now), now.now_us + KEY_RING_LEAK_US);
    tick_at(now.now_us + KEY_RING_LEAK_US);
    ck_assert_str_eq(ring(US), "2w");
    held[US] = 2;
    all_hello();
    all_hello();
    ck_assert_str_eq(ring(US), "2s");
}
END_TEST

START_TEST(a_region_that_has_lost_its_key_gets_another)
{
    hello_with(US, version(), 1, 0);
    ck_assert_str_eq(ring(US), "1s 2w");
    hello_with(US, version(), 2, 1);
    for (size_t i = EU; i < PROCESSES; i++)
        hello(i, version());
    hello_with(US, version(), 2, 1);
    ck_assert_str_eq(ring(US), "1r 2s");
}
END_TEST

/* A file that bears the number of the key that signs, and is another. */
START_TEST(another_key_under_the_same_name_is_none)
{
    struct key_ring *own = &((struct world *)controller_world(controller))->rings[US];

    own->keys[0].public_key[0] ^= 1;
    hello(US, version());
    ck_assert_str_eq(ring(US), "1s 2w");
}
END_TEST

START_TEST(versions_go_on_behind_what_a_process_runs_by)
{
    hello(EU, version() + 7); /* a controld before us did not live to write them down */
    uint64_t newest = version();
    ck_assert_uint_ge(newest, 9);
    ck_assert_uint_gt(newest, process(EU)->config_version);
    hello(EU, UINT64_MAX); /* no version at all */
    ck_assert_uint_eq(version(), newest);
}
END_TEST

START_TEST(keys_are_listed)
{
    ask("keys", "{}");
    expect("reply 0\n");
    const json_t *rows = json_object_get(answer, "keys");
    ck_assert_uint_eq(json_array_size(rows), 2);
    const json_t *row = json_array_get(rows, 1);
    ck_assert_str_eq(json_string_value(json_object_get(row, "kid")), "eu-west.1");
    ck_assert_str_eq(json_string_value(json_object_get(row, "region")), "eu-west");
    ck_assert_str_eq(json_string_value(json_object_get(row, "state")), "signing");
    ck_assert(json_is_null(json_object_get(row, "until_wall_us")));
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_and_changes_nothing)
{
    static const char *const wrong[] = {"{\"action\": \"conquer\"}",
                                        "{\"action\": \"rotate\", \"region\": \"us-eats\"}",
                                        "{\"action\": \"rotate\", \"region\": \"routerd\"}"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t before = version();
        ask("keys", wrong[i]);
        expect("reply 64\n");
        ck_assert_uint_eq(version(), before);
    }
    ck_assert_str_eq(ring(US), "1s");
}
END_TEST

START_TEST(too_many_keys_are_refused_for_all_or_none)
{
    for (uint32_t i = 2; i <= KEY_RING_KEYS_MAX; i++) {
        ask("keys", "{\"action\": \"rotate\", \"region\": \"us-east\"}");
        held[US] = i;
        for (int round = 0; round < 3; round++)
            all_hello();
    }
    free(text_take(&told));
    ask("keys", "{\"action\": \"rotate\"}");
    expect("reply 1\n");
    ck_assert_ptr_nonnull(strstr(message, "us-east has 8 keys already"));
    ck_assert_str_eq(ring(EU), "1s");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_region_changes_its_key_while_everybody_serves,
        all_regions_change_theirs_at_once,
        who_is_paused_is_waited_for_and_named,
        who_is_down_is_not_waited_for_but_a_region_that_is_down_makes_no_key,
        a_rotation_survives_whoever_is_killed,
        asking_again_joins_what_is_under_way,
        a_leaked_key_is_out_before_anybody_has_confirmed_anything,
        a_leaked_key_goes_though_its_region_hangs,
        a_region_that_has_lost_its_key_gets_another,
        another_key_under_the_same_name_is_none,
        versions_go_on_behind_what_a_process_runs_by,
        keys_are_listed,
        what_makes_no_sense_is_refused_and_changes_nothing,
        too_many_keys_are_refused_for_all_or_none,
    };
    const struct suite suite = {
        .name = "controller_keys", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)};

    return suite_run(&suite);
}
