/* live_search: run trials number by number on all cores, and add up what they come to.
 *
 * Results count in the order of their numbers, up to the first that failed, however fast each of
 * the workers was: the same search has the same outcome each time, unless it is limited by wall
 * time. */

#ifndef MEC_LIVE_SEARCH_H
#define MEC_LIVE_SEARCH_H

#include "sim/live_workers.h"
#include "sim/report.h"

struct live_search {
    /* What to do. */
    size_t jobs;
    uint64_t first;
    uint64_t last;
    uint64_t limit_us;    /* 0: none */
    uint64_t twice_every; /* 0: none runs twice */
    enum plant_bug plant;
    bool keep_going;
    bool progress; /* on stderr */
    live_workers_run run;
    void *context;
    /* What came of it. */
    struct tally tally;
    enum report_end end;
    struct trial last_trial; /* that counts */
    struct trial *failures;  /* that count */
    size_t failure_count;
    size_t leaks; /* workers that did not end in good order */
    int error;    /* -errno: no worker could be started */
    uint64_t wall_us;
};

/* The caller releases search->failures. Ends early when the process is interrupted (SIGINT). */
void live_search_run(struct live_search *search);

/* From now on SIGINT and SIGTERM are noted; a second one ends the process. */
void live_search_catch_interrupts(void);
bool live_search_is_interrupted(void);

/* CPU time that a trial may take. */
#define LIVE_SEARCH_LIMIT_US (UINT64_C(60) * 1000000)

#endif
