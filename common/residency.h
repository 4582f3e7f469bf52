/* residency: in which regions the data of a service may lie. A service that the configuration does
 * not pin may lie anywhere; one that it pins lies in the regions that it names and nowhere else:
 * not on a disk, not in a cache, not in a frame to any other region.
 *
 * Records have kinds of their own (parts_records_find()); a kind that is not known may lie nowhere
 * but where everything may. */

#ifndef MEC_RESIDENCY_H
#define MEC_RESIDENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/memory.h"
#include "common/parts.h"
#include "control.pb-c.h"
#include "replication.pb-c.h"

/* Does @config pin the data of @service at all? */
bool residency_pins(const Mec__Config *config, enum parts_service service);

/* May the data of @service lie in @region? */
bool residency_allows(const Mec__Config *config, enum parts_service service, const char *region);

/* The same of records of the kind @records. */
bool residency_pins_records(const Mec__Config *config, const char *records);
bool residency_allows_records(const Mec__Config *config, const char *records, const char *region);

/* What a region where the data of @change may not lie is told of it: that it was. @digest, of the
 * stored change, stands for it in the chain. A change that is redacted already stays as it is.
 * Returns the packed redaction, of *@ret_size bytes, in @arena. */
uint8_t *residency_redact(const Mec__Change *change, ProtobufCBinaryData digest,
                          struct arena *arena, size_t *ret_size);

bool residency_is_redacted(const Mec__Change *change);

#endif
