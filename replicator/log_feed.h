/* log_feed: one shard's change log as it comes from its home, our own regiond.
 *
 * A feed asks once to be told of everything behind a seq (TAIL_ASK) and then listens. It knows the
 * last (time, seq) pair at which the log truly ended, as the home has told it: followers measure
 * their staleness by that pair, so it is never filled in from here. */

#ifndef MEC_LOG_FEED_H
#define MEC_LOG_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/revocation_list.h"
#include "replication.pb-c.h"
#include "replicator/heads.h"
#include "replicator/ring.h"

/* The ring's bounds, for one shard. */
#define LOG_FEED_RING_CHANGES_MAX 65536u
#define LOG_FEED_RING_BYTES_MAX   ((size_t)8 * 1024 * 1024)

/* Fields are for reading; only log_feed_ functions write them. */
struct log_feed {
    char *shard;
    struct ring *ring;
    struct revocation_list *revocations;
    bool known;    /* a Tail has come: epoch, last_seq and wall_us mean something */
    bool live;     /* the present subscription has been answered and stands */
    bool not_home; /* our regiond says that it is not the shard's home */
    uint64_t epoch;
    uint64_t last_seq;  /* the log ended here ... */
    uint64_t wall_us;   /* ... at this time of the home's clock ... */
    uint64_t told_us;   /* ... as we were told then, by ours */
    uint64_t tail_id;   /* call id of the present subscription; 0 = none */
    uint64_t ask_at_us; /* when to ask (again); NEVER_US without a connection */
    struct heads *heads; /* of audit chains, as the home's heartbeats bring them */
};

/* What a Tail has changed. */
enum log_feed_news {
    LOG_FEED_NEWS_NONE,     /* more changes, or none */
    LOG_FEED_NEWS_STARTED,  /* the first answer of a subscription */
    LOG_FEED_NEWS_EPOCH,    /* the home has begun a new epoch */
    LOG_FEED_NEWS_NOT_HOME, /* nothing may be shipped until it is home again */
    LOG_FEED_NEWS_BROKEN /* the log is not the one that the ring knew: ring dropped, asks again */
};

struct log_feed *log_feed_create(const char *shard);
void log_feed_free(struct log_feed *feed);

void log_feed_open(struct log_feed *feed, uint64_t now_us); /* connected to our regiond: ask */
void log_feed_close(struct log_feed *feed);                 /* the connection is gone */

bool log_feed_should_ask(const struct log_feed *feed, uint64_t now_us);

/* Where to go on: behind what the ring has. */
uint64_t log_feed_after_seq(const struct log_feed *feed);

/* What revocations are known, so that only those behind it are told. */
uint64_t log_feed_revocations_seq(const struct log_feed *feed);

/* A new term has begun: what was made in the one before counts no more. */
void log_feed_forget_revocations(struct log_feed *feed);

/* The question has gone out as call @id; when nothing comes by @deadline_us it is asked again. */
void log_feed_asked(struct log_feed *feed, uint64_t id, uint64_t deadline_us);

/* A Tail of the present subscription. The next one, or a heartbeat, is due by @deadline_us.
 *
 * Errors: -EBADMSG, it contradicts itself; nothing has changed. */
int log_feed_take(struct log_feed *feed, const Mec__Tail *tail, uint64_t now_us,
                  uint64_t deadline_us, enum log_feed_news *ret_news);

/* An answer to a FETCH_ASK says where the log ends, too. */
void log_feed_note_end(struct log_feed *feed, const Mec__Tail *tail, uint64_t now_us);

#endif
