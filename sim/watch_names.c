/* User names: one account in the world for each, and who may be logged in. */

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/moment.h"
#include "sim/watch_internal.h"

/* A directory record, as regiond/names.c writes it. */
struct claim {
    char user[64];
    char shard[SHARD_NAME_SIZE]; /* of the user */
    bool confirmed;
    uint64_t expires_wall_us;
};

static bool read_claim(const struct watch_entry *entry, struct claim *ret_claim)
{
    json_int_t expires_wall_us = 0;
    const char *user, *shard = "", *state;
    json_t *root;
    bool good;

    if (!entry || entry->deleted)
        return false;
    root = json_loadb(entry->value.data, entry->value.size, 0, NULL);
    good = root && json_unpack(root, "{s:s, s?s, s:s, s?I}", "user", &user, "shard", &shard,
                               "state", &state, "expires_wall_us", &expires_wall_us) == 0;
    if (good) {
        (void)snprintf(ret_claim->shard, sizeof(ret_claim->shard), "%s", shard);
        (void)snprintf(ret_claim->user, sizeof(ret_claim->user), "%s", user);
        ret_claim->confirmed = strcmp(state, "confirmed") == 0;
        ret_claim->expires_wall_us = (uint64_t)expires_wall_us;
    }
    json_decref(root);
    return good;
}

bool watch_names_is_confirmed(const struct watch_entry *entry, const char *user)
{
    struct claim claim;

    return read_claim(entry, &claim) && claim.confirmed && strcmp(claim.user, user) == 0;
}

/* Only with the account that has it: which is gone by then. */
static bool may_be_given_back(const struct watch *watch, const struct claim *claim)
{
    uint32_t shard = watch_find(watch, claim->shard);
    const struct watch_key *key =
        shard == PLAN_NONE ? NULL : watch_sessions_account(watch, shard, claim->user);

    return key && ((key->head && key->head->deleted) || !watch_sessions_is_firm(watch, shard));
}

void watch_names_changed(struct watch *watch, uint64_t now_us, const struct watch_entry *entry)
{
    struct claim before, after;
    bool clock_is_right = watch->regions[entry->home].clock.most_us == 0 &&
                          watch->regions[entry->home].clock.drift_ppm == 0;

    if (!read_claim(entry->before, &before))
        return;
    if (before.confirmed && entry->deleted && may_be_given_back(watch, &before))
        return;
    if (before.confirmed)
        watch_report(watch, now_us, WATCH_NAME_UNIQUE,
                     "the name %s was confirmed for %s, and its record is changed", entry->key->key,
                     before.user);
    else if (clock_is_right && read_claim(entry, &after) && strcmp(before.user, after.user) != 0 &&
             before.expires_wall_us > entry->wall_us)
        watch_report(watch, now_us, WATCH_NAME_UNIQUE,
                     "the name %s is reserved for %s and given to %s", entry->key->key, before.user,
                     after.user);
}

/* The directory's record of @name, wherever it is; NULL. */
static const struct watch_entry *find_claim(const struct watch *watch, const char *name)
{
    for (uint32_t i = 0; i < watch->region_count; i++) {
        const struct watch_key *key = watch_log_key(watch, i, "names", "", name);

        if (key && key->head)
            return key->head;
    }
    return NULL;
}

/* Has nothing happened after which accounts and names may be gone or unreadable? */
static bool is_firm(const struct watch *watch)
{
    return !watch->gave_up && !watch_is_any_damaged(watch);
}

/* ---- signing up ---- */

static struct watch_entry *find_account(const struct watch *watch, const struct outcome *outcome,
                                        const char *user)
{
    uint32_t shard = outcome->position ? watch_find(watch, outcome->position->shard) : PLAN_NONE;
    const struct watch_key *key =
        shard == PLAN_NONE ? NULL : watch_sessions_account(watch, shard, user);
    struct watch_entry *entry = key ? watch_log_state(key, outcome->position->seq) : NULL;

    if (!key || entry)
        return entry;
    return key->head ? key->head : key->given_up;
}

static void note(struct watch *watch, const struct outcome_asked *asked,
                 const struct outcome *outcome, const char *user)
{
    size_t size = strlen(asked->user_name);
    struct watch_signed_up *known;

    HASH_FIND(hh, watch->names, asked->user_name, (unsigned)size, known);
    if (known && strcmp(known->user, user) != 0 && watch_erasing_is_closed(watch, known->user)) {
        known->user = arena_text(watch->arena, user);
        known->told_us = outcome->now_us;
    }
    if (known) {
        if (strcmp(known->user, user) != 0 && is_firm(watch))
            watch_report(watch, outcome->now_us, WATCH_NAME_UNIQUE,
                         "the name %s is %s's, and client %u is told that it is %s's",
                         asked->user_name, known->user, asked->operation->client, user);
        return;
    }
    known = arena_alloc(watch->arena, sizeof(*known) + size + 1);
    memset(known, 0, sizeof(*known));
    known->user = arena_text(watch->arena, user);
    known->told_us = outcome->now_us;
    memcpy(known->name, asked->user_name, size + 1);
    HASH_ADD_KEYPTR(hh, watch->names, known->name, (unsigned)size, known);
}

static void signed_up_as(struct watch *watch, const struct outcome_asked *asked,
                         const struct outcome *outcome, const char *user)
{
    struct watch_entry *account = find_account(watch, outcome, user);
    struct claim claim;

    if (!account) {
        watch_report(watch, outcome->now_us, WATCH_ACKNOWLEDGED,
                     "client %u is told that %s has an account, %s, which is in no log",
                     asked->operation->client, asked->user_name, user);
        return;
    }
    if (account->published_us < asked->now_us && watch_erasing_closes(account))
        watch_report(watch, outcome->now_us, WATCH_ERASED,
                     "client %u is told that %s has an account, %s, which has been deleted",
                     asked->operation->client, asked->user_name, user);
    if (is_firm(watch) && !watch_erasing_is_closed(watch, user) &&
        (!read_claim(find_claim(watch, asked->user_name), &claim) || !claim.confirmed ||
         strcmp(claim.user, user) != 0))
        watch_report(watch, outcome->now_us, WATCH_NAME_UNIQUE,
                     "client %u has an account as %s, but the name is not confirmed for it",
                     asked->operation->client, asked->user_name);
    note(watch, asked, outcome, user);
    watch_log_acknowledge(account);
    watch_reads_see(watch, asked->operation->client, account);
}

void watch_names_signed_up(struct watch *watch, const struct outcome_asked *asked,
                           const struct outcome *outcome)
{
    json_t *root;
    const char *user;

    if (outcome->status == 422 && is_firm(watch) &&
        !watch_erasing_was_closed(watch, asked->user_name))
        watch_report(watch, outcome->now_us, WATCH_KEY_REUSE,
                     "client %u is told that its sign-up as %s was another's",
                     asked->operation->client, asked->user_name);
    if (outcome->status != 201)
        return;
    root = json_loadb(outcome->body.data, outcome->body.size, 0, NULL);
    user = json_string_value(json_object_get(root, "id"));
    signed_up_as(watch, asked, outcome, user ? user : "nobody");
    json_decref(root);
}

/* ---- logging in ---- */

/* Somebody was told of the account, and nothing is known to have happened to it. */
static bool is_known_well(const struct watch *watch, const struct outcome_asked *asked)
{
    struct watch_signed_up *known;
    struct claim claim;

    HASH_FIND_STR(watch->names, asked->user_name, known);
    return known && known->told_us < asked->now_us && is_firm(watch) &&
           !watch_erasing_is_closed(watch, known->user) &&
           read_claim(find_claim(watch, asked->user_name), &claim) && claim.confirmed &&
           strcmp(claim.user, known->user) == 0;
}

void watch_names_logged_in(struct watch *watch, const struct outcome_asked *asked,
                           const struct outcome *outcome)
{
    if (outcome->status >= 200 && outcome->status < 300 &&
        outcome->served != MEC__SERVED__SERVED_HOME)
        watch_report(watch, outcome->now_us, WATCH_FAILS_CLOSED,
                     "client %u is logged in by %s, and not by the home", asked->operation->client,
                     outcome->region ? outcome->region : "nobody");
    else if (outcome->status >= 200 && outcome->status < 300 && is_firm(watch) &&
             !find_claim(watch, asked->user_name))
        watch_report(watch, outcome->now_us, WATCH_FAILS_CLOSED,
                     "client %u is logged in as %s, whom nobody knows", asked->operation->client,
                     asked->user_name);
    else if (outcome->status == 401 && is_known_well(watch, asked))
        watch_report(watch, outcome->now_us, WATCH_ACKNOWLEDGED,
                     "client %u is not known as %s, which has an account", asked->operation->client,
                     asked->user_name);
}

void watch_names_free(struct watch *watch)
{
    HASH_CLEAR(hh, watch->names);
}
