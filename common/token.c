#include "common/token.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "common/memory.h"

#define AUDIENCE            "mecentral"
#define ISSUER_PREFIX       "mecentral/"
#define SIGNATURE_SIZE      crypto_sign_BYTES
#define CLOCK_ALLOWANCE_S   2u
#define BASE64_VARIANT      sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define BASE64_SIZE(binary) sodium_base64_ENCODED_LEN(binary, BASE64_VARIANT)

/* Beyond any date, and exact in every reader's numbers (RFC 7159, section 6). */
#define NUMBER_MAX ((json_int_t)1 << 53)

/* A token taken apart: three base64url texts joined by dots. */
struct parts {
    struct slice header;
    struct slice payload;
    struct slice signature;
    struct slice signed_part; /* header.payload */
};

void token_key_public(const uint8_t seed[TOKEN_KEY_SEED_SIZE],
                      uint8_t ret_public[TOKEN_KEY_PUBLIC_SIZE])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];

    crypto_sign_seed_keypair(ret_public, secret, seed);
    sodium_memzero(secret, sizeof(secret));
}

/* A token that is being written. Names that do not fit are a bug: they are checked long before. */
struct writer {
    char text[TOKEN_SIZE_MAX + 1];
    size_t size;
};

static void write_base64(struct writer *writer, const void *bytes, size_t size)
{
    assert(BASE64_SIZE(size) + 1 <= sizeof(writer->text) - writer->size);
    sodium_bin2base64(writer->text + writer->size, BASE64_SIZE(size), bytes, size, BASE64_VARIANT);
    writer->size += BASE64_SIZE(size) - 1;
}

/* @json is new, and goes away. */
static void write_json(struct writer *writer, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);

    assert(text);
    write_base64(writer, text, strlen(text));
    free(text);
    json_decref(json);
}

static void write_dot(struct writer *writer)
{
    writer->text[writer->size++] = '.';
}

static json_t *claims_json(const char *world, const struct token_claims *claims)
{
    return json_pack("{s:s+,s:s,s:s,s:s,s:s,s:I,s:s,s:I,s:I,s:I}", "iss", ISSUER_PREFIX, world,
                     "aud", AUDIENCE, "sub", claims->user, "shard", claims->shard, "sid",
                     claims->session, "gen", (json_int_t)claims->generation, "scope", claims->scope,
                     "auth_time", (json_int_t)claims->auth_time_s, "iat",
                     (json_int_t)claims->issued_s, "exp", (json_int_t)claims->expires_s);
}

char *token_sign(const char *world, const char *kid, const uint8_t seed[TOKEN_KEY_SEED_SIZE],
                 const struct token_claims *claims)
{
    uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE], secret[crypto_sign_SECRETKEYBYTES];
    uint8_t signature[SIGNATURE_SIZE];
    struct writer writer = {.size = 0};

    write_json(&writer, json_pack("{s:s,s:s,s:s}", "alg", "EdDSA", "typ", "JWT", "kid", kid));
    write_dot(&writer);
    write_json(&writer, claims_json(world, claims));

    crypto_sign_seed_keypair(public_key, secret, seed);
    crypto_sign_detached(signature, NULL, (const uint8_t *)writer.text, writer.size, secret);
    sodium_memzero(secret, sizeof(secret));

    write_dot(&writer);
    write_base64(&writer, signature, sizeof(signature));
    return memory_text_of((struct slice){writer.text, writer.size});
}

/* Cut at the first dot. */
static bool cut(struct slice *rest, struct slice *ret_front)
{
    const char *dot = rest->size > 0 ? memchr(rest->data, '.', rest->size) : NULL;

    if (!dot)
        return false;
    *ret_front = (struct slice){rest->data, (size_t)(dot - rest->data)};
    *rest = (struct slice){dot + 1, rest->size - ret_front->size - 1};
    return true;
}

static bool take_apart(struct slice token, struct parts *ret_parts)
{
    struct slice rest = token;

    if (token.size > TOKEN_SIZE_MAX || !cut(&rest, &ret_parts->header) ||
        !cut(&rest, &ret_parts->payload))
        return false;
    ret_parts->signature = rest;
    ret_parts->signed_part = (struct slice){token.data, (size_t)(rest.data - token.data) - 1};
    return true;
}

/* libsodium 1.0.18 takes each byte above ASCII for some letter. */
static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.data[i] > 0x7f)
            return false;
    return true;
}

/* Decode into @ret_bytes of TOKEN_SIZE_MAX. Padding, foreign characters, and bits that a decoder
 * would throw away are refused, so one token has one spelling. */
static bool decode_base64(struct slice text, uint8_t *ret_bytes, size_t *ret_size)
{
    return is_ascii(text) &&
           sodium_base642bin(ret_bytes, TOKEN_SIZE_MAX, text.data, text.size, NULL, ret_size, NULL,
                             BASE64_VARIANT) == 0;
}

/* A new JSON value, or NULL. */
static json_t *decode_json(struct slice text)
{
    uint8_t bytes[TOKEN_SIZE_MAX];
    size_t size;

    if (!decode_base64(text, bytes, &size))
        return NULL;
    return json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
}

/* The key that the header names. Nothing else may stand in a header: `crit`, `jwk` and their like
 * are how verifiers of other systems have been talked into other keys and algorithms. */
static int find_key(struct slice header, const struct token_key *keys, size_t key_count,
                    const struct token_key **ret_key)
{
    json_t *json = decode_json(header);
    const char *alg, *typ, *kid;
    int rc = -EBADMSG;

    if (json_unpack_ex(json, NULL, JSON_STRICT, "{s:s,s:s,s:s}", "alg", &alg, "typ", &typ, "kid",
                       &kid) == 0 &&
        strcmp(alg, "EdDSA") == 0 && strcmp(typ, "JWT") == 0) {
        rc = -ENOKEY;
        for (size_t i = 0; i < key_count && rc == -ENOKEY; i++) {
            if (strcmp(keys[i].kid, kid) == 0) {
                *ret_key = &keys[i];
                rc = 0;
            }
        }
    }
    json_decref(json);
    return rc;
}

static bool is_signed_by(const struct parts *parts, const struct token_key *key)
{
    uint8_t signature[TOKEN_SIZE_MAX];
    size_t size;

    return decode_base64(parts->signature, signature, &size) && size == SIGNATURE_SIZE &&
           crypto_sign_verify_detached(signature, (const uint8_t *)parts->signed_part.data,
                                       parts->signed_part.size, key->public_key) == 0;
}

static bool copy_text(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);

    if (length == 0 || length >= size)
        return false;
    memcpy(to, from, length + 1);
    return true;
}

static bool copy_number(uint64_t *to, json_int_t from)
{
    if (from < 0 || from > NUMBER_MAX)
        return false;
    *to = (uint64_t)from;
    return true;
}

static bool issuer_is(const char *issuer, const char *world)
{
    size_t prefix_size = strlen(ISSUER_PREFIX);

    return strncmp(issuer, ISSUER_PREFIX, prefix_size) == 0 &&
           strcmp(issuer + prefix_size, world) == 0;
}

/* Errors: -EBADMSG; -EKEYREJECTED, another world's or for somebody else. */
static int read_claims(const json_t *json, const char *world, struct token_claims *ret_claims)
{
    const char *issuer, *audience, *user, *shard, *session, *scope;
    json_int_t generation, auth_time_s, issued_s, expires_s;
    char canonical[TOKEN_SCOPE_SIZE];

    if (json_unpack_ex((json_t *)json, NULL, JSON_STRICT,
                       "{s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:I,s:I,s:I}", "iss", &issuer, "aud",
                       &audience, "sub", &user, "shard", &shard, "sid", &session, "gen",
                       &generation, "scope", &scope, "auth_time", &auth_time_s, "iat", &issued_s,
                       "exp", &expires_s) < 0)
        return -EBADMSG;
    if (!issuer_is(issuer, world) || strcmp(audience, AUDIENCE) != 0)
        return -EKEYREJECTED;
    if (!copy_text(ret_claims->user, sizeof(ret_claims->user), user) ||
        !copy_text(ret_claims->shard, sizeof(ret_claims->shard), shard) ||
        !copy_text(ret_claims->session, sizeof(ret_claims->session), session) ||
        !copy_text(ret_claims->scope, sizeof(ret_claims->scope), scope) ||
        token_scope_parse(scope, canonical) != 0 || strcmp(scope, canonical) != 0 ||
        !copy_number(&ret_claims->generation, generation) ||
        !copy_number(&ret_claims->auth_time_s, auth_time_s) ||
        !copy_number(&ret_claims->issued_s, issued_s) ||
        !copy_number(&ret_claims->expires_s, expires_s))
        return -EBADMSG;
    return 0;
}

static bool is_in_its_time(const struct token_claims *claims, uint64_t now_s)
{
    return claims->issued_s <= now_s + CLOCK_ALLOWANCE_S &&
           now_s < claims->expires_s + CLOCK_ALLOWANCE_S && claims->expires_s >= claims->issued_s &&
           claims->expires_s - claims->issued_s <= TOKEN_LIFETIME_S_MAX;
}

int token_verify(struct slice token, const char *world, const struct token_key *keys,
                 size_t key_count, uint64_t now_s, struct token_claims *ret_claims)
{
    struct parts parts;
    const struct token_key *key;
    struct token_claims claims;
    json_t *payload;
    int rc;

    if (!take_apart(token, &parts))
        return -EBADMSG;
    rc = find_key(parts.header, keys, key_count, &key);
    if (rc < 0)
        return rc;
    if (!is_signed_by(&parts, key))
        return -EKEYREJECTED;
    payload = decode_json(parts.payload);
    rc = read_claims(payload, world, &claims);
    json_decref(payload);
    if (rc < 0)
        return rc;
    if (!is_in_its_time(&claims, now_s))
        return -EKEYEXPIRED;
    *ret_claims = claims;
    return 0;
}

int token_peek(struct slice token, struct token_claims *ret_claims)
{
    struct token_claims claims = {0};
    struct parts parts;
    const char *user, *shard;
    json_int_t expires_s;
    json_t *payload;
    int rc = -EBADMSG;

    if (!take_apart(token, &parts))
        return -EBADMSG;
    payload = decode_json(parts.payload);
    if (json_unpack(payload, "{s:s,s:s,s:I}", "sub", &user, "shard", &shard, "exp", &expires_s) ==
            0 &&
        copy_text(claims.user, sizeof(claims.user), user) &&
        copy_text(claims.shard, sizeof(claims.shard), shard) &&
        copy_number(&claims.expires_s, expires_s)) {
        *ret_claims = claims;
        rc = 0;
    }
    json_decref(payload);
    return rc;
}

/* ---- scopes ---- */

static const char *const scope_words[] = {"account", "metadata", "vault"};

#define SCOPE_WORDS (sizeof(scope_words) / sizeof(scope_words[0]))

/* The bit of the word at the front of *@text, which it takes away; 0: no such word. */
static unsigned take_word(const char **text)
{
    size_t size = strcspn(*text, " ");
    const char *word = *text;

    *text += size;
    for (unsigned i = 0; i < SCOPE_WORDS; i++)
        if (strlen(scope_words[i]) == size && memcmp(scope_words[i], word, size) == 0)
            return 1u << i;
    return 0;
}

int token_scope_parse(const char *text, char ret_scope[TOKEN_SCOPE_SIZE])
{
    unsigned words = 0;

    for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
        unsigned word = take_word(&text);

        if (word == 0)
            return -EINVAL;
        words |= word;
    }
    if (words == 0)
        words = (1u << SCOPE_WORDS) - 1;
    ret_scope[0] = '\0';
    for (unsigned i = 0; i < SCOPE_WORDS; i++) {
        if ((words >> i & 1u) == 0)
            continue;
        if (ret_scope[0])
            strcat(ret_scope, " ");
        strcat(ret_scope, scope_words[i]);
    }
    return 0;
}

bool token_scope_has(const char *scope, const char *word)
{
    size_t size = strlen(word);

    for (; *scope; scope += strcspn(scope, " ")) {
        scope += strspn(scope, " ");
        if (strncmp(scope, word, size) == 0 && (scope[size] == ' ' || scope[size] == '\0'))
            return true;
    }
    return false;
}
