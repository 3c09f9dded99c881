/* Fuzzing without libFuzzer, with any compiler: mutates the seeds of each format, always in the same way, and leaves the
 * input that broke something behind.
 *
 *     fuzz FORMAT [INPUTS]       mutates so many times (default 20000)
 *     fuzz FORMAT seeds FOLDER   writes the seeds there, for libFuzzer
 *     fuzz FORMAT file PATH      tries one file
 */
#include "fuzz.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST 8192

static uint8_t  input[LONGEST];
static size_t   input_bytes;
static uint64_t counter;

static uint32_t draw(uint32_t below) /* Philox: the same on every machine */
{
    uint32_t r[4];
    ml_philox(ml_key_of(7, 7), counter++, r);
    return r[0] % below;
}

static void mutate(void)
{
    static const uint32_t edges[] = { 0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF };
    static const char     marks[] = "{}[](),:'\"\\0123456789<>|=-+.eE \n";
    size_t                at = input_bytes ? draw((uint32_t)input_bytes) : 0, k = 1 + draw(8);
    uint32_t              edge = edges[draw(sizeof edges / sizeof *edges)];
    switch (draw(8)) {
    case 0: if (input_bytes) input[at] ^= (uint8_t)(1u << draw(8)); break;
    case 1: if (input_bytes) input[at] = (uint8_t)draw(256); break;
    case 2: if (input_bytes) input[at] = (uint8_t)marks[draw(sizeof marks - 1)]; break;
    case 3: /* an edge of a number, in either order of bytes */
        for (size_t i = 0, turned = draw(2); i < 4 && at + i < input_bytes; i++) input[at + i] = (uint8_t)(edge >> 8 * (turned ? 3 - i : i));
        break;
    case 4: /* cut out */
        if (k > input_bytes - at) k = input_bytes - at;
        memmove(input + at, input + at + k, input_bytes - at - k);
        input_bytes -= k;
        break;
    case 5: /* put in: what stands there once more */
        if (k > input_bytes - at) k = input_bytes - at;
        if (input_bytes + k > LONGEST) break;
        memmove(input + at + k, input + at, input_bytes - at);
        input_bytes += k;
        break;
    case 6: input_bytes = at; break;
    default: /* a copy from elsewhere */
        if (input_bytes) {
            size_t from = draw((uint32_t)input_bytes);
            for (size_t i = 0; i < 4 * k && from + i < input_bytes && at + i < input_bytes; i++) input[at + i] = input[from + i];
        }
    }
}

static const char *format_name;

static void keep_input(int sig)
{
    char  path[64];
    snprintf(path, sizeof path, "fuzz-%s.broken", format_name);
    FILE *f = fopen(path, "wb");
    if (f) {
        fwrite(input, 1, input_bytes, f);
        fclose(f);
        fprintf(stderr, "the input is in %s\n", path);
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

static int write_seeds(const fuzz_seed *seeds, int n, const char *folder)
{
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s-%d", folder, format_name, i);
        if (!ml_file_write(path, seeds[i].bytes, seeds[i].n)) return fprintf(stderr, "%s\n", ml_error_message()), 1;
    }
    return 0;
}

static int try_file(ml_format format, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return perror(path), 1;
    static uint8_t bytes[1 << 20];
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    fuzz_one(format, bytes, n);
    return 0;
}

int main(int argc, char **argv)
{
    fuzz_seed seeds[FUZZ_MOST_SEEDS];
    ml_format format;
    if (argc < 2 || !ml_format_parse(argv[1], &format)) return fprintf(stderr, "usage: fuzz FORMAT [INPUTS | seeds FOLDER | file PATH]\n"), 2;
    format_name = argv[1];
    if (argc == 4 && strcmp(argv[2], "file") == 0) return try_file(format, argv[3]);
    int n = fuzz_seeds(format, seeds);
    if (argc == 4 && strcmp(argv[2], "seeds") == 0) {
        int code = write_seeds(seeds, n, argv[3]);
        for (int i = 0; i < n; i++) free(seeds[i].bytes);
        return code;
    }
    long inputs = argc > 2 ? atol(argv[2]) : 20000;
    signal(SIGABRT, keep_input);
    for (int i = 0; i < n; i++) { /* a seed that is refused would test nothing */
        ml_archive *a = ml_load_bytes(seeds[i].bytes, seeds[i].n, "seed", &(ml_load_opts){ .format = format });
        if (!a) return fprintf(stderr, "seed %d of %s: %s\n", i, format_name, ml_error_message()), 1;
        ml_archive_free(a);
    }
    for (long i = 0; i < inputs; i++) {
        const fuzz_seed *seed = &seeds[draw((uint32_t)n)];
        input_bytes           = seed->n < LONGEST ? seed->n : LONGEST;
        memcpy(input, seed->bytes, input_bytes);
        for (uint32_t k = 1 + draw(6); k > 0; k--) mutate();
        fuzz_one(format, input, input_bytes);
    }
    printf("%s: %ld inputs\n", format_name, inputs);
    for (int i = 0; i < n; i++) free(seeds[i].bytes);
    return 0;
}
