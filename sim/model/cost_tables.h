/* cost_tables: what the cost model says, as tables. */

#ifndef MEC_COST_TABLES_H
#define MEC_COST_TABLES_H

#include "sim/model/cost_growth.h"
#include "sim/model/cost_params.h"

/* All regions of the deployment, for each number of users; and each region, for its own number. */
void cost_tables_bill(const struct cost_asked *asked, const struct cost_growth *growth,
                      struct result *result);

/* Which region to add when, and how many to have. */
void cost_tables_growth(const struct cost_asked *asked, const struct cost_growth *growth,
                        struct result *result);

/* Each number of users in each number of regions. */
void cost_tables_sweep(const struct cost_asked *asked, const struct cost_growth *growth,
                       struct result *result);

#endif
