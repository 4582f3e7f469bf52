#include "regiond/announce.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/revocation_list.h"

struct announce_copy {
    uint64_t epoch;
    struct revocation_list *list;
};

struct announce {
    size_t count;
    struct announce_copy copies[]; /* in the order of the region's */
};

struct announce *announce_create(const struct region *region)
{
    struct announce *announce =
        memory_alloc(sizeof *announce + region->copy_count * sizeof *announce->copies);

    announce->count = region->copy_count;
    for (size_t i = 0; i < announce->count; i++)
        announce->copies[i].list = revocation_list_create(REVOCATION_LIST_MAX);
    return announce;
}

void announce_free(struct announce *announce)
{
    if (!announce)
        return;
    for (size_t i = 0; i < announce->count; i++)
        revocation_list_free(announce->copies[i].list);
    free(announce);
}

/* The list of @copy, when everything up to @seq has gone through it in this epoch; else an empty
 * one from there: other changes have come by other ways. */
static struct revocation_list *list_at(struct announce *announce, const struct copy *copy,
                                       uint64_t seq)
{
    struct announce_copy *at = &announce->copies[copy->target];

    if (at->epoch != copy->epoch || revocation_list_through_seq(at->list) != seq)
        revocation_list_reset(at->list, seq);
    at->epoch = copy->epoch;
    return at->list;
}

static bool revokes(const struct store_op *op)
{
    return op->kind == STORE_OP_WRITE && op->result == STORE_DONE &&
           (op->write.revokes_below > 0 || op->write.revokes_session);
}

static void add(struct revocation_list *list, const struct store_op *op)
{
    const struct store_write *write = &op->write;
    struct revocation revocation = {
        .seq = op->seq, .below = write->revokes_below, .until_s = write->revokes_until_s};

    snprintf(revocation.user, sizeof revocation.user, "%s", write->user);
    snprintf(revocation.session, sizeof revocation.session, "%s",
             write->revokes_session ? write->revokes_session : "");
    revocation_list_add(list, &revocation);
}

void announce_committed(struct region *region, const struct copy *copy, const struct store_op *ops,
                        size_t count, uint64_t first_seq)
{
    struct revocation_list *list = list_at(region->announce, copy, first_seq - 1);

    for (size_t i = 0; i < count; i++)
        if (revokes(&ops[i]))
            add(list, &ops[i]);
    revocation_list_extend(list, copy->visible.seq);
}

void announce_fill(struct region *region, const struct copy *copy, uint64_t after_seq,
                   Mec__Tail *tail)
{
    struct revocation_list *list = list_at(region->announce, copy, copy->visible.seq);
    uint64_t from_seq = revocation_list_after_seq(list);
    uint64_t through_seq;

    if (after_seq > copy->visible.seq)
        after_seq = 0; /* the asker knows another log */
    tail->revocations_after_seq = after_seq > from_seq ? after_seq : from_seq;
    tail->n_revocations =
        revocation_list_pack(list, region->scratch, tail->revocations_after_seq,
                             REVOCATION_LIST_MAX, &tail->revocations, &through_seq);
}
