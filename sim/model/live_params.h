/* live_params: files of parameters, and those that they name, read. */

#ifndef MEC_LIVE_PARAMS_H
#define MEC_LIVE_PARAMS_H

#include "sim/model/params.h"

/* Take over @file. Errors: -EINVAL, with a new *@ret_error: it cannot be read, or what it says is
 * wrong. */
int live_params_read(struct params *params, const char *file, char **ret_error);

/* Read the files that parameters name; those that @file (NULL: none) names stand beside it. Errors:
 * as above. */
int live_params_attach(struct params *params, const char *file, char **ret_error);

#endif
