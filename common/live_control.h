/* live_control: a daemon's tie to controld: it takes configurations in, says hello, answers status
 * asks. The data plane does not need it: the last good Config stands in the process's own directory
 * and is what a start runs by; a version never goes back.
 *
 * Every daemon is started as `DAEMON --name NAME --directory DIR --control SOCKET`; DIR holds
 * `control.pin`, which says whose configurations the process takes, `config.pb`, which is one, and
 * whatever else is the process's own. A Config that the pin does not vouch for is logged and
 * refused, from a file and from a socket alike. */

#ifndef MEC_LIVE_CONTROL_H
#define MEC_LIVE_CONTROL_H

#include <stdbool.h>

#include "common/frame.h"
#include "common/live_loop.h"
#include "control.pb-c.h"

struct live_options {
    const char *name;   /* "regiond/us-east" */
    const char *region; /* "us-east": what stands behind the slash; NULL without one */
    const char *directory;
    const char *control;
};

/* Parse argv, and name the log after the process; --help and --version print and exit(0), bad usage
 * prints and exit(64). */
void live_options_parse(int argc, char **argv, const char *what, struct live_options *ret_options);

struct live_control_handlers {
    /* A newer Config has come, and is on disk already. It lives until the next call returns. */
    void (*config)(const Mec__Config *config, void *context);
    /* A StatusAsk: return a JSON object as a new string, which live_control frees; NULL when the
     * answer comes later through live_control_status(). */
    char *(*status)(const char *section, uint64_t ask_id, void *context);
    /* Other frames (ExplainAsk). Optional. */
    void (*frame)(const struct frame *frame, void *context);
};

struct live_control;

/* Load config.pb and start connecting to controld. On 0, *@ret_config is the Config to run by,
 * valid until the first `config` call returns. A Config always has a version and settings; the
 * rest of what it says is the core's to judge. @handlers is copied, all of @options may go.
 *
 * Errors: -ENOENT, no control.pin or config.pb; those of signed_config_open(); -errno. Each is
 * logged. */
int live_control_create(struct live_loop *loop, const struct live_options *options,
                        const struct live_control_handlers *handlers, void *context,
                        struct live_control **ret_control, const Mec__Config **ret_config);
void live_control_free(struct live_control *control);

/* Say hello (again), to this and every later controld: readiness, for routerd the ports it has
 * bound, for regiond the public halves of all keys that it can sign with. Copies. */
void live_control_ready(struct live_control *control, bool ready, const char *detail);
void live_control_listeners(struct live_control *control, const Mec__ListenerConfig *const *bound,
                            size_t count);
void live_control_keys(struct live_control *control, const Mec__SigningKey *keys, size_t count);

/* Answer a StatusAsk or ExplainAsk whose answer was put off. Takes over nothing. One
 * that is too long for a frame becomes an object with the key `error`. */
void live_control_status(struct live_control *control, uint64_t ask_id, const char *json);

#endif
