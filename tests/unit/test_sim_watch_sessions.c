/* The simulator's checks of tokens and of deleted accounts: what is right goes through, and each
 * breach is found by the check that it breaches. */

#include "suite.h"
#include "watch_fixture.h"

#define NOTE     "closing/" USER
#define LIFETIME 600u

static const struct token_claims good = {.user = USER,
                                         .shard = "us-east",
                                         .session = "s1",
                                         .scope = TOKEN_SCOPE_ALL,
                                         .generation = 1,
                                         .auth_time_s = WALL_US / SECOND_US,
                                         .issued_s = WALL_US / SECOND_US,
                                         .expires_s = WALL_US / SECOND_US + LIFETIME};

/* ---- what homes do ---- */

static struct store_op account_op(uint64_t generation, const char *more)
{
    static char text[256];
    struct store_op op;

    snprintf(text, sizeof text, "{\"name\":\"ann\",\"generation\":%u%s}", (unsigned)generation,
             more);
    op = put_op("account", text, "");
    op.write.service = "auth";
    return op;
}

static struct store_op account(uint64_t generation, const char *more)
{
    return commit(US, account_op(generation, more));
}

static void session_ends(const char *session)
{
    char more[128];

    snprintf(more, sizeof more, ",\"revoked\":[{\"session\":\"%s\",\"until\":1790000602}]",
             session);
    account(1, more);
}

static void account_goes(void)
{
    struct store_op op = delete_op("account", "");

    op.write.service = "auth";
    commit(US, op);
}

static void note_op(struct store_op op)
{
    op.write.service = "auth";
    op.write.user = "";
    commit(US, op);
}

static void name_op(struct store_op op)
{
    op.write.service = "names";
    op.write.user = "";
    commit(US, op);
}

static void name_is(const char *state)
{
    char text[128];

    snprintf(text, sizeof text, "{\"user\":\"%s\",\"shard\":\"us-east\",\"state\":\"%s\"}", USER,
             state);
    name_op(put_op("ann", text, ""));
}

/* ---- what clients do ---- */

static struct step with(const struct token_claims *claims, uint32_t client,
                        enum plan_operation_kind kind, const char *key)
{
    struct step step = step_of(client, kind, key);

    step.asked.claims = claims;
    step.asked.kid = "us-east.1";
    return step;
}

static struct step asks(const struct token_claims *claims, enum plan_operation_kind kind)
{
    struct step step = with(claims, 1, kind, "");

    ask(&step);
    return step;
}

static void refused(struct step *step, int status, enum problem_id problem)
{
    tell(step, status, problem);
}

/* A read of what there is not, that @region answers by what its copy knows. */
static void reads_in(const struct token_claims *claims, uint32_t region)
{
    struct step step = with(claims, 1, PLAN_OPERATION_READ_STALE, "nothing");

    ask(&step);
    step.outcome.region = names[region];
    tell(&step, 404, PROBLEM_NOT_FOUND);
}

/* It is asked for, done and told. */
static void logs_out(const struct token_claims *claims)
{
    struct step step = with(claims, 0, PLAN_OPERATION_LOG_OUT, "");

    ask(&step);
    session_ends(claims->session);
    watch_stored(watch, US);
    tell(&step, 204, PROBLEM_NONE);
}

static void deletes_account(const struct token_claims *claims)
{
    struct step step = with(claims, 0, PLAN_OPERATION_DELETE_ACCOUNT, "");

    ask(&step);
    note_op(put_op(NOTE, "{\"name\":\"ann\"}", ""));
    account(claims->generation + 1, ",\"closing\":true");
    watch_stored(watch, US);
    tell(&step, 204, PROBLEM_NONE);
}

static void writes_with(const struct token_claims *claims, const char *once)
{
    struct step step = write_of(2, "k", once, once);

    step.asked.claims = claims;
    ask(&step);
    put("k", once, once);
}

static struct token_claims session(const char *name, uint64_t generation)
{
    struct token_claims claims = good;

    snprintf(claims.session, sizeof claims.session, "%s", name);
    claims.generation = generation;
    return claims;
}

static void set_up_account(void)
{
    set_up();
    plan.settings.token_lifetime_s = LIFETIME;
    plan.settings.session_lifetime_s = LIFETIME;
    plan.settings.revocation_bound_us = 5 * SECOND_US;
    account(1, "");
    check_clean();
}

/* ---- a story in which all is well ---- */

START_TEST(test_all_is_well)
{
    struct token_claims other = session("s2", 1), later = session("s3", 2);
    struct step step;

    name_is("confirmed");
    reads_in(&good, US);
    writes_with(&good, "o1");
    logs_out(&good);
    step = asks(&good, PLAN_OPERATION_READ);
    tell(&step, 401, PROBLEM_UNAUTHENTICATED);
    reads_in(&other, US);
    step = asks(&other, PLAN_OPERATION_REVOKE_ALL);
    account(2, "");
    watch_stored(watch, US);
    tell(&step, 204, PROBLEM_NONE);
    step = asks(&other, PLAN_OPERATION_REVOKE_ALL); /* again: it does nothing, and that is fine */
    tell(&step, 204, PROBLEM_NONE);
    deletes_account(&later);
    commit(US, delete_op("k", ""));
    account_goes();
    name_op(delete_op("ann", ""));
    note_op(delete_op(NOTE, ""));
    check_clean();
}
END_TEST

/* ---- void tokens ---- */

START_TEST(test_void_token_is_honoured_at_home)
{
    logs_out(&good);
    reads_in(&good, US);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_void_token_is_honoured_by_who_has_heard)
{
    logs_out(&good);
    ship(US, EU);
    reads_in(&good, EU); /* it is on its disk, but nobody has told it */
    check_clean();
    watch_stored(watch, EU);
    reads_in(&good, EU);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_void_token_is_honoured_by_who_was_told_ahead)
{
    struct step step;

    logs_out(&good);
    step = with(&good, 1, PLAN_OPERATION_READ_STALE, "nothing");
    step.asked.told_ahead = 1u << AP;
    ask(&step);
    step.outcome.region = names[EU];
    tell(&step, 404, PROBLEM_NOT_FOUND);
    check_clean();
    ask(&step);
    step.outcome.region = names[AP];
    tell(&step, 404, PROBLEM_NOT_FOUND);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

static void reads_without_its_key(enum plan_operation_kind kind, uint32_t keyless, int status)
{
    struct step step = with(&good, 1, kind, "nothing");

    step.asked.keyless = keyless;
    ask(&step);
    step.outcome.region = names[AP];
    tell(&step, status, status == 404 ? PROBLEM_NOT_FOUND : PROBLEM_UNAUTHENTICATED);
}

START_TEST(test_token_of_a_key_that_is_gone_is_honoured)
{
    reads_without_its_key(PLAN_OPERATION_READ_STALE, 1u << EU, 404);
    check_clean();
    reads_without_its_key(PLAN_OPERATION_READ_STALE, 1u << AP, 404);
    check_found(WATCH_TOKENS);
}
END_TEST

START_TEST(test_session_ends_by_a_key_that_is_gone)
{
    struct step step = with(&good, 0, PLAN_OPERATION_LOG_OUT, "");

    step.asked.keyless = 1u << US;
    ask(&step);
    session_ends(good.session);
    watch_stored(watch, US);
    step.outcome.region = names[US];
    tell(&step, 204, PROBLEM_NONE);
    check_found(WATCH_TOKENS);
}
END_TEST

START_TEST(test_clean_token_of_a_leaked_key)
{
    watch_keys_leaked(watch, US, 2);
    reads_without_its_key(PLAN_OPERATION_READ_STALE, 1u << AP, 401);
    check_clean();
}
END_TEST

START_TEST(test_token_of_a_key_behind_the_leaked_one_is_refused)
{
    struct step step = with(&good, 1, PLAN_OPERATION_WHOAMI, "");

    watch_keys_leaked(watch, US, 2);
    watch_keys_leaked(watch, EU, 3);
    step.asked.kid = "us-east.3";
    ask(&step);
    refused(&step, 401, PROBLEM_UNAUTHENTICATED);
    check_found(WATCH_TOKEN_GOOD);
}
END_TEST

START_TEST(test_void_token_is_honoured_past_a_bookmark)
{
    struct step step;

    ship(US, EU);
    logs_out(&good);
    step = with(&good, 1, PLAN_OPERATION_READ, "nothing");
    bookmarks[1].count = 1;
    bookmarks[1].positions[0] = (struct position){.shard = "us-east", .epoch = 1, .seq = 2};
    ask(&step);
    step.outcome.region = names[EU];
    tell(&step, 404, PROBLEM_NOT_FOUND);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

static void opens_an_item_in(uint32_t region)
{
    struct step step = with(&good, 1, PLAN_OPERATION_VAULT_GET, "k");

    ask(&step);
    step.outcome.region = names[region];
    step.outcome.served = MEC__SERVED__SERVED_REPLICA;
    tell(&step, 404, PROBLEM_NOT_FOUND);
}

/* Whether it has heard or not. */
START_TEST(test_void_token_opens_an_item_past_the_bound)
{
    struct step step = with(&good, 0, PLAN_OPERATION_LOG_OUT, "");
    struct store_op op = account_op(1, ",\"revoked\":[{\"session\":\"s1\",\"until\":1}]");

    ask(&step);
    op.write.revokes_session = "s1";
    commit(US, op);
    ship(US, AP); /* by now the home surely knows */
    opens_an_item_in(EU);
    check_clean();
    now_us += 6 * SECOND_US;
    opens_an_item_in(EU);
    check_found(WATCH_REVOKED);
}
END_TEST

START_TEST(test_token_of_a_deleted_user_is_honoured)
{
    deletes_account(&good);
    reads_in(&good, US);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_write_with_a_void_token)
{
    struct step step = asks(&good, PLAN_OPERATION_LOG_OUT);

    session_ends("s1");
    writes_with(&good, "o1"); /* it was on its way by then */
    check_clean();
    tell(&step, 204, PROBLEM_NONE);
    writes_with(&good, "o2");
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

/* As regiond/receipts.c packs it. */
static struct queue_op enqueue_with(const struct token_claims *from, const char *receipt,
                                    const char *once)
{
    struct queue_op op = enqueue_op(receipt, once, once);
    Mec__Claims claims = MEC__CLAIMS__INIT;
    Mec__Call call = MEC__CALL__INIT;
    static uint8_t packed[512];

    claims.user = (char *)(uintptr_t)from->user;
    claims.shard = (char *)(uintptr_t)from->shard;
    claims.session = (char *)(uintptr_t)from->session;
    claims.generation = from->generation;
    call.claims = &claims;
    ck_assert_uint_le(mec__call__get_packed_size(&call), sizeof packed);
    op.entry.call = (struct slice){(const char *)packed, mec__call__pack(&call, packed)};
    return op;
}

START_TEST(test_queued_write_with_a_void_token)
{
    queue(EU, enqueue_with(&good, "eu-west.1", "o1"));
    logs_out(&good);
    put("l", "v", "");
    deliver("k", "o1", "o1", "eu-west.1");
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_session_ends_by_itself)
{
    session_ends("s1");
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_old_token_ends_newer_sessions)
{
    struct step step;

    logs_out(&good);
    step = asks(&good, PLAN_OPERATION_REVOKE_ALL);
    account(2, "");
    tell(&step, 204, PROBLEM_NONE);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_request_that_was_refused_has_its_effect)
{
    struct step step = asks(&good, PLAN_OPERATION_REVOKE_ALL);

    plan.settings.user_rate_per_s = 1;
    tell(&step, 429, PROBLEM_TOO_MANY);
    check_clean();
    account(2, "");
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_log_out_deletes_the_account)
{
    asks(&good, PLAN_OPERATION_LOG_OUT);
    account(2, ",\"closing\":true");
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_log_out_is_told_and_is_not)
{
    struct step step = asks(&good, PLAN_OPERATION_LOG_OUT);

    tell(&step, 204, PROBLEM_NONE);
    check_found(WATCH_ACKNOWLEDGED);
}
END_TEST

START_TEST(test_narrow_token_does_more)
{
    struct token_claims narrow = good;
    struct step step;

    strcpy(narrow.scope, "metadata");
    step = asks(&narrow, PLAN_OPERATION_REVOKE_ALL);
    refused(&step, 403, PROBLEM_SCOPE);
    check_clean();
    step = asks(&narrow, PLAN_OPERATION_REVOKE_ALL);
    account(2, "");
    tell(&step, 204, PROBLEM_NONE);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

/* ---- good tokens ---- */

START_TEST(test_good_token_is_refused)
{
    struct step step = asks(&good, PLAN_OPERATION_READ);

    refused(&step, 401, PROBLEM_UNAUTHENTICATED);
    check_found(WATCH_TOKEN_GOOD);
}
END_TEST

START_TEST(test_good_token_is_refused_for_its_scope)
{
    struct step step = asks(&good, PLAN_OPERATION_DELETE_ACCOUNT);

    refused(&step, 403, PROBLEM_SCOPE);
    check_found(WATCH_TOKEN_GOOD);
}
END_TEST

START_TEST(test_token_is_refused_with_reason)
{
    struct token_claims expired = good, early = good, old = good, lost = good;
    struct step step;

    expired.expires_s = expired.issued_s + 1;
    now_us = 2 * SECOND_US;
    step = asks(&expired, PLAN_OPERATION_READ);
    refused(&step, 401, PROBLEM_UNAUTHENTICATED);
    early.issued_s += 3; /* by a clock that was ahead */
    step = asks(&early, PLAN_OPERATION_READ);
    refused(&step, 401, PROBLEM_UNAUTHENTICATED);
    old.auth_time_s -= LIFETIME;
    step = asks(&old, PLAN_OPERATION_REFRESH);
    refused(&step, 401, PROBLEM_UNAUTHENTICATED);
    strcpy(lost.user, "u-bob");
    step = asks(&lost, PLAN_OPERATION_READ);
    refused(&step, 401, PROBLEM_UNAUTHENTICATED);
    check_clean();
    step = asks(&old, PLAN_OPERATION_READ); /* it is too old to be renewed, not to be used */
    refused(&step, 401, PROBLEM_UNAUTHENTICATED);
    check_found(WATCH_TOKEN_GOOD);
}
END_TEST

static void queued_write_is_forbidden(void)
{
    struct queue_op op = settle_op(1, QUEUE_REJECTED, "");

    op.entry.problem = "forbidden";
    queue(EU, op);
}

START_TEST(test_queued_write_of_a_good_token_is_forbidden)
{
    queue(EU, enqueue_with(&good, "eu-west.1", "o1"));
    queued_write_is_forbidden();
    check_found(WATCH_TOKEN_GOOD);
}
END_TEST

START_TEST(test_queued_write_of_a_void_token_is_forbidden)
{
    queue(EU, enqueue_with(&good, "eu-west.1", "o1"));
    logs_out(&good);
    queued_write_is_forbidden();
    check_clean();
}
END_TEST

/* ---- what is given out ---- */

static void renews(const struct token_claims *from, const struct token_claims *to,
                   Mec__Served served)
{
    struct step step = asks(from, from ? PLAN_OPERATION_REFRESH : PLAN_OPERATION_LOG_IN);

    step.outcome.issued = to;
    step.outcome.served = served;
    tell(&step, 201, PROBLEM_NONE);
}

START_TEST(test_token_is_renewed)
{
    struct token_claims next = good;

    next.issued_s++;
    renews(&good, &next, MEC__SERVED__SERVED_HOME);
    check_clean();
    renews(&good, &next, MEC__SERVED__SERVED_REPLICA);
    check_found(WATCH_FAILS_CLOSED);
}
END_TEST

START_TEST(test_token_is_renewed_for_another_session)
{
    struct token_claims next = session("s2", 1);

    renews(&good, &next, MEC__SERVED__SERVED_HOME);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_session_is_renewed_past_its_end)
{
    struct token_claims next = good;

    next.issued_s++;
    next.expires_s++;
    renews(&good, &next, MEC__SERVED__SERVED_HOME);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_token_lives_too_long)
{
    struct token_claims next = good;

    next.expires_s++;
    name_is("confirmed");
    renews(NULL, &next, MEC__SERVED__SERVED_HOME);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_token_of_no_account)
{
    struct token_claims next = session("s1", 2);

    name_is("confirmed");
    renews(NULL, &next, MEC__SERVED__SERVED_HOME);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_log_in_to_a_deleted_account)
{
    name_is("confirmed");
    deletes_account(&good);
    put("l", "v", ""); /* the home has been told of the batch before by now */
    renews(NULL, &good, MEC__SERVED__SERVED_HOME);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

START_TEST(test_void_token_is_renewed)
{
    logs_out(&good);
    put("l", "v", "");
    renews(&good, &good, MEC__SERVED__SERVED_HOME);
    check_found(WATCH_TOKEN_VOID);
}
END_TEST

/* ---- deleted accounts ---- */

START_TEST(test_record_goes_by_itself)
{
    put("k", "v", "o");
    commit(US, delete_op("k", ""));
    check_found(WATCH_ERASED);
}
END_TEST

START_TEST(test_account_goes_by_itself)
{
    account_goes();
    check_found(WATCH_ERASED);
}
END_TEST

START_TEST(test_account_is_made_again)
{
    deletes_account(&good);
    account_goes();
    check_clean();
    account(1, "");
    check_found(WATCH_ERASED);
}
END_TEST

START_TEST(test_note_goes_before_a_record)
{
    put("k", "v", "o");
    deletes_account(&good);
    account_goes();
    note_op(delete_op(NOTE, ""));
    check_found(WATCH_ERASED);
}
END_TEST

START_TEST(test_note_goes_before_the_name)
{
    name_is("confirmed");
    deletes_account(&good);
    account_goes();
    note_op(delete_op(NOTE, ""));
    check_found(WATCH_ERASED);
}
END_TEST

START_TEST(test_something_is_left)
{
    const char *user, *what;

    name_is("confirmed");
    put("k", "v", "o");
    ck_assert_uint_eq(watch_unerased(watch, 7, &user, &what), 0);
    deletes_account(&good);
    ck_assert_uint_eq(watch_unerased(watch, 7, &user, &what), 1);
    ck_assert_str_eq(user, USER);
    commit(US, delete_op("k", ""));
    ck_assert_uint_eq(watch_unerased(watch, 7, &user, &what), 1);
    account_goes();
    ck_assert_uint_eq(watch_unerased(watch, 7, &user, &what), 1);
    ck_assert_str_eq(what, "the name");
    name_op(delete_op("ann", ""));
    ck_assert_uint_eq(watch_unerased(watch, 7, &user, &what), 1);
    ck_assert_str_eq(what, "the note");
    note_op(delete_op(NOTE, ""));
    ck_assert_uint_eq(watch_unerased(watch, 7, &user, &what), 0);
    check_clean();
}
END_TEST

START_TEST(test_name_is_given_back_too_early)
{
    name_is("confirmed");
    name_op(delete_op("ann", ""));
    check_found(WATCH_NAME_UNIQUE);
}
END_TEST

START_TEST(test_name_is_given_back_while_the_account_closes)
{
    name_is("confirmed");
    deletes_account(&good);
    name_op(delete_op("ann", ""));
    check_found(WATCH_NAME_UNIQUE);
}
END_TEST

static void signs_up(int status, enum problem_id problem)
{
    struct step step = step_of(2, PLAN_OPERATION_SIGN_UP, "");

    ask(&step);
    at(&step, 1, watch_last_seq(watch, US));
    body(&step, "{\"id\":\"" USER "\"}");
    tell(&step, status, problem);
}

START_TEST(test_sign_up_of_a_deleted_account)
{
    name_is("confirmed");
    deletes_account(&good);
    put("l", "v", "");
    signs_up(422, PROBLEM_KEY_REUSED);
    check_clean();
    signs_up(201, PROBLEM_NONE);
    check_found(WATCH_ERASED);
}
END_TEST

START_TEST(test_sign_up_is_taken_for_a_deleted_one)
{
    signs_up(422, PROBLEM_KEY_REUSED);
    check_found(WATCH_KEY_REUSE);
}
END_TEST

START_TEST(test_log_in_after_another_has_the_name)
{
    struct step step;

    name_is("confirmed");
    signs_up(201, PROBLEM_NONE);
    deletes_account(&good);
    step = asks(NULL, PLAN_OPERATION_LOG_IN); /* the name is theirs still */
    tell(&step, 401, PROBLEM_UNAUTHENTICATED);
    check_clean();
    account_goes();
    name_op(delete_op("ann", ""));
    step = asks(NULL, PLAN_OPERATION_LOG_IN);
    tell(&step, 401, PROBLEM_UNAUTHENTICATED);
    check_clean();
}
END_TEST

/* ---- limits ---- */

START_TEST(test_limits_that_there_are_not)
{
    static const enum plan_operation_kind kinds[] = {PLAN_OPERATION_READ, PLAN_OPERATION_LOG_IN,
                                                     PLAN_OPERATION_READ};
    struct step step = asks(&good, kinds[_i]);

    plan.settings.user_rate_per_s = _i == 0 ? 0 : 1;
    plan.settings.login_rate_per_min = _i == 1 ? 0 : 1;
    plan.settings.client_rate_per_s = _i == 2 ? 0 : 1;
    if (_i == 2)
        step.outcome.region = NULL;
    tell(&step, 429, PROBLEM_TOO_MANY);
    check_found(WATCH_LIMITED);
}
END_TEST

START_TEST(test_limits_that_there_are)
{
    struct step step;

    plan.settings.user_rate_per_s = plan.settings.login_rate_per_min = 1;
    plan.settings.client_rate_per_s = 1;
    step = asks(&good, PLAN_OPERATION_READ);
    tell(&step, 429, PROBLEM_TOO_MANY);
    step = asks(NULL, PLAN_OPERATION_LOG_IN);
    tell(&step, 429, PROBLEM_TOO_MANY);
    step = asks(&good, PLAN_OPERATION_WRITE);
    step.outcome.region = NULL;
    tell(&step, 429, PROBLEM_TOO_MANY);
    check_clean();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_all_is_well,
        test_void_token_is_honoured_at_home,
        test_void_token_is_honoured_by_who_has_heard,
        test_void_token_is_honoured_by_who_was_told_ahead,
        test_token_of_a_key_that_is_gone_is_honoured,
        test_session_ends_by_a_key_that_is_gone,
        test_clean_token_of_a_leaked_key,
        test_token_of_a_key_behind_the_leaked_one_is_refused,
        test_void_token_is_honoured_past_a_bookmark,
        test_void_token_opens_an_item_past_the_bound,
        test_token_of_a_deleted_user_is_honoured,
        test_write_with_a_void_token,
        test_queued_write_with_a_void_token,
        test_session_ends_by_itself,
        test_old_token_ends_newer_sessions,
        test_request_that_was_refused_has_its_effect,
        test_log_out_deletes_the_account,
        test_log_out_is_told_and_is_not,
        test_narrow_token_does_more,
        test_good_token_is_refused,
        test_good_token_is_refused_for_its_scope,
        test_token_is_refused_with_reason,
        test_queued_write_of_a_good_token_is_forbidden,
        test_queued_write_of_a_void_token_is_forbidden,
        test_token_is_renewed,
        test_token_is_renewed_for_another_session,
        test_session_is_renewed_past_its_end,
        test_token_lives_too_long,
        test_token_of_no_account,
        test_log_in_to_a_deleted_account,
        test_void_token_is_renewed,
        test_record_goes_by_itself,
        test_account_goes_by_itself,
        test_account_is_made_again,
        test_note_goes_before_a_record,
        test_note_goes_before_the_name,
        test_something_is_left,
        test_name_is_given_back_too_early,
        test_name_is_given_back_while_the_account_closes,
        test_sign_up_of_a_deleted_account,
        test_sign_up_is_taken_for_a_deleted_one,
        test_log_in_after_another_has_the_name,
        test_limits_that_there_are,
    };
    const struct suite_loop loops[] = {{test_limits_that_there_are_not, 3}};

    return suite_run(&(struct suite){.name = "sim_watch_sessions",
                                     .set_up = set_up_account,
                                     .tear_down = tear_down,
                                     SUITE_LOOPS(loops),
                                     SUITE_TESTS(tests)});
}
