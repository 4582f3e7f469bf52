/* revocation: that a change has voided tokens of a user, as it is told ahead of the log which
 * brings the change itself. */

#ifndef MEC_REVOCATION_H
#define MEC_REVOCATION_H

#include "common/token.h"
#include "replication.pb-c.h"

#define REVOCATION_SESSION_SIZE sizeof(((struct token_claims *)0)->session)

struct revocation {
    uint64_t seq; /* of the change */
    char user[USER_ID_SIZE];
    uint64_t below; /* tokens of a lower generation are void; UINT64_MAX: the account is gone */
    char session[REVOCATION_SESSION_SIZE]; /* so are those of this session; empty: of none */
    uint64_t until_s; /* when the last such token expires by itself; 0: never */
};

/* Errors: -EBADMSG, it voids nothing, or its texts are too long. */
int revocation_read(const Mec__Revocation *from, struct revocation *ret_revocation);

/* @to borrows the texts of @from. */
void revocation_write(const struct revocation *from, Mec__Revocation *ret_to);

/* Does it void a token of that session and generation, of the same user? */
bool revocation_voids(const struct revocation *revocation, const char *session,
                      uint64_t generation);

#endif
