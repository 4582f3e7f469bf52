/* Signing keys: what people ask of them, what regions tell, and what lets a rotation go on. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/kid.h"
#include "common/memory.h"
#include "control/controller_internal.h"
#include "control/nearest.h"
#include "control/text.h"
#include "control/units.h"

#define ROTATE_PATIENCE_US (10 * SECOND_US)

static const char *region_name(const struct controller *controller, size_t region)
{
    return controller->world->topology->regions[region].name;
}

static const struct process *signer_of(const struct controller *controller, size_t region)
{
    char *name = text_format("regiond/%s", region_name(controller, region));
    size_t index = controller_process(controller, name);

    free(name);
    return &controller->world->supervisor.processes[index];
}

/* By which Config does it run, or will it before it serves? */
static uint64_t version_of(const struct process *process)
{
    return supervisor_is_alive(process) ? process->config_version : UINT64_MAX;
}

static struct key_ring_facts facts_of(const struct controller *controller, size_t region)
{
    const struct world *world = controller->world;
    struct key_ring_facts facts = {.now_wall_us = controller->now.wall_us,
                                   .least_version = UINT64_MAX,
                                   .signer_version = version_of(signer_of(controller, region)),
                                   .token_lifetime_us =
                                       world->topology->settings.token_lifetime_s * SECOND_US};

    for (size_t i = 0; i < world->supervisor.count; i++) {
        uint64_t version = version_of(&world->supervisor.processes[i]);
        if (version < facts.least_version)
            facts.least_version = version;
    }
    return facts;
}

/* ---- telling ---- */

/* To the log, to those who watch, and to those who wait for this. Takes over @text. */
static void tell(struct controller *controller, size_t region, char *text)
{
    for (const struct wait *wait = controller->waits; wait; wait = wait->next) {
        if (wait->kind != WAIT_KEYS || wait->keys[region] == 0)
            continue;
        struct controller_action *action = controller_act(controller, CONTROLLER_REPLY);
        action->ask = wait->ask;
        action->text = memory_text(text);
    }
    controller_notice(controller, text);
}

static const struct key_ring_key *find_key(const struct key_ring *ring, uint32_t number)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i].number == number)
            return &ring->keys[i];
    return NULL;
}

/* What has become of each key since the ring looked like @before. */
static void tell_changes(struct controller *controller, size_t region,
                         const struct key_ring *before)
{
    const struct key_ring *ring = &controller->world->rings[region];
    const char *name = region_name(controller, region);

    for (size_t i = 0; i < ring->count; i++) {
        const struct key_ring_key *key = &ring->keys[i];
        const struct key_ring_key *old = find_key(before, key->number);
        if (!old || old->state != key->state)
            tell(controller, region,
                 text_format("signing key %s.%u: %s", name, key->number,
                             key_ring_state_name(key->state)));
    }
    for (size_t i = 0; i < before->count; i++)
        if (!find_key(ring, before->keys[i].number))
            tell(controller, region,
                 text_format("signing key %s.%u: retired", name, before->keys[i].number));
}

/* ---- going on ---- */

static void note(struct controller *controller, enum key_ring_change change)
{
    if (change == KEY_RING_MOVED)
        controller->keys_moved = true;
    if (change == KEY_RING_NOTED)
        controller_act(controller, CONTROLLER_SAVE);
}

static void advance_ring(struct controller *controller, size_t region)
{
    struct key_ring *ring = &controller->world->rings[region];
    struct key_ring_facts facts = facts_of(controller, region);
    struct key_ring before = *ring;
    enum key_ring_change change;

    do {
        change = key_ring_advance(ring, &facts);
        note(controller, change);
    } while (change != KEY_RING_SAME);
    tell_changes(controller, region, &before);
}

/* A Config that follows may be in force at once, where nothing runs: so until nothing moves. */
void controller_keys_advance(struct controller *controller)
{
    struct world *world = controller->world;

    for (;;) {
        for (size_t i = 0; i < world->topology->region_count; i++)
            advance_ring(controller, i);
        if (!controller->keys_moved)
            return;
        controller->keys_moved = false;
        controller_new_version(controller);
        for (size_t i = 0; i < world->topology->region_count; i++)
            key_ring_stamp(&world->rings[i], world->config_version);
    }
}

uint64_t controller_keys_wake_wall_us(const struct controller *controller)
{
    const struct world *world = controller->world;
    uint64_t next_us = UINT64_MAX;

    for (size_t i = 0; i < world->topology->region_count; i++) {
        uint64_t own_us = key_ring_next_wall_us(&world->rings[i]);
        if (own_us < next_us)
            next_us = own_us;
    }
    return next_us;
}

/* ---- what a region tells ---- */

/* Does it have the key that we know by that number? */
static bool is_same(const struct key_ring *ring, uint32_t number, const Mec__SigningKey *told)
{
    const struct key_ring_key *key = find_key(ring, number);

    return !key || key->state == KEY_RING_WANTED ||
           memcmp(key->public_key, told->public_key.data, sizeof key->public_key) == 0;
}

static size_t region_of(const struct controller *controller, size_t process)
{
    const struct world *world = controller->world;
    const struct key_ring *ring = world_ring(world, world->supervisor.processes[process].name);

    return ring ? (size_t)(ring - world->rings) : SIZE_MAX;
}

void controller_keys_hello(struct controller *controller, size_t process, const Mec__Hello *hello)
{
    size_t region = region_of(controller, process);
    uint64_t now_wall_us = controller->now.wall_us;

    if (region == SIZE_MAX || !hello->tells_keys)
        return;
    struct key_ring *ring = &controller->world->rings[region];
    struct key_ring before = *ring;
    uint32_t *numbers = memory_alloc((hello->n_keys + 1) * sizeof *numbers);
    size_t count = 0;

    for (size_t i = 0; i < hello->n_keys; i++) {
        const Mec__SigningKey *key = hello->keys[i];
        uint32_t number;
        if (key->public_key.len != TOKEN_KEY_PUBLIC_SIZE ||
            kid_number(key->kid, region_name(controller, region), &number) != 0 ||
            !is_same(ring, number, key))
            continue;
        note(controller, key_ring_made(ring, number, key->public_key.data, now_wall_us));
        numbers[count++] = number;
    }
    note(controller, key_ring_reconcile(ring, numbers, count, now_wall_us));
    tell_changes(controller, region, &before);
    free(numbers);
}

/* ---- rotating ---- */

static bool is_done(const struct controller *controller, const struct wait *wait, size_t region)
{
    const struct key_ring *ring = &controller->world->rings[region];
    const struct key_ring_key *key = find_key(ring, wait->keys[region]);
    struct key_ring_facts facts = facts_of(controller, region);

    if (!key || key->state == KEY_RING_RETIRING) /* another one has followed it already */
        return true;
    if (key->state != KEY_RING_SIGNING || key->version == 0)
        return false;
    return (wait->leaked ? facts.least_version : facts.signer_version) >= key->version;
}

/* Nothing will come of waiting: the region that is to make a key is down. */
static bool is_stuck(const struct controller *controller, const struct wait *wait, size_t region)
{
    const struct key_ring_key *key =
        find_key(&controller->world->rings[region], wait->keys[region]);

    return key && key->state == KEY_RING_WANTED &&
           !supervisor_is_alive(signer_of(controller, region));
}

bool controller_keys_are_over(const struct controller *controller, const struct wait *wait)
{
    for (size_t i = 0; i < controller->world->topology->region_count; i++)
        if (wait->keys[i] != 0 && !is_done(controller, wait, i) && !is_stuck(controller, wait, i))
            return false;
    return true;
}

/* Those that keep @region's rotation from going on, by name and state. */
static json_t *awaited(const struct controller *controller, size_t region)
{
    const struct supervisor *supervisor = &controller->world->supervisor;
    const struct key_ring *ring = &controller->world->rings[region];
    const struct key_ring_key *next = key_ring_in(ring, KEY_RING_PUBLISHED);
    const struct process *signer = signer_of(controller, region);
    json_t *names = json_array();

    for (size_t i = 0; i < supervisor->count; i++) {
        const struct process *process = &supervisor->processes[i];
        bool late = next && version_of(process) < next->version;
        if (late || (process == signer && key_ring_in(ring, KEY_RING_WANTED)))
            json_array_append_new(names, json_pack("{s:s, s:s}", "name", process->name, "state",
                                                   supervisor_state_name(process->state)));
    }
    return names;
}

static void describe_ring(const struct controller *controller, size_t region, bool done,
                          struct text *text)
{
    const struct key_ring *ring = &controller->world->rings[region];
    const char *name = region_name(controller, region);
    const struct key_ring_key *key = key_ring_in(ring, KEY_RING_SIGNING);
    json_t *names = awaited(controller, region);

    text_add(text, "%s%s ", text->size != 0 ? "\n" : "", name);
    if (key)
        text_add(text, "signs with %s.%u", name, key->number);
    else
        text_add(text, "signs nothing");
    for (size_t i = 0; i < ring->count && ring->keys[i].state == KEY_RING_RETIRING; i++) {
        char rest[UNITS_TEXT_SIZE];
        uint64_t until_us = ring->keys[i].until_wall_us;
        uint64_t now_us = controller->now.wall_us;
        text_add(text, "; %s.%u verifies", name, ring->keys[i].number);
        if (until_us != UINT64_MAX)
            text_add(
                text, " for %s more",
                units_format_duration(
                    until_us > now_us ? (until_us - now_us) / SECOND_US * SECOND_US : 0, rest));
    }
    for (size_t i = 0; !done && i < json_array_size(names); i++) {
        const json_t *row = json_array_get(names, i);
        text_add(text, "%s%s (%s)", i == 0 ? "; the next key waits for " : ", ",
                 json_string_value(json_object_get(row, "name")),
                 json_string_value(json_object_get(row, "state")));
    }
    json_decref(names);
}

static json_t *key_row(const struct controller *controller, size_t region,
                       const struct key_ring_key *key)
{
    char kid[KID_SIZE];
    bool ends = key->until_wall_us != UINT64_MAX;
    bool waits = key->state == KEY_RING_WANTED || key->state == KEY_RING_PUBLISHED;

    kid_format(region_name(controller, region), key->number, kid);
    return json_pack("{s:s, s:s, s:s, s:I, s:o, s:o}", "kid", kid, "region",
                     region_name(controller, region), "state", key_ring_state_name(key->state),
                     "since_wall_us", (json_int_t)key->since_wall_us, "until_wall_us",
                     ends ? json_integer((json_int_t)key->until_wall_us) : json_null(), "waits_for",
                     waits ? awaited(controller, region) : json_array());
}

static json_t *keys_json(const struct controller *controller)
{
    const struct world *world = controller->world;
    json_t *rows = json_array();

    for (size_t i = 0; i < world->topology->region_count; i++)
        for (size_t j = 0; j < world->rings[i].count; j++)
            json_array_append_new(rows, key_row(controller, i, &world->rings[i].keys[j]));
    return json_pack("{s:o, s:I}", "keys", rows, "now_wall_us",
                     (json_int_t)controller->now.wall_us);
}

static void finish_rotate(struct controller *controller, struct wait *wait)
{
    struct text text = {0};

    for (size_t i = 0; i < controller->world->topology->region_count; i++) {
        if (wait->keys[i] == 0)
            continue;
        bool done = is_done(controller, wait, i);
        describe_ring(controller, i, done, &text);
        if (!done)
            wait->exit_code = EXIT_UNDETERMINED;
    }
    if (wait->exit_code == EXIT_UNDETERMINED)
        text_add(&text, "\nIt goes on by itself; see mecentral keys");
    wait->text = text_take(&text);
    wait->data = keys_json(controller);
}

/* The region of that name, all of them without one; false when it has been refused. */
static bool find_regions(struct controller *controller, const struct controller_event *event,
                         bool *ret_regions)
{
    const struct topology *topology = controller->world->topology;
    const char *wanted = json_string_value(json_object_get(event->arguments, "region"));
    const char *names[TOPOLOGY_REGIONS_MAX];
    bool found = false;

    for (size_t i = 0; i < topology->region_count; i++) {
        names[i] = topology->regions[i].name;
        ret_regions[i] = !wanted || strcmp(names[i], wanted) == 0;
        found = found || ret_regions[i];
    }
    if (!found) {
        const char *near = nearest_find(wanted, names, topology->region_count);
        controller_refuse(controller, event,
                          text_format("there is no region \"%s\"%s%s%s", wanted,
                                      near ? "; did you mean \"" : "", near ? near : "",
                                      near ? "\"?" : ""));
    }
    return found;
}

/* All or none of them begin. */
static bool have_room(struct controller *controller, const struct controller_event *event,
                      const bool *regions, bool leaked)
{
    for (size_t i = 0; i < controller->world->topology->region_count; i++) {
        struct key_ring trial = controller->world->rings[i];
        uint32_t number;
        if (!regions[i] || key_ring_rotate(&trial, leaked, controller->now.wall_us, &number) == 0)
            continue;
        controller_reply(
            controller, event->ask, EXIT_CHECK,
            text_format("%s has %d keys already; wait until one has retired, or retire "
                        "the old ones with --retire-now",
                        region_name(controller, i), KEY_RING_KEYS_MAX),
            NULL);
        return false;
    }
    return true;
}

static void begin_rotate(struct controller *controller, const struct controller_event *event)
{
    struct world *world = controller->world;
    bool leaked = json_is_true(json_object_get(event->arguments, "retire-now"));
    bool regions[TOPOLOGY_REGIONS_MAX];

    if (!find_regions(controller, event, regions) || !have_room(controller, event, regions, leaked))
        return;
    struct wait *wait = controller_wait(controller, event->ask, WAIT_KEYS, ROTATE_PATIENCE_US);
    wait->keys = memory_alloc(world->topology->region_count * sizeof *wait->keys);
    wait->leaked = leaked;
    wait->finish = finish_rotate;
    for (size_t i = 0; i < world->topology->region_count; i++) {
        struct key_ring before = world->rings[i];
        if (!regions[i])
            continue;
        key_ring_rotate(&world->rings[i], leaked, controller->now.wall_us, &wait->keys[i]);
        tell_changes(controller, i, &before);
    }
    controller->keys_moved = true;
}

void controller_begin_keys(struct controller *controller, const struct controller_event *event)
{
    const char *action = json_string_value(json_object_get(event->arguments, "action"));

    if (!action)
        controller_reply(controller, event->ask, EXIT_FINE, NULL, keys_json(controller));
    else if (strcmp(action, "rotate") == 0)
        begin_rotate(controller, event);
    else
        controller_refuse(controller, event,
                          text_format("keys can be rotated, not \"%s\"", action));
}
