/* history: what clients saw of a world, as JSON lines that other tools can check (docs/history.md
 * is the format). It writes into memory; whoever runs the world writes that to a file. */

#ifndef MEC_HISTORY_H
#define MEC_HISTORY_H

#include "sim/outcome.h"

struct history;

struct history *history_create(void);
void history_free(struct history *history);

/* All lines so far; lives until the next call that adds one. */
struct slice history_text(const struct history *history);

struct history_home {
    const char *key; /* user/key */
    const char *region;
};

/* The first line, whenever this is called: where users are at home is known only when they have
 * signed up. Only homes that never moved belong into @homes. @min_delay_us [i * region_count + j]:
 * what a message from region i to j takes at least. */
void history_meta(struct history *history, const char *const *regions, size_t region_count,
                  const struct history_home *homes, size_t home_count,
                  const uint64_t *min_delay_us);

/* Reads, writes and deletes of one key (f: read, write, cas); other operations are left out. */
void history_asked(struct history *history, const struct outcome_asked *asked);
void history_told(struct history *history, const struct outcome_asked *asked,
                  const struct outcome *outcome);

/* @what: "partition" or "heal", @b NULL: from all others; "promote": region @b is shard @a's home
 * from now on, and writes that had not reached it are given up. */
void history_nemesis(struct history *history, uint64_t now_us, const char *what, const char *a,
                     const char *b);

/* @key is user/key, where the user may be the name or the id that a client has asked under; @value
 * NULL: deleted, or never there; @version 0: never there, or not known. */
void history_final(struct history *history, const char *region, const char *key, const char *value,
                   uint64_t version);
void history_applied(struct history *history, uint64_t now_us, const char *region,
                     const char *shard, uint64_t epoch, uint64_t seq, const char *key,
                     const char *value, uint64_t version);

#endif
