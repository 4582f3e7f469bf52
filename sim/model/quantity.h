/* quantity: numbers of models as people write them, with fractions: durations `1.5ms`, shares
 * `12.5%`, counts `50M`, sizes `4KiB`, rates `100mbit`.
 *
 * As in control/units.h a quantity without its unit is refused, but for a plain 0. Values are
 * doubles, as models compute with averages: a service that takes 0.4 us is no rounding error. */

#ifndef MEC_QUANTITY_H
#define MEC_QUANTITY_H

#include <stdbool.h>

#define QUANTITY_TEXT_SIZE 48

enum quantity_kind {
    QUANTITY_DURATION, /* microseconds */
    QUANTITY_SHARE,    /* of 1 */
    QUANTITY_NUMBER,
    QUANTITY_COUNT, /* whole */
    QUANTITY_SIZE,  /* bytes */
    QUANTITY_RATE   /* bytes a second */
};

/* Never gives a negative number, NaN or infinity.
 * Errors: -EINVAL, not of that form; -ERANGE, negative or too large. */
int quantity_parse(enum quantity_kind kind, const char *text, double *ret_value);

/* The shortest text that parses back to the same number, but for a last bit where none does.
 * Returns @ret_text. */
const char *quantity_print(enum quantity_kind kind, double value,
                           char ret_text[QUANTITY_TEXT_SIZE]);

/* "a duration such as 50us". Static. */
const char *quantity_example(enum quantity_kind kind);

#endif
