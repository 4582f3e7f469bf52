#include "regiond/answer.h"

#include "common/memory.h"
#include "common/reach.h"
#include "regiond/forward.h"

void answer_init(struct answer *answer, uint32_t status)
{
    mec__answer__init(&answer->message);
    answer->message.status = status;
}

static void set_position(Mec__Position *position, const struct copy *copy, uint64_t epoch,
                         uint64_t seq)
{
    mec__position__init(position);
    position->shard = (char *)copy->shard;
    position->epoch = epoch;
    position->seq = seq;
}

void answer_at(struct answer *answer, const struct copy *copy, uint64_t epoch, uint64_t seq)
{
    set_position(&answer->position, copy, epoch, seq);
    answer->message.position = &answer->position;
}

void answer_seen(struct answer *answer, const struct copy *copy, uint64_t epoch, uint64_t seq)
{
    set_position(&answer->seen, copy, epoch, seq);
    answer->message.seen = &answer->seen;
}

void answer_read(const struct region *region, struct answer *answer, const struct copy *copy,
                 uint64_t epoch, uint64_t seq)
{
    const struct store_end *visible = &copy->visible;
    bool ahead = seq > visible->seq;

    if (ahead)
        reach(READ_AHEAD);
    answer_at(answer, copy, ahead ? epoch : visible->epoch, ahead ? seq : visible->seq);
    answer->message.staleness_known = copies_staleness(region, copy, &answer->message.staleness_us);
}

static void add_spans(struct answer *answer, const struct request *request)
{
    for (size_t stage = 0; stage < STAGE_COUNT; stage++) {
        Mec__Span *span = &answer->spans[answer->message.n_spans];

        if (!(request->entered & 1u << stage))
            continue;
        mec__span__init(span);
        span->name = (char *)request_stage_name((enum request_stage)stage);
        span->duration_us = request->spent_us[stage];
        answer->span_list[answer->message.n_spans++] = span;
    }
    answer->message.spans = answer->span_list;
}

static void add_limit(Mec__Answer *message, const struct bucket_state *limit)
{
    message->limit_quota = limit->quota;
    message->limit_window_s = limit->window_s;
    message->limit_remaining = limit->remaining;
    message->limit_reset_s = limit->reset_s;
}

void answer_send(struct region *region, struct request *request, struct answer *answer)
{
    Mec__Answer *message = &answer->message;

    add_spans(answer, request);
    add_limit(message, &request->limit);
    if (region->at.now_us > request->arrived_us)
        message->service_us = region->at.now_us - request->arrived_us;
    if (request->copy)
        message->home = request->copy->home;
    if (request->connection == REQUEST_SELF)
        forward_answer_self(region, request->id, message);
    else
        outbox_send(region->outbox, request->connection, FRAME_ANSWER, request->id, &message->base);
}

void answer_verdict(struct region *region, struct request *request, Mec__Verdict verdict,
                    enum problem_id problem, const char *detail)
{
    const struct problem *row = problem_get(problem);
    struct answer answer;

    answer_init(&answer, (uint32_t)row->status);
    answer.message.verdict = verdict;
    answer.message.problem = (char *)row->type;
    answer.message.detail = (char *)detail;
    if (row->status == 503 || row->status == 507)
        answer.message.retry_after_s = 1;
    region->counters.refused++;
    answer_send(region, request, &answer);
}

void answer_problem(struct region *region, struct request *request, enum problem_id problem,
                    const char *detail)
{
    answer_verdict(region, request, MEC__VERDICT__FINAL, problem, detail);
}

void answer_not_home(struct region *region, struct request *request)
{
    answer_verdict(region, request, MEC__VERDICT__NOT_HOME, PROBLEM_HOME_UNAVAILABLE,
                   "This region is not the home of the data; ask its home.");
}

void answer_limited(struct region *region, struct request *request,
                    const struct bucket_state *limit, const char *detail)
{
    const struct problem *problem = problem_get(PROBLEM_TOO_MANY);
    struct answer answer;

    request->limit = *limit;
    answer_init(&answer, (uint32_t)problem->status);
    answer.message.problem = (char *)problem->type;
    answer.message.detail = (char *)detail;
    answer.message.retry_after_s = buckets_retry_s(limit);
    region->counters.limited++;
    answer_send(region, request, &answer);
}

void answer_overloaded(struct region *region, struct request *request)
{
    answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_OVERLOADED,
                   "Too much work is waiting in this region; try again later.");
}

void answer_disk_full(struct region *region, struct request *request)
{
    answer_problem(region, request, PROBLEM_DISK_FULL,
                   "The region's disk takes no writes; try again once it has room.");
}
