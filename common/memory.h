/* memory: allocation that cannot fail, and an arena for what one step makes.
 *
 * Every daemon is crash-only: it recovers from disk after any stop. Running out of memory is one
 * more such stop, so these functions end the process with a message instead of returning NULL, and
 * no code path exists that is reached only when malloc fails. Sizes that come from outside are
 * bounded before they get here. */

#ifndef MEC_MEMORY_H
#define MEC_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "common/slice.h"

void *memory_alloc(size_t size);           /* zeroed; the caller frees with free() */
void *memory_grow(void *old, size_t size); /* as realloc(); new bytes are not zeroed */
void *memory_copy(const void *data, size_t size);
char *memory_text(const char *text);      /* strdup(); NULL gives NULL */
char *memory_text_of(struct slice slice); /* copy with a closing NUL */

/* An arena: many small pieces, freed all at once. Pieces are aligned to 16 bytes, are not zeroed,
 * and live until arena_reset() or arena_free(). */
struct arena;

struct arena *arena_create(void);
void arena_free(struct arena *arena);
void arena_reset(struct arena *arena); /* keeps the memory for the next round */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_text(struct arena *arena, const char *text);
char *arena_text_of(struct arena *arena, struct slice slice);
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* For protobuf-c's unpack functions: whatever they allocate lives in @arena, and
 * ..__free_unpacked() must not be called. The result lives as long as @arena. */
ProtobufCAllocator *arena_allocator(struct arena *arena);

#endif
