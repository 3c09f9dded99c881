/* The backward pass: nodes by falling number, each rule once. No recursion, so depth is bounded by memory alone, and
 * sums happen in the same order every time. Broadcasting and promotion are undone here, once for all rules. */
#include "autograd/node.h"

#include <stdlib.h>
#include <string.h>

/* A rule may call ml_grad itself (compose does), on a graph that shares nodes with the pass around it: each pass puts
 * back what it found, and leaves alone the nodes that are of no use to it. */
typedef struct {
    ml_node *node;
    bool     was_useful;
} entry;

typedef struct {
    entry     *nodes;
    size_t     used, capacity;
    uint64_t   visit;
    ml_tensor *const *wanted; /* ml_grad: where gradients are collected; NULL for ml_backward */
    ml_tensor **found;
    int        n_wanted;
    bool       create_graph, keep_graph, nested, skip_freed;
    struct leaf { ml_tensor *leaf, *sum; bool owned; } *leaves;
    size_t     n_leaves, leaves_capacity;
} pass;

static _Atomic uint64_t visits; /* of all threads: a graph may go from one to another */

static bool push(pass *p, ml_node *node)
{
    if (p->used == p->capacity) {
        size_t    capacity = p->capacity ? 2 * p->capacity : 64;
        entry    *nodes    = ml_realloc(p->nodes, p->capacity * sizeof *nodes, capacity * sizeof *nodes);
        if (!nodes) return false;
        p->nodes    = nodes;
        p->capacity = capacity;
    }
    p->nodes[p->used++] = (entry){ node, node->useful };
    return true;
}

static int by_falling_number(const void *a, const void *b)
{
    uint64_t x = ((const entry *)a)->node->number, y = ((const entry *)b)->node->number;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* All nodes that root depends on, and that the pass has not met. The list doubles as the queue of the search. */
static bool collect(pass *p, ml_node *root)
{
    size_t begin = p->used;
    if (root->visit == p->visit) return true;
    root->visit = p->visit;
    if (!push(p, root)) return false;
    for (size_t i = begin; i < p->used; i++) {
        ml_node *node = p->nodes[i].node;
        if (node->freed && p->skip_freed) continue;
        if (node->freed)
            return ml_fail("backward: the graph of '%s' has been freed by an earlier backward; pass keep_graph = true to that one",
                           ml_op_info_at(node->id)->name);
        for (int k = 0; k < node->n_in; k++) {
            ml_node *from = node->in[k]->node;
            if (!from || from->visit == p->visit) continue;
            from->visit = p->visit;
            if (!push(p, from)) return false;
        }
    }
    return true;
}

static bool same_result(const ml_tensor *a, const ml_tensor *b)
{
    return a == b || (a->node && a->node == b->node);
}

static bool is_wanted(const pass *p, const ml_tensor *x)
{
    for (int k = 0; k < p->n_wanted; k++)
        if (same_result(p->wanted[k], x)) return true;
    return false;
}

/* Does the gradient of this input have to be known, in this pass? */
static bool leads_somewhere(const pass *p, const ml_node *node, int i)
{
    const ml_tensor *x = node->in[i];
    if (!p->wanted) return ml_needs(&(ml_call){ .needs = node->needs }, i);
    return (x->node && x->node->useful) || is_wanted(p, x);
}

/* For ml_grad: marks the nodes on the way to the wanted inputs, from the oldest on, so that nothing else is computed; and
 * looks whether any other leaf is there, which somebody outside may differentiate with respect to. */
static void mark_useful(pass *p)
{
    for (size_t n = p->used; n-- > 0;) {
        ml_node *node = p->nodes[n].node;
        node->useful  = !p->wanted;
        for (int i = 0; i < node->n_in; i++) {
            const ml_tensor *x = node->in[i];
            node->useful |= leads_somewhere(p, node, i);
            if (p->nested && !x->node && x->requires_grad && !is_wanted(p, x)) p->create_graph = p->keep_graph = true;
        }
    }
}

/* Adds to a running sum. The first arrival is borrowed, the second makes a new tensor, later ones add in place. */
static bool accumulate(pass *p, ml_tensor **sum, bool *owned, ml_tensor *dx)
{
    if (!*sum) {
        *sum   = ml_retain(dx);
        *owned = false;
        return true;
    }
    if (*owned && !p->create_graph && mli_add_in_place(*sum, dx)) return true;
    ml_tensor *total = ml_retain(ml_add(*sum, dx));
    if (!total) return false;
    ml_release(*sum);
    *sum   = total;
    *owned = true;
    return true;
}

static bool to_leaf(pass *p, ml_tensor *leaf, ml_tensor *dx)
{
    for (size_t i = 0; i < p->n_leaves; i++)
        if (p->leaves[i].leaf == leaf) return accumulate(p, &p->leaves[i].sum, &p->leaves[i].owned, dx);
    if (p->n_leaves == p->leaves_capacity) {
        size_t       capacity = p->leaves_capacity ? 2 * p->leaves_capacity : 32;
        struct leaf *leaves   = ml_realloc(p->leaves, p->leaves_capacity * sizeof *leaves, capacity * sizeof *leaves);
        if (!leaves) return false;
        p->leaves          = leaves;
        p->leaves_capacity = capacity;
    }
    p->leaves[p->n_leaves++] = (struct leaf){ ml_retain(leaf), ml_retain(dx), false };
    return true;
}

/* Broadcasting and promotion undone: dx as the input was. */
static ml_tensor *fit(ml_tensor *dx, const ml_tensor *x)
{
    if (!ml_shape_equal(&dx->shape, &x->shape)) dx = ml_sum_to(dx, &(ml_sum_to_opts){ x->shape });
    if (dx && dx->dtype != x->dtype) dx = ml_cast(dx, &(ml_cast_opts){ (ml_dtype)x->dtype });
    return dx;
}

static bool deliver(pass *p, ml_node *node, int i, ml_tensor *dx)
{
    ml_tensor *x = node->in[i];
    if (!(dx = fit(dx, x))) return false;
    for (int k = 0; k < p->n_wanted; k++) {
        bool owned = false;
        if (same_result(p->wanted[k], x) && !accumulate(p, &p->found[k], &owned, dx)) return false;
    }
    if (x->node && x->node->useful) return accumulate(p, &x->node->dy, &x->node->dy_owned, dx);
    if (x->requires_grad && !p->wanted) return to_leaf(p, x, dx);
    return true;
}

/* The rule of compose: run it on stand-ins of the inputs with recording on, and differentiate that. */
static bool differentiate_compose(ml_call *c, ml_tensor *dy, ml_tensor **dx, bool create_graph, ml_tensor **stand_in)
{
    ml_tensor **wanted = stand_in + c->n_in, **grads = wanted + c->n_in;
    int         n_wanted = 0;
    bool        ok       = true;
    for (int i = 0; i < c->n_in; i++) {
        stand_in[i] = c->in[i];
        if (!ml_needs(c, i)) continue;
        /* recorded as a view, so what the gradient says of it reaches the input; unrecorded, as a fresh leaf */
        stand_in[i] = create_graph ? ml_reshape(c->in[i], &(ml_reshape_opts){ c->in[i]->shape }) : ml_detach(c->in[i]);
        if (stand_in[i] && !stand_in[i]->node) ml_requires_grad(stand_in[i], true);
        wanted[n_wanted++] = stand_in[i];
        ok &= stand_in[i] != NULL;
    }
    ml_call    inner = *c;
    inner.in         = stand_in;
    ml_tensor *y     = ok ? c->op->compose(&inner) : NULL;
    ok = y && ml_grad(y, wanted, n_wanted, grads, &(ml_grad_opts){ .seed = dy, .create_graph = create_graph });
    for (int i = 0, k = 0; ok && i < c->n_in; i++)
        if (ml_needs(c, i)) dx[i] = grads[k++];
    return ok;
}

static bool compose_vjp(ml_call *c, ml_tensor *dy, ml_tensor **dx, bool create_graph)
{
    ml_tensor *few[3 * ML_MAX_IN], **all = few;
    size_t     bytes = 3 * (size_t)c->n_in * sizeof *all;
    if (c->n_in > ML_MAX_IN && !(all = ml_block_take(bytes))) return false;
    bool was = ml_set_recording(true);
    bool ok  = differentiate_compose(c, dy, dx, create_graph, all);
    ml_set_recording(was);
    if (all != few) ml_block_give(all, bytes);
    return ok;
}

static bool run_rule(pass *p, ml_call *c, ml_tensor *dy, ml_tensor **dx)
{
    const ml_op *op = c->op;
    if (!p->create_graph && op->vjp_direct && !dy->inner) return op->vjp_direct(c, dy, dx);
    if (op->slope) {
        for (int i = 0; i < c->n_in; i++) {
            if (!ml_needs(c, i)) continue;
            ml_tensor *slope = op->slope(c, i);
            if (!slope || !(dx[i] = ml_mul(dy, slope))) return false;
        }
        return true;
    }
    if (op->vjp) return op->vjp(c, dy, dx);
    if (op->compose) return compose_vjp(c, dy, dx, p->create_graph);
    return ml_fail("%s: has no derivative", ml_op_info_at(c->id)->name);
}

static bool visit_node(pass *p, ml_node *node)
{
    if (!mli_group_fill(node)) return false;
    const char *name = ml_op_info_at(node->id)->name;
    ml_call     c    = { .op = mli_op_at(node->id), .id = node->id, .n_in = node->n_in, .in = node->in, .opts = node->opts,
                         .shape = node->out_shape, .dtype = node->out_dtype };
    for (int i = 0; i < node->n_in; i++)
        if (leads_somewhere(p, node, i)) c.needs |= 1u << (i < 31 ? i : 31);
    for (int i = 0; i < node->n_in; i++)
        if (node->in[i]->storage && mli_saves(c.op, i) &&
            node->in[i]->storage->version != node->versions[i])
            return ml_fail("backward: an input of '%s', shape %s, was modified after it was used; clone it before the change, or do "
                           "the backward first", name, ml_shape_text(&node->in[i]->shape));
    ml_scope scope = ml_scope_begin();
    bool     ok    = true;
    if (node->saved_out) {
        c.out = ml_detach(node->saved_out);
        if (c.out && node->saved_out->storage->version != node->out_version)
            ok = ml_fail("backward: the result of '%s', shape %s, was modified after it was computed", name, ml_shape_text(&node->out_shape));
        if (c.out) {
            mli_node_retain(node);
            c.out->node = node;
        } else ok = false;
    }
    /* dx for a fixed number of inputs on the stack; for many in a block */
    ml_tensor *few[ML_MAX_IN] = { NULL }, **dx = few;
    size_t     dx_bytes = (size_t)node->n_in * sizeof *dx;
    if (node->n_in > ML_MAX_IN && (dx = ml_block_take(dx_bytes))) memset(dx, 0, dx_bytes);
    bool watched = ml_anomaly_detection();
    ml_detect_anomaly(false); /* what the rule computes on the way is not the user's: its result is checked, under this name */
    ok = ok && dx && run_rule(p, &c, node->dy, dx);
    ml_detect_anomaly(watched);
    if (ok && watched)
        for (int i = 0; i < node->n_in && ok; i++)
            ok = mli_check_finite(name, dx[i], "derivative", node->site);
    for (int i = 0; ok && i < node->n_in; i++)
        if (dx[i] && ml_needs(&c, i)) ok = deliver(p, node, i, dx[i]);
    if (dx && dx != few) ml_block_give(dx, dx_bytes);
    ml_scope_end(&scope);
    return ok;
}

/* What a pass starts from: results with their seeds, the gradients that arrive there. */
typedef struct {
    ml_tensor *const *out, *const *seed; /* seed NULL: 1, of a single number */
    int               n;
} roots;

static ml_tensor *seed_of(pass *p, ml_tensor *out, ml_tensor *seed)
{
    if (seed && !ml_shape_equal(&seed->shape, &out->shape))
        return ml_fail("backward: the seed has shape %s, the result %s", ml_shape_text(&seed->shape), ml_shape_text(&out->shape));
    if (!seed && ml_tensor_numel(out) != 1)
        return ml_fail("backward: the gradient of a non-scalar: shape %s; reduce it (sum, mean) or pass a seed of that shape", ml_shape_text(&out->shape));
    if (!seed && !(seed = ml_ones(out->shape, (ml_dtype)out->dtype))) return NULL;
    if (p->nested && mli_records(seed)) p->create_graph = p->keep_graph = true;
    if (seed->dtype != out->dtype && !(seed = ml_cast(seed, &(ml_cast_opts){ (ml_dtype)out->dtype }))) return NULL;
    return seed->defers ? ml_detach(seed) : seed; /* gradients are computed at once */
}

/* A root's seed to where it arrives; the roots' nodes are known to the pass. */
static bool plant(pass *p, ml_tensor *out, ml_tensor *seed)
{
    bool owned = false;
    for (int k = 0; k < p->n_wanted; k++)
        if (same_result(p->wanted[k], out) && !accumulate(p, &p->found[k], &owned, seed)) return false;
    if (!out->node) return p->wanted || to_leaf(p, out, seed);
    return !out->node->useful || accumulate(p, &out->node->dy, &out->node->dy_owned, seed);
}

static bool walk(pass *p, const roots *r, ml_tensor **seeds)
{
    for (int i = 0; i < r->n; i++)
        if (!plant(p, r->out[i], seeds[i])) return false;
    for (size_t i = 0; i < p->used; i++) {
        ml_node *node = p->nodes[i].node;
        if (!node->useful || !node->dy) continue;
        bool ok = visit_node(p, node);
        ml_release(node->dy);
        node->dy = NULL;
        if (!ok) return false;
    }
    return true;
}

static bool run_pass(pass *p, const roots *r)
{
    ml_tensor *one, **seeds = &one;
    size_t     bytes = (size_t)r->n * sizeof *seeds;
    bool       ok    = true;
    if (r->n > 1 && !(seeds = ml_block_take(bytes))) return false;
    p->visit = ++visits;
    for (int i = 0; ok && i < r->n; i++) {
        ml_tensor *out = r->out[i];
        seeds[i] = seed_of(p, out, r->seed ? r->seed[i] : NULL);
        ok       = seeds[i] && (out->node || out->requires_grad ||
                          ml_fail("backward: this tensor does not depend on anything that requires a gradient"));
        if (ok && out->node) ok = collect(p, out->node);
    }
    if (ok) {
        if (p->used > 1) qsort(p->nodes, p->used, sizeof *p->nodes, by_falling_number);
        mark_useful(p);
        bool was = ml_set_recording(p->create_graph);
        ok       = walk(p, r, seeds);
        ml_set_recording(was);
    }
    if (r->n > 1) ml_block_give(seeds, bytes);
    return ok;
}

static void finish(pass *p, bool ok)
{
    for (size_t i = 0; i < p->used; i++) mli_node_retain(p->nodes[i].node); /* none may go while the list is walked */
    for (size_t i = 0; i < p->used; i++) {
        ml_node *node = p->nodes[i].node;
        if (node->useful) {
            ml_release(node->dy); /* left over after a failure */
            node->dy = NULL;
            if (ok && !p->keep_graph) mli_node_drop_inputs(node);
        }
        node->useful = p->nodes[i].was_useful;
    }
    for (size_t i = 0; i < p->used; i++) mli_node_release(p->nodes[i].node);
    mli_pass_ends();
    for (size_t i = 0; i < p->n_leaves; i++) {
        ml_release(p->leaves[i].leaf);
        ml_release(p->leaves[i].sum);
    }
    if (p->capacity) ml_realloc(p->nodes, p->capacity * sizeof *p->nodes, 0);
    if (p->leaves_capacity) ml_realloc(p->leaves, p->leaves_capacity * sizeof *p->leaves, 0);
}

static pass begin(const ml_grad_opts *opts)
{
    ml_error_clear();
    mli_pass_begins();
    pass p         = { 0 };
    p.create_graph = opts && opts->create_graph;
    p.keep_graph   = opts && (opts->keep_graph || opts->create_graph);
    p.nested       = opts && opts->nested && ml_recording();
    return p;
}

/* The seed of a batch of results: what was given for each, or ones for single numbers. */
static bool batch_of_seeds(ml_tensor *out, ml_grad_opts *o)
{
    if (!o->seed && ml_tensor_numel(out) != 1)
        return ml_fail("backward: the gradient of a non-scalar: shape %s; reduce it (sum, mean) or pass a seed of that shape", ml_shape_text(&out->shape));
    o->seed = o->seed ? mli_take_batch(o->seed, out->level, out->inner->shape.size[0]) : ml_ones(out->inner->shape, (ml_dtype)out->dtype);
    return o->seed != NULL;
}

/* A leaf's gradient is its own: whoever clips it in place must not meet another leaf's, a seed, or a repeated value. */
static bool make_own(const pass *p, struct leaf *l)
{
    bool own = l->owned || (atomic_load(&l->sum->refs) == 1 && atomic_load(&l->sum->storage->refs) == 1);
    if ((own && ml_tensor_is_contiguous(l->sum)) || p->create_graph) return true;
    ml_tensor *copy = ml_retain(ml_clone(l->sum));
    if (!copy) return false;
    ml_release(l->sum);
    l->sum = copy;
    return true;
}

/* Inside vmap. A leaf with a batch of its own gets the gradient of each; one from outside the sum, as after a loop. */
static bool backward_batched(ml_tensor *out, const ml_grad_opts *opts)
{
    ml_scope     scope = ml_scope_begin();
    ml_grad_opts o     = opts ? *opts : (ml_grad_opts){ 0 };
    bool         ok    = batch_of_seeds(out, &o) && ml_backward(out->inner, &o);
    ml_scope_end(&scope);
    return ok;
}

bool ml_backward(ml_tensor *out, const ml_grad_opts *opts)
{
    if (!out) return false;
    if (out->inner) return backward_batched(out, opts);
    pass     p     = begin(opts);
    ml_scope scope = ml_scope_begin();
    bool     ok    = run_pass(&p, &(roots){ &out, opts ? &opts->seed : NULL, 1 });
    for (size_t i = 0; ok && i < p.n_leaves; i++) { /* sums first, so that a failure changes nothing */
        struct leaf *l = &p.leaves[i];
        if (l->leaf->grad) ok = accumulate(&p, &l->sum, &l->owned, l->leaf->grad);
        ok = ok && make_own(&p, l);
    }
    for (size_t i = 0; ok && i < p.n_leaves; i++) {
        struct leaf *l = &p.leaves[i];
        ml_release(l->leaf->grad);
        l->leaf->grad = ml_retain(l->sum);
    }
    finish(&p, ok);
    ml_scope_end(&scope);
    return ok;
}

static bool grad_plain(const roots *r, ml_tensor *const *in, int n, ml_tensor **grads, const ml_grad_opts *opts)
{
    pass p     = begin(opts);
    p.wanted   = in;
    p.found    = grads;
    p.n_wanted = n;
    ml_scope scope = ml_scope_begin();
    bool     ok    = run_pass(&p, r);
    finish(&p, ok);
    ml_scope_end(&scope);
    for (int i = 0; i < n; i++) { /* what was found carries one reference of ours: it goes to the caller's scope */
        if (ok && !grads[i]) grads[i] = ml_zeros(in[i]->shape, (ml_dtype)in[i]->dtype);
        else if (ok && grads[i] && !mli_scope_adopt(grads[i])) ml_release(grads[i]), ok = false;
        else if (!ok) ml_release(grads[i]), grads[i] = NULL;
        ok = ok && grads[i];
    }
    return ok;
}

/* Inside vmap: the batch of results with respect to the batches of inputs, whose elements know nothing of each other. */
static bool grad_batched(ml_tensor *out, ml_tensor *const *in, int n, ml_tensor **grads, const ml_grad_opts *opts)
{
    int64_t      level = out->level;
    size_t       bytes = (size_t)n * sizeof *in;
    ml_tensor  **inner = ml_block_take(bytes);
    ml_grad_opts o     = opts ? *opts : (ml_grad_opts){ 0 };
    bool         ok    = inner && batch_of_seeds(out, &o);
    for (int i = 0; ok && i < n; i++) {
        inner[i] = in[i]->inner;
        if (mli_level_of(in[i]) != level)
            ok = ml_fail("grad: input %d, shape %s, is not part of the vmap that the result is part of; take ml_fresh of it inside", i + 1, ml_shape_text(&in[i]->shape));
    }
    ok = ok && ml_grad(out->inner, inner, n, grads, &o);
    for (int i = 0; ok && i < n; i++) ok = (grads[i] = mli_give_batch(grads[i], level)) != NULL;
    if (inner) ml_block_give(inner, bytes);
    return ok;
}

bool ml_grad(ml_tensor *out, ml_tensor *const *in, int n, ml_tensor **grads, const ml_grad_opts *opts)
{
    if (!out) return false;
    for (int i = 0; i < n; i++) {
        if (!in[i]) return false;
        if (!mli_records(in[i])) return ml_fail("grad: input %d, shape %s, is not recorded; call requires_grad on it first", i + 1, ml_shape_text(&in[i]->shape));
        grads[i] = NULL;
    }
    if (out->inner) return grad_batched(out, in, n, grads, opts);
    bool recorded = out->node || out->requires_grad;
    return grad_plain(&(roots){ &out, opts ? &opts->seed : NULL, recorded }, in, n, grads, opts);
}

bool mli_grad_of_all(ml_tensor **out, ml_tensor **seeds, int n_out, ml_tensor *const *in, int n, ml_tensor **grads, const ml_grad_opts *opts)
{
    for (int i = 0; i < n; i++) grads[i] = NULL;
    return grad_plain(&(roots){ out, seeds, n_out }, in, n, grads, opts);
}

bool mli_reaches_outside(ml_tensor *y, ml_tensor *const *leaves, int n)
{
    pass p     = { .skip_freed = true }; /* one that somebody outside needs is never freed */
    bool found = false;
    y = (ml_tensor *)(uintptr_t)mli_innermost(y);
    if (!y->node) return false;
    p.visit = ++visits;
    if (!collect(&p, y->node)) return true; /* out of memory: better a graph too many than one too few */
    for (size_t i = 0; i < p.used && !found; i++)
        for (int k = 0; !p.nodes[i].node->freed && k < p.nodes[i].node->n_in && !found; k++) {
            const ml_tensor *x = p.nodes[i].node->in[k];
            found = !x->node && x->requires_grad;
            for (int l = 0; found && l < n; l++) {
                found = mli_innermost(leaves[l]) != x;
            }
        }
    if (p.capacity) ml_realloc(p.nodes, p.capacity * sizeof *p.nodes, 0);
    return found;
}
