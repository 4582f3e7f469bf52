/* The YAML side of topology: a libcyaml schema in which every value is text, so that quantities
 * keep their units and every error can name its key, then the checks. */

#include "control/topology.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "common/memory.h"
#include "control/nearest.h"
#include "control/settings.h"
#include "control/text.h"
#include "control/units.h"
#include "control/yaml_lines.h"

#define SLOW_MOTION_MAX 10000.0

struct raw_region {
    char *name;
    char *place;
};

struct raw_link {
    char *between[2];
    char *rtt;
    char *jitter;
    char *distribution;
    char *loss;
    char *rate;
};

struct raw_settings {
#define X(key, ...) char *key;
    SETTINGS(X)
#undef X
};

/* One list for each service of common/parts.h. */
struct raw_residency {
    char **auth;
    uint32_t auth_count;
    char **vault;
    uint32_t vault_count;
    char **metadata;
    uint32_t metadata_count;
};

struct raw {
    struct raw_region *regions;
    uint32_t regions_count;
    struct raw_link *links;
    uint32_t links_count;
    char **clients;
    uint32_t clients_count;
    struct raw_settings *settings;
    struct raw_residency *residency;
    char *default_geo;
    char *port;
    char *seed;
    char *slow_motion;
    char *wan;
};

#define TEXT(key, structure, member)                                                               \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member, 0,    \
                           CYAML_UNLIMITED)

static const cyaml_schema_value_t text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t region_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct raw_region, name, 0, CYAML_UNLIMITED),
    TEXT("place", struct raw_region, place), CYAML_FIELD_END};
static const cyaml_schema_value_t region_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_region, region_fields)};

static const cyaml_schema_field_t link_fields[] = {
    CYAML_FIELD_SEQUENCE_FIXED("between", CYAML_FLAG_DEFAULT, struct raw_link, between,
                               &text_schema, 2),
    TEXT("rtt", struct raw_link, rtt),
    TEXT("jitter", struct raw_link, jitter),
    TEXT("distribution", struct raw_link, distribution),
    TEXT("loss", struct raw_link, loss),
    TEXT("rate", struct raw_link, rate),
    CYAML_FIELD_END};
static const cyaml_schema_value_t link_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_link, link_fields)};

static const cyaml_schema_field_t settings_fields[] = {
#define X(key, ...) TEXT(#key, struct raw_settings, key),
    SETTINGS(X)
#undef X
        CYAML_FIELD_END};

#define REGIONS(key, member)                                                                       \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw_residency,      \
                         member, &text_schema, 1, TOPOLOGY_REGIONS_MAX)

static const cyaml_schema_field_t residency_fields[] = {
    REGIONS("auth", auth), REGIONS("vault", vault), REGIONS("metadata", metadata), CYAML_FIELD_END};

static const cyaml_schema_field_t top_fields[] = {
    CYAML_FIELD_SEQUENCE("regions", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, regions,
                         &region_schema, 1, TOPOLOGY_REGIONS_MAX),
    CYAML_FIELD_SEQUENCE("links", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, links,
                         &link_schema, 0, TOPOLOGY_LINKS_MAX),
    CYAML_FIELD_SEQUENCE("clients", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw, clients,
                         &text_schema, 0, TOPOLOGY_GEOS_MAX),
    CYAML_FIELD_MAPPING_PTR("settings", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw,
                            settings, settings_fields),
    CYAML_FIELD_MAPPING_PTR("residency", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct raw,
                            residency, residency_fields),
    TEXT("default_geo", struct raw, default_geo),
    TEXT("port", struct raw, port),
    TEXT("seed", struct raw, seed),
    TEXT("slow_motion", struct raw, slow_motion),
    TEXT("wan", struct raw, wan),
    CYAML_FIELD_END};
static const cyaml_schema_value_t top_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw, top_fields)};

/* One parse under way. */
struct reading {
    const char *file;
    const char *regions; /* the command line's choice; may be NULL */
    struct yaml_lines *lines;
    const struct raw *raw;
    struct topology *topology;
    char *library_error; /* libcyaml's first complaint */
    char *library_path;  /* where, from its backtrace */
    char *error;
};

/* Takes over @why. */
static int fail_at(struct reading *reading, size_t line, const char *path, char *why)
{
    free(reading->error);
    reading->error =
        text_format("%s:%zu: %s%s%s", reading->file, line, path ? path : "", path ? ": " : "", why);
    free(why);
    return -EINVAL;
}

static int fail(struct reading *reading, const char *path, char *why)
{
    return fail_at(reading, yaml_lines_at(reading->lines, path), path, why);
}

/* The backtrace names what is around the trouble, from the inside to the outside: "in mapping field
 * 'between'", "in sequence entry '1'", "in mapping field 'links'". That is links[0].between. */
static void take_backtrace(struct reading *reading, const char *line)
{
    const char *field = strstr(line, "in mapping field '");
    const char *entry = strstr(line, "in sequence entry '");
    char *path = reading->library_path;
    const char *glue = path && *path != '[' ? "." : "";

    if (field) {
        field += strlen("in mapping field '");
        reading->library_path =
            text_format("%.*s%s%s", (int)strcspn(field, "'"), field, glue, path ? path : "");
    } else if (entry) {
        long number = strtol(entry + strlen("in sequence entry '"), NULL, 10);
        reading->library_path = text_format("[%ld]%s%s", number - 1, glue, path ? path : "");
    } else {
        return;
    }
    free(path);
}

static void listen_to_library(cyaml_log_t level, void *context, const char *format,
                              va_list arguments)
{
    struct reading *reading = context;
    char *line = text_format_list(format, arguments);

    (void)level;
    line[strcspn(line, "\n")] = '\0';
    if (reading->library_error)
        take_backtrace(reading, line);
    else
        reading->library_error = memory_text(line);
    free(line);
}

static size_t known_keys(const cyaml_schema_field_t *fields, const char **names, size_t count)
{
    for (; fields->key; fields++)
        names[count++] = fields->key;
    return count;
}

static int fail_unknown_key(struct reading *reading, const char *key)
{
    const char *names[96];
    size_t count = known_keys(top_fields, names, 0);

    count = known_keys(region_fields, names, count);
    count = known_keys(link_fields, names, count);
    count = known_keys(settings_fields, names, count);
    count = known_keys(residency_fields, names, count);
    assert(count <= sizeof names / sizeof names[0]);
    const char *near = nearest_find(key, names, count);
    char *path = text_format("%s%s%s", reading->library_path ? reading->library_path : "",
                             reading->library_path ? "." : "", key);
    int error = fail(reading, path,
                     text_format("unknown key%s%s%s", near ? "; did you mean \"" : "",
                                 near ? near : "", near ? "\"?" : ""));
    free(path);
    return error;
}

/* Put libcyaml's complaint into words of ours; it knows the schema, we know the lines. */
static int explain(struct reading *reading, cyaml_err_t error)
{
    static const char unknown[] = "Load: Unexpected key: ";
    const char *said = reading->library_error ? reading->library_error : cyaml_strerror(error);
    const char *path = reading->library_path;

    if (strncmp(said, unknown, sizeof unknown - 1) == 0)
        return fail_unknown_key(reading, said + sizeof unknown - 1);
    if (strncmp(said, "Load: ", 6) == 0)
        said += 6;
    if (strstr(said, "Expecting SEQUENCE"))
        said = "a list (\"- ...\") is needed here";
    else if (strstr(said, "Expecting MAPPING"))
        said = "\"key: value\" is needed here";
    else if (strstr(said, "Expecting STRING"))
        said = "a single value is needed here";
    else if (path && strstr(path, ".between"))
        said = "exactly two ends are needed: [A, B]";
    else if (error == CYAML_ERR_SEQUENCE_ENTRIES_MIN)
        said = "at least one entry is needed";
    return fail_at(reading, path ? yaml_lines_at(reading->lines, path) : 1, path,
                   memory_text(said));
}

static bool is_wanted(const char *names, const char *name)
{
    size_t size = strlen(name);

    for (const char *at = names; size > 0 && (at = strstr(at, name)); at += size)
        if ((at == names || at[-1] == ',') && (at[size] == ',' || at[size] == '\0'))
            return true;
    return false;
}

/* The file's own regions, or those of them that the command line names. */
static int read_own_regions(struct reading *reading)
{
    const struct raw *raw = reading->raw;
    uint64_t count = raw->regions_count;
    bool by_name = reading->regions && units_parse_count(reading->regions, &count) != 0;
    char path[64];
    char *why;

    if (count == 0 || count > raw->regions_count)
        return fail(
            reading, "regions",
            text_format("the file has %u regions, not %s", raw->regions_count, reading->regions));
    for (uint32_t i = 0; i < count; i++) {
        if (by_name && !is_wanted(reading->regions, raw->regions[i].name))
            continue;
        snprintf(path, sizeof path, "regions[%u]", i);
        if (topology_add_region(reading->topology, raw->regions[i].name, raw->regions[i].place,
                                &why) != 0)
            return fail(reading, path, why);
    }
    if (reading->topology->region_count == 0)
        return fail(reading, "regions",
                    text_format("none of \"%s\" is a region of the file", reading->regions));
    return 0;
}

static int read_regions(struct reading *reading)
{
    char *why;

    if (reading->raw->regions)
        return read_own_regions(reading);
    if (topology_add_built_in(reading->topology, reading->regions, &why) != 0)
        return fail(reading, "regions", why);
    return 0;
}

static int read_clients(struct reading *reading)
{
    char path[64];
    char *why;

    for (uint32_t i = 0; i < reading->raw->clients_count; i++) {
        snprintf(path, sizeof path, "clients[%u]", i);
        if (topology_add_geo(reading->topology, reading->raw->clients[i], &why) != 0)
            return fail(reading, path, why);
    }
    return 0;
}

static int parse_duration(struct reading *reading, const char *path, const char *text,
                          uint64_t *ret_us)
{
    uint64_t us = 0;
    int error = text ? units_parse_duration(text, &us) : 0;

    if (error != 0)
        return fail(reading, path,
                    text_format("\"%s\" is no duration; write it like 80ms or 1.5s", text));
    if (us > UINT64_C(3600) * 1000000)
        return fail(reading, path, text_format("\"%s\" is more than an hour", text));
    *ret_us = us;
    return 0;
}

static int parse_distribution(struct reading *reading, const char *path, const char *text,
                              Mec__JitterKind *ret_kind)
{
    static const struct {
        const char *name;
        Mec__JitterKind kind;
    } kinds[] = {{"uniform", MEC__JITTER_KIND__JITTER_UNIFORM},
                 {"normal", MEC__JITTER_KIND__JITTER_NORMAL},
                 {"pareto", MEC__JITTER_KIND__JITTER_PARETO}};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (text && strcmp(text, kinds[i].name) != 0)
            continue;
        *ret_kind = kinds[i].kind;
        return 0;
    }
    return fail(reading, path,
                text_format("\"%s\" is no distribution: uniform, normal or pareto", text));
}

static int read_link(struct reading *reading, const struct raw_link *raw, const char *path)
{
    struct topology_link link = {.has_rtt = raw->rtt != NULL};
    char key[96];
    char *why;

    for (size_t i = 0; i < 2; i++)
        snprintf(link.ends[i], sizeof link.ends[i], "%s", raw->between[i]);
    snprintf(key, sizeof key, "%s.rtt", path);
    if (parse_duration(reading, key, raw->rtt, &link.rtt_us) != 0)
        return -EINVAL;
    snprintf(key, sizeof key, "%s.jitter", path);
    if (parse_duration(reading, key, raw->jitter, &link.jitter_us) != 0)
        return -EINVAL;
    snprintf(key, sizeof key, "%s.distribution", path);
    if (parse_distribution(reading, key, raw->distribution, &link.jitter_kind) != 0)
        return -EINVAL;
    snprintf(key, sizeof key, "%s.loss", path);
    if (raw->loss && (units_parse_share(raw->loss, &link.loss_ppm) != 0 || link.loss_ppm > 900000))
        return fail(
            reading, key,
            text_format("\"%s\" is no share from 0%% to 90%%; write it like 0.1%%", raw->loss));
    snprintf(key, sizeof key, "%s.rate", path);
    if (raw->rate && units_parse_rate(raw->rate, &link.rate_bytes_per_s) != 0)
        return fail(reading, key,
                    text_format("\"%s\" is no rate; write it like 100mbit", raw->rate));
    snprintf(key, sizeof key, "%s.between", path);
    if (topology_add_link(reading->topology, &link, &why) != 0)
        return fail(reading, key, why);
    return 0;
}

static int read_links(struct reading *reading)
{
    char path[64];
    int error = 0;

    for (uint32_t i = 0; error == 0 && i < reading->raw->links_count; i++) {
        snprintf(path, sizeof path, "links[%u]", i);
        error = read_link(reading, &reading->raw->links[i], path);
    }
    return error;
}

static int read_setting(struct reading *reading, const char *key, const char *text)
{
    const struct setting *setting = settings_find(key);
    char path[96];
    char form[128];

    if (!text || settings_set(&reading->topology->settings, setting, text) == 0)
        return 0;
    snprintf(path, sizeof path, "settings.%s", key);
    settings_describe(setting, form, sizeof form);
    return fail(reading, path, text_format("\"%s\" will not do: it takes %s", text, form));
}

static int read_settings(struct reading *reading)
{
    const struct raw_settings *raw = reading->raw->settings;

    if (!raw)
        return 0;
#define X(key, ...)                                                                                \
    if (read_setting(reading, #key, raw->key) != 0)                                                \
        return -EINVAL;
    SETTINGS(X)
#undef X
    return 0;
}

static int read_default_geo(struct reading *reading)
{
    struct topology *topology = reading->topology;
    const char *name = reading->raw->default_geo;

    for (size_t i = 0; name && i < topology->region_count; i++) {
        if (strcmp(topology->regions[i].name, name) != 0)
            continue;
        topology->settings.default_geo_index = i;
        return 0;
    }
    return name ? fail(reading, "default_geo",
                       text_format("\"%s\" is no region of this world", name))
                : 0;
}

static int read_residency(struct reading *reading)
{
    const struct raw_residency *raw = reading->raw->residency;
    char path[64];
    char *why;

    if (!raw)
        return 0;
    const struct {
        char **regions;
        uint32_t count;
    } sets[PARTS_SERVICE_COUNT] = {[PARTS_AUTH] = {raw->auth, raw->auth_count},
                                   [PARTS_VAULT] = {raw->vault, raw->vault_count},
                                   [PARTS_METADATA] = {raw->metadata, raw->metadata_count}};

    for (unsigned service = 0; service < PARTS_SERVICE_COUNT; service++) {
        snprintf(path, sizeof path, "residency.%s",
                 parts_service_name((enum parts_service)service));
        if (sets[service].regions &&
            topology_pin(reading->topology, (enum parts_service)service, sets[service].regions,
                         sets[service].count, &why) != 0)
            return fail(reading, path, why);
    }
    return 0;
}

static int read_rest(struct reading *reading)
{
    const struct raw *raw = reading->raw;
    struct topology *topology = reading->topology;
    uint64_t number;
    bool wan = true;

    if (raw->port) {
        if (units_parse_count(raw->port, &number) != 0 || number > 65535)
            return fail(reading, "port", text_format("\"%s\" is no port: 0 to 65535", raw->port));
        topology->has_port = true;
        topology->port = (uint16_t)number;
    }
    if (raw->seed) {
        if (units_parse_count(raw->seed, &topology->seed) != 0)
            return fail(reading, "seed", text_format("\"%s\" is no whole number", raw->seed));
        topology->has_seed = true;
    }
    if (raw->slow_motion) {
        if (units_parse_factor(raw->slow_motion, &number) != 0 || number < 1000 ||
            (double)number > SLOW_MOTION_MAX * 1e6)
            return fail(reading, "slow_motion",
                        text_format("\"%s\" is no factor from 0.001 to 10000", raw->slow_motion));
        topology->slow_motion = (double)number / 1e6;
    }
    if (raw->wan && units_parse_switch(raw->wan, &wan) != 0)
        return fail(reading, "wan", text_format("\"%s\" is not true or false", raw->wan));
    topology->settings.no_wan = !wan;
    return 0;
}

static int read_everything(struct reading *reading)
{
    static int (*const parts[])(struct reading *) = {
        read_regions,     read_clients,   read_links, read_settings,
        read_default_geo, read_residency, read_rest};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i](reading) != 0)
            return -EINVAL;
    return 0;
}

static int load(struct reading *reading, const char *text, size_t size)
{
    struct raw *raw = NULL;
    const cyaml_config_t config = {.log_fn = listen_to_library,
                                   .log_ctx = reading,
                                   .log_level = CYAML_LOG_ERROR,
                                   .mem_fn = cyaml_mem,
                                   .flags = CYAML_CFG_NO_ALIAS};

    cyaml_err_t error = cyaml_load_data((const uint8_t *)text, size, &config, &top_schema,
                                        (cyaml_data_t **)&raw, NULL);
    if (error != CYAML_OK)
        return explain(reading, error);
    assert(raw);
    reading->raw = raw;
    int result = read_everything(reading);
    cyaml_free(&config, &top_schema, raw, 0);
    return result;
}

int topology_parse(const char *file, const char *text, size_t size, const char *regions,
                   struct topology **ret_topology, char **ret_error)
{
    struct reading reading = {.file = file, .regions = regions, .topology = topology_create()};
    size_t line = 1;
    int error = -EINVAL;

    if (size > TOPOLOGY_FILE_SIZE_MAX) {
        reading.error = text_format("%s: the file is larger than 1 MiB", file);
    } else if (memchr(text, '\0', size)) {
        reading.error = text_format("%s: the file is not text", file);
    } else if (yaml_lines_read(text, size, &reading.lines, &reading.error, &line) != 0) {
        char *why = reading.error;
        reading.error = NULL;
        fail_at(&reading, line, NULL, why);
    } else {
        error = load(&reading, text, size);
    }
    yaml_lines_free(reading.lines);
    free(reading.library_error);
    free(reading.library_path);
    if (error != 0) {
        topology_free(reading.topology);
        *ret_error = reading.error;
        return error;
    }
    *ret_topology = reading.topology;
    return 0;
}
