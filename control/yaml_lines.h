/* yaml_lines: on which line each key of a YAML file stands.
 *
 * libcyaml maps a file onto structs and forgets where it read what. This pass over the same text
 * remembers, refuses what a topology has no use for (aliases, several documents, deep nesting) and
 * reports syntax errors and doubled keys with their exact line. */

#ifndef MEC_YAML_LINES_H
#define MEC_YAML_LINES_H

#include <stddef.h>

struct yaml_lines;

/* On error *@ret_error is a new string, and *@ret_line says where. The caller frees both results.
 * Errors: -EINVAL. */
int yaml_lines_read(const char *text, size_t size, struct yaml_lines **ret_lines, char **ret_error,
                    size_t *ret_line);
void yaml_lines_free(struct yaml_lines *lines);

/* The line of the value at @path (`links[2].rtt`), or of the nearest thing around it; 1 at worst.
 */
size_t yaml_lines_at(const struct yaml_lines *lines, const char *path);

#endif
