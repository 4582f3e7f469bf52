/* A world of two regions, its processes played by the test: what controld does is a log of steps.
 */

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/controller.h"
#include "control/text.h"
#include "tests/unit/suite.h"

enum { US, EU, US_SHIP, EU_SHIP, ROUTER, PROCESSES };

static struct controller *controller;
static struct moment now;
static struct text log_text; /* what the last steps asked for, one line each */
static json_t *answer;       /* data of the last reply */
static char *message;
static uint64_t last_ask;
static uint64_t last_call[PROCESSES];
static uint32_t next_pid;

static void write_down(const struct controller_action *action)
{
    const struct supervisor *supervisor = &controller_world(controller)->supervisor;
    const char *name = supervisor->processes[action->process].name;

    switch (action->kind) {
    case CONTROLLER_REPLY:
        if (!action->last) {
            text_add(&log_text, "progress %d: %s\n", (int)action->ask, action->text);
            break;
        }
        text_add(&log_text, "reply %d: %u\n", (int)action->ask, action->exit_code);
        free(message);
        json_decref(answer);
        message = memory_text(action->text ? action->text : "");
        answer = json_incref(action->data);
        break;
    case CONTROLLER_SPAWN:
        text_add(&log_text, "spawn %s\n", name);
        break;
    case CONTROLLER_SIGNAL:
        text_add(&log_text, "signal %s %d\n", name, action->signal);
        break;
    case CONTROLLER_CONFIGURE:
        text_add(&log_text, "configure %s v%d\n", name,
                 (int)controller_world(controller)->config_version);
        break;
    case CONTROLLER_CALL:
        text_add(&log_text, "call %s %s\n", name,
                 action->explain ? action->explain->path : action->section);
        last_call[action->process] = action->call;
        break;
    case CONTROLLER_REFUSE:
        text_add(&log_text, "refuse %s\n", name);
        break;
    case CONTROLLER_END:
        text_add(&log_text, "end\n");
        break;
    case CONTROLLER_SAVE:
    case CONTROLLER_LOG:
        break;
    }
}

static void step(struct controller_event event)
{
    event.at = now;
    struct controller_actions actions = controller_step(controller, &event);
    bool spawn[PROCESSES] = {false};

    for (size_t i = 0; i < actions.count; i++) {
        write_down(&actions.items[i]);
        if (actions.items[i].kind == CONTROLLER_SPAWN)
            spawn[actions.items[i].process] = true;
    }
    for (size_t i = 0; i < PROCESSES; i++)
        if (spawn[i])
            step((struct controller_event){
                .kind = CONTROLLER_SPAWNED, .process = i, .pid = ++next_pid, .start_ticks = 5});
}

static const struct process *process(size_t index)
{
    return &controller_world(controller)->supervisor.processes[index];
}

static void expect_log(const char *text)
{
    char *log = text_take(&log_text);

    ck_assert_str_eq(log, text);
    free(log);
}

static void forget_log(void)
{
    free(text_take(&log_text));
}

static uint64_t ask(const char *command, const char *arguments)
{
    json_t *json = json_loads(arguments, 0, NULL);

    ck_assert_ptr_nonnull(json);
    step((struct controller_event){
        .kind = CONTROLLER_ASK, .ask = ++last_ask, .command = command, .arguments = json});
    json_decref(json);
    return last_ask;
}

static void hello_as(size_t index, uint32_t pid, uint64_t version, bool ready)
{
    Mec__Hello hello = MEC__HELLO__INIT;
    Mec__ListenerConfig bound[3];
    Mec__ListenerConfig *list[3];

    hello.name = (char *)process(index)->name;
    hello.pid = pid;
    hello.config_version = version;
    hello.ready = ready;
    hello.detail = (char *)(ready ? "" : "not yet");
    for (size_t i = 0; i < 3; i++) {
        mec__listener_config__init(&bound[i]);
        bound[i].geo = controller_world(controller)->listeners[i].geo;
        bound[i].port = 9000 + (uint32_t)i;
        list[i] = &bound[i];
    }
    hello.listeners = list;
    hello.n_listeners = index == ROUTER ? 3 : 0;
    step((struct controller_event){
        .kind = CONTROLLER_HELLO, .process = index, .hello = &hello, .pid = pid, .start_ticks = 5});
}

static void hello(size_t index, uint64_t version)
{
    hello_as(index, process(index)->pid, version, true);
}

static void all_hello(uint64_t version)
{
    for (size_t i = 0; i < PROCESSES; i++)
        if (supervisor_is_alive(process(i)))
            hello(i, version);
}

static void exited(size_t index, int code, int signal)
{
    step((struct controller_event){
        .kind = CONTROLLER_EXITED, .process = index, .code = code, .signal = signal});
}

static void tick_at(uint64_t us)
{
    now = (struct moment){us, us};
    step((struct controller_event){.kind = CONTROLLER_TICK});
}

static void create(bool alive)
{
    struct topology *topology;
    char *error;

    ck_assert_int_eq(topology_built_in("2", &topology, &error), 0);
    struct world *world = world_create("shop", topology, "/data", "/run", alive ? 9000 : 0);
    bool lives[PROCESSES] = {alive, alive, alive, alive, alive};
    world->config_version = 1;
    for (size_t i = 0; alive && i < PROCESSES; i++) {
        world->supervisor.processes[i].state = PROCESS_SERVING;
        world->supervisor.processes[i].pid = 500 + (uint32_t)i;
    }
    controller = controller_create(world, lives, now);
}

static void setup(void)
{
    now = (struct moment){0, 0};
    next_pid = 100;
    last_ask = 0;
    answer = NULL;
    message = NULL;
    create(false);
}

static void teardown(void)
{
    controller_free(controller);
    json_decref(answer);
    free(message);
    forget_log();
}

/* Up, with ports known, at version 2. */
static void up(void)
{
    ask("up", "{}");
    all_hello(1);
    all_hello(2);
    ck_assert_uint_eq(controller_world(controller)->config_version, 2);
    forget_log();
}

START_TEST(up_starts_all_at_once_and_answers_when_all_serve)
{
    ask("up", "{}");
    expect_log("spawn regiond/us-east\nspawn regiond/eu-west\nspawn replicator/us-east\n"
               "spawn replicator/eu-west\nspawn routerd\n");
    for (size_t i = 0; i < ROUTER; i++)
        hello(i, 1);
    expect_log("");
    hello(ROUTER, 1);
    /* The ports that it picked go into the configuration, for ever. */
    expect_log("configure regiond/us-east v2\nconfigure regiond/eu-west v2\n"
               "configure replicator/us-east v2\nconfigure replicator/eu-west v2\n"
               "configure routerd v2\nreply 1: 0\n");
    ck_assert_str_eq(json_string_value(json_object_get(answer, "http")), "http://127.0.0.1:9000");
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(answer, "vantage"), "eu-west")),
        "http://127.0.0.1:9002");
    ck_assert_str_eq(json_string_value(json_object_get(answer, "data")), "/data");
    ck_assert_uint_eq(json_object_size(json_object_get(answer, "pids")), PROCESSES);
}
END_TEST

START_TEST(up_fails_with_the_first_that_crashes_and_names_only_that)
{
    ask("up", "{}");
    forget_log();
    hello(US, 1);
    exited(EU, 3, 0);
    expect_log("reply 1: 70\n");
    ck_assert_ptr_nonnull(strstr(message, "regiond/eu-west does not serve: crashed"));
    ck_assert_ptr_nonnull(strstr(message, "exit code 3"));
    ck_assert_ptr_null(strstr(message, "routerd"));
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "unconfirmed")), 1);
}
END_TEST

START_TEST(up_does_not_wait_for_ever)
{
    ask("up", "{}");
    for (size_t i = 0; i < ROUTER; i++)
        hello(i, 1);
    hello_as(ROUTER, process(ROUTER)->pid, 2, false);
    forget_log();
    tick_at(10 * SECOND_US - 1);
    expect_log("");
    ck_assert_uint_eq(controller_wake_us(controller, now), 10 * SECOND_US);
    tick_at(10 * SECOND_US);
    expect_log("reply 1: 70\n");
    ck_assert_ptr_nonnull(strstr(message, "routerd does not serve: starting, not yet"));
}
END_TEST

START_TEST(killing_a_region_kills_both_and_answers_when_they_are_gone)
{
    up();
    ask("kill", "{\"names\": [\"us-east\"]}");
    expect_log("signal regiond/us-east 9\nsignal replicator/us-east 9\n");
    exited(US, 0, SIGKILL);
    expect_log("");
    exited(US_SHIP, 0, SIGKILL);
    expect_log("reply 2: 0\n");
    ck_assert_str_eq(message, "regiond/us-east killed\nreplicator/us-east killed");
    ask("start", "{\"names\": [\"us-east\"]}");
    expect_log("spawn regiond/us-east\nspawn replicator/us-east\n");
    hello(US, 2);
    hello(US_SHIP, 2);
    expect_log("reply 3: 0\n");
}
END_TEST

START_TEST(what_serves_already_is_started_at_once)
{
    up();
    ask("start", "{\"names\": [\"routerd\"]}");
    expect_log("reply 2: 0\n");
}
END_TEST

START_TEST(names_that_do_not_exist_are_refused_before_anything_happens)
{
    up();
    ask("kill", "{\"names\": [\"us-east\", \"eu-wset\"]}");
    expect_log("reply 2: 64\n");
    ck_assert_ptr_nonnull(strstr(message, "did you mean \"eu-west\""));
    ask("kill", "{}");
    expect_log("reply 3: 64\n");
    ask("kill", "{\"names\": [5]}");
    expect_log("reply 4: 64\n");
    ask("conquer", "{}");
    expect_log("reply 5: 64\n");
}
END_TEST

START_TEST(a_paused_process_is_resumed_and_not_started)
{
    up();
    ask("pause", "{\"names\": [\"routerd\"]}");
    expect_log("signal routerd 19\nreply 2: 0\n");
    ck_assert_str_eq(message, "routerd paused");
    ask("start", "{\"names\": [\"routerd\"]}");
    expect_log("reply 3: 1\n");
    ck_assert_ptr_nonnull(strstr(message, "resume it first"));
    ask("resume", "{\"names\": [\"routerd\"]}");
    expect_log("signal routerd 18\nreply 4: 0\n");
}
END_TEST

START_TEST(a_cut_is_answered_when_everybody_runs_by_it)
{
    up();
    ask("cut", "{\"a\": \"us-east\", \"b\": \"eu-west\"}");
    expect_log("configure regiond/us-east v3\nconfigure regiond/eu-west v3\n"
               "configure replicator/us-east v3\nconfigure replicator/eu-west v3\n"
               "configure routerd v3\n");
    for (size_t i = 0; i < ROUTER; i++)
        hello(i, 3);
    expect_log("");
    hello(ROUTER, 3);
    expect_log("reply 2: 0\n");
    ck_assert_str_eq(message, "f1 us-east <-> eu-west cut");
    ck_assert_str_eq(json_string_value(json_object_get(answer, "id")), "f1");
}
END_TEST

START_TEST(who_does_not_confirm_in_a_second_is_named)
{
    up();
    ask("isolate", "{\"region\": \"us-east\"}");
    for (size_t i = 0; i < ROUTER; i++)
        hello(i, 3);
    forget_log();
    tick_at(1 * SECOND_US);
    expect_log("reply 2: 0\n");
    ck_assert_ptr_nonnull(strstr(message, "routerd has not confirmed yet: serving"));
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "unconfirmed")), 1);
}
END_TEST

START_TEST(nobody_waits_for_the_dead_and_the_paused)
{
    up();
    ask("kill", "{\"names\": [\"eu-west\"]}");
    exited(EU, 0, SIGKILL);
    exited(EU_SHIP, 0, SIGKILL);
    ask("pause", "{\"names\": [\"routerd\"]}");
    forget_log();
    ask("cut", "{\"a\": \"us-east\", \"b\": \"eu-west\"}");
    hello(US, 3);
    hello(US_SHIP, 3);
    char *log = text_take(&log_text);
    ck_assert_ptr_nonnull(strstr(log, "reply 4: 0\n"));
    free(log);
}
END_TEST

START_TEST(a_process_that_comes_with_an_old_version_gets_the_current_one)
{
    up();
    ask("cut", "{\"a\": \"us-east\", \"b\": \"eu-west\"}");
    all_hello(3);
    step((struct controller_event){.kind = CONTROLLER_LOST, .process = EU});
    forget_log();
    hello(EU, 2);
    expect_log("configure regiond/eu-west v3\n");
    hello(EU, 3);
    expect_log("");
}
END_TEST

START_TEST(a_fault_ends_at_its_time)
{
    up();
    now = (struct moment){50, 1000000};
    ask("cut", "{\"a\": \"us-east\", \"b\": \"eu-west\", \"for\": \"30s\"}");
    all_hello(3);
    forget_log();
    ck_assert_uint_eq(controller_wake_us(controller, now), 50 + 30 * SECOND_US);
    now = (struct moment){50 + 30 * SECOND_US, 1000000 + 30 * SECOND_US};
    step((struct controller_event){.kind = CONTROLLER_TICK});
    ck_assert_uint_eq(controller_world(controller)->faults.count, 0);
    ck_assert_uint_eq(controller_world(controller)->config_version, 4);
    ck_assert_uint_eq(controller_wake_us(controller, now), NEVER_US);
}
END_TEST

START_TEST(faults_are_listed_and_healed)
{
    up();
    ask("cut", "{\"a\": \"us-east\", \"b\": \"eu-west\", \"one-way\": true, \"reset\": true}");
    all_hello(3);
    ask("link",
        "{\"a\": \"us-east\", \"b\": \"eu-west\", \"latency\": \"+5ms\", \"loss\": \"1%\"}");
    all_hello(4);
    ask("faults", "{}");
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "faults")), 2);
    ask("heal", "{\"id\": \"f7\"}");
    ck_assert_ptr_nonnull(strstr(message, "no fault \"f7\""));
    ask("heal", "{\"id\": \"f1\"}");
    all_hello(5);
    ck_assert_str_eq(message, "healed f1");
    ask("heal", "{}");
    all_hello(6);
    ck_assert_str_eq(message, "healed f2");
    ask("heal", "{}");
    ck_assert_str_eq(message, "nothing to heal");
    ck_assert_uint_eq(controller_world(controller)->config_version, 6);
}
END_TEST

START_TEST(services_and_caches_fail_and_are_healed)
{
    const struct faults *faults;

    up();
    faults = &controller_world(controller)->faults;
    ask("service", "{\"service\": \"us-east/metadata\", \"errors\": \"10%\", \"latency\": "
                   "\"200ms\", \"operation\": \"metadata-put\", \"for\": \"30s\"}");
    all_hello(3);
    ck_assert_str_eq(message, "f1 us-east/metadata metadata-put errors 10% latency 200ms, for 30s");
    ck_assert_uint_eq(faults->items[0].error_ppm, 100000);
    ask("service", "{\"service\": \"eu-west/vault\", \"down\": true}");
    all_hello(4);
    ck_assert_str_eq(message, "f2 eu-west/vault down");
    ask("cache", "{\"cache\": \"us-east\", \"disable\": true}");
    all_hello(5);
    ck_assert_str_eq(message, "f3 us-east caches disabled");
    ck_assert_uint_eq(faults->count, 3);
    ask("heal", "{}");
    all_hello(6);
    ck_assert_str_eq(message, "healed f1, f2, f3");
}
END_TEST

START_TEST(a_flush_is_told_to_all_and_is_no_fault)
{
    const struct faults *faults;

    up();
    faults = &controller_world(controller)->faults;
    ask("cache", "{\"cache\": \"us-east/edge\", \"flush\": true}");
    all_hello(3);
    ck_assert_str_eq(message, "us-east/edge flushed");
    ask("cache", "{\"cache\": \"us-east\", \"flush\": true}");
    all_hello(4);
    ck_assert_str_eq(message, "us-east: all caches flushed");
    ck_assert_uint_eq(faults->count, 0);
    ck_assert_uint_eq(faults->last_flush, 2);
    ck_assert_uint_eq(controller_world(controller)->config_version, 4);
}
END_TEST

START_TEST(faults_that_make_no_sense_change_nothing)
{
    static const char *const wrong[][2] = {
        {"cut", "{\"a\": \"us-east\"}"},
        {"cut", "{\"a\": \"us-east\", \"b\": \"us-east\"}"},
        {"cut", "{\"a\": \"us-east\", \"b\": \"eu-west\", \"for\": \"soon\"}"},
        {"cut", "{\"a\": \"us-east\", \"b\": \"eu-west\", \"for\": \"0\"}"},
        {"isolate", "{}"},
        {"isolate", "{\"region\": \"mars\"}"},
        {"link", "{\"a\": \"us-east\", \"b\": \"eu-west\"}"},
        {"link", "{\"a\": \"us-east\", \"b\": \"eu-west\", \"rate\": \"fast\"}"},
        {"link", "{\"a\": \"us-east\", \"b\": \"eu-west\", \"loss\": \"95%\"}"},
        {"service", "{}"},
        {"service", "{\"service\": \"us-east\", \"down\": true}"},
        {"service", "{\"service\": \"us-east/\", \"down\": true}"},
        {"service", "{\"service\": \"/auth\", \"down\": true}"},
        {"service", "{\"service\": \"us-east/auth\"}"},
        {"service", "{\"service\": \"us-east/auth\", \"errors\": \"many\"}"},
        {"service", "{\"service\": \"us-east/auth\", \"latency\": \"long\"}"},
        {"service",
         "{\"service\": \"us-east/auth\", \"down\": true, \"operation\": \"metadata-put\"}"},
        {"service", "{\"service\": \"us-east/auth\", \"down\": true, \"for\": \"0\"}"},
        {"cache", "{}"},
        {"cache", "{\"cache\": \"us-east\"}"},
        {"cache", "{\"cache\": \"us-east/l2\", \"freeze\": true}"},
        {"cache", "{\"cache\": \"us-east\", \"freeze\": true, \"disable\": true}"},
        {"cache", "{\"cache\": \"us-east/l2\", \"flush\": true}"},
        {"cache", "{\"cache\": \"us-east\", \"flush\": true, \"freeze\": true}"},
        {"cache", "{\"cache\": \"us-east\", \"flush\": true, \"for\": \"5s\"}"},
    };

    up();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char reply[32];
        uint64_t number = ask(wrong[i][0], wrong[i][1]);
        snprintf(reply, sizeof reply, "reply %d: 64\n", (int)number);
        expect_log(reply);
    }
    ck_assert_uint_eq(controller_world(controller)->config_version, 2);
}
END_TEST

START_TEST(status_says_who_does_not_answer)
{
    up();
    ask("status", "{}");
    forget_log();
    for (size_t i = 0; i < ROUTER; i++)
        step((struct controller_event){.kind = CONTROLLER_STATUS,
                                       .process = i,
                                       .call = last_call[i],
                                       .text = "{\"region\": \"x\"}"});
    expect_log("");
    tick_at(SECOND_US / 2);
    expect_log("reply 2: 0\n");
    const json_t *late = json_object_get(answer, "not_answering");
    ck_assert_uint_eq(json_array_size(late), 1);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(late, 0), "name")),
                     "routerd");
    const json_t *regions = json_object_get(answer, "regions");
    ck_assert_uint_eq(json_array_size(regions), 2);
    ck_assert(json_is_true(json_object_get(json_array_get(regions, 0), "answers")));
    ck_assert(json_is_null(json_object_get(answer, "router")));
}
END_TEST

static void say_digest(size_t index, const char *position, const char *digest)
{
    char text[512];

    snprintf(text, sizeof text,
             "{\"shards\": [{\"shard\": \"us-east\", \"position\": \"%s\", \"digest\": \"%s\"},"
             "{\"shard\": \"eu-west\", \"position\": \"p\", \"digest\": \"d\"}]}",
             position, digest);
    step((struct controller_event){
        .kind = CONTROLLER_STATUS, .process = index, .call = last_call[index], .text = text});
}

START_TEST(verify_compares_positions_and_digests)
{
    static const struct {
        const char *position;
        const char *digest;
        unsigned code;
    } rows[] = {{"us-east:1.5", "aa", 0}, {"us-east:1.5", "bb", 1}, {"us-east:1.4", "aa", 1}};

    up();
    for (size_t i = 0; i < 3; i++) {
        char reply[64];
        uint64_t number = ask("verify", "{}");
        forget_log();
        say_digest(US, "us-east:1.5", "aa");
        say_digest(EU, rows[i].position, rows[i].digest);
        snprintf(reply, sizeof reply, "reply %d: %u\n", (int)number, rows[i].code);
        expect_log(reply);
        ck_assert(json_is_true(json_object_get(answer, "equal")) == (rows[i].code == 0));
    }
}
END_TEST

START_TEST(a_copy_that_cannot_be_asked_is_not_equal)
{
    up();
    step((struct controller_event){.kind = CONTROLLER_LOST, .process = EU});
    ask("verify", "{}");
    forget_log();
    say_digest(US, "us-east:1.5", "aa");
    expect_log("reply 2: 1\n");
}
END_TEST

START_TEST(junk_for_a_status_is_as_none)
{
    up();
    ask("verify", "{}");
    forget_log();
    say_digest(US, "us-east:1.5", "aa");
    step((struct controller_event){
        .kind = CONTROLLER_STATUS, .process = EU, .call = last_call[EU], .text = "not json"});
    expect_log("reply 2: 1\n");
    step((struct controller_event){
        .kind = CONTROLLER_STATUS, .process = EU, .call = 999, .text = "{}"});
    expect_log("");
}
END_TEST

static void say_text(size_t index, const char *text)
{
    step((struct controller_event){
        .kind = CONTROLLER_STATUS, .process = index, .call = last_call[index], .text = text});
}

#define SOUND                                                                                      \
    "{\"chains\": [{\"chain\": \"queue\", \"entries\": 1, \"found\": 0, \"findings\": []}]}"
#define HEAD  "{\"heads\": [{\"region\": \"us-east\", \"chain\": \"queue\", \"n\": 2}]}"
#define FOUND "{\"chains\": [{\"chain\": \"queue\", \"found\": 1, \"findings\": [{\"entry\": 1}]}]}"

/* First what all keep of each other, then each about itself with what the others keep. */
START_TEST(audit_asks_for_heads_and_then_for_chains)
{
    up();
    ask("audit", "{\"action\": \"verify\"}");
    expect_log("call regiond/us-east heads\ncall regiond/eu-west heads\n");
    say_text(US, "{\"heads\": []}");
    expect_log("");
    say_text(EU, HEAD);
    expect_log("call regiond/us-east audit [{\"region\":\"us-east\",\"chain\":\"queue\",\"n\":2,"
               "\"from\":\"eu-west\"}]\ncall regiond/eu-west audit []\n");
    say_text(US, SOUND);
    say_text(EU, SOUND);
    expect_log("reply 2: 0\n");
    ck_assert(json_is_true(json_object_get(answer, "sound")));
}
END_TEST

START_TEST(audit_of_one_region_asks_the_others_for_heads_only)
{
    up();
    ask("audit", "{\"action\": \"verify\", \"region\": \"eu-west\"}");
    say_text(US, "{\"heads\": []}");
    forget_log();
    say_text(EU, HEAD);
    expect_log("call regiond/eu-west audit []\n");
    say_text(EU, FOUND);
    expect_log("reply 2: 1\n");
    ck_assert_uint_eq(json_array_size(json_object_get(answer, "regions")), 1);
}
END_TEST

START_TEST(audit_of_who_does_not_answer_is_undetermined)
{
    up();
    step((struct controller_event){.kind = CONTROLLER_LOST, .process = EU});
    ask("audit", "{\"action\": \"verify\"}");
    say_text(US, "{\"heads\": []}");
    forget_log();
    say_text(US, SOUND);
    expect_log("reply 2: 2\n");
    ask("audit", "{\"action\": \"verify\", \"region\": \"eu-west\"}");
    forget_log();
    say_text(US, "{\"heads\": []}");
    expect_log("reply 3: 2\n");
}
END_TEST

/* One that is silent costs each round its patience, and no more. */
START_TEST(audit_waits_only_so_long)
{
    up();
    ask("audit", "{\"action\": \"verify\"}");
    say_text(US, "{\"heads\": []}");
    forget_log();
    tick_at(SECOND_US / 2);
    expect_log("call regiond/us-east audit []\ncall regiond/eu-west audit []\n");
    say_text(US, SOUND);
    expect_log("");
    tick_at(11 * SECOND_US);
    expect_log("reply 2: 2\n");
}
END_TEST

START_TEST(audit_that_is_asked_wrongly_is_refused)
{
    up();
    ask("audit", "{\"action\": \"forge\"}");
    expect_log("reply 2: 64\n");
    ask("audit", "{\"action\": \"verify\", \"region\": \"atlantis\"}");
    expect_log("reply 3: 64\n");
}
END_TEST

START_TEST(explain_asks_the_router)
{
    up();
    ask("explain", "{\"method\": \"GET\", \"path\": \"/v1/x\", \"geo\": \"paris\"}");
    expect_log("call routerd /v1/x\n");
    step((struct controller_event){.kind = CONTROLLER_STATUS,
                                   .process = ROUTER,
                                   .call = last_call[ROUTER],
                                   .text = "{\"text\": \"because\", \"region\": \"eu-west\"}"});
    expect_log("reply 2: 0\n");
    ck_assert_str_eq(message, "because");
    step((struct controller_event){.kind = CONTROLLER_LOST, .process = ROUTER});
    ask("explain", "{\"method\": \"GET\", \"path\": \"/v1/x\"}");
    expect_log("reply 3: 69\n");
}
END_TEST

START_TEST(down_ends_everything_and_then_controld)
{
    up();
    ask("down", "{}");
    expect_log("signal regiond/us-east 15\nsignal regiond/eu-west 15\n"
               "signal replicator/us-east 15\nsignal replicator/eu-west 15\n"
               "signal routerd 15\n");
    for (size_t i = 0; i < ROUTER; i++)
        exited(i, 0, 0);
    expect_log("");
    tick_at(SUPERVISOR_STOP_US);
    expect_log("signal routerd 9\n");
    exited(ROUTER, 0, SIGKILL);
    expect_log("end\nreply 2: 0\n");
}
END_TEST

START_TEST(down_goes_on_when_its_asker_has_gone)
{
    up();
    uint64_t number = ask("down", "{}");
    step((struct controller_event){.kind = CONTROLLER_ASKER_GONE, .ask = number});
    forget_log();
    for (size_t i = 0; i < PROCESSES; i++)
        exited(i, 0, 0);
    expect_log("end\nreply 2: 0\n");
}
END_TEST

START_TEST(an_asker_that_goes_is_not_answered)
{
    up();
    uint64_t number = ask("kill", "{\"names\": [\"routerd\"]}");
    step((struct controller_event){.kind = CONTROLLER_ASKER_GONE, .ask = number});
    forget_log();
    exited(ROUTER, 0, SIGKILL);
    expect_log("");
    ck_assert_int_eq(process(ROUTER)->state, PROCESS_KILLED);
}
END_TEST

START_TEST(those_who_watch_are_told)
{
    up();
    ask("watch", "{}");
    exited(EU, 0, SIGSEGV);
    char *log = text_take(&log_text);
    ck_assert_ptr_nonnull(strstr(log, "progress 2: regiond/eu-west crashed (ended by signal 11"));
    free(log);
    tick_at(100000);
    log = text_take(&log_text);
    ck_assert_ptr_nonnull(strstr(log, "spawn regiond/eu-west\n"));
    free(log);
    ck_assert_uint_eq(process(EU)->restarts, 1);
}
END_TEST

START_TEST(a_new_controld_adopts_what_runs)
{
    controller_free(controller);
    create(true);
    ask("settle", "{}");
    expect_log("");
    for (size_t i = 0; i < PROCESSES; i++)
        hello_as(i, 500 + (uint32_t)i, 1, true);
    expect_log("reply 1: 0\n");
    ck_assert_uint_eq(process(EU)->pid, 501);
    exited(EU, -1, -1);
    ck_assert_int_eq(process(EU)->state, PROCESS_KILLED);
}
END_TEST

START_TEST(a_hello_of_a_second_instance_is_refused)
{
    up();
    hello_as(EU, 4711, 2, true);
    expect_log("refuse regiond/eu-west\n");
    ck_assert_uint_ne(process(EU)->pid, 4711);
}
END_TEST

START_TEST(a_process_that_nobody_wrote_down_is_adopted_by_its_hello)
{
    hello_as(EU, 4711, 1, true);
    ck_assert_uint_eq(process(EU)->pid, 4711);
    ck_assert_int_eq(process(EU)->state, PROCESS_SERVING);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        up_starts_all_at_once_and_answers_when_all_serve,
        up_fails_with_the_first_that_crashes_and_names_only_that,
        up_does_not_wait_for_ever,
        killing_a_region_kills_both_and_answers_when_they_are_gone,
        what_serves_already_is_started_at_once,
        names_that_do_not_exist_are_refused_before_anything_happens,
        a_paused_process_is_resumed_and_not_started,
        a_cut_is_answered_when_everybody_runs_by_it,
        who_does_not_confirm_in_a_second_is_named,
        nobody_waits_for_the_dead_and_the_paused,
        a_process_that_comes_with_an_old_version_gets_the_current_one,
        a_fault_ends_at_its_time,
        faults_are_listed_and_healed,
        services_and_caches_fail_and_are_healed,
        a_flush_is_told_to_all_and_is_no_fault,
        faults_that_make_no_sense_change_nothing,
        status_says_who_does_not_answer,
        verify_compares_positions_and_digests,
        audit_asks_for_heads_and_then_for_chains,
        audit_of_one_region_asks_the_others_for_heads_only,
        audit_of_who_does_not_answer_is_undetermined,
        audit_waits_only_so_long,
        audit_that_is_asked_wrongly_is_refused,
        a_copy_that_cannot_be_asked_is_not_equal,
        junk_for_a_status_is_as_none,
        explain_asks_the_router,
        down_ends_everything_and_then_controld,
        down_goes_on_when_its_asker_has_gone,
        an_asker_that_goes_is_not_answered,
        those_who_watch_are_told,
        a_new_controld_adopts_what_runs,
        a_hello_of_a_second_instance_is_refused,
        a_process_that_nobody_wrote_down_is_adopted_by_its_hello,
    };
    return suite_run(&(struct suite){
        .name = "controller", .set_up = setup, .tear_down = teardown, SUITE_TESTS(tests)});
}
