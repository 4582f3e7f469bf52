#include "common/buckets.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/memory.h"
#include "common/moment.h"

struct bucket {
    UT_hash_handle hh;
    double left;
    uint64_t at_us;
    char name[];
};

struct buckets {
    struct bucket *table; /* uthash iterates in order of arrival, which is that of the last use */
};

struct buckets *buckets_create(void)
{
    return memory_alloc(sizeof(struct buckets));
}

static void forget(struct buckets *buckets, struct bucket *bucket)
{
    HASH_DEL(buckets->table, bucket);
    free(bucket);
}

void buckets_free(struct buckets *buckets)
{
    if (!buckets)
        return;
    while (buckets->table)
        forget(buckets, buckets->table);
    free(buckets);
}

static struct bucket *find(struct buckets *buckets, const char *name, uint32_t quota,
                           uint64_t now_us)
{
    struct bucket *bucket;
    size_t size = strlen(name);

    HASH_FIND(hh, buckets->table, name, size, bucket);
    if (bucket) {
        HASH_DEL(buckets->table, bucket); /* to come last again */
    } else {
        if (HASH_COUNT(buckets->table) == BUCKETS_MAX)
            forget(buckets, buckets->table);
        bucket = memory_alloc(sizeof *bucket + size + 1);
        memcpy(bucket->name, name, size);
        bucket->left = quota;
        bucket->at_us = now_us;
    }
    HASH_ADD_KEYPTR(hh, buckets->table, bucket->name, size, bucket);
    return bucket;
}

static void refill(struct bucket *bucket, uint32_t quota, uint32_t window_s, uint64_t now_us)
{
    uint64_t passed_us = now_us > bucket->at_us ? now_us - bucket->at_us : 0;

    bucket->left += (double)passed_us * quota / ((double)window_s * SECOND_US);
    if (bucket->left > quota)
        bucket->left = quota;
    bucket->at_us = now_us;
}

static uint32_t seconds_up(double seconds)
{
    uint32_t whole = (uint32_t)seconds;

    return seconds > whole ? whole + 1 : whole;
}

bool buckets_take(struct buckets *buckets, const char *name, uint32_t quota, uint32_t window_s,
                  uint64_t now_us, struct bucket_state *ret_state)
{
    struct bucket *bucket;
    bool granted;

    *ret_state = (struct bucket_state){.quota = quota, .window_s = window_s};
    if (quota == 0)
        return true;
    bucket = find(buckets, name, quota, now_us);
    refill(bucket, quota, window_s, now_us);
    granted = bucket->left >= 1;
    if (granted)
        bucket->left -= 1;
    ret_state->remaining = (uint32_t)bucket->left;
    ret_state->reset_s = seconds_up((quota - bucket->left) * window_s / quota);
    return granted;
}

uint32_t buckets_retry_s(const struct bucket_state *state)
{
    uint32_t seconds = state->quota ? seconds_up((double)state->window_s / state->quota) : 0;

    return seconds > 0 ? seconds : 1;
}
