/* vault: the service for what a user wants kept secret: items that are sealed on every disk and
 * link, and opened by whichever region serves the read.
 *
 * Writes are taken by the home alone and never queued. Reads are answered by any copy that is new
 * enough (trust.h). Nothing that was opened outlives the step: what is cached is sealed. */

#ifndef MEC_VAULT_H
#define MEC_VAULT_H

#include "regiond/core.h"
#include "regiond/request.h"

#define VAULT_SERVICE       "vault"
#define VAULT_NAME_SIZE_MAX 128

/* The services that hold what a user has in the vault: delete all of these, by user, and nothing of
 * it is left. Ends with NULL. */
extern const char *const vault_services[];

void vault_get(struct region *region, struct request *request);
void vault_list(struct region *region, struct request *request);
void vault_write(struct region *region, struct request *request); /* PUT and DELETE */

#endif
