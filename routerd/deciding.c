#include "routerd/deciding.h"

#include "common/plant.h"
#include "common/problem.h"

/* An account's home is near who signs up: a shard whose home is the nearest region that can take
 * it. */
static void choose_new_home(struct router *router, struct pending *pending,
                            const struct policy_question *question)
{
    struct policy_question anywhere = *question;
    anywhere.class = ROUTE_LOCAL;
    pending->shard = POLICY_NONE;
    for (size_t round = 0; round < question->region_count; round++) {
        struct policy_decision nearest = policy_decide(&anywhere);
        if (nearest.verdict == POLICY_REFUSE)
            return;
        for (uint32_t shard = 0; shard < router->config->n_shards; shard++) {
            if (router->shards[shard].home == nearest.region) {
                pending->shard = shard;
                return;
            }
        }
        anywhere.tried |= 1u << nearest.region;
    }
}

void deciding_queue(const struct router *router, uint32_t shard, const char *user,
                    const char *service, struct policy_question *question)
{
    uint32_t found =
        PLANTED(OVERTAKEN_QUEUE) ? MARKS_NONE : marks_find(router->marks, shard, user, service);
    question->queued_apart = found == MARKS_APART;
    question->queued_at = question->queued_apart ? POLICY_NONE : found;
    question->enqueuing_at = marks_heading(router->marks, shard, user, service);
    question->queues_unknown = !router->ready;
}

struct policy_decision deciding_decide(struct router *router, struct pending *pending)
{
    struct policy_region copy[POLICY_REGIONS_MAX];
    struct policy_question question = {
        .class = pending->class,
        .consistency = pending->behind ? MEC__CONSISTENCY__STRONG : pending->consistency,
        .home = pending->home,
        .forced = pending->forced,
        .queued_at = POLICY_NONE,
        .enqueuing_at = POLICY_NONE,
        .queue_writes = router->config->settings->queue_writes,
        .tried = pending->tried,
        .unserved = pending->unserved,
        .maybe_written = pending->maybe_written,
        .regions = vantage_known(pending->vantage, pending->route, copy),
        .region_count = router->config->n_regions,
    };
    if (pending->route->operation == MEC__OPERATION__USER_CREATE && !pending->maybe_written)
        choose_new_home(router, pending, &question);
    if (question.home == POLICY_NONE && pending->shard != POLICY_NONE)
        question.home = router->shards[pending->shard].home;
    if (pending->class == ROUTE_WRITE && pending->shard != POLICY_NONE) {
        deciding_queue(router, pending->shard, pending->user, pending->route->service, &question);
    }
    return policy_decide(&question);
}

static uint32_t home_of(const struct router *router, const struct pending *pending)
{
    if (pending->home != POLICY_NONE || pending->shard == POLICY_NONE)
        return pending->home;
    return router->shards[pending->shard].home;
}

const char *deciding_why(struct router *router, const struct pending *pending,
                         const struct policy_decision *decision)
{
    struct policy_region copy[POLICY_REGIONS_MAX];
    const struct policy_region *known = vantage_known(pending->vantage, pending->route, copy);
    uint32_t home = home_of(router, pending);
    if (decision->problem == PROBLEM_RESIDENCY)
        return arena_format(router->arena, "The data of %s may not lie in %s, the user's home.",
                            known[home].service_down, known[home].name);
    if (decision->problem != PROBLEM_SERVICE_UNAVAILABLE || home == POLICY_NONE ||
        known[home].service_up)
        return decision->why;
    return arena_format(router->arena, "%s %s is down: %s", known[home].name,
                        known[home].service_down, decision->why);
}
