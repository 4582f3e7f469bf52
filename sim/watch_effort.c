/* Idempotency keys: what was tried under each, what became of it, and that it has one effect. */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/moment.h"
#include "sim/watch_internal.h"

#define NAME_SIZE_MAX 512

struct watch_effort *watch_effort_of(struct watch *watch, const char *user,
                                     const char *idempotency_key)
{
    char name[NAME_SIZE_MAX];
    struct watch_effort *effort;
    size_t user_size, size;

    if (!idempotency_key || idempotency_key[0] == '\0')
        return NULL;
    user_size = strlen(user) + 1;
    size = user_size + strlen(idempotency_key) + 1;
    assert(size <= sizeof(name));
    memcpy(name, user, user_size);
    memcpy(name + user_size, idempotency_key, size - user_size);
    HASH_FIND(hh, watch->efforts, name, (unsigned)size, effort);
    if (effort)
        return effort;
    effort = arena_alloc(watch->arena, sizeof(*effort) + size);
    memset(effort, 0, sizeof(*effort));
    memcpy(effort->name, name, size);
    effort->user = effort->name;
    effort->idempotency_key = effort->name + user_size;
    HASH_ADD_KEYPTR(hh, watch->efforts, effort->name, (unsigned)size, effort);
    return effort;
}

void watch_effort_refused(struct watch *watch, uint32_t region, struct watch_effort *effort,
                          bool surely)
{
    effort->maybe_refused[region] = true;
    if (surely)
        effort->refused[region] = watch->regions[region].disks;
}

/* ---- wishes ---- */

static bool deletes(const struct watch_wish *wish)
{
    return wish->kind == PLAN_OPERATION_DELETE || wish->kind == PLAN_OPERATION_VAULT_DELETE;
}

bool watch_effort_is_wished(const struct watch_wish *wish, const struct watch_entry *entry)
{
    if (strcmp(wish->key, entry->key->key) != 0 || deletes(wish) != entry->deleted)
        return false;
    return entry->deleted || slice_is(watch_log_value(entry), wish->value);
}

static const struct watch_wish *find_wish(const struct watch_effort *effort,
                                          const struct watch_entry *entry)
{
    const struct watch_wish *wish = effort->wishes;

    while (wish && !watch_effort_is_wished(wish, entry))
        wish = wish->next;
    return wish;
}

static void add_wish(struct watch *watch, struct watch_effort *effort,
                     const struct outcome_asked *asked)
{
    struct watch_wish *wish;

    /* A retry wishes what the first one did; and what a grant does is looked at when it lets
     * somebody read. */
    if (asked->operation->kind == PLAN_OPERATION_RETRY ||
        asked->operation->kind == PLAN_OPERATION_GRANT ||
        asked->operation->kind == PLAN_OPERATION_WITHDRAW)
        return;
    wish = arena_alloc(watch->arena, sizeof(*wish));
    *wish = (struct watch_wish){
        .next = effort->wishes,
        .kind = asked->operation->kind,
        .key = arena_text(watch->arena, asked->key),
        .value = arena_text(watch->arena, asked->value ? asked->value : ""),
        .if_version = asked->if_version,
    };
    effort->wishes = wish;
}

static void add_bearer(struct watch *watch, struct watch_effort *effort,
                       const struct outcome_asked *asked)
{
    struct watch_bearer *bearer;

    if (!asked->claims)
        return;
    bearer = arena_alloc(watch->arena, sizeof(*bearer));
    *bearer = (struct watch_bearer){effort->bearers, *asked->claims};
    effort->bearers = bearer;
}

/* ---- an effect ---- */

static void check_condition(struct watch *watch, uint64_t now_us, const struct watch_wish *wish,
                            const struct watch_entry *entry)
{
    const struct watch_entry *before = entry->before;

    if (wish->kind == PLAN_OPERATION_WRITE_IF_ABSENT && !entry->created)
        watch_report(watch, now_us, WATCH_CONDITION,
                     "%s/%s version %" PRIu64 " was to be written only where there was none",
                     entry->key->user, entry->key->key, entry->version);
    if (wish->kind == PLAN_OPERATION_WRITE_IF_SAME && wish->if_version != 0 &&
        (!before || before->deleted || before->version != wish->if_version))
        watch_report(watch, now_us, WATCH_CONDITION,
                     "%s/%s version %" PRIu64 " was to be written only over version %" PRIu64,
                     entry->key->user, entry->key->key, entry->version, wish->if_version);
}

/* One client asked once, and its queued copy was refused: nothing else may bring the effect. With a
 * retry it may, for that one is judged afresh. */
static void check_receipts(struct watch *watch, uint64_t now_us, const struct watch_entry *entry)
{
    const struct watch_queued *queued = entry->effort->queued;

    for (; queued; queued = queued->next_of_effort) {
        bool ended = queued->state == QUEUE_REJECTED || queued->state == QUEUE_EXPIRED;
        bool same = memcmp(queued->request_digest, entry->request_digest,
                           sizeof(entry->request_digest)) == 0;

        if (!ended || !same || queued->lost)
            continue;
        if (entry->queued == queued || (entry->effort->attempts <= 1 && queued->told))
            watch_report(watch, now_us, WATCH_RECEIPT_TRUE,
                         "receipt %s is %s, and yet %s/%s version %" PRIu64 " is its effect",
                         queued->receipt, queue_state_name(queued->state), entry->key->user,
                         entry->key->key, entry->version);
    }
}

void watch_effort_effect(struct watch *watch, uint64_t now_us, struct watch_entry *entry)
{
    struct watch_effort *effort = entry->effort;
    const struct watch_wish *wish;

    if (!effort)
        return;
    if (effort->effect) {
        watch_report(watch, now_us, WATCH_ONE_EFFECT,
                     "key %s of %s has a second effect: %s:%" PRIu64 ".%" PRIu64 " after %" PRIu64
                     ".%" PRIu64,
                     effort->idempotency_key, effort->user, watch->shards[entry->key->shard].name,
                     entry->epoch, entry->seq, effort->effect->epoch, effort->effect->seq);
        return;
    }
    effort->effect = entry;
    if (effort->attempts > 0 && effort->open == 0 && effort->possible == 0)
        watch_report(watch, now_us, WATCH_REFUSED_MEANS_NOTHING,
                     "key %s of %s was refused and has its effect all the same: %s:%" PRIu64
                     ".%" PRIu64,
                     effort->idempotency_key, effort->user, watch->shards[entry->key->shard].name,
                     entry->epoch, entry->seq);
    check_receipts(watch, now_us, entry);
    wish = find_wish(effort, entry);
    if (wish)
        check_condition(watch, now_us, wish, entry);
    else if (effort->wishes)
        watch_report(watch, now_us, WATCH_READ_TRUE,
                     "%s/%s version %" PRIu64 " holds what nobody wrote under key %s",
                     entry->key->user, entry->key->key, entry->version, effort->idempotency_key);
}

/* ---- clients ---- */

void watch_effort_asked(struct watch *watch, const struct outcome_asked *asked)
{
    struct watch_effort *effort = watch_effort_of(watch, asked->user_id, asked->idempotency_key);
    uint32_t router;

    if (!effort)
        return;
    router = watch->plan->clients[asked->operation->client].router;
    if (effort->attempts == 0) {
        effort->first_asked_us = asked->now_us;
        effort->router = router;
    }
    if (effort->router != router)
        effort->router = PLAN_NONE;
    effort->attempts++;
    effort->open++;
    add_wish(watch, effort, asked);
    add_bearer(watch, effort, asked);
}

void watch_effort_told(struct watch *watch, const struct outcome_asked *asked,
                       const struct outcome *outcome)
{
    struct watch_effort *effort = watch_effort_of(watch, asked->user_id, asked->idempotency_key);

    if (!effort || effort->open == 0)
        return;
    effort->open--;
    if (!outcome_promises_nothing(outcome))
        effort->possible++;
    else if (effort->effect && effort->open == 0 && effort->possible == 0)
        watch_report(watch, outcome->now_us, WATCH_REFUSED_MEANS_NOTHING,
                     "key %s of %s is refused (%d) and has had its effect: %" PRIu64 ".%" PRIu64,
                     effort->idempotency_key, effort->user, outcome->status, effort->effect->epoch,
                     effort->effect->seq);
}

void watch_effort_free(struct watch *watch)
{
    HASH_CLEAR(hh, watch->efforts);
}
