/* quote: what somebody wrote, for a message about it: in quotes, on one line, and short, whatever
 * the file holds. Bytes that would move a terminal's cursor are told as \x1b. */

#ifndef MEC_QUOTE_H
#define MEC_QUOTE_H

/* A new string. @text is UTF-8; what is longer than 80 bytes is cut and ends in "...". */
char *quote_text(const char *text);

#endif
