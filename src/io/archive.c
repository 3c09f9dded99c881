/* What a file holds, or is going to: tensors and notes, each with a name, in an order. */
#include "io/io_impl.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct item {
    char      *name;
    char      *text;   /* of a note */
    ml_tensor *tensor;
} item;

/* Names are found by a hash table with open addressing: a file may have 65,536 of them, in any order. */
typedef struct list {
    item *items;
    int   n, room;
    int  *slots;   /* 1 + position of an item; 0: empty */
    int   n_slots; /* a power of two, at least twice n */
} list;

struct ml_archive {
    list tensors, notes;
};

static char *copy_of(const char *s)
{
    size_t n    = strlen(s) + 1;
    char  *copy = ml_realloc(NULL, 0, n);
    return copy ? memcpy(copy, s, n) : NULL;
}

static void drop_text(char *s)
{
    if (s) ml_realloc(s, strlen(s) + 1, 0);
}

static void drop_list(list *l)
{
    for (int i = 0; i < l->n; i++) {
        drop_text(l->items[i].name);
        drop_text(l->items[i].text);
        ml_release(l->items[i].tensor);
    }
    ml_realloc(l->items, (size_t)l->room * sizeof *l->items, 0);
    ml_realloc(l->slots, (size_t)l->n_slots * sizeof *l->slots, 0);
}

ml_archive *ml_archive_new(void)
{
    ml_archive *a = ml_realloc(NULL, 0, sizeof *a);
    if (a) memset(a, 0, sizeof *a);
    return a;
}

void ml_archive_free(ml_archive *a)
{
    if (!a) return;
    drop_list(&a->tensors);
    drop_list(&a->notes);
    ml_realloc(a, sizeof *a, 0);
}

/* The slot of the name, or the empty one where it would be. There must be an empty one. */
static int *slot_of(const list *l, const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (const char *p = name; *p; p++) hash = (hash ^ (unsigned char)*p) * 16777619u;
    for (int at = (int)(hash & (uint32_t)(l->n_slots - 1));; at = (at + 1) & (l->n_slots - 1))
        if (!l->slots[at] || strcmp(l->items[l->slots[at] - 1].name, name) == 0) return &l->slots[at];
}

static bool make_room(list *l)
{
    if (l->n == l->room) {
        int   room  = l->room ? 2 * l->room : 4;
        item *items = ml_realloc(l->items, (size_t)l->room * sizeof *items, (size_t)room * sizeof *items);
        if (!items) return false;
        l->items = items;
        l->room  = room;
    }
    if (2 * (l->n + 1) <= l->n_slots) return true;
    int  n     = l->n_slots ? 2 * l->n_slots : 8;
    int *slots = ml_realloc(NULL, 0, (size_t)n * sizeof *slots);
    if (!slots) return false;
    ml_realloc(l->slots, (size_t)l->n_slots * sizeof *slots, 0);
    memset(slots, 0, (size_t)n * sizeof *slots);
    l->slots   = slots;
    l->n_slots = n;
    for (int i = 0; i < l->n; i++) *slot_of(l, l->items[i].name) = i + 1;
    return true;
}

static bool add(list *l, const char *what, const char *name, const char *text, ml_tensor *t)
{
    size_t wrong;
    if (!name) return false;
    if (!mli_is_utf8(name, strlen(name), &wrong)) return ml_fail("the name of a %s is not UTF-8 at its byte %zu", what, wrong);
    if (strlen(name) > MLI_LONGEST_NAME) return ml_fail("the name of a %s has %zu bytes; %d are allowed", what, strlen(name), MLI_LONGEST_NAME);
    if (l->n == INT32_MAX / 8) return ml_fail("too many %ss", what);
    if (!make_room(l)) return false;
    int *slot = slot_of(l, name);
    if (*slot) return ml_fail("there are two %ss called '%s'", what, name);
    item it = { copy_of(name), text ? copy_of(text) : NULL, NULL };
    if (!it.name || (text && !it.text)) {
        drop_text(it.name);
        drop_text(it.text);
        return false;
    }
    it.tensor      = ml_retain(t);
    l->items[l->n] = it;
    *slot          = ++l->n;
    return true;
}

bool ml_archive_add(ml_archive *a, const char *name, ml_tensor *t)
{
    return a && t && add(&a->tensors, "tensor", name, NULL, t);
}

bool ml_archive_note(ml_archive *a, const char *name, const char *text)
{
    size_t wrong;
    if (!a || !text) return false;
    if (!mli_is_utf8(text, strlen(text), &wrong)) return ml_fail("the text of a note is not UTF-8 at its byte %zu", wrong);
    return add(&a->notes, "note", name, text, NULL);
}

static const item *at(const list *l, int i)
{
    return i >= 0 && i < l->n ? &l->items[i] : NULL;
}

int         ml_archive_count(const ml_archive *a) { return a ? a->tensors.n : 0; }
int         ml_archive_n_notes(const ml_archive *a) { return a ? a->notes.n : 0; }
const char *ml_archive_name(const ml_archive *a, int i) { return a && at(&a->tensors, i) ? at(&a->tensors, i)->name : NULL; }
ml_tensor  *ml_archive_tensor(const ml_archive *a, int i) { return a && at(&a->tensors, i) ? at(&a->tensors, i)->tensor : NULL; }
const char *ml_archive_note_name(const ml_archive *a, int i) { return a && at(&a->notes, i) ? at(&a->notes, i)->name : NULL; }
const char *ml_archive_note_text(const ml_archive *a, int i) { return a && at(&a->notes, i) ? at(&a->notes, i)->text : NULL; }

ml_tensor *ml_archive_find(const ml_archive *a, const char *name)
{
    if (!a || !name) return NULL;
    const int *slot = a->tensors.n_slots ? slot_of(&a->tensors, name) : NULL;
    if (slot && *slot) return a->tensors.items[*slot - 1].tensor;
    return ml_fail("there is no tensor called '%.200s' among the %d", name, a->tensors.n);
}

/* --- checksum ------------------------------------------------------------------------------------------------------- */
static int by_name(const void *a, const void *b)
{
    return strcmp((*(const item *const *)a)->name, (*(const item *const *)b)->name);
}

/* The items in the order of their names; at least one must be there. */
static const item **sorted(const list *l)
{
    const item **order = ml_realloc(NULL, 0, (size_t)l->n * sizeof *order);
    for (int i = 0; order && i < l->n; i++) order[i] = &l->items[i];
    if (order) qsort(order, (size_t)l->n, sizeof *order, by_name);
    return order;
}

static uint32_t add_text(uint32_t sum, const char *text)
{
    return (uint32_t)crc32(sum, (const unsigned char *)text, (unsigned)strlen(text) + 1); /* with the zero: "ab" "c" is not "a" "bc" */
}

static bool add_item(uint32_t *sum, const item *it, const char *except)
{
    if (!it->tensor) {
        if (!except || strcmp(it->name, except) != 0) *sum = add_text(add_text(*sum, it->name), it->text);
        return true;
    }
    ml_shape shape = ml_tensor_shape(it->tensor);
    *sum = add_text(add_text(add_text(*sum, it->name), ml_dtype_name(ml_tensor_dtype(it->tensor))), ml_shape_text(&shape));
    return mli_crc_values(it->tensor, sum);
}

static bool add_list(uint32_t *sum, const list *l, const char *except)
{
    if (l->n == 0) return true;
    const item **order = sorted(l);
    bool         ok    = order != NULL;
    for (int i = 0; ok && i < l->n; i++) ok = add_item(sum, order[i], except);
    if (order) ml_realloc(order, (size_t)l->n * sizeof *order, 0);
    return ok;
}

bool ml_archive_checksum(const ml_archive *a, const char *except, char digits[16])
{
    uint32_t sum = 0;
    if (!a || !add_list(&sum, &a->tensors, NULL) || !add_list(&sum, &a->notes, except)) return false;
    snprintf(digits, 16, "%08x", (unsigned)sum);
    return true;
}
