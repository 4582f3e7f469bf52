/* listing: pages of a user's records, in the order of their keys and without the values. */

#ifndef MEC_LISTING_H
#define MEC_LISTING_H

#include "regiond/core.h"
#include "regiond/request.h"

#define LISTING_DEFAULT 100
#define LISTING_MAX     1000

struct listing {
    const char *service;
    const char *member;    /* what an item calls its key */
    size_t overhead_bytes; /* that a stored value is longer than what the client has given */
};

/* Answer with the page that the call wants (prefix, after, limit) of the records of claims.user in
 * request->copy. */
void listing_answer(struct region *region, struct request *request, const struct listing *listing);

/* How many items the client wants on a page at most. */
size_t listing_limit(const struct request *request);

/* Answer with @json, which is about the copy as it stood at @end. Takes @json over. */
void listing_send(struct region *region, struct request *request, const struct store_end *end,
                  char *json);

#endif
