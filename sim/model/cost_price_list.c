#include "sim/model/cost_price_list.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define NONE COST_PRICE_LIST_NONE
#define AWS  COST_PRICE_LIST_AWS
#define GCP  COST_PRICE_LIST_GCP
#define FLY  COST_PRICE_LIST_FLY

#define GIB_GB        1.073741824 /* GCP sells by the GiB */
#define MONTH_HOURS   730
#define RELATION      "order of magnitude, in relation to a core, as with large providers"
#define SKYPLANE_AWS  "skyplane aws_transfer_costs.csv @0513671c (transcribed by a third party)"
#define SKYPLANE_GCP  "skyplane gcp_pricing.py (transcribed by a third party)"
#define FLY_DOCS      "superfly/docs about/pricing.html.markerb @84fd3d00"
#define KARPENTER     "karpenter-provider-aws zz_generated.pricing_aws.go (from the AWS Pricing API)"
#define NORTH_AMERICA "us-east,us-west,ca-central"
#define EUROPE        "eu-west,eu-central"
#define ASIA          "ap-northeast,ap-southeast,ap-south"

/* clang-format off */
#define AWS_REGION(name, egress, between)                                                         \
    {AWS, COST_PRICE_EGRESS, name, "", egress, "2023-04-27", SKYPLANE_AWS, NULL},                 \
    {AWS, COST_PRICE_BETWEEN, name, "*", between, "2023-04-27", SKYPLANE_AWS, NULL}

#define FLY_AREA(names, egress, between)                                                          \
    {FLY, COST_PRICE_EGRESS, names, "", egress, "2026-08-05", FLY_DOCS, NULL},                    \
    {FLY, COST_PRICE_BETWEEN, names, "*", between, "2026-08-05", FLY_DOCS, NULL}

#define GCP_BETWEEN(from, to, price)                                                              \
    {GCP, COST_PRICE_BETWEEN, from, to, (price) / GIB_GB, "2024-01-09", SKYPLANE_GCP, NULL}

/* What fits first is taken. */
static const struct cost_price rows[] = {
    {NONE, COST_PRICE_CORE, "", "", 1, "", "the unit of cost", NULL},
    {NONE, COST_PRICE_STORAGE, "", "", 0.003, "", RELATION, NULL},
    {NONE, COST_PRICE_EGRESS, "", "", 0.003, "", RELATION, NULL},
    {NONE, COST_PRICE_BETWEEN, "", "", 0.002, "", RELATION, NULL},

    {AWS, COST_PRICE_CORE, "", "", 0.0816 / 2 * MONTH_HOURS, "2026-07-20", KARPENTER,
     "half an m7g.large (2 vCPU, 8 GiB) on demand in us-east, taken for every region"},
    {AWS, COST_PRICE_STORAGE, "", "", 0.09394, "undated", "aws.eu/ebs/pricing",
     "found for EBS gp3 in eusc-de-east-1 only, 0.09394 EUR: taken for every region, and as if "
     "it were USD"},
    AWS_REGION("us-east", 0.09, 0.02),
    AWS_REGION("us-west", 0.09, 0.02),
    AWS_REGION("ca-central", 0.09, 0.02),
    AWS_REGION("eu-west", 0.09, 0.02),
    AWS_REGION("eu-central", 0.09, 0.02),
    AWS_REGION("sa-east", 0.15, 0.138),
    AWS_REGION("me-central", 0.117, 0.1105),
    AWS_REGION("af-south", 0.154, 0.147),
    AWS_REGION("ap-south", 0.1093, 0.086),
    AWS_REGION("ap-southeast", 0.12, 0.09),
    AWS_REGION("ap-northeast", 0.114, 0.09),
    AWS_REGION("au-east", 0.114, 0.098),

    GCP_BETWEEN("au-east", "*", 0.15),
    GCP_BETWEEN("*", "au-east", 0.15),
    GCP_BETWEEN(NORTH_AMERICA, NORTH_AMERICA, 0.01),
    GCP_BETWEEN(EUROPE, EUROPE, 0.02),
    GCP_BETWEEN(ASIA, ASIA, 0.05),
    GCP_BETWEEN("*", "*", 0.08),

    {FLY, COST_PRICE_STORAGE, "", "", 0.15, "2026-08-05", FLY_DOCS, "of volumes, as provisioned"},
    FLY_AREA(NORTH_AMERICA "," EUROPE, 0.02, 0.006),
    FLY_AREA("ap-northeast,ap-southeast,au-east,sa-east", 0.04, 0.015),
    FLY_AREA("af-south,ap-south", 0.12, 0.05),
};

static const struct {
    enum cost_price_list list;
    enum cost_price_item item;
    const char *has;
} lacks[] = {
    {GCP, COST_PRICE_CORE, "nothing was found"},
    {GCP, COST_PRICE_STORAGE, "nothing was found"},
    {GCP, COST_PRICE_EGRESS, "nothing was found"},
    {FLY, COST_PRICE_CORE, "it has shared cores only, 6.79 USD a month with 1 GB, on which no "
                           "load can be planned"},
    {FLY, COST_PRICE_EGRESS, "it names North America, Europe, Asia-Pacific, Oceania, South America, "
                             "Africa and India"},
    {FLY, COST_PRICE_BETWEEN, "it names North America, Europe, Asia-Pacific, Oceania, South America, "
                              "Africa and India"},
    {AWS, COST_PRICE_EGRESS, "it has the built-in regions"},
    {AWS, COST_PRICE_BETWEEN, "it has the built-in regions"},
    {GCP, COST_PRICE_BETWEEN, "it has the built-in regions"},
};
/* clang-format on */

const char *const cost_price_list_names[] = {"none", "aws", "gcp", "fly", NULL};

const char *cost_price_list_item(enum cost_price_item item)
{
    static const char *const names[COST_PRICE_ITEM_COUNT] = {
        "core for a month", "GB kept for a month", "GB to clients", "GB to another region"};

    assert(item < COST_PRICE_ITEM_COUNT);
    return names[item];
}

static bool is_built_in(const struct geo_place *place)
{
    const struct geo_region *region = geo_region_find(place->name);

    return region && fabs(region->latitude - place->latitude) < 0.01 &&
           fabs(region->longitude - place->longitude) < 0.01;
}

static bool is_among(const char *names, const struct geo_place *place)
{
    if (!*names)
        return true;
    if (!is_built_in(place))
        return false;
    size_t size = strlen(place->name);
    if (strcmp(names, "*") == 0)
        return true;
    for (const char *at = names; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, place->name, size) == 0 && (at[size] == ',' || at[size] == '\0'))
            return true;
    }
    return false;
}

const struct cost_price *cost_price_list_find(enum cost_price_list list, enum cost_price_item item,
                                              const struct geo_place *from,
                                              const struct geo_place *to)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].list == list && rows[i].item == item && is_among(rows[i].from, from) &&
            is_among(rows[i].to, to))
            return &rows[i];
    return NULL;
}

const char *cost_price_list_lack(enum cost_price_list list, enum cost_price_item item)
{
    for (size_t i = 0; i < sizeof lacks / sizeof lacks[0]; i++)
        if (lacks[i].list == list && lacks[i].item == item)
            return lacks[i].has;
    return NULL;
}
