#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"
#include "control/text.h"
#include "sim/model/quantity.h"
#include "sim/model/scale_faults.h"

#define FLAP_US_LEAST SECOND_US

/* One item of the list, under way. */
struct reading {
    const struct deployment *deployment;
    const struct yaml_tree *item;
    char **ret_error;
    struct scale_fault fault;
};

static const char *const keys[] = {"at",  "for",     "flap",       "region", "isolate",
                                   "cut", "service", "replicator", "disk",   NULL};

/* The keys that say what breaks, in the order of their kinds; a cut is of two kinds. */
static const struct {
    const char *key;
    enum scale_fault_kind kind;
    const char *says; /* of the region */
} kinds[] = {
    {"region", SCALE_FAULT_REGION, "killed"},
    {"isolate", SCALE_FAULT_ISOLATE, "isolated"},
    {"cut", SCALE_FAULT_CUT, "cut"},
    {"service", SCALE_FAULT_SERVICE, "down"},
    {"replicator", SCALE_FAULT_REPLICATOR, "'s replicator killed"},
    {"disk", SCALE_FAULT_DISK, "'s disk full"},
};

static int read_duration(const struct reading *reading, const char *key, bool needed,
                         uint64_t *ret_us)
{
    const struct yaml_tree *value = yaml_tree_find(reading->item, key);
    double us;

    if (!value && !needed)
        return 0;
    if (!value)
        return yaml_tree_error(reading->item, reading->ret_error, "it needs `%s: 10h`", key);
    if (value->kind != YAML_TREE_SCALAR || quantity_parse(QUANTITY_DURATION, value->text, &us) != 0)
        return yaml_tree_error(value, reading->ret_error, "%s%s%sis not %s",
                               value->text ? "\"" : "", value->text ? value->text : "",
                               value->text ? "\" " : "it ", quantity_example(QUANTITY_DURATION));
    if (us > 1e15)
        return yaml_tree_error(value, reading->ret_error, "\"%s\" is too large", value->text);
    *ret_us = (uint64_t)us;
    return 0;
}

static int read_times(struct reading *reading, uint64_t duration_us)
{
    struct scale_fault *fault = &reading->fault;
    uint64_t for_us = 0;

    if (read_duration(reading, "at", true, &fault->from_us) != 0 ||
        read_duration(reading, "for", true, &for_us) != 0 ||
        read_duration(reading, "flap", false, &fault->flap_us) != 0)
        return -EINVAL;
    if (fault->from_us >= duration_us)
        return yaml_tree_error(yaml_tree_find(reading->item, "at"), reading->ret_error,
                               "the simulation is over by then");
    if (for_us == 0)
        return yaml_tree_error(yaml_tree_find(reading->item, "for"), reading->ret_error,
                               "a fault of no duration changes nothing");
    if (yaml_tree_find(reading->item, "flap") && fault->flap_us < FLAP_US_LEAST)
        return yaml_tree_error(yaml_tree_find(reading->item, "flap"), reading->ret_error,
                               "a turn takes 1s at least");
    uint64_t until_us = fault->from_us + for_us;
    fault->until_us = until_us < duration_us ? until_us : duration_us;
    return 0;
}

/* ---- where ---- */

static int find_region(const struct reading *reading, const struct yaml_tree *value,
                       const char *name, uint32_t *ret_region)
{
    if (deployment_region(reading->deployment, name, ret_region) == 0)
        return 0;
    return yaml_tree_error(value, reading->ret_error, "there is no region \"%s\"", name);
}

static int read_region(struct reading *reading, const struct yaml_tree *value)
{
    if (value->kind != YAML_TREE_SCALAR)
        return yaml_tree_error(value, reading->ret_error, "a region's name is wanted");
    return find_region(reading, value, value->text, &reading->fault.region);
}

static int read_service(struct reading *reading, const struct yaml_tree *value)
{
    const char *slash = value->kind == YAML_TREE_SCALAR ? strchr(value->text, '/') : NULL;

    if (!slash)
        return yaml_tree_error(value, reading->ret_error, "REGION/SERVICE is wanted");
    char *region = memory_text_of((struct slice){value->text, (size_t)(slash - value->text)});
    int error = find_region(reading, value, region, &reading->fault.region);
    free(region);
    if (error == 0 && parts_service_find(slash + 1, &reading->fault.service) != 0)
        error = yaml_tree_error(value, reading->ret_error,
                                "there is no service \"%s\": auth, vault or metadata", slash + 1);
    return error;
}

static int find_geo(const struct reading *reading, const struct yaml_tree *value, const char *name,
                    uint32_t *ret_geo)
{
    const struct deployment *deployment = reading->deployment;
    struct geo_place place;

    /* Places are kept by their canonical names. */
    const char *wanted = geo_resolve(name, &place) == 0 ? place.name : name;
    for (uint32_t geo = 0; geo < deployment->geo_count; geo++) {
        if (strcmp(deployment->geos[geo].place.name, wanted) == 0) {
            *ret_geo = geo;
            return 0;
        }
    }
    return yaml_tree_error(value, reading->ret_error, "no users are at \"%s\"", name);
}

static int read_ends(struct reading *reading, const struct yaml_tree *a, const struct yaml_tree *b)
{
    static const char client[] = "client:";
    struct scale_fault *fault = &reading->fault;

    if (strncmp(a->text, client, sizeof client - 1) == 0) {
        fault->kind = SCALE_FAULT_CLIENT_CUT;
        if (find_geo(reading, a, a->text + sizeof client - 1, &fault->other) != 0)
            return -EINVAL;
    } else if (find_region(reading, a, a->text, &fault->other) != 0) {
        return -EINVAL;
    }
    if (find_region(reading, b, b->text, &fault->region) != 0)
        return -EINVAL;
    if (fault->kind == SCALE_FAULT_CUT && fault->region == fault->other)
        return yaml_tree_error(b, reading->ret_error, "both ends are the same region");
    return 0;
}

static int read_cut(struct reading *reading, const struct yaml_tree *value)
{
    if (value->kind != YAML_TREE_LIST || value->count != 2 ||
        value->children[0].kind != YAML_TREE_SCALAR || value->children[1].kind != YAML_TREE_SCALAR)
        return yaml_tree_error(value, reading->ret_error,
                               "two ends are wanted: [us-east, eu-west], or "
                               "[\"client:Paris\", eu-west]");
    const struct yaml_tree *a = &value->children[0];
    const struct yaml_tree *b = &value->children[1];
    bool turned = strncmp(b->text, "client:", 7) == 0;
    return read_ends(reading, turned ? b : a, turned ? a : b);
}

static int read_where(struct reading *reading, const struct yaml_tree *value)
{
    switch (reading->fault.kind) {
    case SCALE_FAULT_SERVICE:
        return read_service(reading, value);
    case SCALE_FAULT_CUT:
        return read_cut(reading, value);
    default:
        return read_region(reading, value);
    }
}

/* ---- in words ---- */

static char *describe(const struct reading *reading, const char *says)
{
    const struct deployment *deployment = reading->deployment;
    const struct scale_fault *fault = &reading->fault;
    const char *region = deployment->region[fault->region];
    const char *flaps = fault->flap_us > 0 ? ", flapping" : "";

    switch (fault->kind) {
    case SCALE_FAULT_CLIENT_CUT:
        return text_format("client:%s - %s cut%s", deployment->geos[fault->other].place.name,
                           region, flaps);
    case SCALE_FAULT_CUT:
        return text_format("%s - %s cut%s", deployment->region[fault->other], region, flaps);
    case SCALE_FAULT_SERVICE:
        return text_format("%s/%s down%s", region, parts_service_name(fault->service), flaps);
    default:
        return text_format("%s%s%s%s", region, *says == '\'' ? "" : " ", says, flaps);
    }
}

static int read_item(struct reading *reading, uint64_t duration_us)
{
    const struct yaml_tree *item = reading->item;
    size_t found = sizeof kinds / sizeof kinds[0];

    if (item->kind != YAML_TREE_MAP)
        return yaml_tree_error(item, reading->ret_error,
                               "a fault is wanted: {at: 10h, for: 2h, region: us-east}");
    if (yaml_tree_check_keys(item, keys, reading->ret_error) != 0 ||
        read_times(reading, duration_us) != 0)
        return -EINVAL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct yaml_tree *value = yaml_tree_find(item, kinds[i].key);
        if (!value)
            continue;
        if (found < sizeof kinds / sizeof kinds[0])
            return yaml_tree_error(value, reading->ret_error,
                                   "one fault breaks one thing, and there is \"%s\" already",
                                   kinds[found].key);
        found = i;
        reading->fault.kind = kinds[i].kind;
        if (read_where(reading, value) != 0)
            return -EINVAL;
    }
    if (found == sizeof kinds / sizeof kinds[0])
        return yaml_tree_error(item, reading->ret_error,
                               "what breaks? region, isolate, cut, service, replicator or disk");
    reading->fault.text = describe(reading, kinds[found].says);
    return 0;
}

int scale_faults_read(struct scale_faults *faults, const struct deployment *deployment,
                      const struct yaml_tree *tree, uint64_t duration_us, char **ret_error)
{
    *faults = (struct scale_faults){.deployment = deployment};
    if (tree->kind != YAML_TREE_LIST)
        return yaml_tree_error(tree, ret_error,
                               "a list is wanted: [{at: 10h, for: 2h, region: us-east}]");
    for (size_t i = 0; i < tree->count; i++) {
        struct reading reading = {
            .deployment = deployment, .item = &tree->children[i], .ret_error = ret_error};
        int error =
            faults->count == SCALE_FAULTS_MAX
                ? yaml_tree_error(reading.item, ret_error, "more than %d faults", SCALE_FAULTS_MAX)
                : read_item(&reading, duration_us);
        if (error != 0) {
            scale_faults_clear(faults);
            return error;
        }
        faults->items[faults->count++] = reading.fault;
    }
    return 0;
}
