/* looks: an operator who looks at the world now and then: each process's status, the routers'
 * metrics, and what explain says of this and that. The watch holds all of it against the truth. */

#ifndef MEC_LOOKS_H
#define MEC_LOOKS_H

#include <stdint.h>

struct simulation;

#define LOOKS_ID (UINT64_C(1) << 63) /* in ids of explanations: it was the operator who asked */

/* Look as often as the plan says, for as long as it lasts. */
void looks_begin(struct simulation *simulation);

/* From router @who: an answer to an explanation with LOOKS_ID. */
void looks_explained(struct simulation *simulation, const char *who, uint64_t explain_id,
                     const char *text);

#endif
