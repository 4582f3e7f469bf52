/* Where data may lie, and what of a change may be told where it may not. */

#include <check.h>
#include <errno.h>
#include <string.h>

#include "common/residency.h"
#include "tests/unit/pin_fixture.h"
#include "tests/unit/suite.h"

static const char *const inside[] = {"eu-west", "eu-central"};
static Mec__Config config;
static struct arena *arena;

static void set_up(void)
{
    mec__config__init(&config);
    arena = arena_create();
}

static void tear_down(void)
{
    arena_free(arena);
}

START_TEST(without_a_word_everything_may_lie_everywhere)
{
    ck_assert(!residency_pins(&config, PARTS_VAULT));
    ck_assert(residency_allows(&config, PARTS_VAULT, "us-east"));
    ck_assert(residency_allows_records(&config, "unheard-of", "us-east"));
    ck_assert(!residency_pins_records(&config, "unheard-of"));
}
END_TEST

START_TEST(a_pinned_service_may_lie_where_it_says_and_others_anywhere)
{
    pin(&config, "vault", inside, 2);
    ck_assert(residency_allows(&config, PARTS_VAULT, "eu-west"));
    ck_assert(residency_allows(&config, PARTS_VAULT, "eu-central"));
    ck_assert(!residency_allows(&config, PARTS_VAULT, "us-east"));
    ck_assert(!residency_allows(&config, PARTS_VAULT, "eu-wes"));
    ck_assert(!residency_allows(&config, PARTS_VAULT, ""));
    ck_assert(residency_allows(&config, PARTS_METADATA, "us-east"));
    ck_assert(residency_allows(&config, PARTS_AUTH, "us-east"));
}
END_TEST

/* A set that names nothing is not "no set". */
START_TEST(an_empty_set_allows_nothing)
{
    pin(&config, "vault", inside, 0);
    ck_assert(!residency_allows(&config, PARTS_VAULT, "eu-west"));
}
END_TEST

START_TEST(all_kinds_of_records_of_a_service_are_pinned_with_it)
{
    static const char *const pinned[] = {"vault", "vault-keys", "grants"};
    static const char *const free_ones[] = {"auth", "names", "metadata"};

    pin(&config, "vault", inside, 2);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(residency_pins_records(&config, pinned[i]));
        ck_assert(!residency_allows_records(&config, pinned[i], "us-east"));
        ck_assert(residency_allows_records(&config, pinned[i], "eu-west"));
        ck_assert(!residency_pins_records(&config, free_ones[i]));
        ck_assert(residency_allows_records(&config, free_ones[i], "us-east"));
    }
    /* Fails closed. */
    ck_assert(residency_pins_records(&config, "unheard-of"));
    ck_assert(!residency_allows_records(&config, "unheard-of", "us-east"));
}
END_TEST

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

static bool holds(const uint8_t *bytes, size_t size, const char *text)
{
    return memmem(bytes, size, text, strlen(text)) != NULL;
}

/* Every text that a change can carry, so that a new field cannot slip through unnoticed. */
START_TEST(a_redaction_has_the_place_and_the_digest_and_nothing_else)
{
    static const char *const secrets[] = {
        "THE-USER",    "THE-KEY",   "THE-TYPE", "THE-VALUE",         "THE-ONCE",
        "THE-RECEIPT", "THE-TRACE", "THE-SALT", "THE-VALUES-DIGEST", "THE-REQUESTS"};
    Mec__Change change = MEC__CHANGE__INIT, *redaction, expected = MEC__CHANGE__INIT;
    uint8_t *packed, *wanted;
    size_t size;

    change.shard = (char *)"eu-west";
    change.epoch = 3;
    change.seq = 7;
    change.previous_digest = bytes_of("before");
    change.service = (char *)"vault";
    change.user = (char *)secrets[0];
    change.key = (char *)secrets[1];
    change.content_type = (char *)secrets[2];
    change.value = bytes_of(secrets[3]);
    change.idempotency_key = (char *)secrets[4];
    change.receipt = (char *)secrets[5];
    change.traceparent = (char *)secrets[6];
    change.salt = bytes_of(secrets[7]);
    change.value_digest = bytes_of(secrets[8]);
    change.request_digest = bytes_of(secrets[9]);
    change.incarnation = change.version_before = change.version_after = 5;
    change.commit_wall_us = 77;
    change.created = change.deleted = true;

    packed = residency_redact(&change, bytes_of("digest"), arena, &size);
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++)
        ck_assert_msg(!holds(packed, size, secrets[i]), "%s", secrets[i]);
    expected.shard = change.shard;
    expected.epoch = 3;
    expected.seq = 7;
    expected.previous_digest = change.previous_digest;
    expected.service = change.service;
    expected.redacted_digest = bytes_of("digest");
    ck_assert_uint_eq(size, mec__change__get_packed_size(&expected));
    wanted = arena_alloc(arena, size);
    mec__change__pack(&expected, wanted);
    ck_assert_mem_eq(packed, wanted, size);

    redaction = mec__change__unpack(arena_allocator(arena), size, packed);
    ck_assert(residency_is_redacted(redaction));
    ck_assert(!residency_is_redacted(&change));
    /* What stands for a change goes on standing for that one. */
    packed = residency_redact(redaction, bytes_of("another"), arena, &size);
    ck_assert_uint_eq(size, mec__change__get_packed_size(&expected));
    ck_assert_mem_eq(packed, wanted, size);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_a_word_everything_may_lie_everywhere,
        a_pinned_service_may_lie_where_it_says_and_others_anywhere,
        an_empty_set_allows_nothing,
        all_kinds_of_records_of_a_service_are_pinned_with_it,
        a_redaction_has_the_place_and_the_digest_and_nothing_else,
    };

    return suite_run(&(struct suite){
        .name = "residency", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
