/* audit_report: what a region tells an operator of its audit chains, as JSON; and the heads that
 * the operator brings along, as other regions keep them. */

#ifndef MEC_AUDIT_REPORT_H
#define MEC_AUDIT_REPORT_H

#include <jansson.h>

#include "regiond/store_audit.h"

/* A status section "audit", or "audit " and a list: [{"chain", "n", "digest", "start", "from"}].
 * Returns the list as new JSON, empty when there is none or it cannot be read; NULL: it is another
 * section. */
json_t *audit_report_heads(const char *section);

/* Those of @chain, with what is amiss left out. The caller frees *@ret_witnesses; their names live
 * as long as @heads. Returns how many. */
size_t audit_report_witnesses(const json_t *heads, const char *chain,
                              struct store_audit_witness **ret_witnesses);

/* One chain, and how far others have signed heads of it: new JSON. */
json_t *audit_report_chain(const char *chain, const struct store_audit_witness *witnesses,
                           size_t witness_count, const struct store_audit_result *result);
json_t *audit_report_unreadable(const char *chain);

/* The whole answer, as a new text. @kept: as region_audit_heads(). */
char *audit_report_answer(const char *region, json_t *chains, const char *kept);

#endif
