/* fuzz_tokens: nothing verifies but what was signed, and of what was signed only what a token may
 * say.
 *
 * The first byte says what follows: changes to a real token (pairs of a place and a byte that is
 * put there), a scope, the JSON of claims or of a header, which are then signed as they are, or a
 * token as it stands. */

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/token.h"
#include "tests/fuzz/fuzz.h"

#define NOW_S 1790000000u
#define WORLD "test"
#define KEYS  2

static struct token_key keys[KEYS];
static char *tokens[KEYS]; /* one signed with each */
static struct token_claims claims[KEYS];

static void make_tokens(void)
{
    for (size_t i = 0; i < KEYS; i++) {
        uint8_t seed[TOKEN_KEY_SEED_SIZE] = {(uint8_t)(i + 1)};

        strcpy(keys[i].kid, i == 0 ? "us-east.1" : "eu-west.1");
        token_key_public(seed, keys[i].public_key);
        claims[i] = (struct token_claims){.generation = 3,
                                          .auth_time_s = NOW_S - 5,
                                          .issued_s = NOW_S - 5,
                                          .expires_s = NOW_S + 500};
        strcpy(claims[i].user, i == 0 ? "u-ann" : "u-bob");
        strcpy(claims[i].shard, i == 0 ? "us-east" : "eu-west");
        strcpy(claims[i].session, "session");
        strcpy(claims[i].scope, i == 0 ? TOKEN_SCOPE_ALL : "vault");
        tokens[i] = token_sign(WORLD, keys[i].kid, seed, &claims[i]);
    }
}

static bool are_equal(const struct token_claims *a, const struct token_claims *b)
{
    return strcmp(a->user, b->user) == 0 && strcmp(a->shard, b->shard) == 0 &&
           strcmp(a->session, b->session) == 0 && strcmp(a->scope, b->scope) == 0 &&
           a->generation == b->generation && a->auth_time_s == b->auth_time_s &&
           a->issued_s == b->issued_s && a->expires_s == b->expires_s;
}

static bool is_text(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/* Claims that were read from anything are texts with an end. */
static void check_texts(const struct token_claims *found)
{
    assert(is_text(found->user, sizeof found->user));
    assert(is_text(found->shard, sizeof found->shard));
    assert(is_text(found->session, sizeof found->session));
    assert(is_text(found->scope, sizeof found->scope));
}

static void check(struct slice token)
{
    struct token_claims found, untouched, peeked;
    int error;

    memset(&found, 0x55, sizeof found);
    memcpy(&untouched, &found, sizeof found);
    error = token_verify(token, WORLD, keys, KEYS, NOW_S, &found);
    if (error == 0) {
        size_t i = strcmp(found.user, claims[0].user) == 0 ? 0 : 1;

        assert(slice_is(token, tokens[i]));
        assert(are_equal(&found, &claims[i]));
        assert(token_verify(token, "other", keys, KEYS, NOW_S, &found) != 0);
        assert(token_verify(token, WORLD, &keys[1 - i], 1, NOW_S, &found) != 0);
        assert(token_verify(token, WORLD, keys, KEYS, NOW_S + 600, &found) != 0);
        assert(token_peek(token, &peeked) == 0);
        assert(strcmp(peeked.user, claims[i].user) == 0);
    } else {
        assert(memcmp(&found, &untouched, sizeof found) == 0);
    }
    memset(&peeked, 0, sizeof peeked);
    if (token_peek(token, &peeked) == 0)
        check_texts(&peeked);
}

/* Returns whether it differs from the real one. */
static bool change(char *token, struct fuzz_bytes bytes, const char *real)
{
    size_t size = strlen(real);

    while (bytes.size > 0) {
        size_t at = fuzz_number(&bytes);

        at += 256u * fuzz_number(&bytes);
        token[at % size] = (char)fuzz_number(&bytes);
    }
    return memcmp(token, real, size) != 0;
}

static void check_changed(size_t which, struct fuzz_bytes bytes)
{
    char *token = memory_text(tokens[which]);
    struct slice slice = {token, strlen(token)};
    struct token_claims found;
    bool differs = change(token, bytes, tokens[which]);

    assert((token_verify(slice, WORLD, keys, KEYS, NOW_S, &found) == 0) == !differs);
    check(slice);
    /* Nor is a part of it one, or it with something behind. */
    if (bytes.size > 0) {
        slice.size -= 1 + bytes.data[0] % slice.size;
        assert(token_verify(slice, WORLD, keys, KEYS, NOW_S, &found) != 0);
    }
    free(token);
}

/* ---- what a holder of the key might say ---- */

#define BASE64_VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* Append base64url; a token that gets too long is none. */
static bool append(char text[TOKEN_SIZE_MAX + 1], size_t *size, const void *bytes, size_t count)
{
    size_t needed = sodium_base64_encoded_len(count, BASE64_VARIANT);

    if (count > TOKEN_SIZE_MAX || needed > TOKEN_SIZE_MAX - *size)
        return false;
    sodium_bin2base64(text + *size, needed, bytes, count, BASE64_VARIANT);
    *size += needed - 1;
    return true;
}

static bool sign(struct fuzz_bytes header, struct fuzz_bytes payload, char text[TOKEN_SIZE_MAX + 1])
{
    static const uint8_t seed[TOKEN_KEY_SEED_SIZE] = {1};
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    uint8_t signature[crypto_sign_BYTES];
    size_t size = 0;

    if (!append(text, &size, header.data, header.size))
        return false;
    text[size++] = '.';
    if (!append(text, &size, payload.data, payload.size))
        return false;
    crypto_sign_seed_keypair(public_key, secret, seed);
    crypto_sign_detached(signature, NULL, (const uint8_t *)text, size, secret);
    text[size++] = '.';
    return append(text, &size, signature, sizeof signature);
}

static struct fuzz_bytes bytes_of(const char *text)
{
    return (struct fuzz_bytes){(const uint8_t *)text, strlen(text)};
}

/* What is taken is within bounds, and could have come from our own pen. */
static void check_signed(struct fuzz_bytes header, struct fuzz_bytes payload, bool header_is_ours)
{
    static const uint8_t seed[TOKEN_KEY_SEED_SIZE] = {1};
    struct token_claims found, again;
    char text[TOKEN_SIZE_MAX + 1];
    char *token;

    if (!sign(header, payload, text) ||
        token_verify(slice_of(text), WORLD, keys, KEYS, NOW_S, &found) != 0)
        return;
    check_texts(&found);
    assert(found.user[0] && found.shard[0] && found.session[0] && found.scope[0]);
    assert(found.expires_s + 2 > NOW_S);
    assert(found.issued_s <= NOW_S + 2);
    assert(found.expires_s - found.issued_s <= TOKEN_LIFETIME_S_MAX);
    assert(header_is_ours || are_equal(&found, &claims[0]));
    token = token_sign(WORLD, keys[0].kid, seed, &found);
    assert(token_verify(slice_of(token), WORLD, keys, KEYS, NOW_S, &again) == 0);
    assert(are_equal(&found, &again));
    free(token);
}

static const char header_text[] = "{\"alg\":\"EdDSA\",\"typ\":\"JWT\",\"kid\":\"us-east.1\"}";
static const char claims_text[] =
    "{\"iss\":\"mecentral/"
    "test\",\"aud\":\"mecentral\",\"sub\":\"u-ann\",\"shard\":\"us-east\",\"sid\":"
    "\"session\",\"gen\":3,\"scope\":\"account metadata vault\",\"auth_time\":1789999995,\"iat\":"
    "1789999995,\"exp\":1790000500}";

static void check_scope(struct fuzz_bytes bytes)
{
    char text[64] = {0}, scope[TOKEN_SCOPE_SIZE], again[TOKEN_SCOPE_SIZE];

    memcpy(text, bytes.data, bytes.size < sizeof text - 1 ? bytes.size : sizeof text - 1);
    if (token_scope_parse(text, scope) != 0)
        return;
    assert(is_text(scope, sizeof scope));
    assert(token_scope_parse(scope, again) == 0);
    assert(strcmp(scope, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes bytes = {data, size};

    fuzz_canary(data, size);
    if (!tokens[0])
        make_tokens();
    switch (fuzz_number(&bytes) % 6) {
    case 0:
        check_changed(0, bytes);
        break;
    case 1:
        check_changed(1, bytes);
        break;
    case 2:
        check_scope(bytes);
        break;
    case 3:
        check_signed(bytes_of(header_text), bytes, true);
        break;
    case 4:
        check_signed(bytes, bytes_of(claims_text), false);
        break;
    default:
        check((struct slice){(const char *)bytes.data, bytes.size});
        break;
    }
    return 0;
}
