/* policy: where a request goes, as a pure function of what is known, with its reasons.
 *
 * The same function serves requests, `mecentral explain`, the simulator and the models. */

#ifndef MEC_POLICY_H
#define MEC_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "call.pb-c.h"
#include "common/routes.h"

#define POLICY_REGIONS_MAX 32
#define POLICY_NONE        UINT32_MAX

/* Of so many regions a router asks one read, at most. */
#define POLICY_READ_TRIES_MAX 3u

/* What is known of a region from the client's vantage. */
struct policy_region {
    const char *name;
    uint64_t round_trip_us;
    bool healthy; /* reachable and serving, from this vantage */
    bool writable;
    bool service_up;          /* the services that the request needs work there */
    const char *service_down; /* otherwise: which one does not */
    bool outside;             /* and that because its data may not lie there */
};

struct policy_question {
    enum route_class class;
    Mec__Consistency consistency;
    uint32_t home;         /* region index; POLICY_NONE: not known */
    uint32_t forced;       /* Mec-Force-Region; POLICY_NONE: not forced */
    uint32_t queued_at;    /* region that holds the user's waiting writes; POLICY_NONE */
    bool queued_apart;     /* they wait in two queues: behind which one would a newer one go? */
    bool queues_unknown;   /* not every region has shown yet whose writes wait there */
    uint32_t enqueuing_at; /* region that one is on its way to, to be queued; POLICY_NONE */
    bool queue_writes;     /* the topology: queue, or read-only */
    uint32_t tried;        /* bit set of regions that have failed this request */
    uint32_t unserved;     /* of them: those whose service has said that it cannot do it now */
    bool maybe_written;    /* an earlier try at the home has an unknown fate */
    const struct policy_region *regions;
    size_t region_count;
};

enum policy_verdict {
    POLICY_ASK,   /* `region`, in `mode` */
    POLICY_REFUSE /* `problem` */
};

struct policy_decision {
    enum policy_verdict verdict;
    uint32_t region;
    Mec__CallMode mode;
    int problem;     /* enum problem_id */
    const char *why; /* static, one line: "nearest healthy region", "home away: queued" */
};

struct policy_decision policy_decide(const struct policy_question *question);

/* The whole reasoning as text, a line a step, into @ret_text (cut to @size). */
void policy_explain(const struct policy_question *question, const struct policy_decision *decision,
                    char *ret_text, size_t size);

#endif
