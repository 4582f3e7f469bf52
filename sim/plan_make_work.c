#include <stdlib.h>

#include "common/memory.h"
#include "common/moment.h"
#include "sim/plan_internal.h"
#include "sim/plan_luck.h"

#define OPERATIONS_LEAST 100u /* of 60 seconds, about */
#define OPERATIONS_MOST  340u /* and the bursts */
#define BURSTS_MAX       5u
#define BURST_SPREAD_US  (20 * MILLISECOND_US)

/* How often clients do it, before a seed's own taste. What is not here has a maker of its own. */
static const uint32_t usual_weights[PLAN_OPERATION_COUNT] = {
    [PLAN_OPERATION_SIGN_UP] = 4,
    [PLAN_OPERATION_LOG_IN] = 15,
    [PLAN_OPERATION_READ] = 300,
    [PLAN_OPERATION_READ_STRONG] = 60,
    [PLAN_OPERATION_READ_STALE] = 60,
    [PLAN_OPERATION_READ_FORCED] = 40,
    [PLAN_OPERATION_WRITE] = 300,
    [PLAN_OPERATION_WRITE_IF_SAME] = 80,
    [PLAN_OPERATION_WRITE_IF_ABSENT] = 40,
    [PLAN_OPERATION_DELETE] = 40,
    [PLAN_OPERATION_RETRY] = 60,
    [PLAN_OPERATION_REUSE] = 10,
    [PLAN_OPERATION_LIST] = 10,
    [PLAN_OPERATION_RECEIPT] = 60,
    [PLAN_OPERATION_WHOAMI] = 10,
    [PLAN_OPERATION_KEYS] = 5,
    [PLAN_OPERATION_TRAVEL] = 10,
    [PLAN_OPERATION_STRANGER] = 5,
    [PLAN_OPERATION_RIVAL] = 5,
    [PLAN_OPERATION_EXPLAIN_READ] = 15,
    [PLAN_OPERATION_EXPLAIN_WRITE] = 20,
    [PLAN_OPERATION_ODD] = 20,
    [PLAN_OPERATION_REFRESH] = 20,
    [PLAN_OPERATION_LOG_OUT] = 10,
    [PLAN_OPERATION_REVOKE_ALL] = 4,
    [PLAN_OPERATION_DELETE_ACCOUNT] = 3,
    [PLAN_OPERATION_OLD_TOKEN] = 20,
    [PLAN_OPERATION_END_AGAIN] = 8,
    [PLAN_OPERATION_NARROW] = 8,
    [PLAN_OPERATION_SIGN_UP_AGAIN] = 4,
};

/* What a seed's clients do, and how much. */
struct habits {
    uint32_t weights[PLAN_OPERATION_COUNT];
    unsigned hot_percent;       /* of what is about a key is about the first */
    unsigned impatient_percent; /* of requests */
    uint64_t total;             /* operations of all clients */
    uint64_t shares[PLAN_CLIENTS_MAX];
    uint64_t share_sum;
};

static void draw_weights(struct habits *habits, struct random *random)
{
    for (unsigned kind = 0; kind < PLAN_OPERATION_COUNT; kind++) {
        if (usual_weights[kind] == 0)
            continue;
        uint64_t taste = plan_luck_wide(random, 1, 16);
        bool left_out = plan_luck_chance(random, 10);

        habits->weights[kind] = left_out ? 0 : usual_weights[kind] * (uint32_t)taste;
    }
    /* Nothing is seen of a world that nobody writes to, or where nobody looks. */
    if (habits->weights[PLAN_OPERATION_READ] == 0)
        habits->weights[PLAN_OPERATION_READ] = usual_weights[PLAN_OPERATION_READ];
    if (habits->weights[PLAN_OPERATION_WRITE] == 0)
        habits->weights[PLAN_OPERATION_WRITE] = usual_weights[PLAN_OPERATION_WRITE];
}

static void draw_habits(const struct plan *plan, struct habits *habits)
{
    static const unsigned hot[] = {0, 30, 80};
    static const unsigned impatient[] = {0, 5, 30};
    struct random random;

    plan_luck_stream(plan->seed, PLAN_ASPECT_HABITS, &random);
    draw_weights(habits, &random);
    habits->hot_percent = hot[random_up_to(&random, 2)];
    habits->impatient_percent = impatient[random_up_to(&random, 2)];
    uint64_t per_minute = plan_luck_wide(&random, OPERATIONS_LEAST, OPERATIONS_MOST);
    habits->total = per_minute * plan->duration_us / (60 * SECOND_US) + 1;
    habits->share_sum = 0;
    for (size_t i = 0; i < plan->client_count; i++) {
        /* 0.2 to 10 a second, to be scaled to the total. */
        habits->shares[i] = plan_luck_wide(&random, 200, 10000);
        habits->share_sum += habits->shares[i];
    }
}

static uint64_t count_of(const struct habits *habits, size_t client)
{
    return (habits->total * habits->shares[client] + habits->share_sum / 2) / habits->share_sum;
}

static uint32_t draw_key(const struct plan *plan, unsigned hot_percent, struct random *random)
{
    uint32_t any = (uint32_t)random_up_to(random, plan->key_count - 1);

    return plan_luck_chance(random, hot_percent) ? 0 : any;
}

static struct plan_operation *add(struct plan *plan, uint32_t client, enum plan_operation_kind kind,
                                  uint64_t at_us)
{
    struct plan_operation *operation = &plan->operations[plan->operation_count++];

    *operation = (struct plan_operation){
        .at_us = at_us,
        .number = (uint32_t)plan->operation_count,
        .client = client,
        .kind = kind,
        .key = PLAN_NONE,
        .region = PLAN_NONE,
    };
    return operation;
}

static void draw_details(const struct plan *plan, const struct habits *habits,
                         struct random *random, struct plan_operation *operation)
{
    uint32_t key = draw_key(plan, habits->hot_percent, random);
    uint32_t region = (uint32_t)random_up_to(random, plan->region_count - 1);
    uint64_t patience_us = plan_luck_wide(random, 5 * MILLISECOND_US, 5 * SECOND_US);

    if (plan_operation_has_key(operation->kind))
        operation->key = key;
    if (plan_operation_has_region(operation->kind))
        operation->region = region;
    if (plan_luck_chance(random, habits->impatient_percent) &&
        operation->kind != PLAN_OPERATION_TRAVEL)
        operation->patience_us = patience_us;
}

/* The first client of each user signs up; all log in. */
static void begin(struct plan *plan, uint32_t client, uint64_t settled_us, struct random *random)
{
    uint64_t early_us = plan_luck_between(random, 0, settled_us * 2 / 5);
    uint64_t late_us = plan_luck_between(random, settled_us * 4 / 5, settled_us);
    bool is_first = client < plan->user_count;

    if (is_first)
        add(plan, client, PLAN_OPERATION_SIGN_UP, early_us);
    add(plan, client, PLAN_OPERATION_LOG_IN, is_first ? early_us + 1 : late_us);
}

static void make_client(struct plan *plan, const struct habits *habits, uint32_t client,
                        uint64_t settled_us)
{
    uint64_t count = count_of(habits, client);
    uint64_t renewals = plan->duration_us / (plan->settings.token_lifetime_s * SECOND_US);
    struct random random;

    if (renewals > count / 3)
        renewals = count / 3;
    plan_luck_stream(plan->seed, PLAN_ASPECT_CLIENT + client, &random);
    begin(plan, client, settled_us, &random);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t at_us = plan_luck_between(&random, settled_us / 2, plan->duration_us - 1);
        size_t kind = plan_luck_pick(&random, habits->weights, PLAN_OPERATION_COUNT);
        bool renews = random_up_to(&random, count - 1) < renewals;

        if (renews)
            kind = PLAN_OPERATION_LOG_IN;
        draw_details(plan, habits, &random,
                     add(plan, client, (enum plan_operation_kind)kind, at_us));
    }
}

/* All clients want the same key at the same moment, or nearly; or to end their sessions. */
static void make_burst(struct plan *plan, uint64_t from_us, struct random *random)
{
    static const uint32_t weights[][PLAN_OPERATION_COUNT] = {
        {[PLAN_OPERATION_READ] = 2,
         [PLAN_OPERATION_WRITE] = 5,
         [PLAN_OPERATION_WRITE_IF_SAME] = 3,
         [PLAN_OPERATION_WRITE_IF_ABSENT] = 1,
         [PLAN_OPERATION_DELETE] = 1},
        {[PLAN_OPERATION_WRITE] = 4,
         [PLAN_OPERATION_REFRESH] = 1,
         [PLAN_OPERATION_LOG_OUT] = 4,
         [PLAN_OPERATION_REVOKE_ALL] = 1,
         [PLAN_OPERATION_DELETE_ACCOUNT] = 1},
    };
    bool ends_sessions = plan_luck_chance(random, 20);
    uint64_t at_us = plan_luck_between(random, from_us, plan->duration_us - 1);
    uint64_t spread_us = plan_luck_chance(random, 50) ? 0 : BURST_SPREAD_US;
    uint32_t key = (uint32_t)random_up_to(random, plan->key_count - 1);

    if (at_us + spread_us >= plan->duration_us)
        spread_us = 0;
    for (uint32_t client = 0; client < plan->client_count; client++) {
        size_t kind = plan_luck_pick(random, weights[ends_sessions], PLAN_OPERATION_COUNT);
        uint64_t later_us = random_up_to(random, spread_us);
        struct plan_operation *operation;

        if (plan_luck_chance(random, 25))
            continue;
        operation = add(plan, client, (enum plan_operation_kind)kind, at_us + later_us);
        if (plan_operation_has_key(operation->kind))
            operation->key = key;
    }
}

static void make_bursts(struct plan *plan, uint64_t settled_us)
{
    struct random random;

    plan_luck_stream(plan->seed, PLAN_ASPECT_BURSTS, &random);
    uint64_t count = plan_luck_chance(&random, 50) ? 0 : random_up_to(&random, BURSTS_MAX);
    for (uint64_t i = 0; i < count; i++)
        make_burst(plan, settled_us, &random);
}

/* How often each client does something with its vault; @ret_random goes on from there. */
static uint64_t vault_count(const struct plan *plan, struct random *ret_random)
{
    plan_luck_stream(plan->seed, PLAN_ASPECT_VAULT, ret_random);
    uint64_t per_minute = plan_luck_wide(ret_random, 2, 20);
    if (plan_luck_chance(ret_random, 30))
        return 0;
    return per_minute * plan->duration_us / (60 * SECOND_US) + 1;
}

/* The first items of all, at once: so sessions of one user meet, who has no data key yet. */
static void make_first_items(struct plan *plan, uint64_t at_us, struct random *random)
{
    for (uint32_t client = 0; client < plan->client_count; client++)
        add(plan, client, PLAN_OPERATION_VAULT_PUT, at_us)->key =
            (uint32_t)random_up_to(random, plan->key_count - 1);
}

/* Beside all else, so that the rest of a seed's plan is as it would be without. */
static void make_vault(struct plan *plan, const struct habits *habits, uint64_t settled_us)
{
    static const uint32_t weights[PLAN_OPERATION_COUNT] = {
        [PLAN_OPERATION_VAULT_PUT] = 5,    [PLAN_OPERATION_VAULT_GET] = 4,
        [PLAN_OPERATION_VAULT_DELETE] = 1, [PLAN_OPERATION_VAULT_GET_SHARED] = 10,
        [PLAN_OPERATION_GRANT] = 4,        [PLAN_OPERATION_WITHDRAW] = 3,
    };
    struct random random;
    uint64_t count = vault_count(plan, &random);
    uint64_t from_us = settled_us / 2;

    if (count > 0 && plan_luck_chance(&random, 30)) {
        from_us = settled_us;
        make_first_items(plan, settled_us, &random);
    }
    for (uint32_t client = 0; client < plan->client_count; client++) {
        for (uint64_t i = 0; i < count; i++) {
            uint64_t at_us = plan_luck_between(&random, from_us, plan->duration_us - 1);
            size_t kind = plan_luck_pick(&random, weights, PLAN_OPERATION_COUNT);

            draw_details(plan, habits, &random,
                         add(plan, client, (enum plan_operation_kind)kind, at_us));
        }
    }
}

static int compare(const void *left, const void *right)
{
    const struct plan_operation *a = left;
    const struct plan_operation *b = right;

    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    return a->number < b->number ? -1 : 1; /* so far they are in the order of making */
}

static size_t most_operations(const struct plan *plan, const struct habits *habits)
{
    size_t most = BURSTS_MAX * plan->client_count;

    for (size_t i = 0; i < plan->client_count; i++)
        most += 2 + count_of(habits, i);
    struct random random;

    return most + plan->client_count * (1 + vault_count(plan, &random));
}

void plan_make_work(struct plan *plan, uint64_t settled_us)
{
    struct habits habits = {.hot_percent = 0};

    draw_habits(plan, &habits);
    plan->operations = memory_alloc(most_operations(plan, &habits) * sizeof(plan->operations[0]));
    for (uint32_t client = 0; client < plan->client_count; client++)
        make_client(plan, &habits, client, settled_us);
    make_bursts(plan, settled_us);
    make_vault(plan, &habits, settled_us);
    qsort(plan->operations, plan->operation_count, sizeof(plan->operations[0]), compare);
    for (size_t i = 0; i < plan->operation_count; i++)
        plan->operations[i].number = (uint32_t)i + 1;
}
