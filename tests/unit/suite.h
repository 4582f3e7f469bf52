/* suite: the main of a test: one suite, run by Check. CK_VERBOSITY=verbose names each test,
 * CK_FORK=no keeps them in one process for a debugger, CK_RUN_CASE=NAME runs one of several cases.
 *
 * Each test has a process of its own; in a sanitized build all of a suite share one. A fork of
 * AddressSanitizer's tables and LeakSanitizer's search at each end cost many times what most tests
 * do. What a test breaks there ends the program, and is as red; what one test leaves to the next is
 * found, too. Suites that cannot share say why. */

#ifndef MEC_SUITE_H
#define MEC_SUITE_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/* Check writes down where each assertion has held, to tell where a test was when it crashed, and
 * reads all of it in the end. In loops over everything that is most of the work, and the heap that
 * it leaves behind is what LeakSanitizer then goes through after every test. So after the first
 * SUITE_MARKS_ALL of a test only each SUITE_MARKS_STRIDE-th is written down, which still tells the
 * loop. An assertion that fails is always told. */
#define SUITE_MARKS_ALL    1000
#define SUITE_MARKS_STRIDE 101 /* prime: a loop of few assertions has each of them told */

static inline void suite_mark(const char *file, int line)
{
    static unsigned long marks;

    if (marks++ < SUITE_MARKS_ALL || marks % SUITE_MARKS_STRIDE == 0)
        _mark_point(file, line);
}

/* What ck_assert and its like call when they hold. */
#define _mark_point(file, line) suite_mark(file, line)

/* Sanitizers look for bad memory, and make everything several times slower. Of a sweep of tests
 * that differ only in where something breaks, such a build runs each sixth; all others run all. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SUITE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SUITE_SANITIZED 1
#endif
#endif
#ifdef SUITE_SANITIZED
#define SUITE_STRIDE 6
#else
#define SUITE_STRIDE 1
#endif
#define SUITE_SWEEP(rounds) (((rounds) + SUITE_STRIDE - 1) / SUITE_STRIDE)

/* A test that runs once for each _i from 0 to below @rounds. */
struct suite_loop {
    const TTest *test;
    int rounds;
};

/* What is left out is not there, or as Check has it. */
struct suite {
    const char *name;
    SFun set_up; /* before each test, and in its process; as is tear_down behind it */
    SFun tear_down;
    double timeout_s;   /* of each test that has a process */
    bool own_processes; /* in every build */
    const TTest *const *tests;
    size_t test_count;
    const struct suite_loop *loops;
    size_t loop_count;
};

/* The fields for arrays of tests. */
#define SUITE_TESTS(array) .tests = (array), .test_count = sizeof(array) / sizeof((array)[0])
#define SUITE_LOOPS(array) .loops = (array), .loop_count = sizeof(array) / sizeof((array)[0])

/* Run and release @all, made by hand. Returns what main() returns. */
static inline int suite_finish(Suite *all)
{
    SRunner *runner = srunner_create(all);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Make it, run it. Returns what main() returns. */
static inline int suite_run(const struct suite *suite)
{
    Suite *all = suite_create(suite->name);
    TCase *tests = tcase_create(suite->name);

#ifdef SUITE_SANITIZED
    if (!suite->own_processes)
        setenv("CK_FORK", "no", 0);
#endif
    suite_add_tcase(all, tests);
    tcase_add_checked_fixture(tests, suite->set_up, suite->tear_down);
    if (suite->timeout_s > 0)
        tcase_set_timeout(tests, suite->timeout_s);
    for (size_t index = 0; index < suite->test_count; index++)
        tcase_add_test(tests, suite->tests[index]);
    for (size_t index = 0; index < suite->loop_count; index++)
        tcase_add_loop_test(tests, suite->loops[index].test, 0, suite->loops[index].rounds);
    return suite_finish(all);
}

#endif
