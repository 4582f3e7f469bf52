/* sessions: what a user does with the tokens that they have: refresh one, log out, void all of
 * them, and delete the account. All of it happens at the home, or not at all.
 *
 * Voiding a token that is void already is fine and does nothing: so a retry whose first answer got
 * lost is told that it has worked, and an old token cannot void newer ones. */

#ifndef MEC_SESSIONS_H
#define MEC_SESSIONS_H

#include "regiond/core.h"
#include "regiond/request.h"

void sessions_refresh(struct region *region, struct request *request);
void sessions_log_out(struct region *region, struct request *request);
void sessions_void_all(struct region *region, struct request *request);

/* From the answer on, nobody is this user any more, anywhere that has the change; what they had is
 * erased by and by (erasing.h). */
void sessions_delete_account(struct region *region, struct request *request);

#endif
