#include "replicator/stream.h"

#include <assert.h>
#include <string.h>

#include "common/moment.h"
#include "common/plant.h"
#include "common/reach.h"

#define RTT_WEIGHT 8 /* a new sample counts for an eighth, as TCP's does (RFC 6298) */

/* Which state may follow which. A stopped stream leaves its state only by being closed: a person
 * has changed the configuration, or the follower has come back with another disk. */
static const bool allowed_moves[STREAM_STATE_COUNT][STREAM_STATE_COUNT] = {
    [STREAM_CLOSED] = {[STREAM_ASKING] = true},
    [STREAM_ASKING] = {[STREAM_CLOSED] = true,
                       [STREAM_ASKING] = true,
                       [STREAM_STREAMING] = true,
                       [STREAM_DIVERGED] = true,
                       [STREAM_FENCED] = true},
    [STREAM_STREAMING] = {[STREAM_CLOSED] = true,
                          [STREAM_ASKING] = true,
                          [STREAM_DIVERGED] = true,
                          [STREAM_FENCED] = true},
    [STREAM_DIVERGED] = {[STREAM_CLOSED] = true},
    [STREAM_FENCED] = {[STREAM_CLOSED] = true},
};

const char *stream_state_name(enum stream_state state)
{
    static const char *const names[STREAM_STATE_COUNT] = {
        [STREAM_CLOSED] = "closed",         [STREAM_ASKING] = "asking",
        [STREAM_STREAMING] = "streaming",   [STREAM_DIVERGED] = "stopped_diverged",
        [STREAM_FENCED] = "stopped_fenced",
    };

    assert(state < STREAM_STATE_COUNT);
    return names[state];
}

static bool is_batch(const struct stream_flight *flight)
{
    return flight->last_seq > flight->after_seq;
}

static void check_invariant(const struct stream *stream)
{
    size_t batches = 0;
    size_t bytes = 0;

    for (size_t i = 0; i < stream->flight_count; i++) {
        batches += is_batch(&stream->flights[i]) ? 1 : 0;
        bytes += stream->flights[i].size_bytes;
    }
    assert(batches == stream->batches_in_flight);
    assert(bytes == stream->bytes_in_flight);
    switch (stream->state) {
    case STREAM_STREAMING:
        assert(stream->cursor_known);
        assert(stream->sent_seq >= stream->cursor_seq);
        break;
    case STREAM_ASKING:
        assert(stream->flight_count <= 1);
        assert(stream->batches_in_flight == 0);
        break;
    default:
        assert(stream->flight_count == 0);
    }
}

static void forget_flights(struct stream *stream)
{
    stream->flight_count = 0;
    stream->batches_in_flight = 0;
    stream->bytes_in_flight = 0;
}

/* Every move forgets what is in flight: a new state never waits for an old answer. */
static void move(struct stream *stream, enum stream_state to)
{
    assert(allowed_moves[stream->state][to]);
    forget_flights(stream);
    stream->state = to;
    stream->ask_at_us = NEVER_US;
    stream->beat_at_us = NEVER_US;
}

void stream_init(struct stream *stream)
{
    memset(stream, 0, sizeof *stream);
    stream->state = STREAM_CLOSED;
    stream->batches_max = STREAM_BATCHES_MAX;
    stream->bytes_max = SIZE_MAX;
    stream->ask_at_us = NEVER_US;
    stream->beat_at_us = NEVER_US;
}

void stream_limit(struct stream *stream, size_t bytes_max)
{
    stream->bytes_max = bytes_max;
}

void stream_open(struct stream *stream, uint64_t now_us)
{
    if (stream->state != STREAM_CLOSED)
        return;
    move(stream, STREAM_ASKING);
    stream->ask_at_us = now_us;
    stream->batches_max = STREAM_BATCHES_MAX;
    stream->progressed = true;
    check_invariant(stream);
}

void stream_close(struct stream *stream)
{
    if (stream->state == STREAM_CLOSED)
        return;
    move(stream, STREAM_CLOSED);
    stream->cursor_known = false;
    stream->rtt_us = 0;
    check_invariant(stream);
}

void stream_ask_again(struct stream *stream, uint64_t at_us)
{
    if (stream->state != STREAM_ASKING && stream->state != STREAM_STREAMING)
        return;
    move(stream, STREAM_ASKING);
    stream->ask_at_us = at_us;
    stream->progressed = false;
    check_invariant(stream);
}

bool stream_should_ask(const struct stream *stream, uint64_t now_us)
{
    return stream->state == STREAM_ASKING && now_us >= stream->ask_at_us;
}

/* A cut holds heartbeats up; beyond so many, one more would tell nobody anything. */
static bool has_room_to_beat(const struct stream *stream)
{
    return stream->state == STREAM_STREAMING &&
           stream->flight_count - stream->batches_in_flight < STREAM_BEATS_MAX;
}

bool stream_should_beat(const struct stream *stream, uint64_t now_us)
{
    return has_room_to_beat(stream) && now_us >= stream->beat_at_us;
}

bool stream_has_room(const struct stream *stream)
{
    return stream->state == STREAM_STREAMING && stream->batches_in_flight < stream->batches_max &&
           (stream->batches_in_flight == 0 || stream->bytes_in_flight < stream->bytes_max);
}

void stream_sent(struct stream *stream, const struct stream_flight *flight,
                 uint64_t beat_interval_us)
{
    assert(stream->state == STREAM_ASKING || stream->state == STREAM_STREAMING);
    if (is_batch(flight)) {
        assert(stream_has_room(stream));
        assert(flight->after_seq == stream->sent_seq);
        stream->sent_seq = flight->last_seq;
        stream->batches_in_flight++;
        stream->bytes_in_flight += flight->size_bytes;
    } else if (stream->state == STREAM_STREAMING) {
        assert(has_room_to_beat(stream));
        stream->beat_at_us = flight->sent_us + beat_interval_us;
    } else {
        stream->ask_at_us = NEVER_US;
    }
    assert(stream->flight_count < STREAM_FLIGHTS_MAX);
    stream->flights[stream->flight_count++] = *flight;
    check_invariant(stream);
}

static struct stream_flight *find_flight(struct stream *stream, uint64_t id)
{
    for (size_t i = 0; i < stream->flight_count; i++)
        if (stream->flights[i].id == id)
            return &stream->flights[i];
    return NULL;
}

static void remove_flight(struct stream *stream, struct stream_flight *flight)
{
    size_t behind = (size_t)(&stream->flights[stream->flight_count] - (flight + 1));

    if (is_batch(flight))
        stream->batches_in_flight--;
    stream->bytes_in_flight -= flight->size_bytes;
    memmove(flight, flight + 1, behind * sizeof *flight);
    stream->flight_count--;
}

void stream_beat_soon(struct stream *stream, uint64_t now_us)
{
    if (stream->state == STREAM_STREAMING)
        stream->beat_at_us = now_us;
}

void stream_skip_beat(struct stream *stream, uint64_t until_us)
{
    assert(stream->state == STREAM_STREAMING);
    stream->beat_at_us = until_us;
}

const struct stream_flight *stream_flight(const struct stream *stream, uint64_t id)
{
    for (size_t i = 0; i < stream->flight_count; i++)
        if (stream->flights[i].id == id)
            return &stream->flights[i];
    return NULL;
}

bool stream_waits_for(const struct stream *stream, uint64_t id)
{
    return stream_flight(stream, id) != NULL;
}

void stream_answer_seen(struct stream *stream, uint64_t id, uint64_t deadline_us)
{
    struct stream_flight *flight = find_flight(stream, id);

    if (flight)
        flight->deadline_us = deadline_us;
}

static void measure(struct stream *stream, const struct stream_flight *flight, uint64_t now_us)
{
    uint64_t sample_us = now_us - flight->sent_us;

    if (is_batch(flight))
        return;
    if (stream->rtt_us == 0)
        stream->rtt_us = sample_us;
    else if (sample_us > stream->rtt_us)
        stream->rtt_us += (sample_us - stream->rtt_us) / RTT_WEIGHT;
    else
        stream->rtt_us -= (stream->rtt_us - sample_us) / RTT_WEIGHT;
}

static enum stream_news start(struct stream *stream, uint64_t cursor_seq, uint64_t now_us)
{
    if (cursor_seq > 0)
        reach(STREAM_RESUMED);
    move(stream, STREAM_STREAMING);
    stream->cursor_known = true;
    stream->cursor_seq = cursor_seq;
    if (!PLANTED(RESUMED_TOO_FAR) || stream->sent_seq < cursor_seq)
        stream->sent_seq = cursor_seq;
    stream->beat_at_us = now_us;
    check_invariant(stream);
    return STREAM_NEWS_STARTED;
}

/* Ask at once; but when the last answer brought nothing on, a question without a pause could go
 * round for ever at the speed of the link. */
static enum stream_news doubt(struct stream *stream, uint64_t now_us)
{
    if (stream->progressed)
        reach(STREAM_ASKS);
    else
        reach(STREAM_ASKS_AFTER_PAUSE);
    stream_ask_again(stream, stream->progressed ? now_us : now_us + STREAM_RETRY_US);
    return STREAM_NEWS_ASKS;
}

static enum stream_news advance(struct stream *stream, struct stream_flight flight,
                                uint64_t cursor_seq, uint64_t now_us)
{
    /* The follower has lost what it had, or says that it took what it does not have. */
    if (cursor_seq < stream->cursor_seq || (is_batch(&flight) && cursor_seq < flight.last_seq)) {
        reach(STREAM_CURSOR_BACK);
        return doubt(stream, now_us);
    }
    if (cursor_seq > stream->cursor_seq)
        stream->progressed = true;
    if (is_batch(&flight) && stream->batches_max < STREAM_BATCHES_MAX)
        stream->batches_max++;
    stream->cursor_seq = cursor_seq;
    /* What an earlier run of the stream had sent can still arrive and overtake this one. */
    if (stream->sent_seq < cursor_seq) {
        reach(STREAM_OVERTAKEN);
        stream->sent_seq = cursor_seq;
    }
    check_invariant(stream);
    return STREAM_NEWS_NONE;
}

static enum stream_news wait_for_follower(struct stream *stream, uint64_t now_us)
{
    size_t half = stream->batches_in_flight / 2;

    reach(STREAM_BUSY);
    stream->batches_max = half > 1 ? half : 1;
    stream_ask_again(stream, now_us + STREAM_RETRY_US);
    return STREAM_NEWS_BUSY;
}

static enum stream_news stop(struct stream *stream, enum stream_state state, enum stream_news news)
{
    move(stream, state);
    check_invariant(stream);
    return news;
}

enum stream_news stream_take(struct stream *stream, uint64_t id, Mec__ApplyOutcome outcome,
                             uint64_t cursor_seq, uint64_t now_us)
{
    struct stream_flight *found = find_flight(stream, id);
    struct stream_flight flight;

    if (!found)
        return STREAM_NEWS_NONE;
    flight = *found;
    measure(stream, &flight, now_us);
    remove_flight(stream, found);

    switch (outcome) {
    case MEC__APPLY_OUTCOME__GAP:
        if (is_batch(&flight)) {
            reach(STREAM_GAP);
            return doubt(stream, now_us);
        }
        /* A heartbeat has no changes that could leave a gap: it is only the cursor. */
        /* fall through */
    case MEC__APPLY_OUTCOME__APPLIED:
        if (stream->state == STREAM_ASKING)
            return start(stream, cursor_seq, now_us);
        return advance(stream, flight, cursor_seq, now_us);
    case MEC__APPLY_OUTCOME__DIVERGED:
        reach(STREAM_DIVERGED);
        return stop(stream, STREAM_DIVERGED, STREAM_NEWS_DIVERGED);
    case MEC__APPLY_OUTCOME__STALE_EPOCH:
        reach(STREAM_FENCED);
        return stop(stream, STREAM_FENCED, STREAM_NEWS_FENCED);
    case MEC__APPLY_OUTCOME__BUSY:
        return wait_for_follower(stream, now_us);
    default: /* INVALID, or an outcome that a newer version may know */
        reach(STREAM_INVALID);
        stream_ask_again(stream, now_us + STREAM_RETRY_US);
        return STREAM_NEWS_INVALID;
    }
}

static uint64_t earliest_deadline_us(const struct stream *stream)
{
    uint64_t earliest_us = NEVER_US;

    for (size_t i = 0; i < stream->flight_count; i++)
        if (stream->flights[i].deadline_us < earliest_us)
            earliest_us = stream->flights[i].deadline_us;
    return earliest_us;
}

bool stream_overdue(const struct stream *stream, uint64_t now_us)
{
    return now_us >= earliest_deadline_us(stream);
}

void stream_postpone(struct stream *stream, uint64_t deadline_us)
{
    for (size_t i = 0; i < stream->flight_count; i++)
        if (stream->flights[i].deadline_us < deadline_us)
            stream->flights[i].deadline_us = deadline_us;
}

uint64_t stream_wake_us(const struct stream *stream)
{
    uint64_t wake_us = earliest_deadline_us(stream);

    if (stream->ask_at_us < wake_us)
        wake_us = stream->ask_at_us;
    if (has_room_to_beat(stream) && stream->beat_at_us < wake_us)
        wake_us = stream->beat_at_us;
    return wake_us;
}
