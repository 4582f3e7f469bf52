#include "sim/model/live_measure_round.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/live_loop.h"
#include "common/memory.h"
#include "common/moment.h"

/* Hashing a password varies most with what else the machine does. */
#define ASK_AGAIN        2
#define ASK_AGAIN_HASHES 4

/* Some questions of the plan, as they are asked together. */
struct batch {
    struct live_measure_round *round;
    size_t *numbers; /* of the questions */
    struct measure_request *requests;
    struct live_measure_call *calls;
    size_t count;
};

/* ---- what is sent ---- */

/* Somebody new, whose account is to be deleted one day. */
static void add_newcomer(struct live_measure_round *round, uint32_t directory, const char *geo)
{
    char *name = measure_request_newcomer(round->measure->tag, round->deployment, directory,
                                          round->newcomer_number++);

    round->newcomers =
        memory_grow(round->newcomers, (round->newcomer_count + 1) * sizeof *round->newcomers);
    round->newcomers[round->newcomer_count++] =
        (struct live_measure_user){.name = name, .home = geo};
}

static void add(struct batch *batch, size_t number)
{
    struct live_measure_round *round = batch->round;
    const struct traffic_question *question = &round->plan->questions[number].question;
    const char *geo = round->deployment->geos[question->geo].place.name;
    size_t asker = measure_plan_asker(round->plan, question);
    bool has_token = asker != SIZE_MAX && question->operation != TRAFFIC_LOG_IN;
    size_t at = batch->count++;

    batch->requests[at] = measure_request_of(round->measure->tag, round->deployment, question,
                                             round->newcomer_number);
    if (question->operation == TRAFFIC_SIGN_UP)
        add_newcomer(round, question->other, geo);
    batch->numbers[at] = number;
    batch->calls[at] =
        (struct live_measure_call){.base = round->measure->base,
                                   .request = &batch->requests[at],
                                   .geo = geo,
                                   .token = has_token ? round->users[asker].token : NULL};
}

static struct batch begin(struct live_measure_round *round)
{
    size_t count = round->plan->count + 1;
    struct batch batch = {.round = round,
                          .numbers = memory_alloc(count * sizeof *batch.numbers),
                          .requests = memory_alloc(count * sizeof *batch.requests),
                          .calls = memory_alloc(count * sizeof *batch.calls)};

    return batch;
}

static void end(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        live_measure_http_free_call(&batch->calls[i]);
        measure_request_free(&batch->requests[i]);
    }
    free(batch->numbers);
    free(batch->requests);
    free(batch->calls);
}

static int send_batch(struct batch *batch, size_t parallel, char **ret_error)
{
    int error =
        live_measure_http_send(batch->round->measure->http, batch->calls, batch->count, parallel);

    if (error != 0)
        *ret_error = memory_text("stopped");
    return error;
}

static size_t parallel_of(enum measure_phase phase)
{
    return phase == MEASURE_HASHES ? 1 : 64;
}

/* ---- sessions that have written ---- */

/* Have each session of @batch write first. *@ret_writes has the bookmarks, and lives as long. */
static int write_first(struct batch *batch, struct batch *ret_writes, char **ret_error)
{
    for (size_t i = 0; i < batch->count; i++) {
        add(ret_writes, batch->numbers[i]);
        measure_request_free(&ret_writes->requests[i]);
        ret_writes->requests[i] = measure_request_value("reread");
    }
    int error = send_batch(ret_writes, parallel_of(MEASURE_WRITES), ret_error);
    if (error != 0)
        return error;
    for (size_t i = 0; i < batch->count; i++) {
        const struct measure_answer *answer = &ret_writes->calls[i].answer;
        if (measure_answer_is_full(answer) && *answer->bookmark)
            batch->calls[i].bookmark = answer->bookmark;
    }
    live_measure_pause(measure_plan_arrival_us(batch->round->deployment));
    return 0;
}

/* ---- answers ---- */

static void keep(struct batch *batch, bool first)
{
    struct live_measure_round *round = batch->round;

    for (size_t i = 0; i < batch->count; i++) {
        size_t number = batch->numbers[i];
        struct measure_observed *observed = &round->observed[number];
        const struct measure_answer *answer = &batch->calls[i].answer;

        if (first)
            observed->usual_us = round->usual_us ? round->usual_us[number] : 0;
        if (first ||
            (measure_answer_is_full(answer) && answer->elapsed_us < observed->answer.elapsed_us))
            observed->answer = *answer;
    }
}

/* Those of @batch that came late. Before it is known what is usual, all of them. */
static struct batch late_of(const struct batch *batch)
{
    struct live_measure_round *round = batch->round;
    struct batch late = begin(round);

    for (size_t i = 0; i < batch->count; i++) {
        const struct measure_observed *observed = &round->observed[batch->numbers[i]];
        if (!measure_answer_is_slower(&observed->answer, observed->usual_us))
            continue;
        add(&late, batch->numbers[i]);
        late.calls[late.count - 1].bookmark = batch->calls[i].bookmark;
    }
    return late;
}

static int ask_again(const struct batch *batch, enum measure_phase phase, char **ret_error)
{
    bool hashes = phase == MEASURE_HASHES && batch->round->usual_us;
    unsigned times = hashes ? ASK_AGAIN_HASHES : ASK_AGAIN;
    int error = 0;

    for (unsigned i = 0; error == 0 && i < times; i++) {
        struct batch late = late_of(batch);
        error = send_batch(&late, parallel_of(phase), ret_error);
        if (error == 0)
            keep(&late, false);
        end(&late);
    }
    return error;
}

static int ask_phase(struct live_measure_round *round, enum measure_phase phase, char **ret_error)
{
    struct batch batch = begin(round);
    struct batch writes = begin(round);
    int error = 0;

    for (size_t i = 0; i < round->plan->count; i++)
        if (measure_phase(round->plan->questions[i].question.operation) == phase)
            add(&batch, i);
    if (phase == MEASURE_REREADS)
        error = write_first(&batch, &writes, ret_error);
    if (error == 0)
        error = send_batch(&batch, parallel_of(phase), ret_error);
    if (error == 0) {
        keep(&batch, true);
        error = ask_again(&batch, phase, ret_error);
    }
    end(&writes);
    end(&batch);
    return error;
}

int live_measure_round_ask(struct live_measure_round *round, char **ret_error)
{
    int error = 0;

    for (unsigned each = 0; error == 0 && each < MEASURE_PHASE_COUNT; each++) {
        enum measure_phase phase = (enum measure_phase)each;

        if (phase == MEASURE_READS)
            round->reads_from_us = live_loop_now().now_us;
        error = ask_phase(round, phase, ret_error);
        if (phase == MEASURE_READS)
            round->reads_until_us = live_loop_now().now_us;
    }
    return error;
}

size_t live_measure_round_forget(struct live_measure_round *round)
{
    size_t left = live_measure_users_erase(round->measure, round->newcomers, round->newcomer_count);

    live_measure_users_free(round->newcomers, round->newcomer_count);
    round->newcomers = NULL;
    round->newcomer_count = 0;
    return left;
}

void live_measure_round_free(struct live_measure_round *round)
{
    live_measure_users_free(round->newcomers, round->newcomer_count);
    free(round->usual_us);
    free(round->observed);
}
