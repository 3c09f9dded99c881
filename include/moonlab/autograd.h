/* moonlab/autograd.h - recording and derivatives of any order.
 *
 *     ml_requires_grad(w, true);
 *     ml_tensor *loss = ml_mse(ml_matmul(x, w), y);
 *     ml_backward(loss, NULL);                                   // ml_tensor_grad(w) holds d loss / d w
 *
 *     ml_tensor *g[1];                                           // higher order: a gradient is a recorded result too
 *     ml_grad(loss, &w, 1, g, &(ml_grad_opts){ .create_graph = true });
 */
#ifndef MOONLAB_AUTOGRAD_H
#define MOONLAB_AUTOGRAD_H

#include "moonlab/ops.h"

typedef struct ml_grad_opts {
    ml_tensor *seed;         /* dy of the output, of its shape; NULL = 1, then the output must be a single number */
    bool       keep_graph;   /* the graph may be used again; else it is freed */
    bool       create_graph; /* record the gradients themselves; implies keep_graph */
    bool       nested;       /* create_graph if, and only if, a leaf other than the inputs has requires_grad: somebody outside */
} ml_grad_opts;

/* Adds d out / d leaf to the gradient of every leaf with requires_grad. False on error; then no gradient changed. */
bool ml_backward(ml_tensor *out, const ml_grad_opts *opts);

/* d out / d in[i] into grads[i] (in the innermost scope); zeros where out does not depend on it. The inputs may be
 * leaves or results; the leaves' own gradients are left alone. */
bool ml_grad(ml_tensor *out, ml_tensor *const *in, int n, ml_tensor **grads, const ml_grad_opts *opts);

bool ml_recording(void);              /* are operations recorded on this thread? */
bool ml_set_recording(bool on);       /* returns what it was, to put it back */

/* With it on, the first operation whose output has a NaN or an infinity, forward or backward, fails and is named. */
void ml_detect_anomaly(bool on);
bool ml_anomaly_detection(void);

#endif
