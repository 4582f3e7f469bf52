/* verify: are all copies of each shard equal? Made of what each regiond says of its own copies. */

#ifndef MEC_VERIFY_H
#define MEC_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* @answers: region process -> its Status of section "digest"; those that gave none are missing.
 * @regions: the names, @count of them. Returns new data {equal, shards: [{shard, equal, copies:
 * [{region, position, digest}]}]}; a copy that nobody spoke for has nulls, and is not equal. */
json_t *verify_compare(const json_t *answers, const char *const *regions, size_t count);

#endif
