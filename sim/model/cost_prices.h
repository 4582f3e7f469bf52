/* cost_prices: what a core, a GB, a region and a person cost: of a provider's list, or as given
 * instead. */

#ifndef MEC_COST_PRICES_H
#define MEC_COST_PRICES_H

#include "sim/model/cost.h"

/* Read the parameter @index: "0.09", or "500 cores", so many times the price of a core.
 * Errors: -EINVAL, with a new *@ret_error. */
int cost_prices_money(const struct params *params, size_t index, double core, double *ret_price,
                      char **ret_error);

/* From COST_PARAM_PRICES to COST_PARAM_ENGINEER_PRICE.
 * Errors: -EINVAL, with a new *@ret_error: not a price, or the list has none. */
int cost_prices_read(const struct params *params, const struct deployment *deployment,
                     struct cost_prices *ret_prices, char **ret_error);

/* A table of the prices, their dates and sources; and what is not quite right about them. */
void cost_prices_tell(const struct params *params, const struct deployment *deployment,
                      const struct cost_prices *prices, struct result *result);

#endif
