/* live_turns: how a thread shares its processor with others (sched_setattr(2)).
 *
 * Since Linux 6.12 a thread may ask for shorter or longer turns than the usual ones of about 3 ms,
 * and who has shorter ones need not wait for another's turn to end. Both calls are about the calling
 * thread, need no privilege, and change nothing where the kernel knows of no such thing. */

#ifndef MEC_LIVE_TURNS_H
#define MEC_LIVE_TURNS_H

/* Short ones, for who answers others and is soon done. */
void live_turns_short(void);

/* Long ones, for who computes; and @nice (0 to 19) is added to the thread's own. */
void live_turns_long(int nice);

#endif
