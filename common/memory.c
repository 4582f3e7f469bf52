#include "common/memory.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_ALIGNMENT 16u
#define BLOCK_SIZE_MIN  4096u

/* One huge step must not make every later one hold its memory. */
#define BLOCK_SIZE_KEPT_MAX (4096u * 1024u)

struct block {
    struct block *next;
    size_t size; /* of data */
    size_t used;
    alignas(PIECE_ALIGNMENT) char data[];
};

struct arena {
    struct block *blocks; /* the one that is being filled stands first */
    ProtobufCAllocator allocator;
};

/* Ends the process when @memory is NULL. An assert, because its message is the one output that a
 * pure file may make. */
static void *must_have(void *memory)
{
    assert(memory && "out of memory");
    return memory;
}

void *memory_alloc(size_t size)
{
    return must_have(calloc(1, size > 0 ? size : 1));
}

void *memory_grow(void *old, size_t size)
{
    return must_have(realloc(old, size > 0 ? size : 1));
}

void *memory_copy(const void *data, size_t size)
{
    void *copy = must_have(malloc(size > 0 ? size : 1));

    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *memory_text(const char *text)
{
    return text ? memory_copy(text, strlen(text) + 1) : NULL;
}

char *memory_text_of(struct slice slice)
{
    char *text = must_have(malloc(slice.size + 1));

    if (slice.size > 0)
        memcpy(text, slice.data, slice.size);
    text[slice.size] = '\0';
    return text;
}

static struct block *block_create(size_t size, struct block *next)
{
    struct block *block = must_have(malloc(sizeof(*block) + size));

    block->next = next;
    block->size = size;
    block->used = 0;
    return block;
}

static void *arena_alloc_for_protobuf(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

/* Pieces are freed all at once, with their arena. */
static void arena_keep_for_protobuf(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

struct arena *arena_create(void)
{
    struct arena *arena = memory_alloc(sizeof(*arena));

    arena->blocks = block_create(BLOCK_SIZE_MIN, NULL);
    arena->allocator = (ProtobufCAllocator){
        .alloc = arena_alloc_for_protobuf,
        .free = arena_keep_for_protobuf,
        .allocator_data = arena,
    };
    return arena;
}

static void free_blocks(struct block *block, const struct block *kept)
{
    while (block) {
        struct block *next = block->next;

        if (block != kept)
            free(block);
        block = next;
    }
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    free_blocks(arena->blocks, NULL);
    free(arena);
}

/* The largest block alone: it holds the next round as a whole, so that rounds of a like size cost
 * no malloc. */
void arena_reset(struct arena *arena)
{
    struct block *kept = NULL;

    for (struct block *block = arena->blocks; block; block = block->next) {
        if (block->size <= BLOCK_SIZE_KEPT_MAX && (!kept || block->size > kept->size))
            kept = block;
    }
    assert(kept); /* the very first block is small, and whatever replaced it was kept */
    free_blocks(arena->blocks, kept);
    kept->next = NULL;
    kept->used = 0;
    arena->blocks = kept;
}

static void *arena_alloc_in_new_block(struct arena *arena, size_t size)
{
    size_t block_size = arena->blocks->size * 2;

    if (block_size > BLOCK_SIZE_KEPT_MAX)
        block_size = BLOCK_SIZE_KEPT_MAX;
    if (block_size < size)
        block_size = size;
    arena->blocks = block_create(block_size, arena->blocks);
    arena->blocks->used = size;
    return arena->blocks->data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct block *block = arena->blocks;
    size_t rounded = (size + PIECE_ALIGNMENT - 1) & ~(size_t)(PIECE_ALIGNMENT - 1);
    void *piece;

    assert(rounded >= size);
    if (block->size - block->used < rounded)
        return arena_alloc_in_new_block(arena, rounded);
    piece = block->data + block->used;
    block->used += rounded;
    return piece;
}

char *arena_text(struct arena *arena, const char *text)
{
    return text ? arena_text_of(arena, slice_of(text)) : NULL;
}

char *arena_text_of(struct arena *arena, struct slice slice)
{
    char *text = arena_alloc(arena, slice.size + 1);

    if (slice.size > 0)
        memcpy(text, slice.data, slice.size);
    text[slice.size] = '\0';
    return text;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    struct block *block = arena->blocks;
    size_t room = block->size - block->used, length;
    va_list arguments;
    char *text;
    int printed;

    /* Print where the text will most likely come to stand; print again only if it did not fit. */
    assert(format);
    va_start(arguments, format);
    printed = vsnprintf(block->data + block->used, room, format, arguments);
    va_end(arguments);
    assert(printed >= 0);
    length = (size_t)printed;

    text = arena_alloc(arena, length + 1);
    if (length >= room) {
        va_start(arguments, format);
        vsnprintf(text, length + 1, format, arguments);
        va_end(arguments);
    }
    return text;
}

ProtobufCAllocator *arena_allocator(struct arena *arena)
{
    return &arena->allocator;
}
