/* quantity: numbers of models as people write them, with fractions: durations `1.5ms`, shares
 * `12.5%`, counts `50M`, sizes `4KiB`, rates `100mbit`.
 *
 * As in control/units.h a quantity without its unit is refused, but for a plain 0. Values are
 * doubles, as models compute with averages: a service that takes 0.4 us is no rounding error. What
 * is written in decimals is rounded once: 57% is the double that 0.57 is. */

#ifndef MEC_QUANTITY_H
#define MEC_QUANTITY_H

#define QUANTITY_TEXT_SIZE 48

/* Beyond it a double skips whole numbers, and a seed would not be the one that was given. */
#define QUANTITY_COUNT_MAX 9007199254740991.0

enum quantity_kind {
    QUANTITY_DURATION, /* microseconds */
    QUANTITY_SHARE,    /* of 1 */
    QUANTITY_NUMBER,
    QUANTITY_COUNT, /* whole */
    QUANTITY_SIZE,  /* bytes */
    QUANTITY_RATE   /* bytes a second */
};

/* Never gives a negative number (nor -0), NaN or infinity; 0 only for what is 0.
 * Errors: -EINVAL, not of that form; -ERANGE, negative, too large, or too small for a double. */
int quantity_parse(enum quantity_kind kind, const char *text, double *ret_value);

/* What is wrong with @text, of which quantity_parse() has said @error: "\"-1ms\" is negative", as a
 * new string. */
char *quantity_refusal(enum quantity_kind kind, const char *text, int error);

/* The shortest text that parses back to the same number, without an exponent but for long rows of
 * zeros; of equally short ones that with the larger unit. There is one for every number that
 * quantity_parse() can give. Returns @ret_text. */
const char *quantity_print(enum quantity_kind kind, double value,
                           char ret_text[QUANTITY_TEXT_SIZE]);

/* "a duration such as 50us". Static. */
const char *quantity_example(enum quantity_kind kind);

#endif
