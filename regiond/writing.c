#include "regiond/writing.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/plant.h"
#include "common/reach.h"
#include "regiond/answer.h"
#include "regiond/commit.h"
#include "regiond/conditions.h"
#include "regiond/metadata.h"
#include "regiond/standing.h"
#include "regiond/text.h"

/* A write on its way to the disk. */
struct write {
    struct request request;
    struct writing writing; /* its terms are in `op` */
    struct commit_op op;
    char *key, *content_type, *value; /* ours, where they are not the call's */
    struct store_seal seal;
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

void writing_digest(const Mec__Call *call, const uint8_t *secret, uint8_t ret_digest[16])
{
    crypto_generichash_state state;
    uint32_t operation = (uint32_t)call->operation;

    crypto_generichash_init(&state, secret, secret ? 32 : 0, 16);
    hash_part(&state, &operation, sizeof operation);
    hash_text(&state, call->key);
    hash_text(&state, call->if_match);
    hash_text(&state, call->if_none_match);
    hash_text(&state, call->content_type);
    hash_part(&state, call->body.data, call->body.len);
    if (call->grantee[0])
        hash_text(&state, call->grantee);
    crypto_generichash_final(&state, ret_digest, 16);
    sodium_memzero(&state, sizeof state);
}

const char *writing_condition(const Mec__Call *call, struct store_write *terms)
{
    if (conditions_of_write(call->if_match, call->if_none_match, &terms->condition,
                            &terms->if_version) < 0)
        return "If-Match takes one version or *, If-None-Match only *; not both.";
    return NULL;
}

bool writing_fits(struct region *region, struct request *request)
{
    const Mec__Call *call = request->call;

    if (call->content_type[0] && !text_is_ascii(slice_of(call->content_type))) {
        answer_problem(region, request, PROBLEM_BAD_REQUEST,
                       "The content type is not printable ASCII.");
        return false;
    }
    if (call->body.len <= METADATA_VALUE_SIZE_MAX &&
        strlen(call->content_type) <= METADATA_CONTENT_TYPE_SIZE_MAX)
        return true;
    answer_problem(region, request, PROBLEM_TOO_LARGE,
                   "A value has at most 64 KiB, its content type at most 128 bytes.");
    return false;
}

bool writing_is_home(struct region *region, struct request *request)
{
    if (copies_is_home(region, request->copy) || PLANTED(STALE_HOME))
        return true;
    reach(WRITE_AWAY);
    answer_not_home(region, request);
    return false;
}

bool writing_still_stands(struct region *region, struct request *request)
{
    if (request->call->token[0] == '\0')
        return true;
    switch (standing_of(region, request->copy, &request->claims)) {
    case STANDING_GOOD:
    case STANDING_UNKNOWN:
        return true;
    case STANDING_VOID:
        reach(VOID_WHILE_WAITING);
        answer_problem(region, request, PROBLEM_UNAUTHENTICATED,
                       "The token was revoked, or the account deleted, while the call waited.");
        return false;
    case STANDING_UNREADABLE:
        break;
    }
    answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                   "The account cannot be read.");
    return false;
}

/* ---- answers ---- */

static void answer_written(struct region *region, struct request *request,
                           const struct store_op *op)
{
    bool delete = op->write.delete;
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

static void answer_result(struct region *region, struct write *write)
{
    struct request *request = &write->request;
    const struct store_op *op = &write->op.store;

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
        answer_judged(region, request, PROBLEM_NOT_FOUND, write->writing.absent_detail, 0);
        break;
    case STORE_KEY_REUSED:
        answer_problem(region, request, PROBLEM_KEY_REUSED,
                       "This idempotency key stands for another write; use a new one.");
        break;
    case STORE_EXPIRED:
        answer_problem(region, request, PROBLEM_EXPIRED,
                       "The write waited longer in the queue than the world allows.");
        break;
    case STORE_OVER_QUOTA:
        answer_problem(region, request, PROBLEM_QUOTA,
                       "The user has as much there as the world allows; delete something first.");
        break;
    case STORE_FORBIDDEN:
        answer_problem(region, request, write->writing.refusal, write->writing.refusal_detail);
        break;
    default:
        answer_problem(region, request, PROBLEM_INTERNAL, "The write did not run.");
        break;
    }
}

/* What cannot be refused needs no waiting for. */
static bool is_answered_early(const struct store_write *terms)
{
    return PLANTED(EARLY_ACKNOWLEDGEMENT) && terms->condition == STORE_ANY && !terms->forbidden &&
           terms->receipt[0] == '\0' && !terms->delete;
}

static void answer_early(struct region *region, struct write *write)
{
    const struct store_end *end = &write->request.copy->visible;

    write->op.store.epoch = write->request.copy->epoch;
    write->op.store.seq = end->seq + 1;
    answer_written(region, &write->request, &write->op.store);
}

static void answer_done(struct region *region, struct write *write, int error)
{
    if (error == -ENOSPC)
        answer_disk_full(region, &write->request);
    else if (error < 0)
        answer_not_home(region, &write->request);
    else
        answer_result(region, write);
}

/* ---- the way ---- */

static void on_done(struct region *region, struct commit_op *op, int error)
{
    struct write *write = OWNER_OF(op, struct write, op);

    request_resume(&write->request, STAGE_STORAGE, region->at.now_us);
    if (!is_answered_early(&op->store.write))
        answer_done(region, write, error);
    request_release(&write->request);
    if (write->value)
        sodium_memzero(write->value, op->store.write.value.size);
    sodium_memzero(&write->seal, sizeof write->seal);
    free(write->value);
    free(write->content_type);
    free(write->key);
    free(write);
}

/* What the terms leave open is the call's; what they say may not live long enough. */
static void own_texts(struct write *write, struct store_write *terms)
{
    const Mec__Call *call = write->request.call;

    if (terms->key)
        write->key = memory_text(terms->key);
    if (terms->content_type)
        write->content_type = memory_text(terms->content_type);
    if (terms->value.data)
        write->value = memory_copy(terms->value.data, terms->value.size);
    else
        terms->value = (struct slice){(const char *)call->body.data, call->body.len};
    if (write->value)
        terms->value.data = write->value;
    terms->key = write->key ? write->key : call->key;
    terms->content_type = write->content_type ? write->content_type : call->content_type;
}

static void fill(struct write *write, struct store_write *terms)
{
    const Mec__Call *call = write->request.call;

    own_texts(write, terms);
    if (terms->seal) {
        write->seal = *terms->seal;
        terms->seal = &write->seal;
    }
    terms->user = write->request.claims.user;
    terms->session = write->request.claims.session;
    terms->idempotency_key = call->idempotency_key;
    terms->traceparent = call->traceparent;
    terms->receipt = "";
    if (call->mode != MEC__CALL_MODE__DELIVER)
        return;
    terms->receipt = call->receipt;
    terms->expires_wall_us = call->expires_wall_us;
}

void writing_start(struct region *region, const struct request *request,
                   const struct writing *writing)
{
    struct write *write = memory_alloc(sizeof *write);

    request_park(request, &write->request);
    request_wait(&write->request, region->at.now_us);
    write->writing = *writing;
    write->op.store.kind = STORE_OP_WRITE;
    write->op.store.write = writing->terms;
    fill(write, &write->op.store.write);
    write->op.bytes = write->op.store.write.value.size + strlen(write->op.store.write.key) + 256;
    write->op.done = on_done;
    if (is_answered_early(&write->op.store.write))
        answer_early(region, write);
    commit_store(region, request->copy, &write->op);
}
