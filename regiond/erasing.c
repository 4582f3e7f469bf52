#include "regiond/erasing.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/plant.h"
#include "common/reach.h"
#include "regiond/account.h"
#include "regiond/commit.h"
#include "regiond/forward.h"
#include "regiond/names.h"

#define NOTE_PREFIX  "closing/"
#define NOTES_MAX    64 /* read at once; the rest follows when these are done */
#define PAGE         64
#define RETRY_US     SECOND_US
#define JOBS_MAX     256
#define KEY_SIZE_MAX 1200

/* What a user's records stand under; the account itself goes last. */
static const char *const services[] = {"metadata", "grants", "vault", "vault-keys"};

#define SERVICE_COUNT (sizeof services / sizeof services[0])

/* One deletion of a record, or of the note. */
struct removal {
    struct commit_op op;
    struct erasing *job;
    char *key;
};

struct erasing {
    struct erasing *prev, *next;
    struct region *region;
    struct copy *copy;
    char user[USER_ID_SIZE];
    char name[ACCOUNT_NAME_SIZE];
    uint64_t note_version;
    size_t out; /* removals under way */
    bool failed;
    enum { RECORDS, ACCOUNT, LATE_RECORDS, NAME, NOTE, DONE } phase;
    struct deadline deadline;
};

/* ---- notes ---- */

struct note {
    struct commit_op op;
    char user[USER_ID_SIZE];
    char key[sizeof NOTE_PREFIX + USER_ID_SIZE];
    char *value;
};

static void on_noted(struct region *region, struct commit_op *op, int error)
{
    struct note *note = OWNER_OF(op, struct note, op);

    (void)region;
    (void)error; /* the account's own write tells */
    free(note->value);
    free(note);
}

void erasing_note(struct region *region, const struct copy *copy, const char *user,
                  const char *name)
{
    struct note *note = memory_alloc(sizeof *note);
    json_t *root = json_pack("{s:s}", "name", name);

    snprintf(note->user, sizeof note->user, "%s", user);
    snprintf(note->key, sizeof note->key, NOTE_PREFIX "%s", user);
    note->value = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    note->op.bytes = strlen(note->value) + 256;
    note->op.done = on_noted;
    note->op.store = (struct store_op){.kind = STORE_OP_WRITE,
                                       .write = {.service = "auth",
                                                 .user = "",
                                                 .key = note->key,
                                                 .content_type = "application/json",
                                                 .value = slice_of(note->value),
                                                 .condition = STORE_ANY,
                                                 .idempotency_key = "",
                                                 .receipt = "",
                                                 .traceparent = "",
                                                 .action = "auth.close",
                                                 .actor = note->user}};
    commit_store(region, copy, &note->op);
}

static int read_note(struct region *region, struct erasing *job)
{
    char key[sizeof NOTE_PREFIX + USER_ID_SIZE];
    struct record record;
    json_t *root;
    const char *name;
    int r;

    snprintf(key, sizeof key, NOTE_PREFIX "%s", job->user);
    r = store_reader_get(job->copy->reader, region->scratch, "auth", "", key, &record);
    if (r < 0 || record.deleted)
        return r < 0 ? r : -ENOENT;
    root = json_loadb(record.value.data, record.value.size, JSON_REJECT_DUPLICATES, NULL);
    if (json_unpack(root, "{s:s}", "name", &name) < 0 || strlen(name) >= sizeof job->name)
        r = -EBADMSG;
    else
        snprintf(job->name, sizeof job->name, "%s", name);
    json_decref(root);
    job->note_version = record.version;
    return r;
}

/* ---- jobs ---- */

static struct erasing *find(const struct region *region, const char *user)
{
    struct erasing *job;

    DL_FOREACH(region->erasings, job)
    if (strcmp(job->user, user) == 0)
        return job;
    return NULL;
}

static void end(struct region *region, struct erasing *job)
{
    deadlines_clear(&region->deadlines, &job->deadline);
    DL_DELETE(region->erasings, job);
    region->erasing_count--;
    free(job);
}

static void put_off(struct region *region, struct erasing *job)
{
    job->failed = false;
    deadlines_set(&region->deadlines, &job->deadline, region->at.now_us + RETRY_US);
}

static void go_on(struct region *region, struct erasing *job);

static void on_removed(struct region *region, struct commit_op *op, int error)
{
    struct removal *removal = OWNER_OF(op, struct removal, op);
    struct erasing *job = removal->job;

    /* One that somebody else has deleted is as good. */
    if (error < 0 || (op->store.result != STORE_DONE && op->store.result != STORE_NOT_FOUND))
        job->failed = true;
    free(removal->key);
    free(removal);
    assert(job->out > 0);
    job->out--;
    if (error == -ECANCELED || job->out > 0)
        return;
    if (job->failed)
        put_off(region, job);
    else
        go_on(region, job);
}

static struct removal *new_removal(struct erasing *job, const char *service, const char *user,
                                   const char *key)
{
    struct removal *removal = memory_alloc(sizeof *removal);

    removal->job = job;
    removal->key = memory_text(key);
    removal->op.bytes = strlen(key) + 256;
    removal->op.done = on_removed;
    removal->op.store = (struct store_op){.kind = STORE_OP_WRITE,
                                          .write = {.service = service,
                                                    .user = user,
                                                    .key = removal->key,
                                                    .delete = true,
                                                    .condition = STORE_ANY,
                                                    .idempotency_key = "",
                                                    .receipt = "",
                                                    .traceparent = "",
                                                    .action = "auth.erase",
                                                    .actor = job->user}};
    return removal;
}

static void start_removal(struct region *region, struct removal *removal)
{
    removal->job->out++;
    commit_store(region, removal->job->copy, &removal->op);
}

/* Begin to remove what is left of @service, a page of it. Returns how many, or -EIO. */
static int remove_page(struct region *region, struct erasing *job, const char *service)
{
    struct record *records = arena_alloc(region->scratch, PAGE * sizeof *records);
    int count = store_reader_list(job->copy->reader, region->scratch, service, job->user, "", "",
                                  PAGE, records);

    for (int i = 0; i < count; i++)
        start_removal(region, new_removal(job, service, job->user, records[i].key));
    return count;
}

/* Each page starts from the front again, and only nothing is enough. */
static int remove_records(struct region *region, struct erasing *job)
{
    for (size_t i = 0; i < SERVICE_COUNT; i++) {
        int count = remove_page(region, job, services[i]);

        if (count != 0)
            return count;
    }
    return 0;
}

static void on_released(struct region *region, void *context, int error, const Mec__Answer *answer)
{
    struct erasing *job = context;

    job->out--;
    if (error == -ECANCELED)
        return;
    if (error < 0 || answer->verdict != MEC__VERDICT__FINAL || answer->status >= 300) {
        reach(NAME_NOT_RELEASED_YET);
        put_off(region, job);
        return;
    }
    job->phase = NOTE;
    go_on(region, job);
}

static void release_name(struct region *region, struct erasing *job)
{
    const struct copy *directory = names_directory(region, job->name);
    struct request asker = {.arrived_us = region->at.now_us};
    Mec__Claims claims = MEC__CLAIMS__INIT;
    Mec__Call call = MEC__CALL__INIT;

    claims.user = job->user;
    claims.shard = job->copy->shard;
    call.operation = MEC__OPERATION__NAME_RELEASE;
    call.shard = directory ? (char *)directory->shard : call.shard;
    call.claims = &claims;
    call.key = job->name;
    asker.call = &call;
    job->out++;
    forward_call(region, &asker, directory ? directory->home_peer : PEER_NONE, &call, on_released,
                 job);
}

/* Unless it has been written anew: then the account is to be closed after all. */
static void remove_note(struct region *region, struct erasing *job)
{
    char key[sizeof NOTE_PREFIX + USER_ID_SIZE];
    struct removal *removal;

    snprintf(key, sizeof key, NOTE_PREFIX "%s", job->user);
    removal = new_removal(job, "auth", "", key);
    removal->op.store.write.condition = STORE_IF_VERSION;
    removal->op.store.write.if_version = job->note_version;
    start_removal(region, removal);
}

/* A note without a closed account is left from a deletion that did not happen. */
static bool is_closing(struct region *region, struct erasing *job, int *ret_error)
{
    struct account account;
    int r = account_read(region, job->copy, job->user, &account);

    *ret_error = r == 0 || r == -EIDRM || r == -ENOENT ? 0 : r;
    return r != 0 || account.closing;
}

static void done(struct region *region, struct erasing *job)
{
    reach(USER_ERASED);
    end(region, job);
    if (region->erasing_count == 0) /* more may have been noted than are done at once */
        erasing_resume(region);
}

/* The account goes behind all writes that were on their way when it was closed, in the order of the
 * file; so what is left once it is gone is the last. */
static void go_on(struct region *region, struct erasing *job)
{
    int r = 0;

    if (!copies_is_home(region, job->copy)) {
        end(region, job);
        return;
    }
    if (job->phase == RECORDS || job->phase == LATE_RECORDS) {
        r = PLANTED(HASTY_ERASER) ? 0 : remove_records(region, job);
        if (r < 0)
            put_off(region, job);
        if (r != 0)
            return;
        job->phase++;
    }
    switch (job->phase) {
    case ACCOUNT:
        job->phase = LATE_RECORDS;
        start_removal(region, new_removal(job, "auth", job->user, "account"));
        return;
    case NAME:
        if (!PLANTED(STAYING_NAME)) {
            release_name(region, job);
            return;
        }
        /* fall through */
    case NOTE:
        job->phase = DONE;
        remove_note(region, job);
        return;
    default:
        done(region, job);
        return;
    }
}

/* Always from the front, which is quick where nothing is left: what was removed may not have been.
 */
static void begin(struct region *region, struct erasing *job)
{
    int r = read_note(region, job);

    if (r == -ENOENT || r == -EBADMSG) {
        end(region, job);
        return;
    }
    if (r == 0)
        job->phase = is_closing(region, job, &r) ? RECORDS : NOTE;
    if (r < 0)
        put_off(region, job);
    else
        go_on(region, job);
}

void erasing_again(struct region *region, struct erasing *job)
{
    if (job)
        begin(region, job);
    else
        erasing_resume(region);
}

void erasing_start(struct region *region, struct copy *copy, const char *user)
{
    struct erasing *job;

    if (find(region, user) || region->erasing_count >= JOBS_MAX)
        return;
    job = memory_alloc(sizeof *job);
    job->region = region;
    job->copy = copy;
    snprintf(job->user, sizeof job->user, "%s", user);
    job->deadline.kind = DUE_ERASING;
    job->deadline.owner = job;
    DL_APPEND(region->erasings, job);
    region->erasing_count++;
    begin(region, job);
}

static void resume(struct region *region, struct copy *copy)
{
    struct record *records = arena_alloc(region->scratch, NOTES_MAX * sizeof *records);
    int count = store_reader_list(copy->reader, region->scratch, "auth", "", NOTE_PREFIX, "",
                                  NOTES_MAX, records);

    for (int i = 0; i < count; i++)
        erasing_start(region, copy, records[i].key + sizeof NOTE_PREFIX - 1);
}

void erasing_resume(struct region *region)
{
    region->erasing_deadline.kind = DUE_ERASING;
    for (size_t i = 0; i < region->copy_count; i++) {
        struct copy *copy = &region->copies[i];

        if (copies_is_home(region, copy))
            resume(region, copy);
        else if (copies_becomes_home(region, copy))
            deadlines_set(&region->deadlines, &region->erasing_deadline,
                          region->at.now_us + RETRY_US);
    }
}

size_t erasing_count(const struct region *region)
{
    return region->erasing_count;
}

void erasing_free(struct region *region)
{
    while (region->erasings)
        end(region, region->erasings);
    deadlines_clear(&region->deadlines, &region->erasing_deadline);
}
