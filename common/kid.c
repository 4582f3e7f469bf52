#include "common/kid.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void kid_format(const char *region, uint32_t number, char ret_kid[KID_SIZE])
{
    int size = snprintf(ret_kid, KID_SIZE, "%s.%" PRIu32, region, number);

    assert(number > 0);
    assert(size < KID_SIZE);
}

int kid_number(const char *kid, const char *region, uint32_t *ret_number)
{
    size_t prefix_size = strlen(region);
    uint64_t number = 0;

    if (strncmp(kid, region, prefix_size) != 0 || kid[prefix_size] != '.' ||
        kid[prefix_size + 1] == '0' || kid[prefix_size + 1] == '\0')
        return -EINVAL;
    for (const char *at = kid + prefix_size + 1; *at; at++) {
        if (*at < '0' || *at > '9')
            return -EINVAL;
        number = number * 10 + (uint64_t)(*at - '0');
        if (number > UINT32_MAX)
            return -EINVAL;
    }
    *ret_number = (uint32_t)number;
    return 0;
}

void kid_file(uint32_t number, char ret_name[KID_SIZE])
{
    if (number == 1)
        snprintf(ret_name, KID_SIZE, "signing.key");
    else
        snprintf(ret_name, KID_SIZE, "signing.%" PRIu32 ".key", number);
}

uint32_t kid_file_number(const char *name)
{
    char own[KID_SIZE];
    uint32_t number = 1;

    if (strcmp(name, "signing.key") != 0 && sscanf(name, "signing.%" SCNu32 ".key", &number) != 1)
        return 0;
    if (number == 0)
        return 0;
    kid_file(number, own);
    return strcmp(name, own) == 0 ? number : 0;
}
