/* signing: the keys that this region can sign tokens with, and which of them does.
 *
 * The shell keeps private keys in files and hands all of them over; the configuration says which
 * one signs. What it asks to make is made, what it no longer knows is forgotten. Where it names
 * none that is here and is the one that it knows, nothing is signed: no token is better than one
 * that nobody can check, or that outlives its key. */

#ifndef MEC_SIGNING_H
#define MEC_SIGNING_H

#include "regiond/region.h"

struct signing;

struct signing *signing_create(void);
void signing_free(struct signing *signing); /* wipes it */

/* From now on these are all that there are. Copies. */
void signing_take(struct region *region, const struct region_key *keys, size_t count);

/* region->config is a new one. */
void signing_configure(struct region *region);

/* Ask the shell for what the configuration wants made or forgotten, once. */
void signing_pump(struct region *region);

/* The key that signs, until the next step; NULL: there is none. */
const struct region_key *signing_key(const struct signing *signing);

#endif
