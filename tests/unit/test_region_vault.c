/* The vault over several regions: what is put in comes out, sealed on every disk; only the home
 * takes writes; what does not open is never shown. */

#include "vault_fixture.h"

#include "common/reach.h"
#include "regiond/data_keys.h"
#include "regiond/vault_item.h"

START_TEST(an_item_is_given_back_as_it_came_by_every_region)
{
    Mec__Claims *ada = sign_up(US, "ada");
    const Mec__Answer *answer = put(US, ada, "note", "the plain truth");
    Mec__Call call;

    ck_assert_status(answer, 201);
    ck_assert_uint_eq(answer->version, 1);
    ck_assert_str_eq(answer->position->shard, "us-east");
    driver_ship_all(driver);
    for (size_t node = 0; node < 3; node++) {
        answer = get(node, ada, "note");
        ck_assert_value(answer, "the plain truth");
        ck_assert_uint_eq(answer->version, 1);
        ck_assert_int_eq(answer->served,
                         node == US ? MEC__SERVED__SERVED_HOME : MEC__SERVED__SERVED_REPLICA);
        ck_assert_value(get(node, ada, "note"), "the plain truth"); /* from the cache */
        ck_assert_int_eq(get(node, ada, "note")->served, MEC__SERVED__SERVED_CACHE);
    }
    call = get_call(ada, "note", "");
    call.if_none_match = "\"1\"";
    answer = ask(EU, call);
    ck_assert_status(answer, 304);
    ck_assert_uint_eq(answer->body.len, 0);
}
END_TEST

START_TEST(an_empty_item_without_a_type_is_one_too)
{
    Mec__Claims *ada = sign_up(US, "ada");
    Mec__Call call = put_call(ada, "note", "");
    const Mec__Answer *answer;

    call.content_type = "";
    ck_assert_status(ask(US, call), 201);
    answer = get(US, ada, "note");
    ck_assert_status(answer, 200);
    ck_assert_uint_eq(answer->body.len, 0);
    ck_assert_str_eq(answer->content_type, "");
}
END_TEST

START_TEST(versions_and_conditions_are_as_in_metadata)
{
    Mec__Claims *ada = sign_up(US, "ada");
    Mec__Call call = put_call(ada, "note", "second");

    ck_assert_status(put(US, ada, "note", "first"), 201);
    call.if_none_match = "*";
    ck_assert_problem(ask(US, call), 412, "precondition-failed");
    call = put_call(ada, "note", "second");
    call.if_match = "\"2\"";
    ck_assert_problem(ask(US, call), 412, "precondition-failed");
    call = put_call(ada, "note", "second");
    call.if_match = "\"1\"";
    ck_assert_uint_eq(ask(US, call)->version, 2);
    ck_assert_value(get(US, ada, "note"), "second");
    call = put_call(ada, "note", "third");
    call.if_match = "second";
    ck_assert_problem(ask(US, call), 400, "bad-request");

    ck_assert_status(take_out(US, ada, "note"), 204);
    ck_assert_problem(get(US, ada, "note"), 404, "not-found");
    ck_assert_problem(take_out(US, ada, "note"), 404, "not-found");
    ck_assert_uint_eq(put(US, ada, "note", "fourth")->version, 4);
    ck_assert_value(get(US, ada, "note"), "fourth");
}
END_TEST

START_TEST(a_retry_has_one_effect_and_another_value_under_its_key_none)
{
    Mec__Claims *ada = sign_up(US, "ada");
    Mec__Call call = put_call(ada, "note", "first");
    const Mec__Answer *first = ask(US, call), *again = ask(US, call);

    ck_assert_status(first, 201);
    ck_assert(are_the_same(first, again));
    call.body.data = (uint8_t *)(uintptr_t) "other";
    ck_assert_problem(ask(US, call), 422, "idempotency-key-reused");
    ck_assert_value(get(US, ada, "note"), "first");

    call = vault_call(MEC__OPERATION__VAULT_DELETE, ada, "note");
    ck_assert_status(ask(US, call), 204);
    ck_assert_status(ask(US, call), 204);
}
END_TEST

START_TEST(nothing_plain_rests_on_any_disk_or_is_told_to_operators)
{
    Mec__Claims *ada = sign_up(US, "ada");
    static const char secret[] = "mother's maiden name: Quux";

    put(US, ada, "note", secret);
    driver_ship_all(driver);
    for (size_t node = 0; node < 3; node++) {
        char *status;

        ck_assert_value(get(node, ada, "note"), secret);
        status = region_status(driver->nodes[node].region, driver->at);
        ck_assert_ptr_null(strstr(status, secret));
        free(status);
        ck_assert_ptr_null(strstr(driver->nodes[node].log, "Quux"));
        ck_assert(rests_on(node, "note")); /* so it would be found */
        ck_assert(!rests_on(node, secret));
        ck_assert(!rests_on(node, "x-secret")); /* its type is nobody's business either */
    }
}
END_TEST

/* The digest of a request, by which a retry is known, rests on disks too. */
static void find_digest(Mec__Claims *claims, uint8_t ret_digest[16])
{
    struct store_reader *reader;
    struct store_change change;
    struct store_end end;
    Mec__Change *message;
    char *path = arena_format(driver->arena, "%s/shard-us-east.db", driver->nodes[US].directory);

    ck_assert_int_eq(store_reader_open(path, NULL, &reader), 0);
    ck_assert_int_eq(store_reader_end(reader, &end), 0);
    ck_assert_int_eq(store_reader_changes(reader, driver->arena, end.seq - 1, 1, SIZE_MAX, &change),
                     1);
    message = mec__change__unpack(arena_allocator(driver->arena), change.bytes.size,
                                  (const uint8_t *)change.bytes.data);
    ck_assert_str_eq(message->user, claims->user);
    ck_assert_str_eq(message->service, "vault");
    ck_assert_uint_eq(message->request_digest.len, 16);
    memcpy(ret_digest, message->request_digest.data, 16);
    store_reader_free(reader);
}

START_TEST(a_value_cannot_be_guessed_by_the_digest_of_its_request)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(US, "bob");
    uint8_t adas[16], bobs[16];

    put(US, ada, "pin", "1234");
    find_digest(ada, adas);
    put(US, bob, "pin", "1234");
    find_digest(bob, bobs);
    ck_assert_mem_ne(adas, bobs, 16);
}
END_TEST

START_TEST(names_that_are_not_allowed_are_refused_in_every_call)
{
    static const Mec__Operation operations[] = {
        MEC__OPERATION__VAULT_PUT, MEC__OPERATION__VAULT_GET,    MEC__OPERATION__VAULT_DELETE,
        MEC__OPERATION__GRANT_PUT, MEC__OPERATION__GRANT_DELETE, MEC__OPERATION__GRANT_LIST,
    };
    Mec__Claims *ada = sign_up(US, "ada");
    char longest[130];
    const char *const names[] = {"", "a/b", "/", "a\nb", "\x7f", "\xc3\x28", longest};

    memset(longest, 'n', 129);
    longest[129] = '\0';
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            Mec__Call call = vault_call(operations[i], ada, names[j]);

            call.grantee = "bob";
            ck_assert_problem(ask(US, call), 400, "bad-request");
        }
    }
    longest[128] = '\0';
    ck_assert_status(put(US, ada, longest, "v"), 201);
    ck_assert_value(get(US, ada, longest), "v");
    ck_assert_status(put(US, ada, "\xc3\xa4 b", "v"), 201);
}
END_TEST

START_TEST(what_is_too_large_is_refused_and_the_largest_is_not)
{
    static char large[64 * 1024 + 2];
    Mec__Claims *ada = sign_up(US, "ada");
    Mec__Call call;
    const Mec__Answer *answer;
    char type[130];

    memset(large, 'v', sizeof large - 1);
    ck_assert_problem(put(US, ada, "note", large), 413, "too-large");
    large[64 * 1024] = '\0';
    memset(type, 't', sizeof type - 1);
    type[129] = '\0';
    call = put_call(ada, "note", large);
    call.content_type = type;
    ck_assert_problem(ask(US, call), 413, "too-large");
    type[128] = '\0';
    ck_assert_status(ask(US, call), 201);
    answer = get(US, ada, "note");
    ck_assert_status(answer, 200);
    ck_assert_uint_eq(answer->body.len, 64 * 1024);
    ck_assert_mem_eq(answer->body.data, large, 64 * 1024);
    ck_assert_str_eq(answer->content_type, type);
}
END_TEST

START_TEST(writes_are_for_the_home_alone_and_never_queued)
{
    static const Mec__Operation operations[] = {
        MEC__OPERATION__VAULT_PUT, MEC__OPERATION__VAULT_DELETE, MEC__OPERATION__GRANT_PUT,
        MEC__OPERATION__GRANT_DELETE};
    Mec__Claims *ada = sign_up(US, "ada");

    sign_up(EU, "bob");
    put(US, ada, "note", "v");
    driver_ship_all(driver);
    for (size_t i = 0; i < 4; i++) {
        Mec__Call call = vault_call(operations[i], ada, "note");
        const Mec__Answer *answer;

        call.grantee = "bob";
        answer = ask(EU, call);
        ck_assert_problem(answer, 503, "home-unavailable");
        ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_HOME);
        for (int mode = MEC__CALL_MODE__ENQUEUE; mode <= MEC__CALL_MODE__DELIVER; mode++) {
            call.mode = (Mec__CallMode)mode;
            call.receipt = "eu-west.1";
            ck_assert_problem(ask(EU, call), 400, "bad-request");
            ck_assert_problem(ask(US, call), 400, "bad-request");
        }
    }
    ck_assert(status_says(EU, "\"accepted\":0"));
    ck_assert_value(get(US, ada, "note"), "v");
}
END_TEST

START_TEST(two_first_items_at_once_share_one_data_key)
{
    Mec__Claims *ada = sign_up(US, "ada");
    Mec__Call one = put_call(ada, "one", "first"), two = put_call(ada, "two", "second");
    uint64_t raced = reach_counts[REACH_DATA_KEY_RACED];
    uint64_t first, second;

    driver->nodes[US].hold_commits = true;
    first = driver_call(driver, US, &one);
    second = driver_call(driver, US, &two);
    driver->nodes[US].hold_commits = false;
    driver_run(driver, 0);
    ck_assert_status(driver_answer(driver, US, first), 201);
    ck_assert_status(driver_answer(driver, US, second), 201);
    ck_assert_uint_eq(reach_counts[REACH_DATA_KEY_RACED], raced + 1);
    driver_ship_all(driver);
    driver_kill(driver, US);
    driver_start(driver, US); /* what it had opened is forgotten */
    for (size_t node = 0; node < 3; node++) {
        ck_assert_value(get(node, ada, "one"), "first");
        ck_assert_value(get(node, ada, "two"), "second");
    }
}
END_TEST

START_TEST(a_disk_that_is_full_before_the_key_or_the_item_leaves_neither)
{
    Mec__Claims *ada = sign_up(US, "ada");

    driver->nodes[US].fail_commits = -28; /* ENOSPC */
    ck_assert_problem(put(US, ada, "note", "v"), 507, "disk-full");
    driver->nodes[US].fail_commits = 0;
    ck_assert_problem(get(US, ada, "note"), 404, "not-found");
    ck_assert_status(put(US, ada, "note", "v"), 201);
    ck_assert_value(get(US, ada, "note"), "v");
}
END_TEST

/* @node's boxes are made for another key than it has. */
static void confuse_key(size_t node)
{
    driver->config.vault_keys[node]->public_key.data[0] ^= 1;
    driver_configure(driver);
}

START_TEST(a_region_that_cannot_open_the_data_key_says_so_and_others_serve)
{
    Mec__Claims *ada = sign_up(US, "ada");
    const Mec__Answer *answer;
    uint64_t boxed;

    confuse_key(EU);
    ck_assert_status(put(US, ada, "note", "v"), 201);
    driver_ship_all(driver);
    answer = get(EU, ada, "note");
    ck_assert_problem(answer, 503, "no-region");
    ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_SERVING);
    ck_assert_value(get(US, ada, "note"), "v");
    ck_assert_value(get(AP, ada, "note"), "v");

    /* Once the world knows its key, the next write lets it in. */
    confuse_key(EU);
    ck_assert_status(put(US, ada, "other", "w"), 201);
    boxed = reach_counts[REACH_DATA_KEY_BOXED_AGAIN];
    ck_assert_status(put(US, ada, "other", "x"), 204);
    ck_assert_uint_eq(reach_counts[REACH_DATA_KEY_BOXED_AGAIN], boxed); /* once is enough */
    driver_ship_all(driver);
    ck_assert_value(get(EU, ada, "note"), "v");
    ck_assert_value(get(EU, ada, "other"), "x");
}
END_TEST

START_TEST(a_home_that_could_not_open_its_own_boxes_takes_nothing)
{
    Mec__Claims *ada = sign_up(US, "ada");

    confuse_key(US);
    ck_assert_problem(put(US, ada, "note", "v"), 503, "no-region");
    driver->config.n_vault_keys = 0;
    driver_configure(driver);
    ck_assert_problem(put(US, ada, "note", "v"), 503, "no-region");
    driver->config.n_vault_keys = 3;
    confuse_key(US);
    ck_assert_status(put(US, ada, "note", "v"), 201);
}
END_TEST

START_TEST(what_was_tampered_with_is_an_error_and_never_a_value)
{
    static const char *const changes[] = {
        "UPDATE records SET value = (SELECT value FROM records WHERE key = 'other')"
        " WHERE service = 'vault' AND key = 'note'",
        "UPDATE records SET version = version + 1 WHERE service = 'vault' AND key = 'note'",
        "UPDATE records SET value = x'00' WHERE service = 'vault' AND key = 'note'",
        "UPDATE records SET value = x'' WHERE service = 'vault' AND key = 'note'",
        "UPDATE records SET value = zeroblob(length(value))"
        " WHERE service = 'vault' AND key = 'note'",
        "DELETE FROM records WHERE service = 'vault-keys'",
        "UPDATE records SET value = x'7b7d7d' WHERE service = 'vault-keys'", /* no JSON */
    };
    Mec__Claims *ada = sign_up(US, "ada");
    const Mec__Answer *answer;

    put(US, ada, "note", "the plain truth");
    put(US, ada, "other", "another truth");
    driver_ship_all(driver);
    tamper(EU, US, changes[_i]);
    answer = get(EU, ada, "note");
    ck_assert_problem(answer, 500, "internal");
    ck_assert_ptr_nonnull(strstr(driver->nodes[EU].log, "does not open"));
    ck_assert_ptr_null(strstr(driver->nodes[EU].log, "truth"));
    ck_assert_ptr_null(strstr(driver->nodes[EU].log, "note"));
    ck_assert_value(get(US, ada, "note"), "the plain truth");
}
END_TEST

START_TEST(a_user_has_as_much_as_the_world_allows_and_no_more)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(US, "bob");
    Mec__Call call = put_call(ada, "three", "v");

    driver->config.settings->quota_vault_keys = 2;
    driver->config.settings->quota_vault_bytes = 2 * (VAULT_ITEM_OVERHEAD + 100);
    driver_configure(driver);
    ck_assert_status(put(US, ada, "one", "v"), 201);
    ck_assert_status(put(US, ada, "two", "v"), 201);
    ck_assert_problem(ask(US, call), 403, "quota-exceeded");
    ck_assert_status(put(US, bob, "three", "v"), 201); /* each has their own */
    ck_assert_status(put(US, ada, "two", "w"), 204);
    ck_assert_problem(put(US, ada, "two", arena_format(driver->arena, "%0300d", 0)), 403,
                      "quota-exceeded");
    ck_assert_value(get(US, ada, "two"), "w");
    ck_assert_status(take_out(US, ada, "one"), 204);
    ck_assert_status(ask(US, call), 201);
}
END_TEST

START_TEST(a_list_has_names_and_the_sizes_of_the_values)
{
    Mec__Claims *ada = sign_up(US, "ada"), *bob = sign_up(US, "bob");
    Mec__Call call = vault_call(MEC__OPERATION__VAULT_LIST, ada, "");
    const Mec__Answer *answer;

    put(US, ada, "b1", "four");
    put(US, ada, "b2", "");
    put(US, ada, "a", "seven77");
    put(US, bob, "bobs", "v");
    put(US, ada, "gone", "v");
    take_out(US, ada, "gone");
    driver_ship_all(driver);
    for (size_t node = 0; node < 2; node++) {
        answer = ask(node, call);
        ck_assert_status(answer, 200);
        ck_assert_str_eq(answer->content_type, "application/json");
        ck_assert_ptr_nonnull(strstr(
            driver_body(answer), "{\"items\":[{\"name\":\"a\",\"version\":1,\"bytes\":7,\"upda"));
        ck_assert_ptr_nonnull(
            strstr(driver_body(answer), "{\"name\":\"b1\",\"version\":1,\"bytes\":4,\"upda"));
        ck_assert_ptr_nonnull(
            strstr(driver_body(answer), "{\"name\":\"b2\",\"version\":1,\"bytes\":0,\"upda"));
        ck_assert_ptr_nonnull(strstr(driver_body(answer), "],\"next\":null}"));
        ck_assert_ptr_null(strstr(driver_body(answer), "bobs"));
        ck_assert_ptr_null(strstr(driver_body(answer), "gone"));
        ck_assert_ptr_null(strstr(driver_body(answer), "seven"));
    }
    call.prefix = "b";
    call.limit = 1;
    answer = ask(US, call);
    ck_assert_ptr_null(strstr(driver_body(answer), "\"b2\""));
    ck_assert_ptr_nonnull(strstr(driver_body(answer), "],\"next\":\"b1\"}"));
    call.after = "b1";
    ck_assert_ptr_nonnull(strstr(driver_body(ask(US, call)), "\"b2\""));
    call.after = "a/b";
    ck_assert_problem(ask(US, call), 400, "bad-request");
}
END_TEST

START_TEST(a_copy_that_has_not_heard_for_too_long_serves_nothing)
{
    static const Mec__Operation operations[] = {
        MEC__OPERATION__VAULT_GET, MEC__OPERATION__VAULT_LIST, MEC__OPERATION__GRANT_LIST};
    Mec__Claims *ada = sign_up(US, "ada");

    put(US, ada, "note", "v");
    driver_ship_all(driver);
    for (size_t i = 0; i < 3; i++) {
        Mec__Call call =
            vault_call(operations[i], ada, operations[i] == operations[1] ? "" : "note");
        const Mec__Answer *answer;

        driver_ship_all(driver);
        driver_run(driver, 5 * SECOND_US); /* just within the bound */
        ck_assert_status(ask(EU, call), 200);
        driver_run(driver, MILLISECOND_US);
        answer = ask(EU, call);
        ck_assert_problem(answer, 503, "revocations-stale");
        ck_assert_int_eq(answer->verdict, MEC__VERDICT__NOT_SERVING);
        call.consistency = MEC__CONSISTENCY__STALE_OK; /* a wish cannot help here */
        ck_assert_problem(ask(EU, call), 503, "revocations-stale");
        ck_assert_status(ask(US, call), 200); /* the home is always as new as can be */
    }
}
END_TEST

START_TEST(data_keys_that_are_kept_are_few)
{
    enum { USERS = DATA_KEYS_KEPT_MAX + 1 };
    uint64_t evicted = reach_counts[REACH_DATA_KEY_EVICTED];
    uint64_t ids[USERS];
    Mec__Claims claims[USERS];

    driver->nodes[US].hold_commits = true;
    for (size_t i = 0; i < USERS; i++) {
        claims[i] = driver_claims(arena_format(driver->arena, "u%zu", i), "us-east");
        Mec__Call call = put_call(&claims[i], "note", arena_format(driver->arena, "v%zu", i));

        ids[i] = driver_call(driver, US, &call);
    }
    driver->nodes[US].hold_commits = false;
    driver_run(driver, 0);
    for (size_t i = 0; i < USERS; i++)
        ck_assert_status(driver_answer(driver, US, ids[i]), 201);
    ck_assert_uint_gt(reach_counts[REACH_DATA_KEY_EVICTED], evicted);
    for (size_t i = 0; i < USERS; i += USERS - 1)
        ck_assert_value(get(US, &claims[i], "note"), arena_format(driver->arena, "v%zu", i));
}
END_TEST

START_TEST(a_token_that_goes_void_while_its_first_item_waits_is_refused)
{
    static char body[] = "{\"name\": \"ada\", \"password\": \"correct horse\"}";
    Mec__Claims *bob = sign_up(US, "bob");
    Mec__Call login = MEC__CALL__INIT, busy = driver_put(bob, "k", "v", "once"), revoke, first;
    uint64_t id, revoked;

    sign_up(US, "ada");
    login.operation = MEC__OPERATION__TOKEN_CREATE;
    login.body.data = (uint8_t *)body;
    login.body.len = sizeof body - 1;
    first = put_call(NULL, "note", "v");
    first.token = (char *)member(ask(US, login), "token");
    revoke = vault_call(MEC__OPERATION__TOKEN_REVOKE_ALL, NULL, "");
    revoke.token = first.token;
    driver->nodes[US].hold_commits = true;
    driver_call(driver, US, &busy);
    id = driver_call(driver, US, &first); /* its data key and the revocation share a batch */
    revoked = driver_call(driver, US, &revoke);
    driver->nodes[US].hold_commits = false;
    driver_run(driver, 0);
    ck_assert_status(driver_answer(driver, US, revoked), 204);
    ck_assert_problem(driver_answer(driver, US, id), 401, "unauthenticated");
}
END_TEST

START_TEST(strangers_get_nothing)
{
    static const Mec__Operation operations[] = {
        MEC__OPERATION__VAULT_PUT,  MEC__OPERATION__VAULT_GET, MEC__OPERATION__VAULT_DELETE,
        MEC__OPERATION__VAULT_LIST, MEC__OPERATION__GRANT_PUT, MEC__OPERATION__GRANT_DELETE,
        MEC__OPERATION__GRANT_LIST,
    };

    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        Mec__Call call = vault_call(operations[i], NULL, "note");

        ck_assert_problem(ask(US, call), 401, "unauthenticated");
        call.token = "made.up.token";
        ck_assert_problem(ask(US, call), 401, "unauthenticated");
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_item_is_given_back_as_it_came_by_every_region,
        an_empty_item_without_a_type_is_one_too,
        versions_and_conditions_are_as_in_metadata,
        a_retry_has_one_effect_and_another_value_under_its_key_none,
        nothing_plain_rests_on_any_disk_or_is_told_to_operators,
        a_value_cannot_be_guessed_by_the_digest_of_its_request,
        names_that_are_not_allowed_are_refused_in_every_call,
        what_is_too_large_is_refused_and_the_largest_is_not,
        writes_are_for_the_home_alone_and_never_queued,
        two_first_items_at_once_share_one_data_key,
        a_disk_that_is_full_before_the_key_or_the_item_leaves_neither,
        a_region_that_cannot_open_the_data_key_says_so_and_others_serve,
        a_home_that_could_not_open_its_own_boxes_takes_nothing,
        a_user_has_as_much_as_the_world_allows_and_no_more,
        a_list_has_names_and_the_sizes_of_the_values,
        a_copy_that_has_not_heard_for_too_long_serves_nothing,
        data_keys_that_are_kept_are_few,
        a_token_that_goes_void_while_its_first_item_waits_is_refused,
        strangers_get_nothing,
    };
    const struct suite_loop loops[] = {
        {what_was_tampered_with_is_an_error_and_never_a_value, 7},
    };

    return suite_run(&(struct suite){.name = "region_vault",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     SUITE_TESTS(tests),
                                     SUITE_LOOPS(loops)});
}
