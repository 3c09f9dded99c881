/* A text that grows in accounted memory; numbers and UTF-8 for JSON, CSV and the screen. */
#ifndef MOONLAB_RUN_TEXT_H
#define MOONLAB_RUN_TEXT_H

#include "moonlab/base.h"

typedef struct mli_text {
    char  *bytes; /* not ended by a zero */
    size_t used, capacity;
    bool   failed; /* memory was refused: puts do nothing any more, so one look at the end will do */
} mli_text;

void mli_text_put(mli_text *t, const char *bytes, size_t n);
void mli_text_puts(mli_text *t, const char *s);
void mli_text_putf(mli_text *t, const char *format, ...) ML_PRINTF(2, 3); /* up to 500 bytes */
void mli_text_put_utf8(mli_text *t, const char *s); /* what is no UTF-8 becomes U+FFFD */
void mli_text_free(mli_text *t);

char *mli_copy(const char *s);   /* NULL with a message when refused */
void  mli_copy_free(char *copy); /* NULL is fine */

#define MLI_NUMBER 32
/* The shortest decimal that reads back as the same double, with a point in any locale; "nan", "inf", "-inf". */
const char *mli_number(char out[MLI_NUMBER], double v);

/* Bytes of the character at s (1..4) and its code; 0 when there is none: the end, or no UTF-8. */
int mli_utf8(const char *s, uint32_t *code);

#endif
