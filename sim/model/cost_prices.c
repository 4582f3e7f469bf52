#include "sim/model/cost_prices.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/text.h"
#include "sim/model/cost_params.h"
#include "sim/model/cost_price_list.h"
#include "sim/model/quantity.h"

#define CORES " cores"

static const enum cost_param listed_params[COST_PRICE_ITEM_COUNT] = {
    [COST_PRICE_CORE] = COST_PARAM_CORE_PRICE,
    [COST_PRICE_STORAGE] = COST_PARAM_STORAGE_PRICE,
    [COST_PRICE_EGRESS] = COST_PARAM_EGRESS_PRICE,
    [COST_PRICE_BETWEEN] = COST_PARAM_BETWEEN_PRICE,
};

static enum cost_price_list list_of(const struct params *params)
{
    return (enum cost_price_list)params_choice(params, COST_PARAM_PRICES);
}

static bool is_listed(const struct params *params, enum cost_price_item item)
{
    return strcmp(params_text(params, listed_params[item]), "listed") == 0;
}

/* ---- as given ---- */

static int not_a_price(const struct params *params, size_t index, char **ret_error)
{
    bool may_be_listed = index >= COST_PARAM_CORE_PRICE && index <= COST_PARAM_BETWEEN_PRICE;
    bool may_be_cores = index != COST_PARAM_CORE_PRICE;

    return params_error(params, index, ret_error, "\"%s\" is not a price such as 0.09%s%s",
                        params_text(params, index), may_be_cores ? ", \"0.003 cores\"" : "",
                        may_be_listed ? " or \"listed\"" : "");
}

int cost_prices_money(const struct params *params, size_t index, double core, double *ret_price,
                      char **ret_error)
{
    char *text = memory_text(params_text(params, index));
    size_t size = strlen(text), unit = strlen(CORES);
    bool in_cores = size > unit && strcmp(text + size - unit, CORES) == 0;
    double number;

    if (in_cores)
        text[size - unit] = '\0';
    int error = quantity_parse(QUANTITY_NUMBER, text, &number);
    free(text);
    if (error != 0 || number > 1e15 || (in_cores && index == COST_PARAM_CORE_PRICE))
        return not_a_price(params, index, ret_error);
    *ret_price = in_cores ? number * core : number;
    return 0;
}

/* ---- as listed ---- */

/* One price from the list, or from the parameter that goes before it. A list that lacks it was
 * refused before. */
static int take(const struct params *params, enum cost_price_item item, double core,
                const struct geo_place *from, const struct geo_place *to, double *ret_price,
                char **ret_error)
{
    if (!is_listed(params, item))
        return cost_prices_money(params, listed_params[item], core, ret_price, ret_error);
    const struct cost_price *row = cost_price_list_find(list_of(params), item, from, to);
    assert(row);
    *ret_price = row->price;
    return 0;
}

/* The first two regions for which the list has no such price. */
static bool lacks(const struct params *params, const struct deployment *deployment,
                  enum cost_price_item item, size_t *ret_from, size_t *ret_to)
{
    for (size_t from = 0; from < deployment->region_count; from++) {
        for (size_t to = 0; to < deployment->region_count; to++) {
            if ((from == to) == (item == COST_PRICE_BETWEEN))
                continue; /* what goes to another region does, all else stays */
            if (cost_price_list_find(list_of(params), item, &deployment->place[from],
                                     &deployment->place[to]))
                continue;
            *ret_from = from;
            *ret_to = to;
            return true;
        }
    }
    return false;
}

static void name_lack(const struct params *params, const struct deployment *deployment,
                      enum cost_price_item item, size_t from, size_t to, struct text *text)
{
    const char *has = cost_price_list_lack(list_of(params), item);

    text_add(text, "%sa %s", text->size > 0 ? "; nor for " : "", cost_price_list_item(item));
    if (item == COST_PRICE_EGRESS)
        text_add(text, " from %s", deployment->region[from]);
    if (item == COST_PRICE_BETWEEN)
        text_add(text, ", from %s to %s", deployment->region[from], deployment->region[to]);
    text_add(text, " (%s)", has ? has : "nothing was found");
}

/* All that is missing, at once: who asks for a list does not want to learn it piece by piece. */
static int check_lists(const struct params *params, const struct deployment *deployment,
                       char **ret_error)
{
    struct text what = {0}, keys = {0};
    size_t from, to;

    for (int i = 0; i < COST_PRICE_ITEM_COUNT; i++) {
        enum cost_price_item item = (enum cost_price_item)i;
        if (!is_listed(params, item) || !lacks(params, deployment, item, &from, &to))
            continue;
        name_lack(params, deployment, item, from, to, &what);
        text_add(&keys, "%s%s", keys.size > 0 ? ", " : "",
                 params_spec(params, listed_params[item])->key);
    }
    bool missing = keys.size > 0;
    char *all_what = text_take(&what), *all_keys = text_take(&keys);
    if (missing)
        params_error(params, COST_PARAM_PRICES, ret_error,
                     "the list of %s has no price for %s: give %s",
                     cost_price_list_names[list_of(params)], all_what, all_keys);
    free(all_what);
    free(all_keys);
    return missing ? -EINVAL : 0;
}

/* Bytes to oneself are no traffic, and cost nothing. */
static int take_between(const struct params *params, const struct deployment *deployment,
                        size_t from, struct cost_prices *prices, char **ret_error)
{
    for (size_t to = 0; to < deployment->region_count; to++)
        if (to != from &&
            take(params, COST_PRICE_BETWEEN, prices->core, &deployment->place[from],
                 &deployment->place[to], &prices->between_gb[from][to], ret_error) != 0)
            return -EINVAL;
    return 0;
}

static int take_regions(const struct params *params, const struct deployment *deployment,
                        struct cost_prices *prices, char **ret_error)
{
    for (size_t i = 0; i < deployment->region_count; i++) {
        const struct geo_place *place = &deployment->place[i];
        if (take(params, COST_PRICE_EGRESS, prices->core, place, place, &prices->egress_gb[i],
                 ret_error) != 0 ||
            take_between(params, deployment, i, prices, ret_error) != 0)
            return -EINVAL;
    }
    return 0;
}

int cost_prices_read(const struct params *params, const struct deployment *deployment,
                     struct cost_prices *ret_prices, char **ret_error)
{
    const struct geo_place *any = &deployment->place[0];
    struct cost_prices prices = {.unit = list_of(params) == COST_PRICE_LIST_NONE ? "units" : "USD"};

    if (check_lists(params, deployment, ret_error) != 0 ||
        take(params, COST_PRICE_CORE, 0, any, any, &prices.core, ret_error) != 0 ||
        take(params, COST_PRICE_STORAGE, prices.core, any, any, &prices.storage_gb, ret_error) !=
            0 ||
        take_regions(params, deployment, &prices, ret_error) != 0 ||
        cost_prices_money(params, COST_PARAM_REGION_PRICE, prices.core, &prices.region,
                          ret_error) != 0 ||
        cost_prices_money(params, COST_PARAM_ENGINEER_PRICE, prices.core, &prices.engineer,
                          ret_error) != 0)
        return -EINVAL;
    *ret_prices = prices;
    return 0;
}

/* ---- told ---- */

static void tell_row(struct result_table *table, const char *what, const char *where, double price,
                     const char *as_of, const char *source)
{
    result_text(table, "%s", what);
    result_text(table, "%s", where);
    result_number(table, price);
    result_text(table, "%s", as_of);
    result_text(table, "%s", source);
}

static void tell_given(const struct params *params, struct result_table *table, const char *what,
                       size_t index, double price)
{
    const char *text = params_text(params, index);
    char *source = text_format("%s, %s: %s", params_given(params, index) ? "given" : "default",
                               params_spec(params, index)->key, text);

    tell_row(table, what, "everywhere", price, "", source);
    free(source);
}

/* The destinations for which @row is the price, in words; NULL: it was told for one before @to. */
static char *destinations(const struct deployment *deployment, enum cost_price_list list,
                          size_t from, size_t to, const struct cost_price *row)
{
    struct text names = {0};
    size_t others = 0;

    for (size_t i = 0; i < deployment->region_count; i++) {
        if (i == from || cost_price_list_find(list, COST_PRICE_BETWEEN, &deployment->place[from],
                                              &deployment->place[i]) != row)
            continue;
        if (i < to) {
            free(text_take(&names));
            return NULL;
        }
        text_add(&names, "%s%s", others++ > 0 ? ", " : "", deployment->region[i]);
    }
    char *all = text_take(&names);
    bool every = others > 1 && others == deployment->region_count - 1;
    char *words = text_format("%s to %s", deployment->region[from], every ? "any other" : all);
    free(all);
    return words;
}

static void tell_between(const struct params *params, const struct deployment *deployment,
                         size_t from, struct result_table *table)
{
    enum cost_price_list list = list_of(params);

    for (size_t to = 0; to < deployment->region_count; to++) {
        if (to == from)
            continue;
        const struct cost_price *row = cost_price_list_find(
            list, COST_PRICE_BETWEEN, &deployment->place[from], &deployment->place[to]);
        assert(row);
        char *where = destinations(deployment, list, from, to, row);
        if (where)
            tell_row(table, cost_price_list_item(COST_PRICE_BETWEEN), where, row->price, row->as_of,
                     row->source);
        free(where);
    }
}

static void tell_listed(const struct params *params, const struct deployment *deployment,
                        enum cost_price_item item, struct result_table *table,
                        struct result *result)
{
    const struct geo_place *first = &deployment->place[0];
    const struct cost_price *row = cost_price_list_find(
        list_of(params), item, first, &deployment->place[1 % deployment->region_count]);

    if (row && !*row->from) {
        tell_row(table, cost_price_list_item(item), "everywhere", row->price, row->as_of,
                 row->source);
        if (row->remark)
            result_assume(result, "Price of a %s: %s.", cost_price_list_item(item), row->remark);
        return;
    }
    for (size_t i = 0; i < deployment->region_count; i++) {
        if (item == COST_PRICE_BETWEEN) {
            tell_between(params, deployment, i, table);
            continue;
        }
        row = cost_price_list_find(list_of(params), item, &deployment->place[i],
                                   &deployment->place[i]);
        tell_row(table, cost_price_list_item(item), deployment->region[i], row->price, row->as_of,
                 row->source);
    }
}

static double given_price(const struct cost_prices *prices, enum cost_price_item item)
{
    switch (item) {
    case COST_PRICE_CORE:
        return prices->core;
    case COST_PRICE_STORAGE:
        return prices->storage_gb;
    case COST_PRICE_EGRESS:
        return prices->egress_gb[0];
    case COST_PRICE_BETWEEN:
        return prices->between_gb[0][1];
    case COST_PRICE_ITEM_COUNT:
        break;
    }
    assert(false && "an item without a price");
    return 0;
}

void cost_prices_tell(const struct params *params, const struct deployment *deployment,
                      const struct cost_prices *prices, struct result *result)
{
    static const struct result_column columns[] = {
        {"what", "what", RESULT_TEXT},     {"where", "where", RESULT_TEXT},
        {"price", "price", RESULT_COST},   {"as_of", "as of", RESULT_TEXT},
        {"source", "source", RESULT_TEXT},
    };
    char *title = text_format("Prices in %s", prices->unit);
    struct result_table *table =
        result_table(result, "prices", title, columns, sizeof columns / sizeof columns[0]);

    for (int item = 0; item < COST_PRICE_ITEM_COUNT; item++) {
        if (item == COST_PRICE_BETWEEN && deployment->region_count == 1)
            continue;
        if (is_listed(params, (enum cost_price_item)item))
            tell_listed(params, deployment, (enum cost_price_item)item, table, result);
        else
            tell_given(params, table, cost_price_list_item((enum cost_price_item)item),
                       listed_params[item], given_price(prices, (enum cost_price_item)item));
    }
    if (list_of(params) != COST_PRICE_LIST_NONE)
        result_assume(result, "No list has people, nor what users are worth: what is given in "
                              "cores is so many times the price of a core.");
    tell_given(params, table, "region for a month", COST_PARAM_REGION_PRICE, prices->region);
    tell_given(params, table, "engineer for a month", COST_PARAM_ENGINEER_PRICE, prices->engineer);
    free(title);
}
