/* vfs_content: the bytes of one file of a simulated disk, as its readers see them. They lie in
 * pieces, and copies share a piece until one of them changes it.
 *
 * What lies between a write and an end before it reads as zeros. */

#ifndef MEC_VFS_CONTENT_H
#define MEC_VFS_CONTENT_H

#include <stddef.h>
#include <stdint.h>

struct vfs_piece;

struct vfs_content {
    struct vfs_piece **pieces; /* NULL: zeros */
    size_t capacity;           /* of pieces */
    uint64_t size;
};

/* @offset + @size must lie inside. */
void vfs_content_read(const struct vfs_content *content, uint64_t offset, void *data, size_t size);
/* Grows as needed. @data may be NULL: zeros. */
void vfs_content_write(struct vfs_content *content, uint64_t offset, const void *data, size_t size);
void vfs_content_resize(struct vfs_content *content, uint64_t size);
void vfs_content_flip(struct vfs_content *content, uint64_t bit); /* inside */

/* @to must be empty. */
void vfs_content_copy(struct vfs_content *to, const struct vfs_content *from);
void vfs_content_clear(struct vfs_content *content);

#endif
