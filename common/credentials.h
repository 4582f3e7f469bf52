/* credentials: who may talk to us over a Unix socket.
 *
 * All processes of a world run under one user, and so does who controls it. So there is one rule
 * for control and data sockets alike, for who accepts and for who connects: the other side is the
 * same user. Root is another user: what root wants, root can do without us. */

#ifndef MEC_CREDENTIALS_H
#define MEC_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

/* What the system says of the other side (SO_PEERCRED), or that it says nothing. */
struct credentials {
    bool known;
    uint32_t uid;
};

bool credentials_may_talk(uint32_t own_uid, const struct credentials *other);

/* May sockets stand in a directory of this owner and mode? Not where others could put their own in
 * place of ours. */
bool credentials_are_private(uint32_t own_uid, uint32_t directory_uid, uint32_t mode);

#endif
