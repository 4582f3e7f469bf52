#include "replicator/ship.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/reach.h"
#include "replication.pb-c.h"

/* Bit of a call id: nobody waits for the answer. */
#define UNAWAITED (UINT64_C(1) << 63)

#define BATCH_CHANGES_MAX 256u
#define BATCH_BYTES_MAX   ((size_t)256 * 1024)

#define WINDOW_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define WINDOW_BYTES_MIN ((size_t)64 * 1024)
/* Of all windows together, so that what a cut of every link holds fits into what a wan holds. */
#define HELD_BYTES_MAX ((size_t)48 * 1024 * 1024)

/* ---- opening and closing ---- */

static void close_stream(struct follower *follower)
{
    stream_close(&follower->stream);
    ahead_forget(&follower->ahead);
}

void ship_open(struct replicator *replicator, struct home_shard *shard, uint64_t now_us)
{
    for (size_t i = 0; i < shard->follower_count; i++)
        if (replicator->peer_up[shard->followers[i].peer])
            stream_open(&shard->followers[i].stream, now_us);
}

void ship_close(struct home_shard *shard)
{
    for (size_t i = 0; i < shard->follower_count; i++)
        close_stream(&shard->followers[i]);
}

void ship_reopen(struct replicator *replicator, struct home_shard *shard, uint64_t now_us)
{
    ship_close(shard);
    ship_open(replicator, shard, now_us);
}

void ship_peer_up(struct replicator *replicator, uint32_t peer, uint64_t now_us)
{
    for (size_t i = 0; i < replicator->shard_count; i++) {
        struct home_shard *shard = &replicator->shards[i];

        for (size_t j = 0; shard->feed->known && j < shard->follower_count; j++)
            if (shard->followers[j].peer == peer)
                stream_open(&shard->followers[j].stream, now_us);
    }
}

void ship_peer_down(struct replicator *replicator, uint32_t peer)
{
    wan_drop_peer(replicator->wan, peer);
    for (size_t i = 0; i < replicator->shard_count; i++) {
        struct home_shard *shard = &replicator->shards[i];

        for (size_t j = 0; j < shard->follower_count; j++)
            if (shard->followers[j].peer == peer)
                close_stream(&shard->followers[j]);
    }
}

void ship_beat_soon(struct home_shard *shard, uint64_t now_us)
{
    for (size_t i = 0; i < shard->follower_count; i++)
        stream_beat_soon(&shard->followers[i].stream, now_us);
}

/* ---- sending ---- */

static bool is_cut(const struct follower *follower)
{
    return follower->out->profile.cut != LINK_CUT_NONE ||
           follower->back->profile.cut != LINK_CUT_NONE;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* There and back, and on each way behind whatever is under way before it. */
static uint64_t deadline_us(const struct follower *follower, uint64_t now_us)
{
    const struct link *out = follower->out;
    const struct link *back = follower->back;
    uint64_t before_us = max_u64(out->last_arrival_us, out->urgent_arrival_us);
    uint64_t there_us = max_u64(before_us, now_us + out->profile.latency_us);
    uint64_t back_us = max_u64(back->last_arrival_us, there_us + back->profile.latency_us);

    return back_us + REPLICATOR_PATIENCE_US;
}

/* Put @apply on the link. Without changes it overtakes those that are under way. A question does
 * not: its answer is to say what became of them. */
static enum link_fate put_on_link(struct replicator *replicator, struct follower *follower,
                                  const Mec__Apply *apply, uint64_t id, uint64_t now_us)
{
    struct wan_message message = {
        .direction = WAN_OUT,
        .peer = follower->peer,
        .kind = FRAME_APPLY,
        .id = id,
        .urgent = apply->n_changes == 0 && follower->stream.state == STREAM_STREAMING,
    };
    enum link_fate fate;

    if (apply->n_revocations > 0)
        message.urgent = true;
    message.bytes = frame_pack_new(FRAME_APPLY, id, &apply->base, &message.size);
    fate = wan_send(replicator->wan, follower->out, &message, now_us);
    if (fate == LINK_RESET) {
        reach(SHIP_RESET);
        free(message.bytes);
        stream_ask_again(&follower->stream, now_us + STREAM_RETRY_US);
        return fate;
    }
    ahead_sent(&follower->ahead, apply);
    return fate;
}

/* Send @apply, which carries @size_bytes of changes, and wait for its answer. */
static void send_apply(struct replicator *replicator, struct follower *follower,
                       const Mec__Apply *apply, size_t size_bytes, uint64_t now_us)
{
    struct stream_flight flight = {
        .id = replicator->next_call_id++,
        .after_seq = apply->after_seq,
        .last_seq = apply->after_seq + apply->n_changes,
        .size_bytes = size_bytes,
        .sent_us = now_us,
    };

    if (put_on_link(replicator, follower, apply, flight.id, now_us) == LINK_RESET)
        return;
    flight.deadline_us = deadline_us(follower, now_us);
    /* Answers to changes say nothing of what has overtaken them. */
    flight.revocations_seq = apply->n_changes == 0 ? follower->ahead.sent_seq : 0;
    /* The home's own heartbeats set the beat. The timer stands in when they do not come, as while
     * changes flow: a quarter later, so that the two do not beat twice. */
    stream_sent(&follower->stream, &flight, replicator->beat_interval_us * 5 / 4);
    if (apply->n_changes > 0) {
        replicator->shipped.changes += apply->n_changes;
        replicator->shipped.batches++;
        replicator->shipped.bytes += size_bytes;
    }
}

static void apply_init(const struct replicator *replicator, const struct log_feed *feed,
                       uint64_t after_seq, uint64_t now_us, Mec__Apply *ret_apply)
{
    mec__apply__init(ret_apply);
    ret_apply->shard = feed->shard;
    ret_apply->epoch = feed->epoch;
    ret_apply->home = replicator->region;
    ret_apply->home_wall_us = feed->wall_us;
    ret_apply->home_last_seq = feed->last_seq;
    ret_apply->home_said_us_ago = now_us - feed->told_us;
    ret_apply->after_seq = after_seq;
}

/* The question for the cursor, and the heartbeat, are an Apply without changes. */
static void send_empty(struct replicator *replicator, const struct log_feed *feed,
                       struct follower *follower, uint64_t now_us)
{
    const struct stream *stream = &follower->stream;
    Mec__Apply apply;

    apply_init(replicator, feed, stream->state == STREAM_STREAMING ? stream->cursor_seq : 0, now_us,
               &apply);
    ahead_fill(&follower->ahead, feed->revocations, replicator->arena, &apply);
    heads_put(feed->heads, &apply);
    send_apply(replicator, follower, &apply, 0, now_us);
}

/* Revocations wait for nothing: no window, no answer, no changes before them. What a cut would only
 * hold is sent when it is over, and is the newest then. */
static void send_revocations(struct replicator *replicator, const struct log_feed *feed,
                             struct follower *follower, uint64_t now_us)
{
    const struct stream *stream = &follower->stream;

    while ((stream->state == STREAM_STREAMING || stream->state == STREAM_ASKING) &&
           follower->out->profile.cut == LINK_CUT_NONE &&
           ahead_has_more(&follower->ahead, feed->revocations)) {
        Mec__Apply apply;

        apply_init(replicator, feed, 0, now_us, &apply);
        ahead_fill(&follower->ahead, feed->revocations, replicator->arena, &apply);
        if (put_on_link(replicator, follower, &apply, replicator->next_call_id++ | UNAWAITED,
                        now_us) == LINK_RESET)
            return;
    }
}

static Mec__StoredChange *stored(struct arena *arena, const struct ring_change *change)
{
    Mec__StoredChange *item = arena_alloc(arena, sizeof *item);

    mec__stored_change__init(item);
    item->seq = change->seq;
    /* protobuf-c has no const; packing reads only. */
    item->change = (ProtobufCBinaryData){change->size, (uint8_t *)change->bytes};
    item->digest = (ProtobufCBinaryData){RING_DIGEST_SIZE, (uint8_t *)change->digest};
    return item;
}

/* Send the next batch; false when there is nothing to send. */
static bool send_batch(struct replicator *replicator, const struct log_feed *feed,
                       struct follower *follower, uint64_t now_us)
{
    uint64_t sent_seq = follower->stream.sent_seq;
    Mec__StoredChange *items[BATCH_CHANGES_MAX];
    struct ring_change change;
    size_t size_bytes = 0;
    Mec__Apply apply;

    apply_init(replicator, feed, sent_seq, now_us, &apply);
    apply.changes = items;
    while (apply.n_changes < BATCH_CHANGES_MAX &&
           source_get(&follower->source, feed->ring, sent_seq + 1 + apply.n_changes, &change)) {
        Mec__StoredChange *item = stored(replicator->arena, &change);

        redaction_apply(&replicator->redaction, follower->peer, replicator->arena, item);
        if (apply.n_changes > 0 && size_bytes + item->change.len > BATCH_BYTES_MAX)
            break;
        items[apply.n_changes++] = item;
        size_bytes += item->change.len;
    }
    if (apply.n_changes == 0)
        return false;
    send_apply(replicator, follower, &apply, size_bytes, now_us);
    source_shipped(&follower->source, follower->stream.sent_seq);
    return true;
}

static void give_up_overdue(struct replicator *replicator, const struct log_feed *feed,
                            struct follower *follower, uint64_t now_us)
{
    if (!stream_overdue(&follower->stream, now_us))
        return;
    /* A cut holds it up, as TCP would: it will arrive. */
    if (is_cut(follower)) {
        reach(SHIP_HELD_BY_CUT);
        stream_postpone(&follower->stream, deadline_us(follower, now_us));
        return;
    }
    reach(SHIP_OVERDUE);
    replicator_log(replicator, false, "no answer, asks again shard=%s follower=%s", feed->shard,
                   follower->region);
    stream_ask_again(&follower->stream, now_us);
}

void ship_pump(struct replicator *replicator, struct home_shard *shard, uint64_t now_us)
{
    const struct log_feed *feed = shard->feed;

    if (!feed->known)
        return;
    for (size_t i = 0; i < shard->follower_count; i++) {
        struct follower *follower = &shard->followers[i];

        give_up_overdue(replicator, feed, follower, now_us);
        send_revocations(replicator, feed, follower, now_us);
        if (stream_should_ask(&follower->stream, now_us))
            send_empty(replicator, feed, follower, now_us);
        while (stream_has_room(&follower->stream) && send_batch(replicator, feed, follower, now_us))
            ;
        /* Without the home nobody knows where its log ends: silence lets staleness grow. */
        if (stream_should_beat(&follower->stream, now_us)) {
            if (feed->live) {
                send_empty(replicator, feed, follower, now_us);
            } else {
                reach(SHIP_BEAT_WITHOUT_HOME);
                stream_skip_beat(&follower->stream, now_us + replicator->beat_interval_us);
            }
        }
    }
}

/* ---- answers ---- */

static struct follower *find_follower(struct home_shard *shard, uint32_t peer)
{
    for (size_t i = 0; shard && i < shard->follower_count; i++)
        if (shard->followers[i].peer == peer)
            return &shard->followers[i];
    return NULL;
}

int ship_take(struct replicator *replicator, uint32_t peer, const struct frame *frame,
              uint64_t now_us)
{
    const Mec__Applied *applied =
        mec__applied__unpack(arena_allocator(replicator->arena), frame->body_size, frame->body);
    struct follower *follower;
    struct wan_message message = {
        .direction = WAN_IN,
        .peer = peer,
        .kind = (uint8_t)frame->kind,
        .id = frame->id,
        .size = frame->body_size,
    };

    if (!applied)
        return -EBADMSG;
    follower = find_follower(replicator_find_shard(replicator, applied->shard), peer);
    if (frame->id & UNAWAITED)
        return 0;
    /* Nothing waits for an answer that had been given up. */
    if (!follower || !stream_waits_for(&follower->stream, frame->id)) {
        reach(SHIP_ANSWERED_TOO_LATE);
        return 0;
    }
    message.bytes = memory_copy(frame->body, frame->body_size);
    if (wan_send(replicator->wan, follower->back, &message, now_us) == LINK_RESET) {
        reach(SHIP_ANSWER_RESET);
        free(message.bytes);
        stream_ask_again(&follower->stream, now_us + STREAM_RETRY_US);
        return 0;
    }
    stream_answer_seen(&follower->stream, frame->id, deadline_us(follower, now_us));
    return 0;
}

/* Does the follower hold something that the home does not? Then it is not for it to say "applied"
 * to what comes next: it would find out only with the next change. */
static bool has_other_history(const struct log_feed *feed, const Mec__Applied *applied)
{
    const Mec__Position *cursor = applied->cursor;
    struct ring_change change;

    if (!cursor || !feed->known)
        return false;
    if (cursor->seq > feed->last_seq)
        return true;
    return applied->cursor_digest.len == RING_DIGEST_SIZE &&
           ring_get(feed->ring, cursor->seq, &change) &&
           memcmp(change.digest, applied->cursor_digest.data, RING_DIGEST_SIZE) != 0;
}

static void tell_news(struct replicator *replicator, const struct log_feed *feed,
                      const struct follower *follower, bool was_busy, enum stream_news news,
                      const Mec__Applied *applied)
{
    uint64_t seq = applied->cursor ? applied->cursor->seq : 0;
    uint64_t epoch = applied->cursor ? applied->cursor->epoch : 0;
    const char *what;
    bool alarm = false;

    /* One with a full disk takes heartbeats and refuses changes, several times a second for as long
     * as that lasts: that it is shipped to again is no news. */
    if (was_busy && news == STREAM_NEWS_STARTED)
        return;
    switch (news) {
    case STREAM_NEWS_STARTED:
        what = "ships";
        break;
    case STREAM_NEWS_ASKS:
        what = "has a gap, asks again";
        break;
    case STREAM_NEWS_INVALID:
        what = "follower cannot read what came, sends it again";
        alarm = true;
        break;
    case STREAM_NEWS_DIVERGED:
        what = "ALARM stopped: the follower has diverged and must be rebuilt";
        alarm = true;
        break;
    case STREAM_NEWS_FENCED:
        what = "ALARM stopped: the follower has seen a newer epoch";
        alarm = true;
        break;
    default: /* a busy follower is no news: it is asked ten times a second */
        return;
    }
    replicator_log(replicator, alarm,
                   "%s shard=%s follower=%s cursor=%s:%" PRIu64 ".%" PRIu64 " detail=\"%.200s\"",
                   what, feed->shard, follower->region, feed->shard, epoch, seq, applied->detail);
}

static void take_ahead(struct replicator *replicator, const struct log_feed *feed,
                       struct follower *follower, uint64_t id, const Mec__Applied *applied)
{
    const struct stream_flight *flight = stream_flight(&follower->stream, id);

    if (flight)
        ahead_take(&follower->ahead, feed->revocations, applied, id, flight->revocations_seq,
                   replicator->next_call_id);
}

static void take_answer(struct replicator *replicator, const struct wan_message *message,
                        uint64_t now_us)
{
    const Mec__Applied *applied =
        mec__applied__unpack(arena_allocator(replicator->arena), message->size, message->bytes);
    struct home_shard *shard = replicator_find_shard(replicator, applied->shard);
    struct follower *follower = find_follower(shard, message->peer);
    Mec__ApplyOutcome outcome = applied->outcome;
    enum stream_news news;

    if (!follower)
        return;
    take_ahead(replicator, shard->feed, follower, message->id, applied);
    if (outcome == MEC__APPLY_OUTCOME__APPLIED && has_other_history(shard->feed, applied)) {
        reach(SHIP_OTHER_HISTORY);
        outcome = MEC__APPLY_OUTCOME__DIVERGED;
    }
    news = stream_take(&follower->stream, message->id, outcome,
                       applied->cursor ? applied->cursor->seq : 0, now_us);
    tell_news(replicator, shard->feed, follower, follower->was_busy, news, applied);
    if (news != STREAM_NEWS_NONE)
        follower->was_busy = news == STREAM_NEWS_BUSY;
}

void ship_deliver(struct replicator *replicator, uint64_t now_us)
{
    struct wan_message message;

    while (wan_pop(replicator->wan, now_us, &message)) {
        if (message.direction == WAN_OUT) {
            replicator_send(replicator, message.peer, message.bytes, message.size);
            continue;
        }
        take_answer(replicator, &message, now_us);
        free(message.bytes);
    }
}

/* ---- links ---- */

/* What a narrow link carries in a round trip and half a second: more would only stand before it,
 * and heartbeats behind that. */
static uint64_t useful_window_bytes(const struct follower *follower)
{
    const struct link_profile *out = &follower->out->profile;
    uint64_t round_trip_us = out->latency_us + follower->back->profile.latency_us;
    double bytes = (double)out->rate_bytes_per_s * (double)(round_trip_us + SECOND_US / 2) / 1e6;

    if (out->rate_bytes_per_s == 0 || bytes > WINDOW_BYTES_MAX)
        return WINDOW_BYTES_MAX;
    return max_u64((uint64_t)bytes, WINDOW_BYTES_MIN);
}

void ship_limit(struct home_shard *shard, size_t stream_count)
{
    size_t share_bytes = HELD_BYTES_MAX / (stream_count > 0 ? stream_count : 1);

    for (size_t i = 0; i < shard->follower_count; i++) {
        uint64_t bytes = useful_window_bytes(&shard->followers[i]);

        stream_limit(&shard->followers[i].stream, bytes < share_bytes ? bytes : share_bytes);
    }
}

void ship_relinked(struct home_shard *shard, uint64_t now_us)
{
    for (size_t i = 0; i < shard->follower_count; i++) {
        struct follower *follower = &shard->followers[i];

        if (follower->out->profile.cut == LINK_CUT_RESET ||
            follower->back->profile.cut == LINK_CUT_RESET)
            stream_ask_again(&follower->stream, now_us + STREAM_RETRY_US);
        else
            stream_postpone(&follower->stream, deadline_us(follower, now_us));
    }
}
