#include "routerd/http_target.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Step over `http://host`, which a server must accept though only proxies are sent it. */
static int skip_authority(struct slice *target)
{
    static const char scheme[] = "http://";
    size_t at = sizeof(scheme) - 1;
    size_t start = at;

    if (target->size < at || strncasecmp(target->data, scheme, at) != 0)
        return -EINVAL;
    while (at < target->size && target->data[at] != '/' && target->data[at] != '?')
        at++;
    if (at == start || !http_target_is_host((struct slice){target->data + start, at - start}))
        return -EINVAL;
    target->data += at;
    target->size -= at;
    return 0;
}

int http_target_split(struct slice target, struct slice *ret_path, struct slice *ret_query)
{
    struct slice path = target;
    struct slice query = {NULL, 0};
    const char *mark;

    if (target.size == 0 || memchr(target.data, '#', target.size))
        return -EINVAL;
    if (target.data[0] != '/' && !slice_is(target, "*") && skip_authority(&path) < 0)
        return -EINVAL;
    mark = memchr(path.data, '?', path.size);
    if (mark) {
        query.data = mark + 1;
        query.size = path.size - (size_t)(mark + 1 - path.data);
        path.size = (size_t)(mark - path.data);
    }
    if (path.size == 0)
        path = slice_of("/");
    *ret_path = path;
    *ret_query = query;
    return 0;
}

static bool is_host_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("-._~%:[]!$&'()*+;=", byte));
}

bool http_target_is_host(struct slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!is_host_byte(text.data[i]))
            return false;
    }
    return true;
}
