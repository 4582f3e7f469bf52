/* live_region: the shell of the region's core: sockets, threads, clock and files of a regiond. */

#ifndef MEC_LIVE_REGION_H
#define MEC_LIVE_REGION_H

#include "common/live_control.h"
#include "common/live_loop.h"

struct live_region;

/* Open the region's files, listen, connect to the other regions, and tell controld that it serves.
 * @options are borrowed until live_region_free().
 *
 * Errors: -errno. Each is logged with the file and the reason, and told to controld if that is
 * listening. */
int live_region_create(struct live_loop *loop, const struct live_options *options,
                       struct live_region **ret_live);

/* Waits for the batch under way. */
void live_region_free(struct live_region *live);

#endif
