#include "common/residency.h"

#include <string.h>

static const Mec__Residency *find(const Mec__Config *config, enum parts_service service)
{
    const char *name = parts_service_name(service);

    for (size_t i = 0; i < config->n_residency; i++)
        if (strcmp(config->residency[i]->service, name) == 0)
            return config->residency[i];
    return NULL;
}

static bool names(const Mec__Residency *residency, const char *region)
{
    for (size_t i = 0; i < residency->n_regions; i++)
        if (strcmp(residency->regions[i], region) == 0)
            return true;
    return false;
}

bool residency_pins(const Mec__Config *config, enum parts_service service)
{
    return config->n_residency > 0 && find(config, service) != NULL;
}

bool residency_allows(const Mec__Config *config, enum parts_service service, const char *region)
{
    const Mec__Residency *residency = config->n_residency > 0 ? find(config, service) : NULL;

    return !residency || names(residency, region);
}

bool residency_pins_records(const Mec__Config *config, const char *records)
{
    enum parts_service service;

    if (config->n_residency == 0)
        return false;
    return parts_records_find(records, &service) != 0 || residency_pins(config, service);
}

bool residency_allows_records(const Mec__Config *config, const char *records, const char *region)
{
    enum parts_service service;

    if (config->n_residency == 0)
        return true;
    return parts_records_find(records, &service) == 0 && residency_allows(config, service, region);
}

bool residency_is_redacted(const Mec__Change *change)
{
    return change->redacted_digest.len > 0;
}

/* What is not copied here stays behind: a field that changes gain later does not cross the line
 * unless somebody lets it. */
uint8_t *residency_redact(const Mec__Change *change, ProtobufCBinaryData digest,
                          struct arena *arena, size_t *ret_size)
{
    Mec__Change redaction = MEC__CHANGE__INIT;
    uint8_t *packed;

    redaction.shard = change->shard;
    redaction.epoch = change->epoch;
    redaction.seq = change->seq;
    redaction.previous_digest = change->previous_digest;
    redaction.service = change->service;
    redaction.redacted_digest = residency_is_redacted(change) ? change->redacted_digest : digest;
    *ret_size = mec__change__get_packed_size(&redaction);
    packed = arena_alloc(arena, *ret_size);
    mec__change__pack(&redaction, packed);
    return packed;
}
