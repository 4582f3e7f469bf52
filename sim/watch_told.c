/* What clients are told of their writes. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/watch_internal.h"

/* ---- done ---- */

static void report(struct watch *watch, const struct outcome_asked *asked,
                   const struct outcome *outcome, enum watch_check check, const char *what)
{
    watch_report(watch, outcome->now_us, check,
                 "operation %u of client %u, %s %s under key %s, is told %d%s%s (version %" PRIu64
                 "): %s",
                 asked->operation->number, asked->operation->client,
                 plan_operation_name(asked->operation->kind), asked->key, asked->idempotency_key,
                 outcome->status, outcome->receipt && outcome->receipt[0] ? ", receipt " : "",
                 outcome->receipt ? outcome->receipt : "", outcome->version, what);
}

/* Does the change do what this request asked for? A retry asked for what the first one did, and
 * what that was, watch_effort_effect() has looked at. */
static bool is_asked(const struct outcome_asked *asked, const struct watch_entry *entry)
{
    struct watch_wish wish = {.kind = asked->operation->kind,
                              .key = asked->key,
                              .value = asked->value ? asked->value : ""};

    switch (asked->operation->kind) {
    case PLAN_OPERATION_RETRY:
        return true;
    case PLAN_OPERATION_GRANT:
    case PLAN_OPERATION_WITHDRAW:
        return entry->deleted == (asked->operation->kind == PLAN_OPERATION_WITHDRAW);
    default:
        return watch_effort_is_wished(&wish, entry);
    }
}

static void take_done(struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome, const struct watch_effort *effort)
{
    struct watch_entry *entry = effort->effect ? effort->effect : effort->given_up;
    const struct position *position = outcome->position;

    /* It may be that a home was lost since, and another try has had its effect in the next epoch.
     */
    if (position && effort->given_up && effort->given_up->epoch == position->epoch &&
        effort->given_up->seq == position->seq)
        entry = effort->given_up;
    if (!entry)
        report(watch, asked, outcome, WATCH_ACKNOWLEDGED, "it is in no log");
    else if (!is_asked(asked, entry))
        report(watch, asked, outcome,
               asked->operation->kind == PLAN_OPERATION_REUSE ? WATCH_KEY_REUSE
                                                              : WATCH_ACKNOWLEDGED,
               "what the key has done is something else");
    else if ((!entry->deleted && outcome->version != entry->version) ||
             (position && (position->epoch != entry->epoch || position->seq != entry->seq)))
        report(watch, asked, outcome, WATCH_ACKNOWLEDGED, "it is another change in the log");
    else {
        watch_log_acknowledge(entry);
        watch_reads_see(watch, asked->operation->client, entry);
    }
}

/* ---- queued ---- */

static void see_applied(struct watch *watch, const struct outcome_asked *asked,
                        const struct watch_queued *queued)
{
    const struct watch_effort *effort = queued->effort;

    if (queued->state != QUEUE_APPLIED || !effort || !effort->effect)
        return;
    watch_log_acknowledge(effort->effect);
    watch_reads_see(watch, asked->operation->client, effort->effect);
}

static void take_queued(struct watch *watch, const struct outcome_asked *asked,
                        const struct outcome *outcome)
{
    struct watch_queued *queued = watch_queue_find(watch, outcome->receipt);
    uint32_t router = watch->plan->clients[asked->operation->client].router;

    if (!queued || queued->region != watch_find(watch, outcome->region) ||
        strcmp(queued->user, asked->user_id) != 0 ||
        (queued->effort && strcmp(queued->effort->idempotency_key, asked->idempotency_key) != 0)) {
        report(watch, asked, outcome, WATCH_QUEUED, "no such write was put into that queue");
        return;
    }
    if (!queued->told)
        queued->told = true;
    if (outcome->now_us < queued->told_us[router])
        queued->told_us[router] = outcome->now_us;
    if (queued->lost)
        return;
    if (outcome->receipt_state != QUEUE_QUEUED && outcome->receipt_state != queued->state)
        report(watch, asked, outcome, WATCH_RECEIPT_TRUE, "the receipt has not ended like that");
    else if (outcome->receipt_state == QUEUE_APPLIED)
        see_applied(watch, asked, queued);
}

void watch_told_write(struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome)
{
    const struct watch_effort *effort =
        watch_effort_of(watch, asked->user_id, asked->idempotency_key);
    uint32_t shard = watch_find(watch, asked->shard);

    if (!effort || (shard != PLAN_NONE && watch->shards[shard].spoiled))
        return;
    if (outcome->status == 202)
        take_queued(watch, asked, outcome);
    else if (outcome->status >= 200 && outcome->status < 300)
        take_done(watch, asked, outcome, effort);
}

/* ---- receipts ---- */

static void report_receipt(struct watch *watch, const struct outcome_asked *asked,
                           const struct outcome *outcome, enum watch_check check,
                           const struct watch_queued *queued)
{
    watch_report(watch, outcome->now_us, check,
                 "client %u is told %d, %s of receipt %s, which is %s%s%s since %" PRIu64 " us",
                 asked->operation->client, outcome->status,
                 queue_state_name(outcome->receipt_state), asked->receipt,
                 queue_state_name(queued->state), queued->position[0] ? " at " : "",
                 queued->position, queued->ended_us);
}

static bool is_at(const struct watch_queued *queued, const struct position *position)
{
    struct position at;

    return position_parse(slice_of(queued->position), &at) == 0 && at.epoch == position->epoch &&
           at.seq == position->seq;
}

static void take_state(struct watch *watch, const struct outcome_asked *asked,
                       const struct outcome *outcome, const struct watch_queued *queued)
{
    bool ended = outcome->receipt_state != QUEUE_QUEUED;

    if (!ended && queued->state != QUEUE_QUEUED && queued->ended_us < asked->now_us)
        report_receipt(watch, asked, outcome, WATCH_RECEIPT_ENDS_ONCE, queued);
    else if (ended && outcome->receipt_state != queued->state)
        report_receipt(watch, asked, outcome, WATCH_RECEIPT_ENDS_ONCE, queued);
    else if (outcome->receipt_state == QUEUE_APPLIED && !is_at(queued, &outcome->receipt_position))
        report_receipt(watch, asked, outcome, WATCH_RECEIPT_TRUE, queued);
    else if (ended)
        see_applied(watch, asked, queued);
}

void watch_told_receipt(struct watch *watch, const struct outcome_asked *asked,
                        const struct outcome *outcome)
{
    const struct watch_queued *queued = watch_queue_find(watch, asked->receipt);

    if (!queued || queued->lost)
        return;
    if (outcome->status == 200)
        take_state(watch, asked, outcome, queued);
    else if (outcome->status == 404 && !watch_queue_may_forget(watch, queued))
        report_receipt(watch, asked, outcome, WATCH_QUEUED, queued);
}
