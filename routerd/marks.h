/* marks: whose writes wait in which region's queue, so that newer ones go behind them.
 *
 * A mark is (region, user, service) -> number of the user's last queued write there. It holds until
 * that region's Pong says that every entry of the shard up to that number has ended; comparing
 * numbers makes a late Pong harmless. What is not known (a queue that another router fills, or more
 * users than are kept) is taken for the worst: then every user of the shard is marked there. */

#ifndef MEC_MARKS_H
#define MEC_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health.pb-c.h"

#define MARKS_MAX   100000u
#define MARKS_NONE  UINT32_MAX
#define MARKS_APART (UINT32_MAX - 1)

struct marks;

/* @marks_max is MARKS_MAX but in tests. Shard names are kept by pointer. */
struct marks *marks_create(size_t region_count, const char *const *shards, size_t shard_count,
                           size_t marks_max);
void marks_free(struct marks *marks);

/* The user's write was queued at @region as number @seq. @shard is an index into shards. */
void marks_note(struct marks *marks, uint32_t region, uint32_t shard, const char *user,
                const char *service, uint64_t seq);

/* A write of the user is on its way into @region's queue, and is no longer. Returns false when
 * there is no room to note it; then there is nothing to end. */
bool marks_begin(struct marks *marks, uint32_t region, uint32_t shard, const char *user,
                 const char *service);
void marks_end(struct marks *marks, uint32_t region, const char *user, const char *service);

/* Where such a write is heading; MARKS_NONE: none is. */
uint32_t marks_heading(const struct marks *marks, uint32_t shard, const char *user,
                       const char *service);

/* Where the user's earlier writes of @service wait; MARKS_NONE: nowhere; MARKS_APART: in two
 * queues, so that no place is behind them all until one of the two is empty. */
uint32_t marks_find(const struct marks *marks, uint32_t shard, const char *user,
                    const char *service);

/* What @region says of its queue. Returns true when it has entries that no list has shown: ask for
 * one, from marks_listed(). */
bool marks_pong(struct marks *marks, uint32_t region, const Mec__Pong *pong);

/* The connection to @region stands again, perhaps to a region that has lost its disk: the next list
 * starts from the beginning and replaces what was known before. */
void marks_reopened(struct marks *marks, uint32_t region);

/* Where the next QueueListAsk to @region continues. */
uint64_t marks_listed(const struct marks *marks, uint32_t region);

/* Take in a list. Returns true when there is more to ask for. */
bool marks_list(struct marks *marks, uint32_t region, const Mec__QueueList *list);

/* Users that are marked one by one. */
size_t marks_count(const struct marks *marks);

#endif
