/* The values of every operation, by walking the table: one test a property. Derivatives and failures have programs of
 * their own: test_derivatives.c, test_faults.c. */
#include "samples.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

TestSuite(ops, .init = begin_test, .fini = end_test);

static bool any(const ml_op *op, const ml_op_info *info) { (void)op, (void)info; return true; }
static bool pointwise(const ml_op *op, const ml_op_info *info)
{
    (void)info;
    return op->kind == ML_POINTWISE;
}

/* --- the row of the table is whole ----------------------------------------------------------------------------- */
ParameterizedTestParameters(ops, are_declared_whole) { return groups_where(any); }
ParameterizedTest(group *g, ops, are_declared_whole)
{
    trial t;
    FOR_EACH_OP(g, t) {
        const ml_op *op = t.op;
        expect(op->samples && op->samples[0].in[0], "%s has no samples", t.name);
        expect(strlen(ml_op_info_at(t.id)->doc) > 1, "%s has no doc", t.name);
        expect(ml_op_find(t.name) == t.id, "%s is not found by its name", t.name);
        expect(op->forward || op->compose, "%s has no value", t.name);
        expect(op->kind == ML_POINTWISE || op->infer, "%s has no shape rule", t.name);
        bool derivative = op->slope || op->vjp || op->compose;
        expect(derivative != !!(op->flags & ML_NOGRAD), "%s: either a derivative of every order or ML_NOGRAD",
               t.name);
    }
    FOR_EACH_SAMPLE(g, t) {
        int n_in = ml_op_info_at(t.id)->n_in;
        expect(n_in < 0 || t.n_in == n_in, "%s: takes %d inputs", t.label, n_in);
    }
}

Test(ops, unknown_ones_have_no_row)
{
    tally_note("%d operations", ML_OP_COUNT);
    expect(!ml_op_info_at(-1) && !ml_op_info_at(ML_OP_COUNT), "a row outside the table");
    expect(ml_op_find("no_such_operation") == -1, "found what is not there");
    expect(!ml_op_apply(ML_OP_COUNT, NULL, 0, NULL) && ml_failed(), "ran what is not there");
}

/* --- shapes and dtypes ---------------------------------------------------------------------------------------------- */
ParameterizedTestParameters(ops, shape_rule_is_true) { return groups_where(any); }
ParameterizedTest(group *g, ops, shape_rule_is_true)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        for (int d = 0; d < 2; d++) {
            ml_tensor *in[ML_MAX_IN];
            ml_dtype   dtype = d ? ML_F64 : ML_F32;
            trial_inputs(&t, dtype, LAYOUT_CONTIGUOUS, 1, in);
            ml_tensor *y = ml_op_apply(t.id, in, t.n_in, t.opts);
            if (!expect(y, "%s", t.label)) continue;
            ml_call call = { .op    = t.op,
                             .id    = t.id,
                             .n_in  = t.n_in,
                             .in    = in,
                             .opts  = t.opts,
                             .dtype = ml_tensor_dtype(in[t.n_in - 1]) };
            if (t.op->infer) {
                expect(t.op->infer(&call), "%s: shape rule", t.label);
            } else {
                call.shape = t.shape[0];
                for (int i = 1; i < t.n_in; i++)
                    expect(ml_shape_broadcast(&call.shape, &t.shape[i], &call.shape), "%s: sample shapes",
                           t.label);
                if (t.op->flags & ML_TO_BOOL) call.dtype = ML_BOOL;
            }
            ml_shape got = ml_tensor_shape(y);
            expect(ml_shape_equal(&got, &call.shape), "%s: the rule says %s, the result has %s", t.label,
                   ml_shape_text(&call.shape), ml_shape_text(&got));
            expect(ml_tensor_dtype(y) == call.dtype, "%s: the rule says %s, the result is %s", t.label,
                   ml_dtype_name(call.dtype), ml_dtype_name(ml_tensor_dtype(y)));
            bool free_dtype = (t.op->flags & (ML_TO_BOOL | ML_NOGRAD)) || t.id == ML_OP_cast;
            expect(free_dtype || ml_tensor_dtype(y) == dtype, "%s: %s gives %s", t.label,
                   ml_dtype_name(dtype), ml_dtype_name(ml_tensor_dtype(y)));
        }
    }
}

/* Every pair of dtypes: the result has the dtype they meet in, and the value of the same operation in f64. */
static ml_dtype meeting_dtype(const ml_op *op, ml_dtype a, ml_dtype b)
{
    ml_dtype d = ml_dtype_promote(a, b);
    if (op->flags & ML_TO_BOOL) return ML_BOOL;
    if (ml_dtype_is_float(d)) return d;
    return op->flags & ML_FLOAT_ONLY ? ML_F32 : ML_I64;
}

ParameterizedTestParameters(ops, dtypes_meet) { return groups_where(pointwise); }
ParameterizedTest(group *g, ops, dtypes_meet)
{
    static const double values[2][6] = { { 1, 2, 3, 4, 1, 0 },
                                         { 2, 1, 3, 2, 1, 1 } }; /* y is never 0: no integer division by it */
    trial t;
    FOR_EACH_OP(g, t)
    for (int a = 0; a < ML_DTYPE_COUNT; a++) {
        for (int b = 0; b < (t.n_in > 1 ? ML_DTYPE_COUNT : 1); b++) {
            ml_scope   scope = ml_scope_begin();
            ml_dtype   dtype[3] = { (ml_dtype)a, (ml_dtype)b, (ml_dtype)b };
            ml_tensor *in[3], *exact[3];
            for (int i = 0; i < t.n_in; i++) {
                in[i]    = ml_empty(ML_SHAPE(6), dtype[i]);
                exact[i] = ml_empty(ML_SHAPE(6), ML_F64);
                ml_copy_into(in[i], ml_from(ML_SHAPE(6), ML_F64, values[i % 2]));
                ml_copy_into(exact[i], in[i]); /* a bool holds 0 and 1 */
            }
            ml_tensor *y      = ml_op_apply(t.id, in, t.n_in, NULL),
                      *wanted = ml_op_apply(t.id, exact, t.n_in, NULL);
            ml_dtype   meet = meeting_dtype(t.op, dtype[0], dtype[t.n_in - 1]);
            if (expect(y && wanted, "%s of %s and %s", t.name, ml_dtype_name(dtype[0]),
                       ml_dtype_name(dtype[t.n_in - 1]))) {
                expect(ml_tensor_dtype(y) == meet, "%s of %s and %s gives %s, not %s", t.name,
                       ml_dtype_name(dtype[0]), ml_dtype_name(dtype[t.n_in - 1]),
                       ml_dtype_name(ml_tensor_dtype(y)), ml_dtype_name(meet));
                if (meet == ML_I64) wanted = ml_floor(wanted); /* integers divide to the floor */
                expect_close(y, wanted, 1e-6, "%s of %s and %s", t.name, ml_dtype_name(dtype[0]),
                             ml_dtype_name(dtype[t.n_in - 1]));
            }
            ml_scope_end(&scope);
        }
    }
}

Test(ops, a_plain_number_gives_way)
{
    static const struct {
        ml_dtype tensor;
        double   number;
        ml_dtype result;
    } cases[] = {
        { ML_F32, 2, ML_F32 },     { ML_F32, 0.5, ML_F32 }, { ML_F64, 0.5, ML_F64 }, { ML_I64, 2, ML_I64 },
        { ML_I64, 0.5, ML_F32 },   { ML_U8, 2, ML_I64 },    { ML_BOOL, 2, ML_I64 },  { ML_BOOL, 0.5, ML_F32 },
        { ML_I64, 1e300, ML_F32 }, { ML_I64, NAN, ML_F32 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ml_tensor *x = ml_ones(ML_SHAPE(2), cases[i].tensor), *number = ml_number(cases[i].number);
        for (int swap = 0; swap < 2; swap++) {
            ml_tensor *y = swap ? ml_add(number, x) : ml_add(x, number);
            if (!expect(y, "%s + %g", ml_dtype_name(cases[i].tensor), cases[i].number)) continue;
            expect(ml_tensor_dtype(y) == cases[i].result, "%s + %g gives %s", ml_dtype_name(cases[i].tensor),
                   cases[i].number, ml_dtype_name(ml_tensor_dtype(y)));
            double v = ml_tensor_at(y, (int64_t[]){ 1 });
            expect(isnan(v) || v == (double)(float)(cases[i].number + 1) || v == cases[i].number + 1,
                   "1 + %g = %g", cases[i].number, v);
        }
    }
    expect(ml_tensor_dtype(ml_add(ml_number(1), ml_number(2))) == ML_F32, "two plain numbers meet in f32");
}

/* What is not pointwise: float inputs replaced by integers, u8 or bools give what f64 gives, or a message. */
static bool takes_floats(const ml_op *op, const ml_op_info *info)
{
    (void)info;
    return op->kind != ML_POINTWISE;
}
ParameterizedTestParameters(ops, count_integers_or_refuse_them) { return groups_where(takes_floats); }
ParameterizedTest(group *g, ops, count_integers_or_refuse_them)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        for (int d = ML_I64; d < ML_DTYPE_COUNT; d++) {
            ml_tensor *in[ML_MAX_IN], *exact[ML_MAX_IN];
            trial_inputs(&t, ML_F64, LAYOUT_CONTIGUOUS, 12, exact);
            for (int i = 0; i < t.n_in; i++) {
                in[i] = exact[i];
                if (!t.floats[i]) continue;
                in[i]    = ml_empty(t.shape[i], (ml_dtype)d);
                exact[i] = ml_empty(t.shape[i], ML_F64);
                ml_copy_into(in[i], ml_randint(0, 5, t.shape[i], ml_key_of(12, (uint64_t)i)));
                ml_copy_into(exact[i], in[i]);
            }
            ml_tensor *y = ml_op_apply(t.id, in, t.n_in, t.opts);
            if (!y) {
                expect_message(t.name, "%s of %s", t.label, ml_dtype_name((ml_dtype)d));
                continue;
            }
            expect_close(y, ml_op_apply(t.id, exact, t.n_in, t.opts), 1e-6, "%s of %s", t.label,
                         ml_dtype_name((ml_dtype)d));
        }
    }
}

/* --- one precision against the other ---------------------------------------------------------------------------------- */
ParameterizedTestParameters(ops, f32_is_close_to_f64) { return groups_where(any); }
ParameterizedTest(group *g, ops, f32_is_close_to_f64)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        for (uint64_t seed = 1; seed <= 5; seed++) {
            ml_tensor *narrow[ML_MAX_IN], *wide[ML_MAX_IN];
            trial_inputs(&t, ML_F32, LAYOUT_CONTIGUOUS, seed, narrow);
            trial_inputs(&t, ML_F64, LAYOUT_CONTIGUOUS, seed, wide);
            ml_tensor *y = ml_op_apply(t.id, wide, t.n_in, t.opts), *dy = y ? random_like(y, 99) : NULL,
                      *dy32 = NULL;
            if (!expect(y, "%s", t.label)) continue;
            ml_copy_into(
                dy32 = ml_empty(ml_tensor_shape(y), t.id == ML_OP_cast ? ml_tensor_dtype(y) : ML_F32), dy);
            ml_copy_into(dy, dy32); /* the same numbers in both */
            run a = trial_run(&t, narrow, ALL, dy32, false), b = trial_run(&t, wide, ALL, dy, false);
            expect_close(a.y, b.y, 1e-6, "%s: f32", t.label);
            for (int i = 0; i < t.n_in; i++)
                if (b.dx[i]) expect_close(a.dx[i], b.dx[i], 2e-6, "%s: gradient %d in f32", t.label, i);
        }
    }
}

/* --- layouts ------------------------------------------------------------------------------------------------------------- */
ParameterizedTestParameters(ops, layout_does_not_matter) { return groups_where(any); }
ParameterizedTest(group *g, ops, layout_does_not_matter)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        for (int d = 0; d < 2; d++) {
            ml_tensor *plain[ML_MAX_IN], *odd[ML_MAX_IN], *copy[ML_MAX_IN];
            trial_inputs(&t, d ? ML_F64 : ML_F32, LAYOUT_CONTIGUOUS, 2, plain);
            for (int l = LAYOUT_TRANSPOSED; l < LAYOUT_COUNT; l++) {
                for (int which = 0; which < 1 << t.n_in; which++) { /* each input, and all together */
                    for (int i = 0; i < t.n_in; i++) {
                        odd[i]  = which >> i & 1 ? trial_view(&t, i, plain[i], (layout)l) : plain[i];
                        copy[i] = ml_clone(odd[i]);
                    }
                    run a = trial_run(&t, odd, ALL, NULL, false), b = trial_run(&t, copy, ALL, NULL, false);
                    if (!expect(a.ok && b.ok, "%s: %s inputs %x", t.label, layout_name((layout)l), which))
                        continue;
                    expect_same(a.y, b.y, "%s: %s inputs %x", t.label, layout_name((layout)l), which);
                    for (int i = 0; i < t.n_in; i++)
                        if (b.dx[i])
                            expect_same(a.dx[i], b.dx[i], "%s: gradient %d of %s inputs %x", t.label, i,
                                        layout_name((layout)l), which);
                }
                run straight = trial_run(&t, plain, 0, NULL, false);
                ml_tensor *dy       = view_with_layout(random_like(straight.y, 99), (layout)l),
                          *dy_copy  = ml_clone(dy);
                for (int create = 0; create < 2; create++) {
                    run a = trial_run(&t, plain, ALL, dy, create),
                        b = trial_run(&t, plain, ALL, dy_copy, create);
                    for (int i = 0; i < t.n_in; i++)
                        if (b.dx[i])
                            expect_same(a.dx[i], b.dx[i], "%s: gradient %d of a %s dy", t.label, i,
                                        layout_name((layout)l));
                }
            }
        }
    }
}

/* --- broadcasting ---------------------------------------------------------------------------------------------------------- */
static bool broadcasts(const ml_op *op, const ml_op_info *info)
{
    return info->n_in >= 2 && (op->kind == ML_POINTWISE || op == mli_op_at(ML_OP_where));
}

static ml_tensor *stretched(ml_tensor *x, ml_shape to) /* repeated for real, without the operations */
{
    int64_t strides[ML_MAX_DIMS];
    int     missing = to.n - x->shape.n;
    for (int d = 0; d < to.n; d++)
        strides[d] = d < missing || x->shape.size[d - missing] == 1 ? 0 : x->strides[d - missing];
    return ml_clone(mli_view(x, to, strides, x->offset));
}

static ml_tensor *summed(ml_tensor *dx, ml_shape to)
{
    ml_tensor *out = ml_zeros(to, ML_F64);
    double    *sum = ml_tensor_mutable_data(out), *v = values_of(dx);
    int64_t    strides[ML_MAX_DIMS];
    mli_contiguous_strides(&to, strides);
    for (int64_t k = 0; k < ml_tensor_numel(dx); k++) {
        int64_t rest = k, at = 0;
        for (int d = dx->shape.n - 1; d >= 0; d--) {
            int e = d - (dx->shape.n - to.n);
            if (e >= 0 && to.size[e] != 1) at += rest % dx->shape.size[d] * strides[e];
            rest /= dx->shape.size[d];
        }
        sum[at] += v[k];
    }
    free(v);
    return out;
}

ParameterizedTestParameters(ops, shapes_broadcast) { return groups_where(broadcasts); }
ParameterizedTest(group *g, ops, shapes_broadcast)
{
    static const ml_shape shapes[][3] = {
        { { 2, { 2, 3 } }, { 1, { 3 } }, { 2, { 2, 3 } } },
        { { 2, { 2, 1 } }, { 2, { 1, 3 } }, { 2, { 2, 3 } } },
        { { 0, { 0 } }, { 2, { 2, 3 } }, { 0, { 0 } } },
        { { 1, { 3 } }, { 3, { 2, 1, 3 } }, { 2, { 4, 1 } } },
        { { 3, { 4, 1, 1 } }, { 1, { 1 } }, { 3, { 1, 2, 3 } } },
        { { 2, { 0, 3 } }, { 2, { 1, 3 } }, { 0, { 0 } } },
        { { 0, { 0 } }, { 0, { 0 } }, { 0, { 0 } } },
        { { 1, { 1 } }, { 0, { 0 } }, { 1, { 1 } } },
    };
    trial t;
    FOR_EACH_OP(g, t)
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int order = 0; order < 6; order++) { /* the shapes in every order */
            static const int orders[6][3] = { { 0, 1, 2 }, { 1, 0, 2 }, { 2, 1, 0 },
                                              { 0, 2, 1 }, { 1, 2, 0 }, { 2, 0, 1 } };
            if (t.n_in == 2 && order > 1) break;
            ml_scope   scope = ml_scope_begin();
            ml_tensor *in[ML_MAX_IN], *full[ML_MAX_IN];
            ml_shape   out = ML_SCALAR;
            for (int i = 0; i < t.n_in; i++) {
                t.shape[i] = shapes[s][orders[order][i]];
                ml_shape_broadcast(&out, &t.shape[i], &out);
            }
            trial_inputs(&t, ML_F64, LAYOUT_CONTIGUOUS, 4, in);
            for (int i = 0; i < t.n_in; i++) full[i] = stretched(in[i], out);
            snprintf(t.label, sizeof t.label, "%s of %s, %s%s%s", t.name, ml_shape_text(&t.shape[0]),
                     ml_shape_text(&t.shape[1]), t.n_in > 2 ? ", " : "",
                     t.n_in > 2 ? ml_shape_text(&t.shape[2]) : "");
            run a = trial_run(&t, in, ALL, NULL, false), b = trial_run(&t, full, ALL, NULL, false);
            if (expect(a.ok && b.ok, "%s", t.label)) {
                expect_same(a.y, b.y, "%s", t.label);
                for (int i = 0; i < t.n_in; i++)
                    if (b.dx[i])
                        expect_close(a.dx[i], summed(b.dx[i], t.shape[i]), 1e-14, "%s: gradient %d", t.label,
                                     i);
            }
            ml_scope_end(&scope);
        }
    }
}

/* --- nothing, and single numbers --------------------------------------------------------------------------------------------- */
static void expect_sensible(const trial *t, ml_tensor *const in[], bool must_work)
{
    run r = trial_run(t, in, ALL, NULL, false);
    if (!r.y) {
        expect(!must_work, "%s: no result", t->label);
        expect_message(t->name, "%s", t->label);
        return;
    }
    expect(r.ok, "%s: no gradient", t->label);
    for (int i = 0; i < t->n_in; i++) {
        if (!r.dx[i]) continue;
        ml_shape dx = ml_tensor_shape(r.dx[i]);
        expect(ml_shape_equal(&dx, &t->shape[i]), "%s: gradient %d has shape %s", t->label, i,
               ml_shape_text(&dx));
    }
    free(values_of(r.y)); /* reads every value: the sanitizers watch */
}

ParameterizedTestParameters(ops, take_empty_tensors) { return groups_where(any); }
ParameterizedTest(group *g, ops, take_empty_tensors)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        for (int64_t size = 1; size <= 8;
             size++) { /* what has this size has none now, in every input alike */
            trial empty = t;
            bool  found = false;
            for (int i = 0; i < t.n_in; i++)
                for (int d = 0; d < t.shape[i].n; d++)
                    if (t.shape[i].size[d] == size) empty.shape[i].size[d] = 0, found = true;
            if (!found) continue;
            for (int l = 0; l < LAYOUT_COUNT; l++) {
                ml_tensor *in[ML_MAX_IN];
                snprintf(empty.label, sizeof empty.label, "%.80s with 0 for %d, %s", t.label, (int)size,
                         layout_name((layout)l));
                trial_inputs(&empty, ML_F32, (layout)l, 6, in);
                expect_sensible(&empty, in, t.op->kind == ML_POINTWISE && size != 1);
            }
        }
    }
}

ParameterizedTestParameters(ops, take_single_numbers) { return groups_where(any); }
ParameterizedTest(group *g, ops, take_single_numbers)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        for (int which = 1; which < 1 << t.n_in; which++) {
            trial      scalar = t;
            ml_tensor *in[ML_MAX_IN];
            for (int i = 0; i < t.n_in; i++)
                if (which >> i & 1) scalar.shape[i] = ML_SCALAR;
            snprintf(scalar.label, sizeof scalar.label, "%.80s with () for inputs %x", t.label, which);
            trial_inputs(&scalar, ML_F64, LAYOUT_CONTIGUOUS, 6, in);
            expect_sensible(&scalar, in, t.op->kind == ML_POINTWISE);
        }
    }
}

Test(ops, of_nothing_follow_numpy)
{
    ml_tensor *none = ml_zeros(ML_SHAPE(0, 3), ML_F32), *one;
    expect(ml_item(ml_sum(none, NULL)) == 0, "the sum of nothing is 0");
    expect(isnan(ml_item(ml_mean(none, NULL))), "the mean of nothing is NaN");
    expect(ml_item(ml_prod(none, NULL)) == 1, "the product of nothing is 1");
    expect_same(ml_prod(none, &(ml_prod_opts){ .dims = ML_DIMS(0) }), ml_ones(ML_SHAPE(3), ML_F32), "columns of no factors");
    expect_same(ml_sum_dim(none, 0, false), ml_zeros(ML_SHAPE(3), ML_F32), "columns of nothing");
    expect_same(ml_sum_dim(none, 1, true), ml_zeros(ML_SHAPE(0, 1), ML_F32), "no rows");
    expect(!ml_max(none, NULL), "the largest of nothing");
    expect_message("max", "max of nothing");
    expect(!ml_argmin(none, &(ml_argmin_opts){ .dim = 0 }), "the position of nothing");
    expect_message("argmin", "argmin of nothing");
    expect(ml_tensor_numel(ml_max(none, &(ml_max_opts){ .dims = ML_DIMS(1) })) == 0,
           "no rows have no largest values");
    expect_same(ml_matmul(ml_zeros(ML_SHAPE(2, 0), ML_F32), none), ml_zeros(ML_SHAPE(2, 3), ML_F32),
                "a product over nothing is 0");
    expect_same(ml_matmul(none, ml_ones(ML_SHAPE(3, 2), ML_F32)), ml_zeros(ML_SHAPE(0, 2), ML_F32),
                "a product of no rows");
    one = ml_ones(ML_SHAPE(1, 3), ML_F32);
    expect_same(ml_cat((ml_tensor *[]){ none, one }, 2, NULL), one, "nothing before something");
    expect_same(ml_embedding(one, ml_zeros(ML_SHAPE(0), ML_I64), NULL), none, "no ids");
    expect_same(ml_linear(ml_zeros(ML_SHAPE(2, 0), ML_F32), ml_zeros(ML_SHAPE(3, 0), ML_F32),
                          ml_ones(ML_SHAPE(3), ML_F32), NULL),
                ml_ones(ML_SHAPE(2, 3), ML_F32), "a layer of no inputs is its bias");
}

/* --- the two definitions of a fused operation ------------------------------------------------------------------------------------ */
static bool has_both(const ml_op *op, const ml_op_info *info)
{
    (void)info;
    return op->compose && op->forward;
}
ParameterizedTestParameters(ops, compose_is_forward) { return groups_where(has_both); }
ParameterizedTest(group *g, ops, compose_is_forward)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        for (int d = 0; d < 2; d++) {
            ml_tensor *in[ML_MAX_IN];
            trial_inputs(&t, d ? ML_F64 : ML_F32, LAYOUT_CONTIGUOUS, 8, in);
            ml_tensor *y    = ml_op_apply(t.id, in, t.n_in, t.opts);
            ml_call    call = {
                   .op = t.op, .id = t.id, .n_in = t.n_in, .in = in, .opts = t.opts, .dtype = d ? ML_F64 : ML_F32
            };
            expect(t.op->infer(&call), "%s: shape rule", t.label);
            expect_close(t.op->compose(&call), y, d ? 1e-14 : 1e-6, "%s: compose", t.label);
        }
    }
}
