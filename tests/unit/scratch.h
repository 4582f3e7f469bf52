/* scratch: a directory of a test's own, in TMPDIR or /tmp, gone when the test ends. */

#ifndef MEC_SCRATCH_H
#define MEC_SCRATCH_H

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char scratch[64];

static inline int scratch_remove_one(const char *path, const struct stat *status, int type,
                                     struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static inline void scratch_remove(void)
{
    nftw(scratch, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void scratch_create(void)
{
    const char *where = getenv("TMPDIR");
    int length = snprintf(scratch, sizeof scratch, "%s/mec-test-XXXXXX",
                          where != NULL && where[0] != '\0' ? where : "/tmp");

    ck_assert_int_lt(length, (int)sizeof scratch);
    ck_assert_ptr_nonnull(mkdtemp(scratch));
}

/* A path in it; static, for up to four at a time. */
static inline const char *scratch_path(const char *name)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", scratch, name);
    return path;
}

#endif
