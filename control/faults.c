#include "control/faults.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/faults_parts.h"
#include "control/nearest.h"
#include "control/text.h"
#include "control/units.h"

#define CLIENT      "client:"
#define ANY_CLIENT  "client:*"
#define LATENCY_MAX (UINT64_C(3600) * 1000000)

static const char *const kind_names[FAULT_KINDS] = {[FAULT_CUT] = "cut",
                                                    [FAULT_ISOLATE] = "isolate",
                                                    [FAULT_LINK] = "link",
                                                    [FAULT_SERVICE] = "service",
                                                    [FAULT_CACHE] = "cache"};

void faults_free(struct faults *faults)
{
    free(faults->items);
    free(faults->flushes);
    *faults = (struct faults){0};
}

const char *faults_id(const struct fault *fault, char ret_id[FAULTS_ID_SIZE])
{
    snprintf(ret_id, FAULTS_ID_SIZE, "f%" PRIu64, fault->number);
    return ret_id;
}

static bool is_of_a_part(const struct fault *fault)
{
    return fault->kind == FAULT_SERVICE || fault->kind == FAULT_CACHE;
}

static bool is_client(const char *end)
{
    return strncmp(end, CLIENT, strlen(CLIENT)) == 0;
}

static char *unknown_region(const struct topology *topology, const char *name)
{
    const char *names[TOPOLOGY_REGIONS_MAX];

    for (size_t i = 0; i < topology->region_count; i++)
        names[i] = topology->regions[i].name;
    const char *near = nearest_find(name, names, topology->region_count);
    return text_format("there is no region \"%s\"%s%s%s", name, near ? "; did you mean \"" : "",
                       near ? near : "", near ? "\"?" : "");
}

static int check_end(const struct topology *topology, char *end, char **ret_error)
{
    struct geo_place place;

    if (strcmp(end, ANY_CLIENT) == 0 || topology_region(topology, end))
        return 0;
    if (!is_client(end)) {
        *ret_error = unknown_region(topology, end);
        return -EINVAL;
    }
    if (topology_place(topology, end, &place) != 0) {
        *ret_error =
            text_format("\"%s\" is no known city, region or \"lat,lon\"", end + strlen(CLIENT));
        return -EINVAL;
    }
    snprintf(end, TOPOLOGY_END_SIZE, CLIENT "%s", place.name);
    return 0;
}

static int check(const struct topology *topology, struct fault *fault, char **ret_error)
{
    int error = check_end(topology, fault->a, ret_error);

    if (error != 0)
        return error;
    if (is_of_a_part(fault))
        return faults_parts_check(fault, ret_error);
    if (fault->kind == FAULT_ISOLATE) {
        if (!is_client(fault->a))
            return 0;
        *ret_error = text_format("only a region can be isolated, not \"%s\"", fault->a);
        return -EINVAL;
    }
    error = check_end(topology, fault->b, ret_error);
    if (error != 0)
        return error;
    if (strcmp(fault->a, fault->b) == 0) {
        *ret_error = text_format("a link needs two different ends, not \"%s\" twice", fault->a);
        return -EINVAL;
    }
    if (is_client(fault->a) && is_client(fault->b)) {
        *ret_error = text_format("clients have links to regions, not to each other");
        return -EINVAL;
    }
    if (fault->has_latency && !fault->adds_latency &&
        (strcmp(fault->a, ANY_CLIENT) == 0 || strcmp(fault->b, ANY_CLIENT) == 0)) {
        *ret_error = text_format("clients are at different distances: write the latency that "
                                 "client:* gets on top, like +100ms");
        return -EINVAL;
    }
    if (fault->latency_us > LATENCY_MAX || fault->jitter_us > LATENCY_MAX) {
        *ret_error = text_format("latency and jitter can be an hour at most");
        return -EINVAL;
    }
    if (fault->loss_ppm > 900000) {
        *ret_error = text_format("loss can be 90%% at most; to lose everything, cut the link");
        return -EINVAL;
    }
    return 0;
}

static void append(struct faults *faults, const struct fault *fault)
{
    faults->items = memory_grow(faults->items, (faults->count + 1) * sizeof *faults->items);
    faults->items[faults->count++] = *fault;
}

int faults_add(struct faults *faults, const struct topology *topology, const struct fault *fault,
               struct fault *ret_added, char **ret_error)
{
    struct fault copy = *fault;
    int error = check(topology, &copy, ret_error);

    if (error != 0)
        return error;
    if (faults->count == FAULTS_MAX) {
        *ret_error = text_format("%d faults are in force already; heal some", FAULTS_MAX);
        return -ENOSPC;
    }
    copy.number = ++faults->last_number;
    append(faults, &copy);
    *ret_added = copy;
    return 0;
}

int faults_flush(struct faults *faults, const struct topology *topology, const struct fault *what,
                 char **ret_error)
{
    struct fault copy = *what;
    int error = check_end(topology, copy.a, ret_error);

    copy.disable = true; /* what it does to the cache is of no concern here */
    if (error == 0)
        error = faults_parts_check(&copy, ret_error);
    if (error == 0)
        faults_parts_flush(faults, &copy);
    return error;
}

static void take_away(struct faults *faults, size_t index, struct fault *ret_healed)
{
    *ret_healed = faults->items[index];
    faults->count--;
    memmove(&faults->items[index], &faults->items[index + 1],
            (faults->count - index) * sizeof *faults->items);
}

int faults_heal(struct faults *faults, const char *id, struct fault *ret_healed)
{
    char own[FAULTS_ID_SIZE];

    for (size_t i = 0; i < faults->count; i++) {
        if (strcmp(faults_id(&faults->items[i], own), id) != 0)
            continue;
        take_away(faults, i, ret_healed);
        return 0;
    }
    return -ENOENT;
}

bool faults_expire(struct faults *faults, uint64_t wall_us, struct fault *ret_healed)
{
    for (size_t i = 0; i < faults->count; i++) {
        uint64_t until = faults->items[i].until_wall_us;
        if (until == 0 || until > wall_us)
            continue;
        take_away(faults, i, ret_healed);
        return true;
    }
    return false;
}

uint64_t faults_next_end_wall_us(const struct faults *faults)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < faults->count; i++)
        if (faults->items[i].until_wall_us != 0 && faults->items[i].until_wall_us < next)
            next = faults->items[i].until_wall_us;
    return next;
}

static bool end_matches(const char *pattern, const char *end)
{
    return strcmp(pattern, end) == 0 || (strcmp(pattern, ANY_CLIENT) == 0 && is_client(end));
}

static bool hits(const struct fault *fault, const Mec__LinkConfig *link)
{
    if (is_of_a_part(fault))
        return false;
    if (fault->kind == FAULT_ISOLATE)
        return strcmp(fault->a, link->from) == 0 || strcmp(fault->a, link->to) == 0;
    return (end_matches(fault->a, link->from) && end_matches(fault->b, link->to)) ||
           (!fault->one_way && end_matches(fault->b, link->from) &&
            end_matches(fault->a, link->to));
}

static void fold_cut(const struct fault *fault, Mec__LinkConfig *link)
{
    /* Of a cut that hangs and one that breaks connections, the latter is what is seen. */
    if (fault->reset)
        link->cut = MEC__CUT_KIND__CUT_RESET;
    else if (link->cut == MEC__CUT_KIND__CUT_NONE)
        link->cut = MEC__CUT_KIND__CUT_HOLD;
}

static void fold_link(const struct fault *fault, Mec__LinkConfig *link)
{
    if (fault->has_latency)
        link->latency_us = fault->latency_us + (fault->adds_latency ? link->latency_us : 0);
    if (fault->has_jitter)
        link->jitter_us = fault->jitter_us;
    if (fault->has_loss)
        link->loss_ppm = fault->loss_ppm;
    if (fault->has_rate)
        link->rate_bytes_per_s = fault->rate_bytes_per_s;
}

void faults_fold(const struct faults *faults, Mec__LinkConfig *link)
{
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->items[i];
        if (!hits(fault, link))
            continue;
        if (fault->kind == FAULT_LINK)
            fold_link(fault, link);
        else
            fold_cut(fault, link);
    }
    if (link->latency_us > LATENCY_MAX)
        link->latency_us = LATENCY_MAX;
}

char *faults_describe(const struct fault *fault)
{
    const char *way = fault->one_way ? "->" : "<->";
    char number[UNITS_TEXT_SIZE];
    struct text text = {0};

    if (is_of_a_part(fault))
        return faults_parts_describe(fault);
    if (fault->kind == FAULT_ISOLATE)
        return text_format("%s isolated%s", fault->a, fault->reset ? ", connections reset" : "");
    text_add(&text, "%s %s %s", fault->a, way, fault->b);
    if (fault->kind == FAULT_CUT)
        text_add(&text, " cut%s", fault->reset ? ", connections reset" : "");
    if (fault->has_latency)
        text_add(&text, " latency %s%s", fault->adds_latency ? "+" : "",
                 units_format_duration(fault->latency_us, number));
    if (fault->has_jitter)
        text_add(&text, " jitter %s", units_format_duration(fault->jitter_us, number));
    if (fault->has_loss)
        text_add(&text, " loss %s", units_format_share(fault->loss_ppm, number));
    if (fault->has_rate)
        text_add(&text, " rate %s",
                 fault->rate_bytes_per_s == 0 ? "unlimited"
                                              : units_format_rate(fault->rate_bytes_per_s, number));
    return text_take(&text);
}

static void set_number(json_t *json, const char *key, bool has, uint64_t number)
{
    if (has)
        json_object_set_new(json, key, json_integer((json_int_t)number));
}

json_t *faults_to_json(const struct fault *fault)
{
    char id[FAULTS_ID_SIZE];
    char *what = faults_describe(fault);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:I, s:s}", "id", faults_id(fault, id),
                             "kind", kind_names[fault->kind], "a", fault->a, "b", fault->b,
                             "one_way", fault->one_way, "reset", fault->reset, "made_wall_us",
                             (json_int_t)fault->made_wall_us, "what", what);

    free(what);
    set_number(json, fault->adds_latency ? "add_latency_us" : "latency_us", fault->has_latency,
               fault->latency_us);
    set_number(json, "jitter_us", fault->has_jitter, fault->jitter_us);
    set_number(json, "loss_ppm", fault->has_loss, fault->loss_ppm);
    set_number(json, "rate_bytes_per_s", fault->has_rate, fault->rate_bytes_per_s);
    set_number(json, "until_wall_us", fault->until_wall_us != 0, fault->until_wall_us);
    if (is_of_a_part(fault))
        faults_parts_to_json(fault, json);
    return json;
}

static bool get_number(const json_t *json, const char *key, uint64_t *ret_number)
{
    const json_t *value = json_object_get(json, key);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret_number = (uint64_t)json_integer_value(value);
    return true;
}

static void read_numbers(const json_t *json, struct fault *fault)
{
    uint64_t loss = 0;

    fault->adds_latency = get_number(json, "add_latency_us", &fault->latency_us);
    fault->has_latency = fault->adds_latency || get_number(json, "latency_us", &fault->latency_us);
    fault->has_jitter = get_number(json, "jitter_us", &fault->jitter_us);
    fault->has_loss = get_number(json, "loss_ppm", &loss) && loss <= 900000;
    fault->loss_ppm = fault->has_loss ? (uint32_t)loss : 0;
    fault->has_rate = get_number(json, "rate_bytes_per_s", &fault->rate_bytes_per_s);
    get_number(json, "made_wall_us", &fault->made_wall_us);
    get_number(json, "until_wall_us", &fault->until_wall_us);
}

int faults_from_json(const json_t *json, struct fault *ret_fault)
{
    struct fault fault = {0};
    const char *id;
    const char *kind;
    const char *a;
    const char *b;
    int one_way;
    int reset;
    size_t index = 0;

    if (json_unpack((json_t *)json, "{s:s, s:s, s:s, s:s, s:b, s:b}", "id", &id, "kind", &kind, "a",
                    &a, "b", &b, "one_way", &one_way, "reset", &reset) != 0)
        return -EBADMSG;
    for (; index < FAULT_KINDS && strcmp(kind_names[index], kind) != 0; index++)
        ;
    if (index == FAULT_KINDS || sscanf(id, "f%" SCNu64, &fault.number) != 1 ||
        strlen(a) >= sizeof fault.a || strlen(b) >= sizeof fault.b)
        return -EBADMSG;
    fault.kind = (enum fault_kind)index;
    fault.one_way = one_way != 0;
    fault.reset = reset != 0;
    snprintf(fault.a, sizeof fault.a, "%s", a);
    snprintf(fault.b, sizeof fault.b, "%s", b);
    read_numbers(json, &fault);
    if (is_of_a_part(&fault) && faults_parts_from_json(json, &fault) != 0)
        return -EBADMSG;
    *ret_fault = fault;
    return 0;
}
