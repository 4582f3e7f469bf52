#include "regiond/region.h"

#include <errno.h>
#include <sodium.h>

void region_hash_run(struct region_hash_job *job)
{
    int r = crypto_pwhash(job->hash, sizeof job->hash, job->password, job->password_size, job->salt,
                          job->operations, (size_t)job->memory_kib * 1024,
                          crypto_pwhash_ALG_ARGON2ID13);

    job->error = r == 0 ? 0 : -ENOMEM;
}
