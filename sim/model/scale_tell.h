/* scale_tell: a simulated day as a result: tables, pictures, findings, and what all of it rests on.
 */

#ifndef MEC_SCALE_TELL_H
#define MEC_SCALE_TELL_H

#include "sim/model/scale.h"

/* What the tables are made of. */
struct scale_told {
    const struct scale_world *world;
    const struct scale *scale;       /* for its capacities */
    const struct scale_tally *tally; /* of all processes */
};

void scale_tell(const struct scale_told *told, struct result *result);

/* Its tables; in a file of their own. */
void scale_tell_tables(const struct scale_told *told, struct result *result);

/* When something is, on the clock of Greenwich: "09:30", or "1d 09:30" after more than a day. */
#define SCALE_TELL_TIME_SIZE 32
const char *scale_tell_time(const struct scale_world *world, uint64_t at_us,
                            char ret_text[SCALE_TELL_TIME_SIZE]);

#endif
