#include "control/nearest.h"

#include <string.h>

#define WORD_SIZE_MAX 63

/* Damerau-Levenshtein with adjacent swaps, because swapped letters are the usual slip. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][WORD_SIZE_MAX + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    size_t width = strlen(b);

    for (size_t j = 0; j <= width; j++)
        last[j] = j;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[width];
}

const char *nearest_find(const char *text, const char *const *names, size_t count)
{
    const char *best = NULL;
    size_t least = strlen(text) / 3 + 1; /* farther than that it is another word */

    if (strlen(text) > WORD_SIZE_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) > WORD_SIZE_MAX)
            continue;
        size_t far = distance(text, names[i]);
        if (far < least || (far == least && !best)) {
            least = far;
            best = names[i];
        }
    }
    return best;
}
