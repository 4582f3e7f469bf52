#include "regiond/standing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "common/memory.h"
#include "common/plant.h"
#include "common/reach.h"
#include "regiond/account.h"
#include "regiond/revocations.h"

struct name {
    uint32_t target;
    char user[USER_ID_SIZE];
};

/* What is kept of an account: no more than the sessions need. */
struct entry {
    UT_hash_handle hh;
    struct name name;
    bool absent;
    bool gone; /* deleted, or being deleted */
    uint64_t generation;
    size_t revoked_count;
    char revoked[][ACCOUNT_SESSION_SIZE];
};

struct standings {
    struct entry *table; /* uthash iterates by arrival: the oldest comes first */
    enum caches_mode mode;
    struct caches_counters counters;
};

struct standings *standing_create(void)
{
    return memory_alloc(sizeof(struct standings));
}

static size_t size_of(const struct entry *entry)
{
    return sizeof *entry + entry->revoked_count * sizeof entry->revoked[0];
}

static void forget(struct standings *standings, struct entry *entry)
{
    HASH_DEL(standings->table, entry);
    standings->counters.entries--;
    standings->counters.bytes -= size_of(entry);
    free(entry);
}

void standing_free(struct standings *standings)
{
    if (!standings)
        return;
    while (standings->table)
        forget(standings, standings->table);
    free(standings);
}

static void name_it(struct name *name, const struct copy *copy, const char *user)
{
    *name = (struct name){.target = copy->target};
    snprintf(name->user, sizeof name->user, "%s", user);
}

static struct entry *find(struct standings *standings, const struct name *name)
{
    struct entry *entry;

    HASH_FIND(hh, standings->table, name, sizeof *name, entry);
    return entry;
}

static struct entry *make(const struct name *name, const struct account *account)
{
    size_t count = account->revoked_count;
    struct entry *entry = memory_alloc(sizeof *entry + count * sizeof entry->revoked[0]);

    entry->name = *name;
    entry->gone = account->closing;
    entry->generation = account->generation;
    entry->revoked_count = count;
    for (size_t i = 0; i < count; i++)
        memcpy(entry->revoked[i], account->revoked[i].session, sizeof entry->revoked[i]);
    return entry;
}

/* Returns false when nothing new is taken now. */
static bool keep(struct standings *standings, struct entry *entry)
{
    if (standings->mode != CACHES_ON)
        return false;
    if (standings->counters.entries == STANDING_ENTRIES_MAX) {
        standings->counters.evictions++;
        forget(standings, standings->table);
    }
    HASH_ADD(hh, standings->table, name, sizeof entry->name, entry);
    standings->counters.entries++;
    standings->counters.bytes += size_of(entry);
    return true;
}

/* NULL: the file cannot be read. */
static struct entry *load(struct region *region, const struct copy *copy, const struct name *name)
{
    struct account account = {0};
    struct entry *entry;
    int r = account_read(region, copy, name->user, &account);

    if (r < 0 && r != -ENOENT && r != -EIDRM)
        return NULL;
    entry = make(name, &account);
    entry->absent = r == -ENOENT;
    entry->gone = entry->gone || r == -EIDRM;
    return entry;
}

static bool is_revoked(const struct entry *entry, const char *session)
{
    for (size_t i = 0; i < entry->revoked_count; i++)
        if (strcmp(entry->revoked[i], session) == 0)
            return true;
    return false;
}

/* A follower may have still to hear of the generation that a token is of; the home never has. */
static bool is_of_another_generation(const struct region *region, const struct copy *copy,
                                     const struct entry *entry, const struct token_claims *claims)
{
    return claims->generation < entry->generation ||
           (claims->generation > entry->generation && copies_is_home(region, copy));
}

/* An account that was lost with its shard is gone at its home; a follower may not have it yet. */
static enum standing judge(const struct region *region, const struct copy *copy,
                           const struct entry *entry, const struct token_claims *claims)
{
    if (entry->absent)
        return copies_is_home(region, copy) ? STANDING_VOID : STANDING_UNKNOWN;
    if (entry->gone || is_of_another_generation(region, copy, entry, claims) ||
        is_revoked(entry, claims->session)) {
        reach(TOKEN_VOID);
        return PLANTED(UNCHECKED_STANDING) ? STANDING_GOOD : STANDING_VOID;
    }
    return STANDING_GOOD;
}

enum standing standing_of(struct region *region, const struct copy *copy,
                          const struct token_claims *claims)
{
    struct standings *standings = region->standings;
    enum standing standing;
    struct entry *entry;
    struct name name;

    name_it(&name, copy, claims->user);
    if (revocations_ahead(region, copy, claims->user, claims->session, claims->generation)) {
        reach(TOKEN_VOID_AHEAD);
        return STANDING_VOID;
    }
    entry = find(standings, &name);
    if (entry) {
        standings->counters.hits++;
        return judge(region, copy, entry, claims);
    }
    standings->counters.misses++;
    entry = load(region, copy, &name);
    if (!entry)
        return STANDING_UNREADABLE;
    standing = judge(region, copy, entry, claims);
    if (!keep(standings, entry))
        free(entry);
    return standing;
}

void standing_drop(struct region *region, const struct copy *copy, const char *user)
{
    struct entry *entry;
    struct name name;

    name_it(&name, copy, user);
    entry = find(region->standings, &name);
    if (!entry)
        return;
    region->standings->counters.drops++;
    forget(region->standings, entry);
}

/* ---- as a cache ---- */

static struct caches_counters counters(const void *context)
{
    const struct standings *standings = context;
    struct caches_counters counters = standings->counters;

    counters.bytes_max = STANDING_ENTRIES_MAX * sizeof(struct entry);
    return counters;
}

static void flush(void *context)
{
    struct standings *standings = context;

    standings->counters.drops += standings->counters.entries;
    while (standings->table)
        forget(standings, standings->table);
}

static void set_mode(void *context, enum caches_mode mode)
{
    struct standings *standings = context;

    standings->mode = mode;
    if (mode == CACHES_DISABLED)
        flush(standings);
}

const struct caches_kind standing_kind = {counters, flush, set_mode};
