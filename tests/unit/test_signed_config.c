/* Who is trusted: signed configurations, names of keys, and other users. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "common/credentials.h"
#include "common/kid.h"
#include "common/signed_config.h"
#include "tests/unit/suite.h"

static const uint8_t seed[SIGNED_CONFIG_SEED_SIZE] = {1};
static const uint8_t other_seed[SIGNED_CONFIG_SEED_SIZE] = {2};
static struct signed_config_pin pin;
static struct arena *arena;
static const Mec__Config *opened;
static uint8_t *bytes;
static size_t size;

static void set_up(void)
{
    ck_assert_int_ge(sodium_init(), 0);
    signed_config_make_pin(seed, "shop", &pin);
    arena = arena_create();
    bytes = NULL;
    opened = NULL;
}

static void tear_down(void)
{
    arena_free(arena);
    free(bytes);
}

static void make(const uint8_t *with, const char *world, uint64_t version)
{
    Mec__Config config = MEC__CONFIG__INIT;
    Mec__Settings settings = MEC__SETTINGS__INIT;

    config.version = version;
    config.world = (char *)world;
    config.settings = &settings;
    config.seed = 4711;
    free(bytes);
    bytes = signed_config_pack(&config, with, &size);
}

static int open_it(uint64_t have_version)
{
    return signed_config_open(bytes, size, &pin, have_version, arena, &opened);
}

START_TEST(what_was_signed_is_read_as_it_was)
{
    make(seed, "shop", 7);
    ck_assert_int_eq(open_it(0), 0);
    ck_assert_uint_eq(opened->version, 7);
    ck_assert_uint_eq(opened->seed, 4711);
    ck_assert_str_eq(opened->world, "shop");
    ck_assert_int_eq(open_it(7), 0); /* the same again is no step back */
    ck_assert_int_eq(open_it(6), 0);
}
END_TEST

START_TEST(an_older_one_is_refused)
{
    make(seed, "shop", 7);
    ck_assert_int_eq(open_it(8), -ESTALE);
    ck_assert_ptr_null(opened);
}
END_TEST

START_TEST(another_key_is_refused)
{
    make(other_seed, "shop", 7);
    ck_assert_int_eq(open_it(0), -EKEYREJECTED);
    ck_assert_ptr_null(opened);
}
END_TEST

START_TEST(another_world_is_refused)
{
    make(seed, "shop2", 7);
    ck_assert_int_eq(open_it(0), -EXDEV);
    make(seed, "", 7);
    ck_assert_int_eq(open_it(0), -EXDEV);
    ck_assert_ptr_null(opened);
}
END_TEST

/* A SignedConfig of these parts. */
static void assemble(const uint8_t *config, size_t config_size, const uint8_t *signature,
                     size_t signature_size)
{
    Mec__SignedConfig message = MEC__SIGNED_CONFIG__INIT;

    message.config.data = (uint8_t *)config;
    message.config.len = config_size;
    message.signature.data = (uint8_t *)signature;
    message.signature.len = signature_size;
    free(bytes);
    bytes = memory_alloc(mec__signed_config__get_packed_size(&message));
    size = mec__signed_config__pack(&message, bytes);
}

START_TEST(an_unsigned_one_is_refused)
{
    Mec__Config config = MEC__CONFIG__INIT;
    Mec__Settings settings = MEC__SETTINGS__INIT;
    uint8_t plain[100];
    size_t plain_size;

    config.version = 3;
    config.world = "shop";
    config.settings = &settings;
    plain_size = mec__config__pack(&config, plain);
    assemble(plain, plain_size, NULL, 0);
    ck_assert_int_eq(open_it(0), -ENOKEY);
    /* Not even wrapped, as files were once. */
    ck_assert_int_lt(signed_config_open(plain, plain_size, &pin, 0, arena, &opened), 0);
    /* Half a signature is none either. */
    assemble(plain, plain_size, plain, 63);
    ck_assert_int_eq(open_it(0), -EKEYREJECTED);
    ck_assert_ptr_null(opened);
}
END_TEST

/* A signature of the same bytes by the same key, made for something else. */
START_TEST(a_signature_without_its_context_is_refused)
{
    uint8_t public_key[32], secret[crypto_sign_SECRETKEYBYTES], signature[crypto_sign_BYTES];
    Mec__SignedConfig *message;

    make(seed, "shop", 7);
    message = mec__signed_config__unpack(NULL, size, bytes);
    crypto_sign_seed_keypair(public_key, secret, seed);
    ck_assert_mem_eq(public_key, pin.public_key, sizeof public_key);
    crypto_sign_detached(signature, NULL, message->config.data, message->config.len, secret);
    assemble(message->config.data, message->config.len, signature, sizeof signature);
    ck_assert_int_eq(open_it(0), -EKEYREJECTED);
    mec__signed_config__free_unpacked(message, NULL);
}
END_TEST

START_TEST(no_single_changed_bit_goes_through)
{
    make(seed, "shop", 7);
    for (size_t i = 0; i < size * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        ck_assert_int_lt(open_it(0), 0);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t shorter = 0; shorter < size; shorter++)
        ck_assert_int_lt(signed_config_open(bytes, shorter, &pin, 0, arena, &opened), 0);
    ck_assert_ptr_null(opened);
    ck_assert_int_eq(open_it(0), 0);
}
END_TEST

START_TEST(a_signed_one_that_no_process_could_run_by_is_refused)
{
    Mec__Config bare = MEC__CONFIG__INIT;

    bare.world = "shop";
    bare.version = 2; /* and no settings */
    bytes = signed_config_pack(&bare, seed, &size);
    ck_assert_int_eq(open_it(0), -EBADMSG);
    make(seed, "shop", 0);
    ck_assert_int_eq(open_it(0), -EBADMSG);
}
END_TEST

START_TEST(each_refusal_has_its_words)
{
    static const int errors[] = {-EBADMSG, -ENOKEY, -EKEYREJECTED, -EXDEV, -ESTALE};

    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(signed_config_why(errors[i]), signed_config_why(errors[j]));
}
END_TEST

START_TEST(a_pin_survives_its_file)
{
    struct signed_config_pin back = {0};

    bytes = signed_config_pack_pin(&pin, &size);
    ck_assert_int_eq(signed_config_read_pin(bytes, size, &back), 0);
    ck_assert_mem_eq(&back, &pin, sizeof pin);
    for (size_t shorter = 0; shorter < size; shorter++)
        ck_assert_int_eq(signed_config_read_pin(bytes, shorter, &back), -EBADMSG);
}
END_TEST

START_TEST(names_of_keys_have_one_spelling)
{
    static const char *const bad[] = {"us-east",           "us-east.",   "us-east.0",  "us-east.02",
                                      "us-east.2x",        "us-east.-2", "us-eas.2",   "us-east2.2",
                                      "us-east.+2",        "",           "us-east..2", "us-east. 2",
                                      "us-east.4294967296"};
    char kid[KID_SIZE];
    uint32_t number = 5;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(kid_number(bad[i], "us-east", &number) == -EINVAL, "%s", bad[i]);
    ck_assert_uint_eq(number, 5);
    kid_format("us-east", UINT32_MAX, kid);
    ck_assert_str_eq(kid, "us-east.4294967295");
    ck_assert_int_eq(kid_number(kid, "us-east", &number), 0);
    ck_assert_uint_eq(number, UINT32_MAX);
}
END_TEST

START_TEST(files_of_keys_have_one_name)
{
    static const char *const bad[] = {
        "signing.1.key",     "signing.0.key",          "signing.02.key",
        "signing.2.key.new", "signing.key.new",        "signing..key",
        "signing.-2.key",    "signing.4294967298.key", "x"};
    char name[KID_SIZE];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(kid_file_number(bad[i]) == 0, "%s", bad[i]);
    kid_file(1, name);
    ck_assert_str_eq(name, "signing.key");
    ck_assert_uint_eq(kid_file_number(name), 1);
    kid_file(12, name);
    ck_assert_str_eq(name, "signing.12.key");
    ck_assert_uint_eq(kid_file_number(name), 12);
}
END_TEST

START_TEST(only_the_same_user_may_talk_to_us)
{
    static const struct {
        uint32_t own;
        struct credentials other;
        bool may;
    } rows[] = {
        {1000, {true, 1000}, true},
        {0, {true, 0}, true},
        {1000, {true, 1001}, false},
        {1000, {true, 0}, false}, /* root needs no leave of ours, and gets none */
        {0, {true, 1000}, false},
        {1000, {false, 1000}, false}, /* the system did not say */
        {0, {false, 0}, false},
        {UINT32_MAX, {true, UINT32_MAX}, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_int_eq(credentials_may_talk(rows[i].own, &rows[i].other), rows[i].may);
}
END_TEST

START_TEST(sockets_stand_where_nobody_else_can_put_any)
{
    ck_assert(credentials_are_private(1000, 1000, 040700));
    ck_assert(credentials_are_private(1000, 1000, 040500));
    ck_assert(!credentials_are_private(1000, 1001, 040700));
    ck_assert(!credentials_are_private(1000, 0, 040700));
    for (unsigned bit = 1; bit <= 040; bit <<= 1)
        ck_assert(!credentials_are_private(1000, 1000, 040700 | bit));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_was_signed_is_read_as_it_was,
        an_older_one_is_refused,
        another_key_is_refused,
        another_world_is_refused,
        an_unsigned_one_is_refused,
        a_signature_without_its_context_is_refused,
        no_single_changed_bit_goes_through,
        a_signed_one_that_no_process_could_run_by_is_refused,
        each_refusal_has_its_words,
        a_pin_survives_its_file,
        names_of_keys_have_one_spelling,
        files_of_keys_have_one_name,
        only_the_same_user_may_talk_to_us,
        sockets_stand_where_nobody_else_can_put_any,
    };
    const struct suite suite = {
        .name = "signed_config", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)};

    return suite_run(&suite);
}
