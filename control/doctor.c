#include "control/doctor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/table.h"

static const char *const verdicts[] = {
    [DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_FAIL] = "fail"};

void doctor_init(struct doctor *doctor)
{
    *doctor = (struct doctor){.rows = json_array()};
}

void doctor_free(struct doctor *doctor)
{
    json_decref(doctor->rows);
    doctor->rows = NULL;
}

void doctor_add(struct doctor *doctor, enum doctor_verdict verdict, const char *check,
                const char *advice, const char *found, ...)
{
    va_list arguments;

    va_start(arguments, found);
    char *text = text_format_list(found, arguments);
    va_end(arguments);
    json_array_append_new(doctor->rows,
                          json_pack("{s:s, s:s, s:s, s:s?}", "verdict", verdicts[verdict], "check",
                                    check, "found", text, "advice", advice));
    doctor->failed = doctor->failed || verdict == DOCTOR_FAIL;
    free(text);
}

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));

    return text ? text : "";
}

static void check_processes(struct doctor *doctor, const json_t *status)
{
    const json_t *rows = json_object_get(status, "processes");
    size_t serving = 0;

    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *state = text_at(row, "state");
        const char *name = text_at(row, "name");
        if (strcmp(state, "serving") == 0)
            serving++;
        else if (strcmp(state, "killed") == 0 || strcmp(state, "stopped") == 0)
            doctor_add(doctor, DOCTOR_WARN, name, "mecentral start it", "it is %s", state);
        else if (strcmp(state, "paused") == 0)
            doctor_add(doctor, DOCTOR_WARN, name, "mecentral resume it", "it is paused");
        else
            doctor_add(doctor, DOCTOR_FAIL, name, "mecentral logs say why", "it is %s: %s", state,
                       text_at(row, "detail"));
        if (json_integer_value(json_object_get(row, "restarts")) > 0)
            doctor_add(doctor, DOCTOR_WARN, name, "mecentral logs say why",
                       "it crashed %" JSON_INTEGER_FORMAT " times",
                       json_integer_value(json_object_get(row, "restarts")));
    }
    if (serving == json_array_size(rows))
        doctor_add(doctor, DOCTOR_OK, "processes", NULL, "all %zu serve", serving);
}

static void check_answers(struct doctor *doctor, const json_t *status)
{
    const json_t *late = json_object_get(status, "not_answering");

    for (size_t i = 0; i < json_array_size(late); i++)
        doctor_add(doctor, DOCTOR_FAIL, text_at(json_array_get(late, i), "name"),
                   "is the machine overloaded? mecentral logs may say more",
                   "it does not answer within 500 ms");
}

static void check_disks(struct doctor *doctor, const json_t *status)
{
    const json_t *regions = json_object_get(status, "regions");

    for (size_t i = 0; i < json_array_size(regions); i++) {
        const json_t *region = json_array_get(regions, i);
        if (json_is_false(json_object_get(region, "writable")))
            doctor_add(doctor, DOCTOR_FAIL, text_at(region, "name"),
                       "make room on the disk; the region goes on by itself",
                       "its disk takes no writes");
    }
}

static void check_streams(struct doctor *doctor, const json_t *replicator)
{
    const json_t *streams = json_object_get(replicator, "streams");

    for (size_t i = 0; i < json_array_size(streams); i++) {
        const json_t *stream = json_array_get(streams, i);
        if (strncmp(text_at(stream, "state"), "stopped", strlen("stopped")) != 0)
            continue;
        doctor_add(doctor, DOCTOR_FAIL, text_at(stream, "shard"),
                   "the copy must be made anew: stop the region, remove its databases, start it",
                   "replication to %s has %s", text_at(stream, "follower"),
                   text_at(stream, "state"));
    }
}

/* What a link measures against what it was told: worst first counts. */
struct links {
    size_t measured;
    double worst_ms;
    char worst[128];
};

static void measure(struct links *links, const char *from, const char *to, const json_t *row)
{
    const json_t *configured = json_object_get(row, "rtt_configured_ms");
    const json_t *measured = json_object_get(row, "rtt_measured_ms");

    if (!json_is_number(configured) || !json_is_number(measured))
        return;
    double off_ms = json_number_value(measured) - json_number_value(configured);
    links->measured++;
    if (fabs(off_ms) < fabs(links->worst_ms))
        return;
    links->worst_ms = off_ms;
    snprintf(links->worst, sizeof links->worst, "%s to %s: %.1f ms configured, %.1f ms measured",
             from, to, json_number_value(configured), json_number_value(measured));
}

static void report(struct doctor *doctor, const char *check, const struct links *links)
{
    /* A machine that cannot keep its own timers within this cannot emulate a WAN well. */
    const double tolerance_ms = 5;

    if (links->measured == 0)
        doctor_add(doctor, DOCTOR_WARN, check, "look again in a second", "nothing measured yet");
    else if (fabs(links->worst_ms) > tolerance_ms)
        doctor_add(doctor, DOCTOR_WARN, check,
                   "jitter, a full link or a change just now explain it; else the machine is busy",
                   "%zu measured, worst is %s", links->measured, links->worst);
    else
        doctor_add(doctor, DOCTOR_OK, check, NULL, "%zu measured, worst is %s", links->measured,
                   links->worst);
}

static void check_links(struct doctor *doctor, const json_t *status)
{
    const json_t *replicators = json_object_get(status, "replicators");
    const json_t *vantages = json_object_get(json_object_get(status, "router"), "vantages");
    struct links between = {0};
    struct links clients = {0};

    for (size_t i = 0; i < json_array_size(replicators); i++) {
        const json_t *replicator = json_array_get(replicators, i);
        const json_t *streams = json_object_get(replicator, "streams");
        check_streams(doctor, replicator);
        for (size_t j = 0; j < json_array_size(streams); j++)
            measure(&between, text_at(replicator, "name"),
                    text_at(json_array_get(streams, j), "follower"), json_array_get(streams, j));
    }
    for (size_t i = 0; i < json_array_size(vantages); i++) {
        const json_t *vantage = json_array_get(vantages, i);
        const json_t *regions = json_object_get(vantage, "regions");
        for (size_t j = 0; j < json_array_size(regions); j++)
            measure(&clients, text_at(vantage, "geo"),
                    text_at(json_array_get(regions, j), "region"), json_array_get(regions, j));
    }
    if (json_array_size(replicators) > 1)
        report(doctor, "links of regions", &between);
    report(doctor, "links of clients", &clients);
}

void doctor_check_world(struct doctor *doctor, const json_t *status)
{
    size_t faults = json_array_size(json_object_get(status, "faults"));

    check_processes(doctor, status);
    check_answers(doctor, status);
    check_disks(doctor, status);
    check_links(doctor, status);
    if (faults != 0)
        doctor_add(doctor, DOCTOR_WARN, "faults", "mecentral heal undoes them", "%zu in force",
                   faults);
}

char *doctor_render(const struct doctor *doctor, bool colours)
{
    static const enum table_colour tints[] = {
        [DOCTOR_OK] = TABLE_GOOD, [DOCTOR_WARN] = TABLE_WARN, [DOCTOR_FAIL] = TABLE_BAD};
    struct text text = {0};

    for (size_t i = 0; i < json_array_size(doctor->rows); i++) {
        const json_t *row = json_array_get(doctor->rows, i);
        size_t verdict = 0;
        while (strcmp(verdicts[verdict], text_at(row, "verdict")) != 0)
            verdict++;
        text_add(&text, "%s%-4s%s  %-18s  %s%s%s\n", table_colour_code(tints[verdict], colours),
                 verdicts[verdict], colours ? "\033[0m" : "", text_at(row, "check"),
                 text_at(row, "found"), *text_at(row, "advice") ? ": " : "",
                 text_at(row, "advice"));
    }
    return text_take(&text);
}
