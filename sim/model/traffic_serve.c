/* The region's part: what regiond's gateway and its services make of a call, in a world that stands
 * still and in which every copy had everything when something broke. */

#include "common/problem.h"
#include "sim/model/traffic_internal.h"

static bool is_in(uint32_t set, uint32_t region)
{
    return (set >> region & 1u) != 0;
}

/* Can a message go from @a to @b and an answer come back, and is there anybody to answer? */
static bool reaches(const struct traffic_state *state, uint32_t a, uint32_t b)
{
    if (is_in(state->down, b))
        return false;
    if (a == b)
        return true;
    return !is_in(state->isolated, a) && !is_in(state->isolated, b) && !is_in(state->cut[a], b) &&
           !is_in(state->cut[b], a);
}

/* Do changes and revocations of @home arrive at @region? */
static bool hears(const struct traffic_state *state, uint32_t region, uint32_t home)
{
    return region == home ||
           (!is_in(state->replicators_down, home) && reaches(state, region, home));
}

static uint64_t between_us(const struct traffic *traffic, uint32_t a, uint32_t b)
{
    const struct deployment *deployment = traffic->deployment;

    return a == b ? 0 : deployment->between[a][b].latency_us + deployment->between[b][a].latency_us;
}

static enum traffic_verdict refuse(struct traffic_end *end, int problem, const char *why)
{
    end->problem = problem;
    end->why = why;
    return TRAFFIC_REFUSED;
}

/* ---- reads ---- */

static bool is_stale(const struct traffic_call *call, uint32_t home)
{
    return !hears(call->view->state, call->region, home);
}

/* The session's last write has gone home, so its bookmark is ahead of a copy that hears nothing. A
 * write that was queued or refused moves no bookmark. */
static bool is_behind(const struct traffic_call *call)
{
    struct traffic_question write = *call->question;
    struct traffic_end end;

    if (call->question->operation != TRAFFIC_METADATA_REREAD ||
        !is_stale(call, call->question->home))
        return false;
    write.operation = TRAFFIC_METADATA_WRITE;
    traffic_route(call->view, &write, &end);
    return end.served;
}

static enum traffic_verdict read_metadata(const struct traffic_call *call, struct traffic_end *end)
{
    if (is_behind(call)) {
        end->way_us += call->view->traffic->rules.bookmark_wait_us;
        return TRAFFIC_BEHIND;
    }
    end->stale = is_stale(call, call->question->home);
    return TRAFFIC_SERVED;
}

/* Who may open it must be known newly enough: of the reader, too. What is read is as old as the
 * copy of its owner's home. */
static enum traffic_verdict read_vault(const struct traffic_call *call, struct traffic_end *end)
{
    const struct traffic_question *question = call->question;
    bool shared = question->operation == TRAFFIC_SHARED_READ;
    uint32_t owner = shared ? question->other : question->home;
    bool deaf = is_stale(call, question->home) || is_stale(call, owner);
    uint32_t outside = call->view->traffic->outside[question->other];

    if (shared && (outside >> PARTS_VAULT & 1u) != 0)
        return refuse(end, PROBLEM_NOT_FOUND, "the owner's items may not lie at the owner's home");
    if (deaf && call->view->state->since_us > call->view->traffic->rules.revocation_bound_us)
        return TRAFFIC_DECLINED;
    end->stale = is_stale(call, owner);
    return TRAFFIC_SERVED;
}

/* ---- what only the home may do ---- */

static enum traffic_verdict write_here(const struct traffic_call *call, struct traffic_end *end)
{
    if (is_in(call->view->state->full, call->region))
        return refuse(end, PROBLEM_DISK_FULL, "the home's disk is full");
    return TRAFFIC_SERVED;
}

/* Another region is asked to take part, @times one after the other. */
static enum traffic_verdict ask_region(const struct traffic_call *call, uint32_t region,
                                       uint64_t times, struct traffic_end *end)
{
    const struct traffic_state *state = call->view->state;

    if (!reaches(state, call->region, region))
        return refuse(end, PROBLEM_HOME_UNAVAILABLE,
                      "a region that must take part is out of the asked one's reach");
    end->asked |= 1u << region;
    end->way_us += times * between_us(call->view->traffic, call->region, region);
    if (is_in(state->services_down[region], PARTS_AUTH))
        return refuse(end, PROBLEM_SERVICE_UNAVAILABLE, "a region that must take part has no auth");
    if (is_in(state->full, region))
        return refuse(end, PROBLEM_DISK_FULL, "a region that must take part has a full disk");
    return TRAFFIC_SERVED;
}

/* The name is reserved, the account made here, the name confirmed. */
static enum traffic_verdict sign_up(const struct traffic_call *call, struct traffic_end *end)
{
    enum traffic_verdict verdict = ask_region(call, call->question->other, 2, end);

    return verdict == TRAFFIC_SERVED ? write_here(call, end) : verdict;
}

enum traffic_verdict traffic_serve(const struct traffic_call *call, struct traffic_end *end)
{
    switch (call->question->operation) {
    case TRAFFIC_METADATA_READ:
    case TRAFFIC_METADATA_REREAD:
        return read_metadata(call, end);
    case TRAFFIC_VAULT_READ:
    case TRAFFIC_SHARED_READ:
        return read_vault(call, end);
    case TRAFFIC_METADATA_WRITE:
    case TRAFFIC_VAULT_WRITE:
    case TRAFFIC_TOKEN_REFRESH:
        return write_here(call, end);
    case TRAFFIC_LOG_IN:
        return ask_region(call, call->question->home, 1, end);
    case TRAFFIC_SIGN_UP:
        return sign_up(call, end);
    case TRAFFIC_OPERATION_COUNT:
        break;
    }
    return TRAFFIC_DECLINED;
}
