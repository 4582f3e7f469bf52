/* Operators' HTTP: libevent's evhttp on loopback. Who may pass and what is asked for is decided by
 * http_guard and http_api; here are sockets, bounds and time. */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <sodium.h>

#include "common/live_log.h"
#include "common/memory.h"
#include "control/http_api.h"
#include "control/http_guard.h"
#include "control/live_controld_internal.h"
#include "control/live_world.h"

#define CONNECTIONS_MAX  32
#define BACKLOG          16
#define HEADERS_SIZE_MAX (8 * 1024)
#define BODY_SIZE_MAX    (64 * 1024) /* past it evhttp itself refuses; the guard does long before */
#define SILENCE_S        3           /* of a connection, while it reads or writes */
#define REQUEST_US       (3 * SECOND_US)  /* from the connection to a whole request */
#define CONNECTION_US    (60 * SECOND_US) /* to the end of the answer */
#define SWEEP_US         (100 * MILLISECOND_US)

/* evhttp tells nobody of the connections that it holds. So each is made with a buffer event that we
 * hold, too; once evhttp has let go of it, it has no callbacks any more. The descriptor goes with
 * the buffer event: while we hold that, the loop still knows the one, and no other may have its
 * number. */
struct live_http_connection {
    struct live_http_connection *next;
    struct bufferevent *socket;
    uint64_t made_us;
    bool asked; /* the whole request has come */
    bool cut;   /* it took too long; evhttp will see that it has ended */
};

struct live_controld_http {
    struct live_controld *controld;
    struct http_guard guard;
    struct evhttp *server;
    struct evconnlistener *listener; /* the server's */
    struct event *sweep;
    struct live_http_connection *connections;
    unsigned count;
};

/* ---- the token ---- */

static int make_token(const char *path, char *ret_token)
{
    uint8_t secret[32];

    randombytes_buf(secret, sizeof secret);
    sodium_bin2base64(ret_token, HTTP_GUARD_TOKEN_LENGTH + 1, secret, sizeof secret,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(secret, sizeof secret);
    return live_world_replace_quickly(path, ret_token, HTTP_GUARD_TOKEN_LENGTH);
}

static int read_token(const char *path, char *ret_token)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat about;
    int error = 0;

    if (file < 0)
        return -errno;
    if (fstat(file, &about) < 0)
        error = -errno;
    else if (about.st_uid != geteuid() || (about.st_mode & 077) != 0)
        error = -EPERM;
    else if (read(file, ret_token, HTTP_GUARD_TOKEN_LENGTH) != HTTP_GUARD_TOKEN_LENGTH ||
             !http_guard_is_token(ret_token))
        error = -EBADMSG;
    close(file);
    return error;
}

static int load_token(const struct world *world, char *ret_token)
{
    char *path = world_control_token_path(world);
    int error = read_token(path, ret_token);

    if (error == -ENOENT)
        error = make_token(path, ret_token);
    if (error != 0)
        live_log(LIVE_LOG_ERROR, "no HTTP for operators: cannot use %s: %s", path,
                 error == -EPERM ? "others may read it" : strerror(-error));
    free(path);
    return error;
}

/* ---- connections ---- */

static bool is_let_go(const struct live_http_connection *connection)
{
    bufferevent_event_cb on_event = NULL;

    bufferevent_getcb(connection->socket, NULL, NULL, &on_event, NULL);
    return !on_event;
}

static void cut_if_late(struct live_http_connection *connection, uint64_t now_us)
{
    uint64_t most_us = connection->asked ? CONNECTION_US : REQUEST_US;

    if (connection->cut || now_us - connection->made_us < most_us)
        return;
    connection->cut = true;
    shutdown(bufferevent_getfd(connection->socket), SHUT_RDWR);
}

static void sweep(struct live_controld_http *http)
{
    uint64_t now_us = live_loop_now().now_us;

    for (struct live_http_connection **at = &http->connections; *at;) {
        struct live_http_connection *connection = *at;

        if (!is_let_go(connection)) {
            cut_if_late(connection, now_us);
            at = &connection->next;
            continue;
        }
        *at = connection->next;
        http->count--;
        bufferevent_decref(connection->socket);
        free(connection);
    }
}

static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    static const struct timeval soon = {0, SWEEP_US};
    struct live_controld_http *http = context;

    (void)fd;
    (void)what;
    sweep(http);
    if (http->count < CONNECTIONS_MAX)
        evconnlistener_enable(http->listener);
    if (http->count > 0)
        event_add(http->sweep, &soon);
}

/* Those that are too many wait where the system keeps them. */
static struct bufferevent *on_connection(struct event_base *base, void *context)
{
    static const struct timeval soon = {0, SWEEP_US};
    struct live_controld_http *http = context;
    struct live_http_connection *connection = memory_alloc(sizeof *connection);

    sweep(http);
    connection->socket = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    connection->made_us = live_loop_now().now_us;
    connection->next = http->connections;
    bufferevent_incref(connection->socket);
    http->connections = connection;
    if (++http->count >= CONNECTIONS_MAX)
        evconnlistener_disable(http->listener);
    if (!event_pending(http->sweep, EV_TIMEOUT, NULL))
        event_add(http->sweep, &soon);
    return connection->socket;
}

static void note_asked(struct live_controld_http *http, struct evhttp_request *request)
{
    const struct bufferevent *socket =
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));

    for (struct live_http_connection *connection = http->connections; connection;
         connection = connection->next)
        if (connection->socket == socket)
            connection->asked = true;
}

/* ---- requests ---- */

/* One request a connection: it is what time and number are bounded by. Takes over @body. */
static void send_body(struct evhttp_request *request, int status, const char *type, char *body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *buffer = evbuffer_new();

    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
    evhttp_add_header(headers, "Connection", "close");
    if (status == 401)
        evhttp_add_header(headers, "WWW-Authenticate", "Bearer");
    if (status == 405)
        evhttp_add_header(headers, "Allow", "GET, POST");
    evbuffer_add(buffer, body, strlen(body));
    evhttp_send_reply(request, status, NULL, buffer);
    evbuffer_free(buffer);
    free(body);
}

static void send_problem(struct evhttp_request *request, enum problem_id problem,
                         const char *detail)
{
    send_body(request, problem_get(problem)->status, "application/problem+json",
              http_api_problem(problem, detail));
}

static const char *method_of(const struct evhttp_request *request)
{
    switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_POST:
        return "POST";
    default:
        return "";
    }
}

static enum problem_id check(const struct live_controld_http *http, struct evhttp_request *request,
                             const char **ret_detail)
{
    struct evkeyvalq *fields = evhttp_request_get_input_headers(request);
    struct http_guard_header *headers = NULL;
    struct http_guard_request guarded = {
        .method = method_of(request),
        .target = evhttp_request_get_uri(request),
        .body_size = evbuffer_get_length(evhttp_request_get_input_buffer(request))};
    const struct evkeyval *field;
    enum problem_id problem;

    TAILQ_FOREACH(field, fields, next)
    {
        headers = memory_grow(headers, (guarded.header_count + 1) * sizeof *headers);
        headers[guarded.header_count++] = (struct http_guard_header){field->key, field->value};
    }
    guarded.headers = headers;
    problem = http_guard_check(&http->guard, &guarded, ret_detail);
    free(headers);
    return problem;
}

static void ask(struct live_controld_http *http, struct evhttp_request *request)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    size_t size = evbuffer_get_length(input);
    const char *body = size > 0 ? (const char *)evbuffer_pullup(input, -1) : "";
    struct http_api_call call;
    char *detail = NULL;
    enum problem_id problem = http_api_read(method_of(request), evhttp_request_get_uri(request),
                                            body, size, &call, &detail);

    if (problem == PROBLEM_NONE) {
        live_controld_ask(http->controld, &(struct live_ask){.http = request, .bare = call.bare},
                          call.command, call.arguments);
        json_decref(call.arguments);
    } else {
        send_problem(request, problem, detail);
    }
    free(detail);
}

static void on_request(struct evhttp_request *request, void *context)
{
    struct live_controld_http *http = context;
    const char *detail = NULL;
    enum problem_id problem = check(http, request, &detail);

    note_asked(http, request);
    if (problem != PROBLEM_NONE)
        send_problem(request, problem, detail);
    else
        ask(http, request);
}

void live_controld_http_reply(const struct live_ask *ask, const struct controller_action *action)
{
    if (!action->last)
        return; /* progress is for those who watch */
    if (!ask->bare)
        send_body(ask->http, 200, "application/json",
                  http_api_answer(action->exit_code, action->text, action->data));
    else if (action->exit_code == 0 && action->data)
        send_body(ask->http, 200, "application/json", json_dumps(action->data, JSON_COMPACT));
    else
        send_problem(ask->http, PROBLEM_INTERNAL, action->text);
}

/* ---- life ---- */

static int listen_on(struct live_controld_http *http, uint16_t port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    http->listener =
        evconnlistener_new_bind(live_loop_base(http->controld->loop), NULL, NULL,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                BACKLOG, (const struct sockaddr *)&address, sizeof address);
    return http->listener ? 0 : -errno;
}

/* The port of before, so that who knows it finds us again; if somebody has taken it, another. */
static int listen_somewhere(struct live_controld_http *http, struct world *world)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int error = listen_on(http, world->control_port);

    if (error == -EADDRINUSE && world->control_port != 0) {
        live_log(LIVE_LOG_WARN, "port %u of HTTP for operators is taken; another one is used",
                 world->control_port);
        error = listen_on(http, 0);
    }
    if (error == 0 &&
        getsockname(evconnlistener_get_fd(http->listener), (struct sockaddr *)&address, &size) < 0)
        error = -errno;
    if (error == 0)
        world->control_port = http->guard.port = ntohs(address.sin_port);
    else
        live_log(LIVE_LOG_ERROR, "no HTTP for operators why=\"%s\"", strerror(-error));
    return error;
}

static void serve(struct live_controld_http *http)
{
    struct event_base *base = live_loop_base(http->controld->loop);

    http->server = evhttp_new(base);
    http->sweep = evtimer_new(base, on_sweep, http);
    /* What is not allowed is refused by the guard, in the form that all problems have. */
    evhttp_set_allowed_methods(http->server, UINT16_MAX);
    evhttp_set_max_headers_size(http->server, HEADERS_SIZE_MAX);
    evhttp_set_max_body_size(http->server, BODY_SIZE_MAX);
    evhttp_set_timeout(http->server, SILENCE_S);
    evhttp_set_bevcb(http->server, on_connection, http);
    evhttp_set_gencb(http->server, on_request, http);
    evhttp_bind_listener(http->server, http->listener);
}

void live_controld_http_start(struct live_controld *controld, struct world *world)
{
    struct live_controld_http *http = memory_alloc(sizeof *http);

    http->controld = controld;
    if (load_token(world, http->guard.token) != 0 || listen_somewhere(http, world) != 0) {
        world->control_port = 0;
        live_controld_http_free(http);
        return;
    }
    serve(http);
    controld->http = http;
}

void live_controld_http_free(struct live_controld_http *http)
{
    if (!http)
        return;
    if (http->server)
        evhttp_free(http->server); /* its listener, and all connections */
    else if (http->listener)
        evconnlistener_free(http->listener);
    sweep(http);
    if (http->sweep)
        event_free(http->sweep);
    sodium_memzero(http, sizeof *http);
    free(http);
}
