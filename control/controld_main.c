/* controld DIRECTORY: the control plane of the world whose state file is in DIRECTORY. */

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/live_log.h"
#include "control/live_controld.h"

/* Every client of a router is an open file: what the system allows at all is what we want. */
static void raise_limits(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int main(int argc, char **argv)
{
    if (argc != 2 || argv[1][0] == '-') {
        bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
        fprintf(help ? stdout : stderr,
                "Usage: controld DIRECTORY\n"
                "The control plane of one world; mecentral starts it, nobody needs to by hand.\n");
        return help ? 0 : 64;
    }
    /* The locks that mecentral took for us stay held for as long as we live, and no longer: no
     * child may inherit them. */
    for (int fd = 3; fd < 64; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    raise_limits();
    live_log_name("controld");
    return live_controld_run(argv[1]);
}
