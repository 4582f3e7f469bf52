#include "sim/outcome.h"

/* A refusal is only given where no try can still have its effect; else the router says that the
 * fate is unknown. What a region calls a bug is no promise. */
bool outcome_promises_nothing(const struct outcome *outcome)
{
    if (outcome->given_up)
        return false;
    if (outcome->status >= 400 && outcome->status < 500)
        return true;
    switch (outcome->problem) {
    case PROBLEM_HOME_UNAVAILABLE:
    case PROBLEM_NO_REGION:
    case PROBLEM_READ_ONLY:
    case PROBLEM_QUEUE_FULL:
    case PROBLEM_QUEUE_UNREACHABLE:
    case PROBLEM_OVERLOADED:
    case PROBLEM_FORCED_REGION:
    case PROBLEM_DISK_FULL:
    case PROBLEM_SERVICE_UNAVAILABLE:
    case PROBLEM_NOT_IMPLEMENTED:
    case PROBLEM_HTTP_VERSION:
        return outcome->status >= 500;
    default:
        return false;
    }
}
