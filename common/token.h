/* token: signed statements of who a client is: JWT (RFC 7519) in compact form, EdDSA only
 * (RFC 8037), checked by signature alone at any region.
 *
 * Header {"alg":"EdDSA","typ":"JWT","kid":..}; claims iss `mecentral/WORLD`, aud `mecentral`, sub
 * (user id), shard, sid, gen, scope (RFC 9068), auth_time (OpenID Connect Core: when the password
 * was checked), iat, exp. Anything else is refused; why is for the log, never for the client. */

#ifndef MEC_TOKEN_H
#define MEC_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/position.h"
#include "common/slice.h"

#define TOKEN_SIZE_MAX        1024 /* longer ones are refused unread */
#define TOKEN_KEY_SEED_SIZE   32
#define TOKEN_KEY_PUBLIC_SIZE 32
#define TOKEN_LIFETIME_S_MAX  600
#define USER_ID_SIZE          40
#define TOKEN_SCOPE_SIZE      40
#define TOKEN_SCOPE_ALL       "account metadata vault"

struct token_claims {
    char user[USER_ID_SIZE];
    char shard[SHARD_NAME_SIZE];
    char session[40];
    char scope[TOKEN_SCOPE_SIZE]; /* words of TOKEN_SCOPE_ALL, in its order */
    uint64_t generation;
    uint64_t auth_time_s; /* Unix seconds */
    uint64_t issued_s;
    uint64_t expires_s;
};

struct token_key {
    char kid[64];
    uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE];
};

/* The public half of the key that grows from @seed. */
void token_key_public(const uint8_t seed[TOKEN_KEY_SEED_SIZE],
                      uint8_t ret_public[TOKEN_KEY_PUBLIC_SIZE]);

/* Sign. Returns a new NUL-terminated string that the caller frees. */
char *token_sign(const char *world, const char *kid, const uint8_t seed[TOKEN_KEY_SEED_SIZE],
                 const struct token_claims *claims);

/* Verify @token against the known @keys at @now_s, with 2 s of allowance for clocks.
 *
 * Errors: -EBADMSG, not a token of this form; -ENOKEY, unknown kid; -EKEYREJECTED, bad signature,
 * issuer or audience; -EKEYEXPIRED, past exp, from the future, or living longer than allowed.
 * *@ret_claims is set only on 0. */
int token_verify(struct slice token, const char *world, const struct token_key *keys,
                 size_t key_count, uint64_t now_s, struct token_claims *ret_claims);

/* Read user, shard and exp without checking anything: a hint for routing, never for access.
 * Errors: -EBADMSG. */
int token_peek(struct slice token, struct token_claims *ret_claims);

/* Is @scope good for @word? */
bool token_scope_has(const char *scope, const char *word);

/* Bring a wish for a scope, words in any order, into its canonical form; "" is all.
 * Errors: -EINVAL, a word that there is not. */
int token_scope_parse(const char *text, char ret_scope[TOKEN_SCOPE_SIZE]);

#endif
