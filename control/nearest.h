/* nearest: "did you mean": the name that is closest to what a person wrote. */

#ifndef MEC_NEAREST_H
#define MEC_NEAREST_H

#include <stddef.h>

/* The name with the smallest edit distance to @text, or NULL when none is near enough to be what
 * was meant. */
const char *nearest_find(const char *text, const char *const *names, size_t count);

#endif
