/* client: sessions outside of the world: each does what the plan says, one thing after the other,
 * keeps its token, its bookmark and what it has seen, and tells the watch and the history what it
 * asked and what it was told.
 *
 * client.c has the sessions, client_ask.c, client_sessions.c and client_odd.c make requests,
 * client_told.c takes answers in, client_explain.c holds explain to its word, client_exam.c asks in
 * the end whether all is well. */

#ifndef MEC_CLIENT_H
#define MEC_CLIENT_H

#include "routerd/http_message.h"
#include "sim/history.h"
#include "sim/outcome.h"

struct simulation;

void client_create_all(struct simulation *simulation);
void client_free_all(struct simulation *simulation);

/* Let all of the plan's operations come at their times. */
void client_begin_all(struct simulation *simulation);

/* From a router: an answer; or the router is gone and with it all connections to it. */
void client_answered(struct simulation *simulation, uint64_t request_id,
                     const struct http_answer *answer);
void client_router_gone(struct simulation *simulation, uint32_t router);

/* From a router: what explain says; and it has done all of a step: what was explained in it is
 * sent now, before anything else can change the router's mind. */
void client_explained(struct simulation *simulation, uint64_t request_id, const char *text);
void client_send_explained(struct simulation *simulation, uint32_t router);

/* Requests that have waited for an answer since before @since_us, by clients without end to their
 * patience. */
size_t client_count_waiting(const struct simulation *simulation, uint64_t since_us);

/* For the history: each record of each user whose home is known and has never moved. Into the run's
 * arena. Returns how many. */
size_t client_homes(const struct simulation *simulation, struct history_home **ret_homes);

/* What the plan still wants of clients is dropped: it has had its time. */
void client_rest(struct simulation *simulation);

/* In the end: one client of each user, if its place and home are in @core (a bit set), is to log
 * in, write and read anew. client_examined() says how many still have not been served well;
 * *@ret_text says who and how, in the run's arena. */
void client_examine(struct simulation *simulation, uint32_t core);
size_t client_examined(const struct simulation *simulation, const char **ret_text);

#endif
