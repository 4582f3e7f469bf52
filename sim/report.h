/* report: results of the simulator as text for people; report_json has them for programs. Every
 * function that returns a string returns a new one. */

#ifndef MEC_REPORT_H
#define MEC_REPORT_H

#include "sim/options.h"
#include "sim/shrink.h"
#include "sim/tally.h"

/* What the search for one planted bug came to. */
struct report_plant {
    enum plant_bug bug;
    bool found;
    struct trial trial; /* that found it */
    uint64_t tried;
    uint64_t wall_us;
};

/* How a search ended. */
enum report_end { REPORT_DONE, REPORT_FAILED, REPORT_INTERRUPTED };

/* A failure, and how to repeat it. @file: that was replayed; NULL: the trial's number is a seed. */
char *report_failure(const struct options *options, const struct trial *trial, const char *file);

/* One run in full: what its world was and what came of it. @plan NULL: nothing is known of it. */
char *report_run(const struct plan *plan, const struct trial *trial);

/* "2,000 seeds clean: 33.1 seeds/s, ...". @what: "seed" or "plan". */
char *report_closing(const struct tally *tally, enum report_end end, const char *what,
                     uint64_t wall_us);
char *report_progress(const struct tally *tally, uint64_t wall_us); /* without a newline */

/* Tables of what has happened: kinds out of @faults, then branches. */
char *report_reach(const struct tally *tally, uint64_t faults, bool colours);
char *report_missing(const struct tally *tally, uint64_t faults); /* "" when nothing is */

char *report_plants(const struct report_plant *plants, size_t count, bool colours);

char *report_shrunk(const struct plan *plan, const struct plan *shortest,
                    const struct shrink_effort *effort, const char *path);

#endif
