/* What clients are shown: that it stood where the answer says, that no session goes back, that a
 * strong read sees all that anybody had been told of. */

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "sim/watch_internal.h"

/* An answer to a read, and where it was served. */
struct shown {
    struct watch *watch;
    const struct outcome_asked *asked;
    const struct outcome *outcome;
    uint32_t region, shard;
    struct watch_session *session;
};

/* Returns false when nothing can be expected of it. */
static bool begin(struct watch *watch, const struct outcome_asked *asked,
                  const struct outcome *outcome, struct shown *ret_shown)
{
    *ret_shown = (struct shown){watch,
                                asked,
                                outcome,
                                watch_find(watch, outcome->region),
                                watch_find(watch, asked->shard),
                                &watch->sessions[asked->operation->client]};
    return ret_shown->region != PLAN_NONE && ret_shown->shard != PLAN_NONE &&
           !watch_is_damaged(watch, ret_shown->region, ret_shown->shard, asked->now_us);
}

static const struct watch_shard *shard_of(const struct shown *shown)
{
    return &shown->watch->shards[shown->shard];
}

static void report(const struct shown *shown, enum watch_check check, const char *what)
{
    const struct position *position = shown->outcome->position;

    watch_report(shown->watch, shown->outcome->now_us, check,
                 "operation %u of client %u, %s %s, served by %s at %s:%" PRIu64 ".%" PRIu64
                 " (version %" PRIu64 "): %s",
                 shown->asked->operation->number, shown->asked->operation->client,
                 plan_operation_name(shown->asked->operation->kind), shown->asked->key,
                 shown->outcome->region, shard_of(shown)->name, position ? position->epoch : 0,
                 position ? position->seq : 0, shown->outcome->version, what);
}

/* ---- sessions ---- */

static struct watch_seen *seen_of(const struct watch_session *session, const struct watch_key *key)
{
    struct watch_seen *seen = session->seen;

    while (seen && seen->key != key)
        seen = seen->next;
    return seen;
}

static void must_cover(struct watch_session *session, uint32_t shard, uint64_t epoch, uint64_t seq)
{
    struct position *must = &session->must[shard];

    if (epoch > must->epoch || (epoch == must->epoch && seq > must->seq)) {
        must->epoch = epoch;
        must->seq = seq;
    }
}

void watch_reads_see(struct watch *watch, uint32_t client, struct watch_entry *entry)
{
    struct watch_session *session = &watch->sessions[client];
    struct watch_seen *seen = seen_of(session, entry->key);

    must_cover(session, entry->key->shard, entry->epoch, entry->seq);
    if (!seen) {
        seen = arena_alloc(watch->arena, sizeof(*seen));
        *seen = (struct watch_seen){session->seen, entry->key, entry};
        session->seen = seen;
    } else if (seen->entry->given_up || (!entry->given_up && entry->seq > seen->entry->seq)) {
        seen->entry = entry;
    }
}

/* The bookmark that it was asked with is not behind what the session has been shown: else nobody
 * could keep the session from going back. */
static void check_bookmark(struct watch *watch, const struct outcome_asked *asked)
{
    const struct watch_session *session = &watch->sessions[asked->operation->client];
    const struct position *has;

    for (uint32_t i = 0; i < watch->region_count; i++) {
        const struct position *must = &session->must[i];

        if (must->seq == 0)
            continue;
        has = bookmark_find(&asked->bookmark, watch->shards[i].name);
        if (!has || has->epoch < must->epoch || (has->epoch == must->epoch && has->seq < must->seq))
            watch_report(watch, asked->now_us, WATCH_SESSION,
                         "client %u has been shown %s:%" PRIu64 ".%" PRIu64
                         ", its bookmark says %" PRIu64 ".%" PRIu64,
                         asked->operation->client, watch->shards[i].name, must->epoch, must->seq,
                         has ? has->epoch : 0, has ? has->seq : 0);
    }
}

void watch_reads_asked(struct watch *watch, const struct outcome_asked *asked)
{
    struct watch_session *session = &watch->sessions[asked->operation->client];
    uint32_t shard = watch_find(watch, asked->shard);
    const struct watch_key *key;

    session->required = NULL;
    check_bookmark(watch, asked);
    if (!asked->strong || shard == PLAN_NONE)
        return;
    key = watch_log_key(watch, shard, "metadata", asked->user_id, asked->key);
    if (key)
        session->required = key->acknowledged;
}

/* The copy that served was as far as the bookmark, unless the client said it need not be. */
static void check_reached(const struct shown *shown)
{
    const struct position *position = shown->outcome->position;
    const struct position *asked = bookmark_find(&shown->asked->bookmark, shard_of(shown)->name);

    if (!shown->asked->stale_ok && position && asked && asked->seq > 0 &&
        position_compare(position, asked) < 0)
        report(shown, WATCH_SESSION, "behind the bookmark, and the client was not told");
}

/* ---- one record ---- */

/* Is @entry (NULL: nothing) older than @known, which is in the true log? */
static bool is_before(const struct watch_entry *entry, const struct watch_entry *known)
{
    if (known->given_up || (entry && entry->given_up))
        return false;
    return !entry || entry->seq < known->seq;
}

static void check_session(const struct shown *shown, const struct watch_key *key,
                          struct watch_entry *entry)
{
    const struct watch_seen *seen = key ? seen_of(shown->session, key) : NULL;
    const struct watch_entry *required = shown->session->required;

    if (seen && !shown->asked->stale_ok && is_before(entry, seen->entry))
        report(shown, WATCH_SESSION, "older than what the session has seen");
    if (shown->asked->strong && required && is_before(entry, required))
        report(shown, WATCH_STRONG, "older than a write that was acknowledged before it was asked");
    if (entry)
        watch_reads_see(shown->watch, shown->asked->operation->client, entry);
}

/* Is @entry how the record stood at the position of the answer? What a given up position held is
 * not known any more. */
static bool stood_there(const struct shown *shown, const struct watch_key *key,
                        const struct watch_entry *entry)
{
    const struct position *position = shown->outcome->position;

    if (!position || (entry && entry->given_up) ||
        !watch_log_has(shard_of(shown), position->epoch, position->seq))
        return true;
    return watch_log_state(key, position->seq) == entry;
}

static void take_value(const struct shown *shown, const struct watch_key *key)
{
    struct watch_entry *entry = watch_log_version(key, shown->outcome->version);

    /* After a loss, two changes may have had one version. */
    while (entry && !slice_equals(watch_log_value(entry), shown->outcome->body) && entry->given_up)
        entry = entry->next_given_up;
    if (entry && !entry->given_up && !slice_equals(watch_log_value(entry), shown->outcome->body))
        for (entry = key->given_up; entry; entry = entry->next_given_up)
            if (entry->version == shown->outcome->version &&
                slice_equals(watch_log_value(entry), shown->outcome->body))
                break;
    if (!entry || entry->deleted || entry->version != shown->outcome->version)
        report(shown, WATCH_READ_TRUE, "no such value ever had that version");
    else if (!stood_there(shown, key, entry))
        report(shown, WATCH_READ_TRUE, "another version stood at that position");
    else
        check_session(shown, key, entry);
}

static void take_absence(const struct shown *shown, const struct watch_key *key)
{
    const struct position *position = shown->outcome->position;
    struct watch_entry *entry;

    if (!position || !watch_log_has(shard_of(shown), position->epoch, position->seq))
        return;
    entry = watch_log_state(key, position->seq);
    if (entry && !entry->deleted)
        report(shown, WATCH_READ_TRUE, "there was a value at that position");
    else
        check_session(shown, key, entry);
}

static void take_record(const struct shown *shown, const struct watch_key *key)
{
    const struct outcome *outcome = shown->outcome;

    if (outcome->status == 200 || (outcome->status == 404 && outcome->position))
        check_reached(shown);
    if (outcome->status == 200)
        take_value(shown, key);
    else if (outcome->status == 404 && outcome->problem == PROBLEM_NOT_FOUND)
        take_absence(shown, key);
}

void watch_reads_record(struct watch *watch, const struct outcome_asked *asked,
                        const struct outcome *outcome)
{
    struct shown shown;

    if (begin(watch, asked, outcome, &shown))
        take_record(&shown,
                    watch_log_key(watch, shown.shard, "metadata", asked->user_id, asked->key));
}

void watch_reads_item(struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome, uint32_t shard, const struct watch_key *key)
{
    struct shown shown;

    (void)begin(watch, asked, outcome, &shown);
    shown.shard = shard;
    if (shown.region != PLAN_NONE && !watch_is_damaged(watch, shown.region, shard, asked->now_us))
        take_record(&shown, key);
}

/* ---- lists ---- */

static bool is_listed(const json_t *item, const struct watch_entry *entry)
{
    const char *key = json_string_value(json_object_get(item, "key"));

    return key && strcmp(key, entry->key->key) == 0 &&
           (uint64_t)json_integer_value(json_object_get(item, "version")) == entry->version &&
           (uint64_t)json_integer_value(json_object_get(item, "bytes")) == entry->value.size;
}

/* The keys of a shard are in the order of the list. */
static bool is_whole_list(const struct shown *shown, const json_t *items, uint64_t seq)
{
    const struct watch_shard *shard = shard_of(shown);
    size_t index = 0;

    for (size_t i = 0; i < shard->key_count; i++) {
        const struct watch_key *key = shard->keys[i];
        const struct watch_entry *entry;

        if (strcmp(key->service, "metadata") != 0 || strcmp(key->user, shown->asked->user_id) != 0)
            continue;
        entry = watch_log_state(key, seq);
        if (entry && !entry->deleted && !is_listed(json_array_get(items, index++), entry))
            return false;
    }
    return index == json_array_size(items);
}

void watch_reads_list(struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome)
{
    const struct position *position = outcome->position;
    struct shown shown;
    json_t *root;

    if (outcome->status != 200 || !begin(watch, asked, outcome, &shown) || !position)
        return;
    check_reached(&shown);
    must_cover(shown.session, shown.shard, position->epoch, position->seq);
    if (!watch_log_has(shard_of(&shown), position->epoch, position->seq))
        return;
    root = json_loadb(outcome->body.data, outcome->body.size, 0, NULL);
    if (!json_is_string(json_object_get(root, "next")) &&
        !is_whole_list(&shown, json_object_get(root, "items"), position->seq))
        report(&shown, WATCH_READ_TRUE, "the list is not what stood at that position");
    json_decref(root);
}

/* ---- the account ---- */

/* Whoever has a bookmark past its making is shown it, or refused once it is deleted. */
void watch_reads_account(struct watch *watch, const struct outcome_asked *asked,
                         const struct outcome *outcome)
{
    const struct watch_key *key;
    const struct watch_entry *entry;
    const struct position *has;
    struct shown shown;

    if (!begin(watch, asked, outcome, &shown))
        return;
    check_reached(&shown);
    key = watch_log_key(watch, shown.shard, "auth", asked->user_id, "account");
    has = bookmark_find(&asked->bookmark, shard_of(&shown)->name);
    entry = has ? watch_log_state(key, has->seq) : NULL;
    if (outcome->status == 404 && entry && !entry->deleted &&
        watch_log_has(shard_of(&shown), has->epoch, has->seq))
        report(&shown, WATCH_SESSION, "no account, although the bookmark is past its making");
}
