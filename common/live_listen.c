#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/live_credentials.h"
#include "common/live_log.h"
#include "common/live_peer.h"
#include "common/live_peer_internal.h"
#include "common/memory.h"

#define BACKLOG 128

struct live_listener {
    struct live_loop *loop;
    struct live_peer_handlers handlers;
    void *context;
    int fd;
    struct sockaddr_un address;
    struct stat file; /* of the socket when it was bound */
    struct event *acceptable;
    struct event *resume;
    struct live_peer_list peers;
};

/* Does anybody answer at @address? Only a refusal proves that nobody does. */
static bool is_live(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool refused;

    if (fd < 0)
        return true;
    refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
              errno == ECONNREFUSED;
    close(fd);
    return !refused;
}

static int bind_with_own_mode(int fd, const struct sockaddr_un *address)
{
    /* By umask rather than chmod(): there is no moment in which others could connect. */
    mode_t saved = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

    umask(saved);
    return rc;
}

static int bind_or_replace(int fd, const struct sockaddr_un *address)
{
    struct stat file;
    int rc = bind_with_own_mode(fd, address);

    if (rc != -EADDRINUSE)
        return rc;
    if (lstat(address->sun_path, &file) < 0 || !S_ISSOCK(file.st_mode) || is_live(address))
        return -EADDRINUSE;
    if (unlink(address->sun_path) < 0)
        return -errno;
    return bind_with_own_mode(fd, address);
}

/* Take one waiting connection. Errors: -EAGAIN, there is none; -errno. */
static int accept_one(struct live_listener *listener)
{
    struct credentials other;
    int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return errno == ECONNABORTED || errno == EINTR ? 0 : -errno;
    other = live_credentials_of(fd);
    if (!credentials_may_talk(geteuid(), &other)) {
        live_log(LIVE_LOG_WARN, "connection refused: it is another user's");
        close(fd);
        return 0;
    }
    live_peer_accept(listener->loop, fd, other.uid, &listener->handlers, listener->context,
                     &listener->peers);
    return 0;
}

static void on_acceptable(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval pause = {0, 100000};
    struct live_listener *listener = context;
    int rc = accept_one(listener);

    (void)fd;
    (void)what;
    if (rc == 0 || rc == -EAGAIN)
        return;

    /* Out of descriptors, most likely: the connection goes on waiting, and the loop would spin. */
    live_log(LIVE_LOG_WARN, "cannot accept a connection why=\"%s\"", strerror(-rc));
    event_del(listener->acceptable);
    event_add(listener->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short what, void *context)
{
    struct live_listener *listener = context;

    (void)fd;
    (void)what;
    event_add(listener->acceptable, NULL);
}

static int open_listener(struct live_listener *listener)
{
    struct event_base *base = live_loop_base(listener->loop);
    int rc;

    /* In a directory that others may write to they could put a socket of their own there. */
    rc = live_credentials_check_directory(listener->address.sun_path);
    if (rc < 0)
        return rc;
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener->fd < 0)
        return -errno;
    rc = bind_or_replace(listener->fd, &listener->address);
    if (rc < 0)
        return rc;
    if (listen(listener->fd, BACKLOG) < 0 || lstat(listener->address.sun_path, &listener->file) < 0)
        return -errno;
    listener->acceptable =
        event_new(base, listener->fd, EV_READ | EV_PERSIST, on_acceptable, listener);
    listener->resume = evtimer_new(base, on_resume, listener);
    if (!listener->acceptable || !listener->resume || event_add(listener->acceptable, NULL) < 0)
        return -ENOMEM;
    return 0;
}

int live_listen(struct live_loop *loop, const char *path, const struct live_peer_handlers *handlers,
                void *context, struct live_listener **ret_listener)
{
    struct live_listener *listener;
    int rc;

    assert(handlers->frame);
    if (strlen(path) >= sizeof(listener->address.sun_path))
        return -ENAMETOOLONG;
    listener = memory_alloc(sizeof(*listener));
    listener->loop = loop;
    listener->handlers = *handlers;
    listener->context = context;
    listener->fd = -1;
    listener->address.sun_family = AF_UNIX;
    strcpy(listener->address.sun_path, path);
    rc = open_listener(listener);
    if (rc < 0) {
        live_listener_free(listener);
        return rc;
    }
    *ret_listener = listener;
    return 0;
}

/* Only our own: another process may have taken the path over. */
static void remove_file(const struct live_listener *listener)
{
    struct stat file;

    if (listener->file.st_ino != 0 && lstat(listener->address.sun_path, &file) == 0 &&
        file.st_ino == listener->file.st_ino && file.st_dev == listener->file.st_dev)
        unlink(listener->address.sun_path);
}

void live_listener_free(struct live_listener *listener)
{
    if (!listener)
        return;
    while (listener->peers.first)
        live_peer_free(listener->peers.first);
    remove_file(listener);
    if (listener->acceptable)
        event_free(listener->acceptable);
    if (listener->resume)
        event_free(listener->resume);
    if (listener->fd >= 0)
        close(listener->fd);
    free(listener);
}
