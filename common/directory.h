/* directory: which shard's home hands out a user name: by a rendezvous hash of name and shard, so
 * that everyone finds the same one, and a shard more moves few names. */

#ifndef MEC_DIRECTORY_H
#define MEC_DIRECTORY_H

#include "control.pb-c.h"

/* A shard of @config, which owns the text; NULL: it has none. */
const char *directory_of(const Mec__Config *config, const char *name);

#endif
