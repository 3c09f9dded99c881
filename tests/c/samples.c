#include "samples.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* --- reading a sample --------------------------------------------------------------------------------------------- */
/* "(2, 3)", "i(4)", "b()", "m(3, 2)", "s(3, 3)" */
static ml_shape parse_spec(const char *spec, char *kind)
{
    ml_shape    s = ML_SCALAR;
    const char *p = spec;
    *kind = isalpha((unsigned char)*p) ? *p++ : 'f';
    cr_assert(*p == '(' && spec[strlen(spec) - 1] == ')' && strchr("fibms", *kind), "'%s' is no sample input",
              spec);
    for (p++; *p != ')';) {
        char *end;
        s.size[s.n++] = strtoll(p, &end, 10);
        cr_assert(end > p && s.n <= ML_MAX_DIMS, "'%s' is no sample input", spec);
        for (p = end; *p == ',' || *p == ' ';) p++;
    }
    return s;
}

void trial_of(int id, const ml_sample *sample, int k, trial *t)
{
    const ml_op_info *info = ml_op_info_at(id);
    *t                     = (trial){ .id     = id,
                                      .name   = info->name,
                                      .op     = mli_op_at(id),
                                      .sample = sample,
                                      .opts   = sample->opts ? sample->opts : info->defaults };
    size_t used = (size_t)snprintf(t->label, sizeof t->label, "%s, sample %d:", t->name, k);
    for (int i = 0; i < ML_MAX_IN && t->sample->in[i]; i++) {
        t->shape[i]  = parse_spec(t->sample->in[i], &t->kind[i]);
        t->floats[i] = strchr("fms", t->kind[i]) != NULL;
        t->n_in      = i + 1;
        used += (size_t)snprintf(t->label + used, sizeof t->label - used, " %s", t->sample->in[i]);
    }
}

bool trial_at(int id, int k, trial *t)
{
    const ml_op *op = mli_op_at(id);
    *t = (trial){ .id = id, .name = ml_op_info_at(id)->name, .op = op };
    for (int i = 0; i <= k; i++)
        if (!op->samples || !op->samples[i].in[0]) return false;
    trial_of(id, &op->samples[k], k, t);
    return true;
}

/* What integers count from: the option of that kind, if there is one. */
static int base_of(const trial *t)
{
    const ml_op_info *info = ml_op_info_at(t->id);
    for (const ml_field *f = info->fields; f && f->name; f++)
        if (f->kind == ML_FIELD_BASE) return *(const int *)(const void *)((const char *)t->opts + f->offset);
    return 0;
}

/* --- values and layouts ---------------------------------------------------------------------------------------------- */
/* Uniform numbers v become matrices whose singular values are far from 0 and from each other; symmetric ones are positive
 * definite too. */
static void make_well_conditioned(float *v, const ml_shape *shape, bool symmetric)
{
    int64_t rows = shape->n > 1 ? shape->size[shape->n - 2] : 1, cols = shape->n > 0 ? shape->size[shape->n - 1] : 1;
    for (int64_t k = 0, n = ml_shape_numel(shape); k < n; k++) {
        int64_t i = k / cols % rows, j = k % cols;
        if (symmetric && j < i && rows == cols) v[k] = v[k - (i - j) * (cols - 1)];
        else v[k] = 0.6f * v[k] - 0.3f + (i == j ? (float)(i + 1) : 0);
    }
}

/* Of the operation's name, so that what is drawn for one does not change when others come (FNV-1a). */
static uint64_t stream_of(const trial *t)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = ml_op_info_at(t->id)->name; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    return hash << 3;
}

/* Uniform numbers v in 0..1 become numbers from low to high, no two of them near each other: what is the largest of some, or in the middle,
 * stays so when one of them moves a little, as difference quotients want. */
static void spread(float *v, int64_t n, double low, double high, ml_key key)
{
    const ml_tensor *order = ml_randperm(n, ml_key_of(key.seed, key.stream ^ 4));
    const int64_t   *place = ml_tensor_data(order);
    for (int64_t k = 0; k < n; k++) v[k] = (float)(low + (high - low) * ((double)place[k] + 0.25 + 0.5 * (double)v[k]) / (double)n);
}

static ml_tensor *make_values(const trial *t, int i, ml_shape shape, ml_dtype dtype, uint64_t seed)
{
    ml_key     key  = ml_key_of(seed, stream_of(t) + (uint64_t)i);
    double     low  = t->sample->low, high = t->sample->high;
    ml_tensor *out;
    if (t->kind[i] == 'i') {
        int64_t n = t->sample->ids;
        return ml_randint(base_of(t), base_of(t) + n, shape, key);
    }
    if (t->kind[i] == 'b') {
        ml_tensor *bits = ml_randint(0, 2, shape, key);
        out = ml_empty(shape, ML_BOOL);
        cr_assert(ml_copy_into(out, bits));
        return out;
    }
    if (low == 0 && high == 0) low = -2, high = 2;
    ml_tensor *u = ml_rand(shape, ML_F32, key);
    float     *v = ml_tensor_mutable_data(u);
    if (t->kind[i] == 'f') spread(v, ml_tensor_numel(u), low, high, key);
    else make_well_conditioned(v, &shape, t->kind[i] == 's');
    out = ml_empty(shape, dtype);
    cr_assert(ml_copy_into(out, u));
    return out;
}

const char *layout_name(layout l)
{
    static const char *const names[LAYOUT_COUNT] = { "contiguous", "transposed", "sliced", "expanded" };
    return names[l];
}

/* Copies values to where a view of a larger or turned tensor sees them in the same order. */
ml_tensor *view_with_layout(ml_tensor *values, layout l)
{
    ml_shape   shape = ml_tensor_shape(values), big = shape;
    int64_t    strides[ML_MAX_DIMS], offset = 0;
    int        last = shape.n - 1;
    ml_tensor *from = values;
    if (l == LAYOUT_TRANSPOSED && shape.n < 2) l = LAYOUT_SLICED;
    if (l == LAYOUT_EXPANDED && (shape.n == 0 || shape.size[0] == 0)) l = LAYOUT_SLICED;
    mli_contiguous_strides(&shape, strides);
    switch (l) {
    case LAYOUT_TRANSPOSED: { /* dimensions in reverse order in memory */
        int64_t step = 1, turned[ML_MAX_DIMS];
        for (int d = 0; d < shape.n; d++) {
            strides[d] = step;
            step *= shape.size[d] ? shape.size[d] : 1;
            big.size[last - d] = shape.size[d];
        }
        for (int d = 0; d < shape.n; d++) { /* the values' own strides, in that order */
            int64_t own[ML_MAX_DIMS];
            mli_contiguous_strides(&shape, own);
            turned[last - d] = own[d];
        }
        from = mli_view(values, big, turned, values->offset);
        break;
    }
    case LAYOUT_SLICED: /* every second element of rows twice as long, from the second on */
        if (shape.n == 0) big = ML_SHAPE(3);
        else big.size[last] = 2 * shape.size[last] + 1;
        mli_contiguous_strides(&big, strides);
        if (shape.n) strides[last] = 2;
        offset = 1;
        from   = NULL;
        break;
    case LAYOUT_EXPANDED: /* the first row, again and again */
        big.size[0] = 1;
        strides[0]  = 0;
        from        = mli_view(values, big, values->strides, values->offset);
        break;
    default: return values;
    }
    ml_tensor *base = from ? ml_clone(from) : ml_zeros(big, ml_tensor_dtype(values));
    ml_tensor *view = base ? mli_view(base, shape, strides, offset) : NULL;
    cr_assert_not_null(view, "%s", ml_error_message());
    if (!from) { /* element by element: nothing else can write through a sliced view */
        size_t  width = ml_dtype_bytes(ml_tensor_dtype(values));
        int64_t n = ml_tensor_numel(values), cols = shape.n ? shape.size[last] : 1,
                row = shape.n ? 2 * cols + 1 : 3;
        for (int64_t k = 0; k < n; k++)
            memcpy((char *)mli_data(base) + (size_t)(k / cols * row + k % cols * 2 + 1) * width,
                   (char *)mli_data(values) + (size_t)k * width, width);
    }
    return view;
}

/* A matrix whose rows all are its first has no inverse: the layout has to be another. */
static layout layout_for(const trial *t, int i, layout l)
{
    bool matrix = t->kind[i] == 'm' || t->kind[i] == 's';
    return matrix && t->shape[i].n == 2 && l == LAYOUT_EXPANDED ? LAYOUT_SLICED : l;
}

ml_tensor *trial_view(const trial *t, int i, ml_tensor *values, layout l)
{
    return view_with_layout(values, layout_for(t, i, l));
}

void trial_inputs(const trial *t, ml_dtype dtype, layout l, uint64_t seed, ml_tensor *in[ML_MAX_IN])
{
    for (int i = 0; i < t->n_in; i++) {
        in[i] = trial_view(t, i, make_values(t, i, t->shape[i], dtype, seed), l);
        cr_assert_not_null(in[i], "%s: %s", t->label, ml_error_message());
    }
}

ml_tensor *random_like(const ml_tensor *t, uint64_t seed)
{
    ml_dtype dtype = ml_dtype_is_float(ml_tensor_dtype(t)) ? ml_tensor_dtype(t) : ML_F64;
    return ml_randn(ml_tensor_shape(t), dtype, ml_key_of(seed, 1234));
}

/* --- running ------------------------------------------------------------------------------------------------------------ */
run trial_run(const trial *t, ml_tensor *const in[], uint32_t needs, ml_tensor *dy, bool create_graph)
{
    run        r = { .ok = true };
    ml_tensor *leaf[ML_MAX_IN] = { NULL }, *wanted[ML_MAX_IN], *grads[ML_MAX_IN];
    int        at[ML_MAX_IN], n_wanted = 0;
    for (int i = 0; i < t->n_in; i++) {
        if (!(leaf[i] = ml_detach(in[i]))) return (run){ .ok = false };
        if (!(needs >> i & 1) || !ml_dtype_is_float(ml_tensor_dtype(in[i]))) continue;
        ml_requires_grad(leaf[i], true);
        at[n_wanted]       = i;
        wanted[n_wanted++] = leaf[i];
    }
    r.y = ml_op_apply(t->id, leaf, t->n_in, t->opts);
    if (!r.y) return (run){ .ok = false };
    if (n_wanted == 0 || (t->op->flags & ML_NOGRAD)) return r;
    if (!dy) dy = random_like(r.y, 99);
    r.ok = dy &&
           ml_grad(r.y, wanted, n_wanted, grads,
                   &(ml_grad_opts){ .seed = dy, .create_graph = create_graph, .keep_graph = create_graph });
    for (int k = 0; r.ok && k < n_wanted; k++) r.dx[at[k]] = grads[k];
    return r;
}

/* --- walking the table ----------------------------------------------------------------------------------------------- */
struct criterion_test_params groups_where(bool (*fits)(const ml_op *op, const ml_op_info *info))
{
    static group groups[16][ML_OP_COUNT]; /* a row a test: Criterion reads them later */
    static int   row;
    cr_assert_lt(row, 16);
    group *g = groups[row++];
    size_t n = 0;
    for (int id = 0; id < ML_OP_COUNT; id++) {
        if (!fits(mli_op_at(id), ml_op_info_at(id))) continue;
        if (n == 0 || g[n - 1].n == GROUP) n++;
        g[n - 1].id[g[n - 1].n++] = id;
    }
    cr_assert_gt(n, 0);
    return cr_make_param_array(group, g, n, NULL);
}

/* A turn ends where the next begins: what it made goes, and a message that nobody asked about. */
static void end_turn(turn *at)
{
    if (at->scope.mark != SIZE_MAX) ml_scope_end(&at->scope);
    ml_error_clear();
}

bool next_sample(turn *at, const group *g, trial *t)
{
    end_turn(at);
    for (at->sample++; at->op < g->n; at->op++, at->sample = 0) {
        if (!trial_at(g->id[at->op], at->sample, t)) continue;
        at->scope = ml_scope_begin();
        return true;
    }
    return false;
}

bool next_op(turn *at, const group *g, trial *t)
{
    end_turn(at);
    if (++at->op >= g->n) return false;
    trial_at(g->id[at->op], 0, t);
    at->scope = ml_scope_begin();
    return true;
}
