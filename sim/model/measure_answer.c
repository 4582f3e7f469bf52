#include "sim/model/measure_answer.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "common/moment.h"

/* What a client, a router and a few processes on a busy machine add to a round trip. */
#define SLOWER_BY_US  10000
#define SLOWER_DIVIDE 10 /* and one in so many of the usual time */

/* A copy that hears its home says less: a heartbeat, the way and a pause of the machine. */
#define STALE_FROM_US SECOND_US

/* ---- reading ---- */

static void take_word(char *ret_word, size_t word_size, const char *value, size_t size)
{
    if (size < word_size)
        snprintf(ret_word, word_size, "%.*s", (int)size, value);
}

/* "155" or "unknown". */
static void take_staleness(struct measure_answer *answer, const char *value, size_t size)
{
    char word[24] = "";
    char *end;

    take_word(word, sizeof word, value, size);
    answer->tells_staleness = true;
    unsigned long long staleness_ms = strtoull(word, &end, 10);
    answer->staleness_known = isdigit((unsigned char)word[0]) && *end == '\0';
    answer->staleness_us = answer->staleness_known ? staleness_ms * MILLISECOND_US : 0;
}

void measure_answer_take_header(struct measure_answer *answer, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);

    if (!colon)
        return;
    size_t name_size = (size_t)(colon - line);
    const char *value = colon + 1;
    const char *end = line + size;
    while (value < end && *value == ' ')
        value++;
    while (end > value && isspace((unsigned char)end[-1]))
        end--;
    size_t value_size = (size_t)(end - value);
#define IS(text) (name_size == sizeof(text) - 1 && strncasecmp(line, text, name_size) == 0)
    if (IS("mec-region"))
        take_word(answer->region, sizeof answer->region, value, value_size);
    else if (IS("mec-served"))
        take_word(answer->served, sizeof answer->served, value, value_size);
    else if (IS("mec-bookmark"))
        take_word(answer->bookmark, sizeof answer->bookmark, value, value_size);
    else if (IS("mec-staleness-ms"))
        take_staleness(answer, value, value_size);
#undef IS
}

void measure_answer_take_body(struct measure_answer *answer, const char *body, size_t size)
{
    json_t *json = json_loadb(body, size, 0, NULL);
    const char *type = json_string_value(json_object_get(json, "type"));
    const char *last = type ? strrchr(type, ':') : NULL;

    if (last)
        take_word(answer->problem, sizeof answer->problem, last + 1, strlen(last + 1));
    json_decref(json);
}

/* ---- kinds ---- */

bool measure_answer_is_full(const struct measure_answer *answer)
{
    return answer->status >= 200 && answer->status < 300 && answer->status != 202;
}

bool measure_answer_is_slower(const struct measure_answer *answer, uint64_t usual_us)
{
    return measure_answer_is_full(answer) &&
           answer->elapsed_us > usual_us + usual_us / SLOWER_DIVIDE + SLOWER_BY_US;
}

static bool is_stale(enum traffic_operation operation, const struct measure_answer *answer)
{
    return traffic_class(operation) == ROUTE_READ && answer->tells_staleness &&
           (!answer->staleness_known || answer->staleness_us > STALE_FROM_US);
}

enum traffic_kind measure_answer_kind(enum traffic_operation operation,
                                      const struct measure_answer *answer, uint64_t usual_us)
{
    if (answer->status == 202)
        return TRAFFIC_QUEUED;
    if (!measure_answer_is_full(answer))
        return strcmp(answer->problem, "read-only") == 0 ? TRAFFIC_READ_ONLY : TRAFFIC_FAILS;
    if (is_stale(operation, answer))
        return TRAFFIC_STALE;
    return measure_answer_is_slower(answer, usual_us) ? TRAFFIC_SLOWER : TRAFFIC_FINE;
}
