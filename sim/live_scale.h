/* live_scale: `mecentral sim --world FILE`: the file read, a large world's day shared out to
 * processes by its slices, their tallies added up, the result told. */

#ifndef MEC_LIVE_SCALE_H
#define MEC_LIVE_SCALE_H

#include "sim/options.h"

/* @progress: say on stderr how far it is. Returns 0, or -EINVAL with a new *@ret_error for who
 * asked, or another negative errno with one: something went wrong here. */
int live_scale_run(const struct options *options, bool progress, char **ret_error);

/* A world file of all parameters and their defaults, or of @options->world. Errors: as above. */
int live_scale_print(const struct options *options, char **ret_error);

#endif
