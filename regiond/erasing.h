/* erasing: what is left of a user whose account is being deleted: all that they have stored becomes
 * tombstones, then the account itself, and last their name is given back.
 *
 * A note on the disk of the home says that it is to be done; whoever is the home carries it on
 * after any stop, and tries again until the name's directory has answered. */

#ifndef MEC_ERASING_H
#define MEC_ERASING_H

#include "regiond/core.h"

struct erasing;

/* Let the note that @user, called @name, is to be erased wait for the file of @copy: before the
 * write that closes the account. */
void erasing_note(struct region *region, const struct copy *copy, const char *user,
                  const char *name);

/* Carry out what the note says; nothing when it is under way already. */
void erasing_start(struct region *region, struct copy *copy, const char *user);

/* Carry on what the notes of shards that are at home here say. At the start, and when homes have
 * moved. */
void erasing_resume(struct region *region);

/* The time has come to try again. NULL: to look for notes again. */
void erasing_again(struct region *region, struct erasing *erasing);

size_t erasing_count(const struct region *region);

/* For region_free(), once nothing waits any more. */
void erasing_free(struct region *region);

#endif
