/* The table of all operations and the public functions, expanded from op_list.h. A listed operation without a
 * definition does not link; one without a line in the list has no id and cannot be called. */
#include "ops/op.h"

#include <math.h>
#include <string.h>

#define DIMS(f)
#define DIM(f, d)   .f = d,
#define NEWDIM(f, d) .f = d,
#define SHAPE(f)
#define INTS(f)
#define PAIR(f, d)  .f = { d, d },
#define INT(f, d)   .f = d,
#define INDEX(f, d) .f = d,
#define REAL(f, d)  .f = d,
#define FLAG(f, d)  .f = d,
#define CHOICE(f, d, words) .f = d,
#define DTYPE(f)    .f = ML_F32,
#define BASE(f)     .f = 0,
#define TEXT(f)     .f = "",
#define ML_OP(name, n, doc)       extern const ml_op ml_op_##name;
#define ML_OPX(name, n, doc, ...) extern const ml_op ml_op_##name; \
    static const ml_##name##_opts name##_defaults = { __VA_ARGS__ };
#include "moonlab/op_list.h"
#undef ML_OP
#undef ML_OPX
#undef DIMS
#undef DIM
#undef NEWDIM
#undef SHAPE
#undef INTS
#undef PAIR
#undef INT
#undef INDEX
#undef REAL
#undef FLAG
#undef CHOICE
#undef DTYPE
#undef BASE
#undef TEXT

static const ml_op *const table[ML_OP_COUNT] = {
#define ML_OP(name, n, doc)       &ml_op_##name,
#define ML_OPX(name, n, doc, ...) &ml_op_##name,
#include "moonlab/op_list.h"
#undef ML_OP
#undef ML_OPX
};

/* --- descriptions of the options: T is the struct of the operation being expanded -------------------------- */
#define FIELD(f, kind, words) { #f, ML_FIELD_##kind, offsetof(T, f), words },
#define DIMS(f)     FIELD(f, DIMS, NULL)
#define DIM(f, d)   FIELD(f, DIM, NULL)
#define NEWDIM(f, d) FIELD(f, NEWDIM, NULL)
#define INTS(f)     FIELD(f, INTS, NULL)
#define PAIR(f, d)  FIELD(f, PAIR, NULL)
#define SHAPE(f)    FIELD(f, SHAPE, NULL)
#define INT(f, d)   FIELD(f, INT, NULL)
#define INDEX(f, d) FIELD(f, INDEX, NULL)
#define REAL(f, d)  FIELD(f, REAL, NULL)
#define FLAG(f, d)  FIELD(f, FLAG, NULL)
#define CHOICE(f, d, words) FIELD(f, CHOICE, words)
#define DTYPE(f)    FIELD(f, DTYPE, NULL)
#define BASE(f)     FIELD(f, BASE, NULL)
#define TEXT(f)     FIELD(f, TEXT, NULL)
#define ML_OP(name, n, doc)
#define ML_OPX(name, n, doc, ...)                                                              \
    static const ml_field *name##_fields(void)                                                 \
    {                                                                                          \
        typedef ml_##name##_opts T;                                                            \
        static const ml_field fields[] = { __VA_ARGS__ { NULL, ML_FIELD_DIMS, 0, NULL } };     \
        _Static_assert(sizeof(T) <= ML_OPTS_BYTES, "options of " #name " are too large");      \
        return fields;                                                                         \
    }
#include "moonlab/op_list.h"
#undef ML_OP
#undef ML_OPX
#undef DIMS
#undef DIM
#undef NEWDIM
#undef SHAPE
#undef INTS
#undef PAIR
#undef INT
#undef INDEX
#undef REAL
#undef FLAG
#undef CHOICE
#undef DTYPE
#undef BASE
#undef TEXT

/* --- public functions ---------------------------------------------------------------------------------------- */
#define PASS_1 (ml_tensor *[]){ x }, 1
#define PASS_2 (ml_tensor *[]){ x, y }, 2
#define PASS_3 (ml_tensor *[]){ x, y, z }, 3
#define PASS_4 (ml_tensor *[]){ x, y, z, w }, 4
#define PASS_N xs, n
#define ML_OP(name, n, doc)       ml_tensor *ml_##name(ML_IN_##n) { return mli_apply(ML_OP_##name, PASS_##n, NULL); }
#define ML_OPX(name, n, doc, ...) ml_tensor *ml_##name(ML_IN_##n, const ml_##name##_opts *opts) \
    { return mli_apply(ML_OP_##name, PASS_##n, opts ? opts : &name##_defaults); }
#include "moonlab/op_list.h"
#undef ML_OP
#undef ML_OPX

const ml_op *mli_op_at(int id)
{
    return table[id];
}

const ml_op_info *ml_op_info_at(int id)
{
    static ml_op_info infos[ML_OP_COUNT]; /* filled with the same constants whoever comes first */
    if (id < 0 || id >= ML_OP_COUNT) return NULL;
    enum { COUNT_1 = 1, COUNT_2 = 2, COUNT_3 = 3, COUNT_4 = 4, COUNT_N = -1 };
    switch (id) {
#define ML_OP(name, n, doc)       case ML_OP_##name: infos[id] = (ml_op_info){ #name, doc, COUNT_##n, 0, NULL, NULL }; break;
#define ML_OPX(name, n, doc, ...) case ML_OP_##name: infos[id] = (ml_op_info){ #name, doc, COUNT_##n, sizeof(ml_##name##_opts), &name##_defaults, name##_fields() }; break;
#include "moonlab/op_list.h"
#undef ML_OP
#undef ML_OPX
    default: break;
    }
    return &infos[id];
}

int ml_op_find(const char *name)
{
    for (int id = 0; id < ML_OP_COUNT; id++)
        if (strcmp(ml_op_info_at(id)->name, name) == 0) return id;
    return -1;
}

ml_tensor *ml_op_apply(int id, ml_tensor *const *in, int n_in, const void *opts)
{
    const ml_op_info *info = ml_op_info_at(id);
    if (!info) return ml_fail("no operation has the number %d", id);
    if (info->n_in >= 0 && n_in != info->n_in)
        return ml_fail("%s: takes %d tensors, got %d", info->name, info->n_in, n_in);
    return mli_apply(id, in, n_in, opts ? opts : info->defaults);
}

ml_tensor *ml_sum_dim(ml_tensor *x, int dim, bool keepdim)
{
    return ml_sum(x, &(ml_sum_opts){ .dims = ML_DIMS(dim), .keepdim = keepdim });
}

ml_tensor *ml_mT(ml_tensor *x)
{
    return ml_transpose(x, NULL);
}

bool mli_choice(const char *op, const char *field, int choice, int n)
{
    return (choice >= 0 && choice < n) || ml_fail("%s: %s must be 0..%d, got %d", op, field, n - 1, choice);
}

int ml_choice_find(const char *words, const char *word)
{
    size_t n = strlen(word);
    for (int place = 0; words; place++) {
        if (n > 0 && strncmp(words, word, n) == 0 && (words[n] == '|' || !words[n])) return place;
        words = strchr(words, '|');
        if (words) words++;
    }
    return -1;
}
