/* Factorisations taken apart, and spectra of operators, as a C program uses them: values, messages, refused memory. */
#include "checks.h"

#include "moonlab/linalg.h"
#include "tensor/tensor_impl.h"

#include <math.h>
#include <stdlib.h>

TestSuite(linalg, .init = begin_test, .fini = end_test);

static ml_tensor *random_matrix(int64_t m, int64_t n, uint64_t seed) { return ml_randn(ML_SHAPE(2, m, n), ML_F64, ml_key_of(seed, 0)); }

static ml_tensor *as_row(ml_tensor *s) /* (b, k) -> (b, 1, k) */
{
    return ml_reshape(s, &(ml_reshape_opts){ ML_SHAPE(s->shape.size[0], 1, s->shape.size[1]) });
}

Test(linalg, parts_make_the_whole)
{
    static const int64_t sizes[][2] = { { 1, 1 }, { 4, 2 }, { 2, 5 }, { 30, 30 }, { 200, 7 } };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ml_tensor *x = random_matrix(sizes[i][0], sizes[i][1], i), *u, *s, *v, *q, *r, *sign, *logdet;
        if (expect(ml_svd(x, &u, &s, &v), "svd")) expect_close(ml_matmul(ml_mul(u, as_row(s)), ml_mT(v)), x, 1e-13, "svd of size %d", (int)i);
        if (expect(ml_qr(x, &q, &r), "qr")) expect_close(ml_matmul(q, r), x, 1e-13, "qr of size %d", (int)i);
        ml_tensor *square = ml_matmul(x, ml_mT(x)), *w;
        if (expect(ml_eigh(square, &w, &v), "eigh"))
            expect_close(ml_matmul(ml_mul(v, as_row(w)), ml_mT(v)), square, 1e-12, "eigh of size %d", (int)i);
        if (sizes[i][0] > sizes[i][1]) continue;
        if (expect(ml_sign_logdet(square, &sign, &logdet), "sign_logdet"))
            expect_close(ml_mul(sign, ml_exp(logdet)), ml_det(square), 1e-10, "determinant of size %d", (int)i);
    }
}

Test(linalg, f32_is_the_f64_result_rounded)
{
    ml_tensor *x = ml_randn(ML_SHAPE(6, 6), ML_F32, ml_key_of(1, 0)), *wide = ml_cast(x, &(ml_cast_opts){ ML_F64 });
    expect_same(ml_svd_parts(x), ml_cast(ml_svd_parts(wide), &(ml_cast_opts){ ML_F32 }), "svd");
    expect_same(ml_inv(x, NULL), ml_cast(ml_inv(wide, NULL), &(ml_cast_opts){ ML_F32 }), "inverse");
}

Test(linalg, says_which_library)
{
    const char *library = ml_linalg_library();
    expect(library && strlen(library) > 4, "the library is '%s'", library ? library : "?");
    tally_note("LAPACK of %s", library ? library : "?");
}

/* --- operators ------------------------------------------------------------------------------------------------------------ */
static bool multiply(void *ctx, ml_tensor *v, ml_tensor **out)
{
    *out = ml_matmul(ctx, v);
    return *out != NULL;
}

static ml_tensor *symmetric(int64_t n, ml_dtype dtype)
{
    ml_tensor *x = ml_randn(ML_SHAPE(n, n), dtype, ml_key_of(3, 0));
    return ml_add(x, ml_mT(x));
}

Test(linalg, spectra_are_those_of_the_matrix)
{
    for (int d = 0; d < 2; d++) {
        ml_dtype    dtype = d ? ML_F64 : ML_F32;
        int64_t     n = 40;
        ml_tensor  *a = symmetric(n, dtype), *all = ml_cast(ml_eigvalsh(a), &(ml_cast_opts){ ML_F64 });
        ml_operator of = { multiply, a, n, dtype };
        ml_spectrum s;
        double      value, residual, tolerance = d ? 1e-12 : 1e-6;
        ml_tensor  *vector;
        expect(ml_lanczos(&of, &(ml_lanczos_opts){ .k = n, .steps = n, .vectors = true }, &s), "lanczos");
        expect_close(s.values, all, tolerance, "every eigenvalue after n steps");
        ml_tensor *v = ml_cast(s.vectors, &(ml_cast_opts){ ML_F64 }), *wide = ml_cast(a, &(ml_cast_opts){ ML_F64 });
        expect_close(ml_matmul(wide, v), ml_mul(v, s.values), 100 * tolerance, "eigenvectors");
        ml_tensor *few = ml_slice(all, &(ml_slice_opts){ 0, 0, 3, 1 });
        expect(ml_lanczos(&of, &(ml_lanczos_opts){ .k = 3, .ends = ML_SMALLEST, .steps = n }, &s), "lanczos");
        expect_close(s.values, few, tolerance, "the smallest");
        expect(!s.vectors, "vectors that nobody asked for");
        expect(ml_power_iteration(&of, &(ml_power_opts){ .steps = 20000, .tolerance = d ? 1e-10 : 1e-5 }, &value, &vector, &residual), "power iteration");
        double low = ml_tensor_at(all, (int64_t[]){ 0 }), high = ml_tensor_at(all, (int64_t[]){ n - 1 }), largest = -low > high ? low : high;
        expect(fabs(value - largest) < (d ? 1e-8 : 1e-3), "%g for %g, residual %g", value, largest, residual);
    }
}

Test(linalg, errors_bound_what_few_steps_find)
{
    int64_t     n = 200;
    ml_tensor  *a = symmetric(n, ML_F64), *all = ml_eigvalsh(a);
    ml_operator of = { multiply, a, n, ML_F64 };
    for (int64_t steps = 2; steps < 60; steps += 7) {
        ml_spectrum s;
        if (!expect(ml_lanczos(&of, &(ml_lanczos_opts){ .k = 2, .ends = ML_BOTH_ENDS, .steps = steps }, &s), "lanczos")) return;
        double *values = values_of(s.values), *errors = values_of(s.errors), *exact = values_of(all);
        for (int64_t i = 0; i < ml_tensor_numel(s.values); i++) {
            double nearest = INFINITY;
            for (int64_t k = 0; k < n; k++) nearest = fmin(nearest, fabs(values[i] - exact[k]));
            expect(nearest <= errors[i] + 1e-10, "%d steps: %g is %g from an eigenvalue, the bound is %g", (int)steps, values[i], nearest, errors[i]);
        }
        free(values), free(errors), free(exact);
    }
}

static bool fail(void *ctx, ml_tensor *v, ml_tensor **out) { (void)ctx, (void)v, (void)out; return ml_fail("mine: this one always fails"); }
static bool shorten(void *ctx, ml_tensor *v, ml_tensor **out)
{
    (void)ctx;
    *out = ml_slice(v, &(ml_slice_opts){ 0, 0, 1, 1 });
    return *out != NULL;
}
static bool overflow(void *ctx, ml_tensor *v, ml_tensor **out)
{
    (void)ctx;
    *out = ml_mul(v, ml_number(INFINITY));
    return *out != NULL;
}

Test(linalg, operators_that_fail_are_named)
{
    ml_spectrum s;
    expect(!ml_lanczos(&(ml_operator){ fail, NULL, 3, ML_F64 }, NULL, &s), "an operator that fails");
    expect_message("mine", "the operator's own message");
    expect(!ml_lanczos(&(ml_operator){ shorten, NULL, 3, ML_F64 }, NULL, &s), "one that shortens");
    expect_message("lanczos", "one that shortens");
    expect(!ml_power_iteration(&(ml_operator){ overflow, NULL, 3, ML_F64 }, NULL, NULL, NULL, NULL), "infinities");
    expect_message("power_iteration", "infinities");
    expect(!ml_lanczos(&(ml_operator){ fail, NULL, 0, ML_F64 }, NULL, &s), "no values");
    expect_message("lanczos", "no values");
    expect(!ml_lanczos(&(ml_operator){ fail, NULL, 3, ML_I64 }, NULL, &s), "integers");
    expect_message("lanczos", "integers");
}

/* --- refused memory ---------------------------------------------------------------------------------------------------------- */
static bool do_lanczos(const ml_operator *a)
{
    ml_spectrum s;
    return ml_lanczos(a, &(ml_lanczos_opts){ .k = 2, .vectors = true }, &s);
}
static bool do_density(const ml_operator *a)
{
    ml_tensor *points, *density;
    return ml_spectral_density(a, &(ml_density_opts){ .probes = 2 }, &points, &density);
}
static bool do_power(const ml_operator *a)
{
    ml_tensor *vector;
    return ml_power_iteration(a, &(ml_power_opts){ .steps = 3 }, NULL, &vector, NULL);
}
static bool do_parts(const ml_operator *a)
{
    ml_tensor *one, *two, *three;
    return ml_svd(a->ctx, &one, &two, &three) && ml_eigh(a->ctx, &one, &two) && ml_qr(a->ctx, &one, &two) && ml_sign_logdet(a->ctx, &one, &two);
}

Test(linalg, each_allocation_may_fail)
{
    bool (*const tasks[])(const ml_operator *) = { do_lanczos, do_density, do_power, do_parts };
    ml_operator of = { multiply, symmetric(5, ML_F32), 5, ML_F32 };
    for (size_t k = 0; k < sizeof tasks / sizeof *tasks; k++) {
        expect(tasks[k](&of), "task %d", (int)k); /* the list of the scope has grown */
        for (int n = 1; n < 5000; n++) {
            ml_scope scope = ml_scope_begin();
            size_t   live  = ml_memory().live;
            bool     was   = ml_recording();
            ml_error_clear();
            ml_memory_fail_after(n);
            bool ok = tasks[k](&of);
            ml_memory_fail_after(0);
            ml_scope_end(&scope);
            expect(ml_recording() == was && ml_memory().live == live, "task %d, refusal %d: leaves something behind", (int)k, n);
            if (ok) {
                expect(n > 10 && !ml_failed(), "task %d: asked for %d blocks", (int)k, n - 1);
                break;
            }
            expect(strstr(ml_error_message(), "out of memory"), "task %d, refusal %d says '%s'", (int)k, n, ml_error_message());
        }
    }
}
