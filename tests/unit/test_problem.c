#include <check.h>
#include <string.h>

#include "common/problem.h"
#include "tests/unit/suite.h"

START_TEST(every_problem_is_found_by_its_type)
{
    for (int id = PROBLEM_NONE + 1; id < PROBLEM_COUNT; id++)
        ck_assert_int_eq(problem_find(problem_get((enum problem_id)id)->type), id);
}
END_TEST

START_TEST(every_problem_is_an_error_with_a_title_and_a_plain_type)
{
    for (int id = PROBLEM_NONE + 1; id < PROBLEM_COUNT; id++) {
        const struct problem *problem = problem_get((enum problem_id)id);

        ck_assert_int_ge(problem->status, 400);
        ck_assert_int_lt(problem->status, 600);
        ck_assert_uint_gt(strlen(problem->title), 0);
        ck_assert_uint_eq(strspn(problem->type, "abcdefghijklmnopqrstuvwxyz-"),
                          strlen(problem->type));
    }
}
END_TEST

START_TEST(what_a_client_is_promised_stays)
{
    ck_assert_int_eq(problem_get(PROBLEM_PRECONDITION_FAILED)->status, 412);
    ck_assert_str_eq(problem_get(PROBLEM_PRECONDITION_FAILED)->type, "precondition-failed");
    ck_assert_int_eq(problem_get(PROBLEM_HOME_UNAVAILABLE)->status, 503);
    ck_assert_int_eq(problem_get(PROBLEM_FATE_UNKNOWN)->status, 504);
    ck_assert_int_eq(problem_get(PROBLEM_UNAUTHENTICATED)->status, 401);
}
END_TEST

START_TEST(an_unknown_type_is_a_bug_and_no_type_is_no_problem)
{
    ck_assert_int_eq(problem_find("no-such-problem"), PROBLEM_INTERNAL);
    ck_assert_int_eq(problem_find("Not-Found"), PROBLEM_INTERNAL);
    ck_assert_int_eq(problem_find(""), PROBLEM_NONE);
    ck_assert_int_eq(problem_find(NULL), PROBLEM_NONE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_problem_is_found_by_its_type,
        every_problem_is_an_error_with_a_title_and_a_plain_type,
        what_a_client_is_promised_stays,
        an_unknown_type_is_a_bug_and_no_type_is_no_problem,
    };
    return suite_run(&(struct suite){.name = "problem", SUITE_TESTS(tests)});
}
