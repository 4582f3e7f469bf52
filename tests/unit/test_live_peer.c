#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/live_files.h"
#include "common/live_log.h"
#include "common/live_peer.h"
#include "common/memory.h"
#include "health.pb-c.h"
#include "replication.pb-c.h"
#include "tests/unit/suite.h"

static char directory[64];
static char path[96];
static struct live_loop *loop;

/* One side's view of a conversation. */
struct side {
    unsigned ups, downs, frames, bursts;
    char why[64];
    struct live_peer *peer; /* the last that came up */
    uint64_t last_id;
    size_t last_size;
    void (*then)(struct side *side, struct live_peer *peer, const struct frame *frame);
    void (*then_up)(struct side *side, struct live_peer *peer);
    struct live_peer *other; /* for `then` */
};

static struct side server, client;

static void on_up(struct live_peer *peer, void *context)
{
    struct side *side = context;

    side->ups++;
    side->peer = peer;
    if (side->then_up)
        side->then_up(side, peer);
}

static void on_frame(struct live_peer *peer, const struct frame *frame, void *context)
{
    struct side *side = context;

    side->frames++;
    side->last_id = frame->id;
    side->last_size = frame->body_size;
    if (side->then)
        side->then(side, peer, frame);
}

static void on_down(struct live_peer *peer, const char *why, void *context)
{
    struct side *side = context;

    ck_assert(!live_peer_is_up(peer));
    side->downs++;
    side->peer = NULL;
    snprintf(side->why, sizeof(side->why), "%s", why);
}

static void on_burst_end(void *context)
{
    struct side *side = context;

    side->bursts++;
}

static const struct live_peer_handlers handlers = {
    .up = on_up,
    .frame = on_frame,
    .down = on_down,
    .burst_end = on_burst_end,
};

static void set_up(void)
{
    strcpy(directory, "/tmp/mec-peer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/socket", directory);
    live_log_level(LIVE_LOG_ERROR + 1);
    ck_assert_int_eq(live_loop_create(&loop), 0);
    server = client = (struct side){0};
}

static void tear_down(void)
{
    live_loop_free(loop);
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0);
}

static void turn(void)
{
    event_base_loop(live_loop_base(loop), EVLOOP_ONCE);
}

/* Turns without waiting: enough for all that is already in the sockets. */
static void settle(void)
{
    for (int i = 0; i < 20; i++)
        event_base_loop(live_loop_base(loop), EVLOOP_NONBLOCK);
}

static struct live_listener *listen_here(void)
{
    struct live_listener *listener = NULL;

    ck_assert_int_eq(live_listen(loop, path, &handlers, &server, &listener), 0);
    return listener;
}

static struct live_peer *connect_here(void)
{
    struct live_peer *peer = live_peer_connect(loop, "server", path, &handlers, &client);

    while (client.ups == 0 || server.ups == 0)
        turn();
    return peer;
}

/* A plain blocking socket, for what a well-behaved peer would never do. */
static int connect_plain(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unsigned ups = server.ups;

    strcpy(address.sun_path, path);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    while (server.ups == ups)
        turn();
    return fd;
}

static void ping(struct live_peer *peer, uint64_t id)
{
    Mec__Ping message = MEC__PING__INIT;

    message.nonce = id;
    live_peer_send_message(peer, FRAME_PING, id, &message.base);
}

/* A frame with a body of @size bytes that is no message. */
static void send_large(struct live_peer *peer, uint64_t id, size_t size)
{
    uint8_t *bytes = memory_alloc(FRAME_HEADER_SIZE + size);

    frame_header(FRAME_APPLY, id, size, bytes);
    live_peer_send(peer, bytes, FRAME_HEADER_SIZE + size);
    free(bytes);
}

static void echo(struct side *side, struct live_peer *peer, const struct frame *frame)
{
    (void)side;
    ping(peer, frame->id);
}

static void expect_next_id(struct side *side, struct live_peer *peer, const struct frame *frame)
{
    (void)peer;
    ck_assert_uint_eq(frame->id, side->frames);
}

START_TEST(bursts_go_both_ways_in_order)
{
    struct live_listener *listener = listen_here();
    struct live_peer *peer;

    server.then = echo;
    client.then = expect_next_id;
    peer = connect_here();
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 1; i <= 5000; i++)
            ping(peer, round * 5000 + i);
        while (client.frames < (round + 1) * 5000)
            turn();
    }
    ck_assert_uint_eq(server.frames, 25000);
    ck_assert_uint_eq(client.downs + server.downs, 0);
    live_peer_free(peer);
    live_listener_free(listener);
}
END_TEST

START_TEST(what_one_turn_sends_arrives_as_one_burst)
{
    struct live_listener *listener = listen_here();
    struct live_peer *peer = connect_here();

    for (unsigned i = 0; i < 500; i++)
        ping(peer, i);
    while (server.frames == 0)
        turn();
    ck_assert_uint_eq(server.frames, 500);
    ck_assert_uint_eq(server.bursts, 1);
    live_peer_free(peer);
    live_listener_free(listener);
}
END_TEST

START_TEST(a_frame_may_come_byte_by_byte)
{
    struct live_listener *listener = listen_here();
    Mec__Ping message = MEC__PING__INIT;
    int fd = connect_plain();
    size_t size;
    uint8_t *bytes;

    message.nonce = 300;
    bytes = frame_pack_new(FRAME_PING, 77, &message.base, &size);
    for (int round = 1; round <= 2; round++) {
        for (size_t i = 0; i < size; i++) {
            ck_assert_uint_eq(server.frames, (unsigned)round - 1);
            ck_assert_int_eq(write(fd, bytes + i, 1), 1);
            settle();
        }
        ck_assert_uint_eq(server.frames, (unsigned)round);
        ck_assert_uint_eq(server.last_id, 77);
    }
    free(bytes);
    close(fd);
    live_listener_free(listener);
}
END_TEST

START_TEST(the_largest_frame_passes_and_small_ones_around_it)
{
    struct live_listener *listener = listen_here();
    struct live_peer *peer = connect_here();

    ping(peer, 1);
    send_large(peer, 2, FRAME_BODY_SIZE_MAX);
    send_large(peer, 3, FRAME_BODY_SIZE_MAX);
    ping(peer, 4);
    server.then = expect_next_id;
    while (server.frames < 4)
        turn();
    ck_assert_uint_eq(server.last_id, 4);
    ck_assert_uint_eq(server.downs, 0);
    live_peer_free(peer);
    live_listener_free(listener);
}
END_TEST

/* Write @bytes from outside and expect to be thrown out for it, alone. */
static void expect_thrown_out(const void *bytes, size_t size)
{
    struct live_listener *listener = listen_here();
    int fd = connect_plain();
    struct live_peer *peer;
    char byte;

    ck_assert_int_eq(write(fd, bytes, size), (ssize_t)size);
    while (server.downs == 0)
        turn();
    ck_assert_str_eq(server.why, "bad frame");
    ck_assert_int_le(read(fd, &byte, 1), 0);
    close(fd);

    peer = connect_here(); /* the others do not notice */
    ping(peer, 5);
    while (server.last_id != 5)
        turn();
    live_peer_free(peer);
    live_listener_free(listener);
}

START_TEST(garbage_closes_its_connection_and_no_other)
{
    expect_thrown_out("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    ck_assert_uint_eq(server.frames, 1);
}
END_TEST

START_TEST(an_oversize_length_closes_before_anything_follows)
{
    expect_thrown_out("\x00\x10\x00\x01", 4);
}
END_TEST

START_TEST(an_unknown_kind_closes)
{
    expect_thrown_out("\x00\x00\x00\x0b\xee", 5);
}
END_TEST

START_TEST(frames_before_garbage_still_count)
{
    static const char good_then_bad[] = "\0\0\0\x09\x03\0\0\0\0\0\0\0\x08"
                                        "\xff\xff\xff\xff";

    expect_thrown_out(good_then_bad, sizeof(good_then_bad) - 1);
    ck_assert_uint_eq(server.frames, 2); /* with the ping of the one who came after */
}
END_TEST

START_TEST(a_connection_comes_back_with_its_listener)
{
    struct live_peer *peer = live_peer_connect(loop, "server", path, &handlers, &client);
    struct live_listener *listener;

    ck_assert(!live_peer_is_up(peer));
    for (int i = 0; i < 3; i++) /* tries that fail are not losses */
        turn();
    ck_assert_uint_eq(client.ups + client.downs, 0);

    for (unsigned life = 1; life <= 3; life++) {
        listener = listen_here();
        while (client.ups < life || server.ups < life)
            turn();
        ping(peer, life);
        while (server.last_id != life)
            turn();
        live_listener_free(listener);
        while (client.downs < life)
            turn();
        ck_assert_str_eq(client.why, "closed by the other side");
        ping(peer, 99); /* goes nowhere, now or later */
    }
    ck_assert_uint_eq(server.frames, 3);
    live_peer_free(peer);
}
END_TEST

START_TEST(a_connecting_peer_that_closes_comes_back)
{
    struct live_listener *listener = listen_here();
    struct live_peer *peer = connect_here();

    live_peer_close(peer, "enough");
    ck_assert_uint_eq(client.downs, 1);
    ck_assert_str_eq(client.why, "enough");
    live_peer_close(peer, "again"); /* not up: nothing */
    ck_assert_uint_eq(client.downs, 1);
    while (client.ups < 2)
        turn();
    ck_assert(live_peer_is_up(peer));
    live_peer_free(peer);
    live_listener_free(listener);
}
END_TEST

static void close_it(struct side *side, struct live_peer *peer, const struct frame *frame)
{
    (void)side;
    (void)frame;
    live_peer_close(peer, "handler");
    live_peer_send(peer, (const uint8_t *)"", 1);
}

START_TEST(a_handler_that_closes_gets_no_more_frames)
{
    struct live_listener *listener = listen_here();
    struct live_peer *peer = connect_here();

    server.then = close_it;
    for (unsigned i = 1; i <= 10; i++)
        ping(peer, i);
    while (client.downs == 0)
        turn();
    ck_assert_uint_eq(server.frames, 1);
    ck_assert_uint_eq(server.downs, 1);
    ck_assert_uint_eq(server.bursts, 1);
    live_peer_free(peer);
    live_listener_free(listener);
}
END_TEST

static void free_it(struct side *side, struct live_peer *peer, const struct frame *frame)
{
    (void)side;
    (void)frame;
    live_peer_free(peer);
}

START_TEST(a_handler_may_free_its_peer)
{
    struct live_listener *listener = listen_here();
    struct live_peer *peer = connect_here();

    server.then = free_it;
    ping(peer, 1);
    ping(peer, 2);
    while (client.downs == 0)
        turn();
    ck_assert_uint_eq(server.frames, 1);
    ck_assert_uint_eq(server.downs, 0);
    ck_assert_uint_eq(server.bursts, 0); /* whoever frees may be gone itself */
    live_peer_free(peer);
    live_listener_free(listener);
}
END_TEST

static void free_other(struct side *side, struct live_peer *peer, const struct frame *frame)
{
    (void)peer;
    (void)frame;
    live_peer_free(side->other);
    side->other = NULL;
}

START_TEST(a_handler_may_free_another_peer_that_has_input_waiting)
{
    struct live_listener *listener = listen_here();
    int first = connect_plain();
    struct live_peer *first_peer = server.peer;
    int second = connect_plain();
    static const uint8_t frame[] = {0, 0, 0, 9, FRAME_PING, 0, 0, 0, 0, 0, 0, 0, 1};

    /* Both are readable in one turn; whichever is served first frees the first one. */
    server.then = free_other;
    server.other = first_peer;
    ck_assert_int_eq(write(first, frame, sizeof(frame)), sizeof(frame));
    ck_assert_int_eq(write(second, frame, sizeof(frame)), sizeof(frame));
    settle();
    ck_assert_ptr_null(server.other);
    ck_assert_uint_ge(server.frames, 1);
    ck_assert_uint_le(server.frames, 2);
    close(first);
    close(second);
    live_listener_free(listener);
}
END_TEST

static void free_on_up(struct side *side, struct live_peer *peer)
{
    side->peer = NULL;
    live_peer_free(peer);
}

START_TEST(a_handler_may_free_a_peer_that_has_just_come_up)
{
    struct live_listener *listener = listen_here();

    server.then_up = free_on_up;
    client.then_up = free_on_up;
    live_peer_connect(loop, "server", path, &handlers, &client);
    while (client.ups == 0 || server.ups == 0)
        turn();
    settle();
    ck_assert_uint_eq(client.downs + server.downs, 0);
    live_listener_free(listener);
}
END_TEST

START_TEST(what_was_sent_before_closing_arrives)
{
    struct live_listener *listener = listen_here();
    struct live_peer *peer = connect_here();

    for (unsigned i = 1; i <= 100; i++)
        ping(peer, i);
    live_peer_free(peer);
    while (server.downs == 0)
        turn();
    ck_assert_uint_eq(server.frames, 100);
    live_listener_free(listener);
}
END_TEST

START_TEST(more_than_a_socket_holds_arrives_whole)
{
    struct live_listener *listener = listen_here();
    struct live_peer *peer = connect_here();

    server.then = expect_next_id;
    for (unsigned i = 1; i <= 300; i++) {
        send_large(peer, i, 100000 + i);
        if (i % 50 == 0)
            settle();
    }
    while (server.frames < 300)
        turn();
    ck_assert_uint_eq(server.last_size, 100300);
    live_peer_free(peer);
    live_listener_free(listener);
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_closed_past_the_bound)
{
    struct live_listener *listener = listen_here();
    int fd = connect_plain();
    struct live_peer *peer = server.peer;

    for (unsigned i = 0; i < 63; i++)
        send_large(peer, i, 1000000);
    settle();
    ck_assert_uint_eq(server.downs, 0);
    for (unsigned i = 0; i < 10; i++)
        send_large(peer, i, 1000000);
    ck_assert_uint_eq(server.downs, 0); /* never from within a send */
    ck_assert(live_peer_is_up(peer));
    settle();
    ck_assert_uint_eq(server.downs, 1);
    ck_assert_str_eq(server.why, "too much output is waiting");
    close(fd);
    live_listener_free(listener);
}
END_TEST

START_TEST(a_peer_that_is_gone_is_noticed_by_writing)
{
    struct live_listener *listener = listen_here();
    int fd = connect_plain();
    struct live_peer *peer = server.peer;

    close(fd);
    ping(peer, 1);
    while (server.downs == 0)
        turn();
    ck_assert_uint_eq(server.downs, 1);
    live_listener_free(listener);
}
END_TEST

START_TEST(a_live_socket_is_not_taken_over)
{
    struct live_listener *listener = listen_here(), *second = NULL;

    ck_assert_int_eq(live_listen(loop, path, &handlers, &server, &second), -EADDRINUSE);
    ck_assert_ptr_null(second);
    live_peer_free(connect_here()); /* the first still listens */
    live_listener_free(listener);
}
END_TEST

START_TEST(a_stale_socket_is_replaced_and_a_file_is_not)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct live_listener *listener;

    strcpy(address.sun_path, path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd); /* as a killed process leaves it */
    listener = listen_here();
    live_peer_free(connect_here());
    live_listener_free(listener);
    ck_assert_int_lt(access(path, F_OK), 0);

    ck_assert_int_eq(live_files_replace(path, "precious", 8, 0600), 0);
    ck_assert_int_eq(live_listen(loop, path, &handlers, &server, &listener), -EADDRINUSE);
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(the_socket_is_its_owners_alone)
{
    struct live_listener *listener = listen_here();
    struct live_peer *peer = connect_here();
    struct stat file;

    ck_assert_int_eq(stat(path, &file), 0);
    ck_assert_uint_eq(file.st_mode & 0777, 0600);
    ck_assert_uint_eq(live_peer_uid(peer), geteuid());
    ck_assert_uint_eq(live_peer_uid(server.peer), geteuid());
    live_peer_free(peer);
    live_listener_free(listener);
}
END_TEST

START_TEST(nobody_listens_where_others_could_put_a_socket)
{
    struct live_listener *listener = NULL;

    for (mode_t bit = 1; bit <= 040; bit <<= 1) {
        ck_assert_int_eq(chmod(directory, 0700 | bit), 0);
        ck_assert_int_eq(live_listen(loop, path, &handlers, &server, &listener), -EPERM);
        ck_assert_int_lt(access(path, F_OK), 0);
    }
    ck_assert_ptr_null(listener);
    ck_assert_int_eq(chmod(directory, 0700), 0);
    ck_assert_int_eq(live_listen(loop, path, &handlers, &server, &listener), 0);
    live_listener_free(listener);
}
END_TEST

/* As another user: listen, and see whether who comes says anything. 0 when not. */
static int listen_as_somebody_else(int ready)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), other;
    char byte = 1;

    strcpy(address.sun_path, path);
    if (setuid(65534) < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(fd, 5) < 0 || write(ready, &byte, 1) != 1)
        return 1;
    other = accept(fd, NULL, NULL);
    return read(other, &byte, 1) == 0 ? 0 : 2;
}

START_TEST(another_user_who_listens_is_told_nothing)
{
    struct live_peer *peer;
    int ready[2], status = 0;
    char byte;
    pid_t pid;

    if (geteuid() != 0)
        return; /* only root can become somebody else */
    ck_assert_int_eq(chmod(directory, 0777), 0);
    ck_assert_int_eq(pipe(ready), 0);
    pid = fork();
    if (pid == 0)
        _exit(listen_as_somebody_else(ready[1]));
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    peer = live_peer_connect(loop, "server", path, &handlers, &client);
    while (waitpid(pid, &status, WNOHANG) == 0) {
        ck_assert_uint_eq(client.ups, 0);
        event_base_loop(live_loop_base(loop), EVLOOP_NONBLOCK);
        usleep(1000);
    }
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    live_peer_free(peer);
    unlink(path);
}
END_TEST

/* As another user: 0 when the connection is closed at once. */
static int try_as_somebody_else(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    char byte;

    strcpy(address.sun_path, path);
    if (setuid(65534) < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return 1;
    return read(fd, &byte, 1) == 0 ? 0 : 2;
}

START_TEST(another_user_is_shown_out)
{
    struct live_listener *listener;
    int status = 0;
    pid_t pid;

    if (geteuid() != 0)
        return; /* only root can become somebody else */
    listener = listen_here();
    ck_assert_int_eq(chmod(directory, 0755), 0);
    ck_assert_int_eq(chmod(path, 0666), 0);
    pid = fork();
    if (pid == 0)
        _exit(try_as_somebody_else());
    while (waitpid(pid, &status, WNOHANG) == 0)
        settle();
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_uint_eq(server.ups, 0);
    live_listener_free(listener);
}
END_TEST

START_TEST(a_path_that_does_not_fit_is_refused)
{
    struct live_listener *listener = NULL;
    char text[200];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ck_assert_int_eq(live_listen(loop, text, &handlers, &server, &listener), -ENAMETOOLONG);
    ck_assert_int_eq(live_listen(loop, "/nowhere/at/all", &handlers, &server, &listener), -ENOENT);
    ck_assert_ptr_null(listener);
}
END_TEST

START_TEST(a_peer_remembers_its_owners_number)
{
    struct live_peer *peer = live_peer_connect(loop, "server", path, &handlers, &client);

    live_peer_set_tag(peer, 12);
    ck_assert_uint_eq(live_peer_tag(peer), 12);
    ck_assert_ptr_eq(live_peer_context(peer), &client);
    live_peer_free(peer);
    live_peer_free(NULL);
    live_listener_free(NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        bursts_go_both_ways_in_order,
        what_one_turn_sends_arrives_as_one_burst,
        a_frame_may_come_byte_by_byte,
        the_largest_frame_passes_and_small_ones_around_it,
        garbage_closes_its_connection_and_no_other,
        an_oversize_length_closes_before_anything_follows,
        an_unknown_kind_closes,
        frames_before_garbage_still_count,
        a_connection_comes_back_with_its_listener,
        a_connecting_peer_that_closes_comes_back,
        a_handler_that_closes_gets_no_more_frames,
        a_handler_may_free_its_peer,
        a_handler_may_free_another_peer_that_has_input_waiting,
        a_handler_may_free_a_peer_that_has_just_come_up,
        what_was_sent_before_closing_arrives,
        more_than_a_socket_holds_arrives_whole,
        a_peer_that_does_not_read_is_closed_past_the_bound,
        a_peer_that_is_gone_is_noticed_by_writing,
        a_live_socket_is_not_taken_over,
        a_stale_socket_is_replaced_and_a_file_is_not,
        the_socket_is_its_owners_alone,
        another_user_is_shown_out,
        nobody_listens_where_others_could_put_a_socket,
        another_user_who_listens_is_told_nothing,
        a_path_that_does_not_fit_is_refused,
        a_peer_remembers_its_owners_number,
    };
    return suite_run(&(struct suite){.name = "live_peer",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 50,
                                     SUITE_TESTS(tests)});
}
