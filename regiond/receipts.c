#include "regiond/receipts.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/reach.h"
#include "regiond/answer.h"
#include "regiond/commit.h"
#include "regiond/drain.h"
#include "regiond/metadata.h"
#include "regiond/text.h"

#define RECEIPT_SIZE       128
#define LIST_PAGE          64
#define LIST_BYTES_MAX     (768u * 1024)
#define RECEIPT_RANDOM_HEX 32

/* A write on its way into the queue. */
struct accepting {
    struct request request;
    struct commit_op op;
    char receipt[RECEIPT_SIZE];
    uint8_t *call;
};

static void finish(struct accepting *accepting)
{
    request_release(&accepting->request);
    free(accepting->call);
    free(accepting);
}

/* Whoever is told that a write is applied may read it from then on. */
static void see_applied(struct answer *answer, const struct copy *copy,
                        const struct queue_entry *entry)
{
    struct position position;

    if (entry->state == QUEUE_APPLIED && copy &&
        position_parse(slice_of(entry->position), &position) == 0)
        answer_seen(answer, copy, position.epoch, position.seq);
}

static void answer_accepted(struct region *region, struct accepting *accepting, const char *receipt,
                            enum queue_state state, uint64_t seq)
{
    json_t *root = json_pack("{s:s, s:s}", "receipt", receipt, "state", queue_state_name(state));
    char *json = json_dumps(root, JSON_COMPACT);
    struct queue_entry entry;
    struct answer answer;

    answer_init(&answer, 202);
    if (state != QUEUE_QUEUED)
        reach(QUEUED_AND_ENDED_BEFORE);
    if (state == QUEUE_APPLIED &&
        queue_reader_find(region->queue_reader, region->scratch, receipt, &entry) == 0)
        see_applied(&answer, accepting->request.copy, &entry);
    answer.message.served = MEC__SERVED__SERVED_QUEUE;
    answer.message.queue_seq = seq;
    answer.message.location = arena_format(region->scratch, "/v1/receipts/%s", receipt);
    answer.message.content_type = "application/json";
    answer.message.body.data = (uint8_t *)json;
    answer.message.body.len = strlen(json);
    answer_send(region, &accepting->request, &answer);
    free(json);
    json_decref(root);
}

static void answer_result(struct region *region, struct accepting *accepting)
{
    const struct queue_op *op = &accepting->op.queue;

    switch (op->result) {
    case QUEUE_DONE:
        answer_accepted(region, accepting, accepting->receipt, QUEUE_QUEUED, op->seq);
        break;
    case QUEUE_REPLAYED:
        answer_accepted(region, accepting, op->replayed_receipt, op->replayed_state, op->seq);
        break;
    case QUEUE_KEY_REUSED:
        answer_problem(region, &accepting->request, PROBLEM_KEY_REUSED,
                       "This idempotency key stands for another write; use a new one.");
        break;
    case QUEUE_FULL:
        answer_problem(region, &accepting->request, PROBLEM_QUEUE_FULL,
                       "Too many writes wait for their home already; try again later.");
        break;
    default:
        answer_problem(region, &accepting->request, PROBLEM_INTERNAL, "The write did not run.");
        break;
    }
}

static void on_done(struct region *region, struct commit_op *op, int error)
{
    struct accepting *accepting = OWNER_OF(op, struct accepting, op);

    request_resume(&accepting->request, STAGE_STORAGE, region->at.now_us);
    if (error == 0) {
        if (op->queue.result == QUEUE_DONE) {
            op->queue.entry.seq = op->queue.seq;
            drain_accepted(region, &op->queue.entry);
        }
        answer_result(region, accepting);
    } else {
        reach(QUEUE_ON_FULL_DISK);
        answer_disk_full(region, &accepting->request);
    }
    finish(accepting);
}

/* The call as it will be delivered: with the claims, so that no token comes to rest on a disk. */
static size_t pack_delivery(const struct region *region, const struct accepting *accepting,
                            uint8_t **ret_packed)
{
    const struct request *request = &accepting->request;
    Mec__Claims claims = MEC__CLAIMS__INIT;
    Mec__Call call = *request->call;
    size_t size;

    claims.user = (char *)request->claims.user;
    claims.shard = (char *)request->claims.shard;
    claims.session = (char *)request->claims.session;
    claims.generation = request->claims.generation;
    claims.issued_s = request->claims.issued_s;
    claims.expires_s = request->claims.expires_s;
    claims.scope = (char *)request->claims.scope;
    claims.auth_time_s = request->claims.auth_time_s;
    call.mode = MEC__CALL_MODE__DELIVER;
    call.shard = claims.shard;
    call.token = "";
    call.claims = &claims;
    call.n_bookmark = 0;
    call.bookmark = NULL;
    call.budget_us = 0;
    call.wait_us = 0;
    call.maybe_written = false;
    call.receipt = (char *)accepting->receipt;
    call.accepted_wall_us = region->at.wall_us;
    call.expires_wall_us = region->at.wall_us + region->settings.queue_expiry_us;
    size = mec__call__get_packed_size(&call);
    *ret_packed = memory_alloc(size);
    mec__call__pack(&call, *ret_packed);
    return size;
}

void receipts_accept(struct region *region, const struct request *request, const uint8_t digest[16])
{
    struct accepting *accepting = memory_alloc(sizeof *accepting);
    struct queue_entry *entry = &accepting->op.queue.entry;
    char nonce[RECEIPT_RANDOM_HEX + 1];
    size_t size;

    request_park(request, &accepting->request);
    request_wait(&accepting->request, region->at.now_us);
    if (!region->settings.queue_writes) {
        answer_problem(region, &accepting->request, PROBLEM_READ_ONLY,
                       "This world does not queue writes; wait for the home region.");
        finish(accepting);
        return;
    }
    secret_draw_hex(&region->secret, nonce, RECEIPT_RANDOM_HEX);
    snprintf(accepting->receipt, sizeof accepting->receipt, "%s.%s", region->name, nonce);
    size = pack_delivery(region, accepting, &accepting->call);
    accepting->op.bytes = size + 256;
    accepting->op.done = on_done;
    accepting->op.queue.kind = QUEUE_OP_ENQUEUE;
    *entry = (struct queue_entry){
        .receipt = accepting->receipt,
        .user = accepting->request.claims.user,
        .shard = accepting->request.claims.shard,
        .service = "metadata",
        .idempotency_key = accepting->request.call->idempotency_key,
        .accepted_wall_us = region->at.wall_us,
        .expires_wall_us = region->at.wall_us + region->settings.queue_expiry_us,
        .call = {(const char *)accepting->call, size},
        .state = QUEUE_QUEUED,
        .attempted = accepting->request.call->maybe_written,
        .position = "",
        .problem = "",
        .detail = "",
    };
    memcpy(entry->request_digest, digest, sizeof entry->request_digest);
    accepting->op.queue.event = (struct store_event){
        .action = metadata_write_action(accepting->request.call),
        .session = accepting->request.claims.session,
        .key = accepting->request.call->key,
    };
    commit_queue(region, &accepting->op);
}

static json_t *problem_json(const struct queue_entry *entry)
{
    const struct problem *problem;
    char type[128];

    if (entry->problem[0] == '\0')
        return json_null();
    problem = problem_get(problem_find(entry->problem));
    snprintf(type, sizeof type, "urn:mecentral:problem:%s", problem->type);
    return json_pack("{s:s, s:s, s:i, s:s}", "type", type, "title", problem->title, "status",
                     problem->status, "detail", entry->detail);
}

static void answer_receipt(struct region *region, struct request *request,
                           const struct queue_entry *entry)
{
    char accepted[TEXT_TIME_SIZE];
    json_t *root = json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "receipt", entry->receipt, "state",
                             queue_state_name(entry->state), "accepted_by", region->name,
                             "accepted", text_time(entry->accepted_wall_us, accepted), "position",
                             entry->position[0] ? json_string(entry->position) : json_null(),
                             "problem", problem_json(entry));
    char *json = json_dumps(root, JSON_COMPACT);
    struct answer answer;

    answer_init(&answer, 200);
    see_applied(&answer, request->copy, entry);
    answer.message.served = MEC__SERVED__SERVED_QUEUE;
    answer.message.content_type = "application/json";
    answer.message.body.data = (uint8_t *)json;
    answer.message.body.len = strlen(json);
    answer_send(region, request, &answer);
    free(json);
    json_decref(root);
}

void receipts_get(struct region *region, struct request *request)
{
    struct queue_entry entry;
    int r;

    request_enter(request, STAGE_SERVICE);
    request_enter(request, STAGE_STORAGE);
    r = queue_reader_find(region->queue_reader, region->scratch, request->call->key, &entry);
    if (r < 0 && r != -ENOENT)
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                       "The queue cannot be read.");
    else if (r == -ENOENT || strcmp(entry.user, request->claims.user) != 0) {
        /* Another's receipt is as unknown as none at all. */
        reach(RECEIPT_NOT_FOUND);
        answer_problem(region, request, PROBLEM_NOT_FOUND,
                       "There is no such receipt, or it ended long ago.");
    } else
        answer_receipt(region, request, &entry);
}

/* Add one page of waiting entries behind @list->through_seq. Returns false at the end. */
static bool list_page(struct region *region, struct arena *arena, Mec__QueueList *list,
                      size_t *bytes)
{
    struct queue_entry page[LIST_PAGE];
    int count =
        queue_reader_waiting(region->queue_reader, arena, list->through_seq, LIST_PAGE, page);

    for (int i = 0; i < count; i++) {
        Mec__QueueEntry *entry;

        list->through_seq = page[i].seq;
        if (page[i].user[0] == '\0') /* the region's own probe of the disk */
            continue;
        entry = arena_alloc(region->scratch, sizeof *entry);
        mec__queue_entry__init(entry);
        entry->seq = page[i].seq;
        entry->user = arena_text(region->scratch, page[i].user);
        entry->shard = arena_text(region->scratch, page[i].shard);
        entry->service = arena_text(region->scratch, page[i].service);
        list->entries[list->n_entries++] = entry;
        *bytes += mec__queue_entry__get_packed_size(entry) + 8;
        if (list->n_entries == RECEIPTS_LIST_MAX || *bytes > LIST_BYTES_MAX)
            return false;
    }
    return count == LIST_PAGE;
}

void receipts_list(struct region *region, uint64_t connection, uint64_t id,
                   const Mec__QueueListAsk *ask)
{
    Mec__QueueList list = MEC__QUEUE_LIST__INIT;
    struct arena *page = arena_create(); /* entries come with their calls: only names are kept */
    size_t bytes = 0;

    list.entries = arena_alloc(region->scratch, RECEIPTS_LIST_MAX * sizeof(Mec__QueueEntry *));
    list.through_seq = ask->after_seq;
    while (list_page(region, page, &list, &bytes))
        arena_reset(page);
    arena_free(page);
    outbox_send(region->outbox, connection, FRAME_QUEUE_LIST, id, &list.base);
}
