/* http_api: what operators can ask controld by HTTP, and what the answers look like. Who may ask at
 * all is http_guard's business. */

#ifndef MEC_HTTP_API_H
#define MEC_HTTP_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "common/problem.h"

struct http_api_call {
    const char *command; /* of the table of commands; static */
    json_t *arguments;   /* an object; the caller releases it */
    bool bare;           /* the answer is the command's data alone */
};

/* What @method and @target ask for, with the arguments in @body. On PROBLEM_NONE, *@ret_call is it;
 * else *@ret_detail says what is wrong, as a new text. */
enum problem_id http_api_read(const char *method, const char *target, const char *body,
                              size_t body_size, struct http_api_call *ret_call, char **ret_detail);

/* Bodies, as new strings: problem+json; {"exit", "message", "data"}. @message and @data may be
 * NULL. */
char *http_api_problem(enum problem_id problem, const char *detail);
char *http_api_answer(uint32_t exit_code, const char *message, const json_t *data);

#endif
