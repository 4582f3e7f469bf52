#include "replicator/ahead.h"

void ahead_forget(struct ahead *ahead)
{
    *ahead = (struct ahead){0};
}

bool ahead_has_more(const struct ahead *ahead, const struct revocation_list *list)
{
    return ahead->known && revocation_list_newest_seq(list) > ahead->sent_seq;
}

void ahead_fill(const struct ahead *ahead, const struct revocation_list *list, struct arena *arena,
                Mec__Apply *apply)
{
    uint64_t after_seq = revocation_list_after_seq(list);

    if (!ahead->known)
        return;
    if (after_seq < ahead->sent_seq)
        after_seq = ahead->sent_seq;
    if (after_seq > revocation_list_through_seq(list))
        return;
    apply->revocations_after_seq = after_seq;
    apply->n_revocations =
        revocation_list_pack(list, arena, after_seq, AHEAD_REVOCATIONS_MAX, &apply->revocations,
                             &apply->revocations_through_seq);
}

void ahead_sent(struct ahead *ahead, const Mec__Apply *apply)
{
    if (apply->revocations_through_seq > ahead->sent_seq)
        ahead->sent_seq = apply->revocations_through_seq;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* What the follower has been told of counts from where its log gets to the beginning of that. Until
 * then it lacks what lies between: which is sent again when it is still known. */
static uint64_t had_by(const struct revocation_list *list, const Mec__Applied *applied)
{
    uint64_t cursor_seq = applied->cursor ? applied->cursor->seq : 0;

    if (cursor_seq < applied->revocations_after_seq &&
        revocation_list_after_seq(list) < applied->revocations_after_seq)
        return cursor_seq;
    return max_u64(cursor_seq, applied->revocations_through_seq);
}

void ahead_take(struct ahead *ahead, const struct revocation_list *list,
                const Mec__Applied *applied, uint64_t id, uint64_t sent_seq, uint64_t next_id)
{
    uint64_t had_seq = had_by(list, applied);

    if (ahead->known && (id < ahead->since_id || had_seq >= sent_seq))
        return;
    ahead->known = true;
    ahead->sent_seq = had_seq;
    ahead->since_id = next_id;
}
