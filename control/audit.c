#include "control/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/supervisor.h"
#include "control/text.h"

#define PREFIX "regiond/"

static const char *text_at(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text ? text : "";
}

/* ---- what is asked ---- */

/* Add what @keeper has of @region's chains to @list. */
static void add_heads(json_t *list, const json_t *heads, const char *keeper, const char *region)
{
    for (size_t i = 0; i < json_array_size(heads); i++) {
        const json_t *head = json_array_get(heads, i);
        json_t *row;

        if (strcmp(text_at(head, "region"), region) != 0)
            continue;
        row = json_copy((json_t *)head);
        json_object_set_new(row, "from", json_string(keeper));
        json_array_append_new(list, row);
    }
}

char *audit_section(const json_t *kept, const char *region)
{
    json_t *list = json_array();
    const char *process;
    json_t *answer;
    char *json, *section;

    json_object_foreach((json_t *)kept, process, answer)
    {
        size_t skip = strncmp(process, PREFIX, strlen(PREFIX)) == 0 ? strlen(PREFIX) : 0;

        add_heads(list, json_object_get(answer, "heads"), process + skip, region);
    }
    json = json_dumps(list, JSON_COMPACT);
    section = text_format("audit %s", json);
    free(json);
    json_decref(list);
    return section;
}

/* ---- what is answered ---- */

static void add_findings(json_t *list, const char *region, const json_t *chain)
{
    const json_t *findings = json_object_get(chain, "findings");

    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        json_t *row = json_copy((json_t *)finding);

        json_object_set_new(row, "region", json_string(region));
        json_object_set_new(row, "chain", json_string(text_at(chain, "chain")));
        json_array_append_new(list, row);
    }
}

/* Returns whether all of its chains could be read. */
static bool add_region(json_t *rows, json_t *findings, const json_t *answers, const char *region)
{
    char process[SUPERVISOR_NAME_SIZE];
    const json_t *chains;
    bool readable = true;

    snprintf(process, sizeof process, "%s%s", PREFIX, region);
    chains = json_object_get(json_object_get(answers, process), "chains");
    for (size_t i = 0; i < json_array_size(chains); i++) {
        const json_t *chain = json_array_get(chains, i);

        readable = readable && !json_object_get(chain, "error");
        add_findings(findings, region, chain);
    }
    json_array_append_new(rows, json_pack("{s:s, s:b, s:o}", "region", region, "answers",
                                          chains != NULL, "chains",
                                          chains ? json_incref((json_t *)chains) : json_array()));
    return chains && readable;
}

json_t *audit_combine(const json_t *answers, const char *const *regions, size_t count)
{
    json_t *rows = json_array();
    json_t *findings = json_array();
    bool checked = true;

    for (size_t i = 0; i < count; i++)
        checked = add_region(rows, findings, answers, regions[i]) && checked;
    return json_pack("{s:b, s:b, s:o, s:o}", "sound", json_array_size(findings) == 0, "checked",
                     checked, "regions", rows, "findings", findings);
}
