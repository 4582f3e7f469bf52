/* revocation_list: the newest revocations of one shard, in the order of their changes.
 *
 * It knows from where to where it is complete: every revocation with a seq in (after_seq,
 * through_seq] is in it. When it is full the oldest leave and after_seq rises. The home keeps one
 * of what it committed, and its replicator another, out of what the home tells. */

#ifndef MEC_REVOCATION_LIST_H
#define MEC_REVOCATION_LIST_H

#include <stddef.h>

#include "common/memory.h"
#include "common/revocation.h"

/* All of them fit into one frame beside as many changes as a Tail has. */
#define REVOCATION_LIST_MAX 4096u

struct revocation_list;

/* Empty and complete from the beginning of the log to its beginning. It holds @max at most. */
struct revocation_list *revocation_list_create(size_t max);
void revocation_list_free(struct revocation_list *list);

/* Forget everything: from now on it is complete behind @seq. */
void revocation_list_reset(struct revocation_list *list, uint64_t seq);

uint64_t revocation_list_after_seq(const struct revocation_list *list);
uint64_t revocation_list_through_seq(const struct revocation_list *list);
size_t revocation_list_count(const struct revocation_list *list);
uint64_t revocation_list_newest_seq(const struct revocation_list *list); /* 0: it has none */

/* The next one, behind through_seq, which becomes its seq. */
void revocation_list_add(struct revocation_list *list, const struct revocation *revocation);

/* There is no other up to @seq, which is not below through_seq. */
void revocation_list_extend(struct revocation_list *list, uint64_t seq);

/* Join what another one has told: @items are all in (@after_seq, @through_seq]. Where that leaves a
 * gap, it starts anew behind @after_seq. What it has already stays as it is.
 *
 * Errors: -EBADMSG, they are not in order, not of that stretch, or unreadable; nothing has changed.
 */
int revocation_list_join(struct revocation_list *list, uint64_t after_seq, uint64_t through_seq,
                         Mec__Revocation *const *items, size_t count);

/* Those behind @after_seq, the oldest @max of them, as messages in @arena that borrow the list's
 * texts. *@ret_through_seq is up to where they are all, and no less than @after_seq. Returns how
 * many. */
size_t revocation_list_pack(const struct revocation_list *list, struct arena *arena,
                            uint64_t after_seq, size_t max, Mec__Revocation ***ret_items,
                            uint64_t *ret_through_seq);

#endif
