#include "sim/tally.h"

/* Trials come in the order of their numbers. */
static void count(uint64_t *counted, uint64_t *first, uint64_t more, uint64_t number)
{
    if (*counted == 0 && more != 0)
        *first = number;
    *counted += more;
}

void tally_add(struct tally *tally, const struct trial *trial)
{
    const struct run_result *result = &trial->result;

    tally->trials++;
    tally->failed += trial_has_failed(trial);
    if (trial->wall_us > tally->longest_us) {
        tally->longest_us = trial->wall_us;
        tally->longest_number = trial->number;
    }
    if (trial->end != TRIAL_ENDED)
        return;
    tally->twice += trial->twice;
    tally->virtual_us += result->virtual_us;
    tally->steps += result->steps;
    tally->operations += result->operations;
    tally->acknowledged += result->acknowledged;
    tally->queued += result->queued;
    tally->given_up_by_promotion += result->given_up_by_promotion;
    for (size_t kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        count(&tally->faults[kind], &tally->first_faults[kind], result->fault_happened >> kind & 1,
              trial->number);
    for (size_t branch = 0; branch < REACH_COUNT; branch++)
        count(&tally->reach[branch], &tally->first_reach[branch], trial->reach[branch],
              trial->number);
}

bool tally_misses(const struct tally *tally, enum reach_branch branch)
{
    return tally->reach[branch] == 0 && !reach_is_seldom(branch);
}

size_t tally_missing(const struct tally *tally, uint64_t faults)
{
    size_t missing = 0;

    for (size_t kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        missing += (faults >> kind & 1) != 0 && tally->faults[kind] == 0;
    for (size_t branch = 0; branch < REACH_COUNT; branch++)
        missing += tally_misses(tally, (enum reach_branch)branch);
    return missing;
}
