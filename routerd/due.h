/* due: what the deadlines of a router are for: the kinds of common/deadlines.h. router.c says what
 * happens when one has come. */

#ifndef MEC_DUE_H
#define MEC_DUE_H

/* And whose each is. */
enum due {
    DUE_TRY,    /* a pending's */
    DUE_PROBE,  /* a vantage_region's */
    DUE_LOOKUP, /* a core_lookup's */
    DUE_START,  /* the router's */
};

#endif
