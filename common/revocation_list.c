#include "common/revocation_list.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct revocation_list {
    struct revocation *items; /* a run of this array, by seq */
    size_t first, count, capacity;
    size_t max;
    uint64_t after_seq, through_seq;
};

struct revocation_list *revocation_list_create(size_t max)
{
    struct revocation_list *list = memory_alloc(sizeof *list);

    assert(max > 0);
    list->max = max;
    return list;
}

void revocation_list_free(struct revocation_list *list)
{
    if (!list)
        return;
    free(list->items);
    free(list);
}

void revocation_list_reset(struct revocation_list *list, uint64_t seq)
{
    list->first = list->count = 0;
    list->after_seq = list->through_seq = seq;
}

uint64_t revocation_list_after_seq(const struct revocation_list *list)
{
    return list->after_seq;
}

uint64_t revocation_list_through_seq(const struct revocation_list *list)
{
    return list->through_seq;
}

size_t revocation_list_count(const struct revocation_list *list)
{
    return list->count;
}

uint64_t revocation_list_newest_seq(const struct revocation_list *list)
{
    return list->count > 0 ? list->items[list->first + list->count - 1].seq : 0;
}

/* Twice the bound is room enough for the run to move on before it is moved back to the front. */
static void make_room(struct revocation_list *list)
{
    size_t most = 2 * list->max;

    if (list->first + list->count < list->capacity)
        return;
    if (list->capacity < most) {
        list->capacity = list->capacity ? 2 * list->capacity : 16;
        if (list->capacity > most)
            list->capacity = most;
        list->items = memory_grow(list->items, list->capacity * sizeof *list->items);
        return;
    }
    memmove(list->items, &list->items[list->first], list->count * sizeof *list->items);
    list->first = 0;
}

void revocation_list_add(struct revocation_list *list, const struct revocation *revocation)
{
    assert(revocation->seq > list->through_seq);
    if (list->count == list->max) {
        list->after_seq = list->items[list->first].seq;
        list->first++;
        list->count--;
    }
    make_room(list);
    list->items[list->first + list->count++] = *revocation;
    list->through_seq = revocation->seq;
}

void revocation_list_extend(struct revocation_list *list, uint64_t seq)
{
    assert(seq >= list->through_seq);
    list->through_seq = seq;
}

static bool is_readable(uint64_t after_seq, uint64_t through_seq, Mec__Revocation *const *items,
                        size_t count)
{
    struct revocation read;
    uint64_t last_seq = after_seq;

    for (size_t i = 0; i < count; i++) {
        if (items[i]->seq <= last_seq || revocation_read(items[i], &read) < 0)
            return false;
        last_seq = items[i]->seq;
    }
    return last_seq <= through_seq;
}

int revocation_list_join(struct revocation_list *list, uint64_t after_seq, uint64_t through_seq,
                         Mec__Revocation *const *items, size_t count)
{
    if (!is_readable(after_seq, through_seq, items, count))
        return -EBADMSG;
    if (after_seq > list->through_seq)
        revocation_list_reset(list, after_seq);
    for (size_t i = 0; i < count; i++) {
        struct revocation next;

        if (items[i]->seq > list->through_seq && revocation_read(items[i], &next) == 0)
            revocation_list_add(list, &next);
    }
    if (through_seq > list->through_seq)
        revocation_list_extend(list, through_seq);
    return 0;
}

/* The place of the first one behind @seq. */
static size_t find_behind(const struct revocation_list *list, uint64_t seq)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (list->items[list->first + middle].seq > seq)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

size_t revocation_list_pack(const struct revocation_list *list, struct arena *arena,
                            uint64_t after_seq, size_t max, Mec__Revocation ***ret_items,
                            uint64_t *ret_through_seq)
{
    size_t at = find_behind(list, after_seq);
    size_t count = list->count - at;
    Mec__Revocation *items;

    *ret_items = NULL;
    *ret_through_seq = after_seq > list->through_seq ? after_seq : list->through_seq;
    if (count == 0)
        return 0;
    if (count > max) {
        count = max;
        *ret_through_seq = list->items[list->first + at + count - 1].seq;
    }
    items = arena_alloc(arena, count * sizeof *items);
    *ret_items = arena_alloc(arena, count * sizeof **ret_items);
    for (size_t i = 0; i < count; i++) {
        revocation_write(&list->items[list->first + at + i], &items[i]);
        (*ret_items)[i] = &items[i];
    }
    return count;
}
