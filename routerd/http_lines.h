/* http_lines: how far a request's header block goes, and whether its lines are sound, before the
 * parser sees them.
 *
 * Strict about what smuggling lives on (RFC 9112, 11.2): each line ends in CR LF, and no field is
 * folded onto a second line. Counts lines and bytes against the limits of http_parse.h as they
 * arrive, so that an endless header is refused at the limit and not at its end. */

#ifndef MEC_HTTP_LINES_H
#define MEC_HTTP_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "common/problem.h"

struct http_lines {
    uint32_t seen_size; /* bytes looked at */
    uint32_t line_start;
    uint32_t request_line_size; /* with its CR LF; 0: has not ended yet */
    uint32_t header_size;       /* with the empty line; 0: has not ended yet */
    uint32_t field_count;
};

/* Go on at seen_size. @bytes starts with the request line. PROBLEM_NONE: sound so far; else
 * *@ret_detail says what is wrong. */
enum problem_id http_lines_scan(struct http_lines *lines, const char *bytes, size_t size,
                                const char **ret_detail);

#endif
