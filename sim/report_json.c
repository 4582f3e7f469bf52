#include "sim/report_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HASH_SIZE 17

/* Seeds are 64 bits wide and unsigned; JSON's readers often are neither. */
static json_t *seed_of(uint64_t seed)
{
    char text[24];

    if (seed <= UINT64_C(1) << 53)
        return json_integer((json_int_t)seed);
    snprintf(text, sizeof text, "%" PRIu64, seed);
    return json_string(text);
}

static json_t *hash_of(uint64_t hash)
{
    char text[HASH_SIZE];

    snprintf(text, sizeof text, "%016" PRIx64, hash);
    return json_string(text);
}

static json_t *count_of(uint64_t count)
{
    return json_integer((json_int_t)count);
}

static void add_result(json_t *into, const struct trial *trial)
{
    const struct run_result *result = &trial->result;

    json_object_set_new(into, "trace_hash", hash_of(result->trace_hash));
    if (trial->twice)
        json_object_set_new(into, "second_trace_hash", hash_of(trial->second_hash));
    json_object_set_new(into, "virtual_us", count_of(result->virtual_us));
    json_object_set_new(into, "steps", count_of(result->steps));
    json_object_set_new(into, "operations", count_of(result->operations));
    json_object_set_new(into, "acknowledged", count_of(result->acknowledged));
    json_object_set_new(into, "queued", count_of(result->queued));
    json_object_set_new(into, "given_up_by_promotion", count_of(result->given_up_by_promotion));
}

json_t *report_json_trial(const struct options *options, const struct trial *trial,
                          const char *file)
{
    char cause[TRIAL_CAUSE_SIZE];
    json_t *into = json_object();

    if (file)
        json_object_set_new(into, "file", json_string(file));
    else
        json_object_set_new(into, "seed", seed_of(trial->number));
    json_object_set_new(into, "failed", json_boolean(trial_has_failed(trial)));
    json_object_set_new(into, "wall_us", count_of(trial->wall_us));
    if (trial->end == TRIAL_ENDED)
        add_result(into, trial);
    if (!trial_has_failed(trial))
        return into;
    json_object_set_new(into, "cause", json_string(trial_cause(trial, cause)));
    if (trial->end == TRIAL_ENDED && trial->result.breach.found) {
        json_object_set_new(into, "at_us", count_of(trial->result.breach.at_us));
        json_object_set_new(into, "text", json_string(trial->result.breach.text));
    }
    if (!file) {
        char *command = options_repeat(options, trial->number, "--trace");
        json_object_set_new(into, "repeat", json_string(command));
        free(command);
    }
    return into;
}

json_t *report_json_search(const struct tally *tally, enum report_end end, json_t *trials,
                           uint64_t wall_us)
{
    static const char *const ends[] = {
        [REPORT_DONE] = "done", [REPORT_FAILED] = "failed", [REPORT_INTERRUPTED] = "interrupted"};
    json_t *into = json_object();

    json_object_set_new(into, "end", json_string(ends[end]));
    json_object_set_new(into, "count", count_of(tally->trials));
    json_object_set_new(into, "failed", count_of(tally->failed));
    json_object_set_new(into, "ran_twice", count_of(tally->twice));
    json_object_set_new(into, "wall_us", count_of(wall_us));
    json_object_set_new(into, "virtual_us", count_of(tally->virtual_us));
    json_object_set_new(into, "steps", count_of(tally->steps));
    json_object_set_new(into, "operations", count_of(tally->operations));
    json_object_set_new(into, "acknowledged", count_of(tally->acknowledged));
    json_object_set_new(into, "queued", count_of(tally->queued));
    json_object_set_new(into, "given_up_by_promotion", count_of(tally->given_up_by_promotion));
    json_object_set_new(into, "trials", trials);
    return into;
}

json_t *report_json_reach(const struct tally *tally, uint64_t faults)
{
    json_t *kinds = json_object();
    json_t *branches = json_object();

    for (size_t kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        if ((faults >> kind & 1) != 0)
            json_object_set_new(kinds, plan_fault_name((enum plan_fault_kind)kind),
                                count_of(tally->faults[kind]));
    for (size_t branch = 0; branch < REACH_COUNT; branch++)
        json_object_set_new(branches, reach_name((enum reach_branch)branch),
                            count_of(tally->reach[branch]));
    return json_pack("{s:o, s:o}", "faults", kinds, "branches", branches);
}

json_t *report_json_plants(const struct report_plant *plants, size_t count)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < count; i++) {
        const struct report_plant *plant = &plants[i];
        char cause[TRIAL_CAUSE_SIZE];
        json_t *row = json_object();
        json_object_set_new(row, "bug", json_string(plant_name(plant->bug)));
        json_object_set_new(row, "found", json_boolean(plant->found));
        json_object_set_new(row, "tried", count_of(plant->tried));
        json_object_set_new(row, "wall_us", count_of(plant->wall_us));
        if (plant->found) {
            json_object_set_new(row, "seed", seed_of(plant->trial.number));
            json_object_set_new(row, "cause", json_string(trial_cause(&plant->trial, cause)));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}
