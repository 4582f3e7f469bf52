#include "sim/template.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "regiond/storage.h"
#include "sim/region_host.h"

#define TEMPLATES_MAX 64 /* more than there are built-in regions */

static struct template
{
    char shard[40];
    struct vfs *disk;
}
templates[TEMPLATES_MAX];

static struct vfs *make(const char *shard, size_t number)
{
    struct storage *storage;
    const char *failed;
    char name[32];
    struct vfs *disk;
    int error;

    snprintf(name, sizeof name, "template-%zu", number);
    disk = vfs_create(name, number);
    error = storage_open(REGION_HOST_DIRECTORY, "", &shard, 1, name, &storage, &failed);
    assert(error == 0);
    storage_free(storage);
    return disk;
}

void template_copy(struct vfs *disk, const char *shard)
{
    size_t i = 0;

    while (i < TEMPLATES_MAX && templates[i].disk && strcmp(templates[i].shard, shard) != 0)
        i++;
    assert(i < TEMPLATES_MAX);
    if (!templates[i].disk) {
        snprintf(templates[i].shard, sizeof templates[i].shard, "%s", shard);
        templates[i].disk = make(shard, i);
    }
    vfs_copy(disk, templates[i].disk);
}
