/* probe: is there room on the disk again? After a batch found it full, the region says that it is
 * not writable, and tries one small write of its own every second until one succeeds. (A client's
 * write that succeeds ends it as well.) */

#ifndef MEC_PROBE_H
#define MEC_PROBE_H

#include "regiond/core.h"

struct probe *probe_create(void);
void probe_free(struct region *region);

/* A batch has come back with @error: 0, something was written; or -ENOSPC. */
void probe_stored(struct region *region, int error);

/* Its deadline has come: try to write, unless a write has succeeded meanwhile. */
void probe_again(struct region *region);

#endif
