/* Tokens that were voided: who still takes them, and what regions say that they know of it. */

#include <inttypes.h>
#include <string.h>

#include "sim/watch_internal.h"

/* A change that voids tokens of a user. */
struct watch_revocation {
    struct watch_revocation *next;
    const struct watch_entry *entry;
    const char *user, *session; /* "": no session */
    uint64_t below;
    uint64_t until_s;
};

void watch_revocations_made(struct watch *watch, const struct watch_entry *entry,
                            const struct store_write *write)
{
    struct watch_revocation *revocation;

    if (write->revokes_below == 0 && !write->revokes_session)
        return;
    revocation = arena_alloc(watch->arena, sizeof(*revocation));
    *revocation = (struct watch_revocation){
        .next = watch->revocations,
        .entry = entry,
        .user = arena_text(watch->arena, write->user),
        .session = arena_text(watch->arena, write->revokes_session ? write->revokes_session : ""),
        .below = write->revokes_below,
        .until_s = write->revokes_until_s,
    };
    watch->revocations = revocation;
}

/* Since when must it be known where @us after it suffices? It must be in force, and its home must
 * have known of it for so long. */
static bool is_older(const struct watch_revocation *revocation, uint64_t now_us, uint64_t us)
{
    const struct watch_entry *entry = revocation->entry;

    return !entry->given_up && entry->published_us < now_us && now_us - entry->published_us > us;
}

static bool voids(const struct watch_revocation *revocation, const struct watch_token *token)
{
    if (revocation->entry->key->shard != token->shard || strcmp(revocation->user, token->user) != 0)
        return false;
    return token->generation < revocation->below || revocation->below == UINT64_MAX ||
           (revocation->session[0] != '\0' && strcmp(revocation->session, token->session) == 0);
}

/* The home itself has no excuse. */
static uint64_t promised_us(const struct watch *watch, uint32_t region, uint32_t shard,
                            uint64_t now_us)
{
    if (watch->shards[shard].home == region)
        return 0;
    return watch->plan->settings.revocation_bound_us + watch_clock_error_us(watch, region, now_us);
}

void watch_accepted(struct watch *watch, struct moment at, uint32_t region,
                    const struct watch_token *token)
{
    uint64_t promised = promised_us(watch, region, token->shard, at.now_us);

    if (watch->breach.found || watch_is_damaged(watch, region, token->shard, at.now_us))
        return;
    if (at.wall_us / SECOND_US > token->expires_s + WATCH_EXPIRY_SLACK_S)
        watch_report(watch, at.now_us, WATCH_REVOKED,
                     "%s takes a token of %s that has expired at %" PRIu64 " s, at %" PRIu64 " s",
                     watch->regions[region].name, token->user, token->expires_s,
                     at.wall_us / SECOND_US);
    for (const struct watch_revocation *made = watch->revocations; made; made = made->next)
        if (voids(made, token) && is_older(made, at.now_us, promised))
            watch_report(watch, at.now_us, WATCH_REVOKED,
                         "%s takes a token of %s, session %s, generation %" PRIu64
                         ", that %s.%" PRIu64 " has voided %" PRIu64
                         " us ago; promised are %" PRIu64 " us",
                         watch->regions[region].name, token->user, token->session,
                         token->generation, watch->shards[token->shard].name, made->entry->seq,
                         at.now_us - made->entry->published_us, promised);
}

/* Would the region refuse what the revocation voids, for what has come ahead of the log? */
static bool is_ahead(const struct watch_revocation *made, watch_is_void *is_void, void *context)
{
    uint64_t generation = made->below > 0 ? made->below - 1 : UINT64_MAX - 1;

    return is_void(context, made->user, made->session, generation);
}

void watch_revocations_age(struct watch *watch, struct moment at, uint32_t region, uint32_t shard,
                           uint64_t age_us, watch_is_void *is_void, void *context)
{
    const struct watch_copy *copy = &watch->regions[region].copies[shard];
    uint64_t allowed_us = age_us + watch_clock_error_us(watch, region, at.now_us);

    if (watch->breach.found || copy->forked || watch_is_damaged(watch, region, shard, at.now_us))
        return;
    for (const struct watch_revocation *made = watch->revocations; made; made = made->next) {
        if (made->entry->key->shard != shard || made->entry->seq <= copy->end.seq ||
            !is_older(made, at.now_us, allowed_us))
            continue;
        if (made->until_s != 0 && at.wall_us / SECOND_US > made->until_s)
            continue; /* nobody has such a token any more */
        if (!is_ahead(made, is_void, context))
            watch_report(watch, at.now_us, WATCH_REVOCATIONS_AGE,
                         "%s says that what it knows of revocations in %s is %" PRIu64
                         " us old, and does not know of seq %" PRIu64 ", %" PRIu64 " us old",
                         watch->regions[region].name, watch->shards[shard].name, age_us,
                         made->entry->seq, at.now_us - made->entry->published_us);
    }
}
