/* stream: one shard's changes on their way to one follower.
 *
 * A state machine and a window. It knows which seq the follower has acknowledged, which have been
 * sent, and which Apply frames wait for an answer; it holds no changes, makes no frames and has no
 * clock. The caller says what it sent and what came back, and asks what may go out next.
 *
 * A stream never guesses a cursor: whenever something is in doubt it forgets what is in flight and
 * asks. What it sent before may arrive all the same; a follower takes each seq once, so a duplicate
 * is harmless. */

#ifndef MEC_STREAM_H
#define MEC_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "replication.pb-c.h"

/* 64 batches of 256 changes carry 16,384 changes a round trip: over 80,000 a second at 200 ms. */
#define STREAM_BATCHES_MAX 64u
#define STREAM_BEATS_MAX   64u /* unanswered heartbeats beside them */
#define STREAM_FLIGHTS_MAX (STREAM_BATCHES_MAX + STREAM_BEATS_MAX)
#define STREAM_RETRY_US    UINT64_C(100000)

enum stream_state {
    STREAM_CLOSED,    /* no connection to the follower */
    STREAM_ASKING,    /* its cursor is not known */
    STREAM_STREAMING, /* changes flow */
    STREAM_DIVERGED,  /* stopped: the follower has another history */
    STREAM_FENCED,    /* stopped: the follower has seen a newer epoch */
    STREAM_STATE_COUNT
};

const char *stream_state_name(enum stream_state state); /* "closed", "stopped_diverged", ... */

/* An Apply that is not answered yet. */
struct stream_flight {
    uint64_t id;        /* call id */
    uint64_t after_seq; /* its changes are after_seq + 1 .. last_seq; none in a heartbeat */
    uint64_t last_seq;
    size_t size_bytes;        /* of its changes */
    uint64_t revocations_seq; /* up to where they had been sent with it; the caller's */
    uint64_t sent_us;
    uint64_t deadline_us; /* without an answer by then, the stream asks again */
};

/* Fields are for reading (by the status, by tests); only stream_ functions write them. */
struct stream {
    enum stream_state state;
    bool cursor_known;
    uint64_t cursor_seq;                              /* the follower's, as last heard */
    uint64_t sent_seq;                                /* everything up to here has been sent */
    struct stream_flight flights[STREAM_FLIGHTS_MAX]; /* in the order in which they were sent */
    size_t flight_count;
    size_t batches_in_flight;
    size_t bytes_in_flight;
    size_t batches_max; /* halved by BUSY, rises by one with each batch that is taken */
    size_t bytes_max;
    uint64_t ask_at_us;  /* ASKING: when to ask; NEVER_US while the question is out */
    uint64_t beat_at_us; /* STREAMING: when the next heartbeat is due */
    uint64_t rtt_us;     /* of heartbeats, smoothed; 0 = not measured yet */
    bool progressed;     /* the cursor rose since the stream last had to ask */
};

/* What an answer meant, for the log; the state has moved already. */
enum stream_news {
    STREAM_NEWS_NONE,
    STREAM_NEWS_STARTED, /* the cursor is known: STREAMING */
    STREAM_NEWS_ASKS,    /* a gap, or the follower has gone back: ASKING */
    STREAM_NEWS_BUSY,
    STREAM_NEWS_INVALID,
    STREAM_NEWS_DIVERGED,
    STREAM_NEWS_FENCED
};

void stream_init(struct stream *stream);

/* No more than @bytes_max of changes may be unacknowledged, and at least one batch. */
void stream_limit(struct stream *stream, size_t bytes_max);

void stream_open(struct stream *stream, uint64_t now_us); /* CLOSED -> ASKING */
void stream_close(struct stream *stream);                 /* from anywhere */

/* Doubt everything that is in flight: ask for the cursor at @at_us. Nothing happens to a closed or
 * stopped stream. */
void stream_ask_again(struct stream *stream, uint64_t at_us);

bool stream_should_ask(const struct stream *stream, uint64_t now_us);
bool stream_should_beat(const struct stream *stream, uint64_t now_us);
bool stream_has_room(const struct stream *stream); /* for one more batch */

/* An Apply has gone out: a batch when @last_seq > @after_seq, which must be where sent_seq stands;
 * the question when ASKING; a heartbeat otherwise. @beat_interval_us is until the next heartbeat.
 */
void stream_sent(struct stream *stream, const struct stream_flight *flight,
                 uint64_t beat_interval_us);

/* The home has just said where its log ends: the next heartbeat is due at once. */
void stream_beat_soon(struct stream *stream, uint64_t now_us);
/* There is nothing true to say: put the heartbeat off. */
void stream_skip_beat(struct stream *stream, uint64_t until_us);

bool stream_waits_for(const struct stream *stream, uint64_t id);
/* NULL: nothing waits for @id. It lives until the stream is next changed. */
const struct stream_flight *stream_flight(const struct stream *stream, uint64_t id);
/* The answer to @id has left the follower and is on the emulated link, until @deadline_us. */
void stream_answer_seen(struct stream *stream, uint64_t id, uint64_t deadline_us);

/* The answer to @id has arrived. One that nothing waits for is NEWS_NONE. */
enum stream_news stream_take(struct stream *stream, uint64_t id, Mec__ApplyOutcome outcome,
                             uint64_t cursor_seq, uint64_t now_us);

bool stream_overdue(const struct stream *stream, uint64_t now_us);
/* Nothing is overdue before @deadline_us: links have changed, or a cut is known to hold it up. */
void stream_postpone(struct stream *stream, uint64_t deadline_us);

/* When the stream next wants to ask, beat or be overdue; NEVER_US for none. */
uint64_t stream_wake_us(const struct stream *stream);

#endif
