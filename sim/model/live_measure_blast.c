/* How far failures reach on a running world: each is made, asked about, and mended. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/live_loop.h"
#include "common/memory.h"
#include "common/moment.h"
#include "control/text.h"
#include "sim/model/blast_radius.h"
#include "sim/model/live_measure_internal.h"
#include "sim/model/live_measure_round.h"

#define NOTICED_TIMEOUT_US (10 * SECOND_US)
#define MENDED_TIMEOUT_US  (30 * SECOND_US)
#define FAULT_S            120 /* ends by itself, should we be killed */

struct blasting {
    const struct live_measure *measure;
    struct blast_radius_input input;
    struct measure_plan *plan;
    /* The plan's askers, and behind them an owner of what is shared at home in each region. */
    struct live_measure_user *users;
    size_t user_count;
    struct live_measure_round round;
    struct measure_compare compare;
};

/* ---- what must be there before ---- */

static size_t owners_from(const struct blasting *blasting)
{
    return blasting->plan->asker_count;
}

static void name_users(struct blasting *blasting)
{
    const struct deployment *deployment = blasting->input.deployment;
    const struct measure_plan *plan = blasting->plan;
    size_t count = plan->asker_count + deployment->region_count;
    struct live_measure_user *users = memory_alloc(count * sizeof *users);

    for (size_t i = 0; i < plan->asker_count; i++)
        users[i] = (struct live_measure_user){
            .name = measure_request_asker(blasting->measure->tag, deployment, &plan->askers[i]),
            .home = deployment->region[plan->askers[i].home]};
    for (uint32_t region = 0; region < deployment->region_count; region++)
        users[plan->asker_count + region] = (struct live_measure_user){
            .name = measure_request_owner(blasting->measure->tag, deployment, region),
            .home = deployment->region[region]};
    blasting->users = users;
    blasting->user_count = count;
}

/* Each of @count users from @first on does what @make says of it. */
static int all_do(const struct blasting *blasting, size_t first, size_t count,
                  struct measure_request (*make)(const struct blasting *blasting, size_t number),
                  const char *what, char **ret_error)
{
    struct measure_request *requests = memory_alloc((count + 1) * sizeof *requests);

    for (size_t i = 0; i < count; i++)
        requests[i] = make(blasting, first + i);
    int error = live_measure_users_do(blasting->measure, blasting->users + first, requests, count,
                                      what, ret_error);
    free(requests);
    return error;
}

static struct measure_request value(const struct blasting *blasting, size_t number)
{
    (void)blasting;
    (void)number;
    return measure_request_value("value");
}

static struct measure_request item(const struct blasting *blasting, size_t number)
{
    return measure_request_item(number >= owners_from(blasting));
}

/* Every owner shares with everybody. */
static int share(const struct blasting *blasting, char **ret_error)
{
    size_t askers = owners_from(blasting);
    size_t owners = blasting->user_count - askers;
    struct measure_request *requests = memory_alloc((owners + 1) * sizeof *requests);
    int error = 0;

    for (size_t asker = 0; error == 0 && asker < askers; asker++) {
        for (size_t owner = 0; owner < owners; owner++)
            requests[owner] = measure_request_grant(blasting->users[asker].name);
        error = live_measure_users_do(blasting->measure, blasting->users + askers, requests, owners,
                                      "sharing an item", ret_error);
    }
    free(requests);
    return error;
}

static int prepare(struct blasting *blasting, char **ret_error)
{
    const struct live_measure *measure = blasting->measure;
    size_t askers = owners_from(blasting);

    live_measure_progress(measure, "Making accounts, and what they read");
    name_users(blasting);
    int error = live_measure_users_make(measure, blasting->users, blasting->user_count, ret_error);
    if (error == 0)
        error = all_do(blasting, 0, askers, value, "writing a value", ret_error);
    if (error == 0)
        error = all_do(blasting, 0, blasting->user_count, item, "putting an item into the vault",
                       ret_error);
    if (error == 0)
        error = share(blasting, ret_error);
    return error;
}

/* ---- well again ---- */

static struct measure_request mark(const struct blasting *blasting, size_t number)
{
    (void)blasting;
    (void)number;
    return measure_request_value("mark");
}

/* A router sends writes into the queue in which older ones of the same user waited, until a probe
 * has told it that they are home. A write that comes too early waits there as well, so the next one
 * comes only when that one is home. */
static int wait_until_home(const struct blasting *blasting, char **ret_error)
{
    const struct live_measure *measure = blasting->measure;
    uint64_t probe_us = live_measure_control_config(measure->control)->settings->probe_interval_us;
    uint64_t deadline_us = live_loop_now().now_us + MENDED_TIMEOUT_US;

    for (;;) {
        int error = live_measure_wait_well(measure, MENDED_TIMEOUT_US, ret_error);
        if (error != 0)
            return error;
        live_measure_pause(probe_us + measure_plan_arrival_us(blasting->input.deployment));
        error = all_do(blasting, 0, owners_from(blasting), mark,
                       "writing after a failure was mended", ret_error);
        if (error != -EIO || live_loop_now().now_us > deadline_us)
            return error;
        free(*ret_error);
    }
}

static int settle(struct blasting *blasting, char **ret_error)
{
    int error = wait_until_home(blasting, ret_error);

    if (error == 0 && live_measure_round_forget(&blasting->round) > 0)
        live_measure_say(blasting->measure, "An account that had signed up could not be deleted.");
    /* Young tokens: that they run out is not what is measured. */
    if (error == 0)
        error = live_measure_users_refresh(blasting->measure, blasting->users, blasting->user_count,
                                           ret_error);
    if (error == 0)
        live_measure_pause(measure_plan_arrival_us(blasting->input.deployment));
    return error;
}

/* What is usual: all answers must be in full, but for what the model says is refused anyway. */
static int measure_usual(struct blasting *blasting, char **ret_error)
{
    static const struct traffic_state all_well;
    struct live_measure_round *round = &blasting->round;
    int error = live_measure_round_ask(round, ret_error);

    if (error != 0)
        return error;
    round->usual_us = memory_alloc((round->plan->count + 1) * sizeof *round->usual_us);
    for (size_t i = 0; i < round->plan->count; i++) {
        const struct measure_answer *answer = &round->observed[i].answer;
        const struct traffic_question *question = &round->plan->questions[i].question;
        struct traffic_outcome outcome;

        round->usual_us[i] = answer->elapsed_us;
        traffic_decide(blasting->input.traffic, &all_well, question, &outcome);
        if (measure_answer_is_full(answer) || outcome.usual_us == UINT64_MAX)
            continue;
        *ret_error = text_format("all is well, and %s from %s, at home in %s, are answered %d%s%s",
                                 traffic_operation(question->operation)->what,
                                 round->deployment->geos[question->geo].place.name,
                                 round->deployment->region[question->home], answer->status,
                                 *answer->problem ? ": " : "", answer->problem);
        return -EIO;
    }
    return 0;
}

/* ---- a failure ---- */

static int make_failure(const struct blasting *blasting, const struct measure_failure *failure,
                        char **ret_error)
{
    const char *region = blasting->input.deployment->region[failure->region];

    if (failure->whole)
        return live_measure_control_kill(blasting->measure->control, region, ret_error);
    return live_measure_control_fault(blasting->measure->control, "service",
                                      json_pack("{s:s, s:b}", "service", failure->name, "down", 1),
                                      FAULT_S, ret_error);
}

struct notice {
    const struct measure_failure *failure;
    const char *region;
};

static bool is_noticed(const json_t *status, const void *context, char **ret_why)
{
    const struct notice *notice = context;
    bool noticed = notice->failure->whole ? measure_world_noticed_region(status, notice->region)
                                          : measure_world_noticed_service(status, notice->region,
                                                                          notice->failure->service);

    if (!noticed)
        *ret_why = text_format("the router does not notice that %s is down", notice->failure->name);
    return noticed;
}

static int wait_until_noticed(const struct blasting *blasting,
                              const struct measure_failure *failure, char **ret_error)
{
    const struct notice notice = {failure, blasting->input.deployment->region[failure->region]};

    return live_measure_control_wait(blasting->measure->control, is_noticed, &notice,
                                     NOTICED_TIMEOUT_US, ret_error);
}

static int ask_round(struct blasting *blasting, const struct measure_failure *failure,
                     uint64_t failed_at_us, char **ret_error)
{
    struct live_measure_round *round = &blasting->round;
    int error = live_measure_round_ask(round, ret_error);
    uint64_t since_us = round->reads_from_us - failed_at_us;

    if (error != 0)
        return error;
    if (!measure_plan_is_even(traffic_rules_of(blasting->input.traffic), since_us,
                              round->reads_until_us - failed_at_us)) {
        *ret_error = text_format("this machine is too busy: asking took so long that what a region "
                                 "knows of revocations became too old in between; try again");
        return -ETIMEDOUT;
    }
    measure_compare_round(&blasting->compare, blasting->input.traffic, blasting->input.mix,
                          blasting->plan, failure, since_us, round->observed);
    return 0;
}

static int ask_rounds(struct blasting *blasting, const struct measure_failure *failure,
                      char **ret_error)
{
    uint64_t since_us[MEASURE_ROUNDS_MAX];
    uint64_t failed_at_us = live_loop_now().now_us;
    size_t count =
        measure_plan_rounds(failure, traffic_rules_of(blasting->input.traffic), since_us);
    int error = wait_until_noticed(blasting, failure, ret_error);

    for (size_t i = 0; error == 0 && i < count; i++) {
        uint64_t now_us = live_loop_now().now_us;
        if (now_us < failed_at_us + since_us[i])
            live_measure_pause(failed_at_us + since_us[i] - now_us);
        error = ask_round(blasting, failure, failed_at_us, ret_error);
    }
    return error;
}

static int measure_failure(struct blasting *blasting, size_t number, char **ret_error)
{
    const struct measure_failure *failure = &blasting->input.failures[number];
    char *why = NULL;

    live_measure_progress(blasting->measure, "%zu of %zu: %s %s", number + 1,
                          blasting->input.failure_count, failure->name,
                          failure->whole ? "is killed" : "is down");
    int error = make_failure(blasting, failure, &why);
    if (error == 0)
        error = ask_rounds(blasting, failure, &why);
    if (error == 0)
        error = live_measure_control_mend(blasting->measure->control, &why);
    if (error == 0)
        error = settle(blasting, &why);
    if (error != 0) {
        *ret_error = text_format("%s: %s", failure->name, why);
        free(why);
    }
    return error;
}

/* ---- all of it ---- */

/* What the model is told must be what the world does. */
static int check_world(const struct blasting *blasting, char **ret_error)
{
    const Mec__Config *config = live_measure_control_config(blasting->measure->control);
    const struct traffic_rules *rules = traffic_rules_of(blasting->input.traffic);
    uint64_t since_us[MEASURE_ROUNDS_MAX];
    const struct measure_failure region = {.whole = true};
    int error = measure_world_is_same(blasting->input.deployment, config, ret_error);

    if (error != 0)
        return error;
    if (rules->queue_writes != (config->settings->queue_writes != 0)) {
        *ret_error = text_format("--queue-writes says something else than the running world does");
        return -EINVAL;
    }
    if (measure_plan_rounds(&region, rules, since_us) == 0) {
        *ret_error = text_format("the revocation_bound of this world and its token_lifetime leave "
                                 "no time to ask in");
        return -EINVAL;
    }
    return 0;
}

static void announce(const struct blasting *blasting)
{
    uint64_t bound_us = traffic_rules_of(blasting->input.traffic)->revocation_bound_us;
    size_t bound_s = (size_t)(bound_us / SECOND_US);
    size_t regions = 0;
    struct text names = {0};

    for (size_t i = 0; i < blasting->input.failure_count; i++) {
        regions += blasting->input.failures[i].whole;
        text_add(&names, "%s%s", i ? ", " : "", blasting->input.failures[i].name);
    }
    live_measure_say(
        blasting->measure,
        "Measuring world %s for about %zu s: each of these is killed, or taken down, and brought "
        "back: %s. %zu accounts are made and deleted again.",
        blasting->measure->world,
        10 + 5 * (blasting->input.failure_count - regions) + regions * (bound_s + 12),
        names.data ? names.data : "nothing",
        blasting->plan->asker_count + blasting->input.deployment->region_count);
    free(names.data);
}

static int measure_all(struct blasting *blasting, char **ret_error)
{
    const struct deployment *deployment = blasting->input.deployment;
    int error = check_world(blasting, ret_error);

    if (error != 0)
        return error;
    announce(blasting);
    error = prepare(blasting, ret_error);
    blasting->round = (struct live_measure_round){
        .measure = blasting->measure,
        .deployment = deployment,
        .plan = blasting->plan,
        .users = blasting->users,
        .observed = memory_alloc((blasting->plan->count + 1) * sizeof *blasting->round.observed)};
    if (error == 0)
        error = settle(blasting, ret_error);
    if (error == 0)
        error = measure_usual(blasting, ret_error);
    if (error == 0)
        error = settle(blasting, ret_error);
    for (size_t i = 0; error == 0 && i < blasting->input.failure_count; i++)
        error = measure_failure(blasting, i, ret_error);
    error = live_measure_leave(blasting->measure, blasting->users, blasting->user_count, error,
                               ret_error);
    if (live_measure_round_forget(&blasting->round) > 0)
        live_measure_say(blasting->measure, "An account that had signed up could not be deleted.");
    return error;
}

int live_measure_blast(const struct live_measure *measure, const struct params *params,
                       struct result *result, char **ret_error)
{
    struct blasting blasting = {.measure = measure};
    int error = blast_radius_input(params, &blasting.input, ret_error);

    if (error != 0)
        return error;
    blasting.compare = measure_compare_begin(result);
    error =
        measure_plan_create(blasting.input.traffic, blasting.input.mix, &blasting.plan, ret_error);
    if (error == 0)
        error = measure_all(&blasting, ret_error);
    if (error == 0)
        measure_compare_end(&blasting.compare);
    live_measure_round_free(&blasting.round);
    live_measure_users_free(blasting.users, blasting.user_count);
    measure_plan_free(blasting.plan);
    blast_radius_input_free(&blasting.input);
    return error;
}
