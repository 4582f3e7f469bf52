/* audit_notes: what a region notes in its audit chains beyond the writes themselves, which note
 * themselves in their own transaction: log-ins, before anybody is told of them; and denials.
 *
 * A denial has happened whether it can be noted or not, so nobody waits for its entry. Those that
 * are the same are counted, and noted once a second: a flood of bad tokens must not fill the disk.
 * They go to the chain of the region's own file, for a denied user may be at home anywhere. */

#ifndef MEC_AUDIT_NOTES_H
#define MEC_AUDIT_NOTES_H

#include "common/problem.h"
#include "regiond/core.h"
#include "regiond/request.h"

#define AUDIT_NOTES_DENIALS_MAX                                                                    \
    256 /* kinds between two notes; what is beyond is counted as one                               \
         */

struct audit_notes;

struct audit_notes *audit_notes_create(void);
void audit_notes_free(struct region *region);

/* What @operation is called in the log: "vault.put". Static. */
const char *audit_notes_action(Mec__Operation operation);

/* @request was denied with @problem. Whose it is, is known where it has claims. */
void audit_notes_denied(struct region *region, const struct request *request,
                        enum problem_id problem);

/* The time has come to write denials down. */
void audit_notes_flush(struct region *region);

/* Note in the chain of @request's shard that @claims' user did @action, and then call @done: with
 * 0, or with the error of commit.h, and then nothing may be told but the error. @request is parked,
 * and stays the caller's. */
typedef void audit_notes_done(struct region *region, void *context, int error);

void audit_notes_note(struct region *region, struct request *request, const char *action,
                      const struct token_claims *claims, audit_notes_done *done, void *context);

/* GET /v1/audit: the user's own entries, newest first. */
void audit_notes_list(struct region *region, struct request *request);

#endif
