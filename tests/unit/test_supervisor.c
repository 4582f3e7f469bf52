#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/moment.h"
#include "control/supervisor.h"
#include "tests/unit/suite.h"

static struct supervisor supervisor;

static void setup(void)
{
    supervisor = (struct supervisor){0};
    supervisor_add(&supervisor, "regiond/us-east");
    supervisor_add(&supervisor, "replicator/us-east");
    supervisor_add(&supervisor, "routerd");
}

static void teardown(void)
{
    supervisor_free(&supervisor);
}

static struct process *first(void)
{
    return &supervisor.processes[0];
}

/* The next action is this one; signal 0: a spawn. */
static void expect(size_t process, int signal)
{
    ck_assert_uint_gt(supervisor.action_count, 0);
    struct supervisor_action action = supervisor.actions[0];
    supervisor.action_count--;
    memmove(supervisor.actions, supervisor.actions + 1,
            supervisor.action_count * sizeof *supervisor.actions);
    ck_assert_uint_eq(action.process, process);
    ck_assert_int_eq(action.kind, signal == 0 ? SUPERVISOR_SPAWN : SUPERVISOR_SIGNAL);
    ck_assert_int_eq(action.signal, signal);
}

static void expect_nothing(void)
{
    ck_assert_uint_eq(supervisor.action_count, 0);
}

static void serve(size_t process)
{
    ck_assert_int_eq(supervisor_ask(&supervisor, process, SUPERVISOR_START, 0), 0);
    expect(process, 0);
    supervisor_spawned(&supervisor, process, 100 + (uint32_t)process, 7);
    supervisor_hello(&supervisor, process, true, 1, "");
    ck_assert_int_eq(supervisor.processes[process].state, PROCESS_SERVING);
}

START_TEST(a_process_serves_once_it_says_so)
{
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_START, 0), 0);
    expect(0, 0);
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_START, 0), 1);
    expect_nothing();
    supervisor_spawned(&supervisor, 0, 100, 7);
    ck_assert_int_eq(first()->state, PROCESS_STARTING);
    supervisor_hello(&supervisor, 0, false, 3, "opening files");
    ck_assert_int_eq(first()->state, PROCESS_STARTING);
    ck_assert_str_eq(first()->detail, "opening files");
    supervisor_hello(&supervisor, 0, true, 3, "");
    ck_assert_int_eq(first()->state, PROCESS_SERVING);
    supervisor_hello(&supervisor, 0, false, 3, "the disk is full");
    ck_assert_int_eq(first()->state, PROCESS_STARTING);
}
END_TEST

START_TEST(a_region_names_both_of_its_processes)
{
    size_t found[3];

    ck_assert_uint_eq(supervisor_find(&supervisor, "us-east", found), 2);
    ck_assert_uint_eq(supervisor_find(&supervisor, "regiond/us-east", found), 1);
    ck_assert_uint_eq(supervisor_find(&supervisor, "routerd", found), 1);
    ck_assert_uint_eq(found[0], 2);
    ck_assert_uint_eq(supervisor_find(&supervisor, "us", found), 0);
    ck_assert_uint_eq(supervisor_find(&supervisor, "", found), 0);
}
END_TEST

START_TEST(what_we_kill_stays_down)
{
    serve(0);
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_KILL, 5), 0);
    expect(0, SIGKILL);
    ck_assert_int_eq(first()->state, PROCESS_ENDING);
    supervisor_exited(&supervisor, 0, 0, SIGKILL, 6);
    ck_assert_int_eq(first()->state, PROCESS_KILLED);
    ck_assert_uint_eq(first()->pid, 0);
    supervisor_tick(&supervisor, 100 * SECOND_US);
    expect_nothing();
    ck_assert_uint_eq(supervisor_wake_us(&supervisor), NEVER_US);
}
END_TEST

START_TEST(what_somebody_else_kills_stays_down)
{
    serve(0);
    serve(2);
    supervisor_exited(&supervisor, 0, 0, SIGKILL, 6);
    ck_assert_int_eq(first()->state, PROCESS_KILLED);
    supervisor_exited(&supervisor, 2, 0, SIGTERM, 6);
    ck_assert_int_eq(supervisor.processes[2].state, PROCESS_KILLED);
    supervisor_tick(&supervisor, 100 * SECOND_US);
    expect_nothing();
}
END_TEST

START_TEST(a_crash_is_started_again_later_and_later)
{
    static const uint64_t waits_ms[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
    uint64_t now_us = 0;

    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_START, 0), 0);
    expect(0, 0);
    supervisor_spawned(&supervisor, 0, 100, 7);
    for (uint32_t i = 0; i < 8; i++) {
        supervisor_exited(&supervisor, 0, 3, 0, now_us);
        ck_assert_int_eq(first()->state, PROCESS_CRASHED);
        ck_assert_ptr_nonnull(strstr(first()->detail, "exit code 3"));
        ck_assert_uint_eq(supervisor_wake_us(&supervisor), now_us + waits_ms[i] * 1000);
        now_us += waits_ms[i] * 1000;
        supervisor_tick(&supervisor, now_us - 1);
        expect_nothing();
        supervisor_tick(&supervisor, now_us);
        expect(0, 0);
        supervisor_spawned(&supervisor, 0, 200 + i, 7);
        ck_assert_uint_eq(first()->restarts, i + 1);
    }
    supervisor_hello(&supervisor, 0, true, 1, "");
    supervisor_exited(&supervisor, 0, 0, SIGSEGV, now_us);
    ck_assert_uint_eq(supervisor_wake_us(&supervisor), now_us + 100000);
}
END_TEST

START_TEST(stop_is_patient_for_three_seconds)
{
    serve(0);
    supervisor_ask(&supervisor, 0, SUPERVISOR_STOP, 1000);
    expect(0, SIGTERM);
    supervisor_tick(&supervisor, 1000 + SUPERVISOR_STOP_US - 1);
    expect_nothing();
    supervisor_tick(&supervisor, 1000 + SUPERVISOR_STOP_US);
    expect(0, SIGKILL);
    supervisor_exited(&supervisor, 0, 0, SIGKILL, 1000 + SUPERVISOR_STOP_US + 1);
    ck_assert_int_eq(first()->state, PROCESS_STOPPED);
}
END_TEST

START_TEST(a_paused_process_is_woken_to_stop_and_not_to_die)
{
    serve(0);
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_PAUSE, 0), 0);
    expect(0, SIGSTOP);
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_PAUSE, 0), 1);
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_START, 0), -EINVAL);
    supervisor_ask(&supervisor, 0, SUPERVISOR_STOP, 0);
    expect(0, SIGTERM);
    expect(0, SIGCONT);
    supervisor_exited(&supervisor, 0, 0, 0, 1);

    serve(0);
    supervisor_ask(&supervisor, 0, SUPERVISOR_PAUSE, 0);
    expect(0, SIGSTOP);
    supervisor_ask(&supervisor, 0, SUPERVISOR_KILL, 0);
    expect(0, SIGKILL);
    expect_nothing();
}
END_TEST

START_TEST(resume_goes_back_to_what_it_was)
{
    serve(0);
    supervisor_ask(&supervisor, 0, SUPERVISOR_PAUSE, 0);
    expect(0, SIGSTOP);
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_RESUME, 0), 0);
    expect(0, SIGCONT);
    ck_assert_int_eq(first()->state, PROCESS_SERVING);
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_RESUME, 0), 1);
    ck_assert_int_eq(supervisor_ask(&supervisor, 1, SUPERVISOR_RESUME, 0), -EINVAL);
    ck_assert_int_eq(supervisor_ask(&supervisor, 1, SUPERVISOR_PAUSE, 0), -EINVAL);
    expect_nothing();
}
END_TEST

START_TEST(restart_is_stop_and_then_start)
{
    serve(0);
    supervisor_ask(&supervisor, 0, SUPERVISOR_RESTART, 0);
    expect(0, SIGTERM);
    expect_nothing();
    supervisor_exited(&supervisor, 0, 0, 0, 1);
    expect(0, 0);
    supervisor_spawned(&supervisor, 0, 300, 9);
    ck_assert_int_eq(first()->state, PROCESS_STARTING);
    ck_assert_uint_eq(first()->restarts, 0);
    ck_assert_int_eq(supervisor_ask(&supervisor, 1, SUPERVISOR_RESTART, 0), 0);
    expect(1, 0);
}
END_TEST

START_TEST(start_while_it_ends_starts_it_behind_that)
{
    serve(0);
    supervisor_ask(&supervisor, 0, SUPERVISOR_KILL, 0);
    expect(0, SIGKILL);
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_START, 0), 0);
    expect_nothing();
    supervisor_exited(&supervisor, 0, 0, SIGKILL, 1);
    expect(0, 0);
}
END_TEST

START_TEST(a_kill_takes_back_a_start_that_was_coming)
{
    serve(0);
    supervisor_exited(&supervisor, 0, 1, 0, 0);
    ck_assert_int_eq(first()->state, PROCESS_CRASHED);
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_KILL, 0), 0);
    ck_assert_int_eq(first()->state, PROCESS_KILLED);
    supervisor_tick(&supervisor, 100 * SECOND_US);
    expect_nothing();
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_KILL, 0), 1);
}
END_TEST

START_TEST(what_cannot_be_spawned_has_failed_and_can_be_tried_again)
{
    supervisor_ask(&supervisor, 0, SUPERVISOR_START, 0);
    expect(0, 0);
    supervisor_spawn_failed(&supervisor, 0, "there is no program");
    ck_assert_int_eq(first()->state, PROCESS_FAILED);
    ck_assert_str_eq(first()->detail, "there is no program");
    ck_assert_int_eq(supervisor_ask(&supervisor, 0, SUPERVISOR_START, 0), 0);
    expect(0, 0);
    supervisor_spawned(&supervisor, 0, 5, 5);
    ck_assert_int_eq(first()->state, PROCESS_STARTING);
}
END_TEST

START_TEST(adopted_processes_say_themselves_whether_they_serve)
{
    first()->pid = 100;
    supervisor_adopt(&supervisor, 0, PROCESS_SERVING, true, 0);
    ck_assert_int_eq(first()->state, PROCESS_STARTING);
    ck_assert_uint_eq(first()->pid, 100);
    supervisor.processes[1].pid = 101;
    supervisor_adopt(&supervisor, 1, PROCESS_SERVING, false, 0);
    ck_assert_int_eq(supervisor.processes[1].state, PROCESS_KILLED);
    ck_assert_uint_eq(supervisor.processes[1].pid, 0);
    supervisor_adopt(&supervisor, 2, PROCESS_CRASHED, false, 50);
    supervisor_tick(&supervisor, 50);
    expect(2, 0);
    supervisor_exited(&supervisor, 0, -1, -1, 60);
    ck_assert_int_eq(first()->state, PROCESS_KILLED);
    expect_nothing();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_process_serves_once_it_says_so,
        a_region_names_both_of_its_processes,
        what_we_kill_stays_down,
        what_somebody_else_kills_stays_down,
        a_crash_is_started_again_later_and_later,
        stop_is_patient_for_three_seconds,
        a_paused_process_is_woken_to_stop_and_not_to_die,
        resume_goes_back_to_what_it_was,
        restart_is_stop_and_then_start,
        start_while_it_ends_starts_it_behind_that,
        a_kill_takes_back_a_start_that_was_coming,
        what_cannot_be_spawned_has_failed_and_can_be_tried_again,
        adopted_processes_say_themselves_whether_they_serve,
    };
    return suite_run(&(struct suite){
        .name = "supervisor", .set_up = setup, .tear_down = teardown, SUITE_TESTS(tests)});
}
