/* What one user lets another read: granted, withdrawn, void; and that whoever may not read cannot
 * tell why. */

#include "vault_fixture.h"

#include "common/reach.h"

START_TEST(what_is_granted_is_read_from_every_region)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");
    const Mec__Answer *answer;

    put(US, ada, "note", "for bob");
    answer = grant(US, ada, "note", "Bob"); /* names are the same in any case of letters */
    ck_assert_status(answer, 201);
    driver_ship_all(driver);
    for (size_t node = 0; node < 3; node++) {
        answer = get_of(node, bob, "ADA", "note");
        ck_assert_value(answer, "for bob");
        ck_assert_uint_eq(answer->version, 1);
        ck_assert_str_eq(answer->home, "us-east");
        /* The session has seen the owner's shard, up to the grant. */
        ck_assert_str_eq(answer->position->shard, "us-east");
        ck_assert_str_eq(answer->seen->shard, "us-east");
        ck_assert_uint_eq(answer->seen->seq, answer->position->seq);
    }
    ck_assert_status(grant(US, ada, "note", "bob"), 204); /* again */
}
END_TEST

START_TEST(a_grant_is_for_reading_that_item_alone)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(US, "bob");
    Mec__Call call = vault_call(MEC__OPERATION__VAULT_LIST, bob, "");

    put(US, ada, "note", "for bob");
    put(US, ada, "diary", "for nobody");
    grant(US, ada, "note", "bob");
    ck_assert_value(get_of(US, bob, "ada", "note"), "for bob");
    ck_assert_problem(get_of(US, bob, "ada", "diary"), 404, "not-found");
    ck_assert_problem(get(US, bob, "note"), 404, "not-found");
    ck_assert_str_eq(driver_body(ask(US, call)), "{\"items\":[],\"next\":null}");
    /* What bob writes under that name is bob's. */
    ck_assert_problem(take_out(US, bob, "note"), 404, "not-found");
    ck_assert_status(put(US, bob, "note", "bob's own"), 201);
    ck_assert_value(get_of(US, bob, "ada", "note"), "for bob");
    ck_assert_value(get(US, ada, "note"), "for bob");
    /* And a grant does not go the other way. */
    ck_assert_problem(get_of(US, ada, "bob", "note"), 404, "not-found");
}
END_TEST

START_TEST(whoever_may_not_read_cannot_tell_why)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob"), *eve = sign_up(EU, "eve");

    put(US, ada, "granted", "v");
    grant(US, ada, "granted", "bob");
    put(US, ada, "not-granted", "v");
    put(US, ada, "deleted", "v");
    grant(US, ada, "deleted", "eve");
    take_out(US, ada, "deleted");
    put(US, ada, "made-again", "v");
    grant(US, ada, "made-again", "eve");
    take_out(US, ada, "made-again");
    put(US, ada, "made-again", "w");
    put(US, ada, "withdrawn", "v");
    grant(US, ada, "withdrawn", "eve");
    withdraw(US, ada, "withdrawn", "eve");
    driver_ship_all(driver);
    ck_assert_value(get_of(US, bob, "ada", "granted"), "v");
    for (size_t node = 0; node < 3; node++) {
        static const char *const items[] = {"granted", "not-granted", "deleted", "made-again",
                                            "withdrawn"};
        const Mec__Answer *nothing = get_of(node, eve, "ada", "never-was");
        const char *const nobodies[] = {"nobody", "no body!", "Nobody", "x"};

        ck_assert_problem(nothing, 404, "not-found");
        ck_assert_int_eq(nothing->verdict, MEC__VERDICT__FINAL);
        ck_assert_str_eq(nothing->home, "eu-west"); /* eve's own */
        for (size_t i = 0; i < sizeof items / sizeof items[0]; i++)
            ck_assert(are_the_same(get_of(node, eve, "ada", items[i]), nothing));
        for (size_t i = 0; i < sizeof nobodies / sizeof nobodies[0]; i++)
            ck_assert(are_the_same(get_of(node, eve, nobodies[i], "granted"), nothing));
        ck_assert(status_says(node, "\"denied\":10"));
        /* bob lives where eve does, and ada does not. */
        ck_assert(are_the_same(get_of(node, eve, "bob", "granted"), nothing));
    }
}
END_TEST

START_TEST(what_is_withdrawn_is_refused_at_home_at_once_and_elsewhere_when_it_is_heard_of)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");

    put(US, ada, "note", "v");
    grant(US, ada, "note", "bob");
    driver_ship_all(driver);
    ck_assert_value(get_of(EU, bob, "ada", "note"), "v");
    ck_assert_status(withdraw(US, ada, "note", "BOB"), 204);
    ck_assert_problem(get_of(US, bob, "ada", "note"), 404, "not-found");
    ck_assert_value(get_of(EU, bob, "ada", "note"), "v"); /* within the promised bound */
    driver_ship(driver, "us-east", US, EU);
    ck_assert_problem(get_of(EU, bob, "ada", "note"), 404, "not-found");
    /* ap-northeast never hears of it; then it may show nothing. */
    driver_run(driver, 6 * SECOND_US);
    ck_assert_problem(get_of(AP, bob, "ada", "note"), 503, "revocations-stale");
    ck_assert_problem(withdraw(US, ada, "note", "bob"), 404, "not-found");
}
END_TEST

/* Tell @node of revocations alone, as a home does ahead of its log: nothing is void up to there. */
static void tell_ahead(size_t node, uint64_t last_seq)
{
    Mec__Apply apply = MEC__APPLY__INIT;

    apply.shard = "us-east";
    apply.epoch = 1;
    apply.home = "us-east";
    apply.home_wall_us = driver->at.wall_us;
    apply.home_last_seq = last_seq;
    apply.revocations_through_seq = last_seq;
    driver_send(driver, node, DRIVER_CLIENT, FRAME_APPLY, &apply.base);
}

START_TEST(a_log_that_is_behind_is_not_trusted_though_revocations_are_known)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");
    uint64_t last_seq;

    put(US, ada, "note", "v");
    grant(US, ada, "note", "bob");
    driver_ship_all(driver);
    last_seq = withdraw(US, ada, "note", "bob")->position->seq;
    driver_run(driver, 4 * SECOND_US);
    tell_ahead(EU, last_seq);
    driver_run(driver, 2 * SECOND_US);
    tell_ahead(EU, last_seq);
    ck_assert_problem(get_of(EU, bob, "ada", "note"), 503, "revocations-stale");
    ck_assert_value(get(EU, ada, "note"), "v"); /* that says enough for her own items */
}
END_TEST

START_TEST(the_readers_own_shard_must_be_known_newly_enough_too)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");
    const Mec__Answer *answer;

    put(US, ada, "note", "v");
    grant(US, ada, "note", "bob");
    driver_ship_all(driver);
    driver_run(driver, 6 * SECOND_US);
    answer = get_of(US, bob, "ada", "note"); /* ada's home, but not bob's */
    ck_assert_problem(answer, 503, "revocations-stale");
    ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_SERVING);
    driver_ship(driver, "eu-west", EU, US);
    ck_assert_value(get_of(US, bob, "ada", "note"), "v");
    /* The same for nobody's items: who asks learns nothing from it. */
    driver_run(driver, 6 * SECOND_US);
    ck_assert(are_the_same(get_of(AP, bob, "ada", "note"), get_of(AP, bob, "nobody", "note")));
}
END_TEST

START_TEST(a_name_that_nobody_has_is_as_stale_as_any)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");
    const Mec__Answer *stale;
    int alike = 0;

    put(US, ada, "note", "v");
    driver_ship_all(driver);
    driver_run(driver, 6 * SECOND_US); /* bob's own shard is at home here, all others are stale */
    stale = get_of(EU, bob, "ada", "note");
    ck_assert_problem(stale, 503, "revocations-stale");
    for (int i = 0; i < 12; i++) {
        const Mec__Answer *answer =
            get_of(EU, bob, arena_format(driver->arena, "nobody-%d", i), "note");

        alike += are_the_same(answer, stale);
        if (answer->status != 503) /* who would be at home here */
            ck_assert_problem(answer, 404, "not-found");
    }
    ck_assert_int_gt(alike, 0);
}
END_TEST

START_TEST(a_bookmark_of_the_owners_shard_counts)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");
    Mec__Call call = get_call(bob, "note", "ada");
    Mec__Position seen = MEC__POSITION__INIT, *bookmark[] = {&seen};
    const Mec__Answer *answer;
    uint64_t id;

    put(US, ada, "note", "old");
    grant(US, ada, "note", "bob");
    driver_ship_all(driver);
    put(US, ada, "note", "new");
    seen = *get_of(US, bob, "ada", "note")->seen;
    call.bookmark = bookmark;
    call.n_bookmark = 1;
    answer = ask(EU, call);
    ck_assert_int_eq(answer->verdict, MEC__VERDICT__BEHIND);
    call.wait_us = SECOND_US;
    id = driver_call(driver, EU, &call);
    ck_assert_ptr_null(driver_answer(driver, EU, id));
    driver_ship(driver, "us-east", US, EU);
    ck_assert_value(driver_answer(driver, EU, id), "new");
}
END_TEST

START_TEST(who_has_waited_for_a_bookmark_is_refused_like_anybody)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob"), *eve = sign_up(EU, "eve");
    Mec__Call call = get_call(eve, "note", "ada");
    Mec__Position seen = MEC__POSITION__INIT, *bookmark[] = {&seen};
    const Mec__Answer *waited;
    uint64_t id;

    put(US, ada, "note", "old");
    grant(US, ada, "note", "bob");
    driver_ship_all(driver);
    put(US, ada, "note", "new");
    seen = *get_of(US, bob, "ada", "note")->seen;
    call.bookmark = bookmark;
    call.n_bookmark = 1;
    call.wait_us = SECOND_US;
    id = driver_call(driver, EU, &call);
    driver_ship(driver, "us-east", US, EU);
    waited = driver_answer(driver, EU, id);
    ck_assert_problem(waited, 404, "not-found");
    ck_assert(are_the_same(get_of(EU, eve, "ada", "none"), waited));
}
END_TEST

START_TEST(an_item_that_is_made_anew_is_granted_to_nobody)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");
    Mec__Call list = vault_call(MEC__OPERATION__GRANT_LIST, ada, "note");

    put(US, ada, "note", "v");
    grant(US, ada, "note", "bob");
    take_out(US, ada, "note");
    ck_assert_problem(ask(US, list), 404, "not-found");
    ck_assert_problem(grant(US, ada, "note", "bob"), 404, "not-found");
    put(US, ada, "note", "w");
    ck_assert_problem(get_of(US, bob, "ada", "note"), 404, "not-found");
    ck_assert_str_eq(driver_body(ask(US, list)), "{\"items\":[],\"next\":null}");
    ck_assert_status(grant(US, ada, "note", "bob"), 201);
    ck_assert_value(get_of(US, bob, "ada", "note"), "w");
    put(US, ada, "note", "x"); /* a new version is the same item */
    ck_assert_value(get_of(US, bob, "ada", "note"), "x");
}
END_TEST

START_TEST(who_is_granted_is_listed_by_name)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");
    Mec__Call list = vault_call(MEC__OPERATION__GRANT_LIST, ada, "note");
    const Mec__Answer *answer;

    sign_up(EU, "carl");
    sign_up(AP, "dora");
    put(US, ada, "note", "v");
    put(US, ada, "note2", "v");
    grant(US, ada, "note", "dora");
    grant(US, ada, "note", "bob");
    grant(US, ada, "note", "carl");
    grant(US, ada, "note2", "carl");
    withdraw(US, ada, "note", "carl");
    driver_ship_all(driver);
    for (size_t node = 0; node < 3; node++) {
        answer = ask(node, list);
        ck_assert_status(answer, 200);
        ck_assert_ptr_nonnull(strstr(driver_body(answer), "{\"items\":[{\"name\":\"bob\",\"upda"));
        ck_assert_ptr_nonnull(strstr(driver_body(answer), "},{\"name\":\"dora\",\"upda"));
        ck_assert_ptr_null(strstr(driver_body(answer), "carl"));
        ck_assert_ptr_nonnull(strstr(driver_body(answer), "],\"next\":null}"));
    }
    list.limit = 1;
    ck_assert_ptr_nonnull(strstr(driver_body(ask(US, list)), "],\"next\":\"bob\"}"));
    list.after = "bob";
    ck_assert_ptr_null(strstr(driver_body(ask(US, list)), "bob"));
    ck_assert_ptr_nonnull(strstr(driver_body(ask(US, list)), "dora"));
    list = vault_call(MEC__OPERATION__GRANT_LIST, bob, "note"); /* not even that it exists */
    ck_assert_problem(ask(US, list), 404, "not-found");
}
END_TEST

START_TEST(who_cannot_be_granted_anything)
{
    Mec__Claims *ada = sign_up(US, "ada");

    sign_up(US, "bob");
    put(US, ada, "note", "v");
    ck_assert_problem(grant(US, ada, "note", "nobody"), 404, "not-found");
    ck_assert_problem(grant(US, ada, "note", "no body!"), 404, "not-found");
    ck_assert_problem(grant(US, ada, "note", ""), 404, "not-found");
    ck_assert_problem(grant(US, ada, "note", "ADA"), 400, "bad-request");
    ck_assert_problem(grant(US, ada, "none", "bob"), 404, "not-found");
    ck_assert_problem(withdraw(US, ada, "note", "bob"), 404, "not-found");
    ck_assert_problem(withdraw(US, ada, "none", "bob"), 404, "not-found");
}
END_TEST

START_TEST(a_retry_of_a_grant_is_told_what_came_of_the_first_try)
{
    Mec__Claims *ada = sign_up(US, "ada");
    Mec__Call call, other;

    sign_up(US, "bob");
    put(US, ada, "note", "v");
    call = grant_call(MEC__OPERATION__GRANT_PUT, ada, "note", "bob");
    ck_assert_status(ask(US, call), 201);
    other = call;
    other.grantee = "nobody";
    ck_assert_problem(ask(US, other), 422, "idempotency-key-reused");
    take_out(US, ada, "note");
    ck_assert_status(ask(US, call), 201);
    put(US, ada, "note", "w");
    grant(US, ada, "note", "bob");
    call = grant_call(MEC__OPERATION__GRANT_DELETE, ada, "note", "bob");
    ck_assert_status(ask(US, call), 204);
    ck_assert_status(ask(US, call), 204);
}
END_TEST

/* A name whose directory is @shard's home. */
static const char *name_in(size_t shard)
{
    for (int i = 0; i < 64; i++) {
        const char *name = arena_format(driver->arena, "user-%d", i);
        Mec__Call call = MEC__CALL__INIT;

        call.operation = MEC__OPERATION__NAME_LOOKUP;
        call.shard = (char *)shards[shard];
        call.key = (char *)name;
        call.operation = MEC__OPERATION__NAME_LOOKUP;
        sign_up(US, name);
        if (driver_ask(driver, shard, &call)->status == 200)
            return name;
    }
    ck_abort_msg("no name has its directory there");
}

START_TEST(granting_needs_the_names_home_for_a_new_name_and_withdrawing_needs_nobody)
{
    Mec__Claims *ada = sign_up(US, "ada");
    const char *known = name_in(EU), *unknown = "somebody-else";

    put(US, ada, "note", "v");
    driver_kill(driver, EU);
    driver_kill(driver, AP);
    /* Our own copy of the directory knows the one; the other may be new. */
    ck_assert_status(grant(US, ada, "note", known), 201);
    for (int i = 0; i < 8; i++) {
        unknown = arena_format(driver->arena, "nobody-%d", i);
        const Mec__Answer *answer = grant(US, ada, "note", unknown);

        if (answer->status == 404) /* its directory is here */
            continue;
        ck_assert_problem(answer, 503, "home-unavailable");
        ck_assert_status(withdraw(US, ada, "note", known), 204);
        return;
    }
    ck_abort_msg("every name has its directory here");
}
END_TEST

START_TEST(a_new_name_that_is_not_here_yet_is_asked_for)
{
    Mec__Claims *ada = sign_up(US, "ada");
    uint64_t before = reach_counts[REACH_LOOKUP_ASKED];

    put(US, ada, "note", "v");
    for (int i = 0; reach_counts[REACH_LOOKUP_ASKED] == before; i++) {
        const char *name = arena_format(driver->arena, "new-%d", i);
        Mec__Call call = MEC__CALL__INIT;
        char *body = arena_format(driver->arena,
                                  "{\"name\": \"%s\", \"password\": \"correct horse\"}", name);

        ck_assert_int_lt(i, 20);
        call.operation = MEC__OPERATION__USER_CREATE;
        call.shard = "ap-northeast";
        call.body.data = (uint8_t *)body;
        call.body.len = strlen(body);
        call.idempotency_key = (char *)name;
        ck_assert_status(ask(AP, call), 201); /* and nothing is shipped */
        ck_assert_status(grant(US, ada, "note", name), 201);
    }
}
END_TEST

START_TEST(an_item_is_shared_with_a_hundred_at_most)
{
    Mec__Claims *ada = sign_up(US, "ada");
    uint64_t seq = 0;

    sign_up(US, "bob");
    sign_up(US, "carl");
    put(US, ada, "note", "v");
    grant(US, ada, "note", "bob");
    seq = get(US, ada, "note")->position->seq;
    ck_assert_uint_gt(seq, 0);
    tamper(US, US,
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99)"
           " INSERT INTO records SELECT service, user, 'note/1/u' || i, incarnation, version,"
           " deleted, updated_wall_us, epoch, seq, content_type,"
           " CAST('{\"name\":\"x' || i || '\"}' AS BLOB) FROM records, n WHERE service = 'grants'");
    ck_assert_problem(grant(US, ada, "note", "carl"), 403, "quota-exceeded");
    ck_assert_status(grant(US, ada, "note", "bob"), 204); /* has it already */
    ck_assert_status(withdraw(US, ada, "note", "x7"), 204);
    ck_assert_status(grant(US, ada, "note", "carl"), 201);
}
END_TEST

START_TEST(whoever_bore_the_name_before_loses_the_grant_with_it)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(EU, "bob");
    Mec__Claims before = driver_claims("u-before", "eu-west");

    put(US, ada, "note", "v");
    grant(US, ada, "note", "bob");
    tamper(US, US,
           "INSERT INTO records SELECT service, user, 'note/1/u-before', incarnation, version,"
           " deleted, updated_wall_us, epoch, seq, content_type, value FROM records"
           " WHERE service = 'grants'");
    ck_assert_value(get_of(US, &before, "ada", "note"), "v");
    ck_assert_value(get_of(US, bob, "ada", "note"), "v");
    ck_assert_status(withdraw(US, ada, "note", "bob"), 204);
    ck_assert_problem(get_of(US, &before, "ada", "note"), 404, "not-found");
    ck_assert_problem(get_of(US, bob, "ada", "note"), 404, "not-found");
}
END_TEST

START_TEST(ones_own_item_may_be_named_as_ones_own_and_strong_reads_are_of_those_alone)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(US, "bob");
    Mec__Call call = get_call(bob, "note", "ada");

    put(US, ada, "note", "v");
    grant(US, ada, "note", "bob");
    ck_assert_value(get_of(US, ada, "ada", "note"), "v");
    call.consistency = MEC__CONSISTENCY__STRONG;
    ck_assert_problem(ask(US, call), 400, "bad-request");
    call = get_call(ada, "note", "");
    call.consistency = MEC__CONSISTENCY__STRONG;
    ck_assert_value(ask(US, call), "v");
    ck_assert_int_eq(ask(EU, call)->verdict, MEC__VERDICT__NOT_HOME);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_granted_is_read_from_every_region,
        a_grant_is_for_reading_that_item_alone,
        whoever_may_not_read_cannot_tell_why,
        what_is_withdrawn_is_refused_at_home_at_once_and_elsewhere_when_it_is_heard_of,
        a_log_that_is_behind_is_not_trusted_though_revocations_are_known,
        the_readers_own_shard_must_be_known_newly_enough_too,
        a_name_that_nobody_has_is_as_stale_as_any,
        a_bookmark_of_the_owners_shard_counts,
        who_has_waited_for_a_bookmark_is_refused_like_anybody,
        an_item_that_is_made_anew_is_granted_to_nobody,
        who_is_granted_is_listed_by_name,
        who_cannot_be_granted_anything,
        a_retry_of_a_grant_is_told_what_came_of_the_first_try,
        granting_needs_the_names_home_for_a_new_name_and_withdrawing_needs_nobody,
        a_new_name_that_is_not_here_yet_is_asked_for,
        an_item_is_shared_with_a_hundred_at_most,
        whoever_bore_the_name_before_loses_the_grant_with_it,
        ones_own_item_may_be_named_as_ones_own_and_strong_reads_are_of_those_alone,
    };

    return suite_run(&(struct suite){
        .name = "region_grants", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
