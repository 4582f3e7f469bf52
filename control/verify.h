/* verify: are all copies of each shard equal? Made of what each regiond says of its own copies.
 * Where a service is pinned, its records are compared among the regions that may hold them, and the
 * others are to have none. */

#ifndef MEC_VERIFY_H
#define MEC_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "control/topology.h"

/* @answers: region process -> its Status of section "digest"; those that gave none are missing.
 * Returns new data {equal, shards: [{shard, equal, copies: [{region, position, digest}]}]}; a copy
 * that nobody spoke for has nulls, and is not equal. A copy in a region outside of some residency
 * has `without`, the services that it may not hold: its digest is another one than that of the
 * others. */
json_t *verify_compare(const json_t *answers, const struct topology *topology);

#endif
