#include <stdlib.h>

#include "control/text.h"
#include "sim/model/result_svg.h"

#define ROWS_OPEN 24 /* longer tables are folded */

/* Okabe and Ito's colours ("Color Universal Design", 2008), which people who confuse red and green
 * can tell apart, the black one left to text; then some of Tol's muted ones. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1a1a1a;--faint:#666;--grid:#ddd;--paper:#fff;"
    "--stripe:#f5f6f8;--bad:#b00020}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--faint:#a0a0a0;--grid:#3a3a3a;"
    "--paper:#161719;--stripe:#1f2124;--bad:#ff8a80}}\n"
    "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);"
    "max-width:60rem;margin:0 auto;padding:1rem 1.2rem 3rem}\n"
    "h1{font-size:1.5rem;line-height:1.25}h2{font-size:1.1rem;margin:2.2rem 0 .5rem}\n"
    "li{margin:.15rem 0}.missed{border-left:4px solid var(--bad);padding-left:1rem}\n"
    ".missed h2{color:var(--bad)}.faint,figcaption{color:var(--faint);font-size:.9rem}\n"
    ".wide{overflow-x:auto}figure{margin:1rem 0}\n"
    "table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.2rem .7rem .2rem 0;text-align:left;white-space:nowrap}\n"
    "th{border-bottom:1px solid var(--faint)}tr:nth-child(even) td{background:var(--stripe)}\n"
    ".n{text-align:right}summary{cursor:pointer;color:var(--faint)}\n"
    "pre{overflow-x:auto;font-size:.85rem}\n"
    "svg{max-width:100%;min-width:34rem;height:auto}.scroll svg{max-width:none}\n"
    "svg text{font:12px system-ui,sans-serif;fill:var(--ink)}\n"
    "svg text.tick{fill:var(--faint);font-size:11px}svg text.on{font-size:11px}\n"
    "svg text.on[fill=\"#fff\"]{fill:#fff}svg text.on[fill=\"#111\"]{fill:#111}\n"
    ".grid{stroke:var(--grid)}.ink{stroke:var(--faint)}.line{fill:none;stroke-width:2}\n"
    ".s0{fill:#0072b2}.s1{fill:#e69f00}.s2{fill:#009e73}.s3{fill:#cc79a7}"
    ".s4{fill:#56b4e9}.s5{fill:#d55e00}.s6{fill:#b8a900}.s7{fill:#8c8c8c}"
    ".s8{fill:#44aa99}.s9{fill:#882255}.s10{fill:#ddcc77}.s11{fill:#6a5acd}\n"
    ".l0{stroke:#0072b2}.l1{stroke:#e69f00}.l2{stroke:#009e73}.l3{stroke:#cc79a7}"
    ".l4{stroke:#56b4e9}.l5{stroke:#d55e00}.l6{stroke:#b8a900}.l7{stroke:#8c8c8c}"
    ".l8{stroke:#44aa99}.l9{stroke:#882255}.l10{stroke:#ddcc77}.l11{stroke:#6a5acd}\n"
    "@media print{details{display:block}body{max-width:none}}\n";

static void add_element(struct text *out, const char *name, const char *attributes,
                        const char *words)
{
    text_add(out, "<%s%s>", name, attributes);
    result_svg_escape(out, words);
    text_add(out, "</%s>", name);
}

static void add_lines(struct text *out, const struct result_lines *lines, const char *title,
                      const char *class)
{
    if (lines->count == 0)
        return;
    text_add(out, "<section class=\"%s\">\n", class);
    add_element(out, "h2", "", title);
    text_add(out, "\n<ul>\n");
    for (size_t i = 0; i < lines->count; i++) {
        add_element(out, "li", "", lines->items[i]);
        text_add(out, "\n");
    }
    text_add(out, "</ul></section>\n");
}

static void add_rows(struct text *out, const struct result_table *table)
{
    text_add(out, "<div class=\"wide\"><table>\n<thead><tr>");
    for (size_t i = 0; i < table->column_count; i++)
        add_element(out, "th", table->columns[i].unit == RESULT_TEXT ? "" : " class=\"n\"",
                    table->columns[i].heading);
    text_add(out, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < result_rows(table); row++) {
        text_add(out, "<tr>");
        for (size_t column = 0; column < table->column_count; column++) {
            char *words = result_cell_text(table, row, column);
            bool is_text = table->columns[column].unit == RESULT_TEXT;
            add_element(out, "td", is_text ? "" : " class=\"n\"", words);
            free(words);
        }
        text_add(out, "</tr>\n");
    }
    text_add(out, "</tbody></table></div>\n");
}

static void add_picture(struct text *out, const struct result_table *table,
                        const struct result_picture *picture)
{
    /* A map of many columns would shrink until nobody can read it: it scrolls. */
    bool scrolls = picture->kind == RESULT_HEAT && picture->value_count > 10;

    text_add(out, "<figure class=\"wide%s\">\n", scrolls ? " scroll" : "");
    switch (picture->kind) {
    case RESULT_BARS:
        result_svg_bars(out, table, picture);
        break;
    case RESULT_LINES:
        result_svg_lines(out, table, picture);
        break;
    case RESULT_HEAT:
        result_svg_heat(out, table, picture);
        break;
    }
    text_add(out, "<figcaption>");
    add_element(out, "b", "", picture->title);
    if (picture->note) {
        text_add(out, ". ");
        result_svg_escape(out, picture->note);
    }
    text_add(out, "</figcaption></figure>\n");
}

static void add_table(struct text *out, const struct result_table *table)
{
    size_t rows = result_rows(table);
    bool folded = rows > ROWS_OPEN || (table->picture_count > 0 && rows > 1);

    text_add(out, "<section>\n");
    add_element(out, "h2", "", table->title);
    text_add(out, "\n");
    if (rows == 0)
        text_add(out, "<p class=\"faint\">Nothing.</p>\n");
    for (size_t i = 0; rows > 0 && i < table->picture_count; i++)
        add_picture(out, table, &table->pictures[i]);
    if (folded)
        text_add(out, "<details><summary>%zu rows as a table</summary>\n", rows);
    if (rows > 0)
        add_rows(out, table);
    text_add(out, "%s</section>\n", folded ? "</details>" : "");
}

char *result_as_html(const struct result *result, const json_t *parameters)
{
    struct text out = {0};
    char *values = json_dumps(parameters, JSON_INDENT(2));

    text_add(&out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n");
    add_element(&out, "title", "", result->title);
    text_add(&out, "\n<style>\n%s</style></head><body>\n", style);
    add_element(&out, "h1", "", result->title);
    text_add(&out, "\n");
    add_lines(&out, &result->failures, "Missed", "missed");
    add_lines(&out, &result->findings, "Findings", "findings");
    for (size_t i = 0; i < result->table_count; i++)
        add_table(&out, result->tables[i]);
    add_lines(&out, &result->assumptions, "What this assumes", "faint");
    text_add(&out, "<details><summary>Parameters</summary>");
    add_element(&out, "pre", "", values);
    text_add(&out, "</details>\n<p class=\"faint\">Made by MeCentral: ");
    result_svg_escape(&out, result->name);
    text_add(&out, "</p></body></html>\n");
    free(values);
    return text_take(&out);
}
