#include "regiond/sessions.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/reach.h"
#include "regiond/account.h"
#include "regiond/answer.h"
#include "regiond/audit_notes.h"
#include "regiond/commit.h"
#include "regiond/erasing.h"
#include "regiond/tokens.h"

/* Changes of one account in one batch: the later one looks again at what the first has left. */
#define TRIES_MAX 4
/* A token lives on for so long after its end, by clocks that differ; see token.h. */
#define CLOCK_ALLOWANCE_S 2

enum act { ACT_LOG_OUT, ACT_VOID_ALL, ACT_DELETE };

/* An account on its way to be changed. */
struct changing {
    struct request request;
    enum act act;
    struct commit_op op;
    struct account account;
    char *value;
    unsigned tries;
};

static void finish(struct changing *changing)
{
    request_release(&changing->request);
    free(changing->value);
    sodium_memzero(&changing->account, sizeof changing->account);
    free(changing);
}

static void answer_done(struct region *region, struct request *request, uint64_t epoch,
                        uint64_t seq)
{
    struct answer answer;

    answer_init(&answer, 204);
    answer.message.served = MEC__SERVED__SERVED_HOME;
    answer.message.staleness_known = true;
    answer_read(region, &answer, request->copy, epoch, seq);
    answer_send(region, request, &answer);
}

static void answer_unreadable(struct region *region, struct request *request)
{
    answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                   "The account cannot be read.");
}

static bool is_home(struct region *region, struct request *request)
{
    if (request->copy && copies_is_home(region, request->copy))
        return true;
    answer_not_home(region, request);
    return false;
}

/* ---- changing the account ---- */

static void judge(struct region *region, struct changing *changing);

static void on_written(struct region *region, struct commit_op *op, int error)
{
    struct changing *changing = OWNER_OF(op, struct changing, op);
    struct request *request = &changing->request;

    request_resume(request, STAGE_STORAGE, region->at.now_us);
    if (error == 0 && op->store.result == STORE_CONDITION_FAILED && ++changing->tries < TRIES_MAX) {
        reach(ACCOUNT_RACED);
        judge(region, changing);
        return;
    }
    if (error == -ENOSPC) {
        answer_disk_full(region, request);
    } else if (error < 0) {
        answer_not_home(region, request);
    } else if (op->store.result != STORE_DONE) {
        answer_overloaded(region, request);
    } else {
        if (changing->act == ACT_DELETE)
            erasing_start(region, request->copy, request->claims.user);
        answer_done(region, request, op->store.epoch, op->store.seq);
    }
    finish(changing);
}

static void change(struct region *region, struct changing *changing)
{
    uint64_t now_s = region->at.wall_us / SECOND_US;

    switch (changing->act) {
    case ACT_LOG_OUT:
        account_revoke(&changing->account, changing->request.claims.session,
                       now_s + TOKEN_LIFETIME_S_MAX + CLOCK_ALLOWANCE_S, now_s);
        return;
    case ACT_VOID_ALL:
        account_revoke_all(&changing->account);
        return;
    case ACT_DELETE:
        account_revoke_all(&changing->account);
        changing->account.closing = true;
        return;
    }
}

/* What the others are to know before the change itself comes to them. */
static void announce(struct changing *changing, struct store_write *write)
{
    bool all = changing->account.revoked_count == 0;

    if (changing->act == ACT_DELETE)
        write->revokes_below = UINT64_MAX;
    else if (all)
        write->revokes_below = changing->account.generation;
    else
        write->revokes_session = changing->request.claims.session;
    if (!all)
        write->revokes_until_s =
            changing->account.revoked[changing->account.revoked_count - 1].until_s;
}

static void write(struct region *region, struct changing *changing)
{
    struct request *request = &changing->request;

    free(changing->value);
    changing->value = account_json(&changing->account);
    request_wait(request, region->at.now_us);
    /* The note comes first: an account that is being deleted is never without one. */
    if (changing->act == ACT_DELETE)
        erasing_note(region, request->copy, request->claims.user, changing->account.name);
    changing->op.bytes = strlen(changing->value) + 256;
    changing->op.done = on_written;
    changing->op.store = (struct store_op){
        .kind = STORE_OP_WRITE,
        .write = {.service = "auth",
                  .user = request->claims.user,
                  .key = "account",
                  .content_type = "application/json",
                  .value = slice_of(changing->value),
                  .condition = STORE_IF_VERSION,
                  .if_version = changing->account.version,
                  .idempotency_key = "",
                  .receipt = "",
                  .traceparent = request->call->traceparent,
                  .action = audit_notes_action(request->call->operation),
                  .session = request->claims.session},
    };
    announce(changing, &changing->op.store.write);
    commit_store(region, request->copy, &changing->op);
}

/* Look at the account as it is now: another change may have come first. */
static void judge(struct region *region, struct changing *changing)
{
    struct request *request = &changing->request;
    int r = account_read(region, request->copy, request->claims.user, &changing->account);

    if (r == 0 &&
        !account_voids(&changing->account, request->claims.session, request->claims.generation)) {
        change(region, changing);
        write(region, changing);
        return;
    }
    if (r == 0 || r == -EIDRM || r == -ENOENT) {
        reach(TOKEN_VOID_ALREADY);
        answer_done(region, request, changing->account.epoch, changing->account.seq);
    } else {
        answer_unreadable(region, request);
    }
    finish(changing);
}

static void begin(struct region *region, struct request *request, enum act act)
{
    struct changing *changing;

    request_enter(request, STAGE_SERVICE);
    if (!is_home(region, request))
        return;
    if (!commit_has_room(region, 0)) {
        answer_overloaded(region, request);
        return;
    }
    changing = memory_alloc(sizeof *changing);
    changing->act = act;
    request_park(request, &changing->request);
    judge(region, changing);
}

void sessions_log_out(struct region *region, struct request *request)
{
    begin(region, request, ACT_LOG_OUT);
}

void sessions_void_all(struct region *region, struct request *request)
{
    begin(region, request, ACT_VOID_ALL);
}

void sessions_delete_account(struct region *region, struct request *request)
{
    begin(region, request, ACT_DELETE);
}

/* ---- refreshing ---- */

/* A token on its way out: it is noted first. */
struct refreshing {
    struct request request;
    struct token_claims next;
    uint64_t epoch, seq; /* of the account's last change */
};

static void on_noted(struct region *region, void *context, int error)
{
    struct refreshing *refreshing = context;
    struct request *request = &refreshing->request;

    if (error == 0)
        tokens_answer(region, request, &refreshing->next, refreshing->epoch, refreshing->seq);
    else if (error == -ENOSPC)
        answer_disk_full(region, request);
    else
        answer_not_home(region, request);
    request_release(request);
    free(refreshing);
}

static void refresh(struct region *region, struct request *request, const struct account *account,
                    uint64_t end_s)
{
    struct refreshing *refreshing = memory_alloc(sizeof *refreshing);
    struct token_claims *next = &refreshing->next;

    *next = request->claims;
    next->issued_s = region->at.wall_us / SECOND_US;
    next->expires_s = next->issued_s + region->settings.token_lifetime_s;
    if (next->expires_s > end_s)
        next->expires_s = end_s;
    refreshing->epoch = account->epoch;
    refreshing->seq = account->seq;
    request_park(request, &refreshing->request);
    audit_notes_note(region, &refreshing->request, audit_notes_action(request->call->operation),
                     next, on_noted, refreshing);
}

void sessions_refresh(struct region *region, struct request *request)
{
    uint64_t end_s = request->claims.auth_time_s + region->settings.session_lifetime_s;
    struct account account;

    request_enter(request, STAGE_SERVICE);
    if (!is_home(region, request))
        return;
    if (account_read(region, request->copy, request->claims.user, &account) < 0) {
        answer_unreadable(region, request);
    } else if (region->at.wall_us / SECOND_US >= end_s) {
        reach(SESSION_TOO_OLD);
        answer_problem(region, request, PROBLEM_UNAUTHENTICATED,
                       "The session has lasted as long as the world allows; log in again.");
    } else if (!commit_has_room(region, 0)) {
        answer_overloaded(region, request);
    } else {
        refresh(region, request, &account, end_s);
    }
    sodium_memzero(&account, sizeof account);
}
