/* audit: how far this region's audit chains have got, told to the others; and what they have told,
 * kept on this region's disk.
 *
 * About once a second a chain that has grown is signed as far as it is durable (audit_head.h), and
 * every heartbeat takes the signed heads along. Of others the highest head of each chain is kept,
 * so that its end cannot be cut off, nor what is before it be rewritten, without another region's
 * disk showing it. A chain that begins anew, as its file was lost, does not take the place of the
 * one before. */

#ifndef MEC_AUDIT_H
#define MEC_AUDIT_H

#include "regiond/core.h"
#include "replication.pb-c.h"

/* Of one region: a chain for each shard that it is or was home to, and those of files that it lost.
 * What comes beyond is not kept. */
#define AUDIT_HEADS_OF_REGION_MAX 64

/* @interval_us: how often at most a chain is signed, and heads are written; 0: a second. Errors: as
 * those of the readers. */
int audit_create(struct region *region, uint64_t interval_us, struct audit **ret_audit);
void audit_free(struct audit *audit);

/* @batch is durable. */
void audit_stored(struct region *region, const struct storage_batch *batch);

/* Sign what has grown, and write what was heard. */
void audit_beat(struct region *region);

/* The signed heads of all chains of ours; they live until the next audit_beat(). */
void audit_add_heads(struct region *region, Mec__Tail *tail);

/* Heads have come in. Those that are not signed by a key of their region are counted and dropped.
 */
void audit_take(struct region *region, const Mec__Apply *apply);

/* As region_audit_heads(). */
char *audit_heads_json(const struct region *region);

#endif
