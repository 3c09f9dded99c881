/* Values and gradients of every operation against PyTorch's: tests/golden/ops.txt, written by ops.py, which says how to
 * read it. */
#include "samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(golden, .init = begin_test, .fini = end_test);

enum { MAX_INPUTS = 4 };

typedef struct {
    int        id, n_in, n_dx, line;
    _Alignas(16) char opts[ML_OPTS_BYTES];
    ml_tensor *in[MAX_INPUTS], *out, *dy, *dx[MAX_INPUTS];
} golden_case;

/* --- reading ------------------------------------------------------------------------------------------------------ */
/* "(2,-1)" to numbers; returns how many, at most max, and moves behind the list. */
static int read_list(char **text, int64_t *to, int max)
{
    int   n = 0;
    char *p = *text + strspn(*text, " ");
    cr_assert_eq(*p, '(', "a list was expected at '%s'", *text);
    for (p++; *p != ')'; p += *p == ',') {
        char *end;
        cr_assert_lt(n, max);
        to[n++] = strtoll(p, &end, 10);
        cr_assert(end > p, "no number at '%s'", p);
        p = end;
    }
    *text = p + 1;
    return n;
}

static ml_tensor *read_values(char *text, ml_shape shape, ml_dtype dtype)
{
    ml_tensor *t = ml_empty(shape, ML_F64), *out = ml_empty(shape, dtype);
    double    *v = ml_tensor_mutable_data(t);
    for (int64_t i = 0; i < ml_tensor_numel(t); i++) {
        char *end;
        v[i] = strtod(text, &end);
        cr_assert(end > text, "the line ends after %d values", (int)i);
        text = end;
    }
    cr_assert_eq(text[strspn(text, " \n")], '\0', "too many values: '%s'", text);
    cr_assert(ml_copy_into(out, t));
    return out;
}

static ml_tensor *read_tensor(char *text, bool with_dtype)
{
    ml_dtype dtype = ML_F64;
    ml_shape shape = ML_SCALAR;
    if (with_dtype) {
        char *name = strtok(text, " ");
        cr_assert(ml_dtype_parse(name, &dtype), "%s", ml_error_message());
        text = strtok(NULL, "");
    }
    shape.n = read_list(&text, shape.size, ML_MAX_DIMS);
    return read_values(text, shape, dtype);
}

static void set_option(const ml_op_info *info, void *opts, const char *name, char *value)
{
    const ml_field *f = info->fields;
    while (f && f->name && strcmp(f->name, name) != 0) f++;
    cr_assert(f && f->name, "%s has no option '%s'", info->name, name);
    void *at = (char *)opts + f->offset;
    switch (f->kind) {
    case ML_FIELD_DIMS: ((ml_dims *)at)->n = read_list(&value, ((ml_dims *)at)->at, ML_MAX_DIMS); break;
    case ML_FIELD_SHAPE: ((ml_shape *)at)->n = read_list(&value, ((ml_shape *)at)->size, ML_MAX_DIMS); break;
    case ML_FIELD_INTS: ((ml_ints *)at)->n = read_list(&value, ((ml_ints *)at)->at, ML_MAX_INTS); break;
    case ML_FIELD_PAIR: cr_assert_eq(read_list(&value, at, 2), 2); break;
    case ML_FIELD_DIM:
    case ML_FIELD_NEWDIM:
    case ML_FIELD_BASE: *(int *)at = atoi(value); break;
    case ML_FIELD_INT:
    case ML_FIELD_INDEX: *(int64_t *)at = atoll(value); break;
    case ML_FIELD_REAL: *(double *)at = atof(value); break;
    case ML_FIELD_FLAG: *(bool *)at = atoi(value) != 0; break;
    case ML_FIELD_DTYPE: cr_assert(ml_dtype_parse(value, at)); break;
    case ML_FIELD_TEXT: snprintf(at, ML_TEXT_BYTES, "%s", value); break;
    case ML_FIELD_CHOICE:
        *(int *)at = ml_choice_find(f->words, value);
        cr_assert_geq(*(int *)at, 0, "%s is none of %s", value, f->words);
        break;
    }
}

static void read_op(char *text, golden_case *c)
{
    char *rest, *name = strtok_r(text, " \n", &rest);
    c->id = ml_op_find(name);
    cr_assert_geq(c->id, 0, "no operation is called '%s'", name);
    const ml_op_info *info = ml_op_info_at(c->id);
    if (info->opts_bytes) memcpy(c->opts, info->defaults, info->opts_bytes);
    for (char *option; (option = strtok_r(NULL, " \n", &rest));) {
        char *value = strchr(option, '=');
        cr_assert_not_null(value, "'%s' is no option", option);
        *value++ = '\0';
        set_option(info, c->opts, option, value);
    }
}

/* The next case of an operation in the group; false at the end. Tensors belong to the scope around. */
static bool next_case(FILE *f, int *line, const group *g, golden_case *c)
{
    static char text[1 << 16];
    bool ours = false;
    *c = (golden_case){ .id = -1 };
    while (fgets(text, sizeof text, f)) {
        (*line)++;
        if (text[0] == '\n' && ours) return true;
        if (strncmp(text, "op ", 3) == 0) {
            *c = (golden_case){ .id = -1, .line = *line };
            read_op(text + 3, c);
            for (int i = 0; i < g->n; i++) ours |= g->id[i] == c->id;
        }
        if (!ours) continue;
        if (strncmp(text, "in ", 3) == 0) c->in[c->n_in++] = read_tensor(text + 3, true);
        if (strncmp(text, "out ", 4) == 0) c->out = read_tensor(text + 4, true);
        if (strncmp(text, "dy ", 3) == 0) c->dy = read_tensor(text + 3, false);
        if (strncmp(text, "dx ", 3) == 0) {
            char *values;
            int   i = (int)strtol(text + 3, &values, 10);
            cr_assert(i >= 0 && i < c->n_in);
            c->dx[i] = read_values(values, ml_tensor_shape(c->in[i]), ML_F64);
            c->n_dx++;
        }
    }
    cr_assert(!ours, "the file ends within a case");
    return false;
}

/* --- comparing ------------------------------------------------------------------------------------------------------- */
/* Relative to the largest value, also when that is tiny. */
static bool agrees(const ml_tensor *got, const ml_tensor *wanted, double tolerance, const char *what,
                   const golden_case *c)
{
    double *v = values_of(wanted), largest = 0;
    for (int64_t i = 0; i < ml_tensor_numel(wanted); i++) largest = fmax(largest, fabs(v[i]));
    free(v);
    return expect_close(got, wanted, tolerance * fmin(largest, 1), "%s, line %d: %s",
                        ml_op_info_at(c->id)->name, c->line, what);
}

static void compare(const golden_case *c)
{
    const char *name      = ml_op_info_at(c->id)->name;
    double tolerance = ml_tensor_dtype(c->out) == ML_F32 ? 1e-7 : 1e-13; /* relative to the largest value */
    ml_tensor  *wanted[MAX_INPUTS], *grads[MAX_INPUTS];
    int         at[MAX_INPUTS], n = 0;
    for (int i = 0; i < c->n_in; i++) {
        if (!c->dx[i]) continue;
        wanted[n] = ml_requires_grad(c->in[i], true);
        at[n++]   = i;
    }
    ml_tensor *y = ml_op_apply(c->id, c->in, c->n_in, ml_op_info_at(c->id)->opts_bytes ? c->opts : NULL);
    agrees(y, c->out, tolerance, "value", c);
    if (!y || n == 0) return;
    expect(ml_tensor_dtype(y) == ml_tensor_dtype(c->out) || ml_tensor_dtype(c->out) == ML_F64,
           "%s, line %d: %s", name, c->line, ml_dtype_name(ml_tensor_dtype(y)));
    for (int create = 0; create < 2; create++) {
        bool ok = ml_grad(y, wanted, n, grads,
                          &(ml_grad_opts){ .seed = c->dy, .keep_graph = true, .create_graph = create });
        expect(ok, "%s, line %d: gradient", name, c->line);
        for (int k = 0; ok && k < n; k++)
            agrees(grads[k], c->dx[at[k]], tolerance, create ? "recorded gradient" : "gradient", c);
    }
}

static bool any(const ml_op *op, const ml_op_info *info) { (void)op, (void)info; return true; }
ParameterizedTestParameters(golden, operations_agree_with_pytorch) { return groups_where(any); }
ParameterizedTest(group *g, golden, operations_agree_with_pytorch)
{
    FILE       *f = fopen(TESTS_GOLDEN "/ops.txt", "r");
    int         seen[GROUP] = { 0 }, line = 0;
    golden_case c;
    cr_assert_not_null(f, TESTS_GOLDEN "/ops.txt is missing");
    for (;;) {
        ml_scope scope = ml_scope_begin();
        bool     found = next_case(f, &line, g, &c);
        if (found) compare(&c);
        ml_scope_end(&scope);
        if (!found) break;
        for (int i = 0; i < g->n; i++) seen[i] += g->id[i] == c.id;
    }
    fclose(f);
    for (int i = 0; i < g->n; i++)
        expect(seen[i] > 0, "%s has no golden case: add one to tests/golden/ops.py",
               ml_op_info_at(g->id[i])->name);
}
