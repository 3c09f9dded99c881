/* What a terminal can show. */
#ifndef MOONLAB_RUN_SCREEN_H
#define MOONLAB_RUN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool mli_locale_is_utf8(void);

/* Columns on a terminal: 0 for marks set over others, 2 for the wide scripts of East Asia and pictures. */
int mli_screen_columns(uint32_t code);

/* A name as it may be shown: whole characters, no control characters, nothing that the terminal cannot read. */
void mli_clean(char *out, size_t bytes, const char *name, bool utf8);

#endif
