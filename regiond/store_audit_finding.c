/* What verifying an audit chain has found, for people; see store_audit.h. */

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "regiond/store_audit.h"

const char *store_audit_finding_name(enum store_audit_fault fault)
{
    static const char *const names[] = {
#define X(fault, name) [STORE_AUDIT_##fault] = name,
        STORE_AUDIT_FAULTS(X)
#undef X
    };

    assert(fault < STORE_AUDIT_FAULT_COUNT);
    return names[fault];
}

static void print(char ret_text[STORE_AUDIT_TEXT_SIZE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void print(char ret_text[STORE_AUDIT_TEXT_SIZE], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(ret_text, STORE_AUDIT_TEXT_SIZE, format, arguments);
    va_end(arguments);
}

/* Faults that the chain shows by itself. */
static void print_of_chain(const struct store_audit_finding *finding, char *ret_text)
{
    uint64_t n = finding->n, other = finding->other;

    if (finding->fault == STORE_AUDIT_EDITED)
        print(ret_text, "entry %" PRIu64 " has been edited", n);
    else if (finding->fault == STORE_AUDIT_MISSING && other > n)
        print(ret_text, "entries %" PRIu64 " to %" PRIu64 " are missing", n, other);
    else if (finding->fault == STORE_AUDIT_MISSING)
        print(ret_text, "entry %" PRIu64 " is missing", n);
    else if (finding->fault == STORE_AUDIT_REORDERED)
        print(ret_text, "reordered: entry %" PRIu64 " stands where entry %" PRIu64 " belongs",
              other, n);
    else if (finding->fault == STORE_AUDIT_BROKEN)
        print(ret_text, "entry %" PRIu64 " does not follow on from the one before", n);
    else
        print(ret_text, "entry %" PRIu64 " is none of this chain", n);
}

/* Faults that a signed head shows. */
static void print_of_witness(const struct store_audit_finding *finding, char *ret_text)
{
    uint64_t n = finding->n, other = finding->other;

    if (finding->fault == STORE_AUDIT_CUT)
        print(ret_text, "cut off: it ends at entry %" PRIu64 ", %s has signed for entry %" PRIu64,
              n, finding->witness, other);
    else if (finding->fault == STORE_AUDIT_REWRITTEN)
        print(ret_text, "rewritten: entry %" PRIu64 " is not the one that %s has signed for", n,
              finding->witness);
    else
        print(ret_text,
              "replaced: another chain was here before, %s has signed for its entry %" PRIu64,
              finding->witness, other);
}

/* Faults that the change log shows. */
static void print_of_log(const struct store_audit_finding *finding, char *ret_text)
{
    uint64_t n = finding->n, epoch = finding->epoch, seq = finding->seq;

    if (finding->fault == STORE_AUDIT_UNAUDITED)
        print(ret_text, "change %" PRIu64 ".%" PRIu64 " has no entry", epoch, seq);
    else if (finding->fault == STORE_AUDIT_NO_CHANGE)
        print(ret_text,
              "entry %" PRIu64 " tells of change %" PRIu64 ".%" PRIu64
              ", which the log does not have",
              n, epoch, seq);
    else if (finding->fault == STORE_AUDIT_OTHER_CHANGE)
        print(ret_text,
              "entry %" PRIu64 " tells of another change %" PRIu64 ".%" PRIu64 " than the log has",
              n, epoch, seq);
    else
        print(ret_text, "entry %" PRIu64 " tells of change %" PRIu64 ".%" PRIu64 " out of turn", n,
              epoch, seq);
}

const char *store_audit_finding_text(const struct store_audit_finding *finding,
                                     char ret_text[STORE_AUDIT_TEXT_SIZE])
{
    switch (finding->fault) {
    case STORE_AUDIT_EDITED:
    case STORE_AUDIT_MISSING:
    case STORE_AUDIT_REORDERED:
    case STORE_AUDIT_BROKEN:
    case STORE_AUDIT_FOREIGN:
        print_of_chain(finding, ret_text);
        break;
    case STORE_AUDIT_CUT:
    case STORE_AUDIT_REWRITTEN:
    case STORE_AUDIT_REPLACED:
        print_of_witness(finding, ret_text);
        break;
    case STORE_AUDIT_UNAUDITED:
    case STORE_AUDIT_NO_CHANGE:
    case STORE_AUDIT_OTHER_CHANGE:
    case STORE_AUDIT_OUT_OF_TURN:
        print_of_log(finding, ret_text);
        break;
    case STORE_AUDIT_FAULT_COUNT:
        assert(false && "a fault");
    }
    return ret_text;
}
