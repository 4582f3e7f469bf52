/* live_answers: what a connection is still owed, and what waits to be written to it.
 *
 * Answers may come in any order and leave in the order of their requests. They leave at the end of
 * the loop's turn, all in one write. For live_client.c only. */

#ifndef MEC_LIVE_ANSWERS_H
#define MEC_LIVE_ANSWERS_H

#include <sys/types.h>

#include "routerd/live_http_internal.h"

/* One more request awaits its answer. */
struct live_exchange *live_answers_begin(struct live_client *client);

/* Its answer is here. Ends @exchange once all before it have been answered. */
void live_answers_put(struct live_client *client, struct live_exchange *exchange,
                      const struct http_answer *answer);

/* 100 Continue, behind the answers that come before it. */
void live_answers_continue(struct live_client *client);

size_t live_answers_unsent_size(const struct live_client *client);

/* Write what the socket takes. Returns how much that was. Errors: -errno, the connection is gone.
 */
ssize_t live_answers_send(struct live_client *client);

/* The connection ends: forget everything. Returns how many requests had no answer yet, and which.
 */
uint32_t live_answers_drop(struct live_client *client,
                           uint64_t ret_unanswered[LIVE_HTTP_REQUESTS_MAX]);

#endif
