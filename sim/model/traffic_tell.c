/* What decisions about traffic rest on, in words. */

#include "sim/model/traffic_internal.h"

void traffic_tell(const struct traffic *traffic, struct result *result)
{
    const struct traffic_rules *rules = &traffic->rules;
    char bound[RESULT_NUMBER_SIZE];
    char left[RESULT_NUMBER_SIZE];

    result_assume(result, "The router's own policy decides, by what a router has found out once a "
                          "failure has been noticed; what is under way until then is not counted.");
    result_assume(result, "Round trips are those of the links that a request waits for, one after "
                          "the other, without jitter, loss, and the time that regions work.");
    result_assume(result,
                  "A copy that hears nothing from its home serves metadata, and items of the vault "
                  "for %s (revocation_bound) more.",
                  result_show(RESULT_US, (double)rules->revocation_bound_us, bound));
    result_assume(result,
                  "Only the home renews tokens, or logs its users in. When it cannot, theirs are "
                  "good for %s more: half of token_lifetime, as the mean of users.",
                  result_show(RESULT_US, (double)rules->token_left_us, left));
    result_assume(result, "Writes whose home is away are %s.",
                  rules->queue_writes ? "queued; queues do not get full" : "refused");
}
