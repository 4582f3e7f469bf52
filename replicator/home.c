#include "replicator/home.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "replication.pb-c.h"
#include "replicator/ship.h"

void home_up(struct replicator *replicator, uint64_t now_us)
{
    for (size_t i = 0; i < replicator->shard_count; i++)
        log_feed_open(replicator->shards[i].feed, now_us);
}

void home_down(struct replicator *replicator)
{
    for (size_t i = 0; i < replicator->shard_count; i++) {
        struct home_shard *shard = &replicator->shards[i];

        log_feed_close(shard->feed);
        for (size_t j = 0; j < shard->follower_count; j++)
            source_forget_question(&shard->followers[j].source);
    }
}

/* Beyond this a silent regiond is asked again: it may be paused, or not know us any more. */
static uint64_t deadline_us(const struct replicator *replicator, uint64_t now_us)
{
    return now_us + REPLICATOR_PATIENCE_US + 4 * replicator->beat_interval_us;
}

/* ---- asking ---- */

static void send_home(struct replicator *replicator, enum frame_kind kind, uint64_t id,
                      const ProtobufCMessage *message)
{
    size_t size;
    uint8_t *bytes = frame_pack_new(kind, id, message, &size);

    replicator_send(replicator, replicator->own, bytes, size);
}

static void ask_tail(struct replicator *replicator, struct log_feed *feed, uint64_t now_us)
{
    Mec__TailAsk ask = MEC__TAIL_ASK__INIT;
    uint64_t id = replicator->next_call_id++;

    ask.shard = feed->shard;
    ask.after_seq = log_feed_after_seq(feed);
    ask.max_changes = (uint32_t)replicator->memory_changes;
    ask.revocations_after_seq = log_feed_revocations_seq(feed);
    send_home(replicator, FRAME_TAIL_ASK, id, &ask.base);
    log_feed_asked(feed, id, deadline_us(replicator, now_us));
}

static void fetch_for(struct replicator *replicator, const struct log_feed *feed,
                      struct follower *follower, uint64_t now_us)
{
    Mec__FetchAsk ask = MEC__FETCH_ASK__INIT;
    uint64_t after_seq = 0;
    uint64_t id;

    if (follower->stream.state != STREAM_STREAMING ||
        !source_should_fetch(&follower->source, feed->ring, follower->stream.sent_seq,
                             feed->last_seq, &after_seq))
        return;
    id = replicator->next_call_id++;
    ask.shard = feed->shard;
    ask.after_seq = after_seq;
    ask.max_changes = replicator->memory_changes > 0 ? (uint32_t)replicator->memory_changes
                                                     : SOURCE_FETCH_CHANGES;
    ask.max_bytes = SOURCE_FETCH_BYTES;
    send_home(replicator, FRAME_FETCH_ASK, id, &ask.base);
    source_asked(&follower->source, id, after_seq, deadline_us(replicator, now_us));
}

void home_pump(struct replicator *replicator, struct home_shard *shard, uint64_t now_us)
{
    if (!replicator->peer_up[replicator->own])
        return;
    if (log_feed_should_ask(shard->feed, now_us))
        ask_tail(replicator, shard->feed, now_us);
    for (size_t i = 0; i < shard->follower_count; i++) {
        source_expire(&shard->followers[i].source, now_us);
        if (shard->feed->live)
            fetch_for(replicator, shard->feed, &shard->followers[i], now_us);
    }
}

/* ---- answers ---- */

static void tell_news(struct replicator *replicator, struct home_shard *shard,
                      enum log_feed_news news, uint64_t now_us)
{
    const struct log_feed *feed = shard->feed;

    switch (news) {
    case LOG_FEED_NEWS_NONE:
        break;
    case LOG_FEED_NEWS_STARTED:
        replicator_log(replicator, false,
                       "follows its log shard=%s epoch=%" PRIu64 " last=%" PRIu64, feed->shard,
                       feed->epoch, feed->last_seq);
        ship_open(replicator, shard, now_us);
        break;
    case LOG_FEED_NEWS_EPOCH:
        replicator_log(replicator, false, "new epoch shard=%s epoch=%" PRIu64, feed->shard,
                       feed->epoch);
        ship_reopen(replicator, shard, now_us);
        break;
    case LOG_FEED_NEWS_NOT_HOME:
        ship_close(shard);
        break;
    case LOG_FEED_NEWS_BROKEN:
        replicator_log(
            replicator, true,
            "the home's log is not the one read before, reads it anew shard=%s last=%" PRIu64,
            feed->shard, feed->last_seq);
        ship_reopen(replicator, shard, now_us);
        break;
    }
}

static int take_feed(struct replicator *replicator, struct home_shard *shard, const Mec__Tail *tail,
                     uint64_t now_us)
{
    bool was_home = !shard->feed->not_home;
    enum log_feed_news news;
    int error = log_feed_take(shard->feed, tail, now_us, deadline_us(replicator, now_us), &news);

    if (error)
        return error;
    if (news == LOG_FEED_NEWS_NOT_HOME && was_home)
        replicator_log(replicator, false, "our regiond is not home to shard=%s, waits",
                       shard->feed->shard);
    tell_news(replicator, shard, news, now_us);
    if (tail->n_changes == 0 && news == LOG_FEED_NEWS_NONE)
        ship_beat_soon(shard, now_us);
    return 0;
}

static void take_fetched(struct replicator *replicator, struct home_shard *shard,
                         struct follower *follower, const Mec__Tail *tail, uint64_t now_us)
{
    uint64_t after_seq = follower->source.fetch_after_seq;
    int error = source_take(&follower->source, tail, now_us + STREAM_RETRY_US);

    log_feed_note_end(shard->feed, tail, now_us);
    if (error)
        replicator_log(replicator, true, "cannot read the log behind %s %" PRIu64 " for %s: %s",
                       shard->feed->shard, after_seq, follower->region, strerror(-error));
}

int home_take_tail(struct replicator *replicator, const struct frame *frame, uint64_t now_us)
{
    const Mec__Tail *tail =
        mec__tail__unpack(arena_allocator(replicator->arena), frame->body_size, frame->body);
    struct home_shard *shard;

    /* Only what nobody has asked for is numbered 0. */
    if (!tail || frame->id == 0)
        return -EBADMSG;
    /* An answer to an earlier question, or of a shard that has moved away: nobody waits for it. */
    shard = replicator_find_shard(replicator, tail->shard);
    if (!shard)
        return 0;
    if (frame->id == shard->feed->tail_id)
        return take_feed(replicator, shard, tail, now_us);
    for (size_t i = 0; i < shard->follower_count; i++)
        if (frame->id == shard->followers[i].source.fetch_id)
            take_fetched(replicator, shard, &shard->followers[i], tail, now_us);
    return 0;
}
