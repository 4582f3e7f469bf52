/* Putting items into the vault and taking them out. */

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/plant.h"
#include "common/reach.h"
#include "regiond/answer.h"
#include "regiond/commit.h"
#include "regiond/data_keys.h"
#include "regiond/records.h"
#include "regiond/vault_internal.h"
#include "regiond/vault_item.h"
#include "regiond/writing.h"

/* A write whose user's key is being written first. */
struct keying {
    struct request request;
    struct commit_op op;
    char *boxes;
    bool again; /* the user has the key already: it is put into boxes again */
};

static const struct writing a_write = {
    .terms = {.service = VAULT_SERVICE},
    .absent_detail = "There is no item of this name.",
};

/* What was asked is kept on disks as a digest. One that everybody can make would give away a value
 * that is easy to guess. */
static void digest(const Mec__Call *call, const struct data_key *key, uint8_t ret_digest[16])
{
    uint8_t secret[32];

    crypto_kdf_derive_from_key(secret, sizeof secret, 1, "mecvault", key->bytes);
    writing_digest(call, secret, ret_digest);
    sodium_memzero(secret, sizeof secret);
}

static void start_put(struct region *region, struct request *request, const struct data_key *key)
{
    const Mec__Call *call = request->call;
    struct writing writing = a_write;
    struct store_seal seal;
    size_t size;
    uint8_t *plain = vault_item_pack(
        call->content_type, (struct slice){(const char *)call->body.data, call->body.len}, &size);

    memcpy(seal.key, key->bytes, sizeof seal.key);
    secret_draw(&region->secret, seal.nonce, sizeof seal.nonce);
    (void)writing_condition(call, &writing.terms);
    writing.terms.content_type = "";
    writing.terms.value = (struct slice){(const char *)plain, size};
    writing.terms.seal = &seal;
    writing.terms.action = "vault.put";
    writing.terms.quota_bytes = region->settings.quota_vault_bytes;
    writing.terms.quota_keys = region->settings.quota_vault_keys;
    if (PLANTED(UNSEALED_ITEM))
        writing.terms.content_type = arena_text_of(
            region->scratch, (struct slice){(const char *)call->body.data, call->body.len});
    digest(call, key, writing.terms.request_digest);
    writing_start(region, request, &writing);
    sodium_memzero(&seal, sizeof seal);
    sodium_memzero(plain, size);
    free(plain);
}

/* ---- the key ---- */

static void finish(struct keying *keying)
{
    request_release(&keying->request);
    free(keying->boxes);
    free(keying);
}

/* Another write may have made the key meanwhile: then that one is it. */
static void on_key_written(struct region *region, struct commit_op *op, int error)
{
    struct keying *keying = OWNER_OF(op, struct keying, op);
    struct request *request = &keying->request;
    struct data_key key;
    int r;

    request_resume(request, STAGE_STORAGE, region->at.now_us);
    if (error == 0 && op->store.result == STORE_CONDITION_FAILED)
        reach(DATA_KEY_RACED);
    r = error == 0 ? data_keys_find(region, request->copy, request->claims.user, &key) : 0;
    if (error == -ENOSPC)
        answer_disk_full(region, request);
    else if (error < 0 || op->store.result == STORE_STALE_EPOCH)
        answer_not_home(region, request);
    else if (r < 0)
        vault_answer_closed(region, request, r == -ENOENT ? -EIO : r);
    else if (writing_still_stands(region, request))
        start_put(region, request, &key);
    sodium_memzero(&key, sizeof key);
    finish(keying);
}

static void write_key(struct region *region, const struct request *request, char *boxes,
                      const struct data_key *before)
{
    struct keying *keying = memory_alloc(sizeof *keying);

    request_park(request, &keying->request);
    request_wait(&keying->request, region->at.now_us);
    keying->boxes = boxes;
    keying->op.bytes = strlen(boxes) + 256;
    keying->op.done = on_key_written;
    keying->op.store = (struct store_op){
        .kind = STORE_OP_WRITE,
        .write = {.service = DATA_KEYS_SERVICE,
                  .user = keying->request.claims.user,
                  .key = DATA_KEYS_RECORD,
                  .content_type = "application/json",
                  .value = slice_of(boxes),
                  .condition = before ? STORE_IF_VERSION : STORE_IF_ABSENT,
                  .if_version = before ? before->version : 0,
                  .idempotency_key = "",
                  .receipt = "",
                  .traceparent = keying->request.call->traceparent,
                  .action = "vault.key"},
    };
    commit_store(region, request->copy, &keying->op);
}

/* A user's first item; or a region has come into the world, or has lost what opened its boxes. */
static void make_key(struct region *region, struct request *request, const struct data_key *before)
{
    struct data_key key = {.version = 0};
    char *boxes;

    if (before) {
        reach(DATA_KEY_BOXED_AGAIN);
        key = *before;
    } else {
        reach(DATA_KEY_MADE);
        data_keys_draw(region, key.bytes);
    }
    boxes = data_keys_boxes(region, key.bytes);
    sodium_memzero(&key, sizeof key);
    if (boxes)
        write_key(region, request, boxes, before);
    else
        vault_answer_closed(region, request, -ENOKEY);
}

static void put(struct region *region, struct request *request)
{
    struct data_key key = {.version = 0};
    int r = data_keys_find(region, request->copy, request->claims.user, &key);

    if (r == 0 && !key.outdated)
        start_put(region, request, &key);
    else if (r == 0 || r == -ENOENT)
        make_key(region, request, r == 0 ? &key : NULL);
    else
        vault_answer_closed(region, request, r);
    sodium_memzero(&key, sizeof key);
}

static void take_out(struct region *region, struct request *request)
{
    struct writing writing = a_write;

    (void)writing_condition(request->call, &writing.terms);
    writing.terms.delete = true;
    writing.terms.action = "vault.delete";
    writing_digest(request->call, NULL, writing.terms.request_digest);
    writing_start(region, request, &writing);
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
        return writing_fits(region, request) && records_has_copy(region, request);
    return false;
}

void vault_write(struct region *region, struct request *request)
{
    Mec__Call *call = request->call;

    request_enter(request, STAGE_SERVICE);
    region->counters.writes++;
    if (!check(region, request) || !writing_is_home(region, request))
        return;
    if (!commit_has_room(region, call->body.len)) {
        answer_overloaded(region, request);
        return;
    }
    if (call->operation == MEC__OPERATION__VAULT_DELETE)
        take_out(region, request);
    else
        put(region, request);
    if (call->body.len > 0) /* whoever waits has a copy, and wipes it */
        sodium_memzero(call->body.data, call->body.len);
}
