#include "regiond/metadata.h"

#include <errno.h>

#include "regiond/answer.h"
#include "regiond/listing.h"
#include "regiond/reading.h"
#include "regiond/records.h"
#include "regiond/text.h"

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

static void get_admitted(struct region *region, struct request *request)
{
    struct cache_record record;
    Mec__Served served;
    int r = records_find(region, request, "metadata", request->claims.user, request->call->key,
                         &record, &served);

    if (r == -ENOENT)
        records_answer_absent(region, request, record.epoch, record.seq,
                              "There is no value under this key.");
    else if (r < 0)
        records_answer_failure(region, request, r);
    else
        records_answer(region, request, &record, served);
}

void metadata_get(struct region *region, struct request *request)
{
    request_enter(request, STAGE_SERVICE);
    if (!records_has_copy(region, request))
        return;
    if (!key_is_valid(request->call->key)) {
        refuse_key(region, request);
        return;
    }
    reading_admit(region, request, get_admitted);
}

static void list_admitted(struct region *region, struct request *request)
{
    static const struct listing listing = {.service = "metadata", .member = "key"};

    listing_answer(region, request, &listing);
}

void metadata_list(struct region *region, struct request *request)
{
    const Mec__Call *call = request->call;

    request_enter(request, STAGE_SERVICE);
    if (!records_has_copy(region, request))
        return;
    if ((call->prefix[0] && !key_is_valid(call->prefix)) ||
        (call->after[0] && !key_is_valid(call->after))) {
        refuse_key(region, request);
        return;
    }
    reading_admit(region, request, list_admitted);
}
