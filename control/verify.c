#include "control/verify.h"

#include <stdio.h>
#include <string.h>

#include "control/supervisor.h"

static const json_t *find_copy(const json_t *answer, const char *shard)
{
    const json_t *rows = json_object_get(answer, "shards");

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *name = json_string_value(json_object_get(row, "shard"));
        if (name && strcmp(name, shard) == 0)
            return row;
    }
    return NULL;
}

static json_t *text_or_null(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);

    return json_is_string(value) ? json_copy((json_t *)value) : json_null();
}

static json_t *compare_shard(const json_t *answers, const char *shard, const char *const *regions,
                             size_t count)
{
    json_t *copies = json_array();
    json_t *first = NULL;
    bool equal = true;

    for (size_t i = 0; i < count; i++) {
        char process[SUPERVISOR_NAME_SIZE];

        snprintf(process, sizeof process, "regiond/%s", regions[i]);
        const json_t *row = find_copy(json_object_get(answers, process), shard);
        json_t *copy =
            json_pack("{s:s, s:o, s:o}", "region", regions[i], "position",
                      text_or_null(row, "position"), "digest", text_or_null(row, "digest"));
        json_array_append_new(copies, copy);
        json_t *digest = json_object_get(copy, "digest");
        if (!first)
            first = digest;
        equal = equal && json_is_string(digest) && json_equal(digest, first) &&
                json_equal(json_object_get(copy, "position"),
                           json_object_get(json_array_get(copies, 0), "position"));
    }
    return json_pack("{s:s, s:b, s:o}", "shard", shard, "equal", equal, "copies", copies);
}

json_t *verify_compare(const json_t *answers, const char *const *regions, size_t count)
{
    json_t *shards = json_array();
    bool equal = true;

    for (size_t i = 0; i < count; i++) {
        json_t *shard = compare_shard(answers, regions[i], regions, count);
        equal = equal && json_is_true(json_object_get(shard, "equal"));
        json_array_append_new(shards, shard);
    }
    return json_pack("{s:b, s:o}", "equal", equal, "shards", shards);
}
