/* shrink: from a long plan that fails to the shortest found that still does, by leaving out what
 * the failure does not need: delta debugging (Zeller and Hildebrandt, TSE 2002) over faults, then
 * operations, then times.
 *
 * What failing means, the caller says; the search only tries plans. Luck shifts with each item that
 * is left out, so a shorter plan may fail in another way or not at all, and the result is short,
 * not the shortest that there is. */

#ifndef MEC_SHRINK_H
#define MEC_SHRINK_H

#include "sim/plan.h"

struct shrink_effort {
    size_t runs;  /* plans tried */
    bool ran_out; /* of them: it might get shorter yet */
};

struct shrink_search {
    bool (*still_fails)(const struct plan *plan, void *context);
    /* After each try: the shortest plan so far. May be NULL. */
    void (*progress)(const struct plan *shortest, size_t runs, void *context);
    void *context;
    size_t runs_max;
};

/* @plan fails; it is not tried again. The caller releases *@ret_shortest's content. */
void shrink_plan(const struct plan *plan, const struct shrink_search *search,
                 struct plan *ret_shortest, struct shrink_effort *ret_effort);

#endif
