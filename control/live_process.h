/* live_process: starting processes, finding their programs, and knowing them again. */

#ifndef MEC_LIVE_PROCESS_H
#define MEC_LIVE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The path of the daemon @program: in $MECENTRAL_LIBEXEC, beside our own executable, in the build
 * tree's folder of that name, or in ../libexec/mecentral. The caller frees it.
 * Errors: -ENOENT. */
int live_process_find(const char *program, char **ret_path);

/* Start @path with @arguments (NULL-terminated, argv[0] included) in a session of its own, output
 * appended to @log. The descriptors in @keep (may be NULL) stay open in it. Errors: -errno. */
int live_process_spawn(const char *path, char *const *arguments, const char *log, const int *keep,
                       size_t keep_count, uint32_t *ret_pid);

/* A process is known by its pid and its start time. Errors: -ESRCH, there is none. */
int live_process_start_ticks(uint32_t pid, uint64_t *ret_ticks);

/* False also for a zombie, and for another process that has got the same pid. */
bool live_process_is(uint32_t pid, uint64_t start_ticks);

bool live_process_is_paused(uint32_t pid); /* by SIGSTOP, or by a debugger */

/* Signal exactly that process. Errors: -ESRCH; -errno. */
int live_process_signal(uint32_t pid, uint64_t start_ticks, int signal);

/* Wait until it is gone. Errors: -ETIMEDOUT. */
int live_process_wait_gone(uint32_t pid, uint64_t start_ticks, uint64_t patience_us);

/* Proportional set size in KiB; 0 when it cannot be read. */
uint64_t live_process_pss_kib(uint32_t pid);

int live_process_pidfd(uint32_t pid); /* or -errno */

#endif
