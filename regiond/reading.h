/* reading: may this copy answer this read now? A read behind whose bookmark this copy still is
 * waits a little, and goes on in the step that makes the position visible. */

#ifndef MEC_READING_H
#define MEC_READING_H

#include "regiond/core.h"
#include "regiond/request.h"

#define READING_WAITING_MAX 4096

typedef void reading_serve(struct region *region, struct request *request);

/* Serve @request (of request->copy) now or later, or refuse it. */
void reading_admit(struct region *region, struct request *request, reading_serve *serve);

/* The visible end of @copy may have moved. */
void reading_wake(struct region *region, struct copy *copy);

/* The deadline of @waiting has come: refuse it. */
void reading_timed_out(struct region *region, struct waiting_read *waiting);

void reading_free(struct region *region);

#endif
