/* Sealed values: only the right key in the right place opens them. */

#include <check.h>
#include <errno.h>
#include <sodium.h>

#include "common/seal.h"
#include "tests/unit/suite.h"

static const struct seal_place place = {"us-east", "u7", "vault", "card", 3};
static uint8_t key[SEAL_KEY_SIZE], nonce[SEAL_NONCE_SIZE];
static uint8_t sealed[128], plain[128];
static size_t sealed_size, plain_size;

static void set_up(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof(nonce); i++)
        nonce[i] = (uint8_t)(0x40 + i);
}

static void seal(const char *text)
{
    sealed_size = strlen(text) + SEAL_OVERHEAD;
    ck_assert_uint_le(sealed_size, sizeof(sealed));
    memset(sealed, 0xaa, sizeof(sealed));
    seal_value(key, nonce, &place, slice_of(text), sealed);
    ck_assert_uint_eq(sealed[sealed_size], 0xaa);
}

/* The answer of seal_open(); on failure nothing of the value is left behind. */
static int open_at(const struct seal_place *where, size_t size)
{
    int error;

    memset(plain, 0, sizeof(plain));
    plain_size = 77;
    error = seal_open(key, where, (struct slice){(const char *)sealed, size}, plain, &plain_size);
    if (error != 0) {
        ck_assert_uint_eq(plain_size, 77);
        ck_assert(sodium_is_zero(plain, sizeof(plain)));
    }
    return error;
}

START_TEST(a_value_is_opened_as_it_was)
{
    seal("4111 1111 1111 1111");
    ck_assert_int_eq(open_at(&place, sealed_size), 0);
    ck_assert_uint_eq(plain_size, 19);
    ck_assert_mem_eq(plain, "4111 1111 1111 1111", 19);
    ck_assert_ptr_null(memmem(sealed, sealed_size, "4111", 4));
}
END_TEST

START_TEST(an_empty_value_is_sealed_too)
{
    seal("");
    ck_assert_uint_eq(sealed_size, SEAL_OVERHEAD);
    ck_assert_int_eq(open_at(&place, sealed_size), 0);
    ck_assert_uint_eq(plain_size, 0);
}
END_TEST

/* The form rests on disks: it is put together here by hand. */
START_TEST(the_form_is_as_it_is_written_down)
{
    static const char data[] = "\1"
                               "\0\0\0\0\0\0\0\7us-east"
                               "\0\0\0\0\0\0\0\2u7"
                               "\0\0\0\0\0\0\0\5vault"
                               "\0\0\0\0\0\0\0\4card"
                               "\0\0\0\0\0\0\0\3";
    uint8_t expected[64];
    unsigned long long size;

    expected[0] = 1;
    memcpy(expected + 1, nonce, sizeof(nonce));
    crypto_aead_xchacha20poly1305_ietf_encrypt(expected + 25, &size, (const uint8_t *)"secret", 6,
                                               (const uint8_t *)data, sizeof(data) - 1, NULL, nonce,
                                               key);
    seal("secret");
    ck_assert_uint_eq(sealed_size, 25 + size);
    ck_assert_mem_eq(sealed, expected, sealed_size);
}
END_TEST

/* And so does the cipher: the same bytes for ever. */
START_TEST(a_known_value_gives_known_bytes)
{
    static const char known[] = "01404142434445464748494a4b4c4d4e4f5051525354555657"
                                "a75c6602b5942a4112365b687adc8b569b1d32e0886e";
    char hex[2 * sizeof(sealed) + 1];

    seal("secret");
    sodium_bin2hex(hex, sizeof(hex), sealed, sealed_size);
    ck_assert_str_eq(hex, known);
}
END_TEST

START_TEST(it_opens_in_no_other_place)
{
    const struct seal_place others[] = {
        {"us-west", "u7", "vault", "card", 3},    {"us-east", "u8", "vault", "card", 3},
        {"us-east", "u7", "metadata", "card", 3}, {"us-east", "u7", "vault", "pin", 3},
        {"us-east", "u7", "vault", "card", 2},    {"us-east", "u7", "vault", "card", 4},
        {"us-east", "u7v", "ault", "card", 3}, /* the same letters, parted elsewhere */
        {"us-eastu7", "", "vault", "card", 3},
    };

    seal("secret");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_int_eq(open_at(&others[i], sealed_size), -EBADMSG);
    ck_assert_int_eq(open_at(&place, sealed_size), 0);
}
END_TEST

START_TEST(it_opens_with_no_other_key)
{
    seal("secret");
    key[31] ^= 1;
    ck_assert_int_eq(open_at(&place, sealed_size), -EBADMSG);
}
END_TEST

START_TEST(a_flipped_bit_anywhere_is_noticed)
{
    seal("secret");
    for (size_t bit = 0; bit < sealed_size * 8; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(open_at(&place, sealed_size), -EBADMSG);
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq(open_at(&place, sealed_size), 0);
}
END_TEST

START_TEST(a_part_of_it_is_none_and_neither_is_more)
{
    seal("secret");
    for (size_t size = 0; size < sealed_size; size++)
        ck_assert_int_eq(open_at(&place, size), -EBADMSG);
    ck_assert_int_eq(open_at(&place, sealed_size + 1), -EBADMSG);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_value_is_opened_as_it_was,       an_empty_value_is_sealed_too,
        the_form_is_as_it_is_written_down, a_known_value_gives_known_bytes,
        it_opens_in_no_other_place,        it_opens_with_no_other_key,
        a_flipped_bit_anywhere_is_noticed, a_part_of_it_is_none_and_neither_is_more,
    };
    return suite_run(&(struct suite){.name = "seal", .set_up = set_up, SUITE_TESTS(tests)});
}
