/* moonlab/io.h - files of numbers: npy, npz, safetensors, IDX, CIFAR and CSV in; npy, npz and safetensors out.
 *
 *     ml_archive *file = ml_load("weights.safetensors", NULL);
 *     ml_tensor  *w    = ml_archive_find(file, "1.weight");      // borrowed; NULL with a message when there is none
 *     ml_archive_free(file);
 *
 *     ml_archive *out = ml_archive_new();
 *     ml_archive_add(out, "w", w);
 *     bool ok = ml_save("weights.npz", out, NULL);
 *     ml_archive_free(out);
 *
 * Files are taken as hostile. Nothing in one is ever run, nor used as a path. Every size is checked against the bytes that are
 * there before memory is taken for it; what is packed (gzip, deflate) may claim no more than 1032 times its packed size, which
 * is the most that deflate can do, and no more than a limit. A file is read whole or refused, with a message that names
 * it, the byte (of CSV the line and column) and the reason. Only regular files are opened.
 *
 * Types that tensors do not have are widened: 16-bit floats to f32, integers to i64 (u64 where the values fit).
 */
#ifndef MOONLAB_IO_H
#define MOONLAB_IO_H

#include "moonlab/tensor.h"

/* --- named tensors, and notes in words: what a file holds ----------------------------------------------------- */
typedef struct ml_archive ml_archive; /* opaque: the fields are in src/io */

ml_archive *ml_archive_new(void);
void        ml_archive_free(ml_archive *a); /* NULL is fine */
/* Holds a reference. False, and as before, when the name is taken or is no UTF-8. */
bool        ml_archive_add(ml_archive *a, const char *name, ml_tensor *t);
bool        ml_archive_note(ml_archive *a, const char *name, const char *text); /* the same for a note */
int         ml_archive_count(const ml_archive *a);
const char *ml_archive_name(const ml_archive *a, int i);   /* in the order of the file; "" where it names nothing */
ml_tensor  *ml_archive_tensor(const ml_archive *a, int i); /* borrowed */
ml_tensor  *ml_archive_find(const ml_archive *a, const char *name); /* borrowed; NULL with a message */
int         ml_archive_n_notes(const ml_archive *a);
const char *ml_archive_note_name(const ml_archive *a, int i);
const char *ml_archive_note_text(const ml_archive *a, int i);
/* CRC-32, as 8 hexadecimal digits, of all names, dtypes, shapes, values and notes but the one called except, in the order of
 * names: that of the file does not matter. False with a message. */
bool        ml_archive_checksum(const ml_archive *a, const char *except, char digits[16]);

/* --- formats ------------------------------------------------------------------------------------------------------ */
typedef enum ml_format {
    ML_FORMAT_GUESS,  /* from the first bytes; where they say nothing (CSV, CIFAR), from the end of the name */
    ML_NPY,           /* one tensor, NumPy's file; versions 1 to 3, either byte order, either layout */
    ML_NPZ,           /* NumPy's archive: npy files in a zip, stored or deflated; no zip64, no encryption */
    ML_SAFETENSORS,   /* named tensors and notes */
    ML_IDX,           /* one tensor, as MNIST's files */
    ML_CIFAR10,       /* "x" (n, 3, 32, 32) u8, "y" (n) i64 */
    ML_CIFAR100,      /* "x", "y" (the fine label), "coarse" */
    ML_CSV,           /* one tensor (lines, columns) f64, its columns' names as notes "1", "2", ... when there is a header */
    ML_FORMAT_COUNT
} ml_format; /* npy, IDX and CSV may be packed with gzip */

const char *ml_format_name(ml_format f);                     /* "npy", ... */
bool        ml_format_parse(const char *name, ml_format *f); /* false with a message */

typedef enum ml_csv_header { ML_HEADER_GUESS, ML_HEADER_YES, ML_HEADER_NO } ml_csv_header; /* guess: not all are numbers */

typedef struct ml_load_opts {
    ml_format     format;    /* default: a guess */
    int           base;      /* CIFAR: what labels count from: C 0, Lua 1 */
    char          delimiter; /* CSV: default a comma, a tab for names that end in .tsv */
    ml_csv_header header;    /* CSV */
    size_t        limit;     /* most bytes that a packed file may unpack to; default ml_load_limit() */
} ml_load_opts;

ml_archive *ml_load(const char *path, const ml_load_opts *opts); /* NULL with a message */
/* The same from memory. name: for messages, and for the guess. */
ml_archive *ml_load_bytes(const void *bytes, size_t n, const char *name, const ml_load_opts *opts);

/* Writes the file whole or not at all. Guesses the format from the end of the path. npy takes one tensor, whatever its name;
 * notes go into safetensors only. The same archive gives the same bytes. */
bool  ml_save(const char *path, const ml_archive *a, const ml_format *format);
void *ml_save_bytes(const ml_archive *a, ml_format format, size_t *n); /* free with ml_realloc(p, n, 0) */

/* Most bytes that a packed file may unpack to: 4 GiB, unless MOONLAB_LOAD_LIMIT=64M says otherwise. */
size_t ml_load_limit(void);

/* MD5 of the content, of what a gzip file unpacks to, as 32 hexadecimal digits: to know a published file again; it proves
 * nothing against an adversary. False with a message. Rivest 1992, RFC 1321. */
bool ml_file_md5(const char *path, char digits[33]);

#endif
