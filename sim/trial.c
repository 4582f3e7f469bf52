#include "sim/trial.h"

#include <stdio.h>
#include <string.h>

static bool goes_two_ways(const struct trial *trial)
{
    return trial->twice && trial->second_hash != trial->result.trace_hash;
}

bool trial_has_failed(const struct trial *trial)
{
    return trial->end != TRIAL_ENDED || trial->result.breach.found || goes_two_ways(trial);
}

const char *trial_cause(const struct trial *trial, char ret_text[TRIAL_CAUSE_SIZE])
{
    const char *abbreviation = sigabbrev_np(trial->signal);

    if (trial->end == TRIAL_HUNG)
        snprintf(ret_text, TRIAL_CAUSE_SIZE, "hung");
    else if (trial->end == TRIAL_CRASHED && trial->signal != 0)
        snprintf(ret_text, TRIAL_CAUSE_SIZE, "crash (SIG%s)", abbreviation ? abbreviation : "?");
    else if (trial->end == TRIAL_CRASHED)
        snprintf(ret_text, TRIAL_CAUSE_SIZE, "crash (exit %d)", trial->exit_code);
    else if (goes_two_ways(trial))
        snprintf(ret_text, TRIAL_CAUSE_SIZE, "not deterministic");
    else
        snprintf(ret_text, TRIAL_CAUSE_SIZE, "%s",
                 trial->result.breach.found ? watch_check_name(trial->result.breach.check)
                                            : "none");
    return ret_text;
}

bool trial_is_alike(const struct trial *a, const struct trial *b)
{
    char of_a[TRIAL_CAUSE_SIZE];
    char of_b[TRIAL_CAUSE_SIZE];

    return trial_has_failed(a) && trial_has_failed(b) &&
           strcmp(trial_cause(a, of_a), trial_cause(b, of_b)) == 0;
}
