/* plan_internal: what the parts of plan share: which fields a kind of fault or operation has,
 * and who makes what of a plan. */

#ifndef MEC_PLAN_INTERNAL_H
#define MEC_PLAN_INTERNAL_H

#include "sim/plan.h"

#define PLAN_FORMAT 1 /* of the JSON; rises when older programs could misread it */

enum plan_other {
    PLAN_OTHER_NONE,
    PLAN_OTHER_REGION,
    PLAN_OTHER_APART, /* a region that is not `region` */
    PLAN_OTHER_ROUTER,
    PLAN_OTHER_SERVICE,
    PLAN_OTHER_CACHE
};

enum plan_amount {
    PLAN_AMOUNT_NONE,
    PLAN_AMOUNT_ROUTER,
    PLAN_AMOUNT_COUNT,
    PLAN_AMOUNT_TIME,  /* us */
    PLAN_AMOUNT_SHARE, /* ppm */
    PLAN_AMOUNT_RATE,  /* bytes a second */
    PLAN_AMOUNT_SIZE,  /* bytes */
    PLAN_AMOUNT_SHIFT, /* us, signed */
    PLAN_AMOUNT_DRIFT  /* ppm, signed */
};

struct plan_shape {
    bool has_region;
    bool lasts; /* has a duration */
    enum plan_other other;
    enum plan_amount amount;
};

const struct plan_shape *plan_fault_shape(enum plan_fault_kind kind);

/* What of it may be: an amount is at least 1 and at most this, a signed one either way. */
uint64_t plan_amount_most(enum plan_amount amount);

bool plan_operation_has_key(enum plan_operation_kind kind);
bool plan_operation_has_region(enum plan_operation_kind kind);

/* Parts of plan_make(). By @settled_us all have signed up and logged in, if nothing is broken. */
void plan_make_faults(struct plan *plan, uint64_t wished, uint64_t settled_us);
void plan_make_work(struct plan *plan, uint64_t settled_us);

#endif
