/* Reading what another user shares.
 *
 * The region decides by its own copies alone: of the name's directory, of the owner's shard.
 * Whoever may not is told the same, whether there is no such owner, no such item or no such grant;
 * and for that a name that nobody has is treated as if somebody had it, at home in its directory's
 * shard.
 *
 * There are no strong reads of what others share: a strong read goes to the reader's home, and that
 * need not be the owner's. */

#include <errno.h>
#include <stdio.h>

#include "common/plant.h"
#include "common/reach.h"
#include "common/residency.h"
#include "regiond/account.h"
#include "regiond/answer.h"
#include "regiond/audit_notes.h"
#include "regiond/grants.h"
#include "regiond/names.h"
#include "regiond/reading.h"
#include "regiond/records.h"
#include "regiond/trust.h"
#include "regiond/vault_internal.h"

struct owner {
    char user[USER_ID_SIZE]; /* empty: nobody has the name */
    struct copy *copy;
};

/* Errors: -EIO. */
static int find_owner(struct region *region, const struct request *request, struct owner *ret_owner)
{
    char name[ACCOUNT_NAME_SIZE];
    struct name_claim claim;
    struct copy *directory, *copy = NULL;
    int r = -ENOENT;

    account_name(request->call->owner, name);
    directory = names_directory(region, name);
    if (directory && name[0])
        r = names_read(region, directory, name, &claim);
    if (r == -EIO)
        return r;
    if (r == 0 && claim.confirmed)
        copy = copies_find(region, claim.shard);
    /* What they have put before their home was moved is nobody's to read now, nor their own. */
    if (copy && !residency_allows(region->config, PARTS_VAULT, copy->home))
        copy = NULL;
    *ret_owner = (struct owner){.copy = copy ? copy : directory};
    if (copy)
        snprintf(ret_owner->user, sizeof ret_owner->user, "%s", claim.user);
    return 0;
}

/* What stands in the owner's shard, both as of one moment: a value that was written after a grant
 * was withdrawn must not be shown for having been granted before. */
struct shared {
    const struct request *request;
    const char *owner;
    struct record item, grant;
    bool granted;
};

static int read_shared(struct region *region, const struct copy *copy, void *context)
{
    struct shared *shared = context;
    const struct request *request = shared->request;
    int item = store_reader_get(copy->reader, region->scratch, VAULT_SERVICE, shared->owner,
                                request->call->key, &shared->item);
    int grant;

    if (item < 0)
        shared->item = (struct record){.deleted = true};
    grant = grants_find(region, copy, shared->owner, request->call->key, shared->item.incarnation,
                        request->claims.user, &shared->grant);
    shared->granted = !shared->item.deleted && grant == 0;
    if (PLANTED(UNGRANTED_READ))
        shared->granted = !shared->item.deleted;
    if (item < 0 && item != -ENOENT)
        return item;
    return grant < 0 && grant != -ENOENT ? grant : 0;
}

/* The same request as one about the reader's own shard, for answers of which nothing is to depend
 * on the owner's. (A request that has waited for its bookmark still belongs to the owner's.) */
static struct request as_readers(const struct region *region, const struct request *request)
{
    struct request own = *request;

    own.copy = copies_find(region, request->claims.shard);
    return own;
}

static void refuse(struct region *region, const struct request *request)
{
    struct request own = as_readers(region, request);

    reach(SHARED_ITEM_REFUSED);
    region->counters.denied++;
    audit_notes_denied(region, &own, PROBLEM_NOT_FOUND);
    answer_problem(region, &own, PROBLEM_NOT_FOUND,
                   "There is no such item, or it is not shared with you.");
}

/* The session has seen the item and the grant. */
static void answer_shared(struct region *region, struct request *request,
                          const struct shared *shared)
{
    const struct record *item = &shared->item;
    const struct record *last = shared->grant.seq > item->seq ? &shared->grant : item;
    const struct cache_record sealed = {.version = item->version,
                                        .epoch = last->epoch,
                                        .seq = last->seq,
                                        .updated_wall_us = item->updated_wall_us,
                                        .content_type = item->content_type,
                                        .value = item->value};

    reach(SHARED_ITEM_READ);
    vault_answer_opened(region, request, shared->owner, &sealed,
                        records_served(region, request->copy));
}

static void shared_admitted(struct region *region, struct request *request)
{
    struct request own = as_readers(region, request);
    struct shared shared = {.request = request};
    struct store_end end;
    struct owner owner;
    int r = find_owner(region, request, &owner);

    if (r == 0 && (!trust_grants(region, request->copy) || !trust_tokens(region, own.copy))) {
        trust_refuse(region, &own);
        return;
    }
    request_enter(request, STAGE_STORAGE);
    /* While the request has waited for its bookmark, the name may have become somebody else's. */
    shared.owner = r == 0 && owner.copy == request->copy ? owner.user : "";
    if (r == 0)
        r = records_at_once(region, request->copy, read_shared, &shared, &end);
    if (r < 0)
        records_answer_failure(region, request, r);
    else if (shared.granted)
        answer_shared(region, request, &shared);
    else
        refuse(region, request);
}

void vault_shared_get(struct region *region, struct request *request)
{
    struct owner owner;
    int r;

    if (request->call->consistency == MEC__CONSISTENCY__STRONG) {
        answer_problem(region, request, PROBLEM_BAD_REQUEST,
                       "What another user shares cannot be read with Mec-Consistency: strong.");
        return;
    }
    r = find_owner(region, request, &owner);
    if (r < 0) {
        records_answer_failure(region, request, r);
    } else if (strcmp(owner.user, request->claims.user) == 0) {
        reading_admit(region, request, vault_get_own);
    } else {
        if (owner.copy)
            request->copy = owner.copy;
        reading_admit(region, request, shared_admitted);
    }
}
