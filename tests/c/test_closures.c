/* Optimizers that compute the loss themselves: LBFGS, gradient flow, SAM. Their trajectories are in test_optim.c. */
#include "checks.h"
#include "moonlab/optim.h"
#include "moonlab/transform.h"

#include <math.h>

TestSuite(closures, .init = begin_test, .fini = end_test, .timeout = 60);

/* --- losses ---------------------------------------------------------------------------------------------------------- */
typedef struct {
    ml_tensor *w, *h; /* parameter; curvatures of the quadratic */
    int        calls, fail_at, nan_from; /* 0: never */
    double     wall;  /* beyond it in any direction the loss is no number; 0: nowhere */
} problem;

static ml_tensor *spoiled(problem *p, ml_tensor *loss)
{
    p->calls++;
    if (p->fail_at && p->calls == p->fail_at) return ml_fail("the loss of call %d is refused", p->calls);
    if (p->nan_from && p->calls >= p->nan_from) return ml_mul(loss, ml_number(NAN));
    return loss;
}

static ml_tensor *quadratic(void *ctx) /* w' H w / 2, H diagonal */
{
    problem *p = ctx;
    return spoiled(p, ml_mul(ml_sum(ml_mul(p->h, ml_square(p->w)), NULL), ml_number(0.5)));
}

static ml_tensor *element(ml_tensor *w, int64_t i) { return ml_slice(w, &(ml_slice_opts){ 0, i, i + 1, 1 }); }

static ml_tensor *rosenbrock(void *ctx) /* of n = 2 k numbers: minimum 0 at (1, ..., 1), along a bent valley */
{
    problem   *p = ctx;
    ml_tensor *loss = ml_number(0);
    for (int64_t i = 0; i + 1 < ml_tensor_numel(p->w); i += 2) {
        ml_tensor *a = element(p->w, i), *b = element(p->w, i + 1);
        loss = ml_add(loss, ml_sum(ml_add(ml_square(ml_sub(ml_number(1), a)), ml_mul(ml_number(100), ml_square(ml_sub(b, ml_square(a))))), NULL));
    }
    return spoiled(p, loss);
}

static ml_tensor *walled(void *ctx) /* -log(wall - w) - w: its minimum is wall - 1, behind the wall it is no number */
{
    problem *p = ctx;
    return spoiled(p, ml_sum(ml_sub(ml_neg(ml_log(ml_sub(ml_number(p->wall), p->w))), p->w), NULL));
}

static ml_tensor *leaf_of(int64_t n, const double *values, ml_dtype dtype)
{
    return ml_requires_grad(ml_clone(ml_cast(ml_from(ML_SHAPE(n), ML_F64, values), &(ml_cast_opts){ dtype })), true);
}

static double at(const ml_tensor *w, int64_t i) { return ml_tensor_at(w, &i); }

/* --- LBFGS -------------------------------------------------------------------------------------------------------------- */
Test(closures, lbfgs_finds_the_end_of_rosenbrocks_valley)
{
    ml_scope scope = ml_scope_begin();
    for (int dtype = 0; dtype < 2; dtype++) {
        double  start[6] = { -1.2, 1, -1.2, 1, 2, -3 };
        problem p        = { .w = leaf_of(6, start, dtype ? ML_F32 : ML_F64) };
        ml_lbfgs_opts o  = ml_lbfgs_defaults();
        o.max_iter = 100;
        ml_optim *opt = ml_lbfgs(&p.w, 1, &o);
        for (int call = 0; call < 4; call++) cr_assert(ml_optim_minimize_fn(opt, rosenbrock, &p, NULL), "%s", ml_error_message());
        for (int i = 0; i < 6; i++) expect(fabs(at(p.w, i) - 1) < (dtype ? 2e-3 : 1e-5), "element %d is %.9g after %d losses", i, at(p.w, i), p.calls);
        expect(p.calls < 150, "%d losses", p.calls);
        /* plain descent is nowhere near with as many */
        problem   q   = { .w = leaf_of(6, start, ML_F64) };
        ml_optim *sgd = ml_sgd(&q.w, 1, &(ml_sgd_opts){ .lr = 1e-3 });
        while (q.calls < p.calls) cr_assert(ml_optim_minimize_fn(sgd, rosenbrock, &q, NULL));
        expect(fabs(at(q.w, 0) - 1) > 0.1, "descent came as far");
        ml_optim_release(opt);
        ml_optim_release(sgd);
    }
    ml_scope_end(&scope);
}

Test(closures, lbfgs_solves_a_quadratic_in_about_as_many_lines_as_it_has_curvatures)
{
    ml_scope scope = ml_scope_begin();
    double   start[4] = { 1, -2, 3, 0.5 }, h[4] = { 1, 10, 100, 1000 };
    problem  p = { .w = leaf_of(4, start, ML_F64), .h = ml_from(ML_SHAPE(4), ML_F64, h) };
    ml_lbfgs_opts o = ml_lbfgs_defaults();
    o.tolerance_grad = 1e-9, o.tolerance_change = 0, o.max_iter = 40;
    ml_optim *opt = ml_lbfgs(&p.w, 1, &o);
    double    first;
    cr_assert(ml_optim_minimize_fn(opt, quadratic, &p, &first), "%s", ml_error_message());
    cr_expect_float_eq(first, 0.5 * (1 + 40 + 900 + 250), 1e-9);
    for (int i = 0; i < 4; i++) expect(fabs(at(p.w, i)) < 1e-9, "element %d is %g", i, at(p.w, i));
    int calls = p.calls;
    cr_assert(ml_optim_minimize_fn(opt, quadratic, &p, NULL)); /* there already: one look */
    cr_expect_eq(p.calls, calls + 1);
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

Test(closures, a_line_search_turns_back_from_where_the_loss_is_no_number)
{
    ml_scope scope = ml_scope_begin();
    problem  p = { .w = leaf_of(1, (double[]){ 0 }, ML_F64), .wall = 2.5 };
    ml_lbfgs_opts o = ml_lbfgs_defaults();
    o.lr = 100; /* the first try is far behind the wall */
    ml_optim *opt = ml_lbfgs(&p.w, 1, &o);
    cr_assert(ml_optim_minimize_fn(opt, walled, &p, NULL), "%s", ml_error_message());
    cr_expect_float_eq(at(p.w, 0), 1.5, 1e-6);
    ml_optim_release(opt);

    p = (problem){ .w = leaf_of(1, (double[]){ 0 }, ML_F64), .wall = 2.5, .nan_from = 2 };
    opt = ml_lbfgs(&p.w, 1, NULL);
    expect_fails(ml_optim_minimize_fn(opt, walled, &p, NULL), "LBFGS: the loss is no number at any of");
    cr_expect_eq(at(p.w, 0), 0, "the parameters are back");
    cr_expect_eq(ml_optim_steps(opt), 0);
    p.nan_from = 1;
    expect_fails(ml_optim_minimize_fn(opt, walled, &p, NULL), "LBFGS: the loss where the step begins is nan");
    p.nan_from = 0;
    cr_assert(ml_optim_minimize_fn(opt, walled, &p, NULL), "it goes on: %s", ml_error_message());
    cr_expect_float_eq(at(p.w, 0), 1.5, 1e-5);
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

/* --- gradient flow ------------------------------------------------------------------------------------------------------ */
Test(closures, gradient_flow_on_a_quadratic_is_the_exponential)
{
    ml_scope scope    = ml_scope_begin();
    double   start[4] = { 1, -2, 3, 0.5 }, h[4] = { 0.1, 1, 10, 100 };
    for (int fixed = 0; fixed < 2; fixed++) {
        problem      p = { .w = leaf_of(4, start, ML_F64), .h = ml_from(ML_SHAPE(4), ML_F64, h) };
        ml_flow_opts o = { .span = fixed ? 0.25 : 0, .rtol = 1e-8, .atol = 1e-10, .max_evals = 100000 };
        ml_optim    *opt = ml_gradient_flow(&p.w, 1, &o);
        for (int call = 0; call < 12; call++) {
            cr_assert(ml_optim_minimize_fn(opt, quadratic, &p, NULL), "%s", ml_error_message());
            double t = ml_optim_time(opt);
            if (fixed) cr_expect_float_eq(t, 0.25 * (call + 1), 1e-12);
            for (int i = 0; i < 4; i++) {
                double want = start[i] * exp(-t * h[i]);
                expect(fabs(at(p.w, i) - want) < 3e-8 * fmax(1, fabs(want)), "time %g, element %d: %.12g, not %.12g", t, i, at(p.w, i), want);
            }
        }
        expect(ml_optim_time(opt) > 0.01, "time %g", ml_optim_time(opt));
        ml_optim_release(opt);
    }
    ml_scope_end(&scope);
}

/* A tenth of the tolerance gives less error and costs more: the error is what decides. */
Test(closures, gradient_flow_keeps_to_its_tolerance)
{
    ml_scope scope = ml_scope_begin();
    double   start[2] = { 1, 1 }, h[2] = { 1, 7 }, error[3];
    int      calls[3];
    for (int k = 0; k < 3; k++) {
        problem      p = { .w = leaf_of(2, start, ML_F64), .h = ml_from(ML_SHAPE(2), ML_F64, h) };
        ml_flow_opts o = { .span = 2, .rtol = pow(10, -3 - 2 * k), .atol = pow(10, -5 - 2 * k), .max_evals = 100000 };
        ml_optim    *opt = ml_gradient_flow(&p.w, 1, &o);
        cr_assert(ml_optim_minimize_fn(opt, quadratic, &p, NULL), "%s", ml_error_message());
        error[k] = fabs(at(p.w, 0) - exp(-2));
        calls[k] = p.calls;
        ml_optim_release(opt);
    }
    expect(error[0] > 3 * error[1] && error[1] > 3 * error[2], "errors %g, %g, %g", error[0], error[1], error[2]);
    expect(calls[0] < calls[1] && calls[1] < calls[2], "losses %d, %d, %d", calls[0], calls[1], calls[2]);
    ml_scope_end(&scope);
}

Test(closures, gradient_flow_says_when_it_cannot_go_on)
{
    ml_scope  scope = ml_scope_begin();
    problem   p = { .w = leaf_of(1, (double[]){ 1 }, ML_F64), .h = ml_from(ML_SHAPE(1), ML_F64, (double[]){ 1e6 }) };
    ml_optim *opt = ml_gradient_flow(&p.w, 1, &(ml_flow_opts){ .span = 1, .rtol = 1e-6, .atol = 1e-9, .max_evals = 50 });
    expect_fails(ml_optim_minimize_fn(opt, quadratic, &p, NULL), "GradientFlow: ");
    cr_expect(at(p.w, 0) == 1 && ml_optim_time(opt) == 0, "back where it began");
    p.nan_from = p.calls + 1;
    expect_fails(ml_optim_minimize_fn(opt, quadratic, &p, NULL), "GradientFlow: the loss at time 0 is nan");
    ml_optim_release(opt);
    p = (problem){ .w = leaf_of(1, (double[]){ 1 }, ML_F64), .h = ml_from(ML_SHAPE(1), ML_F64, (double[]){ 1 }), .nan_from = 2 };
    opt = ml_gradient_flow(&p.w, 1, NULL);
    expect_fails(ml_optim_minimize_fn(opt, quadratic, &p, NULL), "GradientFlow: no step from time 0 is short enough");
    cr_expect(at(p.w, 0) == 1);
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

/* --- SAM ------------------------------------------------------------------------------------------------------------------ */
Test(closures, sam_takes_the_gradient_a_radius_up)
{
    ml_scope  scope = ml_scope_begin();
    problem   p = { .w = leaf_of(2, (double[]){ 3, 4 }, ML_F64), .h = ml_from(ML_SHAPE(2), ML_F64, (double[]){ 1, 1 }) };
    ml_optim *opt = ml_sgd(&p.w, 1, &(ml_sgd_opts){ .lr = 0.1 });
    cr_assert(ml_optim_set_sam(opt, &(ml_sam_opts){ .rho = 0.5 }));
    double first;
    cr_assert(ml_optim_minimize_fn(opt, quadratic, &p, &first), "%s", ml_error_message());
    cr_expect_float_eq(first, 12.5, 1e-12);
    cr_expect_eq(p.calls, 2);
    cr_expect_float_eq(at(p.w, 0), 3 - 0.1 * (3 + 0.5 * 0.6), 1e-12); /* w + rho w / |w| is where it is taken */
    cr_expect_float_eq(at(p.w, 1), 4 - 0.1 * (4 + 0.5 * 0.8), 1e-12);
    expect_fails(ml_optim_minimize(opt, quadratic(&p)), "SGD with SAM: computes the loss more than once a step: give minimize a function");
    expect_fails(ml_optim_step(opt), "SGD with SAM: computes the loss");
    p.fail_at = p.calls + 2;
    double was = at(p.w, 0);
    expect_fails(ml_optim_minimize_fn(opt, quadratic, &p, NULL), "is refused");
    cr_expect_eq(at(p.w, 0), was, "to the bit where it was");
    cr_assert(ml_optim_set_sam(opt, &(ml_sam_opts){ .rho = 0 }) && ml_optim_minimize(opt, quadratic(&p)));
    expect_fails(ml_optim_set_sam(opt, &(ml_sam_opts){ .rho = -1 }), "SAM: rho must be a finite number, 0 or more, got -1");
    ml_optim *flow = ml_gradient_flow(&p.w, 1, NULL);
    expect_fails(ml_optim_set_sam(flow, NULL), "SAM: GradientFlow chooses its steps by the loss itself");
    expect_fails(ml_optim_minimize(flow, quadratic(&p)), "GradientFlow: computes the loss more than once a step");
    expect_fails(ml_optim_set_clip_norm(flow, 1), "GradientFlow: needs gradients as they are");
    ml_optim_release(flow);
    ml_optim_release(opt);
    ml_scope_end(&scope);
}

typedef struct {
    ml_tensor *w;
} copies;
static ml_tensor *fourth_power(void *ctx) { return ml_sum(ml_square(ml_square(((copies *)ctx)->w)), NULL); }

/* Copies inside vmap have a norm of their own each: SAM's and that of clipping. */
Test(closures, copies_have_norms_of_their_own)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *start = ml_mul(ml_randn(ML_SHAPE(3, 4, 2), ML_F64, ml_key_of(1, 1)), ml_from(ML_SHAPE(3, 1, 1), ML_F64, (double[]){ 0.3, 1, 3 }));
    for (int clip = 0; clip < 2; clip++) {
        int64_t   level = ml_vmap_begin(3);
        copies    all   = { ml_requires_grad(ml_vmap_wrap(level, ml_clone(start), 0), true) };
        ml_optim *opt   = ml_sgd(&all.w, 1, &(ml_sgd_opts){ .lr = 1e-3, .momentum = 0.5 });
        cr_assert(clip ? ml_optim_set_clip_norm(opt, 0.5) : ml_optim_set_sam(opt, NULL));
        for (int step = 0; step < 3; step++) cr_assert(ml_optim_minimize_fn(opt, fourth_power, &all, NULL), "%s", ml_error_message());
        ml_tensor *together = ml_detach(ml_vmap_unwrap(level, all.w, 0));
        ml_optim_release(opt);
        ml_vmap_end(level);
        for (int i = 0; i < 3; i++) {
            copies one = { ml_requires_grad(ml_clone(ml_reshape(element(start, i), &(ml_reshape_opts){ ML_SHAPE(4, 2) })), true) };
            opt        = ml_sgd(&one.w, 1, &(ml_sgd_opts){ .lr = 1e-3, .momentum = 0.5 });
            cr_assert(clip ? ml_optim_set_clip_norm(opt, 0.5) : ml_optim_set_sam(opt, NULL));
            for (int step = 0; step < 3; step++) cr_assert(ml_optim_minimize_fn(opt, fourth_power, &one, NULL));
            expect_close(ml_reshape(element(together, i), &(ml_reshape_opts){ ML_SHAPE(4, 2) }), ml_detach(one.w), 1e-14, "copy %d, clip %d", i, clip);
            ml_optim_release(opt);
        }
    }
    ml_scope_end(&scope);
}

/* --- what all promise ---------------------------------------------------------------------------------------------------- */
enum { LBFGS, FLOW, SAM, N_CLOSURES };
static ml_optim *of_closure(int kind, ml_tensor *w)
{
    if (kind == LBFGS) return ml_lbfgs(&w, 1, &(ml_lbfgs_opts){ .lr = 1, .max_iter = 2, .history = 3, .line_search = true });
    if (kind == FLOW) return ml_gradient_flow(&w, 1, &(ml_flow_opts){ .rtol = 1e-4, .atol = 1e-6, .max_evals = 1000 });
    ml_optim *opt = ml_adamw(&w, 1, NULL);
    return ml_optim_set_sam(opt, NULL) ? opt : NULL;
}

Test(closures, state_put_back_goes_on_to_the_bit)
{
    for (int kind = 0; kind < N_CLOSURES; kind++) {
        ml_scope  scope = ml_scope_begin();
        problem   p = { .w = leaf_of(4, (double[]){ -1.2, 1, 2, -1 }, ML_F64) }, q = { 0 };
        ml_optim *whole = of_closure(kind, p.w);
        for (int step = 0; step < 6; step++) cr_assert(ml_optim_minimize_fn(whole, rosenbrock, &p, NULL), "%s", ml_error_message());
        q.w = ml_requires_grad(ml_clone(ml_detach(p.w)), true);
        ml_optim  *rest = of_closure(kind, q.w);
        ml_tensor *state[4], *own[8];
        int64_t    steps = ml_optim_parameter_steps(whole, 0);
        for (int k = 0; k < ml_optim_n_state(whole, 0); k++) state[k] = ml_optim_state(whole, 0, k);
        for (int k = 0; k < ml_optim_n_own(whole); k++) own[k] = ml_clone(ml_optim_own(whole, k));
        cr_assert(ml_optim_set_state(rest, ml_optim_steps(whole), &steps, state) && ml_optim_set_own(rest, own), "%s", ml_error_message());
        cr_expect_eq(ml_optim_time(whole), ml_optim_time(rest));
        for (int step = 0; step < 4; step++)
            cr_assert(ml_optim_minimize_fn(whole, rosenbrock, &p, NULL) && ml_optim_minimize_fn(rest, rosenbrock, &q, NULL), "%s", ml_error_message());
        expect_same(p.w, q.w, "%s", ml_optim_kind(whole));
        for (int k = 0; k < ml_optim_n_own(whole); k++) expect_same(ml_optim_own(whole, k), ml_optim_own(rest, k), "%s", ml_optim_own_name(whole, k));
        if (ml_optim_n_own(whole) > 0) {
            own[0] = ml_zeros(ML_SHAPE(1), ML_F64);
            expect_fails(ml_optim_set_own(rest, own), "must be f64");
        }
        ml_optim_release(whole);
        ml_optim_release(rest);
        ml_scope_end(&scope);
    }
}

Test(closures, any_allocation_may_be_refused_and_any_loss_may_fail)
{
    for (int kind = 0; kind < N_CLOSURES; kind++) {
        ml_scope  scope = ml_scope_begin();
        problem   p     = { .w = leaf_of(2, (double[]){ -1.2, 1 }, ML_F64) };
        ml_optim *opt   = of_closure(kind, p.w);
        cr_assert(ml_optim_minimize_fn(opt, rosenbrock, &p, NULL), "%s", ml_error_message());
        ml_optim_zero_grad(opt);
        bool ok = false;
        for (int64_t n = 1; !ok && n < 3000; n++) { /* odd: memory; even: the loss itself */
            double was[2] = { at(p.w, 0), at(p.w, 1) };
            int64_t        steps  = ml_optim_steps(opt);
            ml_memory_info before = ml_memory();
            p.calls = 0, p.fail_at = n % 2 ? 0 : (int)(n / 2) % 9;
            ml_error_clear();
            if (n % 2) ml_memory_fail_after((n + 1) / 2);
            ok = ml_optim_minimize_fn(opt, rosenbrock, &p, NULL);
            ml_memory_fail_after(0);
            ml_optim_zero_grad(opt);
            if (!ok) {
                expect(strstr(ml_error_message(), "out of memory") || strstr(ml_error_message(), "is refused"), "the message is '%s'", ml_error_message());
                expect(at(p.w, 0) == was[0] && at(p.w, 1) == was[1] && ml_optim_steps(opt) == steps, "kind %d, try %lld: something changed", kind, (long long)n);
            }
            expect(ml_memory().live == before.live, "kind %d, try %lld: %lld bytes were left", kind, (long long)n, (long long)(ml_memory().live - before.live));
            if (n % 2 == 0) ok = false;
        }
        expect(ok, "kind %d never went through", kind);
        ml_optim_release(opt);
        ml_scope_end(&scope);
    }
}

Test(closures, what_cannot_be_made)
{
    ml_scope   scope = ml_scope_begin();
    ml_tensor *w = leaf_of(2, (double[]){ 1, 2 }, ML_F64), *v = leaf_of(2, (double[]){ 1, 2 }, ML_F64);
    ml_param_group groups[] = { { .params = &w, .n = 1 }, { .params = &v, .n = 1 } };
    expect_fails(ml_optim_new("LBFGS", groups, 2, NULL), "LBFGS: moves all parameters together and takes no groups");
    groups[1].kind = "GradientFlow";
    expect_fails(ml_optim_new("SGD", groups, 2, NULL), "SGD: GradientFlow moves all parameters together; it cannot be the rule of a group");
    expect_fails(ml_lbfgs(&w, 1, &(ml_lbfgs_opts){ .lr = 1, .max_iter = 0, .history = 3 }), "LBFGS: max_iter must be a whole number, 1 or more, got 0");
    expect_fails(ml_gradient_flow(&w, 1, &(ml_flow_opts){ .rtol = 1e-3, .max_evals = 100 }), "GradientFlow: atol must be a finite number above 0, got 0");
    problem   p   = { .w = v, .h = ml_ones(ML_SHAPE(2), ML_F64) };
    ml_optim *opt = ml_lbfgs(&w, 1, NULL);
    expect_fails(ml_optim_minimize_fn(opt, quadratic, &p, NULL), "LBFGS: none of the 1 parameters has a gradient");
    ml_optim_release(opt);
    int64_t    level = ml_vmap_begin(2);
    ml_tensor *each  = ml_requires_grad(ml_vmap_wrap(level, ml_clone(ml_detach(w)), 0), true);
    expect_fails(ml_lbfgs(&each, 1, NULL), "LBFGS: chooses its steps by the loss, which differs between the copies of vmap");
    ml_vmap_end(level);
    ml_scope_end(&scope);
}
