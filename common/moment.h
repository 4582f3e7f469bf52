/* moment: what time it is, as a step is told. Steps never ask a clock. */

#ifndef MEC_MOMENT_H
#define MEC_MOMENT_H

#include <stdint.h>

#define MILLISECOND_US UINT64_C(1000)
#define SECOND_US      UINT64_C(1000000)
#define NEVER_US       UINT64_MAX

struct moment {
    uint64_t now_us;  /* monotonic, one clock for all processes of the machine; for delays */
    uint64_t wall_us; /* since the Unix epoch, may be offset or drift; for what others read */
};

#endif
