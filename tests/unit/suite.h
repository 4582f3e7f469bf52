/* suite: the main of a test: one suite, run by Check. CK_VERBOSITY=verbose names each test,
 * CK_FORK=no keeps them in one process for a debugger, CK_RUN_CASE=NAME runs one of several cases.
 */

#ifndef MEC_SUITE_H
#define MEC_SUITE_H

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

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
    double timeout_s; /* of each test */
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
