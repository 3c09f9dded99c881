/* JSON for run.json: writing strings, and a strict look at an object that others wrote.
 *
 * Not through cJSON: its numbers are doubles, which changes integers beyond 2^53; it lets "01" and line ends in
 * strings pass, which others' readers then refuse; and its allocator is set once for the whole process, where a
 * script may have loaded another user of the same library. */
#ifndef MOONLAB_RUN_JSON_H
#define MOONLAB_RUN_JSON_H

#include "run/text.h"

void mli_json_string(mli_text *t, const char *s); /* quoted; what is no UTF-8 becomes U+FFFD; NULL is null */
bool mli_json_is_object(const char *text); /* RFC 8259, nothing before or after; false with a message */

#endif
