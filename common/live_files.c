#include "common/live_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"

static int write_all(int fd, const void *data, size_t size)
{
    const char *bytes = data;

    while (size > 0) {
        ssize_t written = write(fd, bytes, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

static int write_new_file(const char *path, const void *data, size_t size, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    int rc;

    if (fd < 0)
        return -errno;
    rc = write_all(fd, data, size);
    /* The umask may have taken bits away, and a file left over by a crash has its own. */
    if (rc == 0 && fchmod(fd, mode) < 0)
        rc = -errno;
    if (rc == 0 && fsync(fd) < 0)
        rc = -errno;
    if (close(fd) < 0 && rc == 0)
        rc = -errno;
    return rc;
}

/* A rename is durable only once its directory is. */
static int sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct slice parent = {path, slash ? (size_t)(slash - path) : 0};
    char *directory;
    int fd, rc;

    if (!slash)
        parent = slice_of(".");
    else if (slash == path)
        parent = slice_of("/");
    directory = memory_text_of(parent);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    if (fd < 0)
        return -errno;
    rc = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int live_files_replace(const char *path, const void *data, size_t size, unsigned mode)
{
    size_t path_size = strlen(path);
    char *beside = memory_alloc(path_size + sizeof(".new"));
    int rc;

    memcpy(beside, path, path_size);
    memcpy(beside + path_size, ".new", sizeof(".new"));
    rc = write_new_file(beside, data, size, mode);
    if (rc == 0 && rename(beside, path) < 0)
        rc = -errno;
    if (rc < 0)
        unlink(beside);
    else
        rc = sync_directory_of(path);
    free(beside);
    return rc;
}

/* Reads until the end rather than what fstat() says: some files (of /proc) say 0. */
static int read_all(int fd, size_t size_max, uint8_t **ret_data, size_t *ret_size)
{
    uint8_t *data = NULL;
    size_t size = 0, capacity = 0;

    for (;;) {
        ssize_t got;

        if (capacity - size < 2) {
            capacity = capacity > 0 ? capacity * 2 : 4096;
            data = memory_grow(data, capacity);
        }
        got = read(fd, data + size, capacity - size - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || size + (size_t)got > size_max) {
            int rc = got < 0 ? -errno : -EFBIG;

            free(data);
            return rc;
        }
        if (got == 0)
            break;
        size += (size_t)got;
    }
    data[size] = '\0';
    *ret_data = data;
    *ret_size = size;
    return 0;
}

int live_files_read(const char *path, size_t size_max, uint8_t **ret_data, size_t *ret_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return -errno;
    rc = read_all(fd, size_max, ret_data, ret_size);
    close(fd);
    return rc;
}

static int make_one_directory(const char *path)
{
    struct stat about;

    if (mkdir(path, 0700) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    if (stat(path, &about) < 0)
        return -errno;
    return S_ISDIR(about.st_mode) ? 0 : -ENOTDIR;
}

int live_files_make_directory(const char *path)
{
    char *partial;
    int rc = 0;

    if (path[0] == '\0')
        return -ENOENT;
    partial = memory_text(path);
    for (char *slash = strchr(partial + 1, '/'); slash && rc == 0; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        rc = make_one_directory(partial);
        *slash = '/';
    }
    if (rc == 0)
        rc = make_one_directory(partial);
    free(partial);
    return rc;
}

/* Mode and content of the same open file, so that it cannot be changed in between. */
static int read_secret(int fd, uint8_t *ret_secret, size_t size)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if ((status.st_mode & 077) != 0)
        return -EPERM;
    if (status.st_size != (off_t)size || read(fd, ret_secret, size) != (ssize_t)size)
        return -EBADMSG;
    return 0;
}

int live_files_read_secret(const char *path, uint8_t *ret_secret, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int rc = fd < 0 ? -errno : read_secret(fd, ret_secret, size);

    if (fd >= 0)
        close(fd);
    return rc;
}
