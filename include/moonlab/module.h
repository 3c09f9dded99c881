/* moonlab/module.h - modules of your own, and what can be done to any: copies, frozen and scaled parameters, hooks.
 *
 *     static ml_tensor *gated(void *ctx, ml_pass *pass, ml_tensor *x)                      // x + gate f(x)
 *     {
 *         (void)ctx;
 *         return ml_add(x, ml_mul(ml_pass_parameter(pass, 0), ml_pass_child(pass, 0, x)));
 *     }
 *     static const char *names[] = { "gate" }, *layers[] = { "f" };
 *     ml_module *m = ml_nn_custom(&(ml_custom){ .kind = "Gated", .forward = gated,
 *         .n_parameters = 1, .parameter_names = names, .parameters = (ml_tensor *[]){ ml_ones(ML_SHAPE(1), ML_F32) },
 *         .n_children   = 1, .child_names = layers,    .children   = (ml_module *[]){ ml_nn_linear(8, 8, NULL) } });
 *
 * Such a module is one like all others: it stands inside containers and has some inside it, it is trained, applied to
 * parameters and buffers that are given, printed, copied, and every transform goes through it.
 */
#ifndef MOONLAB_MODULE_H
#define MOONLAB_MODULE_H

#include "moonlab/nn.h"

/* --- modules of your own -------------------------------------------------------------------------------------------- */
/* One run of a module: what it was given. It is over when forward returns. */
typedef struct ml_pass ml_pass;

typedef struct ml_custom {
    const char *kind;                                               /* "Gated"; copied, as all names are */
    ml_tensor *(*forward)(void *ctx, ml_pass *pass, ml_tensor *x);  /* in the innermost scope; NULL: failed, message set */
    void *(*copy)(void *ctx);                                       /* for a clone; NULL: it has none, unless ctx is NULL too */
    void (*release)(void *ctx);                                     /* when the module goes; NULL: nothing to do */
    void *ctx;
    int                n_parameters, n_buffers, n_children;
    const char *const *parameter_names, *const *buffer_names;
    const char *const *child_names;  /* NULL: by their positions, "1", "2", ... */
    ml_tensor *const  *parameters;   /* leaves of f32 or f64, retained; each becomes one with requires_grad */
    ml_tensor *const  *buffers;      /* retained */
    ml_module *const  *children;     /* these references are taken over, also when it fails and when one is NULL */
} ml_custom;
ml_module *ml_nn_custom(const ml_custom *custom); /* takes ctx over too: release is called when it fails */
/* The ctx of a module that runs this function; NULL without message for another. */
void *ml_custom_context(const ml_module *m, ml_tensor *(*forward)(void *ctx, ml_pass *pass, ml_tensor *x));

ml_tensor *ml_pass_parameter(const ml_pass *pass, int i);  /* own ones, from 0; borrowed; NULL with a message outside */
ml_tensor *ml_pass_buffer(const ml_pass *pass, int i);     /* as it was given, or set since */
bool       ml_pass_set_buffer(ml_pass *pass, int i, ml_tensor *value); /* what it becomes; not recorded */
ml_tensor *ml_pass_child(ml_pass *pass, int i, ml_tensor *x); /* child i on x, with its part of what was given */
bool       ml_pass_training(const ml_pass *pass);
/* A value inside that hooks may see and replace, under the module's path and this name: "3.pattern". Without hooks it is free. */
ml_tensor *ml_pass_point(ml_pass *pass, const char *name, ml_tensor *value);
ml_module *ml_pass_module(const ml_pass *pass);            /* borrowed */
typedef enum ml_part { ML_PART_NONE, ML_PART_PARAMETER, ML_PART_BUFFER, ML_PART_CHILD } ml_part;
ml_part    ml_pass_find(const ml_pass *pass, const char *name, int *i); /* what is called so, and its position; NONE without message */
/* The run of a child that has not begun, to read its parameters by or to run children of its own. `to` has ml_pass_bytes()
 * and lives as long as `pass`. */
size_t     ml_pass_bytes(void);
bool       ml_pass_enter(ml_pass *pass, int child, ml_pass *to);
ml_tensor *ml_pass_run(ml_pass *entered, ml_tensor *x);    /* that child on x */
/* A run to go through again when it is over, as a checkpoint does: what it was given, as it is now. Buffers that are set are forgotten,
 * hooks are not asked. Rewind it before each time. */
ml_pass *ml_pass_keep(const ml_pass *pass);
void     ml_pass_rewind(ml_pass *kept);
void     ml_pass_drop(ml_pass *kept); /* NULL is fine */

/* --- what can be done to any module --------------------------------------------------------------------------------- */
/* The same kinds and values, with parameters and buffers of its own; layers that stand twice do so in the copy too. */
ml_module *ml_module_clone(ml_module *m);
/* A frozen parameter has no gradient, and optimizers let it be; it stays in its place among the parameters. */
bool ml_module_freeze(ml_module *m, int i, bool on);
bool ml_module_frozen(const ml_module *m, int i);
/* Wherever the module reads parameter i it reads factor times it; at first 1. The parameter itself, its gradient and what is
 * saved are without the factor: so initialisation and step size can be traded (nn.parametrise in Lua). */
bool   ml_module_set_factor(ml_module *m, int i, double factor);
double ml_module_factor(const ml_module *m, int i);

/* --- hooks: values seen and replaced on their way -------------------------------------------------------------------- */
/* A point is the result of a module, or a value inside it that it names. Points are called by the way from the module that has
 * the hook: path, then the kind in lower case or the value's own name: "2.relu", "1.inner.3.linear", "3.pattern"; of the module
 * itself the kind alone. A hook sees each point that it wants whenever the module runs: forward, apply, inside transforms.
 * Layers that would have run as one operation run one by one where one of them is wanted. */
typedef struct ml_hook {
    bool (*wants)(void *ctx, const char *point);
    ml_tensor *(*value)(void *ctx, const char *point, ml_tensor *value); /* what goes on in its place; NULL: failed */
    void (*release)(void *ctx);
    void *ctx;
} ml_hook;
int64_t ml_module_hook(ml_module *m, const ml_hook *hook); /* its number; 0 with a message. Takes ctx over, also when it fails */
void    ml_module_unhook(ml_module *m, int64_t number);    /* one that is not there: nothing to do */

#endif
