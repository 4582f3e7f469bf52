/* position: a point in a shard's change log, and a session's set of them, the bookmark.
 *
 * A position is printed `us-east:3.1824` (shard, epoch, seq); a bookmark is positions joined by
 * `;`, one a shard, sorted by shard. seq goes on across epochs, so of two positions of one shard
 * the one with the larger (epoch, seq) is later. */

#ifndef MEC_POSITION_H
#define MEC_POSITION_H

#include <stddef.h>
#include <stdint.h>

#include "common/slice.h"

#define SHARD_NAME_SIZE        40 /* with NUL; a name is [a-z0-9-]+ */
#define POSITION_TEXT_SIZE     88
#define BOOKMARK_POSITIONS_MAX 32

struct position {
    char shard[SHARD_NAME_SIZE];
    uint64_t epoch;
    uint64_t seq;
};

struct bookmark {
    struct position positions[BOOKMARK_POSITIONS_MAX];
    size_t count;
};

/* Errors: -EINVAL, not a position; *@ret_position is untouched. */
int position_parse(struct slice text, struct position *ret_position);

/* Returns @ret_text. */
char *position_print(const struct position *position, char ret_text[POSITION_TEXT_SIZE]);

/* Negative, zero or positive, as @a is before, at or behind @b; both of one shard. */
int position_compare(const struct position *a, const struct position *b);

/* Errors: -EINVAL, not a bookmark or too many shards; *@ret_bookmark is untouched. Empty text is
 * the empty bookmark. */
int bookmark_parse(struct slice text, struct bookmark *ret_bookmark);

/* Print into @ret_text, NUL-terminated. Returns the length, or -ENOSPC. */
int bookmark_print(const struct bookmark *bookmark, char *ret_text, size_t size);

/* Make @bookmark cover @position. A shard too many replaces nothing and is -ENOSPC. */
int bookmark_advance(struct bookmark *bookmark, const struct position *position);

/* The position of @shard, or NULL. */
const struct position *bookmark_find(const struct bookmark *bookmark, const char *shard);

#endif
