/* metadata: the service for a user's small values: get, list, write, delete. Reads are answered by
 * any copy; writes by the home, or put into the queue when the caller asks for that. */

#ifndef MEC_METADATA_H
#define MEC_METADATA_H

#include "regiond/core.h"
#include "regiond/request.h"

#define METADATA_KEY_SIZE_MAX          512
#define METADATA_VALUE_SIZE_MAX        (64u * 1024)
#define METADATA_CONTENT_TYPE_SIZE_MAX 128

void metadata_get(struct region *region, struct request *request);
void metadata_list(struct region *region, struct request *request);
void metadata_write(struct region *region, struct request *request); /* PUT and DELETE */
const char *metadata_write_action(const Mec__Call *call);            /* for the audit chain */

#endif
