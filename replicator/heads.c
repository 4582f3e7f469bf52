#include "replicator/heads.h"

#include <stdlib.h>

#include "common/memory.h"

struct heads {
    struct arena *arena;
    Mec__AuditHead **items;
    size_t count;
};

struct heads *heads_create(void)
{
    struct heads *heads = memory_alloc(sizeof *heads);

    heads->arena = arena_create();
    return heads;
}

void heads_free(struct heads *heads)
{
    if (!heads)
        return;
    arena_free(heads->arena);
    free(heads);
}

/* A deep copy: packed and unpacked again. */
static Mec__AuditHead *copy(struct arena *arena, const Mec__AuditHead *head)
{
    size_t size = mec__audit_head__get_packed_size(head);
    uint8_t *packed = arena_alloc(arena, size);

    mec__audit_head__pack(head, packed);
    return mec__audit_head__unpack(arena_allocator(arena), size, packed);
}

void heads_take(struct heads *heads, const Mec__Tail *tail)
{
    if (tail->n_audit_heads == 0)
        return;
    arena_reset(heads->arena);
    heads->count = tail->n_audit_heads;
    heads->items = arena_alloc(heads->arena, heads->count * sizeof(Mec__AuditHead *));
    for (size_t i = 0; i < heads->count; i++)
        heads->items[i] = copy(heads->arena, tail->audit_heads[i]);
}

void heads_put(const struct heads *heads, Mec__Apply *apply)
{
    apply->n_audit_heads = heads->count;
    apply->audit_heads = heads->items;
}
