/* account: the record of a user at their home shard (service `auth`, key `account`), and what a
 * client says to prove who they are. */

#ifndef MEC_ACCOUNT_H
#define MEC_ACCOUNT_H

#include "regiond/core.h"
#include "regiond/hashing.h"

#define ACCOUNT_NAME_SIZE         65 /* with NUL */
#define ACCOUNT_PASSWORD_SIZE_MIN 8
#define ACCOUNT_PASSWORD_SIZE_MAX 128
#define ACCOUNT_SALT_SIZE         16
#define ACCOUNT_HASH_SIZE         32
#define ACCOUNT_SESSION_SIZE      40
#define ACCOUNT_REVOKED_MAX       32

/* A session that was logged out of; its tokens have expired by themselves after @until_s. */
struct account_revoked {
    char session[ACCOUNT_SESSION_SIZE];
    uint64_t until_s; /* Unix seconds */
};

struct account {
    char name[ACCOUNT_NAME_SIZE];
    uint64_t generation; /* a token of an older one is void */
    bool closing;        /* the account is being deleted: nobody is this user any more */
    struct account_revoked revoked[ACCOUNT_REVOKED_MAX];
    size_t revoked_count;
    uint32_t operations; /* argon2id, as at the time of hashing */
    uint32_t memory_kib;
    uint8_t salt[ACCOUNT_SALT_SIZE];
    uint8_t hash[ACCOUNT_HASH_SIZE];
    uint64_t version;    /* of the record */
    uint64_t epoch, seq; /* of the change that made it */
};

/* A user id, out of a sign-up (its idempotency key and name) and the shard that the account is to
 * be in. A sign-up that is tried again there makes the same id, and elsewhere another one: should a
 * shard be lost with the account, what is signed up anew is another user, and has nothing to do
 * with what tokens of before still do. */
void account_make_id(const char *idempotency_key, const char *name, const char *shard,
                     char ret_id[USER_ID_SIZE]);

/* Were both ids made by one sign-up, perhaps in different shards? */
bool account_same_sign_up(const char *user, const char *other);

/* Errors: -ENOENT, there has never been one; -EIDRM, it has been deleted; -EBADMSG, it is
 * unreadable; -EIO. */
int account_read(struct region *region, const struct copy *copy, const char *user,
                 struct account *ret_account);

/* The record's value, as a new string. */
char *account_json(const struct account *account);

/* Void the tokens of one session, which expire by themselves at @until_s; those of older ones that
 * have expired by @now_s are forgotten. When too many are left, all of the user's sessions are void
 * instead: revoking more than was asked is safe, less is not. */
void account_revoke(struct account *account, const char *session, uint64_t until_s, uint64_t now_s);

/* Void all tokens there are. */
void account_revoke_all(struct account *account);

/* Is a token with these void by what @account says? */
bool account_voids(const struct account *account, const char *session, uint64_t generation);

/* What has to be hashed to check @password against @account. */
struct hashing_work account_work(const struct account *account, struct slice password);

/* A name and a password as a client gave them. */
struct credentials {
    char name[ACCOUNT_NAME_SIZE]; /* in lower case; empty: nobody can be called that */
    char *password;
    size_t password_size;
    char scope[TOKEN_SCOPE_SIZE]; /* wished for; "": there is no such scope */
};

/* @from as a user's name: in lower case; empty when nobody can be called that. */
void account_name(const char *from, char ret_name[ACCOUNT_NAME_SIZE]);

/* Read `{"name", "password"}`, and `scope` if there is one; any other member is an error. The
 * caller releases *@ret_credentials with account_credentials_wipe().
 *
 * Errors: -EINVAL, not that. */
int account_credentials(struct slice body, struct credentials *ret_credentials);
void account_credentials_wipe(struct credentials *credentials);

/* Why nobody can sign up so, as a sentence; NULL when they can. */
const char *account_credentials_fault(const struct credentials *credentials);

#endif
