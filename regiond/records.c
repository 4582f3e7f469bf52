#include "regiond/records.h"

#include <errno.h>

#include "common/memory.h"
#include "common/reach.h"
#include "regiond/answer.h"
#include "regiond/conditions.h"

/* Several things are read together with the log's end; a commit in between makes us read again. */
#define TRIES_MAX 3

bool records_has_copy(struct region *region, struct request *request)
{
    if (request->copy)
        return true;
    answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_NO_REGION,
                   "This region holds no copy of the user's shard.");
    return false;
}

Mec__Served records_served(const struct region *region, const struct copy *copy)
{
    return copies_is_home(region, copy) ? MEC__SERVED__SERVED_HOME : MEC__SERVED__SERVED_REPLICA;
}

static int find_in_store(struct region *region, const struct copy *copy, const char *service,
                         const char *user, const char *key, struct cache_record *ret_record)
{
    struct record record;
    int r = store_reader_get(copy->reader, region->scratch, service, user, key, &record);

    *ret_record = (struct cache_record){0};
    if (r < 0)
        return r;
    *ret_record = (struct cache_record){.version = record.version,
                                        .epoch = record.epoch,
                                        .seq = record.seq,
                                        .updated_wall_us = record.updated_wall_us,
                                        .content_type = record.content_type,
                                        .value = record.value};
    if (!record.deleted)
        return 0;
    reach(TOMBSTONE_READ);
    return -ENOENT;
}

int records_find(struct region *region, struct request *request, const char *service,
                 const char *user, const char *key, struct cache_record *ret_record,
                 Mec__Served *ret_served)
{
    const struct copy *copy = request->copy;
    struct cache_key name;
    bool cacheable = cache_key(copy->target, service, user, key, &name) == 0;
    int r;

    request_enter(request, STAGE_CACHE);
    *ret_served = MEC__SERVED__SERVED_CACHE;
    if (cacheable && cache_find(region->cache, &name, ret_record))
        return 0;
    request_enter(request, STAGE_STORAGE);
    *ret_served = records_served(region, copy);
    r = find_in_store(region, copy, service, user, key, ret_record);
    if (r == 0 && cacheable)
        cache_put(region->cache, &name, ret_record);
    return r;
}

int records_at_once(struct region *region, const struct copy *copy, records_read *read,
                    void *context, struct store_end *ret_end)
{
    struct store_end before, after;

    for (int i = 0; i < TRIES_MAX; i++) {
        int r = store_reader_end(copy->reader, &before);

        if (r == 0)
            r = read(region, copy, context);
        if (r == 0)
            r = store_reader_end(copy->reader, &after);
        if (r < 0)
            return r;
        if (before.seq == after.seq) {
            *ret_end = after;
            return 0;
        }
    }
    return -EAGAIN;
}

void records_answer(struct region *region, struct request *request,
                    const struct cache_record *record, Mec__Served served)
{
    bool known = conditions_name(request->call->if_none_match, record->version);
    struct answer answer;

    answer_init(&answer, known ? 304 : 200);
    answer.message.version = record->version;
    answer.message.updated_wall_us = record->updated_wall_us;
    answer.message.served = served;
    answer.message.content_type = (char *)record->content_type;
    if (!known) {
        answer.message.body.data = (uint8_t *)(uintptr_t)record->value.data;
        answer.message.body.len = record->value.size;
    }
    answer_read(region, &answer, request->copy, record->epoch, record->seq);
    answer_seen(&answer, request->copy, record->epoch, record->seq);
    answer_send(region, request, &answer);
}

void records_answer_absent(struct region *region, struct request *request, uint64_t epoch,
                           uint64_t seq, const char *detail)
{
    const struct problem *problem = problem_get(PROBLEM_NOT_FOUND);
    struct answer answer;

    answer_init(&answer, (uint32_t)problem->status);
    answer.message.problem = (char *)problem->type;
    answer.message.detail = (char *)detail;
    answer.message.served = records_served(region, request->copy);
    answer_read(region, &answer, request->copy, epoch, seq);
    answer_seen(&answer, request->copy, epoch, seq);
    answer_send(region, request, &answer);
}

void records_answer_failure(struct region *region, struct request *request, int error)
{
    if (error == -EAGAIN) {
        answer_overloaded(region, request);
        return;
    }
    outbox_log(region->outbox, "the file of shard %s cannot be read", request->copy->shard);
    answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                   "The region's storage cannot be read.");
}
