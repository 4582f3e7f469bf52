#include "common/plant.h"
#include "common/reach.h"
#include "regiond/metadata.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/memory.h"
#include "regiond/answer.h"
#include "regiond/commit.h"
#include "regiond/conditions.h"
#include "regiond/receipts.h"
#include "regiond/standing.h"
#include "regiond/text.h"

/* A write on its way to the disk. */
struct write {
    struct request request;
    struct commit_op op;
};

static void hash_part(crypto_generichash_state *state, const void *data, size_t size)
{
    uint64_t length = size;

    crypto_generichash_update(state, (const uint8_t *)&length, sizeof length);
    crypto_generichash_update(state, data, size);
}

static void hash_text(crypto_generichash_state *state, const char *text)
{
    hash_part(state, text, strlen(text));
}

/* What was asked: the same under the same key is a retry, anything else is a mistake. */
static void digest_call(const Mec__Call *call, uint8_t ret_digest[16])
{
    crypto_generichash_state state;
    uint32_t operation = (uint32_t)call->operation;

    crypto_generichash_init(&state, NULL, 0, 16);
    hash_part(&state, &operation, sizeof operation);
    hash_text(&state, call->key);
    hash_text(&state, call->if_match);
    hash_text(&state, call->if_none_match);
    hash_text(&state, call->content_type);
    hash_part(&state, call->body.data, call->body.len);
    crypto_generichash_final(&state, ret_digest, 16);
}

static bool is_delete(const Mec__Call *call)
{
    return call->operation == MEC__OPERATION__METADATA_DELETE;
}

const char *metadata_write_action(const Mec__Call *call)
{
    return is_delete(call) ? "metadata.delete" : "metadata.put";
}

static void answer_written(struct region *region, struct request *request,
                           const struct store_op *op)
{
    bool delete = is_delete(request->call);
    struct answer answer;

    answer_init(&answer, !delete &&op->created ? 201 : 204);
    answer.message.served = MEC__SERVED__SERVED_HOME;
    if (!delete)
        answer.message.version = op->version;
    answer.message.staleness_known = true;
    answer_at(&answer, request->copy, op->epoch, op->seq);
    answer_send(region, request, &answer);
}

/* It says how the record stands, so the session has seen that. */
static void answer_judged(struct region *region, struct request *request, enum problem_id id,
                          const char *detail, uint64_t version)
{
    const struct problem *problem = problem_get(id);
    struct answer answer;

    answer_init(&answer, (uint32_t)problem->status);
    answer.message.problem = (char *)problem->type;
    answer.message.detail = (char *)detail;
    answer.message.version = version;
    answer_read(region, &answer, request->copy, 0, 0);
    answer_send(region, request, &answer);
}

static void answer_result(struct region *region, struct request *request, const struct store_op *op)
{
    switch (op->result) {
    case STORE_DONE:
    case STORE_REPLAYED:
        answer_written(region, request, op);
        break;
    case STORE_CONDITION_FAILED:
        answer_judged(region, request, PROBLEM_PRECONDITION_FAILED,
                      "The value is not as If-Match or If-None-Match says; read it again.",
                      op->version);
        break;
    case STORE_NOT_FOUND:
        answer_judged(region, request, PROBLEM_NOT_FOUND, "There is no value under this key.", 0);
        break;
    case STORE_KEY_REUSED:
        answer_problem(region, request, PROBLEM_KEY_REUSED,
                       "This idempotency key stands for another write; use a new one.");
        break;
    case STORE_EXPIRED:
        answer_problem(region, request, PROBLEM_EXPIRED,
                       "The write waited longer in the queue than the world allows.");
        break;
    case STORE_FORBIDDEN:
        answer_problem(region, request, PROBLEM_FORBIDDEN,
                       "The account is gone, or its sessions have been revoked.");
        break;
    case STORE_OVER_QUOTA:
        answer_problem(region, request, PROBLEM_QUOTA,
                       "Delete something first; the world limits what a user may have.");
        break;
    default:
        answer_problem(region, request, PROBLEM_INTERNAL, "The write did not run.");
        break;
    }
}

/* What cannot be refused needs no waiting for. */
static bool is_answered_early(const struct store_write *terms)
{
    return PLANTED(EARLY_ACKNOWLEDGEMENT) && terms->condition == STORE_ANY &&
           terms->receipt[0] == '\0' && !terms->delete;
}

static void answer_early(struct region *region, struct write *write)
{
    const struct store_end *end = &write->request.copy->visible;

    write->op.store.epoch = write->request.copy->epoch;
    write->op.store.seq = end->seq + 1;
    answer_written(region, &write->request, &write->op.store);
}

static void answer_done(struct region *region, struct request *request, const struct store_op *op,
                        int error)
{
    if (error == -ENOSPC)
        answer_disk_full(region, request);
    else if (error < 0)
        answer_not_home(region, request);
    else
        answer_result(region, request, op);
}

static void on_done(struct region *region, struct commit_op *op, int error)
{
    struct write *write = OWNER_OF(op, struct write, op);
    struct request *request = &write->request;

    request_resume(request, STAGE_STORAGE, region->at.now_us);
    if (!is_answered_early(&op->store.write))
        answer_done(region, request, &op->store, error);
    request_release(request);
    free(write);
}

static void start(struct region *region, const struct request *request,
                  const struct store_write *terms)
{
    struct write *write = memory_alloc(sizeof *write);
    const Mec__Call *call;

    request_park(request, &write->request);
    request_wait(&write->request, region->at.now_us);
    call = write->request.call;
    write->op.bytes = call->body.len + strlen(call->key) + 256;
    write->op.done = on_done;
    write->op.store.kind = STORE_OP_WRITE;
    write->op.store.write = *terms;
    write->op.store.write.service = "metadata";
    write->op.store.write.user = write->request.claims.user;
    write->op.store.write.key = call->key;
    write->op.store.write.delete = is_delete(call);
    write->op.store.write.content_type = call->content_type;
    write->op.store.write.value = (struct slice){(const char *)call->body.data, call->body.len};
    write->op.store.write.idempotency_key = call->idempotency_key;
    write->op.store.write.traceparent = call->traceparent;
    write->op.store.write.receipt = "";
    write->op.store.write.action = metadata_write_action(call);
    write->op.store.write.session = write->request.claims.session;
    if (call->mode == MEC__CALL_MODE__DELIVER) {
        write->op.store.write.receipt = call->receipt;
        write->op.store.write.expires_wall_us = call->expires_wall_us;
    }
    if (is_answered_early(&write->op.store.write))
        answer_early(region, write);
    commit_store(region, request->copy, &write->op);
}

/* The token of a queued write was checked when it was accepted; the account may be gone since, or
 * its sessions revoked. Even then a retry of what has been written must not be told that it was
 * not, so the store has the last word. Returns false when the account cannot be read. */
static bool check_account(struct region *region, struct request *request,
                          struct store_write *ret_terms)
{
    enum standing standing = standing_of(region, request->copy, &request->claims);

    if (standing == STANDING_UNREADABLE) {
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                       "The account cannot be read.");
        return false;
    }
    ret_terms->forbidden = standing != STANDING_GOOD;
    return true;
}

static const char *malformed(const Mec__Call *call)
{
    if (call->content_type[0] && !text_is_ascii(slice_of(call->content_type)))
        return "The content type is not printable ASCII.";
    if (call->mode == MEC__CALL_MODE__DELIVER && call->receipt[0] == '\0')
        return "A delivered write has a receipt.";
    return NULL;
}

static bool check(struct region *region, struct request *request, struct store_write *ret_terms)
{
    const Mec__Call *call = request->call;
    struct slice key = slice_of(call->key);
    const char *why = malformed(call);

    if (key.size == 0 || key.size > METADATA_KEY_SIZE_MAX || !text_is_clean(key))
        why = "A key is 1 to 512 bytes of UTF-8 without control characters.";
    else if (conditions_of_write(call->if_match, call->if_none_match, &ret_terms->condition,
                                 &ret_terms->if_version) < 0)
        why = "If-Match takes one version or *, If-None-Match only *; not both.";
    if (why)
        answer_problem(region, request, PROBLEM_BAD_REQUEST, why);
    else if (call->body.len > METADATA_VALUE_SIZE_MAX ||
             strlen(call->content_type) > METADATA_CONTENT_TYPE_SIZE_MAX)
        answer_problem(region, request, PROBLEM_TOO_LARGE,
                       "A value has at most 64 KiB, its content type at most 128 bytes.");
    else
        return true;
    return false;
}

void metadata_write(struct region *region, struct request *request)
{
    const Mec__Call *call = request->call;
    struct store_write terms = {0};

    request_enter(request, STAGE_SERVICE);
    region->counters.writes++;
    if (!check(region, request, &terms))
        return;
    digest_call(call, terms.request_digest);
    if (!request->copy)
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_NO_REGION,
                       "This region holds no copy of the user's shard.");
    else if (!commit_has_room(region, call->body.len))
        answer_overloaded(region, request);
    else if (call->mode == MEC__CALL_MODE__ENQUEUE)
        receipts_accept(region, request, terms.request_digest);
    else if (!copies_is_home(region, request->copy) && !PLANTED(STALE_HOME)) {
        reach(WRITE_AWAY);
        answer_not_home(region, request);
    } else if (call->mode != MEC__CALL_MODE__DELIVER || check_account(region, request, &terms))
        start(region, request, &terms);
}
