#include "control/live_tail.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"

#define SIZE_LIMIT (1024 * 1024)

static const char *last_lines(const char *text, size_t size, unsigned lines)
{
    const char *at = text + size;

    if (at > text && at[-1] == '\n')
        at--;
    while (at > text) {
        if (at[-1] == '\n' && --lines == 0)
            break;
        at--;
    }
    return at;
}

char *live_tail_read(const char *path, unsigned lines)
{
    struct stat file;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    if (lines == 0 || fstat(fd, &file) < 0) {
        close(fd);
        return memory_text("");
    }
    off_t from = file.st_size > SIZE_LIMIT ? file.st_size - SIZE_LIMIT : 0;
    char *text = memory_alloc(SIZE_LIMIT + 1);
    ssize_t size = pread(fd, text, SIZE_LIMIT, from);
    close(fd);
    if (size < 0)
        size = 0;
    text[size] = '\0';
    char *tail = memory_text(last_lines(text, (size_t)size, lines));
    free(text);
    return tail;
}
