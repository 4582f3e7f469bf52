#include <check.h>
#include <stdbool.h>

#include "common/random.h"
#include "tests/unit/suite.h"

/* A second writing-down of both published generators, word for word from their definitions, so that
 * a slip in either is seen. */
static uint64_t reference_splitmix(uint64_t seed, int step)
{
    uint64_t z = seed + (uint64_t)step * UINT64_C(0x9e3779b97f4a7c15);

    z ^= z >> 30;
    z *= UINT64_C(0xbf58476d1ce4e5b9);
    z ^= z >> 27;
    z *= UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

START_TEST(the_seed_spreads_as_splitmix64_says)
{
    struct random random;

    random_seed(&random, 0);
    /* The first number of SplitMix64 from seed 0 is well known. */
    ck_assert_uint_eq(random.state[0], UINT64_C(0xe220a8397b1dcdaf));
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(random.state[i], reference_splitmix(0, i + 1));
}
END_TEST

START_TEST(the_numbers_are_those_of_xoshiro256_starstar)
{
    /* From state {1, 2, 3, 4}: rotl(2 * 5, 7) * 9 = 11520, then rotl(0 * 5, 7) * 9 = 0, then
     * s1 = 262149: 262149 * 5 * 128 * 9. */
    struct random random = {{1, 2, 3, 4}};

    ck_assert_uint_eq(random_next(&random), 11520);
    ck_assert_uint_eq(random_next(&random), 0);
    ck_assert_uint_eq(random_next(&random), UINT64_C(1509978240));
    ck_assert_uint_eq(random_next(&random), UINT64_C(1215971899390074240));
}
END_TEST

START_TEST(one_seed_gives_one_sequence_and_another_seed_another)
{
    struct random a, b, other;
    bool differs = false;

    random_seed(&a, 42);
    random_seed(&b, 42);
    random_seed(&other, 43);
    for (int i = 0; i < 100; i++) {
        uint64_t number = random_next(&a);

        ck_assert_uint_eq(number, random_next(&b));
        differs |= number != random_next(&other);
    }
    ck_assert(differs);
}
END_TEST

START_TEST(both_ends_of_a_range_come_and_nothing_beyond)
{
    struct random random;
    unsigned seen[6] = {0};

    random_seed(&random, 7);
    for (int i = 0; i < 60000; i++) {
        uint64_t number = random_up_to(&random, 5);

        ck_assert_uint_le(number, 5);
        seen[number]++;
    }
    for (int i = 0; i < 6; i++) { /* 10,000 each, give or take ten sigma */
        ck_assert_uint_gt(seen[i], 9000);
        ck_assert_uint_lt(seen[i], 11000);
    }
}
END_TEST

START_TEST(a_range_of_one_number_still_draws)
{
    struct random a, b;

    random_seed(&a, 1);
    random_seed(&b, 1);
    ck_assert_uint_eq(random_up_to(&a, 0), 0);
    random_next(&b);
    ck_assert_uint_eq(random_next(&a), random_next(&b));
}
END_TEST

START_TEST(the_full_range_is_the_numbers_themselves)
{
    struct random a, b;

    random_seed(&a, 9);
    random_seed(&b, 9);
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(random_up_to(&a, UINT64_MAX), random_next(&b));
}
END_TEST

START_TEST(a_huge_range_is_not_biased_to_its_lower_half)
{
    /* Of 3 * 2^62 values a plain remainder would give the lowest third half of all draws. */
    uint64_t most = UINT64_C(3) * (UINT64_C(1) << 62) - 1;
    struct random random;
    unsigned low = 0;

    random_seed(&random, 3);
    for (int i = 0; i < 30000; i++) {
        uint64_t number = random_up_to(&random, most);

        ck_assert_uint_le(number, most);
        low += number < (UINT64_C(1) << 62);
    }
    ck_assert_uint_gt(low, 9000);
    ck_assert_uint_lt(low, 11000);
}
END_TEST

START_TEST(a_unit_is_never_one)
{
    struct random random;
    double sum = 0;

    random_seed(&random, 5);
    for (int i = 0; i < 100000; i++) {
        double unit = random_unit(&random);

        ck_assert_double_ge(unit, 0.0);
        ck_assert_double_lt(unit, 1.0);
        sum += unit;
    }
    ck_assert_double_eq_tol(sum / 100000, 0.5, 0.01);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_seed_spreads_as_splitmix64_says,
        the_numbers_are_those_of_xoshiro256_starstar,
        one_seed_gives_one_sequence_and_another_seed_another,
        both_ends_of_a_range_come_and_nothing_beyond,
        a_range_of_one_number_still_draws,
        the_full_range_is_the_numbers_themselves,
        a_huge_range_is_not_biased_to_its_lower_half,
        a_unit_is_never_one,
    };
    return suite_run(&(struct suite){.name = "random", SUITE_TESTS(tests)});
}
