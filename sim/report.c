#include "sim/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/table.h"
#include "control/text.h"
#include "control/units.h"

#define NUMBER_SIZE 32

/* 1234567 as "1,234,567". */
static const char *number(uint64_t value, char ret_text[NUMBER_SIZE])
{
    char digits[NUMBER_SIZE];
    size_t size = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t at = 0;

    for (size_t i = 0; i < size; i++) {
        if (i != 0 && (size - i) % 3 == 0)
            ret_text[at++] = ',';
        ret_text[at++] = digits[i];
    }
    ret_text[at] = '\0';
    return ret_text;
}

static double seconds(uint64_t us)
{
    return (double)us / 1e6;
}

static double per_second(uint64_t count, uint64_t wall_us)
{
    return wall_us == 0 ? 0 : (double)count / seconds(wall_us);
}

/* ---- failures ---- */

static const char *what_of(const struct trial *trial)
{
    if (trial->end == TRIAL_HUNG)
        return "a seed ends within its time";
    if (trial->end == TRIAL_CRASHED)
        return "no assert fails and no sanitizer complains, whatever happens";
    if (trial->result.breach.found)
        return watch_check_what(trial->result.breach.check);
    return "a seed goes the same way each time";
}

static void add_breach(struct text *text, const struct trial *trial)
{
    const struct run_result *result = &trial->result;

    if (trial->end == TRIAL_CRASHED)
        text_add(text, "  what it last said stands above, on stderr\n");
    else if (trial->end == TRIAL_HUNG)
        text_add(text, "  killed after %.0f s\n", seconds(trial->wall_us));
    else if (result->breach.found)
        text_add(text, "  at %.3f s: %s\n", seconds(result->breach.at_us), result->breach.text);
    if (trial->end == TRIAL_ENDED && trial->twice && trial->second_hash != result->trace_hash)
        text_add(text,
                 "  it ran twice, and the traces have the hashes %016" PRIx64 " and %016" PRIx64
                 "\n",
                 result->trace_hash, trial->second_hash);
}

static void add_command(struct text *text, const struct options *options, const struct trial *trial,
                        const char *file, const char *label, const char *more)
{
    char *command =
        file ? text_format("mecentral sim --replay %s%s%s%s%s", file,
                           options->plant != PLANT_NONE ? " --plant " : "",
                           options->plant != PLANT_NONE ? plant_name(options->plant) : "",
                           *more ? " " : "", more)
             : options_repeat(options, trial->number, more);

    text_add(text, "  %s: %s\n", label, command);
    free(command);
}

char *report_failure(const struct options *options, const struct trial *trial, const char *file)
{
    char cause[TRIAL_CAUSE_SIZE];
    struct text text = {0};
    bool is_twofold = trial->twice && trial->end == TRIAL_ENDED && !trial->result.breach.found;

    text_add(&text, "FAILED %s: ", trial_cause(trial, cause));
    if (file)
        text_add(&text, "%s\n", file);
    else
        text_add(&text, "seed %" PRIu64 "\n", trial->number);
    text_add(&text, "  guards: %s\n", what_of(trial));
    add_breach(&text, trial);
    add_command(&text, options, trial, file, "repeat",
                is_twofold ? "--check-determinism 1" : "--trace");
    add_command(&text, options, trial, file, "shrink",
                is_twofold ? "--check-determinism 1 --shrink" : "--shrink");
    return text_take(&text);
}

/* ---- one run ---- */

static void add_world(struct text *text, const struct plan *plan)
{
    char duration[UNITS_TEXT_SIZE];
    uint64_t kinds = 0;

    text_add(text, "world: %zu regions (", plan->region_count);
    for (size_t i = 0; i < plan->region_count; i++)
        text_add(text, "%s%s", i != 0 ? ", " : "", plan->region_names[i]);
    text_add(text, "), %zu routers, %zu clients of %zu users, %s\n", plan->router_count,
             plan->client_count, plan->user_count,
             units_format_duration(plan->duration_us, duration));
    text_add(text, "plan:  %zu operations, %zu faults", plan->operation_count, plan->fault_count);
    for (size_t i = 0; i < plan->fault_count; i++)
        kinds |= UINT64_C(1) << plan->faults[i].kind;
    const char *before = " (";
    for (size_t kind = 0; kind < PLAN_FAULT_COUNT; kind++) {
        if ((kinds >> kind & 1) == 0)
            continue;
        text_add(text, "%s%s", before, plan_fault_name((enum plan_fault_kind)kind));
        before = ", ";
    }
    text_add(text, "%s\n", kinds != 0 ? ")" : "");
}

char *report_run(const struct plan *plan, const struct trial *trial)
{
    const struct run_result *result = &trial->result;
    char operations[NUMBER_SIZE];
    char acknowledged[NUMBER_SIZE];
    char queued[NUMBER_SIZE];
    char steps[NUMBER_SIZE];
    struct text text = {0};

    if (plan)
        add_world(&text, plan);
    if (trial->end != TRIAL_ENDED)
        return text_take(&text);
    text_add(&text, "run:   %.3f virtual s in %.3f s, %s steps\n", seconds(result->virtual_us),
             seconds(trial->wall_us), number(result->steps, steps));
    text_add(&text, "told:  %s answers, %s writes acknowledged, %s queued",
             number(result->operations, operations), number(result->acknowledged, acknowledged),
             number(result->queued, queued));
    if (result->given_up_by_promotion != 0)
        text_add(&text, ", %" PRIu64 " given up by promotions", result->given_up_by_promotion);
    text_add(&text, "\ntrace: hash %016" PRIx64 "%s\n", result->trace_hash,
             trial->twice && trial->second_hash == result->trace_hash ? ", twice the same" : "");
    return text_take(&text);
}

/* ---- many runs ---- */

static void add_rates(struct text *text, const struct tally *tally, uint64_t wall_us)
{
    char virtual_s[NUMBER_SIZE];

    text_add(text, "%.1f seeds/s, %s virtual s/s", per_second(tally->trials, wall_us),
             number((uint64_t)(per_second(tally->virtual_us, wall_us) / 1e6), virtual_s));
}

char *report_closing(const struct tally *tally, enum report_end end, const char *what,
                     uint64_t wall_us)
{
    char numbers[5][NUMBER_SIZE];
    struct text text = {0};

    text_add(&text, "%s %s%s", number(tally->trials, numbers[0]), what,
             tally->trials == 1 ? "" : "s");
    if (tally->failed == 0)
        text_add(&text, " clean");
    else
        text_add(&text, ", %s of them failed", number(tally->failed, numbers[1]));
    if (end == REPORT_INTERRUPTED)
        text_add(&text, ", then interrupted");
    text_add(&text, ": ");
    add_rates(&text, tally, wall_us);
    text_add(&text, ", %s operations, %s writes acknowledged, %s queued",
             number(tally->operations, numbers[2]), number(tally->acknowledged, numbers[3]),
             number(tally->queued, numbers[4]));
    if (tally->twice != 0)
        text_add(&text, ", %s ran twice", number(tally->twice, numbers[0]));
    if (tally->trials > 1)
        text_add(&text, ", longest %.2f s (%s %" PRIu64 ")", seconds(tally->longest_us), what,
                 tally->longest_number);
    text_add(&text, "\n");
    return text_take(&text);
}

char *report_progress(const struct tally *tally, uint64_t wall_us)
{
    char trials[NUMBER_SIZE];
    struct text text = {0};

    text_add(&text, "%s seeds, ", number(tally->trials, trials));
    if (tally->failed != 0)
        text_add(&text, "%" PRIu64 " failed, ", tally->failed);
    add_rates(&text, tally, wall_us);
    return text_take(&text);
}

/* @seldom: when it never came, that is no wonder. */
static void reach_row(struct table *table, const char *name, uint64_t count, uint64_t first,
                      const char *what, bool seldom)
{
    char text[NUMBER_SIZE];
    enum table_colour colour = count > 0 ? TABLE_PLAIN : seldom ? TABLE_FAINT : TABLE_BAD;

    table_cell(table, TABLE_PLAIN, "%s", name);
    table_cell(table, colour, "%s", number(count, text));
    if (count == 0)
        table_cell(table, colour, "%s", seldom ? "seldom" : "-");
    else
        table_cell(table, TABLE_PLAIN, "%" PRIu64, first);
    table_cell(table, TABLE_FAINT, "%s", what);
}

char *report_reach(const struct tally *tally, uint64_t faults, bool colours)
{
    static const char *const fault_headings[] = {"fault", ">seeds", ">first", "what happened"};
    static const char *const branch_headings[] = {"branch", ">times", ">first", "what happened"};
    struct table *kinds = table_create(fault_headings, 4);
    struct table *branches = table_create(branch_headings, 4);
    struct text text = {0};

    for (size_t kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        if ((faults >> kind & 1) != 0)
            reach_row(kinds, plan_fault_name((enum plan_fault_kind)kind), tally->faults[kind],
                      tally->first_faults[kind], plan_fault_what((enum plan_fault_kind)kind),
                      false);
    for (size_t branch = 0; branch < REACH_COUNT; branch++)
        reach_row(branches, reach_name((enum reach_branch)branch), tally->reach[branch],
                  tally->first_reach[branch], reach_what((enum reach_branch)branch),
                  reach_is_seldom((enum reach_branch)branch));
    table_render(kinds, &text, "", colours);
    text_add(&text, "\n");
    table_render(branches, &text, "", colours);
    table_free(kinds);
    table_free(branches);
    return text_take(&text);
}

char *report_missing(const struct tally *tally, uint64_t faults)
{
    struct text text = {0};

    for (size_t kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        if ((faults >> kind & 1) != 0 && tally->faults[kind] == 0)
            text_add(&text, "never happened: fault %s\n",
                     plan_fault_name((enum plan_fault_kind)kind));
    for (size_t branch = 0; branch < REACH_COUNT; branch++)
        if (tally_misses(tally, (enum reach_branch)branch))
            text_add(&text, "never reached: branch %s (%s)\n",
                     reach_name((enum reach_branch)branch), reach_what((enum reach_branch)branch));
    return text_take(&text);
}

char *report_plants(const struct report_plant *plants, size_t count, bool colours)
{
    static const char *const headings[] = {"planted bug", ">seed", ">seconds", "found by",
                                           "what is wrong"};
    struct table *table = table_create(headings, 5);
    struct text text = {0};

    for (size_t i = 0; i < count; i++) {
        const struct report_plant *plant = &plants[i];
        char cause[TRIAL_CAUSE_SIZE];
        char tried[NUMBER_SIZE];
        table_cell(table, TABLE_PLAIN, "%s", plant_name(plant->bug));
        if (plant->found)
            table_cell(table, TABLE_PLAIN, "%" PRIu64, plant->trial.number);
        else
            table_cell(table, TABLE_BAD, "-");
        table_cell(table, TABLE_PLAIN, "%.1f", seconds(plant->wall_us));
        if (plant->found)
            table_cell(table, TABLE_GOOD, "%s", trial_cause(&plant->trial, cause));
        else
            table_cell(table, TABLE_BAD, "nothing in %s seeds", number(plant->tried, tried));
        table_cell(table, TABLE_FAINT, "%s", plant_what(plant->bug));
    }
    table_render(table, &text, "", colours);
    table_free(table);
    return text_take(&text);
}

static void add_item(struct text *text, uint64_t at_us, char *line)
{
    text_add(text, "  [%7.3f] %s\n", seconds(at_us), line);
    free(line);
}

/* Faults and operations as they come. */
static void add_items(struct text *text, const struct plan *plan)
{
    size_t fault = 0;
    size_t operation = 0;

    while (fault < plan->fault_count || operation < plan->operation_count) {
        const struct plan_fault *next_fault = &plan->faults[fault];
        const struct plan_operation *next = &plan->operations[operation];
        if (operation == plan->operation_count ||
            (fault < plan->fault_count && next_fault->at_us <= next->at_us)) {
            add_item(text, next_fault->at_us, plan_fault_describe(plan, next_fault));
            fault++;
        } else {
            add_item(text, next->at_us, plan_operation_describe(plan, next));
            operation++;
        }
    }
}

char *report_shrunk(const struct plan *plan, const struct plan *shortest,
                    const struct shrink_effort *effort, const char *path)
{
    char before[UNITS_TEXT_SIZE];
    char after[UNITS_TEXT_SIZE];
    struct text text = {0};

    text_add(&text,
             "shrunk in %zu runs%s: %zu of %zu faults, %zu of %zu operations, %s of %s are left\n",
             effort->runs, effort->ran_out ? " (all that it may take)" : "", shortest->fault_count,
             plan->fault_count, shortest->operation_count, plan->operation_count,
             units_format_duration(shortest->duration_us, after),
             units_format_duration(plan->duration_us, before));
    add_items(&text, shortest);
    text_add(&text, "written to %s\n  repeat: mecentral sim --replay %s --trace\n", path, path);
    return text_take(&text);
}
