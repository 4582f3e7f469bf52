/* ahead: which of a shard's revocations one follower has been sent ahead of the log.
 *
 * They are sent without waiting for answers. A heartbeat remembers up to where they had been sent
 * by then, and its answer says what the follower has: what is missing is sent again. So nothing has
 * to be known of what a link has dropped, and a follower that has it all already is told nothing
 * twice.
 */

#ifndef MEC_AHEAD_H
#define MEC_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/revocation_list.h"
#include "replication.pb-c.h"

/* In one Apply. */
#define AHEAD_REVOCATIONS_MAX 512u

/* Fields are for reading; only ahead_ functions write them. */
struct ahead {
    bool known;        /* the follower has said on this connection what it has */
    uint64_t sent_seq; /* everything up to here has been sent, or was there */
    uint64_t since_id; /* answers to earlier calls say nothing of what was sent since */
};

/* The connection is gone, or another epoch begins. */
void ahead_forget(struct ahead *ahead);

/* Is there one that has not been sent? */
bool ahead_has_more(const struct ahead *ahead, const struct revocation_list *list);

/* Put the next ones into @apply, and what they cover. They live as long as @arena. */
void ahead_fill(const struct ahead *ahead, const struct revocation_list *list, struct arena *arena,
                Mec__Apply *apply);

/* @apply has gone out. */
void ahead_sent(struct ahead *ahead, const Mec__Apply *apply);

/* The follower has answered call @id; by then everything up to @sent_seq had been sent. @next_id
 * will be that of the next call. */
void ahead_take(struct ahead *ahead, const struct revocation_list *list,
                const Mec__Applied *applied, uint64_t id, uint64_t sent_seq, uint64_t next_id);

#endif
