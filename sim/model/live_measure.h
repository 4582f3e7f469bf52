/* live_measure: --against live: asks a running world the same that a model answers, and puts both
 * with their difference into the result.
 *
 * What it breaks in the world it mends, whatever happens: on an error, and on SIGINT and SIGTERM,
 * which only end what goes on. Accounts that it makes it deletes. */

#ifndef MEC_LIVE_MEASURE_H
#define MEC_LIVE_MEASURE_H

#include <stdbool.h>

#include "sim/model/model.h"

struct live_measure;

/* Find the world. All errors come with a new *@ret_error for people. The caller owns the result.
 * Errors: -EINVAL, @model is none that can be measured; -ENOENT, no such world runs;
 * -ECONNREFUSED, its control plane does not. */
int live_measure_open(const struct model *model, const char *world, bool quiet,
                      struct live_measure **ret_measure, char **ret_error);
void live_measure_free(struct live_measure *measure);

/* Have the model speak of the world's regions, when neither regions nor a topology are given.
 * Errors: -EINVAL. */
int live_measure_fit(const struct live_measure *measure, struct params *params, char **ret_error);

/* Measure, and compare. Errors: -EINVAL, the world is not the one that @params describe, or they
 * make no sense; -ENOENT, -ECONNREFUSED, as above; -EIO, -ETIMEDOUT, the world does not do as it
 * should; -EINTR, it was stopped. */
int live_measure_run(struct live_measure *measure, const struct model *model,
                     const struct params *params, struct result *result, char **ret_error);

#endif
