#include "routerd/http_lines.h"

#include <assert.h>
#include <string.h>

#include "routerd/http_parse.h"

static enum problem_id fail(enum problem_id problem, const char *detail, const char **ret_detail)
{
    *ret_detail = detail;
    return problem;
}

/* The line that starts at line_start reaches up to @end, or further. */
static enum problem_id check_limits(const struct http_lines *lines, const char *bytes, uint32_t end,
                                    const char **ret_detail)
{
    if (lines->request_line_size == 0) {
        if (end > HTTP_LINE_MAX)
            return fail(PROBLEM_URI_TOO_LONG, "A request line may have 8,192 bytes.", ret_detail);
        return PROBLEM_NONE;
    }
    if (end - lines->request_line_size > HTTP_HEADER_MAX)
        return fail(PROBLEM_HEADERS_TOO_LARGE, "All fields together may have 16,384 bytes.",
                    ret_detail);
    if (lines->field_count >= HTTP_FIELDS_MAX && end > lines->line_start &&
        bytes[lines->line_start] != '\r')
        return fail(PROBLEM_HEADERS_TOO_LARGE, "A request may have 100 fields.", ret_detail);
    if (end > lines->line_start &&
        (bytes[lines->line_start] == ' ' || bytes[lines->line_start] == '\t'))
        return fail(PROBLEM_BAD_REQUEST, "A field must stand on one line.", ret_detail);
    return PROBLEM_NONE;
}

static void end_line(struct http_lines *lines, uint32_t feed)
{
    if (lines->request_line_size == 0)
        lines->request_line_size = feed + 1;
    else if (feed - 1 == lines->line_start)
        lines->header_size = feed + 1;
    else
        lines->field_count++;
    lines->line_start = feed + 1;
    lines->seen_size = feed + 1;
}

enum problem_id http_lines_scan(struct http_lines *lines, const char *bytes, size_t size,
                                const char **ret_detail)
{
    assert(size <= UINT32_MAX);
    while (lines->header_size == 0) {
        const char *found = memchr(bytes + lines->seen_size, '\n', size - (size_t)lines->seen_size);
        uint32_t end = found ? (uint32_t)(found - bytes) : (uint32_t)size;
        enum problem_id problem = check_limits(lines, bytes, end, ret_detail);

        if (problem != PROBLEM_NONE)
            return problem;
        if (!found) {
            lines->seen_size = (uint32_t)size;
            return PROBLEM_NONE;
        }
        if (end == lines->line_start || bytes[end - 1] != '\r')
            return fail(PROBLEM_BAD_REQUEST, "Lines must end in CR LF.", ret_detail);
        end_line(lines, end);
    }
    return PROBLEM_NONE;
}
