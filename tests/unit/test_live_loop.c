#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/live_log.h"
#include "common/live_loop.h"
#include "common/memory.h"
#include "tests/unit/suite.h"

static struct live_loop *loop;
static unsigned wakes;
static uint64_t woken_us;

static void set_up(void)
{
    ck_assert_int_eq(live_loop_create(&loop), 0);
    wakes = 0;
}

static void tear_down(void)
{
    live_loop_free(loop);
}

static void stop_on_wake(void *context)
{
    (void)context;
    wakes++;
    woken_us = live_loop_now().now_us;
    live_loop_stop(loop);
}

START_TEST(a_wake_comes_once_and_never_early)
{
    live_loop_on_wake(loop, stop_on_wake, NULL);
    for (unsigned i = 1; i <= 20; i++) {
        uint64_t at_us = live_loop_now().now_us + 300 * i;

        live_loop_wake(loop, at_us);
        live_loop_run(loop);
        ck_assert_uint_eq(wakes, i);
        ck_assert_uint_ge(woken_us, at_us);
    }
    event_base_loop(live_loop_base(loop), EVLOOP_NONBLOCK);
    ck_assert_uint_eq(wakes, 20);
}
END_TEST

START_TEST(the_last_asked_wake_counts)
{
    uint64_t now_us = live_loop_now().now_us;

    live_loop_on_wake(loop, stop_on_wake, NULL);
    live_loop_wake(loop, now_us + 3600 * SECOND_US);
    live_loop_wake(loop, now_us);
    live_loop_run(loop);
    ck_assert_uint_eq(wakes, 1);

    live_loop_wake(loop, now_us);
    live_loop_wake(loop, NEVER_US);
    for (int i = 0; i < 10; i++)
        event_base_loop(live_loop_base(loop), EVLOOP_NONBLOCK);
    ck_assert_uint_eq(wakes, 1);
}
END_TEST

static int pipe_ends[2];
static unsigned reads;

static void always_due(void *context)
{
    (void)context;
    wakes++;
    ck_assert_uint_le(wakes, reads + 2); /* each turn reads before it wakes */
    if (reads < 50)
        live_loop_wake(loop, 1 + wakes % 2); /* past; another time, so it is asked anew */
    else
        live_loop_stop(loop);
}

static void on_byte(evutil_socket_t fd, short what, void *context)
{
    char byte;

    (void)what;
    (void)context;
    ck_assert_int_eq(read(fd, &byte, 1), 1);
    reads++;
}

START_TEST(a_core_that_is_always_due_does_not_starve_reading)
{
    char bytes[100] = {0};
    struct event *readable;

    reads = 0;
    ck_assert_int_eq(pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0);
    ck_assert_int_eq(write(pipe_ends[1], bytes, sizeof(bytes)), sizeof(bytes));
    readable = event_new(live_loop_base(loop), pipe_ends[0], EV_READ | EV_PERSIST, on_byte, NULL);
    event_add(readable, NULL);
    live_loop_on_wake(loop, always_due, NULL);
    live_loop_wake(loop, 1);
    live_loop_run(loop);
    ck_assert_uint_ge(reads, 50);
    event_free(readable);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}
END_TEST

static char story[16];

struct teller {
    struct live_loop_task task;
    char letter;
    struct teller *next;
};

static void tell(void *context)
{
    struct teller *teller = context;

    story[strlen(story)] = teller->letter;
    if (teller->next)
        live_loop_at_turn_end(loop, &teller->next->task);
}

static void ask_all(evutil_socket_t fd, short what, void *context)
{
    struct teller *tellers = context;

    (void)fd;
    (void)what;
    live_loop_at_turn_end(loop, &tellers[0].task);
    live_loop_at_turn_end(loop, &tellers[1].task);
    live_loop_at_turn_end(loop, &tellers[0].task); /* is in line already */
    story[strlen(story)] = '.';
}

START_TEST(tasks_run_in_order_behind_all_callbacks_of_the_turn)
{
    struct teller tellers[3] = {{.letter = 'a'}, {.letter = 'b'}, {.letter = 'c'}};
    struct event *first, *second;

    memset(story, 0, sizeof(story));
    for (int i = 0; i < 3; i++) {
        tellers[i].task.run = tell;
        tellers[i].task.context = &tellers[i];
    }
    tellers[0].next = &tellers[2];
    first = event_new(live_loop_base(loop), -1, 0, ask_all, tellers);
    second = event_new(live_loop_base(loop), -1, 0, ask_all, tellers);
    event_active(first, 0, 0);
    event_active(second, 0, 0);
    event_base_loop(live_loop_base(loop), EVLOOP_ONCE);
    ck_assert_str_eq(story, "..abc");
    event_free(first);
    event_free(second);
}
END_TEST

START_TEST(tasks_that_are_left_run_when_the_loop_is_freed)
{
    struct teller teller = {.letter = 'z'};

    memset(story, 0, sizeof(story));
    teller.task = (struct live_loop_task){.run = tell, .context = &teller};
    live_loop_at_turn_end(loop, &teller.task);
    live_loop_free(loop);
    loop = NULL;
    ck_assert_str_eq(story, "z");
}
END_TEST

START_TEST(a_termination_signal_ends_the_run)
{
    raise(SIGTERM);
    live_loop_run(loop);
    raise(SIGINT);
    live_loop_run(loop);
    raise(SIGPIPE); /* and this one does nothing */
}
END_TEST

/* What @text becomes on stderr, without the time stamp; the caller frees it. */
static char *logged(enum live_log_level level, const char *text)
{
    int saved = dup(STDERR_FILENO), ends[2];
    char *line = memory_alloc(4096);
    ssize_t size;

    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    dup2(ends[1], STDERR_FILENO);
    live_log(level, "%s", text);
    dup2(saved, STDERR_FILENO);
    size = read(ends[0], line, 4095);
    line[size > 0 ? size : 0] = '\0';
    close(saved);
    close(ends[0]);
    close(ends[1]);
    if (size > 0) {
        ck_assert_int_gt(size, 25);
        ck_assert(line[4] == '-' && line[10] == 'T' && line[19] == '.' && line[23] == 'Z');
        memmove(line, line + 25, strlen(line + 25) + 1);
    }
    return line;
}

static void expect_logged(enum live_log_level level, const char *text, const char *expected)
{
    char *line = logged(level, text);

    ck_assert_str_eq(line, expected);
    free(line);
}

START_TEST(a_log_line_is_one_line_whatever_is_in_it)
{
    live_log_name("regiond/us-east");
    expect_logged(LIVE_LOG_WARN, "key=value", "regiond/us-east warn key=value\n");
    expect_logged(LIVE_LOG_ERROR, "a\nb\r\x1b[2Jc\td\x7f", "regiond/us-east error a?b??[2Jc?d?\n");
    expect_logged(LIVE_LOG_INFO, "caf\xc3\xa9", "regiond/us-east info caf\xc3\xa9\n");
    expect_logged(LIVE_LOG_DEBUG, "below the level", "");
}
END_TEST

START_TEST(a_log_line_that_is_too_long_is_cut_and_still_ends)
{
    char text[5000];
    char *line;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    line = logged(LIVE_LOG_INFO, text);
    ck_assert_uint_lt(strlen(line), 2048);
    ck_assert_int_eq(line[strlen(line) - 1], '\n');
    ck_assert_int_eq(line[strlen(line) - 2], 'x');
    free(line);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_wake_comes_once_and_never_early,
        the_last_asked_wake_counts,
        a_core_that_is_always_due_does_not_starve_reading,
        tasks_run_in_order_behind_all_callbacks_of_the_turn,
        tasks_that_are_left_run_when_the_loop_is_freed,
        a_termination_signal_ends_the_run,
        a_log_line_is_one_line_whatever_is_in_it,
        a_log_line_that_is_too_long_is_cut_and_still_ends,
    };
    return suite_run(&(struct suite){.name = "live_loop",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 50,
                                     SUITE_TESTS(tests)});
}
