/* doctor: findings, and those that a world's status gives away. */

#ifndef MEC_DOCTOR_H
#define MEC_DOCTOR_H

#include <stdbool.h>

#include <jansson.h>

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
    json_t *rows; /* [{verdict, check, found, advice}] */
    bool failed;
};

void doctor_init(struct doctor *doctor);
void doctor_free(struct doctor *doctor);

/* @advice: what to do about it; NULL when all is well. */
void doctor_add(struct doctor *doctor, enum doctor_verdict verdict, const char *check,
                const char *advice, const char *found, ...) __attribute__((format(printf, 5, 6)));

/* Judge the answer to `status`: processes, disks, replication, links as measured. */
void doctor_check_world(struct doctor *doctor, const json_t *status);

/* As text for people; a new string. */
char *doctor_render(const struct doctor *doctor, bool colours);

#endif
