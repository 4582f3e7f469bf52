#include "routerd/http_fields.h"

#include <stdbool.h>

struct known_field {
    const char *name;
    size_t name_size;
};

static const struct known_field known_fields[HTTP_FIELD_COUNT] = {
#define X(name, text) [HTTP_FIELD_##name] = {text, sizeof(text) - 1},
    HTTP_FIELDS(X)
#undef X
};

/* By hand: strncasecmp() asks the locale about every byte. All names are letters and hyphens, and
 * no other byte that a field name may hold becomes one of those by bit 0x20 (RFC 9110, 5.6.2). */
static bool same_name(struct slice name, const struct known_field *known)
{
    if (name.size != known->name_size)
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if ((name.data[i] | 0x20) != known->name[i])
            return false;
    }
    return true;
}

enum http_field http_fields_find(struct slice name)
{
    for (int field = 0; field < HTTP_FIELD_COUNT; field++) {
        if (same_name(name, &known_fields[field]))
            return (enum http_field)field;
    }
    return HTTP_FIELD_COUNT;
}

void http_fields_fill(const struct slice values[HTTP_FIELD_COUNT], struct http_request *ret_request)
{
    ret_request->authorization = values[HTTP_FIELD_AUTHORIZATION];
    ret_request->content_type = values[HTTP_FIELD_CONTENT_TYPE];
    ret_request->cookie = values[HTTP_FIELD_COOKIE];
    ret_request->if_match = values[HTTP_FIELD_IF_MATCH];
    ret_request->if_none_match = values[HTTP_FIELD_IF_NONE_MATCH];
    ret_request->idempotency_key = values[HTTP_FIELD_IDEMPOTENCY_KEY];
    ret_request->traceparent = values[HTTP_FIELD_TRACEPARENT];
    ret_request->geo = values[HTTP_FIELD_GEO];
    ret_request->bookmark = values[HTTP_FIELD_BOOKMARK];
    ret_request->consistency = values[HTTP_FIELD_CONSISTENCY];
    ret_request->force_region = values[HTTP_FIELD_FORCE_REGION];
}
