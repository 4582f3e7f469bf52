#include "common/credentials.h"

/* What the system gives for "none". */
#define UID_NONE UINT32_MAX

bool credentials_may_talk(uint32_t own_uid, const struct credentials *other)
{
    return other->known && other->uid == own_uid && other->uid != UID_NONE;
}

bool credentials_are_private(uint32_t own_uid, uint32_t directory_uid, uint32_t mode)
{
    return directory_uid == own_uid && (mode & 077) == 0;
}
