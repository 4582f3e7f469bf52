#include "regiond/trust.h"

#include "common/plant.h"
#include "common/reach.h"
#include "regiond/answer.h"
#include "regiond/revocations.h"

bool trust_tokens(const struct region *region, const struct copy *copy)
{
    uint64_t age_us;

    return copies_is_home(region, copy) || (revocations_age(region, copy, &age_us) &&
                                            age_us <= region->settings.revocation_bound_us);
}

bool trust_grants(const struct region *region, const struct copy *copy)
{
    uint64_t staleness_us;

    if (PLANTED(STALE_GRANT))
        return true;
    return trust_tokens(region, copy) && copies_staleness(region, copy, &staleness_us) &&
           staleness_us <= region->settings.revocation_bound_us;
}

void trust_refuse(struct region *region, struct request *request)
{
    reach(VAULT_NOT_TRUSTED);
    answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_STALE_FEED,
                   "This region has not heard for too long who may still read this; try again.");
}
