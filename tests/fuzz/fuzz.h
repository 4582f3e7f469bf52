/* fuzz: what the fuzz targets share. A target is LLVMFuzzerTestOneInput(): whatever the bytes, it
 * must come back, and every assert in it and in what it calls must hold. The same bytes always do
 * the same. README.md says how targets are built and run.
 *
 * Most targets take numbers and pieces off the front of the bytes; where nothing is left, a number
 * is 0 and a piece is empty. */

#ifndef MEC_FUZZ_H
#define MEC_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_bytes {
    const uint8_t *data;
    size_t size;
};

static inline struct fuzz_bytes fuzz_take(struct fuzz_bytes *from, size_t size)
{
    struct fuzz_bytes taken = {from->data, size < from->size ? size : from->size};

    from->data += taken.size;
    from->size -= taken.size;
    return taken;
}

static inline uint8_t fuzz_number(struct fuzz_bytes *from)
{
    struct fuzz_bytes taken = fuzz_take(from, 1);

    return taken.size > 0 ? taken.data[0] : 0;
}

/* A piece behind its size in two bytes, little-endian. */
static inline struct fuzz_bytes fuzz_piece(struct fuzz_bytes *from)
{
    size_t low = fuzz_number(from);

    return fuzz_take(from, low + 256u * fuzz_number(from));
}

/* A build to prove that crashes are found has one, in no seed. What scripts/fuzz --canary adds to
 * the target's words leads there in seconds. */
static inline void fuzz_canary(const uint8_t *data, size_t size)
{
#ifdef MEC_FUZZ_CANARY
    for (size_t i = 0; i + sizeof(uint32_t) <= size; i++) {
        uint32_t word;

        memcpy(&word, data + i, sizeof word);
        if (word == 0x42554721)
            __builtin_trap();
    }
#endif
    (void)data;
    (void)size;
}

#endif
