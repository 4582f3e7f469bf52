#include "regiond/audit_report.h"

#include <sodium.h>
#include <string.h>

#define SECTION "audit"

json_t *audit_report_heads(const char *section)
{
    size_t size = strlen(SECTION);
    json_t *heads;

    if (strncmp(section, SECTION, size) != 0 || (section[size] != '\0' && section[size] != ' '))
        return NULL;
    heads = json_loads(section + size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_array(heads))
        return heads;
    json_decref(heads);
    return json_array();
}

static bool take_digest(const json_t *row, const char *key, uint8_t ret_digest[DIGEST_SIZE])
{
    const char *hex = json_string_value(json_object_get(row, key));
    size_t size;

    return hex &&
           sodium_hex2bin(ret_digest, DIGEST_SIZE, hex, strlen(hex), NULL, &size, NULL) == 0 &&
           size == DIGEST_SIZE;
}

static bool take_witness(const json_t *row, const char *chain,
                         struct store_audit_witness *ret_witness)
{
    const char *of = json_string_value(json_object_get(row, "chain"));
    const char *from = json_string_value(json_object_get(row, "from"));
    json_int_t n = json_integer_value(json_object_get(row, "n"));

    *ret_witness = (struct store_audit_witness){.name = from, .head = {.n = (uint64_t)n}};
    return of && strcmp(of, chain) == 0 && from && n > 0 &&
           take_digest(row, "digest", ret_witness->head.digest) &&
           take_digest(row, "start", ret_witness->head.start);
}

size_t audit_report_witnesses(const json_t *heads, const char *chain,
                              struct store_audit_witness **ret_witnesses)
{
    struct store_audit_witness *witnesses =
        memory_alloc((json_array_size(heads) + 1) * sizeof *witnesses);
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(heads); i++)
        count += take_witness(json_array_get(heads, i), chain, &witnesses[count]);
    *ret_witnesses = witnesses;
    return count;
}

/* ---- what was found ---- */

static json_t *hex(const uint8_t digest[DIGEST_SIZE])
{
    char text[2 * DIGEST_SIZE + 1];

    sodium_bin2hex(text, sizeof text, digest, DIGEST_SIZE);
    return json_string(text);
}

static json_t *finding_json(const struct store_audit_finding *finding)
{
    char text[STORE_AUDIT_TEXT_SIZE];

    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:s?, s:s}", "fault",
                     store_audit_finding_name(finding->fault), "entry", (json_int_t)finding->n,
                     "other", (json_int_t)finding->other, "epoch", (json_int_t)finding->epoch,
                     "seq", (json_int_t)finding->seq, "witness", finding->witness, "text",
                     store_audit_finding_text(finding, text));
}

json_t *audit_report_chain(const char *chain, const struct store_audit_witness *witnesses,
                           size_t witness_count, const struct store_audit_result *result)
{
    json_t *findings = json_array();
    uint64_t signed_n = 0;

    for (size_t i = 0; i < witness_count; i++)
        if (witnesses[i].head.n > signed_n)
            signed_n = witnesses[i].head.n;

    for (size_t i = 0; i < result->finding_count; i++)
        json_array_append_new(findings, finding_json(&result->findings[i]));
    return json_pack("{s:s, s:I, s:I, s:o, s:o, s:I, s:I, s:I, s:o}", "chain", chain, "entries",
                     (json_int_t)result->entries, "n", (json_int_t)result->end.n, "digest",
                     hex(result->end.digest), "start", hex(result->end.start), "witnesses",
                     (json_int_t)witness_count, "signed", (json_int_t)signed_n, "found",
                     (json_int_t)result->found, "findings", findings);
}

json_t *audit_report_unreadable(const char *chain)
{
    return json_pack("{s:s, s:s}", "chain", chain, "error", "the chain cannot be read");
}

char *audit_report_answer(const char *region, json_t *chains, const char *kept)
{
    json_t *heads = json_loads(kept, 0, NULL);
    json_t *answer = json_pack("{s:s, s:O, s:O?}", "region", region, "chains", chains, "heads",
                               json_object_get(heads, "heads"));
    char *text = json_dumps(answer, JSON_COMPACT);

    json_decref(answer);
    json_decref(heads);
    return text;
}
