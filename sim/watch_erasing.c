/* Deleted accounts: all that they had goes, by and by, and nothing of anybody else. */

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "sim/watch_internal.h"

#define NOTE                                                                                       \
    "closing/" /* what a home is to erase stands under that, as regiond/erasing.c writes           \
                */

bool watch_erasing_closes(const struct watch_entry *account)
{
    return account->deleted || (account->account && account->account->closing);
}

static bool is_closed(const struct watch_entry *account)
{
    return account && watch_erasing_closes(account);
}

static const struct watch_entry *account_of(const struct watch *watch, uint32_t shard,
                                            const char *user)
{
    const struct watch_key *key = watch_sessions_account(watch, shard, user);

    return key ? key->head : NULL;
}

bool watch_erasing_is_closed(const struct watch *watch, const char *user)
{
    for (uint32_t shard = 0; shard < watch->region_count; shard++)
        if (is_closed(account_of(watch, shard, user)))
            return true;
    return false;
}

bool watch_erasing_was_closed(const struct watch *watch, const char *name)
{
    for (uint32_t shard = 0; shard < watch->region_count; shard++)
        for (size_t i = 0; i < watch->shards[shard].key_count; i++) {
            const struct watch_key *key = watch->shards[shard].keys[i];
            const struct watch_entry *entry = key->head;

            if (strcmp(key->service, "auth") != 0 || strcmp(key->key, "account") != 0)
                continue;
            for (; entry; entry = entry->before)
                if (entry->account && entry->account->closing &&
                    strcmp(entry->account->name, name) == 0)
                    return true;
        }
    return false;
}

/* ---- what is left ---- */

/* A record of @user that lives; NULL. */
static const struct watch_key *find_record(const struct watch *watch, uint32_t shard,
                                           const char *user)
{
    const struct watch_shard *of = &watch->shards[shard];

    for (size_t i = 0; i < of->key_count; i++)
        if (strcmp(of->keys[i]->user, user) == 0 && of->keys[i]->head &&
            !of->keys[i]->head->deleted)
            return of->keys[i];
    return NULL;
}

static bool has_note(const struct watch *watch, uint32_t shard, const char *user)
{
    char name[sizeof NOTE + USER_ID_SIZE];
    const struct watch_key *key;

    (void)snprintf(name, sizeof name, NOTE "%s", user);
    key = watch_log_key(watch, shard, "auth", "", name);
    return key && key->head && !key->head->deleted;
}

/* The name that is confirmed for @user; NULL. */
static const struct watch_key *find_name(const struct watch *watch, const char *user)
{
    for (uint32_t shard = 0; shard < watch->region_count; shard++)
        for (size_t i = 0; i < watch->shards[shard].key_count; i++) {
            const struct watch_key *key = watch->shards[shard].keys[i];

            if (strcmp(key->service, "names") == 0 && watch_names_is_confirmed(key->head, user))
                return key;
        }
    return NULL;
}

/* ---- as it happens ---- */

static void account_changed(struct watch *watch, uint64_t now_us, const struct watch_entry *entry)
{
    const struct watch_entry *before = entry->before;

    if (before && before->deleted && !entry->deleted)
        watch_report(watch, now_us, WATCH_ERASED,
                     "the account %s of %s was deleted, and is made again by the same sign-up",
                     entry->key->user, watch->shards[entry->key->shard].name);
    else if (entry->deleted && !is_closed(before))
        watch_report(watch, now_us, WATCH_ERASED, "the account %s of %s goes, and was not closed",
                     entry->key->user, watch->shards[entry->key->shard].name);
}

/* Whoever takes the note away has done all that it says. */
static void note_gone(struct watch *watch, uint64_t now_us, const struct watch_entry *entry)
{
    uint32_t shard = entry->key->shard;
    const char *user = entry->key->key + sizeof NOTE - 1;
    const struct watch_entry *account = account_of(watch, shard, user);
    const struct watch_key *left = find_record(watch, shard, user), *name;

    if (!is_closed(account))
        return;
    if (left) {
        watch_report(watch, now_us, WATCH_ERASED,
                     "%s is done with erasing %s, and %s/%s is still there",
                     watch->shards[shard].name, user, left->service, left->key);
        return;
    }
    name = find_name(watch, user);
    if (name && watch_sessions_is_firm(watch, name->shard))
        watch_report(watch, now_us, WATCH_ERASED,
                     "%s is done with erasing %s, and the name %s is still theirs",
                     watch->shards[shard].name, user, name->key);
}

/* Nobody but the eraser removes anything without being asked. One withdrawal takes what was granted
 * to all who have borne the name, and only one of these goes under its key. */
static void removed(struct watch *watch, uint64_t now_us, const struct watch_entry *entry)
{
    if (strcmp(entry->key->service, "grants") != 0 &&
        !is_closed(account_of(watch, entry->key->shard, entry->key->user)))
        watch_report(watch, now_us, WATCH_ERASED, "%s/%s of %s goes, and nobody has asked for that",
                     entry->key->service, entry->key->key, entry->key->user);
}

void watch_erasing_changed(struct watch *watch, uint64_t now_us, const struct watch_entry *entry)
{
    const struct watch_key *key = entry->key;

    if (strcmp(key->service, "auth") == 0 && strcmp(key->key, "account") == 0)
        account_changed(watch, now_us, entry);
    else if (strcmp(key->service, "auth") == 0 && strncmp(key->key, NOTE, sizeof NOTE - 1) == 0 &&
             entry->deleted)
        note_gone(watch, now_us, entry);
    else if (key->user[0] != '\0' && entry->deleted && !entry->effort)
        removed(watch, now_us, entry);
}

/* ---- in the end ---- */

static bool is_in(const struct watch *watch, uint32_t core, uint32_t shard)
{
    return (core >> watch->shards[shard].home & 1u) != 0;
}

/* Can the name be given back, or is its directory away for good? */
static bool has_directory(const struct watch *watch, uint32_t core, const struct watch_key *account)
{
    const struct watch_entry *entry = account->head;

    while (entry && !entry->account)
        entry = entry->before;
    for (uint32_t shard = 0; entry && shard < watch->region_count; shard++)
        if (watch_log_key(watch, shard, "names", "", entry->account->name))
            return is_in(watch, core, shard);
    return false;
}

static bool is_left(const struct watch *watch, uint32_t core, const struct watch_key *account,
                    const char **ret_what)
{
    const struct watch_key *record = find_record(watch, account->shard, account->user);
    const struct watch_key *name = find_name(watch, account->user);

    if (record) {
        *ret_what = record->key;
        return true;
    }
    if (!has_directory(watch, core, account))
        return false;
    *ret_what = name ? "the name" : "the note";
    return (name && watch_sessions_is_firm(watch, name->shard)) ||
           has_note(watch, account->shard, account->user);
}

size_t watch_unerased(const struct watch *watch, uint32_t core, const char **ret_user,
                      const char **ret_what)
{
    size_t count = 0;

    for (uint32_t shard = 0; shard < watch->region_count; shard++) {
        const struct watch_shard *of = &watch->shards[shard];

        if (!is_in(watch, core, shard) || !watch_sessions_is_whole(watch, shard))
            continue;
        for (size_t i = 0; i < of->key_count; i++) {
            const struct watch_key *key = of->keys[i];

            if (strcmp(key->service, "auth") != 0 || strcmp(key->key, "account") != 0 ||
                !is_closed(key->head) || !is_left(watch, core, key, ret_what))
                continue;
            *ret_user = key->user;
            count++;
        }
    }
    return count;
}
