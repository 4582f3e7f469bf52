/* Regions in a storm: kills, cuts, full disks and lost answers at random while users write,
 * directly and into queues. Then everything heals, and what must always hold is checked against the
 * change logs. A failure names its seed; STORM_SEED=N repeats it. */

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/random.h"
#include "region_driver.h"
#include "tests/unit/suite.h"

#define NODES      3
#define USERS      4
#define ROUNDS     500
#define WRITES_MAX 2000

static const char *const shards[NODES] = {"us-east", "eu-west", "ap-northeast"};

struct user {
    char *id;
    size_t home;
    unsigned queued; /* numbers given out */
    unsigned direct;
};

struct write {
    size_t node;
    uint64_t id;
    size_t user;
    bool queued;
    unsigned number;
};

static struct driver *driver;
static struct random luck;
static uint64_t seed;
static struct user users[USERS];
static struct write writes[WRITES_MAX];
static size_t write_count;

static bool chance(unsigned percent)
{
    return random_up_to(&luck, 99) < percent;
}

static bool is_up(size_t node)
{
    return driver->nodes[node].region != NULL;
}

static void sign_up(size_t index)
{
    Mec__Call call = MEC__CALL__INIT;
    char *body =
        arena_format(driver->arena, "{\"name\":\"u%zu\",\"password\":\"correct horse\"}", index);
    const Mec__Answer *answer;
    json_t *root;

    users[index] = (struct user){.home = index % NODES};
    call.operation = MEC__OPERATION__USER_CREATE;
    call.shard = (char *)shards[index % NODES];
    call.idempotency_key = body;
    call.body.data = (uint8_t *)body;
    call.body.len = strlen(body);
    answer = driver_ask(driver, index % NODES, &call);
    ck_assert_uint_eq(answer->status, 201);
    root = json_loads(driver_body(answer), 0, NULL);
    users[index].id = arena_text(driver->arena, json_string_value(json_object_get(root, "id")));
    json_decref(root);
}

/* Queued writes of a user go through one region, as a router sees to. */
static void write_something(bool queued)
{
    size_t user = random_up_to(&luck, USERS - 1);
    size_t node = (users[user].home + (queued ? 1 : 0)) % NODES;
    unsigned number = queued ? ++users[user].queued : ++users[user].direct;
    Mec__Claims claims = driver_claims(users[user].id, shards[users[user].home]);
    char value[16], once[32];
    Mec__Call call;

    if (!is_up(node) || write_count == WRITES_MAX)
        return;
    snprintf(value, sizeof value, "%u", number);
    snprintf(once, sizeof once, "%s-%u", queued ? "queued" : "direct", number);
    call = driver_put(&claims, queued ? "queued" : "direct", value, once);
    if (queued)
        call.mode = MEC__CALL_MODE__ENQUEUE;
    writes[write_count] =
        (struct write){.node = node, .user = user, .queued = queued, .number = number};
    writes[write_count++].id = driver_call(driver, node, &call);
}

/* Some die with a batch on the disk that nobody has heard of. */
static void kill_one(size_t node)
{
    struct storage_batch *batch = driver->nodes[node].batch;

    if (!is_up(node))
        return;
    if (batch && driver->nodes[node].fail_commits == 0 && chance(50))
        storage_run(driver->nodes[node].storage, batch);
    driver_kill(driver, node);
}

static void happen(void)
{
    size_t node = random_up_to(&luck, NODES - 1);
    size_t other = (node + 1) % NODES;

    switch (random_up_to(&luck, 9)) {
    case 0:
        kill_one(node);
        break;
    case 1:
        if (!is_up(node))
            driver_start(driver, node);
        break;
    case 2:
        driver->nodes[node].fail_commits = chance(30) ? -ENOSPC : 0;
        break;
    case 3:
        driver->nodes[node].hold_commits = chance(40);
        break;
    case 4:
        if (is_up(node) && is_up(other))
            driver_connect(driver, node, other, chance(50));
        break;
    case 5:
        if (is_up(node) && is_up(other) && driver->nodes[other].fail_commits == 0 &&
            !driver->nodes[other].hold_commits)
            driver_ship(driver, shards[node], node, other);
        break;
    default:
        write_something(chance(60));
        break;
    }
    if (chance(50))
        driver_run(driver, random_up_to(&luck, 200) * MILLISECOND_US);
}

static void heal(void)
{
    for (size_t i = 0; i < NODES; i++) {
        driver->nodes[i].fail_commits = 0;
        driver->nodes[i].hold_commits = false;
        if (!is_up(i))
            driver_start(driver, i);
    }
    for (size_t i = 0; i < NODES; i++)
        driver_connect(driver, i, (i + 1) % NODES, true);
    driver_run(driver, 120 * SECOND_US);
    driver_ship_all(driver);
}

/* The whole log of @shard as @node has it. */
static Mec__Tail *log_of(size_t node, const char *shard, uint64_t after_seq)
{
    Mec__FetchAsk ask = MEC__FETCH_ASK__INIT;
    const struct driver_frame *frame;

    ask.shard = (char *)shard;
    ask.after_seq = after_seq;
    driver_send(driver, node, 7, FRAME_FETCH_ASK, &ask.base);
    frame = driver_newest(driver, node, 7, FRAME_TAIL, NULL);
    return mec__tail__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
}

/* How often user's write @number of @key stands in the log of their home. Also: numbers of one key
 * only rise there. */
static unsigned effects_of(const struct user *user, const char *key, unsigned number)
{
    uint64_t after_seq = 0, version = 0;
    unsigned last = 0, effects = 0;
    Mec__Tail *tail;

    do {
        tail = log_of(user->home, shards[user->home], after_seq);
        for (size_t i = 0; i < tail->n_changes; i++) {
            const Mec__StoredChange *stored = tail->changes[i];
            Mec__Change *change = mec__change__unpack(arena_allocator(driver->arena),
                                                      stored->change.len, stored->change.data);
            unsigned value;

            ck_assert_uint_eq(stored->seq, ++after_seq);
            if (strcmp(change->user, user->id) != 0 || strcmp(change->key, key) != 0)
                continue;
            value = (unsigned)atoi(
                arena_text_of(driver->arena,
                              (struct slice){(const char *)change->value.data, change->value.len}));
            ck_assert_msg(value > last, "seed %llu: %s %u after %u", (unsigned long long)seed, key,
                          value, last);
            ck_assert_uint_eq(change->version_after, ++version);
            last = value;
            effects += value == number;
        }
    } while (after_seq < tail->last_seq);
    return effects;
}

/* "applied" and so on. */
static char *receipt_state(const struct write *write, const char *receipt)
{
    Mec__Claims claims = driver_claims(users[write->user].id, shards[users[write->user].home]);
    Mec__Call call = MEC__CALL__INIT;
    const Mec__Answer *answer;
    json_t *root;
    char *state;

    call.operation = MEC__OPERATION__RECEIPT_GET;
    call.claims = &claims;
    call.key = (char *)receipt;
    answer = driver_ask(driver, write->node, &call);
    ck_assert_msg(answer->status == 200, "seed %llu: a receipt is lost", (unsigned long long)seed);
    root = json_loads(driver_body(answer), 0, NULL);
    state = arena_text(driver->arena, json_string_value(json_object_get(root, "state")));
    json_decref(root);
    return state;
}

static void check_queued(const struct write *write, const Mec__Answer *answer)
{
    json_t *root = json_loads(driver_body(answer), 0, NULL);
    const char *receipt = json_string_value(json_object_get(root, "receipt"));
    const char *state = receipt_state(write, receipt);
    unsigned effects = effects_of(&users[write->user], "queued", write->number);

    ck_assert_msg(strcmp(state, "applied") == 0 || strcmp(state, "expired") == 0,
                  "seed %llu: write %u is %s", (unsigned long long)seed, write->number, state);
    ck_assert_msg(effects == (strcmp(state, "applied") == 0),
                  "seed %llu: write %u is %s and has %u effects", (unsigned long long)seed,
                  write->number, state, effects);
    json_decref(root);
}

static size_t check_writes(void)
{
    size_t acknowledged = 0;

    for (size_t i = 0; i < write_count; i++) {
        const struct write *write = &writes[i];
        const Mec__Answer *answer = driver_answer(driver, write->node, write->id);

        if (!answer || answer->status >= 300)
            continue;
        acknowledged++;
        if (write->queued)
            check_queued(write, answer);
        else
            ck_assert_msg(effects_of(&users[write->user], "direct", write->number) == 1,
                          "seed %llu: acknowledged write %u is lost or doubled",
                          (unsigned long long)seed, write->number);
    }
    return acknowledged;
}

/* All copies of a shard end in the same change, and so have the same history. */
static void check_copies(void)
{
    for (size_t shard = 0; shard < NODES; shard++) {
        Mec__Tail *end = log_of(shard, shards[shard], 0);

        for (size_t node = 0; node < NODES; node++) {
            Mec__Apply beat = MEC__APPLY__INIT;
            const struct driver_frame *frame;
            Mec__Applied *applied;

            if (node == shard)
                continue;
            beat.shard = (char *)shards[shard];
            beat.epoch = 1;
            beat.home_last_seq = end->last_seq;
            driver_send(driver, node, 8, FRAME_APPLY, &beat.base);
            frame = driver_newest(driver, node, 8, FRAME_APPLIED, NULL);
            applied =
                mec__applied__unpack(arena_allocator(driver->arena), frame->size, frame->bytes);
            ck_assert_int_eq(applied->outcome, MEC__APPLY_OUTCOME__APPLIED);
            ck_assert_uint_eq(applied->cursor->seq, end->last_seq);
        }
    }
}

START_TEST(what_was_promised_holds_after_any_storm)
{
    const char *repeat = getenv("STORM_SEED");

    seed = repeat ? strtoull(repeat, NULL, 10) : (uint64_t)_i + 1;
    random_seed(&luck, seed);
    write_count = 0;
    driver = driver_create(NODES, 20 * MILLISECOND_US);
    /* Short enough for some to expire: before they were sent, and on the way. */
    driver->config.settings->queue_expiry_us = 2 * SECOND_US;
    driver_configure(driver);
    driver_ship_all(driver);
    for (size_t i = 0; i < USERS; i++)
        sign_up(i);
    driver_ship_all(driver);
    for (int i = 0; i < ROUNDS; i++)
        happen();
    heal();
    ck_assert_uint_gt(check_writes(), 20);
    check_copies();
    driver_free(driver);
}
END_TEST

int main(void)
{
    const struct suite_loop loops[] = {
        {what_was_promised_holds_after_any_storm, 6},
    };
    return suite_run(&(struct suite){.name = "region_storm", .timeout_s = 50, SUITE_LOOPS(loops)});
}
