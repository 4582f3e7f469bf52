/* units: how people write quantities, and how they are shown again: durations `150ms`, `2s`;
 * rates `1mbit`; shares `1%`; sizes `64MiB`.
 *
 * Numbers may have a decimal point (`1.5s`). A quantity without its unit is refused, but for a
 * plain 0, so that nobody has to guess. */

#ifndef MEC_UNITS_H
#define MEC_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#define UNITS_TEXT_SIZE 32

/* Microseconds; us, ms, s, m, h, d. Errors: -EINVAL, not of that form; -ERANGE, too large. */
int units_parse_duration(const char *text, uint64_t *ret_us);

/* Bytes a second from bits a second: bit, kbit, mbit, gbit (powers of 1,000, as tc has them).
 * Errors: as above. */
int units_parse_rate(const char *text, uint64_t *ret_bytes_per_s);

/* Parts per million from `1%`, `0.05%`. Errors: as above; -ERANGE also above 100%. */
int units_parse_share(const char *text, uint32_t *ret_ppm);

/* Bytes; B, kB, MB, GB, KiB, MiB, GiB. Errors: as above. */
int units_parse_size(const char *text, uint64_t *ret_bytes);

/* A plain whole number. Errors: as above. */
int units_parse_count(const char *text, uint64_t *ret_count);

/* Whole numbers such as 1..2000, both included. Errors: as above; -EINVAL also when the second is
 * below the first. */
int units_parse_range(const char *text, uint64_t *ret_first, uint64_t *ret_last);

/* A number such as 1, 2.5, 0.1, in millionths. Errors: as above. */
int units_parse_factor(const char *text, uint64_t *ret_millionths);

/* true, yes, on, 1; false, no, off, 0. Errors: -EINVAL. */
int units_parse_switch(const char *text, bool *ret_on);

/* The shortest text that parses back to the same number, to three decimals. Each returns
 * @ret_text. */
const char *units_format_duration(uint64_t us, char ret_text[UNITS_TEXT_SIZE]);
const char *units_format_rate(uint64_t bytes_per_s, char ret_text[UNITS_TEXT_SIZE]);
const char *units_format_share(uint32_t ppm, char ret_text[UNITS_TEXT_SIZE]);
const char *units_format_size(uint64_t bytes, char ret_text[UNITS_TEXT_SIZE]);

#endif
