/* users: signing up, and who a token says you are.
 *
 * Signing up claims the name at its directory's home, hashes the password, writes the account at
 * the user's home (this region), and confirms the name. The user's id grows from the idempotency
 * key and the name, so that a retry is the same user: whatever the first try has left is found and
 * finished. A retry with another password is noticed, because it is checked against the account. */

#ifndef MEC_USERS_H
#define MEC_USERS_H

#include "regiond/core.h"
#include "regiond/request.h"

void users_create(struct region *region, struct request *request);
void users_whoami(struct region *region, struct request *request);

#endif
