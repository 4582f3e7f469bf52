#include "regiond/vault.h"

#include <errno.h>

#include "common/reach.h"
#include "regiond/answer.h"
#include "regiond/data_keys.h"
#include "regiond/grants.h"
#include "regiond/listing.h"
#include "regiond/reading.h"
#include "regiond/records.h"
#include "regiond/text.h"
#include "regiond/trust.h"
#include "regiond/vault_internal.h"
#include "regiond/vault_item.h"

const char *const vault_services[] = {VAULT_SERVICE, DATA_KEYS_SERVICE, GRANTS_SERVICE, NULL};

bool vault_name_is_valid(const char *name)
{
    struct slice slice = slice_of(name);

    return slice.size > 0 && slice.size <= VAULT_NAME_SIZE_MAX && text_is_clean(slice) &&
           !strchr(name, '/');
}

void vault_refuse_name(struct region *region, struct request *request)
{
    answer_problem(
        region, request, PROBLEM_BAD_REQUEST,
        "An item's name is 1 to 128 bytes of UTF-8 without control characters and slashes.");
}

void vault_answer_closed(struct region *region, struct request *request, int error)
{
    if (error == -ENOKEY) {
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_NO_REGION,
                       "This region has no key to the user's vault.");
    } else if (error == -EBADMSG) {
        reach(VAULT_ITEM_NOT_OPENED);
        outbox_log(region->outbox, "an item in the vault of shard %s does not open",
                   request->copy->shard);
        answer_problem(region, request, PROBLEM_INTERNAL, "The item does not open.");
    } else {
        records_answer_failure(region, request, error);
    }
}

void vault_answer_opened(struct region *region, struct request *request, const char *owner,
                         const struct cache_record *sealed, Mec__Served served)
{
    struct cache_record open = *sealed;
    struct vault_item item;
    int r = vault_item_open(region, request->copy, owner, request->call->key, sealed->version,
                            sealed->value, &item);

    if (r < 0) {
        vault_answer_closed(region, request, r);
        return;
    }
    open.content_type = item.content_type;
    open.value = item.value;
    records_answer(region, request, &open, served);
    vault_item_close(&item);
}

void vault_get_own(struct region *region, struct request *request)
{
    struct cache_record record;
    Mec__Served served;
    int r;

    if (!trust_tokens(region, request->copy)) {
        trust_refuse(region, request);
        return;
    }
    r = records_find(region, request, VAULT_SERVICE, request->claims.user, request->call->key,
                     &record, &served);
    if (r == -ENOENT)
        records_answer_absent(region, request, record.epoch, record.seq,
                              "There is no item of this name.");
    else if (r < 0)
        records_answer_failure(region, request, r);
    else
        vault_answer_opened(region, request, request->claims.user, &record, served);
}

void vault_get(struct region *region, struct request *request)
{
    request_enter(request, STAGE_SERVICE);
    if (!records_has_copy(region, request))
        return;
    if (!vault_name_is_valid(request->call->key))
        vault_refuse_name(region, request);
    else if (request->call->owner[0])
        vault_shared_get(region, request);
    else
        reading_admit(region, request, vault_get_own);
}

static void list_admitted(struct region *region, struct request *request)
{
    static const struct listing listing = {
        .service = VAULT_SERVICE, .member = "name", .overhead_bytes = VAULT_ITEM_OVERHEAD};

    if (trust_tokens(region, request->copy))
        listing_answer(region, request, &listing);
    else
        trust_refuse(region, request);
}

void vault_list(struct region *region, struct request *request)
{
    const Mec__Call *call = request->call;

    request_enter(request, STAGE_SERVICE);
    if (!records_has_copy(region, request))
        return;
    if ((call->prefix[0] && !vault_name_is_valid(call->prefix)) ||
        (call->after[0] && !vault_name_is_valid(call->after)))
        vault_refuse_name(region, request);
    else
        reading_admit(region, request, list_admitted);
}
