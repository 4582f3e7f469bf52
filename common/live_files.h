/* live_files: whole small files, replaced atomically (write beside, fsync, rename, fsync the
 * directory), so that a reader finds the old or the new content and never half of it. */

#ifndef MEC_LIVE_FILES_H
#define MEC_LIVE_FILES_H

#include <stddef.h>
#include <stdint.h>

/* Errors: -errno. On an error the old content stands. */
int live_files_replace(const char *path, const void *data, size_t size, unsigned mode);

/* Read a whole file of at most @size_max bytes into new memory, with a closing NUL that is not
 * counted. Errors: -ENOENT, -EFBIG, -errno. */
int live_files_read(const char *path, size_t size_max, uint8_t **ret_data, size_t *ret_size);

/* Read a file that holds exactly @size secret bytes and that nobody else may read. The caller wipes
 * them. Errors: -ENOENT, -errno; -EPERM, others may read it; -EBADMSG, it has another size. */
int live_files_read_secret(const char *path, uint8_t *ret_secret, size_t size);

/* mkdir -p with mode 0700. Errors: -errno. */
int live_files_make_directory(const char *path);

#endif
