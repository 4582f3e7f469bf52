#include "common/revocation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int revocation_read(const Mec__Revocation *from, struct revocation *ret_revocation)
{
    struct revocation *to = ret_revocation;
    bool has_session = from->session[0] != '\0';

    if (from->user[0] == '\0' || strlen(from->user) >= sizeof to->user ||
        strlen(from->session) >= sizeof to->session || (from->below == 0 && !has_session))
        return -EBADMSG;
    *to = (struct revocation){.seq = from->seq, .below = from->below, .until_s = from->until_s};
    snprintf(to->user, sizeof to->user, "%s", from->user);
    snprintf(to->session, sizeof to->session, "%s", from->session);
    return 0;
}

void revocation_write(const struct revocation *from, Mec__Revocation *ret_to)
{
    mec__revocation__init(ret_to);
    ret_to->seq = from->seq;
    /* protobuf-c has no const; packing reads only. */
    ret_to->user = (char *)(uintptr_t)from->user;
    ret_to->session = (char *)(uintptr_t)from->session;
    ret_to->below = from->below;
    ret_to->until_s = from->until_s;
}

bool revocation_voids(const struct revocation *revocation, const char *session, uint64_t generation)
{
    if (generation < revocation->below || revocation->below == UINT64_MAX)
        return true;
    return revocation->session[0] != '\0' && strcmp(revocation->session, session) == 0;
}
