/* template: freshly made files of a region, made once by the storage itself and copied for each
 * world: making a dozen files anew would take longer than most worlds live. */

#ifndef MEC_TEMPLATE_H
#define MEC_TEMPLATE_H

#include "sim/vfs.h"

/* Put an empty queue and an empty file of @shard on @disk, in REGION_HOST_DIRECTORY. What is kept
 * for this lasts as long as the program. */
void template_copy(struct vfs *disk, const char *shard);

#endif
