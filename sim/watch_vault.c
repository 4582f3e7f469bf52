/* The vault: what is opened is what was put, nobody reads what is not granted to them, and nothing
 * of it is queued.
 *
 * A grant may still be honoured for a while after it was withdrawn: the settings' bound, and the
 * error of the clocks by which regions know how old their copies are. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/moment.h"
#include "regiond/grants.h"
#include "regiond/vault.h"
#include "regiond/vault_item.h"
#include "sim/watch_internal.h"

#define BOUND_US_DEFAULT (5 * SECOND_US) /* where the settings say none */

void watch_vault_sealed(struct watch *watch, const struct store_write *write,
                        struct watch_entry *entry)
{
    struct slice plain = write->value;

    if (!write->seal || write->delete || plain.size < VAULT_ITEM_HEAD_SIZE)
        return;
    plain = (struct slice){plain.data + VAULT_ITEM_HEAD_SIZE, plain.size - VAULT_ITEM_HEAD_SIZE};
    entry->plain = (struct slice){arena_text_of(watch->arena, plain), plain.size};
}

/* ---- writes ---- */

bool watch_vault_is_write(enum plan_operation_kind kind)
{
    return kind == PLAN_OPERATION_VAULT_PUT || kind == PLAN_OPERATION_VAULT_DELETE ||
           kind == PLAN_OPERATION_GRANT || kind == PLAN_OPERATION_WITHDRAW;
}

void watch_vault_written(struct watch *watch, const struct outcome_asked *asked,
                         const struct outcome *outcome)
{
    if (outcome->status == 202 || (outcome->status >= 200 && outcome->status < 300 &&
                                   outcome->served != MEC__SERVED__SERVED_HOME))
        watch_report(watch, outcome->now_us, WATCH_FAILS_CLOSED,
                     "operation %u of client %u, %s %s, is answered %d and not by the home",
                     asked->operation->number, asked->operation->client,
                     plan_operation_name(asked->operation->kind), asked->key, outcome->status);
}

/* ---- one's own ---- */

void watch_vault_own(struct watch *watch, const struct outcome_asked *asked,
                     const struct outcome *outcome)
{
    uint32_t shard = watch_find(watch, asked->shard);

    if (shard != PLAN_NONE)
        watch_reads_item(watch, asked, outcome, shard,
                         watch_log_key(watch, shard, VAULT_SERVICE, asked->user_id, asked->key));
}

/* ---- another's ---- */

static void report(struct watch *watch, const struct outcome_asked *asked,
                   const struct outcome *outcome, enum watch_check check, const char *what)
{
    watch_report(watch, outcome->now_us, check,
                 "operation %u of client %u is shown %s of %s (version %" PRIu64 ") by %s: %s",
                 asked->operation->number, asked->operation->client, asked->key, asked->owner,
                 outcome->version, outcome->region ? outcome->region : "nobody", what);
}

/* The change that has put exactly this there; values are never put twice. */
static struct watch_entry *find_put(const struct watch_key *key, const struct outcome *outcome)
{
    struct watch_entry *entry;

    for (entry = key->head; entry; entry = entry->before)
        if (entry->version == outcome->version && !entry->deleted &&
            slice_equals(watch_log_value(entry), outcome->body))
            return entry;
    for (entry = key->given_up; entry; entry = entry->next_given_up)
        if (entry->version == outcome->version && !entry->deleted &&
            slice_equals(watch_log_value(entry), outcome->body))
            return entry;
    return NULL;
}

static struct watch_entry *find_item(const struct watch *watch, uint32_t shard,
                                     const struct outcome_asked *asked,
                                     const struct outcome *outcome)
{
    const struct watch_shard *in = &watch->shards[shard];

    for (size_t i = 0; i < in->key_count; i++) {
        const struct watch_key *key = in->keys[i];
        struct watch_entry *entry = NULL;

        if (strcmp(key->service, VAULT_SERVICE) == 0 && strcmp(key->key, asked->key) == 0)
            entry = find_put(key, outcome);
        if (entry)
            return entry;
    }
    return NULL;
}

/* A value says which client has put it. */
static bool is_owners(const struct watch *watch, const struct outcome_asked *asked,
                      const struct outcome *outcome)
{
    unsigned client, number, user;

    return sscanf(outcome->body.data, "v%u.%u", &client, &number) == 2 &&
           client < watch->plan->client_count && sscanf(asked->owner, "u%u", &user) == 1 &&
           watch->plan->clients[client].user == user;
}

/* Everybody could know at @since_us that it is so no more. */
static bool was_over(const struct watch_entry *end, uint64_t since_us)
{
    return end && end->published_us < since_us;
}

static const struct watch_entry *end_of_item(const struct watch_entry *item)
{
    const struct watch_entry *entry;

    for (entry = item->key->head; entry; entry = entry->before)
        if (entry->deleted && entry->incarnation == item->incarnation)
            return entry;
    return NULL;
}

static bool was_granted(struct watch *watch, const struct watch_entry *item,
                        const struct outcome_asked *asked, uint64_t since_us)
{
    const char *name = arena_format(watch->scratch, "%s/%" PRIu64 "/%s", asked->key,
                                    item->incarnation, asked->user_id);
    const struct watch_key *grant =
        watch_log_key(watch, item->key->shard, GRANTS_SERVICE, item->key->user, name);

    if (!grant || !grant->head || was_over(end_of_item(item), since_us))
        return false;
    return !grant->head->deleted || !was_over(grant->head, since_us);
}

static void check_granted(struct watch *watch, const struct outcome_asked *asked,
                          const struct outcome *outcome, const struct watch_entry *item)
{
    uint64_t bound_us = watch->plan->settings.revocation_bound_us;
    uint32_t region = watch_find(watch, outcome->region);

    /* What an operator gives up may be a withdrawal. */
    if (region == PLAN_NONE || watch->gave_up || watch_is_any_damaged(watch))
        return;
    bound_us = bound_us ? bound_us : BOUND_US_DEFAULT;
    bound_us += watch_clock_error_us(watch, region, outcome->now_us);
    arena_reset(watch->scratch);
    if (!was_granted(watch, item, asked, asked->now_us > bound_us ? asked->now_us - bound_us : 0))
        report(watch, asked, outcome, WATCH_GRANTED, "it was not granted, or no longer");
}

void watch_vault_shared(struct watch *watch, const struct outcome_asked *asked,
                        const struct outcome *outcome)
{
    const struct position *position = outcome->position;
    uint32_t shard = position ? watch_find(watch, position->shard) : PLAN_NONE;
    uint32_t region = watch_find(watch, outcome->region);
    struct watch_entry *item;

    if (outcome->status != 200)
        return;
    if (shard == PLAN_NONE || region == PLAN_NONE) {
        report(watch, asked, outcome, WATCH_READ_TRUE, "and not told how it stood where");
        return;
    }
    if (watch_is_damaged(watch, region, shard, asked->now_us))
        return;
    item = find_item(watch, shard, asked, outcome);
    if (!item || !is_owners(watch, asked, outcome)) {
        report(watch, asked, outcome, WATCH_READ_TRUE, "they have never put that there");
        return;
    }
    watch_reads_item(watch, asked, outcome, shard, item->key);
    check_granted(watch, asked, outcome, item);
}
