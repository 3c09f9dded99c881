/* Derivatives of every operation, by walking the table: against central differences along random directions, to the order
 * that each sample allows; every subset of inputs; recorded against direct rules; the ways of asking for them. */
#include "samples.h"

#include <math.h>
#include <stdlib.h>

TestSuite(derivatives, .init = begin_test, .fini = end_test);

static bool has_derivative(const ml_op *op, const ml_op_info *info)
{
    (void)info;
    return !(op->flags & ML_NOGRAD);
}

/* The operation as a function at level 0: its float inputs to its output. At level n: the gradient of sum_j <y_j, s_j>
 * over all outputs y_j of level n - 1, with respect to its inputs, as a function of these inputs and of the s_j. So a
 * first-order check at level n is a check of derivatives of order n + 1, in the way of HIPS autograd. */
enum { MAX_LEVEL = 2, MAX_ARGS = 16 };

typedef struct {
    int n_in, n_out;
} arity;

static arity arity_at(const trial *t, int level)
{
    arity a = { 0, 1 };
    for (int i = 0; i < t->n_in; i++) a.n_in += t->floats[i];
    for (; level > 0; level--) a = (arity){ a.n_in + a.n_out, a.n_in };
    return a;
}

/* sum_j <y_j, s_j>, recorded */
static ml_tensor *projection(ml_tensor *const y[], ml_tensor *const s[], int n)
{
    ml_tensor *total = NULL;
    for (int j = 0; j < n; j++) {
        ml_tensor *term = ml_sum(ml_mul(y[j], s[j]), NULL);
        total = j == 0 ? term : ml_add(total, term);
    }
    return total;
}

static bool evaluate(const trial *t, ml_tensor *const fixed[], int level, ml_tensor *const x[],
                     ml_tensor *y[])
{
    if (level == 0) {
        ml_tensor *in[ML_MAX_IN];
        for (int i = 0, k = 0; i < t->n_in; i++) { /* results, not leaves: these keep values that no rule saved */
            in[i] = fixed[i];
            if (t->floats[i] && !(in[i] = ml_neg(ml_neg(x[k++])))) return false;
        }
        y[0] = ml_op_apply(t->id, in, t->n_in, t->opts);
        return y[0] != NULL;
    }
    arity      below = arity_at(t, level - 1);
    ml_tensor *inner[MAX_ARGS], *s;
    if (!evaluate(t, fixed, level - 1, x, inner) || !(s = projection(inner, x + below.n_in, below.n_out)))
        return false;
    return ml_grad(s, x, below.n_in, y, &(ml_grad_opts){ .create_graph = true });
}

static double inner_product(const ml_tensor *a, const ml_tensor *b)
{
    double *x = values_of(a), *y = values_of(b), sum = 0;
    for (int64_t i = 0; i < ml_tensor_numel(a); i++) sum += x[i] * y[i];
    free(x);
    free(y);
    return sum;
}

/* The projected value at x + h v. */
static bool value_at(const trial *t, ml_tensor *const fixed[], int level, ml_tensor *const x[],
                     ml_tensor *const v[], double h, ml_tensor *const u[], double *value)
{
    arity      a = arity_at(t, level);
    ml_tensor *moved[MAX_ARGS], *y[MAX_ARGS];
    ml_scope   scope = ml_scope_begin();
    for (int i = 0; i < a.n_in; i++) {
        moved[i] = ml_clone(x[i]);
        double *p = ml_tensor_mutable_data(moved[i]), *d = values_of(v[i]);
        for (int64_t k = 0; k < ml_tensor_numel(moved[i]); k++) p[k] += h * d[k];
        free(d);
        ml_requires_grad(moved[i], true);
    }
    bool ok = evaluate(t, fixed, level, moved, y);
    *value  = 0;
    for (int j = 0; ok && j < a.n_out; j++) *value += inner_product(y[j], u[j]);
    ml_scope_end(&scope);
    return ok;
}

/* The derivative along v by central differences at h and h / 2, extrapolated: the error is of order h^4. */
static bool difference_quotient(const trial *t, ml_tensor *const fixed[], int level, ml_tensor *const x[],
                                ml_tensor *const v[], ml_tensor *const u[], double *slope)
{
    const double h = 2e-4;
    double       d[2];
    for (int k = 0; k < 2; k++) {
        double step = h / (1 + k), right, left;
        if (!value_at(t, fixed, level, x, v, step, u, &right) ||
            !value_at(t, fixed, level, x, v, -step, u, &left))
            return false;
        d[k] = (right - left) / (2 * step);
    }
    *slope = (4 * d[1] - d[0]) / 3;
    return true;
}

static bool check_level(const trial *t, int level)
{
    arity      a = arity_at(t, level);
    ml_tensor *fixed[ML_MAX_IN], *x[MAX_ARGS], *v[MAX_ARGS], *u[MAX_ARGS], *y[MAX_ARGS], *g[MAX_ARGS];
    int        n = 0;
    trial_inputs(t, ML_F64, LAYOUT_CONTIGUOUS, 7, fixed);
    for (int i = 0; i < t->n_in; i++)
        if (t->floats[i]) x[n++] = ml_requires_grad(fixed[i], true);
    for (int l = 0; l < level; l++) { /* the s_j of each level have the shapes of its outputs */
        if (!expect(evaluate(t, fixed, l, x, y), "%s: order %d", t->label, l)) return false;
        for (int j = 0; j < arity_at(t, l).n_out; j++, n++)
            x[n] = ml_requires_grad(random_like(y[j], 20 + (uint64_t)(8 * l + j)), true);
    }
    cr_assert_eq(n, a.n_in);
    for (int i = 0; i < n; i++) v[i] = random_like(x[i], 40 + (uint64_t)i);
    if (!expect(evaluate(t, fixed, level, x, y), "%s: order %d", t->label, level)) return false;
    for (int j = 0; j < a.n_out; j++) u[j] = random_like(y[j], 60 + (uint64_t)j);
    ml_tensor *s = projection(y, u, a.n_out);
    if (!expect(s && ml_grad(s, x, n, g, NULL), "%s: order %d", t->label, level + 1)) return false;
    double by_rule = 0, by_difference = 0;
    for (int i = 0; i < n; i++) by_rule += inner_product(g[i], v[i]);
    if (!expect(difference_quotient(t, fixed, level, x, v, u, &by_difference), "%s: order %d, moved",
                t->label, level + 1))
        return false;
    double size = fabs(by_rule) + fabs(by_difference) + 1;
    return expect(fabs(by_rule - by_difference) <= 2e-8 * size,
                  "%s: the derivative of order %d along a direction is %.12g, by differences %.12g", t->label,
                  level + 1, by_rule, by_difference);
}

static int order_of(const trial *t)
{
    bool smooth_unary = t->op->kind == ML_POINTWISE && t->n_in == 1 && t->op->slope;
    if (t->sample->order == 0) return smooth_unary ? 3 : 2;
    return t->sample->order;
}

ParameterizedTestParameters(derivatives, agree_with_differences) { return groups_where(has_derivative); }
ParameterizedTest(group *g, derivatives, agree_with_differences)
{
    trial t;
    int   n_checked[GROUP] = { 0 };
    FOR_EACH_SAMPLE(g, t) {
        if (order_of(&t) < 2) {
            expect(t.sample->why, "%s: order %d needs a reason (.why)", t.label, t.sample->order);
            tally_note("%s: derivatives up to order %d: %s", t.label, order_of(&t) < 0 ? 0 : order_of(&t),
                       t.sample->why ? t.sample->why : "?");
        }
        for (int level = 0; level < order_of(&t); level++) n_checked[at.op] += check_level(&t, level);
    }
    for (int i = 0; i < g->n; i++)
        expect(n_checked[i] > 0, "%s: no sample allows a derivative", ml_op_info_at(g->id[i])->name);
}

/* Asking for some gradients gives the same as asking for all, and none that nobody asked for. */
ParameterizedTestParameters(derivatives, of_every_subset) { return groups_where(has_derivative); }
ParameterizedTest(group *g, derivatives, of_every_subset)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        ml_tensor *in[ML_MAX_IN];
        trial_inputs(&t, ML_F64, LAYOUT_CONTIGUOUS, 3, in);
        for (int create = 0; create < 2; create++) {
            run all = trial_run(&t, in, ALL, NULL, create);
            if (!expect(all.ok, "%s: all gradients", t.label)) continue;
            for (uint32_t needs = 0; needs < 1u << t.n_in; needs++) {
                run some = trial_run(&t, in, needs, NULL, create);
                if (!expect(some.ok, "%s: gradients %x", t.label, needs)) continue;
                expect_same(some.y, all.y, "%s: the value with gradients %x", t.label, needs);
                for (int i = 0; i < t.n_in; i++) {
                    if (needs >> i & 1 && t.floats[i])
                        expect_same(some.dx[i], all.dx[i], "%s: gradient %d of %x", t.label, i, needs);
                    else expect(!some.dx[i], "%s: gradient %d of %x was not asked for", t.label, i, needs);
                }
            }
        }
    }
}

/* vjp_direct, the fast rule of the first order, against the recorded rule or compose, which have all orders. */
ParameterizedTestParameters(derivatives, direct_and_recorded_agree) { return groups_where(has_derivative); }
ParameterizedTest(group *g, derivatives, direct_and_recorded_agree)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        for (int d = 0; d < 2; d++) {
            ml_tensor *in[ML_MAX_IN];
            trial_inputs(&t, d ? ML_F64 : ML_F32, LAYOUT_CONTIGUOUS, 5, in);
            run direct = trial_run(&t, in, ALL, NULL, false), recorded = trial_run(&t, in, ALL, NULL, true);
            for (int i = 0; i < t.n_in; i++)
                if (t.floats[i])
                    expect_close(direct.dx[i], recorded.dx[i], d ? 1e-14 : 2e-6, "%s: gradient %d", t.label,
                                 i);
        }
    }
}

/* ml_backward leaves in each leaf what ml_grad returns, adds up on a second call, and leaves others alone. */
ParameterizedTestParameters(derivatives, by_backward_and_by_grad) { return groups_where(has_derivative); }
ParameterizedTest(group *g, derivatives, by_backward_and_by_grad)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        ml_tensor *in[ML_MAX_IN];
        trial_inputs(&t, ML_F64, LAYOUT_CONTIGUOUS, 11, in);
        run asked = trial_run(&t, in, ALL, NULL, false);
        for (int i = 0; i < t.n_in; i++)
            if (t.floats[i]) ml_requires_grad(in[i], true);
        ml_tensor *y = ml_op_apply(t.id, in, t.n_in, t.opts), *dy = random_like(y, 99);
        expect(ml_backward(y, &(ml_grad_opts){ .seed = dy, .keep_graph = true }), "%s: backward", t.label);
        for (int i = 0; i < t.n_in; i++) {
            if (t.floats[i])
                expect_same(ml_tensor_grad(in[i]), asked.dx[i], "%s: gradient %d left by backward", t.label,
                            i);
            else expect(!ml_tensor_grad(in[i]), "%s: input %d has no derivative", t.label, i);
        }
        expect(ml_backward(y, &(ml_grad_opts){ .seed = dy }), "%s: backward again", t.label);
        for (int i = 0; i < t.n_in; i++) {
            if (!t.floats[i]) continue;
            ml_tensor *twice = ml_clone(asked.dx[i]);
            double    *p     = ml_tensor_mutable_data(twice);
            for (int64_t k = 0; k < ml_tensor_numel(twice); k++) p[k] *= 2;
            expect_close(ml_tensor_grad(in[i]), twice, 1e-15, "%s: gradient %d after two calls", t.label, i);
        }
    }
}

/* What says ML_NOGRAD is a constant: its result is not recorded. */
static bool has_none(const ml_op *op, const ml_op_info *info) { (void)info; return op->flags & ML_NOGRAD; }
ParameterizedTestParameters(derivatives, constants_are_not_recorded) { return groups_where(has_none); }
ParameterizedTest(group *g, derivatives, constants_are_not_recorded)
{
    trial t;
    FOR_EACH_SAMPLE(g, t) {
        ml_tensor *in[ML_MAX_IN];
        trial_inputs(&t, ML_F64, LAYOUT_CONTIGUOUS, 3, in);
        for (int i = 0; i < t.n_in; i++)
            if (t.floats[i]) ml_requires_grad(in[i], true);
        ml_tensor *y = ml_op_apply(t.id, in, t.n_in, t.opts);
        expect(y && !ml_tensor_requires_grad(y), "%s: is recorded", t.label);
    }
}

/* Where a rule meets 0 * inf, or a corner: the first and second derivative of x^y by x are finite there all the same. */
Test(derivatives, of_powers_at_zero_are_finite)
{
    static const struct {
        double x, y, first, second;
    } at[] = { { 0, 0, 0, 0 }, { 0, 1, 1, 0 }, { 0, 2, 0, 2 }, { 0, 3, 0, 0 }, { 2, 0, 0, 0 }, { -2, 2, -4, 2 } };
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        ml_tensor *x = ml_requires_grad(ml_scalar(at[i].x, ML_F64), true), *g, *gg;
        bool ok = ml_grad(ml_pow(x, ml_scalar(at[i].y, ML_F64)), &x, 1, &g, &(ml_grad_opts){ .create_graph = true }) &&
                  ml_grad(g, &x, 1, &gg, NULL);
        expect(ok, "%g ^ %g: %s", at[i].x, at[i].y, ml_error_message());
        if (ok)
            expect(ml_item(g) == at[i].first && ml_item(gg) == at[i].second, "%g ^ %g: derivatives %g and %g, not %g and %g", at[i].x,
                   at[i].y, ml_item(g), ml_item(gg), at[i].first, at[i].second);
    }
}

/* d^2 x^y / dx dy = x^(y-1) (1 + y log x), which is 1 / x at y = 0. */
Test(derivatives, of_powers_mix_at_exponent_zero)
{
    ml_tensor *x = ml_requires_grad(ml_scalar(2, ML_F64), true), *y = ml_requires_grad(ml_scalar(0, ML_F64), true), *g, *mixed;
    bool ok = ml_grad(ml_pow(x, y), &x, 1, &g, &(ml_grad_opts){ .create_graph = true }) && ml_grad(g, &y, 1, &mixed, NULL);
    expect(ok && ml_item(mixed) == 0.5, "the mixed derivative of 2^0 is %g, not 0.5", ok ? ml_item(mixed) : NAN);
}
