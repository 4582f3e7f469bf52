#include "routerd/live_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/live_log.h"
#include "common/memory.h"
#include "routerd/live_http_internal.h"

#define BACKLOG             1024
#define ACCEPTS_IN_ONE_TURN 64
#define DRAIN_US            (2 * SECOND_US)

static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        live_log(LIVE_LOG_WARN, "the limit of open files stays low: %s", strerror(errno));
}

static uint32_t ticks_of(const struct live_http *http, uint64_t duration_us)
{
    return (uint32_t)((duration_us + http->settings.tick_us - 1) / http->settings.tick_us);
}

static struct live_http_settings with_defaults(const struct live_http_settings *settings)
{
    struct live_http_settings whole = *settings;

    if (whole.max_connections == 0)
        whole.max_connections = 10000;
    if (whole.max_connections > 1u << LIVE_HTTP_CONNECTION_BITS)
        whole.max_connections = 1u << LIVE_HTTP_CONNECTION_BITS;
    if (whole.idle_timeout_us == 0)
        whole.idle_timeout_us = 60 * SECOND_US;
    if (whole.header_timeout_us == 0)
        whole.header_timeout_us = 10 * SECOND_US;
    if (whole.tick_us == 0)
        whole.tick_us = SECOND_US;
    return whole;
}

void live_http_configure(struct live_http *http, const struct live_http_settings *settings)
{
    http->settings = with_defaults(settings);
    waits_limit(&http->waits, (const uint32_t[WAIT_COUNT]){
                                  [WAIT_IDLE] = ticks_of(http, http->settings.idle_timeout_us),
                                  [WAIT_HEADER] = ticks_of(http, http->settings.header_timeout_us),
                                  [WAIT_BODY] = ticks_of(http, http->settings.idle_timeout_us),
                                  [WAIT_WRITE] = ticks_of(http, http->settings.idle_timeout_us),
                                  [WAIT_DRAIN] = ticks_of(http, DRAIN_US),
                              });
}

static void set_accepts(struct live_http *http, bool accepts)
{
    struct live_http_listener *listener;

    if (http->accepts == accepts)
        return;
    http->accepts = accepts;
    SLIST_FOREACH(listener, &http->listeners, link)
    {
        if (accepts)
            event_add(listener->acceptable, NULL);
        else
            event_del(listener->acceptable);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct live_http *http = context;
    struct wait *wait;

    (void)fd;
    (void)what;
    set_accepts(http, true);
    waits_tick(&http->waits);
    while ((wait = waits_overdue(&http->waits)))
        live_client_overdue(
            (struct live_client *)((char *)wait - offsetof(struct live_client, wait)));
}

static void flush(void *context)
{
    struct live_http *http = context;
    struct live_client *client;

    while ((client = TAILQ_FIRST(&http->dirty))) {
        TAILQ_REMOVE(&http->dirty, client, dirty_link);
        client->dirty = false;
        live_client_flush(client);
    }
}

/* Who was waiting when the turn began; who has still more goes to the end, for the next turn. */
static void on_next_turn(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval at_once = {0, 0};
    struct live_http *http = context;
    const struct live_client *last = TAILQ_LAST(&http->turns, live_client_list);
    bool was_last = last == NULL;

    (void)fd;
    (void)what;
    while (!was_last) {
        struct live_client *client = TAILQ_FIRST(&http->turns);

        was_last = client == last;
        TAILQ_REMOVE(&http->turns, client, turn_link);
        client->waits_turn = false;
        live_client_take_turn(client);
    }
    if (!TAILQ_EMPTY(&http->turns))
        event_add(http->next_turn, &at_once);
}

struct live_http *live_http_create(struct live_loop *loop,
                                   const struct live_http_settings *settings,
                                   const struct live_http_handlers *handlers, void *context)
{
    static const uint32_t no_limits[WAIT_COUNT];
    struct live_http *http = memory_alloc(sizeof(*http));
    struct timeval tick;

    raise_file_limit();
    http->loop = loop;
    http->handlers = handlers;
    http->context = context;
    http->accepts = true;
    http->next_serial = 1;
    SLIST_INIT(&http->listeners);
    TAILQ_INIT(&http->dirty);
    TAILQ_INIT(&http->turns);
    STAILQ_INIT(&http->free_exchanges);
    waits_init(&http->waits, no_limits);
    live_http_configure(http, settings);
    http->scratch = memory_alloc(LIVE_HTTP_READ_SIZE);
    http->flush = (struct live_loop_task){.run = flush, .context = http};
    http->next_turn = evtimer_new(live_loop_base(loop), on_next_turn, http);
    http->tick = event_new(live_loop_base(loop), -1, EV_PERSIST, on_tick, http);
    tick.tv_sec = (time_t)(http->settings.tick_us / SECOND_US);
    tick.tv_usec = (suseconds_t)(http->settings.tick_us % SECOND_US);
    event_add(http->tick, &tick);
    return http;
}

static void free_listeners(struct live_http *http)
{
    struct live_http_listener *listener;

    while ((listener = SLIST_FIRST(&http->listeners))) {
        SLIST_REMOVE_HEAD(&http->listeners, link);
        event_free(listener->acceptable);
        close(listener->fd);
        free(listener->geo);
        free(listener);
    }
}

static void free_clients(struct live_http *http)
{
    struct live_exchange *exchange;

    for (uint32_t i = 0; i < http->client_capacity; i++) {
        if (http->clients[i])
            live_client_close(http->clients[i], false);
    }
    while ((exchange = STAILQ_FIRST(&http->free_exchanges))) {
        STAILQ_REMOVE_HEAD(&http->free_exchanges, link);
        free(exchange);
    }
    while (http->spare_out_count > 0)
        free(http->spare_outs[--http->spare_out_count].bytes);
    http_parse_free(http->spare_parse);
    free(http->clients);
    free(http->free_indices);
}

static void tell_nobody(uint64_t request_id, void *context)
{
    (void)request_id;
    (void)context;
}

void live_http_free(struct live_http *http)
{
    static const struct live_http_handlers silent = {.gone = tell_nobody};

    if (!http)
        return;
    http->handlers = &silent;
    flush(http); /* what has been answered is still sent */
    free_listeners(http);
    free_clients(http);
    event_free(http->next_turn);
    event_free(http->tick);
    free(http->scratch);
    if (http->flush.queued)
        http->flush.run =
            free; /* the loop still knows the task, whose context is all that is left */
    else
        free(http);
}

static void grow_table(struct live_http *http)
{
    uint32_t old = http->client_capacity;
    uint32_t capacity = old ? old * 2 : 64;

    http->clients = memory_grow(http->clients, capacity * sizeof(struct live_client *));
    http->free_indices = memory_grow(http->free_indices, capacity * sizeof(uint32_t));
    for (uint32_t i = capacity; i-- > old;) {
        http->clients[i] = NULL;
        http->free_indices[http->free_count++] = i;
    }
    http->client_capacity = capacity;
}

/* One more than we serve: say so and close. What it has sent is read first, so that the close does
 * not reset the connection under the answer. */
static void turn_away(struct live_http *http, int fd)
{
    struct http_answer answer = {.problem = PROBLEM_OVERLOADED,
                                 .detail = "All connections are taken; try again.",
                                 .retry_after_s = 1};
    struct http_text text = {0};
    ssize_t size;

    http->counters.turned_away++;
    http_render(&answer, HTTP_CLOSES, (uint64_t)time(NULL), &text.bytes, &text.size,
                &text.capacity);
    size = recv(fd, http->scratch, LIVE_HTTP_READ_SIZE, MSG_DONTWAIT);
    if (size != 0)
        size = send(fd, text.bytes, text.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)size;
    close(fd);
    free(text.bytes);
}

static void welcome(struct live_http_listener *listener, int fd)
{
    struct live_http *http = listener->http;

    http->counters.accepted++;
    if (http->counters.connections >= http->settings.max_connections) {
        turn_away(http, fd);
        return;
    }
    if (http->free_count == 0)
        grow_table(http);
    live_client_open(http, fd, listener->geo, http->free_indices[--http->free_count]);
}

static void on_acceptable(evutil_socket_t fd, short what, void *context)
{
    struct live_http_listener *listener = context;

    (void)what;
    for (int i = 0; i < ACCEPTS_IN_ONE_TURN; i++) {
        int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (accepted >= 0) {
            welcome(listener, accepted);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The one that waits would wake us at once, again and again. */
            live_log(LIVE_LOG_WARN, "no more connections for a moment: %s", strerror(errno));
            set_accepts(listener->http, false);
        }
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

/* Connections inherit no-delay from their listener: an answer is written whole. */
static int open_socket(uint16_t port, uint16_t *ret_port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, BACKLOG) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
        int error = -errno;

        close(fd);
        return error;
    }
    *ret_port = ntohs(address.sin_port);
    return fd;
}

int live_http_listen(struct live_http *http, const char *geo, uint16_t port, uint16_t *ret_port)
{
    struct live_http_listener *listener;
    int fd = open_socket(port, ret_port);

    if (fd < 0)
        return fd;
    listener = memory_alloc(sizeof(*listener));
    listener->http = http;
    listener->fd = fd;
    listener->geo = geo && geo[0] != '\0' ? memory_text(geo) : NULL;
    listener->acceptable =
        event_new(live_loop_base(http->loop), fd, EV_READ | EV_PERSIST, on_acceptable, listener);
    SLIST_INSERT_HEAD(&http->listeners, listener, link);
    if (http->accepts)
        event_add(listener->acceptable, NULL);
    return 0;
}

void live_http_answer(struct live_http *http, uint64_t request_id, const struct http_answer *answer)
{
    uint64_t index = request_id & ((UINT64_C(1) << LIVE_HTTP_CONNECTION_BITS) - 1);

    if (index < http->client_capacity && http->clients[index])
        live_client_answer(http->clients[index], request_id, answer);
}

const struct live_http_counters *live_http_counters(const struct live_http *http)
{
    return &http->counters;
}
