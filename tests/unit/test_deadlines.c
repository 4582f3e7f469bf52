/* Deadlines come in their order, whatever was done to them. */

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/deadlines.h"
#include "common/moment.h"
#include "common/random.h"
#include "tests/unit/suite.h"

#define DEADLINES 500

START_TEST(deadlines_come_due_in_order_whatever_was_moved_or_taken_back)
{
    struct deadlines deadlines = {0};
    static struct deadline all[500];
    struct random random;
    uint64_t last = 0, now;
    size_t popped = 0, expected = 0;
    struct deadline *due;

    random_seed(&random, 7);
    for (size_t i = 0; i < 500; i++)
        deadlines_set(&deadlines, &all[i], random_up_to(&random, 10000));
    for (size_t i = 0; i < 500; i += 2)
        deadlines_set(&deadlines, &all[i], random_up_to(&random, 10000));
    for (size_t i = 0; i < 500; i += 5)
        deadlines_clear(&deadlines, &all[i]);
    deadlines_set(&deadlines, &all[1], NEVER_US);
    for (size_t i = 0; i < 500; i++)
        expected += all[i].slot != 0;
    ck_assert_uint_eq(expected, 399);
    for (now = 0; now <= 10000; now++) {
        ck_assert_uint_ge(deadlines_next_us(&deadlines), now);
        while ((due = deadlines_pop(&deadlines, now)) != NULL) {
            ck_assert_uint_ge(due->at_us, last);
            ck_assert_uint_le(due->at_us, now);
            ck_assert_uint_eq(due->slot, 0);
            last = due->at_us;
            popped++;
        }
    }
    ck_assert_uint_eq(popped, expected);
    ck_assert(deadlines_next_us(&deadlines) == NEVER_US);
    deadlines_free(&deadlines);
}
END_TEST

START_TEST(deadlines_come_in_order_whatever_was_set_moved_and_cleared)
{
    struct deadlines deadlines = {0};
    static struct deadline many[DEADLINES];
    struct random random;
    random_seed(&random, (uint64_t)_i + 1);
    memset(many, 0, sizeof(many));
    for (int round = 0; round < 5000; round++) {
        struct deadline *deadline = &many[random_up_to(&random, DEADLINES - 1)];
        if (random_up_to(&random, 2) == 0)
            deadlines_clear(&deadlines, deadline);
        else
            deadlines_set(&deadlines, deadline, random_up_to(&random, 1000));
    }
    size_t set = 0;
    for (size_t index = 0; index < DEADLINES; index++)
        set += many[index].slot != 0;
    ck_assert_uint_eq(set, deadlines.count);

    uint64_t last_us = 0;
    size_t popped = 0;
    while (deadlines_next_us(&deadlines) != NEVER_US) {
        uint64_t next_us = deadlines_next_us(&deadlines);
        ck_assert_uint_ge(next_us, last_us);
        if (next_us > 0)
            ck_assert_ptr_null(deadlines_pop(&deadlines, next_us - 1));
        struct deadline *deadline = deadlines_pop(&deadlines, next_us);
        ck_assert_uint_eq(deadline->at_us, next_us);
        ck_assert_uint_eq(deadline->slot, 0);
        last_us = next_us;
        popped++;
    }
    ck_assert_uint_eq(popped, set);
    deadlines_free(&deadlines);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        deadlines_come_due_in_order_whatever_was_moved_or_taken_back,
    };
    const struct suite_loop loops[] = {
        {deadlines_come_in_order_whatever_was_set_moved_and_cleared, 5},
    };
    return suite_run(&(struct suite){.name = "deadlines", SUITE_TESTS(tests), SUITE_LOOPS(loops)});
}
