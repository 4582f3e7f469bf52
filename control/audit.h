/* audit: are the regions' audit chains what they were? Made of the heads that each regiond keeps of
 * the others' chains, and of what each then says of its own, held against those. */

#ifndef MEC_CONTROL_AUDIT_H
#define MEC_CONTROL_AUDIT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* @kept: region process -> its Status of section "heads". Returns the section that asks @region's
 * regiond to verify its chains, with all heads of them that others have: a new text. */
char *audit_section(const json_t *kept, const char *region);

/* @answers: region process -> its Status of that section; those that gave none are missing.
 * @regions: the names of those that were asked, @count of them.
 *
 * Returns new data {sound, checked, regions: [{region, answers, chains: [{chain, entries,
 * witnesses, findings, ...}]}], findings: [{region, chain, fault, entry, text}]}. `sound`: nothing
 * was found; `checked`: all could be read. */
json_t *audit_combine(const json_t *answers, const char *const *regions, size_t count);

#endif
