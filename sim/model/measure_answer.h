/* measure_answer: what a client can see of an answer of a running world, and of which kind it is.
 *
 * Judged are its status, the headers in which the world tells who served it and how old it may be,
 * and the time that it took; not what the model would expect. */

#ifndef MEC_MEASURE_ANSWER_H
#define MEC_MEASURE_ANSWER_H

#include "sim/model/traffic.h"

#define MEASURE_ANSWER_WORD_SIZE     40
#define MEASURE_ANSWER_BOOKMARK_SIZE 512

struct measure_answer {
    int status; /* 0: none came */
    char region[GEO_NAME_SIZE];
    char served[MEASURE_ANSWER_WORD_SIZE];  /* "home", "replica"; "" */
    char problem[MEASURE_ANSWER_WORD_SIZE]; /* its short type: "no-region"; "" */
    char bookmark[MEASURE_ANSWER_BOOKMARK_SIZE];
    bool tells_staleness;
    bool staleness_known;
    uint64_t staleness_us;
    uint64_t elapsed_us;
};

/* Take over one line of the head, as it came: "Mec-Region: us-east\r\n". What nobody here reads,
 * and what is too long, is passed over. */
void measure_answer_take_header(struct measure_answer *answer, const char *line, size_t size);

/* Take over a body of application/problem+json. Others are passed over. */
void measure_answer_take_body(struct measure_answer *answer, const char *body, size_t size);

/* 2xx, and not merely taken into a queue. */
bool measure_answer_is_full(const struct measure_answer *answer);

/* Answered in full, and clearly later than @usual_us, when all is well? What is near the edge is
 * called fine: ways that differ by less are not told apart. */
bool measure_answer_is_slower(const struct measure_answer *answer, uint64_t usual_us);

enum traffic_kind measure_answer_kind(enum traffic_operation operation,
                                      const struct measure_answer *answer, uint64_t usual_us);

#endif
