#include "regiond/audit_notes.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/memory.h"
#include "common/reach.h"
#include "common/routes.h"
#include "regiond/answer.h"
#include "regiond/commit.h"
#include "regiond/reading.h"
#include "regiond/text.h"

#define FLUSH_US     SECOND_US
#define LIST_DEFAULT 100
#define LIST_MAX     1000

/* ---- names ---- */

const char *audit_notes_action(Mec__Operation operation)
{
    switch (operation) {
    case MEC__OPERATION__USER_CREATE:
        return "auth.sign-up";
    case MEC__OPERATION__USER_DELETE:
        return "auth.delete-account";
    case MEC__OPERATION__TOKEN_CREATE:
        return "auth.log-in";
    case MEC__OPERATION__TOKEN_REFRESH:
        return "auth.refresh";
    case MEC__OPERATION__TOKEN_REVOKE_CURRENT:
        return "auth.log-out";
    case MEC__OPERATION__TOKEN_REVOKE_ALL:
        return "auth.revoke-all";
    case MEC__OPERATION__WHOAMI:
        return "auth.whoami";
    case MEC__OPERATION__AUDIT_LIST:
        return "auth.audit";
    case MEC__OPERATION__METADATA_GET:
        return "metadata.get";
    case MEC__OPERATION__METADATA_LIST:
        return "metadata.list";
    case MEC__OPERATION__METADATA_PUT:
        return "metadata.put";
    case MEC__OPERATION__METADATA_DELETE:
        return "metadata.delete";
    case MEC__OPERATION__VAULT_GET:
        return "vault.get";
    case MEC__OPERATION__VAULT_LIST:
        return "vault.list";
    case MEC__OPERATION__VAULT_PUT:
        return "vault.put";
    case MEC__OPERATION__VAULT_DELETE:
        return "vault.delete";
    case MEC__OPERATION__GRANT_LIST:
        return "vault.grants";
    case MEC__OPERATION__GRANT_PUT:
        return "vault.grant";
    case MEC__OPERATION__GRANT_DELETE:
        return "vault.withdraw";
    default:
        return "other";
    }
}

/* ---- denials ---- */

/* Denials that are the same: no padding, it is hashed as bytes. */
struct kind {
    uint32_t operation;
    uint32_t problem;
    char user[USER_ID_SIZE];
};

struct denial {
    UT_hash_handle hh;
    struct kind kind;
    uint64_t count;
};

struct audit_notes {
    struct denial *denials;
    struct deadline deadline;
};

/* An entry on its way to the region's own file. */
struct entry {
    struct commit_op op;
    char user[USER_ID_SIZE];
};

struct audit_notes *audit_notes_create(void)
{
    struct audit_notes *notes = memory_alloc(sizeof *notes);

    notes->deadline.kind = DUE_AUDIT_NOTES;
    return notes;
}

static void forget(struct audit_notes *notes, struct denial *denial)
{
    HASH_DEL(notes->denials, denial);
    free(denial);
}

void audit_notes_free(struct region *region)
{
    struct audit_notes *notes = region->audit_notes;

    if (!notes)
        return;
    deadlines_clear(&region->deadlines, &notes->deadline);
    while (notes->denials)
        forget(notes, notes->denials);
    free(notes);
}

void audit_notes_denied(struct region *region, const struct request *request,
                        enum problem_id problem)
{
    struct audit_notes *notes = region->audit_notes;
    struct denial *denial;
    struct kind kind = {.operation = (uint32_t)request->call->operation, .problem = problem};

    if (request->has_claims)
        snprintf(kind.user, sizeof kind.user, "%s", request->claims.user);
    if (HASH_COUNT(notes->denials) >= AUDIT_NOTES_DENIALS_MAX)
        kind = (struct kind){.problem = problem};
    HASH_FIND(hh, notes->denials, &kind, sizeof kind, denial);
    if (!denial) {
        denial = memory_alloc(sizeof *denial);
        denial->kind = kind;
        HASH_ADD(hh, notes->denials, kind, sizeof denial->kind, denial);
    }
    denial->count++;
    if (notes->deadline.slot == 0)
        deadlines_set(&region->deadlines, &notes->deadline, region->at.now_us + FLUSH_US);
}

static void on_written(struct region *region, struct commit_op *op, int error)
{
    if (error < 0 && error != -ECANCELED) {
        reach(DENIAL_NOT_NOTED);
        outbox_log(region->outbox, "a denial is not in the audit log: the disk takes no writes");
    }
    free(OWNER_OF(op, struct entry, op));
}

static void write_down(struct region *region, const struct denial *denial)
{
    struct entry *entry = memory_alloc(sizeof *entry);
    Mec__Operation operation = (Mec__Operation)denial->kind.operation;
    const struct route *route = routes_of(operation);

    memcpy(entry->user, denial->kind.user, sizeof entry->user);
    entry->op.bytes = 512;
    entry->op.done = on_written;
    entry->op.queue = (struct queue_op){
        .kind = QUEUE_OP_AUDIT,
        .event = {.action = audit_notes_action(operation),
                  .service = route ? route->service : "",
                  .user = entry->user,
                  .outcome = problem_get((enum problem_id)denial->kind.problem)->type,
                  .count = denial->count}};
    commit_queue(region, &entry->op);
}

void audit_notes_flush(struct region *region)
{
    struct audit_notes *notes = region->audit_notes;

    while (notes->denials) {
        write_down(region, notes->denials);
        forget(notes, notes->denials);
    }
}

/* ---- notes ---- */

struct note {
    struct commit_op op;
    struct request *request;
    struct token_claims claims;
    audit_notes_done *done;
    void *context;
};

static void on_noted(struct region *region, struct commit_op *op, int error)
{
    struct note *note = OWNER_OF(op, struct note, op);

    request_resume(note->request, STAGE_STORAGE, region->at.now_us);
    note->done(region, note->context, error);
    free(note);
}

void audit_notes_note(struct region *region, struct request *request, const char *action,
                      const struct token_claims *claims, audit_notes_done *done, void *context)
{
    struct note *note = memory_alloc(sizeof *note);

    request_wait(request, region->at.now_us);
    note->request = request;
    note->claims = *claims;
    note->done = done;
    note->context = context;
    note->op.bytes = 512;
    note->op.done = on_noted;
    note->op.store = (struct store_op){.kind = STORE_OP_AUDIT,
                                       .event = {.action = action,
                                                 .service = "auth",
                                                 .user = note->claims.user,
                                                 .session = note->claims.session}};
    commit_store(region, request->copy, &note->op);
}

/* ---- listing ---- */

static json_t *entry_json(const struct store_audit_entry *entry)
{
    struct position position = {.epoch = entry->epoch, .seq = entry->seq};
    char time[TEXT_TIME_SIZE], at[POSITION_TEXT_SIZE];

    snprintf(position.shard, sizeof position.shard, "%s", entry->shard);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:I, s:o, s:s}", "entry", (json_int_t)entry->n,
                     "time", text_time(entry->wall_us, time), "action", entry->action, "key",
                     entry->key, "outcome", entry->outcome, "count", (json_int_t)entry->count,
                     "position",
                     entry->seq ? json_string(position_print(&position, at)) : json_null(),
                     "session", entry->session);
}

static char *list_json(const struct store_audit_entry *entries, size_t count, bool more)
{
    json_t *items = json_array();
    char next[24];
    json_t *root;
    char *text;

    for (size_t i = 0; i < count; i++)
        json_array_append_new(items, entry_json(&entries[i]));
    if (more)
        snprintf(next, sizeof next, "%llu", (unsigned long long)entries[count - 1].n);
    root = json_pack("{s:o, s:o}", "items", items, "next", more ? json_string(next) : json_null());
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

/* Entries are numbered from 1, and the next page is of those before the last one shown. */
static bool read_page(const char *after, uint64_t *ret_before_n)
{
    char *end;

    *ret_before_n = 0;
    if (after[0] == '\0')
        return true;
    if (after[0] < '1' || after[0] > '9')
        return false;
    *ret_before_n = strtoull(after, &end, 10);
    return *end == '\0';
}

static void list_admitted(struct region *region, struct request *request)
{
    size_t limit = request->call->limit ? request->call->limit : LIST_DEFAULT;
    struct store_audit_entry *entries;
    struct answer answer;
    uint64_t before_n;
    char *json;
    int count;

    if (limit > LIST_MAX)
        limit = LIST_MAX;
    request_enter(request, STAGE_STORAGE);
    if (!read_page(request->call->after, &before_n)) {
        answer_problem(region, request, PROBLEM_BAD_REQUEST,
                       "after is the `next` of the page before, unchanged.");
        return;
    }
    entries = arena_alloc(region->scratch, (limit + 1) * sizeof *entries);
    count = store_reader_audit(request->copy->reader, region->scratch, request->claims.user,
                               before_n, limit + 1, entries);
    if (count < 0) {
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                       "The audit log cannot be read.");
        return;
    }
    json = list_json(entries, (size_t)count > limit ? limit : (size_t)count, (size_t)count > limit);
    answer_init(&answer, 200);
    answer.message.content_type = "application/json";
    answer.message.body.data = (uint8_t *)json;
    answer.message.body.len = strlen(json);
    answer.message.served = MEC__SERVED__SERVED_HOME;
    answer_read(region, &answer, request->copy, 0, 0);
    answer_send(region, request, &answer);
    free(json);
}

void audit_notes_list(struct region *region, struct request *request)
{
    request_enter(request, STAGE_SERVICE);
    if (!request->copy || !copies_is_home(region, request->copy))
        answer_not_home(region, request);
    else
        reading_admit(region, request, list_admitted);
}
