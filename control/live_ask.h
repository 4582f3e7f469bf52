/* live_ask: ask controld, and wait for what it says. */

#ifndef MEC_LIVE_ASK_H
#define MEC_LIVE_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct live_ask_reply {
    uint32_t exit_code;
    char *message; /* may be "" */
    json_t *data;  /* may be NULL */
};

/* Connect to the control socket. Errors: -ENOENT, -ECONNREFUSED: nobody is there; -EPERM, who
 * is there is another user; -errno. */
int live_ask_connect(const char *path, int *ret_fd);

/* Ask on a connection and wait for the last reply; replies before it go to @progress (optional).
 * Errors: -ETIMEDOUT, it said nothing for @patience_ms (-1: no limit); -ECONNRESET, it went away;
 * -EINTR, a signal came; -EBADMSG. */
int live_ask_on(int fd, const char *command, const json_t *arguments, int patience_ms,
                void (*progress)(const char *message, void *context), void *context,
                struct live_ask_reply *ret_reply);

/* Both, on a connection of its own. */
int live_ask(const char *path, const char *command, const json_t *arguments, int patience_ms,
             struct live_ask_reply *ret_reply);

void live_ask_free(struct live_ask_reply *reply); /* its content */

#endif
