/* live_tail: the ends of log files. */

#ifndef MEC_LIVE_TAIL_H
#define MEC_LIVE_TAIL_H

/* The last @lines lines of a file, at most 1 MiB, as new text; NULL when it cannot be read. */
char *live_tail_read(const char *path, unsigned lines);

#endif
