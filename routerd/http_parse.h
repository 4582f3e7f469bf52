/* http_parse: the bytes of a client's connection -> struct http_request, one request at a time.
 *
 * llhttp in strict mode reads the syntax. On top of it stands what keeps two readers from seeing
 * two different requests (RFC 9112, 11.2): lines end in CR LF and in nothing else, fields that we
 * read come once, a folded field, a second length and an encoding other than chunked are refused.
 * Every part is bounded, so a request never takes more than HTTP_HEADER_MAX + HTTP_LINE_MAX +
 * HTTP_BODY_MAX bytes of its connection's memory.
 *
 * Nothing is copied: the request's slices point into the caller's buffer. A chunked body is pushed
 * together in place. */

#ifndef MEC_HTTP_PARSE_H
#define MEC_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "routerd/http_message.h"

#define HTTP_LINE_MAX   8192u  /* the request line: 414 */
#define HTTP_HEADER_MAX 16384u /* all fields together: 431 */
#define HTTP_FIELDS_MAX 100u   /* 431 */
#define HTTP_BODY_MAX   65536u /* or what the route says, if less: 413 */
#define HTTP_CHUNKS_MAX                                                                            \
    (512u * 1024u) /* what chunk sizes, extensions and trailers may take: 413                      \
                    */

enum http_parse_result {
    HTTP_PARSE_MORE,  /* the request goes on in bytes that are not here yet */
    HTTP_PARSE_DONE,  /* http_parse_request() has it */
    HTTP_PARSE_FAILED /* `problem` and `detail` say why; the connection cannot go on */
};

/* What is known of the request so far. */
struct http_parse_state {
    bool header_whole;     /* only the body is missing */
    bool expects_continue; /* Expect: 100-continue, and nothing of the body has come */
    bool http_1_0;
    bool keeps_alive;        /* DONE: the client wants to go on with this connection */
    size_t used_size;        /* DONE: bytes that the request took */
    enum problem_id problem; /* FAILED */
    const char *detail;      /* FAILED: one sentence for the client; static */
};

struct http_parse;

struct http_parse *http_parse_create(void);
void http_parse_free(struct http_parse *parse);

/* Begin with the next request. */
void http_parse_reset(struct http_parse *parse);

/* @bytes holds the request from its first byte on, *@size bytes so far; it may have moved since the
 * last call. On MORE, *@size may have shrunk: new bytes are to be appended there. */
enum http_parse_result http_parse_run(struct http_parse *parse, char *bytes, size_t *size);

const struct http_parse_state *http_parse_state(const struct http_parse *parse);

/* After DONE, with the @bytes of the last run. Sets all but client and listener_geo. */
void http_parse_request(const struct http_parse *parse, const char *bytes,
                        struct http_request *ret_request);

#endif
