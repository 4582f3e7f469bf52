/* What each user has by the file, held against the true log. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/watch_internal.h"

/* The user whose keys are being added up: they stand together in the order of the file. */
struct sum {
    const struct watch_key *of; /* one of them; NULL: none yet */
    uint64_t keys, bytes;
};

static bool is_of(const struct sum *sum, const struct watch_key *key)
{
    return sum->of && strcmp(sum->of->service, key->service) == 0 &&
           strcmp(sum->of->user, key->user) == 0;
}

/* Returns false when the file does not say the same. */
static bool agrees(struct store_reader *reader, const struct sum *sum)
{
    uint64_t keys, bytes;

    return !sum->of ||
           store_reader_usage(reader, sum->of->service, sum->of->user, &keys, &bytes) != 0 ||
           (keys == sum->keys && bytes == sum->bytes);
}

static void add(struct sum *sum, const struct watch_key *key, const struct watch_entry *entry)
{
    if (!entry || entry->deleted)
        return;
    sum->keys++;
    sum->bytes += strlen(key->key) + entry->value.size;
}

/* The first user of whom the file says something else; NULL. */
static const struct watch_key *find_wrong(const struct watch_shard *shard,
                                          struct store_reader *reader, uint64_t seq)
{
    struct sum sum = {NULL, 0, 0};

    for (size_t i = 0; i < shard->key_count; i++) {
        const struct watch_key *key = shard->keys[i];

        if (!is_of(&sum, key)) {
            if (!agrees(reader, &sum))
                return sum.of;
            sum = (struct sum){.of = key};
        }
        add(&sum, key, watch_log_state(key, seq));
    }
    return agrees(reader, &sum) ? NULL : sum.of;
}

void watch_usage_check(struct watch *watch, uint64_t now_us, uint32_t region, uint32_t shard,
                       struct store_reader *reader, uint64_t seq)
{
    const struct watch_key *wrong = find_wrong(&watch->shards[shard], reader, seq);

    if (wrong)
        watch_report(watch, now_us, WATCH_ROWS,
                     "%s at %s.%" PRIu64 ": what %s has in %s is counted wrongly",
                     watch->regions[region].name, watch->shards[shard].name, seq, wrong->user,
                     wrong->service);
}
