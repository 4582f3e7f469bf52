/* report_json: results of the simulator for programs. */

#ifndef MEC_REPORT_JSON_H
#define MEC_REPORT_JSON_H

#include "sim/report.h"

/* One trial: what it was, and its failure if it has one. New references, all of them. */
json_t *report_json_trial(const struct options *options, const struct trial *trial,
                          const char *file);

/* A search. @trials: an array of those that are told of (all that failed; or the only one); taken
 * over. */
json_t *report_json_search(const struct tally *tally, enum report_end end, json_t *trials,
                           uint64_t wall_us);

/* {"faults": {name: seeds}, "branches": {name: times}} */
json_t *report_json_reach(const struct tally *tally, uint64_t faults);

json_t *report_json_plants(const struct report_plant *plants, size_t count);

#endif
