/* live_plans: plans as files. */

#ifndef MEC_LIVE_PLANS_H
#define MEC_LIVE_PLANS_H

#include "sim/plan.h"

/* Plans that have been read, with the files that they come from. */
struct live_plans {
    struct plan *items;
    char **paths;
    size_t count;
};

/* Read files, and the *.json of directories in the order of their names. The caller releases
 * *@ret_plans's content. Errors: -errno; -EBADMSG, no plan; -ENOENT, also when a directory holds
 * none; each with a new *@ret_error for people. */
int live_plans_read(const json_t *paths, struct live_plans *ret_plans, char **ret_error);
void live_plans_free(struct live_plans *plans); /* its content */

/* Write @text to a file that is new, or, when @replace, takes the place of another. Errors: -errno.
 */
int live_plans_write(const char *path, const char *text, size_t size, bool replace);

/* Where a plan that fails by @cause goes when nobody says:
 * tests/simulation/regressions/CAUSE-SEED.json below the current directory, or there when it has no
 * such folder; a name that is free. A new string. */
char *live_plans_name(const char *cause, uint64_t seed);

#endif
