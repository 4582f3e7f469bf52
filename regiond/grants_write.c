/* Granting and withdrawing. */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/reach.h"
#include "regiond/answer.h"
#include "regiond/commit.h"
#include "regiond/grants_internal.h"
#include "regiond/lookup.h"
#include "regiond/records.h"
#include "regiond/vault_internal.h"
#include "regiond/writing.h"

/* A change of an item's grants that waits: for a name to be found, or for the disk. */
struct changing {
    struct request request;
    char name[ACCOUNT_NAME_SIZE]; /* of the other user, in lower case */
    struct commit_op op;          /* of a grant that goes besides */
    char *key;                    /* its key */
};

static void finish(struct changing *changing)
{
    request_release(&changing->request);
    free(changing->key);
    free(changing);
}

/* Returns false when the call is answered. */
static bool read_item(struct region *region, struct request *request, struct grants *ret_grants)
{
    struct store_end end;
    int r;

    *ret_grants = (struct grants){.user = request->claims.user, .item = request->call->key};
    request_enter(request, STAGE_STORAGE);
    r = records_at_once(region, request->copy, grants_read, ret_grants, &end);
    if (r < 0)
        records_answer_failure(region, request, r);
    return r == 0;
}

static void write(struct region *region, struct request *request, struct writing *writing)
{
    writing->terms.service = GRANTS_SERVICE;
    writing->terms.content_type = "application/json";
    writing->terms.quota_keys = (uint64_t)region->settings.quota_vault_keys * GRANTS_PER_ITEM_MAX;
    writing_digest(request->call, NULL, writing->terms.request_digest);
    (void)writing_condition(request->call, &writing->terms);
    writing_start(region, request, writing);
}

/* ---- granting ---- */

/* A retry of what has been done is told so, even when it could not be done now: so the store has
 * the last word. */
static void refuse(struct region *region, struct request *request, enum problem_id problem,
                   const char *detail)
{
    struct writing writing = {.terms = {.key = "/", .value = {"{}", 2}, .forbidden = true},
                              .refusal = problem,
                              .refusal_detail = detail};

    writing.terms.action = "vault.grant";
    write(region, request, &writing);
}

static bool has_key(const struct grants *grants, const char *key)
{
    for (size_t i = 0; i < grants->count; i++)
        if (strcmp(grants->items[i].key, key) == 0)
            return true;
    return false;
}

static void grant(struct region *region, struct request *request, const char *name,
                  const char *grantee)
{
    struct writing writing = {.terms = {.action = "vault.grant"}};
    struct grants grants;
    json_t *root;
    char *json;

    if (!read_item(region, request, &grants))
        return;
    if (!grants.exists) {
        refuse(region, request, PROBLEM_NOT_FOUND, "There is no item of this name.");
        return;
    }
    writing.terms.key = grants_key(region, grants.item, grants.incarnation, grantee);
    if (grants.count >= GRANTS_PER_ITEM_MAX && !has_key(&grants, writing.terms.key)) {
        refuse(region, request, PROBLEM_QUOTA, "An item is shared with at most 100 users.");
        return;
    }
    root = json_pack("{s:s}", "name", name);
    json = json_dumps(root, JSON_COMPACT);
    writing.terms.value = slice_of(json);
    write(region, request, &writing);
    free(json);
    json_decref(root);
}

static void on_found(struct region *region, void *context, int error,
                     const struct name_claim *claim)
{
    struct changing *changing = context;
    struct request *request = &changing->request;

    if (error == -ENOENT)
        refuse(region, request, PROBLEM_NOT_FOUND, "There is no user of this name.");
    else if (error < 0)
        answer_problem(region, request, PROBLEM_HOME_UNAVAILABLE,
                       "The region that knows whose name this is cannot be reached.");
    else if (strcmp(claim->user, request->claims.user) == 0)
        answer_problem(region, request, PROBLEM_BAD_REQUEST, "What is yours you may read already.");
    else if (writing_still_stands(region, request))
        grant(region, request, changing->name, claim->user);
    finish(changing);
}

/* ---- withdrawing ---- */

/* Grants that bear the name; *@ret_first is one of them. Two there are when the name was somebody
 * else's before: both are withdrawn. */
static size_t find_by_name(const struct grants *grants, const char *name, const char **ret_first)
{
    size_t count = 0;

    for (size_t i = 0; i < grants->count; i++) {
        if (strcmp(grants->items[i].name, name) != 0)
            continue;
        if (count++ == 0)
            *ret_first = grants->items[i].key;
    }
    return count;
}

static void withdraw(struct region *region, struct changing *changing);

static void on_one_withdrawn(struct region *region, struct commit_op *op, int error)
{
    struct changing *changing = OWNER_OF(op, struct changing, op);

    request_resume(&changing->request, STAGE_STORAGE, region->at.now_us);
    free(changing->key);
    changing->key = NULL;
    if (error == 0 && op->store.result != STORE_STALE_EPOCH) {
        withdraw(region, changing);
        return;
    }
    if (error == -ENOSPC)
        answer_disk_full(region, &changing->request);
    else
        answer_not_home(region, &changing->request);
    finish(changing);
}

static void withdraw_one(struct region *region, struct changing *changing, const char *key)
{
    struct request *request = &changing->request;

    request_wait(request, region->at.now_us);
    changing->key = memory_text(key);
    changing->op.bytes = strlen(key) + 256;
    changing->op.done = on_one_withdrawn;
    changing->op.store = (struct store_op){
        .kind = STORE_OP_WRITE,
        .write = {.service = GRANTS_SERVICE,
                  .user = request->claims.user,
                  .key = changing->key,
                  .delete = true,
                  .content_type = "",
                  .value = {"", 0},
                  .idempotency_key = "",
                  .receipt = "",
                  .traceparent = request->call->traceparent,
                  .action = "vault.withdraw",
                  .session = request->claims.session},
    };
    commit_store(region, request->copy, &changing->op);
}

/* Whose name it is matters no more: what the owner has given to it is withdrawn, though no other
 * region can be reached. */
static void withdraw(struct region *region, struct changing *changing)
{
    struct writing writing = {
        .terms = {.delete = true, .action = "vault.withdraw", .value = {"", 0}},
        .absent_detail = "There is no such grant."};
    struct grants grants;
    size_t count;

    writing.terms.key = "/";
    if (!read_item(region, &changing->request, &grants)) {
        finish(changing);
        return;
    }
    count = find_by_name(&grants, changing->name, &writing.terms.key);
    if (count > 1) {
        withdraw_one(region, changing, writing.terms.key);
        return;
    }
    write(region, &changing->request, &writing);
    finish(changing);
}

/* ---- both ---- */

static bool check(struct region *region, struct request *request)
{
    struct store_write terms;
    const char *why = writing_condition(request->call, &terms);

    if (!vault_name_is_valid(request->call->key))
        vault_refuse_name(region, request);
    else if (why)
        answer_problem(region, request, PROBLEM_BAD_REQUEST, why);
    else
        return records_has_copy(region, request) && writing_is_home(region, request);
    return false;
}

static struct changing *begin(struct region *region, struct request *request)
{
    struct changing *changing;

    request_enter(request, STAGE_SERVICE);
    region->counters.writes++;
    if (!check(region, request))
        return NULL;
    if (!commit_has_room(region, 0)) {
        answer_overloaded(region, request);
        return NULL;
    }
    changing = memory_alloc(sizeof *changing);
    request_park(request, &changing->request);
    account_name(request->call->grantee, changing->name);
    return changing;
}

void grants_put(struct region *region, struct request *request)
{
    struct changing *changing = begin(region, request);

    if (changing)
        lookup_name(region, &changing->request, changing->name, on_found, changing);
}

void grants_delete(struct region *region, struct request *request)
{
    struct changing *changing = begin(region, request);

    if (changing)
        withdraw(region, changing);
}
