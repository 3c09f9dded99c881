/* What the two files of the safetensors reader share. */
#ifndef MOONLAB_IO_SAFETENSORS_H
#define MOONLAB_IO_SAFETENSORS_H

#include "io/io_impl.h"

#define MLI_MOST_TENSORS 65536

typedef struct mli_scan {
    const mli_source *source;
    char             *begin, *at, *end; /* the header; it is decoded in place */
} mli_scan;

typedef struct mli_entry {
    const char *name; /* in the header */
    mli_element element;
    ml_shape    shape;
    uint64_t    begin, end; /* from the end of the header on */
} mli_entry;

typedef struct mli_header {
    mli_entry *entries;
    int        n, room;
    uint64_t   data_bytes; /* in the file, behind the header */
} mli_header;

/* Fills h, whose entries the caller frees, also after a failure; notes go into the archive. */
bool mli_header_read(mli_scan *s, mli_header *h, ml_archive *into);

#endif
