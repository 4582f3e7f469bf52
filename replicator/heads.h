/* heads: how far our region's audit chains have got, as our regiond has said it last, to be passed
 * on to the followers as it is: signed, so nothing is changed or judged here. */

#ifndef MEC_HEADS_H
#define MEC_HEADS_H

#include "replication.pb-c.h"

struct heads;

struct heads *heads_create(void);
void heads_free(struct heads *heads);

/* What @tail brings takes the place of what was before; one that brings none changes nothing. */
void heads_take(struct heads *heads, const Mec__Tail *tail);

/* Put them into @apply, which points to them until the next heads_take(). */
void heads_put(const struct heads *heads, Mec__Apply *apply);

#endif
