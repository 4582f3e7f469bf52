#include "regiond/listing.h"

#include <errno.h>
#include <jansson.h>

#include "common/memory.h"
#include "regiond/answer.h"
#include "regiond/records.h"
#include "regiond/text.h"

/* Of one page of a list: keys can be long, and a frame is bounded. */
#define PAGE_BYTES_MAX (512u * 1024)
/* A list is read together with the log's end; a commit between the two makes us read again. */
#define LIST_TRIES 3

/* Read the page and the end of the log it belongs to. Returns how many, or -EIO. */
static int read_page(struct region *region, const struct request *request,
                     const struct listing *listing, size_t limit, struct record *ret_records,
                     struct store_end *ret_end)
{
    const Mec__Call *call = request->call;
    struct store_reader *reader = request->copy->reader;

    for (int i = 0; i < LIST_TRIES; i++) {
        struct store_end before;
        int count, r;

        r = store_reader_end(reader, &before);
        if (r < 0)
            return r;
        count = store_reader_list(reader, region->scratch, listing->service, request->claims.user,
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

static json_t *item_json(const struct listing *listing, const struct record *record)
{
    char updated[TEXT_TIME_SIZE];
    size_t bytes = record->value.size;

    bytes -= bytes < listing->overhead_bytes ? bytes : listing->overhead_bytes;
    return json_pack("{s:s, s:I, s:I, s:s}", listing->member, record->key, "version",
                     (json_int_t)record->version, "bytes", (json_int_t)bytes, "updated",
                     text_time(record->updated_wall_us, updated));
}

static char *list_json(const struct listing *listing, const struct record *records, size_t page,
                       bool more)
{
    json_t *items = json_array();
    json_t *root;
    char *text;

    for (size_t i = 0; i < page; i++)
        json_array_append_new(items, item_json(listing, &records[i]));
    root = json_pack("{s:o, s:o}", "items", items, "next",
                     more ? json_string(records[page - 1].key) : json_null());
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

void listing_send(struct region *region, struct request *request, const struct store_end *end,
                  char *json)
{
    struct answer answer;

    answer_init(&answer, 200);
    answer.message.content_type = "application/json";
    answer.message.body.data = (uint8_t *)json;
    answer.message.body.len = strlen(json);
    answer.message.served = records_served(region, request->copy);
    answer_read(region, &answer, request->copy, end->epoch, end->seq);
    answer_send(region, request, &answer);
    free(json);
}

void listing_answer(struct region *region, struct request *request, const struct listing *listing)
{
    size_t limit = request->call->limit ? request->call->limit : LISTING_DEFAULT;
    struct store_end end;
    struct record *records;
    size_t page;
    int count;

    if (limit > LISTING_MAX)
        limit = LISTING_MAX;
    request_enter(request, STAGE_STORAGE);
    records = arena_alloc(region->scratch, (limit + 1) * sizeof *records);
    count = read_page(region, request, listing, limit + 1, records, &end);
    if (count == -EAGAIN) {
        answer_overloaded(region, request);
        return;
    }
    if (count < 0) {
        records_answer_unreadable(region, request);
        return;
    }
    page = page_count(records, (size_t)count, limit);
    listing_send(region, request, &end, list_json(listing, records, page, page < (size_t)count));
}
