#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/live_loop.h"
#include "common/memory.h"
#include "routerd/live_http.h"
#include "tests/unit/suite.h"

#define REQUESTS_MAX 4096
#define HOST         "Host: localhost\r\n"
#define PATIENCE_US  (10 * SECOND_US) /* only a hang reaches it */

/* A stand-in for the core: it notes the requests, and answers at once or when told to. */
static struct {
    struct live_loop *loop;
    struct live_http *http;
    uint16_t port;
    bool answers_at_once;
    size_t body_size; /* of its answers; 0: the request's path */
    uint64_t ids[REQUESTS_MAX];
    char *paths[REQUESTS_MAX];
    char *bodies[REQUESTS_MAX];
    char *geos[REQUESTS_MAX];
    bool is_head[REQUESTS_MAX];
    size_t count;
    uint64_t gone[REQUESTS_MAX];
    size_t gone_count;
} core;

static void answer_request(size_t index)
{
    char *filler = core.body_size ? memory_alloc(core.body_size) : NULL;
    struct http_answer answer = {
        .status = 200, .body = slice_of(core.paths[index]), .head = core.is_head[index]};

    if (filler)
        answer.body = (struct slice){memset(filler, 'x', core.body_size), core.body_size};
    live_http_answer(core.http, core.ids[index], &answer);
    free(filler);
}

static void on_request(uint64_t request_id, const struct http_request *request, void *context)
{
    size_t index = core.count++;

    ck_assert_ptr_eq(context, &core);
    ck_assert_uint_lt(index, REQUESTS_MAX);
    for (size_t i = 0; i < index; i++)
        ck_assert_uint_ne(core.ids[i], request_id);
    core.ids[index] = request_id;
    core.paths[index] = memory_text_of(request->path);
    core.bodies[index] = memory_text_of(request->body);
    core.geos[index] = memory_text(request->listener_geo);
    core.is_head[index] = request->method == HTTP_HEAD;
    if (core.answers_at_once)
        answer_request(index);
}

static void on_gone(uint64_t request_id, void *context)
{
    ck_assert_ptr_eq(context, &core);
    core.gone[core.gone_count++] = request_id;
}

static const struct live_http_handlers handlers = {.request = on_request, .gone = on_gone};

static void start_with(const struct live_http_settings *settings)
{
    memset(&core, 0, sizeof(core));
    ck_assert_int_eq(live_loop_create(&core.loop), 0);
    core.http = live_http_create(core.loop, settings, &handlers, &core);
    ck_assert_int_eq(live_http_listen(core.http, NULL, 0, &core.port), 0);
    ck_assert_uint_ne(core.port, 0);
}

static void start(void)
{
    start_with(&(struct live_http_settings){0});
}

static void stop(void)
{
    live_http_free(core.http);
    live_loop_free(core.loop);
    for (size_t i = 0; i < core.count; i++) {
        free(core.paths[i]);
        free(core.bodies[i]);
        free(core.geos[i]);
    }
}

static void turn(void)
{
    event_base_loop(live_loop_base(core.loop), EVLOOP_NONBLOCK);
}

/* Many turns: what could still happen without anyone doing anything has happened. */
static void turns(void)
{
    for (int i = 0; i < 50; i++)
        turn();
}

/* A turn that waits a little when there is nothing to do. */
static void wait_turn(uint64_t started_us)
{
    ck_assert_msg(live_loop_now().now_us - started_us < PATIENCE_US, "it never happened");
    turn();
    usleep(100);
}

static void await_requests(size_t count)
{
    uint64_t started_us = live_loop_now().now_us;

    while (core.count < count)
        wait_turn(started_us);
    ck_assert_uint_eq(core.count, count);
}

static int dial_port(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_ge(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static int dial(void)
{
    return dial_port(core.port);
}

static void say_bytes(int fd, const char *bytes, size_t size)
{
    uint64_t started_us = live_loop_now().now_us;

    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);

        if (sent < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            wait_turn(started_us);
            continue;
        }
        bytes += sent;
        size -= (size_t)sent;
    }
}

static void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

static void get(int fd, const char *path)
{
    char text[256];

    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", path);
    say(fd, text);
}

/* Read until @size bytes have come or the other side has closed; returns how many came. */
static size_t hear(int fd, char *ret_text, size_t size, bool *ret_closed)
{
    uint64_t started_us = live_loop_now().now_us;
    size_t heard = 0;

    *ret_closed = false;
    while (heard < size) {
        ssize_t more = recv(fd, ret_text + heard, size - heard, 0);

        if (more > 0) {
            heard += (size_t)more;
            continue;
        }
        if (more == 0 || errno == ECONNRESET) {
            *ret_closed = true;
            break;
        }
        wait_turn(started_us);
    }
    return heard;
}

/* Everything until the other side closes, as a new string. */
static char *hear_all(int fd)
{
    size_t size_max = 8u << 20;
    char *text = memory_alloc(size_max);
    bool closed;
    size_t size = hear(fd, text, size_max - 1, &closed);

    ck_assert(closed);
    text[size] = '\0';
    return text;
}

/* One response with its header and body, as a new string. */
static char *hear_response(int fd)
{
    size_t header_max = 4096, body_size, size = 0;
    char *text = memory_alloc(header_max + 1);
    const char *end = NULL;
    const char *length;
    bool closed = false;

    while (!end && !closed) {
        ck_assert_uint_lt(size, header_max);
        size += hear(fd, text + size, 1, &closed);
        text[size] = '\0';
        end = size >= 4 && strcmp(text + size - 4, "\r\n\r\n") == 0 ? text + size : NULL;
    }
    ck_assert_msg(!closed, "closed after: %s", text);
    length = strstr(text, "Content-Length: ");
    body_size = length ? strtoul(length + 16, NULL, 10) : 0;
    text = memory_grow(text, size + body_size + 1);
    size += hear(fd, text + size, body_size, &closed);
    text[size] = '\0';
    return text;
}

static void assert_response(int fd, const char *status, const char *part)
{
    char *text = hear_response(fd);

    ck_assert_msg(strncmp(text + strlen("HTTP/1.1 "), status, strlen(status)) == 0, "not %s: %s",
                  status, text);
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in: %s", part, text);
    free(text);
}

static bool hears_nothing(int fd)
{
    char byte;

    turns();
    return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}

static void assert_closed(int fd)
{
    char byte;
    bool closed;

    ck_assert_uint_eq(hear(fd, &byte, 1, &closed), 0);
    ck_assert(closed);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;

    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

START_TEST(a_connection_serves_one_request_after_the_other)
{
    int fd;

    start();
    core.answers_at_once = true;
    fd = dial();
    for (int i = 0; i < 20; i++) {
        char path[16];

        snprintf(path, sizeof(path), "/%d", i);
        get(fd, path);
        assert_response(fd, "200 OK", path);
    }
    ck_assert_uint_eq(live_http_counters(core.http)->accepted, 1);
    ck_assert_uint_eq(live_http_counters(core.http)->requests, 20);
    close(fd);
    stop();
}
END_TEST

START_TEST(answers_leave_in_the_order_of_requests_whatever_order_they_come_in)
{
    int fd;

    start();
    fd = dial();
    say(fd, "GET /a HTTP/1.1\r\n" HOST "\r\nGET /b HTTP/1.1\r\n" HOST "\r\nGET /c HTTP/1.1\r\n" HOST
            "\r\n");
    await_requests(3);
    answer_request(2);
    answer_request(1);
    ck_assert(hears_nothing(fd));
    answer_request(0);
    assert_response(fd, "200", "/a");
    assert_response(fd, "200", "/b");
    assert_response(fd, "200", "/c");
    close(fd);
    stop();
}
END_TEST

START_TEST(a_request_in_single_bytes_is_one_request)
{
    static const char text[] = "PUT /v1/metadata/k HTTP/1.1\r\n" HOST
                               "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    int fd;

    start();
    core.answers_at_once = true;
    fd = dial();
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        say_bytes(fd, text + i, 1);
        turn();
    }
    assert_response(fd, "200", "/v1/metadata/k");
    ck_assert_str_eq(core.bodies[0], "abc");
    get(fd, "/next");
    assert_response(fd, "200", "/next");
    close(fd);
    stop();
}
END_TEST

START_TEST(a_large_body_arrives_whole)
{
    size_t size = 65536;
    char *body = memory_alloc(size + 1);
    int fd;

    start();
    core.answers_at_once = true;
    for (size_t i = 0; i < size; i++)
        body[i] = (char)('a' + i % 26);
    fd = dial();
    for (int i = 0; i < 3; i++) {
        say(fd, "PUT /v1/metadata/k HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n");
        say_bytes(fd, body, size);
        assert_response(fd, "200", "/v1/metadata/k");
        ck_assert_str_eq(core.bodies[i], body);
    }
    free(body);
    close(fd);
    stop();
}
END_TEST

START_TEST(no_more_than_32_requests_of_a_connection_are_outstanding)
{
    int fd;

    start();
    fd = dial();
    for (int i = 0; i < 100; i++)
        get(fd, "/x");
    await_requests(32);
    turns();
    ck_assert_uint_eq(core.count, 32);
    answer_request(0);
    await_requests(33);
    turns();
    ck_assert_uint_eq(core.count, 33);
    for (size_t i = 1; i < 100; i++) {
        await_requests(i + 32 < 100 ? i + 32 : 100);
        answer_request(i);
        if (i + 33 <= 100)
            await_requests(i + 33);
    }
    for (int i = 0; i < 100; i++)
        assert_response(fd, "200", "/x");
    close(fd);
    stop();
}
END_TEST

START_TEST(a_flood_in_one_packet_is_answered_to_the_last)
{
    size_t count = 1500;
    char *flood = memory_alloc(count * 64);
    char *at = flood;
    int fds[3];

    start();
    core.answers_at_once = true;
    for (size_t i = 0; i < count / 3; i++)
        at = stpcpy(at, "GET /x HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 3; i++) {
        fds[i] = dial();
        say(fds[i], flood);
    }
    await_requests(count);
    for (int i = 0; i < 3; i++) {
        for (size_t j = 0; j < count / 3; j++)
            assert_response(fds[i], "200", "/x");
        close(fds[i]);
    }
    free(flood);
    stop();
}
END_TEST

START_TEST(close_is_honoured_and_what_stands_behind_it_is_not_served)
{
    int fd;
    char *text;

    start();
    core.answers_at_once = true;
    fd = dial();
    say(fd, "GET /a HTTP/1.1\r\n" HOST "\r\n"
            "GET /b HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
            "GET /c HTTP/1.1\r\n" HOST "\r\n");
    text = hear_all(fd);
    ck_assert_uint_eq(core.count, 2);
    ck_assert_uint_eq(count_of(text, "HTTP/1.1 200 OK"), 2);
    ck_assert_uint_eq(count_of(text, "Connection: close"), 1);
    free(text);
    close(fd);
    stop();
}
END_TEST

START_TEST(http_1_0_closes_unless_asked_to_stay)
{
    int fd;

    start();
    core.answers_at_once = true;
    fd = dial();
    say(fd, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_response(fd, "200", "Connection: keep-alive\r\n");
    say(fd, "GET /b HTTP/1.0\r\n\r\n");
    assert_response(fd, "200", "Connection: close\r\n");
    assert_closed(fd);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_client_that_has_closed_its_side_still_gets_its_answers)
{
    int fd;
    char *text;

    start();
    fd = dial();
    get(fd, "/a");
    get(fd, "/b");
    shutdown(fd, SHUT_WR);
    await_requests(2);
    turns();
    ck_assert_uint_eq(core.gone_count, 0);
    answer_request(0);
    answer_request(1);
    text = hear_all(fd);
    ck_assert_uint_eq(count_of(text, "HTTP/1.1 200 OK"), 2);
    turns();
    ck_assert_uint_eq(live_http_counters(core.http)->connections, 0);
    free(text);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_client_that_resets_is_gone_and_late_answers_are_dropped)
{
    struct linger at_once = {1, 0};
    uint64_t started_us;
    int fd, other;

    start();
    fd = dial();
    get(fd, "/a");
    get(fd, "/b");
    await_requests(2);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
    started_us = live_loop_now().now_us;
    while (core.gone_count < 2)
        wait_turn(started_us);
    ck_assert_uint_eq(core.gone[0], core.ids[0]);
    ck_assert_uint_eq(core.gone[1], core.ids[1]);

    /* The next client takes the same place in the table: the old answers must not reach it. */
    other = dial();
    get(other, "/c");
    await_requests(3);
    answer_request(0);
    answer_request(1);
    ck_assert(hears_nothing(other));
    answer_request(2);
    assert_response(other, "200", "/c");
    close(other);
    stop();
}
END_TEST

START_TEST(an_answer_is_given_once)
{
    int fd;

    start();
    fd = dial();
    get(fd, "/a");
    await_requests(1);
    answer_request(0);
    answer_request(0);
    assert_response(fd, "200", "/a");
    answer_request(0);
    ck_assert(hears_nothing(fd));
    live_http_answer(core.http, UINT64_MAX, &(struct http_answer){.status = 200});
    close(fd);
    stop();
}
END_TEST

START_TEST(an_error_is_answered_behind_the_answers_before_it_and_closes)
{
    int fd;

    start();
    fd = dial();
    get(fd, "/a");
    say(fd, "GET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n" HOST "\r\n");
    await_requests(1);
    ck_assert(hears_nothing(fd));
    answer_request(0);
    assert_response(fd, "200", "/a");
    assert_response(fd, "400", "needs a Host field");
    assert_closed(fd);
    ck_assert_uint_eq(core.count, 1);
    ck_assert_uint_eq(live_http_counters(core.http)->refused, 1);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_refusal_is_seen_though_the_client_goes_on_sending)
{
    size_t size = 512 * 1024;
    char *body = memory_alloc(size);
    int fd;

    start();
    fd = dial();
    say(fd, "PUT /v1/metadata/k HTTP/1.1\r\n" HOST "Content-Length: 524288\r\n\r\n");
    say_bytes(fd, body, size);
    assert_response(fd, "413", "Connection: close\r\n");
    assert_closed(fd);
    free(body);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_client_that_waits_to_send_its_body_is_told_to)
{
    int fd;

    start();
    core.answers_at_once = true;
    fd = dial();
    say(fd,
        "PUT /v1/metadata/k HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_response(fd, "100 Continue", "");
    ck_assert_uint_eq(core.count, 0);
    say(fd, "ab");
    assert_response(fd, "200", "");
    ck_assert_str_eq(core.bodies[0], "ab");
    close(fd);
    stop();
}
END_TEST

START_TEST(continue_waits_for_the_answers_before_it)
{
    int fd;

    start();
    fd = dial();
    get(fd, "/a");
    say(fd,
        "PUT /v1/metadata/k HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    await_requests(1);
    ck_assert(hears_nothing(fd));
    answer_request(0);
    assert_response(fd, "200", "/a");
    assert_response(fd, "100", "");
    say(fd, "ab");
    await_requests(2);
    answer_request(1);
    assert_response(fd, "200", "/v1/metadata/k");
    close(fd);
    stop();
}
END_TEST

START_TEST(head_gets_no_body)
{
    int fd;

    start();
    core.answers_at_once = true;
    fd = dial();
    say(fd, "HEAD /a HTTP/1.1\r\n" HOST "\r\nGET /b HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    {
        char *text = hear_all(fd);

        ck_assert_ptr_nonnull(strstr(text, "Content-Length: 2\r\n\r\nHTTP/1.1 200 OK"));
        ck_assert_str_eq(text + strlen(text) - 2, "/b");
        free(text);
    }
    close(fd);
    stop();
}
END_TEST

START_TEST(a_client_that_does_not_read_is_no_longer_read)
{
    size_t count = 600;
    int fd;

    start();
    core.answers_at_once = true;
    core.body_size = 64 * 1024;
    fd = dial();
    for (size_t i = 0; i < count; i++)
        get(fd, "/x");
    turns();
    turns();
    /* What the sockets hold on loopback, and 1 MiB of ours. */
    ck_assert_uint_lt(core.count, 300);
    ck_assert_uint_gt(core.count, 15);
    for (size_t i = 0; i < count; i++)
        assert_response(fd, "200", "xxx");
    ck_assert_uint_eq(core.count, count);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_client_that_never_reads_is_closed_in_the_end)
{
    uint64_t started_us;
    int fd;

    start_with(&(struct live_http_settings){.tick_us = 2000, .idle_timeout_us = 20000});
    core.answers_at_once = true;
    core.body_size = 64 * 1024;
    fd = dial();
    for (size_t i = 0; i < 600; i++)
        get(fd, "/x");
    started_us = live_loop_now().now_us;
    while (live_http_counters(core.http)->connections > 0 ||
           live_http_counters(core.http)->accepted == 0)
        wait_turn(started_us);
    ck_assert_uint_eq(live_http_counters(core.http)->timed_out, 1);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_header_that_never_ends_is_a_timeout_however_it_trickles)
{
    uint64_t started_us;
    char byte;
    int fd;

    start_with(&(struct live_http_settings){.tick_us = 2000, .header_timeout_us = 20000});
    fd = dial();
    say(fd, "GET /a HTTP/1.1\r\n");
    started_us = live_loop_now().now_us;
    while (recv(fd, &byte, 1, MSG_PEEK) < 0) {
        send(fd, "X: y\r\n", 6, MSG_NOSIGNAL);
        wait_turn(started_us);
        usleep(1000);
    }
    assert_response(fd, "408", "The header took too long");
    close(fd);
    stop();
}
END_TEST

START_TEST(a_body_that_stops_is_a_timeout)
{
    int fd;

    start_with(&(struct live_http_settings){.tick_us = 2000, .idle_timeout_us = 20000});
    fd = dial();
    say(fd, "PUT /v1/metadata/k HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc");
    assert_response(fd, "408", "The body took too long");
    assert_closed(fd);
    ck_assert_uint_eq(core.count, 0);
    close(fd);
    stop();
}
END_TEST

START_TEST(an_idle_connection_is_closed_without_a_word)
{
    int fd;

    start_with(&(struct live_http_settings){.tick_us = 2000, .idle_timeout_us = 20000});
    core.answers_at_once = true;
    fd = dial();
    get(fd, "/a");
    assert_response(fd, "200", "/a");
    assert_closed(fd);
    close(fd);
    stop();
}
END_TEST

START_TEST(an_answer_that_takes_long_is_waited_for)
{
    uint64_t started_us;
    int fd;

    start_with(&(struct live_http_settings){
        .tick_us = 1000, .idle_timeout_us = 2000, .header_timeout_us = 2000});
    fd = dial();
    get(fd, "/a");
    await_requests(1);
    started_us = live_loop_now().now_us;
    while (live_loop_now().now_us - started_us < 50000)
        wait_turn(started_us);
    answer_request(0);
    assert_response(fd, "200", "/a");
    close(fd);
    stop();
}
END_TEST

START_TEST(one_connection_too_many_is_turned_away_with_a_reason)
{
    int first, second, third;

    start_with(&(struct live_http_settings){.max_connections = 2});
    core.answers_at_once = true;
    first = dial();
    get(first, "/a");
    assert_response(first, "200", "/a");
    second = dial();
    get(second, "/b");
    assert_response(second, "200", "/b");
    third = dial();
    get(third, "/c");
    assert_response(third, "503", "Retry-After: 1\r\n");
    assert_closed(third);
    get(first, "/d");
    assert_response(first, "200", "/d");
    ck_assert_uint_eq(live_http_counters(core.http)->turned_away, 1);
    ck_assert_uint_eq(core.count, 3);
    close(first);
    turns();
    close(third);
    third = dial();
    get(third, "/e");
    assert_response(third, "200", "/e");
    close(second);
    close(third);
    stop();
}
END_TEST

START_TEST(many_connections_come_and_go)
{
    enum { COUNT = 300 };
    int fds[COUNT];

    start();
    core.answers_at_once = true;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++)
            fds[i] = dial();
        for (int i = 0; i < COUNT; i++)
            get(fds[i], "/x");
        for (int i = 0; i < COUNT; i++)
            assert_response(fds[i], "200", "/x");
        for (int i = 0; i < COUNT; i++)
            close(fds[i]);
        turns();
        ck_assert_uint_eq(live_http_counters(core.http)->connections, 0);
    }
    stop();
}
END_TEST

START_TEST(each_listener_says_where_its_clients_are)
{
    uint16_t paris, tokyo;
    int fd;

    start();
    core.answers_at_once = true;
    ck_assert_int_eq(live_http_listen(core.http, "paris", 0, &paris), 0);
    ck_assert_int_eq(live_http_listen(core.http, "tokyo", 0, &tokyo), 0);
    ck_assert_uint_ne(paris, tokyo);
    fd = dial_port(paris);
    get(fd, "/a");
    assert_response(fd, "200", "/a");
    close(fd);
    fd = dial_port(tokyo);
    get(fd, "/b");
    assert_response(fd, "200", "/b");
    close(fd);
    fd = dial();
    get(fd, "/c");
    assert_response(fd, "200", "/c");
    close(fd);
    ck_assert_str_eq(core.geos[0], "paris");
    ck_assert_str_eq(core.geos[1], "tokyo");
    ck_assert_ptr_null(core.geos[2]);
    stop();
}
END_TEST

START_TEST(a_port_that_is_taken_is_an_error)
{
    uint16_t port = 0;

    start();
    ck_assert_int_eq(live_http_listen(core.http, NULL, core.port, &port), -EADDRINUSE);
    ck_assert_uint_eq(port, 0);
    stop();
}
END_TEST

START_TEST(stopping_in_the_middle_of_everything_loses_nothing_but_the_connections)
{
    int reading, asking, answered;

    start();
    reading = dial();
    say(reading, "GET /a HTTP/1.1\r\nHost");
    asking = dial();
    get(asking, "/b");
    answered = dial();
    get(answered, "/c");
    await_requests(2);
    answer_request(0);
    answer_request(1);
    stop();
    ck_assert_uint_eq(core.gone_count, 0);
    close(reading);
    close(asking);
    close(answered);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_connection_serves_one_request_after_the_other,
        answers_leave_in_the_order_of_requests_whatever_order_they_come_in,
        a_request_in_single_bytes_is_one_request,
        a_large_body_arrives_whole,
        no_more_than_32_requests_of_a_connection_are_outstanding,
        a_flood_in_one_packet_is_answered_to_the_last,
        close_is_honoured_and_what_stands_behind_it_is_not_served,
        http_1_0_closes_unless_asked_to_stay,
        a_client_that_has_closed_its_side_still_gets_its_answers,
        a_client_that_resets_is_gone_and_late_answers_are_dropped,
        an_answer_is_given_once,
        an_error_is_answered_behind_the_answers_before_it_and_closes,
        a_refusal_is_seen_though_the_client_goes_on_sending,
        a_client_that_waits_to_send_its_body_is_told_to,
        continue_waits_for_the_answers_before_it,
        head_gets_no_body,
        a_client_that_does_not_read_is_no_longer_read,
        a_client_that_never_reads_is_closed_in_the_end,
        a_header_that_never_ends_is_a_timeout_however_it_trickles,
        a_body_that_stops_is_a_timeout,
        an_idle_connection_is_closed_without_a_word,
        an_answer_that_takes_long_is_waited_for,
        one_connection_too_many_is_turned_away_with_a_reason,
        many_connections_come_and_go,
        each_listener_says_where_its_clients_are,
        a_port_that_is_taken_is_an_error,
        stopping_in_the_middle_of_everything_loses_nothing_but_the_connections,
    };
    return suite_run(&(struct suite){.name = "live_http", .timeout_s = 30, SUITE_TESTS(tests)});
}
