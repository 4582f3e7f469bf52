/* tables: what there is of faults, operations, checks, planted bugs and rare branches, as people
 * read it. */

#ifndef MEC_TABLES_H
#define MEC_TABLES_H

/* Markdown, as the last part of docs/simulator.md has it. A new string. */
char *tables_markdown(void);

#endif
