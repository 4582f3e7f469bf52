/* The simulator's checks of revocations: what is right goes through, and each breach is found by
 * the check that it breaches. */

#include "suite.h"
#include "watch_fixture.h"

#define BOUND_US (5 * SECOND_US)

static const char *held; /* the user whose tokens the region refuses, ahead of the log */

static void begin(void)
{
    set_up();
    plan.settings.revocation_bound_us = BOUND_US;
    held = "";
}

/* The user's account changes at home, and that voids tokens. */
static struct store_op revoking(uint64_t below, const char *session)
{
    struct store_op op = put_op("account", "x", "");

    op.write.service = "auth";
    op.write.revokes_below = below;
    op.write.revokes_session = session;
    op.write.revokes_until_s = WALL_US / SECOND_US + 600;
    return op;
}

/* The home is known to know of it from now on. */
static void void_tokens(uint64_t below, const char *session)
{
    commit(US, revoking(below, session));
    put("k", "v", "");
}

static struct moment moment(void)
{
    return (struct moment){now_us, WALL_US + now_us};
}

static void take_token(uint32_t region, const char *user, const char *session, uint64_t generation)
{
    struct watch_token token = {US, user, session, generation, WALL_US / SECOND_US + 600};

    tick();
    watch_accepted(watch, moment(), region, &token);
}

static bool is_void(void *context, const char *user, const char *session, uint64_t generation)
{
    (void)context;
    (void)session;
    (void)generation;
    return strcmp(user, held) == 0;
}

static void say_age(uint32_t region, uint64_t age_us)
{
    tick();
    watch_revocations_age(watch, moment(), region, US, age_us, is_void, NULL);
}

/* ---- tokens that are taken ---- */

START_TEST(test_clean_tokens)
{
    take_token(US, USER, "s", 1);
    void_tokens(2, NULL);
    void_tokens(0, "s-1");
    take_token(US, USER, "s", 2);
    take_token(US, "u-bob", "s-1", 1);
    now_us += BOUND_US;
    take_token(EU, USER, "s-2", 2);
    take_token(EU, "u-bob", "s-1", 1);
    check_clean();
}
END_TEST

START_TEST(test_token_within_the_bound)
{
    void_tokens(2, NULL);
    now_us += BOUND_US - 10 * MILLISECOND_US;
    take_token(EU, USER, "s", 1);
    check_clean();
}
END_TEST

START_TEST(test_token_past_the_bound)
{
    void_tokens(2, NULL);
    now_us += BOUND_US + 5 * MILLISECOND_US;
    take_token(EU, USER, "s", 1);
    check_found(WATCH_REVOKED);
}
END_TEST

START_TEST(test_token_of_a_session_that_ended)
{
    void_tokens(0, "s-1");
    now_us += BOUND_US + 5 * MILLISECOND_US;
    take_token(EU, USER, "s-1", 9);
    check_found(WATCH_REVOKED);
}
END_TEST

START_TEST(test_token_of_an_account_that_is_gone)
{
    void_tokens(UINT64_MAX, NULL);
    now_us += BOUND_US + 5 * MILLISECOND_US;
    take_token(EU, USER, "s-1", UINT64_MAX);
    check_found(WATCH_REVOKED);
}
END_TEST

START_TEST(test_token_that_the_home_knows_to_be_void)
{
    void_tokens(2, NULL);
    tick();
    take_token(US, USER, "s", 1);
    check_found(WATCH_REVOKED);
}
END_TEST

START_TEST(test_token_that_has_expired)
{
    now_us += 600 * SECOND_US;
    take_token(EU, USER, "s", 1);
    check_clean();
    now_us += 2 * SECOND_US;
    take_token(EU, USER, "s", 1);
    check_found(WATCH_REVOKED);
}
END_TEST

START_TEST(test_token_and_clocks_that_are_off)
{
    void_tokens(2, NULL);
    watch_clock(watch, now_us, EU, -(int64_t)SECOND_US, 0);
    now_us += BOUND_US + 500 * MILLISECOND_US;
    take_token(EU, USER, "s", 1);
    check_clean();
    now_us += 2 * SECOND_US;
    take_token(EU, USER, "s", 1);
    check_found(WATCH_REVOKED);
}
END_TEST

START_TEST(test_revocation_that_was_given_up)
{
    void_tokens(2, NULL);
    watch_home_moved(watch, tick(), US, EU, 2, 0);
    now_us += BOUND_US + 5 * MILLISECOND_US;
    take_token(AP, USER, "s", 1);
    check_clean();
}
END_TEST

/* ---- what regions say that they know ---- */

START_TEST(test_clean_ages)
{
    say_age(EU, 0);
    void_tokens(2, NULL);
    now_us += SECOND_US;
    say_age(EU, SECOND_US + 10 * MILLISECOND_US);
    held = USER;
    say_age(EU, 0);
    held = "";
    ship(US, EU);
    say_age(EU, 0);
    say_age(US, 0);
    check_clean();
}
END_TEST

START_TEST(test_age_below_the_true_one)
{
    void_tokens(2, NULL);
    now_us += SECOND_US;
    say_age(EU, SECOND_US - 10 * MILLISECOND_US);
    check_found(WATCH_REVOCATIONS_AGE);
}
END_TEST

START_TEST(test_age_with_what_was_given_up_or_has_expired)
{
    void_tokens(2, NULL);
    now_us += 601 * SECOND_US;
    say_age(EU, 0);
    watch_home_moved(watch, tick(), US, EU, 2, 0);
    say_age(AP, 0);
    check_clean();
}
END_TEST

START_TEST(test_age_of_a_batch_whose_fate_was_unknown)
{
    struct store_op op = revoking(0, "s-1");
    struct storage_batch batch = batch_of(US, 1, &op);

    watch_batch_in_doubt(watch, tick(), US, &batch);
    run(US, US, 1, &op);
    store_op_release(&op);
    reopen(US);
    put("k", "v", "");
    put("k", "w", "");
    now_us += SECOND_US;
    check_clean();
    say_age(EU, 0);
    check_found(WATCH_REVOCATIONS_AGE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_clean_tokens,
        test_token_within_the_bound,
        test_token_past_the_bound,
        test_token_of_a_session_that_ended,
        test_token_of_an_account_that_is_gone,
        test_token_that_the_home_knows_to_be_void,
        test_token_that_has_expired,
        test_token_and_clocks_that_are_off,
        test_revocation_that_was_given_up,
        test_clean_ages,
        test_age_below_the_true_one,
        test_age_with_what_was_given_up_or_has_expired,
        test_age_of_a_batch_whose_fate_was_unknown,
    };
    const struct suite suite = {.name = "sim_watch_revocations",
                                .set_up = begin,
                                .tear_down = tear_down,
                                SUITE_TESTS(tests)};

    return suite_run(&suite);
}
