/* live_credentials: asks the system who is at the other end of a Unix socket, and whose directory
 * it stands in; credentials.h judges. */

#ifndef MEC_LIVE_CREDENTIALS_H
#define MEC_LIVE_CREDENTIALS_H

#include "common/credentials.h"

/* Of the connected socket @fd, as of the moment when it was connected. */
struct credentials live_credentials_of(int fd);

/* May the other end of @fd talk to this process? Errors: -EPERM, it is another user. */
int live_credentials_check(int fd);

/* Is the directory that @path stands in private to us? Errors: -EPERM, it is not; -errno. */
int live_credentials_check_directory(const char *path);

#endif
