#include "common/parts.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const service_names[PARTS_SERVICE_COUNT] = {
    [PARTS_AUTH] = "auth", [PARTS_VAULT] = "vault", [PARTS_METADATA] = "metadata"};

static const char *const cache_names[PARTS_CACHE_COUNT] = {
    [PARTS_EDGE] = "edge", [PARTS_REGIONAL] = "regional", [PARTS_SERVICE] = "service"};

const char *parts_service_name(enum parts_service service)
{
    assert(service < PARTS_SERVICE_COUNT);
    return service_names[service];
}

const char *parts_cache_name(enum parts_cache cache)
{
    assert(cache < PARTS_CACHE_COUNT);
    return cache_names[cache];
}

static int find(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -ENOENT;
}

int parts_service_find(const char *name, enum parts_service *ret_service)
{
    int found = find(service_names, PARTS_SERVICE_COUNT, name);

    if (found < 0)
        return found;
    *ret_service = (enum parts_service)found;
    return 0;
}

int parts_cache_find(const char *name, enum parts_cache *ret_cache)
{
    int found = find(cache_names, PARTS_CACHE_COUNT, name);

    if (found < 0)
        return found;
    *ret_cache = (enum parts_cache)found;
    return 0;
}

enum parts_service parts_service_of(Mec__Operation operation)
{
    const struct route *route = routes_of(operation);
    enum parts_service service = PARTS_AUTH;

    if (route && parts_service_find(route->service, &service) != 0)
        assert(false && "a service of the routes");
    return service;
}

int parts_records_find(const char *name, enum parts_service *ret_service)
{
    static const struct {
        const char *name;
        enum parts_service service;
    } records[] = {{"auth", PARTS_AUTH},         {"names", PARTS_AUTH},
                   {"metadata", PARTS_METADATA}, {"vault", PARTS_VAULT},
                   {"vault-keys", PARTS_VAULT},  {"grants", PARTS_VAULT}};

    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        if (strcmp(records[i].name, name) != 0)
            continue;
        *ret_service = records[i].service;
        return 0;
    }
    return -ENOENT;
}

bool parts_needs_auth(enum parts_service service, enum route_class class)
{
    return service == PARTS_AUTH || service == PARTS_VAULT || class == ROUTE_SENSITIVE;
}

const char *parts_operation_name(Mec__Operation operation, char ret_name[PARTS_NAME_SIZE])
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&mec__operation__descriptor, (int)operation);

    snprintf(ret_name, PARTS_NAME_SIZE, "%s",
             value && operation != MEC__OPERATION__OPERATION_NONE ? value->name : "");
    for (char *at = ret_name; *at; at++)
        *at = *at == '_' ? '-' : (char)tolower((unsigned char)*at);
    return ret_name;
}

bool parts_operation_at(size_t index, Mec__Operation *ret_operation)
{
    /* The first one is none. */
    if (index + 1 >= mec__operation__descriptor.n_values)
        return false;
    *ret_operation = (Mec__Operation)mec__operation__descriptor.values[index + 1].value;
    return true;
}

int parts_operation_find(const char *name, Mec__Operation *ret_operation)
{
    char own[PARTS_NAME_SIZE];
    Mec__Operation operation;

    for (size_t i = 0; parts_operation_at(i, &operation); i++) {
        if (strcmp(parts_operation_name(operation, own), name) != 0)
            continue;
        *ret_operation = operation;
        return 0;
    }
    return -ENOENT;
}
