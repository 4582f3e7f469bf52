/* What clients ask and are told: each answer goes to the checks of its kind. */

#include <stdio.h>
#include <string.h>

#include "sim/watch_internal.h"

/* However many regions are tried in vain, and however slow their links are. */
#define ANSWER_US (180 * SECOND_US)
/* With nothing in the way. */
#define UNHURT_US (15 * SECOND_US)

static bool is_write(enum plan_operation_kind kind)
{
    switch (kind) {
    case PLAN_OPERATION_WRITE:
    case PLAN_OPERATION_WRITE_IF_SAME:
    case PLAN_OPERATION_WRITE_IF_ABSENT:
    case PLAN_OPERATION_DELETE:
    case PLAN_OPERATION_RETRY:
    case PLAN_OPERATION_REUSE:
    case PLAN_OPERATION_VAULT_PUT:
    case PLAN_OPERATION_VAULT_DELETE:
    case PLAN_OPERATION_GRANT:
    case PLAN_OPERATION_WITHDRAW:
        return true;
    default:
        return false;
    }
}

void watch_asked(struct watch *watch, const struct outcome_asked *asked)
{
    struct watch_session *session = &watch->sessions[asked->operation->client];

    if (watch->breach.found)
        return;
    session->waits = true;
    session->number = asked->operation->number;
    watch_reads_asked(watch, asked);
    watch_sessions_asked(watch, asked);
    if (is_write(asked->operation->kind))
        watch_effort_asked(watch, asked);
}

/* ---- answers as such ---- */

static bool has_paused_router(const struct plan *plan)
{
    for (size_t i = 0; i < plan->fault_count; i++)
        if (plan->faults[i].kind == PLAN_FAULT_PAUSE_ROUTER)
            return true;
    return false;
}

static void check_answered(struct watch *watch, const struct outcome_asked *asked,
                           const struct outcome *outcome)
{
    struct watch_session *session = &watch->sessions[asked->operation->client];
    uint64_t took_us = outcome->now_us - asked->now_us;

    if (!session->waits || session->number != asked->operation->number)
        watch_report(watch, outcome->now_us, WATCH_ANSWERED,
                     "client %u is answered %d to operation %u, for which it does not wait",
                     asked->operation->client, outcome->status, asked->operation->number);
    else if (!outcome->given_up && took_us > ANSWER_US && !has_paused_router(watch->plan))
        watch_report(watch, outcome->now_us, WATCH_ANSWERED,
                     "operation %u of client %u is answered after %llu us",
                     asked->operation->number, asked->operation->client,
                     (unsigned long long)took_us);
    session->waits = false;
}

/* Writes of the shard may wait, or seem to wait, in the region that is away: newer ones are refused
 * then. */
static bool was_ever_queued(const struct watch *watch, const char *shard)
{
    uint32_t index = watch_find(watch, shard);
    const struct watch_queued *queued;

    for (queued = watch->receipts; queued; queued = queued->hh.next)
        if (queued->shard == index)
            return true;
    return false;
}

static bool is_excused(const struct watch *watch, const struct outcome_asked *asked,
                       const struct outcome *outcome)
{
    switch (asked->operation->kind) {
    case PLAN_OPERATION_SIGN_UP: /* the name's directory may be in the region that is away */
    case PLAN_OPERATION_LOG_IN:
    case PLAN_OPERATION_READ_FORCED:
    case PLAN_OPERATION_RECEIPT:
    case PLAN_OPERATION_STRANGER:
        return true;
    default:
        break;
    }
    return is_write(asked->operation->kind) &&
           (outcome->problem == PROBLEM_QUEUE_UNREACHABLE ||
            outcome->problem == PROBLEM_FATE_UNKNOWN) &&
           was_ever_queued(watch, asked->shard);
}

static void check_unhurt(struct watch *watch, const struct outcome_asked *asked,
                         const struct outcome *outcome)
{
    uint64_t took_us = outcome->now_us - asked->now_us;

    if (!asked->undisturbed || outcome->given_up || is_excused(watch, asked, outcome))
        return;
    if (outcome->status >= 500 || took_us > UNHURT_US)
        watch_report(watch, outcome->now_us, WATCH_UNHURT,
                     "operation %u of client %u, %s, is answered %d%s%s after %llu us, and only a "
                     "region that does not concern it is away",
                     asked->operation->number, asked->operation->client,
                     plan_operation_name(asked->operation->kind), outcome->status,
                     outcome->problem ? " " : "",
                     outcome->problem ? problem_get(outcome->problem)->type : "",
                     (unsigned long long)took_us);
}

static void check_stranger(struct watch *watch, const struct outcome_asked *asked,
                           const struct outcome *outcome)
{
    if (!outcome->given_up && outcome->status != 401 && outcome->status != 429 &&
        outcome->status < 500)
        watch_report(watch, outcome->now_us, WATCH_FAILS_CLOSED,
                     "a stranger, client %u, is answered %d", asked->operation->client,
                     outcome->status);
}

static void check_odd(struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome)
{
    bool excused = outcome->status == 429 ||
                   (asked->wanted_of_region && (outcome->status >= 500 || outcome->status == 401));

    if (asked->wanted != 0 && outcome->status != asked->wanted && !excused)
        watch_report(watch, outcome->now_us, WATCH_ODD,
                     "operation %u of client %u, an odd request, is answered %d %s and not %d",
                     asked->operation->number, asked->operation->client, outcome->status,
                     outcome->problem ? problem_get(outcome->problem)->type : "", asked->wanted);
}

/* ---- by kind ---- */

static void take(struct watch *watch, const struct outcome_asked *asked,
                 const struct outcome *outcome)
{
    switch (asked->operation->kind) {
    case PLAN_OPERATION_SIGN_UP:
        watch_names_signed_up(watch, asked, outcome);
        return;
    case PLAN_OPERATION_LOG_IN:
        watch_names_logged_in(watch, asked, outcome);
        return;
    case PLAN_OPERATION_READ:
    case PLAN_OPERATION_READ_STRONG:
    case PLAN_OPERATION_READ_STALE:
    case PLAN_OPERATION_READ_FORCED:
        watch_reads_record(watch, asked, outcome);
        return;
    case PLAN_OPERATION_VAULT_GET:
        watch_vault_own(watch, asked, outcome);
        return;
    case PLAN_OPERATION_VAULT_GET_SHARED:
        watch_vault_shared(watch, asked, outcome);
        return;
    case PLAN_OPERATION_LIST:
        watch_reads_list(watch, asked, outcome);
        return;
    case PLAN_OPERATION_WHOAMI:
        watch_reads_account(watch, asked, outcome);
        return;
    case PLAN_OPERATION_RECEIPT:
        watch_told_receipt(watch, asked, outcome);
        return;
    case PLAN_OPERATION_STRANGER:
        check_stranger(watch, asked, outcome);
        return;
    case PLAN_OPERATION_ODD:
        check_odd(watch, asked, outcome);
        return;
    default:
        if (watch_vault_is_write(asked->operation->kind))
            watch_vault_written(watch, asked, outcome);
        if (is_write(asked->operation->kind))
            watch_told_write(watch, asked, outcome);
        return;
    }
}

void watch_told(struct watch *watch, const struct outcome_asked *asked,
                const struct outcome *outcome)
{
    if (watch->breach.found)
        return;
    check_answered(watch, asked, outcome);
    if (is_write(asked->operation->kind))
        watch_effort_told(watch, asked, outcome);
    if (!outcome->given_up)
        take(watch, asked, outcome);
    watch_sessions_told(watch, asked, outcome);
    check_unhurt(watch, asked, outcome);
}
