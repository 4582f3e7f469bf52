#include <assert.h>

#include <jansson.h>

#include "replicator/replicator_internal.h"

static json_t *known(bool is_known, uint64_t value)
{
    return is_known ? json_integer((json_int_t)value) : json_null();
}

static double to_ms(uint64_t time_us)
{
    return (double)time_us / 1000.0;
}

static json_t *stream_object(const struct log_feed *feed, const struct follower *follower)
{
    const struct stream *stream = &follower->stream;
    bool has_lag = feed->known && stream->cursor_known;
    bool is_behind = has_lag && feed->last_seq > stream->cursor_seq;
    json_t *object = json_object();

    json_object_set_new(object, "shard", json_string(feed->shard));
    json_object_set_new(object, "follower", json_string(follower->region));
    json_object_set_new(object, "state", json_string(stream_state_name(stream->state)));
    json_object_set_new(object, "epoch", known(feed->known, feed->epoch));
    json_object_set_new(object, "cursor", known(stream->cursor_known, stream->cursor_seq));
    json_object_set_new(object, "home_seq", known(feed->known, feed->last_seq));
    json_object_set_new(object, "lag",
                        known(has_lag, is_behind ? feed->last_seq - stream->cursor_seq : 0));
    json_object_set_new(object, "in_flight_batches",
                        json_integer((json_int_t)stream->batches_in_flight));
    json_object_set_new(object, "in_flight_bytes",
                        json_integer((json_int_t)stream->bytes_in_flight));
    json_object_set_new(
        object, "rtt_configured_ms",
        json_real(to_ms(follower->out->profile.latency_us + follower->back->profile.latency_us)));
    json_object_set_new(object, "rtt_measured_ms",
                        stream->rtt_us > 0 ? json_real(to_ms(stream->rtt_us)) : json_null());
    return object;
}

static json_t *shipped_object(const struct replicator_shipped *shipped)
{
    json_t *object = json_object();

    json_object_set_new(object, "changes", json_integer((json_int_t)shipped->changes));
    json_object_set_new(object, "batches", json_integer((json_int_t)shipped->batches));
    json_object_set_new(object, "bytes", json_integer((json_int_t)shipped->bytes));
    return object;
}

char *replicator_status(const struct replicator *replicator, struct moment at)
{
    json_t *object = json_object();
    json_t *streams = json_array();
    json_t *ring = json_object();
    size_t changes = 0, bytes = 0;
    char *text;

    (void)at;
    for (size_t i = 0; i < replicator->shard_count; i++) {
        const struct home_shard *shard = &replicator->shards[i];

        changes += ring_count(shard->feed->ring);
        bytes += ring_bytes(shard->feed->ring);
        for (size_t j = 0; j < shard->follower_count; j++)
            json_array_append_new(streams, stream_object(shard->feed, &shard->followers[j]));
    }
    json_object_set_new(ring, "changes", json_integer((json_int_t)changes));
    json_object_set_new(ring, "bytes", json_integer((json_int_t)bytes));
    json_object_set_new(object, "region", json_string(replicator->region));
    json_object_set_new(object, "streams", streams);
    json_object_set_new(object, "ring", ring);
    json_object_set_new(object, "shipped", shipped_object(&replicator->shipped));
    text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(object);
    assert(text);
    return text;
}
