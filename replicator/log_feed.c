#include "replicator/log_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"
#include "common/reach.h"

/* The configuration may reach us before it reaches our regiond, which then still says that it is
 * not the home. */
#define NOT_HOME_RETRY_US UINT64_C(500000)
#define BROKEN_RETRY_US   UINT64_C(100000)

struct log_feed *log_feed_create(const char *shard)
{
    struct log_feed *feed = memory_alloc(sizeof *feed);

    feed->shard = memory_text(shard);
    feed->ring = ring_create(LOG_FEED_RING_CHANGES_MAX, LOG_FEED_RING_BYTES_MAX);
    feed->revocations = revocation_list_create(REVOCATION_LIST_MAX);
    feed->ask_at_us = NEVER_US;
    feed->heads = heads_create();
    return feed;
}

void log_feed_free(struct log_feed *feed)
{
    if (!feed)
        return;
    revocation_list_free(feed->revocations);
    ring_free(feed->ring);
    heads_free(feed->heads);
    free(feed->shard);
    free(feed);
}

void log_feed_open(struct log_feed *feed, uint64_t now_us)
{
    feed->tail_id = 0;
    feed->live = false;
    feed->ask_at_us = now_us;
}

void log_feed_close(struct log_feed *feed)
{
    feed->tail_id = 0;
    feed->live = false;
    feed->ask_at_us = NEVER_US;
}

bool log_feed_should_ask(const struct log_feed *feed, uint64_t now_us)
{
    return now_us >= feed->ask_at_us;
}

uint64_t log_feed_after_seq(const struct log_feed *feed)
{
    return ring_last_seq(feed->ring);
}

uint64_t log_feed_revocations_seq(const struct log_feed *feed)
{
    return revocation_list_through_seq(feed->revocations);
}

void log_feed_forget_revocations(struct log_feed *feed)
{
    revocation_list_reset(feed->revocations, 0);
}

void log_feed_asked(struct log_feed *feed, uint64_t id, uint64_t deadline_us)
{
    if (feed->live)
        reach(LOG_SILENT);
    feed->tail_id = id;
    feed->live = false;
    feed->ask_at_us = deadline_us;
}

/* Is @tail a dense run that ends no later than the log does? */
static bool is_consistent(const Mec__Tail *tail)
{
    if (tail->n_changes == 0)
        return true;
    for (size_t i = 0; i < tail->n_changes; i++)
        if (tail->changes[i]->seq != tail->after_seq + 1 + i ||
            tail->changes[i]->digest.len != RING_DIGEST_SIZE)
            return false;
    return tail->changes[tail->n_changes - 1]->seq <= tail->last_seq;
}

static bool same_as_held(const struct ring *ring, const Mec__StoredChange *change)
{
    struct ring_change held;

    return !ring_get(ring, change->seq, &held) ||
           memcmp(held.digest, change->digest.data, RING_DIGEST_SIZE) == 0;
}

/* Errors: -EILSEQ, -EBADMSG, as ring_append(). */
static int take_changes(struct ring *ring, const Mec__Tail *tail)
{
    /* A gap: the home sends a bounded answer and then what is new. The newest matter most, as they
     * are what every follower that keeps up needs; the others are fetched where they are missed. */
    if (tail->n_changes > 0 && tail->after_seq > ring_last_seq(ring)) {
        reach(LOG_GAP);
        ring_reset(ring, tail->after_seq);
    }
    for (size_t i = 0; i < tail->n_changes; i++) {
        const Mec__StoredChange *change = tail->changes[i];
        int error = 0;

        if (change->seq > ring_last_seq(ring))
            error = ring_append(ring, change->seq, change->change.data, change->change.len,
                                change->digest.data, change->digest.len);
        else if (!same_as_held(ring, change))
            error = -EILSEQ;
        if (error)
            return error;
    }
    return 0;
}

static enum log_feed_news stop_not_home(struct log_feed *feed, uint64_t now_us)
{
    reach(LOG_NOT_HOME);
    log_feed_forget_revocations(feed);
    feed->live = false;
    feed->known = false;
    feed->not_home = true;
    feed->tail_id = 0;
    feed->ask_at_us = now_us + NOT_HOME_RETRY_US;
    return LOG_FEED_NEWS_NOT_HOME;
}

/* The ring's history is not the home's. Start anew at the end of what the home has: to ask for the
 * same stretch again would only bring the same contradiction. */
static enum log_feed_news start_anew(struct log_feed *feed, const Mec__Tail *tail, uint64_t now_us)
{
    reach(LOG_NOT_THE_SAME);
    ring_reset(feed->ring, tail->last_seq);
    revocation_list_reset(feed->revocations, tail->last_seq);
    feed->live = false;
    feed->tail_id = 0;
    feed->ask_at_us = now_us + BROKEN_RETRY_US;
    return LOG_FEED_NEWS_BROKEN;
}

/* The home's log ends somewhere, as it says now. */
static void take_end(struct log_feed *feed, const Mec__Tail *tail, uint64_t now_us)
{
    feed->last_seq = tail->last_seq;
    feed->wall_us = tail->wall_us;
    feed->told_us = now_us;
}

/* Errors: -EBADMSG, they cannot be read. */
static int take_revocations(struct log_feed *feed, const Mec__Tail *tail)
{
    if (feed->known && tail->epoch != feed->epoch)
        log_feed_forget_revocations(feed);
    return revocation_list_join(feed->revocations, tail->revocations_after_seq, tail->last_seq,
                                tail->revocations, tail->n_revocations);
}

int log_feed_take(struct log_feed *feed, const Mec__Tail *tail, uint64_t now_us,
                  uint64_t deadline_us, enum log_feed_news *ret_news)
{
    enum log_feed_news news = feed->live ? LOG_FEED_NEWS_NONE : LOG_FEED_NEWS_STARTED;

    if (tail->not_home) {
        *ret_news = stop_not_home(feed, now_us);
        return 0;
    }
    if (!is_consistent(tail) || take_revocations(feed, tail) != 0)
        return -EBADMSG;
    if (feed->known && tail->epoch != feed->epoch) {
        reach(LOG_EPOCH);
        news = LOG_FEED_NEWS_EPOCH;
    }
    feed->known = true;
    feed->not_home = false;
    feed->epoch = tail->epoch;
    take_end(feed, tail, now_us);
    if (ring_last_seq(feed->ring) > tail->last_seq ||
        log_feed_revocations_seq(feed) > tail->last_seq || take_changes(feed->ring, tail) != 0) {
        *ret_news = start_anew(feed, tail, now_us);
        return 0;
    }
    heads_take(feed->heads, tail);
    feed->live = true;
    feed->ask_at_us = deadline_us;
    *ret_news = news;
    return 0;
}

void log_feed_note_end(struct log_feed *feed, const Mec__Tail *tail, uint64_t now_us)
{
    if (!feed->known || tail->not_home || tail->epoch != feed->epoch ||
        tail->last_seq < feed->last_seq)
        return;
    take_end(feed, tail, now_us);
}
