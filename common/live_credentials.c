#include "common/live_credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"

struct credentials live_credentials_of(int fd)
{
    struct ucred other;
    socklen_t size = sizeof(other);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &size) < 0)
        return (struct credentials){.known = false};
    return (struct credentials){.known = true, .uid = other.uid};
}

int live_credentials_check(int fd)
{
    struct credentials other = live_credentials_of(fd);

    return credentials_may_talk(geteuid(), &other) ? 0 : -EPERM;
}

int live_credentials_check_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash && slash != path
                          ? memory_text_of((struct slice){path, (size_t)(slash - path)})
                          : memory_text(slash ? "/" : ".");
    struct stat about;
    int rc = stat(directory, &about) < 0 ? -errno : 0;

    free(directory);
    if (rc == 0 && !credentials_are_private(geteuid(), about.st_uid, about.st_mode))
        rc = -EPERM;
    return rc;
}
