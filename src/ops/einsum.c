/* einsum: a sum of products, written with a letter for each dimension.
 *
 * The equation is read into labels, one for each dimension of each operand: letters are 0..51, the dimensions under "..."
 * 52..59, counted from the end, so that they broadcast as shapes do. The value is made of recorded operations: each
 * operand gives up its diagonals and what only it has, then they are joined from the left, two at a time, as a matrix
 * product whose batch are the labels that both have and that are still needed. */
#include "ops/matrix.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LETTERS = 52, LABELS = LETTERS + ML_MAX_DIMS, MAX_OPERANDS = ML_TEXT_BYTES };

typedef struct {
    int n, label[ML_MAX_DIMS];
} labels;

typedef struct {
    int     n_in;
    labels  in[MAX_OPERANDS], out;
    int64_t size[LABELS]; /* -1: not in use */
} plan;

/* --- reading the equation ---------------------------------------------------------------------------------------------- */
static int label_of(char letter) { return islower((unsigned char)letter) ? letter - 'a' : letter - 'A' + 26; }
static char letter_of(int label) { return (char)(label < 26 ? 'a' + label : 'A' + label - 26); }

/* Letters and at most one "..." from *p to the end of the term, which stand for rank dimensions (rank < 0: as many as
 * `dots` under the "..."). */
static bool read_term(const char *equation, const char **p, int rank, int dots, labels *t)
{
    int n_letters = 0, seen_dots = 0;
    for (const char *q = *p; *q && *q != ',' && *q != '-'; q++) {
        n_letters += isalpha((unsigned char)*q) != 0;
        seen_dots |= *q == '.';
    }
    if (rank >= 0) dots = rank - n_letters;
    if (!seen_dots) dots = 0;
    t->n = 0;
    if (dots < 0 || n_letters + dots > ML_MAX_DIMS || (rank >= 0 && n_letters + dots != rank))
        return ml_fail("einsum: the term '%.*s' of '%s' has %d letters, its operand %d dimensions", (int)strcspn(*p, ",-"), *p, equation, n_letters, rank);
    for (bool had_dots = false; **p && **p != ',' && **p != '-'; (*p)++) {
        if (**p == ' ') continue;
        if (isalpha((unsigned char)**p)) t->label[t->n++] = label_of(**p);
        else if (strncmp(*p, "...", 3) == 0 && !had_dots) {
            had_dots = true;
            *p += 2;
            for (int i = 0; i < dots; i++) t->label[t->n++] = LABELS - dots + i;
        } else return ml_fail("einsum: '%c' has no meaning in '%s'; it is made of letters, ',', '->' and one '...' a term", **p, equation);
    }
    return true;
}

static bool take_sizes(plan *e, ml_tensor *const *in)
{
    int from[LABELS] = { 0 };
    for (int l = 0; l < LABELS; l++) e->size[l] = -1;
    for (int i = 0; i < e->n_in; i++) {
        for (int d = 0; d < e->in[i].n; d++) {
            int      l = e->in[i].label[d];
            int64_t *size = &e->size[l], own = in[i]->shape.size[d];
            if (*size == -1 || (l >= LETTERS && *size == 1)) *size = own, from[l] = i;
            else if (own != *size && l < LETTERS)
                return ml_fail("einsum: '%c' is %lld in operand %d, shape %s, and %lld in operand %d, shape %s", letter_of(l), (long long)*size, from[l] + 1,
                               ml_shape_text(&in[from[l]]->shape), (long long)own, i + 1, ml_shape_text(&in[i]->shape));
            else if (own != *size && own != 1)
                return ml_fail("einsum: the dimensions under '...' do not broadcast: operand %d has shape %s, operand %d %s", from[l] + 1,
                               ml_shape_text(&in[from[l]]->shape), i + 1, ml_shape_text(&in[i]->shape));
        }
    }
    return true;
}

/* Without "->": the dimensions under "...", then the letters that occur once, by the alphabet (as characters are ordered). */
static bool implicit_output(plan *e)
{
    int count[LABELS] = { 0 };
    for (int i = 0; i < e->n_in; i++)
        for (int d = 0; d < e->in[i].n; d++) count[e->in[i].label[d]]++;
    e->out.n = 0;
    for (int k = 0; k < LABELS; k++) {
        int l = k < ML_MAX_DIMS ? LETTERS + k : k < ML_MAX_DIMS + 26 ? 26 + k - ML_MAX_DIMS : k - ML_MAX_DIMS - 26;
        if (l >= LETTERS ? count[l] == 0 : count[l] != 1) continue;
        if (e->out.n == ML_MAX_DIMS) return ml_fail("einsum: the result has more than %d dimensions", ML_MAX_DIMS);
        e->out.label[e->out.n++] = l;
    }
    return true;
}

static bool check_output(const char *equation, const plan *e)
{
    bool seen[LABELS] = { false };
    for (int d = 0; d < e->out.n; d++) {
        int l = e->out.label[d];
        if (l < LETTERS && e->size[l] == -1) return ml_fail("einsum: '%c' of the result is in no operand of '%s'", letter_of(l), equation);
        if (seen[l]) return ml_fail("einsum: '%c' is twice in the result of '%s'", letter_of(l), equation);
        seen[l] = true;
    }
    return true;
}

static bool read_equation(const ml_call *c, plan *e)
{
    const char *equation = ((const ml_einsum_opts *)c->opts)->equation, *p = equation;
    int         n_terms  = 1, dots = 0;
    for (const char *q = equation; *q && *q != '-'; q++) n_terms += *q == ',';
    if (n_terms != c->n_in)
        return ml_fail("einsum: '%s' has %d term%s, there %s %d operand%s", equation, n_terms, n_terms == 1 ? "" : "s", c->n_in == 1 ? "is" : "are", c->n_in,
                       c->n_in == 1 ? "" : "s");
    e->n_in = c->n_in;
    for (int i = 0; i < e->n_in; i++) {
        if (!read_term(equation, &p, c->in[i]->shape.n, 0, &e->in[i])) return false;
        for (int d = 0; d < e->in[i].n; d++) {
            int below = LABELS - e->in[i].label[d]; /* how many dimensions "..." stands for, if this is the first of them */
            if (e->in[i].label[d] >= LETTERS && below > dots) dots = below;
        }
        p += *p == ',';
    }
    if (!take_sizes(e, c->in)) return false;
    if (!*p) return implicit_output(e);
    if (p[0] != '-' || p[1] != '>') return ml_fail("einsum: '%s' has a '-' that is no '->'", equation);
    p += 2;
    if (!read_term(equation, &p, -1, dots, &e->out)) return false;
    if (*p) return ml_fail("einsum: '%s' goes on after its result, with '%s'", equation, p);
    return check_output(equation, e);
}

static bool einsum_infer(ml_call *c)
{
    plan e;
    if (!read_equation(c, &e)) return false;
    c->shape.n = e.out.n;
    for (int d = 0; d < e.out.n; d++) c->shape.size[d] = e.size[e.out.label[d]];
    return true;
}

/* --- computing --------------------------------------------------------------------------------------------------------- */
typedef struct {
    ml_tensor *t;
    labels     of;
} term;

static bool has(const labels *t, int label)
{
    for (int d = 0; d < t->n; d++)
        if (t->label[d] == label) return true;
    return false;
}

/* The dimensions in the order of `order`, which has the same labels. */
static ml_tensor *arranged(const term *x, const labels *order)
{
    ml_dims dims = { .n = order->n };
    for (int k = 0; k < order->n; k++)
        for (int d = 0; d < x->of.n; d++)
            if (x->of.label[d] == order->label[k]) dims.at[k] = d;
    return dims.n == 0 ? x->t : ml_permute(x->t, &(ml_permute_opts){ dims });
}

static void remove_at(labels *t, int d)
{
    for (t->n--; d < t->n; d++) t->label[d] = t->label[d + 1];
}

/* A letter that occurs twice stands for the diagonal. */
static void take_diagonals(term *x)
{
    for (int a = 0; a < x->of.n; a++)
        for (int b = a + 1; b < x->of.n; b++) {
            if (x->of.label[a] != x->of.label[b]) continue;
            x->t = ml_diagonal(x->t, &(ml_diagonal_opts){ .dim1 = a, .dim2 = b });
            int label = x->of.label[a];
            remove_at(&x->of, b);
            remove_at(&x->of, a);
            x->of.label[x->of.n++] = label; /* the diagonal is last now: look again from the beginning */
            a = -1;
            break;
        }
}

/* A dimension of 1 under "..." that another operand has larger is not there. */
static void drop_ones(term *x, const plan *e)
{
    ml_shape s = { 0 };
    labels   kept = { 0 };
    for (int d = 0; d < x->of.n; d++) {
        int l = x->of.label[d];
        if (l >= LETTERS && e->size[l] != 1 && x->t && x->t->shape.size[d] == 1) continue;
        kept.label[kept.n++] = l;
        s.size[s.n++]        = x->t ? x->t->shape.size[d] : 0;
    }
    if (kept.n == x->of.n) return;
    x->of = kept;
    x->t  = ml_reshape(x->t, &(ml_reshape_opts){ s });
}

/* Sums over what neither the result nor a later operand has. */
static void sum_out(term *x, const bool needed[LABELS])
{
    ml_dims dims = { 0 };
    labels  kept = { 0 };
    for (int d = 0; d < x->of.n; d++) {
        if (needed[x->of.label[d]]) kept.label[kept.n++] = x->of.label[d];
        else dims.at[dims.n++] = d;
    }
    if (dims.n == 0) return;
    x->of = kept;
    x->t  = ml_sum(x->t, &(ml_sum_opts){ dims, false });
}

static void append(labels *to, const labels *from)
{
    for (int d = 0; d < from->n; d++) to->label[to->n++] = from->label[d];
}

static int64_t numel(const plan *e, const labels *t)
{
    int64_t n = 1;
    for (int d = 0; d < t->n; d++) n *= e->size[t->label[d]];
    return n;
}

static ml_tensor *reshaped(ml_tensor *x, const plan *e, const labels *batch, int64_t rows, int64_t cols)
{
    return ml_reshape(x, &(ml_reshape_opts){ ML_SHAPE(numel(e, batch), rows, cols) });
}

/* a and b joined; `needed`: labels of the result and of later operands. */
static term join(const plan *e, const term *a, const term *b, const bool needed[LABELS])
{
    labels both = { 0 }, left = { 0 }, right = { 0 }, summed = { 0 };
    for (int d = 0; d < a->of.n; d++) {
        int     l  = a->of.label[d];
        labels *to = !has(&b->of, l) ? &left : needed[l] ? &both : &summed;
        to->label[to->n++] = l;
    }
    for (int d = 0; d < b->of.n; d++)
        if (!has(&a->of, b->of.label[d])) right.label[right.n++] = b->of.label[d];
    term y = { NULL, both };
    if (both.n + left.n + right.n > ML_MAX_DIMS) {
        ml_fail("einsum: more than %d dimensions on the way; give the operands in another order", ML_MAX_DIMS);
        return y;
    }
    labels a_order = both, b_order = both;
    append(&a_order, &left), append(&a_order, &summed);
    append(&b_order, &summed), append(&b_order, &right);
    append(&y.of, &left), append(&y.of, &right);
    int64_t n = numel(e, &left), k = numel(e, &summed), m = numel(e, &right);
    ml_tensor *x = reshaped(arranged(a, &a_order), e, &both, n, k), *z = reshaped(arranged(b, &b_order), e, &both, k, m);
    ml_shape   s = { y.of.n, { 0 } };
    for (int d = 0; d < s.n; d++) s.size[d] = e->size[y.of.label[d]];
    if (k == 1) y.t = ml_mul(x, z); /* (both, n, 1) (both, 1, m): nothing to sum */
    else if (n == 1 && m == 1) y.t = ml_sum_dim(ml_mul(x, ml_mT(z)), -1, false);
    else y.t = ml_matmul(x, z);
    y.t = ml_reshape(y.t, &(ml_reshape_opts){ s });
    return y;
}

static ml_tensor *einsum_compose(ml_call *c)
{
    plan e;
    term sum = { 0 };
    if (!read_equation(c, &e)) return NULL;
    for (int i = 0; i < e.n_in; i++) {
        bool later[LABELS] = { false }, needed[LABELS];
        for (int d = 0; d < e.out.n; d++) later[e.out.label[d]] = true;
        for (int k = i + 1; k < e.n_in; k++)
            for (int d = 0; d < e.in[k].n; d++) later[e.in[k].label[d]] = true;
        memcpy(needed, later, sizeof needed);
        for (int d = 0; d < sum.of.n; d++) needed[sum.of.label[d]] = true;
        term x = { c->in[i], e.in[i] };
        take_diagonals(&x);
        drop_ones(&x, &e);
        sum_out(&x, needed);
        sum = i == 0 ? x : join(&e, &sum, &x, later);
        sum_out(&sum, later); /* what was only in the first of them */
        if (!sum.t) return NULL;
    }
    ml_tensor *y = arranged(&sum, &e.out);
    return y == c->in[0] ? ml_reshape(y, &(ml_reshape_opts){ y->shape }) : y;
}

/* --- samples, operation -------------------------------------------------------------------------------------------------- */
static const ml_einsum_opts product = { "ij,jk->ik" }, two_batches = { "...ij,...j->...i" }, diagonal = { "iij->ji" }, three = { "ab,b,bc" },
                            total = { "..." }, turned = { "ijk->kij" };
static const ml_sample einsum_samples[] = {
    { .in = { "(2, 3)", "(3, 2)" }, .opts = &product },
    { .in = { "(2, 1, 2, 3)", "(3, 3)" }, .opts = &two_batches },
    { .in = { "(3, 3, 2)" }, .opts = &diagonal },
    { .in = { "(2, 3)", "(3)", "(3, 2)" }, .opts = &three },
    { .in = { "(2, 3)" }, .opts = &total },
    { .in = { "(2, 1, 3)" }, .opts = &turned },
    { 0 }
};

const ml_op ml_op_einsum = { .kind = ML_OTHER, .flags = ML_COUNTS, .infer = einsum_infer, .compose = einsum_compose, .samples = einsum_samples };
