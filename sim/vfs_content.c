#include "sim/vfs_content.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* A page of SQLite's. */
#define PIECE_SIZE 4096

struct vfs_piece {
    uint32_t owners;
    uint8_t bytes[PIECE_SIZE]; /* zero past the end of the content */
};

static size_t pieces_of(uint64_t size)
{
    return (size_t)((size + PIECE_SIZE - 1) / PIECE_SIZE);
}

static void release(struct vfs_piece **piece)
{
    if (*piece && --(*piece)->owners == 0)
        free(*piece);
    *piece = NULL;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

void vfs_content_read(const struct vfs_content *content, uint64_t offset, void *data, size_t size)
{
    uint8_t *to = data;

    assert(offset + size <= content->size);
    while (size > 0) {
        const struct vfs_piece *piece = content->pieces[offset / PIECE_SIZE];
        size_t start = (size_t)(offset % PIECE_SIZE);
        size_t part = min_size(size, PIECE_SIZE - start);

        if (piece)
            memcpy(to, piece->bytes + start, part);
        else
            memset(to, 0, part);
        to += part;
        offset += part;
        size -= part;
    }
}

/* The piece, for writing to it: nobody else's. */
static struct vfs_piece *own(struct vfs_piece **piece)
{
    struct vfs_piece *copy;

    if (*piece && (*piece)->owners == 1)
        return *piece;
    copy = *piece ? memory_copy(*piece, sizeof(*copy)) : memory_alloc(sizeof(*copy));
    copy->owners = 1;
    release(piece);
    *piece = copy;
    return copy;
}

static void reserve(struct vfs_content *content, uint64_t size)
{
    size_t needed = pieces_of(size), old = content->capacity;

    if (needed <= old)
        return;
    content->capacity = needed > 2 * old ? needed : 2 * old;
    content->pieces = memory_grow(content->pieces, content->capacity * sizeof(content->pieces[0]));
    memset(content->pieces + old, 0, (content->capacity - old) * sizeof(content->pieces[0]));
}

static void write_part(struct vfs_content *content, uint64_t offset, const uint8_t *data,
                       size_t size)
{
    struct vfs_piece **piece = &content->pieces[offset / PIECE_SIZE];
    size_t start = (size_t)(offset % PIECE_SIZE);

    if (data)
        memcpy(own(piece)->bytes + start, data, size);
    else if (*piece)
        memset(own(piece)->bytes + start, 0, size);
}

void vfs_content_write(struct vfs_content *content, uint64_t offset, const void *data, size_t size)
{
    const uint8_t *from = data;

    reserve(content, offset + size);
    if (offset + size > content->size)
        content->size = offset + size;
    while (size > 0) {
        size_t part = min_size(size, PIECE_SIZE - (size_t)(offset % PIECE_SIZE));

        write_part(content, offset, from, part);
        from = from ? from + part : NULL;
        offset += part;
        size -= part;
    }
}

static void cut_off(struct vfs_content *content, uint64_t size)
{
    size_t tail = (size_t)(size % PIECE_SIZE);

    if (tail > 0)
        write_part(content, size, NULL, PIECE_SIZE - tail);
    for (size_t i = pieces_of(size); i < pieces_of(content->size); i++)
        release(&content->pieces[i]);
}

void vfs_content_resize(struct vfs_content *content, uint64_t size)
{
    if (size < content->size)
        cut_off(content, size);
    else
        reserve(content, size);
    content->size = size;
}

void vfs_content_flip(struct vfs_content *content, uint64_t bit)
{
    uint64_t offset = bit / 8;
    uint8_t byte;

    vfs_content_read(content, offset, &byte, 1);
    byte = (uint8_t)(byte ^ (1U << bit % 8));
    vfs_content_write(content, offset, &byte, 1);
}

void vfs_content_copy(struct vfs_content *to, const struct vfs_content *from)
{
    assert(to->size == 0);
    reserve(to, from->size);
    for (size_t i = 0; i < pieces_of(from->size); i++) {
        to->pieces[i] = from->pieces[i];
        if (to->pieces[i])
            to->pieces[i]->owners++;
    }
    to->size = from->size;
}

void vfs_content_clear(struct vfs_content *content)
{
    vfs_content_resize(content, 0);
    free(content->pieces);
    *content = (struct vfs_content){0};
}
