#include "regiond/drain_window.h"

#include <assert.h>
#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "common/memory.h"
#include "common/plant.h"
#include "common/reach.h"
#include "regiond/drain.h"

#define PAGE_ENTRIES 64

struct drain_user {
    UT_hash_handle hh;
    struct drain_entry *entries; /* by seq */
    char name[];
};

static struct drain_user *user_of(struct drain_window *window, const char *name)
{
    struct drain_user *user;
    size_t size = strlen(name);

    HASH_FIND(hh, window->users, name, (unsigned)size, user);
    if (user)
        return user;
    user = memory_alloc(sizeof *user + size + 1);
    memcpy(user->name, name, size);
    HASH_ADD_KEYPTR(hh, window->users, user->name, (unsigned)size, user);
    return user;
}

static void make_ready(struct drain_window *window, struct drain_entry *entry)
{
    if (!entry->copy)
        return;
    entry->state = DRAIN_READY;
    DL_APPEND2(entry->copy->drain.ready, entry, ready_prev, ready_next);
    window->ready_count++;
}

static void take_in(struct region *region, struct drain_window *window,
                    const struct queue_entry *from)
{
    struct drain_entry *entry = memory_alloc(sizeof *entry + from->call.size);

    assert(from->seq > window->through_seq);
    entry->seq = from->seq;
    entry->accepted_wall_us = from->accepted_wall_us;
    entry->expires_wall_us = from->expires_wall_us;
    entry->attempted = from->attempted;
    entry->copy = copies_find(region, from->shard);
    entry->user = user_of(window, from->user);
    entry->call_size = from->call.size;
    if (from->call.size > 0)
        memcpy(entry->call, from->call.data, from->call.size);
    DL_APPEND(window->entries, entry);
    DL_APPEND2(entry->user->entries, entry, user_prev, user_next);
    window->count++;
    window->bytes += entry->call_size;
    window->through_seq = entry->seq;
    if (entry->user->entries == entry || PLANTED(DRAINED_OUT_OF_ORDER))
        make_ready(window, entry);
    else
        reach(DRAIN_WAITS_ITS_TURN);
}

/* One that waits in the file. */
static void take_in_read(struct region *region, struct drain_window *window,
                         const struct queue_entry *from)
{
    if (from->attempted)
        reach(DRAIN_FOUND_ATTEMPTED);
    if (from->attempted && PLANTED(DROPPED_QUEUED_WRITE))
        window->through_seq = from->seq;
    else
        take_in(region, window, from);
}

static bool has_room(const struct drain_window *window)
{
    return window->count < DRAIN_WINDOW_MAX && window->bytes < DRAIN_WINDOW_BYTES_MAX;
}

int drain_window_load(struct region *region, struct drain_window *window)
{
    struct arena *arena = arena_create();
    int count = 0;

    while (!window->complete && has_room(window)) {
        struct queue_entry page[PAGE_ENTRIES];

        arena_reset(arena);
        count = queue_reader_waiting(region->queue_reader, arena, window->through_seq, PAGE_ENTRIES,
                                     page);
        if (count < 0)
            break;
        for (int i = 0; i < count; i++)
            take_in_read(region, window, &page[i]);
        window->complete = count < PAGE_ENTRIES;
    }
    arena_free(arena);
    return count < 0 ? count : 0;
}

void drain_window_add(struct region *region, struct drain_window *window,
                      const struct queue_entry *entry)
{
    /* The file may have been read since the batch was committed and before we heard of it. */
    if (entry->seq <= window->through_seq)
        return;
    if (window->complete && has_room(window))
        take_in(region, window, entry);
    else
        window->complete = false;
}

static void unready(struct drain_window *window, struct drain_entry *entry)
{
    DL_DELETE2(entry->copy->drain.ready, entry, ready_prev, ready_next);
    window->ready_count--;
}

struct drain_entry *drain_window_take(struct drain_window *window, struct copy *copy)
{
    struct drain_entry *entry = copy->drain.ready;

    if (entry)
        unready(window, entry);
    return entry;
}

void drain_window_put_back(struct drain_window *window, struct drain_entry *entry)
{
    entry->state = DRAIN_READY;
    DL_PREPEND2(entry->copy->drain.ready, entry, ready_prev, ready_next);
    window->ready_count++;
}

void drain_window_remove(struct drain_window *window, struct drain_entry *entry)
{
    struct drain_user *user = entry->user;

    assert(entry->state != DRAIN_READY);
    DL_DELETE2(user->entries, entry, user_prev, user_next);
    DL_DELETE(window->entries, entry);
    window->count--;
    window->bytes -= entry->call_size;
    free(entry);
    if (!user->entries) {
        HASH_DEL(window->users, user);
        free(user);
    } else if (user->entries->state == DRAIN_BLOCKED) {
        make_ready(window, user->entries);
    }
}

bool drain_window_is_of_a_user(const struct drain_entry *entry)
{
    return entry->user->name[0] != '\0';
}

void drain_window_free(struct drain_window *window)
{
    while (window->entries) {
        if (window->entries->state == DRAIN_READY)
            unready(window, window->entries);
        window->entries->state = DRAIN_SETTLING;
        drain_window_remove(window, window->entries);
    }
}
