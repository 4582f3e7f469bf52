#include "sim/model/scale_tell.h"

#include <stdio.h>

#include "common/moment.h"

#define MINUTE_US   (60 * SECOND_US)
#define DAY_MINUTES (24u * 60)
#define TOLD_BUSY   1.0 /* a region that is asked for more than it can do is told of */

const char *scale_tell_time(const struct scale_world *world, uint64_t at_us,
                            char ret_text[SCALE_TELL_TIME_SIZE])
{
    uint64_t minute = (at_us + (uint64_t)world->sun.begins_us_utc) / MINUTE_US;
    unsigned days = (unsigned)(minute / DAY_MINUTES);
    unsigned of_day = (unsigned)(minute % DAY_MINUTES);

    if (days == 0)
        snprintf(ret_text, SCALE_TELL_TIME_SIZE, "%02u:%02u", of_day / 60, of_day % 60);
    else
        snprintf(ret_text, SCALE_TELL_TIME_SIZE, "%ud %02u:%02u", days, of_day / 60, of_day % 60);
    return ret_text;
}

static const char *time_of_slice(const struct scale_told *told, uint64_t slice,
                                 char ret_text[SCALE_TELL_TIME_SIZE])
{
    return scale_tell_time(told->world, slice * told->world->slice_us, ret_text);
}

/* ---- assumptions ---- */

static void assume_requests(const struct scale_world *world, struct result *result)
{
    char service[RESULT_NUMBER_SIZE];

    result_assume(result,
                  "Every request is drawn by itself: when it comes (Poisson, %.4g a user and day, "
                  "about a wave by the sun's time where the user is, at its height at %.4g h), and "
                  "how long each part of its way takes. Users do not try again, and do not react "
                  "to failures.",
                  world->requests_per_user, world->sun.peak_hour);
    result_assume(result,
                  "A region works %s on a request (%s), with so many workers as its capacity "
                  "takes; who would wait too long is turned away at once (M/M/c with balking; "
                  "Barrer 1957). Load is even within a slice, and each slice stands by itself.",
                  result_show(RESULT_US, world->service_us, service),
                  world->service_varies ? "exponential" : "always alike");
    result_assume(result, "Each region that has to do with a request is as busy with it as with "
                          "any other, log-ins included; only the one that answers makes it wait. "
                          "Who is turned away asks on as the router's policy has it, at most three "
                          "regions in all; writes that are queued for that are not followed home.");
}

static void assume_failures(const struct scale_world *world, struct result *result)
{
    const Mec__Settings *settings = world->deployment->config->settings;
    char bound[RESULT_NUMBER_SIZE], left[RESULT_NUMBER_SIZE];

    result_assume(
        result,
        "Of a home that is away, copies serve the vault for %s more (revocation_bound); tokens of "
        "its users run out after %s, half of token_lifetime, and nobody else renews them.",
        result_show(RESULT_US, (double)traffic_rules_of(world->traffic)->revocation_bound_us,
                    bound),
        result_show(RESULT_US, (double)traffic_rules_of(world->traffic)->token_left_us, left));
    result_assume(result, "Who is asked has the router's own policy decided, by what its own "
                          "health code believes at that place and moment: probes leave, get stuck "
                          "and come back over links that faults hold up. What is sent to a region "
                          "that is cut off unnoticed hangs until that is noticed, it is mended, or "
                          "request_timeout is over. What is on its way at the very moment of a cut "
                          "is not caught.");
    result_assume(result,
                  "Queued writes wait at the region that took them, at most %u there, and go home "
                  "at %u a second once the home is back; numbers of them are the expected ones. "
                  "Queues are bounded by entries alone, and a user's newer writes do not wait "
                  "behind queued ones.",
                  settings->queue_max_entries, settings->queue_drain_per_s);
    result_assume(result, "Links have jitter and loss as in a running world; each client has a "
                          "stream of its own, so nothing waits behind somebody else's loss, and no "
                          "line gets full. Latencies are of what was answered, also by a queue.");
}

/* ---- findings ---- */

static void find_requests(const struct scale_told *told, struct result *result)
{
    const struct scale_tally *tally = told->tally;
    uint64_t kinds[SCALE_KIND_COUNT];
    char all[RESULT_NUMBER_SIZE], peak[RESULT_NUMBER_SIZE], mean[RESULT_NUMBER_SIZE];
    char time[SCALE_TELL_TIME_SIZE];
    double seconds = (double)told->world->duration_us / (double)SECOND_US;

    scale_tally_kinds(tally, kinds);
    double requests = (double)scale_tally_requests(kinds);
    result_find(result, "%s requests: %s a second on average, %s at the peak, at %s.",
                result_show(RESULT_COUNT, requests, all),
                result_show(RESULT_COUNT, requests / seconds, mean),
                result_show(RESULT_COUNT, tally->peak_per_s, peak),
                time_of_slice(told, tally->peak_slice, time));
}

static void find_latency(const struct scale_told *told, struct result *result)
{
    static struct scale_histogram latencies; /* too large for a stack */
    char p50[RESULT_NUMBER_SIZE], p95[RESULT_NUMBER_SIZE], p99[RESULT_NUMBER_SIZE];

    scale_tally_latencies(told->tally, &latencies);
    if (latencies.count == 0)
        return;
    result_find(result, "Half of all answers take at most %s, 95 of 100 %s, 99 of 100 %s.",
                result_show(RESULT_US, scale_histogram_quantile(&latencies, 0.5), p50),
                result_show(RESULT_US, scale_histogram_quantile(&latencies, 0.95), p95),
                result_show(RESULT_US, scale_histogram_quantile(&latencies, 0.99), p99));
}

static void find_overload(const struct scale_told *told, struct result *result)
{
    char share[RESULT_NUMBER_SIZE], away[RESULT_NUMBER_SIZE], time[SCALE_TELL_TIME_SIZE];

    for (size_t i = 0; i < told->tally->region_count; i++) {
        const struct scale_tally_region *region = &told->tally->regions[i];
        if (region->busiest <= TOLD_BUSY)
            continue;
        result_find(
            result, "%s is asked for %s of what it can do at %s; it turns away %s requests.",
            told->world->deployment->region[i], result_show(RESULT_SHARE, region->busiest, share),
            time_of_slice(told, region->busiest_slice, time),
            result_show(RESULT_COUNT, (double)region->shed, away));
    }
}

static void find_queues(const struct scale_told *told, struct result *result)
{
    double bound = told->world->deployment->config->settings->queue_max_entries;
    char time[SCALE_TELL_TIME_SIZE];

    for (size_t i = 0; i < told->tally->region_count; i++) {
        const struct scale_tally_region *region = &told->tally->regions[i];
        if (region->queued_most < bound)
            continue;
        result_find(result,
                    "The queue of %s is full at %s: from then on writes whose home is away are "
                    "refused there.",
                    told->world->deployment->region[i],
                    time_of_slice(told, region->queued_most_slice, time));
    }
}

static double no_answer(const struct scale_tally_part *part)
{
    const uint64_t *kinds = part->kinds;
    double requests = (double)scale_tally_requests(kinds);

    return (requests - (double)(kinds[SCALE_FINE] + kinds[SCALE_SLOWER] + kinds[SCALE_STALE] +
                                kinds[SCALE_QUEUED])) /
           requests;
}

static void find_fault(const struct scale_told *told, size_t index, struct result *result)
{
    const struct scale_fault *fault = &told->world->faults.items[index];
    const struct scale_tally_part *meanwhile = &told->tally->faults[index].meanwhile;
    const struct scale_tally_part *before = &told->tally->faults[index].before;
    char share[RESULT_NUMBER_SIZE], p99[RESULT_NUMBER_SIZE];
    char share_before[RESULT_NUMBER_SIZE], p99_before[RESULT_NUMBER_SIZE];
    char time[SCALE_TELL_TIME_SIZE];

    if (scale_tally_requests(meanwhile->kinds) == 0)
        return;
    scale_tell_time(told->world, fault->from_us, time);
    result_show(RESULT_SHARE, no_answer(meanwhile), share);
    result_show(RESULT_US, scale_histogram_quantile(&meanwhile->latencies, 0.99), p99);
    if (scale_tally_requests(before->kinds) == 0) {
        result_find(result,
                    "%s at %s: meanwhile %s of all requests get no answer; of answers 99 of 100 "
                    "take at most %s.",
                    fault->text, time, share, p99);
        return;
    }
    result_show(RESULT_SHARE, no_answer(before), share_before);
    result_show(RESULT_US, scale_histogram_quantile(&before->latencies, 0.99), p99_before);
    result_find(result,
                "%s at %s: meanwhile %s of all requests get no answer, %s before; of answers 99 of "
                "100 take at most %s, %s before.",
                fault->text, time, share, share_before, p99, p99_before);
}

static void find_faults(const struct scale_told *told, struct result *result)
{
    char hung[RESULT_NUMBER_SIZE], mean[RESULT_NUMBER_SIZE];

    for (size_t i = 0; i < told->world->faults.count; i++)
        find_fault(told, i, result);
    if (told->tally->hung > 0)
        result_find(
            result,
            "%s requests hang, %s on average, because what they are sent to is cut off and "
            "that is not yet noticed.",
            result_show(RESULT_COUNT, (double)told->tally->hung, hung),
            result_show(RESULT_US, (double)told->tally->hung_us / (double)told->tally->hung, mean));
}

void scale_tell(const struct scale_told *told, struct result *result)
{
    deployment_tell(told->world->deployment, result);
    assume_requests(told->world, result);
    assume_failures(told->world, result);
    find_requests(told, result);
    find_latency(told, result);
    find_faults(told, result);
    find_overload(told, result);
    find_queues(told, result);
    scale_tell_tables(told, result);
}
