/* trial: one run of one plan by a process of its own, and what came of it: a verdict, a crash or a
 * process that never came back. Of fixed size and without pointers, so that it fits through a pipe.
 */

#ifndef MEC_TRIAL_H
#define MEC_TRIAL_H

#include "common/plant.h"
#include "common/reach.h"
#include "sim/run.h"

enum trial_end {
    TRIAL_ENDED,
    TRIAL_CRASHED, /* the process died under it: an assert, a sanitizer, a segmentation fault */
    TRIAL_HUNG     /* it took longer than it may, and was killed */
};

struct trial {
    uint64_t number; /* the seed; of a replay: which of the files */
    enum plant_bug plant;
    enum trial_end end;
    int signal;    /* that it crashed by; 0: it left with exit_code */
    int exit_code; /* likewise */
    bool twice;    /* it ran a second time, to see whether it goes the same way */
    uint64_t second_hash;
    uint64_t wall_us;            /* of its first run */
    struct run_result result;    /* when it has ended */
    uint64_t reach[REACH_COUNT]; /* of its first run */
};

bool trial_has_failed(const struct trial *trial);

/* In a word or two: the check's name, "crash (SIGABRT)", "hung", "not deterministic"; "none". */
#define TRIAL_CAUSE_SIZE 64
const char *trial_cause(const struct trial *trial, char ret_text[TRIAL_CAUSE_SIZE]);

/* Do both fail, for the same cause? */
bool trial_is_alike(const struct trial *a, const struct trial *b);

#endif
