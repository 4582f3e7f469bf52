/* live_log: one line a fact, on stderr: `2026-11-23T03:13:09.123Z routerd warn text key=value`.
 * controld sends each process's stderr to a file of its own. No secret is ever an argument. */

#ifndef MEC_LIVE_LOG_H
#define MEC_LIVE_LOG_H

enum live_log_level { LIVE_LOG_DEBUG, LIVE_LOG_INFO, LIVE_LOG_WARN, LIVE_LOG_ERROR };

void live_log_name(const char *process); /* e.g. "regiond/us-east"; copied */
void live_log_level(enum live_log_level least);
void live_log(enum live_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
