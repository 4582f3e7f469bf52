/* answer: builds what a caller gets back, and sends it to whoever asked. */

#ifndef MEC_ANSWER_H
#define MEC_ANSWER_H

#include "common/problem.h"
#include "regiond/core.h"
#include "regiond/request.h"

/* An Answer with room for its parts. Set fields of `message` as needed; what it points to must live
 * until answer_send(). */
struct answer {
    Mec__Answer message;
    Mec__Position position;
    Mec__Position seen;
    Mec__Span spans[STAGE_COUNT];
    Mec__Span *span_list[STAGE_COUNT];
};

void answer_init(struct answer *answer, uint32_t status);

/* The answer is about @copy as it stood at (@epoch, @seq). */
void answer_at(struct answer *answer, const struct copy *copy, uint64_t epoch, uint64_t seq);

/* A read's: position, which is at least (@epoch, @seq), and staleness. */
void answer_read(const struct region *region, struct answer *answer, const struct copy *copy,
                 uint64_t epoch, uint64_t seq);

/* All that the answer tells stands in the change at (@epoch, @seq); 0, 0: it tells of none. So that
 * is as far as the session's bookmark has to go, and a copy that has this change may serve the
 * session next, though the log went on meanwhile: reads of calm data survive the loss of a busy
 * home. */
void answer_seen(struct answer *answer, const struct copy *copy, uint64_t epoch, uint64_t seq);

/* Add the home, the spans and the time taken, and send. */
void answer_send(struct region *region, struct request *request, struct answer *answer);

/* A whole answer that is a problem; its status comes from the table. */
void answer_problem(struct region *region, struct request *request, enum problem_id problem,
                    const char *detail);

/* The same, and the asker may still try something else. */
void answer_verdict(struct region *region, struct request *request, Mec__Verdict verdict,
                    enum problem_id problem, const char *detail);

/* The verdicts that many give. */
void answer_not_home(struct region *region, struct request *request);
/* Told to slow down by @limit. */
void answer_limited(struct region *region, struct request *request,
                    const struct bucket_state *limit, const char *detail);

void answer_overloaded(struct region *region, struct request *request);
void answer_disk_full(struct region *region, struct request *request);

#endif
