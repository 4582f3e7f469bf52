/* residency_json: where a topology's data may lie, as it stands in a world's state file and in its
 * status. */

#ifndef MEC_RESIDENCY_JSON_H
#define MEC_RESIDENCY_JSON_H

#include <jansson.h>

#include "control/topology.h"

/* Service -> the regions that it is pinned to. NULL: none is pinned. */
json_t *residency_json_make(const struct topology *topology);

/* Take the member `residency` of @json, which may be missing, into @topology, which has its
 * regions. Errors: -EBADMSG. */
int residency_json_read(const json_t *json, struct topology *topology);

#endif
