#include "regiond/live_audits.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/live_log.h"
#include "common/memory.h"
#include "regiond/audit_report.h"

/* About a millisecond's worth. */
#define STEP_ROWS 100

/* One ask under way: the chains before `at` are in `rows`; the last is the queue's. */
struct ask {
    struct ask *next;
    struct live_audits *owner;
    uint64_t id;
    struct event *step;
    json_t *heads;
    json_t *rows;
    size_t at;
    char chain[sizeof(STORE_AUDIT_SHARD_PREFIX) + SHARD_NAME_SIZE];
    struct store_audit *audit; /* of `chain`; NULL: not begun */
    struct store_audit_witness *witnesses;
    size_t witness_count;
};

struct live_audits {
    struct live_loop *loop;
    struct live_control *control;
    const struct region *region;
    const char *name;
    const char *directory;
    char *const *shards;
    size_t shard_count;
    struct ask *first;
};

static void end_chain(struct ask *ask)
{
    store_audit_free(ask->audit);
    free(ask->witnesses);
    ask->audit = NULL;
    ask->witnesses = NULL;
}

static void free_ask(struct ask *ask)
{
    struct ask **link = &ask->owner->first;

    while (*link != ask)
        link = &(*link)->next;
    *link = ask->next;
    if (ask->step)
        event_free(ask->step);
    end_chain(ask);
    json_decref(ask->heads);
    json_decref(ask->rows);
    free(ask);
}

static bool is_queue(const struct ask *ask)
{
    return ask->at == ask->owner->shard_count;
}

static int begin_chain(struct ask *ask)
{
    const struct live_audits *owner = ask->owner;
    char *path = is_queue(ask) ? storage_queue_path(owner->directory)
                               : storage_shard_path(owner->directory, owner->shards[ask->at]);
    int error;

    snprintf(ask->chain, sizeof(ask->chain), "%s%s",
             is_queue(ask) ? STORE_AUDIT_QUEUE : STORE_AUDIT_SHARD_PREFIX,
             is_queue(ask) ? "" : owner->shards[ask->at]);
    ask->witness_count = audit_report_witnesses(ask->heads, ask->chain, &ask->witnesses);
    error = store_audit_begin(path, NULL, owner->name, ask->chain, ask->witnesses,
                              ask->witness_count, &ask->audit);
    free(path);
    return error;
}

static void finish_chain(struct ask *ask, int error)
{
    struct store_audit_result result;

    if (error < 0) {
        live_log(LIVE_LOG_ERROR, "cannot read an audit chain chain=%s why=\"%s\"", ask->chain,
                 store_last_error());
        json_array_append_new(ask->rows, audit_report_unreadable(ask->chain));
    } else {
        store_audit_result(ask->audit, &result);
        json_array_append_new(
            ask->rows, audit_report_chain(ask->chain, ask->witnesses, ask->witness_count, &result));
    }
    end_chain(ask);
    ask->at++;
}

static void step_chain(struct ask *ask)
{
    int left = 1;

    if (!ask->audit)
        left = begin_chain(ask) < 0 ? -1 : 1;
    if (left > 0)
        left = store_audit_step(ask->audit, STEP_ROWS);
    if (left <= 0)
        finish_chain(ask, left);
}

static void answer(struct ask *ask)
{
    char *kept = region_audit_heads(ask->owner->region);
    char *text = audit_report_answer(ask->owner->name, ask->rows, kept);

    live_control_status(ask->owner->control, ask->id, text);
    free(text);
    free(kept);
    free_ask(ask);
}

static void on_step(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval at_once = {0, 0};
    struct ask *ask = context;

    (void)fd;
    (void)what;
    if (ask->at > ask->owner->shard_count) {
        answer(ask);
        return;
    }
    step_chain(ask);
    event_add(ask->step, &at_once);
}

struct live_audits *live_audits_create(struct live_loop *loop, struct live_control *control,
                                       const struct region *region, const char *name,
                                       const char *directory, char *const *shards,
                                       size_t shard_count)
{
    struct live_audits *audits = memory_alloc(sizeof(*audits));

    audits->loop = loop;
    audits->control = control;
    audits->region = region;
    audits->name = name;
    audits->directory = directory;
    audits->shards = shards;
    audits->shard_count = shard_count;
    return audits;
}

void live_audits_free(struct live_audits *audits)
{
    if (!audits)
        return;
    while (audits->first)
        free_ask(audits->first);
    free(audits);
}

bool live_audits_start(struct live_audits *audits, const char *section, uint64_t ask_id)
{
    static const struct timeval at_once = {0, 0};
    json_t *heads = audit_report_heads(section);
    struct ask *ask;

    if (!heads)
        return false;
    ask = memory_alloc(sizeof(*ask));
    ask->owner = audits;
    ask->id = ask_id;
    ask->heads = heads;
    ask->rows = json_array();
    ask->step = evtimer_new(live_loop_base(audits->loop), on_step, ask);
    ask->next = audits->first;
    audits->first = ask;
    event_add(ask->step, &at_once);
    return true;
}
