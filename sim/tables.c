#include "sim/tables.h"

#include "common/plant.h"
#include "common/reach.h"
#include "control/text.h"
#include "sim/plan.h"
#include "sim/watch.h"

static void add_head(struct text *text, const char *title, const char *words, const char *columns)
{
    text_add(text, "%s## %s\n\n%s\n\n%s\n|---|---|\n", text->size == 0 ? "" : "\n", title, words,
             columns);
}

static void add_cells(struct text *text, const char *name, const char *what, const char *note)
{
    text_add(text, "| `%s` | ", name);
    for (const char *at = what; *at; at++)
        text_add(text, "%s%c", *at == '|' ? "\\" : "", *at);
    text_add(text, "%s |\n", note);
}

static void add_row(struct text *text, const char *name, const char *what)
{
    add_cells(text, name, what, "");
}

static void add_branch(struct text *text, enum reach_branch branch)
{
    add_cells(text, reach_name(branch), reach_what(branch),
              reach_is_seldom(branch) ? " (seldom)" : "");
}

char *tables_markdown(void)
{
    struct text text = {0};

    add_head(
        &text, "Faults",
        "For `--faults`. REGION, OTHER (or SERVICE, CACHE) and AMOUNT are those of a plan's fault; "
        "\"for a while\" is its duration.",
        "| fault | what happens |");
    for (size_t kind = 0; kind < PLAN_FAULT_COUNT; kind++)
        add_row(&text, plan_fault_name((enum plan_fault_kind)kind),
                plan_fault_what((enum plan_fault_kind)kind));
    add_head(&text, "Operations", "What clients do.", "| operation | the client ... |");
#define X(kind, name, what) add_row(&text, name, what);
    PLAN_OPERATIONS(X)
#undef X
    add_head(&text, "Checks", "A failure names one of these.", "| check | what must hold |");
    for (size_t check = 0; check < WATCH_CHECK_COUNT; check++)
        add_row(&text, watch_check_name((enum watch_check)check),
                watch_check_what((enum watch_check)check));
    add_head(&text, "Planted bugs", "For `--plant`.", "| bug | what is wrong |");
    for (size_t bug = PLANT_NONE + 1; bug < PLANT_COUNT; bug++)
        add_row(&text, plant_name((enum plant_bug)bug), plant_what((enum plant_bug)bug));
    add_head(
        &text, "Rare branches",
        "Counted for `--reach`. `--require-reach` excuses the seldom ones, which a search of a "
        "few thousand seeds may miss.",
        "| branch | what has happened |");
    for (size_t branch = 0; branch < REACH_COUNT; branch++)
        add_branch(&text, (enum reach_branch)branch);
    return text_take(&text);
}
