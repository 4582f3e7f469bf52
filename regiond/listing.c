#include "regiond/listing.h"

#include <jansson.h>

#include "common/memory.h"
#include "regiond/answer.h"
#include "regiond/records.h"
#include "regiond/text.h"

/* Of one page of a list: keys can be long, and a frame is bounded. */
#define PAGE_BYTES_MAX (512u * 1024)

/* One more than the page has, to know whether there are more. */
struct page {
    const struct request *request;
    const struct listing *listing;
    size_t limit;
    struct record *records;
    size_t count;
};

static int read_page(struct region *region, const struct copy *copy, void *context)
{
    struct page *page = context;
    const Mec__Call *call = page->request->call;
    int count = store_reader_list(copy->reader, region->scratch, page->listing->service,
                                  page->request->claims.user, call->prefix, call->after,
                                  page->limit + 1, page->records);

    if (count < 0)
        return count;
    page->count = (size_t)count;
    return 0;
}

/* As many of the records as one page takes. */
static size_t page_size(const struct page *page)
{
    size_t bytes = 0;
    size_t i;

    for (i = 0; i < page->count && i < page->limit; i++) {
        bytes += 2 * strlen(page->records[i].key) + 128;
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

static char *page_json(const struct page *page)
{
    size_t size = page_size(page);
    json_t *items = json_array();
    json_t *root;
    char *text;

    for (size_t i = 0; i < size; i++)
        json_array_append_new(items, item_json(page->listing, &page->records[i]));
    root = json_pack("{s:o, s:o}", "items", items, "next",
                     size < page->count ? json_string(page->records[size - 1].key) : json_null());
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

size_t listing_limit(const struct request *request)
{
    size_t limit = request->call->limit ? request->call->limit : LISTING_DEFAULT;

    return limit < LISTING_MAX ? limit : LISTING_MAX;
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
    struct page page = {.request = request, .listing = listing, .limit = listing_limit(request)};
    struct store_end end;
    int r;

    request_enter(request, STAGE_STORAGE);
    page.records = arena_alloc(region->scratch, (page.limit + 1) * sizeof *page.records);
    r = records_at_once(region, request->copy, read_page, &page, &end);
    if (r < 0)
        records_answer_failure(region, request, r);
    else
        listing_send(region, request, &end, page_json(&page));
}
