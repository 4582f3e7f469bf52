/* The small parts that the router stands on: hints, ids, peeking, calls in flight. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/memory.h"
#include "routerd/hints.h"
#include "routerd/idents.h"
#include "routerd/pending.h"
#include "routerd/returned.h"
#include "tests/unit/suite.h"

static struct slice token_of(const char *user, const char *shard, char **ret_text)
{
    static const uint8_t seed[TOKEN_KEY_SEED_SIZE] = {3};
    struct token_claims claims = {
        .scope = TOKEN_SCOPE_ALL, .generation = 1, .issued_s = 1, .expires_s = 2};
    strcpy(claims.user, user);
    strcpy(claims.shard, shard);
    strcpy(claims.session, "s");
    *ret_text = token_sign("w", "k", seed, &claims);
    return slice_of(*ret_text);
}

START_TEST(a_hint_says_user_and_shard_the_first_time_and_the_next)
{
    static const uint8_t key[16] = {1};
    struct hints *hints = hints_create(key);
    char *text;
    struct slice token = token_of("u-1", "us-east", &text);
    for (int round = 0; round < 2; round++) {
        const struct hint *hint = hints_find(hints, token);
        ck_assert_int_eq(hint->error, 0);
        ck_assert_str_eq(hint->user, "u-1");
        ck_assert_str_eq(hint->shard, "us-east");
    }
    free(text);
    hints_free(hints);
}
END_TEST

START_TEST(a_hint_for_nonsense_is_an_error_the_first_time_and_the_next)
{
    static const uint8_t key[16] = {1};
    static char longest[TOKEN_SIZE_MAX + 2];
    struct hints *hints = hints_create(key);
    memset(longest, 'a', sizeof(longest) - 1);
    for (int round = 0; round < 2; round++) {
        ck_assert_int_eq(hints_find(hints, slice_of("a.b.c"))->error, -EBADMSG);
        ck_assert_int_eq(hints_find(hints, slice_of(longest))->error, -EBADMSG);
        ck_assert_int_eq(hints_find(hints, slice_of(""))->error, -EBADMSG);
    }
    hints_free(hints);
}
END_TEST

START_TEST(hints_stay_right_when_there_are_more_tokens_than_room)
{
    static const uint8_t key[16] = {1};
    struct hints *hints = hints_create(key);
    char bytes[24];
    char *text;
    struct slice token = token_of("u-1", "us-east", &text);
    hints_find(hints, token);
    for (uint32_t number = 0; number < HINTS_MAX * 3; number++) {
        memset(bytes, 'x', sizeof(bytes));
        memcpy(bytes, &number, sizeof(number));
        ck_assert_int_ne(hints_find(hints, (struct slice){bytes, sizeof(bytes)})->error, 0);
    }
    ck_assert_str_eq(hints_find(hints, token)->shard, "us-east");
    free(text);
    hints_free(hints);
}
END_TEST

START_TEST(ids_differ_and_grow_from_the_seed)
{
    static const uint8_t seeds[2][32] = {{1}, {2}};
    static struct idents a;
    static struct idents b;
    char first[IDENTS_TRACEPARENT_SIZE];
    char second[IDENTS_TRACEPARENT_SIZE];
    idents_init(&a, seeds[0]);
    idents_init(&b, seeds[0]);
    for (int round = 0; round < 1000; round++) { /* through several refills */
        idents_traceparent(&a, first);
        idents_traceparent(&b, second);
        ck_assert_str_eq(first, second);
        ck_assert_uint_eq(strlen(first), 55);
        idents_traceparent(&b, second);
        ck_assert_str_ne(first, second);
        idents_traceparent(&a, first);
    }
    idents_init(&b, seeds[1]);
    idents_traceparent(&b, second);
    ck_assert_str_ne(first, second);
}
END_TEST

START_TEST(service_time_is_found_in_an_answer)
{
    uint8_t bytes[256];
    Mec__Answer answer = MEC__ANSWER__INIT;
    uint64_t service_us = 1;
    answer.status = 200;
    answer.detail = (char *)"\x80\x01 looks like a tag";
    answer.body.data = (uint8_t *)(uintptr_t) "\x80\x01\x80\x01";
    answer.body.len = 4;
    size_t size = mec__answer__pack(&answer, bytes);
    ck_assert_int_eq(returned_service_us(bytes, size, &service_us), 0);
    ck_assert_uint_eq(service_us, 0);
    answer.service_us = UINT64_MAX;
    answer.queue_seq = 12;
    size = mec__answer__pack(&answer, bytes);
    ck_assert_int_eq(returned_service_us(bytes, size, &service_us), 0);
    ck_assert_uint_eq(service_us, UINT64_MAX);
    ck_assert_int_eq(returned_service_us(bytes, 0, &service_us), 0);
}
END_TEST

START_TEST(a_cut_answer_is_noticed_or_harmless)
{
    uint8_t bytes[256];
    Mec__Answer answer = MEC__ANSWER__INIT;
    uint64_t service_us = 77;
    answer.detail = (char *)"some text";
    size_t size = mec__answer__pack(&answer, bytes);
    for (size_t cut = 1; cut < size; cut++) {
        ck_assert_int_eq(returned_service_us(bytes, cut, &service_us), -EBADMSG);
        ck_assert_uint_eq(service_us, 77);
    }
    static const uint8_t endless[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                      0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    static const uint8_t huge[] = {0x1a, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0x01};
    static const uint8_t group[] = {0x0b, 0x0c};
    ck_assert_int_eq(returned_service_us(endless, sizeof(endless), &service_us), -EBADMSG);
    ck_assert_int_eq(returned_service_us(huge, sizeof(huge), &service_us), -EBADMSG);
    ck_assert_int_eq(returned_service_us(group, sizeof(group), &service_us), -EBADMSG);
}
END_TEST

START_TEST(each_try_has_an_id_of_its_own)
{
    struct pendings *pendings = pendings_create();
    struct pending *pending = pendings_add(pendings, 7);
    ck_assert_ptr_null(pendings_find(pendings, 0));
    pendings_begin_try(pendings, pending);
    uint64_t first = pending->call_id;
    ck_assert_ptr_eq(pendings_find(pendings, first), pending);
    pendings_begin_try(pendings, pending);
    ck_assert_ptr_null(pendings_find(pendings, first));
    ck_assert_ptr_eq(pendings_find(pendings, pending->call_id), pending);
    ck_assert_ptr_eq(pendings_find_request(pendings, 7), pending);
    uint64_t second = pending->call_id;
    pendings_remove(pendings, pending);
    ck_assert_ptr_null(pendings_find(pendings, second));
    ck_assert_ptr_null(pendings_find_request(pendings, 7));
    pending = pendings_add(pendings, 8); /* the same slot */
    pendings_begin_try(pendings, pending);
    ck_assert_ptr_null(pendings_find(pendings, second));
    pendings_free(pendings);
}
END_TEST

START_TEST(calls_in_flight_keep_the_order_in_which_they_came)
{
    struct pendings *pendings = pendings_create();
    struct pending *entries[5];
    for (uint64_t request = 0; request < 5; request++)
        entries[request] = pendings_add(pendings, request);
    pendings_remove(pendings, entries[0]);
    pendings_remove(pendings, entries[2]);
    pendings_remove(pendings, entries[4]);
    pendings_add(pendings, 9);
    static const uint64_t expected[] = {1, 3, 9};
    size_t index = 0;
    for (struct pending *each = pendings_first(pendings); each != NULL; each = each->next)
        ck_assert_uint_eq(each->request_id, expected[index++]);
    ck_assert_uint_eq(index, 3);
    ck_assert_uint_eq(pendings_count(pendings), 3);
    pendings_free(pendings);
}
END_TEST

START_TEST(calls_in_flight_are_bounded)
{
    struct pendings *pendings = pendings_create();
    for (uint64_t request = 0; request < PENDING_MAX; request++)
        ck_assert_ptr_nonnull(pendings_add(pendings, request));
    ck_assert_ptr_null(pendings_add(pendings, PENDING_MAX));
    pendings_remove(pendings, pendings_first(pendings));
    ck_assert_ptr_nonnull(pendings_add(pendings, PENDING_MAX));
    pendings_free(pendings);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_hint_says_user_and_shard_the_first_time_and_the_next,
        a_hint_for_nonsense_is_an_error_the_first_time_and_the_next,
        hints_stay_right_when_there_are_more_tokens_than_room,
        ids_differ_and_grow_from_the_seed,
        service_time_is_found_in_an_answer,
        a_cut_answer_is_noticed_or_harmless,
        each_try_has_an_id_of_its_own,
        calls_in_flight_keep_the_order_in_which_they_came,
        calls_in_flight_are_bounded,
    };
    return suite_run(&(struct suite){.name = "router_parts", SUITE_TESTS(tests)});
}
