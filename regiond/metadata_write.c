#include "regiond/metadata.h"

#include <errno.h>

#include "regiond/answer.h"
#include "regiond/commit.h"
#include "regiond/receipts.h"
#include "regiond/standing.h"
#include "regiond/text.h"
#include "regiond/writing.h"

const char *metadata_write_action(const Mec__Call *call)
{
    return call->operation == MEC__OPERATION__METADATA_DELETE ? "metadata.delete" : "metadata.put";
}

/* The token of a queued write was checked when it was accepted; the account may be gone since, or
 * its sessions revoked. Even then a retry of what has been written must not be told that it was
 * not, so the store has the last word. Returns false when the account cannot be read. */
static bool check_account(struct region *region, struct request *request,
                          struct store_write *ret_terms)
{
    enum standing standing = standing_of(region, request->copy, &request->claims);

    if (standing == STANDING_UNREADABLE) {
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_INTERNAL,
                       "The account cannot be read.");
        return false;
    }
    ret_terms->forbidden = standing != STANDING_GOOD;
    return true;
}

static const char *malformed(const Mec__Call *call, struct store_write *ret_terms)
{
    struct slice key = slice_of(call->key);

    if (key.size == 0 || key.size > METADATA_KEY_SIZE_MAX || !text_is_clean(key))
        return "A key is 1 to 512 bytes of UTF-8 without control characters.";
    if (call->mode == MEC__CALL_MODE__DELIVER && call->receipt[0] == '\0')
        return "A delivered write has a receipt.";
    return writing_condition(call, ret_terms);
}

static bool check(struct region *region, struct request *request, struct store_write *ret_terms)
{
    const char *why = malformed(request->call, ret_terms);

    if (!why)
        return writing_fits(region, request);
    answer_problem(region, request, PROBLEM_BAD_REQUEST, why);
    return false;
}

void metadata_write(struct region *region, struct request *request)
{
    const Mec__Call *call = request->call;
    struct writing writing = {
        .terms = {.service = "metadata",
                  .delete = call->operation == MEC__OPERATION__METADATA_DELETE},
        .refusal = PROBLEM_FORBIDDEN,
        .refusal_detail = "The account is gone, or its sessions have been revoked.",
        .absent_detail = "There is no value under this key."};

    request_enter(request, STAGE_SERVICE);
    region->counters.writes++;
    if (!check(region, request, &writing.terms))
        return;
    writing_digest(call, NULL, writing.terms.request_digest);
    writing.terms.quota_bytes = region->settings.quota_metadata_bytes;
    writing.terms.quota_keys = region->settings.quota_metadata_keys;
    if (!request->copy)
        answer_verdict(region, request, MEC__VERDICT__NOT_SERVING, PROBLEM_NO_REGION,
                       "This region holds no copy of the user's shard.");
    else if (!commit_has_room(region, call->body.len))
        answer_overloaded(region, request);
    else if (call->mode == MEC__CALL_MODE__ENQUEUE)
        receipts_accept(region, request, writing.terms.request_digest);
    else if (writing_is_home(region, request) && (call->mode != MEC__CALL_MODE__DELIVER ||
                                                  check_account(region, request, &writing.terms)))
        writing_start(region, request, &writing);
}
