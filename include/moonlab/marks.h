/* moonlab/marks.h - the table of marks that figures can show, made from mark_list.h.
 *
 *     for (int i = 0; i < ml_mark_count(); i++) puts(ml_mark_at(i)->name);
 */
#ifndef MOONLAB_MARKS_H
#define MOONLAB_MARKS_H

#include <stdbool.h>

#define ML_MARK_SLOTS   8  /* most data of one mark, and a last empty one */
#define ML_MARK_OPTIONS 16 /* most options, and a last empty one */
#define ML_MARK_DIMS    3

typedef struct ml_mark_slot {
    const char *name; /* NULL ends the list */
    const char *dims; /* "n, k?": equal letters are equal sizes, ? may be missing */
    bool        optional;
} ml_mark_slot;

typedef enum ml_option_kind { ML_OPTION_REAL, ML_OPTION_FLAG, ML_OPTION_WORD, ML_OPTION_TEXT, ML_OPTION_TEXTS, ML_OPTION_PAIR } ml_option_kind;

typedef struct ml_mark_option {
    const char    *name; /* NULL ends the list */
    ml_option_kind kind;
    double         number; /* the default of a real */
    const char    *words;  /* "a|b|c": the first is the default */
    const char    *doc;
} ml_mark_option;

typedef struct ml_mark_info {
    const char    *name, *doc;
    ml_mark_slot   slots[ML_MARK_SLOTS];
    ml_mark_option options[ML_MARK_OPTIONS]; /* the common ones first */
} ml_mark_info;

int                 ml_mark_count(void);
const ml_mark_info *ml_mark_at(int i);            /* i < ml_mark_count() */
int                 ml_mark_find(const char *name); /* -1: there is none */

#endif
