/* What a file holds, or is going to: tensors and notes, each with a name, in an order. */
#include "io/io_impl.h"

#include <string.h>
#include <zlib.h>

typedef struct item {
    char      *name;
    char      *text;   /* of a note */
    ml_tensor *tensor;
    int        nth;    /* has nothing to do with this one: position of the item that is here in the order of names */
} item;

typedef struct list {
    item *items;
    int   n, room;
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

/* Where the name is in the order, or would be. */
static int place_of(const list *l, const char *name, bool *found)
{
    int low = 0, high = l->n;
    *found = false;
    while (low < high) {
        int middle = (low + high) / 2, order = strcmp(l->items[l->items[middle].nth].name, name);
        if (order == 0) *found = true;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static bool make_room(list *l)
{
    if (l->n < l->room) return true;
    int   room  = l->room ? 2 * l->room : 4;
    item *items = ml_realloc(l->items, (size_t)l->room * sizeof *items, (size_t)room * sizeof *items);
    if (!items) return false;
    l->items = items;
    l->room  = room;
    return true;
}

static bool add(list *l, const char *what, const char *name, const char *text, ml_tensor *t)
{
    size_t wrong;
    bool   found;
    if (!name) return false;
    if (!mli_is_utf8(name, strlen(name), &wrong)) return ml_fail("the name of a %s is not UTF-8 at its byte %zu", what, wrong);
    if (strlen(name) > MLI_LONGEST_NAME) return ml_fail("the name of a %s has %zu bytes; %d are allowed", what, strlen(name), MLI_LONGEST_NAME);
    int at = place_of(l, name, &found);
    if (found) return ml_fail("there are two %ss called '%s'", what, name);
    if (l->n == INT32_MAX / 2) return ml_fail("too many %ss", what);
    if (!make_room(l)) return false;
    item it = { copy_of(name), text ? copy_of(text) : NULL, NULL, 0 };
    if (!it.name || (text && !it.text)) {
        drop_text(it.name);
        drop_text(it.text);
        return false;
    }
    it.tensor      = ml_retain(t);
    l->items[l->n] = it;
    for (int i = l->n; i > at; i--) l->items[i].nth = l->items[i - 1].nth;
    l->items[at].nth = l->n++;
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
    bool found;
    if (!a || !name) return NULL;
    int i = place_of(&a->tensors, name, &found);
    if (!found) return ml_fail("there is no tensor called '%.200s' among the %d", name, a->tensors.n);
    return a->tensors.items[a->tensors.items[i].nth].tensor;
}

static uint32_t add_text(uint32_t sum, const char *text)
{
    return (uint32_t)crc32(sum, (const unsigned char *)text, (unsigned)strlen(text) + 1); /* with the zero: "ab" "c" is not "a" "bc" */
}

bool ml_archive_checksum(const ml_archive *a, const char *except, char digits[16])
{
    uint32_t sum = 0;
    if (!a) return false;
    for (int i = 0; i < a->tensors.n; i++) {
        const item *it    = &a->tensors.items[a->tensors.items[i].nth];
        ml_shape    shape = ml_tensor_shape(it->tensor);
        sum = add_text(add_text(add_text(sum, it->name), ml_dtype_name(ml_tensor_dtype(it->tensor))), ml_shape_text(&shape));
        if (!mli_crc_values(it->tensor, &sum)) return false;
    }
    for (int i = 0; i < a->notes.n; i++) {
        const item *it = &a->notes.items[a->notes.items[i].nth];
        if (!except || strcmp(it->name, except) != 0) sum = add_text(add_text(sum, it->name), it->text);
    }
    snprintf(digits, 16, "%08x", (unsigned)sum);
    return true;
}
