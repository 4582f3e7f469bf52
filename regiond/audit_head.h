/* audit_head: a region's word on how far one of its audit chains has got.
 *
 * It is signed with the region's signing key. What is signed begins with a text of its own and a
 * NUL, which no token can begin with, so neither can ever pass as the other; and it names the
 * world, so that no other world's head passes. */

#ifndef MEC_AUDIT_HEAD_H
#define MEC_AUDIT_HEAD_H

#include <stdbool.h>

#include "audit.pb-c.h"
#include "common/token.h"

#define AUDIT_HEAD_SIGNATURE_SIZE 64

/* Sign all other fields of @head. */
void audit_head_sign(const char *world, const uint8_t seed[TOKEN_KEY_SEED_SIZE],
                     const Mec__AuditHead *head, uint8_t ret_signature[AUDIT_HEAD_SIGNATURE_SIZE]);

/* Was @head signed with the private half of @public_key? */
bool audit_head_check(const char *world, const uint8_t public_key[TOKEN_KEY_PUBLIC_SIZE],
                      const Mec__AuditHead *head);

#endif
