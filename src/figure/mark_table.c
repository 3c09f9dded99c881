/* The table of marks, made from mark_list.h, and the options and data of one mark by their names. Part of both halves
 * of figures: the core checks what it is given, the painter reads it. */
#include "figure/model.h"

#include <string.h>

#define IN(name, dims)           { #name, dims, false },
#define MAYBE(name, dims)        { #name, dims, true },
#define REAL(name, value, doc)   { #name, ML_OPTION_REAL, value, NULL, doc },
#define FLAG(name, doc)          { #name, ML_OPTION_FLAG, 0, NULL, doc },
#define WORD(name, words, doc)   { #name, ML_OPTION_WORD, 0, words, doc },
#define TEXT(name, doc)          { #name, ML_OPTION_TEXT, 0, NULL, doc },
#define TEXTS(name, doc)         { #name, ML_OPTION_TEXTS, 0, NULL, doc },
#define PAIR(name, doc)          { #name, ML_OPTION_PAIR, 0, NULL, doc },
#define ML_MARK(name, doc, slots, options) { #name, doc, { slots }, { ML_MARK_COMMON options } },

static const ml_mark_info marks[] = {
#include "moonlab/mark_list.h"
};

int ml_mark_count(void)
{
    return (int)(sizeof marks / sizeof *marks);
}

const ml_mark_info *ml_mark_at(int i)
{
    return &marks[i];
}

int ml_mark_find(const char *name)
{
    for (int i = 0; i < ml_mark_count(); i++)
        if (name && strcmp(marks[i].name, name) == 0) return i;
    return -1;
}

/* --- one mark -------------------------------------------------------------------------------------- */
const mli_value *mli_option(const mli_mark *mark, const char *name)
{
    const ml_mark_option *known = marks[mark->kind].options;
    for (int i = 0; known[i].name; i++)
        if (strcmp(known[i].name, name) == 0) return &mark->options[i];
    return NULL;
}

const mli_data *mli_slot(const mli_mark *mark, const char *name)
{
    const ml_mark_slot *known = marks[mark->kind].slots;
    for (int i = 0; known[i].name; i++)
        if (strcmp(known[i].name, name) == 0) return mark->data[i];
    return NULL;
}

double mli_opt_number(const mli_mark *mark, const char *name)
{
    return mli_option(mark, name)->number[0];
}

bool mli_opt_flag(const mli_mark *mark, const char *name)
{
    return mli_option(mark, name)->number[0] != 0;
}

const char *mli_opt_text(const mli_mark *mark, const char *name)
{
    const mli_value *v = mli_option(mark, name);
    return v->text < 0 ? "" : mark->texts + v->text;
}

const char *mli_opt_line(const mli_mark *mark, const char *name, int64_t i, char *to, size_t room)
{
    const char *at = mli_opt_text(mark, name), *end = strchr(at, '\n');
    for (; end && i > 0; i--) at = end + 1, end = strchr(at, '\n');
    size_t n = i > 0 ? 0 : end ? (size_t)(end - at) : strlen(at);
    if (n >= room) {
        n = room - 1;
        while (n && ((unsigned char)at[n] & 0xC0) == 0x80) n--;
    }
    memcpy(to, at, n);
    to[n] = '\0';
    return to;
}

bool mli_opt_word(const mli_mark *mark, const char *name, const char *word)
{
    const mli_value *v = mli_option(mark, name);
    if (v->text >= 0) return strcmp(mark->texts + v->text, word) == 0;
    const ml_mark_option *known = &marks[mark->kind].options[v - mark->options];
    size_t                n     = strcspn(known->words, "|");
    return strlen(word) == n && strncmp(known->words, word, n) == 0;
}

bool mli_has_data(const mli_mark *mark)
{
    const ml_mark_slot *known = marks[mark->kind].slots;
    for (int i = 0; known[i].name; i++)
        if (!known[i].optional && !mark->data[i]) return false;
    return true;
}
