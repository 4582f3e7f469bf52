#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/memory.h"
#include "routerd/live_answers.h"
#include "routerd/live_http_internal.h"

#define IN_STEP (16u * 1024u)

/* A parser belongs to a connection only while a request of it is half read. */
static void borrow_parse(struct live_client *client)
{
    struct live_http *http = client->http;

    if (client->parse)
        return;
    client->parse = http->spare_parse ? http->spare_parse : http_parse_create();
    http->spare_parse = NULL;
}

static void return_parse(struct live_client *client)
{
    struct live_http *http = client->http;

    if (!client->parse)
        return;
    http_parse_reset(client->parse);
    if (http->spare_parse)
        http_parse_free(client->parse);
    else
        http->spare_parse = client->parse;
    client->parse = NULL;
}

static void free_in(struct live_client *client)
{
    free(client->in);
    client->in = NULL;
    client->in_size = 0;
    client->in_capacity = 0;
}

static bool can_take(const struct live_client *client)
{
    return client->phase == CLIENT_OPEN && client->exchange_count < LIVE_HTTP_REQUESTS_MAX &&
           live_answers_unsent_size(client) <= LIVE_HTTP_OUT_MAX;
}

/* There may be a whole request in what has been read, left over for its turn. */
static bool has_more(const struct live_client *client)
{
    return client->in_size > 0 && !client->starved;
}

static void wait_turn(struct live_client *client)
{
    static const struct timeval at_once = {0, 0};
    struct live_http *http = client->http;

    if (client->waits_turn)
        return;
    client->waits_turn = true;
    if (TAILQ_EMPTY(&http->turns))
        event_add(http->next_turn, &at_once);
    TAILQ_INSERT_TAIL(&http->turns, client, turn_link);
}

static void set_reads(struct live_client *client, bool reads)
{
    if (client->reads == reads)
        return;
    client->reads = reads;
    if (reads)
        event_add(&client->readable, NULL);
    else
        event_del(&client->readable);
}

static void set_writes(struct live_client *client, bool writes)
{
    if (client->writes == writes)
        return;
    client->writes = writes;
    if (writes)
        event_add(&client->writable, NULL);
    else
        event_del(&client->writable);
}

static enum wait_reason reason_to_wait(const struct live_client *client)
{
    if (client->phase == CLIENT_DRAINING)
        return WAIT_DRAIN;
    if (live_answers_unsent_size(client) > 0)
        return WAIT_WRITE;
    if (client->exchange_count > 0 || has_more(client))
        return WAIT_NONE;
    if (client->in_size > 0)
        return http_parse_state(client->parse)->header_whole ? WAIT_BODY : WAIT_HEADER;
    return WAIT_IDLE;
}

static bool is_over(const struct live_client *client)
{
    if (client->exchange_count > 0 || live_answers_unsent_size(client) > 0)
        return false;
    return client->phase == CLIENT_LAST ||
           (client->phase == CLIENT_OPEN && client->ended && !has_more(client));
}

/* To close while the client still sends would reset the connection, and might take our last answer
 * away before it is read (RFC 9112, 9.6). */
static void begin_draining(struct live_client *client)
{
    client->phase = CLIENT_DRAINING;
    client->in_size = 0;
    shutdown(client->fd, SHUT_WR);
}

/* After everything that happens to a connection: what is it interested in now, and for how long.
 * May close it. */
static void settle(struct live_client *client)
{
    enum wait_reason reason;

    if (is_over(client)) {
        if (client->ended) {
            live_client_close(client, false);
            return;
        }
        begin_draining(client);
    }
    if (has_more(client) && can_take(client))
        wait_turn(client);
    set_reads(client, !client->ended && (client->phase == CLIENT_DRAINING ||
                                         (can_take(client) && !has_more(client))));
    set_writes(client, live_answers_unsent_size(client) > 0 && !client->dirty);
    reason = reason_to_wait(client);
    if (reason != client->wait.reason)
        waits_begin(&client->http->waits, &client->wait, reason);
}

void live_client_answer(struct live_client *client, uint64_t request_id,
                        const struct http_answer *answer)
{
    struct live_exchange *exchange;

    STAILQ_FOREACH(exchange, &client->exchanges, link)
    {
        if (exchange->request_id == request_id && !exchange->answered) {
            live_answers_put(client, exchange, answer);
            return;
        }
    }
}

static void forget_request(struct live_client *client)
{
    return_parse(client);
    free_in(client);
    client->starved = false;
    client->owes_continue = false;
}

/* We cannot go on with this connection: say why, behind the answers that it still waits for. */
static void refuse(struct live_client *client, enum problem_id problem, const char *detail)
{
    struct http_answer answer = {.problem = problem, .detail = detail};
    struct live_exchange *exchange = live_answers_begin(client);

    client->http->counters.refused++;
    client->phase = CLIENT_LAST;
    forget_request(client);
    exchange->closes = true;
    live_answers_put(client, exchange, &answer);
}

static void hand_over(struct live_client *client, const char *bytes)
{
    const struct http_parse_state *state = http_parse_state(client->parse);
    struct live_exchange *exchange = live_answers_begin(client);
    struct live_http *http = client->http;
    struct http_request request;

    exchange->closes = !state->keeps_alive;
    exchange->http_1_0 = state->http_1_0;
    if (exchange->closes)
        client->phase = CLIENT_LAST;
    client->owes_continue = false;
    http->counters.requests++;
    http_parse_request(client->parse, bytes, &request);
    request.client = client->address;
    request.listener_geo = client->listener_geo;
    http->handlers->request(exchange->request_id, &request, http->context);
}

static void note_beginning(struct live_client *client)
{
    client->starved = true;
    client->owes_continue = false;
    if (http_parse_state(client->parse)->expects_continue)
        live_answers_continue(client);
}

static void reserve_in(struct live_client *client, size_t capacity)
{
    if (client->in_capacity >= capacity)
        return;
    if (capacity < 2 * client->in_capacity)
        capacity = 2 * client->in_capacity;
    client->in = memory_grow(client->in, capacity);
    client->in_capacity = capacity;
}

/* @bytes stand in client->in or in the scratch buffer. */
static void keep(struct live_client *client, const char *bytes, size_t size)
{
    if (size == 0 || !client->starved)
        return_parse(client);
    if (size == 0) {
        free_in(client);
        return;
    }
    if (!client->in || bytes < client->in || bytes >= client->in + client->in_capacity)
        reserve_in(client, size);
    memmove(client->in, bytes, size);
    client->in_size = size;
}

/* Hand over the requests at the front of @bytes, and keep the rest. */
static void take_requests(struct live_client *client, char *bytes, size_t size)
{
    size_t at = 0;

    client->starved = false;
    for (uint32_t taken = 0; at < size && taken < LIVE_HTTP_REQUESTS_MAX && can_take(client);
         taken++) {
        size_t left = size - at;
        enum http_parse_result result;

        borrow_parse(client);
        result = http_parse_run(client->parse, bytes + at, &left);
        if (result == HTTP_PARSE_MORE) {
            size = at + left;
            note_beginning(client);
            break;
        }
        if (result == HTTP_PARSE_FAILED) {
            const struct http_parse_state *state = http_parse_state(client->parse);

            refuse(client, state->problem, state->detail);
            return;
        }
        hand_over(client, bytes + at);
        at += http_parse_state(client->parse)->used_size;
        http_parse_reset(client->parse);
    }
    keep(client, bytes + at, client->phase == CLIENT_OPEN ? size - at : 0);
}

void live_client_take_turn(struct live_client *client)
{
    take_requests(client, client->in, client->in_size);
    settle(client);
}

/* 0: nothing was there, or the connection is closed now. */
static size_t read_into(struct live_client *client, char *buffer, size_t room)
{
    ssize_t size = recv(client->fd, buffer, room, 0);

    if (size > 0)
        return (size_t)size;
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (size < 0) {
        live_client_close(client, true);
        return 0;
    }
    client->ended = true;
    settle(client);
    return 0;
}

static void drain(struct live_client *client)
{
    ssize_t size = recv(client->fd, client->http->scratch, LIVE_HTTP_READ_SIZE, 0);

    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size > 0)
        client->drained_size += (size_t)size;
    if (size <= 0 || client->drained_size > LIVE_HTTP_DRAIN_SIZE_MAX)
        live_client_close(client, false);
}

/* Most reads bring whole requests. They are taken where they stand, in a buffer that all share. */
static void read_requests(struct live_client *client)
{
    char *scratch = client->http->scratch;
    size_t size;

    if (client->in_size == 0) {
        size = read_into(client, scratch, LIVE_HTTP_READ_SIZE);
        if (size == 0)
            return;
        take_requests(client, scratch, size);
    } else {
        reserve_in(client, client->in_size + IN_STEP);
        size =
            read_into(client, client->in + client->in_size, client->in_capacity - client->in_size);
        if (size == 0)
            return;
        take_requests(client, client->in, client->in_size + size);
    }
    if (client->wait.reason == WAIT_BODY)
        waits_end(&client->wait); /* it goes on: wait as long again */
    settle(client);
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
    struct live_client *client = context;

    (void)fd;
    (void)what;
    if (client->phase == CLIENT_DRAINING)
        drain(client);
    else
        read_requests(client);
}

void live_client_flush(struct live_client *client)
{
    ssize_t size = live_answers_send(client);

    if (size < 0) {
        live_client_close(client, true);
        return;
    }
    if (size > 0 && client->wait.reason == WAIT_WRITE)
        waits_end(&client->wait); /* it goes on: wait as long again */
    settle(client);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    live_client_flush(context);
}

void live_client_overdue(struct live_client *client)
{
    struct live_http *http = client->http;

    switch (client->wait.reason) {
    case WAIT_HEADER:
    case WAIT_BODY:
        http->counters.timed_out++;
        refuse(client, PROBLEM_TIMEOUT,
               client->wait.reason == WAIT_HEADER ? "The header took too long to arrive."
                                                  : "The body took too long to arrive.");
        settle(client);
        return;
    case WAIT_WRITE:
        http->counters.timed_out++;
        live_client_close(client, true);
        return;
    default:
        live_client_close(client, false);
        return;
    }
}

/* Clients on one machine have addresses of their own within 127.0.0.0/8, if they care to. */
static void note_address(struct live_client *client)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);

    if (getpeername(client->fd, (struct sockaddr *)&address, &size) < 0 ||
        !inet_ntop(AF_INET, &address.sin_addr, client->address, sizeof(client->address)))
        client->address[0] = '\0';
}

void live_client_open(struct live_http *http, int fd, const char *listener_geo, uint32_t index)
{
    struct event_base *base = live_loop_base(http->loop);
    struct live_client *client = memory_alloc(sizeof(*client));

    client->http = http;
    client->fd = fd;
    client->index = index;
    client->listener_geo = listener_geo;
    note_address(client);
    STAILQ_INIT(&client->exchanges);
    event_assign(&client->readable, base, fd, EV_READ | EV_PERSIST, on_readable, client);
    event_assign(&client->writable, base, fd, EV_WRITE | EV_PERSIST, on_writable, client);
    http->clients[index] = client;
    http->counters.connections++;
    settle(client);
}

/* What to tell is copied first: a handler may make us do anything but come back here. */
static void tell_gone(struct live_http *http, const uint64_t *request_ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        http->handlers->gone(request_ids[i], http->context);
}

void live_client_close(struct live_client *client, bool tell)
{
    struct live_http *http = client->http;
    uint64_t gone[LIVE_HTTP_REQUESTS_MAX];
    uint32_t gone_count = live_answers_drop(client, gone);

    waits_end(&client->wait);
    set_reads(client, false);
    set_writes(client, false);
    if (client->dirty)
        TAILQ_REMOVE(&http->dirty, client, dirty_link);
    if (client->waits_turn)
        TAILQ_REMOVE(&http->turns, client, turn_link);
    close(client->fd);
    forget_request(client);
    http->clients[client->index] = NULL;
    http->free_indices[http->free_count++] = client->index;
    http->counters.connections--;
    free(client);
    if (tell)
        tell_gone(http, gone, gone_count);
}
