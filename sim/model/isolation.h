/* isolation: how the same users are hit when they are divided among more or fewer units that fail
 * by themselves: one pool for the world, regions, cells within regions, and cells that each user
 * has several of. In closed form. */

#ifndef MEC_ISOLATION_H
#define MEC_ISOLATION_H

#include <stddef.h>

enum isolation_layout {
    ISOLATION_POOL,    /* one unit has everybody */
    ISOLATION_REGIONS, /* a unit a region */
    ISOLATION_CELLS,   /* several a region; each user lives in one */
    ISOLATION_SHUFFLED /* several a region; each user can be served by some of them */
};

#define ISOLATION_LAYOUT_COUNT 4

struct isolation_input {
    size_t region_count;
    double largest;           /* share of the users that the largest region is home to */
    size_t cells;             /* of each region */
    size_t cells_of_user;     /* when they are shuffled; at most @cells */
    double failures_per_year; /* of each unit */
    double mean_minutes;      /* of a failure */
};

struct isolation {
    double units;
    double one_fails; /* share of users that have no unit left when one fails; the most */
    double poisoned;  /* the same, when the requests of one user kill whatever serves that user */
    double failures_per_year; /* of any unit */
    double minutes_per_year;  /* in which a user has no unit left, if units fail independently */
};

void isolation_of(enum isolation_layout layout, const struct isolation_input *input,
                  struct isolation *ret_isolation);

#endif
