#include "regiond/grants.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "regiond/answer.h"
#include "regiond/grants_internal.h"
#include "regiond/listing.h"
#include "regiond/reading.h"
#include "regiond/records.h"
#include "regiond/text.h"
#include "regiond/trust.h"
#include "regiond/vault_internal.h"

/* Two who are granted at once may both be let in as the last one. */
#define READ_MAX (2 * GRANTS_PER_ITEM_MAX)

const char *grants_key(struct region *region, const char *name, uint64_t incarnation,
                       const char *grantee)
{
    return arena_format(region->scratch, "%s/%" PRIu64 "/%s", name, incarnation, grantee);
}

int grants_find(struct region *region, const struct copy *copy, const char *owner, const char *name,
                uint64_t incarnation, const char *grantee, struct record *ret_record)
{
    int r = store_reader_get(copy->reader, region->scratch, GRANTS_SERVICE, owner,
                             grants_key(region, name, incarnation, grantee), ret_record);

    if (r < 0)
        return r;
    return ret_record->deleted ? -ENOENT : 0;
}

/* ---- all of an item ---- */

static void take_name(struct slice value, char ret_name[ACCOUNT_NAME_SIZE])
{
    json_t *root = json_loadb(value.data, value.size, JSON_REJECT_DUPLICATES, NULL);
    const char *name = json_string_value(json_object_get(root, "name"));

    account_name(name ? name : "", ret_name);
    json_decref(root);
}

static int read_one(struct region *region, const struct copy *copy, const struct grants *grants,
                    const char *key, struct grant *ret_grant)
{
    struct record record;
    int r =
        store_reader_get(copy->reader, region->scratch, GRANTS_SERVICE, grants->user, key, &record);

    if (r < 0)
        return r;
    ret_grant->key = key;
    ret_grant->updated_wall_us = record.updated_wall_us;
    take_name(record.value, ret_grant->name);
    return 0;
}

static int read_item(struct region *region, const struct copy *copy, struct grants *grants)
{
    struct record item = {.deleted = true};
    int r = store_reader_get(copy->reader, region->scratch, VAULT_SERVICE, grants->user,
                             grants->item, &item);

    if (r < 0 && r != -ENOENT)
        return r;
    grants->exists = r == 0 && !item.deleted;
    grants->epoch = r == 0 ? item.epoch : 0;
    grants->seq = r == 0 ? item.seq : 0;
    grants->incarnation = r == 0 ? item.incarnation : 0;
    return 0;
}

static int compare(const void *left, const void *right)
{
    return strcmp(((const struct grant *)left)->name, ((const struct grant *)right)->name);
}

int grants_read(struct region *region, const struct copy *copy, void *context)
{
    struct grants *grants = context;
    struct record *records = arena_alloc(region->scratch, READ_MAX * sizeof *records);
    int r = read_item(region, copy, grants);
    int count;

    grants->count = 0;
    if (r < 0 || !grants->exists)
        return r;
    count = store_reader_list(copy->reader, region->scratch, GRANTS_SERVICE, grants->user,
                              grants_key(region, grants->item, grants->incarnation, ""), "",
                              READ_MAX, records);
    if (count < 0)
        return count;
    grants->items = arena_alloc(region->scratch, (READ_MAX + 1) * sizeof *grants->items);
    for (int i = 0; i < count; i++) {
        r = read_one(region, copy, grants, records[i].key, &grants->items[grants->count]);
        if (r < 0)
            return r;
        grants->count++;
    }
    qsort(grants->items, grants->count, sizeof *grants->items, compare);
    return 0;
}

/* ---- the list ---- */

static json_t *grant_json(const struct grant *grant)
{
    char updated[TEXT_TIME_SIZE];

    return json_pack("{s:s, s:s}", "name", grant->name, "updated",
                     text_time(grant->updated_wall_us, updated));
}

static char *list_json(const struct grants *grants, const char *after, size_t limit)
{
    json_t *items = json_array();
    const char *last = NULL;
    json_t *root;
    char *text;
    size_t i = 0;

    while (i < grants->count && strcmp(grants->items[i].name, after) <= 0)
        i++;
    for (; i < grants->count && json_array_size(items) < limit; i++) {
        last = grants->items[i].name;
        json_array_append_new(items, grant_json(&grants->items[i]));
    }
    root = json_pack("{s:o, s:o}", "items", items, "next",
                     i < grants->count && last ? json_string(last) : json_null());
    text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static void list_admitted(struct region *region, struct request *request)
{
    struct grants grants = {.user = request->claims.user, .item = request->call->key};
    struct store_end end;
    int r;

    if (!trust_tokens(region, request->copy)) {
        trust_refuse(region, request);
        return;
    }
    request_enter(request, STAGE_STORAGE);
    r = records_at_once(region, request->copy, grants_read, &grants, &end);
    if (r < 0)
        records_answer_failure(region, request, r);
    else if (!grants.exists)
        records_answer_absent(region, request, grants.epoch, grants.seq,
                              "There is no item of this name.");
    else
        listing_send(region, request, &end,
                     list_json(&grants, request->call->after, listing_limit(request)));
}

void grants_list(struct region *region, struct request *request)
{
    request_enter(request, STAGE_SERVICE);
    if (!records_has_copy(region, request))
        return;
    if (!vault_name_is_valid(request->call->key))
        vault_refuse_name(region, request);
    else
        reading_admit(region, request, list_admitted);
}
