/* regiond: serves one region: its copies of all shards, its caches, its queue. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/live_log.h"
#include "regiond/live_region.h"
#include "regiond/storage.h"

#define EXIT_FAILED 70

/* Two processes that write the same files would each believe in its own end of every log. The lock
 * goes with the process, however it ends. */
static int lock_directory(const char *directory)
{
    int file = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0)
        return 0;
    live_log(LIVE_LOG_ERROR, "cannot start directory=%s why=\"%s\"", directory,
             errno == EWOULDBLOCK ? "another regiond serves it" : strerror(errno));
    return -1;
}

int main(int argc, char **argv)
{
    struct live_options options;
    struct live_region *live;
    struct live_loop *loop;
    int error;

    live_options_parse(argc, argv, "Serves one region of a world.", &options);
    umask(077);
    if (lock_directory(options.directory) < 0)
        return EXIT_FAILED;
    storage_configure();
    error = live_loop_create(&loop);
    if (error < 0) {
        live_log(LIVE_LOG_ERROR, "cannot start why=\"%s\"", strerror(-error));
        return EXIT_FAILED;
    }
    error = live_region_create(loop, &options, &live);
    if (error == 0) {
        live_loop_run(loop);
        live_log(LIVE_LOG_INFO, "stopping");
        live_region_free(live);
    }
    live_loop_free(loop);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILED;
}
