/* fuzz_tokens: nothing verifies but what was signed.
 *
 * The first byte says whether what follows is a token as it stands, or changes to a real one: pairs
 * of a place and a byte that is put there. */

#include <assert.h>
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
    untouched = found;
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
    switch (fuzz_number(&bytes) % 4) {
    case 0:
        check_changed(0, bytes);
        break;
    case 1:
        check_changed(1, bytes);
        break;
    case 2:
        check_scope(bytes);
        break;
    default:
        check((struct slice){(const char *)bytes.data, bytes.size});
        break;
    }
    return 0;
}
