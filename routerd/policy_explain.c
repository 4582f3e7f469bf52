/* The reasoning behind policy_decide(), in words. */

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/problem.h"
#include "routerd/policy.h"

/* A text that grows to its bound, and from there on is cut. */
struct text {
    char *data;
    size_t used;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void say(struct text *text, const char *format, ...)
{
    if (text->used + 1 >= text->size)
        return;
    size_t room = text->size - text->used;
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(text->data + text->used, room, format, arguments);
    va_end(arguments);
    assert(wanted >= 0);
    text->used += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

static const char *class_text(const struct policy_question *question)
{
    switch (question->class) {
    case ROUTE_READ:
        return question->consistency == MEC__CONSISTENCY__STRONG
                   ? "strong read: the home alone may answer"
                   : "read: the nearest healthy region answers, from its copy";
    case ROUTE_WRITE:
        return question->queue_writes
                   ? "write: goes home; while the home is away it is queued near the client"
                   : "write: goes home; while the home is away it is refused";
    case ROUTE_SENSITIVE:
        return "sensitive: the home alone may do it; never queued, never from a stale copy";
    case ROUTE_RECEIPT:
        return "receipt: the region that accepted the write answers";
    case ROUTE_LOCAL:
        return "needs no shard: the nearest healthy region answers";
    }
    assert(false && "a route class");
    return "";
}

static const char *region_state(const struct policy_question *question, uint32_t region)
{
    const struct policy_region *known = &question->regions[region];
    if (!known->healthy)
        return "not reachable";
    if ((question->tried >> region & 1u) != 0)
        return "has failed this request";
    if (!known->writable)
        return "healthy, takes no writes";
    return "healthy";
}

static void say_state(struct text *text, const struct policy_question *question, uint32_t region)
{
    const struct policy_region *known = &question->regions[region];
    if (known->healthy && known->outside)
        say(text, "healthy, but may not hold the data of %s", known->service_down);
    else if (known->healthy && !known->service_up)
        say(text, "healthy, but %s %s is down", known->name, known->service_down);
    else
        say(text, "%s", region_state(question, region));
}

/* The order in which a read would try them. */
static void say_regions(struct text *text, const struct policy_question *question)
{
    uint32_t said = 0;
    for (size_t rank = 0; rank < question->region_count; rank++) {
        uint32_t next = POLICY_NONE;
        for (uint32_t region = 0; region < question->region_count; region++) {
            if ((said >> region & 1u) == 0 &&
                (next == POLICY_NONE ||
                 question->regions[region].round_trip_us < question->regions[next].round_trip_us))
                next = region;
        }
        said |= 1u << next;
        say(text, "  %zu. %s, %.1f ms: ", rank + 1, question->regions[next].name,
            (double)question->regions[next].round_trip_us / 1000.0);
        say_state(text, question, next);
        say(text, "%s\n", next == question->home ? " (home)" : "");
    }
}

static void say_circumstances(struct text *text, const struct policy_question *question)
{
    if (question->forced != POLICY_NONE)
        say(text, "The request forces %s.\n", question->regions[question->forced].name);
    if (question->home == POLICY_NONE && question->class != ROUTE_LOCAL)
        say(text, "The home is not known: say whose data it is with a user.\n");
    if (question->class == ROUTE_WRITE && question->queued_at != POLICY_NONE)
        say(text, "Earlier writes of the user wait in the queue of %s; newer ones go behind.\n",
            question->regions[question->queued_at].name);
    if (question->class == ROUTE_WRITE && question->queued_apart)
        say(text,
            "Earlier writes of the user wait in two queues; newer ones wait for one to end.\n");
    if (question->class == ROUTE_WRITE && question->queues_unknown)
        say(text, "Not every region has shown its queue to this router yet.\n");
    if (question->maybe_written)
        say(text, "An earlier try may have written.\n");
}

static void say_decision(struct text *text, const struct policy_decision *decision,
                         const struct policy_question *question)
{
    if (decision->verdict == POLICY_REFUSE) {
        const struct problem *problem = problem_get((enum problem_id)decision->problem);
        say(text, "=> %d %s: %s", problem->status, problem->type, decision->why);
        return;
    }
    say(text, "=> %s %s: %s", decision->mode == MEC__CALL_MODE__ENQUEUE ? "queued at" : "asks",
        question->regions[decision->region].name, decision->why);
}

void policy_explain(const struct policy_question *question, const struct policy_decision *decision,
                    char *ret_text, size_t size)
{
    assert(size > 0);
    struct text text = {.data = ret_text, .size = size};
    ret_text[0] = '\0';
    say(&text, "Class %s.\n", class_text(question));
    say_circumstances(&text, question);
    say(&text, "Regions by round trip from the client:\n");
    say_regions(&text, question);
    say_decision(&text, decision, question);
}
