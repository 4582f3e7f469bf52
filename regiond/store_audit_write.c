/* The audit entries of what a home writes, refuses and is told to note; see store_audit.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/problem.h"
#include "regiond/store_internal.h"

/* Who writes no action has one all the same: no write goes without. */
static char *action_of(struct arena *arena, const struct store_write *write)
{
    if (write->action && write->action[0] != '\0')
        return store_audit_append_text(write->action);
    return arena_format(arena, "%s.%s", write->service, write->delete ? "delete" : "put");
}

static Mec__AuditEntry entry_of(struct store *store, const struct store_write *write)
{
    Mec__AuditEntry entry = MEC__AUDIT_ENTRY__INIT;

    entry.user = store_audit_append_text(write->actor ? write->actor : write->user);
    entry.session = store_audit_append_text(write->session);
    entry.service = store_audit_append_text(write->service);
    entry.action = action_of(store->arena, write);
    entry.key = store_audit_append_text(write->key);
    entry.receipt = store_audit_append_text(write->receipt);
    entry.shard = store->shard;
    entry.count = 1;
    return entry;
}

int store_audit_write_done(struct store *store, struct store_round *round,
                           const struct store_op *op)
{
    Mec__AuditEntry entry = entry_of(store, &op->write);

    entry.outcome = store_audit_append_text("done");
    entry.epoch = op->epoch;
    entry.seq = op->seq;
    entry.change_digest.len = DIGEST_SIZE;
    entry.change_digest.data = (uint8_t *)(uintptr_t)op->change_digest;
    return store_audit_append(&store->file, &round->audit, round->wall_us, &entry);
}

static enum problem_id problem_of(enum store_result result)
{
    switch (result) {
    case STORE_CONDITION_FAILED:
        return PROBLEM_PRECONDITION_FAILED;
    case STORE_NOT_FOUND:
        return PROBLEM_NOT_FOUND;
    case STORE_EXPIRED:
        return PROBLEM_EXPIRED;
    case STORE_FORBIDDEN:
        return PROBLEM_FORBIDDEN;
    case STORE_OVER_QUOTA:
        return PROBLEM_QUOTA;
    default:
        abort(); /* no refusal */
    }
}

int store_audit_write_refused(struct store *store, struct store_round *round,
                              const struct store_op *op)
{
    Mec__AuditEntry entry = entry_of(store, &op->write);

    entry.outcome = store_audit_append_text(problem_get(problem_of(op->result))->type);
    return store_audit_append(&store->file, &round->audit, round->wall_us, &entry);
}

int store_audit_write_event(struct store *store, struct store_round *round, struct store_op *op)
{
    Mec__AuditEntry entry = store_audit_append_entry(&op->event);
    int error;

    if (round->epoch < round->end.epoch) { /* no longer the home; see store_write_run() */
        op->result = STORE_STALE_EPOCH;
        return 0;
    }
    entry.shard = store->shard;
    error = store_audit_append(&store->file, &round->audit, round->wall_us, &entry);
    if (error == 0)
        op->result = STORE_DONE;
    return error;
}
