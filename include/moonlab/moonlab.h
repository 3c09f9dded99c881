/* moonlab/moonlab.h - all of moonlab for a C program; examples/c shows one. Each header is the manual page of its part:
 *
 *     base.h      errors, memory, threads          tensor.h    arrays, scopes, random numbers
 *     ops.h       every operation (op_list.h)      autograd.h  derivatives of any order
 *     fuse.h      pointwise chains in one pass
 *     nn.h        layers, initialisers             optim.h     SGD, AdamW, Muon, ...
 *     module.h    modules of your own, hooks, copies
 *     data.h      data sets made by rule           io.h        files: npy, npz, safetensors, IDX, CIFAR, CSV
 *     run.h       run directories, progress, Ctrl-C
 *     figure.h    pictures, to files and live      linalg.h    factorisations, spectra of functions
 *     index.h     x[...], read and written
 */
#ifndef MOONLAB_MOONLAB_H
#define MOONLAB_MOONLAB_H

#include "moonlab/autograd.h"
#include "moonlab/base.h"
#include "moonlab/data.h"
#include "moonlab/figure.h"
#include "moonlab/fuse.h"
#include "moonlab/index.h"
#include "moonlab/io.h"
#include "moonlab/knobs.h"
#include "moonlab/linalg.h"
#include "moonlab/module.h"
#include "moonlab/nn.h"
#include "moonlab/ops.h"
#include "moonlab/optim.h"
#include "moonlab/run.h"
#include "moonlab/tensor.h"

#endif
