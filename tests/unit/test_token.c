#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/memory.h"
#include "common/token.h"
#include "tests/unit/suite.h"

#define NOW         1800000000u
#define FORGED_SIZE 4096

static const uint8_t home_seed[TOKEN_KEY_SEED_SIZE] = {1, 2, 3};
static const uint8_t other_seed[TOKEN_KEY_SEED_SIZE] = {9};
static struct token_key keys[2];

static const struct token_claims alice = {
    .user = "u-alice",
    .shard = "us-east",
    .session = "s-1",
    .scope = "metadata vault",
    .generation = 4,
    .auth_time_s = NOW - 5,
    .issued_s = NOW,
    .expires_s = NOW + 600,
};

#define GOOD_HEADER "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"us-east-1\"}"
#define CLAIMS(iss, aud, sub, gen, iat, exp)                                                       \
    "{\"iss\":" iss ",\"aud\":" aud ",\"sub\":" sub ",\"shard\":\"us-east\",\"sid\":\"s-1\","      \
    "\"gen\":" gen ",\"scope\":\"metadata vault\",\"auth_time\":1799999995,"                       \
    "\"iat\":" iat ",\"exp\":" exp "}"
#define GOOD_CLAIMS                                                                                \
    CLAIMS("\"mecentral/demo\"", "\"mecentral\"", "\"u-alice\"", "4", "1800000000", "1800000600")

static void prepare(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    strcpy(keys[0].kid, "eu-west-1");
    token_key_public(other_seed, keys[0].public_key);
    strcpy(keys[1].kid, "us-east-1");
    token_key_public(home_seed, keys[1].public_key);
}

static int verify_at(const char *token, uint64_t now_s)
{
    struct token_claims claims = {.user = "untouched"};
    int rc = token_verify(slice_of(token), "demo", keys, 2, now_s, &claims);

    ck_assert_int_eq(strcmp(claims.user, "untouched") == 0, rc != 0);
    return rc;
}

static int verify(const char *token)
{
    return verify_at(token, NOW + 10);
}

static void append_encoded(char *text, const void *bytes, size_t size)
{
    size_t length = strlen(text);

    sodium_bin2base64(text + length, FORGED_SIZE - length, bytes, size,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* A token of any header and claims, signed as it should be; static memory. */
static const char *forge(const char *header, const char *claims)
{
    static char text[FORGED_SIZE];
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    uint8_t signature[crypto_sign_BYTES];

    text[0] = '\0';
    append_encoded(text, header, strlen(header));
    strcat(text, ".");
    append_encoded(text, claims, strlen(claims));
    crypto_sign_seed_keypair(public_key, secret, home_seed);
    crypto_sign_detached(signature, NULL, (const uint8_t *)text, strlen(text), secret);
    strcat(text, ".");
    append_encoded(text, signature, sizeof(signature));
    return text;
}

START_TEST(a_signed_token_verifies_and_says_what_was_claimed)
{
    char *token = token_sign("demo", "us-east-1", home_seed, &alice);
    struct token_claims claims;

    ck_assert_int_eq(token_verify(slice_of(token), "demo", keys, 2, NOW, &claims), 0);
    ck_assert_str_eq(claims.user, "u-alice");
    ck_assert_str_eq(claims.shard, "us-east");
    ck_assert_str_eq(claims.session, "s-1");
    ck_assert_uint_eq(claims.generation, 4);
    ck_assert_str_eq(claims.scope, "metadata vault");
    ck_assert_uint_eq(claims.auth_time_s, NOW - 5);
    ck_assert_uint_eq(claims.issued_s, NOW);
    ck_assert_uint_eq(claims.expires_s, NOW + 600);
    free(token);
}
END_TEST

START_TEST(the_forge_of_these_tests_makes_good_tokens_too)
{
    ck_assert_int_eq(verify(forge(GOOD_HEADER, GOOD_CLAIMS)), 0);
}
END_TEST

START_TEST(a_token_is_the_same_for_the_same_claims)
{
    char *a = token_sign("demo", "us-east-1", home_seed, &alice);
    char *b = token_sign("demo", "us-east-1", home_seed, &alice);

    ck_assert_str_eq(a, b);
    ck_assert_str_eq(a, forge(GOOD_HEADER, GOOD_CLAIMS));
    free(a);
    free(b);
}
END_TEST

START_TEST(changing_any_one_character_breaks_a_token)
{
    char *token = token_sign("demo", "us-east-1", home_seed, &alice);
    size_t size = strlen(token);

    for (size_t i = 0; i < size; i++) {
        char saved = token[i];

        token[i] = saved == 'A' ? 'B' : 'A';
        ck_assert_int_lt(verify(token), 0);
        token[i] = saved;
    }
    ck_assert_int_eq(verify(token), 0);
    free(token);
}
END_TEST

START_TEST(a_scope_that_there_is_not_is_refused)
{
    static const char *const scopes[] = {"",       "root",   "vault metadata",  "vault vault",
                                         " vault", "vault ", "metadata  vault", "vaults"};

    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
        struct token_claims claims = alice;
        char *token;

        snprintf(claims.scope, sizeof(claims.scope), "%s", scopes[i]);
        token = token_sign("demo", "us-east-1", home_seed, &claims);
        ck_assert_msg(verify(token) == -EBADMSG, "'%s'", scopes[i]);
        free(token);
    }
}
END_TEST

START_TEST(a_wish_for_a_scope_gets_one_form)
{
    char scope[TOKEN_SCOPE_SIZE];

    ck_assert_int_eq(token_scope_parse("", scope), 0);
    ck_assert_str_eq(scope, TOKEN_SCOPE_ALL);
    ck_assert_int_eq(token_scope_parse(" vault  account vault ", scope), 0);
    ck_assert_str_eq(scope, "account vault");
    ck_assert_int_eq(token_scope_parse("vault root", scope), -EINVAL);
    ck_assert_int_eq(token_scope_parse("vaul", scope), -EINVAL);
    ck_assert(token_scope_has("account vault", "vault"));
    ck_assert(token_scope_has("account vault", "account"));
    ck_assert(!token_scope_has("account vault", "metadata"));
    ck_assert(!token_scope_has("account vault", "vaul"));
    ck_assert(!token_scope_has("", "vault"));
}
END_TEST

START_TEST(another_key_cannot_sign_for_this_one)
{
    char *token = token_sign("demo", "us-east-1", other_seed, &alice);

    ck_assert_int_eq(verify(token), -EKEYREJECTED);
    free(token);
}
END_TEST

START_TEST(a_swapped_kid_is_rejected)
{
    char *token = token_sign("demo", "eu-west-1", home_seed, &alice);

    ck_assert_int_eq(verify(token), -EKEYREJECTED);
    free(token);
}
END_TEST

START_TEST(an_unknown_kid_is_no_key)
{
    char *token = token_sign("demo", "mars-1", home_seed, &alice);
    struct token_claims claims;

    ck_assert_int_eq(verify(token), -ENOKEY);
    ck_assert_int_eq(token_verify(slice_of(token), "demo", NULL, 0, NOW, &claims), -ENOKEY);
    free(token);
}
END_TEST

START_TEST(claims_of_one_token_do_not_fit_the_signature_of_another)
{
    struct token_claims mallory = alice;
    char *own, *alices, *mixed;

    strcpy(mallory.user, "u-malin");
    own = token_sign("demo", "us-east-1", home_seed, &mallory);
    alices = token_sign("demo", "us-east-1", home_seed, &alice);
    mixed = memory_alloc(strlen(own) + strlen(alices));
    memcpy(mixed, alices, (size_t)(strrchr(alices, '.') - alices));
    strcat(mixed, strrchr(own, '.'));
    ck_assert_int_eq(verify(mixed), -EKEYREJECTED);
    free(own);
    free(alices);
    free(mixed);
}
END_TEST

START_TEST(only_the_one_header_is_taken)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"typ\":\"JWT\",\"kid\":\"us-east-1\"}",
        "{\"alg\":\"None\",\"typ\":\"JWT\",\"kid\":\"us-east-1\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"us-east-1\"}",
        "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"us-east-1\"}",
        "{\"alg\":\"eddsa\",\"typ\":\"JWT\",\"kid\":\"us-east-1\"}",
        "{\"alg\":[\"EdDSA\"],\"typ\":\"JWT\",\"kid\":\"us-east-1\"}",
        "{\"alg\":null,\"typ\":\"JWT\",\"kid\":\"us-east-1\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"us-east-1\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"JWT\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":7}",
        "{\"typ\":\"JWT\",\"kid\":\"us-east-1\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"us-east-1\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"us-east-1\",\"jwk\":{}}",
        "{\"alg\":\"none\",\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"us-east-1\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"us-east-1\"}{}",
        "[\"EdDSA\",\"JWT\",\"us-east-1\"]",
        "\"EdDSA\"",
        "not json",
        "",
    };

    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        ck_assert_msg(verify(forge(headers[i], GOOD_CLAIMS)) == -EBADMSG, "%s", headers[i]);
}
END_TEST

START_TEST(alg_none_without_a_signature_is_refused)
{
    char text[FORGED_SIZE] = "";

    append_encoded(text, "{\"alg\":\"none\"}", 14);
    strcat(text, ".");
    append_encoded(text, GOOD_CLAIMS, strlen(GOOD_CLAIMS));
    strcat(text, ".");
    ck_assert_int_eq(verify(text), -EBADMSG);
}
END_TEST

START_TEST(hs256_keyed_with_the_public_key_is_refused)
{
    char text[FORGED_SIZE] = "";
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    append_encoded(text, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"us-east-1\"}", 45);
    strcat(text, ".");
    append_encoded(text, GOOD_CLAIMS, strlen(GOOD_CLAIMS));
    crypto_auth_hmacsha256(mac, (const uint8_t *)text, strlen(text), keys[1].public_key);
    strcat(text, ".");
    append_encoded(text, mac, sizeof(mac));
    ck_assert_int_eq(verify(text), -EBADMSG);
}
END_TEST

START_TEST(another_worlds_or_anothers_token_is_rejected)
{
#define WITH(iss, aud) CLAIMS(iss, aud, "\"u-alice\"", "4", "1800000000", "1800000600")
    ck_assert_int_eq(verify(forge(GOOD_HEADER, WITH("\"mecentral/demo2\"", "\"mecentral\""))),
                     -EKEYREJECTED);
    ck_assert_int_eq(verify(forge(GOOD_HEADER, WITH("\"mecentral/\"", "\"mecentral\""))),
                     -EKEYREJECTED);
    ck_assert_int_eq(verify(forge(GOOD_HEADER, WITH("\"demo\"", "\"mecentral\""))), -EKEYREJECTED);
    ck_assert_int_eq(verify(forge(GOOD_HEADER, WITH("\"mecentral/demo\"", "\"grafana\""))),
                     -EKEYREJECTED);
    ck_assert_int_eq(verify(forge(GOOD_HEADER, WITH("\"mecentral/demo\"", "[\"mecentral\"]"))),
                     -EBADMSG);
#undef WITH
}
END_TEST

START_TEST(claims_must_be_all_there_once_and_of_their_type)
{
#define ISS "\"mecentral/demo\""
#define AUD "\"mecentral\""
    static const char *const claims[] = {
        CLAIMS(ISS, AUD, "7", "4", "1800000000", "1800000600"),
        CLAIMS(ISS, AUD, "\"\"", "4", "1800000000", "1800000600"),
        CLAIMS(ISS, AUD, "\"a\\u0000b\"", "4", "1800000000", "1800000600"),
        CLAIMS(ISS, AUD, "\"0123456789012345678901234567890123456789\"", "4", "1800000000",
               "1800000600"),
        CLAIMS(ISS, AUD, "\"u\"", "-1", "1800000000", "1800000600"),
        CLAIMS(ISS, AUD, "\"u\"", "4.0", "1800000000", "1800000600"),
        CLAIMS(ISS, AUD, "\"u\"", "\"4\"", "1800000000", "1800000600"),
        CLAIMS(ISS, AUD, "\"u\"", "9007199254740993", "1800000000", "1800000600"),
        CLAIMS(ISS, AUD, "\"u\"", "4", "1.8e9", "1800000600"),
        CLAIMS(ISS, AUD, "\"u\"", "4", "1800000000", "99999999999999999999"),
        CLAIMS(ISS, AUD, "\"u\"", "4", "1800000000", "null"),
        CLAIMS(ISS, AUD, "\"u\"", "4,\"scope\":\"account\"", "1800000000", "1800000600"),
        CLAIMS(ISS, AUD, "\"u\"", "4,\"gen\":5", "1800000000", "1800000600"),
        CLAIMS(ISS, AUD, "\"u\"", "4,\"admin\":true", "1800000000", "1800000600"),
        "{\"iss\":" ISS ",\"aud\":" AUD ",\"sub\":\"u\"}",
        "[]",
        "{}",
        "null",
        "not json",
        "{\"iss\":",
        GOOD_CLAIMS "x",
        GOOD_CLAIMS GOOD_CLAIMS,
        "",
    };

    for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++)
        ck_assert_msg(verify(forge(GOOD_HEADER, claims[i])) == -EBADMSG, "%s", claims[i]);
}
END_TEST

START_TEST(a_token_has_its_time)
{
    char *token = token_sign("demo", "us-east-1", home_seed, &alice);

    ck_assert_int_eq(verify_at(token, NOW - 3), -EKEYEXPIRED); /* from the future */
    ck_assert_int_eq(verify_at(token, NOW - 2), 0);            /* what clocks may differ by */
    ck_assert_int_eq(verify_at(token, NOW + 601), 0);
    ck_assert_int_eq(verify_at(token, NOW + 602), -EKEYEXPIRED);
    ck_assert_int_eq(verify_at(token, 0), -EKEYEXPIRED);
    ck_assert_int_eq(verify_at(token, UINT64_MAX / 2), -EKEYEXPIRED);
    free(token);
}
END_TEST

START_TEST(a_token_that_lives_too_long_is_refused_while_it_is_young)
{
    struct token_claims claims = alice;
    char *token;

    claims.expires_s = NOW + TOKEN_LIFETIME_S_MAX + 1;
    token = token_sign("demo", "us-east-1", home_seed, &claims);
    ck_assert_int_eq(verify_at(token, NOW + 1), -EKEYEXPIRED);
    free(token);

    claims.expires_s = NOW - 1; /* ends before it begins */
    token = token_sign("demo", "us-east-1", home_seed, &claims);
    ck_assert_int_eq(verify_at(token, NOW), -EKEYEXPIRED);
    free(token);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    char *token = token_sign("demo", "us-east-1", home_seed, &alice);
    struct token_claims claims;

    for (size_t size = 0; size < strlen(token); size++) {
        char *part = memory_copy(token, size); /* so that a sanitizer sees any read past it */

        ck_assert_int_lt(token_verify((struct slice){part, size}, "demo", keys, 2, NOW, &claims),
                         0);
        free(part);
    }
    free(token);
}
END_TEST

START_TEST(an_over_long_token_is_refused_unread)
{
    char text[TOKEN_SIZE_MAX + 2];
    struct token_claims claims;

    memset(text, 'A', sizeof(text));
    text[100] = text[200] = '.';
    ck_assert_int_eq(
        token_verify((struct slice){text, TOKEN_SIZE_MAX + 1}, "demo", keys, 2, NOW, &claims),
        -EBADMSG);
    ck_assert_int_eq(token_peek((struct slice){text, TOKEN_SIZE_MAX + 1}, &claims), -EBADMSG);
    ck_assert_int_eq(token_peek((struct slice){text, TOKEN_SIZE_MAX}, &claims), -EBADMSG);
}
END_TEST

START_TEST(one_that_is_too_long_is_refused_even_if_all_else_is_right)
{
    char claims[1024];

    snprintf(claims, sizeof(claims), "%s%*s", GOOD_CLAIMS, 10, "");
    ck_assert_int_eq(verify(forge(GOOD_HEADER, claims)), 0);
    snprintf(claims, sizeof(claims), "%s%*s", GOOD_CLAIMS, 550, "");
    ck_assert_int_eq(verify(forge(GOOD_HEADER, claims)), -EBADMSG);
}
END_TEST

START_TEST(anything_around_a_token_is_refused)
{
    char *token = token_sign("demo", "us-east-1", home_seed, &alice);
    static const char *const around[][2] = {
        {"", "."}, {"", ".AAAA"}, {"", "="},  {"", " "}, {" ", ""},
        {".", ""}, {"", "\n"},    {"", ";x"}, {"", ","}, {"", "A"},
    };
    char text[2048];

    for (size_t i = 0; i < sizeof(around) / sizeof(around[0]); i++) {
        snprintf(text, sizeof(text), "%s%s%s", around[i][0], token, around[i][1]);
        ck_assert_msg(verify(text) < 0, "\"%s\" \"%s\"", around[i][0], around[i][1]);
    }
    free(token);
}
END_TEST

START_TEST(bits_that_a_decoder_would_drop_are_refused)
{
    /* 64 bytes leave 4 unused bits in the last character: it has 15 other spellings. */
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char *token = token_sign("demo", "us-east-1", home_seed, &alice);
    char *last = token + strlen(token) - 1;
    size_t value = (size_t)(strchr(alphabet, *last) - alphabet);

    ck_assert_uint_eq(value % 16, 0);
    for (size_t dropped = 1; dropped < 16; dropped++) {
        *last = alphabet[value + dropped];
        ck_assert_int_eq(verify(token), -EKEYREJECTED);
    }
    free(token);
}
END_TEST

START_TEST(the_other_base64_alphabet_is_refused)
{
    struct token_claims claims = alice;
    bool seen = false;

    for (int i = 0; i < 50 && !seen; i++) { /* until a signature has a character that differs */
        char *token, *at;

        snprintf(claims.session, sizeof(claims.session), "s-%d", i);
        token = token_sign("demo", "us-east-1", home_seed, &claims);
        at = strpbrk(strrchr(token, '.'), "-_");
        if (at) {
            seen = true;
            ck_assert_int_eq(verify(token), 0);
            *at = *at == '-' ? '+' : '/';
            ck_assert_int_eq(verify(token), -EKEYREJECTED);
        }
        free(token);
    }
    ck_assert(seen);
}
END_TEST

/* libsodium's decoder takes bytes above ASCII for letters, each for one. */
START_TEST(bytes_that_are_no_text_are_refused_though_a_decoder_takes_them)
{
    char *token = token_sign("demo", "us-east-1", home_seed, &alice);

    for (char *at = strrchr(token, '.') + 1; *at; at++) {
        char saved = *at;

        for (int byte = 0x80; byte <= 0xff; byte++) {
            *at = (char)byte;
            ck_assert_int_lt(verify(token), 0);
        }
        *at = saved;
    }
    ck_assert_int_eq(verify(token), 0);
    free(token);
}
END_TEST

START_TEST(what_is_no_token_at_all_is_refused)
{
    static const char *const texts[] = {"", ".", "..", "...", "a.b.c", "Bearer x", "é.é.é"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct token_claims claims;

        ck_assert_int_eq(verify(texts[i]), -EBADMSG);
        ck_assert_int_eq(token_peek(slice_of(texts[i]), &claims), -EBADMSG);
    }
    ck_assert_int_eq(token_verify((struct slice){NULL, 0}, "demo", keys, 2, NOW, NULL), -EBADMSG);
}
END_TEST

START_TEST(peeking_reads_even_what_would_not_verify)
{
    char *token = token_sign("another world", "mars-1", other_seed, &alice);
    struct token_claims claims;

    ck_assert_int_eq(token_peek(slice_of(token), &claims), 0);
    ck_assert_str_eq(claims.user, "u-alice");
    ck_assert_str_eq(claims.shard, "us-east");
    ck_assert_uint_eq(claims.expires_s, NOW + 600);
    free(token);
}
END_TEST

START_TEST(peeking_takes_claims_in_any_order_and_refuses_what_does_not_fit)
{
    struct token_claims claims;

    ck_assert_int_eq(token_peek(slice_of(forge("{}", "{\"exp\": 5, \"x\": [1], \"shard\": \"a\", "
                                                     "\"sub\": \"b\\u00e9\"}")),
                                &claims),
                     0);
    ck_assert_str_eq(claims.user, "b\xc3\xa9");
    ck_assert_uint_eq(claims.expires_s, 5);
    ck_assert_int_eq(token_peek(slice_of(forge("{}", "{\"exp\":5,\"sub\":\"b\"}")), &claims),
                     -EBADMSG);
    ck_assert_int_eq(
        token_peek(slice_of(forge("{}", "{\"exp\":-5,\"sub\":\"b\",\"shard\":\"a\"}")), &claims),
        -EBADMSG);
    ck_assert_int_eq(
        token_peek(slice_of(forge("{}", "{\"exp\":5,\"sub\":\"b\",\"shard\":"
                                        "\"0123456789012345678901234567890123456789\"}")),
                   &claims),
        -EBADMSG);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_signed_token_verifies_and_says_what_was_claimed,
        the_forge_of_these_tests_makes_good_tokens_too,
        a_token_is_the_same_for_the_same_claims,
        changing_any_one_character_breaks_a_token,
        a_scope_that_there_is_not_is_refused,
        a_wish_for_a_scope_gets_one_form,
        another_key_cannot_sign_for_this_one,
        a_swapped_kid_is_rejected,
        an_unknown_kid_is_no_key,
        claims_of_one_token_do_not_fit_the_signature_of_another,
        only_the_one_header_is_taken,
        alg_none_without_a_signature_is_refused,
        hs256_keyed_with_the_public_key_is_refused,
        another_worlds_or_anothers_token_is_rejected,
        claims_must_be_all_there_once_and_of_their_type,
        a_token_has_its_time,
        a_token_that_lives_too_long_is_refused_while_it_is_young,
        every_truncation_is_refused,
        an_over_long_token_is_refused_unread,
        one_that_is_too_long_is_refused_even_if_all_else_is_right,
        anything_around_a_token_is_refused,
        bits_that_a_decoder_would_drop_are_refused,
        the_other_base64_alphabet_is_refused,
        bytes_that_are_no_text_are_refused_though_a_decoder_takes_them,
        what_is_no_token_at_all_is_refused,
        peeking_reads_even_what_would_not_verify,
        peeking_takes_claims_in_any_order_and_refuses_what_does_not_fit,
    };
    return suite_run(&(struct suite){.name = "token", .set_up = prepare, SUITE_TESTS(tests)});
}
