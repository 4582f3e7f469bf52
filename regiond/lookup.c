#include "regiond/lookup.h"

#include <errno.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/reach.h"
#include "regiond/forward.h"

struct looking {
    struct request *asker;
    bool here; /* the directory's home is this region: no other takes the time */
    lookup_done *done;
    void *context;
};

static int read_answer(int error, const Mec__Answer *answer, struct name_claim *ret_claim)
{
    if (error == -ECANCELED)
        return error;
    if (error == 0 && answer->status == 404)
        return -ENOENT;
    if (error < 0 || answer->status != 200 ||
        names_parse((struct slice){(const char *)answer->body.data, answer->body.len}, ret_claim) <
            0)
        return -EHOSTUNREACH;
    /* Somebody is signing up under it, or has failed to: there is no such user yet. */
    return ret_claim->confirmed ? 0 : -ENOENT;
}

static void on_answered(struct region *region, void *context, int error, const Mec__Answer *answer)
{
    struct looking *looking = context;
    struct name_claim claim;
    int r = read_answer(error, answer, &claim);

    request_resume(looking->asker, looking->here ? STAGE_SERVICE : STAGE_XREGION,
                   region->at.now_us);
    looking->done(region, looking->context, r, r == 0 ? &claim : NULL);
    free(looking);
}

static void ask(struct region *region, struct looking *looking, const struct copy *directory,
                const char *name)
{
    Mec__Call call = MEC__CALL__INIT;

    reach(LOOKUP_ASKED);
    call.operation = MEC__OPERATION__NAME_LOOKUP;
    call.shard = directory ? (char *)directory->shard : call.shard;
    call.key = (char *)name;
    call.traceparent = looking->asker->call->traceparent;
    request_wait(looking->asker, region->at.now_us);
    forward_call(region, looking->asker, directory ? directory->home_peer : PEER_NONE, &call,
                 on_answered, looking);
}

void lookup_name(struct region *region, struct request *asker, const char *name, lookup_done *done,
                 void *context)
{
    const struct copy *directory = names_directory(region, name);
    struct name_claim claim;
    struct looking *looking;

    if (name[0] == '\0') { /* nobody can be called that */
        done(region, context, -ENOENT, NULL);
        return;
    }
    if (directory && names_read(region, directory, name, &claim) == 0 && claim.confirmed) {
        done(region, context, 0, &claim);
        return;
    }
    looking = memory_alloc(sizeof *looking);
    looking->asker = asker;
    looking->here = directory && directory->home_peer == region->self;
    looking->done = done;
    looking->context = context;
    ask(region, looking, directory, name);
}
