/* routerd: takes clients' requests and sends each where it is best served. */

#include <stdlib.h>
#include <string.h>

#include "common/live_log.h"
#include "routerd/live_router.h"

#define EXIT_INTERNAL 70

int main(int argc, char **argv)
{
    struct live_options options;
    struct live_router *live;
    struct live_loop *loop;
    bool failed;
    int error;

    live_options_parse(argc, argv, "Sends clients' requests to the regions.", &options);
    error = live_loop_create(&loop);
    if (error < 0) {
        live_log(LIVE_LOG_ERROR, "cannot start: %s", strerror(-error));
        return EXIT_INTERNAL;
    }
    error = live_router_create(loop, &options, &live);
    if (error < 0) {
        live_loop_free(loop);
        return EXIT_INTERNAL;
    }
    live_loop_run(loop);
    failed = live_router_failed(live);
    live_router_free(live);
    live_loop_free(loop);
    return failed ? EXIT_INTERNAL : EXIT_SUCCESS;
}
