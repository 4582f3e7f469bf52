#include "regiond/reading.h"

#include <stdlib.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/plant.h"
#include "common/reach.h"
#include "regiond/answer.h"
#include "regiond/gateway.h"

struct waiting_read {
    struct waiting_read *prev, *next;
    struct deadline deadline;
    struct request request;
    reading_serve *serve;
};

static bool reached(const struct request *request)
{
    if (PLANTED(UNHEEDED_BOOKMARK))
        return true;
    return copies_reached(request->copy, request->call->bookmark, request->call->n_bookmark);
}

static void refuse_behind(struct region *region, struct request *request)
{
    region->counters.behind++;
    answer_verdict(region, request, MEC__VERDICT__BEHIND, PROBLEM_BEHIND,
                   "This copy has not reached the bookmark yet; retry, or send "
                   "Mec-Consistency: stale-ok.");
}

static void leave(struct region *region, struct waiting_read *waiting)
{
    DL_DELETE(waiting->request.copy->waiting, waiting);
    deadlines_clear(&region->deadlines, &waiting->deadline);
    region->waiting_reads--;
    request_release(&waiting->request);
    free(waiting);
}

void reading_timed_out(struct region *region, struct waiting_read *waiting)
{
    reach(BOOKMARK_TIMED_OUT);
    request_resume(&waiting->request, STAGE_SERVICE, region->at.now_us);
    refuse_behind(region, &waiting->request);
    leave(region, waiting);
}

static void wait_for_bookmark(struct region *region, const struct request *request,
                              reading_serve *serve)
{
    struct waiting_read *waiting = memory_alloc(sizeof *waiting);
    uint64_t wait_us = request->call->wait_us;

    /* A wait from outside is a wish; ten seconds are more than any asker gives. */
    if (wait_us > 10 * SECOND_US)
        wait_us = 10 * SECOND_US;
    request_park(request, &waiting->request);
    request_wait(&waiting->request, region->at.now_us);
    waiting->serve = serve;
    waiting->deadline.kind = DUE_READ;
    waiting->deadline.owner = waiting;
    deadlines_set(&region->deadlines, &waiting->deadline, region->at.now_us + wait_us);
    DL_APPEND(waiting->request.copy->waiting, waiting);
    region->waiting_reads++;
    region->counters.waits++;
}

/* An empty follower that has never heard from the home cannot tell "nothing there" from "nothing
 * here". */
static bool has_copy(const struct region *region, const struct copy *copy)
{
    return copy->visible.seq > 0 || copy->freshness.known || copies_is_home(region, copy);
}

void reading_admit(struct region *region, struct request *request, reading_serve *serve)
{
    struct copy *copy = request->copy;
    const Mec__Call *call = request->call;

    region->counters.reads++;
    if (call->consistency == MEC__CONSISTENCY__STRONG && !copies_is_home(region, copy) &&
        !PLANTED(STRONG_AWAY)) {
        reach(STRONG_AWAY);
        answer_not_home(region, request);
    } else if (call->consistency == MEC__CONSISTENCY__STALE_OK) {
        serve(region, request);
    } else if (!has_copy(region, copy)) {
        reach(BLANK_COPY_ASKED);
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_NO_REGION,
                       "This region has no copy of the data yet.");
    } else if (reached(request)) {
        serve(region, request);
    } else if (call->wait_us == 0 || region->waiting_reads >= READING_WAITING_MAX) {
        refuse_behind(region, request);
    } else {
        reach(BOOKMARK_AWAITED);
        wait_for_bookmark(region, request, serve);
    }
}

void reading_wake(struct region *region, struct copy *copy)
{
    struct waiting_read *waiting, *next;

    DL_FOREACH_SAFE(copy->waiting, waiting, next)
    {
        if (!reached(&waiting->request))
            continue;
        reach(BOOKMARK_REACHED);
        request_resume(&waiting->request, STAGE_SERVICE, region->at.now_us);
        /* What it has waited for may be that very thing: that its token is void. */
        if (gateway_still_stands(region, &waiting->request))
            waiting->serve(region, &waiting->request);
        leave(region, waiting);
    }
}

void reading_free(struct region *region)
{
    for (size_t i = 0; i < region->copy_count; i++)
        while (region->copies[i].waiting)
            leave(region, region->copies[i].waiting);
}
