/* replicator: ships what its region is home to to every other region. */

#include <stdlib.h>
#include <string.h>

#include "common/live_log.h"
#include "replicator/live_replicator.h"

int main(int argc, char **argv)
{
    struct live_options options;
    struct live_loop *loop;
    struct live_replicator *live;
    int error;

    live_options_parse(argc, argv, "Ships a region's changes to the other regions.", &options);
    error = live_loop_create(&loop);
    if (error) {
        live_log(LIVE_LOG_ERROR, "cannot start: %s", strerror(-error));
        return EXIT_FAILURE;
    }
    error = live_replicator_create(loop, &options, &live);
    if (error) {
        live_loop_free(loop);
        return EXIT_FAILURE;
    }
    live_loop_run(loop);
    live_replicator_free(live);
    live_loop_free(loop);
    return EXIT_SUCCESS;
}
