/* source: where a follower's next changes come from when it is further behind than the ring.
 *
 * The home is asked for a stretch of its log, and for the next one while the last is being shipped;
 * so a follower has one question out at most, and two stretches in memory. */

#ifndef MEC_SOURCE_H
#define MEC_SOURCE_H

#include "replication.pb-c.h"
#include "replicator/ring.h"

/* Of one FETCH_ASK: two batches. A regiond gives no more at once. */
#define SOURCE_FETCH_CHANGES 512u
#define SOURCE_FETCH_BYTES   (256u * 1024u)

struct source {
    struct ring *fetched;
    uint64_t fetch_id; /* call id of the question that is out; 0 = none */
    uint64_t fetch_after_seq;
    uint64_t wait_until_us; /* no question before this; 0 = at once */
};

void source_init(struct source *source);
void source_release(struct source *source);

/* The change @seq out of @newest, else out of what was fetched; false when neither has it. */
bool source_get(const struct source *source, const struct ring *newest, uint64_t seq,
                struct ring_change *ret_change);

/* Must the home be asked for more, when everything up to @sent_seq has been sent and its log ends
 * with @last_seq? Then *@ret_after_seq is where to start. */
bool source_should_fetch(const struct source *source, const struct ring *newest, uint64_t sent_seq,
                         uint64_t last_seq, uint64_t *ret_after_seq);

/* A FETCH_ASK has gone out; it is given up at @deadline_us. */
void source_asked(struct source *source, uint64_t id, uint64_t after_seq, uint64_t deadline_us);

/* Its answer is here; without anything useful in it, the next question waits until @retry_at_us.
 *
 * Errors: -ENODATA, the home did not give what was asked for; -EILSEQ, -EBADMSG, -ERANGE as
 * ring_append(). */
int source_take(struct source *source, const Mec__Tail *tail, uint64_t retry_at_us);

/* Everything up to @sent_seq has been sent. */
void source_shipped(struct source *source, uint64_t sent_seq);

/* Our own regiond is gone, and our question with it. */
void source_forget_question(struct source *source);

/* The time has passed until which a question was put off, or waited for: another may be asked. */
void source_expire(struct source *source, uint64_t now_us);
uint64_t source_wake_us(const struct source *source); /* when that is; NEVER_US for never */

#endif
