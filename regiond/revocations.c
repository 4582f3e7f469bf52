#include "regiond/revocations.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/revocation.h"
#include "regiond/core.h"

/* Clocks are set back sometimes; a token that was valid again should still be known as void. */
#define EXPIRED_SLACK_S 60

struct held_user;

struct held {
    struct held *prev, *next; /* of all, by seq */
    struct held *prev_of_user, *next_of_user;
    struct held_user *user;
    uint64_t epoch;
    struct revocation revocation;
    UT_hash_handle hh; /* by seq */
};

struct held_user {
    struct held *list;
    UT_hash_handle hh;
    char name[USER_ID_SIZE];
};

struct revocations {
    uint64_t epoch;
    struct held *held, *by_seq;
    struct held_user *users;
    size_t count;

    uint64_t after_seq, through_seq; /* all in between were told, and are held or visible, but: */
    uint64_t missing_seq;            /* the last one that had no room; 0: none */

    bool known;
    struct freshness_mark as_of; /* everything up to then is here */
    uint64_t as_of_seq;          /* where the home's log ended then */
    bool pending;                /* likewise, when everything up to pending_seq is here */
    struct freshness_mark pending_mark;
    uint64_t pending_seq;
};

struct revocations *revocations_create(void)
{
    return memory_alloc(sizeof(struct revocations));
}

/* ---- what is held ---- */

static void drop(struct revocations *revocations, struct held *held)
{
    struct held_user *user = held->user;

    HASH_DEL(revocations->by_seq, held);
    DL_DELETE(revocations->held, held);
    DL_DELETE2(user->list, held, prev_of_user, next_of_user);
    if (!user->list) {
        HASH_DEL(revocations->users, user);
        free(user);
    }
    revocations->count--;
    free(held);
}

void revocations_free(struct revocations *revocations)
{
    if (!revocations)
        return;
    while (revocations->held)
        drop(revocations, revocations->held);
    free(revocations);
}

static struct held_user *user_of(struct revocations *revocations, const char *name)
{
    struct held_user *user;

    HASH_FIND_STR(revocations->users, name, user);
    if (user)
        return user;
    user = memory_alloc(sizeof *user);
    memcpy(user->name, name, strlen(name));
    HASH_ADD_STR(revocations->users, name, user);
    return user;
}

/* Nearly always behind all others. */
static void put_in_order(struct revocations *revocations, struct held *held)
{
    struct held *before = revocations->held ? revocations->held->prev : NULL;

    while (before && before->revocation.seq > held->revocation.seq)
        before = before == revocations->held ? NULL : before->prev;
    if (before)
        DL_APPEND_ELEM(revocations->held, before, held);
    else
        DL_PREPEND(revocations->held, held);
}

static void add(struct revocations *revocations, const struct revocation *revocation)
{
    struct held *held = memory_alloc(sizeof *held);

    held->revocation = *revocation;
    held->epoch = revocations->epoch;
    held->user = user_of(revocations, revocation->user);
    DL_APPEND2(held->user->list, held, prev_of_user, next_of_user);
    put_in_order(revocations, held);
    HASH_ADD(hh, revocations->by_seq, revocation.seq, sizeof held->revocation.seq, held);
    revocations->count++;
}

static void drop_visible(struct revocations *revocations, uint64_t visible_seq)
{
    while (revocations->held && revocations->held->revocation.seq <= visible_seq)
        drop(revocations, revocations->held);
}

static void drop_expired(struct revocations *revocations, uint64_t wall_s)
{
    struct held *held, *next;

    DL_FOREACH_SAFE(revocations->held, held, next)
    if (held->revocation.until_s != 0 && held->revocation.until_s + EXPIRED_SLACK_S < wall_s)
        drop(revocations, held);
}

static void drop_of_past_epochs(struct revocations *revocations)
{
    struct held *held, *next;

    DL_FOREACH_SAFE(revocations->held, held, next)
    if (held->epoch < revocations->epoch)
        drop(revocations, held);
}

/* Hold @revocation unless it is held, or visible, already. False: there is no room. */
static bool hold(struct revocations *revocations, const struct revocation *revocation,
                 uint64_t visible_seq)
{
    struct held *same;

    if (revocation->seq <= visible_seq)
        return true;
    HASH_FIND(hh, revocations->by_seq, &revocation->seq, sizeof revocation->seq, same);
    if (same && same->epoch == revocations->epoch)
        return true;
    if (same)
        drop(revocations, same); /* what an old home had there never came to be */
    if (revocations->count >= REVOCATIONS_HELD_MAX)
        return false;
    add(revocations, revocation);
    return true;
}

static void hold_all(struct revocations *revocations, const struct revocations_news *news,
                     uint64_t visible_seq, uint64_t wall_s)
{
    if (revocations->count + news->count > REVOCATIONS_HELD_MAX)
        drop_expired(revocations, wall_s);
    for (size_t i = 0; i < news->count; i++) {
        struct revocation next;

        if (revocation_read(news->items[i], &next) == 0 && !hold(revocations, &next, visible_seq) &&
            next.seq > revocations->missing_seq)
            revocations->missing_seq = next.seq;
    }
}

/* ---- what is known ---- */

/* Up to where every revocation is here. */
static uint64_t known_seq(const struct revocations *revocations, uint64_t visible_seq)
{
    if (visible_seq < revocations->after_seq || visible_seq < revocations->missing_seq ||
        visible_seq > revocations->through_seq)
        return visible_seq;
    return revocations->through_seq;
}

static void settle(struct revocations *revocations, uint64_t visible_seq)
{
    if (!revocations->pending || known_seq(revocations, visible_seq) < revocations->pending_seq)
        return;
    revocations->pending = false;
    revocations->known = true;
    revocations->as_of = revocations->pending_mark;
    revocations->as_of_seq = revocations->pending_seq;
    /* What this epoch's home does not know of was given up with the one before. */
    drop_of_past_epochs(revocations);
}

/* A stretch that does not go on from the one before takes its place: who tells it cannot tell what
 * lies between, or will tell all of it again. */
static void join(struct revocations *revocations, uint64_t after_seq, uint64_t through_seq)
{
    if (through_seq < revocations->after_seq)
        return;
    if (after_seq > revocations->through_seq) {
        revocations->after_seq = after_seq;
        revocations->through_seq = through_seq;
        return;
    }
    if (after_seq < revocations->after_seq)
        revocations->after_seq = after_seq;
    if (through_seq > revocations->through_seq)
        revocations->through_seq = through_seq;
}

/* An earlier end of the log is an earlier moment, and late news of it are none. */
static void note_mark(struct revocations *revocations, const struct revocations_news *news)
{
    if ((revocations->known && news->last_seq < revocations->as_of_seq) ||
        (revocations->pending && news->last_seq < revocations->pending_seq))
        return;
    revocations->pending = true;
    revocations->pending_mark = news->mark;
    revocations->pending_seq = news->last_seq;
}

void revocations_begin_epoch(struct revocations *revocations, uint64_t epoch)
{
    if (epoch <= revocations->epoch)
        return;
    revocations->epoch = epoch;
    revocations->after_seq = revocations->through_seq = 0;
    revocations->missing_seq = 0;
    revocations->known = revocations->pending = false;
}

void revocations_hear(struct revocations *revocations, const struct revocations_news *news,
                      uint64_t visible_seq, uint64_t wall_s)
{
    if (news->epoch < revocations->epoch)
        return; /* of a home that has been followed by another */
    revocations_begin_epoch(revocations, news->epoch);
    hold_all(revocations, news, visible_seq, wall_s);
    join(revocations, news->after_seq, news->through_seq);
    note_mark(revocations, news);
    settle(revocations, visible_seq);
}

void revocations_advance(struct revocations *revocations, uint64_t visible_seq)
{
    drop_visible(revocations, visible_seq);
    settle(revocations, visible_seq);
}

bool revocations_well_formed(const Mec__Apply *apply)
{
    uint64_t last_seq = apply->revocations_after_seq;

    if (apply->n_changes > 0)
        return apply->n_revocations == 0 && apply->revocations_through_seq == 0;
    for (size_t i = 0; i < apply->n_revocations; i++) {
        struct revocation read;

        if (apply->revocations[i]->seq <= last_seq ||
            revocation_read(apply->revocations[i], &read) < 0)
            return false;
        last_seq = apply->revocations[i]->seq;
    }
    return last_seq <= apply->revocations_through_seq;
}

size_t revocations_count(const struct revocations *revocations)
{
    return revocations->count;
}

uint64_t revocations_after_seq(const struct revocations *revocations)
{
    return revocations->after_seq;
}

uint64_t revocations_through_seq(const struct revocations *revocations)
{
    return revocations->through_seq;
}

const struct freshness_mark *revocations_as_of(const struct revocations *revocations)
{
    return revocations->known ? &revocations->as_of : NULL;
}

bool revocations_void(const struct revocations *revocations, const char *user, const char *session,
                      uint64_t generation)
{
    struct held_user *of;
    const struct held *held;

    HASH_FIND_STR(revocations->users, user, of);
    if (!of)
        return false;
    DL_FOREACH2(of->list, held, next_of_user)
    if (revocation_voids(&held->revocation, session, generation))
        return true;
    return false;
}

/* ---- of a region's copy ---- */

bool revocations_ahead(const struct region *region, const struct copy *copy, const char *user,
                       const char *session, uint64_t generation)
{
    return !copies_is_home(region, copy) &&
           revocations_void(copy->revocations, user, session, generation);
}

bool revocations_age(const struct region *region, const struct copy *copy, uint64_t *ret_us)
{
    const struct freshness_mark *as_of = revocations_as_of(copy->revocations);
    uint64_t ahead_us = 0, log_us = 0;
    bool log_known;

    /* What a copy has that has gone another way than its home says nothing. */
    if (copy->diverged && !copies_is_home(region, copy))
        return false;
    log_known = copies_staleness(region, copy, &log_us);
    if (!as_of && !log_known)
        return false;
    if (as_of)
        ahead_us = copies_since(region, as_of);
    *ret_us = !log_known || (as_of && ahead_us < log_us) ? ahead_us : log_us;
    return true;
}
