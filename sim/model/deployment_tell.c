#include <stdlib.h>

#include "control/text.h"
#include "sim/model/deployment.h"

void deployment_tell(const struct deployment *deployment, struct result *result)
{
    struct text names = {0};
    char users[RESULT_NUMBER_SIZE];

    for (size_t i = 0; i < deployment->region_count; i++)
        text_add(&names, "%s%s", i > 0 ? ", " : "", deployment->region[i]);
    result_assume(result, "%zu regions: %s.", deployment->region_count, names.data);
    result_assume(result,
                  "%s users at %zu places; each one's home is the region nearest by round "
                  "trip, but for those who roam.",
                  result_show(RESULT_COUNT, deployment->users, users), deployment->geo_count);
    result_assume(result, "Round trips between built-in regions are measured ones (Microsoft, "
                          "Azure network round-trip latency statistics, 30-day P50 ending "
                          "2026-07-30, CC BY 4.0); all others are the great circle's fibre floor "
                          "times 1.66, as in a running world.");
    free(names.data);
}
