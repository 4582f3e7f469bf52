/* kid: names of signing keys: `us-east.2` is the second key of us-east. Numbers of a region rise
 * and are never used again, so that a name means one key for ever. */

#ifndef MEC_KID_H
#define MEC_KID_H

#include <stdint.h>

#define KID_SIZE 64

/* @region is at most 39 characters. @number is at least 1. */
void kid_format(const char *region, uint32_t number, char ret_kid[KID_SIZE]);

/* The number in @kid, in its only spelling. Errors: -EINVAL, it is no name of a key of @region. */
int kid_number(const char *kid, const char *region, uint32_t *ret_number);

/* The file in the region's directory that holds the private half: `signing.key` the first,
 * `signing.2.key` the second. kid_file_number() is 0 for files of other names. */
void kid_file(uint32_t number, char ret_name[KID_SIZE]);
uint32_t kid_file_number(const char *name);

#endif
