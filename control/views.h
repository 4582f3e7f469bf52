/* views: what controld answers, as text for people. Each returns a new string. */

#ifndef MEC_VIEWS_H
#define MEC_VIEWS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

char *views_ready(const json_t *ready, uint64_t took_ms);
char *views_ps(const json_t *data, bool colours);
char *views_keys(const json_t *data, bool colours);
char *views_faults(const json_t *data, bool colours);
char *views_verify(const json_t *data, bool colours);
char *views_audit(const json_t *data, bool colours);
char *views_status(const json_t *data, bool colours);

#endif
