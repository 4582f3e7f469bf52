/* mecentral doctor */

#include "control/mecentral.h"

int live_doctor(struct mecentral *run)
{
    (void)run;
    return MECENTRAL_FINE;
}
