/* fuzz_http: libFuzzer's way into http_parse. Whatever the bytes, and wherever a read happens to
 * cut them: no crash, the same requests, and nothing that points outside of what was read.
 *
 *     CC=clang scripts/build build-fuzz -Db_sanitize=address,undefined -Db_lundef=false \
 *         -Dc_args=-fsanitize=fuzzer-no-link
 *     build-fuzz/tests/fuzz/fuzz_http -max_total_time=60 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "routerd/http_parse.h"
#include "tests/fuzz/fuzz.h"

#define OUTCOMES_MAX 64

struct outcome {
    enum http_parse_result result;
    enum problem_id problem;
    enum http_method method;
    size_t path_size;
    size_t body_size;
    uint32_t body_sum;
    bool keeps_alive;
};

struct outcomes {
    struct outcome items[OUTCOMES_MAX];
    size_t count;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_inside(struct slice slice, const char *bytes, size_t size)
{
    if (slice.size == 0)
        return;
    assert(slice.data >= bytes);
    assert(slice.data + slice.size <= bytes + size);
}

static struct outcome outcome_of(const struct http_parse *parse, enum http_parse_result result,
                                 const char *bytes, size_t size)
{
    const struct http_parse_state *state = http_parse_state(parse);
    struct outcome outcome;
    struct http_request request;

    memset(&outcome, 0, sizeof(outcome));
    outcome.result = result;
    if (result == HTTP_PARSE_FAILED) {
        assert(state->problem != PROBLEM_NONE);
        assert(state->detail);
        outcome.problem = state->problem;
        return outcome;
    }
    assert(state->used_size > 0);
    assert(state->used_size <= size);
    http_parse_request(parse, bytes, &request);
    assert(request.path.size > 0);
    if (!slice_is(request.path, "/")) /* an absolute target without a path has one of ours */
        assert_inside(request.path, bytes, size);
    assert_inside(request.query, bytes, size);
    assert_inside(request.authorization, bytes, size);
    assert_inside(request.bookmark, bytes, size);
    assert_inside(request.body, bytes, size);
    assert(request.body.size <= HTTP_BODY_MAX);
    outcome.method = request.method;
    outcome.path_size = request.path.size;
    outcome.body_size = request.body.size;
    for (size_t i = 0; i < request.body.size; i++)
        outcome.body_sum = outcome.body_sum * 31 + (unsigned char)request.body.data[i];
    outcome.keeps_alive = state->keeps_alive;
    return outcome;
}

/* As a connection does it, with reads of @step bytes. */
static void parse_all(const uint8_t *data, size_t size, size_t step, struct outcomes *ret_outcomes)
{
    struct http_parse *parse = http_parse_create();
    char *bytes = memory_alloc(size + 1);
    size_t held = 0;

    memset(ret_outcomes, 0, sizeof(*ret_outcomes));
    while (ret_outcomes->count < OUTCOMES_MAX && (held > 0 || size > 0)) {
        enum http_parse_result result;
        size_t take = size < step ? size : step;

        if (take > 0)
            memcpy(bytes + held, data, take);
        held += take;
        data += take;
        size -= take;
        while ((result = http_parse_run(parse, bytes, &held)) == HTTP_PARSE_DONE &&
               ret_outcomes->count < OUTCOMES_MAX) {
            size_t used = http_parse_state(parse)->used_size;

            ret_outcomes->items[ret_outcomes->count++] = outcome_of(parse, result, bytes, held);
            held -= used;
            memmove(bytes, bytes + used, held);
            http_parse_reset(parse);
        }
        if (result == HTTP_PARSE_FAILED && ret_outcomes->count < OUTCOMES_MAX)
            ret_outcomes->items[ret_outcomes->count++] = outcome_of(parse, result, bytes, held);
        if (result != HTTP_PARSE_MORE || size == 0)
            break;
    }
    free(bytes);
    http_parse_free(parse);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcomes whole, split;

    fuzz_canary(data, size);
    if (size == 0)
        return 0;
    parse_all(data + 1, size - 1, SIZE_MAX, &whole);
    parse_all(data + 1, size - 1, 1 + data[0] % 64u, &split);
    assert(whole.count == split.count);
    for (size_t i = 0; i < whole.count; i++) {
        assert(whole.items[i].result == split.items[i].result);
        /* Which of several faults is met first may depend on the cut. */
        if (whole.items[i].result == HTTP_PARSE_DONE)
            assert(memcmp(&whole.items[i], &split.items[i], sizeof(whole.items[i])) == 0);
    }
    return 0;
}
