/* conditions: what If-Match and If-None-Match ask for (RFC 9110, section 13.1). A version is the
 * entity tag, quoted: `"7"`. */

#ifndef MEC_CONDITIONS_H
#define MEC_CONDITIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "regiond/store.h"

/* A write's condition: `If-Match: "N"` or `*`, or `If-None-Match: *`; never both.
 *
 * Errors: -EINVAL, anything else; the outputs are untouched. */
int conditions_of_write(const char *if_match, const char *if_none_match,
                        enum store_condition *ret_condition, uint64_t *ret_version);

/* Whether a read's If-None-Match names @version: a list of tags, weak ones too, or `*`. An
 * unreadable one names nothing. */
bool conditions_name(const char *if_none_match, uint64_t version);

#endif
