/* lookup: whose name is this? Our own copy of the name's directory knows most; a name that is new,
 * or in doubt, only the directory's home knows. */

#ifndef MEC_LOOKUP_H
#define MEC_LOOKUP_H

#include "regiond/names.h"

/* @error: 0, and @claim is confirmed and lives until the callback returns; -ENOENT, nobody has the
 * name; -EHOSTUNREACH, who knows cannot be reached; -ECANCELED, the region is being freed. */
typedef void lookup_done(struct region *region, void *context, int error,
                         const struct name_claim *claim);

/* Find out on behalf of @asker, which waits. @done may be called before this returns. @name is in
 * lower case, as account_name() makes it. */
void lookup_name(struct region *region, struct request *asker, const char *name, lookup_done *done,
                 void *context);

#endif
