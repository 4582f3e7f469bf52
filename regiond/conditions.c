#include "regiond/conditions.h"

#include <errno.h>
#include <string.h>

/* Parse `"N"` at *@at and step behind it. Returns false when there is something else. */
static bool parse_tag(const char **at, uint64_t *ret_version)
{
    const char *digit = *at;
    uint64_t version = 0;

    if (*digit++ != '"')
        return false;
    if (*digit < '1' || *digit > '9') /* a version is never 0, and never has a leading 0 */
        return false;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        if (version > (UINT64_MAX - 9) / 10)
            return false;
        version = version * 10 + (uint64_t)(*digit - '0');
    }
    if (*digit++ != '"')
        return false;
    *at = digit;
    *ret_version = version;
    return true;
}

int conditions_of_write(const char *if_match, const char *if_none_match,
                        enum store_condition *ret_condition, uint64_t *ret_version)
{
    uint64_t version = 0;

    if (*if_match && *if_none_match)
        return -EINVAL;
    if (*if_none_match) {
        if (strcmp(if_none_match, "*") != 0)
            return -EINVAL;
        *ret_condition = STORE_IF_ABSENT;
    } else if (!*if_match) {
        *ret_condition = STORE_ANY;
    } else if (strcmp(if_match, "*") == 0) {
        *ret_condition = STORE_IF_EXISTS;
    } else {
        if (!parse_tag(&if_match, &version) || *if_match)
            return -EINVAL;
        *ret_condition = STORE_IF_VERSION;
    }
    *ret_version = version;
    return 0;
}

/* Step behind a quoted tag of any content. */
static bool skip_tag(const char **at)
{
    const char *end;

    if (**at != '"')
        return false;
    end = strchr(*at + 1, '"');
    if (!end)
        return false;
    *at = end + 1;
    return true;
}

bool conditions_name(const char *if_none_match, uint64_t version)
{
    const char *at = if_none_match;

    if (strcmp(at, "*") == 0)
        return true;
    while (*at) {
        uint64_t named;

        at += strspn(at, " \t,");
        if (strncmp(at, "W/", 2) == 0)
            at += 2;
        if (parse_tag(&at, &named)) {
            if (named == version)
                return true;
        } else if (!skip_tag(&at)) {
            return false;
        }
    }
    return false;
}
