#include "sim/region_host.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/token.h"
#include "common/vault_key.h"
#include "regiond/region.h"
#include "sim/director.h"
#include "sim/simulation.h"
#include "sim/sockets.h"
#include "sim/template.h"

/* How long a batch waits for the storage thread, and the loop for its end; and a password. */
#define HAND_OVER_US_MAX 150
#define HASH_US_MIN      500
#define HASH_US_MAX      6000
#define KEY_FILE_US      2000
#define IDLE_US          (20 * MILLISECOND_US) /* as in live_storage.c */

/* Signatures cost more than all the rest of a second: heads of audit chains are signed less often
 * than they are live. */
#define AUDIT_INTERVAL_US (15 * SECOND_US)

struct region_host {
    struct process *process;
    struct vfs *disk;
    char vfs_name[32];
    struct region_key keys[16]; /* files of its own, beside those on the disk */
    size_t key_count;
    uint8_t vault_seed[VAULT_KEY_SEED_SIZE];
    bool damaged[PLAN_REGIONS_MAX]; /* by shard */

    /* Of the present life. */
    struct region *region;
    struct storage *storage;
    struct storage_batch *batch; /* is with the storage thread */
    uint64_t batches;
    uint64_t failures; /* of the disk, as of the start: a later one may end the process */
};

static void add_key(const struct process *process, struct region_host *host, uint32_t number)
{
    struct region_key *key = &host->keys[host->key_count++];

    assert(host->key_count <= sizeof host->keys / sizeof host->keys[0]);
    kid_format(process->simulation->plan->region_names[process->index], number, key->kid);
    director_signing_seed(process->index, number, key->seed);
}

struct region_host *region_host_create(struct process *process)
{
    struct simulation *simulation = process->simulation;
    struct region_host *host = memory_alloc(sizeof *host);

    host->process = process;
    snprintf(host->vfs_name, sizeof host->vfs_name, "disk-%u", process->index);
    host->disk = vfs_create(host->vfs_name, random_next(&simulation->luck[LUCK_STORAGE]));
    vfs_set_sync_us(host->disk, simulation->plan->sync_us);
    add_key(process, host, 1);
    director_vault_seed(process->index, host->vault_seed);
    for (size_t i = 0; i < simulation->plan->region_count; i++)
        template_copy(host->disk, simulation->plan->region_names[i]);
    return host;
}

void region_host_free(struct region_host *host)
{
    if (!host)
        return;
    vfs_free(host->disk);
    free(host);
}

struct vfs *region_host_disk(struct region_host *host)
{
    return host->disk;
}

const char *region_host_vfs(const struct region_host *host)
{
    return host->vfs_name;
}

char *region_host_status(struct process *process)
{
    return region_status(process->region->region, process_moment(process));
}

/* What a region is asked about one of its shards. */
struct revocations_of {
    const struct region *region;
    const char *shard;
};

static bool is_void(void *context, const char *user, const char *session, uint64_t generation)
{
    const struct revocations_of *of = context;

    return region_is_revoked(of->region, of->shard, user, session, generation);
}

bool region_host_is_revoked(const struct process *process, const struct token_claims *claims)
{
    return region_is_revoked(process->region->region, claims->shard, claims->user, claims->session,
                             claims->generation);
}

void region_host_watch_revocations(struct process *process)
{
    struct region *region = process->region->region;
    struct moment at = process_moment(process);
    struct watch *watch = process->simulation->watch;

    for (uint32_t i = 0; i < process->config->n_shards; i++) {
        struct revocations_of of = {region, process->config->shards[i]->name};
        uint64_t age_us;

        if (region_revocations_age(region, at, of.shard, &age_us))
            watch_revocations_age(watch, at, process->index, i, age_us, is_void, &of);
    }
}

bool region_host_is_writing(const struct region_host *host)
{
    return host->batch != NULL;
}

void region_host_damaged(struct region_host *host, uint32_t shard, bool damaged)
{
    host->damaged[shard] = damaged;
}

bool region_host_is_damaged(const struct region_host *host, uint32_t shard)
{
    return host->damaged[shard];
}

static bool is_damaged(const struct region_host *host)
{
    for (size_t i = 0; i < PLAN_REGIONS_MAX; i++)
        if (host->damaged[i])
            return true;
    return false;
}

static uint64_t count_failures(const struct region_host *host)
{
    const struct vfs_counters *counters = vfs_counters(host->disk);
    uint64_t failures = 0;

    for (size_t i = 0; i < VFS_FAULT_COUNT; i++)
        failures += counters->failed[i];
    return failures;
}

/* Has the disk given the process a reason to end? */
static bool is_excused(const struct region_host *host)
{
    return is_damaged(host) || count_failures(host) > host->failures;
}

/* ---- actions ---- */

static void step(struct process *process, struct region_event event);

static void stored(struct process *process, struct errand *errand)
{
    struct region_host *host = process->region;

    (void)errand;
    struct storage_batch *batch = host->batch;

    host->batch = NULL;
    watch_stored(process->simulation->watch, process->index);
    step(process, (struct region_event){.kind = REGION_STORED, .batch = batch});
}

static void trace_batch(const struct region_host *host, const struct storage_batch *batch)
{
    struct process *process = host->process;
    struct simulation *simulation = process->simulation;

    if (!simulation_traces(simulation))
        return;
    if (batch->error != 0) {
        simulation_trace(simulation, process->name, "cannot commit: %s (%d)", store_last_error(),
                         batch->error);
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->target == STORAGE_QUEUE) {
            static const char *const kinds[] = {"queues", "attempts", "settles", "notes",
                                                "keeps a head of"};
            const struct queue_op *op = &batch->queue_ops[i];

            simulation_trace(
                simulation, process->name, "%s %llu for %s, key %s (result %d)", kinds[op->kind],
                (unsigned long long)(op->entry.seq ? op->entry.seq : op->seq),
                op->entry.shard ? op->entry.shard : "",
                op->entry.idempotency_key ? op->entry.idempotency_key : "", (int)op->result);
        } else {
            static const char *const kinds[] = {"commits", "applies", "notes"};
            const struct store_op *op = &batch->ops[i];

            simulation_trace(
                simulation, process->name, "%s %s:%llu.%llu %s/%s/%s v%llu%s (result %d)",
                kinds[op->kind], simulation->plan->region_names[batch->target],
                (unsigned long long)op->epoch,
                (unsigned long long)(op->kind == STORE_OP_APPLY ? op->apply.seq : op->seq),
                op->service ? op->service : "", op->user ? op->user : "", op->key ? op->key : "",
                (unsigned long long)op->version, op->deleted ? " deleted" : "", (int)op->result);
        }
    }
}

/* The disk has gone while it was used: so has the process. */
static bool has_died(struct process *process)
{
    if (!vfs_is_dead(process->region->disk))
        return false;
    process->dying = true;
    process->dies_by = PROCESS_KILLED;
    return true;
}

static void run_batch(struct process *process, struct errand *errand)
{
    struct region_host *host = process->region;
    struct simulation *simulation = process->simulation;
    uint64_t busy_us;

    (void)errand;
    storage_run(host->storage, host->batch);
    busy_us = vfs_take_busy_us(host->disk);
    if (has_died(process)) {
        simulation_trace(simulation, process->name, "dies while it writes");
        watch_batch_in_doubt(simulation->watch, simulation->now_us, process->index, host->batch);
        process_stepped(process, NEVER_US);
        return;
    }
    trace_batch(host, host->batch);
    simulation_note_number(simulation, (uint64_t)(int64_t)host->batch->error);
    watch_batch(simulation->watch, simulation->now_us, process->index, host->batch);
    process_send(process_errand(process, stored, 0),
                 simulation->now_us + busy_us +
                     simulation_draw(simulation, LUCK_STORAGE, 1, HAND_OVER_US_MAX));
}

static void tidy(struct process *process, struct errand *errand)
{
    struct region_host *host = process->region;
    struct simulation *simulation = process->simulation;
    bool more;

    if (host->batch || errand->number != host->batches)
        return;
    more = storage_tidy(host->storage, process_moment(process).wall_us);
    if (has_died(process)) {
        simulation_trace(simulation, process->name, "dies while it tidies");
        process_stepped(process, NEVER_US);
    } else if (more) {
        struct errand *again = process_errand(process, tidy, 0);

        again->number = host->batches;
        process_send(again, simulation->now_us + 1 + vfs_take_busy_us(host->disk));
    }
}

static void start_batch(struct process *process, struct storage_batch *batch)
{
    struct region_host *host = process->region;
    struct simulation *simulation = process->simulation;

    assert(!host->batch);
    host->batch = batch;
    host->batches++;
    process_send(process_errand(process, run_batch, 0),
                 simulation->now_us +
                     simulation_draw(simulation, LUCK_STORAGE, 1, HAND_OVER_US_MAX));
}

static void tidy_when_idle(struct process *process)
{
    struct errand *errand = process_errand(process, tidy, 0);

    errand->number = process->region->batches;
    process_send(errand, process->simulation->now_us + IDLE_US);
}

static void hashed(struct process *process, struct errand *errand)
{
    struct region_hash_job *job = errand->what;

    region_hash_run(job);
    step(process, (struct region_event){.kind = REGION_HASHED, .job = job});
}

static void start_hash(struct process *process, struct region_hash_job *job)
{
    struct errand *errand = process_errand(process, hashed, 0);

    errand->what = job;
    process_send(errand,
                 process->simulation->now_us +
                     simulation_draw(process->simulation, LUCK_STORAGE, HASH_US_MIN, HASH_US_MAX));
}

static void look_at_answer(struct process *process, const struct region_action *action)
{
    struct simulation *simulation = process->simulation;
    struct frame frame;
    size_t used;
    Mec__Answer *answer;

    if (frame_decode(action->bytes, action->size, &frame, &used) != 1 || frame.kind != FRAME_ANSWER)
        return;
    answer = mec__answer__unpack(arena_allocator(simulation->scratch), frame.body_size, frame.body);
    assert(answer);
    watch_answer(simulation->watch, process_moment(process), process->index, answer);
    arena_reset(simulation->scratch);
}

static void fail(struct process *process, const char *why)
{
    struct simulation *simulation = process->simulation;

    watch_said(simulation->watch, simulation->now_us, process->name, why);
    simulation_trace(simulation, process->name, "stops at once: %s", why);
    if (!is_excused(process->region))
        watch_report(simulation->watch, simulation->now_us, WATCH_ALIVE,
                     "%s stops for no reason that its disk gave it: %s", process->name, why);
    process->dying = true;
    process->dies_by = PROCESS_KILLED;
}

bool region_host_has_key(const struct region_host *host, uint32_t number)
{
    const struct process *process = host->process;
    char kid[KID_SIZE];

    kid_format(process->simulation->plan->region_names[process->index], number, kid);
    for (size_t i = 0; i < host->key_count; i++)
        if (strcmp(host->keys[i].kid, kid) == 0)
            return true;
    return false;
}

static void step(struct process *process, struct region_event event);

static void keys_changed(struct process *process, struct errand *errand)
{
    (void)errand;
    step(process, (struct region_event){.kind = REGION_KEYS,
                                        .keys = process->region->keys,
                                        .key_count = process->region->key_count});
}

static void forget_key(struct region_host *host, const char *kid)
{
    for (size_t i = host->key_count; i-- > 0;)
        if (strcmp(host->keys[i].kid, kid) == 0)
            memmove(&host->keys[i], &host->keys[i + 1],
                    (--host->key_count - i) * sizeof host->keys[0]);
}

/* Made and removed at once, and told a moment later: the process may be gone by then. */
static void change_keys(struct process *process, const struct region_action *action)
{
    struct region_host *host = process->region;
    struct simulation *simulation = process->simulation;
    uint32_t number;

    if (action->kind == REGION_FORGET_KEY)
        forget_key(host, action->text);
    else if (kid_number(action->text, simulation->plan->region_names[process->index], &number) ==
                 0 &&
             !region_host_has_key(host, number)) /* it is asked for until it is told of */
        add_key(process, host, number);
    process_send(process_errand(process, keys_changed, 0), simulation->now_us + KEY_FILE_US);
}

static void carry_out(struct process *process, const struct region_action *action)
{
    switch (action->kind) {
    case REGION_SEND:
        look_at_answer(process, action);
        sockets_reply(process, action->connection, action->bytes, action->size);
        return;
    case REGION_SEND_PEER:
        sockets_send(process, action->peer, action->bytes, action->size);
        return;
    case REGION_CLOSE:
        watch_said(process->simulation->watch, process->simulation->now_us, process->name,
                   action->text);
        simulation_trace(process->simulation, process->name, "closes a connection: %s",
                         action->text);
        sockets_drop(process, action->connection);
        return;
    case REGION_COMMIT:
        start_batch(process, action->batch);
        return;
    case REGION_HASH:
        start_hash(process, action->job);
        return;
    case REGION_READY:
        simulation_trace(process->simulation, process->name, "serves");
        return;
    case REGION_MAKE_KEY:
    case REGION_FORGET_KEY:
        change_keys(process, action);
        return;
    case REGION_STOP:
        fail(process, action->text);
        return;
    case REGION_LOG:
        process_says(process, action->text);
        return;
    }
}

static void step(struct process *process, struct region_event event)
{
    struct region_host *host = process->region;
    bool was_stored = event.kind == REGION_STORED;
    struct region_actions actions;

    event.at = process_moment(process);
    actions = region_step(host->region, &event);
    has_died(process); /* by a read: nobody hears what it would have said */
    for (size_t i = 0; i < actions.count && !process->dying; i++) {
        carry_out(process, &actions.items[i]);
        process_acts(process);
    }
    if (was_stored && !host->batch && !process->dying)
        tidy_when_idle(process);
    process_stepped(process, process->dying ? NEVER_US : region_wake_us(host->region));
}

/* ---- life ---- */

static int open_files(struct process *process)
{
    struct region_host *host = process->region;
    const Mec__Config *config = process->config;
    const char *shards[PLAN_REGIONS_MAX];
    const char *failed = NULL;

    for (size_t i = 0; i < config->n_shards; i++)
        shards[i] = config->shards[i]->name;
    return storage_open(REGION_HOST_DIRECTORY,
                        process->simulation->plan->region_names[process->index], shards,
                        config->n_shards, host->vfs_name, &host->storage, &failed);
}

static int create_core(struct process *process, const struct store_end *ends)
{
    struct region_host *host = process->region;
    struct simulation *simulation = process->simulation;
    struct region_options options = {
        .name = simulation->plan->region_names[process->index],
        .directory = REGION_HOST_DIRECTORY,
        .vfs = host->vfs_name,
        .keys = host->keys,
        .key_count = host->key_count,
        .audit_interval_us = AUDIT_INTERVAL_US,
        .vault_seed = host->vault_seed,
        .link_seed = random_next(&simulation->luck[LUCK_PROCESSES]),
    };

    for (size_t i = 0; i < sizeof options.secret; i += sizeof(uint64_t)) {
        uint64_t drawn = random_next(&simulation->luck[LUCK_PROCESSES]);

        memcpy(options.secret + i, &drawn, sizeof drawn);
    }
    return region_create(&options, process->config, ends, process_moment(process), &host->region);
}

static void close_files(struct region_host *host)
{
    region_free(host->region);
    storage_free(host->storage);
    host->region = NULL;
    host->storage = NULL;
    host->batch = NULL;
}

/* It could not start. Its files are closed as they are. */
static int give_up(struct process *process, int error)
{
    struct region_host *host = process->region;
    struct simulation *simulation = process->simulation;

    simulation_trace(simulation, process->name, "cannot start: %s (%d)", store_last_error(), error);
    if (!is_excused(host) && !vfs_is_dead(host->disk))
        watch_report(simulation->watch, simulation->now_us, WATCH_ALIVE,
                     "%s cannot start, for no reason that its disk gave it: %s (%d)", process->name,
                     store_last_error(), error);
    if (!vfs_is_dead(host->disk))
        vfs_kill(host->disk);
    close_files(host);
    return error;
}

int region_host_start(struct process *process)
{
    struct region_host *host = process->region;
    struct simulation *simulation = process->simulation;
    struct store_end ends[PLAN_REGIONS_MAX];
    int error;

    if (vfs_is_dead(host->disk))
        vfs_revive(host->disk);
    host->batches = 0;
    host->failures = count_failures(host);
    error = open_files(process);
    if (error != 0)
        return give_up(process, error);
    storage_set_tidy_pages(host->storage, (size_t)simulation->plan->tidy_pages);
    for (uint32_t i = 0; i < simulation->plan->region_count; i++)
        ends[i] = storage_end(host->storage, i);
    watch_opened(simulation->watch, simulation->now_us, process->index, host->vfs_name,
                 REGION_HOST_DIRECTORY, ends);
    error = create_core(process, ends);
    if (error != 0 || vfs_is_dead(host->disk))
        return give_up(process, error ? error : -EIO);
    process_stepped(process, region_wake_us(host->region));
    return 0;
}

void region_host_end(struct process *process, enum process_end how)
{
    struct region_host *host = process->region;

    if (how == PROCESS_KILLED && !vfs_is_dead(host->disk))
        vfs_kill(host->disk);
    if (how == PROCESS_POWER && !vfs_is_dead(host->disk))
        vfs_cut_power(host->disk);
    close_files(host);
    vfs_take_busy_us(host->disk);
    if (!vfs_is_dead(host->disk))
        vfs_kill(host->disk); /* nobody uses it until the next start */
}

/* ---- events ---- */

void region_host_tick(struct process *process)
{
    step(process, (struct region_event){.kind = REGION_TICK});
}

void region_host_configured(struct process *process)
{
    step(process, (struct region_event){.kind = REGION_CONFIGURED, .config = process->config});
}

void region_host_peer(struct process *process, uint32_t peer, bool up)
{
    step(process,
         (struct region_event){.kind = up ? REGION_PEER_UP : REGION_PEER_DOWN, .peer = peer});
}

void region_host_peer_frame(struct process *process, uint32_t peer, const struct frame *frame)
{
    step(process, (struct region_event){.kind = REGION_PEER_FRAME, .peer = peer, .frame = *frame});
}

void region_host_served(struct process *process, uint64_t number, const struct frame *frame)
{
    step(process,
         (struct region_event){.kind = REGION_FRAME, .connection = number, .frame = *frame});
}

void region_host_closed(struct process *process, uint64_t number)
{
    step(process, (struct region_event){.kind = REGION_CLOSED, .connection = number});
}
