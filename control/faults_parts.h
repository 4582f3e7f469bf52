/* faults_parts: the faults of a region's services and caches: what they are, and what they make of
 * a Config. faults.h has the table that they stand in. */

#ifndef MEC_FAULTS_PARTS_H
#define MEC_FAULTS_PARTS_H

#include "control/faults.h"

/* Does @fault, a FAULT_SERVICE or FAULT_CACHE of an end that is known, make sense? On error
 * *@ret_error is a new string that names what there is. Errors: -EINVAL. */
int faults_parts_check(const struct fault *fault, char **ret_error);

/* "us-east/vault down". A new string. */
char *faults_parts_describe(const struct fault *fault);

/* Add to @json what only these kinds have; read it again. Errors: -EBADMSG. */
void faults_parts_to_json(const struct fault *fault, json_t *json);
int faults_parts_from_json(const json_t *json, struct fault *fault);

/* Count a flush of the caches that @what names. */
void faults_parts_flush(struct faults *faults, const struct fault *what);

/* The flushes, for the state file; NULL: there were none. Errors: -EBADMSG; @faults then has none.
 */
json_t *faults_parts_flushes_to_json(const struct faults *faults);
int faults_parts_flushes_from_json(const json_t *json, struct faults *faults);

/* Put the faults into @config, which has none yet; times as they were given. */
void faults_parts_compile(const struct faults *faults, Mec__Config *config);

#endif
