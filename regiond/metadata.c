#include "regiond/metadata.h"

#include <errno.h>
#include <jansson.h>

#include "common/memory.h"
#include "common/reach.h"
#include "regiond/answer.h"
#include "regiond/conditions.h"
#include "regiond/reading.h"
#include "regiond/text.h"

/* Of one page of a list: keys can be long, and a frame is bounded. */
#define PAGE_BYTES_MAX (512u * 1024)
/* A list is read together with the log's end; a commit between the two makes us read again. */
#define LIST_TRIES 3

static bool key_is_valid(const char *key)
{
    struct slice slice = slice_of(key);

    return slice.size > 0 && slice.size <= METADATA_KEY_SIZE_MAX && text_is_clean(slice);
}

static void refuse_key(struct region *region, struct request *request)
{
    answer_problem(region, request, PROBLEM_BAD_REQUEST,
                   "A key is 1 to 512 bytes of UTF-8 without control characters.");
}

static void refuse_unreadable(struct region *region, struct request *request)
{
    outbox_log(region->outbox, "the file of shard %s cannot be read", request->copy->shard);
    answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                   "The region's storage cannot be read.");
}

static bool has_copy(struct region *region, struct request *request)
{
    if (request->copy)
        return true;
    answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_NO_REGION,
                   "This region holds no copy of the user's shard.");
    return false;
}

static void answer_record(struct region *region, struct request *request,
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

/* Who was told that a key is gone has seen the tombstone: @seq is its change's, or 0. */
static void answer_absent(struct region *region, struct request *request, uint64_t epoch,
                          uint64_t seq)
{
    const struct problem *problem = problem_get(PROBLEM_NOT_FOUND);
    struct answer answer;

    answer_init(&answer, (uint32_t)problem->status);
    answer.message.problem = (char *)problem->type;
    answer.message.detail = "There is no value under this key.";
    answer.message.served = copies_is_home(region, request->copy) ? MEC__SERVED__SERVED_HOME
                                                                  : MEC__SERVED__SERVED_REPLICA;
    answer_read(region, &answer, request->copy, epoch, seq);
    answer_seen(&answer, request->copy, epoch, seq);
    answer_send(region, request, &answer);
}

static void get_from_store(struct region *region, struct request *request,
                           const struct cache_key *cache_as)
{
    struct copy *copy = request->copy;
    struct cache_record cached;
    struct record record;
    int r;

    request_enter(request, STAGE_STORAGE);
    r = store_reader_get(copy->reader, region->scratch, "metadata", request->claims.user,
                         request->call->key, &record);
    if (r == -ENOENT) {
        answer_absent(region, request, 0, 0);
    } else if (r < 0) {
        refuse_unreadable(region, request);
    } else if (record.deleted) {
        reach(TOMBSTONE_READ);
        answer_absent(region, request, record.epoch, record.seq);
    } else {
        cached = (struct cache_record){.version = record.version,
                                       .epoch = record.epoch,
                                       .seq = record.seq,
                                       .updated_wall_us = record.updated_wall_us,
                                       .content_type = record.content_type,
                                       .value = record.value};
        if (cache_as)
            cache_put(region->cache, cache_as, &cached);
        answer_record(region, request, &cached,
                      copies_is_home(region, copy) ? MEC__SERVED__SERVED_HOME
                                                   : MEC__SERVED__SERVED_REPLICA);
    }
}

static void get_admitted(struct region *region, struct request *request)
{
    struct cache_record record;
    struct cache_key key;
    bool cacheable = cache_key(request->copy->target, "metadata", request->claims.user,
                               request->call->key, &key) == 0;

    request_enter(request, STAGE_CACHE);
    if (cacheable && cache_find(region->cache, &key, &record))
        answer_record(region, request, &record, MEC__SERVED__SERVED_CACHE);
    else
        get_from_store(region, request, cacheable ? &key : NULL);
}

void metadata_get(struct region *region, struct request *request)
{
    request_enter(request, STAGE_SERVICE);
    if (!has_copy(region, request))
        return;
    if (!key_is_valid(request->call->key)) {
        refuse_key(region, request);
        return;
    }
    reading_admit(region, request, get_admitted);
}

/* Read the page and the end of the log it belongs to. Returns how many, or -EIO. */
static int read_page(struct region *region, const struct request *request, size_t limit,
                     struct record *ret_records, struct store_end *ret_end)
{
    const Mec__Call *call = request->call;
    struct store_reader *reader = request->copy->reader;

    for (int i = 0; i < LIST_TRIES; i++) {
        struct store_end before;
        int count, r;

        r = store_reader_end(reader, &before);
        if (r < 0)
            return r;
        count = store_reader_list(reader, region->scratch, "metadata", request->claims.user,
                                  call->prefix, call->after, limit, ret_records);
        if (count < 0)
            return count;
        r = store_reader_end(reader, ret_end);
        if (r < 0)
            return r;
        if (before.seq == ret_end->seq)
            return count;
    }
    return -EAGAIN;
}

/* As many of @records as one page takes. */
static size_t page_count(const struct record *records, size_t count, size_t limit)
{
    size_t bytes = 0;
    size_t i;

    for (i = 0; i < count && i < limit; i++) {
        bytes += 2 * strlen(records[i].key) + 128;
        if (i > 0 && bytes > PAGE_BYTES_MAX)
            break;
    }
    return i;
}

static char *list_json(const struct record *records, size_t page, bool more)
{
    json_t *items = json_array();
    json_t *root;
    char *text;

    for (size_t i = 0; i < page; i++) {
        char updated[TEXT_TIME_SIZE];

        json_array_append_new(items, json_pack("{s:s, s:I, s:I, s:s}", "key", records[i].key,
                                               "version", (json_int_t)records[i].version, "bytes",
                                               (json_int_t)records[i].value.size, "updated",
                                               text_time(records[i].updated_wall_us, updated)));
    }
    root = json_pack("{s:o, s:o}", "items", items, "next",
                     more ? json_string(records[page - 1].key) : json_null());
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static void list_admitted(struct region *region, struct request *request)
{
    size_t limit = request->call->limit ? request->call->limit : METADATA_LIST_DEFAULT;
    struct answer answer;
    struct store_end end;
    struct record *records;
    size_t page;
    char *json;
    int count;

    if (limit > METADATA_LIST_MAX)
        limit = METADATA_LIST_MAX;
    request_enter(request, STAGE_STORAGE);
    records = arena_alloc(region->scratch, (limit + 1) * sizeof *records);
    count = read_page(region, request, limit + 1, records, &end);
    if (count == -EAGAIN) {
        answer_overloaded(region, request);
        return;
    }
    if (count < 0) {
        refuse_unreadable(region, request);
        return;
    }
    page = page_count(records, (size_t)count, limit);
    json = list_json(records, page, page < (size_t)count);
    answer_init(&answer, 200);
    answer.message.content_type = "application/json";
    answer.message.body.data = (uint8_t *)json;
    answer.message.body.len = strlen(json);
    answer.message.served = copies_is_home(region, request->copy) ? MEC__SERVED__SERVED_HOME
                                                                  : MEC__SERVED__SERVED_REPLICA;
    answer_read(region, &answer, request->copy, end.epoch, end.seq);
    answer_send(region, request, &answer);
    free(json);
}

void metadata_list(struct region *region, struct request *request)
{
    const Mec__Call *call = request->call;

    request_enter(request, STAGE_SERVICE);
    if (!has_copy(region, request))
        return;
    if ((call->prefix[0] && !key_is_valid(call->prefix)) ||
        (call->after[0] && !key_is_valid(call->after))) {
        refuse_key(region, request);
        return;
    }
    reading_admit(region, request, list_admitted);
}
