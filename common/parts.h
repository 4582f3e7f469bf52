/* parts: the parts of a region that can fail by themselves, once, by name: its services and its
 * caches; and which service an operation belongs to. Faults, health, status and the command line
 * all speak of them by these names. */

#ifndef MEC_PARTS_H
#define MEC_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "call.pb-c.h"
#include "common/routes.h"

/* Services by how critical they are: what is sensitive needs the first one. */
enum parts_service { PARTS_AUTH, PARTS_VAULT, PARTS_METADATA, PARTS_SERVICE_COUNT };

/* In the order in which a request meets them. */
enum parts_cache { PARTS_EDGE, PARTS_REGIONAL, PARTS_SERVICE, PARTS_CACHE_COUNT };

#define PARTS_NAME_SIZE 40 /* of a service, a cache or an operation, with its NUL */

const char *parts_service_name(enum parts_service service);
const char *parts_cache_name(enum parts_cache cache);

/* Errors: -ENOENT. */
int parts_service_find(const char *name, enum parts_service *ret_service);
int parts_cache_find(const char *name, enum parts_cache *ret_cache);

/* Whose an operation is; those for user names, which only regions ask each other, are auth's. */
enum parts_service parts_service_of(Mec__Operation operation);

/* Whose records @name are: a service of users has several kinds, so the vault has its items, its
 * keys and its grants. Errors: -ENOENT. */
int parts_records_find(const char *name, enum parts_service *ret_service);

/* Does an operation need the region's auth besides its own service? What is sensitive, and whatever
 * touches the vault, has its account checked. */
bool parts_needs_auth(enum parts_service service, enum route_class class);

/* "metadata-put". Returns @ret_name; "" for no operation. */
const char *parts_operation_name(Mec__Operation operation, char ret_name[PARTS_NAME_SIZE]);

/* The operations in their order; returns false behind the last one. */
bool parts_operation_at(size_t index, Mec__Operation *ret_operation);

/* Errors: -ENOENT. */
int parts_operation_find(const char *name, Mec__Operation *ret_operation);

#endif
