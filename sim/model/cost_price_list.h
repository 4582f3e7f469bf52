/* cost_price_list: prices of providers, as far as they were found, each with its date and source.
 *
 * A list is never completed in silence: where it has no price, one must be given, and where
 * something near was taken, the row says what. */

#ifndef MEC_COST_PRICE_LIST_H
#define MEC_COST_PRICE_LIST_H

#include <stddef.h>

#include "common/geo.h"

/* In the order of cost_price_list_names; "none" are relations without a currency. */
enum cost_price_list {
    COST_PRICE_LIST_NONE,
    COST_PRICE_LIST_AWS,
    COST_PRICE_LIST_GCP,
    COST_PRICE_LIST_FLY
};

extern const char *const cost_price_list_names[]; /* the last is NULL */

enum cost_price_item {
    COST_PRICE_CORE,    /* a month */
    COST_PRICE_STORAGE, /* a GB for a month */
    COST_PRICE_EGRESS,  /* a GB to clients */
    COST_PRICE_BETWEEN, /* a GB to another region, paid where it comes from */
    COST_PRICE_ITEM_COUNT
};

struct cost_price {
    enum cost_price_list list;
    enum cost_price_item item;
    const char *from, *to; /* built-in regions with commas between; "*": any built-in one;
                              "": wherever it is */
    double price;
    const char *as_of, *source;
    const char *remark; /* what is not quite as wanted about it; NULL: nothing */
};

/* "GB kept for a month" */
const char *cost_price_list_item(enum cost_price_item item);

/* The first row for these places; NULL: there is none. A region that has a built-in name but lies
 * elsewhere is not a built-in one. */
const struct cost_price *cost_price_list_find(enum cost_price_list list, enum cost_price_item item,
                                              const struct geo_place *from,
                                              const struct geo_place *to);

/* What a list has instead of a price that it lacks; NULL: nothing. */
const char *cost_price_list_lack(enum cost_price_list list, enum cost_price_item item);

#endif
